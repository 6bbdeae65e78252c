//! Values of a running Go template.

use super::format;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Known later, or left behind by a mistake. What is made of it is unknown too.
    Unknown,
    Nil,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Arc<str>),
    /// The dot of the whole template. Which fields it has, the renderer knows.
    Fields,
}

impl Value {
    pub(super) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// What it counts as in a condition; `None` if it is unknown or depends on the fields.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Self::Unknown | Self::Fields => None,
            Self::Nil => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Integer(value) => Some(*value != 0),
            Self::Float(value) => Some(*value != 0.0),
            Self::Text(text) => Some(!text.is_empty()),
        }
    }

    /// The type as messages call it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Nil => "nil",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a decimal",
            Self::Text(_) => "text",
            Self::Fields => "a set of fields",
        }
    }

    /// The type as Go's `%T` calls it.
    pub(super) fn go_type(&self) -> &'static str {
        match self {
            Self::Unknown | Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Integer(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Fields => "map[string]string",
        }
    }

    /// As `{{value}}` writes it. [`Value::Fields`] has to be replaced by its text before.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Unknown | Self::Fields => String::new(),
            Self::Nil => "<nil>".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => format::plain_float(*value),
            Self::Text(text) => text.to_string(),
        }
    }

    /// The order of two values; `None` if they are of different or unordered types.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => Some(one.cmp(other)),
            (Self::Float(one), Self::Float(other)) => one.partial_cmp(other),
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }

    /// Whether two values are equal; `None` if their types can't be compared.
    pub(super) fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => Some(one == other),
            (Self::Nil, Self::Nil) => Some(true),
            (Self::Nil, _) | (_, Self::Nil) => Some(false),
            _ => self.order(other).map(|order| order == Ordering::Equal),
        }
    }
}

/// As Go's `print`: a space between two values of which neither is text.
pub(super) fn print(values: &[Value]) -> String {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        let text_before = index.checked_sub(1).is_none_or(|before| matches!(values[before], Value::Text(_)));
        if !text_before && !matches!(value, Value::Text(_)) {
            out.push(' ');
        }
        out.push_str(&value.written());
    }
    out
}

/// As Go writes a map of strings.
pub(super) fn write_map(values: &BTreeMap<String, String>) -> String {
    let members: Vec<String> = values.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("map[{}]", members.join(" "))
}
