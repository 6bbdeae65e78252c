//! Checks beyond Packer's: each finds its mistake at its place, and is quiet where nothing is wrong; and how they are
//! switched.

mod builds;
mod scripts;
mod switches;

use crate::conformance::places;
use crate::forge::Forge;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

/// Lines before those that a story is about: a source, and a build that uses it.
const HEAD: &str = "source \"null\" \"a\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.a\"]\n";
/// The number of its lines.
const HEAD_LINES: usize = 5;

/// What is found in a template, `[warning ]line:column code`, in the order of the output.
fn found(forge: &Forge, name: &str) -> Vec<String> {
    places(&forge.run(&["validate", name]).stdout, name)
}

/// The same of a template in a folder of its own.
fn found_in(text: &str) -> Vec<String> {
    found(&Forge::new().file("image.pkr.hcl", text), "image.pkr.hcl")
}

/// What is found in the rest of a build of a null source, with lines from 1 where the rest begins.
fn found_in_build(rest: &str) -> Vec<String> {
    found_with(Forge::new(), rest)
}

fn found_with(forge: Forge, rest: &str) -> Vec<String> {
    let found = found(&forge.file("image.pkr.hcl", &format!("{HEAD}{rest}}}\n")), "image.pkr.hcl");
    let shifted = found.iter().map(|place| {
        let (severity, place) = place.strip_prefix("warning ").map_or(("", place.as_str()), |rest| ("warning ", rest));
        let (line, rest) = place.split_once(':').unwrap();
        format!("{severity}{}:{rest}", line.parse::<usize>().unwrap() - HEAD_LINES)
    });
    shifted.collect()
}

/// A script with these bytes, which can be run.
fn script(forge: Forge, name: &str, text: &str) -> Forge {
    let forge = forge.file(name, text);
    std::fs::set_permissions(forge.path().join(name), Permissions::from_mode(0o755)).unwrap();
    forge
}

#[test]
fn variables_and_sources_that_nothing_uses() {
    let text = r#"variable "used" {
  default = "x"
}
variable "unused" {
  default = "x"
  validation {
    condition     = var.unused != ""
    error_message = "It is needed."
  }
}
variables {
  also_unused = 1
  in_a_local  = 2
}
locals {
  sizes = { for name in ["a"] : name => var.in_a_local }
}
source "null" "a" {
  communicator = "none"
}
source "null" "b" {
  communicator = "none"
  ssh_hots     = "x"
}
source "nul" "c" {}
build {
  source "null.a" {
    name = "first"
  }
  provisioner "shell-local" {
    inline = ["echo ${var["used"]}"]
  }
}
"#;
    assert_eq!(
        found_in(text),
        [
            "warning 4:10 unused-variable",
            "warning 12:3 unused-variable",
            "warning 21:1 unused-source",
            "warning 23:3 unknown-argument",
            "warning 25:1 unused-source",
            "warning 25:8 unknown-builder",
        ]
    );
    let json = r#"{
  "variables": {
    "used": "{{user `base`}}",
    "base": "x",
    "unused": "x",
    "in_a_name": "n"
  },
  "builders": [{"type": "null", "name": "{{user `in_a_name`}}", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["echo {{user `used` | upper}}"]}]
}
"#;
    assert_eq!(found(&Forge::new().file("image.json", json), "image.json"), ["warning 5:5 unused-variable"]);
    // A misspelt name may be meant for a variable; a local of its name that nothing reads is no use of it.
    let json = r#"{
  "variables": {"region": "eu", "spare": "x", "made": "{{user `base`}}", "base": "x"},
  "builders": [{"type": "null", "name": "{{user `regoin`}}", "communicator": "none"}]
}
"#;
    assert_eq!(
        found(&Forge::new().file("image.json", json), "image.json"),
        ["warning 2:33 unused-variable", "warning 2:47 unused-variable", "warning 3:50 undefined-variable"]
    );
    let text = r#"variable "made" {
  default = null
}
variable "read" {
  default = null
}
locals {
  made = var.made != null ? var.made : "x"
  read = var.read != null ? var.read : "x"
}
source "file" "a" {
  content = local.read
  target  = "a.txt"
}
build {
  sources = ["file.a"]
}
"#;
    assert_eq!(found_in(text), ["warning 1:10 unused-variable"]);
    // Where variables decide, any source may be used; where all variables are passed on, each is read.
    let text = r#"variable "names" {
  default = ["null.a"]
}
variable "passed_on" {
  default = 1
}
source "null" "a" {
  communicator = "none"
}
source "null" "b" {
  communicator = "none"
}
build {
  sources = var.names
  provisioner "shell-local" {
    only   = ["null.b"]
    inline = [jsonencode(var)]
  }
}
"#;
    assert_eq!(found_in(text), [""; 0]);
}

