//! Removes what was made in Google Cloud: instances, disks, images, keys of OS Login, objects in buckets.
//!
//! A name alone is no proof that a thing is ours: what bears a name of the user's choosing, and what may have become the
//! user's, is looked at just before it is removed.

mod thing;

use super::{Cleaner, Fate};
use crate::clients::Clients;
use crate::google::{CLEANER, LIMIT, explained};
use anyhow::Result;
use async_trait::async_trait;
use imgforge_gce::{Error, Kind, Operation};
use imgforge_ledger::Resource;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thing::Thing;
use tokio::time::{Instant, sleep};

pub(super) struct GceCleaner;

/// How long Google may take to remove a thing, unless its claim says so. Machines with large memories take minutes.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// How long a disk may still be in use after its machine is gone.
const USED: Duration = Duration::from_secs(30);
/// The pauses between attempts to remove a thing: twice as long each time, up to this.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What this process has done, for those who come later in it.
#[derive(Default)]
struct Memory {
    /// The deletions that were asked for: the operation, or none where it is done.
    asked: HashMap<Resource, Option<Operation>>,
    /// What was marked as the user's by this process, which may take that back: the mark says that its run has ended well, and
    /// this process knows whether it has.
    marked: HashSet<Resource>,
}

#[derive(Default)]
struct Memories(Mutex<Memory>);

impl Memories {
    async fn of(clients: &Clients) -> Result<Arc<Self>> {
        clients.get_or_make(CLEANER, async { Ok(Self::default()) }).await
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Cleaner for GceCleaner {
    fn name(&self) -> &'static str {
        CLEANER
    }

    async fn request(&self, resource: &Resource, clients: &Clients) -> Result<()> {
        let (thing, memories) = (Thing::of(resource, clients).await?, Memories::of(clients).await?);
        let is_marked_here = memories.lock().marked.contains(resource);
        if is_marked_here || !explained(thing.is_kept(resource).await)? {
            let asked = explained(thing.delete().await)?;
            memories.lock().asked.insert(resource.clone(), asked);
        }
        Ok(())
    }

    async fn destroy(&self, resource: &Resource, clients: &Clients) -> Result<Fate> {
        let (thing, memories) = (Thing::of(resource, clients).await?, Memories::of(clients).await?);
        let asked = memories.lock().asked.remove(resource);
        let mut operation = match asked {
            Some(None) => return Ok(Fate::Gone),
            Some(operation) => operation,
            None => {
                let is_marked_here = memories.lock().marked.contains(resource);
                if !is_marked_here && explained(thing.is_kept(resource).await)? {
                    return Ok(Fate::Kept);
                }
                None
            }
        };
        let (limit, started, mut is_asked_again) = (limit(resource), Instant::now(), false);
        let mut pause = FIRST_PAUSE;
        loop {
            let was_accepted = operation.is_some();
            let ended = match operation.take() {
                Some(operation) => thing.gce.wait(&operation, limit).await.map(|()| None),
                None => thing.delete().await,
            };
            match ended {
                Ok(None) => return Ok(Fate::Gone),
                Ok(started) => operation = started,
                Err(error) if error.is_not_found() => return Ok(Fate::Gone),
                Err(error) if started.elapsed() < patience(&error, was_accepted, limit) => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                // An operation can be stuck, or Google has lost it and the thing is there or not; the next one need not be.
                Err(error) if matches!(error.kind, Kind::TimedOut | Kind::Lost) && !is_asked_again => {
                    is_asked_again = true;
                }
                Err(error) => return explained(Err(error)),
            }
        }
    }

    async fn keep(&self, resource: &Resource, clients: &Clients) -> Result<()> {
        let (thing, memories) = (Thing::of(resource, clients).await?, Memories::of(clients).await?);
        // Before the call, whose answer may get lost.
        memories.lock().marked.insert(resource.clone());
        if let Some(operation) = explained(thing.mark_as_artifact().await)? {
            explained(thing.gce.wait(&operation, limit(resource)).await)?;
        }
        Ok(())
    }
}

/// How long a deletion that fails like this is begun again; it may have been done before, and is the same then.
///
/// A call that meets trouble has been sent again for half a minute already: a cloud that does not answer must not hold a
/// cleanup up for `limit` with each thing. Where Google has taken the deletion on and fails at it, or first finishes another
/// change of the thing, it does answer, and the next attempt is worth as long as the deletion itself may take.
fn patience(error: &Error, was_accepted: bool, limit: Duration) -> Duration {
    if error.kind == Kind::InUse {
        limit.min(USED)
    } else if error.is_not_ready() || (was_accepted && error.is_transient()) {
        limit
    } else {
        Duration::ZERO
    }
}

/// How long Google may take to remove or mark a thing.
fn limit(resource: &Resource) -> Duration {
    let noted = resource.details.get(LIMIT).and_then(|seconds| seconds.parse().ok());
    noted.map_or(LONGEST, Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_google_has_taken_on_is_begun_again_for_longer_than_what_it_does_not_answer() {
        let limit = Duration::from_secs(600);
        let patience = |kind, reason: &str, was_accepted| {
            let mut error = Error::new("disks.delete", "disk web", kind, "no");
            error.reason = reason.to_owned();
            super::patience(&error, was_accepted, limit).as_secs()
        };
        assert_eq!(patience(Kind::Transient, "backendError", false), 0);
        assert_eq!(patience(Kind::Transient, "INTERNAL_ERROR", true), 600);
        assert_eq!(patience(Kind::Transient, "RATE_LIMIT_EXCEEDED", true), 600);
        assert_eq!(patience(Kind::Transient, "resourceNotReady", false), 600);
        assert_eq!(patience(Kind::Transient, "RESOURCE_NOT_READY", true), 600);
        assert_eq!(patience(Kind::InUse, "resourceInUseByAnotherResource", false), 30);
        assert_eq!(patience(Kind::Forbidden, "forbidden", true), 0);
    }
}
