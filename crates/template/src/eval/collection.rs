//! Objects and `for` expressions.

use super::Evaluator;
use crate::convert::convert;
use crate::source::Span;
use crate::syntax::{For, ObjectItem, ObjectKey};
use crate::types::Type;
use crate::value::{Kind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Evaluator<'_> {
    pub(super) fn object(&mut self, items: &[ObjectItem]) -> Value {
        let mut members = BTreeMap::new();
        let mut sensitive = false;
        let mut known = true;
        for item in items {
            let (name, marked) = match &item.key {
                ObjectKey::Name(name) => (Some(name.value.clone()), false),
                ObjectKey::Expression(expression) => {
                    let key = self.expression(expression);
                    (self.key(&key, expression.span), key.sensitive)
                }
            };
            let value = self.expression(&item.value);
            sensitive |= marked;
            match name {
                // The last of equal keys wins.
                Some(name) => drop(members.insert(name, value)),
                None => known = false,
            }
        }
        if !known {
            return Value::unknown().marked(sensitive);
        }
        Value::from(Kind::Object(Arc::new(members))).marked(sensitive)
    }

    /// A key as a string; `None` where it is unknown, or wrong and reported.
    fn key(&mut self, key: &Value, span: Span) -> Option<Arc<str>> {
        if key.is_null() {
            self.error("null-value", "a key can't be null", span);
            return None;
        }
        match convert(key, &Type::String).map(|key| key.kind) {
            Ok(Kind::String(name)) => Some(name),
            Ok(_) => None,
            Err(_) => {
                self.error("wrong-type", format!("a key is a string, not a {}", key.type_of()), span);
                None
            }
        }
    }

    /// Keys and elements of what is gone through; `None` where it is unknown, or wrong and reported.
    pub(super) fn pairs(&mut self, collection: &Value, span: Span) -> Option<Vec<(Value, Value)>> {
        match &collection.kind {
            Kind::Unknown(_) => None,
            Kind::Null(_) => {
                self.error("null-value", "this is null, there is nothing to go through", span);
                None
            }
            Kind::List(_, elements) | Kind::Tuple(elements) => {
                let numbered = elements.iter().enumerate();
                let index = |index| Value::number(crate::number::Number::from_count(index));
                Some(numbered.map(|(at, element)| (index(at), element.clone())).collect())
            }
            Kind::Set(_, elements) => Some(elements.iter().map(|element| (element.clone(), element.clone())).collect()),
            Kind::Map(_, members) | Kind::Object(members) => {
                let pairs = members.iter().map(|(name, value)| (Value::string(name.clone()), value.clone()));
                Some(pairs.collect())
            }
            _ => {
                let message = format!("a {} can't be gone through", collection.type_of());
                self.error("wrong-type", message, span);
                None
            }
        }
    }

    pub(super) fn for_each(&mut self, each: &For) -> Value {
        let collection = self.expression(&each.collection);
        let sensitive = collection.sensitive;
        let Some(pairs) = self.pairs(&collection, each.collection.span) else {
            return Value::unknown().marked(sensitive);
        };
        let mut rounds = Rounds { sensitive, known: true, list: Vec::new(), members: BTreeMap::new() };
        for (key, element) in pairs {
            let before = self.locals.len();
            if let Some(name) = &each.key_name {
                self.locals.push((name.value.clone(), key.marked(sensitive)));
            }
            self.locals.push((each.value_name.value.clone(), element.marked(sensitive)));
            self.round(each, &mut rounds);
            self.locals.truncate(before);
        }
        let result = match (&each.key, rounds.known) {
            (_, false) => Value::unknown(),
            (None, true) => Value::tuple(rounds.list),
            (Some(_), true) if each.group => {
                Value::object(rounds.members.into_iter().map(|(name, values)| (name, Value::tuple(values))))
            }
            (Some(_), true) => {
                let last = |(name, mut values): (Arc<str>, Vec<Value>)| Some((name, values.pop()?));
                Value::object(rounds.members.into_iter().filter_map(last))
            }
        };
        result.marked(rounds.sensitive)
    }

    fn round(&mut self, each: &For, rounds: &mut Rounds) {
        if let Some(condition) = &each.condition {
            let value = self.expression(condition);
            rounds.sensitive |= value.sensitive;
            match self.condition(&value, condition.span) {
                Some(true) => {}
                Some(false) => return,
                None => {
                    rounds.known = false;
                    return;
                }
            }
        }
        let key = each.key.as_ref().map(|expression| {
            let key = self.expression(expression);
            rounds.sensitive |= key.sensitive;
            (self.key(&key, expression.span), expression.span, key.sensitive)
        });
        let value = self.expression(&each.value);
        match key {
            None => rounds.list.push(value),
            Some((None, ..)) => rounds.known = false,
            Some((Some(name), span, sensitive)) => {
                let values = rounds.members.entry(name.clone()).or_default();
                if !values.is_empty() && !each.group {
                    let which = if sensitive { "a key".to_owned() } else { format!("the key `{name}`") };
                    let message = format!("{which} comes up twice; add `...` after the value to gather them");
                    self.error("duplicate-key", message, span);
                    rounds.known = false;
                    return;
                }
                values.push(value);
            }
        }
    }
}

/// What the rounds of a `for` made so far.
struct Rounds {
    sensitive: bool,
    known: bool,
    list: Vec<Value>,
    members: BTreeMap<Arc<str>, Vec<Value>>,
}
