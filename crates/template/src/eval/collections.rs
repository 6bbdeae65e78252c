//! Tuples, objects and `for` expressions.

use super::{Binding, Evaluator, Frame, limits, words};
use crate::convert::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::number::Number;
use crate::source::Span;
use crate::syntax::{Expression, ExpressionKind, For, ObjectItem, ObjectKey};
use crate::types::Type;
use crate::value::{Kind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What there is to go through, as keys and values.
pub(super) enum Items {
    Known(Vec<(Value, Value)>),
    /// Not known, or nothing to go through, which is reported.
    Unknown,
}

/// A key of an object as it is being made.
enum Key {
    Name { name: Arc<str>, sensitive: bool },
    Unknown { sensitive: bool },
}

impl Evaluator<'_> {
    pub(super) fn tuple(&mut self, elements: &[Expression], frame: Frame<'_>, diagnostics: &mut Diagnostics) -> Value {
        let mut values = Vec::with_capacity(elements.len());
        for element in elements {
            values.push(self.eval(element, frame, diagnostics));
        }
        Value::tuple(values)
    }

    /// Of equal keys the last one counts.
    pub(super) fn object(&mut self, items: &[ObjectItem], frame: Frame<'_>, diagnostics: &mut Diagnostics) -> Value {
        let mut members = BTreeMap::new();
        let mut places: BTreeMap<Arc<str>, Span> = BTreeMap::new();
        let (mut whole, mut sensitive) = (true, false);
        for item in items {
            let place = match &item.key {
                ObjectKey::Name(name) => name.span,
                ObjectKey::Expression(expression) => expression.span,
            };
            let key = match &item.key {
                ObjectKey::Name(name) => Key::Name { name: Arc::clone(&name.value), sensitive: false },
                ObjectKey::Expression(expression) => self.object_key(expression, frame, diagnostics),
            };
            let value = self.eval(&item.value, frame, diagnostics);
            match key {
                Key::Name { name, sensitive: marked } => {
                    sensitive |= marked;
                    if let Some(first) = places.insert(Arc::clone(&name), place) {
                        let what = if marked { "this key".to_owned() } else { format!("the key `{name}`") };
                        let message = format!("{what} is here twice: the first value is lost");
                        let problem = Diagnostic::warning("duplicate-key", message).at(place);
                        diagnostics.push(problem.related(first, "set here first").help("delete one of the two"));
                    }
                    members.insert(name, value);
                }
                Key::Unknown { sensitive: marked } => {
                    sensitive |= marked;
                    whole = false;
                }
            }
        }
        let value = if whole { Value::from(Kind::Object(Arc::new(members))) } else { Value::unknown() };
        value.marked(sensitive)
    }

    fn object_key(&mut self, expression: &Expression, frame: Frame<'_>, diagnostics: &mut Diagnostics) -> Key {
        if matches!(expression.kind, ExpressionKind::Attribute { .. } | ExpressionKind::Index { .. }) {
            let problem = Diagnostic::error("ambiguous-key", "this key may be a name or a reference");
            diagnostics.push(
                problem
                    .at(expression.span)
                    .help("put it in parentheses to use its value, in quotes to use it as a name"),
            );
            return Key::Unknown { sensitive: false };
        }
        let value = self.eval(expression, frame, diagnostics);
        key_of(&value, expression.span, diagnostics)
    }

    /// What `for` goes through, in order: lists by index, sets by their order, maps and objects by key.
    pub(super) fn items(&mut self, value: &Value, span: Span, diagnostics: &mut Diagnostics) -> Items {
        let items: Vec<_> = match &value.kind {
            Kind::Unknown(Type::Bool | Type::Number | Type::String)
            | Kind::Bool(_)
            | Kind::Number(_)
            | Kind::String(_)
            | Kind::Type(_) => {
                let message = format!("{} has no elements to go through", value.type_of().with_article());
                let problem = Diagnostic::error("not-iterable", message).at(span);
                diagnostics.push(problem.help("a list, set, tuple, map or object is needed here"));
                return Items::Unknown;
            }
            Kind::Null(_) => {
                let problem = Diagnostic::error("not-iterable", "this is null, which has no elements to go through");
                diagnostics.push(problem.at(span));
                return Items::Unknown;
            }
            Kind::Unknown(_) => return Items::Unknown,
            Kind::Set(_, elements) => elements.iter().map(|element| (element.clone(), element.clone())).collect(),
            Kind::List(_, elements) | Kind::Tuple(elements) => {
                let count = |(index, element): (usize, &Value)| {
                    (Value::from(Kind::Number(Number::from_count(index))), element.clone())
                };
                elements.iter().enumerate().map(count).collect()
            }
            Kind::Map(_, members) | Kind::Object(members) => {
                members.iter().map(|(name, member)| (Value::string(Arc::clone(name)), member.clone())).collect()
            }
        };
        // A name bound to an element lets a short expression make an exponentially large value.
        match limits::measure(value) {
            Ok(size) if self.spend(items.len() + size / limits::BYTES) => Items::Known(items),
            Ok(_) => Items::Unknown,
            Err(problem) => {
                diagnostics.push(Diagnostic::error("too-large", problem).at(span));
                Items::Unknown
            }
        }
    }

    pub(super) fn for_expression(&mut self, each: &For, frame: Frame<'_>, diagnostics: &mut Diagnostics) -> Value {
        let collection = self.eval(&each.collection, frame, diagnostics);
        let Items::Known(items) = self.items(&collection, each.collection.span, diagnostics) else {
            return Value::unknown().marked(collection.sensitive);
        };
        let mut result = Gathered { sensitive: collection.sensitive, ..Gathered::default() };
        let mut reported = false;
        for (key, value) in items {
            if !self.spend(1) {
                return Value::unknown();
            }
            let key_name = each.key_name.as_ref().unwrap_or(&each.value_name);
            let key = Binding { name: &key_name.value, value: key, outer: frame.bindings };
            let value = Binding { name: &each.value_name.value, value, outer: Some(&key) };
            let mut mistakes = Diagnostics::default();
            self.one(each, Frame { bindings: Some(&value), ..frame }, &mut result, &mut mistakes);
            // The next elements would have the same mistakes at the same places.
            if !reported && !mistakes.is_empty() {
                reported = true;
                diagnostics.append(mistakes);
            }
        }
        result.into_value(each)
    }

    fn one(&mut self, each: &For, frame: Frame<'_>, result: &mut Gathered, diagnostics: &mut Diagnostics) {
        if let Some(condition) = &each.condition {
            let test = self.eval(condition, frame, diagnostics);
            let test = self.condition(&test, condition.span, diagnostics);
            result.sensitive |= test.sensitive;
            match test.as_bool() {
                Some(true) => {}
                Some(false) => return,
                None => {
                    result.unknown = true;
                    return;
                }
            }
        }
        let Some(key_expression) = &each.key else {
            let value = self.eval(&each.value, frame, diagnostics);
            result.elements.push(value);
            return;
        };
        let key = self.eval(key_expression, frame, diagnostics);
        let key = key_of(&key, key_expression.span, diagnostics);
        let value = self.eval(&each.value, frame, diagnostics);
        match key {
            Key::Name { name, sensitive } => {
                result.sensitive |= sensitive;
                let values = result.members.entry(Arc::clone(&name)).or_default();
                if !values.is_empty() && !each.group {
                    result.unknown = true;
                    let message = if result.sensitive {
                        "two elements give the same key".to_owned()
                    } else {
                        format!("two elements give the same key `{name}`")
                    };
                    let problem = Diagnostic::error("duplicate-key", message).at(key_expression.span);
                    diagnostics.push(problem.help("write `...` after the value to gather the values of equal keys"));
                }
                values.push(value);
            }
            Key::Unknown { sensitive } => {
                result.sensitive |= sensitive;
                result.unknown = true;
            }
        }
    }
}

