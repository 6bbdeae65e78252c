//! HCL2 written as JSON: the tree of a JSON file becomes the [`Body`] that the same template would be in HCL.
//!
//! Labels are keys of objects in each other, a list of objects is a block written several times, strings are
//! templates, and the key `//` is a comment.

mod opening;
mod schema;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::hcl;
use crate::json;
use crate::source::{FileId, Span, Spanned};
use crate::suggest;
use crate::syntax::{Attribute, Block, Body, Expression, ExpressionKind, ObjectItem, ObjectKey};
use opening::Opening;
use schema::{Kind, Property, Reading, Shape};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Reads a whole `*.pkr.json` file.
pub fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Body {
    let root = json::parse_hcl(file, text, diagnostics);
    let span = root.span;
    let mut reader = Reader { reports: Vec::new() };
    let mut items = Items::default();
    match root.kind {
        ExpressionKind::Object(_) | ExpressionKind::Tuple(_) => {
            reader.body(root, Shape::Known(&schema::ROOT), "a template", &mut items);
        }
        _ => reader.wrong(&root, "a template is an object, or a list of objects"),
    }
    hcl::report(reader.reports, diagnostics);
    items.body(span)
}

/// What was read of one body.
#[derive(Default)]
struct Items {
    attributes: Vec<Attribute>,
    blocks: Vec<Block>,
    /// Where each argument was set first.
    names: HashMap<String, Span>,
}

impl Items {
    fn body(self, span: Span) -> Body {
        Body { attributes: self.attributes, blocks: self.blocks, span }
    }
}

struct Reader {
    reports: Vec<Diagnostic>,
}

impl Reader {
    /// Adds what an object holds, or the objects of a list together; null holds nothing. Of these Packer takes the
    /// object alone where any name may stand, as in `locals`.
    fn body(&mut self, value: Expression, shape: Shape, what: &str, items: &mut Items) {
        match value.kind {
            ExpressionKind::Object(properties) => self.properties(properties, shape, items),
            ExpressionKind::Tuple(elements) if !matches!(shape, Shape::Arguments(_)) => {
                for element in elements {
                    match element.kind {
                        ExpressionKind::Object(properties) => self.properties(properties, shape, items),
                        _ => self.wrong(&element, &format!("each part of {what} is an object")),
                    }
                }
            }
            ExpressionKind::Null if !matches!(shape, Shape::Arguments(_)) => {}
            _ => self.wrong(&value, &format!("{what} is an object")),
        }
    }

    /// Reports a value of the wrong shape, unless it is broken and reported already.
    fn wrong(&mut self, value: &Expression, what: &str) {
        if value.kind != ExpressionKind::Broken {
            let message = format!("{what}, not {}", json::describe(value));
            self.reports.push(Diagnostic::error("wrong-type", message).at(value.span));
        }
    }

    fn properties(&mut self, properties: Vec<ObjectItem>, shape: Shape, items: &mut Items) {
        for ObjectItem { key, value } in properties {
            let Some(name) = key.literal() else { continue };
            if name.value == "//" {
                continue;
            }
            let name = Spanned::new(name.value.to_owned(), name.span);
            match shape.property(&name.value) {
                Property::Argument(reading) => self.argument(name, value, reading, items),
                Property::Block(kind) => {
                    let (header, span, blocks) = (name.span, value.span, items.blocks.len());
                    let is_null = value.kind == ExpressionKind::Null;
                    self.blocks(&Opening { kind, name: &name, labels: &[], header }, value, &mut items.blocks);
                    if items.blocks.len() == blocks && !is_null && is_source_of_build(kind) {
                        // Nobody knows now what is built, which is not to say that nothing is.
                        let name = Spanned::new("sources".to_owned(), header);
                        items.attributes.push(Attribute { name, value: broken(span) });
                    }
                }
                Property::Unknown if is_block_like(&name.value, &value, shape) => {
                    let (header, span) = (name.span, value.span);
                    let body = Items::default().body(span);
                    items.blocks.push(Block { kind: name, labels: Vec::new(), body, header });
                }
                Property::Unknown => self.argument(name, value, Reading::Template, items),
            }
        }
    }

