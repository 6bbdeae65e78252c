//! Type expressions: what a variable's `type` says, and what it makes of a value.

use crate::convert::{Mismatch, convert};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::eval;
use crate::source::Span;
use crate::suggest::closest;
use crate::syntax::{Call, Expression, ExpressionKind, ObjectKey};
use crate::types::Type;
use crate::value::{Kind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How deep types may be nested.
const MAX_DEPTH: usize = 64;

const PRIMITIVES: [&str; 4] = ["string", "number", "bool", "any"];
const CONSTRUCTORS: [&str; 5] = ["list", "set", "map", "object", "tuple"];

/// A type with the attributes that may be left out, and their defaults.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeConstraint {
    Any,
    Bool,
    Number,
    String,
    List(Box<TypeConstraint>),
    Set(Box<TypeConstraint>),
    Map(Box<TypeConstraint>),
    Tuple(Vec<TypeConstraint>),
    Object(BTreeMap<Arc<str>, AttributeConstraint>),
}

/// An attribute of an object type.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeConstraint {
    pub of: TypeConstraint,
    /// Written `optional(…)`.
    pub optional: bool,
    /// What takes the place of a missing or null attribute; of the attribute's type already.
    pub default: Option<Value>,
}

/// A constraint without anything optional: what a default says of a variable without a type.
impl From<&Type> for TypeConstraint {
    fn from(kind: &Type) -> Self {
        match kind {
            Type::Any => Self::Any,
            Type::Bool => Self::Bool,
            Type::Number => Self::Number,
            Type::String => Self::String,
            Type::List(of) => Self::List(Box::new((&**of).into())),
            Type::Set(of) => Self::Set(Box::new((&**of).into())),
            Type::Map(of) => Self::Map(Box::new((&**of).into())),
            Type::Tuple(of) => Self::Tuple(of.iter().map(Self::from).collect()),
            Type::Object(of) => {
                let members = of.iter().map(|(name, kind)| {
                    (Arc::clone(name), AttributeConstraint { of: kind.into(), optional: false, default: None })
                });
                Self::Object(members.collect())
            }
        }
    }
}

impl TypeConstraint {
    /// The type without what may be left out.
    pub fn to_type(&self) -> Type {
        match self {
            Self::Any => Type::Any,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::List(of) => Type::list(of.to_type()),
            Self::Set(of) => Type::set(of.to_type()),
            Self::Map(of) => Type::map(of.to_type()),
            Self::Tuple(of) => Type::Tuple(of.iter().map(Self::to_type).collect()),
            Self::Object(of) => Type::object(of.iter().map(|(name, it)| (Arc::clone(name), it.of.to_type()))),
        }
    }

    /// The value with missing optional attributes filled in, converted to the type.
    ///
    /// # Errors
    /// Where the value has no such form.
    pub fn apply(&self, value: &Value) -> Result<Value, Mismatch> {
        let value = if self.has_optional() { self.fill(value) } else { value.clone() };
        convert(&value, &self.to_type())
    }

    /// Whether some attribute may be left out.
    pub(crate) fn has_optional(&self) -> bool {
        match self {
            Self::Any | Self::Bool | Self::Number | Self::String => false,
            Self::List(of) | Self::Set(of) | Self::Map(of) => of.has_optional(),
            Self::Tuple(of) => of.iter().any(Self::has_optional),
            Self::Object(of) => of.values().any(|attribute| attribute.optional || attribute.of.has_optional()),
        }
    }

