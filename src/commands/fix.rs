//! `imgforge fix`: a legacy template without the options that are called otherwise now, on standard output.

use super::place::{is_hcl2, place};
use super::session::{self, Session};
use crate::cli::TemplateArguments;
use crate::event::Event;
use crate::exit::Exit;
use crate::host::LocalHost;
use crate::reports::Audience;
use anyhow::anyhow;
use clap::Args;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::document::legacy;
use imgforge_template::host::Host;
use imgforge_template::source::Sources;
use imgforge_template::{fix, inputs, json};
use std::sync::Arc;

/// Print a legacy JSON template with what is old in it replaced
#[derive(Args, Debug)]
pub struct FixArguments {
    #[command(flatten)]
    pub template: TemplateArguments,
    /// Check the parts of the template that is printed, and end with 1 if something is wrong
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "true", value_name = "BOOL", action = clap::ArgAction::Set)]
    pub validate: bool,
}

pub(crate) fn run(arguments: &FixArguments, audience: Audience, is_packer: bool) -> Exit {
    // Standard output is the template's; Packer says all that it says there.
    let session = if is_packer { Session::terminal(audience, None) } else { Session::beside_output(audience) };
    let host: Arc<dyn Host> = match LocalHost::new() {
        Ok(host) => Arc::new(host),
        Err(error) => return session.fail(&anyhow::Error::new(error).context("find the working directory")),
    };
    let path = &arguments.template.template;
    if is_hcl2(path, host.as_ref()) {
        return session.fail(&anyhow!("`{}` is HCL2: there is nothing to fix but in legacy JSON", path.display()));
    }
    let sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let mut is_printed = true;
    if let Some(text) = fixed(arguments, &host, &sources, &mut diagnostics) {
        is_printed = session::print(text.as_bytes()) == Exit::Success;
    }
    let failed = diagnostics.has_errors() || !is_printed;
    let list = diagnostics.into_sorted();
    if !list.is_empty() {
        session.events.emit(Event::Diagnostics { sources: Arc::new(sources), list });
    }
    if failed { Exit::Failed } else { Exit::Success }
}

/// The text that Packer prints; `None` where what is there can't be read.
fn fixed(
    arguments: &FixArguments,
    host: &Arc<dyn Host>,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let options = &arguments.template.options;
    let place = match place(Some(&arguments.template.template), options.config_type, host) {
        Ok(place) => place,
        Err(problem) => {
            diagnostics.push(*problem);
            return None;
        }
    };
    let (file, text) = inputs::read(&place.path, "template", place.host.as_ref(), sources, diagnostics)?;
    let mut root = json::parse(file, &text, diagnostics);
    if diagnostics.has_errors() {
        return None;
    }
    fix::fix(&mut root);
    if arguments.validate {
        let document = legacy::document(&root, diagnostics);
        legacy::check_names(&document, diagnostics);
    }
    // An empty line follows, as everything that Packer says has a newline of its own.
    Some(format!("{}\n\n", json::print(&root)))
}
