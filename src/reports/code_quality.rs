//! GitLab's Code Quality report: the widget of a merge request compares it with that of the target branch.

use super::record::{Finding, Record};
use super::{Format, markup};
use anyhow::{Context as _, Result};
use imgforge_template::diagnostic::Severity;
use serde::Serialize;

pub(super) const FORMAT: Format = Format { name: "code-quality", render };

#[derive(Serialize)]
struct Entry<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: &'a str,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

/// `[]` where there is nothing to say: without a report of its branch, a merge request has nothing to compare with.
fn render(record: &Record) -> Result<String> {
    let entries: Vec<Entry<'_>> = record.all().map(entry).collect();
    markup::json(&entries).context("write a Code Quality report")
}

fn entry(finding: &Finding) -> Entry<'_> {
    let (begin, end) = finding.in_file().map_or((1, 1), |place| (place.start.line, place.end.line));
    Entry {
        // It is shown on one line.
        description: finding.text().replace("\nhelp: ", "; help: ").split_whitespace().collect::<Vec<_>>().join(" "),
        check_name: finding.diagnostic.code,
        fingerprint: &finding.fingerprint,
        severity: match finding.diagnostic.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
        },
        location: Location { path: finding.path(), lines: Lines { begin, end } },
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compact, record, sample};
    use super::*;

    #[test]
    fn the_sample_is_entries_with_paths_and_lines() {
        insta::assert_snapshot!(compact(&render(&sample()).unwrap(), 2), @r#"
[
  {"description": "`-only=x` matches nothing", "check_name": "unused-pattern", "fingerprint": "81d86ff13fcbf2b8c6abf194a078def8", "severity": "minor", "location": {"path": "images/wéb & db/a:b,c%.pkr.hcl", "lines": {"begin": 1, "end": 1}} },
  {"description": "there is no variable `rgion`; help: did you mean `region`?", "check_name": "undefined-variable", "fingerprint": "c4f4ef10f79398cef7a92edee097d734", "severity": "major", "location": {"path": "images/wéb & db/a:b,c%.pkr.hcl", "lines": {"begin": 2, "end": 2}} },
  {"description": "the password `<sensitive>` <&\"']]> is ::error::100% wrong, [a](b) {0}", "check_name": "invalid-value", "fingerprint": "c93e98b4bf73efd6062f9836d6b61fd6", "severity": "major", "location": {"path": "images/wéb & db/a:b,c%.pkr.hcl", "lines": {"begin": 3, "end": 3}} },
  {"description": "over lines", "check_name": "unknown-code", "fingerprint": "5cfd732cf8f4641495c8f360ebcb62bf", "severity": "minor", "location": {"path": "images/wéb & db/a:b,c%.pkr.hcl", "lines": {"begin": 4, "end": 6}} },
  {"description": "the key `a` is here twice", "check_name": "duplicate-key", "fingerprint": "0eefa31ce82b141ac066195e4db8652d", "severity": "major", "location": {"path": "shared/db.json", "lines": {"begin": 2, "end": 2}} },
  {"description": "the key `a` is here twice", "check_name": "duplicate-key", "fingerprint": "5d71471bc74270eae33d37792d1a0309", "severity": "major", "location": {"path": "shared/db.json", "lines": {"begin": 2, "end": 2}} },
  {"description": "there is no variable `z`", "check_name": "undeclared-variable", "fingerprint": "993a72f27e1fe84bd1aa08eb2fba4086", "severity": "minor", "location": {"path": "/etc/outside.pkrvars.hcl", "lines": {"begin": 1, "end": 1}} },
  {"description": "-var x: `x` is no number", "check_name": "type-mismatch", "fingerprint": "419bb4f8e1a644d092e0cd5cb86f2b6f", "severity": "major", "location": {"path": "images/wéb & db/a:b,c%.pkr.hcl", "lines": {"begin": 1, "end": 1}} },
  {"description": "<sensitive> is in the way: 100% ::error::no", "check_name": "failure", "fingerprint": "8d62deafdf82b659ce178a2112845efb", "severity": "major", "location": {"path": ".", "lines": {"begin": 1, "end": 1}} }
]
"#);
    }

    #[test]
    fn nothing_found_is_an_empty_list() {
        assert_eq!(render(&record()).unwrap(), "[]\n");
    }
}
