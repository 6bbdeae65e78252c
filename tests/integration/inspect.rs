//! What a template holds, in Packer's layout.

use crate::forge::Forge;

const ORCHARD: &str = r#"variable "fruit" {
  type = string
}
variable "crates" {
  default = ["a", "b"]
}
variable "price" {
  default = 1.5
}
variable "open" {
  default = true
}
variable "anything" {}

locals {
  label = "box of ${var.fruit}"
  plan  = { days = [1, 2], notes = {} }
}
"#;

#[test]
fn what_is_not_set_is_unknown_and_no_mistake() {
    let forge = Forge::new().file("orchard.pkr.hcl", ORCHARD);
    forge.run(&["inspect", "orchard.pkr.hcl"]).expect(
        0,
        r#"Packer Inspect: HCL2 mode

> input-variables:

var.anything: "<unknown>"
var.crates: "[\n  \"a\",\n  \"b\",\n]"
var.fruit: "<unknown>"
var.open: "true"
var.price: "1.5"

> local-variables:

local.label: "<unknown>"
local.plan: "{\n  \"days\" = [\n    1,\n    2,\n  ]\n  \"notes\" = {}\n}"

> builds:
"#,
    );
}

#[test]
fn given_values_are_shown_as_their_type_has_them() {
    let forge = Forge::new().file("orchard.pkr.hcl", ORCHARD).file("more.pkrvars.hcl", "fruit = \"plum\"\n");
    let flags = ["-var=fruit=pear", "-var=crates=[\"c\", \"d\"]", "-var=price=2", "-var=anything=[\"d\"]"];
    let arguments = ["inspect", "-var-file", "more.pkrvars.hcl", "-use-sequential-evaluation"];
    forge.run(&[&arguments[..], &flags, &["orchard.pkr.hcl"]].concat()).expect(
        0,
        r#"Packer Inspect: HCL2 mode

> input-variables:

var.anything: "[\"d\"]"
var.crates: "[\n  \"c\",\n  \"d\",\n]"
var.fruit: "pear"
var.open: "true"
var.price: "2"

> local-variables:

local.label: "box of pear"
local.plan: "{\n  \"days\" = [\n    1,\n    2,\n  ]\n  \"notes\" = {}\n}"

> builds:
"#,
    );
}

#[test]
fn builds_are_listed_with_what_they_are_made_of() {
    let forge = Forge::new().env("FROM", "east").file(
        "garden/build.pkr.hcl",
        r#"variable "from" {
  default = env("FROM")
}

source "null" "shed" {
  communicator = "none"
}

build {
  name        = "harvest"
  description = "Two rows\nfrom the ${var.from}."
  sources     = ["source.null.shed", "null.nowhere"]

  source "source.file.nowhere" {
    name = "again"
  }

  provisioner "shell-local" {
    name   = "water"
    inline = ["true"]
  }
  provisioner "shell-local" {
    inline = ["true"]
  }

  post-processor "manifest" {
    name = "list"
  }
  post-processors {
    post-processor "shell-local" {
      inline = ["true"]
    }
    post-processor "manifest" {
      name = "last"
    }
  }
  post-processor "shell-local" {
    inline = ["true"]
  }
}

build {
  sources = ["null.shed"]
}
build {}
"#,
    );
    forge.run(&["inspect", "garden"]).expect(
        0,
        r#"Packer Inspect: HCL2 mode

> input-variables:

var.from: "east"

> local-variables:


> builds:

  > harvest:

  > Description: Two rows
from the east.

    sources:

      null.shed

      null.nowhere

      file.nowhere

    provisioners:

      shell-local.water
      shell-local

    post-processors:

      0:
        manifest.list

      1:
        shell-local
        manifest.last

      2:
        shell-local

  > <unnamed build 1>:

    sources:

      null.shed

    provisioners:

      <no provisioner>

    post-processors:

      <no post-processor>

  > <unnamed build 2>:

    sources:

      <no source>

    provisioners:

      <no provisioner>

    post-processors:

      <no post-processor>
"#,
    );
}

