//! The scanner: text to tokens, with the mistakes that can be seen without grammar.
//!
//! Never fails and never goes back: what is not closed gets an empty closing token at the place where it must have
//! been meant, and that stretch of the text is remembered, so that later stages do not complain about it again.

mod normal;
mod template;

use crate::diagnostic::Diagnostic;
use crate::hcl::token::{Token, TokenKind};
use crate::source::{FileId, Span};
use std::collections::HashMap;
use std::ops::Range;

/// What the scanner found out about a text.
pub(super) struct Scan {
    pub(super) tokens: Vec<Token>,
    pub(super) reports: Vec<Diagnostic>,
    /// Stretches in order in which a quote or an interpolation is not closed: other mistakes there follow from it.
    pub(super) broken: Vec<Range<usize>>,
    /// Something that is never closed swallowed the rest of the text.
    pub(super) cut: bool,
}

/// Makes tokens of a text.
pub(super) fn scan(file: FileId, text: &str) -> Scan {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    run(Scanner::new(file, text, start), false)
}

/// Makes tokens of a text that is all one template.
pub(super) fn scan_template(file: FileId, text: &str) -> Scan {
    run(Scanner::new(file, text, 0), true)
}

fn run(mut scanner: Scanner<'_>, is_template: bool) -> Scan {
    while scanner.at < scanner.text.len() {
        match scanner.modes.last() {
            Some(Mode::Quoted { .. }) => scanner.quoted(),
            Some(Mode::Heredoc { .. }) => scanner.heredoc(),
            None if is_template => scanner.template_text(),
            Some(Mode::Interpolation { .. }) | None => scanner.normal(),
        }
    }
    scanner.finish();
    scanner.scan
}

/// What the scanner is inside of. Every mode knows where its opening token starts.
enum Mode<'t> {
    Quoted {
        open: usize,
        /// A newline in this string is reported already.
        has_newline: bool,
    },
    Heredoc {
        open: usize,
        marker: &'t str,
        /// No line holds the marker alone: a line that starts with it is taken for the end.
        is_loose: bool,
        at_line_start: bool,
        /// The line before which it must have ended, where no line closes it.
        given_up_at: Option<usize>,
    },
    /// An interpolation or a directive.
    Interpolation {
        open: usize,
        open_end: usize,
        braces: usize,
        has_newline: bool,
        /// How many reports there were before it.
        reports: usize,
    },
}

impl Mode<'_> {
    fn open(&self) -> usize {
        match self {
            Self::Quoted { open, .. } | Self::Heredoc { open, .. } | Self::Interpolation { open, .. } => *open,
        }
    }
}

/// For each name, the start of the last line where it may close a heredoc.
#[derive(Default)]
struct MarkerLines<'t> {
    /// It stands alone on the line.
    alone: HashMap<&'t str, usize>,
    /// It starts the line.
    first: HashMap<&'t str, usize>,
}

struct Scanner<'t> {
    file: FileId,
    text: &'t str,
    at: usize,
    modes: Vec<Mode<'t>>,
    /// Made for the first heredoc.
    marker_lines: Option<MarkerLines<'t>>,
    scan: Scan,
}

