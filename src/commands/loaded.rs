//! A template read and planned, as every command that takes one does it, or read and looked at.

use super::place::place;
use super::session::Session;
use crate::cli::{TemplateArguments, TemplateOptions};
use crate::data_reader::DataReader;
use crate::event::Event;
use crate::exit::Exit;
use crate::lint::{self, Checked};
use crate::plan::{self, Plan, Selection};
use crate::secret_stores::Unreachable;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::document::Document;
use imgforge_template::fix;
use imgforge_template::host::Host;
use imgforge_template::secret_store::SecretStores;
use imgforge_template::source::Sources;
use imgforge_template::template::{self, Depth, Request, Template, World};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// What came of a template.
pub(super) struct Loaded {
    pub(super) sources: Arc<Sources>,
    /// Empty where errors stand.
    pub(super) plan: Plan,
    /// How the command ends where that is not [`Exit::Success`].
    pub(super) exit: Exit,
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
    let (loaded, list) = read(arguments, purpose, warn_undeclared, host, session);
    report(&loaded.sources, list, session);
    loaded
}

/// The same, but leaves it to the caller to report the mistakes, which are sorted.
pub(super) fn read(
    arguments: &TemplateArguments,
    purpose: Purpose,
    warn_undeclared: bool,
    host: &Arc<dyn Host>,
    session: &Session,
) -> (Loaded, Vec<Diagnostic>) {
    let started = Instant::now();
    let sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let options = &arguments.options;
    let data = DataReader::new(matches!(purpose, Purpose::Build | Purpose::Check { read_data: true }));
    let mut plan = Plan::default();
    match place(Some(&arguments.template), options.config_type, host) {
        Ok(place) => {
            let request = Request {
                path: &place.path,
                inputs: &options.inputs(warn_undeclared),
                depth: if purpose == Purpose::Syntax { Depth::Syntax } else { Depth::Everything },
                data_first: options.use_sequential_evaluation,
            };
            let secrets: Option<Arc<dyn SecretStores>> = match purpose {
                Purpose::Build => Some(Arc::new(Unreachable)),
                // What is only checked asks for no secrets.
                Purpose::Syntax | Purpose::Check { .. } => None,
            };
            let world = World { host: &place.host, sources: &sources, data: &data, secrets };
            let template = template::load(&request, &world, &mut diagnostics);
            if let Some(template) = &template {
                session.events.add_secrets(&template.secrets);
                if purpose != Purpose::Syntax {
                    let language = template.document.language;
                    let selection = Selection::new(&options.only, &options.except, language, &mut diagnostics);
                    plan = plan::plan(template, &selection, host, &mut diagnostics);
                    fix::advise(&template.document, &mut diagnostics);
                    let checked = Checked {
                        template,
                        outlines: &plan.outlines,
                        host,
                        sources: &sources,
                        switches: &arguments.lints.switches,
                        is_whole: options.only.is_empty() && options.except.is_empty(),
                    };
                    session.events.add_secrets(&lint::check(&checked, &mut diagnostics));
                }
                session.events.add_secrets(&template.scope.derived.texts());
                let Document { variables, data, sources, .. } = &template.document;
                tracing::debug!(
                    path = %arguments.template.display(),
                    variables = variables.len(),
                    data_sources = data.len(),
                    sources = sources.len(),
                    builds = plan.builds.len(),
                    took = ?started.elapsed(),
                    "template read"
                );
            }
        }
        Err(problem) => diagnostics.push(*problem),
    }
    // Nothing is wrong with the template: where it is not to be built, that is worth a word and no more.
    let unbuildable = std::mem::take(&mut plan.unbuildable);
    diagnostics.append(if purpose == Purpose::Build { unbuildable } else { unbuildable.as_warnings() });
    let exit = match diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count() {
        0 => Exit::Success,
        errors if errors == data.may_be_read_later() => Exit::TryAgain,
        _ => Exit::Failed,
    };
    if exit != Exit::Success {
        plan = Plan::default();
    }
    (Loaded { sources: Arc::new(sources), plan, exit }, diagnostics.into_sorted())
}

pub(super) fn report(sources: &Arc<Sources>, list: Vec<Diagnostic>, session: &Session) {
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
    let data_first = options.use_sequential_evaluation;
    // Packer reads data sources here too; nothing that is looked at needs their values.
    let data = DataReader::new(false);
    let mut diagnostics = Diagnostics::default();
    let request = Request { path: &place.path, inputs: &inputs, depth: Depth::Syntax, data_first };
    let world = World { host: &place.host, sources: &sources, data: &data, secrets: None };
    let read = template::load(&request, &world, &mut diagnostics);
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
    let request = Request { depth: Depth::Everything, ..request };
    let world = World { sources: &sources, ..world };
    let template = template::load(&request, &world, &mut diagnostics)?;
    session.events.add_secrets(&template.secrets);
    session.events.add_secrets(&template.scope.derived.texts());
    Some(Looked { sources, template, mistakes: diagnostics.into_sorted() })
}
