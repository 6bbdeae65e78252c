//! What Google's refusals mean to whoever runs a build: the call and Google's words, and what to do.

use crate::exit::TryAgain;
use anyhow::{Context as _, Result, anyhow};

/// Turns answers of Google into errors for people.
pub trait Explain<T> {
    /// The same with the name of what the user wanted, and with advice where there is any.
    ///
    /// # Errors
    /// What Google said; a [`TryAgain`] where the same may work later.
    fn explain(self, wanted: &str) -> Result<T>;
}

impl<T> Explain<T> for imgforge_gce::Result<T> {
    fn explain(self, wanted: &str) -> Result<T> {
        explained(self).with_context(|| wanted.to_owned())
    }
}

/// The same without a name of what was wanted.
pub fn explained<T>(result: imgforge_gce::Result<T>) -> Result<T> {
    result.map_err(|error| {
        let is_transient = error.is_transient();
        let words = match error.advice() {
            Some(advice) => anyhow!("{error}; {advice}"),
            None => anyhow!("{error}"),
        };
        if is_transient { TryAgain(words).into() } else { words }
    })
}
