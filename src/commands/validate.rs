//! `imgforge validate`: every mistake of a template, at its place.

use super::loaded::load;
use super::session::Session;
use crate::cli::{TemplateArguments, colour};
use crate::exit::Exit;
use crate::host::LocalHost;
use clap::Args;
use imgforge_template::host::Host;
use imgforge_template::template::Depth;
use std::sync::Arc;

/// Check a template without building anything
#[derive(Args, Debug)]
pub struct ValidateArguments {
    #[command(flatten)]
    pub template: TemplateArguments,
    /// Look at the text alone, not at values and components
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_name = "BOOL")]
    pub syntax_only: bool,
    /// Don't warn of names in var files that the template does not declare
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_name = "BOOL")]
    pub no_warn_undeclared_var: bool,
}

pub(crate) fn run(arguments: &ValidateArguments) -> Exit {
    let session = Session::terminal(colour(None), false);
    let host: Arc<dyn Host> = match LocalHost::new() {
        Ok(host) => Arc::new(host),
        Err(error) => return session.fail(&anyhow::Error::new(error).context("find the working directory")),
    };
    let depth = if arguments.syntax_only { Depth::Syntax } else { Depth::Everything };
    let inputs = arguments.template.inputs(!arguments.no_warn_undeclared_var);
    if load(&arguments.template, depth, &inputs, &host, &session).failed {
        return Exit::Failed;
    }
    session.events.say(match depth {
        Depth::Syntax => "Syntax-only check passed. Everything looks okay.",
        Depth::Everything => "The configuration is valid.",
    });
    Exit::Success
}
