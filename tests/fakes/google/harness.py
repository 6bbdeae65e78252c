"""For the fake's own tests: a fake in a process of its own, and Google's own client to drive it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from importlib.resources import files
from pathlib import Path
from typing import Any

import httplib2
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

Json = dict[str, Any]
PROJECT, ZONE = "imgforge", "us-central1-a"
HERE = f"projects/{PROJECT}/zones/{ZONE}"
TOKEN = "fake-token"


class Authorized(httplib2.Http):  # type: ignore[misc]
    """The transport of Google's client, with a token in each request."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        # Of a resumable upload it says that more is to come.
        self.redirect_codes -= {308}

    def request(self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **more: Any) -> Any:
        return super().request(
            uri, method, body=body, headers={**(headers or {}), "authorization": f"Bearer {self.token}"}, **more
        )


class Fake:
    def __init__(self, **settings: Any) -> None:
        # A disk of a real size is sparse, but reading it takes its time.
        settings = {"operation_seconds": 0.05, "bytes_per_gb": 1 << 20} | settings
        server = Path(__file__).with_name("server.py")
        self.process = subprocess.Popen(
            [sys.executable, server, "--settings", json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.url: str = json.loads(self.process.stdout.readline())["url"]
        self.transports: list[Authorized] = []
        self.compute = self.service("compute.v1")

    def service(self, name: str, below: str = "", token: str = TOKEN) -> Any:
        """Google's own client of a service, with its own document; `below` is what the custom endpoint adds: `sts/`."""
        document = json.loads(
            files("googleapiclient.discovery_cache").joinpath("documents", f"{name}.json").read_text()
        )
        # Uploads go below the root, and not below the endpoint that could be given beside the document.
        document["rootUrl"] = f"{self.url}/{below}"
        self.transports.append(Authorized(token))
        return build_from_document(
            document,
            http=self.transports[-1],
            client_options={"api_endpoint": f"{self.url}/{below}{document['servicePath']}"},
        )

    def __enter__(self) -> "Fake":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        assert self.process.stdin and self.process.stdout
        for transport in self.transports:
            transport.close()
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def http(self, verb: str, path: str, body: Any = None, token: str | None = TOKEN) -> tuple[int, Json]:
        """What no client would send, and its answer."""
        request = urllib.request.Request(
            self.url + path, method=verb, data=None if body is None else json.dumps(body).encode()
        )
        request.add_header("content-type", "application/json")
        if token:
            request.add_header("authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def request(
        self, verb: str, address: str, data: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """The same with bytes, headers and no token: the answer's status, headers and content. `_` stands for `-`."""
        url = address if address.startswith("http") else self.url + address
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, named, method=verb)) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    def control(self, name: str, body: Any = None) -> Any:
        return self.http("GET" if body is None else "POST", f"/_fake/{name}", body)[1]

    def faults(self, *rules: Json) -> None:
        self.control("faults", list(rules))

    def wait(self, operation: Json) -> Json:
        """Until it is done; returns it."""
        place = {"project": PROJECT, "operation": operation["name"]}
        if "zone" in operation:
            done: Json = self.compute.zoneOperations().wait(**place, zone=ZONE).execute()
        else:
            done = self.compute.globalOperations().wait(**place).execute()
        assert done["status"] == "DONE", done
        return done

    def insert(self, name: str = "builder", **more: Any) -> Json:
        """The instance that a build would make; `more` goes over its body."""
        operation: Json = (
            self.compute.instances().insert(project=PROJECT, zone=ZONE, body=instance(name, **more)).execute()
        )
        return operation

    def get(self, name: str = "builder") -> Json:
        found: Json = self.compute.instances().get(project=PROJECT, zone=ZONE, instance=name).execute()
        return found


def instance(name: str, **more: Any) -> Json:
    return {
        "name": name,
        "machineType": f"zones/{ZONE}/machineTypes/e2-standard-2",
        "labels": {"imgforge-role": "temp"},
        "disks": [
            {
                "boot": True,
                "autoDelete": True,
                "initializeParams": {
                    "sourceImage": "projects/debian-cloud/global/images/family/debian-12",
                    "diskSizeGb": "20",
                    "diskType": f"zones/{ZONE}/diskTypes/pd-ssd",
                    "labels": {"imgforge-role": "temp"},
                },
            }
        ],
        "networkInterfaces": [{"network": "global/networks/default", "accessConfigs": [{"type": "ONE_TO_ONE_NAT"}]}],
        **more,
    }


def status_of(error: HttpError) -> tuple[int, str]:
    details = json.loads(error.content)["error"]
    return details["code"], details["errors"][0]["reason"]


class Key:
    """A key of a user who wants to log in."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", self.file], check=True)
        self.public = self.file.with_suffix(".pub").read_text().strip()

    def metadata(self) -> Json:
        return {"items": [{"key": "ssh-keys", "value": f"imgforge-test:{self.public}"}]}

    def ssh(self, address: str, command: str, user: str = "imgforge-test") -> subprocess.CompletedProcess[str]:
        """Tries for a while, as a communicator does: the address is there before the sshd is."""
        options = [
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "ConnectionAttempts=5",
            "-i",
            str(self.file),
        ]
        return subprocess.run(
            ["ssh", "-F", "none", *options, f"{user}@{address}", command], capture_output=True, text=True
        )