    fn fill(&self, value: &Value) -> Value {
        let filled = match (&value.kind, self) {
            // Its type lacks the optional attributes; what it turns out to be will be filled in then.
            (Kind::Unknown(_), Self::Object(_)) => Value::unknown(),
            (Kind::Null(_), Self::Object(_)) => Value::null(Type::Any),
            (Kind::Unknown(_), _) if self.has_optional() => Value::unknown(),
            (Kind::Null(_), _) if self.has_optional() => Value::null(Type::Any),
            (_, Self::List(of) | Self::Set(of)) => match value.elements() {
                Some(elements) if !elements.is_empty() => Value::tuple(elements.iter().map(|it| of.fill(it))),
                _ => value.clone(),
            },
            (_, Self::Map(of)) => match value.members() {
                Some(members) if !members.is_empty() => {
                    Value::object(members.iter().map(|(name, member)| (Arc::clone(name), of.fill(member))))
                }
                _ => value.clone(),
            },
            (Kind::Tuple(elements), Self::Tuple(of)) if elements.len() == of.len() => {
                Value::tuple(elements.iter().zip(of).map(|(element, of)| of.fill(element)))
            }
            (_, Self::Object(of)) => match value.members() {
                Some(members) => Value::from(Kind::Object(Arc::new(fill_object(of, members)))),
                None => value.clone(),
            },
            _ => value.clone(),
        };
        filled.marked(value.sensitive)
    }

    /// Reads a type expression. What is wrong with it is pushed to `diagnostics`, and there is no constraint then.
    pub fn from_expression(expression: &Expression, diagnostics: &mut Diagnostics) -> Option<Self> {
        read(expression, 0, diagnostics)
    }
}

fn fill_object(
    of: &BTreeMap<Arc<str>, AttributeConstraint>,
    members: &BTreeMap<Arc<str>, Value>,
) -> BTreeMap<Arc<str>, Value> {
    let mut filled = members.clone();
    for (name, attribute) in of {
        let value = match (members.get(name), &attribute.default) {
            (Some(member), Some(default)) if member.is_null() => default.clone(),
            (Some(member), _) => attribute.of.fill(member),
            (None, Some(default)) => default.clone(),
            (None, None) if attribute.optional => Value::null(attribute.of.to_type()),
            (None, None) => continue,
        };
        filled.insert(Arc::clone(name), value);
    }
    filled
}

fn invalid(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("invalid-type", message).at(span)
}

fn read(expression: &Expression, depth: usize, diagnostics: &mut Diagnostics) -> Option<TypeConstraint> {
    let problem = match &expression.kind {
        _ if depth > MAX_DEPTH => invalid(expression.span, "types are nested too deeply"),
        ExpressionKind::Broken => return None,
        ExpressionKind::Parentheses(inner) => return read(inner, depth + 1, diagnostics),
        ExpressionKind::Variable(name) => match &**name {
            "string" => return Some(TypeConstraint::String),
            "number" => return Some(TypeConstraint::Number),
            "bool" => return Some(TypeConstraint::Bool),
            "any" => return Some(TypeConstraint::Any),
            name => bare_name(name, expression.span),
        },
        ExpressionKind::Call(call) => return read_call(call, depth, diagnostics),
        ExpressionKind::String(text) => {
            let problem = invalid(expression.span, "a type is written without quotes");
            match text.value().trim() {
                "list" | "map" => problem.help("write `list(string)` or `map(string)`"),
                name if PRIMITIVES.contains(&name) => problem.help(format!("write `{name}`")),
                _ => problem,
            }
        }
        _ => invalid(expression.span, "this is not a type").help(known_types()),
    };
    diagnostics.push(problem);
    None
}

fn known_types() -> &'static str {
    "types are `string`, `number`, `bool`, `any`, `list(…)`, `set(…)`, `map(…)`, `object({…})` and `tuple([…])`"
}

fn bare_name(name: &str, span: Span) -> Diagnostic {
    match name {
        "list" | "set" | "map" => invalid(span, format!("`{name}` needs the type of its elements"))
            .help(format!("write `{name}(string)`, or `{name}(any)` for elements of any one type")),
        "object" => {
            invalid(span, "`object` needs the types of its attributes").help("write `object({ name = string })`")
        }
        "tuple" => invalid(span, "`tuple` needs the types of its elements").help("write `tuple([string, number])`"),
        "optional" => optional_outside(span),
        _ => unknown_type(name, span),
    }
}

fn unknown_type(name: &str, span: Span) -> Diagnostic {
    let names = PRIMITIVES.into_iter().chain(CONSTRUCTORS);
    let help = match closest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => known_types().to_owned(),
    };
    invalid(span, format!("there is no type `{name}`")).help(help)
}

fn optional_outside(span: Span) -> Diagnostic {
    invalid(span, "`optional` is for attributes of an object type").help("write `object({ name = optional(string) })`")
}

