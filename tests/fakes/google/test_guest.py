"""What is inside of an instance: who may log in, disks, the startup script, guest attributes, and how it ends."""

import re
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path
from typing import Any, Callable

from googleapiclient.errors import HttpError

from harness import HERE, PROJECT, ZONE, Fake, Json, Key, status_of

PLACE = {"project": PROJECT, "zone": ZONE, "instance": "builder"}


def address(instance: Json) -> str:
    found: str = instance["networkInterfaces"][0]["networkIP"]
    return found


class Guests(unittest.TestCase):
    fake: Fake
    key: Key

    @classmethod
    def setUpClass(cls) -> None:
        cls.fake = Fake(shortest_run_seconds=1)
        cls.addClassCleanup(cls.fake.close)
        cls.key = Key()
        cls.addClassCleanup(cls.key.folder.cleanup)

    def tearDown(self) -> None:
        if f"{HERE}/instances/builder" in self.fake.control("state"):
            self.fake.wait(self.fake.compute.instances().delete(**PLACE).execute())
        self.assertEqual(self.fake.control("violations"), [])

    def launch(self, *items: tuple[str, str], **more: Any) -> Json:
        metadata = {"items": [*self.key.metadata()["items"], *({"key": key, "value": value} for key, value in items)]}
        done = self.fake.wait(self.fake.insert(metadata=metadata, **more))
        self.assertNotIn("error", done)
        return self.fake.get()

    def eventually(self, what: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 10
        while not (found := what()):
            self.assertLess(time.monotonic(), deadline, "it did not happen")
            time.sleep(0.02)
        return found

    def serial(self) -> str:
        text: str = self.fake.compute.instances().getSerialPortOutput(**PLACE).execute()["contents"]
        return text

    def test_keys_of_the_metadata_and_no_others(self) -> None:
        host = address(self.launch())
        other = Key()
        self.addCleanup(other.folder.cleanup)
        self.assertEqual(self.key.ssh(host, "echo in").stdout, "in\n")
        refused = other.ssh(host, "echo in")
        self.assertEqual(
            (refused.stdout, refused.stderr.splitlines()[-1]),
            ("", f"imgforge-test@{host}: Permission denied (publickey)."),
        )
        # They change with the metadata, and those of the project count too unless they are blocked.
        fingerprint = self.fake.get()["metadata"]["fingerprint"]
        self.fake.wait(
            self.fake.compute.instances().setMetadata(**PLACE, body={"items": [], "fingerprint": fingerprint}).execute()
        )
        self.assertNotEqual(self.key.ssh(host, "true").returncode, 0)
        self.fake.control("seed", {f"projects/{PROJECT}": {"commonInstanceMetadata": other.metadata()}})
        self.addCleanup(self.fake.control, "seed", {f"projects/{PROJECT}": {"commonInstanceMetadata": {"items": []}}})
        self.assertEqual(other.ssh(host, "echo in").stdout, "in\n")
        body = {
            "items": [{"key": "block-project-ssh-keys", "value": "TRUE"}],
            "fingerprint": self.fake.get()["metadata"]["fingerprint"],
        }
        self.fake.wait(self.fake.compute.instances().setMetadata(**PLACE, body=body).execute())
        self.assertNotEqual(other.ssh(host, "true").returncode, 0)

    def test_whoever_has_a_key_has_an_account(self) -> None:
        keys = f"packer:{self.key.public}\nexporter:{self.key.public}"
        self.fake.wait(self.fake.insert(metadata={"items": [{"key": "ssh-keys", "value": keys}]}))
        host = address(self.fake.get())
        # To this machine all of them are one.
        for user in ("packer", "exporter"):
            found = self.key.ssh(host, "id --user --name; pwd", user).stdout
            self.assertEqual(found, "imgforge-test\n/home/imgforge-test\n")
        self.assertNotEqual(self.key.ssh(host, "true", "nobody-else").returncode, 0)
        self.assertNotEqual(self.key.ssh(host, "true").returncode, 0)

    def test_keys_of_os_login_instead_of_the_metadata(self) -> None:
        other = Key()
        self.addCleanup(other.folder.cleanup)
        self.fake.control(
            "seed",
            {
                "oslogin": {
                    "user@example.com": {
                        "name": "1",
                        "posixAccounts": [{"username": "imgforge-test", "primary": True}],
                        "sshPublicKeys": {"f": {"key": other.public, "fingerprint": "f"}},
                    }
                }
            },
        )
        host = address(self.launch(("enable-oslogin", "TRUE")))
        self.assertEqual(other.ssh(host, "echo in").stdout, "in\n")
        self.assertNotEqual(self.key.ssh(host, "true").returncode, 0)
        expired = {"user@example.com": {"sshPublicKeys": {"f": {"expirationTimeUsec": "1000000"}}}}
        self.fake.control("seed", {"oslogin": expired})
        self.assertNotEqual(other.ssh(host, "true").returncode, 0)

    def test_the_startup_script_runs_once_as_the_account(self) -> None:
        script = "#!/bin/sh\nid -un\necho of $FAKE_INSTANCE >&2\nexit 3\n"
        self.launch(("startup-script", script))
        self.eventually(lambda: "Finished running startup scripts." in self.serial())
        lines = [re.sub(r"\[\d+\]", "", line) for line in self.serial().splitlines() if "startup" in line]
        runner = "builder google_metadata_script_runner: "
        self.assertEqual(
            lines,
            [
                runner + "startup-script: imgforge-test",
                runner + "startup-script: of builder",
                runner + "startup-script exit status 3",
                runner + "Finished running startup scripts.",
            ],
        )
        half = self.fake.compute.instances().getSerialPortOutput(**PLACE, start=len(self.serial()) - 9).execute()
        self.assertEqual(half["contents"], "scripts.\n")

    def test_guest_attributes(self) -> None:
        script = (
            "curl -s -X PUT -H 'Metadata-Flavor: Google' --data done "
            "http://$GCE_METADATA_HOST/computeMetadata/v1/instance/guest-attributes/imgforge/startup\n"
            "curl -s -H 'Metadata-Flavor: Google' http://$GCE_METADATA_HOST/computeMetadata/v1/instance/attributes/colour\n"
        )
        instance = self.launch(("startup-script", script), ("enable-guest-attributes", "TRUE"), ("colour", "red"))
        self.eventually(lambda: "Finished" in self.serial())
        read = self.fake.compute.instances().getGuestAttributes
        self.assertEqual(
            read(**PLACE, queryPath="imgforge/").execute()["queryValue"]["items"],
            [{"namespace": "imgforge", "key": "startup", "value": "done"}],
        )
        self.assertEqual(read(**PLACE, variableKey="imgforge/startup").execute()["variableValue"], "done")
        self.assertIn("startup-script: red\n", self.serial())
        # Whoever wants to be sure of the host finds its key there.
        host_key = read(**PLACE, variableKey="hostkeys/ssh-ed25519").execute()["variableValue"]
        scanned = self.eventually(
            lambda: (
                subprocess.run(
                    ["ssh-keyscan", "-t", "ed25519", address(instance)], capture_output=True, text=True
                ).stdout
            )
        )
        self.assertEqual(scanned.split()[2], host_key)
        with self.assertRaises(HttpError) as raised:
            read(**PLACE, queryPath="other/").execute()
        self.assertEqual(status_of(raised.exception), (404, "notFound"))

    def test_disks_come_and_go(self) -> None:
        compute = self.fake.compute
        host = address(self.launch())
        disk = {"name": "data", "sizeGb": "3", "sourceImage": "projects/debian-cloud/global/images/family/debian-13"}
        # The image has 10 GB.
        with self.assertRaises(HttpError):
            compute.disks().insert(project=PROJECT, zone=ZONE, body=disk).execute()
        self.fake.wait(compute.disks().insert(project=PROJECT, zone=ZONE, body=disk | {"sizeGb": "12"}).execute())
        attached = {"source": f"zones/{ZONE}/disks/data", "deviceName": "data", "mode": "READ_ONLY"}
        self.fake.wait(compute.instances().attachDisk(**PLACE, body=attached).execute())
        self.assertEqual(
            self.key.ssh(host, "cd $FAKE_DISKS; ls; head -n 1 google-data").stdout.splitlines(),
            ["google-data", "google-persistent-disk-0", "fake disk of the image debian-13-trixie-v20261101"],
        )
        # Where programs look for it, for which its name must be no other guest's.
        attached["deviceName"] = name = Path(self.key.folder.name).name
        self.fake.wait(compute.instances().detachDisk(**PLACE, deviceName="data").execute())
        self.fake.wait(compute.instances().attachDisk(**PLACE, body=attached).execute())
        seen = self.key.ssh(host, f"head -n 1 /dev/disk/by-id/google-{name}").stdout
        self.assertEqual(seen, "fake disk of the image debian-13-trixie-v20261101\n")
        self.fake.wait(compute.instances().detachDisk(**PLACE, deviceName=name).execute())
        self.assertNotEqual(self.key.ssh(host, f"ls /dev/disk/by-id/google-{name}").returncode, 0)
        self.assertEqual(self.key.ssh(host, "ls $FAKE_DISKS").stdout, "google-persistent-disk-0\n")
        self.fake.wait(compute.disks().delete(project=PROJECT, zone=ZONE, disk="data").execute())

    def test_without_an_external_address(self) -> None:
        instance = self.launch(networkInterfaces=[{"network": "global/networks/default"}])
        self.assertNotIn("accessConfigs", instance["networkInterfaces"][0])
        self.assertEqual(self.key.ssh(address(instance), "echo in").stdout, "in\n")

    def test_a_reserved_address_is_for_one_instance(self) -> None:
        path = f"projects/{PROJECT}/regions/us-central1/addresses/mine"
        self.fake.control("seed", {path: {}})
        mine = self.fake.compute.addresses().get(project=PROJECT, region="us-central1", address="mine").execute()
        self.assertEqual(mine["status"], "RESERVED")
        interfaces = [{"network": "global/networks/default", "accessConfigs": [{"natIP": mine["address"]}]}]
        self.launch(networkInterfaces=interfaces)
        self.assertEqual(self.key.ssh(mine["address"], "echo in").stdout, "in\n")
        with self.assertRaises(HttpError) as raised:
            self.fake.insert("second", networkInterfaces=interfaces)
        self.assertEqual(status_of(raised.exception), (400, "resourceInUseByAnotherResource"))
        interfaces[0]["accessConfigs"] = [{"natIP": "192.0.2.1"}]
        with self.assertRaises(HttpError) as raised:
            self.fake.insert("second", networkInterfaces=interfaces)
        self.assertIn(
            "The specified external IP address '192.0.2.1' was not found in region 'us-central1'.",
            str(raised.exception),
        )
        self.fake.wait(self.fake.compute.instances().delete(**PLACE).execute())
        self.assertEqual(self.fake.control("state")[path]["status"], "RESERVED")

    def test_preemption(self) -> None:
        instance = self.launch(scheduling={"provisioningModel": "SPOT", "instanceTerminationAction": "STOP"})
        self.eventually(lambda: self.key.ssh(address(instance), "true").returncode == 0)
        session = subprocess.Popen(
            [
                "ssh",
                "-F",
                "none",
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-i",
                self.key.file,
                f"imgforge-test@{address(instance)}",
                "sleep 60",
            ],
            stderr=subprocess.DEVNULL,
        )
        self.fake.control("settings", {"operation_seconds": 2})
        self.fake.control("preempt", {"instance": "builder"})
        self.fake.control("settings", {"operation_seconds": 0.05})
        self.assertEqual(self.fake.get()["status"], "STOPPING")
        self.assertEqual(session.wait(timeout=10), 255)
        self.eventually(lambda: self.fake.get()["status"] == "TERMINATED")
        found = (
            self.fake.compute.zoneOperations()
            .list(project=PROJECT, zone=ZONE, filter='operationType="compute.instances.preempted"')
            .execute()["items"]
        )
        self.assertEqual(
            [(one["targetLink"], one["statusMessage"]) for one in found],
            [(instance["selfLink"], "Instance was preempted.")],
        )

    def test_the_longest_run_ends_with_the_instance_and_its_disk(self) -> None:
        scheduling = {"maxRunDuration": {"seconds": "1"}, "instanceTerminationAction": "DELETE"}
        self.assertNotIn("error", self.fake.wait(self.fake.insert(scheduling=scheduling)))
        self.eventually(lambda: not [path for path in self.fake.control("state") if "builder" in path])

    def test_only_what_may_be_preempted_is(self) -> None:
        self.launch()
        status, answer = self.fake.http("POST", "/_fake/preempt", {"instance": "builder"})
        self.assertEqual((status, answer["error"]["message"]), (400, f"{HERE}/instances/builder is not preemptible"))


class TwoAtOnce(unittest.TestCase):
    def test_two_fakes_do_not_meet(self) -> None:
        key = Key()
        self.addCleanup(key.folder.cleanup)
        seen = []
        for number in range(2):
            fake = Fake()
            self.addCleanup(fake.close)
            fake.wait(fake.insert(f"builder-{number}", metadata=key.metadata()))
            seen.append(address(fake.get(f"builder-{number}")))
        self.assertNotEqual(*seen)
        self.assertEqual([key.ssh(host, "echo $FAKE_INSTANCE").stdout for host in seen], ["builder-0\n", "builder-1\n"])

    def test_nothing_is_left_of_a_fake(self) -> None:
        for end in ("its input is closed", "SIGTERM", "SIGKILL"):
            with self.subTest(end=end):
                fake = Fake()
                key = Key()
                self.addCleanup(key.folder.cleanup)
                fake.wait(fake.insert(metadata=key.metadata()))
                host = address(fake.get())
                folder = Path(key.ssh(host, "echo $FAKE_DISKS").stdout.strip()).parent.parent.parent
                self.assertTrue(folder.name.startswith("fake-google-"), folder)
                if end.startswith("SIG"):
                    fake.process.send_signal(signal.Signals[end])
                    fake.process.wait(timeout=10)
                fake.close()
                time.sleep(0.1)
                with self.assertRaises(ConnectionRefusedError):
                    socket.create_connection((host, 22))
                # Nobody can clean up after himself when he is killed.
                self.assertEqual(folder.exists(), end == "SIGKILL")
                if folder.exists():
                    subprocess.run(["rm", "-r", folder], check=True)


if __name__ == "__main__":
    unittest.main()
