//! `validate --changed-since`: what is wrong in lines that have changed.

use crate::forge::{Ended, Forge};
use std::process::Command;

const OLD: &str = r#"variable "size" {
  default = 1
}

source "null" "web" {
  communicator = "none"
  ssh_hots     = "old"
}

build {
  sources = ["null.web"]
}
"#;

fn git(forge: &Forge, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(forge.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn commit(forge: &Forge) {
    git(forge, &["add", "--all"]);
    git(forge, &["commit", "--quiet", "--message", "x"]);
}

/// A repository whose branch `main` has one template with an old mistake, and which is on a branch of its own.
fn repository() -> Forge {
    let forge = Forge::new().file("image.pkr.hcl", OLD);
    git(&forge, &["init", "--quiet", "--initial-branch=main"]);
    commit(&forge);
    git(&forge, &["switch", "--quiet", "--create", "work"]);
    forge
}

fn since_main(forge: &Forge, template: &str) -> Ended {
    forge.run(&["validate", "--changed-since", "main", template])
}

#[test]
fn what_is_wrong_in_old_lines_is_counted_only() {
    let forge = repository();
    since_main(&forge, "image.pkr.hcl").expect(
        0,
        "2 more in lines that did not change since main: 1 error and 1 warning.\nWhat has changed is valid.",
    );
    let forge = forge.file("image.pkr.hcl", &OLD.replace("default = 1", "default = -"));
    since_main(&forge, "image.pkr.hcl").expect(
        1,
        "\
error[expected-value]: expected a value, found the end of the line
 --> image.pkr.hcl:2:13
  |
2 |   default = -
  |             ^

1 more in lines that did not change since main: 1 error.",
    );
}

/// The places that are told.
fn places(ended: &Ended) -> Vec<&str> {
    ended.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("--> ")).collect()
}

fn last(ended: &Ended) -> &str {
    ended.stdout.lines().last().unwrap_or_default()
}

#[test]
fn changes_count_whether_committed_staged_or_neither() {
    let forge = repository();
    let forge = forge.file("image.pkr.hcl", &format!("{OLD}local \"a\" {{\n  expression = nope\n}}\n"));
    commit(&forge);
    let staged = forge.read("image.pkr.hcl") + "local \"b\" {\n  expression = nope\n}\n";
    let forge = forge.file("image.pkr.hcl", &staged);
    git(&forge, &["add", "image.pkr.hcl"]);
    let forge = forge.file("image.pkr.hcl", &(staged + "local \"c\" {\n  expression = nope\n}\n"));
    let ended = since_main(&forge, "image.pkr.hcl");
    assert_eq!(places(ended.code(1)), ["image.pkr.hcl:14:16", "image.pkr.hcl:17:16", "image.pkr.hcl:20:16"]);
    assert_eq!(last(&ended), "1 more in lines that did not change since main: 1 error.");
}

#[test]
fn what_others_changed_on_the_branch_since_is_not_ours() {
    let forge = repository();
    git(&forge, &["switch", "--quiet", "main"]);
    let forge = forge.file("image.pkr.hcl", &OLD.replace("old", "theirs"));
    commit(&forge);
    git(&forge, &["switch", "--quiet", "work"]);
    let ended = since_main(&forge, "image.pkr.hcl");
    assert_eq!(places(ended.code(0)), Vec::<&str>::new());
}

#[test]
fn a_place_that_explains_a_mistake_counts_too() {
    let twice = format!("{OLD}variable \"size\" {{\n  default = 2\n}}\n");
    let forge = Forge::new().file("image.pkr.hcl", &twice);
    git(&forge, &["init", "--quiet", "--initial-branch=main"]);
    commit(&forge);
    let forge = forge.file("image.pkr.hcl", &twice.replacen("variable \"size\" {", "variable \"size\" { # changed", 1));
    let ended = since_main(&forge, "image.pkr.hcl");
    assert_eq!(places(ended.code(1)), ["image.pkr.hcl:13:1"], "{}", ended.stdout);
}

/// However many places there are, of which a few are shown.
#[test]
fn a_place_that_has_the_same_mistake_counts_too() {
    let reads: String = (1..=9).map(|number| format!("    \"echo {number} {{{{user `zone`}}}}\",\n")).collect();
    let text = format!(
        r#"{{
  "builders": [{{"type": "null", "communicator": "none"}}],
  "provisioners": [{{"type": "shell-local", "inline": [
{reads}    "echo"
  ]}}]
}}
"#
    );
    let forge = Forge::new().file("image.json", &text);
    git(&forge, &["init", "--quiet", "--initial-branch=main"]);
    commit(&forge);
    let ended = since_main(&forge, "image.json");
    assert_eq!(places(ended.code(0)), Vec::<&str>::new());
    let forge = forge.file("image.json", &text.replace("echo 9", "echo nine"));
    let ended = since_main(&forge, "image.json");
    assert_eq!(places(ended.code(0)), ["image.json:4:21"], "{}", ended.stdout);
}

#[test]
fn lines_beside_those_that_are_gone_count() {
    let forge = repository();
    let forge = forge.file("image.pkr.hcl", &OLD.replace("  communicator = \"none\"\n", ""));
    let ended = since_main(&forge, "image.pkr.hcl");
    assert_eq!(places(ended.code(1)), ["image.pkr.hcl:5:1", "image.pkr.hcl:5:1", "image.pkr.hcl:6:3"]);
}

