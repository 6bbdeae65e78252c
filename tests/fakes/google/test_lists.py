"""Lists with filters and pages, operations by time, and labels."""

import threading
import time
import unittest

from googleapiclient.errors import HttpError

from harness import HERE, PROJECT, ZONE, Fake, status_of


class Lists(unittest.TestCase):
    fake: Fake

    @classmethod
    def setUpClass(cls) -> None:
        cls.fake = Fake(guests=False)
        cls.addClassCleanup(cls.fake.close)
        image = f"projects/{PROJECT}/global/images"
        cls.fake.control(
            "seed",
            {
                f"{image}/web-1": {
                    "labels": {"role": "temp", "run": "r1"},
                    "family": "web",
                    "creationTimestamp": "2026-01-01T00:00:00.000+00:00",
                },
                f"{image}/web-2": {
                    "labels": {"role": "artifact", "run": "r1"},
                    "family": "web",
                    "creationTimestamp": "2026-03-01T00:00:00.000+00:00",
                },
                f"{image}/data": {
                    "status": "FAILED",
                    "diskSizeGb": "200",
                    "creationTimestamp": "2026-02-01T00:00:00.000+00:00",
                },
                f"{HERE}/instances/a": {
                    "labels": {"role": "temp"},
                    "disks": [{"source": "disks/a", "autoDelete": True, "deviceName": "a"}],
                },
                f"projects/{PROJECT}/zones/europe-west1-b/instances/b": {"status": "TERMINATED"},
            },
        )

    def names(self, text: str, **more: object) -> list[str]:
        answer = self.fake.compute.images().list(project=PROJECT, filter=text, **more).execute()
        return [image["name"] for image in answer.get("items", [])]

    def test_filters(self) -> None:
        for text, names in {
            "": ["data", "web-1", "web-2"],
            "labels.role=temp": ["web-1"],
            "labels.role:*": ["web-1", "web-2"],
            "-labels.role:*": ["data"],
            "labels.run=r1 labels.role=artifact": ["web-2"],
            "labels.run=r1 AND NOT labels.role=artifact": ["web-1"],
            "(labels.role = temp) OR (status = FAILED)": ["data", "web-1"],
            "name:web*": ["web-1", "web-2"],
            "name:web-": ["web-1", "web-2"],
            'name="web-1"': ["web-1"],
            "name!=web-1": ["data", "web-2"],
            "name eq web-.*": ["web-1", "web-2"],
            "name eq web": [],
            "name ne 'web-[0-9]'": ["data"],
            "status=READY": ["web-1", "web-2"],
            "diskSizeGb>50": ["data"],
            'creationTimestamp < "2026-02-15"': ["data", "web-1"],
        }.items():
            with self.subTest(filter=text):
                self.assertEqual(self.names(text), names)
        self.assertEqual(self.names("family=web", orderBy="creationTimestamp desc"), ["web-2", "web-1"])
        for text in ("labels.role=", "name eq [", "(name=a", "name", "= a"):
            with self.subTest(filter=text), self.assertRaises(HttpError) as raised:
                self.names(text)
            self.assertEqual(status_of(raised.exception), (400, "invalid"))

    def test_pages(self) -> None:
        images = self.fake.compute.images()
        request, pages = images.list(project=PROJECT, maxResults=2), []
        while request is not None:
            answer = request.execute()
            pages.append([image["name"] for image in answer["items"]])
            request = images.list_next(request, answer)
        self.assertEqual(pages, [["data", "web-1"], ["web-2"]])

    def test_the_zones_of_a_project_at_once(self) -> None:
        def found(**more: object) -> dict[str, list[str]]:
            items = self.fake.compute.instances().aggregatedList(project=PROJECT, **more).execute()["items"]
            self.assertEqual(items["zones/us-east1-b"]["warning"]["code"], "NO_RESULTS_ON_PAGE")
            return {
                scope: [one["name"] for one in entry["instances"]]
                for scope, entry in items.items()
                if "instances" in entry
            }

        self.assertEqual(found(), {"zones/europe-west1-b": ["b"], f"zones/{ZONE}": ["a"]})
        self.assertEqual(found(filter="labels.role=temp"), {f"zones/{ZONE}": ["a"]})
        first = self.fake.compute.instances().aggregatedList(project=PROJECT, maxResults=1).execute()
        self.assertEqual(found(maxResults=1), {"zones/europe-west1-b": ["b"]})
        self.assertEqual(found(maxResults=1, pageToken=first["nextPageToken"]), {f"zones/{ZONE}": ["a"]})
        self.fake.control("settings", {"unreachable_zones": ["europe-west1-b"]})
        self.addCleanup(self.fake.control, "settings", {"unreachable_zones": []})
        self.assertEqual(found(), {f"zones/{ZONE}": ["a"]})
        half = self.fake.compute.instances().aggregatedList(project=PROJECT).execute()
        self.assertEqual(
            (half["unreachables"], half["items"]["zones/europe-west1-b"]["warning"]["code"]),
            (["zones/europe-west1-b"], "UNREACHABLE"),
        )
        disks = self.fake.compute.disks().aggregatedList(project=PROJECT, filter="-users:*").execute()["items"]
        self.assertEqual([entry for entry in disks.values() if "disks" in entry], [])

    def test_labels_change_with_the_right_fingerprint_alone(self) -> None:
        images = self.fake.compute.images()
        before = images.get(project=PROJECT, image="data").execute()
        change = {"labels": {"role": "artifact"}, "labelFingerprint": before["labelFingerprint"]}
        self.fake.wait(images.setLabels(project=PROJECT, resource="data", body=change).execute())
        after = images.get(project=PROJECT, image="data").execute()
        self.assertEqual(after["labels"], {"role": "artifact"})
        with self.assertRaises(HttpError) as raised:
            images.setLabels(project=PROJECT, resource="data", body=change).execute()
        self.assertEqual(status_of(raised.exception), (412, "conditionNotMet"))
        back = {"labels": {}, "labelFingerprint": after["labelFingerprint"]}
        self.fake.wait(images.setLabels(project=PROJECT, resource="data", body=back).execute())

    def test_operations_go_by_time(self) -> None:
        self.fake.control("settings", {"operation_seconds": 3})
        self.addCleanup(self.fake.control, "settings", {"operation_seconds": 0.05})
        body = {"name": "slow", "sizeGb": "1"}
        operation = self.fake.compute.disks().insert(project=PROJECT, zone=ZONE, body=body).execute()
        self.addCleanup(
            lambda: self.fake.wait(self.fake.compute.disks().delete(project=PROJECT, zone=ZONE, disk="slow").execute())
        )
        started = time.monotonic()
        path = f"/compute/v1/{HERE}/operations/{operation['name']}"

        def seen() -> tuple[str, int]:
            _, shown = self.fake.http("GET", path)
            return shown["status"], shown["progress"]

        self.assertEqual((operation["status"], seen()), ("PENDING", ("PENDING", 0)))
        time.sleep(1.2)
        self.assertEqual(seen(), ("RUNNING", 50))
        # Reading it again and again makes it no faster; waiting for it keeps nobody else waiting.
        waiting = threading.Thread(target=self.fake.http, args=("POST", f"{path}/wait"))
        waiting.start()
        self.assertEqual([seen() for _ in range(5)], [("RUNNING", 50)] * 5)
        waiting.join()
        self.assertEqual(seen(), ("DONE", 100))
        self.assertGreater(time.monotonic() - started, 2.99)
        listed = (
            self.fake.compute.zoneOperations()
            .list(project=PROJECT, zone=ZONE, filter="operationType=insert status=DONE")
            .execute()
        )
        self.assertIn(operation["name"], [one["name"] for one in listed["items"]])
        self.assertEqual(self.fake.control("violations"), [])

    def test_the_newest_of_a_family_that_is_not_deprecated(self) -> None:
        images = self.fake.compute.images()
        family = {"project": PROJECT, "family": "web"}
        self.assertEqual(images.getFromFamily(**family).execute()["name"], "web-2")
        self.fake.wait(images.deprecate(project=PROJECT, image="web-2", body={"state": "DEPRECATED"}).execute())
        self.assertEqual(images.getFromFamily(**family).execute()["name"], "web-1")
        self.fake.wait(images.deprecate(project=PROJECT, image="web-2", body={}).execute())
        self.assertEqual(images.getFromFamily(**family).execute()["name"], "web-2")


if __name__ == "__main__":
    unittest.main()
