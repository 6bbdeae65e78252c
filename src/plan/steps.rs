//! What a build does with a machine and what comes of it: provisioners and post-processors, with what the engine takes
//! from their blocks for itself.

use super::{Found, Iterator, PlannedPostProcessor, PlannedProvisioner, Planner, Used};
use crate::known;
use crate::post_processors::POST_PROCESSORS;
use crate::provisioners::PROVISIONERS;
use crate::recipe::{self, Foreign, Recipe, View};
use imgforge_template::arguments;
use imgforge_template::arguments::{Context, FromArgument, Late};
use imgforge_template::body::Located;
use imgforge_template::diagnostic::Diagnostic;
use imgforge_template::document::{Build, Language, Step};
use imgforge_template::repeat::Repeat;
use imgforge_template::source::{Span, Spanned};
use imgforge_template::suggest;
use imgforge_template::syntax::{Expression, ExpressionKind, ObjectKey};
use imgforge_template::value::Kind;
use std::sync::Arc;
use std::time::Duration;

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

/// What a build does with the machine and what comes of it.
pub(super) struct Steps {
    pub(super) provisioners: Vec<PlannedProvisioner>,
    pub(super) error_cleanup_provisioner: Option<PlannedProvisioner>,
    pub(super) post_processors: Vec<Vec<PlannedPostProcessor>>,
}

impl Planner<'_> {
    pub(super) fn steps(&mut self, build: &Build, used: &Used<'_>, view: &View) -> Steps {
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
                self.say_foreign(why);
                let (what, name, overrides) = (known::PROVISIONERS.what, &step.kind.value, overrides.as_deref());
                let foreign = Foreign { what, name, bodies: &bodies, taken, overrides, header: step.header };
                foreign.check(&view, self.diagnostics);
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
                    self.say_foreign(why);
                    let (what, name, header) = (known::POST_PROCESSORS.what, &step.kind.value, step.header);
                    let foreign = Foreign { what, name, bodies: &bodies, taken, overrides: None, header };
                    foreign.check(&view, self.diagnostics);
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
