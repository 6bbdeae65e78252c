"""Secret Manager: the versions of secrets, read only.

The part `secrets` of the state, and its seed, is `{"projects/P/secrets/S": {"1": "text", "2": {"text": "…", "state":
"DISABLED"}}}`, or `projects/P/locations/L/secrets/S` for a regional one. `latest` is the highest version, whatever
its state.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import crc32c
from call import Call, Json, Refused

if TYPE_CHECKING:
    from world import World

DOCUMENT = "secretmanager.v1"
PREFIX = "/secretmanager/"


def version_of(world: World, name: str) -> tuple[str, bytes]:
    """The full name of a version, in which `latest` is a number, and what it holds."""
    secret, _, version = name.rpartition("/versions/")
    versions = world.part("secrets").get(secret, {})
    if not versions:
        raise Refused(404, "notFound", f"Secret [{secret}] not found or has no versions.")
    if version == "latest":
        version = max(versions, key=int)
    if version not in versions:
        raise Refused(404, "notFound", f"Secret Version [{secret}/versions/{version}] not found.")
    held = versions[version]
    held = {"text": held} if isinstance(held, str) else held
    state = held.get("state", "ENABLED")
    if state != "ENABLED":
        raise Refused(400, "failedPrecondition", f"Secret Version [{secret}/versions/{version}] is in {state} state.")
    return f"{secret}/versions/{version}", held["text"].encode()


def payload(data: bytes) -> Json:
    """Bytes as these services answer them: a checksum beside, so that the reader can tell a loss."""
    return {"data": base64.b64encode(data).decode(), "dataCrc32c": str(crc32c.checksum(data))}


def access(call: Call) -> Json:
    name, data = version_of(call.world, call.path["name"])
    return {"name": name, "payload": payload(data)}


METHODS = {
    "secretmanager.projects.secrets.versions.access": access,
    "secretmanager.projects.locations.secrets.versions.access": access,
}
