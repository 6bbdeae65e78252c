"""The machine inside an instance: an sshd on addresses of its own, disks as files, the startup script, the console.

Addresses are `127.A.B.N`, where A and B are the port of the fake, so that two fakes at once never share one. The sshd
lets in exactly the keys that the real guest agent would write down, and tells its sessions which instance they are in:
`FAKE_INSTANCE` is its name, `FAKE_DISKS` a folder with a file `google-DEVICENAME` for each attached disk, and
`GCE_METADATA_HOST` what stands in for metadata.google.internal.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import threading
import time
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import accounts
import contents
import devices
from call import Json, Refused
from metadata import MetadataServer
from world import World

# How many instances there may be at once.
GUESTS = 120
SSHD = next((path for path in ("/usr/sbin/sshd", "/usr/local/sbin/sshd") if os.path.exists(path)), None)

# A newer sshd keeps those away for a while who came with a wrong key a few times; an older one does not know the word.
NO_PENALTIES = ["PerSourcePenalties no"] if SSHD and b"persourcepenalties" in Path(SSHD).read_bytes().lower() else []


def make_account(world: World) -> None:
    """The local account that plays the guests' one. Who is not root has to play it himself, by settings."""
    if os.geteuid() != 0:
        return
    name = world.settings["ssh_account"]
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", name], check=True)
    # Where sshd puts its unprivileged half; a system that never ran one has no such folder.
    Path("/run/sshd").mkdir(exist_ok=True)


def address(world: World, number: int) -> str:
    """Up to `GUESTS` they are external ones of instances, so many more internal ones, and the rest may be reserved."""
    port = int(world.url.rsplit(":", 1)[1])
    return f"127.{port >> 8}.{port & 255}.{number}"


def new_number(world: World) -> int:
    """The last part of an address: the one given up longest ago, so that nobody meets another machine at an old one."""
    taken = {guest.number for guest in world.guests.values()}
    for offset in range(GUESTS):
        number = (world.last_guest + offset) % GUESTS + 1
        if number not in taken:
            world.last_guest = number
            return number
    raise Refused(403, "quotaExceeded", f"Quota 'INSTANCES' exceeded. The fake has addresses for {GUESTS} instances.")


