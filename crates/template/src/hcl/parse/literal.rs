//! Literal text of strings: escapes, and the trimming that strip markers and heredocs ask for.

use super::Parser;
use crate::diagnostic::Diagnostic;
use crate::hcl::token::Token;
use crate::source::{Span, Text};
use std::ops::Range;

/// The text of one literal token, still in the pieces it is made of.
pub(super) struct Literal {
    pieces: Vec<Piece>,
    /// Escapes that mean nothing.
    pub(super) broken: Vec<Span>,
}

struct Piece {
    source: Range<usize>,
    /// What an escape stands for; `None`: the source as it is.
    escaped: Option<char>,
}

impl Parser<'_> {
    /// Reads a literal token; only quoted strings have escapes with a backslash.
    pub(super) fn literal(&mut self, token: Token, quoted: bool) -> Literal {
        let mut literal = Literal { pieces: Vec::new(), broken: Vec::new() };
        let Range { mut start, end } = token.span.range();
        let mut at = start;
        let text = self.text;
        let bytes = text.as_bytes();
        while at < end {
            match bytes.get(at..end).unwrap_or_default() {
                [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => {
                    literal.push(start..at, None);
                    // The doubled character is a gap, so that the rest keeps its own places.
                    start = at + 1;
                    at += 3;
                }
                [b'\\', ..] if quoted => {
                    literal.push(start..at, None);
                    let (length, character) = escape(&text[at..end]);
                    match character {
                        Some(character) => literal.push(at..at + length, Some(character)),
                        None => {
                            literal.broken.push(Span::new(self.file, at..at + length));
                            self.invalid_escape(at..at + length);
                        }
                    }
                    at += length;
                    start = at;
                }
                _ => at += 1,
            }
        }
        literal.push(start..end, None);
        literal
    }

    fn invalid_escape(&mut self, range: Range<usize>) {
        let escape = self.text.get(range.clone()).unwrap_or_default();
        let help = match escape.as_bytes().get(1) {
            Some(b'u') => "write `\\u` and four hexadecimal digits of a character, such as `\\u00e9`".to_owned(),
            Some(b'U') => "write `\\U` and eight hexadecimal digits of a character, such as `\\U0001f600`".to_owned(),
            Some(sign @ (b'$' | b'%')) => {
                let sign = char::from(*sign);
                format!("write `{sign}{sign}{{` for the text `{sign}{{`, and `{sign}` alone as it is")
            }
            _ => "escapes are `\\n`, `\\r`, `\\t`, `\\\"`, `\\\\`, `\\uNNNN` and `\\UNNNNNNNN`; for a backslash write `\\\\`"
                .to_owned(),
        };
        self.reports.push(
            Diagnostic::error("invalid-escape", format!("`{escape}` is not an escape"))
                .at(Span::new(self.file, range))
                .help(help),
        );
    }
}

/// The length of the escape that `text` starts with, and what it stands for.
fn escape(text: &str) -> (usize, Option<char>) {
    let Some(selector) = text.chars().nth(1) else { return (1, None) };
    let digits = match selector {
        'n' => return (2, Some('\n')),
        'r' => return (2, Some('\r')),
        't' => return (2, Some('\t')),
        '"' | '\\' => return (2, Some(selector)),
        'u' => 4,
        'U' => 8,
        _ => return (1 + selector.len_utf8(), None),
    };
    let rest = &text[2..];
    let length = rest.bytes().take(digits).take_while(u8::is_ascii_hexdigit).count();
    let code = if length == digits { u32::from_str_radix(&rest[..length], 16).ok() } else { None };
    (2 + length, code.and_then(char::from_u32))
}

impl Literal {
    fn push(&mut self, source: Range<usize>, escaped: Option<char>) {
        if !source.is_empty() {
            self.pieces.push(Piece { source, escaped });
        }
    }

    fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The characters, each with the place of the piece it is in.
    fn characters<'s>(&'s self, text: &'s str) -> impl Iterator<Item = char> + 's {
        self.pieces.iter().flat_map(move |piece| {
            let verbatim = if piece.escaped.is_none() { text.get(piece.source.clone()) } else { None };
            piece.escaped.into_iter().chain(verbatim.unwrap_or_default().chars())
        })
    }

    fn ends_line(&self, text: &str) -> bool {
        self.pieces.last().is_some_and(|piece| {
            piece.escaped.is_none() && text.get(piece.source.clone()).is_some_and(|text| text.ends_with('\n'))
        })
    }

    fn indentation(&self, text: &str) -> usize {
        self.characters(text).take_while(|character| character.is_whitespace()).count()
    }

    fn is_blank(&self, text: &str) -> bool {
        self.characters(text).all(char::is_whitespace)
    }

    /// Removes blanks at the end, escaped ones too.
    pub(super) fn trim_end(&mut self, text: &str) {
        while let Some(piece) = self.pieces.last_mut() {
            match piece.escaped {
                Some(character) if !character.is_whitespace() => return,
                Some(_) => {}
                None => {
                    let kept = text.get(piece.source.clone()).unwrap_or_default().trim_end().len();
                    if kept > 0 {
                        piece.source.end = piece.source.start + kept;
                        return;
                    }
                }
            }
            self.pieces.pop();
        }
    }

    /// Removes at most `limit` blanks at the start, escaped ones too.
    pub(super) fn trim_start(&mut self, text: &str, mut limit: usize) {
        let mut removed = 0;
        for piece in &mut self.pieces {
            match piece.escaped {
                Some(character) if limit > 0 && character.is_whitespace() => limit -= 1,
                Some(_) => break,
                None => {
                    let source = text.get(piece.source.clone()).unwrap_or_default();
                    let blanks = source.chars().take(limit).take_while(|character| character.is_whitespace());
                    let (count, length) =
                        blanks.fold((0, 0), |(count, length), blank| (count + 1, length + blank.len_utf8()));
                    piece.source.start += length;
                    limit -= count;
                    if length < source.len() {
                        break;
                    }
                }
            }
            removed += 1;
        }
        self.pieces.drain(..removed);
    }

    pub(super) fn append_to(&self, text: &str, cooked: &mut Text) {
        for piece in &self.pieces {
            match piece.escaped {
                Some(character) => cooked.push_escape(character.encode_utf8(&mut [0; 4]), piece.source.clone()),
                None => cooked.push_verbatim(text.get(piece.source.clone()).unwrap_or_default(), piece.source.start),
            }
        }
    }
}

/// Removes the common indentation of a `<<-` heredoc, given its parts in order: literals, or anything else.
///
/// As Go does it, after strip markers have acted: the least indentation of what stands at the start of a line.
/// Blank lines neither count nor lose anything; an interpolation at the start of a line means none at all.
pub(super) fn dedent<'a>(text: &str, parts: impl Iterator<Item = Option<&'a mut Literal>>) {
    let mut least = usize::MAX;
    let mut starts = Vec::new();
    let mut at_line_start = true;
    for part in parts {
        let Some(literal) = part else {
            if at_line_start {
                least = 0;
            }
            at_line_start = false;
            continue;
        };
        let ends_line = literal.ends_line(text);
        let is_empty = literal.is_empty();
        if at_line_start && !(ends_line && literal.is_blank(text)) {
            least = least.min(literal.indentation(text));
            starts.push(literal);
        }
        if !is_empty {
            at_line_start = ends_line;
        }
    }
    for literal in starts {
        literal.trim_start(text, least);
    }
}
