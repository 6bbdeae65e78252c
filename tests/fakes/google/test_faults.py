"""Each kind of fault that a rule can cause, as a client sees it."""

import http.client
import unittest
import urllib.error

from googleapiclient.errors import HttpError

from harness import HERE, PROJECT, ZONE, Fake, status_of

IMAGES = f"/compute/v1/projects/{PROJECT}/global/images"


class Faults(unittest.TestCase):
    fake: Fake

    @classmethod
    def setUpClass(cls) -> None:
        cls.fake = Fake(guests=False)
        cls.addClassCleanup(cls.fake.close)

    def setUp(self) -> None:
        self.addCleanup(self.fake.faults)
        self.addCleanup(self.assertEqual, self.fake.control("violations"), [])

    def image(self, name: str) -> int:
        return self.fake.http("GET", f"{IMAGES}/{name}")[0]

    def make_disk(self, name: str) -> dict:  # type: ignore[type-arg]
        body = {"name": name, "sizeGb": "1"}
        return self.fake.compute.disks().insert(project=PROJECT, zone=ZONE, body=body).execute()  # type: ignore[no-any-return]

    def test_an_error_of_http_at_the_second_and_third_call(self) -> None:
        self.fake.faults(
            {"method": "compute.images.*", "call": 2, "times": 2, "fault": {"http": 429, "reason": "rateLimitExceeded"}}
        )
        self.assertEqual([self.image("none") for _ in range(4)], [404, 429, 429, 404])
        refused = [entry for entry in self.fake.control("log") if entry["status"] == 429][-1]
        self.assertEqual(
            (refused["method"], refused["response"]["error"]["errors"][0]["reason"]),
            ("compute.images.get", "rateLimitExceeded"),
        )

    def test_a_rule_without_a_call_is_for_every_call(self) -> None:
        self.fake.faults({"method": "compute.images.get", "fault": {"http": 503}})
        self.assertEqual([self.image("none") for _ in range(3)], [503, 503, 503])
        self.assertEqual(self.fake.http("GET", IMAGES)[0], 200)
        self.fake.faults()
        self.assertEqual(self.image("none"), 404)

    def test_an_error_in_an_operation_leaves_nothing(self) -> None:
        fault = {
            "operation": {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "message": "The zone does not have enough resources."}
        }
        self.fake.faults({"method": "compute.instances.insert", "fault": fault})
        done = self.fake.wait(self.fake.insert())
        self.assertEqual(done["error"], {"errors": [fault["operation"]]})
        self.assertEqual((done["httpErrorStatusCode"], done["httpErrorMessage"]), (503, "SERVICE UNAVAILABLE"))
        self.assertEqual([path for path in self.fake.control("state") if "builder" in path], [])

    def test_an_operation_that_never_ends(self) -> None:
        self.fake.faults({"method": "compute.instances.insert", "fault": {"never_done": True}})
        operation = self.fake.insert("hangs")
        place = {"project": PROJECT, "zone": ZONE}
        self.fake.control("settings", {"wait_seconds": 0.1})
        self.addCleanup(self.fake.control, "settings", {"wait_seconds": 120})
        shown = self.fake.compute.zoneOperations().wait(**place, operation=operation["name"]).execute()
        self.assertEqual((shown["status"], self.fake.get("hangs")["status"]), ("RUNNING", "PROVISIONING"))
        # What it has begun can be deleted.
        self.fake.wait(self.fake.compute.instances().delete(**place, instance="hangs").execute())
        self.assertEqual([path for path in self.fake.control("state") if "hangs" in path], [])

    def test_reads_that_do_not_find_what_was_made(self) -> None:
        self.fake.faults({"method": "compute.disks.insert", "fault": {"not_found_reads": 2}})
        self.fake.wait(self.make_disk("late"))
        path = f"/compute/v1/{HERE}/disks/late"
        self.assertEqual([self.fake.http("GET", path)[0] for _ in range(3)], [404, 404, 200])

    def test_a_lost_answer_has_its_effect_once(self) -> None:
        self.fake.faults({"method": "compute.disks.insert", "call": 1, "fault": {"lost_answer": True}})
        body = {"name": "lost", "sizeGb": "1"}
        request = "3f6e8a52-6a55-4f5e-8d55-0f3a6d1f2b11"
        path = f"/compute/v1/{HERE}/disks?requestId={request}"
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError, urllib.error.URLError)):
            self.fake.http("POST", path, body)
        self.assertEqual(self.fake.control("log")[-1]["status"], 0)
        self.assertIn(f"{HERE}/disks/lost", self.fake.control("state"))
        # The same request again is the same operation; another one finds the name taken.
        status, operation = self.fake.http("POST", path, body)
        self.assertEqual((status, operation["operationType"]), (200, "insert"))
        self.assertNotIn("error", self.fake.wait(operation))
        with self.assertRaises(HttpError) as raised:
            self.make_disk("lost")
        self.assertEqual(status_of(raised.exception), (409, "alreadyExists"))

    def test_a_cut_connection_has_no_effect(self) -> None:
        self.fake.faults({"method": "compute.disks.insert", "call": 1, "fault": {"cut": True}})
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError, urllib.error.URLError)):
            self.fake.http("POST", f"/compute/v1/{HERE}/disks", {"name": "cut", "sizeGb": "1"})
        self.assertNotIn(f"{HERE}/disks/cut", self.fake.control("state"))

    def test_no_rule(self) -> None:
        status, answer = self.fake.http(
            "POST", "/_fake/faults", [{"method": "compute.images.get", "fault": {"htp": 500}}]
        )
        self.assertEqual(
            (status, answer["error"]["message"]),
            (400, "no rule: {'method': 'compute.images.get', 'fault': {'htp': 500}}"),
        )


if __name__ == "__main__":
    unittest.main()
