"""Runs a command on a terminal of its own, types each answer once the question before it is on the screen, and writes
the screen to standard output. The first argument is a list in JSON of pairs, question and answer."""

import json, os, pty, select, signal, sys

answers = json.loads(sys.argv[1])
child, screen = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown, seen = b"", 0
while True:
    # Nobody types what is not asked for.
    if not select.select([screen], [], [], 120)[0]:
        os.kill(child, signal.SIGTERM)
    try:
        data = os.read(screen, 4096)
    except OSError:
        break
    if not data:
        break
    shown += data
    while answers and shown.find(answers[0][0].encode(), seen) >= 0:
        question, answer = answers.pop(0)
        seen = shown.find(question.encode(), seen) + len(question)
        os.write(screen, answer.encode())
sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
