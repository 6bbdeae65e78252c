//! What one run asked of Google, and where two runs differ in it: what an argument changes.

use super::fake::Fake;
use super::forge::calls;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The requests since there were `before`, by method and turn: where each went and what it said, without what is of the run
/// alone, such as its image's name.
pub(super) fn recorded(fake: &Fake, before: usize, image: &str) -> BTreeMap<String, Value> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for call in calls(fake).into_iter().filter(|call| call["call"].as_u64().unwrap() > before as u64) {
        let method = call["method"].as_str().unwrap_or_default().to_owned();
        let count = counts.entry(method.clone()).or_default();
        *count += 1;
        let turn = if *count == 1 { method } else { format!("{method} ({count})") };
        let said = json!({"path": call["path"], "query": call["query"], "request": call["request"]});
        found.insert(turn, serde_json::from_str(&plain(&said.to_string(), image)).unwrap());
    }
    found
}

/// A request without what each run has of its own: its number, keys, times.
fn plain(text: &str, image: &str) -> String {
    let mut text = text.replace(image, "IMAGE");
    for (before, is_own) in [
        ("imgforge-", (|c: char| c.is_ascii_hexdigit()) as fn(char) -> bool),
        ("imgforge-run\":\"", |c| c.is_ascii_hexdigit()),
        ("imgforge-expires\":\"", |c| c.is_ascii_digit()),
        ("imgforge-owner\":\"", |c| c != '"'),
        ("imgforge-template\":\"", |c| c != '"'),
        ("requestId\":\"", |c| c != '"'),
        ("Fingerprint\":\"", |c| c != '"'),
        ("ingerprint\":\"", |c| c != '"'),
        ("ssh-ed25519 ", |c| c != '"'),
        ("/operations/", |c| c != '"' && c != '/'),
    ] {
        let mut done = String::new();
        while let Some(at) = text.find(before) {
            let end = at + before.len();
            done += &text[..end];
            text = text[end..].trim_start_matches(is_own).to_owned();
        }
        text = done + &text;
    }
    text
}

/// The pointers at which two values differ.
fn differences(a: &Value, b: &Value, at: &str, found: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let of = |members: &serde_json::Map<String, Value>| members.get(name).cloned().unwrap_or_default();
                differences(&of(a), &of(b), &format!("{at}/{name}"), found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let of = |elements: &[Value]| elements.get(index).cloned().unwrap_or_default();
                differences(&of(a), &of(b), &format!("{at}/{index}"), found);
            }
        }
        (a, b) if a != b => found.push(at.to_owned()),
        _ => {}
    }
}

/// Where the requests of two builds differ; a request that only one makes is named alone.
pub(super) fn changes(with: &BTreeMap<String, Value>, without: &BTreeMap<String, Value>) -> Vec<String> {
    let turns: BTreeSet<&String> = with.keys().chain(without.keys()).collect();
    let mut found = Vec::new();
    for turn in turns {
        let method = turn.strip_prefix("compute.").unwrap_or(turn);
        match (with.get(turn), without.get(turn)) {
            (Some(a), Some(b)) => {
                let mut pointers = Vec::new();
                differences(a, b, "", &mut pointers);
                found.extend(pointers.into_iter().map(|pointer| {
                    let pointer =
                        pointer.strip_prefix("/request").map_or_else(|| format!("[{}]", &pointer[1..]), str::to_owned);
                    format!("{method} {pointer}")
                }));
            }
            (Some(_), None) => found.push(format!("+ {method}")),
            _ => found.push(format!("- {method}")),
        }
    }
    found
}

/// A row of the table: the first place that an argument changes, and how many more there are.
pub(super) fn row(argument: &str, changed: &[String]) -> String {
    match changed {
        [] => format!("{argument} ->\n"),
        [first] => format!("{argument} -> {first}\n"),
        [first, rest @ ..] => format!("{argument} -> {first}, and {} more\n", rest.len()),
    }
}

/// The arguments that Packer's plugins have for a component; none where the corpus is not there.
pub(super) fn arguments(kind: &str, component: &str) -> Vec<String> {
    let folder = std::env::var_os("IMGFORGE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let schemas = std::fs::read_to_string(folder.join("schemas.tsv")).unwrap_or_default();
    let rows = schemas.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row.starts_with(&[kind, component, "argument"])).map(|row| row[3].to_owned()).collect()
}
