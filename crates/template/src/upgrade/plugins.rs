//! The `packer` block: the version that is asked for, and the plugins that components come from.

use super::Kinds;
use super::text::{block, quoted};
use crate::document::Document;
use std::collections::BTreeSet;

/// Empty where nothing is asked for.
pub(super) fn packer_block(document: &Document, components: &dyn Kinds) -> String {
    let mut body = String::new();
    for requirement in &document.requirements {
        body.push_str(&format!("required_version = {}\n", quoted(&requirement.constraint.value)));
    }
    let steps = document.builds.iter().flat_map(|build| {
        let post_processors = build.post_processors.iter().flat_map(|sequence| &sequence.steps);
        build.provisioners.iter().chain(&build.error_cleanup_provisioner).chain(post_processors)
    });
    let kinds = document.sources.iter().map(|source| &source.kind).chain(steps.map(|step| &step.kind));
    let plugins: BTreeSet<(&str, &str)> = kinds.filter_map(|kind| components.plugin(&kind.value)).collect();
    if !plugins.is_empty() {
        let entries = plugins
            .iter()
            .map(|(name, source)| format!("{name} = {{\nsource = {}\nversion = \">= 1.0.0\"\n}}\n", quoted(source)));
        body.push_str(&block("required_plugins", &entries.collect::<String>()));
    }
    if body.is_empty() { body } else { block("packer", &body) }
}
