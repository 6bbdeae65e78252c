"""The network interfaces of an instance, and the addresses that they are given."""

from __future__ import annotations

import ipaddress

import disks
from call import Call, Json, Refused
from resources import find, fingerprint, invalid, link, path_of


def interface(call: Call, number: int, given: Json) -> Json:
    world, region = call.world, call.path["zone"].rsplit("-", 1)[0]
    field = f"networkInterfaces[{number}]"
    result = {
        "kind": "compute#networkInterface",
        **given,
        "name": f"nic{number}",
        "fingerprint": fingerprint(given),
        "stackType": "IPV4_ONLY",
    }
    if "subnetwork" in given:
        subnetwork = find(world, path_of(call, given["subnetwork"], f"{field}.subnetwork"))
        if f"/regions/{region}/" not in subnetwork["selfLink"]:
            raise invalid(f"{field}.subnetwork", given["subnetwork"], f"The subnetwork is not in {region}.")
        result |= {"subnetwork": subnetwork["selfLink"], "network": subnetwork["network"]}
    else:
        network = find(world, path_of(call, given.get("network", "global/networks/default"), f"{field}.network"))
        result["network"] = network["selfLink"]
        if network.get("autoCreateSubnetworks"):
            owner = disks.path_in(world, network["selfLink"]).split("/")[1]
            result["subnetwork"] = link(world, f"projects/{owner}/regions/{region}/subnetworks/{network['name']}")
        else:
            raise invalid(
                f"{field}.subnetwork",
                "",
                "Network interface must specify a subnet if the network resource is in custom subnet mode.",
            )
    if "networkIP" in given:
        check_internal(
            given["networkIP"],
            find(world, disks.path_in(world, result["subnetwork"]))["ipCidrRange"],
            f"{field}.networkIP",
        )
    for config in given.get("accessConfigs", []):
        if "natIP" in config:
            reserved(call, config["natIP"], f"{field}.accessConfigs[0].natIP")
    configs = [
        {"kind": "compute#accessConfig", "type": "ONE_TO_ONE_NAT", "name": "external-nat", "networkTier": "PREMIUM"}
        | config
        for config in given.get("accessConfigs", [])
    ]
    result.pop("accessConfigs", None)
    return result | ({"accessConfigs": configs} if configs else {})


def check_internal(address: str, subnet: str, field: str) -> None:
    try:
        inside = ipaddress.ip_address(address) in ipaddress.ip_network(subnet)
    except ValueError:
        raise invalid(field, address, "It is no IP address.") from None
    if not inside:
        raise invalid(field, address, f"IP address must be in {subnet}, the range of the subnetwork.")


def reserved(call: Call, address: str, field: str) -> str:
    """The path of a reserved address of the region that nobody uses."""
    region = call.path["zone"].rsplit("-", 1)[0]
    here = f"projects/{call.path['project']}/regions/{region}/addresses/"
    for path, resource in call.world.resources.items():
        if path.startswith(here) and resource["address"] == address:
            if resource["status"] == "IN_USE":
                raise Refused(
                    400, "resourceInUseByAnotherResource", f"External IP address: {address} is already in-use."
                )
            return path
    raise invalid(field, address, f"The specified external IP address '{address}' was not found in region '{region}'.")
