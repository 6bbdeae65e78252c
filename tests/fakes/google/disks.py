"""Disks of a zone or a region."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import contents
import filters
import operations
from call import Call, Function, Json, Refused
from catalogue import REGIONS, ZONES
from resources import (
    check_fingerprint,
    check_labels,
    check_name,
    find,
    fingerprint,
    free,
    invalid,
    link,
    named,
    path_of,
    put,
    scope_of,
)
from world import World

TYPES = """
pd-standard pd-balanced pd-ssd pd-extreme local-ssd
hyperdisk-balanced hyperdisk-extreme hyperdisk-ml hyperdisk-throughput
""".split()


def path_in(world: World, url: str) -> str:
    """The path of a link that the fake itself wrote."""
    return url.removeprefix(link(world, ""))


def in_use(disk: str, user: str) -> Refused:
    return Refused(
        400, "resourceInUseByAnotherResource", f"The disk resource '{disk}' is already being used by '{user}'"
    )


def image_in_work(world: World, disk: str) -> str | None:
    """An image that is being made from this disk."""
    for path, resource in world.resources.items():
        if (
            resource["kind"] == "compute#image"
            and resource["status"] == "PENDING"
            and resource.get("sourceDisk") == link(world, disk)
        ):
            return path
    return None


def source_image(call: Call, url: str, field: str) -> Json:
    """The image that a URL names by itself or by its family."""
    path = path_of(call, url, field)
    if "/images/family/" in path:
        from images import newest

        scope, family = path.split("/images/family/")
        return newest(call.world, scope, family)
    image = find(call.world, path)
    if image["status"] != "READY":
        raise Refused(400, "resourceNotReady", f"The resource '{path}' is not ready")
    if image.get("deprecated", {}).get("state") in ("OBSOLETE", "DELETED"):
        raise Refused(400, "invalid", f"The image '{path}' is {image['deprecated']['state'].lower()}.")
    return image


def secured(key: Json | None) -> Json:
    """A key as the cloud shows it: a raw one, 32 bytes in base64, only by its hash."""
    if not key or "rawKey" not in key:
        return key or {}
    try:
        raw = base64.b64decode(key["rawKey"], validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise Refused(400, "invalid", "The provided raw key is no 256-bit key encoded in RFC 4648 base64.")
    return {"sha256": base64.b64encode(hashlib.sha256(raw).digest()).decode()}


def disk_type(call: Call, scope: str, url: str | None, field: str) -> str:
    path = path_of(call, url or f"{scope}/diskTypes/pd-standard", field)
    if path.rsplit("/", 1)[1] not in TYPES:
        raise Refused(404, "notFound", f"The resource '{path}' was not found")
    return link(call.world, path)


def make(call: Call, path: str, body: Json, image_url: str | None, status: str) -> Json:
    """A disk with its bytes; `body` is what a disk's own insert takes."""
    world, scope = call.world, scope_of(path)
    check_name("name", path.rsplit("/", 1)[1])
    free(world, path)
    disk = {
        "sizeGb": "500",
        **body,
        "status": status,
        "type": disk_type(call, scope, body.get("type"), "type"),
        "physicalBlockSizeBytes": "4096",
    }
    if "diskEncryptionKey" in disk:
        disk["diskEncryptionKey"] = secured(disk["diskEncryptionKey"])
    for unknown in set(zone.rsplit("/", 1)[-1] for zone in disk.get("replicaZones", [])) - set(ZONES):
        raise invalid("replicaZones", unknown, "There is no such zone.")
    image: Json | None = None
    if image_url:
        image = source_image(call, image_url, "sourceImage")
        disk["sizeGb"] = body.get("sizeGb", image["diskSizeGb"])
        if int(disk["sizeGb"]) < int(image["diskSizeGb"]):
            raise invalid(
                "sizeGb",
                disk["sizeGb"],
                f"Requested disk size cannot be smaller than the image size ({image['diskSizeGb']} GB)",
            )
        inherited = {key: image[key] for key in ("licenses", "guestOsFeatures", "architecture") if key in image}
        disk = inherited | disk | {"sourceImage": image["selfLink"], "sourceImageId": image["id"]}
    if not 1 <= int(disk["sizeGb"]) <= 65536:
        raise invalid("sizeGb", disk["sizeGb"], "A disk has from 1 to 65536 GB.")
    disk = put(world, path, disk)
    if image:
        contents.copy(world, contents.of_image(world, image), disk, disk["sizeGb"])
    else:
        contents.blank(world, disk, disk["sizeGb"])
    return disk


