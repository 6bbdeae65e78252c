//! SARIF 2.1.0 (OASIS), as code scanning of GitHub and many editors read it.

use super::markup::{self, uri};
use super::record::{Finding, Place, Record};
use super::{Format, rules};
use anyhow::{Context as _, Result};
use imgforge_template::diagnostic::Severity;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) const FORMAT: Format = Format { name: "sarif", render };

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What paths of the report are relative to.
const ROOT: &str = "SRCROOT";

fn render(record: &Record) -> Result<String> {
    let codes: BTreeSet<&str> = record.findings.iter().map(|finding| finding.diagnostic.code).collect();
    let codes: Vec<&str> = codes.into_iter().collect();
    let paths: BTreeSet<&str> = record.findings.iter().map(Finding::path).collect();
    let results: Vec<Value> = record.findings.iter().map(|finding| result(finding, &codes)).collect();
    let builds = record.builds.iter().filter_map(|build| Some(format!("{}: {}", build.name, build.error.as_ref()?)));
    let failures = record.failures.iter().map(|failure| failure.diagnostic.message.clone());
    let notifications: Vec<Value> =
        failures.chain(builds).map(|text| json!({"level": "error", "message": {"text": text}})).collect();
    let mut invocation = json!({"executionSuccessful": record.ran()});
    if !notifications.is_empty() {
        invocation["toolExecutionNotifications"] = json!(notifications);
    }
    let report = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "imgforge",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": codes.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            }},
            // The category: a later report replaces this one.
            "automationDetails": {"id": "imgforge/"},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
            "artifacts": paths.iter().map(|path| json!({"location": location(path)})).collect::<Vec<_>>(),
            "results": results,
            "invocations": [invocation],
        }],
    });
    markup::json(&report).context("write SARIF")
}

