//! What one run asked of Google, and where two runs differ in it: what an argument changes.

use super::fake::Fake;
use super::forge::calls;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Requests by their method, in order: where each went and what it said.
pub(super) type Requests = BTreeMap<String, Vec<Value>>;

/// The requests since there were `before`, without what is of the run alone, such as its image's name.
pub(super) fn recorded(fake: &Fake, before: usize, image: &str) -> Requests {
    let mut found = Requests::new();
    for call in calls(fake).into_iter().filter(|call| call["call"].as_u64().unwrap() > before as u64) {
        let method = call["method"].as_str().unwrap_or_default().to_owned();
        let said = json!({"path": call["path"], "query": call["query"], "request": call["request"]});
        let said = serde_json::from_str(&plain(&said.to_string(), image)).unwrap();
        found.entry(method).or_default().push(said);
    }
    found
}

/// A request without what each run has of its own: its number, keys, times.
fn plain(text: &str, image: &str) -> String {
    let mut text = without_run(&text.replace(image, "IMAGE"));
    for (before, is_own) in [
        ("imgforge-run\":\"", (|c: char| c.is_ascii_hexdigit()) as fn(char) -> bool),
        ("imgforge-expires\":\"", |c| c.is_ascii_digit()),
        ("imgforge-owner\":\"", |c| c != '"'),
        ("imgforge-template\":\"", |c| c != '"'),
        ("requestId\":\"", |c| c != '"'),
        ("Fingerprint\":\"", |c| c != '"'),
        ("ingerprint\":\"", |c| c != '"'),
        ("ssh-ed25519 ", |c| c != '"'),
        ("upload_id\":\"", |c| c != '"'),
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

/// Names without the number of the run in them: `imgforge-0123456789abcdef-1`.
fn without_run(text: &str) -> String {
    let mut parts = text.split("imgforge-");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        let is_run = part.len() - rest.len() == 16;
        plain += &format!("imgforge-{}", if is_run { rest } else { part });
    }
    plain
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
        (Value::Object(members), Value::Null) if !members.is_empty() => differences(a, &json!({}), at, found),
        (Value::Null, Value::Object(members)) if !members.is_empty() => differences(&json!({}), b, at, found),
        (a, b) if a != b => found.push(at.to_owned()),
        _ => {}
    }
}

/// Where the requests of two runs differ; a request that only one makes is named alone.
pub(super) fn changes(with: &Requests, without: &Requests) -> Vec<String> {
    let methods: BTreeSet<&String> = with.keys().chain(without.keys()).collect();
    let mut found = Vec::new();
    for method in methods {
        let of = |requests: &Requests| requests.get(method).cloned().unwrap_or_default();
        let (a, b) = different(of(with), of(without));
        let method = method.strip_prefix("compute.").unwrap_or(method);
        for index in 0..a.len().max(b.len()) {
            match (a.get(index), b.get(index)) {
                (Some(a), Some(b)) => {
                    let mut pointers = Vec::new();
                    differences(a, b, "", &mut pointers);
                    found.extend(pointers.into_iter().map(|pointer| match pointer.strip_prefix("/request") {
                        Some(pointer) => format!("{method} {pointer}"),
                        None => format!("{method} [{}]", &pointer[1..]),
                    }));
                }
                (Some(_), None) => found.push(format!("+ {method}")),
                _ => found.push(format!("- {method}")),
            }
        }
    }
    let mut known = BTreeSet::new();
    found.retain(|change| known.insert(change.clone()));
    found
}

/// Without those that both have, each sorted: what is asked at once arrives in any order.
fn different(a: Vec<Value>, mut b: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
    let is_alone = |request: &Value| match b.iter().position(|other| other == request) {
        Some(at) => {
            b.remove(at);
            false
        }
        None => true,
    };
    let mut a: Vec<Value> = a.into_iter().filter(is_alone).collect();
    for requests in [&mut a, &mut b] {
        requests.sort_by_cached_key(Value::to_string);
    }
    (a, b)
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
