"""A fake that runs for a test, and Google's own Python clients made for it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from importlib.resources import files
from pathlib import Path
from typing import Any

from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.http import build_http


class Fake:
    """A fake in a process of its own, which ends with the `with`."""

    def __init__(self, **settings: Any) -> None:
        command = [sys.executable, str(Path(__file__).with_name("server.py")), "--settings", json.dumps(settings)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout
        self.opened: list[Any] = []
        self.url: str = json.loads(self.process.stdout.readline())["url"]

    def __enter__(self) -> Fake:
        return self

    def __exit__(self, *_error: object) -> None:
        assert self.process.stdin and self.process.stdout
        for http in self.opened:
            http.close()
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def control(self, name: str, body: Any = None) -> Any:
        """`/_fake/NAME`: read, or given something."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_fake/{name}", data)) as answer:
            return json.load(answer)

    def request(
        self, method: str, address: str, data: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """A call by hand, for what Google's clients don't do: the answer's status, headers and content."""
        url = address if address.startswith("http") else self.url + address
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, data, named, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    def client(self, name: str, below: str = "", token: str = "fake-token") -> Any:
        """Google's client for a document, with its addresses below those of the fake."""
        text = files("googleapiclient.discovery_cache").joinpath("documents", f"{name}.json").read_text()
        document = json.loads(text)
        document |= {"rootUrl": f"{self.url}/{below}", "baseUrl": f"{self.url}/{below}{document['servicePath']}"}
        document.pop("mtlsRootUrl", None)
        # Without codes to refresh at, since there is nothing to refresh with.
        http = AuthorizedHttp(Credentials(token), http=build_http(), refresh_status_codes=())
        self.opened.append(http)
        return build_from_document(document, http=http)
