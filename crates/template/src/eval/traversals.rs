//! References and what follows them: attributes, indexes and splats. Chains of these are nested to the left and may
//! be long: they are walked, not recursed into.

use super::{Evaluator, Frame, names, words};
use crate::convert::convert;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::source::{Span, Spanned};
use crate::syntax::{Expression, ExpressionKind};
use crate::types::Type;
use crate::value::{Kind, Value};
use std::sync::Arc;

impl Evaluator<'_> {
    pub(super) fn traversal(
        &mut self,
        expression: &Expression,
        frame: Frame<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        let mut links = Vec::new();
        let mut start = expression;
        while let ExpressionKind::Attribute { on, .. }
        | ExpressionKind::Index { on, .. }
        | ExpressionKind::Splat { on, .. } = &start.kind
        {
            links.push(start);
            start = on;
        }
        links.reverse();
        let mut path = names::Path::default();
        let mut value = if let ExpressionKind::Variable(name) = &start.kind {
            // What is said of a name as a whole is said of the reference it begins.
            let named = links.iter().take_while(|link| matches!(link.kind, ExpressionKind::Attribute { .. }));
            let whole = named.last().map_or(start.span, |last| last.span);
            self.variable(name, start.span, whole, &mut path, frame, diagnostics)
        } else {
            self.eval(start, frame, diagnostics)
        };
        for link in links {
            if !self.spend(1) {
                return Value::unknown();
            }
            value = match &link.kind {
                ExpressionKind::Attribute { name, .. } => {
                    let found = attribute(&value, name, &path, diagnostics);
                    let found = self.declared(found, name, &path, diagnostics);
                    path.push(Some(&name.value));
                    found
                }
                ExpressionKind::Index { key, .. } => {
                    path.push(None);
                    let key_value = self.eval(key, frame, diagnostics);
                    index(&value, &key_value, key.span, diagnostics)
                }
                ExpressionKind::Splat { each, operator, .. } => {
                    path.push(None);
                    self.splat(&value, each, *operator, frame, diagnostics)
                }
                _ => value,
            };
        }
        value
    }

    fn variable(
        &self,
        name: &Arc<str>,
        span: Span,
        whole: Span,
        path: &mut names::Path,
        frame: Frame<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        let mut binding = frame.bindings;
        while let Some(bound) = binding {
            if bound.name == &**name {
                return bound.value.clone();
            }
            binding = bound.outer;
        }
        if let Some(problem) = names::not_allowed(self.scope, whole) {
            diagnostics.push(problem);
            return Value::unknown();
        }
        if let Some(value) = self.scope.and_then(|scope| scope.names.get(name)) {
            path.root = Some(Arc::clone(name));
            return value.clone();
        }
        let mut known = Vec::new();
        let mut binding = frame.bindings;
        while let Some(bound) = binding {
            known.push(bound.name);
            binding = bound.outer;
        }
        diagnostics.push(names::undefined(name, span, self.scope, &known));
        Value::unknown()
    }

    /// The value of a variable, unless it stands for one that was never declared; anything else as it is. A function of
    /// its own, since deep expressions take much stack.
    fn declared(
        &self,
        found: Value,
        name: &Spanned<Arc<str>>,
        path: &names::Path,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        let Some(problem) = self.scope.and_then(|scope| names::undeclared(scope, name, path)) else { return found };
        let is_usable = problem.severity == Severity::Warning;
        diagnostics.push(problem);
        if is_usable { found } else { Value::unknown() }
    }

    /// `each` for every element of a list, set or tuple; another value is the one element, null is none.
    fn splat(
        &mut self,
        value: &Value,
        each: &Expression,
        operator: Span,
        frame: Frame<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        let on_each = |this: &mut Self, element: &Value, diagnostics: &mut Diagnostics| {
            this.eval(each, Frame { element: Some(element), ..frame }, diagnostics)
        };
        let result = match &value.kind {
            Kind::Null(_) => Value::tuple([]),
            Kind::Unknown(Type::List(of) | Type::Set(of)) => {
                let result = on_each(self, &Value::unknown_of((**of).clone()), diagnostics);
                Value::unknown_of(Type::list(result.type_of()))
            }
            Kind::Unknown(_) => Value::unknown(),
            Kind::List(of, elements) | Kind::Set(of, elements) => {
                let results = self.each_element(elements, each, frame, diagnostics);
                let first = match results.first() {
                    Some(first) => first.type_of(),
                    None => on_each(self, &Value::unknown_of(of.clone()), &mut Diagnostics::default()).type_of(),
                };
                if results.iter().all(|result| result.type_of() == first) {
                    Value::list(first, results)
                } else {
                    Value::tuple(results)
                }
            }
            Kind::Tuple(elements) => Value::tuple(self.each_element(elements, each, frame, diagnostics)),
            Kind::Type(_) => {
                diagnostics.push(Diagnostic::error("invalid-index", "a type has no elements").at(operator));
                Value::unknown()
            }
            _ => Value::tuple([on_each(self, value, diagnostics)]),
        };
        result.marked(value.sensitive)
    }

    fn each_element(
        &mut self,
        elements: &[Value],
        each: &Expression,
        frame: Frame<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Value> {
        let mut reported = false;
        let mut results = Vec::new();
        for element in elements {
            let mut mistakes = Diagnostics::default();
            results.push(self.eval(each, Frame { element: Some(element), ..frame }, &mut mistakes));
            // The next elements would have the same mistakes at the same places.
            if !reported && !mistakes.is_empty() {
                reported = true;
                diagnostics.append(mistakes);
            }
        }
        results
    }
}

