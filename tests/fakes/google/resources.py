"""What all resources of Compute Engine have in common: paths, links, ids, labels, fingerprints, conflicts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from typing import Any

import catalogue
from call import Call, Json, Refused
from world import World, timestamp

NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
KINDS = {
    "instances": "instance",
    "disks": "disk",
    "images": "image",
    "addresses": "address",
    "networks": "network",
    "subnetworks": "subnetwork",
    "zones": "zone",
    "regions": "region",
    "machineTypes": "machineType",
    "acceleratorTypes": "acceleratorType",
    "snapshots": "snapshot",
}


def link(world: World, path: str) -> str:
    return f"{world.url}/compute/v1/{path}"


def invalid(field: str, value: Any, why: str) -> Refused:
    return Refused(400, "invalid", f"Invalid value for field 'resource.{field}': '{value}'. {why}")


def path_of(call: Call, url: str, field: str) -> str:
    """The path that a full or a partial URL means: `zones/Z/disks/D` is one of the request's own project."""
    rest = re.sub(r"^https?://[^/]+", "", url)
    rest = re.sub(r"^/?(?:compute/(?:v1|beta|alpha)/)?", "", rest)
    if re.match(r"(?:zones|regions|global)/", rest):
        rest = f"projects/{call.path['project']}/{rest}"
    if not re.fullmatch(r"projects/[^/]+/(?:global|zones/[^/]+|regions/[^/]+)(?:/[^/]+)+", rest):
        raise invalid(field, url, "The URL is malformed.")
    return rest


def missing(path: str) -> Refused:
    return Refused(404, "notFound", f"The resource '{path}' was not found")


def find(world: World, path: str) -> Json:
    """A resource by its path: one that was made, or one that every project has."""
    found = world.resources.get(path) or catalogue.builtin(world, path)
    if found is None:
        raise missing(path)
    return found


def named(call: Call, kind: str, name: str) -> str:
    """The path of a resource of the scope that the request's path names."""
    scope = f"projects/{call.path['project']}/"
    if "zone" in call.path:
        scope += f"zones/{call.path['zone']}"
    elif "region" in call.path:
        scope += f"regions/{call.path['region']}"
    else:
        scope += "global"
    return f"{scope}/{kind}/{name}"


def scope_of(path: str) -> str:
    """`projects/P/zones/Z` of anything in a zone."""
    return path.rsplit("/", 2)[0]


def free(world: World, path: str) -> None:
    if path in world.resources:
        raise Refused(409, "alreadyExists", f"The resource '{path}' already exists")


def put(world: World, path: str, body: Json) -> Json:
    """Makes a resource, with what the cloud adds to it."""
    collection, name = path.split("/")[-2:]
    resource = body | {
        "kind": f"compute#{KINDS[collection]}",
        "id": body.get("id") or world.number(),
        "name": name,
        "selfLink": link(world, path),
        "creationTimestamp": body.get("creationTimestamp") or timestamp(),
    }
    scope = scope_of(path)
    if "/zones/" in scope:
        resource["zone"] = link(world, scope)
    elif "/regions/" in scope:
        resource["region"] = link(world, scope)
    if collection in ("instances", "disks", "images"):
        check_labels(resource.get("labels", {}))
        resource["labelFingerprint"] = fingerprint(resource.get("labels", {}))
    world.resources[path] = resource
    return resource


def fingerprint(value: Any) -> str:
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest[:8]).decode()


def check_fingerprint(given: str | None, resource: str, current: str, what: str) -> None:
    if given != current:
        raise Refused(412, "conditionNotMet", f"{what} fingerprint does not match that of '{resource}'.")


def check_name(field: str, name: str) -> None:
    if not NAME.fullmatch(name):
        raise invalid(field, name, f"Must be a match of regex '{NAME.pattern}'")


def check_labels(labels: dict[str, str]) -> None:
    """https://cloud.google.com/compute/docs/labeling-resources: at most 64, of small letters, digits, `_` and `-`."""

    def fits(text: str) -> bool:
        return len(text) <= 63 and all(c in "_-" or unicodedata.category(c) in ("Ll", "Lo", "Nd") for c in text)

    if len(labels) > 64:
        raise invalid("labels", len(labels), "There are too many labels.")
    for key, value in labels.items():
        if not fits(key) or not key or unicodedata.category(key[0]) not in ("Ll", "Lo"):
            raise invalid("labels", key, "The label key is malformed.")
        if not fits(value):
            raise invalid(f"labels.{key}", value, "The label value is malformed.")
