//! From a template to the builds that are to run: sources x provisioners x post-processors, every component checked.
//! Pure: all it asks of the world, it asks the template's host.

mod outline;
mod select;
mod sources;
mod steps;

pub use outline::{Outline, UsedBlock};
pub use select::Selection;
pub(crate) use steps::{PostProcessorArguments, ProvisionerArguments};

use crate::builders::{BUILDERS, Builder};
use crate::component::{self, Component};
use crate::known::{self, Known};
use crate::post_processors::PostProcessor;
use crate::provisioners::Provisioner;
use crate::recipe::{Foreign, Recipe, View};
use crate::schema;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::document::{Build, Document, Language, Source, legacy};
use imgforge_template::eval;
use imgforge_template::gotemplate::{BuildValues, Fields, GoContext, GoTemplate, ResourceNames, User};
use imgforge_template::host::Host;
use imgforge_template::schema::Schema;
use imgforge_template::scope::Scope;
use imgforge_template::source::{Span, Spanned};
use imgforge_template::syntax::{self, Expression};
use imgforge_template::template::{Template, legacy_context};
use imgforge_template::value::{Kind, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use steps::Steps;

/// What a run is going to do.
#[derive(Default)]
pub struct Plan {
    pub builds: Vec<PlannedBuild>,
    /// Why builds that were selected can't run, although nothing is wrong with the template: errors where it is to
    /// be built.
    pub unbuildable: Diagnostics,
    /// What further checks look at.
    pub outlines: Vec<Outline>,
}

/// One build.
pub struct PlannedBuild {
    /// The full name: before every line, and what `-only` of HCL2 matches.
    pub name: String,
    /// The source's own name.
    pub label: String,
    pub builder_type: String,
    pub builder: Arc<dyn Builder>,
    pub provisioners: Vec<PlannedProvisioner>,
    pub error_cleanup_provisioner: Option<PlannedProvisioner>,
    pub post_processors: Vec<Vec<PlannedPostProcessor>>,
}

pub struct PlannedProvisioner {
    pub recipe: Recipe<dyn Provisioner>,
    pub pause_before: Duration,
    /// Zero: none.
    pub timeout: Duration,
    pub max_retries: u32,
    pub continue_on_error: bool,
}

pub struct PlannedPostProcessor {
    pub recipe: Recipe<dyn PostProcessor>,
    /// As the user named it; else its type is shown.
    pub name: Option<String>,
    pub keep_input_artifact: Option<bool>,
}

/// Errors in spite of which it can be said what is used and what is not: the text is read as it was meant.
const HARMLESS: &[&str] = &[
    "conflicting-arguments",
    "invalid-value",
    "missing-argument",
    "missing-file",
    "not-a-file",
    "not-supported-yet",
    "unchecked-component",
    "unknown-argument",
    "unset-variable",
];

/// Whether some mistake may hide what uses a variable or a source: a name that is misspelt, a line that can't be read.
pub(crate) fn hides_uses(diagnostics: &Diagnostics) -> bool {
    diagnostics.iter().any(|found| found.severity == Severity::Error && !HARMLESS.contains(&found.code))
}

/// Plans the builds of a template that the selection lets through. Components are checked for every one of them.
pub fn plan(template: &Template, selection: &Selection, host: &Arc<dyn Host>, diagnostics: &mut Diagnostics) -> Plan {
    let (document, unbuildable) = (&template.document, Diagnostics::default());
    let mut planner = Planner {
        template,
        document,
        selection,
        host,
        diagnostics,
        unbuildable,
        names: Vec::new(),
        outlines: Vec::new(),
        used: BTreeSet::new(),
        build_names: BTreeSet::new(),
        schemas: BTreeMap::new(),
    };
    if document.language == Language::Legacy {
        legacy::check_names(document, planner.diagnostics);
    }
    let mut builds = Vec::new();
    for build in &document.builds {
        planner.build(build, &mut builds);
    }
    if document.builds.is_empty() && !planner.diagnostics.has_errors() {
        let message = "this template has no `build` block, so nothing would be built";
        planner
            .diagnostics
            .push(Diagnostic::error("missing-build", message).help("add `build { sources = [\"source.TYPE.NAME\"] }`"));
    }
    selection.report_unused(&planner.names, planner.diagnostics);
    planner.unused_sources();
    let (mut unbuildable, outlines) = (planner.unbuildable, planner.outlines);
    unbuildable.append(diagnostics.extract("not-supported-yet"));
    Plan { builds, unbuildable, outlines }
}

struct Planner<'a> {
    template: &'a Template,
    document: &'a Document,
    selection: &'a Selection,
    host: &'a Arc<dyn Host>,
    diagnostics: &'a mut Diagnostics,
    unbuildable: Diagnostics,
    /// All names that `-only` and `-except` could have meant.
    names: Vec<String>,
    /// What may be written in components that are not ours, by kind and name: looked up once, however often one is used.
    schemas: BTreeMap<(&'static str, String), Option<Arc<Schema>>>,
    outlines: Vec<Outline>,
    /// The headers of all sources that builds name.
    used: BTreeSet<Span>,
    /// What the steps of the build at hand may name: its sources as `TYPE.NAME`. Empty where other variables give it
    /// others.
    build_names: BTreeSet<String>,
}

/// A source as one build uses it.
struct Used<'a> {
    source: &'a Source,
    /// The name within the build.
    name: String,
    /// Where it is named.
    place: Span,
    extra: Option<&'a Arc<syntax::Body>>,
    iterator: Option<Iterator>,
    /// It stands in for the sources of a build that names none that is there, so that its steps are checked.
    is_stand_in: bool,
}

