//! The arguments of `hcp_packer_registry`: checked as Packer checks them, and told that nothing is published there.

use crate::convert::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::eval;
use crate::scope::Scope;
use crate::syntax::{Attribute, Body};
use crate::types::Type;
use crate::value::{Kind, Value};

/// The registry's own limit, in bytes.
const MAX_DESCRIPTION: usize = 255;

/// Reports what is wrong with the arguments of one block.
pub fn check(body: &Body, scope: &Scope, diagnostics: &mut Diagnostics) {
    let mut labels = Vec::new();
    for attribute in &body.attributes {
        let value = eval::evaluate(&attribute.value, scope, diagnostics);
        let name = attribute.name.value.as_str();
        let wanted = match name {
            "bucket_name" | "description" => Type::String,
            "labels" | "bucket_labels" | "build_labels" => Type::map(Type::String),
            "channels" => Type::list(Type::String),
            // Reported as unknown already.
            _ => continue,
        };
        match convert(&value, &wanted) {
            Ok(value) => text(attribute, &value, diagnostics),
            Err(why) => {
                let message = format!("`{name}` takes {}: {why}", wanted.with_article());
                diagnostics.push(Diagnostic::error("wrong-type", message).at(attribute.value.span));
            }
        }
        if matches!(name, "labels" | "bucket_labels") {
            labels.push(attribute.name.span);
        }
    }
    if let [first, second, ..] = labels.as_slice() {
        let message = "`labels` is the old name of `bucket_labels`: set one of them";
        diagnostics
            .push(Diagnostic::error("conflicting-arguments", message).at(*second).related(*first, "set here as well"));
    }
}

fn text(attribute: &Attribute, value: &Value, diagnostics: &mut Diagnostics) {
    let Kind::String(text) = &value.kind else { return };
    let is_name = |text: &str| {
        (3..=36).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let problem = match attribute.name.value.as_str() {
        "bucket_name" if !text.is_empty() && !is_name(text) => {
            "`bucket_name` has 3 to 36 characters: letters, digits and dashes"
        }
        "description" if text.len() > MAX_DESCRIPTION => "`description` has at most 255 bytes",
        _ => return,
    };
    diagnostics.push(Diagnostic::error("invalid-value", problem).at(attribute.value.span));
}
