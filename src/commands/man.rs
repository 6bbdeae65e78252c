//! `imgforge man`: the manual, one page for all and one for each command.

use super::session::{self, Session};
use crate::exit::Exit;
use crate::reports::Audience;
use anyhow::{Context as _, Result};
use clap::{Args, Command};
use clap_mangen::Man;

/// Print a page of the manual, for `man -l -`
#[derive(Args, Debug)]
pub struct ManArguments {
    /// The command that it is about, as in `man plugins install`; without one the page lists all of them
    pub command: Vec<String>,
}

/// `command` is the whole command line as it is declared.
pub(crate) fn run(arguments: &ManArguments, command: Command) -> Exit {
    match page(arguments, command) {
        Ok(page) => session::print(&page),
        Err(error) => Session::terminal(Audience::People, None).fail(&error),
    }
}

fn page(arguments: &ManArguments, mut command: Command) -> Result<Vec<u8>> {
    command.build();
    for name in &arguments.command {
        let below = command.find_subcommand(name).cloned();
        command = below.with_context(|| format!("there is no command `{}`", arguments.command.join(" ")))?;
    }
    let mut page = Vec::new();
    let version = concat!("imgforge ", env!("CARGO_PKG_VERSION"));
    Man::new(command).source(version).render(&mut page).context("write the page")?;
    Ok(page)
}