fn read_call(call: &Call, depth: usize, diagnostics: &mut Diagnostics) -> Option<TypeConstraint> {
    let name = &*call.name.value;
    if PRIMITIVES.contains(&name) {
        diagnostics.push(
            invalid(call.parentheses, format!("`{name}` takes no arguments")).help(format!("write `{name}` alone")),
        );
        return None;
    }
    if name == "optional" {
        diagnostics.push(optional_outside(call.name.span));
        return None;
    }
    if !CONSTRUCTORS.contains(&name) {
        diagnostics.push(unknown_type(name, call.name.span));
        return None;
    }
    let [argument] = &*call.arguments else {
        let problem = if call.arguments.is_empty() {
            bare_name(name, call.name.span)
        } else {
            invalid(call.parentheses, format!("`{name}` takes one argument, not {}", call.arguments.len()))
        };
        diagnostics.push(problem);
        return None;
    };
    match name {
        "object" => read_object(argument, depth, diagnostics),
        "tuple" => read_tuple(argument, depth, diagnostics),
        _ => {
            let of = Box::new(read(argument, depth + 1, diagnostics)?);
            Some(match name {
                "list" => TypeConstraint::List(of),
                "set" => TypeConstraint::Set(of),
                _ => TypeConstraint::Map(of),
            })
        }
    }
}

fn read_tuple(argument: &Expression, depth: usize, diagnostics: &mut Diagnostics) -> Option<TypeConstraint> {
    let ExpressionKind::Tuple(elements) = &argument.kind else {
        if !matches!(argument.kind, ExpressionKind::Broken) {
            let problem = invalid(argument.span, "`tuple` needs a list of types in brackets");
            diagnostics.push(problem.help("write `tuple([string, number])`"));
        }
        return None;
    };
    let read: Vec<_> = elements.iter().map(|element| read(element, depth + 1, diagnostics)).collect();
    read.into_iter().collect::<Option<_>>().map(TypeConstraint::Tuple)
}

fn read_object(argument: &Expression, depth: usize, diagnostics: &mut Diagnostics) -> Option<TypeConstraint> {
    let ExpressionKind::Object(items) = &argument.kind else {
        if !matches!(argument.kind, ExpressionKind::Broken) {
            let problem = invalid(argument.span, "`object` needs its attributes in braces");
            diagnostics.push(problem.help("write `object({ name = string })`"));
        }
        return None;
    };
    let mut attributes = BTreeMap::new();
    let mut sound = true;
    for item in items {
        let name = item.key.literal().map(|name| Arc::from(name.value));
        if let (None, ObjectKey::Expression(key)) = (&name, &item.key) {
            diagnostics.push(invalid(key.span, "the name of an attribute is needed here"));
        }
        let attribute = read_attribute(&item.value, depth + 1, diagnostics);
        match (name, attribute) {
            (Some(name), Some(attribute)) => {
                attributes.insert(name, attribute);
            }
            _ => sound = false,
        }
    }
    sound.then_some(TypeConstraint::Object(attributes))
}

