//! `imgforge init`: whether we have what a template asks for. Nothing is installed, since components are compiled in.

use super::required::{Required, required};
use super::session::Session;
use crate::cli::TemplateArguments;
use crate::event::Event;
use crate::exit::Exit;
use crate::plugins::{self, Standing};
use crate::reports::Audience;
use clap::Args;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::document::Plugin;

/// Check that imgforge has the plugins that a template requires; nothing has to be installed
#[derive(Args, Debug)]
pub struct InitArguments {
    #[command(flatten)]
    pub template: TemplateArguments,
    /// Without effect: what is compiled in can't be upgraded
    #[arg(long, value_name = "BOOL")]
    pub upgrade: bool,
    /// Without effect: what is compiled in can't be installed again
    #[arg(long, value_name = "BOOL")]
    pub force: bool,
}

pub(crate) fn run(arguments: &InitArguments, audience: Audience) -> Exit {
    let session = Session::terminal(audience, None);
    let Some(Required { sources, plugins }) = required(&arguments.template, &session) else { return Exit::Failed };
    if plugins.is_empty() {
        session
            .events
            .answer("This template requires no plugins. They are named in `packer { required_plugins { … } }`.");
        return Exit::Success;
    }
    let mut diagnostics = Diagnostics::default();
    for plugin in &plugins {
        match plugins::standing(&plugin.source.value) {
            Some(standing) => session.events.say(sentence(&plugin.source.value, standing)),
            None => diagnostics.push(missing(plugin)),
        }
    }
    if !diagnostics.has_errors() {
        return Exit::Success;
    }
    session.events.emit(Event::Diagnostics { sources, list: diagnostics.into_sorted() });
    Exit::Failed
}

/// What a plugin is to us, as a sentence.
pub(super) fn sentence(source: &str, standing: Standing) -> String {
    match standing {
        Standing::BuiltIn => format!("{source} is built in."),
        Standing::Known => format!("{source} is known: what a template says of it is checked, and not run."),
        Standing::Named => format!("{source} is known by name: what a template says of it is not checked."),
    }
}

fn missing(plugin: &Plugin) -> Diagnostic {
    let source = &plugin.source;
    let problem = Diagnostic::error("unknown-plugin", format!("imgforge does not know the plugin `{}`", source.value));
    problem.at(source.span).help(match plugins::closest(&source.value) {
        Some(close) => format!("did you mean `{close}`?"),
        None => "plugins can't be installed: build what needs this one by Packer".to_owned(),
    })
}
