//! Trees of HCL2 written out again, in one way whatever they were written like.

use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::hcl;
use imgforge_template::source::{Origin, Sources};
use imgforge_template::syntax::{
    BinaryOperator, Body, Expression, ExpressionKind, For, ObjectItem, ObjectKey, TemplatePart, UnaryOperator,
};

/// A sound text is the same tree when it is written out and read again.
pub(crate) fn check(text: &str) {
    let read = |text: &str| {
        let mut diagnostics = Diagnostics::default();
        let file = Sources::default().add("t", Origin::File, text);
        let tree = hcl::parse(file, text, &mut diagnostics);
        (tree, diagnostics)
    };
    let (tree, diagnostics) = read(text);
    if diagnostics.has_errors() {
        return;
    }
    let once = body(&tree);
    let (again, diagnostics) = read(&once);
    assert!(!diagnostics.has_errors(), "{once}\n{diagnostics:?}");
    assert_eq!(body(&again), once);
}

/// A whole file: arguments, then blocks.
fn body(body: &Body) -> String {
    let mut text = String::new();
    for attribute in &body.attributes {
        text += &format!("{} = {}\n", attribute.name.value, expression(&attribute.value));
    }
    for block in &body.blocks {
        let labels: String = block.labels.iter().map(|label| format!(" {}", quoted(&label.value))).collect();
        text += &format!("{}{labels} {{\n{}}}\n", block.kind.value, self::body(&block.body));
    }
    text
}

fn expression(written: &Expression) -> String {
    let operand = |part: &Expression| match &stripped(part).kind {
        ExpressionKind::Unary { .. }
        | ExpressionKind::Binary { .. }
        | ExpressionKind::Conditional { .. }
        | ExpressionKind::Splat { .. } => format!("({})", expression(part)),
        _ => expression(part),
    };
    match &written.kind {
        ExpressionKind::Null => "null".to_owned(),
        ExpressionKind::Bool(value) => value.to_string(),
        ExpressionKind::Number(number) => number.to_string(),
        ExpressionKind::String(text) => quoted(text.value()),
        ExpressionKind::Template(parts) => format!("\"{}\"", template(parts)),
        ExpressionKind::Tuple(elements) => format!("[{}]", list(elements)),
        ExpressionKind::Object(items) => {
            format!("{{{}}}", items.iter().map(item).collect::<Vec<_>>().join(", "))
        }
        ExpressionKind::Variable(name) => name.to_string(),
        ExpressionKind::Attribute { on, name } => format!("{}.{}", operand(on), name.value),
        ExpressionKind::Index { on, key } => format!("{}[{}]", operand(on), expression(key)),
        ExpressionKind::Splat { on, each, .. } => format!("{}[*]{}", operand(on), steps(each)),
        ExpressionKind::Element => String::new(),
        ExpressionKind::Call(call) => {
            let more = if call.expand_last { "..." } else { "" };
            format!("{}({}{more})", call.name.value, list(&call.arguments))
        }
        ExpressionKind::Unary { operator, operand: part } => {
            let sign = match operator.value {
                UnaryOperator::Not => "!",
                UnaryOperator::Negate => "-",
            };
            format!("{sign}{}", operand(part))
        }
        ExpressionKind::Binary { left, operator, right } => {
            format!("{} {} {}", operand(left), sign(operator.value), operand(right))
        }
        ExpressionKind::Conditional { condition, yes, no } => {
            format!("{} ? {} : {}", operand(condition), operand(yes), operand(no))
        }
        ExpressionKind::For(each) => for_expression(each),
        ExpressionKind::Parentheses(inner) => expression(inner),
        ExpressionKind::Broken => panic!("a sound tree has nothing broken"),
    }
}

fn stripped(mut written: &Expression) -> &Expression {
    while let ExpressionKind::Parentheses(inner) = &written.kind {
        written = inner;
    }
    written
}

/// What follows a splat: no parentheses may stand in there.
fn steps(each: &Expression) -> String {
    match &each.kind {
        ExpressionKind::Attribute { on, name } => format!("{}.{}", steps(on), name.value),
        ExpressionKind::Index { on, key } => format!("{}[{}]", steps(on), expression(key)),
        ExpressionKind::Splat { on, each, .. } => format!("{}[*]{}", steps(on), steps(each)),
        _ => String::new(),
    }
}

fn list(parts: &[Expression]) -> String {
    parts.iter().map(expression).collect::<Vec<_>>().join(", ")
}

fn item(item: &ObjectItem) -> String {
    let key = match &item.key {
        ObjectKey::Name(name) => name.value.to_string(),
        ObjectKey::Expression(key) => format!("({})", expression(key)),
    };
    format!("{key} = {}", expression(&item.value))
}

fn for_expression(each: &For) -> String {
    let key_name = each.key_name.as_ref().map(|name| format!("{}, ", name.value)).unwrap_or_default();
    let intro = format!("for {key_name}{} in {} : ", each.value_name.value, expression(&each.collection));
    let condition = each.condition.as_ref().map(|test| format!(" if {}", expression(test))).unwrap_or_default();
    let value = expression(&each.value);
    match &each.key {
        None => format!("[{intro}{value}{condition}]"),
        Some(key) => {
            let group = if each.group { "..." } else { "" };
            format!("{{{intro}{} => {value}{group}{condition}}}", expression(key))
        }
    }
}

fn template(parts: &[TemplatePart]) -> String {
    let part = |part: &TemplatePart| match part {
        TemplatePart::Literal(text) => escaped(text.value()),
        TemplatePart::Interpolation(inner) => format!("${{{}}}", expression(inner)),
        TemplatePart::If { condition, yes, no, .. } => {
            format!("%{{if {}}}{}%{{else}}{}%{{endif}}", expression(condition), template(yes), template(no))
        }
        TemplatePart::For { key_name, value_name, collection, body, .. } => {
            let key_name = key_name.as_ref().map(|name| format!("{}, ", name.value)).unwrap_or_default();
            let collection = expression(collection);
            format!("%{{for {key_name}{} in {collection}}}{}%{{endfor}}", value_name.value, template(body))
        }
    };
    parts.iter().map(part).collect()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            // A `$` may come to stand before a `{`.
            '"' | '\\' | '$' | '%' => escaped += &format!("\\u{:04x}", u32::from(character)),
            _ if character.is_control() || !character.is_ascii() => {
                escaped += &format!("\\U{:08x}", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

fn sign(operator: BinaryOperator) -> &'static str {
    match operator {
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
    }
}
