//! The tree of `hcl-edit` and our own, printed so that they can be compared: operators first, every name with its
//! place, text with escapes, strip markers and heredoc indentation applied.
//!
//! `hcl-edit` leaves strip markers to its evaluator and removes the indentation of `<<-` before they act, where Go does
//! it after. So blanks at the starts of lines are left out of such heredocs.

use hcl_edit::Span as _;
use hcl_edit::expr as edit;
use hcl_edit::structure::{BlockLabel, Structure};
use hcl_edit::template::{Directive, Element, Template};
use imgforge_template::syntax::{
    BinaryOperator, Body, Expression, ExpressionKind, ObjectKey, TemplatePart, UnaryOperator,
};
use std::ops::Range;

/// Our tree of a text.
pub(crate) fn ours(text: &str, body: &Body) -> String {
    let attributes = body.attributes.iter().map(|item| {
        format!("{}{} = {}", item.name.value, place(item.name.span.range()), expression(text, &item.value))
    });
    let blocks = body.blocks.iter().map(|block| {
        let labels: String =
            block.labels.iter().map(|label| format!(" {:?}{}", label.value, place(label.span.range()))).collect();
        format!("{}{}{labels} {{\n{}}}", block.kind.value, place(block.kind.span.range()), ours(text, &block.body))
    });
    attributes.chain(blocks).map(|item| item + "\n").collect()
}

/// The tree of `hcl-edit`, arguments before blocks as in ours.
pub(crate) fn theirs(body: &hcl_edit::structure::Body) -> String {
    let (mut attributes, mut blocks) = (String::new(), String::new());
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                let value = &attribute.value;
                let name = format!("{}{}", attribute.key.as_str(), spanned(attribute.key.span()));
                attributes.push_str(&format!("{name} = {}{}\n", lower(value), spanned(value.span())));
            }
            Structure::Block(block) => {
                let labels = block.labels.iter().map(|label| {
                    let text = match label {
                        BlockLabel::Ident(name) => name.as_str(),
                        BlockLabel::String(text) => text.as_str(),
                    };
                    format!(" {text:?}{}", spanned(label.span()))
                });
                let labels: String = labels.collect();
                let kind = format!("{}{}", block.ident.as_str(), spanned(block.ident.span()));
                blocks.push_str(&format!("{kind}{labels} {{\n{}}}\n", theirs(&block.body)));
            }
        }
    }
    attributes + &blocks
}

fn place(range: Range<usize>) -> String {
    format!("@{}-{}", range.start, range.end)
}

fn spanned(range: Option<Range<usize>>) -> String {
    range.map_or("@none".to_owned(), place)
}

/// The value of an argument, with its place.
fn expression(text: &str, value: &Expression) -> String {
    print(text, value) + &place(value.span.range())
}

/// `hcl-edit` takes the sign of a literal into it.
fn number(value: &str) -> String {
    match value.strip_prefix('-') {
        Some(value) => format!("(- {})", number(value)),
        None => value.parse::<f64>().map_or("no number".to_owned(), |value| format!("{value:?}")),
    }
}

fn all(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(" ")
}

