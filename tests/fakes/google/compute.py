"""Compute Engine: what is only read, and the methods of the modules that make things."""

from __future__ import annotations

import disks
import guest
import images
import instances
import lifecycle
import operations
from call import Call, Function, Json
from resources import find, named
from seeds import seed
from world import World

DOCUMENT = "compute.v1"
PREFIX = "/compute/v1/"


def project(call: Call) -> Json:
    return find(call.world, f"projects/{call.path['project']}")


def zone(call: Call) -> Json:
    return find(call.world, f"projects/{call.path['project']}/zones/{call.path['zone']}")


def region(call: Call) -> Json:
    return find(call.world, f"projects/{call.path['project']}/regions/{call.path['region']}")


def read(collection: str, variable: str) -> Function:
    return lambda call: find(call.world, named(call, collection, call.path[variable]))


METHODS: dict[str, Function] = (
    {
        "compute.projects.get": project,
        "compute.zones.get": zone,
        "compute.regions.get": region,
        "compute.machineTypes.get": read("machineTypes", "machineType"),
        "compute.acceleratorTypes.get": read("acceleratorTypes", "acceleratorType"),
        "compute.networks.get": read("networks", "network"),
        "compute.subnetworks.get": read("subnetworks", "subnetwork"),
        "compute.addresses.get": read("addresses", "address"),
    }
    | operations.METHODS
    | images.METHODS
    | disks.METHODS
    | instances.METHODS
)
CONTROL: dict[str, Function] = {"preempt": lifecycle.preempt}
SEEDS = {"projects": seed}


def start(world: World) -> None:
    guest.make_account(world)
    images.publish(world)
    world.observers.append(lambda: guest.refresh_all(world))
    world.closers.append(lambda: guest.stop_all(world))
