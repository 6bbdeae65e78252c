//! Which parts of a written value do not have the type that is wanted.

use crate::convert::{Mismatch, Step};
use crate::source::Span;
use crate::syntax::{Expression, ExpressionKind};
use crate::type_constraint::TypeConstraint;
use crate::value::Value;

/// As many are told: more are no slips.
const MAX_PARTS: usize = 20;

/// The smallest parts of a value that do not fit, as far as the objects and tuples around them are written out, and
/// where these parts stand. Not empty if the value does not fit.
pub(super) fn wrong_parts(
    expression: &Expression,
    value: &Value,
    constraint: &TypeConstraint,
) -> Vec<(Span, Mismatch)> {
    let mut search = Search { path: Vec::new(), found: Vec::new() };
    search.visit(expression, value, constraint);
    search.found
}

struct Search {
    path: Vec<Step>,
    found: Vec<(Span, Mismatch)>,
}

impl Search {
    fn visit(&mut self, expression: &Expression, value: &Value, constraint: &TypeConstraint) {
        if self.found.len() == MAX_PARTS {
            return;
        }
        let Err(mismatch) = constraint.apply(value) else { return };
        let before = self.found.len();
        let mut written = expression;
        while let ExpressionKind::Parentheses(inner) = &written.kind {
            written = inner;
        }
        match &written.kind {
            ExpressionKind::Tuple(parts) => self.elements(parts, value, constraint),
            ExpressionKind::Object(_) => self.members(written, value, constraint),
            _ => {}
        }
        if self.found.len() == before {
            self.add(expression.span, mismatch);
        }
    }

    fn add(&mut self, span: Span, mut mismatch: Mismatch) {
        mismatch.path.splice(0..0, self.path.iter().cloned());
        self.found.push((span, mismatch));
    }

    fn elements(&mut self, parts: &[Expression], value: &Value, constraint: &TypeConstraint) {
        let elements = value.elements().unwrap_or_default();
        for (index, (part, element)) in parts.iter().zip(elements).enumerate() {
            let of = match constraint {
                TypeConstraint::List(of) | TypeConstraint::Set(of) => Some(&**of),
                TypeConstraint::Tuple(of) if of.len() == elements.len() => of.get(index),
                _ => None,
            };
            if let Some(of) = of {
                self.inside(Step::Index(index), part, element, of);
            }
        }
    }

    fn members(&mut self, object: &Expression, value: &Value, constraint: &TypeConstraint) {
        let (ExpressionKind::Object(items), Some(members)) = (&object.kind, value.members()) else { return };
        if let TypeConstraint::Object(of) = constraint {
            for (name, attribute) in of {
                if !members.contains_key(name) && !attribute.optional {
                    self.add(object.span, Mismatch::missing(name));
                }
            }
        }
        for item in items {
            let Some(name) = item.key.literal() else { continue };
            let Some((name, member)) = members.get_key_value(name.value) else { continue };
            let of = match constraint {
                TypeConstraint::Map(of) => Some(&**of),
                TypeConstraint::Object(of) => of.get(name).map(|attribute| &attribute.of),
                _ => None,
            };
            if let Some(of) = of {
                self.inside(Step::Attribute(name.clone()), &item.value, member, of);
            }
        }
    }

    fn inside(&mut self, step: Step, part: &Expression, value: &Value, constraint: &TypeConstraint) {
        self.path.push(step);
        self.visit(part, value, constraint);
        self.path.pop();
    }
}
