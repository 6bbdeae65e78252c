//! From the tree of HCL2 files to a [`Document`]: which blocks and arguments there are, and what is written twice.

mod build;
mod packer;
mod variable;

pub use packer::plugin_source;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Data, Document, Language, Local, Registry, Source};
use crate::repeat::Repeat;
use crate::source::{Span, Spanned};
use crate::suggest;
use crate::syntax::{Block, Body, Expression, ExpressionKind};
use std::collections::BTreeMap;
use std::sync::Arc;

const ROOT_BLOCKS: &[&str] = &[
    "packer",
    "variable",
    "variables",
    "local",
    "locals",
    "data",
    "source",
    "build",
    "hcp_packer_registry",
    "communicator",
];

/// Makes one document of the files of a template, in their order.
pub fn document(files: Vec<Body>, diagnostics: &mut Diagnostics) -> Document {
    let mut reader = Reader { document: Document::new(Language::Hcl2), seen: BTreeMap::new(), diagnostics };
    for file in files {
        reader.file(file);
    }
    reader.document
}

struct Reader<'a> {
    document: Document,
    /// Where each name was declared first: `variable x`, `source qemu.x`.
    seen: BTreeMap<String, Span>,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn file(&mut self, file: Body) {
        for attribute in &file.attributes {
            let message = format!("`{}` stands outside of any block", attribute.name.value);
            self.diagnostics.push(
                Diagnostic::error("unexpected-argument", message)
                    .at(attribute.name.span)
                    .help("a template consists of blocks; values of variables belong into a `.pkrvars.hcl` file"),
            );
        }
        for block in file.blocks {
            match block.kind.value.as_str() {
                "packer" => self.packer(&block),
                "variable" => self.variable(block),
                "variables" => self.variables(block),
                "local" => self.local(block),
                "locals" => self.locals(block),
                "source" => self.source(block),
                "build" => self.build(block),
                "data" => self.data(block),
                "hcp_packer_registry" => {
                    if self.first("hcp_packer_registry".to_owned(), block.header) {
                        self.registry(block, None);
                    }
                }
                "communicator" => {
                    self.labels(&block, &["a type", "a name"]);
                    self.ignored_block(&block, "write its arguments into the `source` blocks");
                }
                _ => {
                    self.unknown_block(&block, ROOT_BLOCKS, "a template");
                    // Nor are references to what would have been made.
                    self.document.is_open |= block.kind.value == "dynamic";
                    if let [_, _] = block.labels.as_slice() {
                        // Perhaps meant as a source: references to it are no further mistake.
                        self.source(block);
                    }
                }
            }
        }
    }

    fn unknown_block(&mut self, block: &Block, known: &[&str], place: &str) {
        let name = &block.kind.value;
        let diagnostic =
            Diagnostic::error("unknown-block", format!("{place} has no block `{name}`")).at(block.kind.span);
        self.diagnostics.push(match suggest::closest(name, known.iter().copied()) {
            Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
            None if known.is_empty() => diagnostic.help("it has arguments only, `name = value`"),
            None => diagnostic.help(format!("the blocks are {}", known.join(", "))),
        });
    }

    /// Packer reads it and never looks at it again.
    fn ignored_block(&mut self, block: &Block, help: &str) {
        let message = format!("nothing looks at a `{}` block, whatever is in it", block.kind.value);
        self.diagnostics.push(Diagnostic::warning("ignored-block", message).at(block.header).help(help));
    }

    /// Reports arguments and blocks other than these.
    fn check(&mut self, body: &Body, arguments: &[&str], blocks: &[&str], place: &str) {
        for attribute in &body.attributes {
            let name = &attribute.name.value;
            if arguments.contains(&name.as_str()) {
                continue;
            }
            let diagnostic = Diagnostic::error("unknown-argument", format!("{place} has no argument `{name}`"))
                .at(attribute.name.span);
            self.diagnostics.push(match suggest::closest(name, arguments.iter().copied()) {
                Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
                None => diagnostic,
            });
        }
        for block in &body.blocks {
            if !blocks.contains(&block.kind.value.as_str()) {
                self.unknown_block(block, blocks, place);
            }
        }
    }

    fn no_blocks(&mut self, block: &Block, place: &str) {
        for inner in &block.body.blocks {
            self.unknown_block(inner, &[], place);
        }
    }

    /// The labels of a block if they are as many as `wanted`, which says what each is.
    fn labels(&mut self, block: &Block, wanted: &[&str]) -> Option<Vec<Spanned<String>>> {
        if block.labels.len() == wanted.len() {
            return Some(block.labels.clone());
        }
        let kind = &block.kind.value;
        let message = if wanted.is_empty() {
            format!("`{kind}` takes no label")
        } else {
            format!("`{kind}` takes {}, as in `{kind} {}`", wanted.join(" and "), vec!["\"…\""; wanted.len()].join(" "))
        };
        self.diagnostics.push(Diagnostic::error("wrong-labels", message).at(block.header));
        None
    }

    /// True the first time; else says where the first one stands.
    fn first(&mut self, key: String, span: Span) -> bool {
        if let Some(first) = self.seen.get(&key) {
            self.diagnostics.push(
                Diagnostic::error("duplicate-declaration", format!("`{key}` is declared twice"))
                    .at(span)
                    .related(*first, "declared here first"),
            );
            return false;
        }
        self.seen.insert(key, span);
        true
    }

    /// A string that must be written out, since it is needed before anything is evaluated.
    fn literal(&mut self, expression: &Expression, name: &str) -> Option<Spanned<String>> {
        match &expression.kind {
            ExpressionKind::String(text) => Some(Spanned::new(text.value().to_owned(), expression.span)),
            ExpressionKind::Broken => None,
            _ => {
                let message = format!("`{name}` takes a string without references");
                self.diagnostics.push(Diagnostic::error("wrong-type", message).at(expression.span));
                None
            }
        }
    }

    /// The same where a number or bool is taken for its text.
    fn literal_text(&mut self, expression: &Expression, name: &str) -> Option<String> {
        match &expression.kind {
            ExpressionKind::Number(number) => Some(number.to_string()),
            ExpressionKind::Bool(value) => Some(value.to_string()),
            _ => self.literal(expression, name).map(|text| text.value),
        }
    }

    fn literal_bool(&mut self, expression: &Expression, name: &str) -> Option<bool> {
        match &expression.kind {
            ExpressionKind::Bool(value) => Some(*value),
            ExpressionKind::String(text) if matches!(text.value(), "true" | "false") => Some(text.value() == "true"),
            ExpressionKind::Broken => None,
            _ => {
                let message = format!("`{name}` takes `true` or `false`, written out");
                self.diagnostics.push(Diagnostic::error("wrong-type", message).at(expression.span));
                None
            }
        }
    }

    fn local(&mut self, block: Block) {
        let Some(name) = self.labels(&block, &["a name"]).and_then(|labels| labels.into_iter().next()) else { return };
        self.check(&block.body, &["expression", "sensitive"], &[], "`local`");
        if !self.first(format!("local.{}", name.value), block.header) {
            return;
        }
        let (mut value, mut sensitive) = (None, false);
        for attribute in block.body.attributes {
            match attribute.name.value.as_str() {
                "expression" => value = Some(attribute.value),
                "sensitive" => sensitive = self.literal_bool(&attribute.value, "sensitive").unwrap_or(true),
                _ => {}
            }
        }
        let value = value.unwrap_or_else(|| {
            let message = "the argument `expression` is required";
            self.diagnostics.push(Diagnostic::error("missing-argument", message).at(block.header));
            Expression { kind: ExpressionKind::Broken, span: block.header }
        });
        self.document.locals.push(Local { name, value, sensitive });
    }

    fn locals(&mut self, block: Block) {
        if self.labels(&block, &[]).is_none() {
            return;
        }
        self.no_blocks(&block, "`locals`");
        for attribute in block.body.attributes {
            if self.first(format!("local.{}", attribute.name.value), attribute.name.span) {
                self.document.locals.push(Local { name: attribute.name, value: attribute.value, sensitive: false });
            }
        }
    }

    /// Two labels, a type and a name, both of which references can use.
    fn type_and_name(&mut self, block: &Block) -> Option<(Spanned<String>, Spanned<String>)> {
        let labels = self.labels(block, &["a type", "a name"])?;
        let [kind, name] = labels.as_slice() else { return None };
        for (what, label) in [("type", kind), ("name", name)] {
            self.identifier(label, &format!("the {what} of `{}`", block.kind.value));
        }
        Some((kind.clone(), name.clone()))
    }

    /// Reports a name that no reference could be written with.
    fn identifier(&mut self, name: &Spanned<String>, what: &str) {
        let mut characters = name.value.chars();
        let starts = characters.next().is_some_and(|first| first == '_' || unicode_ident::is_xid_start(first));
        if starts && characters.all(|next| next == '-' || unicode_ident::is_xid_continue(next)) {
            return;
        }
        let message = format!("{what} is not a valid name: `{}`", name.value);
        self.diagnostics.push(
            Diagnostic::error("invalid-name", message)
                .at(name.span)
                .help("names start with a letter or `_`, and go on with letters, digits, `_` and `-`"),
        );
    }

    fn data(&mut self, block: Block) {
        let Some((kind, name)) = self.type_and_name(&block) else { return };
        if self.first(format!("data.{}.{}", kind.value, name.value), block.header) {
            self.document.data.push(Data { kind, name, body: Arc::new(block.body), header: block.header });
        }
    }

    /// The registry is HCP's: its arguments are checked, and nothing is published there.
    fn registry(&mut self, block: Block, repeat: Option<Arc<Repeat>>) {
        if self.labels(&block, &[]).is_none() {
            return;
        }
        let arguments = ["bucket_name", "description", "labels", "bucket_labels", "build_labels", "channels"];
        self.check(&block.body, &arguments, &[], "`hcp_packer_registry`");
        if let Some(first) = self.document.registries.first() {
            self.diagnostics.push(
                Diagnostic::warning(
                    "several-registries",
                    "`packer build` takes one `hcp_packer_registry`, not several",
                )
                .at(block.header)
                .related(first.header, "the first one")
                .help("keep one, at the top of the template"),
            );
        }
        self.document.registries.push(Registry { body: block.body, header: block.header, repeat });
    }

    fn source(&mut self, block: Block) {
        let Some((kind, name)) = self.type_and_name(&block) else { return };
        if self.first(format!("source.{}.{}", kind.value, name.value), block.header) {
            self.document.sources.push(Source {
                kind,
                name,
                name_text: None,
                body: Arc::new(block.body),
                header: block.header,
            });
        }
    }
}
