//! Texts and places in them: files, spans of bytes, lines and columns, and the way back from cooked strings.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

/// One text known to a [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A range of bytes in one source file; `end` is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The span of `range` in `file`.
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        Self { file, start: offset(range.start), end: offset(range.end) }
    }

    /// The place of what nobody wrote: a default. Never shown; it exists so that defaults and written values
    /// can have one type.
    pub fn nowhere() -> Self {
        Self { file: FileId(u32::MAX), start: 0, end: 0 }
    }

    /// From the start of this span to the end of a later one in the same file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start, end: other.end.max(self.start) }
    }

    /// Whether all of another span lies within this one.
    pub fn contains(self, other: Self) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }

    /// The span as a range of byte offsets.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Sources are refused above 4 GiB long before this saturates.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A value, and where the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// What kind of thing a text is: only files can be annotated in a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file; its name is the path as the user gave it.
    File,
    /// A flag of the command line or an environment variable; its name says which.
    Argument,
}

/// A line and a column, both from 1; a column counts Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

#[derive(Debug)]
struct Source {
    name: Arc<str>,
    origin: Origin,
    text: Arc<str>,
    /// Byte offset of the first byte of each line.
    lines: Vec<u32>,
}

impl Source {
    fn new(name: Arc<str>, origin: Origin, text: Arc<str>) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| offset(at + 1));
        let lines = std::iter::once(0).chain(starts).collect();
        Self { name, origin, text, lines }
    }
}

/// All texts of one run. Spans mean something only together with the `Sources` that made their file ids.
///
/// A handle: clones share one list, which grows while a template is evaluated (`templatefile` reads further files).
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Arc<RwLock<Vec<Arc<Source>>>>,
}

impl Sources {
    /// Adds a text under the name that messages show.
    pub fn add(&self, name: impl Into<Arc<str>>, origin: Origin, text: impl Into<Arc<str>>) -> FileId {
        let source = Arc::new(Source::new(name.into(), origin, text.into()));
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        files.push(source);
        FileId(offset(files.len() - 1))
    }

    fn source(&self, file: FileId) -> Arc<Source> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        match files.get(file.0 as usize) {
            Some(source) => source.clone(),
            // What [`Span::nowhere`] points into.
            None => Arc::new(Source::new("".into(), Origin::Argument, "".into())),
        }
    }

    pub fn name(&self, file: FileId) -> Arc<str> {
        self.source(file).name.clone()
    }

    /// The name of the first text that is a file: what stands for what has no place at all.
    pub fn first_file(&self) -> Option<Arc<str>> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.iter().find(|source| source.origin == Origin::File).map(|source| source.name.clone())
    }

    /// All texts so far, in the order in which they were added.
    pub fn files(&self) -> Vec<FileId> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        (0..files.len()).map(|index| FileId(offset(index))).collect()
    }

    pub fn origin(&self, file: FileId) -> Origin {
        self.source(file).origin
    }

    pub fn text(&self, file: FileId) -> Arc<str> {
        self.source(file).text.clone()
    }

    /// The text under a span; clamped to whole characters inside the file.
    pub fn slice(&self, span: Span) -> String {
        let text = self.text(span.file);
        let start = text.floor_char_boundary(span.start as usize);
        let end = text.ceil_char_boundary(span.end as usize).max(start);
        text[start..end.min(text.len())].to_owned()
    }

    /// Line and column of a byte offset.
    pub fn position(&self, file: FileId, at: u32) -> Position {
        let source = self.source(file);
        let line = source.lines.partition_point(|start| *start <= at).saturating_sub(1);
        let start = source.lines[line] as usize;
        let end = source.text.floor_char_boundary((at as usize).min(source.text.len())).max(start);
        Position { line: line + 1, column: source.text[start..end].chars().count() + 1 }
    }

    /// Where a span starts, and the position just past its end.
    pub fn range(&self, span: Span) -> (Position, Position) {
        (self.position(span.file, span.start), self.position(span.file, span.end))
    }

    /// The same texts with secrets overwritten, byte for byte, so that all places stay what they are. `None` where
    /// there is nothing to overwrite.
    pub fn masked(&self, secrets: &[String]) -> Option<Self> {
        let mut files = self.files.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut found = false;
        for source in &mut files {
            let present: Vec<_> =
                secrets.iter().filter(|secret| !secret.is_empty() && source.text.contains(secret.as_str())).collect();
            if present.is_empty() {
                continue;
            }
            found = true;
            let mut text = source.text.to_string();
            for secret in present {
                // Line endings stay, or the lines would move.
                let stars: String = secret.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
                text = text.replace(secret.as_str(), &stars);
            }
            *source = Arc::new(Source::new(source.name.clone(), source.origin, text.into()));
        }
        found.then(|| Self { files: Arc::new(RwLock::new(files)) })
    }

    /// The whole line (from 1) of a file, without its line ending.
    pub fn line(&self, file: FileId, line: usize) -> String {
        let source = self.source(file);
        let Some(start) = source.lines.get(line.wrapping_sub(1)) else { return String::new() };
        let end = source.lines.get(line).map_or(source.text.len(), |end| *end as usize);
        source.text[*start as usize..end].trim_end_matches(['\n', '\r']).to_owned()
    }
}

