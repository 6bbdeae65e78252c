"""The disks of an instance: those that are there, and those that are made for it."""

from __future__ import annotations

import re

import disks
from call import Call, Json, Refused
from resources import find, invalid, path_of, scope_of

DEVICE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,62})")


def attach(call: Call, instance: str, number: int, given: Json, made: list[str]) -> Json:
    """One disk of an instance; those that are made for it are added to `made`."""
    world, field = call.world, f"disks[{number}]"
    kind = given.get("type", "PERSISTENT")
    if given.get("source") and given.get("initializeParams"):
        raise invalid(field, given["source"], "A disk has a source or parameters to be made by, not both.")
    result: Json = {
        "kind": "compute#attachedDisk",
        "mode": "READ_WRITE",
        "interface": "SCSI",
        "boot": False,
        "autoDelete": False,
        **given,
        "type": kind,
        "index": number,
    }
    parameters = result.pop("initializeParams", {})
    if not DEVICE.fullmatch(given.get("deviceName", "a")):
        raise invalid(f"{field}.deviceName", given["deviceName"], f"Must be a match of regex '{DEVICE.pattern}'")
    if kind == "SCRATCH":
        return result | {"deviceName": f"local-ssd-{number}", "diskSizeGb": "375", "autoDelete": True}
    if given.get("source"):
        path = path_of(call, given["source"], f"{field}.source")
        disk = find(world, path)
        check_place(path, instance, disk, field)
        if disk.get("users") and result["mode"] != "READ_ONLY":
            raise disks.in_use(path, disks.path_in(world, disk["users"][0]))
    else:
        path, disk = make(call, instance, number, given, parameters, field, made)
    features = {key: disk[key] for key in ("licenses", "guestOsFeatures", "architecture") if key in disk}
    if "diskEncryptionKey" in result:
        result["diskEncryptionKey"] = disks.secured(result["diskEncryptionKey"])
    return (
        features
        | result
        | {
            "source": disk["selfLink"],
            "diskSizeGb": disk["sizeGb"],
            "deviceName": given.get("deviceName", f"persistent-disk-{number}"),
        }
    )


def make(
    call: Call, instance: str, number: int, given: Json, parameters: Json, field: str, made: list[str]
) -> tuple[str, Json]:
    scope, name = scope_of(instance), instance.rsplit("/", 1)[1]
    names = {
        "diskSizeGb": "sizeGb",
        "diskType": "type",
        "description": "description",
        "labels": "labels",
        "replicaZones": "replicaZones",
        "provisionedIops": "provisionedIops",
        "provisionedThroughput": "provisionedThroughput",
        "architecture": "architecture",
        "licenses": "licenses",
    }
    body = {own: parameters[key] for key, own in names.items() if key in parameters}
    if "diskSizeGb" in given:
        body.setdefault("sizeGb", given["diskSizeGb"])
    if "diskEncryptionKey" in given:
        body["diskEncryptionKey"] = given["diskEncryptionKey"]
    if not parameters.get("sourceImage") and given.get("boot"):
        raise invalid(f"{field}.initializeParams.sourceImage", "", "A boot disk is made from an image.")
    if "sourceSnapshot" in parameters:
        raise Refused(501, "notImplemented", "the fake has no snapshots")
    path = f"{scope}/disks/" + parameters.get("diskName", name if number == 0 else f"{name}-{number}")
    disk = disks.make(call, path, body, parameters.get("sourceImage"), "CREATING")
    made.append(path)
    return path, disk


def check_place(path: str, instance: str, disk: Json, field: str) -> None:
    """A disk is in the zone of its instance, or in its region."""
    zone = instance.split("/")[3]
    there = f"/zones/{zone}/" in path or any(replica.endswith(f"/{zone}") for replica in disk.get("replicaZones", []))
    if not there:
        raise invalid(f"{field}.source", path, f"The disk is not in {zone}.")
    if disk["status"] != "READY":
        raise Refused(400, "resourceNotReady", f"The resource '{path}' is not ready")


def check_boot(attached: list[Json], body: Json, machine: Json) -> None:
    boot = [one for one in attached if one["boot"]]
    if len(boot) != 1 or not attached[0]["boot"]:
        raise invalid("disks", "", "The first disk is the boot disk, and there is no other.")
    names = [one["deviceName"] for one in attached]
    for name in names:
        if names.count(name) > 1:
            raise invalid("disks[].deviceName", name, "Device names are unique.")
    secure = body.get("shieldedInstanceConfig", {}).get("enableSecureBoot")
    if secure and {"type": "UEFI_COMPATIBLE"} not in boot[0].get("guestOsFeatures", []):
        raise invalid("shieldedInstanceConfig.enableSecureBoot", True, "The boot disk is not UEFI_COMPATIBLE.")
    architecture = boot[0].get("architecture")
    if architecture and machine.get("architecture", architecture) != architecture:
        raise invalid(
            "machineType", machine["name"], f"The machine type's architecture is not {architecture}, as the image's is."
        )


def undo_disks(call: Call, made: list[str]) -> None:
    for path in made:
        disks.remove(call.world, path)
