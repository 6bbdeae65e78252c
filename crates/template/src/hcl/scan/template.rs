//! Scanning inside of quoted strings and heredocs.

use super::{MarkerLines, Mode, Scanner, identifier_length, is_item_line};
use crate::diagnostic::Diagnostic;
use crate::hcl::token::TokenKind;
use std::ops::Range;

/// What ends a stretch of literal text.
enum Stop {
    Quote,
    /// `${` or `%{`, with `~` when it is there.
    Template(TokenKind, usize),
    Newline,
    End,
}

impl<'t> Scanner<'t> {
    pub(super) fn quoted(&mut self) {
        let (end, stop) = self.literal_end(true);
        match stop {
            Stop::Quote => {
                self.literal(end);
                self.modes.pop();
                self.push(TokenKind::CloseQuote, end + 1);
            }
            Stop::Template(kind, length) => {
                self.literal(end);
                self.open_template(kind, length);
            }
            Stop::Newline | Stop::End => self.newline_in_string(end),
        }
    }

    pub(super) fn heredoc(&mut self) {
        let Some(Mode::Heredoc { at_line_start, .. }) = self.modes.last_mut() else { return };
        if std::mem::take(at_line_start) && self.close_heredoc() {
            return;
        }
        if let Some(Mode::Heredoc { given_up_at, .. }) = self.modes.last()
            && given_up_at.is_some_and(|line| line <= self.at)
        {
            self.abandon(self.modes.len() - 1);
            return;
        }
        self.template_text();
    }

    /// One line of text without quotes, or as much of it as stands before the next interpolation.
    pub(super) fn template_text(&mut self) {
        let (end, stop) = self.literal_end(false);
        match stop {
            Stop::Template(kind, length) => {
                self.literal(end);
                self.open_template(kind, length);
            }
            Stop::Newline => {
                self.literal(end + 1);
                if let Some(Mode::Heredoc { at_line_start, .. }) = self.modes.last_mut() {
                    *at_line_start = true;
                }
            }
            Stop::Quote | Stop::End => self.literal(end),
        }
    }