#[test]
fn names_that_match_nothing() {
    let rest = r#"  provisioner "shell-local" {
    only   = ["null.b", "null.a"]
    inline = ["true"]
  }
  provisioner "shell-local" {
    except = ["a"]
    inline = ["true"]
    override = {
      "null.a" = { inline = ["false"] }
      a        = { inlin = ["false"] }
    }
  }
  post-processor "manifest" {
    only = ["null.x.a"]
  }
"#;
    assert_eq!(
        found_in_build(rest),
        [
            "warning 2:15 unmatched-source",
            "warning 6:15 unmatched-source",
            "warning 9:7 unmatched-source",
            "10:20 unknown-argument",
            "warning 14:13 unmatched-source",
        ]
    );
}

#[test]
fn values_from_outside_that_no_variable_takes() {
    let text = format!(
        "variable \"region\" {{\n  default = \"eu\"\n}}\n{HEAD}  provisioner \"shell-local\" {{\n    inline = [\"echo ${{var.region}}\"]\n  }}\n}}\n"
    );
    let forge = Forge::new()
        .file("image.pkr.hcl", &text)
        .file("other.pkrvars.hcl", "size = 1\nregoin = \"us\"\n")
        .env("PKR_VAR_regoin", "us-secret")
        .env("PKR_VAR_region", "us");
    let ended = forge.run(&["build", "-var-file=other.pkrvars.hcl", "-only=null.b", "image.pkr.hcl"]);
    ended.expect(
        1,
        "\
warning[unused-pattern]: `-only=null.b` matches nothing
 |
 = help: there are null.a

warning[undeclared-environment]: `PKR_VAR_regoin` is set, but the template declares no variable `regoin`
 |
 = help: did you mean `PKR_VAR_region`?

warning[unused-var-file]: `-var-file=other.pkrvars.hcl` gives no value to any variable of this template
 --> other.pkrvars.hcl:1:1
  |
1 | size = 1
  | ^^^^
  |
  = help: leave the flag out, or check which template the file is for

error: No builds to run",
    );
    let found =
        places(&forge.run(&["validate", "-var-file=other.pkrvars.hcl", "image.pkr.hcl"]).stdout, "image.pkr.hcl");
    assert_eq!(
        found,
        [
            "warning - undeclared-environment",
            "warning other.pkrvars.hcl:1:1 undeclared-variable",
            "warning other.pkrvars.hcl:2:1 undeclared-variable",
        ]
    );
}

#[test]
fn a_secret_in_the_template_is_found_and_not_shown_again() {
    let text = r#"variable "api_token" {
  default = "kJ8-sdf9-QmWx"
}
variable "pin" {
  sensitive = true
  default   = "7"
}
source "null" "a" {
  ssh_host     = "10.0.0.1"
  ssh_username = "root"
  ssh_password = "Sup3rS3cret!"
}
build {
  sources = ["null.a"]
  provisioner "shell-local" {
    env = {
      TOKEN = var.api_token
      PIN   = var.pin
      KEY   = "AKIAQ3EGRT5ZXCVBNM12"
    }
    inline = ["true"]
  }
}
"#;
    let ended = Forge::new().file("image.pkr.hcl", text).run(&["validate", "image.pkr.hcl"]);
    assert_eq!(
        places(&ended.code(0).stdout, "image.pkr.hcl"),
        [
            "warning 2:14 secret-in-template",
            "warning 4:10 hidden-in-part",
            "warning 11:18 root-password",
            "warning 19:16 secret-in-template",
        ]
    );
    for secret in ["kJ8", "Sup3r", "AKIA"] {
        assert!(!ended.stdout.contains(secret), "{}", ended.stdout);
    }
}

#[test]
fn functions_of_later_versions_and_blocks_that_are_several() {
    let text = r#"packer {
  required_version = ">= 1.6.0, < 2.0.0"
}
locals {
  a = startswith("a", "a") && startswith("b", "b")
  b = upper(templatefile("x.pkrtpl.hcl", {}))
}
communicator "ssh" "x" {
  ssh_usrname = "a"
}
source "null" "a" {
  communicator = "none"
}
build {
  sources = ["null.a"]
  from "x" {}
  hcp_packer_registry {}
}
hcp_packer_registry {}
"#;
    let forge = Forge::new().file("x.pkrtpl.hcl", "x").file("image.pkr.hcl", text);
    assert_eq!(
        found(&forge, "image.pkr.hcl"),
        [
            "warning 5:7 needs-later-packer",
            "warning 6:13 needs-later-packer",
            "warning 8:1 ignored-block",
            "warning 16:3 ignored-block",
            "warning 19:1 several-registries",
        ]
    );
    let forge = Forge::new().file("image.pkr.hcl", &text.replace(">= 1.6.0", ">= 1.10"));
    assert!(!forge.run(&["validate", "image.pkr.hcl"]).stdout.contains("needs-later-packer"));
}
