//! Which properties of a template in JSON are arguments and which are blocks: in JSON both look the same.

/// What stands in a body.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Known(&'static Schema),
    /// Any arguments, and no blocks.
    Arguments(Reading),
    /// The arguments of a component. Its blocks are arguments too, whose values are objects; all but `dynamic`.
    Component,
}

/// All that a body may hold.
pub(super) struct Schema {
    pub(super) arguments: &'static [(&'static str, Reading)],
    pub(super) blocks: &'static [Kind],
}

/// A kind of block.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// What each label is.
    pub(super) labels: &'static [&'static str],
    pub(super) body: Shape,
}

/// How the strings of a value are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As templates; one interpolation alone has a type of its own.
    Template,
    /// As they are, because nothing can be referred to there.
    Literal,
    /// As an expression: a type, or a name.
    Expression,
}

/// What a property of a body is.
pub(super) enum Property {
    Argument(Reading),
    Block(&'static Kind),
    Unknown,
}

impl Shape {
    pub(super) fn property(self, name: &str) -> Property {
        match self {
            Self::Known(schema) => {
                let argument = schema.arguments.iter().find(|argument| argument.0 == name);
                let block = schema.blocks.iter().find(|block| block.name == name);
                match (argument, block) {
                    (Some((_, reading)), _) => Property::Argument(*reading),
                    (None, Some(kind)) => Property::Block(kind),
                    (None, None) => Property::Unknown,
                }
            }
            Self::Arguments(reading) => Property::Argument(reading),
            Self::Component if name == DYNAMIC.name => Property::Block(&DYNAMIC),
            Self::Component => Property::Argument(Reading::Template),
        }
    }
}

impl Kind {
    const fn new(name: &'static str, labels: &'static [&'static str], body: Shape) -> Self {
        Self { name, labels, body }
    }

    /// The shape of a block that has these labels.
    pub(super) fn shape(&self, label: Option<&str>) -> Shape {
        match (self.name, label) {
            ("dynamic", Some("post-processors")) => Shape::Known(&DYNAMIC_SEQUENCE),
            _ => self.body,
        }
    }
}

use Reading::{Expression, Literal, Template};
use Shape::{Arguments, Component, Known};

pub(super) static ROOT: Schema = Schema {
    arguments: &[],
    blocks: &[
        Kind::new("packer", &[], Known(&PACKER)),
        Kind::new("variable", &["a name"], Known(&VARIABLE)),
        Kind::new("variables", &[], Arguments(Template)),
        Kind::new("local", &["a name"], Known(&LOCAL)),
        Kind::new("locals", &[], Arguments(Template)),
        Kind::new("data", &["a type", "a name"], Component),
        Kind::new("source", &["a type", "a name"], Component),
        Kind::new("build", &[], Known(&BUILD)),
        Kind::new("hcp_packer_registry", &[], Component),
        Kind::new("communicator", &["a type", "a name"], Component),
    ],
};

static PACKER: Schema = Schema {
    arguments: &[("required_version", Literal)],
    blocks: &[Kind::new("required_plugins", &[], Arguments(Literal))],
};

static VARIABLE: Schema = Schema {
    arguments: &[("type", Expression), ("default", Template), ("description", Literal), ("sensitive", Literal)],
    blocks: &[Kind::new("validation", &[], Known(&VALIDATION))],
};

static VALIDATION: Schema = Schema { arguments: &[("condition", Template), ("error_message", Literal)], blocks: &[] };

static LOCAL: Schema = Schema { arguments: &[("expression", Template), ("sensitive", Literal)], blocks: &[] };

static BUILD: Schema = Schema {
    arguments: &[("name", Template), ("description", Template), ("sources", Template)],
    blocks: &[
        Kind::new("source", &["a reference"], Component),
        Kind::new("provisioner", &["a type"], Component),
        Kind::new("error-cleanup-provisioner", &["a type"], Component),
        Kind::new("post-processor", &["a type"], Component),
        Kind::new("post-processors", &[], Known(&SEQUENCE)),
        Kind::new("hcp_packer_registry", &[], Component),
        Kind::new("from", &["a reference"], Component),
        DYNAMIC_KIND,
    ],
};

static SEQUENCE: Schema =
    Schema { arguments: &[], blocks: &[Kind::new("post-processor", &["a type"], Component), DYNAMIC_KIND] };

static DYNAMIC: Kind = DYNAMIC_KIND;

const DYNAMIC_KIND: Kind = Kind::new("dynamic", &["a kind of block"], Known(&DYNAMIC_COMPONENT));

const DYNAMIC_ARGUMENTS: &[(&str, Reading)] = &[("for_each", Template), ("iterator", Expression), ("labels", Template)];

static DYNAMIC_COMPONENT: Schema =
    Schema { arguments: DYNAMIC_ARGUMENTS, blocks: &[Kind::new("content", &[], Component)] };

static DYNAMIC_SEQUENCE: Schema =
    Schema { arguments: DYNAMIC_ARGUMENTS, blocks: &[Kind::new("content", &[], Known(&SEQUENCE))] };
