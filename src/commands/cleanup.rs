//! `imgforge cleanup`: removes what runs left that did not end by themselves.

mod areas;
mod sweep;
#[cfg(test)]
mod tests;

use super::session::{self, Session};
use crate::cleaners::{CLEANERS, Cleaners, Fate};
use crate::cli::TemplateOptions;
use crate::clients::Clients;
use crate::event::Events;
use crate::exit::Exit;
use crate::reports::Audience;
use crate::sweepers::{Area, SWEEPERS, Sweepers, Wanted};
use anyhow::{Context as _, Result};
use clap::Args;
use imgforge_ledger::{Abandoned, Resource, abandoned, living};
use imgforge_template::duration;
use std::path::PathBuf;
use std::time::Duration;

/// Remove what interrupted runs left behind; living runs are left alone
#[derive(Args, Debug, Default)]
pub struct CleanupArguments {
    /// A template, whose builders and post-processors tell where to look, and with which credentials
    pub template: Option<PathBuf>,
    #[command(flatten)]
    pub options: TemplateOptions,
    /// This run alone: by its journal or, where there is none, by the marks of what it made
    #[arg(long, value_name = "ID", value_parser = identifier)]
    pub run: Option<String>,
    /// What half an hour ago should have been gone: list it
    #[arg(long, value_name = "BOOL")]
    pub expired: bool,
    /// What Packer made and did not remove: list it
    #[arg(long, value_name = "BOOL")]
    pub packer_leftovers: bool,
    /// How old leftovers of Packer are at least; 24h if not said
    #[arg(long, value_name = "DURATION", value_parser = age)]
    pub older_than: Option<Duration>,
    /// Remove what is listed
    #[arg(long, value_name = "BOOL")]
    pub yes: bool,
    #[command(flatten)]
    pub areas: areas::AreaArguments,
}

/// What expires a little late may still be in use: clocks differ, and so does how long the end of a build takes.
const GRACE: Duration = Duration::from_secs(30 * 60);
/// The longest that anyone lets Packer build.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A run's identifier, which goes into searches of clouds as it is.
fn identifier(text: &str) -> Result<String, String> {
    let is_one = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_one { Ok(text.to_owned()) } else { Err("a run has 16 digits of 0-9 and a-f".to_owned()) }
}

fn age(text: &str) -> Result<Duration, String> {
    let nanoseconds = duration::parse(text).map_err(|error| error.to_string())?;
    u64::try_from(nanoseconds).map(Duration::from_nanos).map_err(|_| "it is less than nothing".to_owned())
}

impl CleanupArguments {
    /// What is looked for beyond journals.
    fn wanted(&self) -> Result<Option<Wanted>> {
        if self.older_than.is_some() && !self.packer_leftovers {
            anyhow::bail!("`--older-than` goes with `--packer-leftovers`");
        }
        if self.yes && !self.expired && !self.packer_leftovers {
            anyhow::bail!("`--yes` goes with `--expired` or `--packer-leftovers`: everything else is removed without");
        }
        match (&self.run, self.expired, self.packer_leftovers) {
            (None, false, false) => Ok(None),
            (Some(run), false, false) => Ok(Some(Wanted::Run(run.clone()))),
            (None, true, false) => Ok(Some(Wanted::Expired { grace: GRACE })),
            (None, false, true) => Ok(Some(Wanted::PackerLeftovers { older_than: self.older_than.unwrap_or(DAY) })),
            _ => anyhow::bail!("`--run`, `--expired` and `--packer-leftovers` exclude each other"),
        }
    }
}

pub(crate) fn run(arguments: &CleanupArguments, audience: Audience) -> Exit {
    let session = Session::terminal(audience, None);
    let wanted = match arguments.wanted() {
        Ok(wanted) => wanted,
        Err(error) => return session.refuse(&error),
    };
    let result = session::state_folder().and_then(|state| {
        let broom = Broom {
            events: session.events.clone(),
            state,
            clients: Clients::default(),
            cleaners: CLEANERS,
            sweepers: SWEEPERS,
        };
        session::runtime()?.block_on(broom.clean(arguments, wanted, &session))
    });
    result.unwrap_or_else(|error| session.fail(&error))
}

/// What a cleanup works with.
struct Broom {
    events: Events,
    state: PathBuf,
    clients: Clients,
    cleaners: Cleaners,
    sweepers: Sweepers,
}

/// How many things came to which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    removed: usize,
    /// It is the user's by now.
    kept: usize,
    left: usize,
    /// Runs of which nobody here knows what they left.
    unreadable: usize,
}

impl Tally {
    fn exit(self) -> Exit {
        if self.left == 0 && self.unreadable == 0 { Exit::Success } else { Exit::LeftBehind }
    }

