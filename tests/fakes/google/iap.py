"""Identity-Aware Proxy: a port of an instance by way of a websocket. No document describes it; public clients do.

    /iap/v4/connect?project=&zone=&instance=&interface=nic0&port=22&newWebsocket=True
    /iap/v4/reconnect?sid=&ack=&zone=&newWebsocket=True

with subprotocol `relay.tunnel.cloudproxy.app`, a token, and `Origin: bot:iap-tunneler`. `reconnect` goes on after the
connection was lost, `ack` being how many bytes the client has received. What follows is `relay.py`. The websocket is
opened whatever is wrong, and closed with a code that says it: 4003 when nothing listens at the port, 4033 when the
token is no good or the permission is denied, 4047 when there is no such instance, or it does not run. What a client does
against the protocol is a violation.

The settings `iap_cut_after_bytes`, `iap_cuts` and `iap_remembers` make connections that are lost, with or without a
way back.
"""

from __future__ import annotations

import socket
from typing import Callable

from call import Call, Refused
from relay import Code, Refusal, Session
from websocket import Broken, Closed, Websocket

SUBPROTOCOL = "relay.tunnel.cloudproxy.app"
ORIGIN = "bot:iap-tunneler"
CONNECT = {"project", "zone", "instance", "interface", "port", "newWebsocket"}
RECONNECT = {"sid", "ack", "zone", "newWebsocket"}
CONNECT_SECONDS = 3
# What a client that knows the protocol never meets.
MISTAKES = {Code.INVALID_ACK, Code.INVALID_TAG, Code.INVALID_DATA}

sessions: dict[str, Session] = {}


def connect(call: Call) -> None:
    """A new session."""

    def serve(websocket: Websocket) -> None:
        session = Session(call.world, _instance(call))
        sessions[session.name] = session
        session.open(websocket)

    _relay(call, CONNECT, serve)


def reconnect(call: Call) -> None:
    """A session whose websocket was lost."""

    def serve(websocket: Websocket) -> None:
        session = sessions.get(call.query["sid"])
        # What has ended may still have bytes for the client.
        if session is None or (session.ended and not session.pending) or not call.world.settings["iap_remembers"]:
            raise Refusal(Code.SESSION_UNKNOWN, "there is no such session")
        session.resume(websocket, int(call.query["ack"]))

    _relay(call, RECONNECT, serve)


def _relay(call: Call, parameters: set[str], serve: Callable[[Websocket], None]) -> None:
    mistake = Websocket.mistake(call.handler, SUBPROTOCOL)
    if call.query.keys() != parameters or call.query["newWebsocket"] != "True":
        mistake = f"the query has {', '.join(sorted(call.query))}, where {', '.join(sorted(parameters))} are due"
    elif call.headers.get("Origin") != ORIGIN:
        mistake = f"`Origin` is not `{ORIGIN}`"
    if mistake:
        call.world.violation(f"{call.method}: {mistake}")
        raise Refused(400, "badRequest", mistake)
    websocket = Websocket(call.handler, SUBPROTOCOL)
    try:
        _check_token(call)
        serve(websocket)
    except Refusal as refusal:
        if refusal.code in MISTAKES:
            call.world.violation(f"{call.method}: {refusal.reason}")
        websocket.close(refusal.code, refusal.reason)
    except Broken as broken:
        call.world.violation(f"{call.method}: {broken}")
        websocket.close(1002, str(broken))
    except Closed:
        pass


def _check_token(call: Call) -> None:
    kind, _, token = call.headers.get("Authorization", "").partition(" ")
    try:
        call.world.check_token(token if kind.lower() == "bearer" else None)
    except Refused as refused:
        raise Refusal(Code.NOT_AUTHORIZED, "not authorized") from refused
    if "iap.tunnelInstances.accessViaIAP" in call.world.settings["denied_permissions"]:
        raise Refusal(Code.NOT_AUTHORIZED, "not authorized")


def _instance(call: Call) -> socket.socket:
    """A connection to the port, at the instance's own address."""
    query = call.query
    with call.world.lock:
        path = f"projects/{query['project']}/zones/{query['zone']}/instances/{query['instance']}"
        instance = call.world.resources.get(path, {})
        addresses = {
            interface.get("name"): interface.get("networkIP") for interface in instance.get("networkInterfaces", [])
        }
    address = addresses.get(query["interface"])
    if instance.get("status") != "RUNNING" or address is None:
        raise Refusal(Code.LOOKUP_FAILED, "Failed to lookup instance")
    try:
        connection = socket.create_connection((address, int(query["port"])), CONNECT_SECONDS)
    except OSError as error:
        raise Refusal(Code.FAILED_TO_CONNECT, "failed to connect to backend") from error
    connection.settimeout(None)
    return connection


RAW = [("GET", r"/iap/v4/connect", connect), ("GET", r"/iap/v4/reconnect", reconnect)]
