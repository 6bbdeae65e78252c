//! From a template to the builds that are to run: sources x provisioners x post-processors, every component checked.
//! Pure: all it asks of the world, it asks the template's host.

mod select;

pub use select::Selection;

use crate::builders::{BUILDERS, Builder};
use crate::component::{self, Component};
use crate::post_processors::{POST_PROCESSORS, PostProcessor};
use crate::provisioners::{PROVISIONERS, Provisioner};
use crate::recipe::{Recipe, View};
use imgforge_template::arguments;
use imgforge_template::arguments::{Context, FromArgument, Late};
use imgforge_template::body::Located;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::document::{Build, Document, Language, Source, SourceUse, Step};
use imgforge_template::eval;
use imgforge_template::gotemplate::{BuildValues, Fields, GoContext, GoTemplate, User};
use imgforge_template::host::Host;
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
    let mut planner = Planner { template, document: &template.document, selection, host, diagnostics };
    let mut plan = Plan::default();
    let mut names = Vec::new();
    for build in &template.document.builds {
        planner.build(build, &mut plan, &mut names);
    }
    if template.document.builds.is_empty() && !planner.diagnostics.has_errors() {
        let message = "this template has no `build` block, so nothing would be built";
        planner
            .diagnostics
            .push(Diagnostic::error("missing-build", message).help("add `build { sources = [\"source.TYPE.NAME\"] }`"));
    }
    selection.report_unused(&names, planner.diagnostics);
    plan
}

struct Planner<'a> {
    template: &'a Template,
    document: &'a Document,
    selection: &'a Selection,
    host: &'a Arc<dyn Host>,
    diagnostics: &'a mut Diagnostics,
}

/// A source as one build uses it.
struct Used<'a> {
    source: &'a Source,
    /// The name within the build.
    name: String,
    extra: Option<&'a Arc<syntax::Body>>,
}

