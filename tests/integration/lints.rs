//! Checks beyond Packer's: each finds its mistake at its place, and is quiet where nothing is wrong; and how they are
//! switched.

use crate::conformance::places;
use crate::forge::Forge;
use imgforge::lint::LINTS;
use std::collections::BTreeSet;
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
}

#[test]
fn names_of_values_that_are_misspelt() {
    let rest = r#"  provisioner "shell-local" {
    inline          = ["echo {{ .Hst }}"]
    execute_command = ["sh", "-c", "{{.Vras}} {{.Script}}"]
  }
  provisioner "powershell" {
    execute_command = "powershell {{.Vras}} {{.Path}} {{.MyOwn}}"
    inline          = ["dir ${build.Hostt}"]
  }
"#;
    assert_eq!(
        found_in_build(rest),
        [
            "2:33 unknown-field",
            "3:39 unknown-field",
            "5:15 no-machine",
            "warning 5:15 not-supported-yet",
            "warning 6:37 misspelt-field",
            "7:37 undefined-reference",
        ]
    );
}

#[test]
fn scripts_that_no_shell_reads() {
    let rest = r##"  provisioner "shell-local" {
    scripts = ["crlf.sh", "bare.sh", "plain.sh", "gone.sh", "python.py", "good.sh", "empty.sh"]
  }
  provisioner "shell-local" {
    inline_shebang = "#!/bin/sh -e"
    inline         = ["true"]
  }
  provisioner "shell-local" {
    inline_shebang = "/no/such/bash -e"
    inline         = ["true"]
  }
  provisioner "shell-local" {
    execute_command = ["bahs", "{{.Script}}"]
    script          = "bare.sh"
  }
"##;
    let forge = [
        ("crlf.sh", "#!/bin/sh\r\ntrue\r\n"),
        ("bare.sh", "true\n"),
        ("python.py", "#!/usr/bin/env -S A=b pyton3\n"),
        ("good.sh", "#!/usr/bin/env sh\n"),
        ("empty.sh", ""),
    ];
    let forge = forge.into_iter().fold(Forge::new(), |forge, (name, text)| script(forge, name, text));
    assert_eq!(
        found_with(forge.file("plain.sh", "#!/bin/sh\n"), rest),
        [
            "warning 2:16 crlf-script",
            "warning 2:27 missing-shebang",
            "warning 2:38 not-executable",
            "2:50 missing-file",
            "warning 2:61 missing-interpreter",
            "warning 5:22 doubled-shebang",
            "warning 9:22 missing-interpreter",
            "warning 13:24 missing-interpreter",
        ]
    );
    // On the way to a machine, line endings are mended.
    let text = r#"source "null" "a" {
  ssh_host       = "10.0.0.1"
  ssh_username   = "admin"
  ssh_password   = "x"
}
build {
  sources = ["null.a"]
  provisioner "shell" {
    script = "crlf.sh"
  }
  provisioner "shell" {
    script = "crlf.sh"
    binary = true
  }
  provisioner "file" {
    source      = "gone.txt"
    destination = "/tmp/"
  }
}
"#;
    let forge = script(Forge::new(), "crlf.sh", "#!/bin/sh\r\ntrue\r\n").file("image.pkr.hcl", text);
    assert_eq!(found(&forge, "image.pkr.hcl"), ["warning 12:14 crlf-script", "16:19 missing-file"]);
}

#[test]
fn commands_that_no_shell_can_read() {
    let rest = r##"  provisioner "shell-local" {
    inline = [
      "if true; then",
      "  echo it's",
      "fi",
    ]
  }
  provisioner "shell-local" {
    inline_shebang = "/usr/bin/env python3"
    inline         = ["print('''a", "it's ''')"]
  }
  provisioner "shell-local" {
    script = "unclosed.sh"
  }
  provisioner "shell-local" {
    inline = ["echo 'a", "b'", "for i in 1 2; do echo $(echo \"$i\"); done"]
  }
