//! `docs/diagnostics.md` has every code of the source and no other, and its examples show what they say.

use crate::conformance::places;
use crate::forge::Forge;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What the catalogue says of one code.
struct Entry {
    /// `Error`, `Warning` or `Error or warning`.
    severity: String,
    /// The language of the example, and its text.
    example: (String, String),
    advice: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn catalogue() -> BTreeMap<String, Entry> {
    let text = std::fs::read_to_string(root().join("docs/diagnostics.md")).unwrap();
    let sections = text.split("\n## ").skip(1);
    sections.map(|section| entry(section).unwrap_or_else(|| panic!("not as the others: {section}"))).collect()
}

/// All codes of the catalogue.
pub(crate) fn codes() -> BTreeSet<String> {
    catalogue().into_keys().collect()
}

fn entry(section: &str) -> Option<(String, Entry)> {
    let (code, rest) = section.split_once("\n\n")?;
    let (severity, rest) = rest.split_once(". ")?;
    let (_, rest) = rest.split_once("\n\n```")?;
    let (language, rest) = rest.split_once('\n')?;
    let (example, advice) = rest.split_once("```\n")?;
    let example = (language.to_owned(), example.to_owned());
    Some((code.to_owned(), Entry { severity: severity.to_owned(), example, advice: advice.trim().to_owned() }))
}

/// All Rust files of the program, without those that are tests.
pub(crate) fn sources() -> Vec<String> {
    let mut texts = Vec::new();
    let mut folders = vec![root().join("src"), root().join("crates/template/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let is_test =
                path.file_stem().is_some_and(|stem| ["tests", "testing", "properties"].iter().any(|&it| stem == it));
            if is_test {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                texts.push(code_of(&path));
            }
        }
    }
    texts
}

/// A file's text without comments and the tests at its end.
fn code_of(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// What stands where a code stands: words with dashes that are given to something that makes diagnostics, or go before
/// a message.
fn codes_in(text: &str) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    let pieces: Vec<&str> = text.split('"').collect();
    for window in pieces.windows(4) {
        let [before, word, after, message] = window else { continue };
        let is_word = word.contains('-')
            && word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let before = before.trim_end();
        let makers = ["error(", "warning(", "mistake(", "wrong(", "problem(", "code:", "code ="];
        let is_made = makers.iter().any(|maker| before.ends_with(maker));
        let after = after.trim_start_matches(',').trim();
        let goes_before_a_message = after == "format!(" || after.is_empty() && message.contains(' ');
        if is_word && (is_made || goes_before_a_message) {
            codes.insert((*word).to_owned());
        }
    }
    codes
}

#[test]
fn the_catalogue_has_every_code_and_no_other() {
    let catalogue = catalogue();
    let texts = sources();
    let codes: BTreeSet<String> = texts.iter().flat_map(|text| codes_in(text)).collect();
    assert!(codes.len() > 100, "the codes are found: {codes:?}");
    let missing: Vec<&String> = codes.iter().filter(|code| !catalogue.contains_key(*code)).collect();
    assert!(missing.is_empty(), "docs/diagnostics.md has no section for {missing:?}");
    let is_there = |code: &String| texts.iter().any(|text| text.contains(&format!("\"{code}\"")));
    let stale: Vec<&String> = catalogue.keys().filter(|code| !is_there(code)).collect();
    assert!(stale.is_empty(), "docs/diagnostics.md has sections for codes that are gone: {stale:?}");
    let text = std::fs::read_to_string(root().join("docs/diagnostics.md")).unwrap();
    let order: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert!(order.is_sorted_by(|a, b| a < b), "the sections are in the order of the alphabet, each once: {order:?}");
}

#[test]
fn the_examples_of_the_catalogue_show_what_they_say() {
    let mut wrong = Vec::new();
    let mut shown = 0;
    for (code, entry) in catalogue() {
        assert!(["Error", "Warning", "Error or warning"].contains(&entry.severity.as_str()), "{code}");
        assert!(!entry.advice.is_empty(), "{code}: nothing says what to do");
        let (language, example) = &entry.example;
        let name = match language.as_str() {
            "hcl" => "image.pkr.hcl",
            "json" => "image.json",
            _ => continue,
        };
        let ended = Forge::new().file(name, example).run(&["validate", name]);
        let found = places(&ended.stdout, name);
        let expected = |place: &&String| match entry.severity.as_str() {
            "Error" => !place.starts_with("warning "),
            "Warning" => place.starts_with("warning "),
            _ => true,
        };
        if !found.iter().filter(expected).any(|place| place.ends_with(&format!(" {code}"))) {
            wrong.push(format!("{code}: found {found:?}"));
        }
        shown += 1;
    }
    assert!(shown > 80, "{shown}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