fn attribute(value: &Value, name: &Spanned<Arc<str>>, path: &names::Path, diagnostics: &mut Diagnostics) -> Value {
    let found = match &value.kind {
        Kind::Map(_, members) | Kind::Object(members) => match members.get(&name.value) {
            Some(member) => member.clone(),
            None => {
                diagnostics.push(names::missing_attribute(value, name, path));
                Value::unknown()
            }
        },
        Kind::Unknown(Type::Any) => Value::unknown(),
        Kind::Unknown(Type::Map(of)) => Value::unknown_of((**of).clone()),
        Kind::Unknown(Type::Object(attributes)) => match attributes.get(&name.value) {
            Some(of) => Value::unknown_of(of.clone()),
            None => {
                diagnostics.push(names::missing_attribute(value, name, path));
                Value::unknown()
            }
        },
        Kind::Null(_) => {
            let problem = Diagnostic::error("null-value", "this value is null, so it has no attributes");
            diagnostics.push(problem.at(name.span));
            Value::unknown()
        }
        _ => {
            diagnostics.push(no_attributes(value, name));
            Value::unknown()
        }
    };
    found.marked(value.sensitive)
}

fn no_attributes(value: &Value, name: &Spanned<Arc<str>>) -> Diagnostic {
    let of = value.type_of();
    let message = format!("{} has no attributes", of.with_article());
    let problem = Diagnostic::error("unknown-attribute", message).at(name.span);
    match of {
        Type::List(_) | Type::Set(_) | Type::Tuple(_) => problem.help(format!(
            "write `[*].{0}` for the `{0}` of each element, or `[0].{0}` for that of the first",
            name.value
        )),
        _ => problem,
    }
}

fn index(value: &Value, key: &Value, span: Span, diagnostics: &mut Diagnostics) -> Value {
    let sensitive = value.sensitive || key.is_sensitive_inside();
    let found = match lookup(value, key) {
        Ok(found) => found,
        Err(problem) => {
            let code = if value.is_null() { "null-value" } else { "invalid-index" };
            diagnostics.push(Diagnostic::error(code, problem).at(span));
            Value::unknown()
        }
    };
    found.marked(sensitive)
}

