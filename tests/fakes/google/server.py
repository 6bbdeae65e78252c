"""A fake of Google Cloud for tests: `server.py [--settings JSON]`.

Listens on a free port of 127.0.0.1, and prints `{"url": "http://127.0.0.1:PORT"}` once it does; ends when its standard
input does, or by SIGTERM. All services are on the one port. Each request and response is held against Google's own
discovery documents; what breaks them is refused and listed in `/_fake/violations`.

For tests: GET `/_fake/{log,violations,state,settings}`, POST `/_fake/settings` (merged), `/_fake/faults` (faults.py),
`/_fake/seed` (merged into the state), `/_fake/preempt` (`{"instance": NAME}`).
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import signal
import socket
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import faults
from call import Answer, Call, Function, Json, Refused
from checks import Document, Route, unquoted
from world import World, merged

# One line each: modules as call.py describes them.
SERVICES = [
    "compute",
    "storage",
    "uploads",
    "oslogin",
    "oauth2",
    "sts",
    "iamcredentials",
    "secretmanager",
    "parametermanager",
    "serviceusage",
    "cloudresourcemanager",
    "cloudresourcemanager_v1",
    "metadata_server",
    "ci_tokens",
    "credentials",
    "iap",
    "vault",
]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, settings: Json) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.started = time.monotonic()
        self.world = World(f"http://127.0.0.1:{self.server_address[1]}", settings)
        self.routes: list[tuple[Route, Function | None]] = []
        self.raw: list[tuple[str, re.Pattern[str], Function]] = []
        self.open: set[str] = set()
        self.control: dict[str, Function] = {}
        self.seeds: dict[str, Any] = {}
        for name in SERVICES:
            self.add(importlib.import_module(name))

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that was killed is no error of anybody's.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def server_bind(self) -> None:
        # HTTPServer's own would ask for the name of 127.0.0.1, which takes seconds where there is no network.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def add(self, service: ModuleType) -> None:
        methods: dict[str, Function] = getattr(service, "METHODS", {})
        if methods:
            document, prefix = Document(service.DOCUMENT), service.PREFIX
            unknown = methods.keys() - document.methods.keys()
            if unknown:
                raise SystemExit(f"{service.DOCUMENT} has no {', '.join(unknown)}")
            for method in document.methods.values():
                prefixes = prefix if isinstance(prefix, tuple) else (prefix,)
                self.routes += [(route, methods.get(method.id)) for route in method.routes(prefixes)]
            # A literal segment goes before a variable one: `images/family/F` is no image. What is not there comes last.
            self.routes.sort(key=lambda entry: (entry[1] is None, -entry[0].literal))
        self.raw += [(verb, re.compile(pattern), function) for verb, pattern, function in getattr(service, "RAW", [])]
        self.open |= getattr(service, "OPEN", set())
        self.control |= getattr(service, "CONTROL", {})
        self.seeds |= getattr(service, "SEEDS", {})
        if hasattr(service, "start"):
            service.start(self.world)


class Cut(Exception):
    """The connection is to be cut without an answer."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    # An answer is one packet, or Nagle's algorithm holds its second half back until the first is acknowledged.
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def log_message(self, *_arguments: Any) -> None:
        pass

    def respond(self) -> None:
        raw = self.content()
        if raw is None:
            # The client has ended in the middle of its request.
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        if parts.path.startswith("/_fake/"):
            return self.controlled(parts.path.removeprefix("/_fake/"), raw)
        world = self.server.world
        record: Json = {
            "call": 0,
            "seconds": round(time.monotonic() - self.server.started, 4),
            "method": None,
            "path": parts.path,
            "query": {name: values[0] if len(values) == 1 else values for name, values in query.items()},
            "verb": self.command,
            "request": None,
            "status": None,
            "response": None,
        }
        with world.lock:
            world.log.append(record)
            record["call"] = len(world.log)
        try:
            answer = self.answer(parts.path, query, raw, record)
        except Refused as refused:
            answer = Answer(refused.body(), refused.status)
        except Cut:
            # Status 0: the client got none.
            record["status"] = 0
            return self.cut()
        except Exception as error:
            world.violation(f"{record['method']}: the fake itself failed: {error!r}")
            answer = Answer(Refused(500, "internalError", repr(error)).body(), 500)
            self.send(answer)
            raise
        if answer is None:
            self.close_connection = True
            record["status"] = 101
            return
        record["status"] = answer.status
        record["response"] = answer.body if isinstance(answer.body, dict) else shown(answer.body)
        self.send(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = respond

    def answer(self, path: str, query: dict[str, list[str]], raw: bytes, record: Json) -> Answer | None:
        world = self.server.world
        body = self.parsed(raw)
        record["request"] = body if body is not None else shown(raw)
        for verb, pattern, handle in self.server.raw:
            if verb == self.command and (match := pattern.fullmatch(path)):
                record["method"] = f"{handle.__module__}.{handle.__name__}"
                call = self.call(record["method"], unquoted(match.groupdict()), record["query"], body, raw)
                self.suffer(call)
                return self.finished(call, handle(call))
        for route, function in self.server.routes:
            method = route.method
            if method.verb != self.command or not (match := route.pattern.fullmatch(path)):
                continue
            record["method"] = method.id
            variables = unquoted(match.groupdict())
            bearer = None if method.id in self.server.open else world.check_token(self.token(query))
            # An upload's body is a file, with a description before it or not; a resumable one begins with that alone.
            described = body if not route.upload or query.get("uploadType") == ["resumable"] else None
            if raw and body is None and not route.upload:
                found = ["the body is no JSON"]
            else:
                found = method.violations_of_request(variables, query, described)
            if found:
                text = f"{method.id}: " + "; ".join(found)
                world.violation(text)
                raise Refused(400, "invalid", text)
            if function is None:
                world.violation(f"the fake has no {method.id}")
                raise Refused(501, "notImplemented", f"the fake has no {method.id}")
            repeated = {name for name, parameter in method.parameters.items() if parameter.get("repeated")}
            given = {name: values if name in repeated else values[0] for name, values in query.items()}
            with world.lock:
                call = self.call(method.id, variables, given, body, raw)
                call.bearer = bearer
                self.suffer(call)
                self.hide(path)
                result = function(call)
                found = method.violations_of_response(result) if isinstance(result, dict) else []
                if found:
                    world.violation(f"response of {method.id}: " + "; ".join(found))
                return self.finished(call, result)
        world.violation(f"no document has {self.command} {path}")
        raise Refused(404, "notFound", f"no document has {self.command} {path}")

    def call(self, method: str, path: dict[str, str], query: Json, body: Any, raw: bytes) -> Call:
        world = self.server.world
        with world.lock:
            fault = world.faults.strike(method)
        return Call(method, path, query, body, raw, self.headers, world, fault, self)

    def suffer(self, call: Call) -> None:
        """Faults without an effect."""
        if "cut" in call.fault:
            raise Cut
        if "http" in call.fault:
            raise faults.refusal(call.fault)

    def hide(self, path: str) -> None:
        """Answers a read of what was made a moment ago as if it had not been."""
        hidden = self.server.world.hidden
        if self.command == "GET" and hidden.get(path, 0) > 0:
            hidden[path] -= 1
            raise Refused(404, "notFound", f"The resource '{path.split('/v1/')[-1]}' was not found")

    def finished(self, call: Call, result: Answer | Json | None) -> Answer | None:
        """Faults after the effect, and who is to know of it."""
        answer = Answer(result) if isinstance(result, dict) else result
        if answer is None:
            return None
        body = answer.body if isinstance(answer.body, dict) else {}
        if {"operation", "never_done"} & call.fault.keys() and body.get("kind") != "compute#operation":
            call.world.violation(f"a rule wants an operation of {call.method}, which begins none")
        if isinstance(answer.body, dict) and "not_found_reads" in call.fault:
            made = answer.body.get("targetLink") or answer.body.get("selfLink") or ""
            call.world.hidden[urlsplit(made).path] = call.fault["not_found_reads"]
        if self.command != "GET":
            with call.world.lock:
                call.world.changed()
        if "lost_answer" in call.fault:
            raise Cut
        return answer

    def controlled(self, name: str, raw: bytes) -> None:
        world, server = self.server.world, self.server
        with world.lock:
            try:
                given = json.loads(raw or b"null")
                result: Any = {}
                if self.command == "GET":
                    result = {
                        "log": world.log,
                        "violations": world.violations,
                        "settings": world.settings,
                        "state": world.resources | world.parts,
                    }[name]
                elif name == "settings":
                    world.settings = result = merged(world.settings, given)
                elif name == "faults":
                    world.faults.set(given)
                elif name == "seed":
                    for key, value in given.items():
                        seed = server.seeds.get(key.split("/")[0])
                        if seed:
                            seed(world, key, value)
                        else:
                            world.parts[key] = merged(world.part(key), value)
                else:
                    call = Call("_fake." + name, {}, {}, given, raw, self.headers, world, {}, self)
                    result = server.control[name](call)
                world.changed()
                answer = Answer(json.dumps(result, default=repr).encode(), headers={"Content-Type": "application/json"})
            except Refused as refused:
                answer = Answer(refused.body(), refused.status)
            except Exception as error:  # Of the test that gave it.
                answer = Answer({"error": f"/_fake/{name}: {error!r}"}, 400)
        self.send(answer)

    def content(self) -> bytes | None:
        """All of it, or None."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            return raw if len(raw) == length else None
        chunks = []
        while line := self.rfile.readline():
            size = int(line.split(b";")[0], 16)
            chunks.append(self.rfile.read(size))
            # The end of the chunk, or with the last one of all.
            if not self.rfile.readline().endswith(b"\n"):
                return None
            if size == 0:
                return b"".join(chunks)
        return None

    def parsed(self, raw: bytes) -> Any:
        if self.headers.get_content_type() != "application/json":
            return None
        try:
            return json.loads(raw) if raw else None
        except ValueError:
            return None

    def token(self, query: dict[str, list[str]]) -> str | None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else query.get("access_token", [None])[0]

    def send(self, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        if isinstance(answer.body, dict):
            self.send_header("Content-Type", "application/json; charset=UTF-8")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The client was faster.


def shown(raw: bytes) -> str | None:
    """Content that is no JSON, for the log: a form as it is, a file by its size."""
    if not raw:
        return None
    try:
        return raw.decode() if len(raw) <= 16384 else f"{len(raw)} bytes"
    except UnicodeDecodeError:
        return f"{len(raw)} bytes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--settings", type=json.loads, default={}, help="what /_fake/settings takes, as JSON")
    # Guests read what the fake writes.
    os.umask(0o022)
    server = Server(parser.parse_args().settings)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        print(json.dumps({"url": server.world.url}), flush=True)
        while os.read(sys.stdin.fileno(), 4096):
            pass
    finally:
        server.world.close()


if __name__ == "__main__":
    main()