/// What a `for` expression has made so far.
#[derive(Default)]
struct Gathered {
    elements: Vec<Value>,
    members: BTreeMap<Arc<str>, Vec<Value>>,
    /// Which elements or keys there are is not known.
    unknown: bool,
    sensitive: bool,
}

impl Gathered {
    fn into_value(self, each: &For) -> Value {
        let value = if self.unknown {
            Value::unknown()
        } else if each.key.is_none() {
            Value::tuple(self.elements)
        } else if each.group {
            Value::object(self.members.into_iter().map(|(name, values)| (name, Value::tuple(values))))
        } else {
            Value::object(self.members.into_iter().filter_map(|(name, mut values)| Some((name, values.pop()?))))
        };
        value.marked(self.sensitive)
    }
}

fn key_of(value: &Value, span: Span, diagnostics: &mut Diagnostics) -> Key {
    let sensitive = value.is_sensitive_inside();
    let problem = match convert(value, &Type::String) {
        Ok(key) if key.is_null() => "a key must not be null".to_owned(),
        Ok(key) => {
            return match key.kind {
                Kind::String(name) => Key::Name { name, sensitive },
                _ => Key::Unknown { sensitive },
            };
        }
        Err(mismatch) => format!("this cannot be a key: {}", words(&mismatch, value)),
    };
    diagnostics.push(Diagnostic::error("invalid-key", problem).at(span));
    Key::Unknown { sensitive }
}
