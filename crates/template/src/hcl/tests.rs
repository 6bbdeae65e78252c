//! What HCL becomes: a compact print of trees, and of mistakes.

mod json;
mod limits;
mod mistakes;
mod places;
mod recovery;
mod trees;

use crate::diagnostic::Diagnostics;
use crate::hcl;
use crate::source::{Origin, Sources};
use crate::syntax::{BinaryOperator, Body, Expression, ExpressionKind, ObjectKey, TemplatePart, UnaryOperator};

/// Parses a text; returns its sources, tree, and mistakes as `line:column-line:column code: message`.
fn parse(text: &str) -> (Sources, Body, Vec<String>) {
    let sources = Sources::default();
    let file = sources.add("test.pkr.hcl", Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    let body = hcl::parse(file, text, &mut diagnostics);
    let reports = diagnostics
        .into_sorted()
        .into_iter()
        .map(|report| {
            let span = report.primary.expect("a place").span;
            let (start, end) = sources.range(span);
            let end =
                if start.line == end.line { end.column.to_string() } else { format!("{}:{}", end.line, end.column) };
            format!("{}:{}-{end} {}: {}", start.line, start.column, report.code, report.message)
        })
        .collect();
    (sources, body, reports)
}

/// The tree of a sound text.
fn tree(text: &str) -> String {
    let (_, body, reports) = parse(text);
    assert_eq!(reports, Vec::<String>::new(), "{text}");
    dump_body(&body)
}

/// The tree of the expression `text`.
fn value(text: &str) -> String {
    tree(&format!("a = {text}\n")).trim_start_matches("a = ").to_owned()
}

fn dump_body(body: &Body) -> String {
    let attributes = body.attributes.iter().map(|item| format!("{} = {}", item.name.value, dump(&item.value)));
    let blocks = body.blocks.iter().map(|block| {
        let labels: String = block.labels.iter().map(|label| format!(" {:?}", label.value)).collect();
        format!("{}{labels} {{{}}}", block.kind.value, dump_body(&block.body))
    });
    attributes.chain(blocks).collect::<Vec<_>>().join("; ")
}

fn dump_all<'e>(expressions: impl IntoIterator<Item = &'e Expression>) -> String {
    expressions.into_iter().map(dump).collect::<Vec<_>>().join(" ")
}

/// Operators first, `@` is the element of a splat, `!!` what could not be read.
fn dump(expression: &Expression) -> String {
    match &expression.kind {
        ExpressionKind::Null => "null".to_owned(),
        ExpressionKind::Bool(value) => value.to_string(),
        ExpressionKind::Number(number) => number.to_string(),
        ExpressionKind::String(text) => format!("{:?}", text.value()),
        ExpressionKind::Template(parts) => format!("<{}>", dump_parts(parts)),
        ExpressionKind::Tuple(items) => format!("[{}]", dump_all(items)),
        ExpressionKind::Object(items) => {
            let items = items.iter().map(|item| match &item.key {
                ObjectKey::Name(name) => format!("{}: {}", name.value, dump(&item.value)),
                ObjectKey::Expression(key) => format!("({}): {}", dump(key), dump(&item.value)),
            });
            format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
        }
        ExpressionKind::Variable(name) => name.to_string(),
        ExpressionKind::Attribute { on, name } => format!("(. {} {})", dump(on), name.value),
        ExpressionKind::Index { on, key } => format!("(at {} {})", dump(on), dump(key)),
        ExpressionKind::Splat { on, each, .. } => format!("(each {} {})", dump(on), dump(each)),
        ExpressionKind::Element => "@".to_owned(),
        ExpressionKind::Call(call) => {
            let expansion = if call.expand_last { "..." } else { "" };
            format!("{}({}{expansion})", call.name.value, dump_all(&call.arguments))
        }
        ExpressionKind::Unary { operator, operand } => match operator.value {
            UnaryOperator::Not => format!("(! {})", dump(operand)),
            UnaryOperator::Negate => format!("(- {})", dump(operand)),
        },
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
            format!("({operator} {} {})", dump(left), dump(right))
        }
        ExpressionKind::Conditional { condition, yes, no } => format!("(? {})", dump_all([&**condition, yes, no])),
        ExpressionKind::For(each) => {
            let key_name = each.key_name.as_ref().map_or(String::new(), |name| format!("{},", name.value));
            let key = each.key.as_ref().map_or(String::new(), |key| format!("{} => ", dump(key)));
            let group = if each.group { "..." } else { "" };
            let condition = each.condition.as_ref().map_or(String::new(), |value| format!(" if {}", dump(value)));
            let (name, collection, value) = (&each.value_name.value, dump(&each.collection), dump(&each.value));
            format!("(for {key_name}{name} in {collection}: {key}{value}{group}{condition})")
        }
        ExpressionKind::Parentheses(inner) => format!("({})", dump(inner)),
        ExpressionKind::Broken => "!!".to_owned(),
    }
}

fn dump_parts(parts: &[TemplatePart]) -> String {
    let parts = parts.iter().map(|part| match part {
        TemplatePart::Literal(text) => format!("{:?}", text.value()),
        TemplatePart::Interpolation(expression) => format!("${{{}}}", dump(expression)),
        TemplatePart::If { condition, yes, no, .. } => {
            format!("if({}){{{}}}{{{}}}", dump(condition), dump_parts(yes), dump_parts(no))
        }
        TemplatePart::For { key_name, value_name, collection, body, .. } => {
            let key_name = key_name.as_ref().map_or(String::new(), |name| format!("{},", name.value));
            format!("for({key_name}{} in {}){{{}}}", value_name.value, dump(collection), dump_parts(body))
        }
    });
    parts.collect::<Vec<_>>().join(" ")
}
