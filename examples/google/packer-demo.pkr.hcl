# A Debian image with a note in it, built in Google Cloud and exported to a bucket:
#
#     imgforge build -var project=my-project -var bucket=my-bucket \
#         -var source_image=debian-12-bookworm-v20261101 packer-demo.pkr.hcl
#
# Credentials come from where Google's tools look for them: GOOGLE_APPLICATION_CREDENTIALS, what
# `gcloud auth application-default login` left, or the machine that this runs on.

packer {
  required_version = ">= 1.8.0"
}

variable "project" {
  type        = string
  description = "Who pays: the project for the machine, the disks and the image."
}

variable "zone" {
  type        = string
  default     = "us-central1-a"
  description = "Where the machine runs while the image is built."
}

# The newest is printed by
#     gcloud compute images list --filter='family = debian-12' --format='value(name)'
variable "source_image" {
  type        = string
  description = "The name of the image to start from, one of Debian's."
}

# All that one run makes has the same time in its name.
variable "image_name" {
  type        = string
  default     = "packer-demo-{{timestamp}}"
  description = "What the image is called, and the object that it is exported to."
}

variable "bucket" {
  type        = string
  description = "The bucket of Cloud Storage, without `gs://`, that the exported image is put into."
}

# For a token from elsewhere (`gcloud auth print-access-token`) instead of the credentials above.
variable "access_token" {
  type      = string
  default   = ""
  sensitive = true
}

# Where Google's services are, if not in the public cloud: a private address of theirs, or a test's fake.
variable "custom_endpoints" {
  type    = map(string)
  default = {}
}

source "googlecompute" "packer-demo" {
  project_id   = var.project
  zone         = var.zone
  source_image = var.source_image
  image_name   = var.image_name
  image_family = "packer-demo"

  # Google's guest agent makes this user, with a key that lives as long as the build.
  ssh_username = "packer"

  access_token     = var.access_token
  custom_endpoints = var.custom_endpoints
}

build {
  sources = ["source.googlecompute.packer-demo"]

  provisioner "shell" {
    script = "scripts/provision.sh"
  }

  # What was built, for the next job.
  post-processor "manifest" {
    output = "packer-manifest.json"
  }

  # A tar.gz with the disk in it, which Google Cloud and others can import.
  post-processor "googlecompute" {
    destination_image = "gs://${var.bucket}/${var.image_name}.tar.gz"
    access_token      = var.access_token
    custom_endpoints  = var.custom_endpoints
  }
}
