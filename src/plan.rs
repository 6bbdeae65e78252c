//! From a template to the builds that are to run: sources x provisioners x post-processors, every component checked.
//! Pure: all it asks of the world, it asks the template's host.

mod select;

pub use select::Selection;

use crate::builders::{BUILDERS, Builder};
use crate::component::{self, Component};
use crate::known::{self, Known};
use crate::post_processors::{POST_PROCESSORS, PostProcessor};
use crate::provisioners::{PROVISIONERS, Provisioner};
use crate::recipe::{self, Recipe, View};
use imgforge_template::arguments;
use imgforge_template::arguments::{Context, FromArgument, Late};
use imgforge_template::body::Located;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::document::{Build, Document, Language, Source, SourceUse, Step};
use imgforge_template::eval;
use imgforge_template::gotemplate::{BuildValues, Fields, GoContext, GoTemplate, User};
use imgforge_template::host::Host;
use imgforge_template::repeat::Repeat;
use imgforge_template::scope::Scope;
use imgforge_template::source::{Span, Spanned};
use imgforge_template::suggest;
use imgforge_template::syntax::{self, Expression, ExpressionKind, ObjectKey};
use imgforge_template::template::{Template, legacy_context};
use imgforge_template::value::{Kind, Value};
use std::sync::Arc;
use std::time::Duration;

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

/// A duration that may be empty, which is none: only the engine's own may.
#[derive(Clone, Debug)]
struct Pause(Duration);

impl FromArgument for Pause {
    const KIND: &'static str = Duration::KIND;

    fn from_default(text: &'static str) -> Option<Self> {
        Duration::from_default(text).map(Self)
    }

    fn placeholder() -> Self {
        Self(Duration::ZERO)
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        match &located.value.kind {
            Kind::String(text) if text.is_empty() => Some(Self(Duration::ZERO)),
            _ => Duration::from_value(located, context).map(Self),
        }
    }
}

arguments! {
    /// What the engine takes from a provisioner's block.
    struct ProvisionerArguments {
        /// A name for messages.
        name: Option<String>,
        /// Wait this long first.
        pause_before: Pause = "0s",
        /// Give up after this long.
        timeout: Pause = "0s",
        /// How often to try again.
        max_retries: u32 = "0",
        /// Go on with the build when it fails.
        continue_on_error: bool = "false",
        /// Only for these sources.
        only: Vec<Spanned<Late>>,
        /// Not for these sources.
        except: Vec<Spanned<Late>>,
    }
}

arguments! {
    /// What the engine takes from a post-processor's block.
    struct PostProcessorArguments {
        /// What `-except` and messages call it.
        name: Option<String>,
        /// Only for these sources.
        only: Vec<Spanned<Late>>,
        /// Not for these sources.
        except: Vec<Spanned<Late>>,
        /// Whether the artifact it was given stays.
        keep_input_artifact: Option<bool>,
    }
}

const PROVISIONER_ARGUMENTS: &[&str] =
    &["name", "pause_before", "timeout", "max_retries", "continue_on_error", "only", "except", "override"];
const LEGACY_PROVISIONER_ARGUMENTS: &[&str] = &["pause_before", "timeout", "max_retries", "only", "except", "override"];
const POST_PROCESSOR_ARGUMENTS: &[&str] = &["name", "only", "except", "keep_input_artifact"];

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

/// What a build does with the machine and what comes of it.
struct Steps {
    provisioners: Vec<PlannedProvisioner>,
    error_cleanup_provisioner: Option<PlannedProvisioner>,
    post_processors: Vec<Vec<PlannedPostProcessor>>,
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

    fn steps(&mut self, build: &Build, used: &Used<'_>, view: &View) -> Steps {
        let mut provisioners = Vec::new();
        for (step, view) in self.repeated(&build.provisioners, view) {
            provisioners.extend(self.provisioner(&step, used, view));
        }
        let error_cleanup_provisioner =
            build.error_cleanup_provisioner.as_ref().and_then(|step| self.provisioner(step, used, view.clone()));
        let mut post_processors = Vec::new();
        for sequence in &build.post_processors {
            for iterator in self.elements(sequence.repeat.as_deref(), view) {
                let view = iterator.map_or_else(|| view.clone(), |iterator| view.with_iterator(iterator));
                let sequence = self.sequence(&sequence.steps, used, &view);
                if !sequence.is_empty() {
                    post_processors.push(sequence);
                }
            }
        }
        Steps { provisioners, error_cleanup_provisioner, post_processors }
    }

