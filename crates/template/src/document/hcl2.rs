//! From the tree of HCL2 files to a [`Document`]: which blocks and arguments there are, and what is written twice.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Build, Document, Language, Local, Requirement, Source, SourceUse, Step, Validation, Variable};
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

const BUILD_BLOCKS: &[&str] = &[
    "source",
    "provisioner",
    "error-cleanup-provisioner",
    "post-processor",
    "post-processors",
    "hcp_packer_registry",
    "dynamic",
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
                "data" => {
                    if self.labels(&block, &["a type", "a name"]).is_some() {
                        self.unsupported(block.header, "data sources are not supported yet");
                    }
                }
                // Nothing of ours: the registry is HCP's, and Packer ignores `communicator` too.
                "hcp_packer_registry" | "communicator" => {}
                _ => {
                    self.unknown_block(&block, ROOT_BLOCKS, "a template");
                    if let [_, _] = block.labels.as_slice() {
                        // Perhaps meant as a source: references to it are no further mistake.
                        self.source(block);
                    }
                }
            }
        }
    }

    fn unsupported(&mut self, span: Span, message: &str) {
        self.diagnostics.push(Diagnostic::error("not-supported-yet", message).at(span));
    }

    fn unknown_block(&mut self, block: &Block, known: &[&str], place: &str) {
        let name = &block.kind.value;
        let diagnostic =
            Diagnostic::error("unknown-block", format!("{place} has no block `{name}`")).at(block.kind.span);
        self.diagnostics.push(match suggest::closest(name, known.iter().copied()) {
            Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
            None => diagnostic.help(format!("the blocks are {}", known.join(", "))),
        });
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

    fn packer(&mut self, block: &Block) {
        if self.labels(block, &[]).is_none() {
            return;
        }
        self.check(&block.body, &["required_version"], &["required_plugins"], "`packer`");
        for attribute in &block.body.attributes {
            if attribute.name.value != "required_version" {
                continue;
            }
            if let Some(constraint) = self.literal(&attribute.value, "required_version") {
                self.document.requirements.push(Requirement { constraint });
            }
        }
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

    fn variable(&mut self, block: Block) {
        let Some(labels) = self.labels(&block, &["a name"]) else { return };
        let arguments = ["type", "default", "description", "sensitive"];
        self.check(&block.body, &arguments, &["validation"], "`variable`");
        let Some(name) = labels.into_iter().next() else { return };
        if !self.first(format!("var.{}", name.value), block.header) {
            return;
        }
        let validations = block.body.blocks.iter().filter(|inner| inner.kind.value == "validation");
        let validations = validations.filter_map(|inner| self.validation(inner)).collect();
        let mut variable = Variable { name, kind: None, default: None, sensitive: false, validations };
        for attribute in block.body.attributes {
            match attribute.name.value.as_str() {
                "type" => variable.kind = Some(attribute.value),
                "default" => variable.default = Some(attribute.value),
                "sensitive" => {
                    variable.sensitive = self.literal_bool(&attribute.value, "sensitive").unwrap_or(true);
                }
                "description" => {
                    self.literal(&attribute.value, "description");
                }
                _ => {}
            }
        }
        self.document.variables.push(variable);
    }

    fn validation(&mut self, block: &Block) -> Option<Validation> {
        self.check(&block.body, &["condition", "error_message"], &[], "`validation`");
        let find = |name: &str| block.body.attributes.iter().find(|attribute| attribute.name.value == name);
        let (condition, message) = (find("condition"), find("error_message"));
        for (name, found) in [("condition", condition), ("error_message", message)] {
            if found.is_none() {
                let message = format!("the argument `{name}` is required");
                self.diagnostics.push(Diagnostic::error("missing-argument", message).at(block.header));
            }
        }
        let error_message = self.literal(&message?.value, "error_message")?;
        Some(Validation { condition: condition?.value.clone(), error_message })
    }

    fn variables(&mut self, block: Block) {
        if self.labels(&block, &[]).is_none() {
            return;
        }
        for inner in &block.body.blocks {
            self.unknown_block(inner, &[], "`variables`");
        }
        for attribute in block.body.attributes {
            if self.first(format!("var.{}", attribute.name.value), attribute.name.span) {
                self.document.variables.push(Variable {
                    name: attribute.name,
                    kind: None,
                    default: Some(attribute.value),
                    sensitive: false,
                    validations: Vec::new(),
                });
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
        for inner in &block.body.blocks {
            self.unknown_block(inner, &[], "`locals`");
        }
        for attribute in block.body.attributes {
            if self.first(format!("local.{}", attribute.name.value), attribute.name.span) {
                self.document.locals.push(Local { name: attribute.name, value: attribute.value, sensitive: false });
            }
        }
    }

    fn source(&mut self, block: Block) {
        let Some(labels) = self.labels(&block, &["a type", "a name"]) else { return };
        let [kind, name] = labels.as_slice() else { return };
        if self.first(format!("source.{}.{}", kind.value, name.value), block.header) {
            self.document.sources.push(Source {
                kind: kind.clone(),
                name: name.clone(),
                name_text: None,
                body: Arc::new(block.body),
                header: block.header,
            });
        }
    }

    fn build(&mut self, block: Block) {
        if self.labels(&block, &[]).is_none() {
            return;
        }
        self.check(&block.body, &["name", "description", "sources"], BUILD_BLOCKS, "`build`");
        let mut build = Build {
            name: None,
            sources: Vec::new(),
            provisioners: Vec::new(),
            error_cleanup_provisioner: None,
            post_processors: Vec::new(),
            header: block.header,
        };
        for attribute in block.body.attributes {
            match attribute.name.value.as_str() {
                "name" => build.name = Some(attribute.value),
                "sources" => build.sources.push(SourceUse::List(attribute.value)),
                _ => {}
            }
        }
        for inner in block.body.blocks {
            match inner.kind.value.as_str() {
                "source" => build.sources.extend(self.source_use(inner)),
                "provisioner" => build.provisioners.extend(self.step(inner)),
                "error-cleanup-provisioner" => {
                    if let Some(first) = &build.error_cleanup_provisioner {
                        let message = "a build has at most one `error-cleanup-provisioner`";
                        self.diagnostics.push(
                            Diagnostic::error("duplicate-declaration", message)
                                .at(inner.header)
                                .related(first.header, "declared here first"),
                        );
                    } else {
                        build.error_cleanup_provisioner = self.step(inner);
                    }
                }
                "post-processor" => build.post_processors.extend(self.step(inner).map(|step| vec![step])),
                "post-processors" => build.post_processors.push(self.sequence(inner)),
                "dynamic" => self.unsupported(inner.header, "`dynamic` blocks are not supported yet"),
                _ => {}
            }
        }
        if build.sources.is_empty() {
            self.diagnostics.push(
                Diagnostic::error("missing-source", "this build has no source")
                    .at(block.header)
                    .help("add `sources = [\"source.TYPE.NAME\"]`"),
            );
        }
        self.document.builds.push(build);
    }

    fn sequence(&mut self, block: Block) -> Vec<Step> {
        self.check(&block.body, &[], &["post-processor", "dynamic"], "`post-processors`");
        let mut steps = Vec::new();
        for inner in block.body.blocks {
            match inner.kind.value.as_str() {
                "post-processor" => steps.extend(self.step(inner)),
                "dynamic" => self.unsupported(inner.header, "`dynamic` blocks are not supported yet"),
                _ => {}
            }
        }
        steps
    }

    fn source_use(&mut self, block: Block) -> Option<SourceUse> {
        let reference = self.labels(&block, &["a reference"])?.into_iter().next()?;
        let mut body = block.body;
        let mut name = None;
        if let Some(index) = body.attributes.iter().position(|attribute| attribute.name.value == "name") {
            let attribute = body.attributes.remove(index);
            name = self.literal(&attribute.value, "name");
        }
        Some(SourceUse::Block { reference, name, body: Arc::new(body) })
    }

    fn step(&mut self, block: Block) -> Option<Step> {
        let kind = self.labels(&block, &["a type"])?.into_iter().next()?;
        Some(Step { kind, body: Arc::new(block.body), header: block.header })
    }
}