/// A string value as the program sees it, with the way back to the bytes it was written as.
///
/// Escapes, removed heredoc indentation and the like make the two differ; positions inside the value
/// (a Go template action, say) still have to be shown in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    value: String,
    file: FileId,
    pieces: Vec<Piece>,
}

/// A stretch of the value and the stretch of source it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    value_start: u32,
    source: Range<u32>,
    /// Byte for byte the same as the source; else one escape that can't be divided.
    verbatim: bool,
}

impl Text {
    /// An empty text, to be filled from left to right.
    pub fn new(file: FileId) -> Self {
        Self { value: String::new(), file, pieces: Vec::new() }
    }

    /// A text that was computed: any place in it is all of `span`.
    pub fn opaque(value: &str, span: Span) -> Self {
        let mut text = Self::new(span.file);
        text.push_escape(value, span.range());
        text
    }

    /// Appends `text`, which stands in the source at `source_start` byte for byte.
    pub fn push_verbatim(&mut self, text: &str, source_start: usize) {
        if text.is_empty() {
            return;
        }
        let start = offset(source_start);
        let end = offset(source_start + text.len());
        match self.pieces.last_mut() {
            Some(last) if last.verbatim && last.source.end == start => last.source.end = end,
            _ => self.pieces.push(Piece { value_start: offset(self.value.len()), source: start..end, verbatim: true }),
        }
        self.value.push_str(text);
    }

