//! What an expression refers to, found without evaluating it: locals are ordered by it.

use crate::source::Span;
use crate::syntax::{Expression, ExpressionKind, ObjectKey, TemplatePart};
use std::sync::Arc;

/// A name from outside the expression, with the attributes that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub root: Arc<str>,
    /// Names after dots, and literal strings in brackets, up to the first that is computed.
    pub path: Vec<Arc<str>>,
    pub span: Span,
}

/// Appends every reference of an expression, in the order of the text. Names that a `for` binds are left out.
pub fn references(expression: &Expression, found: &mut Vec<Reference>) {
    Walk { found, bound: Vec::new() }.expression(expression);
}

struct Walk<'a> {
    found: &'a mut Vec<Reference>,
    bound: Vec<Arc<str>>,
}

impl Walk<'_> {
    fn expression(&mut self, expression: &Expression) {
        // Chains of attributes and operators can be thousands long: walked, not recursed into.
        let mut path: Vec<Option<Arc<str>>> = Vec::new();
        let mut at = expression;
        loop {
            match &at.kind {
                ExpressionKind::Attribute { on, name } => {
                    path.push(Some(name.value.clone()));
                    at = on;
                }
                ExpressionKind::Index { on, key } => {
                    path.push(match &key.kind {
                        ExpressionKind::String(text) => Some(text.value().into()),
                        _ => {
                            self.expression(key);
                            None
                        }
                    });
                    at = on;
                }
                ExpressionKind::Splat { on, each, .. } => {
                    self.expression(each);
                    path.clear();
                    at = on;
                }
                ExpressionKind::Binary { left, right, .. } => {
                    self.expression(right);
                    path.clear();
                    at = left;
                }
                ExpressionKind::Unary { operand, .. } | ExpressionKind::Parentheses(operand) => {
                    path.clear();
                    at = operand;
                }
                ExpressionKind::Variable(root) => {
                    if !self.bound.contains(root) {
                        let path = path.into_iter().rev().map_while(|part| part).collect();
                        self.found.push(Reference { root: root.clone(), path, span: expression.span });
                    }
                    return;
                }
                _ => break,
            }
        }
        self.rest(at);
    }

    fn rest(&mut self, expression: &Expression) {
        match &expression.kind {
            ExpressionKind::Template(parts) => self.parts(parts),
            ExpressionKind::Tuple(elements) => elements.iter().for_each(|element| self.expression(element)),
            ExpressionKind::Object(items) => {
                for item in items {
                    if let ObjectKey::Expression(key) = &item.key {
                        self.expression(key);
                    }
                    self.expression(&item.value);
                }
            }
            ExpressionKind::Call(call) => call.arguments.iter().for_each(|argument| self.expression(argument)),
            ExpressionKind::Conditional { condition, yes, no } => {
                for part in [condition, yes, no] {
                    self.expression(part);
                }
            }
            ExpressionKind::For(each) => {
                self.expression(&each.collection);
                let names = each.key_name.iter().chain([&each.value_name]).map(|name| name.value.clone());
                self.binding(names.collect(), |walk| {
                    for part in each.key.iter().chain([&each.value]).chain(&each.condition) {
                        walk.expression(part);
                    }
                });
            }
            _ => {}
        }
    }

    fn parts(&mut self, parts: &[TemplatePart]) {
        for part in parts {
            match part {
                TemplatePart::Literal(_) => {}
                TemplatePart::Interpolation(expression) => self.expression(expression),
                TemplatePart::If { condition, yes, no, .. } => {
                    self.expression(condition);
                    self.parts(yes);
                    self.parts(no);
                }
                TemplatePart::For { key_name, value_name, collection, body, .. } => {
                    self.expression(collection);
                    let names = key_name.iter().chain([value_name]).map(|name| name.value.clone());
                    self.binding(names.collect(), |walk| walk.parts(body));
                }
            }
        }
    }

    fn binding(&mut self, names: Vec<Arc<str>>, work: impl FnOnce(&mut Self)) {
        let before = self.bound.len();
        self.bound.extend(names);
        work(self);
        self.bound.truncate(before);
    }
}
