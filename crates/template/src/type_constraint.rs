//! Type expressions: the `type` of a variable, with optional attributes and their defaults.

use crate::convert::{Mismatch, convert};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::syntax::{Call, Expression, ExpressionKind, ObjectKey};
use crate::types::Type;
use crate::value::{Kind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a value must look like.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeConstraint {
    /// A type without optional attributes anywhere.
    Exact(Type),
    List(Box<Self>),
    Set(Box<Self>),
    Map(Box<Self>),
    Tuple(Vec<Self>),
    Object(BTreeMap<Arc<str>, Attribute>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    constraint: TypeConstraint,
    /// `optional(T, default)`; null without a default.
    optional: Option<Value>,
}

/// Types nested deeper than this are nobody's intent.
const MAX_DEPTH: usize = 100;

impl TypeConstraint {
    pub fn exact(kind: Type) -> Self {
        Self::Exact(kind)
    }

    /// Reads a type expression. `None` after a mistake, which is reported.
    pub fn from_expression(expression: &Expression, diagnostics: &mut Diagnostics) -> Option<Self> {
        read(expression, 0, diagnostics)
    }

    /// The type that values have once the constraint is applied.
    pub fn to_type(&self) -> Type {
        match self {
            Self::Exact(kind) => kind.clone(),
            Self::List(element) => Type::List(Arc::new(element.to_type())),
            Self::Set(element) => Type::Set(Arc::new(element.to_type())),
            Self::Map(element) => Type::Map(Arc::new(element.to_type())),
            Self::Tuple(elements) => Type::Tuple(elements.iter().map(Self::to_type).collect()),
            Self::Object(attributes) => Type::Object(Arc::new(
                attributes.iter().map(|(name, attribute)| (name.clone(), attribute.constraint.to_type())).collect(),
            )),
        }
    }

    /// The value with defaults filled in, as a value of the type.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn apply(&self, value: Value) -> Result<Value, Mismatch> {
        convert(&self.with_defaults(value), &self.to_type())
    }

    fn with_defaults(&self, value: Value) -> Value {
        let sensitive = value.sensitive;
        let each = |constraint: &Self, values: &[Value]| -> Value {
            Value::tuple(values.iter().map(|value| constraint.with_defaults(value.clone())))
        };
        let filled = match (self, &value.kind) {
            (
                Self::List(element) | Self::Set(element),
                Kind::List(_, values) | Kind::Set(_, values) | Kind::Tuple(values),
            ) => each(element, values),
            (Self::Tuple(elements), Kind::Tuple(values)) if elements.len() == values.len() => Value::tuple(
                elements.iter().zip(values.iter()).map(|(element, value)| element.with_defaults(value.clone())),
            ),
            (Self::Map(element), Kind::Map(_, members) | Kind::Object(members)) => {
                Value::object(members.iter().map(|(name, value)| (name.clone(), element.with_defaults(value.clone()))))
            }
            (Self::Object(attributes), Kind::Map(_, members) | Kind::Object(members)) => {
                let mut filled = BTreeMap::new();
                for (name, attribute) in attributes {
                    let given = members.get(name).filter(|value| !(value.is_null() && attribute.optional.is_some()));
                    if let Some(value) = given.or(attribute.optional.as_ref()) {
                        filled.insert(name.clone(), attribute.constraint.with_defaults(value.clone()));
                    }
                }
                Kind::Object(Arc::new(filled)).into()
            }
            _ => return value,
        };
        filled.marked(sensitive)
    }
}

fn wrong(expression: &Expression, message: impl Into<String>, diagnostics: &mut Diagnostics) -> Option<TypeConstraint> {
    diagnostics.push(
        Diagnostic::error("invalid-type", message)
            .at(expression.span)
            .help("types are string, number, bool, any, list(…), set(…), map(…), object({…}) and tuple([…])"),
    );
    None
}

fn read(expression: &Expression, depth: usize, diagnostics: &mut Diagnostics) -> Option<TypeConstraint> {
    if depth > MAX_DEPTH {
        return wrong(expression, format!("this type is nested more than {MAX_DEPTH} levels deep"), diagnostics);
    }
    match &expression.kind {
        ExpressionKind::Broken => None,
        ExpressionKind::Variable(name) => match &**name {
            "string" => Some(TypeConstraint::Exact(Type::String)),
            "number" => Some(TypeConstraint::Exact(Type::Number)),
            "bool" => Some(TypeConstraint::Exact(Type::Bool)),
            "any" => Some(TypeConstraint::Exact(Type::Any)),
            "list" | "set" | "map" => wrong(
                expression,
                format!("`{name}` needs the type of its elements, as in `{name}(string)`"),
                diagnostics,
            ),
            "object" => {
                wrong(expression, "`object` needs its attributes, as in `object({ name = string })`", diagnostics)
            }
            "tuple" => wrong(expression, "`tuple` needs its elements, as in `tuple([string, number])`", diagnostics),
            _ => wrong(expression, format!("there is no type `{name}`"), diagnostics),
        },
        ExpressionKind::String(text) => {
            wrong(expression, format!("a type is written without quotes: {}", text.value()), diagnostics)
        }
        ExpressionKind::Parentheses(inner) => read(inner, depth + 1, diagnostics),
        ExpressionKind::Call(call) => constructor(expression, call, depth, diagnostics),
        _ => wrong(expression, "this is not a type", diagnostics),
    }
}

fn constructor(
    expression: &Expression,
    call: &Call,
    depth: usize,
    diagnostics: &mut Diagnostics,
) -> Option<TypeConstraint> {
    let name = &*call.name.value;
    let [argument] = call.arguments.as_slice() else {
        let message = match name {
            "optional" => "`optional` is for attributes of an `object` type only".to_owned(),
            _ => format!("`{name}` takes one argument"),
        };
        return wrong(expression, message, diagnostics);
    };
    match name {
        "list" => read(argument, depth + 1, diagnostics).map(|element| TypeConstraint::List(Box::new(element))),
        "set" => read(argument, depth + 1, diagnostics).map(|element| TypeConstraint::Set(Box::new(element))),
        "map" => read(argument, depth + 1, diagnostics).map(|element| TypeConstraint::Map(Box::new(element))),
        "tuple" => match &argument.kind {
            ExpressionKind::Tuple(elements) => {
                let read: Vec<_> = elements.iter().map(|element| read(element, depth + 1, diagnostics)).collect();
                read.into_iter().collect::<Option<_>>().map(TypeConstraint::Tuple)
            }
            _ => wrong(argument, "`tuple` takes a list of types in brackets", diagnostics),
        },
        "object" => match &argument.kind {
            ExpressionKind::Object(items) => {
                let mut attributes = BTreeMap::new();
                let mut sound = true;
                for item in items {
                    let name = match &item.key {
                        ObjectKey::Name(name) => name.value.clone(),
                        ObjectKey::Expression(Expression { kind: ExpressionKind::String(text), .. }) => {
                            text.value().into()
                        }
                        ObjectKey::Expression(key) => {
                            wrong(key, "the name of an attribute is written out", diagnostics);
                            sound = false;
                            continue;
                        }
                    };
                    match attribute(&item.value, depth + 1, diagnostics) {
                        Some(attribute) => {
                            attributes.insert(name, attribute);
                        }
                        None => sound = false,
                    }
                }
                sound.then_some(TypeConstraint::Object(attributes))
            }
            _ => wrong(argument, "`object` takes attributes in braces", diagnostics),
        },
        "optional" => wrong(expression, "`optional` is for attributes of an `object` type only", diagnostics),
        _ => wrong(expression, format!("there is no type `{name}`"), diagnostics),
    }
}

fn attribute(expression: &Expression, depth: usize, diagnostics: &mut Diagnostics) -> Option<Attribute> {
    let ExpressionKind::Call(call) = &expression.kind else {
        return read(expression, depth, diagnostics).map(|constraint| Attribute { constraint, optional: None });
    };
    match (&*call.name.value, call.arguments.as_slice()) {
        ("optional", [kind]) => {
            let constraint = read(kind, depth, diagnostics)?;
            Some(Attribute { constraint, optional: Some(Value::null()) })
        }
        ("optional", [kind, default]) => {
            let constraint = read(kind, depth, diagnostics)?;
            let value = crate::eval::constant(default, diagnostics);
            match constraint.apply(value) {
                Ok(value) => Some(Attribute { constraint, optional: Some(value) }),
                Err(why) => {
                    wrong(default, format!("the default does not fit its type: {why}"), diagnostics);
                    None
                }
            }
        }
        _ => read(expression, depth, diagnostics).map(|constraint| Attribute { constraint, optional: None }),
    }
}
