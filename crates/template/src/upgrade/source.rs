//! How builders are called as sources.

use super::text::{identifier, unique};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::document::Source;
use crate::gotemplate::{Fields, GoTemplate, User};
use crate::template::Template;
use std::sync::Arc;

/// The names of all sources.
#[derive(Default)]
pub(super) struct Sources(Vec<Named>);

/// A builder as a source.
pub(super) struct Named {
    /// As it is written in JSON, which `only`, `except` and `override` refer to.
    pub(super) raw: String,
    pub(super) kind: String,
    /// Behind the type of the `source` block.
    pub(super) label: String,
    /// Of the build: any text.
    pub(super) name: String,
}

impl Named {
    pub(super) fn reference(&self) -> String {
        format!("source.{}.{}", self.kind, self.label)
    }

    pub(super) fn needs_name(&self) -> bool {
        self.label != self.name
    }
}

impl Sources {
    pub(super) fn of(template: &Template, diagnostics: &mut Diagnostics) -> Self {
        let mut sources = Self::default();
        for source in &template.document.sources {
            let name = rendered(source, template, diagnostics);
            let kind = source.kind.value.clone();
            let is_taken = |label: &str| sources.0.iter().any(|known| known.kind == kind && known.label == label);
            let label = unique(identifier(&name), is_taken);
            sources.0.push(Named { raw: source.name.value.clone(), kind, label, name });
        }
        sources
    }

    pub(super) fn all(&self) -> &[Named] {
        &self.0
    }

    /// The source for a builder, by the name in JSON.
    pub(super) fn find(&self, raw: &str) -> Option<&Named> {
        self.0.iter().find(|source| source.raw == raw)
    }
}

/// The name of a builder with the values that its variables have now: that of a source is fixed.
fn rendered(source: &Source, template: &Template, diagnostics: &mut Diagnostics) -> String {
    let written = &source.name.value;
    let Some(text) = source.name_text.as_ref().filter(|text| crate::gotemplate::is_template(text.value())) else {
        return written.clone();
    };
    let mut ignored = Diagnostics::default();
    let user = User::Variables { values: Arc::new(template.user.clone()), undeclared: Severity::Warning };
    let context = crate::template::legacy_context(template.scope.host.clone(), &template.root, user, false);
    let name = GoTemplate::parse(text.clone(), &mut ignored).render(&context, &Fields::None, &mut ignored);
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| identifier(written));
    diagnostics.push(
        Diagnostic::warning("renamed-in-hcl2", format!("the name of this builder is `{name}` in HCL2, always"))
            .at(source.name.span)
            .help("the name of a source can't be computed; give the values that matter by `-var`"),
    );
    name
}
