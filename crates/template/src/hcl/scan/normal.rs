//! Scanning outside of strings: names, numbers, operators, comments, and characters HCL does not have.

use super::{Mode, Scanner, identifier_length, looks_like_item};
use crate::diagnostic::Diagnostic;
use crate::hcl::token::TokenKind;

/// All operators and brackets, longer ones before their beginnings.
const OPERATORS: [(&str, TokenKind); 32] = [
    ("...", TokenKind::Ellipsis),
    ("::", TokenKind::DoubleColon),
    ("=>", TokenKind::FatArrow),
    ("==", TokenKind::EqualEqual),
    ("!=", TokenKind::NotEqual),
    ("<=", TokenKind::LessOrEqual),
    (">=", TokenKind::GreaterOrEqual),
    ("&&", TokenKind::And),
    ("||", TokenKind::Or),
    ("{", TokenKind::OpenBrace),
    ("}", TokenKind::CloseBrace),
    ("[", TokenKind::OpenBracket),
    ("]", TokenKind::CloseBracket),
    ("(", TokenKind::OpenParenthesis),
    (")", TokenKind::CloseParenthesis),
    (".", TokenKind::Dot),
    (",", TokenKind::Comma),
    (":", TokenKind::Colon),
    ("=", TokenKind::Equal),
    ("?", TokenKind::Question),
    ("+", TokenKind::Plus),
    ("-", TokenKind::Minus),
    ("*", TokenKind::Star),
    ("/", TokenKind::Slash),
    ("%", TokenKind::Percent),
    ("!", TokenKind::Not),
    ("<", TokenKind::Less),
    (">", TokenKind::Greater),
    ("&", TokenKind::Invalid),
    ("|", TokenKind::Invalid),
    ("^", TokenKind::Invalid),
    ("~", TokenKind::Invalid),
];

