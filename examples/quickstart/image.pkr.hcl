packer {
  required_version = ">= 1.8.0"
}

# Where the disk to start from is. Comes from the environment: PKR_VAR_base=/path/disk.qcow2
variable "base" {
  type        = string
  description = "A bootable qcow2 that lets root in by password."
}

# Everyone knows the password of this guest.
# imgforge: allow secret-in-template
variable "ssh_password" {
  type      = string
  default   = "imgforge"
  sensitive = true
}

variable "greeting" {
  type    = string
  default = "Hello"
}

source "qemu" "quickstart" {
  iso_url          = var.base
  iso_checksum     = "none" # imgforge: allow no-checksum
  disk_image       = true
  skip_resize_disk = true
  format           = "qcow2"

  accelerator = "tcg"
  headless    = true
  cpus        = 2
  memory      = 256
  qemuargs    = [["-cpu", "max"]]

  ssh_username     = "root"
  ssh_password     = var.ssh_password
  ssh_timeout      = "2m"
  shutdown_command = "sync; poweroff -f"

  output_directory = "out/vm"
  vm_name          = "quickstart.qcow2"
}

build {
  sources = ["source.qemu.quickstart"]

  provisioner "file" {
    source      = "files/motd"
    destination = "/etc/motd"
  }

  provisioner "shell" {
    inline = [
      "echo '${var.greeting}' > /etc/quickstart",
      "echo \"kernel $(uname -r)\" >> /etc/quickstart",
    ]
  }

  provisioner "shell" {
    script           = "scripts/finish.sh"
    environment_vars = ["COLOUR=orange"]
  }

  post-processor "manifest" {
    output = "out/packer-manifest.json"
  }
}
