//! Pairs brackets before parsing, so that one bracket too few or too many is one message at its place.
//!
//! The parser gets a stream in which every opening token is closed: missing closing brackets are added as empty
//! tokens where they must have been meant, surplus ones become [`TokenKind::Invalid`]. Comments are left out.

use crate::diagnostic::Diagnostic;
use crate::hcl::scan::{Scan, looks_like_item, merge};
use crate::hcl::token::{Token, TokenKind};
use crate::source::Span;
use std::collections::HashSet;
use std::ops::Range;

/// A balanced stream of tokens without comments.
pub(super) struct Balanced {
    pub(super) tokens: Vec<Token>,
    pub(super) reports: Vec<Diagnostic>,
    /// The broken stretches of the scan, and the lines with a surplus bracket.
    pub(super) broken: Vec<Range<usize>>,
}

/// Pairs the brackets of a scanned text, which is a body or a single expression.
pub(super) fn balance(text: &str, scan: &Scan, is_expression: bool) -> Balanced {
    let strict = Balancer::run(text, scan, is_expression, None);
    let mut balanced = strict.balanced;
    // Only where brackets do not match at all does indentation get a say: it often tells which one is missing.
    if strict.is_wrong {
        let indented = Balancer::run(text, scan, is_expression, Some(&strict.settled)).balanced;
        if indented.reports.len() <= balanced.reports.len() {
            balanced = indented;
        }
    }
    balanced.broken.extend_from_slice(&scan.broken);
    merge(&mut balanced.broken);
    balanced
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Parenthesis,
    Bracket,
    /// A brace of an object.
    Object,
    /// A brace of a block.
    Body,
    /// An interpolation or a directive.
    Template,
}

#[derive(Clone, Copy)]
struct Open {
    kind: Kind,
    span: Span,
    /// The number of the line it is on.
    line: usize,
    indentation: usize,
    /// Nothing follows it on its line.
    ends_line: bool,
    /// The item being read in this body has its `=`, so that a brace opens an object.
    seen_equal: bool,
    /// See [`Balancer::settled`].
    is_settled: bool,
}

struct Balancer<'t> {
    text: &'t str,
    scan: &'t Scan,
    is_expression: bool,
    by_indentation: bool,
    /// Where brackets open whose partner is on the same line, or starts a line that is as deep: whatever is wrong, it
    /// is elsewhere.
    settled: HashSet<u32>,
    open: Vec<Open>,
    /// The same as [`Open::seen_equal`], for the whole file.
    seen_equal: bool,
    line: usize,
    line_start: usize,
    indentation: usize,
    balanced: Balanced,
    is_wrong: bool,
}

impl<'t> Balancer<'t> {
    fn run(text: &'t str, scan: &'t Scan, is_expression: bool, settled: Option<&HashSet<u32>>) -> Self {
        let balanced =
            Balanced { tokens: Vec::with_capacity(scan.tokens.len()), reports: Vec::new(), broken: Vec::new() };
        let mut balancer = Self {
            text,
            scan,
            by_indentation: settled.is_some(),
            settled: settled.cloned().unwrap_or_default(),
            open: Vec::new(),
            is_expression,
            seen_equal: false,
            line: 0,
            line_start: 0,
            indentation: 0,
            balanced,
            is_wrong: false,
        };
        let mut is_first = true;
        let mut tokens = scan.tokens.iter().filter(|token| token.kind != TokenKind::Comment).peekable();
        while let Some(token) = tokens.next() {
            if is_first && token.kind != TokenKind::Newline {
                balancer.start_line(token);
            }
            is_first = token.kind == TokenKind::Newline;
            let ends_line = tokens.peek().is_none_or(|next| next.kind == TokenKind::Newline);
            balancer.token(*token, ends_line);
        }
        balancer
    }

    fn is_in_body(&self) -> bool {
        self.open.last().map_or(!self.is_expression, |open| open.kind == Kind::Body)
    }

    fn seen_equal(&mut self) -> &mut bool {
        match self.open.last_mut() {
            Some(open) => &mut open.seen_equal,
            None => &mut self.seen_equal,
        }
    }

