//! Numbers and words of JSON, and what people write in their place.

use super::{Parser, is_word, quote};
use crate::number::Number;
use crate::syntax::{Expression, ExpressionKind};

impl Parser<'_> {
    pub(super) fn number(&mut self) -> Expression {
        let place = self.take_while(|letter| letter.is_alphanumeric() || matches!(letter, '+' | '-' | '.' | '_'));
        if self.is_unopened(place.start) {
            return self.broken(place.start..self.at);
        }
        let written = &self.text[place.clone()];
        let (message, help) = match number_mistake(written) {
            None => match Number::parse(written) {
                Some(number) => return self.expression(ExpressionKind::Number(number), place),
                None => (Number::out_of_range(written).to_owned(), Number::RANGE),
            },
            Some(help) => (format!("`{written}` is not a JSON number"), help),
        };
        self.error("json-number", place.clone(), message, help);
        self.broken(place)
    }

    pub(super) fn word(&mut self) -> Expression {
        let place =
            self.take_while(|letter| is_word(letter) || letter.is_ascii_digit() || matches!(letter, '-' | '.' | '/'));
        if self.is_unopened(place.start) {
            return self.broken(place.start..self.at);
        }
        let written = &self.text[place.clone()];
        let kind = match written {
            "null" => ExpressionKind::Null,
            "true" => ExpressionKind::Bool(true),
            "false" => ExpressionKind::Bool(false),
            _ => {
                let lower = written.to_lowercase();
                let help = match lower.as_str() {
                    "true" | "false" | "null" => format!("write `{lower}`"),
                    "none" | "nil" | "undefined" => "write `null`".to_owned(),
                    "yes" | "on" => "write `true`".to_owned(),
                    "no" | "off" => "write `false`".to_owned(),
                    _ => format!("write `\"{written}\"`"),
                };
                let message = format!("`{written}` is not a JSON value");
                self.error("json-value", place.clone(), message, help);
                ExpressionKind::Broken
            }
        };
        self.expression(kind, place)
    }

    /// Whether the word that began at `start` turns out to be a string without its opening quote; read then.
    fn is_unopened(&mut self, start: usize) -> bool {
        if quote::is_followed_well(self.text, self.at) {
            return false;
        }
        let end = std::mem::replace(&mut self.at, start);
        let found = self.unopened_string(false).is_some();
        if !found {
            self.at = end;
        }
        found
    }

    /// `{{ … }}` outside a string, where JSON would see two objects.
    pub(super) fn bare_template(&mut self) -> Expression {
        let start = self.at;
        let line = &self.rest()[..self.rest().find('\n').unwrap_or(self.rest().len())];
        let length = line.find("}}").map_or(line.trim_end_matches([',', '\r', ' ']).len(), |at| at + 2);
        self.at += length;
        let message = "a template expression has to stand inside a string";
        self.error("json-value", start..self.at, message, "put double quotes round it");
        self.resuming = true;
        self.broken(start..self.at)
    }
}

/// What to do about a number that JSON does not know; `None` if it does.
fn number_mistake(written: &str) -> Option<&'static str> {
    let unsigned = written.strip_prefix('-').unwrap_or(written);
    let digits = |text: &str| text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let whole = digits(unsigned);
    if written.starts_with('+') {
        return Some("delete the `+`");
    }
    if whole == 0 {
        return Some("a number begins with a digit, or with `-` and a digit");
    }
    if whole > 1 && unsigned.starts_with('0') {
        return Some("delete the zeros in front, or put double quotes round it if it is text such as a file mode");
    }
    let mut rest = &unsigned[whole..];
    if let Some(after_point) = rest.strip_prefix('.') {
        let fraction = digits(after_point);
        if fraction == 0 {
            return Some("digits follow a decimal point");
        }
        rest = &after_point[fraction..];
    }
    if let Some(after_e) = rest.strip_prefix(['e', 'E']) {
        let exponent = after_e.strip_prefix(['+', '-']).unwrap_or(after_e);
        let length = digits(exponent);
        if length == 0 {
            return Some("digits follow the `e` of an exponent");
        }
        rest = &exponent[length..];
    }
    (!rest.is_empty()).then_some("put double quotes round it if it is text")
}
