"""Resources that were there before: `POST /_fake/seed {"projects/P/zones/Z/disks/D": {"labels": {...}}}`.

What a seed lacks is filled in. It has neither an sshd nor, until they are wanted, bytes.
"""

from __future__ import annotations

import catalogue
import guest
from call import Json
from launch import marked
from resources import link, put, scope_of
from world import World, merged

DEFAULTS: dict[str, Json] = {
    "images": {
        "status": "READY",
        "diskSizeGb": "10",
        "archiveSizeBytes": "1000000",
        "sourceType": "RAW",
        "architecture": "X86_64",
    },
    "disks": {"status": "READY", "sizeGb": "10"},
    "instances": {
        "status": "RUNNING",
        "disks": [],
        "networkInterfaces": [],
        "scheduling": {"provisioningModel": "STANDARD"},
    },
    "addresses": {"status": "RESERVED", "addressType": "EXTERNAL"},
    "networks": {"autoCreateSubnetworks": False},
}


def seed(world: World, path: str, given: Json) -> None:
    """Merges into what is there, or makes it."""
    collection = path.split("/")[-2]
    below = world.resources.get(path) or catalogue.builtin(world, path) or DEFAULTS.get(collection, {})
    resource = merged(below, given)
    if collection in ("projects", "zones", "regions", "machineTypes", "acceleratorTypes"):
        # A zone's link to its region is not one to where it is.
        world.resources[path] = resource
        return
    if collection == "instances":
        resource["metadata"] = marked(resource.get("metadata", {}))
    if collection == "subnetworks":
        project = path.split("/")[1]
        resource.setdefault("network", link(world, f"projects/{project}/global/networks/default"))
    if collection == "addresses" and "address" not in resource:
        used = sum(other["kind"] == "compute#address" for other in world.resources.values())
        resource["address"] = guest.address(world, 2 * guest.GUESTS + 1 + used)
    put(world, path, resource)
    if collection == "instances":
        for attached in resource["disks"]:
            disk = scope_of(path) + "/disks/" + attached["source"].rsplit("/", 1)[1]
            attached["source"] = link(world, disk)
            seed(world, disk, {"users": [link(world, path)]})
