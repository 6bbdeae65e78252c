//! The same output every time, in the order of the files, with the lines that are wrong, whatever stage finds them.

use crate::forge::{Ended, Forge};

/// Many names, so that an order which comes from hashes would show.
fn many(line: impl Fn(&str) -> String) -> String {
    ["pear", "fig", "plum", "apple", "quince", "cherry", "grape", "lemon"].map(line).concat()
}

fn orchard() -> Forge {
    let variables = many(|name| format!("variable \"{name}\" {{\n  type = number\n}}\n"));
    let unset = many(|name| format!("variable \"no_{name}\" {{\n  type = string\n}}\n"));
    let locals = many(|name| format!("  {name} = nothing.{name}\n"));
    let data = many(|name| format!("data \"null\" \"{name}\" {{\n  inputs = \"{name}\"\n}}\n"));
    let sources = many(|name| format!("source \"null\" \"{name}\" {{\n  communicator = \"none\"\n  {name} = 1\n}}\n"));
    let used = many(|name| format!("    \"null.{name}\",\n    \"null.no_{name}\",\n"));
    let steps = many(|name| format!("  provisioner \"shell-local\" {{\n    script = \"{name}.sh\"\n  }}\n"));
    let build = format!("build {{\n  sources = [\n{used}  ]\n{steps}}}\n");
    let legacy = format!(
        "{{\n  \"variables\": {{\n{}    \"last\": \"\"\n  }},\n  \"builders\": [\n{}    {{\"type\": \"null\", \"communicator\": \"none\"}}\n  ]\n}}\n",
        many(|name| format!("    \"{name}\": null,\n    \"c_{name}\": \"{{{{user `c_{name}`}}}}\",\n")),
        many(|name| format!(
            "    {{\"type\": \"null\", \"name\": \"{name}\", \"communicator\": \"none\", \"x_{name}\": 1}},\n"
        )),
    );
    Forge::new()
        .file("a/1.pkr.hcl", &(variables + &unset))
        .file("a/2.pkr.hcl", &format!("locals {{\n{locals}}}\n{data}"))
        .file("a/3.pkr.hcl", &(sources + &build))
        .file("keys.pkrvars.hcl", &many(|name| format!("key_{name} = 1\n{name} = \"large\"\n")))
        .file("keys.json", &format!("{{{}\"last\": \"x\"}}\n", many(|name| format!("\"json_{name}\": \"x\",\n"))))
        .file("legacy.json", &legacy)
}

/// Where each mistake is: the file, or the flag, and the line and column.
fn places(ended: &Ended) -> Vec<(String, usize, usize)> {
    let place = |line: &str| {
        let place = line.trim_start().strip_prefix("--> ")?;
        let mut parts = place.rsplitn(3, ':');
        let (column, line) = (parts.next()?.parse().unwrap(), parts.next()?.parse().unwrap());
        Some((parts.next()?.to_owned(), line, column))
    };
    ended.stdout.lines().filter_map(place).collect()
}

/// Those of one file stand together, from its first line to its last.
#[track_caller]
fn is_in_order(places: &[(String, usize, usize)]) {
    let mut files: Vec<&str> = places.iter().map(|(file, ..)| file.as_str()).collect();
    files.dedup();
    let mut once = files.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(files.len(), once.len(), "a file is told of twice: {files:?}");
    assert!(places.is_sorted_by(|a, b| a.0 != b.0 || (a.1, a.2) <= (b.1, b.2)), "{places:?}");
}

#[test]
fn many_mistakes_of_all_kinds_are_told_twenty_times_alike() {
    let forge = orchard();
    let flags: Vec<String> = ["d", "b", "e", "a", "c"].map(|name| format!("-var=flag_{name}=1")).into();
    let environment = ["PKR_VAR_pear", "PKR_VAR_fig", "PKR_VAR_plum", "PKR_VAR_apple"];
    let forge = environment.into_iter().fold(forge, |forge, name| forge.env(name, "many"));
    let mut arguments = vec!["validate", "-var-file=keys.json"];
    arguments.extend(flags.iter().map(String::as_str));
    for more in [&["-var-file=keys.pkrvars.hcl", "a"][..], &["legacy.json"]] {
        let arguments = [&arguments[..], more].concat();
        let first = forge.run(&arguments);
        let places = places(first.code(1));
        is_in_order(&places);
        assert!(places.len() > 20, "{}", first.stdout);
        for _ in 0..20 {
            assert_eq!(forge.run(&arguments).stdout, first.stdout);
        }
    }
}

#[test]
fn each_stage_finds_its_own_in_such_a_template() {
    let forge = orchard();
    let ended = forge.run(&["validate", "-var-file=keys.pkrvars.hcl", "-var-file=keys.json", "-var=flag=1", "a"]);
    let count = |code: &str| ended.stdout.matches(&format!("[{code}]")).count();
    let codes = [
        "unset-variable",
        "wrong-type",
        "undeclared-variable",
        "undefined-reference",
        "unknown-argument",
        "unknown-source",
        "missing-file",
    ];
    assert_eq!(codes.map(count), [8, 8, 18, 8, 16, 8, 8], "{}", ended.stdout);
}

/// Runs `validate` on a template with one mistake, and a var file with one.
#[track_caller]
fn shows(name: &str, template: &str, arguments: &[&str], expected: &str) {
    let forge = Forge::new().file(name, template).file("values.pkrvars.hcl", "region = \"eu\"\nsize = [\n");
    forge.run(&[&["validate"], arguments, &[name]].concat()).expect(1, expected);
}

const SOUND: &str = "source \"null\" \"x\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.x\"]\n}\n";

