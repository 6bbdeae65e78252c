//! Function calls: finding the function, its arguments, and those functions that look at expressions themselves.

use super::Evaluator;
use crate::convert::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::functions::{self, Environment};
use crate::scope::Functions;
use crate::source::Span;
use crate::suggest;
use crate::syntax::{Call, Expression};
use crate::type_constraint::TypeConstraint;
use crate::types::Type;
use crate::value::{Kind, Value};

impl Evaluator<'_> {
    pub(super) fn call(&mut self, call: &Call) -> Value {
        let name = &*call.name.value;
        if let Some(why) = self.refused(name) {
            self.diagnostics.push(why.at(call.name.span));
            return Value::unknown();
        }
        match name {
            "try" => return self.try_each(call),
            "can" => return self.can(call),
            "convert" => return self.convert(call),
            _ => {}
        }
        let Some(function) = functions::find(name) else {
            self.unknown_function(name, call.name.span);
            return Value::unknown();
        };
        let Some(arguments) = self.arguments(call) else { return Value::unknown() };
        let values: Vec<Value> = arguments.iter().map(|(value, _)| value.clone()).collect();
        if !function.takes(values.len()) {
            let message = format!("`{name}` takes {}, not {}", function.count(), values.len());
            return self.error("wrong-argument-count", message, call.parentheses);
        }
        let environment = Environment { host: self.scope.host.as_ref(), root: &self.scope.root };
        match function.call(&values, &environment) {
            Ok(value) => value,
            Err(functions::Failure { argument, message }) => {
                let span = argument.and_then(|index| arguments.get(index)).map_or(call.parentheses, |(_, span)| *span);
                self.error("invalid-argument", format!("`{name}`: {message}"), span)
            }
        }
    }

    /// Why a function may not be called here.
    fn refused(&self, name: &str) -> Option<Diagnostic> {
        match (self.scope.functions, name) {
            (Functions::All, "env") => Some(
                Diagnostic::error("function-not-allowed", "`env` may only be used in the default of a variable")
                    .help("declare a variable with this default, and refer to it"),
            ),
            (Functions::EnvironmentOnly, "env") | (Functions::All, _) => None,
            (Functions::EnvironmentOnly, _) => Some(
                Diagnostic::error("function-not-allowed", format!("the default of a variable can't call `{name}`"))
                    .help("only `env` may be called here; compute the value in a `locals` block"),
            ),
            (Functions::None, _) => Some(Diagnostic::error("function-not-allowed", "functions can't be called here")),
        }
    }

    fn unknown_function(&mut self, name: &str, span: Span) {
        if functions::LATER.contains(&name) {
            let message = format!("the function `{name}` is not supported yet");
            self.diagnostics.push(Diagnostic::error("not-supported-yet", message).at(span));
            return;
        }
        let diagnostic = Diagnostic::error("unknown-function", format!("there is no function `{name}`")).at(span);
        let names = functions::names();
        self.diagnostics.push(match suggest::closest(name, names) {
            Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
            None => diagnostic,
        });
    }

    /// Values and places; `None` where the expanded last argument is unknown or no list.
    fn arguments(&mut self, call: &Call) -> Option<Vec<(Value, Span)>> {
        let mut arguments: Vec<(Value, Span)> =
            call.arguments.iter().map(|argument| (self.expression(argument), argument.span)).collect();
        if !call.expand_last {
            return Some(arguments);
        }
        let (last, span) = arguments.pop()?;
        match last.elements() {
            Some(elements) => {
                arguments.extend(elements.iter().map(|element| (element.clone().marked(last.sensitive), span)));
                Some(arguments)
            }
            None => {
                if !last.is_unknown() {
                    self.error("wrong-type", "only a list can be expanded with `...`", span);
                }
                None
            }
        }
    }

    /// Evaluates without reporting: the value, and whether there were mistakes.
    fn quietly(&mut self, expression: &Expression) -> (Value, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let mut inner = Evaluator {
            scope: self.scope,
            locals: self.locals.clone(),
            elements: self.elements.clone(),
            diagnostics: &mut diagnostics,
        };
        let value = inner.expression(expression);
        (value, diagnostics)
    }

    fn try_each(&mut self, call: &Call) -> Value {
        for argument in &call.arguments {
            let (value, diagnostics) = self.quietly(argument);
            if diagnostics.has_errors() {
                continue;
            }
            // Something unknown may still turn out to fail.
            return if value.is_wholly_known() { value } else { Value::unknown() };
        }
        let message = match call.arguments.len() {
            0 => "`try` takes at least one argument",
            _ => "`try`: none of the arguments could be evaluated",
        };
        self.error("invalid-argument", message, call.parentheses)
    }

    fn can(&mut self, call: &Call) -> Value {
        let [argument] = call.arguments.as_slice() else {
            let message = format!("`can` takes 1 argument, not {}", call.arguments.len());
            return self.error("wrong-argument-count", message, call.parentheses);
        };
        let (value, diagnostics) = self.quietly(argument);
        match (diagnostics.has_errors(), value.is_wholly_known()) {
            (true, _) => Value::bool(false),
            (false, true) => Value::bool(true),
            (false, false) => Kind::Unknown(Type::Bool).into(),
        }
    }

    fn convert(&mut self, call: &Call) -> Value {
        let [value, kind] = call.arguments.as_slice() else {
            let message = format!("`convert` takes 2 arguments, not {}", call.arguments.len());
            return self.error("wrong-argument-count", message, call.parentheses);
        };
        let span = value.span;
        let value = self.expression(value);
        let Some(constraint) = TypeConstraint::from_expression(kind, self.diagnostics) else { return Value::unknown() };
        match convert(&value, &constraint.to_type()) {
            Ok(value) => value,
            Err(why) => self.error("invalid-argument", format!("`convert`: {why}"), span),
        }
    }
}
