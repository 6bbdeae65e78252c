"""What a service is given of a request, and what it may answer.

A service is a module with

    DOCUMENT = "compute.v1"      the discovery document of its methods, as Google's Python client carries it
    PREFIX = "/compute/v1/"      what stands before the paths of the document; several in a tuple
    METHODS = {"compute.images.get": function, ...}
    RAW = [("PUT", regex, function), ...]    optional: what no document covers, matched against the whole path
    OPEN = {"sts.token"}                     optional: methods that need no token; raw routes never do

where a function takes a `Call` and returns a dictionary or an `Answer`, or raises `Refused`. The functions of METHODS
run under the world's lock; those of RAW do not, since they may take long, and lock for themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from tokens import Bearer
    from world import World

Json = dict[str, Any]

# What Google's newer services call a status; Compute Engine and Cloud Storage give a reason instead.
STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


class Refused(Exception):
    """A call that is answered with an error of HTTP, in the form that all services of Google share."""

    def __init__(self, status: int, reason: str, message: str, details: list[Json] | None = None) -> None:
        super().__init__(message)
        self.status, self.reason, self.message, self.details = status, reason, message, details

    def body(self) -> Json:
        error: Json = {
            "code": self.status,
            "message": self.message,
            "errors": [{"message": self.message, "domain": "global", "reason": self.reason}],
            "status": STATUS.get(self.status, "UNKNOWN"),
        }
        if self.details:
            error["details"] = self.details
        return {"error": error}


@dataclass
class Answer:
    """What is more than a dictionary with status 200. Only a dictionary is held against the document."""

    body: Json | bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    method: str
    # Percent-encoding is undone; for a raw route the regex's named groups.
    path: dict[str, str]
    # Texts; a parameter that may be repeated is a list.
    query: Json
    # Parsed, when the content is JSON.
    body: Any
    raw: bytes
    headers: Message
    world: World
    # What the rules let this call suffer: see faults.py.
    fault: Json
    # For a raw route that takes the connection over (a websocket): it returns None, and the connection is closed.
    handler: BaseHTTPRequestHandler
    # Who calls; of raw routes and open methods nobody knows.
    bearer: Bearer | None = None


Function = Callable[[Call], Any]