fn read_attribute(expression: &Expression, depth: usize, diagnostics: &mut Diagnostics) -> Option<AttributeConstraint> {
    let call = match &expression.kind {
        ExpressionKind::Call(call) if &*call.name.value == "optional" => call,
        _ => {
            let of = read(expression, depth, diagnostics)?;
            return Some(AttributeConstraint { of, optional: false, default: None });
        }
    };
    let (of, default) = match &*call.arguments {
        [of] => (of, None),
        [of, default] => (of, Some(default)),
        arguments => {
            let count = arguments.len();
            let problem = invalid(
                call.parentheses,
                format!("`optional` takes a type and perhaps a default, not {count} arguments"),
            );
            diagnostics.push(problem.help("write `optional(string)` or `optional(string, \"default\")`"));
            return None;
        }
    };
    let of = read(of, depth, diagnostics)?;
    let Some(default) = default else { return Some(AttributeConstraint { of, optional: true, default: None }) };
    match of.apply(&eval::evaluate_constant(default, diagnostics)) {
        Ok(value) => Some(AttributeConstraint { of, optional: true, default: Some(value) }),
        Err(mismatch) => {
            let message = format!("the default does not have the type of the attribute: {mismatch}");
            diagnostics.push(Diagnostic::error("type-mismatch", message).at(default.span));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::tree::{self, Node};

    fn read(node: Node) -> (Option<TypeConstraint>, String) {
        let mut sources = tree::Written::default();
        let expression = sources.write(node);
        let mut diagnostics = Diagnostics::default();
        let constraint = TypeConstraint::from_expression(&expression, &mut diagnostics);
        (constraint, sources.show(diagnostics))
    }

    fn constraint(node: Node) -> TypeConstraint {
        let (constraint, messages) = read(node);
        assert_eq!(messages, "");
        constraint.expect("sound")
    }

    fn message(node: Node) -> String {
        let (constraint, messages) = read(node);
        assert_eq!(constraint, None);
        messages
    }

    fn name(name: &str) -> Node {
        tree::variable(name)
    }

    #[test]
    fn types_are_read_whole() {
        let server = tree::object([
            ("name", name("string")),
            ("ports", tree::call("list", [name("number")])),
            ("pair", tree::call("tuple", [tree::tuple([name("bool"), name("any")])])),
        ]);
        let of = constraint(tree::call("map", [tree::call("object", [server])])).to_type();
        let server = Type::object([
            ("name", Type::String),
            ("ports", Type::list(Type::Number)),
            ("pair", Type::tuple([Type::Bool, Type::Any])),
        ]);
        assert_eq!(of, Type::map(server));
    }

    #[test]
    fn optional_attributes_are_filled_in() {
        let attributes = tree::object([
            ("name", name("string")),
            ("size", tree::call("optional", [name("number"), tree::string("10")])),
            ("note", tree::call("optional", [name("string")])),
        ]);
        let of = constraint(tree::call("list", [tree::call("object", [attributes])]));
        let given = Value::tuple([
            Value::object([("name", Value::string("a"))]),
            Value::object([("name", Value::string("b")), ("size", Value::null(Type::Any)), ("x", Value::number(1))]),
        ]);
        let filled = |name: &str| {
            Value::object([
                ("name", Value::string(name)),
                ("note", Value::null(Type::String)),
                ("size", Value::number(10)),
            ])
        };
        let Type::List(element) = of.to_type() else { panic!("a list") };
        assert_eq!(of.apply(&given), Ok(Value::list((*element).clone(), [filled("a"), filled("b")])));
        let wrong = Value::tuple([Value::object([("size", Value::number(1))])]);
        assert_eq!(of.apply(&wrong).expect_err("no name").to_string(), "[0]: the attribute `name` is required");
        assert_eq!(of.apply(&Value::unknown()), Ok(Value::unknown_of(of.to_type())));
    }

    #[test]
    fn what_is_no_type_says_what_to_write() {
        assert_eq!(
            message(name("list")),
            "`list` invalid-type: `list` needs the type of its elements (write `list(string)`, or `list(any)` for elements of any one type)"
        );
        assert_eq!(
            message(tree::string("string")),
            "`\"string\"` invalid-type: a type is written without quotes (write `string`)"
        );
        assert_eq!(
            message(tree::call("list", [name("strng")])),
            "`strng` invalid-type: there is no type `strng` (did you mean `string`?)"
        );
        assert_eq!(
            message(tree::call("optional", [name("string")])),
            "`optional` invalid-type: `optional` is for attributes of an object type (write `object({ name = optional(string) })`)"
        );
        let default = tree::call("optional", [name("number"), tree::string("x")]);
        assert_eq!(
            message(tree::call("object", [tree::object([("a", default)])])),
            "`\"x\"` type-mismatch: the default does not have the type of the attribute: a number is required, and this string does not hold one"
        );
    }

    #[test]
    fn all_mistakes_of_a_type_are_told() {
        let object = tree::object([("a", name("strin")), ("b", name("map"))]);
        assert_eq!(
            message(tree::call("object", [object])),
            "`strin` invalid-type: there is no type `strin` (did you mean `string`?)\n\
             `map` invalid-type: `map` needs the type of its elements (write `map(string)`, or `map(any)` for elements of any one type)"
        );
    }
}
