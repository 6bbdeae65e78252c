//! How legacy JSON reads a value of another type than is wanted: "1" is true, true is 1, "" is zero.
//!
//! Found out by running Packer 1.6.6, whose decoder is weak in the way of Go's `strconv`.

use crate::value::Kind;

/// A bool, from a value and its text.
pub(crate) fn bool(kind: &Kind, text: &str) -> Option<bool> {
    match (kind, text) {
        (Kind::Number(number), _) => Some(!number.is_zero()),
        (_, "1" | "t" | "T" | "true" | "TRUE" | "True") => Some(true),
        (_, "0" | "f" | "F" | "false" | "FALSE" | "False" | "") => Some(false),
        _ => None,
    }
}

/// The decimal text of a whole number, from a value and its text; the same text where there is nothing to change.
pub(crate) fn integer(kind: &Kind, text: String) -> String {
    let number = match kind {
        Kind::Bool(value) => Some(i128::from(*value)),
        Kind::Number(_) => return text.split('.').next().unwrap_or_default().to_owned(),
        Kind::String(_) if text.is_empty() => Some(0),
        Kind::String(_) => with_base(&text),
        _ => None,
    };
    number.map_or(text, |number| number.to_string())
}

/// A number that says its base: `0x1f`, `0o17`, `017`, `0b11`.
fn with_base(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.strip_prefix('0')?;
    let (base, digits) = match digits.as_bytes().first()? {
        b'x' | b'X' => (16, &digits[1..]),
        b'o' | b'O' => (8, &digits[1..]),
        b'b' | b'B' => (2, &digits[1..]),
        _ => (8, digits),
    };
    // What has a sign here is no number.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i128::from_str_radix(digits, base).ok().map(|number| sign * number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn texts_are_read_as_go_reads_them() {
        let string = Value::string("").kind;
        let table = [
            ("", "0"),
            ("22", "22"),
            ("0x1F", "31"),
            ("-0x10", "-16"),
            ("0755", "493"),
            ("0o17", "15"),
            ("0b101", "5"),
            ("089", "089"),
            ("0x", "0x"),
            ("0-1", "0-1"),
            ("often", "often"),
        ];
        for (given, expected) in table {
            assert_eq!(integer(&string, given.to_owned()), expected, "{given}");
        }
        assert_eq!(integer(&Kind::Bool(true), "true".to_owned()), "1");
        assert_eq!(integer(&Value::number(5).kind, "5.75".to_owned()), "5");
        let bools = ["T", "True", "f", "", "yes", "2"].map(|text| bool(&string, text));
        assert_eq!(bools, [Some(true), Some(true), Some(false), Some(false), None, None]);
        assert_eq!(bool(&Value::number(2).kind, "2"), Some(true));
    }
}
