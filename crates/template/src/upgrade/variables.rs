//! Variables, and locals for those that are made of others.

use super::Upgrade;
use super::text::{block, expression, identifier, quoted, unique};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::gotemplate::{GoTemplate, Names, Piece, translate};
use crate::source::Text;
use crate::syntax::{Expression, ExpressionKind};
use crate::template::Template;
use std::sync::Arc;

/// What has become of the `user` variables.
#[derive(Default)]
pub(super) struct Variables {
    declared: Vec<Declared>,
    /// Variables of the environment that locals need, which they can't read themselves.
    environment: Vec<(String, String)>,
    /// Names that are used and not declared, which are empty unless they are given.
    undeclared: Vec<(String, String)>,
}

struct Declared {
    legacy: String,
    name: String,
    /// The default as an expression; `None` where a value must be given.
    default: Option<String>,
    /// Made of others: what stands for the value is a local.
    text: Option<Arc<Text>>,
    sensitive: bool,
}

impl Variables {
    pub(super) fn of(template: &Template, diagnostics: &mut Diagnostics) -> Self {
        let mut variables = Self::default();
        for variable in &template.document.variables {
            let legacy = variable.name.value.clone();
            let name = variables.new_name(&legacy);
            if name != legacy {
                let message = format!("the variable `{legacy}` is called `{name}` in HCL2");
                diagnostics.push(
                    Diagnostic::warning("renamed-in-hcl2", message)
                        .at(variable.name.span)
                        .help(format!("give its value by `-var {name}=…`")),
                );
            }
            let (default, text) = match variable.default.as_ref() {
                Some(Expression { kind: ExpressionKind::String(text), .. }) => match default(text) {
                    Some(default) => (Some(default), None),
                    None => (Some("null".to_owned()), Some(text.clone())),
                },
                _ => (None, None),
            };
            variables.declared.push(Declared { legacy, name, default, text, sensitive: variable.sensitive });
        }
        variables.add_those_of_names(template);
        variables
    }

    /// Declares what only the names of builders read: nothing reads it in HCL2, but that it has no value is told there too.
    fn add_those_of_names(&mut self, template: &Template) {
        for text in template.document.sources.iter().filter_map(|source| source.name_text.as_ref()) {
            let name = GoTemplate::parse(text.clone(), &mut Diagnostics::default());
            for variable in name.user_variables() {
                self.reference(variable.value);
            }
        }
    }

    fn new_name(&self, legacy: &str) -> String {
        let is_taken = |name: &str| {
            self.declared.iter().any(|variable| variable.name == name)
                || self.environment.iter().chain(&self.undeclared).any(|(_, taken)| taken == name)
        };
        unique(identifier(legacy), is_taken)
    }

    fn declared(&self, legacy: &str) -> Option<String> {
        let variable = self.declared.iter().find(|variable| variable.legacy == legacy)?;
        let root = if variable.text.is_some() { "local" } else { "var" };
        Some(format!("{root}.{}", variable.name))
    }

    fn reference(&mut self, legacy: &str) -> String {
        if let Some(reference) = self.declared(legacy) {
            return reference;
        }
        if let Some((_, name)) = self.undeclared.iter().find(|(known, _)| known == legacy) {
            return format!("var.{name}");
        }
        let name = self.new_name(legacy);
        self.undeclared.push((legacy.to_owned(), name.clone()));
        format!("var.{name}")
    }

    /// Whether an expression is a variable that is empty unless it is given.
    pub(super) fn may_be_empty(&self, reference: &str) -> bool {
        let Some(name) = reference.strip_prefix("var.") else { return false };
        let is_empty = |variable: &Declared| variable.name == name && variable.default.as_deref() == Some("\"\"");
        self.undeclared.iter().any(|(_, undeclared)| undeclared == name) || self.declared.iter().any(is_empty)
    }

    fn of_environment(&mut self, legacy: &str) -> String {
        if let Some((_, name)) = self.environment.iter().find(|(known, _)| known == legacy) {
            return format!("var.{name}");
        }
        let name = self.new_name(&format!("env_{legacy}"));
        self.environment.push((legacy.to_owned(), name.clone()));
        format!("var.{name}")
    }
}

