//! What Google's refusals mean to whoever runs a build: the call and Google's words, and what to do.

use crate::exit::TryAgain;
use anyhow::{Context as _, Result, anyhow};
use imgforge_gce::{Error, Kind};

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
        let words = match advice(&error) {
            Some(advice) => anyhow!("{error}; {advice}"),
            None => anyhow!("{error}"),
        };
        if is_transient { TryAgain(words).into() } else { words }
    })
}

/// What to do about it.
fn advice(error: &Error) -> Option<String> {
    let text = match error.kind {
        Kind::Forbidden if error.status == Some(401) => "renew the credentials",
        Kind::Forbidden => "give the account this permission, or build with another one",
        Kind::Disabled => "enable the API in the project: `gcloud services enable`",
        Kind::Quota => "ask Google for a higher quota, or remove what is not needed any more",
        Kind::Capacity => "try again later, or take another `zone` or `machine_type`",
        Kind::Preempted => "try again, or build without `preemptible`",
        Kind::Transient => "try again later",
        Kind::TimedOut => "`state_timeout` says how long to wait",
        Kind::AlreadyExists => "choose another name, or remove what has it",
        Kind::InUse => "remove what uses it",
        Kind::NotFound | Kind::Invalid | Kind::Other => return None,
    };
    Some(text.to_owned())
}