def remove(world: World, path: str) -> None:
    if disk := world.resources.pop(path, None):
        contents.remove(world, disk)


def insert(call: Call) -> Json:
    world, body = call.world, call.body
    path = named(call, "disks", body["name"])
    find(world, scope_of(path))
    if "region" in call.path and len(body.get("replicaZones", [])) != 2:
        raise invalid("replicaZones", body.get("replicaZones"), "A regional disk has two zones.")
    if "sourceSnapshot" in body:
        raise Refused(501, "notImplemented", "the fake has no snapshots")
    disk = make(call, path, body, call.query.get("sourceImage") or body.get("sourceImage"), "CREATING")

    def ready() -> None:
        disk["status"] = "READY"

    return operations.start(call, scope_of(path), "insert", path, ready, lambda: remove(world, path))


def get(call: Call) -> Json:
    return find(call.world, named(call, "disks", call.path["disk"]))


def delete(call: Call) -> Json:
    path = named(call, "disks", call.path["disk"])
    check_free(call.world, path, find(call.world, path))
    return operations.start(call, scope_of(path), "delete", path, lambda: remove(call.world, path))


def check_free(world: World, path: str, disk: Json) -> None:
    """Nothing uses the disk: no instance, and no image that is being made from it."""
    for user in disk.get("users", []):
        raise in_use(path, path_in(world, user))
    if image := image_in_work(world, path):
        raise in_use(path, image)


def labels_setter(collection: str) -> Function:
    """`setLabels` of disks, images and instances, which differ only in what the path calls them."""

    def set_labels(call: Call) -> Json:
        path = named(call, collection, call.path.get("resource") or call.path["instance"])
        resource = find(call.world, path)
        labels = call.body.get("labels", {})
        check_fingerprint(call.body.get("labelFingerprint"), path, resource["labelFingerprint"], "Labels")
        check_labels(labels)

        def change() -> None:
            resource["labels"], resource["labelFingerprint"] = labels, fingerprint(labels)

        return operations.start(call, scope_of(path), "setLabels", path, change)

    return set_labels


def lister(collection: str, kind: str) -> Function:
    """`list` of a scope."""

    def list_resources(call: Call) -> Json:
        here = named(call, collection, "")
        return filters.page(
            call, kind, [resource for path, resource in call.world.resources.items() if path.startswith(here)]
        )

    return list_resources


def aggregated_lister(collection: str, kind: str, scopes: list[str]) -> Function:
    """`aggregatedList`: all scopes that there are, with what they have."""

    def list_all(call: Call) -> Json:
        found: dict[str, list[Any]] = {scope: [] for scope in scopes}
        start = f"projects/{call.path['project']}/"
        for path, resource in call.world.resources.items():
            if path.startswith(start) and path.split("/")[-2] == collection:
                found[scope_of(path).removeprefix(start)].append(resource)
        return filters.aggregated_page(call, kind, collection, found)

    return list_all


ZONE_SCOPES = [f"zones/{zone}" for zone in ZONES]
METHODS: dict[str, Function] = {
    "compute.disks.get": get,
    "compute.disks.insert": operations.repeatable(insert),
    "compute.disks.delete": operations.repeatable(delete),
    "compute.disks.setLabels": operations.repeatable(labels_setter("disks")),
    "compute.disks.list": lister("disks", "compute#diskList"),
    "compute.disks.aggregatedList": aggregated_lister(
        "disks", "compute#diskAggregatedList", ZONE_SCOPES + [f"regions/{region}" for region in REGIONS]
    ),
    "compute.regionDisks.get": get,
    "compute.regionDisks.insert": operations.repeatable(insert),
    "compute.regionDisks.delete": operations.repeatable(delete),
    "compute.regionDisks.setLabels": operations.repeatable(labels_setter("disks")),
    "compute.regionDisks.list": lister("disks", "compute#diskList"),
}
