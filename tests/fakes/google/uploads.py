"""Uploads to Cloud Storage: simple, multipart and resumable, of which the document knows hardly more than the
address.

A resumable upload's address is a bearer by itself: who knows it goes on without a token, and no document describes
what is sent there. Every chunk but the last is kept only up to a multiple of 256 KiB, and the `Range` of the answer
says how much that was; the setting `chunk_kept_bytes` (a multiple, too) makes it less still, as a busy service does.
A chunk that begins after what is kept is answered 503 in plain text, which is odd, but so it is. What is said of the
object is held against the document in all three ways.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import checks
import objects
from call import Answer, Call, Json, Refused

UNIT = 256 * 1024
OBJECT = checks.Document("storage.v1").validator("Object", "storage.objects.insert")


@dataclass
class Session:
    """A resumable upload: what was said of the object, how large it will be if that is known, and what arrived."""

    bucket: str
    metadata: Json
    query: Json
    size: int | None
    data: bytearray = field(default_factory=bytearray)
    result: Json | None = None


# Sessions by their key. They are no state: nobody can list them.
sessions: dict[str, Session] = {}


def insert(call: Call) -> Json | Answer:
    """`storage.objects.insert` in each of its three ways."""
    bucket, name = call.path["bucket"], call.query.get("name")
    if "/upload/" not in call.handler.path:
        message = "Upload requests must be sent to /upload/*. Re-send request to that address."
        raise Refused(400, "wrongUrlForUpload", message)
    way = call.query.get("uploadType")
    match way:
        case "media":
            text, kind, data = b"", call.headers.get("Content-Type"), call.raw
        case "multipart":
            text, kind, data = _parts(call)
        case "resumable":
            text, kind, data = call.raw, call.headers.get("X-Upload-Content-Type"), b""
        case _:
            raise Refused(400, "invalid", f"Invalid upload type: {way}")
    metadata: Json = {"contentType": kind or "application/octet-stream", **_description(call, text)}
    if name:
        metadata["name"] = name
    objects.check_conditions(call.query, objects.objects_of(call.world, bucket).get(metadata.get("name", "")))
    if way == "resumable":
        return _session(call, bucket, metadata)
    return objects.store(call.world, bucket, metadata | _hashes(call), data)


def _description(call: Call, text: bytes) -> Json:
    try:
        described = json.loads(text or b"{}")
    except ValueError as error:
        raise Refused(400, "parseError", f"Parse Error: {error}") from error
    if found := checks.texts(OBJECT, described):
        call.world.violation("storage.objects.insert: " + "; ".join(found))
        raise Refused(400, "invalid", "; ".join(found))
    return dict(described)


def _hashes(call: Call) -> Json:
    """What the client says of the bytes in `X-Goog-Hash`, under the names of the metadata."""
    found = re.findall(r"(crc32c|md5)=([A-Za-z0-9+/=]+)", call.headers.get("X-Goog-Hash", ""))
    return {"md5Hash" if kind == "md5" else kind: value for kind, value in found}


def _parts(call: Call) -> tuple[bytes, str | None, bytes]:
    """What a `multipart/related` body says: the metadata, and the type and the bytes of the object."""
    boundary = call.headers.get_param("boundary")
    if not isinstance(boundary, str):
        raise Refused(400, "badRequest", "Missing multipart boundary in Content-Type.")
    delimiter = rb"(?:^|\r?\n)--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*\r?\n?"
    parts = [re.split(rb"\r?\n\r?\n", part, maxsplit=1) for part in re.split(delimiter, call.raw) if part]
    if len(parts) != 2 or any(len(part) != 2 for part in parts):
        raise Refused(400, "badRequest", "A multipart upload has two parts, metadata and media.")
    (_, described), (head, data) = parts
    kind = re.search(rb"(?im)^content-type:\s*(\S.*?)\r?$", head)
    return described, kind[1].decode() if kind else None, data


def _session(call: Call, bucket: str, metadata: Json) -> Answer:
    if not metadata.get("name"):
        raise Refused(400, "required", "Required")
    size = call.headers.get("X-Upload-Content-Length")
    key = uuid.uuid4().hex
    sessions[key] = Session(bucket, metadata, call.query, int(size) if size else None)
    query = urlencode({"uploadType": "resumable", "name": metadata["name"], "upload_id": key})
    address = f"{call.world.url}/upload/storage/v1/b/{bucket}/o?{query}"
    return Answer(headers={"Location": address, "X-GUploader-UploadID": key})


def _session_of(call: Call) -> Session:
    session = sessions.get(call.query.get("upload_id", ""))
    if session is None or session.bucket != call.path["bucket"]:
        raise Refused(404, "notFound", "There is no such upload, or it is older than a week.")
    return session


def chunk(call: Call) -> Answer:
    """`PUT` to the address of a session: a chunk, the whole, or the question how much is there."""
    with call.world.lock:
        session, size = _session_of(call), len(call.raw)
        text = call.headers.get("Content-Range") or (f"bytes 0-{size - 1}/{size}" if size else "bytes */0")
        found = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", text)
        if not found:
            raise Refused(400, "badRequest", f"Failed to parse Content-Range header: {text}")
        if session.result is not None:
            return Answer(session.result)
        total = None if found[3] == "*" else int(found[3])
        if total is not None and session.size not in (None, total):
            message = f"Invalid request. {session.size} byte(s) were announced, and now there are {total}."
            raise Refused(400, "badRequest", message)
        if found[1]:
            refused = _keep(call, session, int(found[1]), int(found[2]), total)
            if refused:
                return refused
        if total != len(session.data):
            return _incomplete(call, session)
        current = objects.objects_of(call.world, session.bucket).get(session.metadata["name"])
        objects.check_conditions(session.query, current)
        metadata = session.metadata | _hashes(call)
        session.result = objects.store(call.world, session.bucket, metadata, bytes(session.data))
        return Answer(session.result)


def _keep(call: Call, session: Session, first: int, last: int, total: int | None) -> Answer | None:
    data, before = call.raw, len(session.data)
    if last - first + 1 != len(data) or (total is not None and last >= total):
        raise Refused(400, "badRequest", f"Invalid request: {len(data)} byte(s) came for bytes {first} to {last}.")
    if first > before:
        message = (
            f"Invalid request.  According to the Content-Range header, the upload offset is {first} byte(s), "
            f"which exceeds already uploaded size of {before} byte(s)."
        )
        return Answer(message.encode(), 503, {"Content-Type": "text/plain; charset=utf-8"})
    is_last = total is not None and last + 1 == total
    if not is_last and len(data) < UNIT:
        message = (
            f"Invalid request.  The number of bytes uploaded is required to be equal or greater than {UNIT}, except "
            f"for the final request (it's recommended to be the exact multiple of {UNIT}).  The received request "
            f"contained {len(data)} bytes, which does not meet this requirement."
        )
        raise Refused(400, "badRequest", message)
    end = first + min(len(data), call.world.settings["chunk_kept_bytes"] or len(data))
    if not is_last or end <= last:
        end -= end % UNIT
    session.data += data[before - first : max(0, end - first)]
    return None


def _incomplete(call: Call, session: Session) -> Answer:
    headers = {"Range": f"bytes=0-{len(session.data) - 1}"} if session.data else {}
    # What Google's newer clients ask for, because 308 became a redirection's.
    if call.headers.get("X-GUploader-No-308", "").lower() == "yes":
        return Answer(headers=headers | {"X-HTTP-Status-Code-Override": "308"})
    return Answer(status=308, headers=headers)


def cancel(call: Call) -> Answer:
    """`DELETE` of the address of a session; 499 says that the client ended it."""
    with call.world.lock:
        _session_of(call)
        del sessions[call.query["upload_id"]]
    return Answer(status=499)


ADDRESS = r"(?:/resumable)?/upload/storage/v1/b/(?P<bucket>[^/]+)/o"
RAW: list[Any] = [("PUT", ADDRESS, chunk), ("DELETE", ADDRESS, cancel)]
