"""The bytes of disks and images: sparse files of their whole size, one each, named by the resource's id.

A public image has a line that names it at its beginning; a disk made from an image has the image's bytes, and an image
made from a disk the disk's, so that a test can follow what was written where.
"""

from __future__ import annotations

import os
import pwd
import tarfile
from pathlib import Path
from typing import IO

from call import Json
from world import World

BLOCK = 1 << 20


def place(world: World, resource: Json) -> Path:
    """Where the bytes of a disk or an image are."""
    return world.folder / "bytes" / str(resource["id"])


def size(world: World, gigabytes: str) -> int:
    return int(gigabytes) * int(world.settings["bytes_per_gb"])


def blank(world: World, resource: Json, gigabytes: str, begin: bytes = b"") -> None:
    """New bytes: zeros, after those it begins with."""
    path = place(world, resource)
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.write(begin)
        file.truncate(max(size(world, gigabytes), len(begin)))
    own(world, path)


def of_image(world: World, image: Json) -> Path:
    """The bytes of an image; those that the cloud itself has, or a seed, are made when they are first wanted."""
    if not place(world, image).exists():
        blank(world, image, image["diskSizeGb"], f"fake disk of the image {image['name']}\n".encode())
    return place(world, image)


def of_disk(world: World, disk: Json) -> Path:
    if not place(world, disk).exists():
        blank(world, disk, disk["sizeGb"], f"fake disk {disk['name']}\n".encode())
    return place(world, disk)


def copy(world: World, source: Path, resource: Json, gigabytes: str) -> None:
    """The bytes of another, in a file of the new one's size. Holes stay holes."""
    blank(world, resource, gigabytes)
    end = source.stat().st_size
    with source.open("rb") as old, place(world, resource).open("r+b") as new:
        position = 0
        while position < end:
            try:
                start = os.lseek(old.fileno(), position, os.SEEK_DATA)
            except OSError:
                return  # Nothing but a hole is left.
            position = os.lseek(old.fileno(), start, os.SEEK_HOLE)
            old.seek(start)
            new.seek(start)
            write(old, new, position - start)


def unpack(world: World, archive: Path, resource: Json) -> int:
    """The bytes of the `disk.raw` in a tar.gz; returns how many there are.

    Raises `tarfile.TarError`, `OSError`, `EOFError` or `KeyError` for what is no such archive.
    """
    with tarfile.open(archive, "r:gz") as tar:
        member = tar.getmember("disk.raw")
        raw = tar.extractfile(member)
        if raw is None:
            raise KeyError("disk.raw is no file")
        blank(world, resource, "0")
        with place(world, resource).open("r+b") as new:
            new.truncate(member.size)
            write(raw, new, member.size)
    return member.size


def write(old: IO[bytes], new: IO[bytes], length: int) -> None:
    zeros = bytes(BLOCK)
    while length > 0 and (data := old.read(min(BLOCK, length))):
        if data == zeros:
            new.seek(len(data), os.SEEK_CUR)
        else:
            new.write(data)
        length -= len(data)


def remove(world: World, resource: Json) -> None:
    place(world, resource).unlink(missing_ok=True)


def own(world: World, path: Path) -> None:
    """Guests may read and write it."""
    if os.geteuid() == 0:
        account = pwd.getpwnam(world.settings["ssh_account"])
        os.chown(path, account.pw_uid, account.pw_gid)
