"""Disks and images beyond those of a plain build: regional ones, several on an instance, keys, what is inherited."""

import base64
import unittest

from harness import HERE, PROJECT, ZONE, Fake, instance

REGION = "us-central1"
DEBIAN = "projects/debian-cloud/global/images/family/debian-12"
RAW_KEY = base64.b64encode(bytes(32)).decode()


class Disks(unittest.TestCase):
    fake: Fake

    @classmethod
    def setUpClass(cls) -> None:
        cls.fake = Fake(guests=False)
        cls.addClassCleanup(cls.fake.close)

    def tearDown(self) -> None:
        self.assertEqual(self.fake.control("violations"), [])

    def test_a_disk_of_two_zones(self) -> None:
        disks, place = self.fake.compute.regionDisks(), {"project": PROJECT, "region": REGION}
        zones = [f"zones/{ZONE}", "zones/us-central1-b"]
        operation = disks.insert(**place, body={"name": "wide", "sizeGb": "10", "replicaZones": zones}).execute()
        waited = self.fake.compute.regionOperations().wait(**place, operation=operation["name"]).execute()
        self.assertEqual(
            (waited["status"], waited["region"]),
            ("DONE", f"{self.fake.url}/compute/v1/projects/{PROJECT}/regions/{REGION}"),
        )
        self.assertEqual(disks.get(**place, disk="wide").execute()["status"], "READY")
        # It is for instances of its two zones.
        body = instance("on-it")
        body["disks"].append({"source": f"regions/{REGION}/disks/wide", "deviceName": "wide"})
        self.fake.wait(self.fake.compute.instances().insert(project=PROJECT, zone=ZONE, body=body).execute())
        self.assertEqual(disks.get(**place, disk="wide").execute()["users"], [self.fake.get("on-it")["selfLink"]])
        body["machineType"] = "zones/us-east1-b/machineTypes/e2-medium"
        status, answer = self.fake.http("POST", f"/compute/v1/projects/{PROJECT}/zones/us-east1-b/instances", body)
        self.assertEqual(
            (status, answer["error"]["message"]),
            (
                400,
                "Invalid value for field 'resource.disks[1].source': "
                f"'projects/{PROJECT}/regions/{REGION}/disks/wide'. The disk is not in us-east1-b.",
            ),
        )
        self.fake.wait(self.fake.compute.instances().delete(project=PROJECT, zone=ZONE, instance="on-it").execute())
        # The instance's own disk went with it; this one did not.
        self.assertNotIn("users", disks.get(**place, disk="wide").execute())
        disks.delete(**place, disk="wide").execute()

    def test_several_disks(self) -> None:
        body = instance("many")
        body["disks"] += [
            {"initializeParams": {"diskSizeGb": "5", "diskName": "data"}, "autoDelete": False, "deviceName": "data"},
            {
                "type": "SCRATCH",
                "interface": "NVME",
                "initializeParams": {"diskType": f"zones/{ZONE}/diskTypes/local-ssd"},
            },
        ]
        self.fake.wait(self.fake.compute.instances().insert(project=PROJECT, zone=ZONE, body=body).execute())
        disks = self.fake.get("many")["disks"]
        self.assertEqual(
            [(disk["index"], disk["deviceName"], disk["type"], disk["diskSizeGb"], disk["boot"]) for disk in disks],
            [
                (0, "persistent-disk-0", "PERSISTENT", "20", True),
                (1, "data", "PERSISTENT", "5", False),
                (2, "local-ssd-2", "SCRATCH", "375", False),
            ],
        )
        self.fake.wait(self.fake.compute.instances().delete(project=PROJECT, zone=ZONE, instance="many").execute())
        self.assertEqual([path for path in self.fake.control("state") if path.startswith(HERE)], [f"{HERE}/disks/data"])
        self.fake.wait(self.fake.compute.disks().delete(project=PROJECT, zone=ZONE, disk="data").execute())

    def test_an_image_has_what_its_disk_has(self) -> None:
        compute = self.fake.compute
        disk = {"name": "base", "sourceImage": DEBIAN, "diskEncryptionKey": {"rawKey": RAW_KEY}}
        self.fake.wait(compute.disks().insert(project=PROJECT, zone=ZONE, body=disk).execute())
        made = compute.disks().get(project=PROJECT, zone=ZONE, disk="base").execute()
        self.assertEqual(
            (made["sizeGb"], made["diskEncryptionKey"]),
            ("10", {"sha256": "Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU="}),
        )
        image = {
            "name": "of-base",
            "sourceDisk": f"zones/{ZONE}/disks/base",
            "guestOsFeatures": [{"type": "GVNIC"}, {"type": "SEV_CAPABLE"}],
        }
        self.fake.wait(compute.images().insert(project=PROJECT, body=image).execute())
        found = compute.images().get(project=PROJECT, image="of-base").execute()
        self.assertEqual(
            [feature["type"] for feature in found["guestOsFeatures"]],
            ["UEFI_COMPATIBLE", "VIRTIO_SCSI_MULTIQUEUE", "GVNIC", "SEV_CAPABLE"],
        )
        self.assertEqual(
            (found["sourceDiskId"], len(found["licenses"]), found["storageLocations"]), (made["id"], 1, ["us"])
        )
        self.fake.wait(
            compute.images()
            .insert(project=PROJECT, body={"name": "copy", "sourceImage": "global/images/of-base"})
            .execute()
        )
        copy = compute.images().get(project=PROJECT, image="copy").execute()
        self.assertEqual(
            (copy["sourceImageId"], copy["licenses"], copy["diskSizeGb"]), (found["id"], found["licenses"], "10")
        )
        for name in ("of-base", "copy"):
            self.fake.wait(compute.images().delete(project=PROJECT, image=name).execute())
        self.fake.wait(compute.disks().delete(project=PROJECT, zone=ZONE, disk="base").execute())

    def test_an_instance_that_is_deleted_while_it_is_made(self) -> None:
        self.fake.control("settings", {"operation_seconds": 3})
        inserted = self.fake.insert("brief")
        self.fake.control("settings", {"operation_seconds": 0.05})
        self.fake.wait(self.fake.compute.instances().delete(project=PROJECT, zone=ZONE, instance="brief").execute())
        done = self.fake.wait(inserted)
        self.assertEqual(
            done["error"]["errors"],
            [{"code": "RESOURCE_NOT_FOUND", "message": f"The resource '{HERE}/instances/brief' was not found"}],
        )
        self.assertEqual([path for path in self.fake.control("state") if "brief" in path], [])


if __name__ == "__main__":
    unittest.main()
