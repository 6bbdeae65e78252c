//! The plugins that a template asks for, read without a look at anything else that it says.

use super::place::place;
use super::session::Session;
use crate::cli::TemplateArguments;
use crate::data_reader::DataReader;
use crate::event::Event;
use crate::host::LocalHost;
use anyhow::{Context as _, anyhow};
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::document::{Language, Plugin};
use imgforge_template::host::Host;
use imgforge_template::source::Sources;
use imgforge_template::template::{self, Depth, Request, World};
use std::sync::Arc;

/// What a template asks for, and where it does.
pub(super) struct Required {
    pub(super) sources: Arc<Sources>,
    pub(super) plugins: Vec<Plugin>,
}

/// Reads the text of an HCL2 template. `None` after telling what is wrong with it, or that it is none.
pub(super) fn required(arguments: &TemplateArguments, session: &Session) -> Option<Required> {
    let host: Arc<dyn Host> = match LocalHost::new().context("find the working directory") {
        Ok(host) => Arc::new(host),
        Err(error) => {
            session.fail(&error);
            return None;
        }
    };
    let sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let document = match place(Some(&arguments.template), arguments.options.config_type, &host) {
        Ok(place) => {
            let inputs = arguments.options.inputs(false);
            let request = Request { path: &place.path, inputs: &inputs, depth: Depth::Syntax, data_first: false };
            let data = DataReader::new(false);
            let world = World { host: &place.host, sources: &sources, data: &data, secrets: None };
            template::load(&request, &world, &mut diagnostics).map(|template| {
                session.events.add_secrets(&template.secrets);
                template.document
            })
        }
        Err(problem) => {
            diagnostics.push(*problem);
            None
        }
    };
    if let Some(document) = &document
        && document.language == Language::Legacy
    {
        session.fail(&anyhow!("only HCL2 templates ask for plugins; this one is in JSON"));
        return None;
    }
    // There is no need yet to have something to build.
    let mut list = diagnostics.into_sorted();
    list.retain(|diagnostic| !["missing-source", "missing-build"].contains(&diagnostic.code));
    let sources = Arc::new(sources);
    let failed = list.iter().any(|diagnostic| diagnostic.severity == imgforge_template::diagnostic::Severity::Error);
    if !list.is_empty() {
        session.events.emit(Event::Diagnostics { sources: sources.clone(), list });
    }
    let document = document.filter(|_| !failed)?;
    Some(Required { sources, plugins: document.plugins })
}
