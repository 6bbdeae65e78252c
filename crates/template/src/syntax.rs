//! The syntax tree that both template languages become. Parsing never fails: what could not be read is
//! [`ExpressionKind::Broken`], and the diagnostics say why.

use crate::number::Number;
use crate::source::{Span, Spanned, Text};
use std::sync::Arc;

/// What stands between the braces of a block, or in a whole file.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    pub attributes: Vec<Attribute>,
    pub blocks: Vec<Block>,
    /// The whole body; of a block with its braces.
    pub span: Span,
}

/// `name = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub name: Spanned<String>,
    pub value: Expression,
}

/// `kind "label" "label" { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub kind: Spanned<String>,
    pub labels: Vec<Spanned<String>>,
    pub body: Body,
    /// Kind and labels, without the brace: where "something is missing in here" points.
    pub header: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    pub kind: ExpressionKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    Null,
    Bool(bool),
    Number(Number),
    /// A string without interpolation (all strings of legacy JSON; its quotes are in the span, not in the text).
    String(Arc<Text>),
    /// A quoted string or heredoc with at least one interpolation or directive.
    Template(Vec<TemplatePart>),
    Tuple(Vec<Expression>),
    Object(Vec<ObjectItem>),
    /// The first name of a reference: `var` of `var.region`.
    Variable(Arc<str>),
    /// `on.name`
    Attribute {
        on: Box<Expression>,
        name: Spanned<Arc<str>>,
    },
    /// `on[key]`, and the legacy `on.0`.
    Index {
        on: Box<Expression>,
        key: Box<Expression>,
    },
    /// `on.*…` and `on[*]…`: `each` is evaluated for each element, which it sees as [`ExpressionKind::Element`].
    Splat {
        on: Box<Expression>,
        each: Box<Expression>,
        operator: Span,
    },
    /// The element of the innermost splat around it.
    Element,
    Call(Call),
    Unary {
        operator: Spanned<UnaryOperator>,
        operand: Box<Expression>,
    },
    Binary {
        left: Box<Expression>,
        operator: Spanned<BinaryOperator>,
        right: Box<Expression>,
    },
    Conditional {
        condition: Box<Expression>,
        yes: Box<Expression>,
        no: Box<Expression>,
    },
    For(Box<For>),
    Parentheses(Box<Expression>),
    /// What could not be parsed. Evaluates to an unknown value, silently: the mistake is reported already.
    Broken,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ObjectItem {
    pub key: ObjectKey,
    pub value: Expression,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ObjectKey {
    /// A bare identifier, or a keyword (`null`, `true`) taken as a name.
    Name(Spanned<Arc<str>>),
    /// Any other expression: quoted as all of JSON are, parenthesised, a number, or the mistake `a.b = 1`.
    Expression(Expression),
}

impl ObjectKey {
    /// The name and its place, if it is written out.
    pub fn literal(&self) -> Option<Spanned<&str>> {
        match self {
            Self::Name(name) => Some(Spanned::new(&*name.value, name.span)),
            Self::Expression(Expression { kind: ExpressionKind::String(text), span }) => {
                Some(Spanned::new(text.value(), *span))
            }
            Self::Expression(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub name: Spanned<Arc<str>>,
    pub arguments: Vec<Expression>,
    /// The last argument is followed by `...`.
    pub expand_last: bool,
    /// From the opening to the closing parenthesis.
    pub parentheses: Span,
}

/// `[for k, v in collection : value if condition]` or `{for … : key => value... if condition}`.
#[derive(Clone, Debug, PartialEq)]
pub struct For {
    pub key_name: Option<Spanned<Arc<str>>>,
    pub value_name: Spanned<Arc<str>>,
    pub collection: Expression,
    /// `Some` makes an object.
    pub key: Option<Expression>,
    pub value: Expression,
    /// `...` after the value of an object: values of equal keys are gathered in tuples.
    pub group: bool,
    pub condition: Option<Expression>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    /// Text with escapes and strip markers already applied, and heredoc indentation removed.
    Literal(Arc<Text>),
    /// `${…}`
    Interpolation(Expression),
    /// `%{if …}…%{else}…%{endif}`
    If { condition: Expression, yes: Vec<TemplatePart>, no: Vec<TemplatePart>, span: Span },
    /// `%{for k, v in …}…%{endfor}`
    For {
        key_name: Option<Spanned<Arc<str>>>,
        value_name: Spanned<Arc<str>>,
        collection: Expression,
        body: Vec<TemplatePart>,
        span: Span,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    Not,
    Negate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}
