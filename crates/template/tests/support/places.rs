//! What holds for every text, sound or not: places lie inside of it, tokens cover it, and a broken tree has a reason.

use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::hcl;
use imgforge_template::hcl::token::TokenKind;
use imgforge_template::source::{FileId, Origin, Sources, Span};
use imgforge_template::syntax::{Body, Expression, ExpressionKind, ObjectKey, TemplatePart};

struct Places<'t> {
    text: &'t str,
    broken: usize,
}

impl Places<'_> {
    fn span(&self, span: Span) {
        assert!(self.text.get(span.range()).is_some(), "{span:?} in {:?}", self.text);
    }

    fn body(&mut self, body: &Body) {
        self.span(body.span);
        for attribute in &body.attributes {
            self.span(attribute.name.span);
            self.expression(&attribute.value);
        }
        for block in &body.blocks {
            self.span(block.kind.span);
            self.span(block.header);
            block.labels.iter().for_each(|label| self.span(label.span));
            self.body(&block.body);
        }
    }

    fn expression(&mut self, expression: &Expression) {
        self.span(expression.span);
        match &expression.kind {
            ExpressionKind::Broken => self.broken += 1,
            ExpressionKind::String(text) => self.span(text.span(0..text.value().len())),
            ExpressionKind::Template(parts) => self.parts(parts),
            ExpressionKind::Tuple(items) => items.iter().for_each(|item| self.expression(item)),
            ExpressionKind::Object(items) => {
                for item in items {
                    match &item.key {
                        ObjectKey::Name(name) => self.span(name.span),
                        ObjectKey::Expression(key) => self.expression(key),
                    }
                    self.expression(&item.value);
                }
            }
            ExpressionKind::Attribute { on, name } => {
                self.expression(on);
                self.span(name.span);
                self.inside(expression, on);
            }
            ExpressionKind::Index { on, key } => {
                self.expression(on);
                self.expression(key);
                self.inside(expression, key);
            }
            ExpressionKind::Splat { on, each, operator } => {
                self.expression(on);
                self.expression(each);
                self.span(*operator);
                self.inside(expression, each);
            }
            ExpressionKind::Call(call) => {
                self.span(call.name.span);
                self.span(call.parentheses);
                call.arguments.iter().for_each(|argument| self.expression(argument));
            }
            ExpressionKind::Unary { operator, operand } => {
                self.span(operator.span);
                self.expression(operand);
                self.inside(expression, operand);
            }
            ExpressionKind::Binary { left, operator, right } => {
                self.span(operator.span);
                self.expression(left);
                self.expression(right);
                self.inside(expression, left);
                self.inside(expression, right);
            }
            ExpressionKind::Conditional { condition, yes, no } => {
                for part in [condition, yes, no] {
                    self.expression(part);
                    self.inside(expression, part);
                }
            }
            ExpressionKind::For(each) => {
                self.expression(&each.collection);
                self.expression(&each.value);
                each.key.iter().chain(&each.condition).for_each(|part| self.expression(part));
            }
            ExpressionKind::Parentheses(inner) => self.expression(inner),
            _ => {}
        }
    }

    fn inside(&self, outer: &Expression, inner: &Expression) {
        assert!(outer.span.start <= inner.span.start && inner.span.end <= outer.span.end, "{outer:?}");
    }

    fn parts(&mut self, parts: &[TemplatePart]) {
        for part in parts {
            match part {
                TemplatePart::Literal(text) => self.span(text.span(0..text.value().len())),
                TemplatePart::Interpolation(expression) => self.expression(expression),
                TemplatePart::If { condition, yes, no, span } => {
                    self.span(*span);
                    self.expression(condition);
                    self.parts(yes);
                    self.parts(no);
                }
                TemplatePart::For { collection, body, span, .. } => {
                    self.span(*span);
                    self.expression(collection);
                    self.parts(body);
                }
            }
        }
    }
}

fn with_file(text: &str) -> FileId {
    Sources::default().add("t", Origin::File, text)
}

pub(crate) type Parse = fn(FileId, &str, &mut Diagnostics) -> Body;

/// Reads a text as a file.
pub(crate) fn check_body(text: &str, parse: Parse) {
    let mut diagnostics = Diagnostics::default();
    let body = parse(with_file(text), text, &mut diagnostics);
    let mut places = Places { text, broken: 0 };
    places.body(&body);
    for diagnostic in diagnostics.iter() {
        let labels = diagnostic.primary.iter().chain(&diagnostic.related);
        labels.for_each(|label| places.span(label.span));
        assert!(diagnostic.primary.is_some());
    }
    assert!(places.broken == 0 || diagnostics.has_errors(), "broken without a reason: {text:?}");
}

/// Reads a text as a file, as an expression and as a template.
pub(crate) fn check_tree(text: &str) {
    check_body(text, hcl::parse);
    for parse in [hcl::parse_expression, hcl::parse_template] {
        let mut diagnostics = Diagnostics::default();
        let expression = parse(with_file(text), text, &mut diagnostics);
        let mut places = Places { text, broken: 0 };
        places.expression(&expression);
        assert!(places.broken == 0 || diagnostics.has_errors(), "broken without a reason: {text:?}");
    }
}

/// Splits a text into tokens.
pub(crate) fn check_tokens(text: &str) {
    let tokens = hcl::tokenize(with_file(text), text, &mut Diagnostics::default());
    let mut at = 0;
    for token in &tokens {
        let range = token.span.range();
        let gap = text.get(at..range.start).expect("tokens in order");
        assert!(gap.trim_start_matches('\u{feff}').trim().is_empty(), "{gap:?} is in no token of {text:?}");
        assert!(text.get(range.clone()).is_some());
        at = range.end;
    }
    assert_eq!(tokens.last().map(|token| token.kind), Some(TokenKind::End));
    assert_eq!(at, text.len());
    let open = tokens.iter().filter(|token| {
        matches!(
            token.kind,
            TokenKind::OpenQuote | TokenKind::OpenHeredoc | TokenKind::OpenInterpolation | TokenKind::OpenDirective
        )
    });
    let closed = tokens.iter().filter(|token| {
        matches!(token.kind, TokenKind::CloseQuote | TokenKind::CloseHeredoc | TokenKind::CloseTemplate)
    });
    assert_eq!(open.count(), closed.count(), "{text:?}");
}
