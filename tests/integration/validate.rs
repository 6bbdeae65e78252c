//! Every mistake at once, at its place.

use crate::forge::Forge;

#[test]
fn three_mistakes_of_a_json_template_are_told_at_once() {
    let forge = Forge::new().file(
        "image.json",
        r#"{
  "builders": [{"type": "null", "communicator": "none", "ssh_hots": "x"}],
  "provisioners": [
    {"type": "shell-local", "inline": ["echo {{user `rgion`}}"]},
    {"type": "shell-local", "script": "setup.sh"}
  ],
  "variables": {"region": "eu"}
}
"#,
    );
    forge.run(&["validate", "image.json"]).expect(
        1,
        "\
error[unknown-argument]: the builder `null` has no argument `ssh_hots`
 --> image.json:2:57
  |
2 |   \"builders\": [{\"type\": \"null\", \"communicator\": \"none\", \"ssh_hots\": \"x\"}],
  |                                                         ^^^^^^^^^^
  |
  = help: did you mean `ssh_host`?

warning[undefined-variable]: there is no variable `rgion`, which leaves this empty
 --> image.json:4:54
  |
4 |     {\"type\": \"shell-local\", \"inline\": [\"echo {{user `rgion`}}\"]},
  |                                                      ^^^^^
  |
  = help: did you mean `region`?

error[missing-file]: the script `setup.sh` is not there
 --> image.json:5:39
  |
5 |     {\"type\": \"shell-local\", \"script\": \"setup.sh\"}
  |                                       ^^^^^^^^^^
  |
  = help: the path is relative to the working directory, `@FOLDER@`",
    );
}

#[test]
fn three_mistakes_of_an_hcl2_template_are_told_at_once() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"variable "region" {
  default = "eu"
}

source "null" "web" {
  communicator = "none"
  ssh_hots     = "x"
}

build {
  sources = ["source.null.web"]

  provisioner "shell-local" {
    inline = ["echo ${var.rgion}"]
  }
  provisioner "shell-local" {
    script = "setup.sh"
  }
}
"#,
    );
    forge.run(&["validate", "image.pkr.hcl"]).expect(
        1,
        "\
error[unknown-argument]: the builder `null` has no argument `ssh_hots`
 --> image.pkr.hcl:7:3
  |
7 |   ssh_hots     = \"x\"
  |   ^^^^^^^^
  |
  = help: did you mean `ssh_host`?

error[undefined-variable]: there is no variable `rgion`
  --> image.pkr.hcl:14:27
   |
14 |     inline = [\"echo ${var.rgion}\"]
   |                           ^^^^^
   |
   = help: did you mean `region`?

error[missing-file]: the script `setup.sh` is not there
  --> image.pkr.hcl:17:14
   |
17 |     script = \"setup.sh\"
   |              ^^^^^^^^^^
   |
   = help: the path is relative to the working directory, `@FOLDER@`",
    );
}

#[test]
fn a_broken_line_does_not_hide_what_is_wrong_elsewhere() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        "source \"null\" \"web\" {\n  communicator = \"none\n  ssh_user = 1\n}\n\nbuild {\n  sources = [\"source.null.wbe\"]\n}\n",
    );
    let ended = forge.run(&["validate", "image.pkr.hcl"]);
    let places: Vec<&str> =
        ended.code(1).stdout.lines().filter(|line| line.trim_start().starts_with("-->")).map(str::trim).collect();
    assert_eq!(places, ["--> image.pkr.hcl:2:18", "--> image.pkr.hcl:7:14"], "{}", ended.stdout);
}

#[test]
fn a_valid_template_is_valid_in_both_languages() {
    let forge =
        Forge::new().file("image.json", r#"{"builders": [{"type": "file", "target": "x", "content": "y"}]}"#).file(
            "image.pkr.hcl",
            "source \"file\" \"x\" {\n  target = \"x\"\n  content = \"y\"\n}\nbuild {\n  sources = [\"file.x\"]\n}\n",
        );
    forge.run(&["validate", "image.json"]).expect(0, "The configuration is valid.");
    forge.run(&["validate", "image.pkr.hcl"]).expect(0, "The configuration is valid.");
    forge
        .run(&["validate", "-syntax-only", "image.json"])
        .expect(0, "Syntax-only check passed. Everything looks okay.");
    forge.run(&["validate", "."]).expect(0, "The configuration is valid.");
}

#[test]
fn what_is_set_twice_and_what_waits_for_itself_is_shown_with_its_other_places() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"locals {
  sizes  = { small = 1, small = 2 }
  first  = local.second
  second = local.first
}
source "null" "web" {
  communicator = "none"
}
build {
  sources = ["null.web"]
}
"#,
    );
    forge.run(&["validate", "image.pkr.hcl"]).expect(
        1,
        "\
warning[duplicate-key]: the key `small` is here twice: the first value is lost
 --> image.pkr.hcl:2:25
  |
2 |   sizes  = { small = 1, small = 2 }
  |              -----      ^^^^^
  |              |
  |              set here first
  |
  = help: delete one of the two

error[local-cycle]: `local.first` needs its own value
 --> image.pkr.hcl:3:3
  |
3 |   first  = local.second
  |   ^^^^^
4 |   second = local.first
  |   ------ this needs `local.first`
  |
  = help: they wait for each other: `local.first` -> `local.second` -> `local.first`",
    );
}
