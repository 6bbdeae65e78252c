//! The start of a block in JSON: its kind and labels, which are keys of objects in each other.

use super::broken;
use super::schema::{Kind, Shape};
use crate::source::{Span, Spanned};
use crate::syntax::{Attribute, Block, Body};

/// A block whose labels are being read.
#[derive(Clone, Copy)]
pub(super) struct Opening<'o> {
    pub(super) kind: &'static Kind,
    pub(super) name: &'o Spanned<String>,
    pub(super) labels: &'o [Spanned<String>],
    /// Where a message about the whole block points.
    pub(super) header: Span,
}

impl Opening<'_> {
    /// What the label is that comes next; `None` when all are read.
    pub(super) fn next_label(&self) -> Option<&'static str> {
        self.kind.labels.get(self.labels.len()).copied()
    }

    pub(super) fn shape(&self) -> Shape {
        self.kind.shape(self.labels.last().map(|label| label.value.as_str()))
    }

    /// A block for what could not be read, where other places may refer to it by name: its value is broken.
    pub(super) fn stand_in(&self, span: Span) -> Option<Block> {
        let argument = match self.kind.name {
            "variable" => "default",
            "local" => "expression",
            _ => return None,
        };
        let name = Spanned::new(argument.to_owned(), span);
        let body = Body { attributes: vec![Attribute { name, value: broken(span) }], blocks: Vec::new(), span };
        Some(Block { kind: self.name.clone(), labels: self.labels.to_vec(), body, header: self.header })
    }

    pub(super) fn example(&self) -> String {
        let labels = self.kind.labels.iter().map(|label| label.rsplit(' ').next().unwrap_or_default().to_uppercase());
        let inside = labels.rev().fold("{…}".to_owned(), |inside, label| format!("{{\"{label}\": {inside}}}"));
        format!("write `\"{}\": {inside}`", self.kind.name)
    }
}
