//! What this process made. Google's reads may lag behind its writes, so that "not found" is not believed of it at once.

use crate::call::{Answer, Call};
use crate::retry::Pauses;
use crate::{Gce, Operation, Result, Scope};
use google_cloud_compute_v1::model;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long "not found" is doubted. Short enough for a cancelled job, which has seconds to clean up.
pub(crate) const LAG: Duration = Duration::from_secs(4);

/// A thing: its project, and what it is in messages.
type Thing = (String, String);

/// What was asked for, and neither refused nor deleted since; beside each what it is made with, mostly itself.
#[derive(Default)]
pub(crate) struct Made(Mutex<HashMap<Thing, Thing>>);

impl Made {
    fn things(&self) -> MutexGuard<'_, HashMap<Thing, Thing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gce {
    /// Starts the creation of a thing. It counts as made before it is asked for: whoever gives up waiting for the answer
    /// may be cleaning up when the request gets to where it is done.
    pub(crate) async fn create<F>(&self, call: &Call, scope: Scope, request: impl Fn() -> F) -> Result<Operation>
    where
        F: Future<Output = Answer<model::Operation>>,
    {
        self.made_with(call, call);
        let started = call.start(scope, request).await;
        if started.as_ref().is_err_and(|error| !error.is_transient()) {
            self.inner.made.things().remove(&call.thing());
        }
        started
    }

    /// Looks at a thing.
    pub(crate) async fn read<T, F>(&self, call: &Call, request: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Answer<T>>,
    {
        self.doubting(call, || call.send(&request)).await
    }

    /// Starts the deletion of a thing.
    pub(crate) async fn delete<F>(&self, call: &Call, scope: Scope, request: impl Fn() -> F) -> Result<Operation>
    where
        F: Future<Output = Answer<model::Operation>>,
    {
        let outcome = self.doubting(call, || call.start(scope.clone(), &request)).await;
        if outcome.as_ref().map_or_else(|error| error.is_not_found(), |_| true) {
            self.inner.made.things().remove(&call.thing());
        }
        outcome
    }

    /// An operation came to a bad end: there may be nothing.
    pub(crate) fn was_not_made(&self, operation: &Operation) {
        self.inner.made.things().remove(&(operation.project.clone(), operation.resource.clone()));
    }

    async fn doubting<T, F>(&self, call: &Call, ask: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let begun = Instant::now();
        let mut pauses = Pauses::default();
        loop {
            match ask().await {
                Err(error) if error.is_not_found() && begun.elapsed() < LAG && self.is_made(call) => {
                    tracing::debug!(%error, "doubted");
                    tokio::time::sleep(pauses.next(None).min(LAG / 4)).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// A disk is made with its machine, and not at all if that isn't.
    pub(crate) fn made_with(&self, part: &Call, whole: &Call) {
        self.inner.made.things().insert(part.thing(), whole.thing());
    }

    fn is_made(&self, call: &Call) -> bool {
        let things = self.inner.made.things();
        things.get(&call.thing()).is_some_and(|whole| things.contains_key(whole))
    }

    /// A key is asked for. What it is to [`Gce::create`], this is to the keys of an account.
    pub(crate) fn key_is_asked_for(&self, account: &str, comment: &str) {
        let thing = (account.to_owned(), comment.to_owned());
        self.inner.made.things().insert(thing.clone(), thing);
    }

    pub(crate) fn key_is_not_made(&self, account: &str, comment: &str) {
        self.inner.made.things().remove(&(account.to_owned(), comment.to_owned()));
    }

    pub(crate) fn may_get_key(&self, account: &str, comment: &str) -> bool {
        self.inner.made.things().contains_key(&(account.to_owned(), comment.to_owned()))
    }
}
