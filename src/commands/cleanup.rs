//! `imgforge cleanup`: removes what runs left that did not end by themselves.

use super::session::{self, Session};
use crate::cleaners::CLEANERS;
use crate::clients::Clients;
use crate::exit::Exit;
use crate::reports::Audience;
use anyhow::{Context as _, Result};
use clap::Args;
use imgforge_ledger::abandoned;

/// Remove what interrupted runs left behind; living runs are left alone
#[derive(Args, Debug)]
pub struct CleanupArguments {}

pub(crate) fn run(_: &CleanupArguments, audience: Audience) -> Exit {
    let session = Session::terminal(audience, None);
    match session::runtime().and_then(|runtime| runtime.block_on(clean(&session))) {
        Ok(exit) => exit,
        Err(error) => session.fail(&error),
    }
}

async fn clean(session: &Session) -> Result<Exit> {
    let events = &session.events;
    let runs = abandoned(&session::state_folder()?).context("read the state folder")?;
    let (mut removed, mut left) = (0, 0);
    for mut run in runs {
        for resource in run.remaining() {
            let what = format!("{} {} ({})", resource.kind, resource.name, resource.build);
            let done = match CLEANERS.destroy(&resource, &Clients::default()).await {
                Ok(_) => run.released(&resource).context("write the journal"),
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => {
                    events.say(format!("removed {what}"));
                    removed += 1;
                }
                Err(error) => {
                    events.error(format!("could not remove {what}: {error:#}"));
                    left += 1;
                }
            }
        }
        run.finish().context("remove the folder of a run")?;
    }
    events.say(match (removed, left) {
        (0, 0) => "nothing to clean up".to_owned(),
        (removed, 0) => format!("{removed} removed"),
        (removed, left) => format!("{removed} removed, {left} left"),
    });
    Ok(if left == 0 { Exit::Success } else { Exit::LeftBehind })
}
