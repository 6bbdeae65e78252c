//! Rows 114, 115 and 197 to 210: what a template says for HCP and for the installation of plugins.

use super::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = hcp();
    rows.extend(plugins());
    rows
}

fn hcp() -> Vec<Row> {
    vec![
        row("114", "two registries")
            .hcl(
                r#"
hcp_packer_registry {
  bucket_name = "web-images"
}
hcp_packer_registry {
  bucket_name = "db-images"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["5:1 duplicate-declaration"]),
        row("115", "HCL2 written as JSON").only(
            "image.pkr.json",
            r#"{
  "hcp_packer_registry": {"bucket_name": "web-images", "bucket_labels": {"team": "web"}},
  "source": {"null": {"none": {"communicator": "none"}}},
  "build": {"sources": ["null.none"], "provisioner": [{"shell-local": {"inline": ["true"]}}]}
}
"#,
        ),
        row("197", "a name of a bucket").hcl(
            r#"
hcp_packer_registry {
  bucket_name = "web-images-2"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
        ),
        row("198", "an empty name of a bucket").hcl(
            r#"
hcp_packer_registry {
  bucket_name = ""
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
        ),
        row("199", "a name of a bucket that is too short")
            .hcl(
                r#"
hcp_packer_registry {
  bucket_name = "wi"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["3:17 invalid-value"]),
        row("200", "a name of a bucket that is too long")
            .hcl(
                r#"
hcp_packer_registry {
  bucket_name = "web-images-of-the-northern-department"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["3:17 invalid-value"]),
        row("201", "a name of a bucket with an underscore")
            .hcl(
                r#"
hcp_packer_registry {
  bucket_name = "web_images"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["3:17 invalid-value"]),
        row("202", "a description that is too long")
            .hcl(
                r#"
hcp_packer_registry {
  bucket_name = "web-images"
  description = <<EOT
Nine words of no use: to have two hundred and fifty-six bytes it takes more than one line, and as nobody reads so much,
Nine words of no use: to have two hundred and fifty-six bytes it takes more than one line, and as nobody reads so much,
it is not allowed.
EOT
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["4:17 invalid-value"]),
        row("203", "labels that are not a map")
            .hcl(
                r#"
hcp_packer_registry {
  bucket_name   = "web-images"
  bucket_labels = "team"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["4:19 wrong-type"]),
        row("204", "a registry in a build").hcl(
            r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  hcp_packer_registry {
    bucket_name = "web-images"
  }
}
"#,
        ),
        row("205", "a registry in each of two builds, which only a build minds").hcl(
            r#"
source "null" "none" {
  communicator = "none"
}
build {
  name    = "web"
  sources = ["null.none"]
  hcp_packer_registry {
    bucket_name = "web-images"
  }
}
build {
  name    = "db"
  sources = ["null.none"]
  hcp_packer_registry {
    bucket_name = "db-images"
  }
}
"#,
        ),
        row("206", "a registry outside and one in a build").hcl(
            r#"
hcp_packer_registry {
  bucket_name = "web-images"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  hcp_packer_registry {
    bucket_name = "web-images"
  }
}
"#,
        ),
    ]
}

fn plugins() -> Vec<Row> {
    vec![
        row("207", "a plugin required twice")
            .file(
                "versions.pkr.hcl",
                r#"packer {
  required_plugins {
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = ">= 1.0.0"
    }
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = ">= 1.1.0"
    }
  }
}
"#,
            )
            .file(
                "image.pkr.hcl",
                "source \"null\" \"none\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.none\"]\n}\n",
            )
            .finds(&["versions.pkr.hcl:7:5 duplicate-argument"]),
        row("208", "a plugin's source without a host")
            .hcl(
                r#"packer {
  required_plugins {
    qemu = {
      source  = "hashicorp/qemu"
      version = ">= 1.0.0"
    }
  }
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["4:17 invalid-plugin-source"]),
        row("209", "a plugin's source of one word")
            .hcl(
                r#"packer {
  required_plugins {
    qemu = {
      source  = "qemu"
      version = ">= 1.0.0"
    }
  }
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["4:17 invalid-plugin-source"]),
        row("210", "a version where a plugin's source and version must be")
            .hcl(
                r#"packer {
  required_plugins {
    qemu = ">= 1.0.0"
  }
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["3:12 wrong-type"]),
        row("§2.2", "every mistake of a required plugin")
            .hcl(
                r#"packer {
  required_plugins {
    one   = { source = "github.com/hashicorp/one" }
    two   = { source = "github.com/hashicorp/two", version = 2 }
    three = { source = "github.com/hashicorp/three", version = "latest" }
    four  = { source = "github.com/hashicorp/four", version = ">= 1.0.0-beta" }
    five  = { version = ">= 1.0.0" }
    six   = { source = "github.com/hashicorp/six", version = ">= 1.0.0", channel = "beta" }
    seven = { source = "https://github.com/hashicorp/seven", version = ">= 1.0.0" }
    eight = { source = "github.com/hashicorp/packer-plugin-eight", version = ">= 1.0.0" }
  }
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&[
                "3:5 missing-argument",
                "4:62 wrong-type",
                "5:64 invalid-version",
                "6:63 invalid-version",
                "7:5 missing-argument",
                "8:74 unknown-argument",
                "9:24 invalid-plugin-source",
                "10:24 invalid-plugin-source",
            ]),
        row("§2.2", "addresses of plugins")
            .hcl(
                r#"packer {
  required_plugins {
    a = { version = ">= 1.0.0", source = "github.com/hashicorp/qemu" }
    b = { version = ">= 1.0.0", source = "example.com/some/longer/way/qemu" }
    c = { version = "~> 1.0", source = "github.com/hashicorp/qemu?ref=main" }
    d = { version = "~> 1.0", source = "github.com/hashicorp/qemu#main" }
    e = { version = "~> 1.0", source = "/github.com/hashicorp/qemu" }
    f = { version = "~> 1.0", source = "github.com/hashicorp/qemu/" }
    g = { version = "~> 1.0", source = "github.com//qemu" }
    h = { version = "~> 1.0", source = "github.com/hashicorp/my--qemu" }
    i = { version = "~> 1.0", source = "github.com/hashicorp/my.qemu" }
    j = { version = "~> 1.0", source = "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p" }
    k = { version = "~> 1.0", source = "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q" }
    l = { version = "~> 1.0", source = "" }
  }
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&[
                "5:40 invalid-plugin-source",
                "6:40 invalid-plugin-source",
                "7:40 invalid-plugin-source",
                "8:40 invalid-plugin-source",
                "9:40 invalid-plugin-source",
                "10:40 invalid-plugin-source",
                "11:40 invalid-plugin-source",
                "13:40 invalid-plugin-source",
                "14:40 invalid-plugin-source",
            ]),
        row("§2.2", "a plugin required by two blocks")
            .hcl(
                r#"packer {
  required_plugins {
    qemu = { version = ">= 1.0.0", source = "github.com/hashicorp/qemu" }
  }
}
packer {
  required_plugins {
    qemu = { version = ">= 1.1.0", source = "github.com/hashicorp/qemu" }
  }
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["8:5 duplicate-declaration"]),
        row("262", "a configuration of former plugins")
            .hcl("source \"null\" \"none\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.none\"]\n}\n")
            .file("packer.json", "{\"builders\": {\"web\": \"packer-builder-web\"}}\n")
            .env("PACKER_CONFIG", "packer.json")
            .unlike_packer(1, "components are compiled in, so that no file says where they are"),
    ]
}
