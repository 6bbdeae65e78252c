//! Conversion of values between types, and the one type that several have in common. The rules are go-cty's.

use crate::number::Number;
use crate::types::Type;
use crate::value::{Kind, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Why a value does not have the type that is wanted, and where inside it. Tells types and names, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// From outside to inside; empty if it is about the whole value.
    pub path: Vec<Step>,
    /// A fragment: `a number is required, not a bool`.
    pub message: String,
}

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Index(usize),
    Attribute(Arc<str>),
}

impl Mismatch {
    fn new(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into() }
    }

    /// An attribute that has to be there is not.
    pub(crate) fn missing(name: &str) -> Self {
        Self::new(format!("the attribute `{name}` is required"))
    }

    fn required(wanted: &Type, found: &Type) -> Self {
        Self::new(format!("{} is required, not {}", wanted.with_article(), found.with_article()))
    }

    #[must_use]
    fn inside(mut self, step: Step) -> Self {
        self.path.insert(0, step);
        self
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.path {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Attribute(name) => write!(f, ".{name}")?,
            }
        }
        let separator = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{separator}{}", self.message)
    }
}

/// The value as one of type `to`; `any` inside `to` takes what the value has there. Marks stay. Null and unknown
/// values become those of the new type.
///
/// # Errors
/// Where the value has no such form.
pub fn convert(value: &Value, to: &Type) -> Result<Value, Mismatch> {
    let kind = match (&value.kind, to) {
        (_, Type::Any) => return Ok(value.clone()),
        (Kind::Unknown(from), _) => Kind::Unknown(converted_type(from, to)?),
        (Kind::Null(from), _) => Kind::Null(converted_type(from, to)?),
        (_, Type::Bool | Type::Number | Type::String) => primitive(value, to)?,
        (_, Type::List(of) | Type::Set(of)) => return sequence(value, to, of),
        (_, Type::Map(of)) => map(value, to, of)?,
        (_, Type::Tuple(of)) => tuple(value, to, of)?,
        (_, Type::Object(of)) => object(value, to, of)?,
    };
    Ok(Value { kind, sensitive: value.sensitive })
}

fn primitive(value: &Value, to: &Type) -> Result<Kind, Mismatch> {
    Ok(match (&value.kind, to) {
        (Kind::Bool(_), Type::Bool) | (Kind::Number(_), Type::Number) | (Kind::String(_), Type::String) => {
            value.kind.clone()
        }
        (Kind::Bool(known), Type::String) => Kind::String(known.to_string().into()),
        (Kind::Number(number), Type::String) => Kind::String(number.to_string().into()),
        (Kind::String(text), Type::Bool) => Kind::Bool(match &**text {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => return Err(Mismatch::new("a bool is required, and this string is neither `true` nor `false`")),
        }),
        (Kind::String(text), Type::Number) => Kind::Number(
            Number::parse(text)
                .ok_or_else(|| Mismatch::new("a number is required, and this string does not hold one"))?,
        ),
        _ => return Err(Mismatch::required(to, &value.type_of())),
    })
}

/// To a list or set.
fn sequence(value: &Value, to: &Type, of: &Type) -> Result<Value, Mismatch> {
    let elements = value.elements().ok_or_else(|| Mismatch::required(to, &value.type_of()))?;
    let current = match &value.kind {
        Kind::List(current, _) | Kind::Set(current, _) => Some(current),
        _ => None,
    };
    let converted = elements
        .iter()
        .enumerate()
        .map(|(index, element)| convert(element, of).map_err(|mismatch| mismatch.inside(Step::Index(index))))
        .collect::<Result<Vec<_>, _>>()?;
    let (of, converted) = alike(converted, of, current)?;
    let result = match to {
        Type::Set(_) => Value::set(of, converted),
        _ => Value::list(of, converted),
    };
    Ok(result.marked(value.sensitive))
}

