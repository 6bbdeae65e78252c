"""Writes src/schema/components.txt from a table of what plugins report of themselves.

    python3 script/lib/schemas.py schemas.tsv > src/schema/components.txt

The table has tab-separated columns: kind, component, `argument` or `output`, path (`block.argument`), HCL2 type, and what
is asked for when the block is empty (`required`, or `one of a|b`).
"""

import sys

# Always built here: their tables are made of the structs that read them. What is built with a feature alone is not among
# them, since a binary without it takes its table from here.
OURS = {
    ("builder", "file"), ("builder", "null"),
    ("provisioner", "breakpoint"), ("provisioner", "file"), ("provisioner", "shell"), ("provisioner", "shell-local"),
    ("provisioner", "sleep"),
    ("post-processor", "checksum"), ("post-processor", "manifest"), ("post-processor", "shell-local"),
    ("data-source", "git-commit"), ("data-source", "git-repository"), ("data-source", "git-tree"),
    ("data-source", "http"), ("data-source", "null"),
}

# What many have in common: the arguments that all of these have.
GROUPS = {
    "communicator": ["amazon-ebs", "docker", "virtualbox-iso", "null"],
    "http": ["hyperv-iso", "virtualbox-vm", "vmware-vmx", "proxmox-clone"],
    "iso": ["hyperv-iso", "virtualbox-iso", "vmware-iso", "parallels-iso"],
    "aws": ["amazon-ebs", "amazon-chroot", "amazon-ami", "amazon-import"],
    "ec2": ["amazon-ebs", "amazon-ebssurrogate", "amazon-ebsvolume", "amazon-instance"],
    "ami": ["amazon-ebs", "amazon-ebssurrogate", "amazon-instance", "amazon-chroot"],
    "azure": ["azure-arm", "azure-chroot", "azure-dtl"],
    "azure-vm": ["azure-arm", "azure-dtl"],
    "hyperv": ["hyperv-iso", "hyperv-vmcx"],
    "parallels": ["parallels-iso", "parallels-pvm"],
    "proxmox": ["proxmox-iso", "proxmox-clone"],
    "virtualbox": ["virtualbox-iso", "virtualbox-ovf", "virtualbox-vm"],
    "vmware": ["vmware-iso", "vmware-vmx"],
    "vsphere": ["vsphere-iso", "vsphere-clone"],
}

# With which others an argument that an empty block is asked for is not missing.
UNLESS = {
    "ami_name": ["skip_create_ami"],
    "ami_virtualization_type": ["use_create_image"],
    "source_ami": ["from_scratch"],
    "source": ["from_scratch"],
    "iso_file": ["iso_urls"],
    "iso_url": ["iso_file", "boot_iso"],
    "parallels_tools_flavor": ["parallels_tools_mode"],
    "script": ["scripts"],
    "server_url": ["config_template"],
    "ssh_username": ["communicator", "use_os_login"],
    "subnet_ocid": ["create_vnic_details"],
    "template": ["remote_source"],
}

# Asked for by an empty block, and yet not always to be written: read from the environment or a file of credentials,
# needed in some combinations alone, or by the newest version alone.
NOT_ALWAYS = {
    "access_token", "api_token", "client_id", "client_secret", "communicator", "fingerprint", "key", "key_file",
    "network_adapter_type", "password", "project_id", "proxmox_url", "security_token_file", "spaces_key",
    "spaces_secret", "subscription_id", "tenancy_ocid", "token", "user_ocid", "username", "vagrant_cloud_url",
    "vcenter_server",
}
NOT_ALWAYS_OF = {
    "azure-arm": {"capture_container_name", "image_offer", "image_publisher", "image_sku", "managed_image_name", "os_type",
                  "managed_image_resource_group_name", "resource_group_name", "shared_image_gallery_destination",
                  "storage_account"},
    "azure-chroot": {"image_resource_id", "shared_image_destination"},
    "azure-dtl": {"capture_container_name", "capture_name_prefix", "image_offer", "image_publisher", "image_sku",
                  "lab_resource_group_name", "managed_image_name", "managed_image_resource_group_name", "os_type"},
    "vsphere": {"cluster", "datacenter", "datastore", "datastore_cluster", "host"},
}

