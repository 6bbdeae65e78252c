//! Legacy JSON: no panic, every place inside of the text, and the verdict of another parser.
#![no_main]

use imgforge_template::diagnostic::{Diagnostics, Severity};
use imgforge_template::source::{Origin, Sources, Span};
use imgforge_template::syntax::{Expression, ExpressionKind, ObjectKey};
use imgforge_template::{document, json};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fn check(text: &str, span: Span) {
    assert!(text.get(span.range()).is_some(), "{span:?}");
}

fn walk(text: &str, expression: &Expression) {
    check(text, expression.span);
    match &expression.kind {
        ExpressionKind::Tuple(elements) => elements.iter().for_each(|element| walk(text, element)),
        ExpressionKind::Object(items) => {
            for item in items {
                match &item.key {
                    ObjectKey::Name(name) => check(text, name.span),
                    ObjectKey::Expression(key) => walk(text, key),
                }
                walk(text, &item.value);
            }
        }
        ExpressionKind::String(cooked) => check(text, cooked.span(0..cooked.value().len())),
        _ => {}
    }
}

fuzz_target!(|text: &str| {
    let file = Sources::default().add("t.json", Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    let root = json::parse(file, text, &mut diagnostics);
    walk(text, &root);
    for diagnostic in diagnostics.iter() {
        diagnostic.primary.iter().chain(&diagnostic.related).for_each(|label| check(text, label.span));
    }
    let is_refused = diagnostics.iter().any(|found| {
        // What is no matter of syntax to the other one.
        let is_syntax =
            !matches!(found.code, "duplicate-key" | "json-nesting") && !found.message.starts_with("this number is too ");
        found.severity == Severity::Error && is_syntax
    });
    let is_too_deep = diagnostics.iter().any(|found| found.code == "json-nesting");
    let theirs = serde_json::from_str::<IgnoredAny>(text);
    assert!(is_too_deep || is_refused == theirs.is_err(), "{diagnostics:?} and {theirs:?}");
    document::legacy::document(&root, &mut diagnostics);
});