fn map(value: &Value, to: &Type, of: &Type) -> Result<Kind, Mismatch> {
    let members = value.members().ok_or_else(|| Mismatch::required(to, &value.type_of()))?;
    let current = if let Kind::Map(current, _) = &value.kind { Some(current) } else { None };
    let converted = members
        .iter()
        .map(|(name, member)| {
            convert(member, of).map_err(|mismatch| mismatch.inside(Step::Attribute(Arc::clone(name))))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (of, converted) = alike(converted, of, current)?;
    Ok(Kind::Map(of, Arc::new(members.keys().cloned().zip(converted).collect())))
}

/// Gives all elements one type, where `of` leaves some of it open; `current` is the type they had, if it was one.
fn alike(elements: Vec<Value>, of: &Type, current: Option<&Type>) -> Result<(Type, Vec<Value>), Mismatch> {
    if !of.has_any() {
        return Ok((of.clone(), elements));
    }
    if elements.is_empty() || current.is_some() {
        let of = current.and_then(|current| conversion(current, of)).unwrap_or_else(|| of.clone());
        return Ok((of, elements));
    }
    let types: Vec<_> = elements.iter().map(Value::type_of).collect();
    let common = unify(&types).ok_or_else(|| Mismatch::new("all elements must have the same type"))?;
    let elements = elements
        .iter()
        .enumerate()
        .map(|(index, element)| convert(element, &common).map_err(|mismatch| mismatch.inside(Step::Index(index))))
        .collect::<Result<_, _>>()?;
    Ok((common, elements))
}

fn tuple(value: &Value, to: &Type, of: &[Type]) -> Result<Kind, Mismatch> {
    let Kind::Tuple(elements) = &value.kind else { return Err(Mismatch::required(to, &value.type_of())) };
    if elements.len() != of.len() {
        return Err(wrong_length(of.len(), elements.len()));
    }
    let convert_one =
        |(index, (element, of))| convert(element, of).map_err(|mismatch: Mismatch| mismatch.inside(Step::Index(index)));
    Ok(Kind::Tuple(elements.iter().zip(of).enumerate().map(convert_one).collect::<Result<_, _>>()?))
}

fn wrong_length(wanted: usize, found: usize) -> Mismatch {
    Mismatch::new(format!("a tuple of {wanted} elements is required, and this one has {found}"))
}

/// Attributes that the type does not have are dropped.
fn object(value: &Value, to: &Type, of: &BTreeMap<Arc<str>, Type>) -> Result<Kind, Mismatch> {
    let members = value.members().ok_or_else(|| Mismatch::required(to, &value.type_of()))?;
    let mut attributes = BTreeMap::new();
    for (name, of) in of {
        let member = members.get(name).ok_or_else(|| Mismatch::missing(name))?;
        let member = convert(member, of).map_err(|mismatch| mismatch.inside(Step::Attribute(Arc::clone(name))))?;
        attributes.insert(Arc::clone(name), member);
    }
    Ok(Kind::Object(Arc::new(attributes)))
}

/// The type that a value of type `from` has after conversion to `to`; `None` where no such value can be converted.
pub fn conversion(from: &Type, to: &Type) -> Option<Type> {
    converted_type(from, to).ok()
}

fn converted_type(from: &Type, to: &Type) -> Result<Type, Mismatch> {
    let required = || Mismatch::required(to, from);
    Ok(match (from, to) {
        (_, Type::Any) => from.clone(),
        (Type::Any, _) => to.clone(),
        (from, to) if from == to => to.clone(),
        (Type::Bool | Type::Number, Type::String) | (Type::String, Type::Bool | Type::Number) => to.clone(),
        (Type::List(element) | Type::Set(element), Type::List(of)) => Type::list(converted_type(element, of)?),
        (Type::List(element) | Type::Set(element), Type::Set(of)) => Type::set(converted_type(element, of)?),
        (Type::Tuple(elements), Type::List(of)) => Type::list(common_type(elements.iter(), of)?),
        (Type::Tuple(elements), Type::Set(of)) => Type::set(common_type(elements.iter(), of)?),
        (Type::Map(element), Type::Map(of)) => Type::map(converted_type(element, of)?),
        (Type::Object(attributes), Type::Map(of)) => Type::map(common_type(attributes.values(), of)?),
        (Type::Tuple(elements), Type::Tuple(of)) => {
            if elements.len() != of.len() {
                return Err(wrong_length(of.len(), elements.len()));
            }
            let inside = |(index, (element, of))| {
                converted_type(element, of).map_err(|mismatch: Mismatch| mismatch.inside(Step::Index(index)))
            };
            Type::Tuple(elements.iter().zip(&**of).enumerate().map(inside).collect::<Result<_, _>>()?)
        }
        (Type::Object(_) | Type::Map(_), Type::Object(of)) => {
            let attribute = |(name, of): (&Arc<str>, &Type)| {
                let current = match from {
                    Type::Object(attributes) => attributes.get(name).ok_or_else(|| Mismatch::missing(name))?,
                    Type::Map(element) => element,
                    _ => return Err(required()),
                };
                let of = converted_type(current, of).map_err(|it| it.inside(Step::Attribute(Arc::clone(name))))?;
                Ok((Arc::clone(name), of))
            };
            Type::Object(Arc::new(of.iter().map(attribute).collect::<Result<_, _>>()?))
        }
        _ => return Err(required()),
    })
}

fn common_type<'a>(elements: impl Iterator<Item = &'a Type>, of: &Type) -> Result<Type, Mismatch> {
    let elements = elements.map(|element| converted_type(element, of)).collect::<Result<Vec<_>, _>>()?;
    if !of.has_any() || elements.is_empty() {
        return Ok(of.clone());
    }
    unify(&elements).ok_or_else(|| Mismatch::new("all elements must have the same type"))
}

/// The type to which values of all these types can be converted, the one that loses least; `None` if there is none.
/// Types not known yet are taken to turn out right.
pub fn unify(types: &[Type]) -> Option<Type> {
    let known: Vec<_> = types.iter().filter(|of| **of != Type::Any).collect();
    let Some(first) = known.first() else { return Some(Type::Any) };
    if known.iter().all(|of| of == first) {
        return Some((*first).clone());
    }
    let count = |matches: fn(&Type) -> bool| known.iter().filter(|of| matches(of)).count();
    let lists = count(|of| matches!(of, Type::List(_)));
    let sets = count(|of| matches!(of, Type::Set(_)));
    let maps = count(|of| matches!(of, Type::Map(_)));
    let tuples = count(|of| matches!(of, Type::Tuple(_)));
    let objects = count(|of| matches!(of, Type::Object(_)));
    let structural = if objects == known.len() {
        unify_objects(&known)
    } else if tuples == known.len() {
        unify_tuples(&known)
    } else if maps > 0 && maps + objects == known.len() {
        unify_elements(&known).map(Type::map)
    } else if sets == known.len() {
        unify_elements(&known).map(Type::set)
    } else if lists > 0 && lists + tuples + sets == known.len() {
        unify_elements(&known).map(Type::list)
    } else if sets > 0 && sets + tuples == known.len() {
        unify_elements(&known).map(Type::set)
    } else {
        None
    };
    structural.or_else(|| {
        let strings = known.iter().all(|of| of.is_primitive()) && known.contains(&&Type::String);
        strings.then_some(Type::String)
    })
}

/// Objects of the same attributes attribute by attribute, others as maps.
fn unify_objects(types: &[&Type]) -> Option<Type> {
    let objects: Vec<_> =
        types.iter().filter_map(|of| if let Type::Object(attributes) = of { Some(attributes) } else { None }).collect();
    let first = objects.first()?;
    if objects.iter().all(|object| object.keys().eq(first.keys())) {
        let attribute = |name: &Arc<str>| {
            let types: Vec<_> = objects.iter().filter_map(|object| object.get(name).cloned()).collect();
            Some((Arc::clone(name), unify(&types)?))
        };
        let attributes: Option<BTreeMap<_, _>> = first.keys().map(attribute).collect();
        if let Some(attributes) = attributes {
            return Some(Type::Object(Arc::new(attributes)));
        }
    }
    unify_elements(types).map(Type::map)
}

/// Tuples of the same length element by element, others as lists.
fn unify_tuples(types: &[&Type]) -> Option<Type> {
    let tuples: Vec<_> =
        types.iter().filter_map(|of| if let Type::Tuple(elements) = of { Some(elements) } else { None }).collect();
    let first = tuples.first()?;
    if tuples.iter().all(|tuple| tuple.len() == first.len()) {
        let element = |index| {
            let types: Vec<_> = tuples.iter().filter_map(|tuple| tuple.get(index).cloned()).collect();
            unify(&types)
        };
        let elements: Option<Vec<_>> = (0..first.len()).map(element).collect();
        if let Some(elements) = elements {
            return Some(Type::tuple(elements));
        }
    }
    unify_elements(types).map(Type::list)
}

/// The type that all elements of all these types have in common.
fn unify_elements(types: &[&Type]) -> Option<Type> {
    let mut elements = Vec::new();
    for of in types {
        match of {
            Type::List(element) | Type::Set(element) | Type::Map(element) => elements.push((**element).clone()),
            Type::Tuple(of) => elements.extend(of.iter().cloned()),
            Type::Object(of) => elements.extend(of.values().cloned()),
            _ => return None,
        }
    }
    unify(&elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Value {
        Value::string(value)
    }

    fn strings<const N: usize>(values: [&str; N]) -> Value {
        Value::list(Type::String, values.map(text))
    }

    fn refused(value: &Value, to: &Type) -> String {
        convert(value, to).expect_err("refused").to_string()
    }

    #[test]
    fn primitives_convert_both_ways() {
        assert_eq!(convert(&text("1e3"), &Type::Number), Ok(Value::number(1000)));
        assert_eq!(convert(&text("1"), &Type::Bool), Ok(Value::bool(true)));
        assert_eq!(convert(&Value::number(5), &Type::String), Ok(text("5")));
        assert_eq!(convert(&Value::bool(true).marked(true), &Type::String), Ok(text("true").marked(true)));
        assert_eq!(
            refused(&text("TRUE"), &Type::Bool),
            "a bool is required, and this string is neither `true` nor `false`"
        );
        assert_eq!(refused(&text("0x10"), &Type::Number), "a number is required, and this string does not hold one");
        assert_eq!(refused(&Value::bool(true), &Type::Number), "a number is required, not a bool");
    }

    #[test]
    fn null_and_unknown_keep_what_they_are() {
        assert_eq!(convert(&Value::null(Type::Any), &Type::String), Ok(Value::null(Type::String)));
        let unknown = Value::unknown_of(Type::tuple([Type::Number, Type::String]));
        assert_eq!(convert(&unknown, &Type::list(Type::Any)), Ok(Value::unknown_of(Type::list(Type::String))));
        assert_eq!(refused(&unknown, &Type::String), "a string is required, not a tuple");
    }

    #[test]
    fn tuples_become_lists_and_sets() {
        let mixed = Value::tuple([text("a"), Value::number(1)]);
        assert_eq!(convert(&mixed, &Type::list(Type::String)), Ok(strings(["a", "1"])));
        assert_eq!(convert(&mixed, &Type::list(Type::Any)), Ok(strings(["a", "1"])));
        let doubled = Value::tuple([text("b"), text("a"), text("b")]);
        assert_eq!(convert(&doubled, &Type::set(Type::String)), Ok(Value::set(Type::String, ["a", "b"].map(text))));
        assert_eq!(convert(&Value::tuple([]), &Type::list(Type::String)), Ok(strings([])));
        let nested = Value::tuple([Value::tuple([Value::number(1)]), Value::tuple([text("a")])]);
        let nested_type = Type::list(Type::list(Type::Any));
        assert_eq!(
            convert(&nested, &nested_type),
            Ok(Value::list(Type::list(Type::String), [strings(["1"]), strings(["a"])]))
        );
        let apart = Value::tuple([text("a"), Value::tuple([])]);
        assert_eq!(refused(&apart, &Type::list(Type::Any)), "all elements must have the same type");
        assert_eq!(refused(&apart, &Type::list(Type::String)), "[1]: a string is required, not a tuple");
    }

    #[test]
    fn objects_drop_what_is_not_asked_for() {
        let object = Value::object([("a", Value::number(1)), ("b", text("x"))]);
        let only = Type::object([("a", Type::String)]);
        assert_eq!(convert(&object, &only), Ok(Value::object([("a", text("1"))])));
        let map = Value::map(Type::String, [("a", text("1")), ("b", text("x"))]);
        assert_eq!(convert(&object, &Type::map(Type::Any)), Ok(map));
        let more = Type::object([("c", Type::String)]);
        assert_eq!(refused(&object, &more), "the attribute `c` is required");
        let deep = Type::map(Type::Number);
        assert_eq!(refused(&object, &deep), ".b: a number is required, and this string does not hold one");
        let list = Value::tuple([object]);
        assert_eq!(refused(&list, &Type::list(deep)), "[0].b: a number is required, and this string does not hold one");
    }

    #[test]
    fn tuples_stay_as_long_as_they_are() {
        let one = Value::tuple([Value::number(1)]);
        let wanted = Type::tuple([Type::String, Type::Number]);
        assert_eq!(refused(&one, &wanted), "a tuple of 2 elements is required, and this one has 1");
        assert_eq!(refused(&strings(["a"]), &wanted), "a tuple is required, not a list of string");
    }

    #[test]
    fn common_types() {
        let (string, number) = (Type::String, Type::Number);
        assert_eq!(unify(&[number.clone(), string.clone()]), Some(Type::String));
        assert_eq!(unify(&[number.clone(), Type::Bool]), None);
        assert_eq!(unify(&[Type::Any, number.clone()]), Some(Type::Number));
        let tuple = |element: &Type| Type::tuple([element.clone()]);
        assert_eq!(unify(&[tuple(&number), Type::tuple([])]), Some(Type::list(Type::Number)));
        assert_eq!(unify(&[tuple(&number), tuple(&string)]), Some(tuple(&Type::String)));
        assert_eq!(unify(&[Type::list(Type::String), Type::tuple([])]), Some(Type::list(Type::String)));
        let object = |name: &'static str, of: &Type| Type::object([(name, of.clone())]);
        assert_eq!(unify(&[object("a", &number), object("a", &string)]), Some(object("a", &string)));
        assert_eq!(unify(&[object("a", &number), object("b", &string)]), Some(Type::map(Type::String)));
        assert_eq!(unify(&[object("a", &number), Type::tuple([])]), None);
    }
}