    /// The elements that a `dynamic` block goes through; `None` once for a block that is no `dynamic` one.
    fn elements(&mut self, repeat: Option<&Repeat>, view: &View) -> Vec<Option<Iterator>> {
        match repeat {
            None => vec![None],
            Some(repeat) => repeat.elements(&view.repeat_scope(), self.diagnostics).into_iter().map(Some).collect(),
        }
    }

    /// The steps of a build with those of `dynamic` blocks written out, each with its view of the template.
    fn repeated(&mut self, steps: &[Step], view: &View) -> Vec<(Step, View)> {
        let mut found = Vec::new();
        for step in steps {
            for iterator in self.elements(step.repeat.as_deref(), view) {
                let Some(iterator) = iterator else {
                    found.push((step.clone(), view.clone()));
                    continue;
                };
                let view = view.with_iterator(iterator);
                let kind = step.repeat.as_ref().and_then(|repeat| repeat.label(&view.repeat_scope(), self.diagnostics));
                if let Some(kind) = kind {
                    found.push((Step { kind, ..step.clone() }, view));
                }
            }
        }
        found
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

    fn sources(&mut self, build: &'a Build) -> Vec<Used<'a>> {
        let document = self.document;
        let mut used = Vec::new();
        for source_use in &build.sources {
            match source_use {
                SourceUse::All => used.extend(document.sources.iter().map(|source| Used::new(source, None))),
                SourceUse::Block { reference, name, body, repeat: None } => {
                    let Some(source) = self.source(&reference.value, reference.span, build) else { continue };
                    let scope = &self.template.scope;
                    let name = name.as_ref().and_then(|name| self.text(name, scope));
                    self.report_both(source, body);
                    used.push(Used { extra: Some(body), ..Used::new(source, name) });
                }
                SourceUse::Block { name, body, repeat: Some(repeat), .. } => {
                    for iterator in repeat.elements(&self.template.scope, self.diagnostics) {
                        let scope = self.template.scope.clone().with(&iterator.0, iterator.1.clone());
                        let Some(reference) = repeat.label(&scope, self.diagnostics) else { continue };
                        let Some(source) = self.source(&reference.value, reference.span, build) else { continue };
                        let name = name.as_ref().and_then(|name| self.text(name, &scope));
                        self.report_both(source, body);
                        used.push(Used { extra: Some(body), iterator: Some(iterator), ..Used::new(source, name) });
                    }
                }
                SourceUse::List(expression) => {
                    for (reference, span) in self.references(expression) {
                        if let Some(source) = self.source(&reference, span, build) {
                            used.push(Used::new(source, None));
                        }
                    }
                }
            }
        }
        used
    }

    /// A `source` block inside a build adds arguments; it can't replace those of the source itself.
    fn report_both(&mut self, source: &Source, extra: &syntax::Body) {
        for attribute in &extra.attributes {
            let first = source.body.attributes.iter().find(|first| first.name.value == attribute.name.value);
            if let Some(first) = first {
                let message = format!("`{}` is set by the source already", attribute.name.value);
                self.diagnostics.push(
                    Diagnostic::error("duplicate-argument", message)
                        .at(attribute.name.span)
                        .related(first.name.span, "set here first")
                        .help("a `source` block inside `build` can add arguments, not replace them"),
                );
            }
        }
    }

    fn references(&mut self, expression: &Expression) -> Vec<(String, Span)> {
        let value = eval::evaluate(expression, &self.template.scope, self.diagnostics);
        let (Kind::Tuple(values) | Kind::List(_, values) | Kind::Set(_, values)) = &value.kind else {
            if !matches!(value.kind, Kind::Unknown(_)) {
                let message = "`sources` is a list of references such as `source.qemu.web`";
                self.diagnostics.push(Diagnostic::error("wrong-type", message).at(expression.span));
            }
            return Vec::new();
        };
        let written = match &expression.kind {
            ExpressionKind::Tuple(elements) => elements.as_slice(),
            _ => &[],
        };
        let mut references = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let span = written.get(index).map_or(expression.span, |element| element.span);
            match &value.kind {
                Kind::String(text) => references.push((text.to_string(), span)),
                Kind::Unknown(_) => {}
                _ => {
                    let message = "a reference is a string such as `source.qemu.web`";
                    self.diagnostics.push(Diagnostic::error("wrong-type", message).at(span));
                }
            }
        }
        references
    }

    fn source(&mut self, reference: &str, span: Span, build: &Build) -> Option<&'a Source> {
        let document = self.document;
        let parts: Vec<&str> = reference.split('.').collect();
        // With three parts or more the first one is not looked at, whatever it is.
        let (kind, name) = match parts.as_slice() {
            [kind, name] | [_, kind, name, ..] => (*kind, *name),
            _ => {
                self.diagnostics.push(
                    Diagnostic::error("invalid-reference", format!("`{reference}` does not name a source"))
                        .at(span)
                        .related(build.header, "in this build")
                        .help("write `source.TYPE.NAME`"),
                );
                return None;
            }
        };
        let found = document.sources.iter().find(|source| source.kind.value == kind && source.name.value == name);
        if found.is_none() {
            let known: Vec<String> =
                document.sources.iter().map(|source| format!("{}.{}", source.kind.value, source.name.value)).collect();
            let diagnostic = Diagnostic::error("unknown-source", format!("there is no source `{kind}.{name}`"))
                .at(span)
                .related(build.header, "in this build");
            let close = suggest::closest(&format!("{kind}.{name}"), known.iter().map(String::as_str));
            self.diagnostics.push(match close {
                Some(close) => diagnostic.help(format!("did you mean `source.{close}`?")),
                None if known.is_empty() => diagnostic.help("the template declares no sources"),
                None => diagnostic.help(format!("the sources are {}", known.join(", "))),
            });
        }
        found
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

    fn builder(&mut self, used: &Used<'_>, view: View) -> Option<Arc<dyn Builder>> {
        let source = used.source;
        let bodies: Vec<_> = [&source.body].into_iter().chain(used.extra).cloned().collect();
        match self.find(BUILDERS, &known::BUILDERS, &source.kind)? {
            Found::Foreign(why) => {
                self.unbuildable.push(why);
                recipe::check_values(&bodies, &[], &view, self.diagnostics);
                None
            }
            Found::Ours(component) => {
                let recipe = Recipe { component, bodies, taken: &[], overrides: None, header: source.header, view };
                Some(Arc::from(recipe.make(None, self.diagnostics)))
            }
        }
    }

    fn provisioner(&mut self, step: &Step, used: &Used<'_>, view: View) -> Option<PlannedProvisioner> {
        let found = self.find(PROVISIONERS, &known::PROVISIONERS, &step.kind)?;
        let taken = match self.document.language {
            Language::Hcl2 => PROVISIONER_ARGUMENTS,
            Language::Legacy => LEGACY_PROVISIONER_ARGUMENTS,
        };
        let overrides = self.overrides(step, used);
        let bodies = vec![step.body.clone()];
        let arguments: ProvisionerArguments =
            recipe::engine_body(&bodies, taken, step.header, &view, self.diagnostics).read(self.diagnostics);
        if !self.applies(used, &arguments.only, &arguments.except) {
            return None;
        }
        let component = match found {
            Found::Ours(component) => component,
            Found::Foreign(why) => {
                self.unbuildable.push(why);
                recipe::check_values(&bodies, taken, &view, self.diagnostics);
                return None;
            }
        };
        let recipe = Recipe { component, bodies, taken, overrides, header: step.header, view };
        drop(recipe.make(None, self.diagnostics));
        Some(PlannedProvisioner {
            recipe,
            pause_before: arguments.pause_before.0,
            timeout: arguments.timeout.0,
            max_retries: arguments.max_retries,
            continue_on_error: arguments.continue_on_error,
        })
    }

    /// The `override` object for this source: keyed by its name, HCL2 by the name within the build.
    fn overrides(&mut self, step: &Step, used: &Used<'_>) -> Option<Arc<Expression>> {
        let attribute = step.body.attributes.iter().find(|attribute| attribute.name.value == "override")?;
        if attribute.value.kind == ExpressionKind::Null {
            return None;
        }
        let ExpressionKind::Object(items) = &attribute.value.kind else {
            let message = "`override` is an object with a member for each source, itself an object of arguments";
            self.diagnostics.push(Diagnostic::error("wrong-type", message).at(attribute.value.span));
            return None;
        };
        let mut found = None;
        for item in items {
            let (name, span) = match &item.key {
                ObjectKey::Name(name) => (name.value.to_string(), name.span),
                ObjectKey::Expression(expression) => match self.text(expression, &self.template.scope) {
                    Some(name) => (name, expression.span),
                    None => continue,
                },
            };
            if self.document.language == Language::Legacy {
                self.check_builder_name(&name, span, "override");
            }
            if item.value.kind == ExpressionKind::Null {
                continue;
            }
            if !matches!(item.value.kind, ExpressionKind::Object(_)) {
                let message = format!("the `override` for `{name}` is an object of arguments");
                self.diagnostics.push(Diagnostic::error("wrong-type", message).at(item.value.span));
            } else if name == used.name {
                found = Some(Arc::new(item.value.clone()));
            }
        }
        found
    }

    fn check_builder_name(&mut self, name: &str, span: Span, what: &str) {
        let mut names = self.document.sources.iter().map(|source| source.name.value.as_str());
        if names.clone().any(|known| known == name) {
            return;
        }
        let diagnostic =
            Diagnostic::error("unknown-source", format!("`{what}` names a builder that is not there: `{name}`"))
                .at(span);
        self.diagnostics.push(match suggest::closest(name, names.by_ref()) {
            Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
            None => diagnostic,
        });
    }

    /// Whether a step is for this source. The names are compared as they are written: Packer never renders them.
    fn applies(&mut self, used: &Used<'_>, only: &[Spanned<Late>], except: &[Spanned<Late>]) -> bool {
        if let (Some(only), Some(except)) = (only.first(), except.first()) {
            let message = "`only` and `except` can't be used together";
            self.diagnostics.push(
                Diagnostic::error("conflicting-arguments", message)
                    .at(except.span)
                    .related(only.span, "`only` is set here"),
            );
        }
        let name = match self.document.language {
            Language::Hcl2 => format!("{}.{}", used.source.kind.value, used.name),
            Language::Legacy => {
                for (what, names) in [("only", only), ("except", except)] {
                    for name in names {
                        self.check_builder_name(name.value.text(), name.span, what);
                    }
                }
                used.source.name.value.clone()
            }
        };
        if used.is_stand_in {
            return true;
        }
        let has = |names: &[Spanned<Late>]| names.iter().any(|wanted| wanted.value.text() == name);
        if only.is_empty() { !has(except) } else { has(only) }
    }

    fn sequence(&mut self, steps: &[Step], used: &Used<'_>, view: &View) -> Vec<PlannedPostProcessor> {
        let mut sequence = Vec::new();
        for (step, view) in self.repeated(steps, view) {
            let Some(found) = self.find(POST_PROCESSORS, &known::POST_PROCESSORS, &step.kind) else { continue };
            let (bodies, taken) = (vec![step.body.clone()], POST_PROCESSOR_ARGUMENTS);
            let arguments: PostProcessorArguments =
                recipe::engine_body(&bodies, taken, step.header, &view, self.diagnostics).read(self.diagnostics);
            let name = arguments.name.clone().unwrap_or_else(|| step.kind.value.clone());
            self.names.push(name.clone());
            if !self.selection.takes_post_processor(&name) {
                // It is left out with everything after it.
                break;
            }
            if !self.applies(used, &arguments.only, &arguments.except) {
                continue;
            }
            let component = match found {
                Found::Ours(component) => component,
                Found::Foreign(why) => {
                    self.unbuildable.push(why);
                    recipe::check_values(&bodies, taken, &view, self.diagnostics);
                    continue;
                }
            };
            let recipe = Recipe { component, bodies, taken, overrides: None, header: step.header, view };
            drop(recipe.make(None, self.diagnostics));
            let (name, keep_input_artifact) = (arguments.name, arguments.keep_input_artifact);
            sequence.push(PlannedPostProcessor { recipe, name, keep_input_artifact });
        }
        sequence
    }
}
