"""Accounts inside of guests: everybody who has a key has one, as the real guest agent makes them.

This machine gets none of them. An sshd of ours reads its accounts from a file of its own, by libnss_wrapper; whoever is
in it only there is, to the system, the local account that the settings name.
"""

from __future__ import annotations

import pwd
from pathlib import Path
from typing import Iterable

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/libnss_wrapper.so"))), None)


def write(folder: Path, users: Iterable[str], local: str) -> None:
    """Writes the file: those that the machine has, and these users."""
    known = {account.pw_name: account for account in pwd.getpwall()}
    player = known[local]
    lines = [":".join(map(str, account)) for account in known.values()]
    for user in sorted(set(users) - known.keys()):
        lines.append(f"{user}:x:{player.pw_uid}:{player.pw_gid}::{player.pw_dir}:{player.pw_shell}")
    file = folder / "passwd"
    unfinished = file.with_suffix(".new")
    unfinished.write_text("\n".join(lines) + "\n")
    unfinished.replace(file)


def environment(folder: Path) -> dict[str, str]:
    """What makes an sshd read the file."""
    return {"LD_PRELOAD": str(LIBRARY), "NSS_WRAPPER_PASSWD": f"{folder}/passwd", "NSS_WRAPPER_GROUP": "/etc/group"}
