//! The `build` block: what it builds from, its steps in their order, and what `dynamic` repeats.

use super::Reader;
use crate::diagnostic::Diagnostic;
use crate::document::{Build, Sequence, SourceUse, Step};
use crate::repeat::{Dynamic, Repeat};
use crate::source::Spanned;
use crate::syntax::Block;
use std::sync::Arc;

const BLOCKS: &[&str] = &[
    "source",
    "provisioner",
    "error-cleanup-provisioner",
    "post-processor",
    "post-processors",
    "hcp_packer_registry",
    "dynamic",
    "from",
];

/// What may be repeated.
const REPEATED: &[&str] = &["source", "provisioner", "post-processor", "post-processors", "hcp_packer_registry"];

impl Reader<'_> {
    pub(super) fn build(&mut self, block: Block) {
        if self.labels(&block, &[]).is_none() {
            return;
        }
        self.check(&block.body, &["name", "description", "sources"], BLOCKS, "`build`");
        let mut build = Build {
            name: None,
            description: None,
            sources: Vec::new(),
            provisioners: Vec::new(),
            error_cleanup_provisioner: None,
            post_processors: Vec::new(),
            header: block.header,
        };
        for attribute in block.body.attributes {
            match attribute.name.value.as_str() {
                "name" => build.name = Some(attribute.value),
                "description" => build.description = Some(attribute.value),
                "sources" => build.sources.push(SourceUse::List(attribute.value)),
                _ => {}
            }
        }
        for inner in block.body.blocks {
            match inner.kind.value.as_str() {
                "error-cleanup-provisioner" => {
                    if let Some(first) = &build.error_cleanup_provisioner {
                        let message = "a build has at most one `error-cleanup-provisioner`";
                        self.diagnostics.push(
                            Diagnostic::error("duplicate-declaration", message)
                                .at(inner.header)
                                .related(first.header, "declared here first"),
                        );
                    } else {
                        build.error_cleanup_provisioner = self.step(inner, None);
                    }
                }
                "dynamic" => {
                    if let Some((block, repeat)) = self.dynamic(inner, REPEATED) {
                        self.build_block(block, Some(repeat), &mut build);
                    }
                }
                _ => self.build_block(inner, None, &mut build),
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

    /// A block that may be repeated.
    fn build_block(&mut self, block: Block, repeat: Option<Arc<Repeat>>, build: &mut Build) {
        match block.kind.value.as_str() {
            "source" => build.sources.extend(self.source_use(block, repeat)),
            "provisioner" => build.provisioners.extend(self.step(block, repeat)),
            "post-processor" => {
                let sequence = self.step(block, repeat).map(|step| Sequence { steps: vec![step], repeat: None });
                build.post_processors.extend(sequence);
            }
            "post-processors" => build.post_processors.push(self.sequence(block, repeat)),
            "from" => self.ignored_block(&block, "delete it"),
            "hcp_packer_registry" => self.registry(block, repeat),
            _ => {}
        }
    }

    fn sequence(&mut self, block: Block, repeat: Option<Arc<Repeat>>) -> Sequence {
        self.check(&block.body, &[], &["post-processor", "dynamic"], "`post-processors`");
        if repeat.is_none() {
            self.labels(&block, &[]);
        }
        let mut steps = Vec::new();
        for inner in block.body.blocks {
            match inner.kind.value.as_str() {
                "post-processor" => steps.extend(self.step(inner, None)),
                "dynamic" => {
                    if let Some((block, repeat)) = self.dynamic(inner, &["post-processor"]) {
                        steps.extend(self.step(block, Some(repeat)));
                    }
                }
                _ => {}
            }
        }
        Sequence { steps, repeat }
    }

    fn source_use(&mut self, block: Block, repeat: Option<Arc<Repeat>>) -> Option<SourceUse> {
        let reference = self.label(&block, "a reference", repeat.as_deref())?;
        let mut body = block.body;
        let mut name = None;
        if let Some(index) = body.attributes.iter().position(|attribute| attribute.name.value == "name") {
            let attribute = body.attributes.remove(index);
            // Packer takes no references here, except to what `dynamic` iterates over.
            if repeat.is_some() || self.literal_text(&attribute.value, "name").is_some() {
                name = Some(attribute.value);
            }
        }
        Some(SourceUse::Block { reference, name, body: Arc::new(body), repeat })
    }

    fn step(&mut self, block: Block, repeat: Option<Arc<Repeat>>) -> Option<Step> {
        let kind = self.label(&block, "a type", repeat.as_deref())?;
        Some(Step { kind, body: Arc::new(block.body), header: block.header, repeat })
    }

    /// The one label of a block; empty where `dynamic` computes it.
    fn label(&mut self, block: &Block, what: &str, repeat: Option<&Repeat>) -> Option<Spanned<String>> {
        match repeat {
            None => self.labels(block, &[what])?.into_iter().next(),
            Some(Repeat { labels: Some(labels), .. }) => Some(Spanned::new(String::new(), labels.span)),
            Some(Repeat { labels: None, .. }) => {
                let message = format!("`{}` needs `labels`: a list with {what}", block.kind.value);
                self.diagnostics.push(Diagnostic::error("wrong-labels", message).at(block.header));
                None
            }
        }
    }

    fn dynamic(&mut self, block: Block, kinds: &[&str]) -> Option<(Block, Arc<Repeat>)> {
        let Dynamic { kind, content, header, repeat } = Dynamic::read(block, self.diagnostics)?;
        let block = Block { kind, labels: Vec::new(), body: content, header };
        if !kinds.contains(&block.kind.value.as_str()) {
            self.unknown_block(&block, kinds, "a `dynamic` block in a build");
            return None;
        }
        Some((block, Arc::new(repeat)))
    }
}
