//! Mistakes inside a Go template, told where they stand in the file.

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::source::Text;
use std::ops::Range;

/// Diagnostics whose places are byte ranges of one template's value.
pub(super) struct Report<'a> {
    text: &'a Text,
    diagnostics: &'a mut Diagnostics,
    /// Whether there was an error.
    pub(super) failed: bool,
    count: usize,
}

/// More mistakes of one string are not told: it is no template at all.
const MOST: usize = 100;

impl<'a> Report<'a> {
    pub(super) fn new(text: &'a Text, diagnostics: &'a mut Diagnostics) -> Self {
        Self { text, diagnostics, failed: false, count: 0 }
    }

    /// The template's text in a range.
    pub(super) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.value().get(range).unwrap_or_default()
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        range: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(range, Diagnostic::error(code, message).help(help));
    }

    /// Gives the diagnostic its place.
    pub(super) fn push(&mut self, range: Range<usize>, diagnostic: Diagnostic) {
        self.failed |= diagnostic.severity == Severity::Error;
        self.count += 1;
        if self.count <= MOST {
            self.diagnostics.push(diagnostic.at(self.text.span(range)));
        }
    }
}