    fn argument(&mut self, name: Spanned<String>, value: Expression, reading: Reading, items: &mut Items) {
        let value = self.value(value, reading);
        match items.names.entry(name.value.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(name.span);
                items.attributes.push(Attribute { name, value });
            }
            Entry::Occupied(first) => self.reports.push(
                Diagnostic::error("duplicate-argument", format!("`{}` is set twice", name.value))
                    .at(name.span)
                    .related(*first.get(), "first set here")
                    .help("keep one of the two"),
            ),
        }
    }

    /// The blocks that a value stands for, once the labels of `opening` are read.
    fn blocks(&mut self, opening: &Opening<'_>, value: Expression, blocks: &mut Vec<Block>) {
        let span = value.span;
        if opening.next_label().is_some() {
            return self.labelled(opening, value, blocks);
        }
        match value.kind {
            // An argument that is null is not set; so is a block.
            ExpressionKind::Null => {}
            ExpressionKind::Tuple(elements) => {
                for element in elements {
                    // Of several blocks that share all names, each has its bracket alone.
                    let bracket = Span { end: element.span.start + 1, ..element.span };
                    self.block(opening, element, bracket, blocks);
                }
            }
            kind => self.block(opening, Expression { kind, span }, opening.header, blocks),
        }
    }

    fn block(&mut self, opening: &Opening<'_>, value: Expression, header: Span, blocks: &mut Vec<Block>) {
        let span = value.span;
        if !matches!(value.kind, ExpressionKind::Object(_) | ExpressionKind::Tuple(_) | ExpressionKind::Null) {
            self.wrong_block(opening, &value);
            blocks.extend(opening.stand_in(span));
            return;
        }
        let mut items = Items::default();
        self.body(value, opening.shape(), &format!("a `{}` block", opening.name.value), &mut items);
        let (kind, labels) = (opening.name.clone(), opening.labels.to_vec());
        blocks.push(Block { kind, labels, body: items.body(span), header });
    }

    /// Reads the next label: the keys of an object, or of each object of a list.
    fn labelled(&mut self, opening: &Opening<'_>, value: Expression, blocks: &mut Vec<Block>) {
        let span = value.span;
        let objects = match value.kind {
            ExpressionKind::Tuple(elements) => elements,
            ExpressionKind::Broken => return,
            _ => vec![value],
        };
        let mut is_empty = true;
        for object in objects {
            match object.kind {
                ExpressionKind::Object(properties) => {
                    for ObjectItem { key, value } in properties {
                        let Some(name) = key.literal() else { continue };
                        is_empty = false;
                        let label = Spanned::new(name.value.to_owned(), name.span);
                        let labels: Vec<_> = opening.labels.iter().cloned().chain([label]).collect();
                        self.blocks(&Opening { labels: &labels, header: name.span, ..*opening }, value, blocks);
                    }
                }
                _ => {
                    is_empty = false;
                    self.wrong_block(opening, &object);
                }
            }
        }
        if is_empty {
            let message = format!("`{}` takes {}", opening.name.value, opening.kind.labels.join(" and "));
            self.reports.push(Diagnostic::error("wrong-labels", message).at(span).help(opening.example()));
        }
    }

    fn wrong_block(&mut self, opening: &Opening<'_>, value: &Expression) {
        let name = &opening.name.value;
        if opening.labels.last().is_some_and(|label| label.value == "//") {
            let message = format!("`//` stands where a label of `{name}` does");
            self.reports.push(
                Diagnostic::error("wrong-labels", message)
                    .at(opening.header)
                    .help("a comment goes into the block itself, or before all of them"),
            );
        } else if let Some(label) = opening.next_label() {
            if value.kind == ExpressionKind::Broken {
                return;
            }
            let found = json::describe(value);
            let message = format!("`{name}` takes {label}, so an object or a list of objects stands here, not {found}");
            self.reports.push(Diagnostic::error("wrong-type", message).at(value.span).help(opening.example()));
        } else {
            self.wrong(value, &format!("a `{name}` block is an object, or a list of objects"));
        }
    }

    /// A value with its strings read.
    fn value(&mut self, value: Expression, reading: Reading) -> Expression {
        let span = value.span;
        let kind = match value.kind {
            ExpressionKind::String(text) => {
                return match reading {
                    Reading::Template => hcl::template_within(&text, span, &mut self.reports),
                    Reading::Expression => hcl::expression_within(&text, span, &mut self.reports),
                    Reading::Literal => Expression { kind: ExpressionKind::String(text), span },
                };
            }
            ExpressionKind::Tuple(elements) => {
                ExpressionKind::Tuple(elements.into_iter().map(|element| self.value(element, reading)).collect())
            }
            ExpressionKind::Object(items) => ExpressionKind::Object(self.object(items, reading)),
            kind => kind,
        };
        Expression { kind, span }
    }

    /// Keys are templates too. Of those that are written out, none may be there twice.
    fn object(&mut self, items: Vec<ObjectItem>, reading: Reading) -> Vec<ObjectItem> {
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut read = Vec::with_capacity(items.len());
        for ObjectItem { key, value } in items {
            let key = match key {
                ObjectKey::Expression(key) => ObjectKey::Expression(self.value(key, reading)),
                name @ ObjectKey::Name(_) => name,
            };
            let value = self.value(value, reading);
            if let Some(name) = key.literal() {
                if let Some(first) = seen.get(name.value) {
                    self.reports.push(json::duplicate_key(name.value, name.span, *first));
                    continue;
                }
                seen.insert(name.value.to_owned(), name.span);
            }
            read.push(ObjectItem { key, value });
        }
        read
    }
}

fn broken(span: Span) -> Expression {
    Expression { kind: ExpressionKind::Broken, span }
}

/// The blocks `source` of a build have one label, those of a template two.
fn is_source_of_build(kind: &Kind) -> bool {
    kind.name == "source" && kind.labels.len() == 1
}

/// Whether an unknown property is meant to be a block rather than an argument.
fn is_block_like(name: &str, value: &Expression, shape: Shape) -> bool {
    let Shape::Known(schema) = shape else { return false };
    let is_object = |value: &Expression| matches!(value.kind, ExpressionKind::Object(_));
    let is_like = match &value.kind {
        ExpressionKind::Tuple(elements) => !elements.is_empty() && elements.iter().all(is_object),
        _ => is_object(value),
    };
    is_like && suggest::closest(name, schema.arguments.iter().map(|argument| argument.0)).is_none()
}