impl Scanner<'_> {
    pub(super) fn normal(&mut self) {
        let rest = self.rest();
        match rest.as_bytes() {
            [b' ' | b'\t', ..] => self.at += 1,
            [b'\n', ..] => self.newline(1),
            [b'\r', b'\n', ..] => self.newline(2),
            [b'#', ..] | [b'/', b'/', ..] => self.push(TokenKind::Comment, self.line_end(self.at)),
            [b'/', b'*', ..] => self.block_comment(),
            [b'"', ..] => {
                self.modes.push(Mode::Quoted { open: self.at, has_newline: false });
                self.push(TokenKind::OpenQuote, self.at + 1);
            }
            [b'<', b'<', ..] => self.open_heredoc(),
            [b'0'..=b'9', ..] => self.push(TokenKind::Number, self.at + number_length(rest.as_bytes())),
            _ => match identifier_length(rest) {
                0 => self.operator(),
                length => self.push(TokenKind::Identifier, self.at + length),
            },
        }
    }

    fn newline(&mut self, length: usize) {
        if let Some(first) = self.interpolation_given_up() {
            self.abandon(first);
            return;
        }
        if let Some(Mode::Interpolation { has_newline, .. }) = self.modes.last_mut() {
            *has_newline = true;
        }
        self.push(TokenKind::Newline, self.at + length);
    }

    /// The first mode to leave, when what follows the newline here can't belong to the interpolation around it.
    fn interpolation_given_up(&self) -> Option<usize> {
        let Some(Mode::Interpolation { braces, .. }) = self.modes.last() else { return None };
        let (_, next) = self.rest().split_once('\n')?;
        let line = &next[..next.find('\n').unwrap_or(next.len())];
        // Bounded, since this is asked at every newline, however deep the nesting is.
        let heredoc = self.modes.iter().enumerate().rev().take(64).find_map(|(index, mode)| match mode {
            Mode::Heredoc { marker, .. } => Some((index, *marker)),
            _ => None,
        });
        if let Some((index, marker)) = heredoc
            && line.trim() == marker
        {
            return Some(index + 1);
        }
        let outer = self.modes.len().checked_sub(2)?;
        let Mode::Quoted { open, .. } = self.modes[outer] else { return None };
        let line = line.trim();
        if *braces == 0 && (line == "}" || looks_like_item(line)) { Some(self.first_mode_of_line(open)) } else { None }
    }

    /// The outermost string or interpolation that was opened on the line of `open`.
    pub(super) fn first_mode_of_line(&self, open: usize) -> usize {
        let start = self.line_start(open);
        let inside = self.modes.iter().rposition(|mode| matches!(mode, Mode::Heredoc { .. }) || mode.open() < start);
        inside.map_or(0, |index| index + 1)
    }

    fn block_comment(&mut self) {
        if let Some(length) = self.rest()[2..].find("*/") {
            self.push(TokenKind::Comment, self.at + length + 4);
            return;
        }
        self.report(
            Diagnostic::error("unterminated-comment", "this comment is never closed")
                .at(self.span(self.at..self.at + 2))
                .help("close it with `*/`"),
        );
        let next = self.line_after_unclosed(self.at);
        self.scan.cut |= next.is_none();
        let end = self.text[..next.unwrap_or(self.text.len())].trim_end_matches(['\n', '\r']).len();
        self.push(TokenKind::Comment, end.max(self.at + 2));
    }

    fn operator(&mut self) {
        let rest = self.rest();
        let goes_on = self.heredoc_goes_on();
        if let Some(Mode::Interpolation { braces, .. }) = self.modes.last_mut() {
            match rest.as_bytes() {
                [b'{', ..] => *braces += 1,
                [b'}', ..] if *braces > 0 => *braces -= 1,
                [b'}', ..] => return self.close_template(1),
                [b'~', b'}', ..] if *braces == 0 => return self.close_template(2),
                [b'$', b'{', ..] if goes_on => return self.abandon(self.modes.len() - 1),
                _ => {}
            }
        }
        let operator = OPERATORS.iter().find(|(text, _)| rest.starts_with(text));
        match operator {
            Some((text, TokenKind::Invalid)) => self.unsupported_operator(text),
            Some((text, kind)) => self.push(*kind, self.at + text.len()),
            None => self.invalid(),
        }
    }

    fn close_template(&mut self, length: usize) {
        self.modes.pop();
        self.push(TokenKind::CloseTemplate, self.at + length);
    }

    /// Whether a `${` here, inside of an interpolation that began on an earlier line of a heredoc, is the next
    /// interpolation of that heredoc: `${` means nothing in an expression.
    fn heredoc_goes_on(&self) -> bool {
        matches!(self.modes.as_slice(), [.., Mode::Heredoc { .. }, Mode::Interpolation { has_newline: true, .. }])
    }

    pub(super) fn unsupported_operator(&mut self, text: &'static str) {
        let end = self.at + text.len();
        let help = match text {
            "&" => "for a logical AND write `&&`",
            "|" => "for a logical OR write `||`",
            "~" => "for a logical NOT write `!`",
            "<<" => "a heredoc starts with `<<` and a name, with nothing between and nothing after",
            _ => "there are no bitwise operators",
        };
        self.report(
            Diagnostic::error("unsupported-operator", format!("there is no operator `{text}`"))
                .at(self.span(self.at..end))
                .help(help),
        );
        self.push(TokenKind::Invalid, end);
    }

    fn invalid(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return };
        match first {
            '\'' => self.foreign_string('\''),
            '`' => self.foreign_string('`'),
            '“' | '”' => self.foreign_string('”'),
            ';' => {
                self.report(
                    Diagnostic::error("invalid-character", "`;` does not separate anything")
                        .at(self.span(self.at..self.at + 1))
                        .help("put each argument on a line of its own; separate the items of a collection with `,`"),
                );
                self.push(TokenKind::Invalid, self.at + 1);
            }
            '$' if rest.starts_with("${") => {
                self.report(
                    Diagnostic::error("interpolation-outside-string", "`${…}` has a meaning only inside of strings")
                        .at(self.span(self.at..self.at + 2))
                        .help("write the value without `${` and `}`, or put it into double quotes"),
                );
                self.push(TokenKind::Invalid, self.at + 1);
            }
            _ => self.unknown_characters(first),
        }
    }

    /// A string in quotes of another language, as one token when its end is on the line.
    fn foreign_string(&mut self, closing: char) {
        let rest = self.rest();
        let opening = rest.chars().next().map_or(1, char::len_utf8);
        let (kind, length) = match rest[opening..].find([closing, '\n']) {
            Some(inside) if rest[opening + inside..].starts_with(closing) => {
                (TokenKind::InvalidString, opening + inside + closing.len_utf8())
            }
            _ => (TokenKind::Invalid, opening),
        };
        let (code, message) = match closing {
            '\'' => ("single-quotes", "strings can't have single quotes"),
            '`' => ("invalid-character", "strings can't have backticks"),
            _ => ("invalid-character", "strings can't have typographic quotes"),
        };
        // All of a line are one mistake.
        let line_start = self.line_start(self.at);
        let is_told = self.scan.reports.last().is_some_and(|last| {
            last.message == message
                && last.primary.as_ref().is_some_and(|label| label.span.start as usize >= line_start)
        });
        if !is_told {
            self.report(
                Diagnostic::error(code, message)
                    .at(self.span(self.at..self.at + length))
                    .help("use double quotes: `\"…\"`, or a heredoc for more than one line"),
            );
        }
        self.push(kind, self.at + length);
    }

    fn unknown_characters(&mut self, first: char) {
        let rest = self.rest();
        let is_blank = |character: char| character.is_whitespace() || character == '\u{feff}' || character.is_control();
        if is_blank(first) {
            let length = rest.find(|character| character == '\n' || !is_blank(character)).unwrap_or(rest.len());
            let end = self.at + length.max(first.len_utf8());
            self.report(
                Diagnostic::error("invalid-character", format!("`{}` is not a blank of HCL", first.escape_unicode()))
                    .at(self.span(self.at..end))
                    .help("use a plain space"),
            );
            // Real blanks leave a gap between tokens, so that the rest of the line can be read all the same.
            if rest[..end - self.at].chars().all(char::is_whitespace) {
                self.at = end;
            } else {
                self.push(TokenKind::Invalid, end);
            }
            return;
        }
        let known = |character: char| {
            character.is_ascii_alphanumeric()
                || character.is_whitespace()
                || character == '"'
                || character == '#'
                || OPERATORS.iter().any(|(text, _)| text.starts_with(character))
                || identifier_length(character.encode_utf8(&mut [0; 4])) > 0
        };
        let length = rest.find(known).unwrap_or(rest.len()).max(first.len_utf8());
        let text: String = rest[..length].chars().take(20).collect();
        self.report(
            Diagnostic::error("invalid-character", format!("`{text}` has no meaning here"))
                .at(self.span(self.at..self.at + length))
                .help("put text into double quotes"),
        );
        self.push(TokenKind::Invalid, self.at + length);
    }
}

/// Digits, and each `.` or exponent mark that digits follow.
fn number_length(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match text.get(at..).unwrap_or_default() {
            [b'0'..=b'9', ..] => at += 1,
            [b'.', b'0'..=b'9', ..] => at += 2,
            [b'.', b'.', b'0'..=b'9', ..] => at += 3,
            [b'e' | b'E', b'0'..=b'9', ..] => at += 2,
            [b'e' | b'E', b'+' | b'-', b'0'..=b'9', ..] => at += 3,
            _ => return at,
        }
    }
}
