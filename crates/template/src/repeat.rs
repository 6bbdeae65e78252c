//! `dynamic` blocks: a block that stands there once for each element of a collection.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::eval;
use crate::number::Number;
use crate::scope::{MAX_REPEATS, Scope};
use crate::source::{Span, Spanned};
use crate::syntax::{Block, Body, Expression, ExpressionKind};
use crate::value::{Kind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a `dynamic` block says of its content.
#[derive(Clone, Debug)]
pub struct Repeat {
    pub collection: Expression,
    /// The name by which the content sees the element, as `NAME.key` and `NAME.value`.
    pub iterator: Arc<str>,
    /// A list: the labels of the block, computed for each element.
    pub labels: Option<Expression>,
}

/// A `dynamic` block as it was written.
pub struct Dynamic {
    /// The kind of block it makes.
    pub kind: Spanned<String>,
    pub content: Body,
    pub header: Span,
    pub repeat: Repeat,
}

impl Dynamic {
    /// Reads `dynamic "KIND" { for_each = …, iterator = NAME, labels = […], content { … } }`. `None` if something
    /// that it needs is missing, which is reported.
    pub fn read(block: Block, diagnostics: &mut Diagnostics) -> Option<Self> {
        let header = block.header;
        let [kind] = block.labels.as_slice() else {
            let message = "`dynamic` takes one label, the kind of block it makes";
            diagnostics.push(Diagnostic::error("wrong-labels", message).at(header));
            return None;
        };
        let kind = kind.clone();
        let (mut collection, mut iterator, mut labels, mut content) = (None, None, None, None);
        for attribute in block.body.attributes {
            match attribute.name.value.as_str() {
                "for_each" => collection = Some(attribute.value),
                "iterator" => iterator = name(&attribute.value, diagnostics),
                "labels" => labels = Some(attribute.value),
                other => {
                    let message = format!("`dynamic` has no argument `{other}`");
                    diagnostics.push(
                        Diagnostic::error("unknown-argument", message)
                            .at(attribute.name.span)
                            .help("the arguments of the block itself belong into its `content`"),
                    );
                }
            }
        }
        for inner in block.body.blocks {
            if inner.kind.value != "content" {
                let message = format!("`dynamic` has no block `{}`", inner.kind.value);
                diagnostics.push(
                    Diagnostic::error("unknown-block", message)
                        .at(inner.kind.span)
                        .help("the blocks of the block itself belong into its `content`"),
                );
            } else if content.is_some() {
                let message = "a `dynamic` block has one `content`";
                diagnostics.push(Diagnostic::error("duplicate-declaration", message).at(inner.header));
            } else {
                content = Some(inner.body);
            }
        }
        for (what, is_missing) in [("for_each", collection.is_none()), ("content", content.is_none())] {
            if is_missing {
                let message = format!("this `dynamic` block has no `{what}`");
                diagnostics.push(Diagnostic::error("missing-argument", message).at(header));
            }
        }
        let iterator = iterator.unwrap_or_else(|| kind.value.as_str().into());
        let repeat = Repeat { collection: collection?, iterator, labels };
        Some(Self { kind, content: content?, header, repeat })
    }
}

fn name(expression: &Expression, diagnostics: &mut Diagnostics) -> Option<Arc<str>> {
    if let ExpressionKind::Variable(name) = &expression.kind {
        return Some(name.clone());
    }
    if expression.kind != ExpressionKind::Broken {
        let message = "`iterator` is a plain name, without quotes";
        diagnostics.push(Diagnostic::error("wrong-type", message).at(expression.span));
    }
    None
}

fn count(collection: &Value) -> usize {
    let members = collection.members().map(BTreeMap::len);
    collection.elements().map(<[Value]>::len).or(members).unwrap_or(0)
}

impl Repeat {
    /// The iterator's name and value for each element. Where the collection is not known yet there is one, of which
    /// nothing is known, so that the mistakes of the content are found.
    pub fn elements(&self, scope: &Scope, diagnostics: &mut Diagnostics) -> Vec<(Arc<str>, Value)> {
        let collection = eval::evaluate(&self.collection, scope, diagnostics);
        if !scope.may_repeat(count(&collection)) {
            let message = format!("`dynamic` blocks make more than {MAX_REPEATS} blocks in all");
            diagnostics.push(
                Diagnostic::error("too-large", message).at(self.collection.span).help(
                    "inner blocks are made once for each outer one, and all of them for each source of the build",
                ),
            );
            return Vec::new();
        }
        let element = |key: Value, value: Value| {
            let element = Value::object([("key", key), ("value", value)]).marked(collection.sensitive);
            (self.iterator.clone(), element)
        };
        match &collection.kind {
            Kind::Unknown(_) => vec![element(Value::unknown(), Value::unknown())],
            Kind::List(_, values) | Kind::Tuple(values) => {
                let indexed = values.iter().enumerate();
                indexed
                    .map(|(index, value)| element(Kind::Number(Number::from_count(index)).into(), value.clone()))
                    .collect()
            }
            Kind::Set(_, values) => values.iter().map(|value| element(value.clone(), value.clone())).collect(),
            Kind::Map(_, members) | Kind::Object(members) => {
                members.iter().map(|(key, value)| element(Value::string(&**key), value.clone())).collect()
            }
            _ => {
                let found = collection.type_of().with_article();
                let found = if collection.is_null() { "null".to_owned() } else { found };
                let message = format!("`for_each` takes a list, set, map or object, not {found}");
                diagnostics.push(Diagnostic::error("wrong-type", message).at(self.collection.span));
                Vec::new()
            }
        }
    }

    /// The one label of the block for an element that is in the scope; `None` where it is not known, or reported.
    pub fn label(&self, scope: &Scope, diagnostics: &mut Diagnostics) -> Option<Spanned<String>> {
        let labels = self.labels.as_ref()?;
        let value = eval::evaluate(labels, scope, diagnostics);
        let only = match value.elements() {
            Some([only]) => only,
            _ if matches!(value.kind, Kind::Unknown(_)) => return None,
            _ => {
                let message = "`labels` is a list with one string here";
                diagnostics.push(Diagnostic::error("wrong-labels", message).at(labels.span));
                return None;
            }
        };
        match &only.kind {
            Kind::String(text) => Some(Spanned::new(text.to_string(), labels.span)),
            Kind::Unknown(_) => None,
            _ => {
                diagnostics.push(Diagnostic::error("wrong-labels", "a label is a string").at(labels.span));
                None
            }
        }
    }
}
