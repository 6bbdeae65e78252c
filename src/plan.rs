//! From a template to the builds that are to run: sources x provisioners x post-processors, every component checked.
//! Pure: all it asks of the world, it asks the template's host.

mod select;
mod sources;
mod steps;

pub use select::Selection;

use crate::builders::{BUILDERS, Builder};
use crate::component::{self, Component};
use crate::known::{self, Known};
use crate::post_processors::PostProcessor;
use crate::provisioners::Provisioner;
use crate::recipe::{Foreign, Recipe, View};
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::document::{Build, Document, Language, Source};
use imgforge_template::eval;
use imgforge_template::gotemplate::{BuildValues, Fields, GoContext, GoTemplate, User};
use imgforge_template::host::Host;
use imgforge_template::scope::Scope;
use imgforge_template::source::Spanned;
use imgforge_template::syntax::{self, Expression};
use imgforge_template::template::{Template, legacy_context};
use imgforge_template::value::{Kind, Value};
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

/// Plans the builds of a template that the selection lets through. Components are checked for every one of them.
pub fn plan(template: &Template, selection: &Selection, host: &Arc<dyn Host>, diagnostics: &mut Diagnostics) -> Plan {
    let (document, unbuildable) = (&template.document, Diagnostics::default());
    let mut planner = Planner { template, document, selection, host, diagnostics, unbuildable, names: Vec::new() };
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
    let mut unbuildable = planner.unbuildable;
    unbuildable.append(diagnostics.extract("not-supported-yet"));
    Plan { builds, unbuildable }
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
}

/// A source as one build uses it.
struct Used<'a> {
    source: &'a Source,
    /// The name within the build.
    name: String,
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
    /// It can be checked as far as that goes without its arguments, not run: why not.
    Foreign(Diagnostic),
}

impl<'a> Used<'a> {
    fn new(source: &'a Source, name: Option<String>) -> Self {
        let name = name.unwrap_or_else(|| source.name.value.clone());
        Self { source, name, extra: None, iterator: None, is_stand_in: false }
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
            let used = Used { is_stand_in: true, ..Used::new(&source, None) };
            let view = self.view(&used, &block_name, "");
            let view = View { scope: view.scope.with("source", Value::unknown()), ..view };
            self.steps(build, &used, &view);
        }
        for used in sources {
            let (name, selected_by, label) = self.names(&used, &block_name);
            self.names.push(selected_by.clone());
            if !self.selection.takes_build(&selected_by) {
                continue;
            }
            let view = self.view(&used, &block_name, &label);
            // What a `dynamic` source iterates over reaches its own arguments; the steps of the build don't see it.
            let iterators = used.iterator.iter().cloned().collect();
            let builder = self.builder(&used, View { iterators, ..view.clone() });
            let view = match &builder {
                Some(builder) => View { value_names: builder.value_names().to_vec(), ..view },
                None => view,
            };
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
        let user = User::Variables { values: self.template.user.clone(), undeclared: Severity::Warning };
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
        let (value_names, iterators) = (Vec::new(), Vec::new());
        View { language, scope, context, block_name: block_name.to_owned(), value_names, iterators }
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
        match known.foreign(kind, self.document, &ours) {
            Ok(why) => Some(Found::Foreign(why)),
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
            Found::Foreign(why) => {
                self.say_foreign(why);
                let (what, name, header) = (known::BUILDERS.what, &source.kind.value, source.header);
                let foreign = Foreign { what, name, bodies: &bodies, taken: &[], overrides: None, header };
                foreign.check(&view, self.diagnostics);
                None
            }
            Found::Ours(component) => {
                let recipe = Recipe { component, bodies, taken: &[], overrides: None, header: source.header, view };
                Some(Arc::from(recipe.make(None, self.diagnostics)))
            }
        }
    }
}
