//! Values of the evaluator: known, null or unknown, and marked where they are sensitive.

use crate::number::Number;
use crate::types::Type;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A value. Cheap to clone.
///
/// Equality of Rust compares structure, marks included; [`Value::equals`] is that of the language.
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
        Kind::String(normalised(text.into())).into()
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

    pub fn unknown_of(of: Type) -> Self {
        Kind::Unknown(of).into()
    }

    pub fn null(of: Type) -> Self {
        Kind::Null(of).into()
    }

    pub fn object<N: Into<Arc<str>>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        Kind::Object(Arc::new(members.into_iter().map(|(name, value)| (name.into(), value)).collect())).into()
    }

    pub fn tuple(elements: impl IntoIterator<Item = Self>) -> Self {
        Kind::Tuple(elements.into_iter().collect()).into()
    }

    /// A list of elements that are all of the given type already.
    pub fn list(of: Type, elements: impl IntoIterator<Item = Self>) -> Self {
        Kind::List(of, elements.into_iter().collect()).into()
    }

    /// A set of elements that are all of the given type already. An element that is not known may be equal to
    /// another: such a set is unknown. A mark of an element is one of the set.
    pub fn set(of: Type, elements: impl IntoIterator<Item = Self>) -> Self {
        let mut sensitive = false;
        let mut sorted = Vec::new();
        for element in elements {
            sensitive |= element.is_sensitive_inside();
            if !element.is_wholly_known() {
                return Self::unknown_of(Type::set(of)).marked(sensitive);
            }
            sorted.push(element.unmarked());
        }
        sorted.sort_by(Self::order);
        sorted.dedup_by(|a, b| a.order(b) == Ordering::Equal);
        Self::from(Kind::Set(of, sorted.into())).marked(sensitive)
    }

    /// A map of elements that are all of the given type already.
    pub fn map<N: Into<Arc<str>>>(of: Type, members: impl IntoIterator<Item = (N, Self)>) -> Self {
        Kind::Map(of, Arc::new(members.into_iter().map(|(name, value)| (name.into(), value)).collect())).into()
    }

    /// The same value, sensitive if it was or `sensitive` says so.
    #[must_use]
    pub fn marked(mut self, sensitive: bool) -> Self {
        self.sensitive |= sensitive;
        self
    }

    /// The same value without marks, inside and out.
    #[must_use]
    pub fn unmarked(&self) -> Self {
        if !self.is_sensitive_inside() {
            return self.clone();
        }
        let all = |elements: &Arc<[Self]>| elements.iter().map(Self::unmarked).collect();
        let each = |members: &Arc<BTreeMap<Arc<str>, Self>>| {
            Arc::new(members.iter().map(|(name, value)| (Arc::clone(name), value.unmarked())).collect())
        };
        match &self.kind {
            Kind::List(of, elements) => Kind::List(of.clone(), all(elements)),
            Kind::Set(of, elements) => Kind::Set(of.clone(), all(elements)),
            Kind::Tuple(elements) => Kind::Tuple(all(elements)),
            Kind::Map(of, members) => Kind::Map(of.clone(), each(members)),
            Kind::Object(members) => Kind::Object(each(members)),
            kind => kind.clone(),
        }
        .into()
    }

    /// Whether it or something in it is sensitive.
    pub fn is_sensitive_inside(&self) -> bool {
        self.sensitive || self.children().any(Self::is_sensitive_inside)
    }

    /// Known itself, though parts may not be.
    pub fn is_known(&self) -> bool {
        !matches!(self.kind, Kind::Unknown(_))
    }

    /// Known with all its parts.
    pub fn is_wholly_known(&self) -> bool {
        self.is_known() && self.children().all(Self::is_wholly_known)
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null(_))
    }

    pub fn as_str(&self) -> Option<&str> {
        if let Kind::String(text) = &self.kind { Some(text) } else { None }
    }

    pub fn as_bool(&self) -> Option<bool> {
        if let Kind::Bool(value) = &self.kind { Some(*value) } else { None }
    }

    pub fn as_number(&self) -> Option<&Number> {
        if let Kind::Number(value) = &self.kind { Some(value) } else { None }
    }

    /// The elements of a list, set or tuple.
    pub fn elements(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => Some(elements),
            _ => None,
        }
    }

    /// The members of a map or object.
    pub fn members(&self) -> Option<&BTreeMap<Arc<str>, Self>> {
        match &self.kind {
            Kind::Map(_, members) | Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// A member of a map or object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.members()?.get(name)
    }

    /// The values directly inside, of whatever kind it is.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Self> {
        let elements = self.elements().unwrap_or_default();
        elements.iter().chain(self.members().into_iter().flat_map(BTreeMap::values))
    }

    pub fn type_of(&self) -> Type {
        match &self.kind {
            Kind::Unknown(of) | Kind::Null(of) => of.clone(),
            Kind::Bool(_) => Type::Bool,
            Kind::Number(_) => Type::Number,
            Kind::String(_) => Type::String,
            Kind::List(of, _) => Type::list(of.clone()),
            Kind::Set(of, _) => Type::set(of.clone()),
            Kind::Map(of, _) => Type::map(of.clone()),
            Kind::Tuple(elements) => Type::Tuple(elements.iter().map(Self::type_of).collect()),
            Kind::Object(members) => {
                Type::object(members.iter().map(|(name, value)| (Arc::clone(name), value.type_of())))
            }
            Kind::Type(_) => Type::Any,
        }
    }

    /// The `==` of the language: values of different types differ (`1` and `"1"`, a tuple and a list); `None` where
    /// something unknown decides. Marks do not count.
    pub fn equals(&self, other: &Self) -> Option<bool> {
        match (&self.kind, &other.kind) {
            (Kind::Null(_), Kind::Null(_)) => Some(true),
            (Kind::Unknown(a), Kind::Unknown(b)) => (differ(a, b)).then_some(false),
            (Kind::Unknown(of), _) => (!other.is_null() && differ(of, &other.type_of())).then_some(false),
            (_, Kind::Unknown(of)) => (!self.is_null() && differ(of, &self.type_of())).then_some(false),
            (Kind::Bool(a), Kind::Bool(b)) => Some(a == b),
            (Kind::Number(a), Kind::Number(b)) => Some(a == b),
            (Kind::String(a), Kind::String(b)) => Some(a == b),
            (Kind::List(of, a), Kind::List(with, b)) if of == with => all_equal(a, b),
            (Kind::Set(of, a), Kind::Set(with, b)) if of == with => all_equal(a, b),
            (Kind::Tuple(a), Kind::Tuple(b)) if !differ(&self.type_of(), &other.type_of()) => all_equal(a, b),
            (Kind::Map(of, a), Kind::Map(with, b)) if of == with => members_equal(a, b),
            (Kind::Object(a), Kind::Object(b)) if !differ(&self.type_of(), &other.type_of()) => members_equal(a, b),
            _ => Some(false),
        }
    }

    /// A total order of known values of one type, in which sets are kept: numbers by size, strings by bytes.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (&self.kind, &other.kind) {
            (Kind::Bool(a), Kind::Bool(b)) => a.cmp(b),
            (Kind::Number(a), Kind::Number(b)) => a.cmp(b),
            (Kind::String(a), Kind::String(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()).then_with(|| self.order_inside(other)),
        }
    }

    fn order_inside(&self, other: &Self) -> Ordering {
        if let (Some(a), Some(b)) = (self.elements(), other.elements()) {
            let first = a.iter().zip(b).map(|(a, b)| a.order(b)).find(|order| order.is_ne());
            return first.unwrap_or_else(|| a.len().cmp(&b.len()));
        }
        if let (Some(a), Some(b)) = (self.members(), other.members()) {
            let first = a.iter().zip(b).map(|((name, a), (other, b))| name.cmp(other).then_with(|| a.order(b)));
            return first.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()));
        }
        Ordering::Equal
    }

    fn rank(&self) -> u8 {
        match &self.kind {
            Kind::Bool(_) => 0,
            Kind::Number(_) => 1,
            Kind::String(_) => 2,
            Kind::List(..) => 3,
            Kind::Set(..) => 4,
            Kind::Tuple(_) => 5,
            Kind::Map(..) => 6,
            Kind::Object(_) => 7,
            Kind::Type(_) => 8,
            Kind::Unknown(_) => 9,
            Kind::Null(_) => 10,
        }
    }
}

