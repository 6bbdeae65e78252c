//! `imgforge validate`: every mistake of a template, at its place.

use super::loaded::{Purpose, load};
use super::session::Session;
use crate::cli::{PluginFlags, ReportArguments, TemplateArguments};
use crate::exit::Exit;
use crate::host::LocalHost;
use crate::reports::Audience;
use clap::Args;
use imgforge_template::host::Host;
use std::sync::Arc;

/// Check a template without building anything
#[derive(Args, Debug)]
pub struct ValidateArguments {
    #[command(flatten)]
    pub template: TemplateArguments,
    #[command(flatten)]
    pub reports: ReportArguments,
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

pub(crate) fn run(arguments: &ValidateArguments, audience: Audience) -> Exit {
    match Session::reporting(audience, &arguments.reports, None, false) {
        Ok(session) => session.finish(check(arguments, &session)),
        Err(exit) => exit,
    }
}

fn check(arguments: &ValidateArguments, session: &Session) -> Exit {
    let host: Arc<dyn Host> = match LocalHost::new() {
        Ok(host) => Arc::new(host),
        Err(error) => return session.fail(&anyhow::Error::new(error).context("find the working directory")),
    };
    let purpose = match arguments.syntax_only {
        true => Purpose::Syntax,
        false => Purpose::Check { read_data: arguments.evaluate_datasources },
    };
    if load(&arguments.template, purpose, !arguments.no_warn_undeclared_var, &host, session).failed {
        return Exit::Failed;
    }
    session.events.say(match purpose {
        Purpose::Syntax => "Syntax-only check passed. Everything looks okay.",
        Purpose::Check { .. } | Purpose::Build => "The configuration is valid.",
    });
    Exit::Success
}
