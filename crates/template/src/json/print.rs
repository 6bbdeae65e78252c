//! JSON as `packer fix` prints it: two spaces, keys in order, `<` and `>` as they are.

use crate::number::Number;
use crate::syntax::{Expression, ExpressionKind};
use std::fmt::Write as _;

/// Writes a value that consists of what JSON has. The text has no newline at its end.
pub fn print(value: &Expression) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text
}

fn write(out: &mut String, value: &Expression, depth: usize) {
    match &value.kind {
        ExpressionKind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        ExpressionKind::Number(value) => out.push_str(&number(value)),
        ExpressionKind::String(text) => string(out, text.value()),
        ExpressionKind::Tuple(elements) => {
            bracketed(out, ('[', ']'), elements.iter(), depth, |out, element| write(out, element, depth + 1));
        }
        ExpressionKind::Object(items) => {
            let mut members: Vec<(&str, &Expression)> =
                items.iter().filter_map(|item| Some((item.key.literal()?.value, &item.value))).collect();
            members.sort_by_key(|(name, _)| *name);
            bracketed(out, ('{', '}'), members.iter(), depth, |out, (name, value)| {
                string(out, name);
                out.push_str(": ");
                write(out, value, depth + 1);
            });
        }
        _ => out.push_str("null"),
    }
}

fn bracketed<T>(
    out: &mut String,
    (open, close): (char, char),
    elements: impl ExactSizeIterator<Item = T>,
    depth: usize,
    mut write: impl FnMut(&mut String, T),
) {
    out.push(open);
    let is_empty = elements.len() == 0;
    for (index, element) in elements.enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        write(out, element);
    }
    if !is_empty {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(close);
}

/// Whole numbers with all their digits, others as Go writes them; an exponent where there would be many zeros.
fn number(value: &Number) -> String {
    let digits = value.to_string();
    if value.is_integer() && digits.trim_start_matches('-').len() <= 21 {
        return digits;
    }
    let float = value.as_f64();
    if (1e-6..1e21).contains(&float.abs()) {
        return float.to_string();
    }
    match format!("{float:e}").split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
        Some((mantissa, exponent)) => format!("{mantissa}e{exponent}"),
        None => digits,
    }
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Go writes these so that the text can stand in a web page.
            '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // A text takes whatever is written.
                let _written = write!(out, "\\u{:04x}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;
    use crate::json;
    use crate::source::{Origin, Sources};

    #[test]
    fn values_are_written_as_packer_fix_writes_them() {
        let text = r#"{"b": [], "a": {"y": [1.0, 1e21, 1e20, 1e-7, 0.000001, 123456789012345678, -1.5,
                999999999999999999999, 1234567890123456789012, -0], "x": {}},
            "c": "<&>\u2028é\u0001\u007f\"\\/\t\b", "d": [null, true]}"#;
        let mut diagnostics = Diagnostics::default();
        let root = json::parse(Sources::default().add("t.json", Origin::File, text), text, &mut diagnostics);
        assert!(diagnostics.is_empty());
        let expected = r#"{
  "a": {
    "x": {},
    "y": [
      1,
      1e+21,
      100000000000000000000,
      1e-7,
      0.000001,
      123456789012345678,
      -1.5,
      999999999999999999999,
      1.2345678901234568e+21,
      0
    ]
  },
  "b": [],
  "c": "<\u0026>\u2028é\u0001~\"\\/\t\u0008",
  "d": [
    null,
    true
  ]
}"#;
        assert_eq!(print(&root), expected.replace('~', "\u{7f}"));
    }
}
