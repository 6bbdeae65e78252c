"""What every project has without anybody having made it: zones, machine types, the default network, the public images.

A seed of the same path goes before it.
"""

from __future__ import annotations

import re
from typing import Callable

from call import Json
from world import World

ZONES = """
us-central1-a us-central1-b us-central1-c us-central1-f us-east1-b us-east1-c us-west1-a us-west1-b
europe-west1-b europe-west1-c europe-west3-a europe-west4-a asia-east1-a
""".split()
REGIONS = sorted({zone.rsplit("-", 1)[0] for zone in ZONES})
# Processors and memory in MiB.
MACHINE_TYPES = {
    "e2-micro": (2, 1024),
    "e2-small": (2, 2048),
    "e2-medium": (2, 4096),
    "e2-standard-2": (2, 8192),
    "e2-standard-4": (4, 16384),
    "e2-standard-8": (8, 32768),
    "n1-standard-1": (1, 3840),
    "n1-standard-2": (2, 7680),
    "n1-standard-4": (4, 15360),
    "n1-highcpu-4": (4, 3686),
    "n2-standard-2": (2, 8192),
    "n2-standard-4": (4, 16384),
    "n2d-standard-2": (2, 8192),
    "c3-standard-4": (4, 16384),
    "t2a-standard-1": (1, 4096),
    "a2-highgpu-1g": (12, 87040),
}
ACCELERATORS = {"nvidia-tesla-t4": 4, "nvidia-tesla-p4": 4, "nvidia-tesla-v100": 8, "nvidia-l4": 8}
QUOTAS = {
    "CPUS": 72.0,
    "DISKS_TOTAL_GB": 4096.0,
    "SSD_TOTAL_GB": 500.0,
    "IN_USE_ADDRESSES": 8.0,
    "INSTANCES": 720.0,
    "STATIC_ADDRESSES": 8.0,
    "PREEMPTIBLE_CPUS": 72.0,
    "NVIDIA_T4_GPUS": 1.0,
    "PREEMPTIBLE_NVIDIA_T4_GPUS": 1.0,
}
# Project, family, size in GB, days of age; the newest of a family comes last.
IMAGES = [
    ("debian-cloud", "debian-12", "debian-12-bookworm-v20260910", 10, 60),
    ("debian-cloud", "debian-12", "debian-12-bookworm-v20261101", 10, 10),
    ("debian-cloud", "debian-12-arm64", "debian-12-bookworm-arm64-v20261101", 10, 10),
    ("debian-cloud", "debian-13", "debian-13-trixie-v20261101", 10, 10),
    ("ubuntu-os-cloud", "ubuntu-2404-lts-amd64", "ubuntu-2404-noble-amd64-v20261020", 10, 20),
    ("ubuntu-os-cloud", "ubuntu-2204-lts", "ubuntu-2204-jammy-v20261020", 10, 20),
    ("rocky-linux-cloud", "rocky-linux-9", "rocky-linux-9-v20261015", 20, 25),
    ("cos-cloud", "cos-stable", "cos-stable-121-18867-90-1", 10, 30),
    ("compute-image-tools", "debian-12-worker", "debian-12-worker-v20261001", 10, 40),
]

EPOCH = "2020-01-01T00:00:00.000-08:00"


def builtin(world: World, path: str) -> Json | None:
    for pattern, make in BUILTIN:
        if match := re.fullmatch(pattern, path):
            made = make(*match.groups())
            if made is not None:
                made |= {
                    "name": made.get("name", path.rsplit("/", 1)[1]),
                    "selfLink": f"{world.url}/compute/v1/{path}",
                    "id": made.get("id", str(10**9 + sum(map(ord, path)))),
                    "creationTimestamp": EPOCH,
                }
                # What names other resources does so by a whole URL.
                return {
                    key: f"{world.url}/compute/v1/{value}" if str(value).startswith("projects/") else value
                    for key, value in made.items()
                }
    return None


def project(name: str) -> Json:
    return {
        "kind": "compute#project",
        "name": name,
        "defaultServiceAccount": "123456789012-compute@developer.gserviceaccount.com",
        "commonInstanceMetadata": {"kind": "compute#metadata", "fingerprint": "AAAAAAAAAAA=", "items": []},
        "quotas": [
            {"metric": metric, "limit": limit, "usage": 0.0}
            for metric, limit in {"IMAGES": 2000.0, "NETWORKS": 15.0}.items()
        ],
    }


def zone(project: str, name: str) -> Json | None:
    if name not in ZONES:
        return None
    return {"kind": "compute#zone", "status": "UP", "region": f"projects/{project}/regions/{name.rsplit('-', 1)[0]}"}


def region(project: str, name: str) -> Json | None:
    if name not in REGIONS:
        return None
    return {
        "kind": "compute#region",
        "status": "UP",
        "quotas": [{"metric": metric, "limit": limit, "usage": 0.0} for metric, limit in QUOTAS.items()],
    }


def machine_type(project: str, zone: str, name: str) -> Json | None:
    if zone not in ZONES or name not in MACHINE_TYPES:
        return None
    processors, memory = MACHINE_TYPES[name]
    return {
        "kind": "compute#machineType",
        "guestCpus": processors,
        "memoryMb": memory,
        "zone": zone,
        "architecture": "ARM64" if name.startswith("t2a-") else "X86_64",
        "isSharedCpu": name.startswith("e2-m"),
    }


def accelerator(project: str, zone: str, name: str) -> Json | None:
    if zone not in ZONES or name not in ACCELERATORS:
        return None
    return {
        "kind": "compute#acceleratorType",
        "maximumCardsPerInstance": ACCELERATORS[name],
        "zone": f"projects/{project}/zones/{zone}",
    }


def network(project: str) -> Json:
    return {"kind": "compute#network", "autoCreateSubnetworks": True, "routingConfig": {"routingMode": "REGIONAL"}}


def subnetwork(project: str, region: str) -> Json | None:
    if region not in REGIONS:
        return None
    number = REGIONS.index(region)
    return {
        "kind": "compute#subnetwork",
        "ipCidrRange": f"10.{128 + number}.0.0/20",
        "gatewayAddress": f"10.{128 + number}.0.1",
        "region": f"projects/{project}/regions/{region}",
        "network": f"projects/{project}/global/networks/default",
    }


PROJECT, ZONE, REGION = r"projects/([^/]+)", r"/zones/([^/]+)", r"/regions/([^/]+)"
BUILTIN: list[tuple[str, Callable[..., Json | None]]] = [
    (PROJECT, project),
    (PROJECT + ZONE, zone),
    (PROJECT + REGION, region),
    (PROJECT + ZONE + r"/machineTypes/([^/]+)", machine_type),
    (PROJECT + ZONE + r"/acceleratorTypes/([^/]+)", accelerator),
    (PROJECT + r"/global/networks/default", network),
    (PROJECT + REGION + r"/subnetworks/default", subnetwork),
]
