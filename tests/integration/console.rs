//! Expressions typed into the console, and what Packer answers.

use crate::forge::Forge;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const BOX: &str = r#"variable "name" {
  type = string
}
variable "sizes" {
  type    = map(string)
  default = { small = "8 GiB", "a b" = "\"" }
}
locals {
  title = "${upper(var.name)}!"
}
"#;

fn boxes() -> Forge {
    Forge::new().file("images/box.pkr.hcl", BOX)
}

#[test]
fn variables_and_locals_of_a_template_are_there() {
    let forge = boxes().env("PKR_VAR_name", "pear");
    let box_file = "images/box.pkr.hcl";
    forge.feed(&["console", box_file], "var.name").expect(0, "pear");
    forge.feed(&["console", box_file], "upper(var.name)").expect(0, "PEAR");
    forge.feed(&["console", "-var", "name=fig", "images"], "local.title\n").expect(0, "FIG!");
    forge.feed(&["console", box_file], "var.sizes").expect(0, "{\n  \"a b\" = \"\\\"\"\n  \"small\" = \"8 GiB\"\n}");
}

#[test]
fn paths_are_those_of_the_template_as_it_was_given() {
    let forge = boxes();
    forge.feed(&["console", "images/box.pkr.hcl"], "path.cwd").expect(0, "@FOLDER@");
    forge.feed(&["console", "images/box.pkr.hcl"], "path.root").expect(0, "images");
    forge.feed(&["console", "./images"], "path.root").expect(0, "./images");
    forge.feed(&["console", "-config-type=hcl2"], "path.cwd").expect(0, "@FOLDER@");
}

#[test]
fn without_a_template_there_are_functions_alone() {
    let forge = Forge::new();
    forge.feed(&["console", "--config-type=hcl2"], "1 + 5").expect(0, "6");
    forge.feed(&["console", "--config-type=hcl2"], "var").expect(0, "{}");
    forge.feed(&["console"], "a{{upper `b`}}").expect(0, "aB");
    forge.feed(&["console", "-var", "b=c"], "a{{user `b`}}").expect(0, "ac");
}

#[test]
fn values_are_read_as_the_type_says() {
    let listed = Forge::new().file("a.pkr.hcl", "variable \"all\" {\n  type = list(string)\n}\n");
    listed.feed(&["console", "-var=all=[\"first\"]", "a.pkr.hcl"], "var.all[0]").expect(0, "first");
    let untyped = Forge::new().file("a.pkr.hcl", "variable \"any\" {}\n");
    let untyped = untyped.file("a.auto.pkrvars.hcl", "any = [\"a\", \"b\", \"c\"]\n");
    untyped.feed(&["console", "."], "var.any[2]").expect(0, "c");
    untyped.feed(&["console", "-var", "any=a string", "."], "var.any").expect(0, "a string");
    // A file alone does not bring its neighbours.
    untyped.feed(&["console", "a.pkr.hcl"], "var.any").expect(0, "<unknown>");
    untyped.env("PKR_VAR_any", "set").feed(&["console", "a.pkr.hcl"], "var.any").expect(0, "set");
    let quoted = Forge::new().file("a.pkr.hcl", "variable \"text\" {\n  type = string\n}\n");
    quoted.feed(&["console", "-var", "text=\"quoted\"", "a.pkr.hcl"], "var.text").expect(0, "\"quoted\"");
}

#[test]
fn locals_come_in_any_order() {
    let forge = Forge::new()
        .file("a.pkr.hcl", "locals {\n  first = can(local.second) ? local.second : []\n  second = [\"x\"]\n}\n");
    forge.feed(&["console", "a.pkr.hcl"], "local.first").expect(0, "[\n  \"x\",\n]");
}

#[test]
fn a_local_that_is_declared_twice_is_told() {
    let forge = Forge::new().file("a.pkr.hcl", "locals {\n  x = 1\n}\nlocal \"x\" {\n  expression = 2\n}\n");
    let expected = "\
error[duplicate-declaration]: `local.x` is declared twice
 --> a.pkr.hcl:4:1
  |
2 |   x = 1
  |   - declared here first
3 | }
4 | local \"x\" {
  | ^^^^^^^^^";
    forge.feed(&["console", "a.pkr.hcl"], "1").expect(1, expected);
    for command in ["validate", "build", "inspect"] {
        let ended = forge.run(&[command, "a.pkr.hcl"]);
        assert!(ended.code(1).stdout.contains("`local.x` is declared twice"), "{command}: {}", ended.stdout);
    }
}

#[test]
fn only_the_last_answer_is_printed_and_every_mistake() {
    let forge = Forge::new();
    let hcl2 = ["console", "-config-type=hcl2"];
    forge.feed(&hcl2, "1\r\n\n2\n\n").expect(0, "2");
    forge.feed(&hcl2, "1\nexit\n2\n").expect(0, "1");
    forge.feed(&hcl2, "").expect(0, "");
    forge.feed(&hcl2, "{a = 1, a = 2}.a").expect(0, "2");
    forge.feed(&hcl2, "1 + nothing\n2\n").expect(
        1,
        "\
error[undefined-reference]: there is no `nothing` here
 --> <console>:1:5
  |
1 | 1 + nothing
  |     ^^^^^^^
  |
  = help: put it in quotes if `nothing` is meant as a text

2",
    );
    forge.feed(&["console"], "{{user `a`}}").expect(0, "");
    forge.feed(&["console"], "x {{uper `a`}}\n").expect(
        1,
        "\
error[undefined-function]: there is no function `uper`
 --> <console>:1:5
  |
1 | x {{uper `a`}}
  |     ^^^^
  |
  = help: did you mean `upper`?",
    );
}

