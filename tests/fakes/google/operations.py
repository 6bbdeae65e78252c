"""Long operations: PENDING, RUNNING and, by time, DONE, which is when their effect is there.

`wait` is held until then, two minutes at most, as Google's is.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass
from typing import Callable

import filters
from call import Call, Function, Json, Refused
from resources import link, missing
from world import World, timestamp

HTTP = {
    "QUOTA_EXCEEDED": 403,
    "RESOURCE_NOT_FOUND": 404,
    "RESOURCE_ALREADY_EXISTS": 409,
    "INTERNAL_ERROR": 500,
    "RATE_LIMIT_EXCEEDED": 429,
    "ZONE_RESOURCE_POOL_EXHAUSTED": 503,
    "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS": 503,
}
# Reasons that are called otherwise inside of an operation; the rest is only written otherwise.
CODES = {
    "notFound": "RESOURCE_NOT_FOUND",
    "alreadyExists": "RESOURCE_ALREADY_EXISTS",
    "internalError": "INTERNAL_ERROR",
}
MESSAGES = {
    400: "BAD REQUEST",
    403: "FORBIDDEN",
    404: "NOT FOUND",
    409: "CONFLICT",
    412: "PRECONDITION FAILED",
    429: "TOO MANY REQUESTS",
    500: "INTERNAL SERVER ERROR",
    503: "SERVICE UNAVAILABLE",
}


@dataclass
class Operation:
    body: Json
    started: float
    seconds: float

    def shown(self) -> Json:
        """As it is at this moment."""
        if self.body["status"] != "DONE" and time.monotonic() - self.started >= self.seconds / 3:
            self.body |= {"status": "RUNNING", "progress": 50, "startTime": self.body.get("startTime") or timestamp()}
        return dict(self.body)


def nothing() -> None:
    pass


def start(
    call: Call,
    scope: str,
    kind: str,
    target: str,
    effect: Callable[[], None] = nothing,
    undo: Callable[[], None] = nothing,
) -> Json:
    """Begins an operation in `projects/P/zones/Z`, `projects/P/regions/R` or `projects/P/global`.

    `effect` is what is true once it is done, and may raise `Refused`; `undo` takes back what the request did at once,
    and is called when the operation fails.
    """
    world = call.world
    operation = make(world, scope, kind, target)

    def end() -> None:
        error = call.fault.get("operation")
        if not error:
            try:
                effect()
            except Refused as refused:
                code = CODES.get(refused.reason) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", refused.reason).upper()
                error = {"code": code, "message": refused.message, "http": refused.status}
        if error:
            undo()
            status = error.get("http") or HTTP.get(error["code"], 400)
            operation.body |= {
                "error": {"errors": [{"code": error["code"], "message": error.get("message", "a rule of the fake")}]},
                "httpErrorStatusCode": status,
                "httpErrorMessage": MESSAGES.get(status, "UNKNOWN"),
            }
        done(operation)

    if "never_done" not in call.fault:
        world.after(operation.seconds, end)
    if request := call.query.get("requestId"):
        world.requests[call.method, request] = f"{scope}/operations/{operation.body['name']}"
    return operation.shown()


def make(world: World, scope: str, kind: str, target: str) -> Operation:
    name = f"operation-{uuid.uuid4().hex}"
    place = {"zones": "zone", "regions": "region"}.get(scope.split("/")[-2])
    body = {
        "kind": "compute#operation",
        "id": world.number(),
        "name": name,
        "operationType": kind,
        "status": "PENDING",
        "progress": 0,
        "user": "fake@example.iam.gserviceaccount.com",
        "insertTime": timestamp(),
        "selfLink": link(world, f"{scope}/operations/{name}"),
        "targetLink": link(world, target),
    }
    if target in world.resources:
        body["targetId"] = world.resources[target]["id"]
    if place:
        body[place] = link(world, scope)
    operation = Operation(body, time.monotonic(), world.settings["operation_seconds"])
    world.operations[f"{scope}/operations/{name}"] = operation
    return operation


def done(operation: Operation) -> None:
    now = timestamp()
    operation.body |= {
        "status": "DONE",
        "progress": 100,
        "startTime": operation.body.get("startTime", now),
        "endTime": now,
    }


def repeatable(function: Function) -> Function:
    """A change that is asked for twice under one `requestId` is made once."""

    def once(call: Call) -> Json:
        path = call.world.requests.get((call.method, call.query.get("requestId", "")))
        answer: Json = call.world.operations[path].shown() if path else function(call)
        return answer

    return once


def scope(call: Call) -> str:
    for place in ("zone", "region"):
        if place in call.path:
            return f"projects/{call.path['project']}/{place}s/{call.path[place]}"
    return f"projects/{call.path['project']}/global"


def find(call: Call) -> Operation:
    path = f"{scope(call)}/operations/{call.path['operation']}"
    if path not in call.world.operations:
        raise missing(path)
    operation: Operation = call.world.operations[path]
    return operation


def get(call: Call) -> Json:
    return find(call).shown()


def wait(call: Call) -> Json:
    operation = find(call)
    # Waiting gives the lock back, so that all else goes on.
    call.world.lock.wait_for(lambda: operation.body["status"] == "DONE", call.world.settings["wait_seconds"])
    return operation.shown()


def list_operations(call: Call) -> Json:
    here = scope(call) + "/operations/"
    found = [operation.shown() for path, operation in call.world.operations.items() if path.startswith(here)]
    return filters.page(call, "compute#operationList", found)


METHODS: dict[str, Function] = {
    f"compute.{place}Operations.{verb}": function
    for place in ("zone", "region", "global")
    for verb, function in (("get", get), ("wait", wait), ("list", list_operations))
}
