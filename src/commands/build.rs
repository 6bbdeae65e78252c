//! `imgforge build`: builds a template.

use super::loaded::{Purpose, load};
use super::session::{self, Session};
use super::signals::Signals;
use crate::build::{OnFailure, Options};
use crate::cli::{OnErrorFlag, PluginFlags, ReportArguments, TemplateArguments};
use crate::exit::Exit;
use crate::host::LocalHost;
use crate::reports::Audience;
use clap::Args;
use imgforge_template::host::Host;
use std::sync::Arc;

/// Build the images of a template
#[derive(Args, Debug)]
pub struct BuildArguments {
    #[command(flatten)]
    pub template: TemplateArguments,
    #[command(flatten)]
    pub reports: ReportArguments,
    /// What to do when a build fails
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub on_error: OnErrorFlag,
    /// Replace what is in the way, such as an existing output folder
    #[arg(long, value_name = "BOOL")]
    pub force: bool,
    /// One build after the other
    #[arg(long, value_name = "BOOL")]
    pub debug: bool,
    /// How many builds run at once; 0 is all of them
    #[arg(long, default_value = "0", value_name = "N", allow_negative_numbers = true)]
    pub parallel_builds: i64,
    /// Colours; without the flag on terminals only
    #[arg(long, value_name = "BOOL")]
    pub color: Option<bool>,
    /// Without effect: it is `-machine-readable` without a value, anywhere, that does it
    #[arg(long, hide = true, value_name = "BOOL")]
    pub machine_readable: bool,
    /// The time before each line
    #[arg(long, value_name = "BOOL")]
    pub timestamp_ui: bool,
    /// Warn of names in var files that the template does not declare
    #[arg(long, value_name = "BOOL")]
    pub warn_on_undeclared_var: bool,
    /// Without effect: there is no registry that could enforce anything
    #[arg(long, value_name = "BOOL")]
    pub skip_enforcement: bool,
    #[command(flatten)]
    pub plugins: PluginFlags,
}

pub(crate) fn run(arguments: &BuildArguments, audience: Audience) -> Exit {
    match Session::reporting(audience, &arguments.reports, arguments.color, arguments.timestamp_ui) {
        Ok(session) => session.finish(build(arguments, &session)),
        Err(exit) => exit,
    }
}

fn build(arguments: &BuildArguments, session: &Session) -> Exit {
    let host: Arc<dyn Host> = match LocalHost::new() {
        Ok(host) => Arc::new(host),
        Err(error) => return session.fail(&anyhow::Error::new(error).context("find the working directory")),
    };
    let loaded = load(&arguments.template, Purpose::Build, arguments.warn_on_undeclared_var, &host, session);
    if loaded.exit != Exit::Success {
        return loaded.exit;
    }
    if loaded.plan.builds.is_empty() {
        return session.fail(&anyhow::anyhow!("No builds to run"));
    }
    if arguments.debug {
        session.events.say("Debug mode enabled. Builds will not be parallelized.");
    }
    let options = Options {
        parallel_builds: usize::try_from(arguments.parallel_builds).unwrap_or(0),
        on_error: arguments.on_error.into(),
        on_failure: OnFailure::Keep,
        force: arguments.force,
        debug: arguments.debug,
    };
    let result = session::runtime().and_then(|runtime| {
        runtime.block_on(async {
            let signals = Signals::watch(session.events.clone())?;
            session::build(loaded.plan, options, loaded.sources, host.uuid(), session, &signals).await
        })
    });
    match result {
        Ok((exit, _)) => exit,
        Err(error) => session.fail(&error),
    }
}
