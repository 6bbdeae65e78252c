//! Reviewdog's rdjson (`DiagnosticResult`), by which findings reach the code hosts that reviewdog knows. Paths are
//! relative to where the command was started, as reviewdog takes them, and columns count bytes of UTF-8.

use super::record::{Finding, Place, Record};
use super::{Format, markup, rules};
use anyhow::{Context as _, Result};
use imgforge_template::diagnostic::Severity;
use imgforge_template::source::Position as SourcePosition;
use serde::Serialize;

pub(super) const FORMAT: Format = Format { name: "rdjson", render };

#[derive(Serialize)]
struct Report<'a> {
    source: Source,
    diagnostics: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Source {
    name: &'static str,
    url: &'static str,
}

#[derive(Serialize)]
struct Entry<'a> {
    message: String,
    location: Location<'a>,
    severity: &'static str,
    code: Code<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Related<'a>>,
}

#[derive(Serialize)]
struct Code<'a> {
    value: &'a str,
    url: String,
}

#[derive(Serialize)]
struct Related<'a> {
    message: &'a str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: usize,
    column: usize,
}

fn render(record: &Record) -> Result<String> {
    let source = Source { name: "imgforge", url: env!("CARGO_PKG_REPOSITORY") };
    let report = Report { source, diagnostics: record.all().map(entry).collect() };
    markup::json(&report).context("write rdjson")
}

fn entry(finding: &Finding) -> Entry<'_> {
    let code = finding.diagnostic.code;
    let related = finding.related.iter().filter(|(place, _)| place.is_file);
    Entry {
        message: finding.text(),
        location: finding.in_file().map_or(Location { path: &finding.local_anchor, range: None }, location),
        severity: match finding.diagnostic.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
        },
        code: Code { value: code, url: rules::url(code) },
        related_locations: related.map(|(place, message)| Related { message, location: location(place) }).collect(),
    }
}

fn location(place: &Place) -> Location<'_> {
    let range = Range { start: position(place.start_bytes), end: position(place.end_bytes) };
    Location { path: &place.local_name, range: Some(range) }
}

fn position(position: SourcePosition) -> Position {
    Position { line: position.line, column: position.column }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compact, sample};
    use super::*;

    #[test]
    fn the_sample_counts_bytes() {
        insta::assert_snapshot!(compact(&render(&sample()).unwrap(), 4), @r#"
{
  "source": {
    "name": "imgforge",
    "url": "https://github.com/imgforge/imgforge"
  },
  "diagnostics": [
    {"message": "`-only=x` matches nothing", "location": {"path": "wéb & db/a:b,c%.pkr.hcl"}, "severity": "WARNING", "code": {"value": "unused-pattern", "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#unused-pattern"} },
    {"message": "there is no variable `rgion`\nhelp: did you mean `region`?", "location": {"path": "wéb & db/a:b,c%.pkr.hcl", "range": {"start": {"line": 2, "column": 34}, "end": {"line": 2, "column": 39}}}, "severity": "ERROR", "code": {"value": "undefined-variable", "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#undefined-variable"}, "related_locations": [{"message": "declared <here>", "location": {"path": "wéb & db/a:b,c%.pkr.hcl", "range": {"start": {"line": 1, "column": 11}, "end": {"line": 1, "column": 14}}}}] },
    {"message": "the password `<sensitive>` <&\"']]> is\r\n::error::100% wrong, [a](b) {0}", "location": {"path": "wéb & db/a:b,c%.pkr.hcl", "range": {"start": {"line": 3, "column": 9}, "end": {"line": 3, "column": 18}}}, "severity": "ERROR", "code": {"value": "invalid-value", "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#invalid-value"} },
    {"message": "over lines", "location": {"path": "wéb & db/a:b,c%.pkr.hcl", "range": {"start": {"line": 4, "column": 5}, "end": {"line": 6, "column": 4}}}, "severity": "WARNING", "code": {"value": "unknown-code", "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md"} },
    {"message": "the key `a` is here twice", "location": {"path": "/w/shared/db.json", "range": {"start": {"line": 2, "column": 2}, "end": {"line": 2, "column": 5}}}, "severity": "ERROR", "code": {"value": "duplicate-key", "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#duplicate-key"} },
    {"message": "the key `a` is here twice", "location": {"path": "/w/shared/db.json", "range": {"start": {"line": 2, "column": 7}, "end": {"line": 2, "column": 8}}}, "severity": "ERROR", "code": {"value": "duplicate-key", "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#duplicate-key"} },
    {"message": "there is no variable `z`", "location": {"path": "/etc/outside.pkrvars.hcl", "range": {"start": {"line": 1, "column": 1}, "end": {"line": 1, "column": 2}}}, "severity": "WARNING", "code": {"value": "undeclared-variable", "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#undeclared-variable"} },
    {"message": "-var x: `x` is no number", "location": {"path": "wéb & db/a:b,c%.pkr.hcl"}, "severity": "ERROR", "code": {"value": "type-mismatch", "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#type-mismatch"} },
    {"message": "<sensitive> is in the way: 100%\n::error::no", "location": {"path": "."}, "severity": "ERROR", "code": {"value": "failure", "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md"} }
  ]
}
"#);
    }
}
