"""The services beside Compute Engine, driven by Google's own clients: nothing of it may violate a document."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import urllib.parse
from typing import Any

from google.auth import identity_pool, impersonated_credentials
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseDownload, MediaIoBaseUpload

import crc32c
import tokens
from harness import PROJECT, Fake

UNIT = 256 * 1024
AUTHORIZED = {"Authorization": "Bearer fake-token"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEY imgforge"


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


class Storage(ServiceTest):
    def setUp(self) -> None:
        super().setUp()
        self.objects = self.fake.service("storage.v1").objects()
        self.fake.control("settings", {"chunk_kept_bytes": None})
        self.fake.control("seed", {"buckets": {self.id(): {}}})

    def upload(self, name: str, data: bytes, resumable: bool = False, **arguments: Any) -> Any:
        media = MediaIoBaseUpload(io.BytesIO(data), "application/gzip", chunksize=UNIT, resumable=resumable)
        call = self.objects.insert(bucket=self.id(), media_body=media, **{"body": {"name": name}} | arguments)
        return call.execute()

    def session(self, body: bytes = b'{"name": "disk"}', **headers: str) -> str:
        address = f"/upload/storage/v1/b/{self.id()}/o?uploadType=resumable"
        headers = {**AUTHORIZED, "Content-Type": "application/json", **headers}
        status, answered, _ = self.fake.request("POST", address, body, **headers)
        self.assertEqual(status, 200)
        return answered["Location"]

    def put(self, address: str, data: bytes, place: str) -> tuple[int, str | None, bytes]:
        """A chunk, without a token: the answer's status, `Range`, and content."""
        status, headers, content = self.fake.request("PUT", address, data, Content_Range=place)
        return status, headers.get("Range"), content

    def test_a_simple_upload_and_what_is_known_of_it(self) -> None:
        media = MediaIoBaseUpload(io.BytesIO(b"123456789"), "application/gzip")
        made = self.objects.insert(bucket=self.id(), name="images/a b.tar.gz", media_body=media).execute()
        del made["generation"], made["id"], made["etag"], made["mediaLink"]
        times = {made.pop(name) for name in ("timeCreated", "updated", "timeStorageClassUpdated", "timeFinalized")}
        self.assertEqual(len(times), 1)
        self.assertEqual(
            made,
            {
                "kind": "storage#object",
                "selfLink": f"{self.fake.url}/storage/v1/b/{self.id()}/o/images%2Fa%20b.tar.gz",
                "bucket": self.id(),
                "name": "images/a b.tar.gz",
                "contentType": "application/gzip",
                "storageClass": "STANDARD",
                "size": "9",
                "metageneration": "1",
                "md5Hash": "JfnnlDI7RTiF9RgfG2JNCw==",
                "crc32c": "4waSgw==",
            },
        )

    def test_a_multipart_upload_keeps_what_is_said_of_the_object(self) -> None:
        described = {"name": "a", "metadata": {"imgforge-run": "1"}, "customTime": "2026-11-25T00:00:00Z"}
        data = os.urandom(1000) + b"\r\n--\r\n\n"
        self.upload("a", data, body=described)
        made = self.objects.get(bucket=self.id(), object="a").execute()
        self.assertEqual({key: made[key] for key in described}, described)
        self.assertEqual(self.objects.get_media(bucket=self.id(), object="a").execute(), data)

    def test_a_resumable_upload_in_chunks_and_a_download_in_pieces(self) -> None:
        data = os.urandom(3 * UNIT + 5)
        self.fake.control("settings", {"chunk_kept_bytes": UNIT})
        made = self.upload("large", data, resumable=True)
        self.assertEqual(made["crc32c"], crc32c.encoded(data))
        read = io.BytesIO()
        download = MediaIoBaseDownload(read, self.objects.get_media(bucket=self.id(), object="large"), chunksize=UNIT)
        while not download.next_chunk()[1]:
            pass
        self.assertEqual(read.getvalue(), data)

    def test_a_busy_service_keeps_a_part_of_a_chunk(self) -> None:
        data = os.urandom(2 * UNIT + 7)
        address = self.session()
        self.fake.control("settings", {"chunk_kept_bytes": UNIT})
        kept = "bytes=0-262143"
        self.assertEqual(self.put(address, b"", "bytes */*"), (308, None, b""))
        self.assertEqual(self.put(address, data[: 2 * UNIT], "bytes 0-524287/*"), (308, kept, b""))
        self.assertEqual(self.put(address, b"", f"bytes */{len(data)}"), (308, kept, b""))
        # What is there already may come again; what would leave a hole may not.
        self.assertEqual(self.put(address, data[:UNIT], "bytes 0-262143/*"), (308, kept, b""))
        status, _, content = self.put(address, data[2 * UNIT :], "bytes 524288-524294/524295")
        self.assertEqual(status, 503)
        self.assertEqual(
            content.decode(),
            "Invalid request.  According to the Content-Range header, the upload offset is 524288 byte(s), "
            "which exceeds already uploaded size of 262144 byte(s).",
        )
        self.fake.control("settings", {"chunk_kept_bytes": None})
        status, _, content = self.put(address, data[UNIT:], "bytes 262144-524294/524295")
        self.assertEqual((status, json.loads(content)["size"]), (200, "524295"))
        self.assertEqual(self.put(address, b"", "bytes */*")[0], 200)
        self.assertEqual(self.objects.get_media(bucket=self.id(), object="disk").execute(), data)

    def test_chunks_are_kept_in_multiples_and_small_ones_refused(self) -> None:
        address = self.session()
        self.assertEqual(self.put(address, bytes(UNIT + 1), "bytes 0-262144/*"), (308, "bytes=0-262143", b""))
        status, _, content = self.put(address, bytes(10), "bytes 262144-262153/*")
        self.assertEqual(status, 400)
        self.assertIn("is required to be equal or greater than 262144", json.loads(content)["error"]["message"])
        self.assertEqual(self.put(address, bytes(10), "bytes 262144-262163/*")[0], 400)
        self.assertEqual(self.put(address, bytes(10), "bytes 262144-262153/262154")[0], 200)

    def test_a_session_ends_and_is_gone(self) -> None:
        address = self.session()
        self.assertEqual(self.fake.request("DELETE", address)[0], 499)
        self.assertEqual(self.put(address, b"", "bytes */*")[0], 404)

    def test_a_whole_that_is_not_as_large_as_announced(self) -> None:
        address = self.session(X_Upload_Content_Length="10")
        self.assertEqual(self.put(address, bytes(11), "bytes 0-10/11")[0], 400)
        self.assertEqual(self.put(address, bytes(10), "bytes 0-9/10")[0], 200)

    def test_newer_clients_never_see_308(self) -> None:
        headers = {"Content-Range": "bytes 0-262143/*", "X-GUploader-No-308": "yes"}
        status, answered, _ = self.fake.request("PUT", self.session(), bytes(UNIT), **headers)
        self.assertEqual(status, 200)
        self.assertEqual(answered["X-HTTP-Status-Code-Override"], "308")
        self.assertEqual(answered["Range"], "bytes=0-262143")

    def test_hashes_that_the_client_sends_are_compared(self) -> None:
        wrong = {"Content-Range": "bytes 0-8/9", "X-Goog-Hash": "crc32c=AAAAAA=="}
        self.assertEqual(self.fake.request("PUT", self.session(), b"123456789", **wrong)[0], 400)
        right = wrong | {"X-Goog-Hash": "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw=="}
        self.assertEqual(self.fake.request("PUT", self.session(), b"123456789", **right)[0], 200)

    def test_faults_strike_uploads_and_chunks(self) -> None:
        rules = [
            {"method": "storage.objects.insert", "call": 1, "fault": {"http": 429}},
            {"method": "uploads.chunk", "call": 1, "fault": {"http": 503}},
        ]
        self.fake.control("faults", rules)
        media = MediaIoBaseUpload(io.BytesIO(bytes(10)), "text/plain", resumable=True)
        self.refused(429, self.objects.insert(bucket=self.id(), name="a", media_body=media))
        self.assertEqual(self.put(self.session(), bytes(10), "bytes 0-9/10")[0], 503)
        self.fake.control("faults", [])

    def test_lists_come_in_pages_of_a_prefix(self) -> None:
        for name in ("a/1", "a/2", "a/b/3", "c", "d"):
            self.upload(name, b"x")
        pages = []
        call = self.objects.list(bucket=self.id(), prefix="a/", maxResults=2)
        while call:
            answer = call.execute()
            pages.append([item["name"] for item in answer["items"]])
            call = self.objects.list_next(call, answer)
        self.assertEqual(pages, [["a/1", "a/2"], ["a/b/3"]])
        answer = self.objects.list(bucket=self.id(), delimiter="/", maxResults=2).execute()
        self.assertEqual(answer["prefixes"], ["a/"])
        self.assertEqual([item["name"] for item in answer["items"]], ["c"])
        answer = self.objects.list(bucket=self.id(), delimiter="/", pageToken=answer["nextPageToken"]).execute()
        self.assertEqual([item["name"] for item in answer["items"]], ["d"])
        self.assertEqual(self.refused(501, self.objects.list(bucket=self.id(), versions=True)), "the fake lists without versions")

    def test_conditions(self) -> None:
        generation = self.upload("a", b"1", ifGenerationMatch=0)["generation"]
        media = MediaIoBaseUpload(io.BytesIO(b"2"), "text/plain")
        for call in (
            self.objects.insert(bucket=self.id(), name="a", ifGenerationMatch=0, media_body=media),
            self.objects.get(bucket=self.id(), object="a", ifGenerationNotMatch=generation),
            self.objects.delete(bucket=self.id(), object="a", ifGenerationMatch=1),
            self.objects.patch(bucket=self.id(), object="a", ifMetagenerationMatch=2, body={}),
        ):
            self.refused(412, call)
        self.objects.delete(bucket=self.id(), object="a", ifGenerationMatch=generation).execute()
        self.refused(404, self.objects.get(bucket=self.id(), object="a"))
        self.assertEqual(self.fake.control("state")["buckets"][self.id()], {})

    def test_a_patch_merges_metadata_and_moves_custom_time_forward_only(self) -> None:
        described = {"name": "a", "metadata": {"x": "1", "y": "2"}, "customTime": "2026-11-25T00:00:00Z"}
        self.upload("a", b"1", body=described)
        body = {"metadata": {"x": None, "z": "3"}, "contentType": "text/plain"}
        self.objects.patch(bucket=self.id(), object="a", body=body).execute()
        made = self.objects.get(bucket=self.id(), object="a").execute()
        self.assertEqual(made["metadata"], {"y": "2", "z": "3"})
        self.assertEqual((made["contentType"], made["metageneration"]), ("text/plain", "2"))
        earlier = self.objects.patch(bucket=self.id(), object="a", body={"customTime": "2026-11-24T00:00:00Z"})
        self.refused(400, earlier)

    def test_compose_and_rewrite(self) -> None:
        self.upload("a", b"1" * 10)
        self.upload("b", b"2" * 10)
        body = {"sourceObjects": [{"name": "a"}, {"name": "b"}], "destination": {"contentType": "text/plain"}}
        made = self.objects.compose(destinationBucket=self.id(), destinationObject="c", body=body).execute()
        self.assertEqual((made["size"], made["componentCount"], made.get("md5Hash")), ("20", 2, None))
        names = {"sourceBucket": self.id(), "sourceObject": "c", "destinationBucket": self.id(), "destinationObject": "d"}
        answer = self.objects.rewrite(**names, maxBytesRewrittenPerCall=15).execute()
        self.assertEqual((answer["done"], answer["totalBytesRewritten"]), (False, "15"))
        answer = self.objects.rewrite(**names, maxBytesRewrittenPerCall=15, rewriteToken=answer["rewriteToken"]).execute()
        self.assertEqual((answer["done"], answer["resource"]["contentType"]), (True, "text/plain"))
        self.assertEqual(self.objects.get_media(bucket=self.id(), object="d").execute(), b"1" * 10 + b"2" * 10)

    def test_an_image_is_made_of_an_object(self) -> None:
        disk = b"recognisable" + bytes(1 << 20)
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
            described = tarfile.TarInfo("disk.raw")
            described.size = len(disk)
            tar.addfile(described, io.BytesIO(disk))
        link = self.upload("a/disk.tar.gz", archive.getvalue(), resumable=True)["selfLink"]
        for number, source in enumerate((link, f"gs://{self.id()}/a/disk.tar.gz")):
            body = {"name": f"image-{number}", "rawDisk": {"source": source}}
            operation = self.fake.compute.images().insert(project=PROJECT, body=body).execute()
            self.fake.wait(operation)
            image = self.fake.compute.images().get(project=PROJECT, image=f"image-{number}").execute()
            self.assertEqual(image["status"], "READY")

    def test_a_bucket(self) -> None:
        buckets = self.fake.service("storage.v1").buckets()
        self.assertEqual(buckets.get(bucket=self.id()).execute()["location"], "US")
        self.refused(404, buckets.get(bucket="nobody"))
        self.refused(404, self.objects.list(bucket="nobody"))

    def test_what_no_document_allows_is_refused(self) -> None:
        address = f"/upload/storage/v1/b/{self.id()}/o?uploadType=resumable"
        headers = {**AUTHORIZED, "Content-Type": "application/json"}
        self.assertEqual(self.fake.request("POST", address, b'{"nmae": "a"}', **headers)[0], 400)
        self.expect_violations(
            "storage.objects.insert: /: Additional properties are not allowed ('nmae' was unexpected)"
        )
        self.assertEqual(self.fake.request("POST", address, b'{"name": "a"}')[0], 401)
        self.expect_violations("a request without a token")
        self.refused(401, self.fake.service("storage.v1", token="stolen").objects().list(bucket=self.id()))
        self.expect_violations("a request with a token that nobody gave out")


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
            profile = self.users.importSshPublicKey(parent=self.user, projectId="p", body=body).execute()["loginProfile"]
            self.assertEqual(profile["sshPublicKeys"], {fingerprint: key})
        accounts = [(account["username"], account.get("primary")) for account in profile["posixAccounts"]]
        self.assertEqual(accounts, [("old", None), ("imgforge-test", True)])
        self.assertEqual(self.users.getLoginProfile(name=self.user, projectId="p").execute(), profile)
        self.assertEqual(self.keys.get(name=name).execute(), key)
        later = str(int(expires) + 1)
        changed = self.keys.patch(name=name, updateMask="expirationTimeUsec", body={"expirationTimeUsec": later}).execute()
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