fn rule(code: &str) -> Value {
    let mut value = json!({"id": code, "helpUri": rules::url(code)});
    let Some(rule) = rules::rule(code) else { return value };
    let level = level(rule.severity);
    value["shortDescription"] = json!({"text": rule.title});
    value["fullDescription"] = json!({"text": rule.summary});
    value["help"] = json!({"text": format!("{}\n\n{}", rule.summary, rule.advice), "markdown": rule.section});
    value["defaultConfiguration"] = json!({"level": level});
    value["properties"] = json!({"tags": ["template"], "precision": "very-high", "problem.severity": level});
    value
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn result(finding: &Finding, codes: &[&str]) -> Value {
    let code = finding.diagnostic.code;
    let mut value = json!({
        "ruleId": code,
        "ruleIndex": codes.iter().position(|other| *other == code),
        "level": level(finding.diagnostic.severity),
        "message": {"text": finding.text()},
        "locations": [match finding.in_file() {
            Some(place) => physical(place),
            // Code scanning takes no result without a location.
            None => json!({"physicalLocation": {"artifactLocation": location(finding.path())}}),
        }],
        "partialFingerprints": {"imgforge/v1": finding.fingerprint},
    });
    let related: Vec<Value> = finding.related.iter().enumerate().map(|(index, other)| related(index, other)).collect();
    if !related.is_empty() {
        value["relatedLocations"] = json!(related);
    }
    value
}

fn related(index: usize, (place, message): &(Place, String)) -> Value {
    let mut value = if place.is_file { physical(place) } else { json!({"logicalLocations": [{"name": place.name}]}) };
    value["id"] = json!(index);
    value["message"] = json!({"text": message});
    value
}

fn physical(place: &Place) -> Value {
    let region = json!({
        "startLine": place.start.line,
        "startColumn": place.start.column,
        "endLine": place.end.line,
        "endColumn": place.end.column,
        "snippet": {"text": place.text},
    });
    json!({"physicalLocation": {"artifactLocation": location(&place.name), "region": region}})
}

fn location(path: &str) -> Value {
    let uri = uri(path);
    // What is outside of the repository is not relative to it.
    if uri.starts_with("file:") { json!({"uri": uri}) } else { json!({"uri": uri, "uriBaseId": ROOT}) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compact, sample};
    use super::*;

    #[test]
    fn the_sample_has_rules_places_and_fingerprints() {
        let mut report: Value = serde_json::from_str(&render(&sample()).unwrap()).unwrap();
        let rules = report["runs"][0]["tool"]["driver"]["rules"].take();
        let codes: Vec<&str> = rules.as_array().unwrap().iter().filter_map(|rule| rule["id"].as_str()).collect();
        assert_eq!(
            codes,
            [
                "duplicate-key",
                "invalid-value",
                "type-mismatch",
                "undeclared-variable",
                "undefined-variable",
                "unknown-code",
                "unused-pattern"
            ]
        );
        insta::assert_snapshot!(compact(&format!("{:#}", rules[6]), 2), @r#"
{
  "defaultConfiguration": {"level": "warning" },
  "fullDescription": {"text": "`-only` or `-except` matches no build and no post-processor." },
  "help": {"markdown": "Warning. `-only` or `-except` matches no build and no post-processor.\n\n```sh\nimgforge validate -only=nothing image.pkr.hcl\n```\n\nThe help names what there is.", "text": "`-only` or `-except` matches no build and no post-processor.\n\nThe help names what there is." },
  "helpUri": "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md#unused-pattern",
  "id": "unused-pattern",
  "properties": {"precision": "very-high", "problem.severity": "warning", "tags": ["template"] },
  "shortDescription": {"text": "`-only` or `-except` matches no build and no post-processor." }
}
"#);
        insta::assert_snapshot!(compact(&format!("{report:#}"), 8), @r#"
{
  "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
  "runs": [
    {
      "artifacts": [
        {"location": {"uri": "file:///etc/outside.pkrvars.hcl"} },
        {"location": {"uri": "images/w%C3%A9b%20%26%20db/a%3Ab%2Cc%25.pkr.hcl", "uriBaseId": "SRCROOT"} },
        {"location": {"uri": "shared/db.json", "uriBaseId": "SRCROOT"} }
      ],
      "automationDetails": {
        "id": "imgforge/"
      },
      "columnKind": "unicodeCodePoints",
      "invocations": [
        {"executionSuccessful": false, "toolExecutionNotifications": [{"level": "error", "message": {"text": "<sensitive> is in the way: 100%\n::error::no"}}, {"level": "error", "message": {"text": "null.web: connect: \u001b[31mrefused\u001b[0m <sensitive>\n<&\"']]>"}}] }
      ],
      "originalUriBaseIds": {
        "SRCROOT": {"description": {"text": "The root of the repository."} }
      },
      "results": [
        {"level": "warning", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "images/w%C3%A9b%20%26%20db/a%3Ab%2Cc%25.pkr.hcl", "uriBaseId": "SRCROOT"}}}], "message": {"text": "`-only=x` matches nothing"}, "partialFingerprints": {"imgforge/v1": "81d86ff13fcbf2b8c6abf194a078def8"}, "ruleId": "unused-pattern", "ruleIndex": 6 },
        {"level": "error", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "images/w%C3%A9b%20%26%20db/a%3Ab%2Cc%25.pkr.hcl", "uriBaseId": "SRCROOT"}, "region": {"endColumn": 32, "endLine": 2, "snippet": {"text": "rgion"}, "startColumn": 27, "startLine": 2}}}], "message": {"text": "there is no variable `rgion`\nhelp: did you mean `region`?"}, "partialFingerprints": {"imgforge/v1": "c4f4ef10f79398cef7a92edee097d734"}, "relatedLocations": [{"id": 0, "message": {"text": "declared <here>"}, "physicalLocation": {"artifactLocation": {"uri": "images/w%C3%A9b%20%26%20db/a%3Ab%2Cc%25.pkr.hcl", "uriBaseId": "SRCROOT"}, "region": {"endColumn": 13, "endLine": 1, "snippet": {"text": "pä"}, "startColumn": 11, "startLine": 1}}}, {"id": 1, "logicalLocations": [{"name": "-var x"}], "message": {"text": "set to <sensitive> here"}}], "ruleId": "undefined-variable", "ruleIndex": 4 },
        {"level": "error", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "images/w%C3%A9b%20%26%20db/a%3Ab%2Cc%25.pkr.hcl", "uriBaseId": "SRCROOT"}, "region": {"endColumn": 18, "endLine": 3, "snippet": {"text": "\"*******\""}, "startColumn": 9, "startLine": 3}}}], "message": {"text": "the password `<sensitive>` <&\"']]> is\r\n::error::100% wrong, [a](b) {0}"}, "partialFingerprints": {"imgforge/v1": "c93e98b4bf73efd6062f9836d6b61fd6"}, "ruleId": "invalid-value", "ruleIndex": 1 },
        {"level": "warning", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "images/w%C3%A9b%20%26%20db/a%3Ab%2Cc%25.pkr.hcl", "uriBaseId": "SRCROOT"}, "region": {"endColumn": 4, "endLine": 6, "snippet": {"text": "<<EOT\r\ny\r\nEOT"}, "startColumn": 5, "startLine": 4}}}], "message": {"text": "over lines"}, "partialFingerprints": {"imgforge/v1": "5cfd732cf8f4641495c8f360ebcb62bf"}, "ruleId": "unknown-code", "ruleIndex": 5 },
        {"level": "error", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "shared/db.json", "uriBaseId": "SRCROOT"}, "region": {"endColumn": 5, "endLine": 2, "snippet": {"text": "\"a\""}, "startColumn": 2, "startLine": 2}}}], "message": {"text": "the key `a` is here twice"}, "partialFingerprints": {"imgforge/v1": "0eefa31ce82b141ac066195e4db8652d"}, "ruleId": "duplicate-key", "ruleIndex": 0 },
        {"level": "error", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "shared/db.json", "uriBaseId": "SRCROOT"}, "region": {"endColumn": 8, "endLine": 2, "snippet": {"text": "1"}, "startColumn": 7, "startLine": 2}}}], "message": {"text": "the key `a` is here twice"}, "partialFingerprints": {"imgforge/v1": "5d71471bc74270eae33d37792d1a0309"}, "ruleId": "duplicate-key", "ruleIndex": 0 },
        {"level": "warning", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "file:///etc/outside.pkrvars.hcl"}, "region": {"endColumn": 2, "endLine": 1, "snippet": {"text": "z"}, "startColumn": 1, "startLine": 1}}}], "message": {"text": "there is no variable `z`"}, "partialFingerprints": {"imgforge/v1": "993a72f27e1fe84bd1aa08eb2fba4086"}, "ruleId": "undeclared-variable", "ruleIndex": 3 },
        {"level": "error", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "images/w%C3%A9b%20%26%20db/a%3Ab%2Cc%25.pkr.hcl", "uriBaseId": "SRCROOT"}}}], "message": {"text": "-var x: `x` is no number"}, "partialFingerprints": {"imgforge/v1": "419bb4f8e1a644d092e0cd5cb86f2b6f"}, "ruleId": "type-mismatch", "ruleIndex": 2 }
      ],
      "tool": {
        "driver": {"informationUri": "https://github.com/imgforge/imgforge", "name": "imgforge", "rules": null, "semanticVersion": "0.1.0" }
      }
    }
  ],
  "version": "2.1.0"
}
"#);
    }
}
