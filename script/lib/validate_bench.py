#!/usr/bin/env python3
"""Times `validate`, and looks how much memory it takes, beside Debian's packer: by turns, so that a busy machine is busy
for both.

usage: script/lib/validate_bench.py IMGFORGE PACKER
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

# Packer takes half a minute for the large one.
RUNS = {"small": 11, "93 builders": 3}
# Milliseconds and MiB of imgforge at most, and how many times as long packer takes at least.
GOALS = {"small": (5, 10, 20), "93 builders": (100, None, 150)}

SMALL = """\
variable "name" {
  type    = string
  default = "web"
}

variable "packages" {
  type    = list(string)
  default = ["nginx", "curl"]
}

locals {
  title   = "${var.name}-${formatdate("YYYYMMDD", timestamp())}"
  install = [for package in var.packages : "apt-get install -y ${package}"]
}

source "qemu" "web" {
  iso_url          = "https://example.org/debian.qcow2"
  iso_checksum     = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  disk_image       = true
  disk_size        = "10G"
  headless         = true
  memory           = 1024
  ssh_username     = "root"
  ssh_password     = "root"
  shutdown_command = "poweroff"
  vm_name          = local.title
}

build {
  sources = ["source.qemu.web"]

  provisioner "shell" {
    inline = local.install
  }
  provisioner "file" {
    source      = "small.pkr.hcl"
    destination = "/tmp/template.pkr.hcl"
  }
  post-processor "manifest" {
    output = "${var.name}.json"
  }
}
"""

BOOT = [
    "<esc><wait>",
    "auto <wait>",
    "console-setup/ask_detect=false <wait>",
    "console-setup/layoutcode=us <wait>",
    "debconf/frontend=noninteractive <wait>",
    "debian-installer=en_US <wait>",
    "fb=false <wait>",
    "initrd=/install/initrd.gz <wait>",
    "kbd-chooser/method=us <wait>",
    "keyboard-configuration/layout=USA <wait>",
    "keyboard-configuration/variant=USA <wait>",
    "locale=en_US <wait>",
    "netcfg/get_domain={{user `domain`}} <wait>",
    "netcfg/get_hostname={{ .Name }} <wait>",
    "noapic <wait>",
    "preseed/url=http://{{ .HTTPIP }}:{{ .HTTPPort }}/preseed.cfg <wait>",
    "-- <wait>",
    "<enter><wait>",
]


def machine(name):
    """What all that install from a medium have in common."""
    return {
        "name": name,
        "boot_command": BOOT,
        "boot_wait": "10s",
        "headless": "{{user `headless`}}",
        "http_directory": "{{user `http_directory`}}",
        "iso_url": "{{user `mirror`}}/" + name + ".iso",
        "iso_checksum": "sha256:{{user `checksum`}}",
        "disk_size": "{{user `disk_size`}}",
        "output_directory": "builds/" + name,
        "shutdown_command": "echo '{{user `password`}}' | sudo -S shutdown -P now",
        "ssh_username": "{{user `username`}}",
        "ssh_password": "{{user `password`}}",
        "ssh_port": 22,
        "ssh_timeout": "10000s",
        "vm_name": name + "-{{timestamp}}",
    }


def amazon(name):
    devices = [
        {
            "device_name": f"/dev/xvd{letter}",
            "volume_size": 20,
            "volume_type": "gp2",
            "delete_on_termination": True,
            "encrypted": False,
        }
        for letter in "bcd"
    ]
    tags = {"Name": name, "Release": "{{user `release`}}", "Built": "{{isotime}}", "Base": "{{ .SourceAMI }}"}
    return {
        "type": "amazon-ebs",
        "name": name,
        "access_key": "{{user `access_key`}}",
        "secret_key": "{{user `secret_key`}}",
        "region": "us-east-1",
        "skip_region_validation": True,
        "skip_metadata_api_check": True,
        "source_ami_filter": {
            "filters": {
                "virtualization-type": "hvm",
                "name": "debian-11-amd64-*",
                "root-device-type": "ebs",
            },
            "owners": ["136693071363"],
            "most_recent": True,
        },
        "instance_type": "{{user `instance_type`}}",
        "ssh_username": "admin",
        "ssh_timeout": "10m",
        "ami_name": name + "-{{timestamp}}",
        "ami_description": "made of {{user `release`}}",
        "ami_virtualization_type": "hvm",
        "associate_public_ip_address": True,
        "ebs_optimized": True,
        "ena_support": True,
        "force_deregister": True,
        "force_delete_snapshot": True,
        "launch_block_device_mappings": devices,
        "ami_block_device_mappings": devices,
        "tags": tags,
        "run_tags": tags,
        "run_volume_tags": tags,
    }


def qemu(name):
    arguments = {
        "-smp": "2,sockets=1,cores=2,threads=1",
        "-device": "virtio-rng-pci",
        "-rtc": "base=utc",
        "-global": "kvm-pit.lost_tick_policy=discard",
    }
    more = {
        "type": "qemu",
        "accelerator": "kvm",
        "cpus": 2,
        "memory": "{{user `memory`}}",
        "disk_interface": "virtio",
        "disk_cache": "unsafe",
        "disk_discard": "unmap",
        "disk_compression": True,
        "format": "qcow2",
        "net_device": "virtio-net",
        "machine_type": "q35",
        "host_port_min": 2222,
        "host_port_max": 4444,
        "vnc_port_min": 5900,
        "vnc_port_max": 6000,
        "qemuargs": [list(argument) for argument in arguments.items()],
    }
    return machine(name) | more


def virtualbox(name):
    settings = {
        "--memory": "{{user `memory`}}",
        "--cpus": "2",
        "--nat-localhostreachable1": "on",
        "--vram": "16",
        "--audio": "none",
        "--usb": "off",
        "--rtcuseutc": "on",
    }
    more = {
        "type": "virtualbox-iso",
        "guest_os_type": "Debian_64",
        "guest_additions_mode": "upload",
        "guest_additions_path": "VBoxGuestAdditions_{{.Version}}.iso",
        "hard_drive_interface": "sata",
        "virtualbox_version_file": ".vbox_version",
        "vboxmanage": [["modifyvm", "{{.Name}}", *setting] for setting in settings.items()],
    }
    return machine(name) | more


def vmware(name):
    settings = {
        "cpuid.coresPerSocket": "1",
        "ethernet0.pciSlotNumber": "32",
        "ethernet0.virtualDev": "e1000",
        "memsize": "{{user `memory`}}",
        "numvcpus": "2",
        "sound.present": "FALSE",
        "usb.present": "FALSE",
        "vhv.enable": "TRUE",
    }
    more = {
        "type": "vmware-iso",
        "guest_os_type": "debian10-64",
        "tools_upload_flavor": "linux",
        "version": "14",
        "vmx_data": settings,
        "vmx_data_post": {"ethernet0.virtualDev": "vmxnet3", "RemoteDisplay.vnc.enabled": "FALSE"},
        "vmx_remove_ethernet_interfaces": True,
    }
    return machine(name) | more


def large():
    """A legacy template of 93 builders and 7,600 lines, as people have them who build for many places."""
    kinds = [amazon, qemu, virtualbox, vmware]
    builders = [kinds[number % 4](f"{kinds[number % 4].__name__}-{number}") for number in range(93)]
    names = [builder["name"] for builder in builders]
    provisioners = [
        {
            "type": "shell",
            "execute_command": "echo '{{user `password`}}' | {{.Vars}} sudo -S -E sh '{{.Path}}'",
            "environment_vars": ["HOME_DIR=/home/{{user `username`}}", "RELEASE={{user `release`}}"],
            "inline": [f"echo step {step}", "apt-get update", f"apt-get install -y package-{step}"],
            "except": names[step : step + 3],
            "expect_disconnect": True,
        }
        for step in range(12)
    ]
    steps = [{"type": "manifest", "output": "builds/{{build_name}}.json"}]
    steps += [{"type": "compress", "output": "builds/{{.BuildName}}.tar.gz", "only": names[1::4]}]
    variables = {
        "access_key": "key",
        "secret_key": "key",
        "checksum": "0123456789abcdef" * 4,
        "disk_size": "65536",
        "domain": "example.org",
        "headless": "true",
        "http_directory": ".",
        "instance_type": "t3.micro",
        "memory": "1024",
        "mirror": "https://example.org/cd",
        "password": "{{user `username`}}",
        "release": "{{env `RELEASE`}}",
        "username": "vagrant",
    }
    template = {"variables": variables, "builders": builders, "provisioners": provisioners, "post-processors": steps}
    # The rest are the lines of one script.
    inline = provisioners[0]["inline"]
    missing = 7600 - json.dumps(template, indent=2).count("\n") - 1
    inline += [f"echo line {line}" for line in range(missing)]
    return json.dumps(template, indent=2) + "\n"


def run(command, folder):
    """Seconds that a command takes. It has to find the template valid."""
    environment = {"PATH": os.environ["PATH"], "HOME": folder, "CHECKPOINT_DISABLE": "1", "PACKER_CACHE_DIR": folder}
    started = time.monotonic()
    ended = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    seconds = time.monotonic() - started
    if ended.returncode:
        sys.exit(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout.decode()}")
    return seconds


def memory(command, folder):
    """MiB that the largest process of a command takes. By a small program: a fork of this one is larger than some."""
    run(["time", "--quiet", "--output=memory", "--format=%M", *command], folder)
    with open(f"{folder}/memory", encoding="utf-8") as file:
        return int(file.read()) / 1024


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    programs = dict(zip(("imgforge", "packer"), sys.argv[1:]))
    templates = {"small": ("small.pkr.hcl", SMALL), "93 builders": ("large.json", large())}
    with tempfile.TemporaryDirectory(prefix="imgforge-bench-") as folder:
        for name, (file, text) in templates.items():
            with open(f"{folder}/{file}", "w", encoding="utf-8") as template:
                template.write(text)
            commands = {program: [path, "validate", file] for program, path in programs.items()}
            seconds = {program: [] for program in programs}
            for _ in range(RUNS[name]):
                for program, command in commands.items():
                    seconds[program].append(run(command, folder))
            report(name, text, seconds, {program: memory(command, folder) for program, command in commands.items()})


def report(name, text, seconds, mebibytes):
    """A line a program; the ratios are those of the medians."""
    most_time, most_memory, times = GOALS[name]
    medians = {program: statistics.median(of) * 1000 for program, of in seconds.items()}
    print(f"validate, {name}: {text.count(chr(10))} lines, {RUNS[name]} runs each, milliseconds and MiB")
    print(f"{'':10}{'median':>8}{'least':>8}{'most':>8}{'memory':>8}")
    for program, of in seconds.items():
        least, most = min(of) * 1000, max(of) * 1000
        print(f"{program:10}{medians[program]:8.1f}{least:8.1f}{most:8.1f}{mebibytes[program]:8.1f}")
    goals = f"{most_time} ms" + (f", {most_memory} MiB" if most_memory else "")
    ratio = medians["packer"] / medians["imgforge"]
    print(f"packer takes {ratio:.0f} times as long (goals: at most {goals}; at least {times} times)\n")


if __name__ == "__main__":
    main()
