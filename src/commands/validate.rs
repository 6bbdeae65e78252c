//! `imgforge validate`: every mistake of a template, or of many, at its place.

mod find;
mod sift;

use super::loaded::{Purpose, read, report};
use super::session::Session;
use crate::changes::Changes;
use crate::cli::{LintArguments, PluginFlags, ReportArguments, TemplateArguments, TemplateOptions};
use crate::exit::Exit;
use crate::host::LocalHost;
use crate::reports::Audience;
use crate::reports::snippet::visible;
use anyhow::{Context as _, Result};
use clap::Args;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::host::Host;
use imgforge_template::source::Sources;
use sift::{Sift, Sifted};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Check templates without building anything
#[derive(Args, Debug)]
pub struct ValidateArguments {
    /// `.pkr.hcl` files, folders of them, legacy JSON files, or `-` for JSON on standard input
    #[arg(required = true, value_name = "TEMPLATE")]
    pub templates: Vec<PathBuf>,
    #[command(flatten)]
    pub options: TemplateOptions,
    #[command(flatten)]
    pub lints: LintArguments,
    #[command(flatten)]
    pub reports: ReportArguments,
    /// Check all templates in the folders and in the folders inside of these
    #[arg(long, value_name = "BOOL")]
    pub recursive: bool,
    /// Tell only what is wrong in lines that have changed since this branch, tag or commit
    #[arg(long, value_name = "REVISION")]
    pub changed_since: Option<String>,
    /// Look at the text alone, not at values and components
    #[arg(long, value_name = "BOOL")]
    pub syntax_only: bool,
    /// Ask the world for the values of data sources, rather than checking what can be known without them
    #[arg(long, value_name = "BOOL")]
    pub evaluate_datasources: bool,
    /// Don't warn of names in var files that the template does not declare
    #[arg(long, value_name = "BOOL")]
    pub no_warn_undeclared_var: bool,
    #[command(flatten)]
    pub plugins: PluginFlags,
}

impl ValidateArguments {
    fn purpose(&self) -> Purpose {
        match self.syntax_only {
            true => Purpose::Syntax,
            false => Purpose::Check { read_data: self.evaluate_datasources },
        }
    }
}

pub(crate) fn run(arguments: &ValidateArguments, audience: Audience) -> Exit {
    let session = match Session::reporting(audience, &arguments.reports, None, false) {
        Ok(session) => session,
        Err(exit) => return exit,
    };
    session.finish(check(arguments, &session).unwrap_or_else(|error| session.fail(&error)))
}

fn check(arguments: &ValidateArguments, session: &Session) -> Result<Exit> {
    let host: Arc<dyn Host> = Arc::new(LocalHost::new().context("find the working directory")?);
    let changes = arguments.changed_since.as_ref().map(|revision| Changes::since(revision, &host.working_directory()));
    let mut diagnostics = Diagnostics::default();
    let templates = find::find(&arguments.templates, arguments.recursive, &mut diagnostics);
    let mut exit = if diagnostics.has_errors() { Exit::Failed } else { Exit::Success };
    report(&Arc::new(Sources::default()), diagnostics.into_sorted(), session);
    let mut run = Run { arguments, session, host, sift: Sift::new(changes.transpose()?) };
    // Who has named one template knows which it is.
    let are_named = arguments.recursive || templates.len() > 1;
    let mut wrong = Vec::new();
    for template in &templates {
        if are_named {
            session.events.say(format!("==> {}", visible(&template.display().to_string())));
        }
        let ended = run.template(template)?;
        if ended != Exit::Success {
            wrong.push(visible(&template.display().to_string()));
        }
        exit = exit.and(ended);
    }
    run.conclude(exit != Exit::Success, &wrong, are_named.then_some(templates.len()));
    Ok(exit)
}

struct Run<'a> {
    arguments: &'a ValidateArguments,
    session: &'a Session,
    host: Arc<dyn Host>,
    sift: Sift,
}

impl Run<'_> {
    /// Checks one template and tells its mistakes. Returns how the command ends, as far as they are told.
    fn template(&mut self, template: &Path) -> Result<Exit> {
        let arguments = TemplateArguments {
            template: template.to_owned(),
            options: self.arguments.options.clone(),
            lints: self.arguments.lints.clone(),
        };
        let warn_undeclared = !self.arguments.no_warn_undeclared_var;
        let (loaded, list) = read(&arguments, self.arguments.purpose(), warn_undeclared, &self.host, self.session);
        let Sifted { list, again, failed } = self.sift.sift(&loaded.sources, list)?;
        report(&loaded.sources, list, self.session);
        if again > 0 {
            self.session.events.say(format!("{again} more in files that it shares, told above."));
        }
        Ok(if failed { loaded.exit } else { Exit::Success })
    }

    /// Says what came of it all; `count` is how many templates there were where they were told by name.
    fn conclude(&self, failed: bool, wrong: &[String], count: Option<usize>) {
        let events = &self.session.events;
        let left_out = self.sift.left_out;
        if let Some(revision) = &self.arguments.changed_since
            && left_out.errors + left_out.warnings > 0
        {
            let more = left_out.errors + left_out.warnings;
            events.say(format!("{more} more in lines that did not change since {revision}: {left_out}."));
        }
        if failed {
            if let (Some(count), false) = (count, wrong.is_empty()) {
                let are = if wrong.len() == 1 { "is" } else { "are" };
                events.say(format!("{} of {count} templates {are} wrong: {}", wrong.len(), wrong.join(", ")));
            }
            return;
        }
        let verdict = match (self.arguments.syntax_only, count) {
            // What did not change keeps a build from starting all the same.
            _ if left_out.errors > 0 => "What has changed is valid.".to_owned(),
            (true, None) => "Syntax-only check passed. Everything looks okay.".to_owned(),
            (true, Some(count)) => format!("Syntax-only check passed: {}.", templates(count)),
            (false, None) => "The configuration is valid.".to_owned(),
            (false, Some(1)) => "1 template is valid.".to_owned(),
            (false, Some(count)) => format!("{} are valid.", templates(count)),
        };
        events.say(verdict);
    }
}

fn templates(count: usize) -> String {
    if count == 1 { "1 template".to_owned() } else { format!("{count} templates") }
}
