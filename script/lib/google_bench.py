#!/usr/bin/env python3
"""Counts the calls of a Google Cloud build, and times it over the least that it could take.

usage: IMGFORGE_BIN=... script/lib/google_bench.py

On the fake every operation takes two seconds. The least is the longest chain of operations that need each other: make the
machine, stop it, make the image, delete the machine. What the machine itself takes, from running to told to stop, is SSH's
and the scripts' and taken off. Median of five runs.
"""

import collections
import statistics
import sys

import google

OPERATION = 2.0
CHAIN = ["compute.instances.insert", "compute.instances.stop", "compute.images.insert", "compute.instances.delete"]
RUNS = 5
TARGET = 1.1
# How many calls the plugin of Packer makes for a plain build, by its sequence of steps.
PACKER_CALLS = 21


def measure(number):
    """Seconds of one build without the machine's own, and its calls."""
    with google.Fake(operation_seconds=OPERATION) as fake:
        seconds = google.timed(google.template(fake, f"bench-{number}"))
        log = fake.call("log")
        violations = fake.call("violations")
    if violations:
        sys.exit("\n".join(violations))
    at = {entry["method"]: entry["seconds"] for entry in log}
    missing = [method for method in CHAIN if method not in at]
    if missing:
        sys.exit(f"the build made no {', '.join(missing)}")
    machine = at["compute.instances.stop"] - at["compute.instances.insert"] - OPERATION
    return seconds - machine, machine, collections.Counter(entry["method"] for entry in log)


def main():
    runs = [measure(number) for number in range(RUNS)]
    least = OPERATION * len(CHAIN)
    seconds = statistics.median(run[0] for run in runs)
    calls = runs[0][2]
    print(f"googlecompute: {sum(calls.values())} calls (Packer's plugin: {PACKER_CALLS})")
    for method, count in sorted(calls.items()):
        print(f"    {count:3} {method}")
    print(
        f"googlecompute: {seconds:.2f} s beside {statistics.median(run[1] for run in runs):.2f} s of the machine's own, "
        f"over {least:.0f} s of operations that need each other: {seconds / least:.2f} (at most {TARGET})"
    )
    sys.exit(0 if seconds / least <= TARGET else 1)


if __name__ == "__main__":
    main()
