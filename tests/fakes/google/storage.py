"""Cloud Storage: what may be done with objects. Their bytes come by `uploads.py`; what they are is `objects.py`.

There are no versions, no access control of objects, and no soft delete. Lists that ask for these are answered 501, so
that nothing passes here that was not looked at.
"""

from __future__ import annotations

import base64
import re

import uploads
from call import Answer, Call, Json, Refused
from objects import WRITABLE, check_conditions, file_of, object_of, objects_of, remove, seed, store, timestamp

DOCUMENT = "storage.v1"
PREFIX = "/storage/v1/"

# Of the parameters that the document knows, those that would need what the fake has not.
UNSUPPORTED = {"softDeleted", "versions", "matchGlob", "filter", "includeFoldersAsPrefixes"}
MOST_COMPOSED = 32
PROJECT_NUMBER = "123456789012"


def get_bucket(call: Call) -> Json:
    name = call.path["bucket"]
    objects_of(call.world, name)
    return {
        "kind": "storage#bucket",
        "id": name,
        "name": name,
        "selfLink": f"{call.world.url}/storage/v1/b/{name}",
        "projectNumber": PROJECT_NUMBER,
        "metageneration": "1",
        "location": "US",
        "locationType": "multi-region",
        "storageClass": "STANDARD",
        "etag": "CAE=",
    }


def get(call: Call) -> Json | Answer:
    """The metadata, or with `alt=media` the bytes, of which `Range` may ask for a part."""
    metadata = object_of(call.world, call.path["bucket"], call.path["object"], call.query.get("generation"))
    check_conditions(call.query, metadata)
    return media(call, metadata) if call.query.get("alt") == "media" else metadata


def media(call: Call, metadata: Json) -> Answer:
    """The bytes of an object, with what the real service says of them in headers."""
    size = int(metadata["size"])
    headers = {
        "Content-Type": metadata["contentType"],
        "ETag": metadata["etag"],
        "Accept-Ranges": "bytes",
        "X-Goog-Generation": metadata["generation"],
        "X-Goog-Hash": f"crc32c={metadata['crc32c']}"
        + (f",md5={metadata['md5Hash']}" if "md5Hash" in metadata else ""),
        "X-Goog-Stored-Content-Length": metadata["size"],
    }
    data = file_of(call.world, metadata).read_bytes()
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", call.headers.get("Range", ""))
    if not wanted:
        return Answer(data, 200, headers)
    first, last = int(wanted[1]), min(int(wanted[2] or size), size - 1)
    if first > last:
        return Answer(b"", 416, {"Content-Range": f"bytes */{size}"})
    return Answer(data[first : last + 1], 206, {**headers, "Content-Range": f"bytes {first}-{last}/{size}"})


def download(call: Call) -> Answer:
    """What a `mediaLink` leads to."""
    call.world.check_token(call.headers.get("Authorization", "").removeprefix("Bearer "))
    with call.world.lock:
        return media(call, object_of(call.world, call.path["bucket"], call.path["object"]))


def list_objects(call: Call) -> Json:
    """Objects by name, at most `maxResults` a page; a page token is the last name of the page before."""
    query = call.query
    if unsupported := UNSUPPORTED & query.keys():
        raise Refused(501, "notImplemented", f"the fake lists without {', '.join(sorted(unsupported))}")
    objects = objects_of(call.world, call.path["bucket"])
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
    begin, end = query.get("startOffset", ""), query.get("endOffset")
    # A name, or with a delimiter the folder that it is in, to the object, if it is one.
    entries: dict[str, Json | None] = {}
    for name in sorted(objects):
        if not name.startswith(prefix) or name < begin or (end and name >= end):
            continue
        if delimiter and delimiter in name[len(prefix) :]:
            entries[name[: name.index(delimiter, len(prefix)) + len(delimiter)]] = None
        else:
            entries[name] = objects[name]
    after = base64.urlsafe_b64decode(query.get("pageToken", "")).decode()
    following = [entry for entry in entries if entry > after]
    page = following[: min(int(query.get("maxResults", 1000)), 1000)]
    answer: Json = {"kind": "storage#objects"}
    if len(page) < len(following):
        answer["nextPageToken"] = base64.urlsafe_b64encode(page[-1].encode()).decode()
    if items := [entries[entry] for entry in page if entries[entry]]:
        answer["items"] = items
    if prefixes := [entry for entry in page if not entries[entry]]:
        answer["prefixes"] = prefixes
    return answer