    /// Where the literal text that starts here ends, and why.
    fn literal_end(&self, quoted: bool) -> (usize, Stop) {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        loop {
            match bytes.get(at..).unwrap_or_default() {
                [] => return (self.text.len(), Stop::End),
                [b'\n', ..] => return (at, Stop::Newline),
                [b'\r', b'\n', ..] if quoted => return (at, Stop::Newline),
                [b'"', ..] if quoted => return (at, Stop::Quote),
                [b'\\', b'"' | b'\\' | b'$' | b'%', ..] if quoted => at += 2,
                [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => at += 3,
                [b'$', b'{', after @ ..] => {
                    return (at, Stop::Template(TokenKind::OpenInterpolation, 2 + strip_mark(after)));
                }
                [b'%', b'{', after @ ..] => {
                    return (at, Stop::Template(TokenKind::OpenDirective, 2 + strip_mark(after)));
                }
                _ => at += 1,
            }
        }
    }

    fn literal(&mut self, end: usize) {
        if end > self.at {
            self.push(TokenKind::Literal, end);
        }
    }

    fn open_template(&mut self, kind: TokenKind, length: usize) {
        let (open, open_end) = (self.at, self.at + length);
        let reports = self.scan.reports.len();
        self.modes.push(Mode::Interpolation { open, open_end, braces: 0, has_newline: false, reports });
        self.push(kind, open_end);
    }

    /// A quoted string has reached the end of a line, at `end`.
    fn newline_in_string(&mut self, end: usize) {
        let modes = self.modes.len();
        let Some(Mode::Quoted { open, has_newline }) = self.modes.last_mut() else { return };
        let open = *open;
        if *has_newline || (modes == 1 && closes_later(&self.text[end..])) {
            if !std::mem::replace(has_newline, true) {
                let span = self.span(open..end);
                self.report(
                    Diagnostic::error("newline-in-string", "a quoted string can't go on on the next line")
                        .at(span)
                        .help("write `\\n` for a line break, or use a heredoc"),
                );
            }
            let rest = &self.text[end..];
            self.literal(end + rest.find('\n').map_or(rest.len(), |newline| newline + 1));
            return;
        }
        let line = &self.text[self.at..end];
        let before = line.strip_suffix('{').map(|before| before.trim_end_matches([' ', '\t']));
        match before {
            // A block label without its closing quote must not swallow the brace of the body.
            Some(before) if modes == 1 && self.is_label() => self.literal(self.at + before.len()),
            _ => self.literal(end),
        }
        self.abandon(self.first_mode_of_line(open));
    }

    /// Whether the string that was just opened stands where only a block label can.
    fn is_label(&self) -> bool {
        match self.scan.tokens.as_slice() {
            [.., before, _] => matches!(before.kind, TokenKind::Identifier | TokenKind::CloseQuote),
            _ => false,
        }
    }

    /// At `<<`: a heredoc, or else an operator that HCL does not have.
    pub(super) fn open_heredoc(&mut self) {
        let start = self.at;
        let Some((marker, is_exact)) = self.heredoc_marker() else { return self.unsupported_operator("<<") };
        let name = &self.text[marker.clone()];
        let lines = self.marker_lines();
        let last_line = lines.alone.get(name).copied().filter(|line| *line >= marker.end);
        let is_loose = last_line.is_none();
        let is_lost = is_loose && lines.first.get(name).is_none_or(|line| *line < marker.end);
        if !is_exact {
            if last_line.is_none() {
                return self.unsupported_operator("<<");
            }
            let dash = if self.text[start..].starts_with("<<-") { "-" } else { "" };
            let end = self.line_end(marker.end);
            self.report(
                Diagnostic::error("heredoc-marker", "the marker of a heredoc is a bare name that ends the line")
                    .at(self.span(start..end))
                    .help(format!("write `<<{dash}{name}`")),
            );
        }
        let given_up_at = if is_lost { self.line_after_unclosed(start) } else { None };
        self.modes.push(Mode::Heredoc { open: start, marker: name, is_loose, at_line_start: true, given_up_at });
        let newline = self.text[marker.end..].find('\n').map(|newline| marker.end + newline + 1);
        self.push(TokenKind::OpenHeredoc, newline.unwrap_or(self.text.len()));
    }

    /// The place of the marker in the heredoc opening here, and whether it is written as it must be.
    fn heredoc_marker(&self) -> Option<(Range<usize>, bool)> {
        let opening = self.rest().strip_prefix("<<")?;
        let opening = opening.strip_prefix('-').unwrap_or(opening);
        let name = opening.trim_start_matches([' ', '\t', '"', '\'']);
        let length = identifier_length(name);
        let after = name[length..].trim_start_matches([' ', '\t', '"', '\'']);
        if length == 0 || !(after.is_empty() || after.starts_with(['\n', '\r'])) {
            return None;
        }
        let start = self.text.len() - name.len();
        Some((start..start + length, name.len() == opening.len() && after.len() == name.len() - length))
    }

    fn marker_lines(&mut self) -> &MarkerLines<'t> {
        let text = self.text;
        self.marker_lines.get_or_insert_with(|| {
            let mut lines = MarkerLines::default();
            let mut start = 0;
            // A marker that ends the text without a line ending does not close anything, as in Go.
            while start < text.len() {
                let length = text[start..].find('\n');
                let line = text[start..length.map_or(text.len(), |length| start + length)].trim();
                let name = &line[..identifier_length(line)];
                if !name.is_empty() {
                    lines.first.insert(name, start);
                    if name.len() == line.len() && length.is_some() {
                        lines.alone.insert(name, start);
                    }
                }
                start += length.map_or(text.len(), |length| length + 1);
            }
            lines
        })
    }

    /// Ends the heredoc if its closing marker is on the line that starts here.
    fn close_heredoc(&mut self) -> bool {
        let Some(Mode::Heredoc { marker, is_loose, .. }) = self.modes.last() else { return false };
        let (marker, is_loose) = (*marker, *is_loose);
        let end = self.line_end(self.at);
        let line = &self.text[self.at..end];
        if line.trim() == marker && end < self.text.len() {
            self.modes.pop();
            self.push(TokenKind::CloseHeredoc, end);
            return true;
        }
        let indentation = line.len() - line.trim_start().len();
        let start = self.at + indentation;
        if !is_loose
            || identifier_length(&self.text[start..]) != marker.len()
            || !line[indentation..].starts_with(marker)
        {
            return false;
        }
        let marker_end = start + marker.len();
        self.report(
            Diagnostic::error("heredoc-marker", format!("the closing `{marker}` must be alone on its line"))
                .at(self.span(start..marker_end))
                .help("end the line after it; what follows goes on the next line"),
        );
        self.modes.pop();
        self.push(TokenKind::CloseHeredoc, marker_end);
        true
    }
}

fn strip_mark(after: &[u8]) -> usize {
    usize::from(after.first() == Some(&b'~'))
}

/// Whether a string that reaches the end of its line is meant to end on a later one.
///
/// Taken to be so when the first line with quotes has an odd number of them: an even number are strings of their
/// own, and then the quote is missing here. So it is when an item comes before.
fn closes_later(text: &str) -> bool {
    let Some(first) = text.find('"') else { return false };
    let before = &text[..first + text[first..].find('\n').unwrap_or(text.len() - first)];
    if before.lines().skip(1).any(is_item_line) {
        return false;
    }
    let line = &text[first..];
    let line = &line[..line.find('\n').unwrap_or(line.len())];
    let mut is_escaped = false;
    let mut quotes = 0;
    for byte in line.bytes() {
        if byte == b'"' && !is_escaped {
            quotes += 1;
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    quotes % 2 == 1
}
