"""The metadata server of the machine that imgforge itself runs on, where clients without credentials get some.

No document describes it. `GCE_METADATA_HOST=127.0.0.1:PORT` makes clients ask here; google-auth wants
`GCE_METADATA_IP` too. Who does not send the header `Metadata-Flavor: Google` is refused, and every answer has it too.
The machine runs as the first account of the settings. What guests ask is `metadata.py`.
"""

from __future__ import annotations

import json

import tokens
from call import Answer, Call, Json, Refused

FLAVOR = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
ACCOUNTS = r"/computeMetadata/v1/instance/service-accounts/(?:default|[^/]+@[^/]+)/"


def _check(call: Call) -> None:
    if call.headers.get("Metadata-Flavor") != "Google":
        raise Refused(403, "forbidden", "Missing required header: Metadata-Flavor")


def _text(call: Call, text: str) -> Answer:
    _check(call)
    return Answer(text.encode(), 200, {**FLAVOR, "Content-Type": "application/text"})


def _json(call: Call, value: Json) -> Answer:
    _check(call)
    return Answer(json.dumps(value).encode(), 200, {**FLAVOR, "Content-Type": "application/json"})


def _account(call: Call) -> str:
    return str(next(iter(call.world.settings["accounts"])))


def root(call: Call) -> Answer:
    """Where clients look whether there is a metadata server at all."""
    return _text(call, "computeMetadata/\n")


def token(call: Call) -> Answer:
    _check(call)
    scopes = call.query.get("scopes")
    with call.world.lock:
        granted = tuple(scopes.split(",")) if scopes else tokens.ALL_SCOPES
        text, bearer = tokens.issue(call.world, _account(call), granted)
    return _json(call, {"access_token": text, "expires_in": bearer.seconds, "token_type": "Bearer"})


def email(call: Call) -> Answer:
    return _text(call, _account(call))


def scopes(call: Call) -> Answer:
    return _text(call, "".join(f"{scope}\n" for scope in tokens.ALL_SCOPES))


def service_account(call: Call) -> Answer:
    """All of an account at once: `?recursive=true`."""
    if call.query.get("recursive") != "true":
        return _text(call, "aliases\nemail\nidentity\nscopes\ntoken\n")
    return _json(call, {"aliases": ["default"], "email": _account(call), "scopes": list(tokens.ALL_SCOPES)})


def project(call: Call) -> Answer:
    return _text(call, _account(call).partition("@")[2].partition(".")[0])


def universe(call: Call) -> Answer:
    return _text(call, "googleapis.com")


RAW = [
    ("GET", r"/(?:computeMetadata(?:/v1)?/?)?", root),
    ("GET", ACCOUNTS, service_account),
    ("GET", ACCOUNTS + "token", token),
    ("GET", ACCOUNTS + "email", email),
    ("GET", ACCOUNTS + "scopes", scopes),
    ("GET", r"/computeMetadata/v1/project/project-id", project),
    ("GET", r"/computeMetadata/v1/universe/universe-domain", universe),
]
