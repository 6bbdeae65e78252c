//! Conversion between types, and the type that several values have in common: the rules of HCL2's type system.

use crate::number::Number;
use crate::types::Type;
use crate::value::{Kind, Value};
use std::fmt;
use std::sync::Arc;

/// Why a value does not fit: what is wrong, and where inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// `[1].name`, from the outside in; empty for the value itself.
    path: String,
    message: String,
}

impl Mismatch {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }

    pub(crate) fn inside(mut self, part: &str) -> Self {
        self.path.insert_str(0, part);
        self
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// The value as a value of the type.
///
/// # Errors
/// When there is no such value.
pub fn convert(value: &Value, wanted: &Type) -> Result<Value, Mismatch> {
    let kind = match (&value.kind, wanted) {
        (_, Type::Any) => return Ok(value.clone()),
        (Kind::Unknown(_), _) => Kind::Unknown(wanted.clone()),
        (Kind::Null(_), _) => Kind::Null(wanted.clone()),
        (Kind::Bool(_), Type::Bool) | (Kind::Number(_), Type::Number) | (Kind::String(_), Type::String) => {
            return Ok(value.clone());
        }
        (Kind::Bool(value), Type::String) => Kind::String(value.to_string().into()),
        (Kind::Number(number), Type::String) => Kind::String(number.to_string().into()),
        (Kind::String(text), Type::Number) => match Number::parse(text) {
            Some(number) => Kind::Number(number),
            None => return Err(Mismatch::new("a number is required")),
        },
        (Kind::String(text), Type::Bool) => match &**text {
            "true" | "1" => Kind::Bool(true),
            "false" | "0" => Kind::Bool(false),
            "True" | "TRUE" => return Err(Mismatch::new("a bool is required; write \"true\" in lower case")),
            "False" | "FALSE" => return Err(Mismatch::new("a bool is required; write \"false\" in lower case")),
            _ => return Err(Mismatch::new("a bool is required")),
        },
        (Kind::List(_, values) | Kind::Set(_, values) | Kind::Tuple(values), Type::List(element)) => {
            let (element, values) = alike(values, element)?;
            Kind::List(element, values.into())
        }
        (Kind::List(_, values) | Kind::Set(_, values) | Kind::Tuple(values), Type::Set(element)) => {
            let (element, values) = alike(values, element)?;
            Value::set(element, values).kind
        }
        (Kind::Tuple(values) | Kind::List(_, values), Type::Tuple(kinds)) => {
            if values.len() != kinds.len() {
                let message = format!("{} elements are required, there are {}", kinds.len(), values.len());
                return Err(Mismatch::new(message));
            }
            let pairs = values.iter().zip(kinds.iter()).enumerate();
            let converted = pairs.map(|(index, (value, kind))| {
                convert(value, kind).map_err(|mismatch| mismatch.inside(&format!("[{index}]")))
            });
            Kind::Tuple(converted.collect::<Result<_, _>>()?)
        }
        (Kind::Map(_, members) | Kind::Object(members), Type::Map(element)) => {
            let element = common(members.values(), element)?;
            let converted = members.iter().map(|(name, value)| {
                let value = convert(value, &element).map_err(|mismatch| mismatch.inside(&format!(".{name}")))?;
                Ok((name.clone(), value))
            });
            Kind::Map(element.clone(), Arc::new(converted.collect::<Result<_, _>>()?))
        }
        (Kind::Map(_, members) | Kind::Object(members), Type::Object(kinds)) => {
            let converted = kinds.iter().map(|(name, kind)| match members.get(name) {
                Some(value) => {
                    let value = convert(value, kind).map_err(|mismatch| mismatch.inside(&format!(".{name}")))?;
                    Ok((name.clone(), value))
                }
                None => Err(Mismatch::new(format!("the attribute `{name}` is required"))),
            });
            Kind::Object(Arc::new(converted.collect::<Result<_, _>>()?))
        }
        _ => return Err(Mismatch::new(format!("{} is required, not {}", article(wanted), article(&value.type_of())))),
    };
    Ok(Value { kind, sensitive: value.sensitive })
}

fn article(kind: &Type) -> String {
    match kind {
        Type::Object(_) | Type::Any => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

/// Elements of one type: that wanted, or for `any` the one they have in common.
fn alike(values: &[Value], wanted: &Type) -> Result<(Type, Vec<Value>), Mismatch> {
    let element = common(values.iter(), wanted)?;
    let converted = values
        .iter()
        .enumerate()
        .map(|(index, value)| convert(value, &element).map_err(|mismatch| mismatch.inside(&format!("[{index}]"))));
    let converted = converted.collect::<Result<_, _>>()?;
    Ok((element, converted))
}

fn common<'a>(values: impl Iterator<Item = &'a Value>, wanted: &Type) -> Result<Type, Mismatch> {
    if *wanted != Type::Any {
        return Ok(wanted.clone());
    }
    let kinds: Vec<Type> = values.map(Value::type_of).collect();
    unify(&kinds).ok_or_else(|| Mismatch::new("all elements must have the same type"))
}

/// The type that values of all these types can be converted to without loss, if there is one.
pub fn unify(kinds: &[Type]) -> Option<Type> {
    let mut kinds = kinds.iter().filter(|kind| **kind != Type::Any);
    let Some(first) = kinds.next() else { return Some(Type::Any) };
    kinds.try_fold(first.clone(), |common, kind| unify_two(&common, kind))
}

fn unify_two(a: &Type, b: &Type) -> Option<Type> {
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (Type::Any, other) | (other, Type::Any) => other.clone(),
        (Type::String, Type::Bool | Type::Number) | (Type::Bool | Type::Number, Type::String) => Type::String,
        (Type::List(a), Type::List(b)) => Type::List(Arc::new(unify_two(a, b)?)),
        (Type::Set(a), Type::Set(b)) => Type::Set(Arc::new(unify_two(a, b)?)),
        (Type::Map(a), Type::Map(b)) => Type::Map(Arc::new(unify_two(a, b)?)),
        (Type::List(a), Type::Set(b)) | (Type::Set(b), Type::List(a)) => Type::List(Arc::new(unify_two(a, b)?)),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            let elements: Option<Vec<Type>> = a.iter().zip(b.iter()).map(|(a, b)| unify_two(a, b)).collect();
            Type::Tuple(elements?.into())
        }
        (Type::Tuple(a), Type::Tuple(b)) => {
            let elements: Vec<Type> = a.iter().chain(b.iter()).cloned().collect();
            Type::List(Arc::new(unify(&elements)?))
        }
        (Type::Tuple(elements), Type::List(element)) | (Type::List(element), Type::Tuple(elements)) => {
            Type::List(Arc::new(unify_two(&unify(elements)?, element)?))
        }
        (Type::Tuple(elements), Type::Set(element)) | (Type::Set(element), Type::Tuple(elements)) => {
            Type::Set(Arc::new(unify_two(&unify(elements)?, element)?))
        }
        (Type::Object(a), Type::Object(b)) if a.keys().eq(b.keys()) => {
            let members = a.iter().zip(b.values()).map(|((name, a), b)| Some((name.clone(), unify_two(a, b)?)));
            Type::Object(Arc::new(members.collect::<Option<_>>()?))
        }
        (Type::Object(a), Type::Object(b)) => {
            let members: Vec<Type> = a.values().chain(b.values()).cloned().collect();
            Type::Map(Arc::new(unify(&members)?))
        }
        (Type::Object(members), Type::Map(element)) | (Type::Map(element), Type::Object(members)) => {
            let members: Vec<Type> = members.values().cloned().collect();
            Type::Map(Arc::new(unify_two(&unify(&members)?, element)?))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(element: Type) -> Type {
        Type::List(Arc::new(element))
    }

    #[test]
    fn values_convert_as_users_expect() {
        let mixed = Value::tuple([Value::number(1), Value::string("a")]);
        let strings: Arc<[Value]> = [Value::string("1"), Value::string("a")].into();
        assert_eq!(convert(&mixed, &list(Type::Any)).unwrap().kind, Kind::List(Type::String, strings));
        assert_eq!(convert(&Value::string("1e3"), &Type::Number).unwrap(), Value::number(1000));
        assert_eq!(convert(&Value::string("1"), &Type::Bool).unwrap(), Value::bool(true));
        let secret = Value::number(5).marked(true);
        assert_eq!(convert(&secret, &Type::String).unwrap(), Value::string("5").marked(true));
        let set = convert(&Value::tuple([3, 1, 3].map(Value::number)), &Type::Set(Arc::new(Type::Number))).unwrap();
        assert_eq!(set.elements().unwrap(), [Value::number(1), Value::number(3)]);
    }

    #[test]
    fn what_does_not_fit_says_where() {
        let why = |value: &Value, kind: &Type| convert(value, kind).unwrap_err().to_string();
        assert_eq!(why(&Value::string("TRUE"), &Type::Bool), "a bool is required; write \"true\" in lower case");
        assert_eq!(why(&Value::string("0x10"), &Type::Number), "a number is required");
        let nested = Value::tuple([Value::object([("a", Value::tuple([]))])]);
        let wanted = list(Type::Map(Arc::new(Type::String)));
        assert_eq!(why(&nested, &wanted), "`[0].a`: a string is required, not a tuple");
        let object = Type::Object(Arc::new([(Arc::from("b"), Type::String)].into()));
        assert_eq!(why(&Value::object([("a", Value::null())]), &object), "the attribute `b` is required");
    }
}