fn lookup(value: &Value, key: &Value) -> Result<Value, String> {
    match &value.kind {
        Kind::Null(_) => Err("this value is null, so it has no elements".to_owned()),
        Kind::Unknown(Type::Any) => Ok(Value::unknown()),
        Kind::Unknown(Type::List(of)) => number_key(key).map(|_| Value::unknown_of((**of).clone())),
        Kind::Unknown(Type::Map(of)) => string_key(key).map(|_| Value::unknown_of((**of).clone())),
        Kind::Unknown(Type::Tuple(elements)) => {
            let Some(position) = number_key(key)? else { return Ok(Value::unknown()) };
            let of = position.and_then(|position| elements.get(position));
            of.map(|of| Value::unknown_of(of.clone())).ok_or_else(|| out_of_range(key, elements.len()))
        }
        Kind::Unknown(Type::Object(attributes)) => {
            let Some(name) = string_key(key)? else { return Ok(Value::unknown()) };
            let of = name.as_str().and_then(|name| attributes.get(name));
            of.map(|of| Value::unknown_of(of.clone())).ok_or_else(|| no_member(key, value))
        }
        Kind::List(_, elements) | Kind::Tuple(elements) => {
            let Some(position) = number_key(key)? else {
                let of = if let Kind::List(of, _) = &value.kind { of.clone() } else { Type::Any };
                return Ok(Value::unknown_of(of));
            };
            let element = position.and_then(|position| elements.get(position));
            element.cloned().ok_or_else(|| out_of_range(key, elements.len()))
        }
        Kind::Map(_, members) | Kind::Object(members) => {
            let Some(name) = string_key(key)? else {
                let of = if let Kind::Map(of, _) = &value.kind { of.clone() } else { Type::Any };
                return Ok(Value::unknown_of(of));
            };
            let member = name.as_str().and_then(|name| members.get(name));
            member.cloned().ok_or_else(|| no_member(key, value))
        }
        Kind::Set(..) | Kind::Unknown(Type::Set(_)) => {
            Err("a set has no order, so it cannot be indexed; `convert(…, list(any))` makes a list of it".to_owned())
        }
        _ => Err(format!("{} has no elements", value.type_of().with_article())),
    }
}

/// The position that a key stands for: `None` if it is unknown, `Some(None)` if it is beyond all bounds.
fn number_key(key: &Value) -> Result<Option<Option<usize>>, String> {
    let number = convert(key, &Type::Number).map_err(|mismatch| format!("wrong index: {}", words(&mismatch, key)))?;
    match &number.kind {
        Kind::Number(number) if number.is_negative() => Err("an index must not be negative".to_owned()),
        Kind::Number(number) if !number.is_integer() => Err("an index must be a whole number".to_owned()),
        Kind::Number(number) => Ok(Some(number.as_i64().and_then(|position| usize::try_from(position).ok()))),
        Kind::Null(_) => Err("an index must not be null".to_owned()),
        _ => Ok(None),
    }
}

fn string_key(key: &Value) -> Result<Option<Value>, String> {
    let name = convert(key, &Type::String).map_err(|mismatch| format!("wrong key: {}", words(&mismatch, key)))?;
    match &name.kind {
        Kind::String(_) => Ok(Some(name)),
        Kind::Null(_) => Err("a key must not be null".to_owned()),
        _ => Ok(None),
    }
}

fn out_of_range(key: &Value, length: usize) -> String {
    let elements = if length == 1 { "element" } else { "elements" };
    match key.as_number() {
        Some(number) if !key.sensitive => {
            format!("there is no element {number}: this has {length} {elements}, counted from 0")
        }
        _ => format!("there is no such element: this has {length} {elements}, counted from 0"),
    }
}

fn no_member(key: &Value, value: &Value) -> String {
    let what = match value.type_of() {
        Type::Map(_) => "map",
        _ => "object",
    };
    match key.as_str() {
        Some(name) if !key.sensitive => format!("there is no `{name}` in this {what}"),
        _ => format!("there is no such key in this {what}"),
    }
}
