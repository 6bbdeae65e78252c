//! What types arguments have, and how values are written that only legacy JSON takes for them.

use crate::number::Number;
use crate::syntax::{Expression, ExpressionKind};
use crate::value::Kind;
use crate::weak;

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Builder,
    Provisioner,
    PostProcessor,
}

/// What is known of components.
pub trait Kinds {
    /// The type of an argument in the words of HCL2: `list(string)`, or `block` or `blocks` for what is written as
    /// one; `None` where it is not known. `path` leads through the blocks that it is in.
    fn kind(&self, part: Part, component: &str, path: &[&str]) -> Option<String>;

    /// The plugin that a component comes from: what the names of its components begin with, and its address. `None` for
    /// one that comes with Packer itself.
    fn plugin(&self, component: &str) -> Option<(&'static str, &'static str)>;
}

/// What becomes of a value.
pub(super) enum Written {
    AsIs,
    /// Left out: it means that the argument is not given.
    Nothing,
    /// Other text than what the value would be.
    Text(String),
    /// A list of the parts between commas, if they are more than one.
    Split,
    /// In the brackets of a list.
    Listed,
}

/// How to write a value that HCL2 would not take for the type, as JSON does.
pub(super) fn fit(value: &Expression, kind: &str) -> Written {
    let is_list = kind.starts_with("list(") || kind.starts_with("set(") || kind == "blocks";
    match (kind, &value.kind) {
        (_, ExpressionKind::Null) => Written::Nothing,
        (_, ExpressionKind::String(text)) if is_list && text.value().is_empty() => Written::Nothing,
        (_, ExpressionKind::String(_)) if is_list => Written::Split,
        (_, ExpressionKind::Number(_) | ExpressionKind::Bool(_) | ExpressionKind::Object(_)) if is_list => {
            Written::Listed
        }
        ("bool" | "number", ExpressionKind::String(text)) if text.value().is_empty() => Written::Nothing,
        ("bool", ExpressionKind::String(text)) => {
            let value = weak::bool(&Kind::String(text.value().into()), text.value());
            value.map_or(Written::AsIs, |value| Written::Text(value.to_string()))
        }
        ("bool", ExpressionKind::Number(number)) => Written::Text((!number.is_zero()).to_string()),
        ("number", ExpressionKind::String(text)) => {
            let kind = Kind::String(text.value().into());
            let digits = weak::integer(&kind, text.value().to_owned());
            if Number::parse(&digits).is_some() { Written::Text(digits) } else { Written::AsIs }
        }
        ("number", ExpressionKind::Bool(value)) => Written::Text(i32::from(*value).to_string()),
        _ => Written::AsIs,
    }
}