"##;
    let forge = script(Forge::new(), "unclosed.sh", "#!/bin/bash -e\necho\nwhile true; do\n  break\n");
    let forge = forge.file("image.pkr.hcl", &format!("{HEAD}{rest}}}\n"));
    let ended = forge.run(&["validate", "image.pkr.hcl"]);
    let found = places(&ended.stdout, "image.pkr.hcl");
    assert_eq!(found, ["warning 9:7 shell-syntax", "warning 18:14 shell-syntax"]);
    for says in [
        "no shell can read this: this quote is not closed",
        "no shell can read line 3 of `unclosed.sh`: this loop has no `done`",
    ] {
        assert!(ended.stdout.contains(says), "{}", ended.stdout);
    }
}

#[test]
fn scripts_of_provisioners_that_are_not_ours_have_to_be_there() {
    let rest = r#"  provisioner "powershell" {
    except  = ["null.a"]
    scripts = ["gone.ps1"]
  }
  provisioner "ansible" {
    playbook_file = "gone.yml"
  }
"#;
    assert_eq!(found_in_build(rest), ["warning 5:15 not-supported-yet", "6:21 missing-file"]);
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
fn times_and_exit_codes_that_mean_something_else() {
    let rest = r#"  provisioner "shell-local" {
    pause_before     = "10s"
    timeout          = "5m"
    valid_exit_codes = [1]
    inline           = ["true"]
  }
  provisioner "shell-local" {
    valid_exit_codes = [0, 256]
    inline           = ["true"]
  }
"#;
    assert_eq!(
        found_in_build(rest),
        ["warning 3:24 ignored-timeout", "warning 4:24 odd-exit-codes", "warning 8:28 odd-exit-codes"]
    );
    let json = r#"{
  "builders": [{"type": "null", "ssh_host": "a", "ssh_username": "b", "ssh_password": "c", "ssh_timeout": 300}],
  "provisioners": [
    {"type": "shell", "inline": ["sudo reboot"], "pause_before": 10},
    {"type": "shell", "inline": ["reboot"], "expect_disconnect": true, "valid_exit_codes": [0, 2300218]},
    {"type": "shell", "inline": ["nohup reboot &", "true"], "pause_before": 10000000000}
  ]
}
"#;
    assert_eq!(
        found(&Forge::new().file("image.json", json), "image.json"),
        [
            "warning 2:107 nanoseconds",
            "warning 4:34 unexpected-disconnect",
            "warning 4:66 nanoseconds",
            "warning 5:96 odd-exit-codes",
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
            "warning 11:19 secret-in-template",
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

const TWO_UNUSED: &str = r#"variable "a" {
  default = "x"
}
# imgforge: allow unused-variable
variable "b" {
  default = "x"
}
source "null" "a" {
  communicator = "none"
}
build {
  sources = ["null.a"]
}
"#;

#[test]
fn a_comment_allows_what_is_found_in_its_line_or_in_the_next_statement() {
    assert_eq!(found_in(TWO_UNUSED), ["warning 1:10 unused-variable"]);
    let text = r#"variable "a" { # imgforge: allow unused-variable
  default = "x"
}
// imgforge: allow unused-varable, no-machine
variable "b" {
  default = "x"
}
# imgforge: allow root-password
# imgforge: ignore everything
source "null" "a" {
  communicator = "none"
}
# A word about `imgforge: allow unused-variable` is no comment for imgforge.
build {
  sources = ["null.a"]
  /* imgforge: allow missing-shebang, crlf-script */
  provisioner "shell-local" {
    scripts = [
      "a.sh",
    ]
  }
  provisioner "shell-local" {
    script = "a.sh"
  }
}
"#;
    let forge = script(Forge::new(), "a.sh", "true\r\n").file("image.pkr.hcl", text);
    let ended = forge.run(&["validate", "image.pkr.hcl"]);
    assert_eq!(
        places(&ended.stdout, "image.pkr.hcl"),
        [
            "warning 4:20 unused-allow",
            "warning 4:36 unused-allow",
            "warning 5:10 unused-variable",
            "warning 8:19 unused-allow",
            "warning 9:13 unused-allow",
            "warning 23:14 crlf-script",
            "warning 23:14 missing-shebang",
        ]
    );
    for says in [
        "there is no check `unused-varable`: did you mean `unused-variable`?",
        "`no-machine` can't be switched: the build would fail",
        "nothing is found here that `root-password` would allow",
        "this comment is for imgforge, which does not understand it",
    ] {
        assert!(ended.stdout.contains(says), "{says}: {}", ended.stdout);
    }
}

