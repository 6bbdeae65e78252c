//! Our own report, with all there is to know. `docs/report.schema.json` says what it is made of; `version` rises when
//! a reader of the one before would misunderstand it.

use super::record::{Build, Finding, Place, Record};
use super::{Format, markup, rules};
use anyhow::{Context as _, Result};
use imgforge_template::source::Position as SourcePosition;
use serde::Serialize;

pub(super) const FORMAT: Format = Format { name: "json", render };

const SCHEMA: &str = "https://raw.githubusercontent.com/imgforge/imgforge/main/docs/report.schema.json";
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: u32,
    tool: Tool,
    result: &'static str,
    diagnostics: Vec<DiagnosticEntry<'a>>,
    builds: Vec<BuildEntry<'a>>,
    failures: Vec<&'a str>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct DiagnosticEntry<'a> {
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<PlaceEntry<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<PlaceEntry<'a>>,
    url: String,
    fingerprint: &'a str,
}

#[derive(Serialize)]
struct PlaceEntry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    argument: Option<&'a str>,
    start: Position,
    end: Position,
    text: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
}

#[derive(Serialize)]
struct Position {
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct BuildEntry<'a> {
    name: &'a str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    steps: Vec<StepEntry<'a>>,
}

#[derive(Serialize)]
struct StepEntry<'a> {
    name: &'a str,
    result: &'static str,
    seconds: f64,
}

fn render(record: &Record) -> Result<String> {
    let report = Report {
        schema: SCHEMA,
        version: VERSION,
        tool: Tool { name: "imgforge", version: env!("CARGO_PKG_VERSION") },
        result: result(record.passed()),
        diagnostics: record.findings.iter().map(diagnostic).collect(),
        builds: record.builds.iter().map(build).collect(),
        failures: record.failures.iter().map(|failure| failure.diagnostic.message.as_str()).collect(),
    };
    markup::json(&report).with_context(|| format!("write version {VERSION} of it"))
}

fn result(passed: bool) -> &'static str {
    if passed { "passed" } else { "failed" }
}

fn diagnostic(finding: &Finding) -> DiagnosticEntry<'_> {
    let diagnostic = &finding.diagnostic;
    let label = diagnostic.primary.as_ref().map_or("", |label| label.message.as_str());
    DiagnosticEntry {
        code: diagnostic.code,
        severity: finding.severity(),
        message: &diagnostic.message,
        help: diagnostic.help.as_deref(),
        place: finding.place.as_ref().map(|found| place(found, label)),
        related: finding.related.iter().map(|(found, message)| place(found, message)).collect(),
        url: rules::url(diagnostic.code),
        fingerprint: &finding.fingerprint,
    }
}

fn place<'a>(place: &'a Place, message: &'a str) -> PlaceEntry<'a> {
    let name = Some(place.name.as_str());
    PlaceEntry {
        path: name.filter(|_| place.is_file),
        argument: name.filter(|_| !place.is_file),
        start: position(place.start),
        end: position(place.end),
        text: &place.text,
        message,
    }
}

fn position(position: SourcePosition) -> Position {
    Position { line: position.line, column: position.column }
}