/// A default that needs nothing but the environment; `None` if it needs more.
fn default(text: &Arc<Text>) -> Option<String> {
    let mut names = DefaultNames { asked: false, calls: Vec::new() };
    let translated = translate(text, &mut names);
    let is_allowed = |piece: &Piece| match piece {
        Piece::Text(_) => true,
        Piece::Expression { written, .. } => names.calls.contains(written),
        Piece::Directive(_) => false,
    };
    let is_simple = !names.asked && translated.left.is_empty() && translated.pieces.iter().all(is_allowed);
    is_simple.then(|| expression(&translated.pieces, true))
}

/// Names in the default of a variable: the environment alone.
struct DefaultNames {
    /// Another variable was asked for.
    asked: bool,
    calls: Vec<String>,
}

impl Names for DefaultNames {
    fn variable(&mut self, _: &str) -> Option<String> {
        self.asked = true;
        None
    }

    fn environment(&mut self, name: &str) -> Option<String> {
        let call = format!("env({})", quoted(name));
        self.calls.push(call.clone());
        Some(call)
    }

    fn in_component(&self) -> bool {
        false
    }

    fn after_build(&self) -> bool {
        false
    }

    fn quoted(&self, text: &str) -> String {
        quoted(text)
    }
}

/// Names in a local.
struct LocalNames<'a>(&'a mut Variables);

impl Names for LocalNames<'_> {
    fn variable(&mut self, name: &str) -> Option<String> {
        // One that is not there is a mistake here, in HCL2 too.
        Some(self.0.declared(name).unwrap_or_else(|| format!("var.{}", identifier(name))))
    }

    fn environment(&mut self, name: &str) -> Option<String> {
        Some(self.0.of_environment(name))
    }

    fn in_component(&self) -> bool {
        false
    }

    fn after_build(&self) -> bool {
        false
    }

    fn quoted(&self, text: &str) -> String {
        quoted(text)
    }
}

/// Names in an argument of a component.
pub(super) struct ComponentNames<'a> {
    pub(super) variables: &'a mut Variables,
    pub(super) after_build: bool,
}

impl Names for ComponentNames<'_> {
    fn variable(&mut self, name: &str) -> Option<String> {
        Some(self.variables.reference(name))
    }

    fn environment(&mut self, _: &str) -> Option<String> {
        None
    }

    fn in_component(&self) -> bool {
        true
    }

    fn after_build(&self) -> bool {
        self.after_build
    }

    fn quoted(&self, text: &str) -> String {
        quoted(text)
    }
}

impl Upgrade<'_> {
    /// A block for each variable, and for what else the template takes from outside.
    pub(super) fn variables(&self) -> Vec<String> {
        let variables = &self.variables;
        let declared = variables
            .declared
            .iter()
            .map(|variable| variable_block(&variable.name, variable.default.as_deref(), variable.sensitive));
        let environment = variables
            .environment
            .iter()
            .map(|(legacy, name)| variable_block(name, Some(&format!("env({})", quoted(legacy))), false));
        let undeclared = variables.undeclared.iter().map(|(_, name)| {
            // Who reads it is told so until it has a value.
            format!("# imgforge: undeclared\n{}", variable_block(name, Some("\"\""), false))
        });
        declared.chain(environment).chain(undeclared).collect()
    }

    /// The values of variables that are made of others, unless they are given.
    pub(super) fn locals(&mut self) -> Vec<String> {
        let mut plain = String::new();
        let mut blocks = Vec::new();
        for index in 0..self.variables.declared.len() {
            let Some(Declared { name, text: Some(text), sensitive, .. }) = self.variables.declared.get(index) else {
                continue;
            };
            let (name, text, sensitive) = (name.clone(), text.clone(), *sensitive);
            let translated = translate(&text, &mut LocalNames(&mut self.variables));
            for place in translated.left {
                self.not_translated(place);
            }
            let value = expression(&translated.pieces, false);
            let value = format!("var.{name} != null ? var.{name} : {value}");
            if sensitive {
                let header = format!("local {}", quoted(&name));
                blocks.push(block(&header, &format!("expression = {value}\nsensitive = true\n")));
            } else {
                plain.push_str(&format!("{name} = {value}\n"));
            }
        }
        if !plain.is_empty() {
            blocks.insert(0, block("locals", &plain));
        }
        blocks
    }
}

fn variable_block(name: &str, default: Option<&str>, sensitive: bool) -> String {
    let mut body = "type = string\n".to_owned();
    if let Some(default) = default {
        body.push_str(&format!("default = {default}\n"));
    }
    if sensitive {
        body.push_str("sensitive = true\n");
    }
    block(&format!("variable {}", quoted(name)), &body)
}
