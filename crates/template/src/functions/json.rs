//! Values as JSON, as Go's encoder writes it.

use super::{Failure, bounded};
use crate::value::{Kind, Value};
use std::fmt::Write;

/// The value as JSON: keys sorted, no spaces, `<`, `>` and `&` escaped. It has to be wholly known.
///
/// # Errors
/// For what JSON cannot hold, and for too much of it.
pub(super) fn encode(value: &Value) -> Result<String, Failure> {
    let mut text = String::new();
    write(value, &mut text)?;
    Ok(text)
}

fn write(value: &Value, text: &mut String) -> Result<(), Failure> {
    bounded(text.len())?;
    match &value.kind {
        Kind::Null(_) => text.push_str("null"),
        Kind::Bool(known) => text.push_str(if *known { "true" } else { "false" }),
        Kind::Number(number) if number.is_infinite() => return Err(Failure::new("JSON has no infinity")),
        Kind::Number(number) => text.push_str(&number.to_string()),
        Kind::String(string) => quote(string, text),
        Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => {
            let mut separator = "[";
            for element in elements.iter() {
                text.push_str(separator);
                separator = ",";
                write(element, text)?;
            }
            text.push_str(if elements.is_empty() { "[]" } else { "]" });
        }
        Kind::Map(_, members) | Kind::Object(members) => {
            let mut separator = '{';
            for (name, member) in members.iter() {
                text.push(separator);
                separator = ',';
                quote(name, text);
                text.push(':');
                write(member, text)?;
            }
            text.push_str(if members.is_empty() { "{}" } else { "}" });
        }
        Kind::Unknown(_) | Kind::Type(_) => return Err(Failure::new("JSON has no form for this value")),
    }
    Ok(())
}

/// A string of JSON, as Go escapes it for use inside HTML and JavaScript.
pub(super) fn quote(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _: Result<(), std::fmt::Error> = write!(text, "\\u{:04x}", u32::from(character));
            }
            _ => text.push(character),
        }
    }
    text.push('"');
}
