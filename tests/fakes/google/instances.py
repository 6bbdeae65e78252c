"""Instances that are there: reading them, their console, and changes that leave them running."""

from __future__ import annotations

import disks
import launch
import lifecycle
import operations
from attachments import attach, undo_disks
from call import Call, Function, Json, Refused
from resources import check_fingerprint, find, invalid, link, named, scope_of


def path_and_instance(call: Call) -> tuple[str, Json]:
    path = named(call, "instances", call.path["instance"])
    return path, find(call.world, path)


def get(call: Call) -> Json:
    return path_and_instance(call)[1]


def set_metadata(call: Call) -> Json:
    path, instance = path_and_instance(call)
    check_fingerprint(call.body.get("fingerprint"), path, instance["metadata"]["fingerprint"], "Metadata")
    launch.check_metadata(call.body)

    def change() -> None:
        instance["metadata"] = launch.marked(call.body)

    return operations.start(call, scope_of(path), "setMetadata", path, change)


def attach_disk(call: Call) -> Json:
    path, instance = path_and_instance(call)
    numbers = [attached["index"] for attached in instance["disks"]]
    number = next(number for number in range(len(numbers) + 1) if number not in numbers)
    if call.body.get("type") == "SCRATCH":
        raise invalid("type", "SCRATCH", "A local SSD is part of an instance from its beginning.")
    made: list[str] = []
    attached = attach(call, path, number, call.body, made)
    if any(one["deviceName"] == attached["deviceName"] for one in instance["disks"]):
        undo_disks(call, made)
        raise invalid("deviceName", attached["deviceName"], "The device name is in use.")

    def change() -> None:
        disk = find(call.world, disks.path_in(call.world, attached["source"]))
        disk |= {"status": "READY", "users": [*disk.get("users", []), link(call.world, path)]}
        instance["disks"].append(attached)

    return operations.start(call, scope_of(path), "attachDisk", path, change, lambda: undo_disks(call, made))


def device(instance: Json, name: str) -> Json:
    for attached in instance["disks"]:
        if attached["deviceName"] == name:
            found: Json = attached
            return found
    raise invalid("deviceName", name, "No attached disk found with that device name.")


def detach_disk(call: Call) -> Json:
    path, instance = path_and_instance(call)
    attached = device(instance, call.query["deviceName"])
    if attached["boot"] and instance["status"] != "TERMINATED":
        raise Refused(400, "invalid", "The boot disk of an instance that runs is not detached.")

    def change() -> None:
        instance["disks"].remove(attached)
        if disk := call.world.resources.get(disks.path_in(call.world, attached["source"])):
            lifecycle.release(call.world, disk, path)

    return operations.start(call, scope_of(path), "detachDisk", path, change)


def set_disk_auto_delete(call: Call) -> Json:
    path, instance = path_and_instance(call)
    attached = device(instance, call.query["deviceName"])

    def change() -> None:
        attached["autoDelete"] = call.query["autoDelete"] == "true"

    return operations.start(call, scope_of(path), "setDiskAutoDelete", path, change)


def get_serial_port_output(call: Call) -> Json:
    """From the byte `start`; only the first port has anything."""
    path, _ = path_and_instance(call)
    guest = call.world.guests.get(path)
    written = guest.serial.encode() if guest and call.query.get("port", "1") == "1" else b""
    start = int(call.query.get("start", 0))
    if start < 0:
        start = max(0, len(written) + start)
    return {
        "kind": "compute#serialPortOutput",
        "contents": written[start:].decode(errors="replace"),
        "start": str(min(start, len(written))),
        "next": str(len(written)),
        "selfLink": link(call.world, path + "/serialPort"),
    }


def get_guest_attributes(call: Call) -> Json:
    """By `queryPath` (`namespace/` or `namespace/key`) or `variableKey` (`namespace/key`)."""
    path, _ = path_and_instance(call)
    guest = call.world.guests.get(path)
    wanted = call.query.get("queryPath") or call.query.get("variableKey") or ""
    namespace, _, key = wanted.partition("/")
    found = [
        {"namespace": space, "key": name, "value": value}
        for (space, name), value in (guest.attributes if guest else {}).items()
        if namespace in ("", space) and key in ("", name)
    ]
    if not found:
        raise Refused(404, "notFound", f"The resource '{wanted}' of type 'Guest Attribute' was not found.")
    answer = {"kind": "compute#guestAttributes", "selfLink": link(call.world, f"{path}/guestAttributes/{wanted}")}
    if "variableKey" in call.query:
        return answer | {"variableKey": wanted, "variableValue": found[0]["value"]}
    return answer | {"queryPath": wanted, "queryValue": {"items": found}}


METHODS: dict[str, Function] = {
    "compute.instances.get": get,
    "compute.instances.list": disks.lister("instances", "compute#instanceList"),
    "compute.instances.aggregatedList": disks.aggregated_lister(
        "instances", "compute#instanceAggregatedList", disks.ZONE_SCOPES
    ),
    "compute.instances.insert": operations.repeatable(launch.insert),
    "compute.instances.stop": operations.repeatable(lifecycle.stop),
    "compute.instances.delete": operations.repeatable(lifecycle.delete),
    "compute.instances.setMetadata": operations.repeatable(set_metadata),
    "compute.instances.setLabels": operations.repeatable(disks.labels_setter("instances")),
    "compute.instances.attachDisk": operations.repeatable(attach_disk),
    "compute.instances.detachDisk": operations.repeatable(detach_disk),
    "compute.instances.setDiskAutoDelete": operations.repeatable(set_disk_auto_delete),
    "compute.instances.getSerialPortOutput": get_serial_port_output,
    "compute.instances.getGuestAttributes": get_guest_attributes,
}
