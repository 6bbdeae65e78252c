//! Functions of collections of any kind, and of maps and objects.

use super::Accepts::{Any, Bool, List, Number as Num, String as Str};
use super::{Context, Failure, Function, Parameter, count, elements, text};
use crate::convert::{convert, unify};
use crate::types::Type;
use crate::value::{Kind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use unicode_segmentation::UnicodeSegmentation;

const VALUES: Parameter = Parameter::any("values").nullable();
const MAP: Parameter = Parameter::any("map");
const BOOLS: &[Parameter] = &[Parameter::new("list", List(&Bool))];

pub(super) const TABLE: &[Function] = &[
    // A null is as good as false.
    Function::new("alltrue", BOOLS, Bool, |_, arguments| {
        Ok(Value::bool(elements(arguments, 0)?.iter().all(|element| element.as_bool() == Some(true))))
    }),
    Function::new("anytrue", BOOLS, Bool, |_, arguments| {
        Ok(Value::bool(elements(arguments, 0)?.iter().any(|element| element.as_bool() == Some(true))))
    }),
    Function::new("coalesce", &[], Any, coalesce).rest(VALUES),
    Function::new("coalescelist", &[], Any, coalesce_list).rest(VALUES).keeping_marks().partly_known(),
    Function::new("contains", &[Parameter::any("list"), Parameter::any("value").nullable()], Bool, contains)
        .partly_known(),
    Function::new("keys", &[MAP], List(&Str), keys).keeping_marks().partly_known(),
    Function::new("length", &[Parameter::any("value")], Num, length).partly_known(),
    Function::new("lookup", &[MAP, Parameter::string("key"), Parameter::any("default").nullable()], Any, lookup)
        .keeping_marks()
        .partly_known(),
    Function::new("merge", &[], Any, merge).rest(Parameter::any("maps").nullable()).keeping_marks().partly_known(),
    Function::new("values", &[MAP], Any, values).keeping_marks().partly_known(),
    Function::new("zipmap", &[Parameter::new("keys", List(&Str)), Parameter::any("values")], Any, zipmap)
        .keeping_marks()
        .partly_known(),
];

/// An argument that has to be a map or object.
fn members(arguments: &[Value], index: usize) -> Result<&BTreeMap<Arc<str>, Value>, Failure> {
    static EMPTY: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    let Some(argument) = arguments.get(index) else { return Ok(&EMPTY) };
    argument.members().ok_or_else(|| {
        Failure::at(index, format!("a map or object is required, not {}", argument.type_of().with_article()))
    })
}

/// Empty strings are passed over too, as in Packer.
fn coalesce(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let types: Vec<_> = arguments.iter().map(Value::type_of).collect();
    let common = unify(&types).ok_or_else(|| Failure::new("all arguments must have the same type"))?;
    let first = arguments.iter().find(|argument| !argument.is_null() && argument.as_str() != Some(""));
    let first = first.ok_or_else(|| Failure::new("all arguments are null or empty"))?;
    convert(first, &common).map_err(|mismatch| Failure::new(mismatch.message))
}

fn coalesce_list(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    for (index, argument) in arguments.iter().enumerate() {
        if !argument.is_null() && !elements(arguments, index)?.is_empty() {
            return Ok(argument.clone());
        }
    }
    Err(Failure::new("all lists are empty"))
}

fn contains(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let Some(wanted) = arguments.get(1) else { return Ok(Value::bool(false)) };
    let mut found = Kind::Bool(false);
    for element in elements(arguments, 0)? {
        match element.equals(wanted) {
            Some(true) => return Ok(Value::bool(true)),
            Some(false) => {}
            None => found = Kind::Unknown(Type::Bool),
        }
    }
    Ok(found.into())
}

fn keys(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let keys = members(arguments, 0)?.keys().map(|name| Value::string(Arc::clone(name)));
    Ok(match arguments.first().map(|argument| &argument.kind) {
        Some(Kind::Map(..)) => Value::list(Type::String, keys),
        _ => Value::tuple(keys),
    })
}

fn values(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let values = members(arguments, 0)?.values().cloned();
    Ok(match arguments.first().map(|argument| &argument.kind) {
        Some(Kind::Map(of, _)) => Value::list(of.clone(), values),
        _ => Value::tuple(values),
    })
}

fn length(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let Some(argument) = arguments.first() else { return Ok(Value::number(0)) };
    let length = match &argument.kind {
        Kind::String(text) => text.graphemes(true).count(),
        Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => elements.len(),
        Kind::Map(_, members) | Kind::Object(members) => members.len(),
        _ => {
            let found = argument.type_of().with_article();
            return Err(Failure::at(0, format!("a string or a collection is required, not {found}")));
        }
    };
    Ok(count(length))
}

fn lookup(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let members = members(arguments, 0)?;
    let default = arguments.get(2).cloned().unwrap_or_else(Value::unknown);
    let default = match arguments.first().map(|argument| &argument.kind) {
        Some(Kind::Map(of, _)) => convert(&default, of).map_err(|mismatch| {
            Failure::at(2, format!("this must have the type of the map's elements: {}", mismatch.message))
        })?,
        _ => default,
    };
    Ok(members.get(text(arguments, 1)).cloned().unwrap_or(default))
}

/// A map if all are maps of one type, else an object. Later ones win; nulls are passed over.
fn merge(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut merged = BTreeMap::new();
    for (index, argument) in arguments.iter().enumerate() {
        if !argument.is_null() {
            let members = members(arguments, index)?;
            merged.extend(members.iter().map(|(name, member)| (Arc::clone(name), member.clone())));
        }
    }
    let mut types = arguments.iter().filter(|argument| !argument.is_null()).map(|argument| match &argument.kind {
        Kind::Map(of, _) => Some(of),
        _ => None,
    });
    let merged = Arc::new(merged);
    Ok(match types.next().flatten() {
        Some(of) if types.all(|other| other == Some(of)) => Kind::Map(of.clone(), merged),
        _ => Kind::Object(merged),
    }
    .into())
}

fn zipmap(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (keys, values) = (elements(arguments, 0)?, elements(arguments, 1)?);
    if keys.len() != values.len() {
        let message = format!("there must be one value for each of the {} keys, not {}", keys.len(), values.len());
        return Err(Failure::at(1, message));
    }
    let mut zipped = BTreeMap::new();
    let mut sensitive = false;
    for (index, (key, value)) in keys.iter().zip(values).enumerate() {
        match &key.kind {
            Kind::String(name) => zipped.insert(Arc::clone(name), value.clone()),
            Kind::Unknown(_) => return Ok(Value::unknown().marked(key.sensitive)),
            _ => return Err(Failure::at(0, format!("[{index}]: a key must not be null"))),
        };
        sensitive |= key.sensitive;
    }
    let zipped = Arc::new(zipped);
    let kind = match arguments.get(1).map(|argument| &argument.kind) {
        Some(Kind::List(of, _)) => Kind::Map(of.clone(), zipped),
        Some(Kind::Set(..)) => return Err(Failure::at(1, "a list or tuple is required, since a set has no order")),
        _ => Kind::Object(zipped),
    };
    Ok(Value { kind, sensitive })
}
