"""What becomes of an instance: it runs, is stopped, preempted, reaches its deadline, is deleted."""

from __future__ import annotations

import disks
import operations
from call import Call, Json, Refused
from guest import Guest
from resources import find, link, missing, named, scope_of
from world import World, timestamp


def run(world: World, path: str, instance: Json) -> None:
    """From PROVISIONING to RUNNING, with an address and what listens there."""
    if world.resources.get(path) is not instance:
        raise missing(path)
    guest: Guest = world.guests[path]
    for interface in instance["networkInterfaces"]:
        for access in interface.get("accessConfigs", []):
            access.setdefault("natIP", guest.external_ip)
    instance |= {"status": "RUNNING", "lastStartTimestamp": timestamp()}
    if world.settings["guests"]:

        def boot() -> None:
            if is_running(world, path, instance):
                guest.start()

        world.after(world.settings["boot_seconds"], boot)
    scheduling = instance["scheduling"]
    if "maxRunDuration" in scheduling:
        seconds = int(scheduling["maxRunDuration"].get("seconds", 0))
        world.after(seconds, lambda: expire(world, path, instance))


def is_running(world: World, path: str, instance: Json) -> bool:
    """Whether it is still this instance, not a later one of its name, and runs."""
    return world.resources.get(path) is instance and instance["status"] == "RUNNING"


def expire(world: World, path: str, instance: Json) -> None:
    """The end of `maxRunDuration`."""
    if is_running(world, path, instance):
        end_by_itself(world, path, instance)


def end_by_itself(world: World, path: str, instance: Json) -> None:
    """Nobody asked for it: what then is in the schedule of the instance."""
    if instance["scheduling"].get("instanceTerminationAction") == "DELETE":
        remove(world, path)
    else:
        terminate(world, path, instance)


def terminate(world: World, path: str, instance: Json) -> None:
    if world.resources.get(path) is not instance:
        raise missing(path)
    instance |= {"status": "TERMINATED", "lastStopTimestamp": timestamp()}
    guest: Guest | None = world.guests.get(path)
    if guest is None:
        return  # A seed.
    guest.stop()
    for interface in instance["networkInterfaces"]:
        for access in interface.get("accessConfigs", []):
            # An address that was reserved stays.
            if access.get("natIP") == guest.external_ip:
                del access["natIP"]


def remove(world: World, path: str) -> None:
    """The instance and its disks that go with it."""
    instance = world.resources.pop(path, None)
    if instance is None:
        return
    if guest := world.guests.pop(path, None):
        guest.remove()
    for resource in world.resources.values():
        if resource["kind"] == "compute#address" and link(world, path) in resource.get("users", []):
            resource["status"] = "RESERVED"
            del resource["users"]
    for attached in instance.get("disks", []):
        if "source" in attached:
            disk_path = disks.path_in(world, attached["source"])
            if attached.get("autoDelete"):
                disks.remove(world, disk_path)
            elif disk := world.resources.get(disk_path):
                release(world, disk, path)


def release(world: World, disk: Json, instance: str) -> None:
    users = [user for user in disk.get("users", []) if user != link(world, instance)]
    disk.pop("users", None)
    if users:
        disk["users"] = users


def stop(call: Call) -> Json:
    path = named(call, "instances", call.path["instance"])
    instance = find(call.world, path)
    if instance["status"] == "TERMINATED":
        return operations.start(call, scope_of(path), "stop", path)
    instance["status"] = "STOPPING"

    def again() -> None:
        instance["status"] = "RUNNING"

    return operations.start(call, scope_of(path), "stop", path, lambda: terminate(call.world, path, instance), again)


def delete(call: Call) -> Json:
    world = call.world
    path = named(call, "instances", call.path["instance"])
    instance = find(world, path)
    if instance.get("deletionProtection"):
        raise Refused(
            412,
            "conditionNotMet",
            f"Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion: '{path}'.",
        )
    for attached in instance.get("disks", []):
        if attached.get("autoDelete") and "source" in attached:
            disk = disks.path_in(world, attached["source"])
            if image := disks.image_in_work(world, disk):
                raise disks.in_use(disk, image)
    before = instance["status"]
    instance["status"] = "STOPPING"

    def gone() -> None:
        if world.resources.get(path) is instance:
            remove(world, path)

    def restore() -> None:
        instance["status"] = before

    return operations.start(call, scope_of(path), "delete", path, gone, restore)


def preempt(call: Call) -> Json:
    """`POST /_fake/preempt {"instance": NAME or path}`: what Google does to a spot instance when it wants its place."""
    world, wanted = call.world, call.body["instance"]
    path = next((path for path in world.resources if path == wanted or path.endswith(f"/instances/{wanted}")), None)
    if path is None:
        raise missing(wanted)
    instance = world.resources[path]
    scheduling = instance["scheduling"]
    if not scheduling.get("preemptible") and scheduling.get("provisioningModel") != "SPOT":
        raise Refused(400, "invalid", f"{path} is not preemptible")
    if instance["status"] != "RUNNING":
        raise Refused(400, "resourceNotReady", f"{path} is {instance['status']}")
    instance["status"] = "STOPPING"
    operation = operations.make(world, scope_of(path), "compute.instances.preempted", path)
    operation.body |= {"user": "system", "statusMessage": "Instance was preempted."}
    operations.done(operation)

    def end() -> None:
        if world.resources.get(path) is instance:
            end_by_itself(world, path, instance)

    world.after(world.settings["operation_seconds"], end)
    return {"operation": operation.body["name"]}
