//! Functions of lists, sets, maps and objects.

use super::{Environment, Function, Outcome, elements, failure, function, integer, list_of_texts, text, texts};
use crate::convert::{convert, unify};
use crate::number::Number;
use crate::types::Type;
use crate::value::{Kind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use unicode_segmentation::UnicodeSegmentation as _;

pub(super) const TABLE: &[Function] = &[
    function("alltrue", 1, 1, |arguments, _| all(arguments, true)),
    function("anytrue", 1, 1, |arguments, _| all(arguments, false)),
    Function { takes_null: true, ..function("coalesce", 1, usize::MAX, coalesce) },
    function("coalescelist", 1, usize::MAX, coalescelist),
    function("compact", 1, 1, compact),
    function("concat", 1, usize::MAX, concat),
    function("contains", 2, 2, |arguments, _| {
        let wanted = &arguments[1];
        Ok(Value::bool(elements(arguments, 0)?.iter().any(|element| element.equals(wanted) == Some(true))))
    }),
    function("distinct", 1, 1, distinct),
    function("element", 2, 2, element),
    function("flatten", 1, 1, |arguments, _| {
        let mut flat = Vec::new();
        flatten(elements(arguments, 0)?, &mut flat);
        Ok(Value::tuple(flat))
    }),
    function("keys", 1, 1, keys),
    function("length", 1, 1, length),
    Function { takes_null: true, ..function("lookup", 3, 3, lookup) },
    Function { takes_null: true, ..function("merge", 1, usize::MAX, merge) },
    function("reverse", 1, 1, |arguments, _| {
        let reversed = elements(arguments, 0)?.iter().rev().cloned();
        Ok(match &arguments[0].kind {
            Kind::List(kind, _) => Kind::List(kind.clone(), reversed.collect()).into(),
            _ => Value::tuple(reversed),
        })
    }),
    function("sort", 1, 1, |arguments, _| {
        let mut sorted = texts(arguments, 0)?;
        sorted.sort();
        Ok(list_of_texts(sorted))
    }),
    function("values", 1, 1, values),
];

fn all(arguments: &[Value], wanted: bool) -> Outcome {
    for element in elements(arguments, 0)? {
        let value = match (&element.kind, convert(element, &Type::Bool).map(|value| value.kind)) {
            // A null element counts as false.
            (Kind::Null(_), _) => false,
            (_, Ok(Kind::Bool(value))) => value,
            _ => return Err(failure(0, "a list of true and false is required")),
        };
        if value != wanted {
            return Ok(Value::bool(!wanted));
        }
    }
    Ok(Value::bool(wanted))
}

/// The first that is neither null nor "", in the type they have in common.
fn coalesce(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let kinds: Vec<Type> = arguments.iter().map(Value::type_of).collect();
    let kind = unify(&kinds).ok_or_else(|| failure(0, "the arguments have no type in common"))?;
    let found = arguments.iter().find(|argument| !argument.is_null() && argument.as_str() != Some(""));
    match found {
        Some(argument) => convert(argument, &kind).map_err(|why| failure(0, why.to_string())),
        None => Err(failure(0, "all arguments are null or empty")),
    }
}

fn coalescelist(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    for index in 0..arguments.len() {
        if !elements(arguments, index)?.is_empty() {
            return Ok(arguments[index].clone());
        }
    }
    Err(failure(0, "all lists are empty"))
}

fn compact(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let kept: Vec<Value> = elements(arguments, 0)?.iter().filter(|element| !element.is_null()).cloned().collect();
    let kept = texts(&[Value::tuple(kept)], 0)?;
    Ok(list_of_texts(kept.into_iter().filter(|text| !text.is_empty())))
}

fn concat(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let mut all = Vec::new();
    for index in 0..arguments.len() {
        all.extend_from_slice(elements(arguments, index)?);
    }
    let result = Value::tuple(all);
    // Lists of one type give a list; a tuple among them gives a tuple.
    if arguments.iter().all(|argument| matches!(argument.kind, Kind::List(..))) {
        return convert(&result, &Type::List(Arc::new(Type::Any))).map_err(|why| failure(0, why.to_string()));
    }
    Ok(result)
}

fn distinct(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let list = super::converted(arguments, 0, &Type::List(Arc::new(Type::Any)))?;
    let Kind::List(kind, values) = &list.kind else { return Ok(list) };
    let mut kept: Vec<Value> = Vec::new();
    for value in values.iter() {
        if !kept.iter().any(|known| known.equals(value) == Some(true)) {
            kept.push(value.clone());
        }
    }
    Ok(Kind::List(kind.clone(), kept.into()).into())
}

fn element(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let list = elements(arguments, 0)?;
    let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
    if length == 0 {
        return Err(failure(0, "the list is empty"));
    }
    let index = usize::try_from(integer(arguments, 1)?.rem_euclid(length)).unwrap_or(0);
    list.get(index).cloned().ok_or_else(|| failure(1, "there is no such element"))
}

fn flatten(list: &[Value], flat: &mut Vec<Value>) {
    for element in list {
        match element.elements() {
            Some(inner) => flatten(inner, flat),
            None => flat.push(element.clone()),
        }
    }
}

fn members(arguments: &[Value], index: usize) -> Result<&BTreeMap<Arc<str>, Value>, super::Failure> {
    arguments.get(index).and_then(Value::members).ok_or_else(|| failure(index, "a map or object is required"))
}

fn keys(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let names = members(arguments, 0)?.keys().cloned();
    Ok(match arguments[0].kind {
        Kind::Map(..) => list_of_texts(names),
        _ => Value::tuple(names.map(Value::string)),
    })
}

fn values(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let values = members(arguments, 0)?.values().cloned();
    Ok(match &arguments[0].kind {
        Kind::Map(kind, _) => Kind::List(kind.clone(), values.collect()).into(),
        _ => Value::tuple(values),
    })
}

fn length(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let count = match &arguments[0] {
        value if value.elements().is_some() => value.elements().map_or(0, <[Value]>::len),
        value if value.members().is_some() => value.members().map_or(0, BTreeMap::len),
        _ => text(arguments, 0)?.graphemes(true).count(),
    };
    Ok(Value::number(Number::from_count(count)))
}

fn lookup(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let key = text(arguments, 1)?;
    Ok(members(arguments, 0)?.get(&key).unwrap_or(&arguments[2]).clone())
}

fn merge(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let mut all = BTreeMap::new();
    for index in 0..arguments.len() {
        if !arguments[index].is_null() {
            all.extend(members(arguments, index)?.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    let result = Value::from(Kind::Object(Arc::new(all)));
    if arguments.iter().all(|argument| matches!(argument.kind, Kind::Map(..))) {
        return convert(&result, &Type::Map(Arc::new(Type::Any))).map_err(|why| failure(0, why.to_string()));
    }
    Ok(result)
}
