//! What the program has to say about a template. Made where it is noticed, rendered elsewhere.

use crate::source::Span;
use std::collections::HashSet;

/// How bad it is: an error keeps anything from being built, a warning does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// A place, and what it has to do with the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    /// A lower-case fragment shown at the place; may be empty.
    pub message: String,
}

/// One thing to tell the user about their template.
///
/// # Advice
/// The message says what is wrong and the help what to do, both as lower-case fragments with backticks round
/// literals. The primary label points at the smallest thing that is wrong: the argument's value, not the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable and greppable, for example `unknown-argument`.
    pub code: &'static str,
    pub severity: Severity,
    pub message: String,
    /// The one place to mend; `None` only where there is no text to point at.
    pub primary: Option<Label>,
    /// Other places that explain it: declared here, first written here.
    pub related: Vec<Label>,
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message.into())
    }

    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message.into())
    }

    fn new(code: &'static str, severity: Severity, message: String) -> Self {
        Self { code, severity, message, primary: None, related: Vec::new(), help: None }
    }

    /// Sets the primary place.
    #[must_use]
    pub fn at(self, span: Span) -> Self {
        self.labelled(span, "")
    }

    /// Sets the primary place with words of its own.
    #[must_use]
    pub fn labelled(mut self, span: Span, message: impl Into<String>) -> Self {
        self.primary = Some(Label { span, message: message.into() });
        self
    }

    /// Adds a place that explains the message.
    #[must_use]
    pub fn related(mut self, span: Span, message: impl Into<String>) -> Self {
        self.related.push(Label { span, message: message.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The mistakes found so far. The same message at the same place is kept once, however many sources share it.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// What is in the list: thousands of mistakes must not be compared with each other.
    known: HashSet<Key>,
}

type Key = (&'static str, Option<Span>, String);

fn key(diagnostic: &Diagnostic) -> Key {
    (diagnostic.code, diagnostic.primary.as_ref().map(|label| label.span), diagnostic.message.clone())
}

impl From<Vec<Diagnostic>> for Diagnostics {
    fn from(list: Vec<Diagnostic>) -> Self {
        let known = list.iter().map(key).collect();
        Self { list, known }
    }
}

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.known.insert(key(&diagnostic)) {
            self.list.push(diagnostic);
        }
    }

    pub fn append(&mut self, other: Self) {
        for diagnostic in other.list {
            self.push(diagnostic);
        }
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Forgets those that `keep` does not want.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(keep);
        self.known = self.list.iter().map(key).collect();
    }

    /// Takes out the diagnostics with this code.
    #[must_use]
    pub fn extract(&mut self, code: &str) -> Self {
        let (list, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.list).into_iter().partition(|found| found.code == code);
        *self = Self::from(rest);
        Self::from(list)
    }

    /// The same, as warnings.
    #[must_use]
    pub fn as_warnings(mut self) -> Self {
        self.list.iter_mut().for_each(|diagnostic| diagnostic.severity = Severity::Warning);
        self
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// The diagnostics by file, then place; those without a place come first.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| diagnostic.primary.as_ref().map(|label| label.span));
        self.list
    }
}
