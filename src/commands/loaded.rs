//! A template read and planned, as every command that takes one does it.

use crate::cli::TemplateArguments;
use crate::commands::session::Session;
use crate::data_reader::DataReader;
use crate::event::Event;
use crate::plan::{self, Plan, Selection};
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::host::Host;
use imgforge_template::source::Sources;
use imgforge_template::template::{self, Depth, Request, World};
use std::sync::Arc;

/// What came of a template.
pub(super) struct Loaded {
    pub(super) sources: Arc<Sources>,
    /// Empty where errors stand.
    pub(super) plan: Plan,
    pub(super) failed: bool,
}

/// What a template is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To look at the text alone.
    Syntax,
    /// To find its mistakes; with or without asking the world for the values of data sources.
    Check { read_data: bool },
    /// To build it.
    Build,
}

/// Reads, evaluates and plans a template and reports all its mistakes at once.
pub(super) fn load(
    arguments: &TemplateArguments,
    purpose: Purpose,
    warn_undeclared: bool,
    host: &Arc<dyn Host>,
    session: &Session,
) -> Loaded {
    let sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let inputs = arguments.inputs(warn_undeclared);
    let request = Request {
        path: &arguments.template,
        inputs: &inputs,
        depth: if purpose == Purpose::Syntax { Depth::Syntax } else { Depth::Everything },
        data_first: arguments.use_sequential_evaluation,
    };
    let data = DataReader { read: matches!(purpose, Purpose::Build | Purpose::Check { read_data: true }) };
    let world = World { host, sources: &sources, data: &data };
    let template = template::load(&request, &world, &mut diagnostics);
    let mut plan = Plan::default();
    if let Some(template) = &template {
        session.events.add_secrets(&template.secrets);
        if purpose != Purpose::Syntax {
            let language = template.document.language;
            let selection = Selection::new(&arguments.only, &arguments.except, language, &mut diagnostics);
            plan = plan::plan(template, &selection, host, &mut diagnostics);
        }
    }
    // Nothing is wrong with the template: where it is not to be built, that is worth a word and no more.
    let unbuildable = std::mem::take(&mut plan.unbuildable);
    diagnostics.append(if purpose == Purpose::Build { unbuildable } else { unbuildable.as_warnings() });
    let failed = diagnostics.has_errors();
    let sources = Arc::new(sources);
    let list = diagnostics.into_sorted();
    if !list.is_empty() {
        session.events.emit(Event::Diagnostics { sources: sources.clone(), list });
    }
    if failed {
        plan = Plan::default();
    }
    Loaded { sources, plan, failed }
}
