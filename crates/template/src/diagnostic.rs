//! What the program has to say about a template. Made where it is noticed, rendered elsewhere.

use crate::source::Span;
use std::collections::{BTreeMap, HashSet};

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
    /// Where one cause makes the same message at many places: it is told at the first, and this is said at the others.
    pub again: Option<&'static str>,
}

impl Diagnostic {
    /// As many places are shown where the same is said again.
    const MOST_AGAIN: usize = 5;

    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message.into())
    }

    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message.into())
    }

    fn new(code: &'static str, severity: Severity, message: String) -> Self {
        Self { code, severity, message, primary: None, related: Vec::new(), help: None, again: None }
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

    /// Has the message told once, with what is said at its other places.
    #[must_use]
    pub fn once(mut self, again: &'static str) -> Self {
        self.again = Some(again);
        self
    }

    /// As it is shown: with the first few of the places where the same is said again, and the number of the others.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        let Some(again) = self.again else { return self };
        let others = self.related.iter().filter(|label| label.message != again).count();
        let shown = others + Self::MOST_AGAIN;
        let left_out = self.related.len().saturating_sub(shown);
        self.related.truncate(shown);
        if let Some(last) = self.related.last_mut().filter(|_| left_out > 0) {
            let places = if left_out == 1 { "place" } else { "places" };
            last.message = format!("{again}, and at {left_out} more {places}");
        }
        self
    }

    /// Takes in the same of a place further on.
    fn add_place(&mut self, other: Self) {
        let again = self.again.unwrap_or_default();
        let place = other.primary.map(|label| Label { span: label.span, message: again.to_owned() });
        self.related.extend(place.into_iter().chain(other.related));
    }

    /// Puts the places where it is said again behind the others, in their order and each once.
    fn sort_places(&mut self) {
        let again = self.again.unwrap_or_default();
        self.related.sort_by_key(|label| (label.message == again, label.span));
        let mut known: HashSet<Span> = self.primary.iter().map(|label| label.span).collect();
        self.related.retain(|label| known.insert(label.span));
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

    /// The diagnostics by file, then place; those without a place come first. What has one cause is told at the first of
    /// its places.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| diagnostic.primary.as_ref().map(|label| label.span));
        let mut told: Vec<Diagnostic> = Vec::with_capacity(self.list.len());
        let mut causes = BTreeMap::new();
        for diagnostic in self.list {
            if diagnostic.again.is_some() {
                let cause = (diagnostic.code, diagnostic.severity, diagnostic.message.clone());
                let first = *causes.entry(cause).or_insert(told.len());
                // Its own place in the list is not taken yet.
                if let Some(first) = told.get_mut(first) {
                    first.add_place(diagnostic);
                    continue;
                }
            }
            told.push(diagnostic);
        }
        for index in causes.into_values() {
            told.get_mut(index).into_iter().for_each(Diagnostic::sort_places);
        }
        told
    }
}
