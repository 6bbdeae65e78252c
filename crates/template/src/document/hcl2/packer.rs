//! The `packer` block: which version of Packer, and which plugins, a template asks for.

use super::Reader;
use crate::diagnostic::Diagnostic;
use crate::document::{Plugin, Requirement};
use crate::requirement;
use crate::source::{Span, Spanned};
use crate::syntax::{Attribute, Block, Expression, ExpressionKind, ObjectKey};

/// As many parts as the address of a plugin may have, host and all: more is no path of any registry.
const MAX_PARTS: usize = 16;

impl Reader<'_> {
    pub(super) fn packer(&mut self, block: &Block) {
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
        for plugins in block.body.blocks.iter().filter(|inner| inner.kind.value == "required_plugins") {
            if self.labels(plugins, &[]).is_none() {
                continue;
            }
            self.no_blocks(plugins, "`required_plugins`");
            for attribute in &plugins.body.attributes {
                self.plugin(attribute);
            }
        }
    }

    fn plugin(&mut self, attribute: &Attribute) {
        let name = &attribute.name;
        if !self.first(format!("required_plugins.{}", name.value), name.span) {
            return;
        }
        if name.value.to_lowercase() != name.value {
            let message = format!("the name of a plugin is written in lower case: `{}`", name.value);
            self.diagnostics.push(Diagnostic::error("invalid-name", message).at(name.span));
        }
        let ExpressionKind::Object(items) = &attribute.value.kind else {
            if attribute.value.kind != ExpressionKind::Broken {
                let message = format!("the requirement of `{}` is an object with `source` and `version`", name.value);
                self.diagnostics.push(Diagnostic::error("wrong-type", message).at(attribute.value.span));
            }
            return;
        };
        let (mut version, mut source) = (None, None);
        for item in items {
            let (key, span) = match &item.key {
                ObjectKey::Name(key) => (key.value.to_string(), key.span),
                ObjectKey::Expression(Expression { kind: ExpressionKind::String(text), span }) => {
                    (text.value().to_owned(), *span)
                }
                ObjectKey::Expression(expression) => (String::new(), expression.span),
            };
            match key.as_str() {
                "version" => version = Some(&item.value),
                "source" => source = Some(&item.value),
                _ => {
                    let message = "the requirement of a plugin has `source` and `version`, nothing else";
                    self.diagnostics.push(Diagnostic::error("unknown-argument", message).at(span));
                }
            }
        }
        for (argument, value) in [("version", version), ("source", source)] {
            if value.is_none() {
                let message = format!("the requirement of `{}` has no `{argument}`", name.value);
                self.diagnostics.push(Diagnostic::error("missing-argument", message).at(name.span));
            }
        }
        let version = version.and_then(|version| self.literal(version, "version"));
        let version = version.filter(|version| self.plugin_version(version)).map(|version| version.value);
        if let Some(source) = source.and_then(|source| self.literal(source, "source")) {
            match plugin_source(&source.value) {
                Ok(()) => self.document.plugins.push(Plugin { name: name.clone(), source, version }),
                Err(why) => self.plugin_problem("invalid-plugin-source", &source.value, why, source.span),
            }
        }
    }

    /// Whether it is a constraint; reports why not.
    fn plugin_version(&mut self, version: &Spanned<String>) -> bool {
        let why = match requirement::is_met(&version.value, "1.0.0") {
            Err(why) => why,
            Ok(_) if version.value.contains('-') => "a constraint can't name a pre-release".to_owned(),
            Ok(_) => return true,
        };
        self.plugin_problem("invalid-version", &version.value, &why, version.span);
        false
    }

    fn plugin_problem(&mut self, code: &'static str, text: &str, why: &str, span: Span) {
        let (what, help) = match code {
            "invalid-version" => ("a version constraint", "write, for example, `>= 1.7.0, < 2.0.0` or `~> 1.9`"),
            _ => ("the source of a plugin", "write, for example, `github.com/hashicorp/qemu`"),
        };
        self.diagnostics.push(Diagnostic::error(code, format!("`{text}` is not {what}: {why}")).at(span).help(help));
    }
}

/// Whether a text is the address of a plugin: a host, and at least two parts of a path.
///
/// # Errors
/// What is wrong with it.
pub fn plugin_source(text: &str) -> Result<(), &'static str> {
    if text.contains("://") {
        return Err("it is written without a scheme");
    }
    if text.contains(['?', '#']) {
        return Err("it has no query and no fragment");
    }
    let parts: Vec<&str> = text.split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err("a part of it is empty");
    }
    let Some(name) = parts.last().filter(|_| parts.len() >= 3) else {
        return Err("it needs a host and at least two further parts");
    };
    if parts.len() > MAX_PARTS {
        return Err("it has more than 16 parts");
    }
    if name.starts_with("packer-") {
        return Err("its last part goes without `packer-plugin-`");
    }
    if name.contains("--") || name.contains('.') || name.starts_with('-') || name.ends_with('-') {
        return Err("its last part has letters, digits and single dashes inside");
    }
    Ok(())
}
