#!/usr/bin/env python3
"""Times one QEMU build done three ways, run by turns so that a busy machine is busy for all of them.

usage: IMGFORGE_BIN=... script/lib/qemu_bench.py GUEST_FOLDER CONTESTANT...

Contestants: `floor` is the work itself, with every wait ended by its event; `imgforge` and `packer` build the same
legacy JSON template, in which all that makes packer wait for nothing is switched off.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 5
TARGET = 1.08
COMMANDS = ["echo one > /root/one", "echo two > /root/two", "echo three > /root/three"]
POWEROFF = "poweroff -f"
KERNEL_LINE = "console=ttyS0 quiet"
SSH_OPTIONS = [
    *("-F", "none", "-n"),
    *("-o", "StrictHostKeyChecking=no"),
    *("-o", "UserKnownHostsFile=/dev/null"),
    *("-o", "LogLevel=ERROR"),
    *("-o", "ConnectTimeout=30"),
]


def free_port():
    """A port of 127.0.0.1 that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, **options):
    """A process that is over when the block is left, however that is."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def qemu(guest, disk, port):
    """A machine with the arguments that the template below leads to."""
    return running(
        [
            "qemu-system-x86_64",
            *("-name", "floor"),
            *("-machine", "type=q35,accel=tcg"),
            *("-cpu", "max"),
            *("-smp", "2"),
            *("-m", "256M"),
            *("-boot", "c"),
            *("-display", "none"),
            *("-drive", f"file={disk},if=virtio,cache=writeback,discard=ignore,format=qcow2"),
            *("-netdev", f"user,id=user.0,hostfwd=tcp:127.0.0.1:{port}-:22"),
            *("-device", "virtio-net,netdev=user.0"),
            *("-kernel", f"{guest}/vmlinuz"),
            *("-initrd", f"{guest}/initrd.gz"),
            *("-append", KERNEL_LINE),
        ]
    )


def wait_for_banner(machine, port):
    """Asks every 20 ms, and gives a silent connection 0.5 s: QEMU accepts long before the guest listens."""
    while machine.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            pass
        time.sleep(0.02)
    sys.exit("the guest's QEMU ended before it answered")


def ssh(port, key, command, *options, environment=None):
    """Runs a command as root. The status is not looked at: a guest that powers off takes the connection with it."""
    identity = ["-i", key, "-o", "IdentitiesOnly=yes"]
    destination = ["-p", str(port), "root@127.0.0.1", command]
    command = ["ssh", *SSH_OPTIONS, *identity, *options, *destination]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def prepare(guest, work, key):
    """A base disk that lets the key in, and has its host keys: making those is no part of a build."""
    base, port = f"{work}/base.qcow2", free_port()
    shutil.copy(f"{guest}/disk.qcow2", base)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with open(f"{key}.pub", encoding="utf-8") as public:
        authorized = public.read().strip()
    askpass = os.path.join(os.path.dirname(os.path.abspath(__file__)), "askpass")
    environment = os.environ | {"SSH_ASKPASS": askpass, "SSH_ASKPASS_REQUIRE": "force"}
    steps = f"umask 077; mkdir -p /root/.ssh; echo '{authorized}' > /root/.ssh/authorized_keys"
    with qemu(guest, base, port) as machine:
        wait_for_banner(machine, port)
        first = ssh(port, key, steps, "-o", "HostKeyAlgorithms=ssh-ed25519", environment=environment)
        # The other kind that clients ask for.
        second = ssh(port, key, "true", "-o", "HostKeyAlgorithms=ecdsa-sha2-nistp256", "-o", "BatchMode=yes")
        if first.returncode or second.returncode:
            sys.exit(f"the base disk could not be prepared: {first.stderr}{second.stderr}")
        ssh(port, key, f"sync; {POWEROFF}", "-o", "BatchMode=yes")
        machine.wait()
    return base


def floor(guest, base, key, folder):
    """What has to be done, and nothing else."""
    disk, port = f"{folder}/disk.qcow2", free_port()
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, disk], **quiet)
    with qemu(guest, disk, port) as machine:
        wait_for_banner(machine, port)
        ssh(port, key, " && ".join([*COMMANDS, POWEROFF]), "-o", "BatchMode=yes")
        machine.wait()
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", disk, f"{folder}/guest.qcow2"], **quiet)
    os.remove(disk)


def template(guest, base, key, folder):
    """For imgforge and packer 1.6.6 alike."""
    return {
        "builders": [
            {
                "type": "qemu",
                "iso_url": base,
                "iso_checksum": "none",
                "disk_image": True,
                "skip_resize_disk": True,
                "format": "qcow2",
                "accelerator": "tcg",
                "machine_type": "q35",
                "headless": True,
                "disable_vnc": True,
                "boot_wait": "-1s",
                "cpus": 2,
                "memory": 256,
                "qemuargs": [
                    ["-cpu", "max"],
                    ["-kernel", f"{guest}/vmlinuz"],
                    ["-initrd", f"{guest}/initrd.gz"],
                    ["-append", KERNEL_LINE],
                ],
                "ssh_username": "root",
                "ssh_private_key_file": key,
                "ssh_timeout": "2m",
                "shutdown_command": POWEROFF,
                "output_directory": f"{folder}/out",
                "vm_name": "guest.qcow2",
            }
        ],
        "provisioners": [{"type": "shell", "inline": [command]} for command in COMMANDS],
    }


def build(program, guest, base, key, folder):
    """`imgforge build` or `packer build`."""
    path = f"{folder}/template.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(template(guest, base, key, folder), file, indent=2)
    environment = os.environ | {
        "CHECKPOINT_DISABLE": "1",
        "PACKER_CACHE_DIR": f"{folder}/cache",
        "IMGFORGE_STATE_DIR": f"{folder}/state",
        "TMPDIR": folder,
    }
    with open(f"{folder}/log", "w+", encoding="utf-8") as log:
        with running([program, "build", path], env=environment, stdout=log, stderr=log) as process:
            code = process.wait()
        if code or not os.path.exists(f"{folder}/out/guest.qcow2"):
            log.seek(0)
            sys.exit(f"{program} build ended with {code}:\n{log.read()}")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    guest, *names = sys.argv[1:]
    # An exception, so that every `with` is left in order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="imgforge-bench-") as work:
        key = f"{work}/key"
        base = prepare(guest, work, key)
        contestants = {
            "floor": lambda folder: floor(guest, base, key, folder),
            "imgforge": lambda folder: build(os.environ["IMGFORGE_BIN"], guest, base, key, folder),
            "packer": lambda folder: build("/usr/bin/packer", guest, base, key, folder),
        }
        if unknown := set(names) - set(contestants):
            sys.exit(f"no such contestant: {', '.join(unknown)}")
        seconds = {name: [] for name in names}
        for turn in range(RUNS):
            for name in names:
                with tempfile.TemporaryDirectory(dir=work) as folder:
                    started = time.monotonic()
                    contestants[name](folder)
                    seconds[name].append(time.monotonic() - started)
                    print(f"run {turn + 1} of {RUNS}: {name:9}{seconds[name][-1]:6.2f} s", flush=True)
    report(seconds)


def report(seconds):
    """A line a contestant; the ratio is that of the medians."""
    least = statistics.median(seconds["floor"]) if "floor" in seconds else None
    print("\nQEMU build of the tiny guest, three shell provisioners, seconds")
    print(f"{'':10}{'median':>8}{'least':>8}{'most':>8}{'over the floor':>18}")
    for name, times in seconds.items():
        median = statistics.median(times)
        ratio = f"{median / least:.2f}" if least else "-"
        note = f"   (target: at most {TARGET})" if name == "imgforge" else ""
        print(f"{name:10}{median:8.2f}{min(times):8.2f}{max(times):8.2f}{ratio:>18}{note}")


if __name__ == "__main__":
    main()