    fn text(self) -> String {
        let Self { removed, kept, left, unreadable } = self;
        let counts = [(removed, "removed"), (kept, "kept"), (left, "left"), (unreadable, "unreadable")];
        let counted = counts.into_iter().filter(|(count, _)| *count > 0);
        let counted: Vec<String> = counted.map(|(count, what)| format!("{count} {what}")).collect();
        if counted.is_empty() { "nothing to clean up".to_owned() } else { counted.join(", ") }
    }
}

impl Broom {
    async fn clean(&self, arguments: &CleanupArguments, wanted: Option<Wanted>, session: &Session) -> Result<Exit> {
        // Also where journals are all there is to do: what the template builds with can remove what it built.
        let areas = match areas::areas(arguments, self, session).await {
            Ok(areas) => areas,
            Err(exit) => return Ok(exit),
        };
        match wanted {
            None => {
                let tally = self.journals(None).await?.unwrap_or_default();
                self.events.say(tally.text());
                Ok(tally.exit())
            }
            Some(Wanted::Run(run)) => self.run(&run, &areas).await,
            Some(wanted) => self.list(&wanted, &areas, arguments.yes).await,
        }
    }

    /// One run: by its journal or, without one, by the marks of what it made.
    async fn run(&self, run: &str, areas: &[Area]) -> Result<Exit> {
        let living = living(&self.state).context("read the state folder")?;
        anyhow::ensure!(!living.iter().any(|one| one == run), "the run {run} is not over");
        if let Some(tally) = self.journals(Some(run)).await? {
            self.events.say(tally.text());
            return Ok(tally.exit());
        }
        if areas.is_empty() {
            self.events.say(format!(
                "nothing to clean up: there is no journal of {run} here, and neither a template nor a flag tells where \
                 else to look"
            ));
            return Ok(Exit::Success);
        }
        self.swept(run, areas).await
    }

    /// Removes what the journals of dead runs have, or the journal of one. `None` if there is no such journal. One that
    /// can't be read keeps none of the others from being cleaned up.
    async fn journals(&self, only: Option<&str>) -> Result<Option<Tally>> {
        let (mut runs, mut unreadable) = (Vec::new(), 0);
        let wanted = |run: &str| only.is_none_or(|only| only == run);
        for run in abandoned(&self.state).context("read the state folder")? {
            match run {
                Ok(run) if wanted(run.run()) => runs.push(run),
                Err(run) if wanted(run.run()) => {
                    unreadable += 1;
                    self.events.error(format!(
                        "{run}; clean up with the version of imgforge that wrote it, or remove by hand what it names, and \
                         then {}",
                        run.folder().display()
                    ));
                }
                Ok(_) | Err(_) => {}
            }
        }
        if runs.is_empty() && unreadable == 0 {
            return Ok(None);
        }
        let things = |(index, run): (usize, &Abandoned)| {
            run.remaining().into_iter().map(move |resource| (index, resource)).collect::<Vec<_>>()
        };
        let (owners, things): (Vec<_>, Vec<_>) = runs.iter().enumerate().flat_map(things).unzip();
        let mut tally = self
            .remove(things, |number, resource| {
                let run = owners.get(number).and_then(|owner| runs.get_mut(*owner));
                run.map_or(Ok(()), |run| run.released(resource)).context("write the journal")
            })
            .await;
        tally.unreadable = unreadable;
        for run in runs {
            run.finish().context("remove the folder of a run")?;
        }
        Ok(Some(tally))
    }

    /// Removes things and tells what becomes of each. Of those that are done with, `note` is told the number and the thing.
    async fn remove(&self, things: Vec<Resource>, mut note: impl FnMut(usize, &Resource) -> Result<()>) -> Tally {
        let (mut tally, mut number) = (Tally::default(), 0);
        let done = |resource: Resource, fate: Result<Fate>| {
            let noted = fate.and_then(|fate| note(number, &resource).map(|()| fate));
            let what = described(&resource);
            number += 1;
            match noted {
                Ok(Fate::Gone) => {
                    self.events.say(format!("removed {what}"));
                    tally.removed += 1;
                }
                Ok(Fate::Kept) => {
                    self.events.say(format!("kept {what}: it is the user's by now"));
                    tally.kept += 1;
                }
                Err(error) => {
                    self.events.error(format!("could not remove {what}: {error:#}"));
                    tally.left += 1;
                }
            }
        };
        self.cleaners.remove(things, &self.clients, done).await;
        tally
    }
}

/// A thing and the build that made it, where that is known.
fn described(resource: &Resource) -> String {
    let Resource { kind, name, build, .. } = resource;
    if build.is_empty() { format!("{kind} {name}") } else { format!("{kind} {name} ({build})") }
}
