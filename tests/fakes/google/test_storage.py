"""Cloud Storage, driven by Google's own client, and by hand where that is too well-behaved."""

from __future__ import annotations

import io
import json
import os
import tarfile
import unittest
from typing import Any

from googleapiclient.http import MediaIoBaseDownload, MediaIoBaseUpload

import crc32c
from harness import PROJECT, TOKEN
from service_test import ServiceTest

UNIT = 256 * 1024
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


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
        self.assertEqual(
            self.refused(501, self.objects.list(bucket=self.id(), versions=True)), "the fake lists without versions"
        )

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
        names = {
            "sourceBucket": self.id(),
            "sourceObject": "c",
            "destinationBucket": self.id(),
            "destinationObject": "d",
        }
        answer = self.objects.rewrite(**names, maxBytesRewrittenPerCall=15).execute()
        self.assertEqual((answer["done"], answer["totalBytesRewritten"]), (False, "15"))
        answer = self.objects.rewrite(
            **names, maxBytesRewrittenPerCall=15, rewriteToken=answer["rewriteToken"]
        ).execute()
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


if __name__ == "__main__":
    unittest.main()
