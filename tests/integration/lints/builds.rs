//! What builds make, how they reach their machines, and where it goes.

use super::{found, found_in, found_in_build, found_with};
use crate::forge::Forge;
use imgforge::lint::LINTS;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn builds_of_one_name_and_outputs_of_two_builds() {
    let text = r#"source "file" "a" {
  content = "a"
  target  = "./out/a.txt"
}
source "file" "b" {
  content = "b"
  target  = "out/x/../a.txt"
}
source "file" "c" {
  content = "c"
  target  = "out/${source.name}.txt"
}
build {
  sources = ["file.a", "file.b", "file.c"]
}
build {
  sources = ["file.c", "file.c"]
}
"#;
    assert_eq!(
        found_in(text),
        ["warning 7:13 overlapping-output", "warning 17:14 duplicate-build", "warning 17:24 duplicate-build",]
    );
    let text = r#"source "qemu" "a" {
  iso_url          = "a.img"
  iso_checksum     = "none"
  disk_image       = true
  ssh_username     = "root"
}
build {
  source "qemu.a" {
    name = "small"
  }
  source "qemu.a" {
    name = "large"
  }
}
"#;
    let forge = Forge::new().file("image.pkr.hcl", text).file("a.img", "");
    let found = found(&forge, "image.pkr.hcl");
    // Both write to `output-a`.
    assert_eq!(found, ["warning 3:22 no-checksum", "warning 11:10 overlapping-output"]);
}

#[test]
fn files_that_can_not_be_written() {
    let rest = r#"  post-processor "manifest" {
    output = "nowhere/manifest.json"
  }
  post-processor "manifest" {
    output = "folder"
  }
  post-processor "manifest" {
    output = "image.pkr.hcl/manifest.json"
  }
  post-processor "manifest" {
    output = "folder/manifest.json"
  }
  post-processor "manifest" {
    output = "read-only.json"
  }
"#;
    let forge = Forge::new().file("folder/x", "").file("read-only.json", "{}");
    std::fs::set_permissions(forge.path().join("read-only.json"), Permissions::from_mode(0o444)).unwrap();
    let expected = [
        "warning 2:14 unwritable-output",
        "warning 5:14 unwritable-output",
        "warning 8:14 unwritable-output",
        "warning 14:14 unwritable-output",
    ];
    assert_eq!(found_with(forge, rest), expected);
    // A folder that the build makes by then is there.
    let text = r#"source "file" "a" {
  content = "a"
  target  = "out/files/a.txt"
}
build {
  sources = ["file.a"]
  post-processor "manifest" {
    output = "./out/manifest.json"
  }
}
"#;
    assert_eq!(found_in(text), [""; 0]);
}

#[test]
fn post_processors_that_can_do_nothing_with_what_they_get() {
    let rest = r#"  post-processor "compress" {}
  post-processors {
    post-processor "checksum" {}
    post-processor "artifice" {
      files = ["a"]
    }
    post-processor "compress" {}
    post-processor "docker-push" {}
  }
  post-processors {
    post-processor "artifice" {
      files = ["a"]
    }
    post-processor "shell-local" {
      inline = ["echo ${build.name} ${build.ID}"]
    }
  }
  post-processor "googlecompute-export" {
    paths = ["gs://images/a.tar.gz"]
  }
"#;
    let found = found_in_build(rest);
    let found: Vec<&String> = found.iter().filter(|place| !place.ends_with("not-supported-yet")).collect();
    assert_eq!(
        found,
        [
            "warning 1:18 wrong-artifact",
            "warning 3:20 wrong-artifact",
            "warning 8:20 wrong-artifact",
            "warning 15:39 lost-build-values",
            "warning 18:18 wrong-artifact",
        ]
    );
}

#[test]
fn provisioners_and_settings_that_need_another_communicator() {
    let rest = "  provisioner \"shell\" {\n    inline = [\"true\"]\n  }\n  provisioner \"shell-local\" {\n    inline = [\"true\"]\n  }\n";
    assert_eq!(found_in_build(rest), ["1:15 no-machine"]);
    let text = r#"source "file" "a" {
  content = "x"
  target  = "x"
}
build {
  sources = ["file.a"]
  provisioner "shell" {
    inline = ["true"]
  }
}
"#;
    assert_eq!(found_in(text), ["warning 7:15 file-builder-step"]);
    let text = r#"source "null" "a" {
  communicator = "none"
  ssh_username = "x"
  ssh_password = "x"
}
source "null" "b" {
  ssh_host       = "10.0.0.1"
  ssh_username   = "admin"
  ssh_password   = "x"
  winrm_username = "x"
}
variable "kind" {
  default = "ssh"
}
source "null" "c" {
  communicator   = var.kind
  ssh_host       = "10.0.0.1"
  ssh_username   = "admin"
  ssh_password   = "x"
  winrm_username = "x"
}
build {
  sources = ["null.a", "null.b", "null.c"]
  provisioner "shell" {
    except = ["null.a"]
    inline = ["true"]
  }
}
"#;
    assert_eq!(found_in(text), ["warning 3:3 ignored-communicator", "warning 10:3 ignored-communicator"]);
    let json = r#"{
  "builders": [{"type": "virtualbox-iso", "iso_url": "a.iso", "iso_checksum": "none", "communicator": "winrm",
    "winrm_username": "x", "ssh_username": "x"}],
  "provisioners": [{"type": "shell", "inline": ["dir"]}]
}
"#;
    let found = found(&Forge::new().file("image.json", json), "image.json");
    let found: Vec<&String> = found.iter().filter(|place| place.starts_with("warning ")).collect();
    assert_eq!(
        found,
        [
            "warning 2:25 not-supported-yet",
            "warning 2:79 no-checksum",
            "warning 3:28 ignored-communicator",
            "warning 4:29 shell-over-winrm",
        ]
    );
}

#[test]
fn what_clouds_refuse_and_what_lets_anyone_in() {
    let text = r#"variable "name" {
  default = "web: server"
}
source "amazon-ebs" "a" {
  ami_name      = "${var.name} {{ isotime \"2006\" }}"
  instance_type = "t3.micro"
  ssh_username  = "admin"
  source_ami_filter {
    filters     = { name = "debian-12-*" }
    most_recent = true
  }
  temporary_security_group_source_cidrs = ["10.0.0.0/8", "0.0.0.0/0"]
}
source "amazon-ebs" "b" {
  ami_name      = "{{ clean_resource_name `web: server` }}-{{timestamp}}"
  instance_type = "t3.micro"
  ssh_username  = "admin"
  source_ami_filter {
    filters     = { name = "debian-12-*" }
    owners      = ["136693071363"]
    most_recent = true
  }
}
source "docker" "c" {
  image  = "registry.example.org:5000/debian"
  commit = true
}
source "docker" "d" {
  image  = "debian:12"
  commit = true
}
build {
  sources = ["amazon-ebs.a", "amazon-ebs.b", "docker.c", "docker.d"]
}
"#;
    let found = found_in(text);
    let found: Vec<&String> =
        found.iter().filter(|place| LINTS.iter().any(|lint| place.ends_with(&format!(" {}", lint.code)))).collect();
    assert_eq!(
        found,
        [
            "warning 5:19 invalid-cloud-name",
            "warning 10:19 unpinned-image",
            "warning 12:58 open-security-group",
            "warning 25:12 unpinned-image",
        ]
    );
}
