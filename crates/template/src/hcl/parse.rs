//! The parser: balanced tokens to the syntax tree. Here: the cursor, limits, and how it recovers.
//!
//! A function that reports a mistake returns `Reported`; the nearest place that can go on catches it: an item of a
//! collection, a bracket, an interpolation, an argument. So a mistake never hides the next one, nor causes it.

mod body;
mod collection;
mod expression;
mod literal;
mod template;

use crate::diagnostic::Diagnostic;
use crate::hcl::brackets::is_broken;
use crate::hcl::token::{Token, TokenKind};
use crate::source::{FileId, Span};
use crate::syntax::{Body, Expression, ExpressionKind};
use std::ops::Range;

/// How deep brackets, blocks and directives may lie in each other; more would need too much stack.
pub const MAX_DEPTH: usize = 128;

/// How many nodes may lie over each other in the tree of one expression, long chains of operators included.
pub const MAX_HEIGHT: usize = 2000;

/// A mistake that is reported already.
struct Reported;

type Parsed<T> = Result<T, Reported>;

/// What the parser makes of a text.
pub(super) struct Output<T> {
    pub(super) tree: T,
    pub(super) reports: Vec<Diagnostic>,
    /// Surplus brackets that belong to a mistake in `reports`.
    pub(super) absorbed: Vec<Span>,
}

/// Parses a whole file of balanced tokens.
pub(super) fn body(file: FileId, text: &str, tokens: &[Token], broken: &[Range<usize>]) -> Output<Body> {
    let mut parser = Parser::new(file, text, tokens, broken);
    let (attributes, blocks) = parser.items(body::Layout::Lines);
    parser.output(Body { attributes, blocks, span: Span::new(file, 0..text.len()) })
}

/// Parses a text that is one expression.
pub(super) fn expression(file: FileId, text: &str, tokens: &[Token], broken: &[Range<usize>]) -> Output<Expression> {
    let mut parser = Parser::new(file, text, tokens, broken);
    parser.newlines = false;
    let mut result = parser.expression();
    if result.is_ok() && parser.kind() != TokenKind::End {
        result = Err(parser.unexpected("the end"));
    }
    let expression = result.unwrap_or_else(|Reported| broken_expression(Span::new(file, 0..text.len())));
    parser.output(expression)
}

/// Parses a text that is one template.
pub(super) fn template(file: FileId, text: &str, tokens: &[Token], broken: &[Range<usize>]) -> Output<Expression> {
    let mut parser = Parser::new(file, text, tokens, broken);
    let kind = parser.bare_template();
    parser.output(Expression { kind, span: Span::new(file, 0..text.len()) })
}

fn broken_expression(span: Span) -> Expression {
    Expression { kind: ExpressionKind::Broken, span }
}

struct Parser<'t> {
    file: FileId,
    text: &'t str,
    /// Balanced; the last one is [`TokenKind::End`].
    tokens: &'t [Token],
    /// Where the scanner found something unclosed.
    broken: &'t [Range<usize>],
    at: usize,
    /// Newlines count; else they are skipped.
    newlines: bool,
    depth: usize,
    /// The height of the tree of the expression that was parsed last.
    height: usize,
    is_depth_reported: bool,
    /// Since this was last cleared, a mistake was met at the end of a line.
    ended_early: bool,
    reports: Vec<Diagnostic>,
    /// An opening bracket seems to be missing here: the closing one is part of that mistake.
    lacks_opening: bool,
    absorbed: Vec<Span>,
}

impl<'t> Parser<'t> {
    fn new(file: FileId, text: &'t str, tokens: &'t [Token], broken: &'t [Range<usize>]) -> Self {
        Self {
            file,
            text,
            tokens,
            broken,
            at: 0,
            newlines: true,
            depth: 0,
            height: 0,
            is_depth_reported: false,
            ended_early: false,
            reports: Vec::new(),
            lacks_opening: false,
            absorbed: Vec::new(),
        }
    }

    fn output<T>(self, tree: T) -> Output<T> {
        Output { tree, reports: self.reports, absorbed: self.absorbed }
    }

    fn token(&self, index: usize) -> Token {
        let end = self.text.len();
        self.tokens
            .get(index)
            .copied()
            .unwrap_or_else(|| Token { kind: TokenKind::End, span: Span::new(self.file, end..end) })
    }

    fn skip_newlines(&self, mut index: usize) -> usize {
        while !self.newlines && self.token(index).kind == TokenKind::Newline {
            index += 1;
        }
        index
    }

    fn peek(&mut self) -> Token {
        self.at = self.skip_newlines(self.at);
        self.token(self.at)
    }

    fn kind(&mut self) -> TokenKind {
        self.peek().kind
    }

    /// The kind of the token after the next one.
    fn kind_after(&mut self) -> TokenKind {
        self.peek();
        self.token(self.skip_newlines(self.at + 1)).kind
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, kind: TokenKind) -> Option<Token> {
        if self.kind() == kind { Some(self.next()) } else { None }
    }

