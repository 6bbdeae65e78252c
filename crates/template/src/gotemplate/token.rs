//! Text and actions of a Go template, and the tokens inside the actions.

use super::report::Report;
use std::ops::Range;
use std::sync::Arc;

/// A stretch of a template. All ranges are byte ranges of the template's value.
#[derive(Debug)]
pub(super) enum Segment {
    /// Written as it stands; what trim markers take away is left out already.
    Text(Range<usize>),
    Action(Action),
}

/// `{{ … }}`
#[derive(Debug)]
pub(super) struct Action {
    /// With the braces.
    pub(super) range: Range<usize>,
    pub(super) tokens: Vec<Token>,
    /// It could not be read to its end; the mistake is reported.
    pub(super) broken: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) range: Range<usize>,
    /// White space stands before it.
    pub(super) spaced: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Dot,
    /// `.name`; holds the name without the dot.
    Field(Arc<str>),
    /// With its dollar sign, which may be all.
    Variable(Arc<str>),
    Identifier(Arc<str>),
    Keyword(Keyword),
    String(Arc<str>),
    Number(Number),
    Bool(bool),
    Nil,
    Pipe,
    Comma,
    Assign,
    Declare,
    LeftParenthesis,
    RightParenthesis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    If,
    Else,
    End,
    Range,
    With,
    Define,
    Template,
    Block,
    Break,
    Continue,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Integer(i64),
    Float(f64),
}

