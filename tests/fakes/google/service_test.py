"""What tests of the services beside Compute Engine have in common."""

from __future__ import annotations

import unittest
from typing import Any

from googleapiclient.errors import HttpError

from harness import Fake


class ServiceTest(unittest.TestCase):
    """A fake per class; a test that does not expect violations has none."""

    settings: dict[str, Any] = {}
    fake: Fake

    @classmethod
    def setUpClass(cls) -> None:
        cls.fake = cls.enterClassContext(Fake(guests=False, **cls.settings))

    def setUp(self) -> None:
        self.violations_before = len(self.fake.control("violations"))

    def tearDown(self) -> None:
        self.assertEqual(self.fake.control("violations")[self.violations_before :], [])

    def refused(self, status: int, call: Any) -> str:
        """The reason for which a call is refused with this status."""
        with self.assertRaises(HttpError) as caught:
            call.execute()
        self.assertEqual(caught.exception.status_code, status)
        return str(caught.exception.reason)

    def expect_violations(self, *texts: str) -> None:
        found = self.fake.control("violations")[self.violations_before :]
        self.assertEqual(found, list(texts))
        self.violations_before += len(texts)