#[test]
fn json_allows_by_a_comment_at_its_root() {
    let json = r#"{
  "_imgforge": "allow unused-variable, root-password",
  "variables": {"a": "x"},
  "builders": [{"type": "null", "communicator": "none"}]
}
"#;
    let ended = Forge::new().file("image.json", json).run(&["validate", "image.json"]);
    assert_eq!(places(&ended.stdout, "image.json"), ["warning 2:40 unused-allow"]);
}

#[test]
fn flags_switch_checks() {
    let forge = Forge::new().file("image.pkr.hcl", TWO_UNUSED);
    let run = |flags: &[&str]| forge.run(&[&["validate"], flags, &["image.pkr.hcl"]].concat());
    run(&["-lint=unused-variable=off"]).expect(0, "The configuration is valid.");
    run(&["--lint", "all=error", "--lint", "unused-variable=off"]).expect(0, "The configuration is valid.");
    run(&["-lint=unused-variable=error"]).expect(
        1,
        "\
error[unused-variable]: nothing reads the variable `a`
 --> image.pkr.hcl:1:10
  |
1 | variable \"a\" {
  |          ^^^
  |
  = help: delete it, or read it by `var.NAME`",
    );
    let ended = run(&["-lint=unused-varable=off"]);
    assert!(ended.stderr.contains("there is no check `unused-varable`: did you mean `unused-variable`?"), "{ended:?}");
    assert_eq!(ended.code, Some(2));
}

#[test]
fn the_pipeline_switches_checks() {
    let pipeline =
        "version: 1\nlint:\n  unused-variable: error\n  all: off\nimages:\n  web:\n    template: image.pkr.hcl\n";
    let forge = Forge::new().file("image.pkr.hcl", TWO_UNUSED).file("imgforge.yml", pipeline);
    let git = std::process::Command::new("git").args(["init", "-q"]).current_dir(forge.path()).status().unwrap();
    assert!(git.success());
    let ended = forge.run(&["run"]);
    assert!(
        ended.code(1).stdout.contains("error[unused-variable]: nothing reads the variable `a`"),
        "{}",
        ended.stdout
    );

    let wrong = pipeline.replace("unused-variable: error", "unused-varable: error\n  unused-source: no");
    let forge = forge.file("imgforge.yml", &wrong);
    let ended = forge.run(&["run"]);
    let lines: Vec<&str> =
        ended.code(1).stdout.lines().filter(|line| line.starts_with("error[") || line.contains("-->")).collect();
    assert_eq!(
        lines,
        [
            "error[unknown-lint]: there is no check `unused-varable`: did you mean `unused-variable`?",
            " --> imgforge.yml:3:3",
            "error[invalid-value]: `no` is no level: write `off`, `warning` or `error`",
            " --> imgforge.yml:4:18",
        ]
    );
}

#[test]
fn the_page_of_checks_has_them_all() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lints.md");
    let page = std::fs::read_to_string(path).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| [`")?.split_once('`'));
    let listed: Vec<(String, String)> = rows
        .map(|(code, rest)| (code.to_owned(), rest.rsplit(" | ").next().unwrap().trim_end_matches(" |").to_owned()))
        .collect();
    let mut known: Vec<(String, String)> =
        LINTS.iter().map(|lint| (lint.code.to_owned(), lint.about.to_owned())).collect();
    known.sort();
    assert_eq!(listed, known);
    let once: BTreeSet<&str> = LINTS.iter().map(|lint| lint.code).collect();
    assert_eq!(once.len(), LINTS.len());
}