    /// Appends `text`, which was written as the escape at `source`. Empty `text` leaves a gap in the source.
    pub fn push_escape(&mut self, text: &str, source: Range<usize>) {
        if text.is_empty() {
            return;
        }
        let source = offset(source.start)..offset(source.end);
        self.pieces.push(Piece { value_start: offset(self.value.len()), source, verbatim: false });
        self.value.push_str(text);
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    /// The source span of a byte range of the value. A range that starts or ends inside an escape takes all of it.
    pub fn span(&self, range: Range<usize>) -> Span {
        let start = self.source_of(offset(range.start), false);
        let end = if range.is_empty() { start } else { self.source_of(offset(range.end), true) };
        Span { file: self.file, start, end: end.max(start) }
    }

    /// The same text, whose places so far are places in the value of `outer`, with the places of that.
    #[must_use]
    pub fn within(&self, outer: &Self) -> Self {
        let mut text = Self::new(outer.file);
        let ends = self.pieces.iter().skip(1).map(|piece| piece.value_start).chain([offset(self.value.len())]);
        for (piece, end) in self.pieces.iter().zip(ends) {
            let source = piece.source.start as usize..piece.source.end as usize;
            if piece.verbatim {
                outer.copy(source, &mut text);
            } else {
                let value = self.value.get(piece.value_start as usize..end as usize).unwrap_or_default();
                text.push_escape(value, outer.span(source).range());
            }
        }
        text
    }

    /// Appends a byte range of the value to another text, places and all.
    fn copy(&self, range: Range<usize>, to: &mut Self) {
        let wanted = offset(range.start)..offset(range.end);
        let first = self.pieces.partition_point(|piece| piece.value_start <= wanted.start).saturating_sub(1);
        for (index, piece) in self.pieces.iter().enumerate().skip(first) {
            if piece.value_start >= wanted.end {
                break;
            }
            let piece_end = self.pieces.get(index + 1).map_or(offset(self.value.len()), |next| next.value_start);
            let start = piece.value_start.max(wanted.start);
            let end = piece_end.min(wanted.end);
            let value = self.value.get(start as usize..end as usize).unwrap_or_default();
            if piece.verbatim {
                to.push_verbatim(value, (piece.source.start + (start - piece.value_start)) as usize);
            } else {
                to.push_escape(value, piece.source.start as usize..piece.source.end as usize);
            }
        }
    }

    fn source_of(&self, at: u32, is_end: bool) -> u32 {
        // An end belongs to the piece before it, a start to the piece that begins there.
        let index = self.pieces.partition_point(|piece| piece.value_start < at || (!is_end && piece.value_start == at));
        let Some(piece) = self.pieces.get(index.saturating_sub(1)) else { return 0 };
        let into = at.saturating_sub(piece.value_start);
        if piece.verbatim {
            piece.source.start + into.min(piece.source.end - piece.source.start)
        } else if is_end {
            piece.source.end
        } else {
            let next = self.pieces.get(index).map_or(offset(self.value.len()), |next| next.value_start);
            if at >= next { piece.source.end } else { piece.source.start }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_lines() {
        let sources = Sources::default();
        let file = sources.add("a.pkr.hcl", Origin::File, "ä = 1\nbcd\r\n");
        assert_eq!(sources.position(file, 0), Position { line: 1, column: 1 });
        assert_eq!(sources.position(file, 2), Position { line: 1, column: 2 });
        assert_eq!(sources.position(file, 9), Position { line: 2, column: 3 });
        assert_eq!(sources.line(file, 2), "bcd");
        assert_eq!(sources.line(file, 9), "");
    }

    #[test]
    fn secrets_are_overwritten_where_they_stand() {
        let sources = Sources::default();
        let file = sources.add("-var key", Origin::Argument, "a geheim b\nc");
        assert!(sources.masked(&["other".to_owned()]).is_none());
        let masked = sources.masked(&["geheim".to_owned()]).unwrap();
        assert_eq!(&*masked.text(file), "a ****** b\nc");
        assert_eq!(masked.position(file, 11), Position { line: 2, column: 1 });
    }

    #[test]
    fn cooked_ranges_lead_back_to_the_source() {
        // source: x"a\u00e9b"  cooked: aéb
        let sources = Sources::default();
        let source = "x\"a\\u00e9b\"";
        let file = sources.add("t.json", Origin::File, source);
        let mut text = Text::new(file);
        text.push_verbatim("a", 2);
        text.push_escape("é", 3..9);
        text.push_verbatim("b", 9);
        assert_eq!(text.value(), "aéb");
        let show = |range| sources.slice(text.span(range)).to_owned();
        assert_eq!(show(0..1), "a");
        assert_eq!(show(1..3), "\\u00e9");
        assert_eq!(show(3..4), "b");
        assert_eq!(show(0..4), "a\\u00e9b");
    }
    #[test]
    fn a_text_inside_of_another_one_leads_back_to_the_file() {
        // source: "a\"b$${c\n"  its value: a"b$${c⏎  the text in it: a"b${c⏎, with an escape for the quote
        let sources = Sources::default();
        let source = r#""a\"b$${c\n""#;
        let file = sources.add("t.json", Origin::File, source);
        let mut outer = Text::new(file);
        outer.push_verbatim("a", 1);
        outer.push_escape("\"", 2..4);
        outer.push_verbatim("b$${c", 4);
        outer.push_escape("\n", 9..11);
        let mut inner = Text::new(file);
        inner.push_verbatim("a", 0);
        inner.push_escape("'", 1..2);
        inner.push_verbatim("b", 2);
        inner.push_verbatim("${c\n", 4);
        let text = inner.within(&outer);
        assert_eq!(text.value(), "a'b${c\n");
        let show = |range| sources.slice(text.span(range));
        assert_eq!(show(0..2), r#"a\""#);
        assert_eq!(show(1..2), r#"\""#);
        assert_eq!(show(2..4), "b$$");
        assert_eq!(show(3..5), "${");
        assert_eq!(show(5..7), r"c\n");
    }
}
