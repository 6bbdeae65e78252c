"""Images: the cloud's own ones, and those that are made from a disk, another image, or an object of a bucket."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path
from urllib.parse import unquote

import contents
import objects
import operations
from call import Call, Function, Json, Refused
from catalogue import IMAGES
from disks import in_use, labels_setter, lister, path_in, secured, source_image
from resources import check_name, find, free, invalid, link, missing, named, path_of, put, scope_of
from world import World, timestamp

DAY = 86400


def publish(world: World) -> None:
    """The public images; of those that a family has, all but the newest are deprecated."""
    newest_of = {(project, family): name for project, family, name, _, _ in IMAGES}
    for project, family, name, size, days in IMAGES:
        path = f"projects/{project}/global/images/{name}"
        image: Json = {
            "family": family,
            "status": "READY",
            "diskSizeGb": str(size),
            "archiveSizeBytes": "1000000",
            "sourceType": "RAW",
            "architecture": "ARM64" if "arm64" in name else "X86_64",
            "creationTimestamp": timestamp(days * DAY),
            "licenses": [link(world, f"projects/{project}/global/licenses/{family}")],
            "guestOsFeatures": [{"type": "UEFI_COMPATIBLE"}, {"type": "VIRTIO_SCSI_MULTIQUEUE"}, {"type": "GVNIC"}],
            "storageLocations": ["us", "eu"],
            "description": f"the fake's {name}",
        }
        if newest_of[project, family] != name:
            replacement = link(world, f"projects/{project}/global/images/{newest_of[project, family]}")
            image["deprecated"] = {"state": "DEPRECATED", "replacement": replacement}
        put(world, path, image)


def newest(world: World, scope: str, family: str) -> Json:
    """What a family stands for: its newest image that is ready and not deprecated."""
    images = [
        resource
        for path, resource in world.resources.items()
        if path.startswith(f"{scope}/images/")
        and resource.get("family") == family
        and resource["status"] == "READY"
        and resource.get("deprecated", {}).get("state", "ACTIVE") == "ACTIVE"
    ]
    if not images:
        raise missing(f"{scope}/images/family/{family}")
    return max(images, key=lambda image: (image["creationTimestamp"], image["id"]))


def get(call: Call) -> Json:
    return find(call.world, named(call, "images", call.path["image"]))


def get_from_family(call: Call) -> Json:
    return newest(call.world, f"projects/{call.path['project']}/global", call.path["family"])


def insert(call: Call) -> Json:
    world, body = call.world, call.body
    path = named(call, "images", body["name"])
    free(world, path)
    if family := body.get("family"):
        check_name("family", family)
    sources = [key for key in ("sourceDisk", "sourceImage", "rawDisk", "sourceSnapshot") if body.get(key)]
    if len(sources) != 1:
        raise invalid("sourceDisk", ", ".join(sources), "An image is made from exactly one source.")
    if len(body.get("storageLocations", [])) > 1:
        raise invalid("storageLocations", body["storageLocations"], "At most one location.")
    image: Json = {"storageLocations": ["us"], **body, "status": "PENDING", "sourceType": "RAW"}
    if "imageEncryptionKey" in image:
        image["imageEncryptionKey"] = secured(image["imageEncryptionKey"])
    if sources[0] == "sourceDisk":
        image = from_disk(call, path, image)
    elif sources[0] == "sourceImage":
        image = from_image(call, path, image)
    elif sources[0] == "rawDisk":
        image = from_object(call, path, image)
    else:
        raise Refused(501, "notImplemented", "the fake has no snapshots")

    def ready() -> None:
        if world.resources.get(path) is not image:
            raise missing(path)
        image["status"], image["archiveSizeBytes"] = "READY", str(contents.place(world, image).stat().st_blocks * 512)

    return operations.start(call, scope_of(path), "insert", path, ready, lambda: remove(world, path))


def from_disk(call: Call, path: str, image: Json) -> Json:
    world = call.world
    disk_path = path_of(call, image["sourceDisk"], "sourceDisk")
    disk = find(world, disk_path)
    if disk["status"] != "READY":
        raise Refused(400, "resourceNotReady", f"The resource '{disk_path}' is not ready")
    for user in disk.get("users", []):
        instance = path_in(world, user)
        # What runs may write while the image is made.
        if call.query.get("forceCreate") != "true" and find(world, instance)["status"] != "TERMINATED":
            raise in_use(disk_path, instance)
    features = {
        feature.get("type"): feature for feature in disk.get("guestOsFeatures", []) + image.get("guestOsFeatures", [])
    }
    licenses = list(dict.fromkeys(disk.get("licenses", []) + image.get("licenses", [])))
    image = image | {
        "sourceDisk": disk["selfLink"],
        "sourceDiskId": disk["id"],
        "diskSizeGb": disk["sizeGb"],
        "architecture": image.get("architecture") or disk.get("architecture", "X86_64"),
    }
    image |= ({"guestOsFeatures": list(features.values())} if features else {}) | (
        {"licenses": licenses} if licenses else {}
    )
    image = put(world, path, image)
    contents.copy(world, contents.of_disk(world, disk), image, image["diskSizeGb"])
    return image


def from_image(call: Call, path: str, image: Json) -> Json:
    source = source_image(call, image["sourceImage"], "sourceImage")
    inherited = {key: source[key] for key in ("licenses", "guestOsFeatures", "architecture") if key in source}
    image = put(
        call.world,
        path,
        inherited
        | image
        | {"sourceImage": source["selfLink"], "sourceImageId": source["id"], "diskSizeGb": source["diskSizeGb"]},
    )
    contents.copy(call.world, contents.of_image(call.world, source), image, image["diskSizeGb"])
    return image


def from_object(call: Call, path: str, image: Json) -> Json:
    """`rawDisk.source` names an object of Cloud Storage in one of the forms that the API takes."""
    source = image["rawDisk"].get("source", "")
    match = re.fullmatch(
        r"(?:https?://[^/]+/(?:download/)?storage/v1/b/([^/]+)/o/([^?]+)|https?://(?:storage\.googleapis\.com|127[^/]+)/([^/]+)/(.+)"
        r"|gs://([^/]+)/(.+))",
        source,
    )
    if not match:
        raise invalid("rawDisk.source", source, "The source is no object of Cloud Storage.")
    bucket, name = (unquote(group) for group in match.groups() if group is not None)
    archive = object_file(call.world, bucket, name)
    if archive is None:
        raise Refused(404, "notFound", f"The resource '{source}' of type 'Google Cloud Storage object' was not found.")
    image = put(call.world, path, image | {"diskSizeGb": "1", "architecture": image.get("architecture", "X86_64")})
    try:
        size = contents.unpack(call.world, archive, image)
    except (tarfile.TarError, OSError, EOFError, KeyError) as error:
        remove(call.world, path)
        raise invalid("rawDisk.source", source, f"The object is no tar.gz with a disk.raw: {error}") from None
    image["diskSizeGb"] = str(max(1, -(-size // int(call.world.settings["bytes_per_gb"]))))
    return image


def object_file(world: World, bucket: str, name: str) -> Path | None:
    """The bytes of an object, as a file."""
    metadata = world.part("buckets").get(bucket, {}).get(name)
    return objects.file_of(world, metadata) if metadata else None


def remove(world: World, path: str) -> None:
    if image := world.resources.pop(path, None):
        contents.remove(world, image)


def delete(call: Call) -> Json:
    path = named(call, "images", call.path["image"])
    image = find(call.world, path)
    before = image["status"]
    image["status"] = "DELETING"

    def restore() -> None:
        image["status"] = before

    return operations.start(call, scope_of(path), "delete", path, lambda: remove(call.world, path), restore)


def deprecate(call: Call) -> Json:
    path = named(call, "images", call.path["image"])
    image = find(call.world, path)
    for when in ("deprecated", "obsolete", "deleted"):
        text = call.body.get(when)
        if text and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text):
            raise invalid(when, text, "The time is not of RFC 3339.")

    def change() -> None:
        image.pop("deprecated", None)
        if call.body:
            image["deprecated"] = call.body

    return operations.start(call, scope_of(path), "deprecate", path, change)


METHODS: dict[str, Function] = {
    "compute.images.get": get,
    "compute.images.getFromFamily": get_from_family,
    "compute.images.list": lister("images", "compute#imageList"),
    "compute.images.insert": operations.repeatable(insert),
    "compute.images.delete": operations.repeatable(delete),
    "compute.images.deprecate": operations.repeatable(deprecate),
    "compute.images.setLabels": operations.repeatable(labels_setter("images")),
}
