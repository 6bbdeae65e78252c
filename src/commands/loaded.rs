//! A template read and planned, as every command that takes one does it, or read and looked at.

use super::place::place;
use super::session::Session;
use crate::cli::{TemplateArguments, TemplateOptions};
use crate::event::Event;
use crate::plan::{self, Plan, Selection};
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::host::Host;
use imgforge_template::source::Sources;
use imgforge_template::template::{self, Depth, Template};
use std::path::Path;
use std::sync::Arc;

/// What came of a template.
pub(super) struct Loaded {
    pub(super) sources: Arc<Sources>,
    /// Empty where errors stand.
    pub(super) plan: Plan,
    pub(super) failed: bool,
}

/// Reads, evaluates and plans a template and reports all its mistakes at once.
pub(super) fn load(
    arguments: &TemplateArguments,
    depth: Depth,
    warn_undeclared: bool,
    host: &Arc<dyn Host>,
    session: &Session,
) -> Loaded {
    let sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let options = &arguments.options;
    let mut plan = Plan::default();
    match place(Some(&arguments.template), options.config_type, host) {
        Ok(place) => {
            let inputs = options.inputs(warn_undeclared);
            let template = template::load(&place.path, &inputs, depth, &place.host, &sources, &mut diagnostics);
            if let Some(template) = &template {
                session.events.add_secrets(&template.secrets);
                if depth == Depth::Everything {
                    let language = template.document.language;
                    let selection = Selection::new(&options.only, &options.except, language, &mut diagnostics);
                    plan = plan::plan(template, &selection, host, &mut diagnostics);
                }
            }
        }
        Err(problem) => diagnostics.push(*problem),
    }
    let failed = diagnostics.has_errors();
    let sources = Arc::new(sources);
    report(&sources, diagnostics.into_sorted(), session);
    if failed {
        plan = Plan::default();
    }
    Loaded { sources, plan, failed }
}

fn report(sources: &Arc<Sources>, list: Vec<Diagnostic>, session: &Session) {
    if !list.is_empty() {
        session.events.emit(Event::Diagnostics { sources: sources.clone(), list });
    }
}

/// A template that is looked at, not built: variables may be unset and values wrong, which are unknown then.
pub(super) struct Looked {
    pub(super) sources: Arc<Sources>,
    pub(super) template: Template,
    /// What keeps it from being built, not reported yet.
    pub(super) mistakes: Vec<Diagnostic>,
}

/// Reads a template to look at it. `None` where its text is wrong, which is reported.
pub(super) fn look(
    template: Option<&Path>,
    options: &TemplateOptions,
    host: &Arc<dyn Host>,
    session: &Session,
) -> Option<Looked> {
    let sources = Arc::new(Sources::default());
    let place = match place(template, options.config_type, host) {
        Ok(place) => place,
        Err(problem) => {
            report(&sources, vec![*problem], session);
            return None;
        }
    };
    let inputs = options.inputs(false);
    let mut diagnostics = Diagnostics::default();
    let read = template::load(&place.path, &inputs, Depth::Syntax, &place.host, &sources, &mut diagnostics);
    if let Some(template) = &read {
        session.events.add_secrets(&template.secrets);
    }
    // There is something to see in a template that has nothing to build yet.
    let mut list = diagnostics.into_sorted();
    list.retain(|diagnostic| diagnostic.code != "missing-source");
    if read.is_none() || list.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        report(&sources, list, session);
        return None;
    }
    // Again with values. Its mistakes are those of the first time and those that do not matter here.
    let sources = Arc::new(Sources::default());
    let mut diagnostics = Diagnostics::default();
    let template = template::load(&place.path, &inputs, Depth::Everything, &place.host, &sources, &mut diagnostics)?;
    session.events.add_secrets(&template.secrets);
    Some(Looked { sources, template, mistakes: diagnostics.into_sorted() })
}
