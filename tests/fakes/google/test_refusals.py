"""What Google refuses, the fake refuses: what breaks a document, and what breaks a rule that is written beside it."""

import unittest
from typing import Any

from harness import HERE, PROJECT, ZONE, Fake, Json, instance

INSTANCES = f"/compute/v1/{HERE}/instances"
IMAGES = f"/compute/v1/projects/{PROJECT}/global/images"
DISKS = f"/compute/v1/{HERE}/disks"
INVALID = "400 invalid: Invalid value for field 'resource."
IN_USE = (
    f"400 resourceInUseByAnotherResource: The disk resource '{HERE}/disks/there' is already being used by "
    f"'{HERE}/instances/there'"
)


class Refusals(unittest.TestCase):
    fake: Fake

    @classmethod
    def setUpClass(cls) -> None:
        cls.fake = Fake(guests=False)
        cls.addClassCleanup(cls.fake.close)

    def refusal(self, path: str, body: Any, verb: str = "POST", token: str | None = "fake-token") -> str:
        """The answer's code, reason and message."""
        status, answer = self.fake.http(verb, path, body, token)
        error = answer["error"]
        self.assertEqual(error["code"], status)
        return f"{status} {error['errors'][0]['reason']}: {error['message']}"

    def test_bodies_that_are_wrong_in_ten_ways(self) -> None:
        before = len(self.fake.control("violations"))
        disk: Json = {"boot": True, "initializeParams": {"diskSizeGb": 20}}
        wrong: list[tuple[str, Any, str]] = [
            # A field that there is not, and one below.
            (
                INSTANCES,
                instance("a", machine="e2-medium"),
                "compute.instances.insert: /: Additional properties are not allowed ('machine' was unexpected)",
            ),
            (
                INSTANCES,
                instance("a", shieldedInstanceConfig={"secureBoot": True}),
                "compute.instances.insert: /shieldedInstanceConfig: Additional properties are not allowed "
                "('secureBoot' was unexpected)",
            ),
            # A type, and an integer that is to be a text.
            (
                INSTANCES,
                instance("a", canIpForward="yes"),
                "compute.instances.insert: /canIpForward: 'yes' is not of type 'boolean'",
            ),
            (
                INSTANCES,
                instance("a", disks=[disk]),
                "compute.instances.insert: /disks/0/initializeParams/diskSizeGb: 20 is not of type 'string'",
            ),
            (
                DISKS,
                {"name": "a", "sizeGb": "20 GB"},
                r"compute.disks.insert: /sizeGb: '20 GB' does not match '^(?:-?[0-9]+)\\Z'",
            ),
            # A pattern that begins right and ends wrong.
            (
                IMAGES,
                {"name": "golden_1"},
                r"compute.images.insert: /name: 'golden_1' does not match '^(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)\\Z'",
            ),
            # A word of another's list.
            (
                INSTANCES,
                instance("a", scheduling={"onHostMaintenance": "STOP"}),
                "compute.instances.insert: /scheduling/onHostMaintenance: 'STOP' is not one of "
                "['MIGRATE', 'TERMINATE']",
            ),
            # A field that this method needs.
            (IMAGES, {"family": "golden"}, "compute.images.insert: /: 'name' is a required property"),
            # A number that is too large, and no object at all.
            (
                INSTANCES,
                instance("a", guestAccelerators=[{"acceleratorCount": 1 << 40}]),
                "compute.instances.insert: /guestAccelerators/0/acceleratorCount: "
                "1099511627776 is greater than the maximum of 2147483647",
            ),
            (INSTANCES, ["a"], "compute.instances.insert: /: ['a'] is not of type 'object'"),
        ]
        for path, body, message in wrong:
            with self.subTest(message=message):
                self.assertEqual(self.refusal(path, body), f"400 invalid: {message}")
        self.assertEqual(self.fake.control("violations")[before:], [message for _, _, message in wrong])
        self.assertNotIn(f"{HERE}/instances/a", self.fake.control("state"))

    def test_requests_that_are_wrong_outside_of_their_bodies(self) -> None:
        before = len(self.fake.control("violations"))
        for verb, path, message in [
            ("GET", f"{IMAGES}?maxResult=1", "compute.images.list: unknown query parameter `maxResult`"),
            ("GET", f"{IMAGES}?maxResults=many", "compute.images.list: parameter `maxResults`: `many` is no integer"),
            ("GET", f"{IMAGES}?maxResults=-1", "compute.images.list: parameter `maxResults`: `-1` is out of range"),
            (
                "POST",
                f"{INSTANCES}/a/attachDisk?forceAttach=yes",
                "compute.instances.attachDisk: parameter `forceAttach`: `yes` is no boolean",
            ),
            ("GET", f"{IMAGES}?filter=a&filter=b", "compute.images.list: query parameter `filter` is given 2 times"),
            (
                "GET",
                f"{INSTANCES}/a/serialPort?port=5&start=a",
                "compute.instances.getSerialPortOutput: parameter `port`: `5` is out of range; "
                "parameter `start`: `a` is no integer",
            ),
            ("DELETE", f"{IMAGES}/golden?requestId=1", "compute.images.delete: parameter `requestId`: `1` is no UUID"),
            (
                "POST",
                f"{INSTANCES}/a/setDiskAutoDelete?deviceName=a",
                "compute.instances.setDiskAutoDelete: query parameter `autoDelete` is missing",
            ),
            (
                "GET",
                f"{IMAGES}/Golden",
                "compute.images.get: parameter `image`: `Golden` does not match "
                "`[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?|[1-9][0-9]{0,19}`",
            ),
        ]:
            with self.subTest(path=path):
                self.assertEqual(self.refusal(path, None, verb), f"400 invalid: {message}")
        self.assertEqual(self.refusal(f"{IMAGES}s", None, "GET"), f"404 notFound: no document has GET {IMAGES}s")
        self.assertEqual(
            self.refusal(IMAGES, None, "GET", token=None),
            "401 required: Request is missing required authentication credential.",
        )
        self.assertEqual(
            self.refusal(IMAGES, None, "GET", token="x"),
            "401 authError: Request had invalid authentication credentials.",
        )
        self.assertEqual(len(self.fake.control("violations")) - before, 12)

    def test_what_fits_the_documents_and_is_refused_all_the_same(self) -> None:
        before = self.fake.control("violations")
        debian = {"sourceImage": "projects/debian-cloud/global/images/family/debian-12"}

        def boot(**more: Any) -> Json:
            return {"boot": True, "initializeParams": {**debian, **more}}

        self.fake.wait(self.fake.insert("there"))
        self.fake.wait(
            self.fake.compute.disks()
            .insert(project=PROJECT, zone=ZONE, body={"name": "data", "sizeGb": "10"})
            .execute()
        )
        for path, body, message in [
            (INSTANCES, instance("there"), f"409 alreadyExists: The resource '{HERE}/instances/there' already exists"),
            (
                INSTANCES,
                instance("a", machineType="e2-medium"),
                INVALID + "machineType': 'e2-medium'. The URL is malformed.",
            ),
            (
                INSTANCES,
                instance("a", machineType=f"zones/{ZONE}/machineTypes/e3"),
                f"404 notFound: The resource '{HERE}/machineTypes/e3' was not found",
            ),
            (
                INSTANCES,
                instance("a", disks=[boot(sourceImage="global/images/none")]),
                f"404 notFound: The resource 'projects/{PROJECT}/global/images/none' was not found",
            ),
            (
                INSTANCES,
                instance("a", disks=[boot(sourceImage="projects/debian-cloud/global/images/family/debian-9")]),
                "404 notFound: The resource 'projects/debian-cloud/global/images/family/debian-9' was not found",
            ),
            (
                INSTANCES,
                instance("a", disks=[boot(diskSizeGb="5")]),
                INVALID + "sizeGb': '5'. Requested disk size cannot be smaller than the image size (10 GB)",
            ),
            (
                INSTANCES,
                instance("a", disks=[boot(labels={"Run": "1"})]),
                INVALID + "labels': 'Run'. The label key is malformed.",
            ),
            (
                INSTANCES,
                instance("a", disks=[boot(), {"source": f"zones/{ZONE}/disks/there"}]),
                IN_USE,
            ),
            (
                INSTANCES,
                instance("a", scheduling={"preemptible": True, "automaticRestart": True}),
                INVALID + "scheduling.automaticRestart': 'True'. An instance that may be preempted is not restarted.",
            ),
            (
                INSTANCES,
                instance("a", scheduling={"maxRunDuration": {"seconds": "3600"}}),
                INVALID + "scheduling.instanceTerminationAction': ''. "
                "You must specify an instance termination action with maxRunDuration.",
            ),
            (
                INSTANCES,
                instance("a", machineType=f"zones/{ZONE}/machineTypes/t2a-standard-1"),
                INVALID
                + "machineType': 't2a-standard-1'. The machine type's architecture is not X86_64, as the image's is.",
            ),
            (
                INSTANCES,
                instance("a", metadata={"items": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}),
                INVALID + "metadata.items': 'a'. Duplicate keys.",
            ),
            (
                IMAGES,
                {"name": "b"},
                INVALID + "sourceDisk': ''. An image is made from exactly one source.",
            ),
            (
                IMAGES,
                {"name": "b", "sourceDisk": f"zones/{ZONE}/disks/there"},
                IN_USE,
            ),
            (
                f"{INSTANCES}/there/setLabels",
                {"labels": {}, "labelFingerprint": "AAAA"},
                f"412 conditionNotMet: Labels fingerprint does not match that of '{HERE}/instances/there'.",
            ),
            (
                f"{INSTANCES}/there/setMetadata",
                {"items": [], "fingerprint": "AAAA"},
                f"412 conditionNotMet: Metadata fingerprint does not match that of '{HERE}/instances/there'.",
            ),
            (
                f"{INSTANCES}/there/detachDisk?deviceName=none",
                None,
                INVALID + "deviceName': 'none'. No attached disk found with that device name.",
            ),
        ]:
            with self.subTest(message=message):
                self.assertEqual(self.refusal(path, body), message)
        self.assertEqual(
            self.refusal(f"{DISKS}/there", None, "DELETE"),
            IN_USE,
        )
        # They are no mistakes of form, and leave nothing behind.
        self.assertEqual(self.fake.control("violations"), before)
        left = sorted(path for path in self.fake.control("state") if f"/{PROJECT}/" in path)
        self.assertEqual(left, [f"{HERE}/disks/data", f"{HERE}/disks/there", f"{HERE}/instances/there"])

    def test_a_disk_of_which_an_image_is_made_is_in_use(self) -> None:
        self.fake.control("settings", {"operation_seconds": 2})
        self.addCleanup(self.fake.control, "settings", {"operation_seconds": 0.05})
        disk = {"name": "imaged", "sizeGb": "1"}
        self.fake.wait(self.fake.compute.disks().insert(project=PROJECT, zone=ZONE, body=disk).execute())
        image = {"name": "of-a-disk", "sourceDisk": f"{self.fake.url}/compute/v1/{HERE}/disks/imaged"}
        operation = self.fake.compute.images().insert(project=PROJECT, body=image).execute()
        self.assertEqual(
            self.refusal(f"{DISKS}/imaged", None, "DELETE"),
            "400 resourceInUseByAnotherResource: The disk resource "
            f"'{HERE}/disks/imaged' is already being used by 'projects/{PROJECT}/global/images/of-a-disk'",
        )
        self.fake.wait(operation)
        self.fake.wait(self.fake.compute.disks().delete(project=PROJECT, zone=ZONE, disk="imaged").execute())
        self.fake.wait(self.fake.compute.images().delete(project=PROJECT, image="of-a-disk").execute())

    def test_a_response_that_breaks_the_document_is_a_violation_of_the_fake(self) -> None:
        path = "projects/other/global/images/seeded"
        self.fake.control("seed", {path: {"bogus": 1}})
        self.fake.http("GET", "/compute/v1/" + path)
        self.assertEqual(
            self.fake.control("violations")[-1:],
            ["response of compute.images.get: /: Additional properties are not allowed ('bogus' was unexpected)"],
        )


if __name__ == "__main__":
    unittest.main()
