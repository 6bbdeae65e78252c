//! How checks are switched, and the page that lists them.

use super::{found_in, script};
use crate::conformance::places;
use crate::forge::Forge;
use imgforge::lint::LINTS;
use std::collections::BTreeSet;

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
fn a_comment_calls_an_empty_variable_undeclared() {
    let text = r#"# imgforge: undeclared
variable "regoin" {
  default = ""
}
# imgforge: undeclared
variable "zone" {
  default = "a"
}
variable "region" {
  default = "eu"
}
locals {
  place = "${var.regoin}-${var.zone}"
}
# imgforge: undeclared
source "file" "a" {
  content = "${var.regoin} ${local.place}"
  target  = "a${var.regoin}.txt"
}
build {
  sources = ["file.a"]
}
"#;
    Forge::new().file("image.pkr.hcl", text).run(&["validate", "image.pkr.hcl"]).expect(
        1,
        r#"warning[unused-allow]: no variable is declared here whose default is empty
 --> image.pkr.hcl:5:13
  |
5 | # imgforge: undeclared
  |             ^^^^^^^^^^
  |
  = help: delete it

error[undefined-variable]: there is no variable `regoin`
  --> image.pkr.hcl:13:18
   |
 2 | variable "regoin" {
   |          -------- it stands here for one that was not declared
...
13 |   place = "${var.regoin}-${var.zone}"
   |                  ^^^^^^
   |
   = help: did you mean `region`?

warning[unused-allow]: no variable is declared here whose default is empty
  --> image.pkr.hcl:15:13
   |
15 | # imgforge: undeclared
   |             ^^^^^^^^^^
   |
   = help: delete it

warning[undefined-variable]: nothing gives the variable `regoin` a value, which leaves this empty
  --> image.pkr.hcl:17:20
   |
 2 | variable "regoin" {
   |          -------- it stands here for one that was not declared
...
17 |   content = "${var.regoin} ${local.place}"
   |                    ^^^^^^
18 |   target  = "a${var.regoin}.txt"
   |                     ------ read here too
   |
   = help: did you mean `region`?"#,
    );
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