    /// At the first token of a line: closes what can't go on here.
    fn start_line(&mut self, token: &Token) {
        let start = token.span.start as usize;
        let above = self.indentation;
        self.line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        self.indentation = start - self.line_start;
        let is_item = token.kind == TokenKind::Identifier && looks_like_item(&self.text[start..]);
        if is_item && self.by_indentation && self.indentation > above {
            self.add_opening(above);
        }
        if is_item && !self.is_broken(token.span) {
            let is_block = !self.text[token.span.range().end..].trim_start_matches([' ', '\t']).starts_with('=');
            let indentation = self.indentation;
            self.close_missing(true, |open| match open.kind {
                // Deeper than the line of the bracket it is a slip inside of it.
                Kind::Parenthesis | Kind::Bracket => !open.ends_line || indentation <= open.indentation,
                kind => is_block && kind == Kind::Object,
            });
        }
        if self.by_indentation && token.kind != TokenKind::End {
            let is_closing = token.kind.is_closing();
            let indentation = self.indentation;
            self.close_missing(true, |open| {
                if open.is_settled {
                    return false;
                }
                let is_outside = indentation < open.indentation || (!is_closing && indentation == open.indentation);
                is_outside && open.kind != Kind::Template && (open.ends_line || is_closing || open.kind == Kind::Object)
            });
        }
    }

    fn token(&mut self, token: Token, ends_line: bool) {
        match token.kind {
            TokenKind::OpenParenthesis => self.open(Kind::Parenthesis, token, ends_line),
            TokenKind::OpenBracket => self.open(Kind::Bracket, token, ends_line),
            TokenKind::OpenInterpolation | TokenKind::OpenDirective => self.open(Kind::Template, token, ends_line),
            TokenKind::OpenBrace => {
                let is_body = self.is_in_body() && !*self.seen_equal();
                self.open(if is_body { Kind::Body } else { Kind::Object }, token, ends_line);
            }
            TokenKind::CloseParenthesis => self.close(Kind::Parenthesis, token),
            TokenKind::CloseBracket => self.close(Kind::Bracket, token),
            TokenKind::CloseBrace => self.close(Kind::Object, token),
            TokenKind::CloseTemplate => {
                self.close_missing(false, |open| open.kind != Kind::Template);
                self.open.pop();
                self.balanced.tokens.push(token);
            }
            TokenKind::End => {
                self.close_missing(false, |_| true);
                self.balanced.tokens.push(token);
            }
            kind => {
                if kind == TokenKind::Newline {
                    self.line += 1;
                    if self.is_in_body() {
                        *self.seen_equal() = false;
                    }
                } else if kind == TokenKind::Equal && self.is_in_body() {
                    *self.seen_equal() = true;
                }
                self.balanced.tokens.push(token);
            }
        }
    }

    /// Opens the brace that the line before lacks: it ends with `=` or is a block header, and what is deeper follows.
    fn add_opening(&mut self, indentation: usize) {
        let tokens = &self.balanced.tokens;
        let Some(end) = tokens.iter().rposition(|token| token.kind != TokenKind::Newline) else { return };
        let start =
            tokens[..end].iter().rposition(|token| token.kind == TokenKind::Newline).map_or(0, |start| start + 1);
        let line = tokens.get(start..=end).unwrap_or_default();
        let (Some(first), Some(last)) = (line.first().copied(), line.last().copied()) else { return };
        let is_argument = last.kind == TokenKind::Equal && end == start + 1;
        let is_label = |token: &Token| {
            use TokenKind::{CloseQuote, Identifier, Literal, OpenQuote};
            matches!(token.kind, Identifier | OpenQuote | Literal | CloseQuote)
        };
        let is_header = line.len() > 1 && line.iter().all(is_label);
        if first.kind != TokenKind::Identifier || !(is_argument || is_header) || self.is_broken(first.span) {
            return;
        }
        let name = &self.text[first.span.range()];
        let report = if is_argument {
            Diagnostic::error("expected-value", "expected a value, found the end of the line").at(last.span)
        } else {
            Diagnostic::error("expected-item", format!("`{name}` is neither an argument nor a block"))
                .at(first.span.to(last.span))
        };
        self.balanced.reports.push(report.help("add the `{` that the lines below belong to"));
        self.is_wrong = true;
        let newlines = self.balanced.tokens.split_off(end + 1);
        let kind = if is_argument { Kind::Object } else { Kind::Body };
        let span = Span { start: last.span.end, ..last.span };
        let line = self.line.saturating_sub(newlines.len());
        self.open.push(Open { kind, span, line, indentation, ends_line: true, seen_equal: false, is_settled: false });
        self.balanced.tokens.push(Token { kind: TokenKind::OpenBrace, span });
        self.balanced.tokens.extend(newlines);
    }