fn print(text: &str, value: &Expression) -> String {
    let go = |inner: &Expression| print(text, inner);
    match &value.kind {
        ExpressionKind::Null => "null".to_owned(),
        ExpressionKind::Bool(value) => value.to_string(),
        ExpressionKind::Number(value) => number(&value.to_string()),
        ExpressionKind::String(_) | ExpressionKind::Template(_) => {
            let mut pieces = Pieces::default();
            match &value.kind {
                ExpressionKind::String(text) => pieces.literal(text.value()),
                ExpressionKind::Template(parts) => part_pieces(text, parts, &mut pieces),
                _ => {}
            }
            let start = text.get(value.span.range()).unwrap_or_default();
            pieces.print(start.starts_with("<<-"))
        }
        ExpressionKind::Tuple(items) => format!("[{}]", all(items.iter().map(go))),
        ExpressionKind::Object(items) => {
            let items = items.iter().map(|item| match &item.key {
                ObjectKey::Name(name) => format!("{}: {}", name.value, go(&item.value)),
                ObjectKey::Expression(key) => format!("({}): {}", go(key), go(&item.value)),
            });
            format!("{{{}}}", all(items))
        }
        ExpressionKind::Variable(name) => name.to_string(),
        ExpressionKind::Attribute { on, name } => format!("(. {} {})", go(on), name.value),
        ExpressionKind::Index { on, key } => format!("(at {} {})", go(on), go(key)),
        ExpressionKind::Splat { on, each, .. } => format!("(each {} {})", go(on), go(each)),
        ExpressionKind::Element => "@".to_owned(),
        ExpressionKind::Call(call) => {
            let expansion = if call.expand_last { "..." } else { "" };
            format!("{}({}{expansion})", call.name.value, all(call.arguments.iter().map(go)))
        }
        ExpressionKind::Unary { operator, operand } => {
            let operator = if operator.value == UnaryOperator::Not { "!" } else { "-" };
            format!("({operator} {})", go(operand))
        }
        ExpressionKind::Binary { left, operator, right } => {
            let operator = match operator.value {
                BinaryOperator::Or => "||",
                BinaryOperator::And => "&&",
                BinaryOperator::Equal => "==",
                BinaryOperator::NotEqual => "!=",
                BinaryOperator::Less => "<",
                BinaryOperator::LessOrEqual => "<=",
                BinaryOperator::Greater => ">",
                BinaryOperator::GreaterOrEqual => ">=",
                BinaryOperator::Add => "+",
                BinaryOperator::Subtract => "-",
                BinaryOperator::Multiply => "*",
                BinaryOperator::Divide => "/",
                BinaryOperator::Modulo => "%",
            };
            format!("({operator} {} {})", go(left), go(right))
        }
        ExpressionKind::Conditional { condition, yes, no } => format!("(? {} {} {})", go(condition), go(yes), go(no)),
        ExpressionKind::For(each) => {
            let key_name = each.key_name.as_ref().map_or(String::new(), |name| format!("{},", name.value));
            let key = each.key.as_ref().map_or(String::new(), |key| format!("{} => ", go(key)));
            let group = if each.group { "..." } else { "" };
            let condition = each.condition.as_ref().map_or(String::new(), |value| format!(" if {}", go(value)));
            let (name, collection, value) = (&each.value_name.value, go(&each.collection), go(&each.value));
            format!("(for {key_name}{name} in {collection}: {key}{value}{group}{condition})")
        }
        ExpressionKind::Parentheses(inner) => format!("({})", go(inner)),
        ExpressionKind::Broken => "broken".to_owned(),
    }
}

fn part_pieces(text: &str, parts: &[TemplatePart], pieces: &mut Pieces) {
    for part in parts {
        match part {
            TemplatePart::Literal(literal) => pieces.literal(literal.value()),
            TemplatePart::Interpolation(inner) => pieces.other(format!("${{{}}}", print(text, inner)), false, false),
            TemplatePart::If { condition, yes, no, .. } => {
                pieces.other(format!("if({}){{", print(text, condition)), false, false);
                part_pieces(text, yes, pieces);
                pieces.other("}{".to_owned(), false, false);
                part_pieces(text, no, pieces);
                pieces.other("}".to_owned(), false, false);
            }
            TemplatePart::For { key_name, value_name, collection, body, .. } => {
                let key_name = key_name.as_ref().map_or(String::new(), |name| format!("{},", name.value));
                let collection = print(text, collection);
                pieces.other(format!("for({key_name}{} in {collection}){{", value_name.value), false, false);
                part_pieces(text, body, pieces);
                pieces.other("}".to_owned(), false, false);
            }
        }
    }
}

