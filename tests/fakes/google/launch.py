"""The insert of an instance: what the cloud refuses, and what it adds to what it is given."""

from __future__ import annotations

import re

import disks
import operations
from attachments import attach, check_boot, undo_disks
from call import Call, Json, Refused
from guest import Guest
from interfaces import interface, reserved
from lifecycle import remove, run
from resources import find, fingerprint, free, invalid, named, path_of, put, scope_of

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
        check_boot(attached, body, machine)
        instance = put(
            world,
            path,
            body
            | {
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
            }
            | ({"guestAccelerators": accelerators} if accelerators else {}),
        )
    except Refused:
        undo_disks(call, made)
        raise
    world.guests[path] = guest
    for position, given in enumerate(interfaces):
        given.setdefault("networkIP", guest.internal_ip if position == 0 else f"10.200.{position}.{guest.number}")
        for config in given.get("accessConfigs", []):
            if "natIP" in config:
                world.resources[reserved(call, config["natIP"], "natIP")] |= {
                    "status": "IN_USE",
                    "users": [instance["selfLink"]],
                }
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
    plain = {
        "onHostMaintenance": "TERMINATE" if ends else "MIGRATE",
        "automaticRestart": not ends,
        "preemptible": ends,
        "provisioningModel": "SPOT" if ends else "STANDARD",
    }
    result = plain | given
    if ends and result["automaticRestart"]:
        raise invalid("scheduling.automaticRestart", True, "An instance that may be preempted is not restarted.")
    if ends and result["onHostMaintenance"] == "MIGRATE":
        raise invalid("scheduling.onHostMaintenance", "MIGRATE", "An instance that may be preempted does not migrate.")
    if body.get("guestAccelerators") and result["onHostMaintenance"] != "TERMINATE":
        raise invalid(
            "scheduling.onHostMaintenance",
            result["onHostMaintenance"],
            "Instances with guest accelerators do not support live migration.",
        )
    if "maxRunDuration" in given:
        if "instanceTerminationAction" not in given:
            raise invalid(
                "scheduling.instanceTerminationAction",
                "",
                "You must specify an instance termination action with maxRunDuration.",
            )
        # https://cloud.google.com/compute/docs/instances/limit-vm-runtime
        if (
            not call.world.settings["shortest_run_seconds"]
            <= int(given["maxRunDuration"].get("seconds", 0))
            <= 120 * 86400
        ):
            raise invalid(
                "scheduling.maxRunDuration", given["maxRunDuration"], "Must be between 30 seconds and 120 days."
            )
    elif given.get("instanceTerminationAction") and not ends:
        raise invalid(
            "scheduling.instanceTerminationAction",
            given["instanceTerminationAction"],
            "Only for instances with maxRunDuration, or of provisioning model SPOT.",
        )
    return result


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
