//! JSON: a strict parser that knows where everything stands and goes on after a mistake.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{FileId, Span, Text};
use crate::syntax::{Expression, ExpressionKind, ObjectItem, ObjectKey};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

mod scalar;
mod skip;
mod string;
#[cfg(test)]
mod tests;

/// Brackets in brackets. Templates need about ten; the tree is walked recursively by all who come after.
const DEEPEST: usize = 128;
/// A file with more mistakes than this is no JSON at all.
const MOST_ERRORS: usize = 100;

/// Parses a whole legacy file. What is broken becomes [`ExpressionKind::Broken`], and the diagnostics say why.
///
/// The grammar is that of RFC 8259, without a byte order mark. Of keys that are there twice the first counts.
pub fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Expression {
    Parser::new(file, text, Dialect::Legacy, diagnostics).file()
}

/// Parses HCL2 that is written as JSON. The same, but keys may be there twice: only their meaning says whether this is
/// wrong.
pub fn parse_hcl(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Expression {
    Parser::new(file, text, Dialect::Hcl, diagnostics).file()
}

/// Parses a file of values for the variables of HCL2.
pub fn parse_values(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Expression {
    Parser::new(file, text, Dialect::Values, diagnostics).file()
}

/// What the JSON is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Legacy,
    Hcl,
    /// Variables of HCL2.
    Values,
}

/// Reports a key that is there twice.
pub(crate) fn duplicate_key(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error("duplicate-key", format!("the key `{name}` is here twice"))
        .at(span)
        .related(first, "first here")
        .help("delete one of the two")
}

/// What kind of JSON value it is, for "not …".
pub(crate) fn describe(value: &Expression) -> &'static str {
    match value.kind {
        ExpressionKind::Null => "null",
        ExpressionKind::Bool(_) => "a bool",
        ExpressionKind::Number(_) => "a number",
        ExpressionKind::String(_) => "a string",
        ExpressionKind::Tuple(_) => "a list",
        _ => "an object",
    }
}

struct Parser<'a> {
    file: FileId,
    text: &'a str,
    dialect: Dialect,
    /// Byte offset of what is read next; always on a character boundary.
    at: usize,
    /// Where each bracket that is still open stands.
    open: Vec<usize>,
    errors: usize,
    /// The last value ended in a way that may have swallowed its comma: do not miss it.
    resuming: bool,
    diagnostics: &'a mut Diagnostics,
}

impl<'a> Parser<'a> {
    fn new(file: FileId, text: &'a str, dialect: Dialect, diagnostics: &'a mut Diagnostics) -> Self {
        Self { file, text, dialect, at: 0, open: Vec::new(), errors: 0, resuming: false, diagnostics }
    }

    fn file(&mut self) -> Expression {
        if self.text.starts_with('\u{feff}') {
            let message = "the file begins with a byte order mark, which JSON does not allow";
            let help = "save the file as UTF-8 without a byte order mark";
            self.error("byte-order-mark", 0..3, message, help);
            self.at = 3;
        }
        self.skip_space();
        if self.peek().is_none() {
            let help = match self.dialect {
                Dialect::Legacy => "a template is an object with at least `builders`",
                Dialect::Hcl | Dialect::Values => "the least there can be is `{}`",
            };
            self.error("json-value", self.at..self.at, "there is nothing in this file", help);
            return self.broken(self.at..self.at);
        }
        let root = self.value();
        self.skip_space();
        if let Some(next) = self.peek()
            && !self.gave_up()
        {
            let place = self.at..self.at + next.len_utf8();
            let (message, help) = if matches!(next, '}' | ']') {
                (format!("`{next}` closes nothing that is open"), "delete it, or add the bracket that it closes")
            } else {
                ("something follows the end of the template".to_owned(), "delete it: a file holds one JSON value")
            };
            self.error("json-trailing-data", place, message, help);
        }
        if self.gave_up() {
            let message = format!("more than {MOST_ERRORS} mistakes, the rest of the file was not read");
            let end = self.span(self.text.len()..self.text.len());
            self.diagnostics.push(Diagnostic::error("json-value", message).at(end).help("is this a JSON file?"));
        }
        root
    }