/// What `dynamic` iterates over, at one element.
type Iterator = (Arc<str>, Value);

/// What a name in a template stands for.
enum Found<T: ?Sized + 'static> {
    Ours(&'static Component<T>),
    /// Why it can't be run; it is checked as far as that goes, by its schema where that is known.
    Foreign(Diagnostic, Option<Arc<Schema>>),
}

impl<'a> Used<'a> {
    fn new(source: &'a Source, name: Option<String>, place: Span) -> Self {
        let name = name.unwrap_or_else(|| source.name.value.clone());
        Self { source, name, place, extra: None, iterator: None, is_stand_in: false }
    }
}

impl<'a> Planner<'a> {
    fn build(&mut self, build: &'a Build, planned: &mut Vec<PlannedBuild>) {
        let scope = &self.template.scope;
        let block_name = build.name.as_ref().and_then(|expression| self.text(expression, scope)).unwrap_or_default();
        if let Some(description) = &build.description {
            self.text(description, scope);
        }
        let sources = self.sources(build);
        if sources.is_empty() {
            let nothing = syntax::Body { attributes: Vec::new(), blocks: Vec::new(), span: build.header };
            let none = Spanned::new(String::new(), build.header);
            let (kind, name) = (none.clone(), none);
            let source = Source { kind, name, name_text: None, body: Arc::new(nothing), header: build.header };
            let used = Used { is_stand_in: true, ..Used::new(&source, None, build.header) };
            let view = self.view(&used, &block_name, "").with_source(Value::unknown());
            self.steps(build, &used, &view);
        }
        self.used.extend(sources.iter().map(|used| used.source.header));
        let is_fixed = sources::names_are_written(build);
        let name = |used: &Used<'_>| format!("{}.{}", used.source.kind.value, used.name);
        self.build_names = sources.iter().filter(|_| is_fixed).map(name).collect();
        for used in sources {
            let (name, selected_by, label) = self.names(&used, &block_name);
            self.names.push(selected_by.clone());
            if !self.selection.takes_build(&selected_by) {
                continue;
            }
            let view = self.view(&used, &block_name, &label);
            // What a `dynamic` source iterates over reaches its own arguments; the steps of the build don't see it.
            let iterators = used.iterator.iter().cloned().collect();
            let source_view = view.clone().with_iterators(iterators);
            let builder = self.builder(&used, source_view);
            let view = match &builder {
                Some(builder) => view.with_value_names(builder.value_names()),
                None => view,
            };
            self.outline(&name, &label, &used, &view);
            let Steps { provisioners, error_cleanup_provisioner, post_processors } = self.steps(build, &used, &view);
            if let Some(builder) = builder {
                let builder_type = used.source.kind.value.clone();
                planned.push(PlannedBuild {
                    name,
                    label,
                    builder_type,
                    builder,
                    provisioners,
                    error_cleanup_provisioner,
                    post_processors,
                });
            }
        }
        if self.document.language == Language::Legacy {
            // Packer runs them by name.
            planned.sort_by(|a, b| a.label.cmp(&b.label));
        }
    }

