//! Attributes, indices and splats, a chain of them at a time.

use super::Evaluator;
use crate::convert::convert;
use crate::diagnostic::Diagnostic;
use crate::source::{Span, Spanned};
use crate::suggest;
use crate::syntax::{Expression, ExpressionKind};
use crate::types::Type;
use crate::value::{Kind, Value};
use std::sync::Arc;

impl Evaluator<'_> {
    /// Evaluates a chain from its root: `var.a[0].b`. The chain may be long, so it is not recursed into.
    pub(super) fn path(&mut self, expression: &Expression) -> Value {
        let mut steps = Vec::new();
        let mut at = expression;
        loop {
            at = match &at.kind {
                ExpressionKind::Attribute { on, .. }
                | ExpressionKind::Index { on, .. }
                | ExpressionKind::Splat { on, .. } => {
                    steps.push(at);
                    on
                }
                _ => break,
            };
        }
        let root = match &at.kind {
            ExpressionKind::Variable(name) => Some(name.clone()),
            _ => None,
        };
        let mut value = self.expression(at);
        for (index, step) in steps.iter().rev().enumerate() {
            value = match &step.kind {
                ExpressionKind::Attribute { name, .. } => {
                    self.attribute(&value, name, root.as_deref().filter(|_| index == 0))
                }
                ExpressionKind::Index { key, .. } => self.index(&value, key, step.span),
                ExpressionKind::Splat { each, .. } => self.splat(&value, each),
                _ => value,
            };
        }
        value
    }

    fn attribute(&mut self, value: &Value, name: &Spanned<Arc<str>>, root: Option<&str>) -> Value {
        let found = match &value.kind {
            Kind::Unknown(Type::Object(members)) if members.contains_key(&name.value) => {
                members.get(&name.value).cloned().map(|kind| Kind::Unknown(kind).into())
            }
            Kind::Unknown(Type::Any | Type::Map(_)) => Some(Value::unknown()),
            Kind::Map(_, members) | Kind::Object(members) => members.get(&name.value).cloned(),
            Kind::Null(_) => {
                let message = format!("this is null, it has no attribute `{}`", name.value);
                return self.error("null-value", message, name.span);
            }
            Kind::Unknown(Type::Object(_)) => None,
            _ => {
                let message = format!("a {} has no attribute `{}`", value.type_of(), name.value);
                return self.error("no-attributes", message, name.span);
            }
        };
        if let Some(found) = found {
            return found.marked(value.sensitive);
        }
        let name_text = &name.value;
        let (code, message) = match root {
            Some("var") => ("undefined-variable", format!("there is no variable `{name_text}`")),
            Some("local") => ("undefined-local", format!("there is no local `{name_text}`")),
            Some(root) => ("undefined-attribute", format!("`{root}` has no attribute `{name_text}`")),
            None => ("undefined-attribute", format!("there is no attribute `{name_text}`")),
        };
        let members = value.members().into_iter().flat_map(|members| members.keys()).map(|name| &**name);
        let names: Vec<&str> = members.collect();
        let diagnostic = Diagnostic::error(code, message).at(name.span);
        self.diagnostics.push(match (suggest::closest(name_text, names.iter().copied()), root) {
            (Some(close), _) => diagnostic.help(format!("did you mean `{close}`?")),
            (None, Some("var")) => diagnostic.help(format!("declare it: `variable \"{name_text}\" {{}}`")),
            (None, Some("local")) => diagnostic.help("declare it in a `locals` block"),
            (None, _) if !names.is_empty() && names.len() <= 20 => {
                diagnostic.help(format!("there are {}", names.join(", ")))
            }
            _ => diagnostic,
        });
        Value::unknown()
    }

    fn index(&mut self, value: &Value, key: &Expression, span: Span) -> Value {
        let key_value = self.expression(key);
        let sensitive = value.sensitive || key_value.sensitive;
        if value.is_unknown() || key_value.is_unknown() {
            return Value::unknown().marked(sensitive);
        }
        if value.is_null() {
            return self.error("null-value", "this is null, it has no elements", span);
        }
        if key_value.is_null() {
            return self.error("null-value", "an index can't be null", key.span);
        }
        if let Some(members) = value.members() {
            let Ok(Kind::String(name)) = convert(&key_value, &Type::String).map(|name| name.kind) else {
                return self.error("invalid-index", "the key of a map or object is a string", key.span);
            };
            return match members.get(&name) {
                Some(member) => member.clone().marked(sensitive),
                None if key_value.sensitive => self.error("invalid-index", "there is no element of this key", key.span),
                None => {
                    let diagnostic =
                        Diagnostic::error("invalid-index", format!("there is no element `{name}`")).at(key.span);
                    let close = suggest::closest(&name, members.keys().map(|name| &**name));
                    self.diagnostics.push(match close {
                        Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
                        None => diagnostic,
                    });
                    Value::unknown()
                }
            };
        }
        let elements = match &value.kind {
            Kind::List(_, elements) | Kind::Tuple(elements) => elements,
            Kind::Set(..) => {
                return self.error("invalid-index", "the elements of a set have no index", span);
            }
            _ => {
                let message = format!("a {} has no elements", value.type_of());
                return self.error("invalid-index", message, span);
            }
        };
        let index = match convert(&key_value, &Type::Number).map(|number| number.kind) {
            Ok(Kind::Number(number)) if number.is_integer() => number.as_i64(),
            _ => return self.error("invalid-index", "the index of a list is a whole number", key.span),
        };
        match index.and_then(|index| usize::try_from(index).ok()).and_then(|index| elements.get(index)) {
            Some(element) => element.clone().marked(sensitive),
            None => {
                let message = match elements.len() {
                    0 => "the list is empty".to_owned(),
                    length => format!("the index must be from 0 to {}", length - 1),
                };
                self.error("invalid-index", message, key.span)
            }
        }
    }

    /// What is no list counts as a list of one, null as an empty one.
    fn splat(&mut self, value: &Value, each: &Expression) -> Value {
        let elements: Vec<Value> = match &value.kind {
            Kind::Unknown(_) => return Value::unknown().marked(value.sensitive),
            Kind::Null(_) => Vec::new(),
            Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => elements.to_vec(),
            _ => vec![value.clone()],
        };
        let results: Vec<Value> = elements
            .into_iter()
            .map(|element| {
                self.elements.push(element);
                let result = self.expression(each);
                self.elements.pop();
                result
            })
            .collect();
        let result = Value::tuple(results);
        // Elements of one type give a list again.
        let result = match &value.kind {
            Kind::List(..) | Kind::Set(..) => convert(&result, &Type::List(Arc::new(Type::Any))).unwrap_or(result),
            _ => result,
        };
        result.marked(value.sensitive)
    }
}