fn build(build: &Build) -> BuildEntry<'_> {
    let steps = build.steps.iter().map(|step| StepEntry {
        name: &step.name,
        result: result(step.ok),
        seconds: step.duration.as_secs_f64(),
    });
    BuildEntry {
        name: &build.name,
        result: result(build.error.is_none()),
        seconds: build.duration.map(|duration| duration.as_secs_f64()),
        error: build.error.as_deref(),
        steps: steps.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compact, sample};
    use super::*;

    #[test]
    fn all_of_the_sample_is_there() {
        insta::assert_snapshot!(compact(&render(&sample()).unwrap(), 4), @r#"
{
  "$schema": "https://raw.githubusercontent.com/imgforge/imgforge/main/docs/report.schema.json",
  "version": 1,
  "tool": {
    "name": "imgforge",
    "version": "0.1.0"
  },
  "result": "failed",
  "diagnostics": [
    {"code": "unused-pattern", "severity": "warning", "message": "`-only=x` matches nothing", "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#unused-pattern", "fingerprint": "81d86ff13fcbf2b8c6abf194a078def8" },
    {"code": "undefined-variable", "severity": "error", "message": "there is no variable `rgion`", "help": "did you mean `region`?", "place": {"path": "images/wéb & db/a:b,c%.pkr.hcl", "start": {"line": 2, "column": 27}, "end": {"line": 2, "column": 32}, "text": "rgion", "message": "this one"}, "related": [{"path": "images/wéb & db/a:b,c%.pkr.hcl", "start": {"line": 1, "column": 11}, "end": {"line": 1, "column": 13}, "text": "pä", "message": "declared <here>"}, {"argument": "-var x", "start": {"line": 1, "column": 1}, "end": {"line": 1, "column": 8}, "text": "*******", "message": "set to <sensitive> here"}], "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#undefined-variable", "fingerprint": "c4f4ef10f79398cef7a92edee097d734" },
    {"code": "invalid-value", "severity": "error", "message": "the password `<sensitive>` <&\"']]> is\r\n::error::100% wrong, [a](b) {0}", "place": {"path": "images/wéb & db/a:b,c%.pkr.hcl", "start": {"line": 3, "column": 9}, "end": {"line": 3, "column": 18}, "text": "\"*******\""}, "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#invalid-value", "fingerprint": "c93e98b4bf73efd6062f9836d6b61fd6" },
    {"code": "unknown-code", "severity": "warning", "message": "over lines", "place": {"path": "images/wéb & db/a:b,c%.pkr.hcl", "start": {"line": 4, "column": 5}, "end": {"line": 6, "column": 4}, "text": "<<EOT\r\ny\r\nEOT"}, "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md", "fingerprint": "5cfd732cf8f4641495c8f360ebcb62bf" },
    {"code": "duplicate-key", "severity": "error", "message": "the key `a` is here twice", "place": {"path": "shared/db.json", "start": {"line": 2, "column": 2}, "end": {"line": 2, "column": 5}, "text": "\"a\""}, "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#duplicate-key", "fingerprint": "0eefa31ce82b141ac066195e4db8652d" },
    {"code": "duplicate-key", "severity": "error", "message": "the key `a` is here twice", "place": {"path": "shared/db.json", "start": {"line": 2, "column": 7}, "end": {"line": 2, "column": 8}, "text": "1"}, "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#duplicate-key", "fingerprint": "5d71471bc74270eae33d37792d1a0309" },
    {"code": "undeclared-variable", "severity": "warning", "message": "there is no variable `z`", "place": {"path": "/etc/outside.pkrvars.hcl", "start": {"line": 1, "column": 1}, "end": {"line": 1, "column": 2}, "text": "z"}, "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#undeclared-variable", "fingerprint": "993a72f27e1fe84bd1aa08eb2fba4086" },
    {"code": "type-mismatch", "severity": "error", "message": "`x` is no number", "place": {"argument": "-var x", "start": {"line": 1, "column": 1}, "end": {"line": 1, "column": 8}, "text": "*******"}, "url": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#type-mismatch", "fingerprint": "419bb4f8e1a644d092e0cd5cb86f2b6f" }
  ],
  "builds": [
    {"name": "null.web", "result": "failed", "seconds": 1.5, "error": "connect: \u001b[31mrefused\u001b[0m <sensitive>\n<&\"']]>", "steps": [{"name": "connect with <sensitive>", "result": "failed", "seconds": 1.5}] },
    {"name": "null.db", "result": "passed", "seconds": 1.5, "steps": [] }
  ],
  "failures": [
    "<sensitive> is in the way: 100%\n::error::no"
  ]
}
"#);
    }
}