def delete(call: Call) -> Answer:
    bucket, name = call.path["bucket"], call.path["object"]
    check_conditions(call.query, object_of(call.world, bucket, name, call.query.get("generation")))
    remove(call.world, objects_of(call.world, bucket), name)
    return Answer(status=204)


def patch(call: Call) -> Json:
    """Changes what was said; null takes a field away, and in `metadata` a key."""
    metadata = object_of(call.world, call.path["bucket"], call.path["object"], call.query.get("generation"))
    check_conditions(call.query, metadata)
    changes = {key: value for key, value in (call.body or {}).items() if key in WRITABLE}
    before = metadata.get("customTime")
    if before and "customTime" in changes and (changes["customTime"] or "") < before:
        raise Refused(400, "invalid", "Cannot set customTime to an earlier time, nor take it away.")
    if changes.get("metadata"):
        merged = {**metadata.get("metadata", {}), **changes["metadata"]}
        changes["metadata"] = {key: value for key, value in merged.items() if value is not None}
    changes |= {"metageneration": str(int(metadata["metageneration"]) + 1), "updated": timestamp()}
    patched = {key: value for key, value in (metadata | changes).items() if value is not None}
    objects_of(call.world, call.path["bucket"])[call.path["object"]] = patched
    return patched


def compose(call: Call) -> Json:
    """One object of at most 32 of the same bucket, in their order. It has no MD5."""
    world, bucket, name = call.world, call.path["destinationBucket"], call.path["destinationObject"]
    sources = call.body.get("sourceObjects", [])
    if not 1 <= len(sources) <= MOST_COMPOSED:
        raise Refused(
            400, "invalid", f"The number of source components provided ({len(sources)}) must be from 1 to 32."
        )
    data = b""
    for source in sources:
        metadata = object_of(world, bucket, source["name"], source.get("generation"))
        check_conditions(source.get("objectPreconditions", {}), metadata)
        data += file_of(world, metadata).read_bytes()
    check_conditions(call.query, objects_of(world, bucket).get(name))
    made = store(world, bucket, {**call.body.get("destination", {}), "name": name}, data)
    made["componentCount"] = len(sources)
    del made["md5Hash"]
    if call.body.get("deleteSourceObjects"):
        for source in sources:
            remove(world, objects_of(world, bucket), source["name"])
    return made


def rewrite(call: Call) -> Json:
    """A copy, in as many calls as `maxBytesRewrittenPerCall` makes of it; the token is how many bytes are done."""
    world, path, query = call.world, call.path, call.query
    source = object_of(world, path["sourceBucket"], path["sourceObject"], query.get("sourceGeneration"))
    check_conditions(query, source, "ifSource")
    check_conditions(query, objects_of(world, path["destinationBucket"]).get(path["destinationObject"]))
    size = int(source["size"])
    done = min(size, int(query.get("rewriteToken", 0)) + int(query.get("maxBytesRewrittenPerCall", size)))
    answer: Json = {"kind": "storage#rewriteResponse", "objectSize": str(size), "totalBytesRewritten": str(done)}
    if done < size:
        return answer | {"done": False, "rewriteToken": str(done)}
    # A description replaces the source's; without one that is copied too.
    wanted = (call.body or {key: source[key] for key in WRITABLE & source.keys()}) | {"name": path["destinationObject"]}
    data = file_of(world, source).read_bytes()
    return answer | {"done": True, "resource": store(world, path["destinationBucket"], wanted, data)}


METHODS = {
    "storage.buckets.get": get_bucket,
    "storage.objects.compose": compose,
    "storage.objects.delete": delete,
    "storage.objects.get": get,
    "storage.objects.insert": uploads.insert,
    "storage.objects.list": list_objects,
    "storage.objects.patch": patch,
    "storage.objects.rewrite": rewrite,
}
RAW = [("GET", r"/download/storage/v1/b/(?P<bucket>[^/]+)/o/(?P<object>[^/]+)", download)]
SEEDS = {"buckets": seed}