/// Whether no value can be of both types.
fn differ(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Any, _) | (_, Type::Any) => false,
        (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) | (Type::Map(a), Type::Map(b)) => differ(a, b),
        (Type::Tuple(a), Type::Tuple(b)) => a.len() != b.len() || a.iter().zip(&**b).any(|(a, b)| differ(a, b)),
        (Type::Object(a), Type::Object(b)) => {
            a.len() != b.len() || a.iter().zip(&**b).any(|((name, a), (other, b))| name != other || differ(a, b))
        }
        (a, b) => a != b,
    }
}

/// False where one pair differs, else unknown where one pair is.
fn conjunction(pairs: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for pair in pairs {
        match pair {
            Some(true) => {}
            Some(false) => return Some(false),
            None => result = None,
        }
    }
    result
}

fn all_equal(a: &[Value], b: &[Value]) -> Option<bool> {
    if a.len() != b.len() {
        return Some(false);
    }
    conjunction(a.iter().zip(b).map(|(a, b)| a.equals(b)))
}

fn members_equal(a: &BTreeMap<Arc<str>, Value>, b: &BTreeMap<Arc<str>, Value>) -> Option<bool> {
    if !a.keys().eq(b.keys()) {
        return Some(false);
    }
    conjunction(a.values().zip(b.values()).map(|(a, b)| a.equals(b)))
}