#[test]
fn a_snippet_is_shown_of_the_parser() {
    shows(
        "image.pkr.hcl",
        &format!("locals {{\n  a = (1\n}}\n{SOUND}"),
        &[],
        "\
error[unclosed-bracket]: this `(` is never closed
 --> image.pkr.hcl:2:7
  |
2 |   a = (1
  |       ^
  |
  = help: add `)` where it ends",
    );
}

#[test]
fn a_snippet_is_shown_of_variables() {
    shows(
        "image.pkr.hcl",
        &format!("variable \"size\" {{\n  type    = number\n  default = \"large\"\n}}\n{SOUND}"),
        &[],
        "\
error[wrong-type]: the default does not fit the type of the variable `size`: a number is required, and this string does not hold one
 --> image.pkr.hcl:3:13
  |
2 |   type    = number
  |             ------ the type is declared here
3 |   default = \"large\"
  |             ^^^^^^^",
    );
}

#[test]
fn a_snippet_is_shown_of_rules_of_variables() {
    shows(
        "image.pkr.hcl",
        &format!(
            "variable \"size\" {{\n  default = 0\n  validation {{\n    condition     = var.size > 0\n    error_message = \"The size is at least one.\"\n  }}\n}}\n{SOUND}locals {{\n  area = var.size\n}}\n"
        ),
        &[],
        "\
error[invalid-value]: invalid value for the variable `size`: The size is at least one.
 --> image.pkr.hcl:2:13
  |
2 |   default = 0
  |             ^
3 |   validation {
4 |     condition     = var.size > 0
  |                     ------------ this condition is false",
    );
}

#[test]
fn a_snippet_is_shown_of_var_files() {
    shows(
        "image.pkr.hcl",
        SOUND,
        &["-var-file=values.pkrvars.hcl"],
        "\
warning[undeclared-variable]: the template declares no variable `region`
 --> values.pkrvars.hcl:1:1
  |
1 | region = \"eu\"
  | ^^^^^^
  |
  = help: add `variable \"region\" {}` to the template, or remove the value

warning[undeclared-variable]: the template declares no variable `size`
 --> values.pkrvars.hcl:2:1
  |
2 | size = [
  | ^^^^
  |
  = help: add `variable \"size\" {}` to the template, or remove the value

error[unclosed-bracket]: this `[` is never closed
 --> values.pkrvars.hcl:2:8
  |
2 | size = [
  |        ^
  |
  = help: add `]` where it ends",
    );
}

#[test]
fn a_snippet_is_shown_of_locals() {
    shows(
        "image.pkr.hcl",
        &format!("locals {{\n  a = upper([])\n}}\n{SOUND}"),
        &[],
        "\
error[invalid-argument]: `string` of `upper`: a string is required, not a tuple
 --> image.pkr.hcl:2:13
  |
2 |   a = upper([])
  |             ^^",
    );
}

#[test]
fn a_snippet_is_shown_of_arguments_of_components() {
    shows(
        "image.pkr.hcl",
        r#"source "null" "x" {
  communicator = ["none"]
}
build {
  sources = ["null.x"]
}
"#,
        &[],
        "\
error[wrong-type]: `communicator` takes a string, not a list
 --> image.pkr.hcl:2:18
  |
2 |   communicator = [\"none\"]
  |                  ^^^^^^^^",
    );
}

#[test]
fn a_snippet_is_shown_of_nested() {
    shows(
        "image.pkr.hcl",
        r#"source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  post-processors {
    post-processor "manifest" {
      custom_data = { a = 1 + "x" }
    }
  }
}
"#,
        &[],
        "\
error[invalid-operand]: wrong right side of `+`: a number is required, and this string does not hold one
 --> image.pkr.hcl:8:31
  |
8 |       custom_data = { a = 1 + \"x\" }
  |                               ^^^",
    );
}

#[test]
fn a_snippet_is_shown_of_json() {
    shows(
        "image.json",
        r#"{
  "builders": [
    {
      "type": "null",
      "communicator": ["none"]
    }
  ]
}
"#,
        &[],
        "\
error[wrong-type]: `communicator` takes a string, not a list
 --> image.json:5:23
  |
5 |       \"communicator\": [\"none\"]
  |                       ^^^^^^^^",
    );
}

#[test]
fn a_snippet_is_shown_of_json_values() {
    shows(
        "image.json",
        r#"{
  "variables": {
    "a": "{{uper `x`}}"
  },
  "builders": [{"type": "null", "communicator": "none"}]
}
"#,
        &[],
        "\
error[undefined-function]: there is no function `uper`
 --> image.json:3:13
  |
3 |     \"a\": \"{{uper `x`}}\"
  |             ^^^^
  |
  = help: did you mean `upper`?",
    );
}

#[test]
fn a_snippet_is_shown_of_hcl2_in_json() {
    shows(
        "image.pkr.json",
        r#"{
  "source": {
    "null": {
      "x": {
        "communicator": "${nothing}"
      }
    }
  },
  "build": {"sources": ["null.x"]}
}
"#,
        &[],
        "\
error[undefined-reference]: there is no `nothing` here
 --> image.pkr.json:5:28
  |
5 |         \"communicator\": \"${nothing}\"
  |                            ^^^^^^^
  |
  = help: put it in quotes if `nothing` is meant as a text",
    );
}

#[test]
fn a_snippet_is_shown_of_data() {
    shows(
        "image.pkr.hcl",
        &format!("data \"null\" \"x\" {{\n  input = 1 + \"a\"\n}}\n{SOUND}"),
        &[],
        "\
error[invalid-operand]: wrong right side of `+`: a number is required, and this string does not hold one
 --> image.pkr.hcl:2:15
  |
2 |   input = 1 + \"a\"
  |               ^^^",
    );
}
