//! A template read and planned, as every command that takes one does it.

use crate::cli::TemplateArguments;
use crate::commands::session::Session;
use crate::event::Event;
use crate::plan::{self, Plan, Selection};
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::host::Host;
use imgforge_template::inputs::Inputs;
use imgforge_template::source::Sources;
use imgforge_template::template::{self, Depth};
use std::sync::Arc;

/// What came of a template.
pub(super) struct Loaded {
    pub(super) sources: Arc<Sources>,
    /// Empty where errors stand.
    pub(super) plan: Plan,
    pub(super) failed: bool,
}

/// Reads, evaluates and plans a template and reports all its mistakes at once. For a build, the inputs hold the stores
/// of secrets.
pub(super) fn load(
    arguments: &TemplateArguments,
    depth: Depth,
    inputs: &Inputs,
    host: &Arc<dyn Host>,
    session: &Session,
) -> Loaded {
    let sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let template = template::load(&arguments.template, inputs, depth, host, &sources, &mut diagnostics);
    let mut plan = Plan::default();
    if let Some(template) = &template {
        session.events.add_secrets(&template.secrets);
        if depth == Depth::Everything {
            let language = template.document.language;
            let selection = Selection::new(&arguments.only, &arguments.except, language, &mut diagnostics);
            plan = plan::plan(template, &selection, host, &mut diagnostics);
        }
    }
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