fn lower(value: &edit::Expression) -> String {
    match value {
        edit::Expression::Null(_) => "null".to_owned(),
        edit::Expression::Bool(value) => value.value().to_string(),
        edit::Expression::Number(value) => number(&value.value().to_string()),
        edit::Expression::String(text) => {
            let mut pieces = Pieces::default();
            pieces.literal(text.value());
            pieces.print(false)
        }
        edit::Expression::StringTemplate(template) => lower_template(template, false),
        edit::Expression::HeredocTemplate(heredoc) => lower_template(&heredoc.template, heredoc.indent().is_some()),
        edit::Expression::Array(items) => format!("[{}]", all(items.iter().map(lower))),
        edit::Expression::Object(object) => {
            let items = object.iter().map(|(key, value)| match key {
                edit::ObjectKey::Ident(name) => format!("{}: {}", name.as_str(), lower(value.expr())),
                edit::ObjectKey::Expression(key) => match key {
                    edit::Expression::Variable(name) => format!("{}: {}", name.as_str(), lower(value.expr())),
                    key => format!("({}): {}", lower(key), lower(value.expr())),
                },
            });
            format!("{{{}}}", all(items))
        }
        edit::Expression::Variable(name) => name.as_str().to_owned(),
        edit::Expression::Traversal(traversal) => traverse(lower(&traversal.expr), &traversal.operators),
        edit::Expression::FuncCall(call) => {
            let namespace: String = call.name.namespace.iter().map(|part| format!("{}::", part.as_str())).collect();
            let expansion = if call.args.expand_final() { "..." } else { "" };
            format!("{namespace}{}({}{expansion})", call.name.name.as_str(), all(call.args.iter().map(lower)))
        }
        edit::Expression::UnaryOp(operation) => format!("({} {})", operation.operator.value(), lower(&operation.expr)),
        edit::Expression::BinaryOp(operation) => {
            let operator = operation.operator.value();
            format!("({operator} {} {})", lower(&operation.lhs_expr), lower(&operation.rhs_expr))
        }
        edit::Expression::Conditional(test) => {
            format!("(? {} {} {})", lower(&test.cond_expr), lower(&test.true_expr), lower(&test.false_expr))
        }
        edit::Expression::ForExpr(each) => {
            let intro = &each.intro;
            let key_name = intro.key_var.as_ref().map_or(String::new(), |name| format!("{},", name.as_str()));
            let key = each.key_expr.as_ref().map_or(String::new(), |key| format!("{} => ", lower(key)));
            let group = if each.grouping { "..." } else { "" };
            let condition = each.cond.as_ref().map_or(String::new(), |test| format!(" if {}", lower(&test.expr)));
            let (name, collection) = (intro.value_var.as_str(), lower(&intro.collection_expr));
            format!("(for {key_name}{name} in {collection}: {key}{}{group}{condition})", lower(&each.value_expr))
        }
        edit::Expression::Parenthesis(inner) => format!("({})", lower(inner.inner())),
    }
}

fn traverse(mut on: String, operators: &[hcl_edit::Decorated<edit::TraversalOperator>]) -> String {
    let mut rest = operators.iter();
    while let Some(operator) = rest.next() {
        on = match operator.value() {
            edit::TraversalOperator::GetAttr(name) => format!("(. {on} {})", name.as_str()),
            edit::TraversalOperator::Index(key) => format!("(at {on} {})", lower(key)),
            edit::TraversalOperator::LegacyIndex(index) => format!("(at {on} {})", number(&index.value().to_string())),
            // Takes all that follows.
            edit::TraversalOperator::FullSplat(_) => {
                return format!("(each {on} {})", traverse("@".to_owned(), rest.as_slice()));
            }
            // Takes the names and old indexes that follow.
            edit::TraversalOperator::AttrSplat(_) => {
                let following = rest.as_slice();
                let is_taken = |operator: &hcl_edit::Decorated<edit::TraversalOperator>| {
                    matches!(
                        operator.value(),
                        edit::TraversalOperator::GetAttr(_) | edit::TraversalOperator::LegacyIndex(_)
                    )
                };
                let count = following.iter().take_while(|operator| is_taken(operator)).count();
                let (taken, left) = following.split_at(count);
                rest = left.iter();
                format!("(each {on} {})", traverse("@".to_owned(), taken))
            }
        };
    }
    on
}

