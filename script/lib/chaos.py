#!/usr/bin/env python3
"""Kills builds at random moments and looks for what they left in the cloud.

usage: IMGFORGE_BIN=... script/lib/chaos.py [--kill N] [--terminate N] [--seed S] [--at-once N]

N builds are ended by SIGKILL and cleaned up after, half by their journal and half from an empty state folder by their
run's label; N by SIGTERM, which have ten seconds to clean up themselves. Nothing of theirs may be left then but an image
that was finished before, and ten resources of somebody else have to be as they were. Exits with 1 otherwise.
"""

import argparse
import concurrent.futures
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import google

# How long a run may take to end after SIGTERM: what a CI system gives it before SIGKILL.
GRACE = 10
SLOWEST = 120


def foreign():
    """Ten resources of somebody else, some of them named and labelled much like ours."""
    zone, images = f"projects/{google.PROJECT}/zones/{google.ZONE}", f"projects/{google.PROJECT}/global/images"
    named = {
        f"{images}/imgforge-golden": {"labels": {"team": "web"}},
        f"{images}/packer-demo": {},
        f"{images}/artifact": {"labels": {"imgforge-run": "0123456789abcdef", "imgforge-role": "artifact"}},
        f"{images}/other-run": {"labels": {"imgforge-run": "fedcba9876543210", "imgforge-role": "temp"}},
        f"{zone}/disks/data": {"sizeGb": "10"},
        f"{zone}/disks/imgforge-data": {"sizeGb": "10", "labels": {"team": "web"}},
        f"{zone}/disks/other-run": {"sizeGb": "10", "labels": {"imgforge-run": "fedcba9876543210", "imgforge-role": "temp"}},
        f"{zone}/instances/web": {},
        f"{zone}/instances/packer-web": {"labels": {"team": "web"}},
        f"{zone}/instances/other-run": {"labels": {"imgforge-run": "fedcba9876543210", "imgforge-role": "temp"}},
    }
    return named


def runs(state):
    """The runs that a state folder knows."""
    folder = pathlib.Path(state) / "runs"
    return [entry.name.lstrip(".") for entry in folder.iterdir()] if folder.is_dir() else []


def cleanup(folder, environment, arguments):
    """`imgforge cleanup`, and what it said."""
    ended = subprocess.run(
        [google.program(), "cleanup", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=SLOWEST, stdin=subprocess.DEVNULL,
    )
    return ended.returncode, ended.stdout + ended.stderr


def left(fake, run, image):
    """What of a run is still there, but for an image that it had finished."""
    found = []
    for path, resource in fake.resources().items():
        labels = resource.get("labels", {})
        is_ours = labels.get("imgforge-run") == run or f"imgforge-{run}" in path or path.endswith(f"/{image}")
        if is_ours and labels.get("imgforge-role") != "artifact":
            found.append(path)
    return found


def one(fake, kind, number, moment):
    """One build that is ended at a moment. Returns what is wrong, if anything is."""
    image = f"chaos-{kind}-{number}"
    with google.workplace(google.template(fake, image)) as (folder, environment):
        process = google.build(folder, environment)
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            pass
        known = runs(folder / "state")
        told = ""
        if kind == "terminate":
            process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            try:
                process.wait(timeout=SLOWEST)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            seconds = time.monotonic() - started
            if seconds > GRACE:
                return f"{image} at {moment:.2f} s: took {seconds:.1f} s to end"
        else:
            process.kill()
            process.wait()
            # The journal has no token in it.
            environment = {**environment, "GOOGLE_OAUTH_ACCESS_TOKEN": google.TOKEN}
            if number % 2 == 0:
                code, told = cleanup(folder, environment, [])
            else:
                code, told = 0, ""
                for run in known:
                    with tempfile.TemporaryDirectory() as empty:
                        # All that a CI job on another machine has: the run's number, the project, credentials.
                        own = {**environment, "IMGFORGE_STATE_DIR": empty}
                        arguments = ["--run", run, "--gce-project", google.PROJECT]
                        for key, address in fake.endpoints().items():
                            arguments += ["--gce-endpoint", f"{key}={address}"]
                        code, said = cleanup(folder, own, arguments)
                        told += said
            if code != 0:
                return f"{image} at {moment:.2f} s: cleanup ended with {code}\n{told}"
        for run in known or ["-"]:
            rest = left(fake, run, image)
            if rest:
                said = (folder / "output.txt").read_text(errors="replace")
                return f"{image} (run {run}) at {moment:.2f} s left {', '.join(rest)}\n{said}\n{told}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kill", type=int, default=500)
    parser.add_argument("--terminate", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--at-once", type=int, default=4)
    options = parser.parse_args()
    print(f"chaos: seed {options.seed}", flush=True)
    moments = random.Random(options.seed)
    with google.Fake(operation_seconds=0.2) as fake:
        others = foreign()
        fake.call("seed", others)
        whole = max(google.timed(google.template(fake, f"whole-{number}")) for number in range(2))
        before = {path: json.dumps(fake.resources()[path], sort_keys=True) for path in others}
        # Builds that run beside each other take longer than one by itself.
        longest = whole * (1 + options.at_once / 4)
        work = [("kill", number) for number in range(options.kill)]
        work += [("terminate", number) for number in range(options.terminate)]
        wrong = []
        with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
            tasks = [pool.submit(one, fake, kind, number, moments.uniform(0, longest)) for kind, number in work]
            for done, task in enumerate(concurrent.futures.as_completed(tasks), 1):
                if task.result():
                    wrong.append(task.result())
                    print(task.result(), flush=True)
                if done % 50 == 0:
                    print(f"chaos: {done} of {len(work)}, {len(wrong)} wrong", flush=True)
        after = fake.resources()
        changed = [path for path, text in before.items() if json.dumps(after.get(path), sort_keys=True) != text]
        violations = fake.call("violations")
    print(
        f"chaos: {options.kill} killed, {options.terminate} terminated within {longest:.1f} s of their start: "
        f"{len(wrong)} left something, {len(changed)} of {len(before)} foreign resources touched, "
        f"{len(violations)} requests against Google's documents"
    )
    for text in [*changed, *violations]:
        print(text)
    sys.exit(1 if wrong or changed or violations else 0)


if __name__ == "__main__":
    main()