/// Cuts a template into text and actions.
pub(super) fn segments(source: &str, report: &mut Report<'_>) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut at = 0;
    let mut trim_start = false;
    loop {
        let open = source[at..].find("{{").map(|offset| at + offset);
        let mut text = at..open.unwrap_or(source.len());
        if trim_start {
            text.start = text.end - source[text.clone()].trim_start_matches(SPACE).len();
        }
        let trims = open.is_some_and(|open| {
            let mut after = source[open + 2..].chars();
            after.next() == Some('-') && after.next().is_some_and(|letter| SPACE.contains(&letter))
        });
        if trims {
            text.end = text.start + source[text.clone()].trim_end_matches(SPACE).len();
        }
        if !text.is_empty() {
            segments.push(Segment::Text(text));
        }
        let Some(open) = open else { return segments };
        let start = open + if trims { 4 } else { 2 };
        let mut lexer = Lexer { source, report: &mut *report, open, at: start, tokens: Vec::new() };
        let outcome = lexer.action();
        let tokens = lexer.tokens;
        at = lexer.at;
        trim_start = matches!(outcome, Outcome::End { trims: true } | Outcome::Comment { trims: true });
        if !matches!(outcome, Outcome::Comment { .. }) {
            segments.push(Segment::Action(Action {
                range: open..at,
                tokens,
                broken: matches!(outcome, Outcome::Broken),
            }));
        }
    }
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

enum Outcome {
    End { trims: bool },
    Comment { trims: bool },
    Broken,
}

struct Lexer<'a, 'r> {
    source: &'a str,
    report: &'a mut Report<'r>,
    open: usize,
    at: usize,
    tokens: Vec<Token>,
}

/// The mistake is reported.
struct Reported;

impl Lexer<'_, '_> {
    fn action(&mut self) -> Outcome {
        if self.rest().starts_with("/*") {
            return self.comment().unwrap_or(Outcome::Broken);
        }
        match self.inside() {
            Ok(trims) => Outcome::End { trims },
            Err(Reported) => {
                // Goes on behind the next closing braces.
                self.at += self.rest().find("}}").map_or(self.rest().len(), |offset| offset + 2);
                Outcome::Broken
            }
        }
    }

    fn comment(&mut self) -> Result<Outcome, Reported> {
        let start = self.at;
        let Some(length) = self.rest().find("*/") else {
            self.at = self.source.len();
            return self.error(start..start + 2, "this comment is never closed", "close it by `*/}}`");
        };
        self.at += length + 2;
        if let Some(trims) = self.closing() {
            return Ok(Outcome::Comment { trims });
        }
        let end = self.at;
        self.at += self.rest().find("}}").map_or(self.rest().len(), |offset| offset + 2);
        self.error(start..end, "a comment has to be alone in its braces, without spaces", "write `{{/* … */}}`")
    }

    /// Eats closing braces, and says whether they trim the text behind them.
    fn closing(&mut self) -> Option<bool> {
        let rest = self.rest();
        if rest.starts_with("}}") {
            self.at += 2;
            return Some(false);
        }
        let mut letters = rest.chars();
        let trims = letters.next().is_some_and(|first| SPACE.contains(&first)) && letters.as_str().starts_with("-}}");
        if trims {
            self.at += 4;
        }
        trims.then_some(true)
    }

    fn inside(&mut self) -> Result<bool, Reported> {
        loop {
            let mut spaced = false;
            loop {
                if let Some(trims) = self.closing() {
                    return Ok(trims);
                }
                let Some(space) = self.peek().filter(|letter| SPACE.contains(letter)) else { break };
                self.at += space.len_utf8();
                spaced = true;
            }
            let start = self.at;
            let Some(first) = self.peek() else {
                let place = self.open..self.open + 2;
                return self.error(place, "this `{{` is never closed", "add the missing `}}`");
            };
            let kind = self.token(first)?;
            self.tokens.push(Token { kind, range: start..self.at, spaced });
        }
    }

    fn token(&mut self, first: char) -> Result<TokenKind, Reported> {
        let start = self.at;
        let single = match first {
            '|' => Some(TokenKind::Pipe),
            ',' => Some(TokenKind::Comma),
            '=' => Some(TokenKind::Assign),
            '(' => Some(TokenKind::LeftParenthesis),
            ')' => Some(TokenKind::RightParenthesis),
            _ => None,
        };
        if let Some(kind) = single {
            self.at += 1;
            return Ok(kind);
        }
        match first {
            ':' if self.rest().starts_with(":=") => {
                self.at += 2;
                Ok(TokenKind::Declare)
            }
            '"' => self.quoted().map(TokenKind::String),
            '`' => self.raw().map(TokenKind::String),
            '\'' => self.character(),
            '.' if !self.rest()[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                self.at += 1;
                let name = self.name()?;
                Ok(if name.is_empty() { TokenKind::Dot } else { TokenKind::Field(name) })
            }
            '$' => {
                self.at += 1;
                self.name()?;
                Ok(TokenKind::Variable(self.source[start..self.at].into()))
            }
            '.' | '+' | '-' | '0'..='9' => self.number(),
            letter if letter.is_alphabetic() || letter == '_' => self.name().map(|name| word(&name)),
            '/' if self.rest().starts_with("/*") => {
                let help = "write `{{/* … */}}`";
                self.error(start..start + 2, "a comment has to be alone in its braces, without spaces", help)
            }
            other => {
                let message = format!("`{other}` is not expected in an action");
                let help = "text stands in `\"` or backticks, and functions are called without commas and parentheses";
                self.error(start..start + other.len_utf8(), message, help)
            }
        }
    }

    /// Letters, digits and underscores, perhaps none.
    fn name(&mut self) -> Result<Arc<str>, Reported> {
        let start = self.at;
        let length = self.rest().find(|letter: char| !is_name(letter)).unwrap_or(self.rest().len());
        self.at += length;
        let name = &self.source[start..self.at];
        let Some(next) = self.peek() else { return Ok(name.into()) };
        let ends = SPACE.contains(&next) || matches!(next, '.' | ',' | '|' | ':' | '(' | ')' | '=');
        if ends || self.rest().starts_with("}}") {
            return Ok(name.into());
        }
        if matches!(next, '"' | '`' | '\'') {
            let message = format!("a space is missing between `{name}` and its argument");
            return self.error(self.at..self.at + 1, message, "separate them by a space");
        }
        let place = start..self.at + next.len_utf8();
        self.error(place, format!("`{name}{next}` is not a name"), "names are made of letters, digits and `_`")
    }

    fn quoted(&mut self) -> Result<Arc<str>, Reported> {
        let start = self.at;
        let mut value = String::new();
        self.at += 1;
        loop {
            match self.peek() {
                Some('"') => {
                    self.at += 1;
                    return Ok(value.into());
                }
                None | Some('\n') => {
                    self.at = start + 1;
                    return self.error(start..start + 1, "this string has no closing `\"`", "add the missing `\"`");
                }
                Some('\\') => value.push(self.escape('"')?),
                Some(letter) => {
                    value.push(letter);
                    self.at += letter.len_utf8();
                }
            }
        }
    }

    fn raw(&mut self) -> Result<Arc<str>, Reported> {
        let start = self.at;
        self.at += 1;
        let Some(length) = self.rest().find('`') else {
            return self.error(start..start + 1, "this string has no closing backtick", "add the missing backtick");
        };
        self.at += length + 1;
        // Go leaves carriage returns out of raw strings.
        Ok(self.source[start + 1..self.at - 1].replace('\r', "").into())
    }

    /// `'x'`, which is the number of the character.
    fn character(&mut self) -> Result<TokenKind, Reported> {
        let start = self.at;
        self.at += 1;
        let letter = match self.peek() {
            Some('\\') => Some(self.escape('\'')?),
            Some(letter) if letter != '\n' && letter != '\'' => {
                self.at += letter.len_utf8();
                Some(letter)
            }
            _ => None,
        };
        match letter.filter(|_| self.peek() == Some('\'')) {
            Some(letter) => {
                self.at += 1;
                Ok(TokenKind::Number(Number::Integer(i64::from(u32::from(letter)))))
            }
            None => {
                self.at = start + 1;
                let message = "single quotes hold exactly one character";
                self.error(start..start + 1, message, "text stands in `\"` or backticks")
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<char, Reported> {
        let start = self.at;
        let mut letters = self.rest()[1..].chars();
        let Some(letter) = letters.next() else {
            self.at += 1;
            return self.error(start..self.at, "something has to follow a `\\`", "write `\\\\` for a backslash");
        };
        let number = |digits: &str, base, count| {
            let digits = digits.get(..count)?;
            let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
            u32::from_str_radix(digits, base).ok().filter(|_| plain).and_then(char::from_u32)
        };
        let after = letters.as_str();
        let (cooked, length) = match letter {
            'a' => (Some('\x07'), 2),
            'b' => (Some('\x08'), 2),
            'f' => (Some('\x0c'), 2),
            'n' => (Some('\n'), 2),
            'r' => (Some('\r'), 2),
            't' => (Some('\t'), 2),
            'v' => (Some('\x0b'), 2),
            '\\' => (Some('\\'), 2),
            other if other == quote => (Some(quote), 2),
            // Bytes above 7f would be no text by themselves.
            'x' => (number(after, 16, 2).filter(char::is_ascii), 4),
            'u' => (number(after, 16, 4), 6),
            'U' => (number(after, 16, 8), 10),
            '0'..='7' => (number(&self.rest()[1..], 8, 3).filter(char::is_ascii), 4),
            _ => (None, 2),
        };
        match cooked {
            Some(cooked) => {
                self.at += length;
                Ok(cooked)
            }
            None => {
                self.at += 1 + letter.len_utf8();
                let message = format!("`\\{letter}` is not an escape that Go knows");
                let help = format!("write `\\\\{letter}` for a backslash, or use backticks");
                self.error(start..self.at, message, help)
            }
        }
    }

    fn number(&mut self) -> Result<TokenKind, Reported> {
        let start = self.at;
        let mut last = '\0';
        let length = self
            .rest()
            .char_indices()
            .find(|(offset, letter)| {
                let sign = matches!(letter, '+' | '-') && (*offset == 0 || matches!(last, 'e' | 'E' | 'p' | 'P'));
                last = *letter;
                !(sign || is_name(*letter) || *letter == '.')
            })
            .map_or(self.rest().len(), |(offset, _)| offset);
        self.at += length;
        let written = &self.source[start..self.at];
        match parse_number(written) {
            Some(number) => Ok(TokenKind::Number(number)),
            None => {
                let help = "text stands in `\"` or backticks";
                self.error(start..self.at, format!("`{written}` is not a number"), help)
            }
        }
    }

    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn error<T>(
        &mut self,
        range: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Result<T, Reported> {
        self.report.error("go-template-syntax", range, message, help);
        Err(Reported)
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn word(name: &Arc<str>) -> TokenKind {
    match &**name {
        "true" => TokenKind::Bool(true),
        "false" => TokenKind::Bool(false),
        "nil" => TokenKind::Nil,
        "if" => TokenKind::Keyword(Keyword::If),
        "else" => TokenKind::Keyword(Keyword::Else),
        "end" => TokenKind::Keyword(Keyword::End),
        "range" => TokenKind::Keyword(Keyword::Range),
        "with" => TokenKind::Keyword(Keyword::With),
        "define" => TokenKind::Keyword(Keyword::Define),
        "template" => TokenKind::Keyword(Keyword::Template),
        "block" => TokenKind::Keyword(Keyword::Block),
        "break" => TokenKind::Keyword(Keyword::Break),
        "continue" => TokenKind::Keyword(Keyword::Continue),
        _ => TokenKind::Identifier(Arc::clone(name)),
    }
}

/// A number as Go's source code has it, but for hexadecimal floats and imaginary numbers.
fn parse_number(written: &str) -> Option<Number> {
    let (negative, unsigned) = match written.as_bytes().first()? {
        b'-' => (true, &written[1..]),
        b'+' => (false, &written[1..]),
        _ => (false, written),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (base, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        // The old octal numbers.
        _ if lower.len() > 1
            && lower.starts_with('0')
            && lower.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') =>
        {
            (8, &lower[1..])
        }
        _ => (10, &lower[..]),
    };
    let decimal_start = base != 10 || digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if !decimal_start || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    let plain = digits.replace('_', "");
    let sign = if negative { "-" } else { "" };
    if let Ok(integer) = i64::from_str_radix(&format!("{sign}{plain}"), base) {
        return Some(Number::Integer(integer));
    }
    let floats = base == 10
        && plain.contains(['.', 'e'])
        && plain.bytes().all(|byte| !byte.is_ascii_alphabetic() || byte == b'e');
    let value = plain.parse::<f64>().ok().filter(|value| floats && value.is_finite())?;
    Some(Number::Float(if negative { -value } else { value }))
}
