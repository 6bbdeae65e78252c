"""The fake of Google Cloud for scripts, and builds against it: what chaos and bench share."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".cache/python/bin/python"
PROJECT = "demo"
ZONE = "europe-west1-b"
TOKEN = "fake-token"
USER = "imgforge-test"


class Fake:
    """One running fake; it ends with the block."""

    def __init__(self, **settings):
        self.process = subprocess.Popen(
            [PYTHON, ROOT / "tests/fakes/google/server.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the fake of Google Cloud does not start: run `script/bootstrap test`")
        self.url = json.loads(line)["url"]
        self.call("settings", settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=20)

    def call(self, what, body=None):
        """A control call: a read without a body, a change with one."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_fake/{what}", data=data)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def resources(self):
        """Instances, disks and images by their path."""
        kinds = ("/instances/", "/disks/", "/images/")
        return {path: found for path, found in self.call("state").items() if any(kind in path for kind in kinds)}

    def endpoints(self):
        """What `custom_endpoints` of a template has to be."""
        own = ["oauth2", "sts", "iamcredentials", "secretmanager", "parametermanager", "serviceusage"]
        own += ["cloudresourcemanager", "oslogin", "iap"]
        return {
            "compute": f"{self.url}/compute/v1/",
            "storage": f"{self.url}/storage/v1/",
            **{name: f"{self.url}/{name}/" for name in own},
        }


def template(fake, image_name, more=None):
    """The plain build of any introduction, against the fake."""
    builder = {
        "type": "googlecompute",
        "project_id": PROJECT,
        "zone": ZONE,
        "source_image_family": "debian-12",
        "image_name": image_name,
        "ssh_username": USER,
        "access_token": TOKEN,
        "custom_endpoints": fake.endpoints(),
        **(more or {}),
    }
    shell = {"type": "shell", "inline": ["echo $FAKE_INSTANCE"]}
    return {"builders": [builder], "provisioners": [shell]}


@contextlib.contextmanager
def workplace(written):
    """A folder with a template and a state folder of its own, and the environment for it."""
    with tempfile.TemporaryDirectory(prefix="imgforge-google-") as folder:
        folder = pathlib.Path(folder)
        (folder / "template.json").write_text(json.dumps(written, indent=2))
        # A CI job's own variables are not what is measured.
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GITLAB_", "CI"))}
        yield folder, {**clean, "IMGFORGE_STATE_DIR": str(folder / "state")}


def program():
    """The binary under test."""
    return os.environ.get("IMGFORGE_BIN") or str(ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug/imgforge")


def build(folder, environment, **options):
    """Starts the build of a workplace."""
    command = [program(), "build", "template.json"]
    log = open(folder / "output.txt", "wb")
    with log:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options
        )


def timed(written):
    """Seconds of one whole build, which has to succeed."""
    with workplace(written) as (folder, environment):
        started = time.monotonic()
        code = build(folder, environment).wait()
        seconds = time.monotonic() - started
        if code != 0:
            sys.exit(f"the build ended with {code}:\n{(folder / 'output.txt').read_text()}")
        return seconds