#[test]
fn each_line_typed_at_a_terminal_is_answered() {
    let forge = Forge::new();
    // `script` of util-linux runs it at a terminal of its own.
    let line = format!("{} console -config-type=hcl2", env!("CARGO_BIN_EXE_imgforge"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(forge.path());
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"40 + 2\nnothing\n\"a\" == \"a\"\nexit\n").unwrap();
    let ended = forge.ended(child.wait_with_output().unwrap());
    for shown in ["> 42\r\n", "undefined-reference", "> true\r\n"] {
        assert!(ended.code(0).stdout.contains(shown), "{}", ended.stdout);
    }
}

#[test]
fn help_is_about_the_language_spoken() {
    let forge = Forge::new();
    let (json, hcl2) = (forge.feed(&["console"], "help"), forge.feed(&["console", "-config-type=hcl2"], " help\n"));
    assert!(json.code(0).stdout.starts_with("The console in JSON mode: "), "{}", json.stdout);
    assert!(hcl2.code(0).stdout.starts_with("The console in HCL2 mode: "), "{}", hcl2.stdout);
}

#[test]
fn variables_are_listed() {
    let forge = boxes().file(
        "image.json",
        r#"{"variables": {"b": "x{{user `a`}}", "a": "bee", "unset": null}, "builders": [{"type": "null"}]}"#,
    );
    forge.feed(&["console", "images"], "variables").expect(
        0,
        r#"> input-variables:

var.name: "<unknown>"
var.sizes: "{\n  \"a b\" = \"\\\"\"\n  \"small\" = \"8 GiB\"\n}"

> local-variables:

local.title: "<unknown>""#,
    );
    forge.feed(&["console", "image.json"], "variables").expect(0, "a: bee\nb: xbee\nunset: <unknown>");
}

#[test]
fn secrets_are_not_to_be_had() {
    let forge = Forge::new()
        .file(
            "a.pkr.hcl",
            "variable \"key\" {\n  default   = \"s3cret\"\n  sensitive = true\n}\nlocals {\n  keys = [upper(var.key), \"x\"]\n}\n",
        )
        .file(
            "a.json",
            r#"{"variables": {"key": "s3cret", "more": "x{{user `key`}}"}, "sensitive-variables": ["key"], "builders": [{"type": "null"}]}"#,
        );
    for expression in ["var.key", "upper(var.key)", "base64encode(\"${var.key}x\")", "substr(var.key, 0, 1)"] {
        forge.feed(&["console", "a.pkr.hcl"], expression).expect(0, "<sensitive>");
    }
    forge.feed(&["console", "a.pkr.hcl"], "local.keys").expect(0, "[\n  \"<sensitive>\",\n  \"x\",\n]");
    forge.feed(&["console", "a.json"], "{{user `key`}}").expect(0, "<sensitive>");
    forge.feed(&["console", "a.json"], "{{user `more` | upper}}").expect(0, "<SENSITIVE>");
}

fn corpus() -> Option<PathBuf> {
    let folder = match std::env::var_os("IMGFORGE_CORPUS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
    };
    folder.is_dir().then_some(folder)
}

/// What was printed, of which the table writes line breaks, tabs and backslashes with a backslash.
fn field(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            other => out.extend(other),
        }
    }
    out
}

/// What differs on purpose: docs/decisions/0009-format-null.md says why.
const ON_PURPOSE: [&str; 1] = ["format(\"%v %v\", {a=1}, null)"];

#[test]
fn expressions_give_what_packer_prints() {
    let Some(corpus) = corpus() else {
        println!("no corpus: set IMGFORGE_CORPUS");
        return;
    };
    let table = std::fs::read_to_string(corpus.join("console.tsv")).unwrap();
    let forge = Forge::new();
    let (mut equal, mut on_purpose, mut different) = (0, 0, Vec::new());
    for row in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (expression, expected) = row.split_once('\t').unwrap();
        let expected = field(expected);
        let ended = forge.feed(&["console", "--config-type=hcl2"], expression);
        let printed = ended.stdout.strip_suffix('\n').unwrap_or(&ended.stdout);
        let same = match &*expected {
            "!error" => ended.code == Some(1) && printed.starts_with("error["),
            // Salted: each call gives another hash.
            _ if expression.starts_with("bcrypt(") => printed.len() == 60 && printed[..7] == expected[..7],
            _ => ended.code == Some(0) && printed == expected,
        };
        if same {
            equal += 1;
        } else if ON_PURPOSE.contains(&expression) {
            on_purpose += 1;
        } else {
            different.push(format!("{expression}\n    wanted {expected:?}\n    got    {printed:?}"));
        }
    }
    println!("{equal} equal, {} different, {on_purpose} on purpose", different.len());
    assert_eq!(on_purpose, ON_PURPOSE.len());
    assert!(equal > 200, "{equal} equal");
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn a_link_to_itself_is_no_file() {
    let forge = Forge::new().file("a.pkr.hcl", "locals {\n  all = fileset(\".\", \"**/*\")\n}\n").file("d/b", "");
    std::os::unix::fs::symlink("itself", forge.path().join("d/itself")).unwrap();
    forge.feed(&["console", "a.pkr.hcl"], "local.all").expect(0, "[\n  \"a.pkr.hcl\",\n  \"d/b\",\n]");
}
