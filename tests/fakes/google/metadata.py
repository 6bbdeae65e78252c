"""What stands in for metadata.google.internal in a guest: no document covers it.

It listens where `GCE_METADATA_HOST` says, as Google's own client libraries take it, and so knows by the address who
asks. Has the instance's name, zone, id and metadata, the project, and guest attributes, which may also be written:
https://cloud.google.com/compute/docs/metadata/manage-guest-attributes.
"""

from __future__ import annotations

import re
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from call import Refused

if TYPE_CHECKING:
    from guest import Guest

ROOT = "/computeMetadata/v1/"


class MetadataServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, guest: Guest) -> None:
        host, port = guest.metadata_host.split(":")
        super().__init__((host, int(port)), Handler)
        self.guest = guest
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def server_bind(self) -> None:
        # HTTPServer's own asks for the name of the address, which takes seconds where there is no network.
        socketserver.TCPServer.server_bind(self)

    def close(self) -> None:
        """Without waiting: whoever calls holds the lock that a request may wait for."""

        def end() -> None:
            self.shutdown()
            self.server_close()

        threading.Thread(target=end, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    server: MetadataServer

    def log_message(self, *_arguments: Any) -> None:
        pass

    def respond(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with self.server.guest.world.lock:
            try:
                status, text = 200, self.answer(content)
            except Refused as refused:
                status, text = refused.status, refused.message
        self.send_response(status)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "application/text")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_PUT = do_DELETE = respond

    def answer(self, content: str) -> str:
        guest, path = self.server.guest, self.path.split("?")[0]
        if self.headers.get("Metadata-Flavor") != "Google":
            raise Refused(403, "forbidden", "Missing Metadata-Flavor:Google header.")
        if not path.startswith(ROOT) or guest.path not in guest.world.resources:
            raise Refused(404, "notFound", "not found")
        path = path.removeprefix(ROOT)
        if match := re.fullmatch(r"instance/guest-attributes/([^/]+)/([^/]+)", path):
            return self.attribute(match[1], match[2], content)
        if self.command != "GET":
            raise Refused(405, "methodNotAllowed", "method not allowed")
        _, project, _, zone, *_ = guest.path.split("/")
        found = {
            "instance/name": guest.name,
            "instance/id": guest.instance["id"],
            "instance/zone": f"projects/123456789012/zones/{zone}",
            "project/project-id": project,
            "project/numeric-project-id": "123456789012",
        }
        for place, items in (
            ("project", guest.project_items()),
            ("instance", guest.instance.get("metadata", {}).get("items", [])),
        ):
            found |= {f"{place}/attributes/{item['key']}": item.get("value", "") for item in items}
        if path not in found:
            raise Refused(404, "notFound", "not found")
        return str(found[path])

    def attribute(self, namespace: str, key: str, content: str) -> str:
        guest = self.server.guest
        if guest.metadata("enable-guest-attributes").upper() != "TRUE":
            raise Refused(403, "forbidden", "Guest attributes endpoint access is disabled.")
        if self.command == "PUT":
            guest.attributes[namespace, key] = content
            return ""
        if (namespace, key) not in guest.attributes:
            raise Refused(404, "notFound", "not found")
        if self.command == "DELETE":
            del guest.attributes[namespace, key]
            return ""
        return guest.attributes[namespace, key]