    fn open(&mut self, kind: Kind, token: Token, ends_line: bool) {
        let (line, indentation) = (self.line, self.indentation);
        let is_settled = self.by_indentation && self.settled.contains(&token.span.start);
        self.open.push(Open { kind, span: token.span, line, indentation, ends_line, seen_equal: false, is_settled });
        self.balanced.tokens.push(token);
    }

    /// A closing bracket; for a brace, `kind` is [`Kind::Object`] and means a body too.
    fn close(&mut self, kind: Kind, token: Token) {
        let matches = |open: &Open| open.kind == kind || (kind == Kind::Object && open.kind == Kind::Body);
        // Nothing but a brace reaches past the brace of a body, and nothing past an interpolation.
        // The bound keeps hostile input from costing the square of its length.
        let reach = self
            .open
            .iter()
            .rev()
            .take(500)
            .take_while(|open| open.kind != Kind::Template && (open.kind != Kind::Body || kind == Kind::Object));
        let depth = reach.clone().position(matches);
        let last = self.open.last().copied();
        let is_first_of_line = self.balanced.tokens.last().is_none_or(|before| before.kind == TokenKind::Newline);
        let takes_block = depth
            .and_then(|depth| self.open.iter().rev().nth(depth))
            .is_some_and(|open| open.kind == Kind::Body && open.ends_line && !is_first_of_line);
        match (depth, last) {
            (Some(0), Some(open)) if self.is_repeated_below(open, token, is_first_of_line) => self.extra(kind, token),
            (Some(0), Some(open)) => {
                let is_level = is_first_of_line && open.indentation == self.indentation;
                if !self.by_indentation && (is_level || open.line == self.line) {
                    self.settled.insert(open.span.start);
                }
                self.open.pop();
                self.balanced.tokens.push(token);
            }
            // The brace that closes a block stands on a line of its own, so this one is a slip.
            (Some(_), Some(open)) if takes_block && open.line == self.line => self.close_wrongly(open, token),
            (Some(depth), _) => {
                let mut missing = depth;
                self.close_missing(is_first_of_line, |_| {
                    missing = missing.wrapping_sub(1);
                    missing < depth
                });
                self.open.pop();
                self.balanced.tokens.push(token);
            }
            (None, Some(open)) if open.line == self.line && !matches!(open.kind, Kind::Template | Kind::Body) => {
                self.close_wrongly(open, token);
            }
            _ => self.extra(kind, token),
        }
    }

    /// Whether a bracket that would close what began on a line above is followed by another one for that: then this one
    /// closes something of its own line, whose opening bracket is missing.
    fn is_repeated_below(&self, open: Open, token: Token, is_first_of_line: bool) -> bool {
        if !self.by_indentation || is_first_of_line || open.line == self.line || !open.ends_line {
            return false;
        }
        let found = &self.text[token.span.range()];
        let below = self.text[token.span.range().end..].lines().skip(1).find(|line| !line.trim().is_empty());
        below.is_some_and(|line| {
            let bracket = line.trim_start_matches([' ', '\t']);
            bracket.starts_with(found) && line.len() - bracket.len() == open.indentation
        })
    }

