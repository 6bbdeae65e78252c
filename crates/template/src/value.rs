//! Values of the evaluator: known, null or unknown, and marked where they are sensitive.

use crate::number::Number;
use crate::types::Type;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use unicode_normalization::{UnicodeNormalization as _, is_nfc_quick};

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
    /// A string in NFC, as all strings of HCL2 are.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        if is_nfc_quick(text.chars()) == unicode_normalization::IsNormalized::Yes {
            return Kind::String(text).into();
        }
        Kind::String(text.nfc().collect::<String>().into()).into()
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

    pub fn null() -> Self {
        Kind::Null(Type::Any).into()
    }

    pub fn tuple(elements: impl IntoIterator<Item = Self>) -> Self {
        Kind::Tuple(elements.into_iter().collect()).into()
    }

    /// A set: sorted and without duplicates.
    pub fn set(element: Type, elements: impl IntoIterator<Item = Self>) -> Self {
        let mut elements: Vec<Self> = elements.into_iter().collect();
        elements.sort_by(Self::order);
        elements.dedup_by(|a, b| a.equals(b) == Some(true));
        Kind::Set(element, elements.into()).into()
    }

    pub fn object<N: Into<Arc<str>>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        Kind::Object(Arc::new(members.into_iter().map(|(name, value)| (name.into(), value)).collect())).into()
    }

    /// The same value, sensitive too if `sensitive`.
    #[must_use]
    pub fn marked(mut self, sensitive: bool) -> Self {
        self.sensitive |= sensitive;
        self
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self.kind, Kind::Unknown(_))
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null(_))
    }

    /// Whether nothing inside is unknown.
    pub fn is_wholly_known(&self) -> bool {
        !self.is_unknown() && self.parts().all(Self::is_wholly_known)
    }

    /// Whether it or anything inside is sensitive.
    pub fn holds_sensitive(&self) -> bool {
        self.sensitive || self.parts().any(Self::holds_sensitive)
    }

    fn parts(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        match &self.kind {
            Kind::List(_, values) | Kind::Set(_, values) | Kind::Tuple(values) => Box::new(values.iter()),
            Kind::Map(_, values) | Kind::Object(values) => Box::new(values.values()),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// The elements of a list, set or tuple.
    pub fn elements(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::List(_, values) | Kind::Set(_, values) | Kind::Tuple(values) => Some(values),
            _ => None,
        }
    }

    /// The members of a map or object.
    pub fn members(&self) -> Option<&BTreeMap<Arc<str>, Self>> {
        match &self.kind {
            Kind::Map(_, values) | Kind::Object(values) => Some(values),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn type_of(&self) -> Type {
        match &self.kind {
            Kind::Unknown(kind) | Kind::Null(kind) => kind.clone(),
            Kind::Bool(_) => Type::Bool,
            Kind::Number(_) => Type::Number,
            Kind::String(_) => Type::String,
            Kind::List(element, _) => Type::List(Arc::new(element.clone())),
            Kind::Set(element, _) => Type::Set(Arc::new(element.clone())),
            Kind::Map(element, _) => Type::Map(Arc::new(element.clone())),
            Kind::Tuple(values) => Type::Tuple(values.iter().map(Self::type_of).collect()),
            Kind::Object(members) => {
                Type::Object(Arc::new(members.iter().map(|(name, value)| (name.clone(), value.type_of())).collect()))
            }
            Kind::Type(_) => Type::Any,
        }
    }

    /// Whether two values are equal as `==` has it; `None` where it depends on something unknown.
    pub fn equals(&self, other: &Self) -> Option<bool> {
        match (&self.kind, &other.kind) {
            (Kind::Unknown(_), _) | (_, Kind::Unknown(_)) => None,
            (Kind::Null(_), Kind::Null(_)) => Some(true),
            (Kind::Bool(a), Kind::Bool(b)) => Some(a == b),
            (Kind::Number(a), Kind::Number(b)) => Some(a == b),
            (Kind::String(a), Kind::String(b)) => Some(a == b),
            (Kind::List(_, a), Kind::List(_, b))
            | (Kind::Set(_, a), Kind::Set(_, b))
            | (Kind::Tuple(a), Kind::Tuple(b)) => {
                if a.len() != b.len() {
                    return Some(false);
                }
                all_equal(a.iter().zip(b.iter()))
            }
            (Kind::Map(_, a), Kind::Map(_, b)) | (Kind::Object(a), Kind::Object(b)) => {
                if a.len() != b.len() || !a.keys().eq(b.keys()) {
                    return Some(false);
                }
                all_equal(a.values().zip(b.values()))
            }
            _ => Some(false),
        }
    }

    /// An order of all values, for sets: by kind, then by value.
    pub fn order(&self, other: &Self) -> Ordering {
        let rank = |value: &Self| match &value.kind {
            Kind::Null(_) => 0,
            Kind::Bool(_) => 1,
            Kind::Number(_) => 2,
            Kind::String(_) => 3,
            Kind::Type(_) => 5,
            Kind::Unknown(_) => 6,
            _ => 4,
        };
        match (&self.kind, &other.kind) {
            (Kind::Bool(a), Kind::Bool(b)) => a.cmp(b),
            (Kind::Number(a), Kind::Number(b)) => a.cmp(b),
            (Kind::String(a), Kind::String(b)) => a.cmp(b),
            _ => rank(self).cmp(&rank(other)).then_with(|| {
                self.parts()
                    .zip(other.parts())
                    .map(|(a, b)| a.order(b))
                    .find(|order| order.is_ne())
                    .unwrap_or_else(|| self.parts().count().cmp(&other.parts().count()))
            }),
        }
    }
}

fn all_equal<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Option<bool> {
    let mut known = true;
    for (a, b) in pairs {
        match a.equals(b) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = false,
        }
    }
    known.then_some(true)
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind, sensitive: false }
    }
}
