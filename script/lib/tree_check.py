#!/usr/bin/env python3
"""What this project promises about its own files, checked one promise a call.

usage: script/lib/tree_check.py pure | architecture | length     (in the root of the repository)
Prints what is broken, one `file:line: text` a line, and exits with 1; `length` only lists.
"""

import os
import re
import subprocess
import sys

# imgforge-template gets files, environment and clock through its `Host` trait alone.
IMPURE = ("fs", "env", "net", "process", "thread", "os")
IMPURE_USE = re.compile(r"\bstd::(?:%s)\b|\btokio\b" % "|".join(IMPURE))
CLOCK = re.compile(r"\b(?:SystemTime|Instant)::now\b")
IMPURE_GROUP = re.compile(r"\bstd::\{([^;]*)\}", re.DOTALL)

# What in backticks is a path: something with a slash, or a file name of a kind that we have.
PATH = re.compile(r"\.?[\w.-]+(?:/[\w.{},-]+)*/?")
SUFFIXES = (".rs", ".md", ".toml", ".yml", ".py", ".hcl")

LONG = 600


def tracked(*patterns):
    """Files that git knows, or would know after `git add .`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [name for name in names if os.path.exists(name)]


def without_comments(text):
    """The code, with comments blanked out and lines kept."""
    return re.sub(r"(?<![:\"])//.*", "", text)


def pure():
    """The template crate does no I/O, in its code and in what it depends on."""
    for name in tracked("crates/template/src/*.rs"):
        code = without_comments(open(name, encoding="utf-8").read())
        # A test may measure how long something takes.
        is_test = "/tests/" in name or name.endswith("/tests.rs")
        for number, line in enumerate(code.splitlines(), 1):
            if is_test:
                # A test may also choose how large the stack is that the code has to do with.
                line = line.replace("std::thread", "")
            if match := IMPURE_USE.search(line) or (not is_test and CLOCK.search(line)):
                yield f"{name}:{number}: `{match[0]}` in the pure crate: take it from the host"
        for group in IMPURE_GROUP.finditer(code):
            for word in re.findall(r"\w+", group[1]):
                if word in IMPURE:
                    number = code.count("\n", 0, group.start()) + 1
                    yield f"{name}:{number}: `std::{{{word}}}` in the pure crate: take it from the host"
    command = "cargo tree --locked -p imgforge-template -e normal --prefix none --all-features --target all".split()
    tree = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for package in sorted(set(re.findall(r"^(tokio|mio|async-std|smol|reqwest|hyper|russh)\b", tree, re.MULTILINE))):
        yield f"crates/template/Cargo.toml:1: `{package}` is in its dependency tree"


def expand(path):
    """`src/{a,b}.rs` as the shell would: one level is enough."""
    match = re.search(r"\{([^{}]*)\}", path)
    if not match:
        return [path]
    return [path[: match.start()] + word + path[match.end() :] for word in match[1].split(",")]


def architecture():
    """Every path that ARCHITECTURE.md names is there."""
    names = tracked()
    for number, line in enumerate(open("ARCHITECTURE.md", encoding="utf-8"), 1):
        for quoted in re.findall(r"`([^`\n]+)`", line):
            if not PATH.fullmatch(quoted) or not ("/" in quoted or quoted.endswith(SUFFIXES)):
                continue
            for path in expand(quoted):
                bare = "/" not in path and any(os.path.basename(name) == path for name in names)
                if not bare and not os.path.exists(path):
                    yield f"ARCHITECTURE.md:{number}: `{path}` does not exist"


def length():
    """Files that may have a second subject."""
    for name in tracked("*.rs"):
        lines = sum(1 for _ in open(name, encoding="utf-8"))
        if lines > LONG:
            yield f"{name}:1: {lines} lines: look for the second subject"


def main():
    checks = {check.__name__: check for check in (pure, architecture, length)}
    if len(sys.argv) != 2 or sys.argv[1] not in checks:
        sys.exit(__doc__)
    found = list(checks[sys.argv[1]]())
    for line in found:
        print(line)
    sys.exit(1 if found and sys.argv[1] != "length" else 0)


if __name__ == "__main__":
    main()
