//! Which of the mistakes of several templates are told: each once, and where only changes count, those in changed lines.

use crate::changes::Changes;
use anyhow::Result;
use imgforge_template::diagnostic::{Diagnostic, Label, Severity};
use imgforge_template::source::{Origin, Sources, Span};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Knows what was told before.
pub(super) struct Sift {
    changes: Option<Changes>,
    /// What was looked at, and whether it was told.
    known: HashMap<Identity, bool>,
    /// What was not told since its lines did not change.
    pub(super) left_out: Count,
}

/// What makes a mistake in one template the same as one in another: they share a file.
#[derive(PartialEq, Eq, Hash)]
struct Identity {
    code: &'static str,
    message: String,
    places: Vec<(Arc<str>, u32, u32)>,
}

/// The mistakes of one template.
pub(super) struct Sifted {
    pub(super) list: Vec<Diagnostic>,
    /// How many of its mistakes were told before, with another template.
    pub(super) again: usize,
    /// Whether an error is told, now or before.
    pub(super) failed: bool,
}

/// So many errors and warnings.
#[derive(Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) errors: usize,
    pub(super) warnings: usize,
}

impl Sift {
    /// With changes, only those count.
    pub(super) fn new(changes: Option<Changes>) -> Self {
        Self { changes, known: HashMap::new(), left_out: Count::default() }
    }

    /// Takes the mistakes of the next template.
    ///
    /// # Errors
    /// When it can't be found out what has changed.
    pub(super) fn sift(&mut self, sources: &Sources, list: Vec<Diagnostic>) -> Result<Sifted> {
        let mut sifted = Sifted { list: Vec::new(), again: 0, failed: false };
        for diagnostic in list {
            let is_error = diagnostic.severity == Severity::Error;
            // What has no place is about the template as a whole.
            let identity = diagnostic.primary.is_some().then(|| identity(&diagnostic, sources));
            let before = identity.as_ref().and_then(|identity| self.known.get(identity)).copied();
            let is_told = match before {
                Some(is_told) => is_told,
                None => self.is_changed(&diagnostic, sources)?,
            };
            sifted.failed |= is_told && is_error;
            match (before, is_told) {
                (Some(true), _) => sifted.again += 1,
                (Some(false), _) => {}
                (None, true) => sifted.list.push(diagnostic),
                (None, false) => self.left_out.add(is_error),
            }
            if let Some(identity) = identity {
                self.known.insert(identity, is_told);
            }
        }
        Ok(sifted)
    }

    /// Whether a place of it is in a line that changed, or in what has no lines: a flag, an environment variable.
    fn is_changed(&mut self, diagnostic: &Diagnostic, sources: &Sources) -> Result<bool> {
        let (Some(changes), Some(primary)) = (&mut self.changes, &diagnostic.primary) else { return Ok(true) };
        for Label { span, .. } in [primary].into_iter().chain(&diagnostic.related) {
            if sources.origin(span.file) != Origin::File {
                return Ok(true);
            }
            // The end is exclusive: what ends with a line break is not in the next line.
            let last = Span { end: span.end.saturating_sub(1).max(span.start), ..*span };
            let (first, last) = sources.range(last);
            if changes.lines(Path::new(&*sources.name(span.file)))?.touch(&(first.line..=last.line)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn identity(diagnostic: &Diagnostic, sources: &Sources) -> Identity {
    let labels = diagnostic.primary.iter().chain(&diagnostic.related);
    let places = labels.map(|label| (sources.name(label.span.file), label.span.start, label.span.end)).collect();
    Identity { code: diagnostic.code, message: diagnostic.message.clone(), places }
}

impl Count {
    fn add(&mut self, is_error: bool) {
        let count = if is_error { &mut self.errors } else { &mut self.warnings };
        *count += 1;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |count: usize, one: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {one}s")),
        };
        let parts = [named(self.errors, "error"), named(self.warnings, "warning")];
        formatter.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(" and "))
    }
}