impl Planner<'_> {
    fn build(&mut self, build: &Build, plan: &mut Plan, names: &mut Vec<String>) {
        let block_name = build.name.as_ref().and_then(|expression| self.text(expression)).unwrap_or_default();
        let document = self.document;
        for used in self.sources(build, document) {
            let (name, selected_by, label) = self.names(&used, &block_name);
            names.push(selected_by.clone());
            if !self.selection.takes_build(&selected_by) {
                continue;
            }
            let view = self.view(&used, &block_name, &label);
            let builder = self.builder(&used, view.clone());
            let view = match &builder {
                Some(builder) => View { value_names: builder.value_names().to_vec(), ..view },
                None => view,
            };
            let provisioners =
                build.provisioners.iter().filter_map(|step| self.provisioner(step, &used, view.clone())).collect();
            let error_cleanup_provisioner =
                build.error_cleanup_provisioner.as_ref().and_then(|step| self.provisioner(step, &used, view.clone()));
            let mut post_processors = Vec::new();
            for sequence in &build.post_processors {
                let sequence = self.sequence(sequence, &used, &view, names);
                if !sequence.is_empty() {
                    post_processors.push(sequence);
                }
            }
            if let Some(builder) = builder {
                let builder_type = used.source.kind.value.clone();
                plan.builds.push(PlannedBuild {
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
            plan.builds.sort_by(|a, b| a.label.cmp(&b.label));
        }
    }

    fn text(&mut self, expression: &Expression) -> Option<String> {
        let value = eval::evaluate(expression, &self.template.scope, self.diagnostics);
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

    fn sources<'d>(&mut self, build: &'d Build, document: &'d Document) -> Vec<Used<'d>> {
        let mut used = Vec::new();
        for source_use in &build.sources {
            match source_use {
                SourceUse::All => {
                    let all = document.sources.iter();
                    used.extend(all.map(|source| Used { source, name: source.name.value.clone(), extra: None }));
                }
                SourceUse::Block { reference, name, body } => {
                    let Some(source) = self.source(&reference.value, reference.span, document) else { continue };
                    let name = name.as_ref().map_or_else(|| source.name.value.clone(), |name| name.value.clone());
                    self.report_both(source, body);
                    used.push(Used { source, name, extra: Some(body) });
                }
                SourceUse::List(expression) => {
                    for (reference, span) in self.references(expression) {
                        if let Some(source) = self.source(&reference, span, document) {
                            used.push(Used { source, name: source.name.value.clone(), extra: None });
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

    fn source<'d>(&mut self, reference: &str, span: Span, document: &'d Document) -> Option<&'d Source> {
        let parts: Vec<&str> = reference.split('.').collect();
        // With three parts or more the first one is not looked at, whatever it is.
        let (kind, name) = match parts.as_slice() {
            [kind, name] | [_, kind, name, ..] => (*kind, *name),
            _ => {
                self.diagnostics.push(
                    Diagnostic::error("invalid-reference", format!("`{reference}` does not name a source"))
                        .at(span)
                        .help("write `source.TYPE.NAME`"),
                );
                return None;
            }
        };
        let found = document.sources.iter().find(|source| source.kind.value == kind && source.name.value == name);
        if found.is_none() {
            let known: Vec<String> =
                document.sources.iter().map(|source| format!("{}.{}", source.kind.value, source.name.value)).collect();
            let diagnostic =
                Diagnostic::error("unknown-source", format!("there is no source `{kind}.{name}`")).at(span);
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
        View { language, scope, context, block_name: block_name.to_owned(), value_names: Vec::new() }
    }

    fn find<T: ?Sized>(
        &mut self,
        registry: &'static [Component<T>],
        kind: &Spanned<String>,
        what: &str,
    ) -> Option<&'static Component<T>> {
        let found = component::find(registry, &kind.value);
        if found.is_none() {
            let message = format!("there is no {what} `{}`", kind.value);
            let diagnostic = Diagnostic::error(unknown_code(what), message).at(kind.span);
            let names: Vec<&str> = registry.iter().map(|component| component.name).collect();
            self.diagnostics.push(match suggest::closest(&kind.value, names.iter().copied()) {
                Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
                None => diagnostic.help(format!("imgforge has these so far: {}", names.join(", "))),
            });
        }
        found
    }

    fn builder(&mut self, used: &Used<'_>, view: View) -> Option<Arc<dyn Builder>> {
        let source = used.source;
        let component = self.find(BUILDERS, &source.kind, "builder")?;
        let bodies = [&source.body].into_iter().chain(used.extra).cloned().collect();
        let recipe = Recipe { component, bodies, taken: &[], overrides: None, header: source.header, view };
        Some(Arc::from(recipe.make(None, self.diagnostics)))
    }

    fn provisioner(&mut self, step: &Step, used: &Used<'_>, view: View) -> Option<PlannedProvisioner> {
        let component = self.find(PROVISIONERS, &step.kind, "provisioner")?;
        let taken = match self.document.language {
            Language::Hcl2 => PROVISIONER_ARGUMENTS,
            Language::Legacy => LEGACY_PROVISIONER_ARGUMENTS,
        };
        let overrides = self.overrides(step, used);
        let recipe = Recipe { component, bodies: vec![step.body.clone()], taken, overrides, header: step.header, view };
        let arguments: ProvisionerArguments = recipe.engine_body(self.diagnostics).read(self.diagnostics);
        if !self.applies(used, &arguments.only, &arguments.except) {
            return None;
        }
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
                ObjectKey::Expression(expression) => match self.text(expression) {
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
        let has = |names: &[Spanned<Late>]| names.iter().any(|wanted| wanted.value.text() == name);
        if only.is_empty() { !has(except) } else { has(only) }
    }

    fn sequence(
        &mut self,
        steps: &[Step],
        used: &Used<'_>,
        view: &View,
        names: &mut Vec<String>,
    ) -> Vec<PlannedPostProcessor> {
        let mut sequence = Vec::new();
        for step in steps {
            let Some(component) = self.find(POST_PROCESSORS, &step.kind, "post-processor") else { continue };
            let recipe = Recipe {
                component,
                bodies: vec![step.body.clone()],
                taken: POST_PROCESSOR_ARGUMENTS,
                overrides: None,
                header: step.header,
                view: view.clone(),
            };
            let arguments: PostProcessorArguments = recipe.engine_body(self.diagnostics).read(self.diagnostics);
            let name = arguments.name.clone().unwrap_or_else(|| step.kind.value.clone());
            names.push(name.clone());
            if !self.selection.takes_post_processor(&name) {
                // It is left out with everything after it.
                break;
            }
            if !self.applies(used, &arguments.only, &arguments.except) {
                continue;
            }
            drop(recipe.make(None, self.diagnostics));
            let (name, keep_input_artifact) = (arguments.name, arguments.keep_input_artifact);
            sequence.push(PlannedPostProcessor { recipe, name, keep_input_artifact });
        }
        sequence
    }
}

fn unknown_code(what: &str) -> &'static str {
    match what {
        "builder" => "unknown-builder",
        "provisioner" => "unknown-provisioner",
        _ => "unknown-post-processor",
    }
}
