//! `docs/environment.md` has the variables that the program reads and sets, and no other; and `docs/command-line.md`
//! no flag that there is not.

use crate::catalogue::sources;
use crate::forge::Forge;
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

fn page(name: &str) -> String {
    std::fs::read_to_string(format!("{}/docs/{name}.md", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What stands in backquotes in the first column of a section's table.
fn listed(section: &str) -> BTreeSet<String> {
    let page = page("environment");
    let (_, rest) = page.split_once(&format!("\n## {section}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let first = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    first.flat_map(|names| names.split(", ")).map(|name| name.trim_matches('`').to_owned()).collect()
}

/// The names in the source: whole strings that look like variables of a kind, and those of `PKR_VAR_`.
fn in_the_source() -> BTreeSet<String> {
    let texts = sources();
    let strings = texts.iter().flat_map(|text| text.split('"'));
    let kinds = ["IMGFORGE_", "PACKER_", "XDG_", "HCP_", "CHECKPOINT_"];
    let alone = ["NO_COLOR", "HOME", "CI", "SSH_AUTH_SOCK"];
    let is_name = |text: &&str| {
        let is_upper = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        is_upper && !text.ends_with('_') && (kinds.iter().any(|kind| text.starts_with(kind)) || alone.contains(text))
    };
    let mut names: BTreeSet<String> = strings.clone().filter(is_name).map(str::to_owned).collect();
    if strings.clone().any(|text| text.starts_with("PKR_VAR_{")) {
        names.insert("PKR_VAR_NAME".to_owned());
    }
    // What stands in the calls themselves, whatever it looks like.
    for call in ["env::var(\"", "env::var_os(\"", ".environment(\""] {
        let calls = texts.iter().flat_map(|text| text.split(call).skip(1));
        names.extend(calls.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    // Handed on to git as it came.
    names.remove("GIT_CONFIG_COUNT");
    names
}

#[test]
fn the_page_has_every_variable_and_no_other() {
    let (read, set, idle) = (listed("Read"), listed("Set for scripts"), listed("Packer's, without effect"));
    let source = in_the_source();
    assert!(source.len() > 15, "they are found: {source:?}");
    assert_eq!(source, read.union(&set).cloned().collect());
    assert!(read.is_disjoint(&set) && source.is_disjoint(&idle), "{read:?} {set:?} {idle:?}");
}

#[test]
fn variables_without_effect_have_none() {
    let template = r#"{"builders": [{"type": "null", "communicator": "none"}]}"#;
    let mut forge = Forge::new().file("image.json", template);
    for name in listed("Packer's, without effect") {
        forge = forge.env(&name, "/nowhere:/at-all");
    }
    forge.packer(&["validate", "image.json"]).expect(0, "The configuration is valid.");
    forge.packer(&["build", "image.json"]).code(0);
    forge.packer(&["plugins", "installed"]).code(0);
}

#[test]
fn bytes_that_are_no_text_are_a_mistake_where_a_template_reads_them() {
    let hcl = r#"variable "x" {}
variable "y" {
  default = env("BYTES")
}
source "null" "a" {
  communicator = "none"
}
build {
  name    = "${var.x}-${var.y}"
  sources = ["null.a"]
}
"#;
    let json = r#"{
  "variables": {"y": "{{env `BYTES`}}"},
  "builders": [{"type": "null", "communicator": "none", "name": "{{user `y`}}"}]
}
"#;
    let forge = Forge::new().file("image.pkr.hcl", hcl).file("image.json", json);
    let validate = |template: &str| {
        let mut command = forge.command(&["validate", template]);
        let bytes = std::ffi::OsStr::from_bytes(b"a\xff");
        forge.ended(command.env("PKR_VAR_x", bytes).env("BYTES", bytes).stderr(Stdio::piped()).output().unwrap())
    };
    validate("image.pkr.hcl").expect(
        1,
        "\
error[not-utf-8]: the environment variable `PKR_VAR_x` is not valid UTF-8
 --> image.pkr.hcl:1:10
  |
1 | variable \"x\" {}
  |          ^^^
  |
  = help: give it text in UTF-8, or unset it

error[invalid-argument]: `name` of `env`: the value of this environment variable is not UTF-8 text
 --> image.pkr.hcl:3:17
  |
3 |   default = env(\"BYTES\")
  |                 ^^^^^^^",
    );
    validate("image.json").expect(
        1,
        "\
error[go-template-value]: the environment variable `BYTES` is not valid UTF-8
 --> image.json:2:25
  |
2 |   \"variables\": {\"y\": \"{{env `BYTES`}}\"},
  |                         ^^^
  |
  = help: give it text in UTF-8, or unset it",
    );
}

#[test]
fn every_flag_on_the_page_is_a_flag_of_its_command() {
    let page = page("command-line");
    let forge = Forge::new();
    let mut count = 0;
    for line in page.lines().filter_map(|line| line.strip_prefix("| `")) {
        let Some((command, flags)) = line.split_once("` | `-") else { continue };
        let words: Vec<&str> =
            command.split(' ').take_while(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())).collect();
        let ended = forge.run(&[&words[..], &["--help"]].concat());
        ended.code(0);
        for flag in flags.split("`, `-").map(|flag| flag.trim_end_matches("` |")) {
            let is_there = ended.stdout.lines().any(|line| {
                let name = line.trim_start().split(['[', ' ']).next();
                name.is_some_and(|name| name.strip_prefix("--") == Some(flag))
            });
            assert!(is_there, "{command} has no -{flag}: {}", ended.stdout);
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

#[test]
fn a_terminal_gets_colours_unless_a_variable_refuses_them() {
    let is_coloured = |name: &str, value: &str, flags: &str| {
        let forge = Forge::new().env(name, value);
        let story = format!("{} build {flags} missing.json", env!("CARGO_BIN_EXE_imgforge"));
        let ended = forge.program("script", &["--quiet", "--return", "--command", &story, "/dev/null"]);
        ended.code(1);
        assert!(ended.stdout.contains("missing.json"), "{}", ended.stdout);
        ended.stdout.contains("\u{1b}[")
    };
    assert!(is_coloured("TERM", "xterm", ""));
    assert!(!is_coloured("TERM", "xterm", "-color=false"));
    for name in ["NO_COLOR", "PACKER_NO_COLOR", "IMGFORGE_NO_COLOR"] {
        assert!(!is_coloured(name, "1", ""), "{name}");
        assert!(is_coloured(name, "", ""), "{name}");
        // Packer's variable wins over its flag, and ours is like it.
        assert_eq!(is_coloured(name, "1", "-color"), name == "NO_COLOR", "{name}");
    }
}
