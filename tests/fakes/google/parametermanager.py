"""Parameter Manager: the versions of parameters, read only; `render` fills in the secrets that they refer to.

The part `parameters` of the state, and its seed, is `{"projects/P/locations/L/parameters/N": {"v1": "text"}}`. A
reference is written `__REF__("//secretmanager.googleapis.com/projects/P/secrets/S/versions/V")`, in JSON with its
quotes escaped or single.
"""

from __future__ import annotations

import base64
import re

from call import Call, Json, Refused
from secretmanager import payload, version_of

DOCUMENT = "parametermanager.v1"
PREFIX = "/parametermanager/"

REFERENCE = re.compile(r"""__REF__\(\\?["']?//secretmanager\.googleapis\.com/([^"'\\)]+)\\?["']?\)""")


def _text(call: Call) -> str:
    parameter, _, version = call.path["name"].rpartition("/versions/")
    text = call.world.part("parameters").get(parameter, {}).get(version)
    if text is None:
        raise Refused(404, "notFound", f"Resource '{call.path['name']}' was not found")
    return str(text)


def get(call: Call) -> Json:
    version: Json = {
        "name": call.path["name"],
        "createTime": "2026-01-01T00:00:00Z",
        "updateTime": "2026-01-01T00:00:00Z",
    }
    return version if call.query.get("view") == "BASIC" else version | {"payload": payload(_text(call).encode())}


def render(call: Call) -> Json:
    text = _text(call)
    rendered = REFERENCE.sub(lambda reference: version_of(call.world, reference[1])[1].decode(), text)
    return {
        "parameterVersion": call.path["name"],
        "payload": payload(text.encode()),
        "renderedPayload": base64.b64encode(rendered.encode()).decode(),
    }


METHODS = {
    "parametermanager.projects.locations.parameters.versions.get": get,
    "parametermanager.projects.locations.parameters.versions.render": render,
}
