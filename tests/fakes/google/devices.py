"""Disks of guests where programs look for them: `/dev/disk/by-id/google-DEVICENAME`.

These names are one for all guests, which have the file system of this machine. A name that another guest has already is
not taken from it; `FAKE_DISKS` has them all. Who is not root gets none.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

FOLDER = Path("/dev/disk/by-id")


def add(name: str, file: Path) -> None:
    """Shows a disk by its name."""
    with contextlib.suppress(FileExistsError, PermissionError):
        FOLDER.mkdir(parents=True, exist_ok=True)
        link = FOLDER / name
        if link.is_symlink() and not link.exists():
            # A fake that was killed left it.
            link.unlink()
        link.symlink_to(file)


def remove(name: str, file: Path) -> None:
    """Takes it away again, if it is this guest's."""
    link = FOLDER / name
    if link.is_symlink() and os.readlink(link) == str(file):
        link.unlink()