#[test]
fn secrets_are_not_shown() {
    let forge = Forge::new()
        .file(
            "a.pkr.hcl",
            r#"variable "key" {
  default   = "s3cret"
  sensitive = true
}
variable "keys" {
  default   = ["s3cret", "0ther"]
  sensitive = true
}
variable "logins" {
  default   = { root = "t0psecret", port = 22 }
  sensitive = true
}
local "shouted" {
  expression = upper(var.key)
}
local "pin" {
  expression = 1234
  sensitive  = true
}
locals {
  by_key = { (var.key) = 1 }
  plain  = "a"
  url    = "https://x/${var.key}"
}
"#,
        )
        .file(
            "a.json",
            r#"{"variables": {"key": "s3cret", "url": "https://x/s3cret"}, "sensitive-variables": ["key"]}"#,
        );
    let ended = forge.run(&["inspect", "a.pkr.hcl"]);
    ended.expect(
        0,
        r#"Packer Inspect: HCL2 mode

> input-variables:

var.key: "<sensitive>"
var.keys: "[\n  \"<sensitive>\",\n  \"<sensitive>\",\n]"
var.logins: "{\n  \"port\" = <sensitive>\n  \"root\" = \"<sensitive>\"\n}"

> local-variables:

local.by_key: "<sensitive>"
local.pin: "<sensitive>"
local.plain: "a"
local.shouted: "<sensitive>"
local.url: "<sensitive>"

> builds:
"#,
    );
    let ended = forge.run(&["inspect", "a.json"]);
    let variables = "  key = <sensitive>\n  url = https://x/<sensitive>\n";
    assert!(ended.code(0).stdout.contains(variables), "{}", ended.stdout);
}

#[test]
fn a_json_template_is_shown_as_it_is_written() {
    let forge = Forge::new().file(
        "image.json",
        r#"{
  "description": "Two rows\nof trees",
  "variables": {"size": "8{{user `unit`}}", "unit": "G", "fruit": null, "kind_of_soil": null},
  "builders": [
    {"type": "null", "communicator": "none"},
    {"type": "file", "name": "box-{{user `size`}}", "target": "x"}
  ],
  "provisioners": [{"type": "shell-local", "inline": ["true"]}, {"type": "file", "source": "a", "destination": "b"}],
  "post-processors": ["manifest"]
}
"#,
    );
    let ended = forge.run(&["inspect", "-var", "size=1", "image.json"]);
    ended.expect(
        0,
        "\
Packer Inspect: JSON mode
Description:

Two rows
of trees

Required variables:

  fruit
  kind_of_soil

Optional variables and their defaults:

  size         = 8{{user `unit`}}
  unit         = G

Builders:

  box-{{user `size`}} (file)
  null               \n\
\n\
Provisioners:

  shell-local
  file

Note: names of builds are shown as they are written. Variables and functions
in them get their values when they are built.",
    );
}

#[test]
fn a_json_template_may_be_unfinished() {
    let forge = Forge::new().file("image.json", r#"{"variables": {"fruit": null}}"#);
    let note = "Note: names of builds are shown as they are written. Variables and functions\nin them get their values when they are built.";
    forge.run(&["inspect", "image.json"]).expect(
        0,
        &format!(
            "\
Packer Inspect: JSON mode
Required variables:

  fruit

Optional variables and their defaults:


Builders:

  <No builders>

Provisioners:

  <No provisioners>

{note}"
        ),
    );
    let expected = format!(
        "\
Packer Inspect: JSON mode
Variables:

  <No variables>

Builders:

  null

Provisioners:

  <No provisioners>

{note}"
    );
    forge.run(&["inspect"]).expect(0, &expected);
    forge.feed(&["inspect", "-"], r#"{"builders": [{"type": "null"}]}"#).expect(0, &expected);
}

#[test]
fn a_text_that_can_not_be_read_is_a_mistake() {
    let forge = Forge::new()
        .file("a.pkr.hcl", "variable \"size\" {\n  type    = number\n  default = \"large\"\n}\n")
        .file("a.json", r#"{"bilders": []}"#);
    forge.run(&["inspect", "a.pkr.hcl"]).expect(
        1,
        "\
error[wrong-type]: the default does not fit the type of the variable `size`: a number is required, and this string does not hold one
 --> a.pkr.hcl:3:13
  |
2 |   type    = number
  |             ------ the type is declared here
3 |   default = \"large\"
  |             ^^^^^^^",
    );
    forge.run(&["inspect", "a.json"]).expect(
        1,
        "\
error[unknown-key]: a template has no key `bilders`
 --> a.json:1:2
  |
1 | {\"bilders\": []}
  |  ^^^^^^^^^
  |
  = help: did you mean `builders`?",
    );
    forge.run(&["inspect", "missing.json"]).code(1);
    forge.run(&["inspect", "-var", "unknown=1", "a.pkr.hcl"]).code(1);
}