    fn value(&mut self) -> Expression {
        self.skip_space();
        let start = self.at;
        match self.peek() {
            Some('{') if self.rest().starts_with("{{") => self.bare_template(),
            Some('{' | '[') if self.open.len() >= DEEPEST => self.too_deep(),
            Some('{') => self.object(),
            Some('[') => self.array(),
            Some('"') => match self.string() {
                Some(text) => self.expression(ExpressionKind::String(Arc::new(text)), start..self.at),
                None => self.broken(start..self.at),
            },
            Some('\'' | '‘' | '’' | '“' | '”') => {
                self.foreign_quotes();
                self.broken(start..self.at)
            }
            Some(letter) if letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.') => self.number(),
            Some(letter) if is_word(letter) => self.word(),
            Some(':') => {
                while self.peek() == Some(':') {
                    self.at += 1;
                    self.skip_space();
                }
                self.error("json-colon", start..start + 1, "there is a `:` too many", "delete it");
                // Not back to the top: a line of colons would take the stack with it.
                if matches!(self.peek(), Some('"')) { self.value() } else { self.junk(start) }
            }
            // What is open is told as not closed.
            None => self.broken(start..start),
            Some(',' | '}' | ']') => {
                self.error("json-value", start..start, "a value is missing here", "write a value, or delete its key");
                self.broken(start..start)
            }
            Some(other) => {
                let message = format!("`{other}` does not begin a JSON value");
                self.error("json-value", start..start + other.len_utf8(), message, "text stands in double quotes");
                self.junk(start)
            }
        }
    }

    /// What is left of a value that is none.
    fn junk(&mut self, start: usize) -> Expression {
        self.skip_junk();
        self.resuming = true;
        self.broken(start..self.at)
    }

    fn object(&mut self) -> Expression {
        let start = self.open_bracket();
        let mut items: Vec<ObjectItem> = Vec::new();
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut first = true;
        while self.another(start, '}', first) {
            first = false;
            let key_start = self.at;
            let Some(key) = self.key() else {
                self.resuming = true;
                self.skip_junk();
                continue;
            };
            let (name, span) = (key.value(), self.span(key_start..self.at));
            let value = if self.colon(name, span) { self.value() } else { self.broken(self.at..self.at) };
            match seen.get(name) {
                Some(first) if self.dialect != Dialect::Hcl => self.push(duplicate_key(name, span, *first)),
                _ => {
                    seen.insert(name.to_owned(), span);
                    let key = Expression { kind: ExpressionKind::String(Arc::new(key)), span };
                    items.push(ObjectItem { key: ObjectKey::Expression(key), value });
                }
            }
        }
        self.expression(ExpressionKind::Object(items), start..self.at)
    }

    fn array(&mut self) -> Expression {
        let start = self.open_bracket();
        let mut elements = Vec::new();
        while self.another(start, ']', elements.is_empty()) {
            let element = self.value();
            elements.push(element);
        }
        self.expression(ExpressionKind::Tuple(elements), start..self.at)
    }

    fn open_bracket(&mut self) -> usize {
        let start = self.at;
        self.open.push(start);
        self.at += 1;
        start
    }

    /// Reads what stands between two members, and says whether there is one more. At the closing bracket, which it
    /// eats, and wherever else the object or array has to end, there is not.
    fn another(&mut self, start: usize, close: char, first: bool) -> bool {
        let resuming = std::mem::take(&mut self.resuming);
        let end_of_last = self.at;
        self.skip_space();
        let mut comma = None;
        while self.peek() == Some(',') {
            if first || comma.is_some() {
                let message = "there is a `,` too many";
                self.error("json-comma", self.at..self.at + 1, message, "delete it, or write the value before it");
            }
            comma = Some(self.at);
            self.at += 1;
            self.skip_space();
        }
        let Some(next) = self.peek() else {
            self.unclosed(start, None);
            return false;
        };
        if next == '}' || next == ']' {
            return self.closing(start, next, close, comma.filter(|_| !first));
        }
        if self.gave_up() {
            self.at = self.text.len();
            self.open.pop();
            return false;
        }
        if comma.is_none() && !first && !resuming {
            let begins_member = matches!(next, '"' | '\'' | '{' | '[' | '-') || is_word(next);
            if begins_member {
                let message = "a `,` is missing here";
                self.error("json-comma", end_of_last..end_of_last, message, "separate members by `,`");
            } else {
                let message = format!("`{next}` is not expected here");
                let help = format!("a `,` or `{close}` follows a value");
                self.error("json-value", self.at..self.at + next.len_utf8(), message, help);
                self.skip_junk();
                self.resuming = true;
                return self.another(start, close, false);
            }
        }
        true
    }