class Guest:
    """One for each instance, from its insert to its end."""

    def __init__(self, world: World, path: str) -> None:
        self.world, self.path, self.name = world, path, path.rsplit("/", 1)[1]
        self.number = new_number(world)
        self.external_ip, self.internal_ip = address(world, self.number), address(world, GUESTS + self.number)
        self.metadata_host = self.internal_ip + ":" + world.url.rsplit(":", 1)[1]
        self.folder = world.folder / "guests" / f"{self.name}-{world.number()}"
        self.attributes: dict[tuple[str, str], str] = {}
        self.serial = ""
        self.metadata_server: MetadataServer | None = None
        self.sshd: subprocess.Popen[bytes] | None = None
        self.script: subprocess.Popen[str] | None = None
        self.script_ran = False
        self._keys: dict[str, str] = {}
        self._disks: dict[str, Path] = {}
        (self.folder / "keys").mkdir(parents=True)
        (self.folder / "disks").mkdir()

    @property
    def instance(self) -> Json:
        return self.world.resources[self.path]

    def print(self, text: str) -> None:
        self.serial += text

    def start(self) -> None:
        """Boots. Called on the clock's thread: whatever is started dies with the thread that started it."""
        if not SSHD:
            raise Refused(500, "internalError", "there is no sshd: install `openssh-server`")
        if not accounts.LIBRARY:
            raise Refused(500, "internalError", "there is no libnss_wrapper.so: install `libnss-wrapper`")
        self.print(f"[    0.000000] Linux version fake: {self.name}\n{self.name} login:\n")
        key = self.folder / "host_key"
        public = make_host_key(key)
        if self.metadata("enable-guest-attributes").upper() == "TRUE":
            self.attributes["hostkeys", "ssh-ed25519"] = public.split()[1]
        self.refresh()
        for name, file in self._disks.items():
            devices.add(name, file)
        self.metadata_server = MetadataServer(self)
        environment = {
            "FAKE_INSTANCE": self.name,
            "FAKE_DISKS": self.folder / "disks",
            "GCE_METADATA_HOST": self.metadata_host,
        }
        lines = [
            f"Port {self.world.settings['ssh_port']}",
            *(f"ListenAddress {address}" for address in self.addresses()),
            f"HostKey {key}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            f"AuthorizedKeysFile {self.folder}/keys/%u",
            "MaxStartups 100",
            "Subsystem sftp internal-sftp",
            "SetEnv " + " ".join(f"{name}={value}" for name, value in environment.items()),
            *NO_PENALTIES,
        ]
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")
        arguments = ["-D", "-E", f"{self.folder}/sshd.log", "-f", f"{self.folder}/sshd_config"]
        self.sshd = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", SSHD, *arguments],
            stdin=subprocess.DEVNULL,
            env=os.environ | accounts.environment(self.folder),
        )
        if (script := self.metadata("startup-script")) and not self.script_ran:
            self.script_ran = True
            self.run(script, environment)

    def addresses(self) -> list[str]:
        """Those of its interfaces that this machine has too."""
        found = []
        for interface in self.instance.get("networkInterfaces", []):
            found += [interface.get("networkIP", "")] + [
                access.get("natIP", "") for access in interface.get("accessConfigs", [])
            ]
        return [address for address in dict.fromkeys(found) if address.startswith("127.")]

    def run(self, script: str, environment: dict[str, object]) -> None:
        """The startup script, as the account; what it prints goes to the console."""
        file = self.folder / "startup-script"
        file.write_text(script)
        file.chmod(0o755)
        account = pwd.getpwnam(self.world.settings["ssh_account"])
        command = [str(file)] if script.startswith("#!") else ["/bin/sh", str(file)]
        variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": account.pw_dir} | {
            name: str(value) for name, value in environment.items()
        }
        root = os.geteuid() == 0
        self.script = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=variables,
            text=True,
            errors="replace",
            user=account.pw_uid if root else None,
            group=account.pw_gid if root else None,
            extra_groups=[] if root else None,
        )
        threading.Thread(target=self._listen, args=(self.script,), daemon=True).start()

    def _listen(self, script: subprocess.Popen[str]) -> None:
        assert script.stdout
        prefix = f"{self.name} google_metadata_script_runner[{script.pid}]: "
        for line in script.stdout:
            with self.world.lock:
                self.print(f"{prefix}startup-script: {line.rstrip()}\n")
        code = script.wait()
        with self.world.lock:
            self.print(f"{prefix}startup-script exit status {code}\n{prefix}Finished running startup scripts.\n")

    def metadata(self, key: str) -> str:
        """An item of the instance's metadata, or of the project's."""
        for items in (self.instance.get("metadata", {}).get("items", []), self.project_items()):
            for item in items:
                if item["key"] == key:
                    return str(item.get("value", ""))
        return ""

    def project_items(self) -> list[Json]:
        project = self.world.resources.get("/".join(self.path.split("/")[:2]), {})
        items: list[Json] = project.get("commonInstanceMetadata", {}).get("items", [])
        return items

    def keys(self) -> dict[str, list[str]]:
        """Who may log in by which keys: https://cloud.google.com/compute/docs/connect/add-ssh-keys."""
        if self.metadata("enable-oslogin").upper() == "TRUE":
            return oslogin_keys(self.world)
        own = self.instance.get("metadata", {}).get("items", [])
        blocks = any(
            item["key"] == "block-project-ssh-keys" and item.get("value", "").upper() == "TRUE" for item in own
        )
        found: dict[str, list[str]] = {}
        for item in own + ([] if blocks else self.project_items()):
            if item["key"] == "ssh-keys":
                for line in item.get("value", "").splitlines():
                    user, _, key = line.strip().partition(":")
                    if key and not has_expired(key):
                        found.setdefault(user, []).append(key)
        return found

    def refresh(self) -> None:
        """What a guest's agent does all the time: writes down who may log in, and sees which disks there are."""
        keys = {
            user: "".join(f"{key}\n" for key in keys)
            for user, keys in self.keys().items()
            if re.fullmatch(r"[\w.-]+", user)
        }
        for user in keys.keys() | self._keys.keys():
            if keys.get(user) != self._keys.get(user):
                (self.folder / "keys" / user).write_text(keys.get(user, ""))
        if keys.keys() != self._keys.keys() or not self.sshd:
            accounts.write(self.folder, keys, self.world.settings["ssh_account"])
        self._keys = keys
        disks = {f"google-{disk['deviceName']}": self.bytes_of(disk) for disk in self.instance.get("disks", [])}
        for name in self._disks.keys() - disks.keys():
            (self.folder / "disks" / name).unlink()
            devices.remove(name, self._disks[name])
        for name in disks.keys() - self._disks.keys():
            (self.folder / "disks" / name).symlink_to(disks[name])
            devices.add(name, disks[name])
        self._disks = disks
        if self.sshd and self.sshd.poll() is not None:
            log = (self.folder / "sshd.log").read_text()
            self.world.violations.append(f"the fake itself failed: the sshd of {self.name} has ended: {log}")
            self.sshd = None

    def bytes_of(self, attached: Json) -> Path:
        if "source" in attached:
            disk = self.world.resources[attached["source"].split("/compute/v1/")[1]]
            return contents.of_disk(self.world, disk)
        # A local SSD: it is no resource, and gone with the instance.
        scratch = self.folder / f"scratch-{attached['deviceName']}"
        if not scratch.exists():
            scratch.touch()
            os.truncate(scratch, contents.size(self.world, "375"))
            contents.own(self.world, scratch)
        return scratch

    def stop(self) -> None:
        """As if the power was cut: sshd, its sessions, and what they run."""
        if self.metadata_server:
            self.metadata_server.close()
            self.metadata_server = None
        for process in (self.sshd, self.script):
            if process and process.poll() is None:
                kill_tree(process.pid)
                process.wait()
        self.sshd = self.script = None
        for name, file in self._disks.items():
            devices.remove(name, file)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def make_host_key(file: Path) -> str:
    """Writes the private half, which only its owner may read; returns the public one."""
    key = Ed25519PrivateKey.generate()
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def has_expired(key: str) -> bool:
    """`ssh-ed25519 AAAA google-ssh {"userName":"a@b","expireOn":"2026-01-01T00:00:00+0000"}`"""
    _, mark, rest = key.partition(" google-ssh ")
    if not mark:
        return False
    try:
        return datetime.strptime(json.loads(rest)["expireOn"], "%Y-%m-%dT%H:%M:%S%z").timestamp() < time.time()
    except (ValueError, KeyError):
        return True


def oslogin_keys(world: World) -> dict[str, list[str]]:
    """Of all profiles: the account's name and the keys that have not expired."""
    found: dict[str, list[str]] = {}
    for profile in world.part("oslogin").values():
        for account in profile.get("posixAccounts", []):
            for key in profile.get("sshPublicKeys", {}).values():
                expires = int(key.get("expirationTimeUsec", 0))
                if not expires or expires > time.time() * 1_000_000:
                    found.setdefault(account["username"], []).append(key["key"].strip())
    return found


def kill_tree(root: int) -> None:
    """A process and all below it: sessions of an sshd are in sessions of their own, so that no group has them all."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue  # It ended meanwhile.
            parents.setdefault(parent, []).append(int(folder.name))
    waiting = [root]
    while waiting:
        process = waiting.pop()
        waiting += parents.get(process, [])
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass


def refresh_all(world: World) -> None:
    for guest in world.guests.values():
        if guest.sshd and guest.path in world.resources:
            guest.refresh()


def stop_all(world: World) -> None:
    for guest in world.guests.values():
        guest.stop()
