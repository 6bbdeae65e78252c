//! From places in a cooked text to places in the file it was written in: what is parsed inside of a JSON string.

use crate::diagnostic::Diagnostic;
use crate::source::{Span, Spanned, Text};
use crate::syntax::{Expression, ExpressionKind, For, ObjectItem, ObjectKey, TemplatePart};
use std::sync::Arc;

/// Moves spans that count from the start of a text to where that text stands.
pub(super) struct Relocation<'t> {
    text: &'t Text,
    whole: Span,
}

impl<'t> Relocation<'t> {
    /// `whole` is the place of all of `text`.
    pub(super) fn new(text: &'t Text, whole: Span) -> Self {
        Self { text, whole }
    }

    /// Moves the places of a mistake.
    pub(super) fn report(&self, mut report: Diagnostic) -> Diagnostic {
        report.primary.iter_mut().chain(&mut report.related).for_each(|label| self.span(&mut label.span));
        report
    }

    fn span(&self, span: &mut Span) {
        // Nothing in an empty text has a place of its own.
        *span = if self.text.value().is_empty() { self.whole } else { self.text.span(span.range()) };
    }

    fn name(&self, name: &mut Spanned<Arc<str>>) {
        self.span(&mut name.span);
    }

    fn text(&self, text: &mut Arc<Text>) {
        *text = Arc::new(text.within(self.text));
    }

    /// Moves an expression and all in it. Goes down the long side of chains without recursion.
    pub(super) fn expression(&self, expression: &mut Expression) {
        let mut expression = expression;
        loop {
            self.span(&mut expression.span);
            expression = match &mut expression.kind {
                ExpressionKind::Null
                | ExpressionKind::Bool(_)
                | ExpressionKind::Number(_)
                | ExpressionKind::Variable(_)
                | ExpressionKind::Element
                | ExpressionKind::Broken => return,
                ExpressionKind::String(text) => return self.text(text),
                ExpressionKind::Template(parts) => return self.parts(parts),
                ExpressionKind::Tuple(elements) => {
                    return elements.iter_mut().for_each(|element| self.expression(element));
                }
                ExpressionKind::Object(items) => return items.iter_mut().for_each(|item| self.item(item)),
                ExpressionKind::Call(call) => {
                    self.name(&mut call.name);
                    self.span(&mut call.parentheses);
                    return call.arguments.iter_mut().for_each(|argument| self.expression(argument));
                }
                ExpressionKind::For(each) => return self.for_expression(each),
                ExpressionKind::Attribute { on, name } => {
                    self.name(name);
                    on
                }
                ExpressionKind::Index { on, key } => {
                    self.expression(key);
                    on
                }
                ExpressionKind::Splat { on, each, operator } => {
                    self.span(operator);
                    self.expression(each);
                    on
                }
                ExpressionKind::Unary { operator, operand } => {
                    self.span(&mut operator.span);
                    operand
                }
                ExpressionKind::Binary { left, operator, right } => {
                    self.span(&mut operator.span);
                    self.expression(right);
                    left
                }
                ExpressionKind::Conditional { condition, yes, no } => {
                    self.expression(condition);
                    self.expression(yes);
                    no
                }
                ExpressionKind::Parentheses(inner) => inner,
            };
        }
    }

    fn item(&self, item: &mut ObjectItem) {
        match &mut item.key {
            ObjectKey::Name(name) => self.name(name),
            ObjectKey::Expression(key) => self.expression(key),
        }
        self.expression(&mut item.value);
    }

    fn for_expression(&self, each: &mut For) {
        each.key_name.iter_mut().chain([&mut each.value_name]).for_each(|name| self.name(name));
        let parts = [&mut each.collection, &mut each.value].into_iter().chain(&mut each.key).chain(&mut each.condition);
        parts.for_each(|part| self.expression(part));
    }

    fn parts(&self, parts: &mut [TemplatePart]) {
        for part in parts {
            match part {
                TemplatePart::Literal(text) => self.text(text),
                TemplatePart::Interpolation(expression) => self.expression(expression),
                TemplatePart::If { condition, yes, no, span } => {
                    self.span(span);
                    self.expression(condition);
                    self.parts(yes);
                    self.parts(no);
                }
                TemplatePart::For { key_name, value_name, collection, body, span } => {
                    self.span(span);
                    key_name.iter_mut().chain([value_name]).for_each(|name| self.name(name));
                    self.expression(collection);
                    self.parts(body);
                }
            }
        }
    }
}
