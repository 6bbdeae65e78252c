"""The insert of an instance: what the cloud refuses, and what it adds to what it is given."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import disks
import operations
from call import Call, Json, Refused
from guest import Guest
from lifecycle import remove, run
from resources import find, fingerprint, free, invalid, link, named, path_of, put, scope_of

KEY = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def insert(call: Call) -> Json:
    world, body = call.world, call.body
    path = named(call, "instances", body["name"])
    scope = scope_of(path)
    find(world, scope)
    free(world, path)
    if "sourceInstanceTemplate" in call.query or "sourceMachineImage" in call.query:
        raise Refused(501, "notImplemented", "the fake has neither templates nor machine images")
    if not body.get("machineType"):
        raise invalid("machineType", "", "A machine type is needed.")
    machine = find(world, path_of(call, body["machineType"], "machineType"))
    check_metadata(body.get("metadata", {}))
    scheduling = schedule(call, body)
    interfaces = [interface(call, number, given) for number, given in enumerate(body.get("networkInterfaces", []))]
    if not interfaces:
        raise invalid("networkInterfaces", "", "At least one network interface is required.")
    accelerators = [accelerator(call, given) for given in body.get("guestAccelerators", [])]

    made: list[str] = []
    guest = Guest(world, path)
    try:
        attached = [attach(call, path, number, given, made) for number, given in enumerate(body.get("disks", []))]
        check_boot(attached, body, world.resources, machine)
        instance = put(world, path, body | {
            "status": "PROVISIONING",
            "machineType": machine["selfLink"],
            "cpuPlatform": body.get("minCpuPlatform", "Unknown CPU Platform"),
            "networkInterfaces": interfaces,
            "disks": attached,
            "scheduling": scheduling,
            "metadata": marked(body.get("metadata", {})),
            "tags": {**body.get("tags", {}), "fingerprint": fingerprint(body.get("tags", {}).get("items", []))},
            "serviceAccounts": [account(call, given) for given in body.get("serviceAccounts", [])],
            "deletionProtection": body.get("deletionProtection", False),
            "startRestricted": False,
            "fingerprint": fingerprint(body),
        } | ({"guestAccelerators": accelerators} if accelerators else {}))
    except Refused:
        undo_disks(call, made)
        raise
    world.guests[path] = guest
    for position, given in enumerate(interfaces):
        given.setdefault("networkIP", guest.internal_ip if position == 0 else f"10.200.{position}.{guest.number}")
        for config in given.get("accessConfigs", []):
            if "natIP" in config:
                world.resources[reserved(call, config["natIP"], "natIP")] |= {"status": "IN_USE", "users": [instance["selfLink"]]}
    for one in attached:
        if "source" in one:
            disk = find(world, disks.path_in(world, one["source"]))
            disk["users"] = [*disk.get("users", []), instance["selfLink"]]

    def ready() -> None:
        for own in made:
            if own in world.resources:
                world.resources[own]["status"] = "READY"
        run(world, path, instance)

    def undo() -> None:
        if world.resources.get(path) is instance:
            remove(world, path)
        undo_disks(call, made)

    return operations.start(call, scope, "insert", path, ready, undo)


def undo_disks(call: Call, made: list[str]) -> None:
    for path in made:
        disks.remove(call.world, path)


def check_metadata(metadata: Json) -> None:
    """https://cloud.google.com/compute/docs/metadata/setting-custom-metadata#limitations"""
    keys = [item.get("key", "") for item in metadata.get("items", [])]
    for number, item in enumerate(metadata.get("items", [])):
        if not KEY.fullmatch(item.get("key", "")):
            raise invalid(f"metadata.items[{number}].key", item.get("key"), f"Must be a match of regex '{KEY.pattern}'")
        if len(item.get("value", "").encode()) > 256 * 1024:
            raise invalid(f"metadata.items[{number}].value", item["key"], "The value is longer than 256 KB.")
        if keys.count(item["key"]) > 1:
            raise invalid("metadata.items", item["key"], "Duplicate keys.")


def marked(metadata: Json) -> Json:
    """Metadata with its fingerprint."""
    items = metadata.get("items", [])
    return {"kind": "compute#metadata", "fingerprint": fingerprint(items)} | ({"items": items} if items else {})


def schedule(call: Call, body: Json) -> Json:
    """The schedule with its defaults; what must not stand together is refused."""
    given: Json = body.get("scheduling", {})
    ends = given.get("preemptible", False) or given.get("provisioningModel") == "SPOT"
    plain = {"onHostMaintenance": "TERMINATE" if ends else "MIGRATE", "automaticRestart": not ends, "preemptible": ends,
             "provisioningModel": "SPOT" if ends else "STANDARD"}
    result = plain | given
    if ends and result["automaticRestart"]:
        raise invalid("scheduling.automaticRestart", True, "An instance that may be preempted is not restarted.")
    if ends and result["onHostMaintenance"] == "MIGRATE":
        raise invalid("scheduling.onHostMaintenance", "MIGRATE", "An instance that may be preempted does not migrate.")
    if body.get("guestAccelerators") and result["onHostMaintenance"] != "TERMINATE":
        raise invalid("scheduling.onHostMaintenance", result["onHostMaintenance"], "Instances with guest accelerators do not support live migration.")
    if "maxRunDuration" in given:
        if "instanceTerminationAction" not in given:
            raise invalid("scheduling.instanceTerminationAction", "", "You must specify an instance termination action with maxRunDuration.")
        # https://cloud.google.com/compute/docs/instances/limit-vm-runtime
        if not call.world.settings["shortest_run_seconds"] <= int(given["maxRunDuration"].get("seconds", 0)) <= 120 * 86400:
            raise invalid("scheduling.maxRunDuration", given["maxRunDuration"], "Must be between 30 seconds and 120 days.")
    elif given.get("instanceTerminationAction") and not ends:
        raise invalid("scheduling.instanceTerminationAction", given["instanceTerminationAction"],
                      "Only for instances with maxRunDuration, or of provisioning model SPOT.")
    return result


