//! The syntax tree of a Go template. All ranges are byte ranges of the template's value.

use super::functions::Signature;
use super::token::Number;
use std::ops::Range;
use std::sync::Arc;

#[derive(Debug)]
pub(super) enum Node {
    Text(Range<usize>),
    /// `{{pipeline}}`: written, unless it sets a variable.
    Output(Pipeline),
    /// `{{if}}` and `{{with}}`, and their `else if` and `else with`: the first that holds counts.
    Branch {
        /// The dot becomes the condition's value.
        with: bool,
        branches: Vec<(Pipeline, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    Range {
        over: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    /// `{{template}}` and `{{block}}`.
    Template {
        name: Name,
        dot: Option<Pipeline>,
    },
    Break,
    Continue,
}

/// `$a := command | command`
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) variables: Vec<Name>,
    /// `=` rather than `:=`.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Command>,
    pub(super) range: Range<usize>,
}

/// A value, or a function with its arguments.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) first: Operand,
    /// Empty unless `first` is a function.
    pub(super) arguments: Vec<Operand>,
    pub(super) range: Range<usize>,
}

#[derive(Debug)]
pub(super) struct Operand {
    pub(super) kind: OperandKind,
    pub(super) range: Range<usize>,
}

#[derive(Debug)]
pub(super) enum OperandKind {
    Dot,
    Variable(Arc<str>),
    Function(&'static Signature),
    Text(Arc<str>),
    Number(Number),
    Bool(bool),
    Nil,
    Pipeline(Box<Pipeline>),
    /// `.a.b`, `$x.a`, `(…).a`
    Fields {
        on: Box<Operand>,
        fields: Vec<Name>,
    },
    /// What could not be read. Its value is not known, and nothing more is said of it.
    Broken,
}

#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) name: Arc<str>,
    pub(super) range: Range<usize>,
}
