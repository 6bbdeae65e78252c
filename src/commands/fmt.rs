//! `imgforge fmt`: HCL2 files as `packer fmt` writes them.

mod difference;
mod find;
mod replace;

use super::place;
use super::session::{self, Session};
use crate::cli::TemplateOptions;
use crate::event::Event;
use crate::exit::Exit;
use crate::host::{LocalHost, WithFile};
use crate::reports::Audience;
use clap::Args;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::host::Host;
use imgforge_template::source::Sources;
use imgforge_template::{hcl, inputs};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rewrite HCL2 files in the usual layout, and say which ones have changed
#[derive(Args, Debug)]
pub struct FmtArguments {
    /// `.pkr.hcl` and `.pkrvars.hcl` files, folders of them, or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; end with 3 if there is something to change
    #[arg(long, value_name = "BOOL")]
    pub check: bool,
    /// Show what changes
    #[arg(long, value_name = "BOOL")]
    pub diff: bool,
    /// Write the files, or what comes from standard input to standard output
    #[arg(long, default_value = "true", value_name = "BOOL")]
    pub write: bool,
    /// Go into the folders inside of folders
    #[arg(long, value_name = "BOOL")]
    pub recursive: bool,
    #[command(flatten, next_help_heading = "Options of other commands, without effect here")]
    pub options: TemplateOptions,
}

pub(crate) fn run(arguments: &FmtArguments, audience: Audience) -> Exit {
    let session = Session::terminal(audience, None);
    let host: Arc<dyn Host> = match LocalHost::new() {
        Ok(host) => Arc::new(host),
        Err(error) => return session.fail(&anyhow::Error::new(error).context("find the working directory")),
    };
    let mut run = Run { arguments, session, host, has_changes: false, has_errors: false };
    for path in &arguments.paths {
        if path == Path::new("-") {
            run.standard_input();
        } else {
            run.files(path);
        }
    }
    match run {
        Run { has_errors: true, .. } => Exit::Failed,
        Run { has_changes: true, .. } if arguments.check => Exit::WouldChange,
        Run { .. } => Exit::Success,
    }
}

struct Run<'a> {
    arguments: &'a FmtArguments,
    session: Session,
    host: Arc<dyn Host>,
    has_changes: bool,
    has_errors: bool,
}

impl Run<'_> {
    fn is_writing(&self) -> bool {
        self.arguments.write && !self.arguments.check
    }

    /// A mistake in one file keeps no other from being formatted.
    fn files(&mut self, path: &Path) {
        let mut diagnostics = Diagnostics::default();
        let found = find::find(path, self.arguments.recursive, &mut diagnostics);
        self.report(&Sources::default(), diagnostics);
        for file in found {
            self.file(&file);
        }
    }

    fn file(&mut self, file: &find::Found) {
        let Some((old, new)) = self.format(&file.path, self.host.clone()) else { return };
        if *old == *new {
            return;
        }
        self.has_changes = true;
        if self.is_writing()
            && let Err(error) = replace::replace(&file.real, new.as_bytes())
        {
            self.has_errors = true;
            self.session.fail(&error.context(format!("write `{}`", file.path.display())));
            return;
        }
        self.session.events.say(file.path.display().to_string());
        if self.arguments.diff {
            self.session.events.say(difference::unified(&file.path.display().to_string(), &old, &new));
        }
    }

    fn standard_input(&mut self) {
        let text = match place::standard_input() {
            Ok(text) => text,
            Err(problem) => {
                let mut diagnostics = Diagnostics::default();
                diagnostics.push(*problem);
                return self.report(&Sources::default(), diagnostics);
            }
        };
        let host = Arc::new(WithFile::new(self.host.clone(), place::STANDARD_INPUT, text));
        let Some((old, new)) = self.format(Path::new(place::STANDARD_INPUT), host) else { return };
        let is_changed = *old != *new;
        self.has_changes |= is_changed;
        if self.is_writing() || !(self.arguments.check || is_changed) {
            self.has_errors |= session::print(new.as_bytes()) != Exit::Success;
        }
    }

    /// A text as it is and as it should be; `None` after reporting its mistakes.
    fn format(&mut self, path: &Path, host: Arc<dyn Host>) -> Option<(Arc<str>, String)> {
        let sources = Sources::default();
        let mut diagnostics = Diagnostics::default();
        let read = inputs::read(path, "file", host.as_ref(), &sources, &mut diagnostics);
        let formatted = read.and_then(|(file, text)| {
            let formatted = hcl::format(file, &text, &mut diagnostics)?;
            Some((text, formatted))
        });
        self.report(&sources, diagnostics);
        formatted
    }

    fn report(&mut self, sources: &Sources, diagnostics: Diagnostics) {
        self.has_errors |= diagnostics.has_errors();
        let list: Vec<Diagnostic> = diagnostics.into_sorted();
        if !list.is_empty() {
            self.session.events.emit(Event::Diagnostics { sources: Arc::new(sources.clone()), list });
        }
    }
}
