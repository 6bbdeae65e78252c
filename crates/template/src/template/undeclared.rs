//! Variables that stand for some that were read and never declared: `# imgforge: undeclared`, which `hcl2_upgrade` writes.

use crate::document::Document;
use crate::hcl::Remark;
use crate::source::Span;
use crate::syntax::ExpressionKind;
use crate::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Marks the variables that a comment calls so, as far as their default is empty.
pub(super) fn mark(document: &mut Document, remarks: &[Remark]) {
    for remark in remarks.iter().filter(|remark| remark.words.value == "undeclared") {
        for variable in document.variables.iter_mut().filter(|variable| remark.about.contains(variable.name.span)) {
            let default = variable.default.as_ref().map(|default| &default.kind);
            variable.is_undeclared = matches!(default, Some(ExpressionKind::String(text)) if text.value().is_empty());
        }
    }
}

/// Those that nothing gives a value, with the places where they are declared.
pub(super) fn empty(document: &Document, values: &BTreeMap<Arc<str>, Value>) -> BTreeMap<Arc<str>, Span> {
    let undeclared = document.variables.iter().filter(|variable| variable.is_undeclared);
    let declared = undeclared.filter_map(|variable| {
        let (name, value) = values.get_key_value(variable.name.value.as_str())?;
        (value.as_str() == Some("")).then(|| (name.clone(), variable.name.span))
    });
    declared.collect()
}
