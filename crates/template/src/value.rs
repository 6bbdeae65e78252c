//! Values of the evaluator: known, null or unknown, and marked where they are sensitive.

use crate::number::Number;
use crate::types::Type;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    pub kind: Kind,
    /// Made from something sensitive; messages must not show it.
    pub sensitive: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Not known yet: an unset variable, a value of build time, or what a reported mistake left behind.
    /// Whoever meets one says nothing about it.
    Unknown(Type),
    Null(Type),
    Bool(bool),
    Number(Number),
    /// Normalised to NFC by [`Value::string`].
    String(Arc<str>),
    /// With the type of its elements, which an empty one needs.
    List(Type, Arc<[Value]>),
    /// Sorted, without duplicates.
    Set(Type, Arc<[Value]>),
    Map(Type, Arc<BTreeMap<Arc<str>, Value>>),
    Tuple(Arc<[Value]>),
    Object(Arc<BTreeMap<Arc<str>, Value>>),
    /// A type as a value: the second argument of `convert`.
    Type(Type),
}

impl Value {
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Kind::String(text.into()).into()
    }

    pub fn bool(value: bool) -> Self {
        Kind::Bool(value).into()
    }

    pub fn number(value: impl Into<Number>) -> Self {
        Kind::Number(value.into()).into()
    }

    /// Unknown, of a type that is not known either.
    pub fn unknown() -> Self {
        Kind::Unknown(Type::Any).into()
    }

    pub fn object<N: Into<Arc<str>>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        Kind::Object(Arc::new(members.into_iter().map(|(name, value)| (name.into(), value)).collect())).into()
    }
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind, sensitive: false }
    }
}
