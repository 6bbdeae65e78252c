//! The values of HCL2 variables: where they come from, whether they have the declared type and keep the declared rules.

use super::wrong_parts::wrong_parts;
use super::{Depth, Evaluation};
use crate::convert::convert;
use crate::diagnostic::Diagnostic;
use crate::document::Variable;
use crate::eval::{self, Reference, references};
use crate::hcl;
use crate::inputs::{Assignment, Form};
use crate::scope::{Functions, Scope};
use crate::source::Text;
use crate::syntax::{Expression, ExpressionKind};
use crate::type_constraint::TypeConstraint;
use crate::types::Type;
use crate::value::{Kind, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Evaluation<'_> {
    pub(super) fn variable(&mut self, variable: &Variable, assignments: &[Assignment]) -> Value {
        let constraint = match &variable.kind {
            Some(expression) => match TypeConstraint::from_expression(expression, self.diagnostics) {
                Some(constraint) => Some(constraint),
                None => return self.marked(Value::unknown(), variable),
            },
            None => None,
        };
        let default = variable.default.as_ref().map(|expression| {
            let scope = self.scope(Functions::EnvironmentOnly);
            let value = eval::evaluate(expression, &scope, self.diagnostics);
            self.convert(value, constraint.as_ref(), variable, expression, "the default")
        });
        // A variable without a type takes that of its default; an empty collection says nothing.
        let implied = match (&constraint, &default) {
            (None, Some(value)) if !is_empty_collection(value) => Some(TypeConstraint::from(&value.type_of())),
            _ => None,
        };
        let constraint = constraint.or(implied);
        let mut result = default;
        for assignment in assignments.iter().filter(|assignment| assignment.name.value == variable.name.value) {
            let written = self.given(assignment, constraint.as_ref());
            let value = eval::evaluate(&written, &self.scope(Functions::None), self.diagnostics);
            let what = format!("the value given by {}", assignment.value.describe());
            result = Some(self.convert(value, constraint.as_ref(), variable, &written, &what));
        }
        let value = result.unwrap_or_else(|| {
            if self.request.depth == Depth::Everything && self.is_complete {
                let name = &variable.name.value;
                self.diagnostics.push(
                    Diagnostic::error("unset-variable", format!("the variable `{name}` has no value"))
                        .at(variable.name.span)
                        .help(format!(
                            "give it a `default`, or a value by `-var {name}=…`, a var file, or PKR_VAR_{name}"
                        )),
                );
            }
            Kind::Unknown(constraint.map_or(Type::Any, |constraint| constraint.to_type())).into()
        });
        self.marked(value, variable)
    }

    /// What was written for a sensitive variable is secret too where it does not fit its type, is not the value that
    /// counts, can't be read, or was given to a misspelt name: messages quote it, and show its line.
    pub(super) fn add_written_secrets(&mut self, variable: &Variable, assignments: &[Assignment]) {
        if let Some(default) = &variable.default {
            self.add_written(default);
        }
        let name = &variable.name.value;
        let is_its = |assignment: &&Assignment| {
            assignment.name.value == *name || assignment.meant.as_ref().is_some_and(|meant| meant == name)
        };
        for assignment in assignments.iter().filter(is_its) {
            match &assignment.form {
                Form::Text { text, .. } => self.secrets.push(text.clone()),
                Form::Expression(expression) => self.add_written(expression),
            }
        }
    }

    fn add_written(&mut self, expression: &Expression) {
        match &expression.kind {
            ExpressionKind::String(text) => self.secrets.push(text.value().to_owned()),
            ExpressionKind::Number(_) | ExpressionKind::Broken => {
                let text = self.world.sources.slice(expression.span);
                // Short ones would garble every line.
                if text.trim().len() >= 4 {
                    self.secrets.push(text);
                }
            }
            ExpressionKind::Parentheses(inner) => self.add_written(inner),
            ExpressionKind::Tuple(elements) => elements.iter().for_each(|element| self.add_written(element)),
            ExpressionKind::Object(items) => items.iter().for_each(|item| self.add_written(&item.value)),
            _ => {}
        }
    }

    fn marked(&self, mut value: Value, variable: &Variable) -> Value {
        value.sensitive |= variable.sensitive;
        value
    }

    /// What an assignment gives: text is taken as it is for strings, numbers and unknown types, else read as HCL2.
    fn given<'a>(&mut self, assignment: &'a Assignment, constraint: Option<&TypeConstraint>) -> Cow<'a, Expression> {
        match &assignment.form {
            Form::Expression(expression) => Cow::Borrowed(expression),
            Form::Text { file, text } => Cow::Owned(match constraint.map(TypeConstraint::to_type) {
                None | Some(Type::Any | Type::String | Type::Number) => {
                    let span = assignment.span();
                    Expression { kind: ExpressionKind::String(Arc::new(Text::opaque(text, span))), span }
                }
                Some(_) => hcl::parse_expression(*file, text, self.diagnostics),
            }),
        }
    }

    fn convert(
        &mut self,
        value: Value,
        constraint: Option<&TypeConstraint>,
        variable: &Variable,
        written: &Expression,
        what: &str,
    ) -> Value {
        let Some(constraint) = constraint else { return value };
        match constraint.apply(&value) {
            Ok(value) => value,
            Err(_) => {
                let (place, label) = match (&variable.kind, &variable.default) {
                    (Some(kind), _) => (kind.span, "the type is declared here"),
                    (None, Some(default)) => (default.span, "its type is taken from this default"),
                    (None, None) => (variable.name.span, "the variable is declared here"),
                };
                let name = &variable.name.value;
                for (span, why) in wrong_parts(written, &value, constraint) {
                    let message = format!("{what} does not fit the type of the variable `{name}`: {why}");
                    self.diagnostics.push(Diagnostic::error("wrong-type", message).at(span).related(place, label));
                }
                Value::unknown()
            }
        }
    }

    pub(super) fn validate(
        &mut self,
        variable: &Variable,
        assignments: &[Assignment],
        values: &BTreeMap<Arc<str>, Value>,
        scope: &Scope,
    ) {
        let name = variable.name.value.as_str();
        let Some(value) = values.get(name) else { return };
        for validation in &variable.validations {
            let mut found = Vec::new();
            references(&validation.condition, &mut found);
            let is_own = |reference: &Reference| {
                &*reference.root == "var" && reference.path.first().is_some_and(|part| &**part == name)
            };
            for reference in found.iter().filter(|reference| !is_own(reference)) {
                let message = format!("a validation may refer to `var.{name}` alone");
                self.diagnostics.push(Diagnostic::error("invalid-validation", message).at(reference.span));
            }
            // One wrong name is one mistake.
            if found.is_empty() {
                let message = format!("this validation does not look at `var.{name}`");
                self.diagnostics.push(Diagnostic::error("invalid-validation", message).at(validation.condition.span));
            }
            // Without its own name, or with others, there is nothing to evaluate it with.
            if !found.iter().all(is_own) || found.is_empty() {
                continue;
            }
            let scope = scope.clone().with("var", Value::object([(name, value.clone())]));
            let result = eval::evaluate(&validation.condition, &scope, self.diagnostics);
            let result = convert(&result, &Type::Bool).unwrap_or(result);
            match result.kind {
                Kind::Bool(true) | Kind::Unknown(_) => {}
                Kind::Bool(false) => {
                    let given = assignments.iter().rev().find(|assignment| assignment.name.value == name);
                    let default = variable.default.as_ref().map_or(variable.name.span, |default| default.span);
                    let span = given.map_or(default, Assignment::span);
                    let message =
                        format!("invalid value for the variable `{name}`: {}", validation.error_message.value);
                    self.diagnostics.push(
                        Diagnostic::error("invalid-value", message)
                            .at(span)
                            .related(validation.condition.span, "this condition is false"),
                    );
                }
                _ => {
                    let message = "the condition of a validation must be true or false";
                    self.diagnostics
                        .push(Diagnostic::error("invalid-validation", message).at(validation.condition.span));
                }
            }
        }
    }
}

fn is_empty_collection(value: &Value) -> bool {
    match &value.kind {
        Kind::Tuple(values) => values.is_empty(),
        Kind::Object(values) => values.is_empty(),
        Kind::Null(_) | Kind::Unknown(_) => true,
        _ => false,
    }
}