    /// A closing bracket that closes nothing.
    fn extra(&mut self, kind: Kind, token: Token) {
        self.is_wrong = true;
        let is_first_of_line = self.balanced.tokens.last().is_none_or(|before| before.kind == TokenKind::Newline);
        let text = closing_text(kind);
        let opening = opening_text(kind);
        let report = Diagnostic::error("extra-bracket", format!("this `{text}` closes nothing"))
            .at(token.span)
            .help(format!("remove it, or add the `{opening}` that it closes"));
        // Those that stand together are one mistake.
        let before = self.balanced.tokens.iter().rev().find(|before| before.kind != TokenKind::Newline);
        let is_next = before.is_some_and(|before| {
            before.kind == TokenKind::Invalid && matches!(&self.text[before.span.range()], ")" | "]" | "}")
        });
        if !is_next && !self.is_broken(token.span) {
            self.balanced.reports.push(report);
            if !is_first_of_line {
                self.balanced.broken.push(self.line_start..token.span.range().end);
            }
        }
        self.balanced.tokens.push(Token { kind: TokenKind::Invalid, span: token.span });
    }

    /// Takes the wrong closing bracket for the right one.
    fn close_wrongly(&mut self, open: Open, token: Token) {
        self.open.pop();
        let wanted = closing_text(open.kind);
        let found = &self.text[token.span.range()];
        self.balanced.reports.push(
            Diagnostic::error("mismatched-bracket", format!("`{found}` can't close `{}`", opening_text(open.kind)))
                .at(token.span)
                .related(open.span, "opened here")
                .help(format!("write `{wanted}`")),
        );
        self.balanced.tokens.push(Token { kind: closing_kind(open.kind), span: token.span });
    }

    /// Closes the innermost brackets, as far as `is_missing`, at the end of what was read so far.
    fn close_missing(&mut self, before_newlines: bool, mut is_missing: impl FnMut(&Open) -> bool) {
        if !self.open.last().is_some_and(&mut is_missing) {
            return;
        }
        let tokens = &mut self.balanced.tokens;
        let mut keep = tokens.len();
        if before_newlines {
            keep = tokens.iter().rposition(|token| token.kind != TokenKind::Newline).map_or(0, |last| last + 1);
        }
        let newlines = tokens.split_off(keep);
        let mut is_next = true;
        while is_next && let Some(open) = self.open.pop() {
            self.add_closing(open);
            is_next = self.open.last().is_some_and(&mut is_missing);
        }
        self.balanced.tokens.extend(newlines);
    }

    fn add_closing(&mut self, open: Open) {
        let end = self.balanced.tokens.last().map_or(open.span.end, |token| token.span.end);
        let span = Span { file: open.span.file, start: end, end };
        self.balanced.tokens.push(Token { kind: closing_kind(open.kind), span });
        self.is_wrong = true;
        if self.is_broken(open.span) || self.scan.cut {
            return;
        }
        let wanted = closing_text(open.kind);
        self.balanced.reports.push(
            Diagnostic::error("unclosed-bracket", format!("this `{}` is never closed", opening_text(open.kind)))
                .at(open.span)
                .help(format!("add `{wanted}` where it ends")),
        );
    }

    fn is_broken(&self, span: Span) -> bool {
        is_broken(&self.scan.broken, span.start as usize)
    }
}

/// Whether a place lies in one of the broken stretches, which are in order.
pub(super) fn is_broken(broken: &[Range<usize>], at: usize) -> bool {
    let after = broken.partition_point(|range| range.start <= at);
    after.checked_sub(1).and_then(|index| broken.get(index)).is_some_and(|range| at <= range.end)
}

fn opening_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Parenthesis => "(",
        Kind::Bracket => "[",
        Kind::Object | Kind::Body => "{",
        Kind::Template => "${",
    }
}

fn closing_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Parenthesis => ")",
        Kind::Bracket => "]",
        Kind::Object | Kind::Body | Kind::Template => "}",
    }
}

fn closing_kind(kind: Kind) -> TokenKind {
    match kind {
        Kind::Parenthesis => TokenKind::CloseParenthesis,
        Kind::Bracket => TokenKind::CloseBracket,
        Kind::Object | Kind::Body => TokenKind::CloseBrace,
        Kind::Template => TokenKind::CloseTemplate,
    }
}