fn lower_template(template: &Template, is_indented: bool) -> String {
    let mut pieces = Pieces::default();
    element_pieces(template, &mut pieces);
    pieces.print(is_indented)
}

fn element_pieces(template: &Template, pieces: &mut Pieces) {
    for element in template {
        match element {
            Element::Literal(text) => pieces.literal(text),
            Element::Interpolation(inner) => {
                let shown = format!("${{{}}}", lower(&inner.expr));
                pieces.other(shown, inner.strip.strip_start(), inner.strip.strip_end());
            }
            Element::Directive(directive) => directive_pieces(directive, pieces),
        }
    }
}

fn directive_pieces(directive: &Directive, pieces: &mut Pieces) {
    match directive {
        Directive::If(directive) => {
            let (start, end) = (&directive.if_expr, &directive.endif_expr);
            let shown = format!("if({}){{", lower(&start.cond_expr));
            pieces.other(shown, start.strip.strip_start(), start.strip.strip_end());
            element_pieces(&start.template, pieces);
            match &directive.else_expr {
                Some(middle) => {
                    pieces.other("}{".to_owned(), middle.strip.strip_start(), middle.strip.strip_end());
                    element_pieces(&middle.template, pieces);
                    pieces.other("}".to_owned(), end.strip.strip_start(), end.strip.strip_end());
                }
                None => {
                    pieces.other("}{".to_owned(), end.strip.strip_start(), false);
                    pieces.other("}".to_owned(), false, end.strip.strip_end());
                }
            }
        }
        Directive::For(directive) => {
            let (start, end) = (&directive.for_expr, &directive.endfor_expr);
            let key_name = start.key_var.as_ref().map_or(String::new(), |name| format!("{},", name.as_str()));
            let (name, collection) = (start.value_var.as_str(), lower(&start.collection_expr));
            let shown = format!("for({key_name}{name} in {collection}){{");
            pieces.other(shown, start.strip.strip_start(), start.strip.strip_end());
            element_pieces(&start.template, pieces);
            pieces.other("}".to_owned(), end.strip.strip_start(), end.strip.strip_end());
        }
    }
}

/// A template in pieces, in the order of the text.
#[derive(Default)]
struct Pieces {
    list: Vec<Piece>,
    strips_next: bool,
}

enum Piece {
    Literal(String),
    Other(String),
}

impl Pieces {
    fn literal(&mut self, text: &str) {
        let text = if std::mem::take(&mut self.strips_next) { text.trim_start() } else { text };
        match self.list.last_mut() {
            Some(Piece::Literal(last)) => last.push_str(text),
            _ => self.list.push(Piece::Literal(text.to_owned())),
        }
    }

    fn other(&mut self, shown: String, strips_before: bool, strips_after: bool) {
        if strips_before && let Some(Piece::Literal(last)) = self.list.last_mut() {
            *last = last.trim_end().to_owned();
        }
        self.list.push(Piece::Other(shown));
        self.strips_next = strips_after;
    }

    fn print(self, is_indented: bool) -> String {
        let shown = self.list.into_iter().filter_map(|piece| match piece {
            Piece::Literal(text) if text.is_empty() => None,
            Piece::Literal(text) if is_indented => {
                let lines = text.split('\n').map(|line| line.trim_start_matches([' ', '\t']));
                let text = lines.collect::<Vec<_>>().join("\n");
                (!text.is_empty()).then(|| format!("{text:?}"))
            }
            Piece::Literal(text) => Some(format!("{text:?}")),
            Piece::Other(shown) => Some(shown),
        });
        format!("<{}>", all(shown))
    }
}
