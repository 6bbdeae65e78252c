//! Google's rules for names and labels, checked before anything runs.

use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::Span;

/// The help of a message about a name.
const NAME_HELP: &str = "it begins with a lower-case letter and has up to 63 of a-z, 0-9 and `-`, which is not its end";

/// Whether a text can be the name of an image, a family, a disk or an instance: `[a-z]([-a-z0-9]{0,61}[a-z0-9])?`.
pub fn is_name(text: &str) -> bool {
    let may_be = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(may_be)
        && !text.ends_with('-')
}

/// Says that an argument's value can't be a name.
pub fn check_name(argument: &str, text: &str, span: Span, diagnostics: &mut Diagnostics) {
    if !is_name(text) {
        let message = format!("`{argument}` can't be `{text}`");
        diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(NAME_HELP));
    }
}

/// Says that a label can't be one.
pub fn check_label(argument: &str, key: &str, value: &str, span: Span, diagnostics: &mut Diagnostics) {
    let may_be = |letter: char| {
        (letter.is_alphabetic() && !letter.is_uppercase()) || letter.is_numeric() || matches!(letter, '-' | '_')
    };
    let is_key = key.chars().count() <= 63 && key.chars().all(may_be) && key.starts_with(char::is_lowercase);
    if !is_key {
        let message = format!("a label in `{argument}` can't have the key `{key}`");
        let help = "it begins with a lower-case letter and has up to 63 lower-case letters, digits, `-` and `_`";
        diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
    }
    if value.chars().count() > 63 || !value.chars().all(may_be) {
        let message = format!("the label `{key}` in `{argument}` can't have the value `{value}`");
        let help = "it has up to 63 lower-case letters, digits, `-` and `_`";
        diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
    }
    if key.starts_with("imgforge-") {
        let message = format!("the label `{key}` in `{argument}` is one that imgforge gives");
        diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help("choose another key"));
    }
}

/// What the name of an object begins with in every run of a template: all before the word with the first digit, since times,
/// numbers and identifiers have digits.
pub fn steady_prefix(name: &str) -> &str {
    match name.find(|letter: char| letter.is_ascii_digit()).and_then(|first| name.get(..first)) {
        Some(before) => before.trim_end_matches(|letter: char| letter.is_ascii_alphanumeric()),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_google_s_pattern_says() {
        for name in ["a", "packer-1", &format!("a{}", "b".repeat(62))] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1a", "A", "a-", "a_b", "a.b", "é", &"a".repeat(64)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn what_runs_differ_in_has_digits() {
        for (name, prefix) in [
            ("web.tar.gz", "web.tar.gz"),
            ("packer-import-1764099131.tar.gz", "packer-import-"),
            ("exports/web-v2-1764099131.tar.gz", "exports/web-"),
            ("exports/web-c0ffee00-1234.tar.gz", "exports/web-"),
            ("2026/11/web.tar.gz", ""),
            ("é1.tar.gz", "é"),
        ] {
            assert_eq!(steady_prefix(name), prefix);
        }
    }
}
