//! The end of a run whose artifacts stay together or not at all: `on_failure: cleanup`.

use super::{Ended, Run, mark, note_kept};
use crate::event::Event;
use anyhow::{Context as _, Result};
use imgforge_ledger::Resource;

/// Hands the artifacts of all builds over to the user if every build has made its own, and else removes them all. Until now
/// their claims are open, so that a run that dies before leaves none of them.
pub(super) async fn settle(ended: &mut [Ended], were_all_started: bool, run: &Run) {
    let is_whole = were_all_started && !run.cancel.is_cancelled();
    if !is_whole || ended.iter().any(|build| build.outcome.result.is_err()) {
        return withdraw(ended, run).await;
    }
    if let Err((index, error)) = hand_over(ended, run).await {
        withdraw(ended, run).await;
        if let Some(build) = ended.get_mut(index) {
            let name = build.outcome.build.clone();
            let (duration, text) = (build.started.elapsed(), format!("{error:#}"));
            // It had finished, as far as anyone has been told.
            run.events.emit(Event::BuildFinished { build: name, duration, error: Some(text) });
            build.outcome.result = Err(error);
        }
    }
}

/// First all of them where they live, so that the journal has them as long as one may still fail. An error comes with the
/// number of the build that it is of.
async fn hand_over(ended: &[Ended], run: &Run) -> Result<(), (usize, anyhow::Error)> {
    for (index, build) in ended.iter().enumerate() {
        mark(build.outcome.artifacts(), run).await.map_err(|error| (index, error))?;
    }
    for (index, build) in ended.iter().enumerate() {
        note_kept(build.outcome.artifacts(), &build.context).map_err(|error| (index, error))?;
    }
    Ok(())
}

/// Removes the artifacts of the builds that succeeded.
async fn withdraw(ended: &mut [Ended], run: &Run) {
    for build in ended.iter_mut() {
        build.outcome.withdrawn = build.outcome.result.as_mut().map(std::mem::take).unwrap_or_default();
        if !build.outcome.withdrawn.is_empty() {
            build.context.say("Removing what it made: another build of this run did not succeed");
        }
    }
    let is_withdrawn = |resource: &Resource| {
        ended.iter().flat_map(|build| &build.outcome.withdrawn).any(|artifact| artifact.claims.contains(resource))
    };
    let mut resources = run.ledger.remaining();
    resources.retain(is_withdrawn);
    let done = |resource: Resource, fate: Result<_>| {
        let Some(build) = ended.iter_mut().find(|build| build.outcome.build == resource.build) else { return };
        let ledger = &build.context.ledger;
        if let Err(error) = fate.and_then(|_| ledger.released(&resource).context("write the journal")) {
            build.context.not_removed(&resource, &error);
            build.outcome.left.push(resource);
        }
    };
    run.cleaners.remove(resources, &run.clients, done).await;
}
