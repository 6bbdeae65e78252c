//! `console` and `inspect` beside Debian's packer 1.6.6, which `script/bootstrap test` installs: what both know, they say
//! alike. docs/decisions/0010-beside-1-6-6.md has the differences.

use crate::forge::Forge;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const PACKER: &str = "/usr/bin/packer";

/// Expressions that 1.6.6 answers otherwise.
const ON_PURPOSE: [&str; 7] = [
    "1 < 2 || nothing",
    "consul_key(\"x\")",
    "index([\"a\", \"b\"], \"b\")",
    "null[*]",
    "packer.version",
    "true || unk == \"x\"",
    "vault(\"a\", \"b\")",
];

/// An exit code and what was printed.
type Said = (Option<i32>, String);

fn said(mut command: Command, input: &str, forge: &Forge) -> Said {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // It may end without having read all of it.
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    let ended = forge.ended(child.wait_with_output().unwrap());
    (ended.code, ended.stdout)
}

/// What Debian's packer and we say to the same arguments and the same input.
fn both(forge: &Forge, arguments: &[&str], input: &str) -> (Said, Said) {
    assert!(Path::new(PACKER).exists(), "{PACKER} is not there: run `script/bootstrap test`");
    let mut packer = Command::new(PACKER);
    packer.args(arguments).current_dir(forge.path()).env_clear().env("HOME", forge.state());
    packer.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("CHECKPOINT_DISABLE", "1");
    (said(packer, input, forge), said(forge.command(arguments), input, forge))
}

/// Errors are told in words of one's own.
fn agree(debian: &Said, ours: &Said) -> bool {
    debian == ours || (debian.0 == Some(1) && ours.0 == Some(1))
}

/// Compares the answers to expressions: how many agree, which don't, and which 1.6.6 has no function for.
fn compare(expressions: &[&str]) -> (usize, Vec<String>, usize) {
    let forge = Forge::new();
    let (next, equal, unknown) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let different = Mutex::new(Vec::new());
    let work = || {
        while let Some(expression) = expressions.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (debian, ours) = both(&forge, &["console", "--config-type=hcl2"], expression);
            // Salted: each call gives another hash.
            let is_hash = expression.starts_with("bcrypt(") && debian.1.get(..7) == ours.1.get(..7);
            if debian.1.contains("no function named") && ours.0 == Some(0) {
                unknown.fetch_add(1, Ordering::Relaxed);
            } else if agree(&debian, &ours) || is_hash {
                equal.fetch_add(1, Ordering::Relaxed);
            } else {
                different.lock().unwrap().push((*expression).to_owned());
            }
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(work);
        }
    });
    let mut different = different.into_inner().unwrap();
    different.sort();
    (equal.into_inner(), different, unknown.into_inner())
}

#[test]
fn the_console_answers_as_1_6_6_does() {
    let table = include_str!("debian/expressions.txt");
    let expressions: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    let (equal, different, unknown) = compare(&expressions);
    println!("console: {equal} agree, {} differ, {unknown} that 1.6.6 has no function for", different.len());
    let wanted: Vec<&str> = ON_PURPOSE.into_iter().filter(|expression| expressions.contains(expression)).collect();
    assert_eq!(different, wanted);
    assert!(equal > 170, "{equal} agree");
}

#[test]
fn so_it_does_to_the_expressions_of_the_corpus() {
    let folder = std::env::var_os("IMGFORGE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let Ok(table) = std::fs::read_to_string(folder.join("console.tsv")) else {
        println!("no corpus: set IMGFORGE_CORPUS");
        return;
    };
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    let expressions: Vec<&str> = rows.filter_map(|row| Some(row.split_once('\t')?.0)).collect();
    let (equal, different, unknown) = compare(&expressions);
    println!("console: {equal} agree, {} differ, {unknown} that 1.6.6 has no function for", different.len());
    let wanted: Vec<&str> = ON_PURPOSE.into_iter().filter(|expression| expressions.contains(expression)).collect();
    assert_eq!(different, wanted);
    assert!(equal > 200, "{equal} agree");
}

const BUILDS: &str = r#"source "null" "a" {
  communicator = "none"
}
build {
  name        = "first"
  description = "what it is for"
  sources     = ["source.null.a", "null.a"]
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
      output = "x"
    }
  }
}
build {
  source "null.a" {
    communicator = "none"
  }
}
"#;

