"""The objects of Cloud Storage: their metadata, and their bytes in files.

The part `buckets` of the state is `{bucket: {object: metadata}}`; the bytes lie in the world's folder. A seed has the
same shape, with a text, or `{"base64": "..."}`, for each object.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import crc32c
from call import Json, Refused

if TYPE_CHECKING:
    from world import World

# What a client may say of an object; the rest is Google's.
WRITABLE = {
    "cacheControl",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "contentType",
    "customTime",
    "metadata",
    "storageClass",
}


def timestamp() -> str:
    """Now, as Cloud Storage writes it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def objects_of(world: World, bucket: str) -> Json:
    """The bucket's objects by name, or 404."""
    objects: Json | None = world.part("buckets").get(bucket)
    if objects is None:
        raise Refused(404, "notFound", "The specified bucket does not exist.")
    return objects


def object_of(world: World, bucket: str, name: str, generation: str | None = None) -> Json:
    """The metadata of the object of that generation, or of any without one; or 404."""
    found: Json | None = objects_of(world, bucket).get(name)
    if found is None or generation not in (None, found["generation"]):
        raise Refused(404, "notFound", f"No such object: {bucket}/{name}")
    return found


def file_of(world: World, metadata: Json) -> Path:
    """Where the bytes of an object lie."""
    return world.folder / "objects" / str(metadata["generation"])


def check_conditions(query: Json, metadata: Json | None, prefix: str = "if") -> None:
    """Refuses what `ifGenerationMatch` and its like forbid; with prefix `ifSource` the conditions on the source."""
    for name in ("generation", "metageneration"):
        actual = metadata[name] if metadata else "0"
        wanted = query.get(f"{prefix}{name.capitalize()}Match")
        unwanted = query.get(f"{prefix}{name.capitalize()}NotMatch")
        if wanted not in (None, actual) or unwanted == actual:
            raise Refused(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")


def store(world: World, bucket: str, wanted: Json, data: bytes) -> Json:
    """Makes an object of what the client said of it, or replaces the one of that name; returns its metadata."""
    objects = objects_of(world, bucket)
    name = wanted.get("name", "")
    if not name:
        raise Refused(400, "required", "Required")
    if len(name.encode()) > 1024 or "\n" in name or "\r" in name:
        raise Refused(400, "invalid", "Invalid object name")
    hashes = {"md5Hash": base64.b64encode(hashlib.md5(data).digest()).decode(), "crc32c": crc32c.encoded(data)}
    for key, value in hashes.items():
        if wanted.get(key, value) != value:
            raise Refused(400, "invalid", f"Provided {key} {wanted[key]} doesn't match calculated {value}.")
    generation, now = world.number(), timestamp()
    place = f"storage/v1/b/{bucket}/o/{quote(name, safe='')}"
    metadata = {
        "contentType": "application/octet-stream",
        "storageClass": "STANDARD",
        **{key: value for key, value in wanted.items() if key in WRITABLE},
        **hashes,
        "kind": "storage#object",
        "id": f"{bucket}/{name}/{generation}",
        "selfLink": f"{world.url}/{place}",
        "mediaLink": f"{world.url}/download/{place}?generation={generation}&alt=media",
        "bucket": bucket,
        "name": name,
        "generation": generation,
        "metageneration": "1",
        "size": str(len(data)),
        "etag": base64.b64encode(generation.encode()).decode(),
        "timeCreated": now,
        "updated": now,
        "timeStorageClassUpdated": now,
        "timeFinalized": now,
    }
    remove(world, objects, name)
    file = file_of(world, metadata)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    objects[name] = metadata
    return metadata


def remove(world: World, objects: Json, name: str) -> None:
    """Removes an object with its bytes, if it is there."""
    if name in objects:
        file_of(world, objects.pop(name)).unlink()


def seed(world: World, _key: str, value: Json) -> None:
    """Adds buckets and objects."""
    for bucket, objects in value.items():
        world.part("buckets").setdefault(bucket, {})
        for name, content in objects.items():
            data = content.encode() if isinstance(content, str) else base64.b64decode(content["base64"])
            store(world, bucket, {"name": name}, data)