    /// At a closing bracket inside the object or array that is open at `start`. False, unless it closes nothing.
    fn closing(&mut self, start: usize, found: char, close: char, comma: Option<usize>) -> bool {
        if let Some(comma) = comma {
            let message = format!("a `,` stands before `{found}`, which JSON does not allow");
            self.error("json-trailing-comma", comma..comma + 1, message, "delete the `,`");
        }
        if found == close {
            self.at += 1;
            self.open.pop();
            return false;
        }
        let opening = if found == '}' { b'{' } else { b'[' };
        let outer = &self.open[..self.open.len().saturating_sub(1)];
        if outer.iter().any(|at| self.text.as_bytes().get(*at) == Some(&opening)) {
            self.unclosed(start, Some(self.at));
            return false;
        }
        let message = format!("`{found}` does not close what is open here");
        let place = self.span(self.at..self.at + 1);
        let opened = self.span(start..start + 1);
        self.push(
            Diagnostic::error("json-unclosed", message)
                .at(place)
                .related(opened, "opened here")
                .help(format!("write `{close}`")),
        );
        // Most likely the wrong bracket of the right pair.
        self.at += 1;
        self.open.pop();
        false
    }

    fn unclosed(&mut self, start: usize, before: Option<usize>) {
        let inner = self.open.pop().is_some_and(|at| at == start);
        // At the end of the file one bracket is missing, not all that are open.
        if before.is_none() {
            if self.open.is_empty() && !inner {
                return;
            }
            self.open.clear();
        }
        let bracket = self.text[start..].chars().next().unwrap_or('{');
        let close = if bracket == '{' { '}' } else { ']' };
        let mut diagnostic = Diagnostic::error("json-unclosed", format!("this `{bracket}` is never closed"))
            .at(self.span(start..start + 1))
            .help(format!("add the missing `{close}`"));
        if let Some(before) = before {
            diagnostic =
                diagnostic.related(self.span(before..before + 1), format!("a `{close}` is missing before this"));
        }
        self.push(diagnostic);
    }

    fn key(&mut self) -> Option<Text> {
        let start = self.at;
        match self.peek()? {
            '"' => {
                let text = self.string();
                self.resuming |= text.is_none();
                text
            }
            '\'' | '‘' | '’' | '“' | '”' => {
                let name = self.foreign_quotes();
                Some(Text::opaque(&name, self.span(start..self.at)))
            }
            '{' if self.rest().starts_with("{{") => {
                self.bare_template();
                None
            }
            letter if is_word(letter) || letter.is_ascii_digit() || letter == '-' => {
                let word = self.take_while(|letter| is_word(letter) || letter.is_ascii_digit() || letter == '-');
                let name = &self.text[word.clone()];
                let help = format!("write `\"{name}\"`");
                let mut text = Text::new(self.file);
                text.push_verbatim(name, word.start);
                self.error("json-key", word, format!("the key `{name}` has no double quotes"), help);
                Some(text)
            }
            other => {
                let help = "an object holds `\"key\": value` pairs, separated by `,`";
                let message = format!("a key is expected here, not `{other}`");
                self.error("json-key", start..start + other.len_utf8(), message, help);
                if matches!(other, '{' | '[') {
                    self.skip_brackets();
                } else if other == ':' {
                    self.at += 1;
                }
                None
            }
        }
    }

    /// Reads the `:` behind a key; false if there is no value either.
    fn colon(&mut self, key: &str, span: Span) -> bool {
        let end_of_key = self.at;
        self.skip_space();
        match self.peek() {
            Some(':') => {
                self.at += 1;
                true
            }
            Some('=') => {
                let length = if self.rest().starts_with("=>") { 2 } else { 1 };
                let message = "a `:` stands between key and value in JSON";
                self.error("json-colon", self.at..self.at + length, message, "write `:`");
                self.at += length;
                true
            }
            None => false,
            Some(',' | '}' | ']') => {
                let message = format!("the key `{key}` has no value");
                self.push(Diagnostic::error("json-colon", message).at(span).help("write `:` and a value behind it"));
                false
            }
            Some(_) => {
                let message = format!("a `:` is missing after the key `{key}`");
                self.error("json-colon", end_of_key..end_of_key, message, "write `:` between key and value");
                true
            }
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> Range<usize> {
        let start = self.at;
        self.at += self.rest().find(|letter| !wanted(letter)).unwrap_or(self.rest().len());
        start..self.at
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range)
    }

    fn expression(&self, kind: ExpressionKind, range: Range<usize>) -> Expression {
        Expression { kind, span: self.span(range) }
    }

    fn broken(&self, range: Range<usize>) -> Expression {
        self.expression(ExpressionKind::Broken, range)
    }

    fn error(&mut self, code: &'static str, range: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let place = self.span(range);
        self.push(Diagnostic::error(code, message).at(place).help(help));
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        self.errors += 1;
        if self.errors <= MOST_ERRORS {
            self.diagnostics.push(diagnostic);
        }
    }

    fn gave_up(&self) -> bool {
        self.errors > MOST_ERRORS
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphabetic() || matches!(letter, '_' | '$')
}
