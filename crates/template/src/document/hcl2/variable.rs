//! The blocks `variable` and `variables`: names, types, defaults and rules for values given from outside.

use super::Reader;
use crate::diagnostic::Diagnostic;
use crate::document::{Validation, Variable};
use crate::syntax::Block;

impl Reader<'_> {
    pub(super) fn variable(&mut self, block: Block) {
        let Some(labels) = self.labels(&block, &["a name"]) else { return };
        let arguments = ["type", "default", "description", "sensitive"];
        self.check(&block.body, &arguments, &["validation"], "`variable`");
        let Some(name) = labels.into_iter().next() else { return };
        self.identifier(&name, "the name of this variable");
        if !self.first(format!("var.{}", name.value), block.header) {
            return;
        }
        let validations = block.body.blocks.iter().filter(|inner| inner.kind.value == "validation");
        let validations = validations.filter_map(|inner| self.validation(inner)).collect();
        let mut variable =
            Variable { name, kind: None, default: None, sensitive: false, validations, is_undeclared: false };
        for attribute in block.body.attributes {
            match attribute.name.value.as_str() {
                "type" => variable.kind = Some(attribute.value),
                "default" => variable.default = Some(attribute.value),
                "sensitive" => {
                    variable.sensitive = self.literal_bool(&attribute.value, "sensitive").unwrap_or(true);
                }
                "description" => {
                    self.literal_text(&attribute.value, "description");
                }
                _ => {}
            }
        }
        self.document.variables.push(variable);
    }

    fn validation(&mut self, block: &Block) -> Option<Validation> {
        self.labels(block, &[])?;
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
        let text = error_message.value.as_str();
        // Packer's rule, which templates are written for: the message is shown as a sentence of its own.
        let is_sentence = text.ends_with(['.', '?', '!']) && !text.chars().next().is_some_and(char::is_lowercase);
        if !is_sentence {
            let message =
                "an `error_message` is a whole sentence: it starts with a capital and ends with `.`, `?` or `!`";
            self.diagnostics.push(Diagnostic::error("invalid-validation", message).at(error_message.span));
        }
        Some(Validation { condition: condition?.value.clone(), error_message })
    }

    pub(super) fn variables(&mut self, block: Block) {
        if self.labels(&block, &[]).is_none() {
            return;
        }
        self.no_blocks(&block, "`variables`");
        for attribute in block.body.attributes {
            if self.first(format!("var.{}", attribute.name.value), attribute.name.span) {
                self.document.variables.push(Variable {
                    name: attribute.name,
                    kind: None,
                    default: Some(attribute.value),
                    sensitive: false,
                    validations: Vec::new(),
                    is_undeclared: false,
                });
            }
        }
    }
}
