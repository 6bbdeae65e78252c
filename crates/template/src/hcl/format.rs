//! HCL2 as `packer fmt` writes it: the same words on the same lines, with other blanks between them.
//!
//! Knows words and lines, no grammar. The rules were found by running Packer 1.6.6, odd ones included, since what one
//! of the two programs has formatted must be fine for the other one. Where newer versions are known to differ, theirs
//! holds.

mod indent;
mod spacing;
#[cfg(test)]
mod tests;

use super::token::{Token, TokenKind};
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation as _;

/// A token with the blanks that go before it.
struct Word<'t> {
    kind: TokenKind,
    text: &'t str,
    /// How many blanks; not counted for the first word of a line, which has the indentation.
    blanks: usize,
}

/// What stands before one line break that is a token of its own. Heredocs and comments have others inside of them.
struct Line<'t> {
    words: Vec<Word<'t>>,
    indentation: usize,
    /// The line break; at the end of the text whatever blanks are there.
    ending: &'t str,
}

/// The most bytes of a formatted text. All lines of a run get as wide as the widest, so that a small text may want many.
const MAX_LENGTH: usize = 64 << 20;

/// Formats a text without mistakes, which `tokens` are made of. `None` where it would be larger than 64 MiB.
pub(super) fn format(text: &str, tokens: &[Token]) -> Option<String> {
    let mut lines = split(text, tokens);
    indent::indent(&mut lines);
    for line in &mut lines {
        spacing::space(&mut line.words);
    }
    align(&mut lines, assignment);
    align(&mut lines, comment);
    let length = lines.iter().map(Line::length).fold(0, usize::saturating_add);
    (length <= MAX_LENGTH).then(|| {
        let mut formatted = String::with_capacity(length);
        lines.iter().for_each(|line| line.write(&mut formatted));
        formatted
    })
}

/// The lines of a text. A byte order mark is dropped: it is in no token.
fn split<'t>(text: &'t str, tokens: &[Token]) -> Vec<Line<'t>> {
    let slice = |range: Range<usize>| text.get(range).unwrap_or_default();
    let mut lines = Vec::new();
    let mut words = Vec::new();
    let mut end = 0;
    for token in tokens {
        let range = token.span.range();
        let ending = match token.kind {
            TokenKind::Newline => slice(range.clone()),
            TokenKind::End => slice(end..range.start).trim_start_matches('\u{feff}'),
            kind => {
                end = range.end;
                words.push(Word { kind, text: slice(range), blanks: 0 });
                continue;
            }
        };
        end = range.end;
        lines.push(Line { words: std::mem::take(&mut words), indentation: 0, ending });
    }
    lines
}

/// Moves a word of each line, where `find` names one, so that it begins below that of the line before. Lines that have
/// none divide those that are aligned.
fn align(lines: &mut [Line<'_>], find: fn(&Line<'_>) -> Option<usize>) {
    for run in lines.chunk_by_mut(|line, next| find(line).is_some() && find(next).is_some()) {
        let columns: Vec<_> = run.iter().map(|line| find(line).map_or(0, |index| line.width(index))).collect();
        let widest = columns.iter().max().copied().unwrap_or_default();
        for (line, column) in run.iter_mut().zip(columns) {
            if let Some(word) = find(line).and_then(|index| line.words.get_mut(index)) {
                word.blanks = 1 + widest - column;
            }
        }
    }
}

/// The `=` of a line that has an argument or an item of an object, all of it.
///
/// That is the first one, if as much is opened after it as is closed. Others, such as `a = [` and `b { c = 1 }`, stay
/// where they are.
fn assignment(line: &Line<'_>) -> Option<usize> {
    let index = line.words.iter().position(|word| word.kind == TokenKind::Equal)?;
    let open: i32 = line.words.iter().skip(index).map(|word| indent::change(word.kind)).sum();
    (open == 0 && index > 0).then_some(index)
}

/// The comment at the end of a line that has something else too.
fn comment(line: &Line<'_>) -> Option<usize> {
    let index = line.words.len().checked_sub(1).filter(|index| *index > 0)?;
    line.words.get(index).filter(|word| word.ends_line()).map(|_| index)
}

impl Line<'_> {
    /// The words, each with the number of blanks before it.
    fn spaced(&self) -> impl Iterator<Item = (usize, &Word<'_>)> {
        let words = self.words.iter().enumerate();
        words.map(|(index, word)| (if index == 0 { self.indentation } else { word.blanks }, word))
    }

    fn length(&self) -> usize {
        self.spaced().map(|(blanks, word)| blanks + word.text.len()).sum::<usize>() + self.ending.len()
    }

    fn write(&self, formatted: &mut String) {
        for (blanks, word) in self.spaced() {
            formatted.extend(std::iter::repeat_n(' ', blanks));
            formatted.push_str(word.text);
        }
        formatted.push_str(self.ending);
    }

    /// The width of the line up to a word, without the blanks before it. What goes over several lines counts whole.
    fn width(&self, until: usize) -> usize {
        self.spaced().take(until).map(|(blanks, word)| blanks + word.width()).sum()
    }
}

impl Word<'_> {
    /// Whether it is a comment that only a line break can follow.
    fn ends_line(&self) -> bool {
        self.kind == TokenKind::Comment && !self.text.starts_with("/*")
    }

    /// The number of characters as people see them.
    fn width(&self) -> usize {
        let is_plain = self.text.is_ascii() && !self.text.contains('\r');
        if is_plain { self.text.len() } else { self.text.graphemes(true).count() }
    }
}