impl<'t> Scanner<'t> {
    fn new(file: FileId, text: &'t str, at: usize) -> Self {
        let scan = Scan { tokens: Vec::new(), reports: Vec::new(), broken: Vec::new(), cut: false };
        Self { file, text, at, modes: Vec::new(), marker_lines: None, scan }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range)
    }

    /// Emits a token from the current place to `end` and goes there.
    fn push(&mut self, kind: TokenKind, end: usize) {
        self.scan.tokens.push(Token { kind, span: self.span(self.at..end) });
        self.at = end;
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.scan.reports.push(diagnostic);
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// The end of the line that `at` is in, before its line ending.
    fn line_end(&self, at: usize) -> usize {
        let line = &self.text[at..];
        let line = &line[..line.find('\n').unwrap_or(line.len())];
        at + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// The blanks that the line of `at` starts with.
    fn indentation(&self, at: usize) -> usize {
        let line = &self.text[self.line_start(at)..];
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }

    /// The start of the first line after `at` that can't belong to something that began there and is never closed:
    /// an item, or nothing but closing brackets, no deeper than the line of `at`.
    fn line_after_unclosed(&self, at: usize) -> Option<usize> {
        let indentation = self.indentation(at);
        let mut start = at;
        // Bounded, since each of many heredocs in each other may ask.
        for _ in 0..1000 {
            start += self.text[start..].find('\n')? + 1;
            let line = &self.text[start..];
            let line = line[..line.find('\n').unwrap_or(line.len())].trim_end();
            let is_closing =
                !line.is_empty() && line.trim_start().chars().all(|next| matches!(next, '}' | ']' | ')' | ','));
            if (is_closing || is_item_line(line)) && line.len() - line.trim_start().len() <= indentation {
                return Some(start);
            }
        }
        None
    }

    /// Closes the innermost mode with an empty token.
    fn close_with_nothing(&mut self) {
        let kind = match self.modes.pop() {
            Some(Mode::Quoted { .. }) => TokenKind::CloseQuote,
            Some(Mode::Heredoc { .. }) => TokenKind::CloseHeredoc,
            Some(Mode::Interpolation { .. }) => TokenKind::CloseTemplate,
            None => return,
        };
        self.push(kind, self.at);
    }

    /// Closes all modes from `first` on; reports the innermost interpolation among them, or the string itself.
    fn abandon(&mut self, first: usize) {
        let Some(outer) = self.modes.get(first) else { return };
        let start = outer.open();
        let interpolation = self.modes[first..].iter().rev().find_map(|mode| match mode {
            Mode::Interpolation { open, open_end, .. } => Some(*open..*open_end),
            _ => None,
        });
        let reports = self.modes[first..].iter().find_map(|mode| match mode {
            Mode::Interpolation { reports, .. } => Some(*reports),
            _ => None,
        });
        if let Some(reports) = reports {
            self.scan.reports.truncate(reports);
        }
        if let Some(range) = interpolation {
            let opening = &self.text[range.clone()];
            let doubled = format!("{}{}", &opening[..1], &opening[..2]);
            self.report(
                Diagnostic::error("unclosed-interpolation", format!("`{opening}` is never closed"))
                    .at(self.span(range))
                    .help(format!("close it with `}}`; to write `{}` as text, write `{doubled}`", &opening[..2])),
            );
        } else if let Mode::Heredoc { marker, .. } = outer {
            let marker = *marker;
            let end = self.line_end(start);
            self.report(
                Diagnostic::error("unterminated-heredoc", format!("no line closes this heredoc with `{marker}`"))
                    .at(self.span(start..end))
                    .help(format!("write `{marker}` alone on the line after the text")),
            );
        } else {
            self.report(
                Diagnostic::error("unterminated-string", "this string has no closing quote")
                    .at(self.span(start..self.line_end(start).min(self.at)))
                    .help("add `\"` at its end"),
            );
        }
        let broken = self.line_start(start)..self.line_end(self.at);
        self.scan.broken.push(broken);
        while self.modes.len() > first {
            self.close_with_nothing();
        }
    }

    fn finish(&mut self) {
        self.scan.cut |= self.modes.iter().any(|mode| !matches!(mode, Mode::Quoted { .. }));
        self.abandon(0);
        self.push(TokenKind::End, self.at);
        merge(&mut self.scan.broken);
    }
}

/// Puts stretches in order, and makes one of those that overlap.
pub(super) fn merge(ranges: &mut Vec<Range<usize>>) {
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, before| {
        let overlap = next.start <= before.end;
        if overlap {
            before.end = before.end.max(next.end);
        }
        overlap
    });
}

/// The length of the name that `text` starts with; 0 when it starts with something else.
pub(super) fn identifier_length(text: &str) -> usize {
    let mut characters = text.char_indices();
    match characters.next() {
        Some((_, first)) if first == '_' || unicode_ident::is_xid_start(first) => {}
        _ => return 0,
    }
    characters
        .find(|(_, character)| *character != '-' && !unicode_ident::is_xid_continue(*character))
        .map_or(text.len(), |(end, _)| end)
}

/// Whether a line is an argument as people write it, or a block header with its brace. More than
/// [`looks_like_item`]: text in other languages has `NAME=value` too.
fn is_item_line(line: &str) -> bool {
    let line = line.trim();
    let rest = &line[identifier_length(line)..];
    looks_like_item(line)
        && if rest.trim_start().starts_with('=') { rest.starts_with([' ', '\t']) } else { line.contains('{') }
}

/// Whether `text` starts as an argument or a block header does. No expression goes on this way on a new line.
pub(super) fn looks_like_item(text: &str) -> bool {
    let (name, rest) = text.split_at(identifier_length(text));
    // The keywords of a `for` expression may start a line of it.
    if matches!(name, "" | "in" | "if") {
        return false;
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    match rest.as_bytes() {
        [b'=', next, ..] => !matches!(next, b'=' | b'>'),
        [b'=' | b'{' | b'"', ..] => true,
        _ => false,
    }
}
