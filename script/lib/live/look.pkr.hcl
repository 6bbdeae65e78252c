# For script/test-live: looks for an image by a data source, and writes its id into a file.

variable "project" {
  type = string
}

variable "name" {
  type = string
}

variable "target" {
  type = string
}

variable "access_token" {
  type      = string
  default   = ""
  sensitive = true
}

variable "custom_endpoints" {
  type    = map(string)
  default = {}
}

data "googlecompute-image" "found" {
  project_id       = var.project
  filters          = "name = ${var.name}"
  access_token     = var.access_token
  custom_endpoints = var.custom_endpoints
}

source "file" "id" {
  content = data.googlecompute-image.found.id
  target  = var.target
}

build {
  sources = ["source.file.id"]
}
