//! `imgforge completions`: what a shell completes.

use super::session;
use crate::exit::Exit;
use clap::{Args, Command, ValueEnum};
use clap_complete::{Shell, generate};

/// Print what makes a shell complete commands and flags, the flags with two dashes
#[derive(Args, Debug)]
pub struct CompletionsArguments {
    /// The shell that is to read it
    #[arg(value_enum)]
    pub shell: ShellName,
}

/// The shells that we complete for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ShellName {
    Bash,
    Zsh,
    Fish,
}

/// `command` is the whole command line as it is declared.
pub(crate) fn run(arguments: &CompletionsArguments, mut command: Command) -> Exit {
    let shell = match arguments.shell {
        ShellName::Bash => Shell::Bash,
        ShellName::Zsh => Shell::Zsh,
        ShellName::Fish => Shell::Fish,
    };
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(shell, &mut command, name, &mut script);
    session::print(&script)
}
