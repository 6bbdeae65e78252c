"""OS Login, secrets, parameters, services and permissions, driven by Google's own client."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import unittest

from googleapiclient.errors import HttpError

import crc32c
import tokens
from harness import PROJECT, Fake, Key
from service_test import ServiceTest

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEY imgforge"


class OsLogin(ServiceTest):
    settings = {
        "accounts": {
            tokens.ACCOUNT: {
                "posix": [{"username": "old", "accountId": "other"}, {"username": "imgforge-test", "primary": True}]
            },
            "other@example.com": {},
        }
    }

    def setUp(self) -> None:
        super().setUp()
        self.users = self.fake.service("oslogin.v1").users()
        self.keys = self.users.sshPublicKeys()
        self.user = f"users/{tokens.ACCOUNT}"

    def test_the_life_of_a_key(self) -> None:
        expires = str(int(time.time() + 600) * 1_000_000)
        fingerprint = hashlib.sha256(KEY.encode()).hexdigest()
        name = f"{self.user}/sshPublicKeys/{fingerprint}"
        key = {"key": KEY, "fingerprint": fingerprint, "name": name, "expirationTimeUsec": expires}
        body = {"key": KEY, "expirationTimeUsec": expires}
        for _ in range(2):
            profile = self.users.importSshPublicKey(parent=self.user, projectId="p", body=body).execute()[
                "loginProfile"
            ]
            self.assertEqual(profile["sshPublicKeys"], {fingerprint: key})
        accounts = [(account["username"], account.get("primary")) for account in profile["posixAccounts"]]
        self.assertEqual(accounts, [("old", None), ("imgforge-test", True)])
        self.assertEqual(self.users.getLoginProfile(name=self.user, projectId="p").execute(), profile)
        self.assertEqual(self.keys.get(name=name).execute(), key)
        later = str(int(expires) + 1)
        changed = self.keys.patch(
            name=name, updateMask="expirationTimeUsec", body={"expirationTimeUsec": later}
        ).execute()
        self.assertEqual(changed["expirationTimeUsec"], later)
        self.assertEqual(self.keys.delete(name=name).execute(), {})
        self.refused(404, self.keys.delete(name=name))
        self.assertNotIn("sshPublicKeys", self.users.getLoginProfile(name=self.user, projectId="p").execute())

    def test_keys_that_are_refused(self) -> None:
        past = {"key": KEY, "expirationTimeUsec": "1"}
        self.refused(400, self.users.importSshPublicKey(parent=self.user, projectId="p", body=past))
        self.refused(400, self.users.importSshPublicKey(parent=self.user, projectId="p", body={"key": "no key"}))
        other = self.users.importSshPublicKey(parent="users/other@example.com", projectId="p", body={"key": KEY})
        self.refused(403, other)

    def test_a_profile_is_one_of_a_project(self) -> None:
        self.refused(400, self.users.getLoginProfile(name=self.user))
        self.expect_violations("oslogin.users.getLoginProfile: query parameter `projectId` is missing")

    def test_a_profile_is_full_at_32_kib(self) -> None:
        for number in range(60):
            body = {"key": f"ssh-ed25519 {'A' * 700} {number}"}
            call = self.users.importSshPublicKey(parent=self.user, projectId="p", body=body)
            try:
                profile = call.execute()["loginProfile"]
            except HttpError as error:
                self.assertEqual(error.status_code, 400)
                self.assertIn("Login profile size exceeds 32 KiB", str(error.reason))
                break
        else:
            self.fail("60 keys of 700 bytes found room")
        self.assertLess(len(json.dumps(profile)), 32 * 1024)
        for fingerprint in profile["sshPublicKeys"]:
            self.keys.delete(name=f"{self.user}/sshPublicKeys/{fingerprint}").execute()


class OsLoginOfGuests(unittest.TestCase):
    def test_a_key_of_the_profile_lets_in_and_a_deleted_one_does_not(self) -> None:
        fake, key = self.enterContext(Fake()), Key()
        self.addCleanup(key.folder.cleanup)
        users, user = fake.service("oslogin.v1").users(), f"users/{tokens.ACCOUNT}"
        metadata = {"items": [{"key": "enable-oslogin", "value": "TRUE"}]}
        fake.wait(fake.insert(metadata=metadata))
        address = fake.get()["networkInterfaces"][0]["accessConfigs"][0]["natIP"]
        self.assertNotEqual(key.ssh(address, "true").returncode, 0)
        profile = users.importSshPublicKey(parent=user, projectId=PROJECT, body={"key": key.public}).execute()[
            "loginProfile"
        ]
        self.assertEqual(key.ssh(address, "echo $FAKE_INSTANCE").stdout, "builder\n")
        for fingerprint in profile["sshPublicKeys"]:
            users.sshPublicKeys().delete(name=f"{user}/sshPublicKeys/{fingerprint}").execute()
        self.assertNotEqual(key.ssh(address, "true").returncode, 0)
        self.assertEqual(fake.control("violations"), [])


class Projects(ServiceTest):
    def setUp(self) -> None:
        super().setUp()
        secrets = {"1": "old", "2": "opensesame", "3": {"text": "x", "state": "DISABLED"}}
        text = json.dumps(
            {"user": "me", "password": '__REF__("//secretmanager.googleapis.com/projects/p/secrets/s/versions/2")'}
        )
        self.fake.control(
            "seed",
            {
                "secrets": {"projects/p/secrets/s": secrets, "projects/p/locations/l/secrets/r": {"7": "regional"}},
                "parameters": {"projects/p/locations/global/parameters/n": {"v1": text}},
            },
        )

    def test_secrets(self) -> None:
        client = self.fake.service("secretmanager.v1", "secretmanager/").projects()
        versions = client.secrets().versions()
        answer = versions.access(name="projects/p/secrets/s/versions/2").execute()
        self.assertEqual(
            answer,
            {
                "name": "projects/p/secrets/s/versions/2",
                "payload": {"data": "b3BlbnNlc2FtZQ==", "dataCrc32c": str(crc32c.checksum(b"opensesame"))},
            },
        )
        regional = client.locations().secrets().versions()
        answer = regional.access(name="projects/p/locations/l/secrets/r/versions/latest").execute()
        self.assertEqual(answer["name"], "projects/p/locations/l/secrets/r/versions/7")
        self.assertEqual(
            self.refused(400, versions.access(name="projects/p/secrets/s/versions/latest")),
            "Secret Version [projects/p/secrets/s/versions/3] is in DISABLED state.",
        )
        self.refused(404, versions.access(name="projects/p/secrets/s/versions/4"))
        self.refused(404, versions.access(name="projects/p/secrets/none/versions/latest"))

    def test_parameters(self) -> None:
        client = self.fake.service("parametermanager.v1", "parametermanager/")
        versions = client.projects().locations().parameters().versions()
        name = "projects/p/locations/global/parameters/n/versions/v1"
        answer = versions.render(name=name).execute()
        rendered = json.loads(base64.b64decode(answer["renderedPayload"]))
        self.assertEqual(rendered, {"user": "me", "password": "opensesame"})
        self.assertEqual(versions.get(name=name).execute()["payload"], answer["payload"])
        self.refused(404, versions.render(name="projects/p/locations/global/parameters/n/versions/v2"))

    def test_services(self) -> None:
        self.fake.control("settings", {"disabled_services": ["oslogin.googleapis.com"]})
        services = self.fake.service("serviceusage.v1", "serviceusage/").services()
        names = [f"projects/p/services/{name}.googleapis.com" for name in ("compute", "oslogin")]
        answer = services.batchGet(parent="projects/p", names=names).execute()
        self.assertEqual([service["state"] for service in answer["services"]], ["ENABLED", "DISABLED"])
        self.assertEqual(services.get(name=names[1]).execute()["state"], "DISABLED")
        self.refused(400, services.batchGet(parent="projects/other", names=names))

    def test_permissions(self) -> None:
        self.fake.control("settings", {"denied_permissions": ["compute.images.create"]})
        body = {"permissions": ["compute.instances.create", "compute.images.create"]}
        for version, named in (("v1", "p"), ("v3", "projects/p")):
            projects = self.fake.service(f"cloudresourcemanager.{version}", "cloudresourcemanager/").projects()
            answer = projects.testIamPermissions(resource=named, body=body).execute()
            self.assertEqual(answer, {"permissions": ["compute.instances.create"]})
            got = projects.get(**{"projectId" if version == "v1" else "name": named}).execute()
            self.assertEqual(got["projectId"], "p")


if __name__ == "__main__":
    unittest.main()
