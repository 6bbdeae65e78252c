//! The types of HCL2 values.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A type as values have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Not known yet (`any` in a constraint).
    Any,
    Bool,
    Number,
    String,
    List(Arc<Type>),
    Set(Arc<Type>),
    Map(Arc<Type>),
    Tuple(Arc<[Type]>),
    Object(Arc<BTreeMap<Arc<str>, Type>>),
}

impl Type {
    pub fn list(element: Self) -> Self {
        Self::List(Arc::new(element))
    }

    pub fn set(element: Self) -> Self {
        Self::Set(Arc::new(element))
    }

    pub fn map(element: Self) -> Self {
        Self::Map(Arc::new(element))
    }

    pub fn tuple(elements: impl Into<Arc<[Self]>>) -> Self {
        Self::Tuple(elements.into())
    }

    pub fn object<N: Into<Arc<str>>>(attributes: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Object(Arc::new(attributes.into_iter().map(|(name, of)| (name.into(), of)).collect()))
    }

    /// A bool, a number or a string.
    pub fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::String)
    }

    /// Whether some part of it is not known.
    pub fn has_any(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_any(),
            Self::Tuple(elements) => elements.iter().any(Self::has_any),
            Self::Object(attributes) => attributes.values().any(Self::has_any),
        }
    }

    /// The type with its article, for the middle of a message: `a list of string`, `an object`.
    pub fn with_article(&self) -> String {
        let article = if matches!(self, Self::Object(_)) { "an" } else { "a" };
        format!("{article} {self}")
    }
}

impl fmt::Display for Type {
    /// The name for messages: `string`, `list of string`, `object`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (collection, element) = match self {
            Self::Any => return f.write_str("value"),
            Self::Bool => return f.write_str("bool"),
            Self::Number => return f.write_str("number"),
            Self::String => return f.write_str("string"),
            Self::Tuple(_) => return f.write_str("tuple"),
            Self::Object(_) => return f.write_str("object"),
            Self::List(element) => ("list", element),
            Self::Set(element) => ("set", element),
            Self::Map(element) => ("map", element),
        };
        match &**element {
            Self::Any => f.write_str(collection),
            element => write!(f, "{collection} of {element}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_messages() {
        assert_eq!(Type::list(Type::map(Type::String)).with_article(), "a list of map of string");
        assert_eq!(Type::set(Type::Any).to_string(), "set");
        assert_eq!(Type::object([("a", Type::Any)]).with_article(), "an object");
    }
}
