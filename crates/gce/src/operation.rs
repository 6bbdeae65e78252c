//! Long operations: waited for on Google's side, with a deadline of ours.

use crate::{Gce, Result};
use std::time::Duration;

/// Something that Google is doing for us. Dropping it stops nothing.
#[derive(Clone, Debug)]
#[must_use = "an operation that nobody waits for may fail unseen"]
pub struct Operation {
    /// The call that started it: `instances.insert`.
    pub call: &'static str,
    /// What it is about, for messages.
    pub resource: String,
    pub project: String,
    pub name: String,
    /// Where it is looked up.
    pub scope: Scope,
}

/// Where an operation lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Zone(String),
    Region(String),
    Global,
}

impl Gce {
    /// Returns when it is done. Lost connections and server trouble are tried again until `limit`.
    ///
    /// # Errors
    /// The operation's own first error, or `TimedOut`.
    pub async fn wait(&self, _operation: &Operation, _limit: Duration) -> Result<()> {
        todo!()
    }
}
