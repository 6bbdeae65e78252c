//! Calls that make something. They go on when nobody waits for them any more: whoever drops a call can't know whether it has
//! arrived, and what it made can be removed only once it is there.

use crate::{Error, Gce, Kind, Result};
use imgforge_ledger::Claim;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The names of what is being made.
#[derive(Clone)]
pub(crate) struct Creating(Arc<watch::Sender<Vec<String>>>);

impl Default for Creating {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Vec::new())))
    }
}

/// Takes a name out when its call has ended, however that was.
struct Entry {
    creating: Creating,
    name: String,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.creating.0.send_modify(|names| {
            if let Some(index) = names.iter().position(|name| *name == self.name) {
                names.swap_remove(index);
            }
        });
    }
}

impl Gce {
    /// Makes a call that makes what was claimed, to its answer in any case.
    pub(crate) async fn create<T: Send + 'static>(
        &self,
        claim: &Claim,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let name = claim.name().to_owned();
        self.inner.creating.0.send_modify(|names| names.push(name.clone()));
        let entry = Entry { creating: self.inner.creating.clone(), name };
        let call = tokio::spawn(async move {
            let answer = call.await;
            drop(entry);
            answer
        });
        let lost =
            |error| Err(Error::new("create", claim.name(), Kind::Other, format!("the call ended early: {error}")));
        call.await.unwrap_or_else(lost)
    }

    /// Returns when no call of this account is on its way that makes a thing of this name, or when the time is over. Only
    /// then "not found" means that it is not there.
    pub async fn settled(&self, name: &str, limit: Duration) {
        let mut names = self.inner.creating.0.subscribe();
        let none = names.wait_for(|names| !names.iter().any(|one| one == name));
        if tokio::time::timeout(limit, none).await.is_err() {
            tracing::warn!(name, ?limit, "a call that makes it has no answer yet");
        }
    }
}