# Maps of strings in HCL2 that legacy JSON takes any values in.
ANY = {("vagrant", "override")}

# What legacy JSON alone has, so that the plugins' HCL2 types don't tell of it; found out with Packer 1.6.6.
LEGACY = [("provisioner", "chef-client", "json"), ("provisioner", "chef-solo", "json")]

WIDTH = 118


def read(path):
    """The rows of each component, by kind and name: what they are, their path and type; and what is asked for."""
    components, asked = {}, {}
    with open(path, encoding="utf-8") as table:
        for line in table:
            if line.startswith("#"):
                continue
            kind, component, what, path, shape, ask = line.rstrip("\n").split("\t")
            if (component, path) in ANY:
                shape = "map(any)"
            components.setdefault((kind, component), set()).add((what, path, shape))
            if ask:
                asked.setdefault((kind, component), []).append((path, ask))
    for kind, component, path in LEGACY:
        components[kind, component].add(("argument", path, "legacy"))
    return components, asked


def lines(rows, indent):
    """Names by type, then blocks with what is in them."""
    by_shape, blocks = {}, {}
    for path, shape in sorted(rows):
        head, _, rest = path.partition(".")
        if rest:
            blocks[head][1].append((rest, shape))
        elif shape in ("block", "blocks"):
            blocks[head] = (shape, [])
        else:
            by_shape.setdefault(shape, []).append(path)
    for shape in sorted(by_shape):
        line = f"{indent}{shape}"
        for name in by_shape[shape]:
            if len(line) + len(name) + 1 > WIDTH:
                yield line
                line = f"{indent}{shape}"
            line += f" {name}"
        yield line
    for name, (shape, inner) in blocks.items():
        yield f"{indent}{shape} {name}"
        yield from lines(inner, indent + "  ")


def needs(component, rows, asked):
    """The arguments one of which an empty block lacks, where it lacks them always."""
    names = {path for _, path, _ in rows}
    left_out = NOT_ALWAYS | NOT_ALWAYS_OF.get(component, set())
    found = {}
    for path, ask in asked:
        one_of = [path] if ask == "required" else ask.removeprefix("one of ").split("|")
        if left_out.isdisjoint(one_of):
            unless = {other for name in one_of for other in UNLESS.get(name, []) if other in names}
            unless = sorted(unless.difference(one_of))
            found.setdefault(frozenset(one_of + unless), " ".join(one_of + ["unless"] * bool(unless) + unless))
    return found.values()


def arguments(rows):
    """The arguments that are no part of another, each with all that is in it."""
    whole = {}
    for what, path, shape in rows:
        if what == "argument":
            whole.setdefault(path.partition(".")[0], set()).add((path, shape))
    return {frozenset(parts) for parts in whole.values()}


def rows_of(whole):
    return [row for parts in whole for row in parts]


def main():
    components, asked = read(sys.argv[1])
    # Builders win: of the names in GROUPS, some are those of other kinds too.
    by_name = {name: rows for (_, name), rows in sorted(components.items(), reverse=True)}
    print("# The components that are not built here, by kind and name: what may be written in their blocks, by type.")
    print("# `like` adds a group; of what `needs` names, one must be there. Made by script/lib/schemas.py.")
    groups = {}
    for group, members in GROUPS.items():
        rows = set.intersection(*(arguments(by_name[member]) for member in members))
        for other in groups.values():
            rows -= other
        groups[group] = rows
        print(f"\ngroup {group}")
        print("\n".join(lines(rows_of(rows), "  ")))
    for (kind, name), rows in sorted(components.items()):
        if (kind, name) in OURS:
            continue
        own, like = arguments(rows), []
        for group, common in groups.items():
            if common <= own:
                own -= common
                like.append(group)
        print(f"\n{kind.replace('data-', 'data ')} {name}")
        if like:
            print("  like " + " ".join(like))
        for line in lines(rows_of(own), "  "):
            print(line)
        outputs = {(path, shape) for what, path, shape in rows if what == "output"}
        if outputs:
            print("  outputs")
            print("\n".join(lines(outputs, "    ")))
        for need in needs(name, rows, asked.get((kind, name), [])):
            print(f"  needs {need}")


main()
