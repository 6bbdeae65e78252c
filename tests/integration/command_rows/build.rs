//! Rows 38 to 113 and others: `build`.

use super::{Row, files, row};
use crate::forge::Forge;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = variables_of_json();
    rows.extend(differences());
    rows
}

/// A legacy template that makes a file named after a fruit.
fn fruit() -> Forge {
    Forge::new()
        .file(
            "fruit.json",
            r#"{
  "variables": {"fruit": null},
  "builders": [{"type": "file", "target": "{{user `fruit`}}.txt", "content": "{{user `fruit`}}"}]
}
"#,
        )
        .file("apple.json", "{\"fruit\": \"apple\"}")
}

/// The files that a build of that template makes.
fn made(flags: &[&str], code: i32) -> Vec<String> {
    let forge = fruit();
    forge.packer(&[&["build"], flags, &["fruit.json"]].concat()).code(code);
    files(&forge, ".txt")
}

fn variables_of_json() -> Vec<Row> {
    vec![
        row("38", "a variable from a var file", || assert_eq!(made(&["-var-file=apple.json"], 0), ["apple.txt"])),
        row("39", "`-var` wins over a var file", || {
            assert_eq!(made(&["-var", "fruit=banana", "-var-file=apple.json"], 0), ["banana.txt"]);
        }),
        row("40", "a variable from `-var=`", || assert_eq!(made(&["-var=fruit=pear"], 0), ["pear.txt"])),
        row("41", "a var file that is not there", || assert_eq!(made(&["-var-file=potato.json"], 1), [""; 0])),
    ]
}

fn differences() -> Vec<Row> {
    vec![
        row("98", "a builder that does not exist beside one that does", || {
            let forge = Forge::new().file(
                "image.json",
                r#"{"builders": [
  {"type": "file", "name": "chocolate", "target": "chocolate.txt", "content": ""},
  {"type": "not-found", "name": "vanilla"}
]}
"#,
            );
            forge.packer(&["build", "-except=", "image.json"]).code(1);
            assert_eq!(files(&forge, ".txt"), [""; 0]);
        })
        .unlike_packer("nothing is built while an error stands"),
    ]
}