def interface(call: Call, number: int, given: Json) -> Json:
    world, region = call.world, call.path["zone"].rsplit("-", 1)[0]
    field = f"networkInterfaces[{number}]"
    result = {"kind": "compute#networkInterface", **given, "name": f"nic{number}", "fingerprint": fingerprint(given), "stackType": "IPV4_ONLY"}
    if "subnetwork" in given:
        subnetwork = find(world, path_of(call, given["subnetwork"], f"{field}.subnetwork"))
        if f"/regions/{region}/" not in subnetwork["selfLink"]:
            raise invalid(f"{field}.subnetwork", given["subnetwork"], f"The subnetwork is not in {region}.")
        result |= {"subnetwork": subnetwork["selfLink"], "network": subnetwork["network"]}
    else:
        network = find(world, path_of(call, given.get("network", "global/networks/default"), f"{field}.network"))
        result["network"] = network["selfLink"]
        if network.get("autoCreateSubnetworks"):
            owner = disks.path_in(world, network["selfLink"]).split("/")[1]
            result["subnetwork"] = link(world, f"projects/{owner}/regions/{region}/subnetworks/{network['name']}")
        else:
            raise invalid(f"{field}.subnetwork", "", "Network interface must specify a subnet if the network resource is in custom subnet mode.")
    if "networkIP" in given:
        subnet = find(world, disks.path_in(world, result["subnetwork"]))
        if ipaddress.ip_address(given["networkIP"]) not in ipaddress.ip_network(subnet["ipCidrRange"]):
            raise invalid(f"{field}.networkIP", given["networkIP"], "IP address must be in the range of the subnetwork.")
    for config in given.get("accessConfigs", []):
        if "natIP" in config:
            reserved(call, config["natIP"], f"{field}.accessConfigs[0].natIP")
    configs = [{"kind": "compute#accessConfig", "type": "ONE_TO_ONE_NAT", "name": "external-nat", "networkTier": "PREMIUM"} | config
               for config in given.get("accessConfigs", [])]
    result.pop("accessConfigs", None)
    return result | ({"accessConfigs": configs} if configs else {})


def reserved(call: Call, address: str, field: str) -> str:
    """The path of a reserved address of the region that nobody uses."""
    region = call.path["zone"].rsplit("-", 1)[0]
    here = f"projects/{call.path['project']}/regions/{region}/addresses/"
    for path, resource in call.world.resources.items():
        if path.startswith(here) and resource["address"] == address:
            if resource["status"] == "IN_USE":
                raise Refused(400, "resourceInUseByAnotherResource", f"External IP address: {address} is already in-use.")
            return path
    raise invalid(field, address, f"The specified external IP address '{address}' was not found in region '{region}'.")


def account(call: Call, given: Json) -> Json:
    """`default` is the project's own service account."""
    if given.get("email", "default") != "default":
        return given
    return given | {"email": find(call.world, f"projects/{call.path['project']}")["defaultServiceAccount"]}


def accelerator(call: Call, given: Json) -> Json:
    kind = find(call.world, path_of(call, given.get("acceleratorType", ""), "guestAccelerators[].acceleratorType"))
    if given.get("acceleratorCount", 0) > kind["maximumCardsPerInstance"]:
        raise invalid("guestAccelerators[].acceleratorCount", given["acceleratorCount"], "There are not so many cards.")
    return given | {"acceleratorType": kind["selfLink"]}


def attach(call: Call, instance: str, number: int, given: Json, made: list[str]) -> Json:
    """One disk of an instance; those that are made for it are added to `made`."""
    world, field = call.world, f"disks[{number}]"
    kind = given.get("type", "PERSISTENT")
    if given.get("source") and given.get("initializeParams"):
        raise invalid(field, given["source"], "A disk has a source or parameters to be made by, not both.")
    result: Json = {"kind": "compute#attachedDisk", "mode": "READ_WRITE", "interface": "SCSI", "boot": False, "autoDelete": False, **given,
                    "type": kind, "index": number}
    parameters = result.pop("initializeParams", {})
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
    return features | result | {"source": disk["selfLink"], "diskSizeGb": disk["sizeGb"],
                                "deviceName": given.get("deviceName", f"persistent-disk-{number}")}


def make(call: Call, instance: str, number: int, given: Json, parameters: Json, field: str, made: list[str]) -> tuple[str, Json]:
    scope, name = scope_of(instance), instance.rsplit("/", 1)[1]
    names = {"diskSizeGb": "sizeGb", "diskType": "type", "description": "description", "labels": "labels", "replicaZones": "replicaZones",
             "provisionedIops": "provisionedIops", "provisionedThroughput": "provisionedThroughput", "architecture": "architecture",
             "licenses": "licenses"}
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


def check_boot(attached: list[Json], body: Json, resources: dict[str, Any], machine: Json) -> None:
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
        raise invalid("machineType", machine["name"], f"The machine type's architecture is not {architecture}, as the image's is.")