    /// Whether a quoted string without interpolation starts here, with `=` or `:` after it.
    fn is_at_quoted_key(&mut self) -> bool {
        let start = self.peek();
        let length = if self.token(self.at + 1).kind == TokenKind::Literal { 3 } else { 2 };
        let separator = self.token(self.at + length).kind;
        start.kind == TokenKind::OpenQuote && matches!(separator, TokenKind::Equal | TokenKind::Colon)
    }

    fn slice(&self, span: Span) -> &'t str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// The token before the current place, newlines left out.
    fn previous(&self) -> Option<Token> {
        let before = self.tokens.get(..self.at).unwrap_or_default();
        before.iter().rev().find(|token| token.kind != TokenKind::Newline).copied()
    }

    /// From `start` to the end of what was read last.
    fn span_from(&self, start: Span) -> Span {
        self.previous().map_or(start, |token| start.to(token.span))
    }

    /// Reports a mistake at the current token, unless it follows from one that is reported already.
    fn fail(&mut self, diagnostic: Diagnostic) -> Reported {
        let token = self.peek();
        self.ended_early = token.kind == TokenKind::Newline;
        let is_added = token.kind.is_closing() && token.span.range().is_empty();
        let is_after_broken = self.token(self.at.wrapping_sub(1)).kind != TokenKind::Newline || !self.newlines;
        let is_known = token.kind == TokenKind::Invalid
            || is_added
            || is_broken(self.broken, token.span.start as usize)
            || (is_after_broken
                && self.previous().is_some_and(|before| is_broken(self.broken, before.span.start as usize)));
        if !is_known {
            self.reports.push(diagnostic);
        }
        Reported
    }

    /// Where to point when the current token is wrong: at the token, or before it when there is nothing to see.
    fn place(&mut self) -> Span {
        let token = self.peek();
        match self.previous() {
            Some(before) if matches!(token.kind, TokenKind::Newline | TokenKind::End) => before.span,
            _ => token.span,
        }
    }

    /// The current token in words.
    fn found(&mut self) -> String {
        let token = self.peek();
        match token.kind {
            TokenKind::Newline => "the end of the line".to_owned(),
            TokenKind::End => "the end of the file".to_owned(),
            TokenKind::OpenQuote => "a string".to_owned(),
            TokenKind::OpenHeredoc => "a heredoc".to_owned(),
            _ => format!("`{}`", shorten(self.slice(token.span))),
        }
    }

    fn unexpected(&mut self, wanted: &str) -> Reported {
        let message = format!("expected {wanted}, found {}", self.found());
        let place = self.place();
        self.fail(Diagnostic::error("unexpected-token", message).at(place))
    }

    /// Goes to the next token outside of inner brackets that `is_end`, or that closes what is around.
    fn skip_until(&mut self, is_end: impl Fn(TokenKind) -> bool) {
        let mut depth = 0_usize;
        loop {
            let kind = self.token(self.at).kind;
            if kind == TokenKind::End || (depth == 0 && (kind.is_closing() || is_end(kind))) {
                return;
            }
            if kind.is_opening() {
                depth += 1;
            } else if kind.is_closing() {
                depth -= 1;
            }
            self.at += 1;
        }
    }

    fn skip_line(&mut self) {
        self.skip_until(|kind| kind == TokenKind::Newline);
    }

    /// Parses what stands between the brackets that start here; whatever happens, goes on after them.
    ///
    /// Returns the span of the brackets too. What is never closed counts as wrong.
    fn inside<T>(&mut self, newlines: bool, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> (Parsed<T>, Span) {
        let open = self.next();
        let outer = std::mem::replace(&mut self.newlines, newlines);
        let mut result = parse(self);
        if result.is_ok() && !self.kind().is_closing() {
            let wanted = match open.kind {
                TokenKind::OpenParenthesis => "`)`",
                TokenKind::OpenBracket => "`]`",
                _ => "`}`",
            };
            result = Err(self.unexpected(wanted));
        }
        if result.is_err() {
            self.skip_until(|_| false);
        }
        let close = self.next();
        if close.span.range().is_empty() {
            result = Err(Reported);
        }
        self.newlines = outer;
        (result, open.span.to(close.span))
    }

    /// Parses something one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            let place = self.place();
            return Err(self.too_deep(place));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Puts one more node on top of the tree that was parsed last.
    fn grow(&mut self) -> Parsed<()> {
        self.set_height(self.height + 1)
    }

    fn set_height(&mut self, height: usize) -> Parsed<()> {
        if height > MAX_HEIGHT {
            let place = self.place();
            return Err(self.too_deep(place));
        }
        self.height = height;
        Ok(())
    }

    /// Said once, for everything that follows is as deep.
    fn too_deep(&mut self, place: Span) -> Reported {
        if std::mem::replace(&mut self.is_depth_reported, true) {
            return Reported;
        }
        self.fail(
            Diagnostic::error("nested-too-deeply", format!("this goes deeper than {MAX_DEPTH} levels"))
                .at(place)
                .help("split it up with `locals`"),
        )
    }
}

/// The start of a text, to be shown in a message.
fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(30) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