    fn text(&mut self, expression: &Expression, scope: &Scope) -> Option<String> {
        let value = eval::evaluate(expression, scope, self.diagnostics);
        match value.kind {
            Kind::String(text) => Some(text.to_string()),
            Kind::Number(number) => Some(number.to_string()),
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Unknown(_) => None,
            _ => {
                self.diagnostics.push(Diagnostic::error("wrong-type", "this must be a string").at(expression.span));
                None
            }
        }
    }

    /// The full name, the name that `-only` and `-except` look at, and the source's own name.
    fn names(&mut self, used: &Used<'_>, block_name: &str) -> (String, String, String) {
        let kind = &used.source.kind.value;
        if self.document.language == Language::Hcl2 {
            let name = format!("{kind}.{}", used.name);
            let name = if block_name.is_empty() { name } else { format!("{block_name}.{name}") };
            return (name.clone(), name, used.source.name.value.clone());
        }
        let rendered = match &used.source.name_text {
            Some(text) => {
                let context = self.user_context();
                let template = GoTemplate::parse(text.clone(), self.diagnostics);
                template.render(&context, &Fields::None, self.diagnostics)
            }
            None => None,
        };
        let rendered = rendered.unwrap_or_else(|| used.name.clone());
        let full = if used.name == *kind { rendered.clone() } else { format!("{kind}.{rendered}") };
        (full, rendered.clone(), rendered)
    }

    fn user_context(&self) -> GoContext {
        let user = User::Variables { values: Arc::new(self.template.user.clone()), undeclared: Severity::Warning };
        legacy_context(self.host.clone(), &self.template.root, user, false)
    }

    fn view(&self, used: &Used<'_>, block_name: &str, label: &str) -> View {
        let (language, kind) = (self.document.language, used.source.kind.value.clone());
        let mut context = match language {
            Language::Legacy => self.user_context(),
            Language::Hcl2 => GoContext {
                user: User::Forbidden,
                template_dir: None,
                build_values: BuildValues::Forbidden,
                ..legacy_context(self.host.clone(), &self.template.root, User::Forbidden, false)
            },
        };
        context.build_name = Some(label.to_owned());
        context.build_type = Some(kind.clone());
        let source = [("type", Value::string(kind)), ("name", Value::string(used.name.as_str()))];
        let scope = self.template.scope.clone().with("source", Value::object(source));
        View::new(language, scope, context, block_name)
    }

    /// What a component's name stands for; `None` after an error where it is no name at all.
    fn find<T: ?Sized>(
        &mut self,
        registry: &'static [Component<T>],
        known: &Known,
        kind: &Spanned<String>,
    ) -> Option<Found<T>> {
        if let Some(component) = component::find(registry, &kind.value) {
            return Some(Found::Ours(component));
        }
        let ours: Vec<&str> = registry.iter().map(|component| component.name).collect();
        let key = (known.what, kind.value.clone());
        let find = || schema::find(known.what, &kind.value).map(|known| Arc::new(known.schema));
        let schema = self.schemas.entry(key).or_insert_with(find).clone();
        match known.foreign(kind, schema.is_some(), self.document, &ours) {
            Ok(why) => Some(Found::Foreign(why, schema)),
            Err(problem) => {
                self.diagnostics.push(*problem);
                None
            }
        }
    }

    /// Keeps why a component can't be run. Of one whose arguments are not checked this is said once.
    fn say_foreign(&mut self, why: Diagnostic) {
        let is_said = |said: &Diagnostic| said.code == why.code && said.message == why.message;
        if why.code != "unchecked-component" || !self.unbuildable.iter().any(is_said) {
            self.unbuildable.push(why);
        }
    }

    fn builder(&mut self, used: &Used<'_>, view: View) -> Option<Arc<dyn Builder>> {
        let source = used.source;
        let bodies: Vec<_> = [&source.body].into_iter().chain(used.extra).cloned().collect();
        match self.find(BUILDERS, &known::BUILDERS, &source.kind)? {
            Found::Foreign(why, schema) => {
                self.say_foreign(why);
                let (name, schema, header) = (&source.kind.value, schema.as_deref(), source.header);
                let foreign = Foreign { name, schema, bodies: &bodies, taken: &[], overrides: None, header };
                foreign.check(&view, self.diagnostics);
                None
            }
            Found::Ours(component) => {
                let mut view = view;
                view.context.resource_names = ResourceNames::of_builder(&source.kind.value);
                let recipe = Recipe { component, bodies, taken: &[], overrides: None, header: source.header, view };
                Some(Arc::from(recipe.make(None, self.diagnostics)))
            }
        }
    }
}
