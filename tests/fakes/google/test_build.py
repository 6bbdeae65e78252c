"""The life of a build, driven by Google's own Python client, and what its machines are like."""

import socket
import unittest

from googleapiclient.errors import HttpError

from harness import HERE, PROJECT, ZONE, Fake, Key, status_of


class Build(unittest.TestCase):
    def setUp(self) -> None:
        self.fake = Fake()
        self.addCleanup(self.fake.close)
        self.key = Key()
        self.addCleanup(self.key.folder.cleanup)

    def test_the_whole_life_of_a_build(self) -> None:
        fake, compute = self.fake, self.fake.compute
        self.assertEqual(compute.zones().get(project=PROJECT, zone=ZONE).execute()["status"], "UP")
        base = compute.images().getFromFamily(project="debian-cloud", family="debian-12").execute()
        self.assertEqual(base["name"], "debian-12-bookworm-v20261101")
        fake.control("settings", {"operation_seconds": 2})
        operation = fake.insert(metadata=self.key.metadata(), labels={"imgforge-run": "r1"})
        self.assertEqual(
            (operation["status"], operation["operationType"], fake.get()["status"]),
            ("PENDING", "insert", "PROVISIONING"),
        )
        fake.control("settings", {"operation_seconds": 0.05})
        self.assertNotIn("error", fake.wait(operation))
        instance = fake.get()
        self.assertEqual(instance["status"], "RUNNING")
        self.assertEqual(instance["labels"], {"imgforge-run": "r1"})

        interface = instance["networkInterfaces"][0]
        for address in (interface["accessConfigs"][0]["natIP"], interface["networkIP"]):
            seen = self.key.ssh(
                address, "echo $FAKE_INSTANCE; ls $FAKE_DISKS; cd $FAKE_DISKS; head -n 1 google-*; stat -Lc %s google-*"
            )
            self.assertEqual(
                (seen.stderr, seen.stdout.splitlines()),
                (
                    "",
                    [
                        "builder",
                        "google-persistent-disk-0",
                        "fake disk of the image debian-12-bookworm-v20261101",
                        str(20 << 20),
                    ],
                ),
            )
        written = self.key.ssh(
            interface["networkIP"],
            "printf provisioned | dd of=$FAKE_DISKS/google-persistent-disk-0 conv=notrunc status=none",
        )
        self.assertEqual(written.returncode, 0, written.stderr)
        serial = compute.instances().getSerialPortOutput(project=PROJECT, zone=ZONE, instance="builder").execute()
        self.assertIn("builder login:", serial["contents"])

        wanted = {
            "sourceDisk": f"zones/{ZONE}/disks/builder",
            "name": "golden-1",
            "family": "golden",
            "labels": {"imgforge-role": "temp"},
        }
        with self.assertRaises(HttpError) as raised:
            compute.images().insert(project=PROJECT, body=wanted).execute()
        self.assertEqual(status_of(raised.exception), (400, "resourceInUseByAnotherResource"))
        fake.wait(
            compute.instances()
            .setDiskAutoDelete(
                project=PROJECT, zone=ZONE, instance="builder", deviceName="persistent-disk-0", autoDelete=False
            )
            .execute()
        )
        fake.wait(compute.instances().stop(project=PROJECT, zone=ZONE, instance="builder").execute())
        self.assertEqual(fake.get()["status"], "TERMINATED")
        self.assertNotIn("natIP", fake.get()["networkInterfaces"][0]["accessConfigs"][0])
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((interface["networkIP"], 22))
        fake.control("settings", {"operation_seconds": 2})
        operation = compute.images().insert(project=PROJECT, body=wanted).execute()
        fake.control("settings", {"operation_seconds": 0.05})
        self.assertEqual(compute.images().get(project=PROJECT, image="golden-1").execute()["status"], "PENDING")
        fake.wait(operation)
        image = compute.images().get(project=PROJECT, image="golden-1").execute()
        self.assertEqual((image["status"], image["diskSizeGb"], image["architecture"]), ("READY", "20", "X86_64"))
        self.assertEqual(compute.images().getFromFamily(project=PROJECT, family="golden").execute()["id"], image["id"])

        fake.wait(compute.instances().delete(project=PROJECT, zone=ZONE, instance="builder").execute())
        fake.wait(compute.disks().delete(project=PROJECT, zone=ZONE, disk="builder").execute())
        left = {path for path in fake.control("state") if f"/{PROJECT}/" in path}
        self.assertEqual(left, {f"projects/{PROJECT}/global/images/golden-1"})

        # What was written to the disk is in the image, and in a disk that is made from it.
        disks = [{"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": "global/images/golden-1"}}]
        fake.wait(fake.insert("second", disks=disks, metadata=self.key.metadata()))
        address = fake.get("second")["networkInterfaces"][0]["networkIP"]
        self.assertEqual(
            self.key.ssh(address, "head -c 20 $FAKE_DISKS/google-persistent-disk-0").stdout, "provisionedf the ima"
        )
        fake.wait(compute.instances().delete(project=PROJECT, zone=ZONE, instance="second").execute())
        self.assertNotIn(f"{HERE}/disks/second", fake.control("state"))
        self.assertEqual(fake.control("violations"), [])


if __name__ == "__main__":
    unittest.main()