const LOCALS: &str = r#"variable "name" {
  default = "pear"
}
locals {
  upper  = upper(var.name)
  second = "${local.upper}!"
  object = { days = [1, 2], notes = {} }
  none   = null
}
"#;

const VARIABLES: &str = r#"variable "text" {
  default = "a \"b\""
}
variable "list" {
  default = ["a", "b"]
}
variable "number" {
  default = 1.5
}
variable "truth" {
  default = true
}
variable "map" {
  type    = map(string)
  default = { b = "2", a = "1" }
}
variable "given" {
  type = string
}
variable "unset" {
  type = string
}
locals {
  label = "box of ${var.unset}"
}
"#;

const SECRETS: &str = r#"variable "key" {
  default   = "s3cret"
  sensitive = true
}
variable "keys" {
  default   = ["s3cret", "0ther"]
  sensitive = true
}
locals {
  plain = "a"
}
"#;

const LEGACY: &str = r#"{
  "description": "Two rows\nof trees",
  "variables": {"unset": null, "name": "x", "longer_name": "{{user `name`}}", "empty": "", "env": "{{env `HOME`}}"},
  "sensitive-variables": ["name"],
  "builders": [
    {"type": "null", "name": "b", "communicator": "none"},
    {"type": "null", "communicator": "none"},
    {"type": "file", "name": "a-long-{{user `name`}}", "target": "x"}
  ],
  "provisioners": [{"type": "shell-local", "inline": ["true"]}, {"type": "file", "source": "a", "destination": "b"}],
  "post-processors": ["manifest"]
}
"#;

#[test]
fn inspect_shows_what_1_6_6_shows() {
    let forge = Forge::new()
        .file("builds.pkr.hcl", BUILDS)
        .file("locals.pkr.hcl", LOCALS)
        .file("variables.pkr.hcl", VARIABLES)
        .file("secrets.pkr.hcl", SECRETS)
        .file("empty.pkr.hcl", "")
        .file("broken.pkr.hcl", "variable \"a\" {\n")
        .file("unknown.pkr.hcl", "bild {\n}\n")
        .file("folder/a.pkr.hcl", BUILDS)
        .file("folder/b.pkr.hcl", LOCALS)
        .file("folder/x.auto.pkrvars.hcl", "name = \"fig\"\n")
        .file("more.pkrvars.hcl", "given = \"from a file\"\n")
        .file("plain.json", r#"{"builders": [{"type": "null", "communicator": "none"}]}"#)
        .file("full.json", LEGACY)
        .file("broken.json", "{\"builders\": [}")
        .file("unknown.json", "{\"bilders\": []}");
    let table: [&[&str]; 19] = [
        &["builds.pkr.hcl"],
        &["locals.pkr.hcl"],
        &["-var", "name=plum", "locals.pkr.hcl"],
        &["variables.pkr.hcl"],
        &["-var", "given=x", "-var=list=[\"c\"]", "variables.pkr.hcl"],
        &["-var-file", "more.pkrvars.hcl", "variables.pkr.hcl"],
        &["-var", "nothing=x", "variables.pkr.hcl"],
        &["secrets.pkr.hcl"],
        &["-var", "key=0ther", "secrets.pkr.hcl"],
        &["empty.pkr.hcl"],
        &["broken.pkr.hcl"],
        &["unknown.pkr.hcl"],
        &["folder"],
        &["plain.json"],
        &["full.json"],
        &["-var", "name=yellow", "full.json"],
        &["broken.json"],
        &["unknown.json"],
        &["missing.json"],
    ];
    // The closing note on names of builds is in words of one's own.
    let without_note = |(code, text): Said| (code, text.split("\nNote: ").next().unwrap_or_default().to_owned());
    let mut different = Vec::new();
    for arguments in table {
        let (debian, ours) = both(&forge, &[&["inspect"], arguments].concat(), "");
        let (debian, ours) = (without_note(debian), without_note(ours));
        if !agree(&debian, &ours) {
            different.push(format!("{arguments:?}\n{debian:?}\n{ours:?}"));
        }
    }
    println!("inspect: {} of {} agree", table.len() - different.len(), table.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}
