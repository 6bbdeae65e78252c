//! Data sources between locals: read for a build, and for `validate` only when it is asked.

use crate::forge::Forge;
use std::process::Command;

const CHAIN: &str = r#"data "null" "first" {
  input = local.word
}
locals {
  word   = "one"
  longer = "${data.null.first.output}-two"
}
data "null" "second" {
  input = local.longer
}
source "file" "out" {
  content = data.null.second.output
  target  = "out.txt"
}
build {
  sources = ["file.out"]
}
"#;

#[test]
fn data_and_locals_are_evaluated_after_what_they_refer_to() {
    let forge = Forge::new().file("image.pkr.hcl", CHAIN);
    forge.run(&["validate", "image.pkr.hcl"]).expect(0, "The configuration is valid.");
    forge.run(&["build", "image.pkr.hcl"]).code(0);
    assert_eq!(forge.read("out.txt"), "one-two");
}

#[test]
fn with_data_first_it_can_not_refer_to_locals() {
    let forge = Forge::new().file("image.pkr.hcl", CHAIN);
    let ended = forge.run(&["validate", "-use-sequential-evaluation", "image.pkr.hcl"]);
    ended.code(1);
    assert!(ended.stdout.contains("`local` is not available here\n --> image.pkr.hcl:2:11"), "{}", ended.stdout);
}

#[test]
fn a_commit_is_read_where_it_is_asked_for() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"data "git-commit" "here" {}
locals {
  short = substr(data.git-commit.here.hash, 0, 8)
  wrong = data.git-commit.here.hsh
}
source "file" "out" {
  content = "${local.short} ${data.git-commit.here.message}"
  target  = "out.txt"
}
build {
  sources = ["file.out"]
}
"#,
    );
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(arguments)
            .current_dir(forge.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    // No repository yet, and nothing of it is wanted: the name of the output is known all the same.
    forge.run(&["validate", "image.pkr.hcl"]).expect(
        1,
        "\
error[unknown-attribute]: this object has no attribute `hsh`
 --> image.pkr.hcl:4:32
  |
4 |   wrong = data.git-commit.here.hsh
  |                                ^^^
  |
  = help: did you mean `hash`?",
    );
    let forge_file = forge.read("image.pkr.hcl").replace(".hsh", ".hash");
    std::fs::write(forge.path().join("image.pkr.hcl"), forge_file).unwrap();
    let ended = forge.run(&["validate", "-evaluate-datasources", "image.pkr.hcl"]);
    ended.code(1);
    assert!(
        ended.stdout.contains("error[unreadable-data-source]: `data.git-commit.here` could not be read: "),
        "{}",
        ended.stdout
    );
    git(&["init", "-q"]);
    git(&["commit", "-q", "--allow-empty", "-m", "first"]);
    forge.run(&["build", "image.pkr.hcl"]).code(0);
    let hash = git(&["rev-parse", "HEAD"]);
    assert_eq!(forge.read("out.txt").trim_end(), format!("{} first", &hash[..8]));
}

#[test]
fn cycles_and_unknown_types_are_told() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"data "null" "a" {
  input = data.null.b.output
}
data "null" "b" {
  input = data.null.a.output
}
data "htpp" "c" {
  url = var.missing
}
data "amazon-ami" "d" {}
locals {
  e = data.htpp.c.body
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
}
"#,
    );
    forge.run(&["validate", "image.pkr.hcl"]).expect(
        1,
        "\
error[reference-cycle]: `data.null.a` needs its own value
 --> image.pkr.hcl:1:1
  |
1 | data \"null\" \"a\" {
  | ^^^^^^^^^^^^^^^
...
4 | data \"null\" \"b\" {
  | --------------- this needs `data.null.a`
  |
  = help: they wait for each other: `data.null.a` -> `data.null.b` -> `data.null.a`

error[unknown-data-source]: there is no data source `htpp`
 --> image.pkr.hcl:7:6
  |
7 | data \"htpp\" \"c\" {
  |      ^^^^^^
  |
  = help: did you mean `http`?

error[undefined-variable]: there is no variable `missing`
 --> image.pkr.hcl:8:13
  |
8 |   url = var.missing
  |             ^^^^^^^
  |
  = help: declare it with `variable \"missing\" {}`

warning[not-supported-yet]: the data source `amazon-ami` can be checked, but not read yet
  --> image.pkr.hcl:10:6
   |
10 | data \"amazon-ami\" \"d\" {}
   |      ^^^^^^^^^^^^",
    );
}