class Authentication(ServiceTest):
    """Credentials of each type, by google-auth, used once."""

    def uses(self, credentials: Any) -> str:
        """Whose a token is that google-auth got: what the newer and the older tokeninfo say."""
        scoped = credentials.with_scopes([tokens.CLOUD_PLATFORM, tokens.EMAIL]) if credentials.requires_scopes else credentials
        session = self.enterContext(AuthorizedSession(scoped))
        buckets = session.get(f"{self.fake.url}/storage/v1/b/nobody")
        self.assertEqual(buckets.status_code, 404)
        info = session.get(f"{self.fake.url}/oauth2/tokeninfo", params={"access_token": scoped.token}).json()
        older = self.fake.service("oauth2.v2", "oauth2/").tokeninfo(access_token=scoped.token).execute()
        self.assertEqual(info.get("email"), older.get("email"))
        return str(info.get("email"))

    def given(self, **asked: str) -> Any:
        return self.fake.control("credentials", asked)

    def user(self, account: str = tokens.ACCOUNT, **changes: str) -> Any:
        """A user's credentials, made by hand: what reads them from a file always asks Google itself for tokens."""
        info = self.given(type="authorized_user", account=account) | changes
        named = {name: info[name] for name in ("refresh_token", "token_uri", "client_id", "client_secret")}
        return user_credentials.Credentials(None, **named)

    def test_a_service_account(self) -> None:
        made = service_account.Credentials.from_service_account_info(self.given(type="service_account"))
        self.assertEqual(self.uses(made), tokens.ACCOUNT)

    def test_a_service_account_that_signs_its_tokens_itself(self) -> None:
        made = service_account.Credentials.from_service_account_info(self.given(type="service_account"))
        signing = made.with_always_use_jwt_access(True).with_scopes([tokens.CLOUD_PLATFORM])
        before = len(self.fake.control("log"))
        session = self.enterContext(AuthorizedSession(signing))
        self.assertEqual(session.get(f"{self.fake.url}/storage/v1/b/nobody").status_code, 404)
        self.assertEqual([entry["method"] for entry in self.fake.control("log")[before:]], ["storage.buckets.get"])

    def test_a_service_account_with_a_foreign_key(self) -> None:
        info = self.given(type="service_account") | {
            "private_key": self.given(type="service_account", account="other@fake-project.iam.gserviceaccount.com")["private_key"]
        }
        made = service_account.Credentials.from_service_account_info(info, scopes=[tokens.CLOUD_PLATFORM])
        with self.assertRaisesRegex(RefreshError, "invalid_grant"):
            made.refresh(Request())

    def test_a_user(self) -> None:
        self.assertEqual(self.uses(self.user(account="me@example.com")), "me@example.com")

    def test_a_user_whose_token_is_revoked(self) -> None:
        with self.assertRaisesRegex(RefreshError, "Token has been expired or revoked."):
            self.user(refresh_token="1//none").refresh(Request())

    def test_the_token_of_a_github_job(self) -> None:
        made = identity_pool.Credentials.from_info(self.given(type="external_account"))
        self.assertEqual(self.uses(made), tokens.ACCOUNT)

    def test_the_token_of_a_gitlab_job(self) -> None:
        audience = f"https:{tokens.POOL}/providers/gitlab"
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(self.fake.control("ci_token", {"audience": audience})["token"])
            file.flush()
            made = identity_pool.Credentials.from_info(self.given(type="external_account", file=file.name))
            self.assertEqual(self.uses(made), tokens.ACCOUNT)

    def test_a_job_that_may_not_impersonate(self) -> None:
        principal = f"principal:{tokens.POOL}/subject/repo:example/images:ref:refs/heads/main"
        accounts = {"a@p.iam.gserviceaccount.com": {"impersonators": ["x"]}, "b@p.iam.gserviceaccount.com": {"impersonators": [principal]}}
        self.fake.control("settings", {"accounts": accounts})
        allowed = identity_pool.Credentials.from_info(self.given(type="external_account", account="b@p.iam.gserviceaccount.com"))
        self.assertEqual(self.uses(allowed), "b@p.iam.gserviceaccount.com")
        denied = identity_pool.Credentials.from_info(self.given(type="external_account", account="a@p.iam.gserviceaccount.com"))
        with self.assertRaisesRegex(RefreshError, "iam.serviceAccounts.getAccessToken"):
            denied.with_scopes([tokens.CLOUD_PLATFORM]).refresh(Request())

    def test_tokens_of_jobs_that_are_refused(self) -> None:
        wrong_audience = self.fake.control("ci_token", {"audience": "https://example.com"})["token"]
        right = self.fake.control("ci_token", {"audience": f"https:{tokens.POOL}/providers/gitlab"})["token"]
        for token, provider, error in (
            (wrong_audience, "gitlab", "invalid_grant"),
            (right, "github", "invalid_grant"),
            (right, "jenkins", "invalid_target"),
            (right[:-9] + "AAAAAAAAA", "gitlab", "invalid_grant"),
        ):
            fields = {
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "audience": f"{tokens.POOL}/providers/{provider}",
                "scope": tokens.CLOUD_PLATFORM,
                "subject_token": token,
            }
            form = urllib.parse.urlencode(fields).encode()
            status, _, content = self.fake.request("POST", "/sts/v1/token", form)
            self.assertEqual((status, json.loads(content)["error"]), (400, error))

    def test_the_exchange_in_the_documents_own_form(self) -> None:
        body = {
            "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
            "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
            "subjectTokenType": "urn:ietf:params:oauth:token-type:id_token",
            "audience": f"{tokens.POOL}/providers/gitlab",
            "scope": tokens.CLOUD_PLATFORM,
            "subjectToken": self.fake.control("ci_token", {"audience": f"{tokens.POOL}/providers/gitlab"})["token"],
        }
        answer = self.fake.service("sts.v1", "sts/").v1().token(body=body).execute()
        self.assertEqual((answer["token_type"], answer["expires_in"]), ("Bearer", 3600))

    def test_impersonation(self) -> None:
        info = self.given(type="impersonated_service_account", account="c@p.iam.gserviceaccount.com")
        made = impersonated_credentials.Credentials(
            self.user(**info["source_credentials"]),
            "c@p.iam.gserviceaccount.com",
            [tokens.CLOUD_PLATFORM, tokens.EMAIL],
            iam_endpoint_override=info["service_account_impersonation_url"],
        )
        self.assertEqual(self.uses(made), "c@p.iam.gserviceaccount.com")

    def test_what_iam_refuses(self) -> None:
        accounts = self.fake.service("iamcredentials.v1", "iamcredentials/").projects().serviceAccounts()
        name = f"projects/-/serviceAccounts/{tokens.ACCOUNT}"
        scope = [tokens.CLOUD_PLATFORM]
        answer = accounts.generateAccessToken(name=name, body={"scope": scope, "lifetime": "60s"}).execute()
        self.assertEqual(sorted(answer), ["accessToken", "expireTime"])
        self.refused(400, accounts.generateAccessToken(name=name, body={"scope": scope, "lifetime": "3601s"}))
        self.refused(400, accounts.generateAccessToken(name=name, body={}))
        self.refused(404, accounts.generateAccessToken(name="projects/-/serviceAccounts/none", body={"scope": scope}))

    def test_a_guest_with_a_metadata_server(self) -> None:
        before = "/computeMetadata/v1/instance/service-accounts/default/"
        email = self.fake.request("GET", before + "email", Metadata_Flavor="Google")
        self.assertEqual(email[2].decode(), tokens.ACCOUNT)
        scopes = self.fake.request("GET", before + "scopes", Metadata_Flavor="Google")
        self.assertIn(tokens.CLOUD_PLATFORM, scopes[2].decode())
        self.assertEqual(self.fake.request("GET", before + "token")[0], 403)
        # google-auth looks once, when it is imported, where the metadata server is.
        program = (
            "import google.auth, google.auth.transport.requests as transport\n"
            "credentials, project = google.auth.default()\n"
            "credentials.refresh(transport.Request())\n"
            "print(project, credentials.service_account_email, credentials.token)"
        )
        with tempfile.TemporaryDirectory() as home:
            address = self.fake.url.removeprefix("http://")
            environment = {"GCE_METADATA_HOST": address, "GCE_METADATA_IP": address, "HOME": home}
            command = [sys.executable, "-c", program]
            printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        project, account, token = printed.split()
        self.assertEqual((project, account), ("fake-project", tokens.ACCOUNT))
        self.assertEqual(self.fake.request("GET", f"/oauth2/tokeninfo?access_token={token}")[0], 200)

    def test_a_token_from_vault(self) -> None:
        address = "/vault/v1/gcp/token/my-roleset"
        _, _, content = self.fake.request("GET", address, X_Vault_Token="fake-vault-token")
        token = json.loads(content)["data"]["token"]
        self.refused(404, self.fake.service("storage.v1", token=token).buckets().get(bucket="nobody"))
        self.assertEqual(self.fake.request("GET", address, X_Vault_Token="stolen")[0], 403)
        self.expect_violations("Vault was asked without its token")

    def test_a_token_expires(self) -> None:
        self.fake.control("settings", {"token_seconds": 0})
        self.addCleanup(lambda: self.fake.control("settings", {"token_seconds": 3600}))
        made = service_account.Credentials.from_service_account_info(
            self.given(type="service_account"), scopes=[tokens.CLOUD_PLATFORM]
        )
        made.refresh(Request())
        self.refused(401, self.fake.service("storage.v1", token=made.token).buckets().get(bucket="b"))
        self.assertEqual(self.fake.request("GET", f"/oauth2/tokeninfo?access_token={made.token}")[0], 400)

    def test_who_asks_github_without_the_jobs_secret(self) -> None:
        self.assertEqual(self.fake.request("GET", "/ci/github/token?api-version=2.0&audience=a")[0], 401)
        self.expect_violations("GitHub was asked for a job's token without the job's secret")


class Projects(ServiceTest):
    def setUp(self) -> None:
        super().setUp()
        secrets = {"1": "old", "2": "opensesame", "3": {"text": "x", "state": "DISABLED"}}
        text = json.dumps({"user": "me", "password": '__REF__("//secretmanager.googleapis.com/projects/p/secrets/s/versions/2")'})
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
