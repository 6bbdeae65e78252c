//! What is found by its marks rather than by a journal: listed, and removed.

use super::{Broom, described};
use crate::exit::{Exit, TryAgain};
use crate::sweepers::{Area, Found, Wanted};
use anyhow::{Context as _, Error, Result};
use imgforge_ledger::living;
use imgforge_template::duration::spell;
use jiff::Timestamp;
use std::time::Duration;

impl Broom {
    /// Removes all that a run made.
    pub(super) async fn swept(&self, run: &str, areas: &[Area]) -> Result<Exit> {
        let (found, errors) = self.find(&Wanted::Run(run.to_owned()), areas).await;
        self.removed(found, &errors).await
    }

    /// Lists what is found, and removes it if that is wished.
    pub(super) async fn list(&self, wanted: &Wanted, areas: &[Area], remove: bool) -> Result<Exit> {
        let (mut found, errors) = self.find(wanted, areas).await;
        let living = living(&self.state).context("read the state folder")?;
        // A build of this machine that is late is late, and not abandoned.
        found.retain(|found| !living.iter().any(|run| Some(run) == found.run.as_ref()));
        let now = Timestamp::now();
        for found in &found {
            self.events.say(line(found, now));
        }
        if remove {
            return self.removed(found, &errors).await;
        }
        let count = found.len();
        self.events.say(if count == 0 {
            "nothing to clean up".to_owned()
        } else {
            format!("{count} found; `--yes` removes what is listed")
        });
        Ok(failed(&errors).unwrap_or(Exit::Success))
    }

    async fn removed(&self, found: Vec<Found>, errors: &[Error]) -> Result<Exit> {
        let things = found.into_iter().map(|found| found.resource).collect();
        let tally = self.remove(things, |_, _| Ok(())).await;
        self.events.say(tally.text());
        Ok(match tally.exit() {
            Exit::Success => failed(errors).unwrap_or(Exit::Success),
            left => left,
        })
    }

    /// Looks everywhere. Where that fails is told, and the rest is looked through all the same.
    async fn find(&self, wanted: &Wanted, areas: &[Area]) -> (Vec<Found>, Vec<Error>) {
        let (mut all, mut errors): (Vec<Found>, Vec<Error>) = (Vec::new(), Vec::new());
        for area in areas {
            let Some(sweeper) = self.sweepers.of(area.sweeper) else { continue };
            let findings = sweeper.find(wanted, area, &self.clients).await;
            for found in findings.found {
                // Two areas may have a part in common.
                if !all.iter().any(|other| is_same(&found, other)) {
                    all.push(found);
                }
            }
            for error in &findings.errors {
                self.events.error(format!("could not look everywhere: {error:#}"));
            }
            errors.extend(findings.errors);
        }
        (all, errors)
    }
}

fn is_same(one: &Found, other: &Found) -> bool {
    let identity = |found: &Found| (found.resource.kind.clone(), found.resource.name.clone(), found.place.clone());
    identity(one) == identity(other)
}

fn failed(errors: &[Error]) -> Option<Exit> {
    let all_again = errors.iter().all(TryAgain::is_in);
    (!errors.is_empty()).then_some(if all_again { Exit::TryAgain } else { Exit::Failed })
}

/// What, where, since when, whose.
fn line(found: &Found, now: Timestamp) -> String {
    let Found { resource, place, since, run, owner, expires } = found;
    let ago = |time: &Timestamp| {
        let minutes = u64::try_from(now.as_second() - time.as_second()).unwrap_or_default() / 60;
        format!("{} ago", spell(Duration::from_secs(minutes * 60)))
    };
    let mut parts = vec![format!("{} in {place}", described(resource))];
    parts.push(match since {
        Some(since) => format!("since {}, {}", since.strftime("%Y-%m-%d %H:%M UTC"), ago(since)),
        None => "nobody knows since when".to_owned(),
    });
    parts.extend(expires.as_ref().map(|expires| format!("expired {}", ago(expires))));
    parts.extend(run.as_ref().map(|run| format!("run {run}")));
    parts.push(owner.as_ref().map_or_else(|| "nobody knows whose".to_owned(), |owner| format!("of {owner}")));
    parts.join("; ")
}
