//! Functions that the oldest version of Packer a template allows for does not have.

use super::{Report, Subject, walk};
use imgforge_template::document::Language;
use imgforge_template::requirement;
use std::collections::BTreeSet;

/// The version whose functions are known: the one that Debian and Ubuntu have.
const OLD: &str = "1.6.6";

/// The functions of Packer 1.16 that 1.6.6 says it does not have, sorted.
const LATER: &[&str] = &[
    "alltrue",
    "anytrue",
    "aws_secretsmanager_raw",
    "base64gzip",
    "endswith",
    "filebase64",
    "legacy_isotime",
    "legacy_strftime",
    "regex",
    "regexall",
    "rfc3339_parse",
    "startswith",
    "strcontains",
    "sum",
    "templatefile",
    "textdecodebase64",
    "textencodebase64",
    "unix_timestamp_parse",
];

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let document = &subject.template.document;
    // JSON has no such functions, and a template that names no version allows for nothing in particular.
    if document.language == Language::Legacy {
        return;
    }
    let Some(first) = document.requirements.first() else { return };
    if !document.requirements.iter().all(|wanted| requirement::is_met(&wanted.constraint, OLD) == Ok(true)) {
        return;
    }
    let constraint = first.constraint.span;
    let mut told = BTreeSet::new();
    walk::expressions(document, &mut |expression| {
        for call in walk::calls(expression) {
            let name = &*call.name.value;
            // Each once: they all are mended at one place.
            if LATER.binary_search(&name).is_ok() && told.insert(name.to_owned()) {
                report.say_beside(
                    call.name.span,
                    format!("Packer {OLD} has no function `{name}`, and this template allows for it"),
                    "ask for a later version: `required_version = \">= 1.7.0\"` at least",
                    (constraint, "the versions it allows for"),
                );
            }
        }
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_can_be_searched() {
        assert!(super::LATER.is_sorted());
    }
}
