//! JSON: a strict parser that knows where everything stands and goes on after a mistake.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{FileId, Span, Text};
use crate::syntax::{Expression, ExpressionKind, ObjectItem, ObjectKey};
use brackets::{Action, Plan};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

mod brackets;
mod print;
mod quote;
mod scalar;
mod skip;
mod string;
#[cfg(test)]
mod tests;

pub use print::print;

/// Brackets in brackets. Templates need about ten; the tree is walked recursively by all who come after.
const DEEPEST: usize = 128;
/// A file with more mistakes than this is no JSON at all.
const MOST_ERRORS: usize = 100;

/// Parses a whole legacy file. What is broken becomes [`ExpressionKind::Broken`], and the diagnostics say why.
///
/// The grammar is that of RFC 8259, without a byte order mark. Of keys that are there twice the first counts.
pub fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Expression {
    read(file, text, Dialect::Legacy, diagnostics)
}

/// Parses HCL2 that is written as JSON. The same, but keys may be there twice: only their meaning says whether this is
/// wrong.
pub fn parse_hcl(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Expression {
    read(file, text, Dialect::Hcl, diagnostics)
}

/// Parses a file of values for the variables of HCL2.
pub fn parse_values(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Expression {
    read(file, text, Dialect::Values, diagnostics)
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

/// A member of an object.
pub(crate) fn member<'a>(items: &'a [ObjectItem], name: &str) -> Option<&'a Expression> {
    items.iter().find(|item| item.key.literal().is_some_and(|key| key.value == name)).map(|item| &item.value)
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

/// Once, and once more with a plan for the brackets where they do not match: the reading with fewer mistakes counts.
fn read(file: FileId, text: &str, dialect: Dialect, diagnostics: &mut Diagnostics) -> Expression {
    let mut first = Parser::new(file, text, dialect, Plan::default());
    let root = first.file();
    if !first.brackets_wrong {
        diagnostics.append(first.diagnostics);
        return root;
    }
    let mut second = Parser::new(file, text, dialect, brackets::plan(text));
    let second_root = second.file();
    if second.errors == 0 || second.errors > first.errors {
        diagnostics.append(first.diagnostics);
        return root;
    }
    diagnostics.append(second.diagnostics);
    second_root
}

struct Parser<'a> {
    file: FileId,
    text: &'a str,
    dialect: Dialect,
    /// Byte offset of what is read next; always on a character boundary.
    at: usize,
    /// The brackets that are still open.
    open: Vec<Open>,
    /// What is known about brackets that do not match.
    plan: Plan,
    brackets_wrong: bool,
    errors: usize,
    /// The last value ended in a way that may have swallowed its comma: do not miss it.
    resuming: bool,
    diagnostics: Diagnostics,
}

#[derive(Clone, Copy)]
struct Open {
    at: usize,
    close: char,
    /// It is not in the text, and reported.
    is_added: bool,
}

impl<'a> Parser<'a> {
    fn new(file: FileId, text: &'a str, dialect: Dialect, plan: Plan) -> Self {
        Self {
            file,
            text,
            dialect,
            at: 0,
            open: Vec::new(),
            plan,
            brackets_wrong: false,
            errors: 0,
            resuming: false,
            diagnostics: Diagnostics::default(),
        }
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
            self.brackets_wrong = true;
            let (message, help) = if matches!(next, '}' | ']') {
                (format!("`{next}` closes nothing that is open"), "delete it, or add the bracket that it closes")
            } else {
                ("something follows the end of the template".to_owned(), "delete it: a file holds one JSON value")
            };
            let place = self.span(place);
            self.tell(Diagnostic::error("json-trailing-data", message).at(place).help(help));
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
        for (close, bracket) in [(b'}', '{'), (b']', '[')] {
            if self.plan.has(start, Action::Open(close)) && self.open.len() < DEEPEST && !self.is_added_here() {
                let before = self.text[..start].trim_end();
                // After a colon it belongs to the line of the key.
                let (place, where_) = match before.strip_suffix(':') {
                    Some(key) => (key.len()..before.len(), "after"),
                    None => (start..start + 1, "before"),
                };
                let message = format!("a `{bracket}` is missing {where_} this");
                self.error("json-unclosed", place, message, format!("add the missing `{bracket}`"));
                return if bracket == '{' { self.object(true) } else { self.array(true) };
            }
        }
        match self.peek() {
            Some('{') if self.rest().starts_with("{{") => match self.unopened_string(false) {
                Some(_) => self.broken(start..self.at),
                None => self.bare_template(),
            },
            Some('{' | '[') if self.open.len() >= DEEPEST => self.too_deep(),
            Some('{') => self.object(false),
            Some('[') => self.array(false),
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
            Some(_) if self.unopened_string(false).is_some() => self.broken(start..self.at),
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

    fn object(&mut self, is_added: bool) -> Expression {
        let start = self.open_bracket('}', is_added);
        let mut items: Vec<ObjectItem> = Vec::new();
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut first = true;
        while self.another(start, first) {
            first = false;
            let key_start = self.at;
            let Some(key) = self.key() else {
                self.resuming = true;
                self.skip_junk();
                continue;
            };
            let (name, span) = (key.value(), self.span(key_start..self.at));
            let has_value = self.colon(name, span);
            let value = if has_value { self.value() } else { self.broken(self.at..self.at) };
            match seen.get(name) {
                Some(first) if self.dialect != Dialect::Hcl => {
                    if has_value {
                        self.push(duplicate_key(name, span, *first));
                    }
                }
                _ => {
                    if has_value {
                        seen.insert(name.to_owned(), span);
                    }
                    let key = Expression { kind: ExpressionKind::String(Arc::new(key)), span };
                    items.push(ObjectItem { key: ObjectKey::Expression(key), value });
                }
            }
        }
        self.expression(ExpressionKind::Object(items), start.at..self.at)
    }

    fn array(&mut self, is_added: bool) -> Expression {
        let start = self.open_bracket(']', is_added);
        let mut elements = Vec::new();
        while self.another(start, elements.is_empty()) {
            let element = self.value();
            elements.push(element);
        }
        self.expression(ExpressionKind::Tuple(elements), start.at..self.at)
    }

    fn open_bracket(&mut self, close: char, is_added: bool) -> Open {
        let open = Open { at: self.at, close, is_added };
        self.open.push(open);
        self.at += usize::from(!is_added);
        open
    }

    /// Whether the bracket that is missing here is added already.
    fn is_added_here(&self) -> bool {
        self.open.last().is_some_and(|open| open.is_added && open.at == self.at)
    }

    /// Reads what stands between two members, and says whether there is one more. At the closing bracket, which it
    /// eats, and wherever else the object or array has to end, there is not.
    fn another(&mut self, open: Open, mut first: bool) -> bool {
        loop {
            if let Some(is_member) = self.member_or_end(open, first) {
                return is_member;
            }
            first = false;
        }
    }

    /// As [`Self::another`]; `None` after something that belongs to no member.
    fn member_or_end(&mut self, open: Open, first: bool) -> Option<bool> {
        let resuming = std::mem::take(&mut self.resuming);
        let end_of_last = self.at;
        self.skip_space();
        let closes_here = |parser: &Self| parser.plan.has(parser.at, Action::Close(open.at));
        let mut comma = None;
        while self.peek() == Some(',') && !closes_here(self) {
            if first || comma.is_some() {
                let message = "there is a `,` too many";
                self.error("json-comma", self.at..self.at + 1, message, "delete it, or write the value before it");
            }
            comma = Some(self.at);
            self.at += 1;
            self.skip_space();
        }
        if closes_here(self) {
            self.unclosed(open, Some(self.at));
            self.resuming = true;
            return Some(false);
        }
        let Some(next) = self.peek() else {
            self.unclosed(open, None);
            return Some(false);
        };
        if next == '}' || next == ']' {
            return self.closing(open, next, comma.filter(|_| !first));
        }
        if self.gave_up() {
            self.at = self.text.len();
            self.open.pop();
            return Some(false);
        }
        if comma.is_none() && !first && !resuming {
            let begins_member = matches!(next, '"' | '\'' | '{' | '[' | '-') || next.is_ascii_digit() || is_word(next);
            if begins_member {
                let message = "a `,` is missing here";
                self.error("json-comma", end_of_last..end_of_last, message, "separate members by `,`");
            } else {
                let message = format!("`{next}` is not expected here");
                let help = format!("a `,` or `{}` follows a value", open.close);
                self.error("json-value", self.at..self.at + next.len_utf8(), message, help);
                self.skip_junk();
                self.resuming = true;
                return None;
            }
        }
        Some(true)
    }

    /// At a closing bracket inside the object or array that is open: false, unless it closes nothing.
    fn closing(&mut self, open: Open, found: char, comma: Option<usize>) -> Option<bool> {
        if self.plan.has(self.at, Action::Surplus) {
            let message = format!("this `{found}` closes nothing");
            let help = "delete it, or add the bracket that it closes";
            self.bracket_error(
                Diagnostic::error("json-unclosed", message).at(self.span(self.at..self.at + 1)).help(help),
            );
            self.at += 1;
            self.resuming = true;
            return None;
        }
        if let Some(comma) = comma {
            let message = format!("a `,` stands before `{found}`, which JSON does not allow");
            self.error("json-trailing-comma", comma..comma + 1, message, "delete the `,`");
        }
        if found == open.close {
            self.at += 1;
            self.open.pop();
            return Some(false);
        }
        let outer = &self.open[..self.open.len().saturating_sub(1)];
        if outer.iter().any(|open| open.close == found) && !self.plan.has(self.at, Action::Wrong) {
            self.unclosed(open, Some(self.at));
            return Some(false);
        }
        let message = format!("`{found}` does not close what is open here");
        let place = self.span(self.at..self.at + 1);
        let opened = self.span(open.at..open.at + 1);
        self.bracket_error(
            Diagnostic::error("json-unclosed", message)
                .at(place)
                .related(opened, "opened here")
                .help(format!("write `{}`", open.close)),
        );
        // Most likely the wrong bracket of the right pair.
        self.at += 1;
        self.open.pop();
        Some(false)
    }

    fn unclosed(&mut self, bracket: Open, before: Option<usize>) {
        let inner = self.open.pop().is_some_and(|open| open.at == bracket.at);
        // At the end of the file one bracket is missing, not all that are open.
        if before.is_none() {
            if self.open.is_empty() && !inner {
                return;
            }
            self.open.clear();
        }
        if bracket.is_added {
            return;
        }
        let close = bracket.close;
        let opening = if close == '}' { '{' } else { '[' };
        let mut diagnostic = Diagnostic::error("json-unclosed", format!("this `{opening}` is never closed"))
            .at(self.span(bracket.at..bracket.at + 1))
            .help(format!("add the missing `{close}`"));
        if let Some(before) = before {
            let end = self.text[before..].chars().next().map_or(before, |next| before + next.len_utf8());
            diagnostic = diagnostic.related(self.span(before..end), format!("a `{close}` is missing before this"));
        }
        self.bracket_error(diagnostic);
    }

    fn verbatim(&self, range: Range<usize>) -> Text {
        let mut text = Text::new(self.file);
        text.push_verbatim(&self.text[range.clone()], range.start);
        text
    }

    fn key(&mut self) -> Option<Text> {
        let start = self.at;
        match self.peek()? {
            '"' => match self.string() {
                Some(text) => Some(text),
                // What can be told to be a key is one, even without its closing quote.
                None if self.rest().trim_start_matches([' ', '\t']).starts_with(':') => {
                    Some(self.verbatim(start + 1..self.at))
                }
                None => {
                    self.resuming = true;
                    None
                }
            },
            '\'' | '‘' | '’' | '“' | '”' => {
                let name = self.foreign_quotes();
                Some(Text::opaque(&name, self.span(start..self.at)))
            }
            '{' if self.rest().starts_with("{{") => {
                self.bare_template();
                None
            }
            letter if !matches!(letter, '{' | '[' | ':') && quote::unopened(self.text, start, true).is_some() => {
                let name = self.unopened_string(true).unwrap_or_default();
                Some(Text::opaque(&name, self.span(start..self.at)))
            }
            letter if is_word(letter) || letter.is_ascii_digit() || letter == '-' => {
                let word = self.take_while(|letter| is_word(letter) || letter.is_ascii_digit() || letter == '-');
                let name = &self.text[word.clone()];
                let help = format!("write `\"{name}\"`");
                self.error("json-key", word.clone(), format!("the key `{name}` has no double quotes"), help);
                Some(self.verbatim(word))
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

    fn bracket_error(&mut self, diagnostic: Diagnostic) {
        self.brackets_wrong = true;
        self.tell(diagnostic);
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        let place = diagnostic.primary.as_ref().map_or(0, |label| label.span.start as usize);
        if !self.plan.broken.iter().any(|line| line.contains(&place)) {
            self.tell(diagnostic);
        }
    }

    fn tell(&mut self, diagnostic: Diagnostic) {
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