#[test]
fn a_renamed_file_keeps_its_old_lines_and_a_new_one_has_none() {
    let forge = repository();
    std::fs::create_dir(forge.path().join("web")).unwrap();
    git(&forge, &["mv", "image.pkr.hcl", "web/ä \"b\".pkr.hcl"]);
    let ended = since_main(&forge, "web");
    assert_eq!(places(ended.code(0)), Vec::<&str>::new());
    assert_eq!(last(&ended), "What has changed is valid.");
    let forge = forge.file("web/ä \"b\".pkr.hcl", &OLD.replace("default = 1", "default = nope"));
    let ended = since_main(&forge, "web");
    assert_eq!(places(ended.code(1)), ["web/ä \"b\".pkr.hcl:2:13"], "{}", ended.stdout);
    // Neither what git does not know nor what it has just been told of was there before.
    let forge = forge.file("[new].json", r#"{"builders": [{"type": "nil"}]}"#);
    assert_eq!(places(since_main(&forge, "[new].json").code(1)), ["[new].json:1:24"]);
    git(&forge, &["add", "[new].json"]);
    assert_eq!(places(since_main(&forge, "[new].json").code(1)), ["[new].json:1:24"]);
    let forge = forge.file(".gitignore", "*.json\n").file("ignored.json", r#"{"builders": [{"type": "nil"}]}"#);
    assert_eq!(places(since_main(&forge, "ignored.json").code(1)), ["ignored.json:1:24"]);
}

#[test]
fn what_is_in_no_file_of_the_repository_is_told_as_a_whole() {
    let forge = repository();
    let outside = Forge::new().file("outside.pkrvars.hcl", "nope = 1\n");
    let var_file = outside.path().join("outside.pkrvars.hcl");
    let flags = ["validate", "--changed-since=main", "-var-file", var_file.to_str().unwrap(), "-var", "nothing=1"];
    let ended = forge.run(&[&flags[..], &["image.pkr.hcl"]].concat());
    let codes: Vec<&str> = ended.code(1).stdout.lines().filter(|line| line.contains("]: ")).collect();
    assert_eq!(codes.len(), 2, "{}", ended.stdout);
    forge.feed(&["validate", "--changed-since=main", "-"], r#"{"builders": [{"type": "nil"}]}"#).code(1);
}

#[test]
fn it_works_from_a_folder_inside_and_for_reports_and_several() {
    let forge = repository();
    let changed = OLD.replace("default = 1", "default = nope");
    let forge = forge.file("a/a.pkr.hcl", OLD).file("b/b.pkr.hcl", OLD);
    commit(&forge);
    git(&forge, &["branch", "--force", "main"]);
    let forge = forge.file("b/b.pkr.hcl", &changed);
    let mut command = forge.command(&[
        "validate",
        "--changed-since=main",
        "-recursive",
        "--report=json=../report.json",
        "..",
        "../b",
    ]);
    let ended = forge.ended(command.current_dir(forge.path().join("a")).output().unwrap());
    ended.expect(
        1,
        "\
==> ..
==> ../a
==> ../b
error[reference-not-allowed]: the default of a variable cannot refer to other values
 --> ../b/b.pkr.hcl:2:13
  |
2 |   default = nope
  |             ^^^^
  |
  = help: compute what depends on others in `locals`

5 more in lines that did not change since main: 3 errors and 2 warnings.
1 of 3 templates is wrong: ../b",
    );
    assert_eq!(forge.read("report.json").matches("\"code\":").count(), 1);
}

#[test]
fn settings_of_git_do_not_change_what_counts() {
    let forge = repository();
    for (name, value) in [
        ("diff.noprefix", "true"),
        ("diff.external", "false"),
        ("diff.x.command", "false"),
        ("diff.x.textconv", "echo"),
        ("diff.context", "9"),
        ("diff.renames", "false"),
        ("color.ui", "always"),
        ("core.quotePath", "true"),
    ] {
        git(&forge, &["config", name, value]);
    }
    let forge = forge.file(".gitattributes", "*.hcl diff=x\n*.hcl binary\n*.hcl diff=x\n");
    let forge = forge.file("image.pkr.hcl", &OLD.replace("default = 1", "default = nope"));
    assert_eq!(places(since_main(&forge, "image.pkr.hcl").code(1)), ["image.pkr.hcl:2:13"]);
}

#[test]
fn a_revision_that_is_none_is_said_to_be_none() {
    let forge = repository();
    let since = |revision: &str| forge.run(&["validate", &format!("--changed-since={revision}"), "image.pkr.hcl"]);
    since("nope").expect(1, "error: there is no revision `nope` here; a shallow checkout has to fetch it");
    since("main:image.pkr.hcl").code(1);
    since("main..work").code(1);
    since("--output=x").expect(1, "error: `--output=x` is no revision: none begins with a dash");
    since("").code(1);
    assert!(!forge.exists("x"));
    git(&forge, &["switch", "--quiet", "--orphan", "other"]);
    let forge = forge.file("image.pkr.hcl", &format!("# Ours.\n{OLD}"));
    commit(&forge);
    since_main(&forge, "image.pkr.hcl")
        .expect(1, "error: `main` and HEAD have no commit in common here; a shallow checkout has to fetch more");
    let ended = since_main(&Forge::new().file("image.pkr.hcl", OLD), "image.pkr.hcl");
    assert!(ended.code(1).stdout.starts_with("error: git rev-parse: fatal: not a git repository"), "{}", ended.stdout);
}
