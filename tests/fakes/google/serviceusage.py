"""Service Usage: whether an API is enabled in a project. All are but the `disabled_services` of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from call import Call, Json, Refused

if TYPE_CHECKING:
    from world import World

DOCUMENT = "serviceusage.v1"
PREFIX = "/serviceusage/"

MOST_AT_ONCE = 30


def _service(world: World, name: str) -> Json:
    parent, _, service = name.partition("/services/")
    if not service.endswith(".googleapis.com"):
        raise Refused(404, "notFound", f"Service {service} not found or permission denied.")
    state = "DISABLED" if service in world.settings["disabled_services"] else "ENABLED"
    return {"name": name, "parent": parent, "state": state, "config": {"name": service}}


def get(call: Call) -> Json:
    return _service(call.world, call.path["name"])


def batch_get(call: Call) -> Json:
    """Several services of one project, at most 30, in the order asked for."""
    names, parent = call.query.get("names", []), call.path["parent"]
    if not 1 <= len(names) <= MOST_AT_ONCE:
        raise Refused(400, "badRequest", f"The number of names must be from 1 to {MOST_AT_ONCE}, not {len(names)}.")
    if stray := [name for name in names if not name.startswith(f"{parent}/services/")]:
        raise Refused(400, "badRequest", f"{stray[0]} is not below {parent}.")
    return {"services": [_service(call.world, name) for name in names]}


METHODS = {"serviceusage.services.get": get, "serviceusage.services.batchGet": batch_get}