/// The text in NFC, in which all strings are.
pub(crate) fn normalised(text: Arc<str>) -> Arc<str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text;
    }
    text.nfc().collect::<String>().into()
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind, sensitive: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_looks_at_the_type() {
        let (one, text) = (Value::number(1), Value::string("1"));
        assert_eq!(one.equals(&text), Some(false));
        assert_eq!(Value::null(Type::Any).equals(&Value::null(Type::String)), Some(true));
        let tuple = Value::tuple([text.clone()]);
        let list = Value::list(Type::String, [text.clone()]);
        assert_eq!((tuple.equals(&list), tuple.equals(&tuple)), (Some(false), Some(true)));
        assert_eq!(text.equals(&text.clone().marked(true)), Some(true));
    }

    #[test]
    fn unknown_parts_decide_nothing_unless_another_differs() {
        let unknown = Value::unknown_of(Type::String);
        let a = Value::tuple([unknown.clone(), Value::number(1)]);
        let b = Value::tuple([unknown.clone(), Value::number(2)]);
        assert_eq!((a.equals(&a), a.equals(&b)), (None, Some(false)));
        assert_eq!(unknown.equals(&Value::number(1)), Some(false));
        assert_eq!(unknown.equals(&Value::null(Type::Any)), None);
        assert_eq!(Value::unknown().equals(&Value::number(1)), None);
    }

    #[test]
    fn sets_are_sorted_without_duplicates_and_take_the_marks() {
        let set = Value::set(Type::Number, [10, 9, 10].map(|number| Value::number(number).marked(number == 9)));
        assert_eq!(set, Value::from(Kind::Set(Type::Number, [9, 10].map(Value::number).into())).marked(true));
        let unknown = Value::set(Type::String, [Value::unknown_of(Type::String)]);
        assert_eq!(unknown, Value::unknown_of(Type::set(Type::String)));
    }

    #[test]
    fn strings_are_composed() {
        assert_eq!(Value::string("e\u{301}"), Value::string("\u{e9}"));
    }
}
