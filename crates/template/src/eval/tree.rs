//! Expressions for tests, written as trees: their text is made along with them, so that places can be shown.

use crate::diagnostic::Diagnostics;
use crate::number::Number;
use crate::source::{FileId, Origin, Sources, Span, Spanned, Text};
use crate::syntax::*;
use std::sync::Arc;

/// An expression that is still to be written down.
pub(crate) type Node = Box<dyn FnOnce(&mut Writer) -> Expression>;
/// A part of a template that is still to be written down.
pub(crate) type Part = Box<dyn FnOnce(&mut Writer) -> TemplatePart>;

/// Where nodes are written down.
pub(crate) struct Writer {
    text: String,
    file: FileId,
}

impl Writer {
    fn put(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        self.since(start)
    }

    fn since(&self, start: usize) -> Span {
        Span::new(self.file, start..self.text.len())
    }

    fn name(&mut self, name: &str) -> Spanned<Arc<str>> {
        Spanned::new(name.into(), self.put(name))
    }

    fn list(&mut self, nodes: impl IntoIterator<Item = Node>) -> Vec<Expression> {
        let mut separator = "";
        let mut written = Vec::new();
        for node in nodes {
            self.put(separator);
            separator = ", ";
            written.push(node(self));
        }
        written
    }
}

/// The texts of a test.
#[derive(Default)]
pub(crate) struct Written {
    sources: Sources,
    count: usize,
}

impl Written {
    pub(crate) fn write(&mut self, node: Node) -> Expression {
        // The id that the file gets once its text is there.
        let other = Sources::default();
        let file = (0..=self.count).fold(other.add("", Origin::File, ""), |last, index| {
            if index == 0 { last } else { other.add("", Origin::File, "") }
        });
        self.count += 1;
        let mut writer = Writer { text: String::new(), file };
        let expression = node(&mut writer);
        self.sources.add("test.pkr.hcl", Origin::File, writer.text);
        expression
    }

    pub(crate) fn slice(&self, span: Span) -> String {
        self.sources.slice(span)
    }

    /// One line for each: place, code, message, help.
    pub(crate) fn show(&self, diagnostics: Diagnostics) -> String {
        let line = |diagnostic: crate::diagnostic::Diagnostic| {
            let place = diagnostic.primary.map_or("nowhere".to_owned(), |label| self.slice(label.span));
            let help = diagnostic.help.map(|help| format!(" ({help})")).unwrap_or_default();
            format!("`{place}` {}: {}{help}", diagnostic.code, diagnostic.message)
        };
        diagnostics.into_sorted().into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn node(write: impl FnOnce(&mut Writer) -> ExpressionKind + 'static) -> Node {
    Box::new(|writer| {
        let start = writer.text.len();
        let kind = write(writer);
        Expression { kind, span: writer.since(start) }
    })
}

pub(crate) fn null() -> Node {
    node(|writer| {
        writer.put("null");
        ExpressionKind::Null
    })
}

pub(crate) fn boolean(value: bool) -> Node {
    node(move |writer| {
        writer.put(if value { "true" } else { "false" });
        ExpressionKind::Bool(value)
    })
}

pub(crate) fn number(text: &'static str) -> Node {
    node(move |writer| {
        writer.put(text);
        ExpressionKind::Number(Number::parse(text).expect("a number"))
    })
}

pub(crate) fn string(text: &'static str) -> Node {
    node(move |writer| {
        writer.put("\"");
        let start = writer.put(text).range().start;
        writer.put("\"");
        let mut value = Text::new(writer.file);
        value.push_verbatim(text, start);
        ExpressionKind::String(Arc::new(value))
    })
}

pub(crate) fn variable(name: &str) -> Node {
    let name: Arc<str> = name.into();
    node(move |writer| {
        writer.put(&name);
        ExpressionKind::Variable(name)
    })
}

pub(crate) fn element() -> Node {
    node(|_| ExpressionKind::Element)
}

pub(crate) fn broken() -> Node {
    node(|writer| {
        writer.put("?");
        ExpressionKind::Broken
    })
}

/// `var.region` of `["var", "region"]`.
pub(crate) fn path(names: &[&str]) -> Node {
    let (first, rest) = names.split_first().expect("a name");
    rest.iter().fold(variable(first), |on, name| attribute(on, name))
}

pub(crate) fn attribute(on: Node, name: &str) -> Node {
    let name = name.to_owned();
    node(move |writer| {
        let on = Box::new(on(writer));
        writer.put(".");
        ExpressionKind::Attribute { on, name: writer.name(&name) }
    })
}

pub(crate) fn index(on: Node, key: Node) -> Node {
    node(|writer| {
        let on = Box::new(on(writer));
        writer.put("[");
        let key = Box::new(key(writer));
        writer.put("]");
        ExpressionKind::Index { on, key }
    })
}

pub(crate) fn splat(on: Node, each: Node) -> Node {
    node(|writer| {
        let on = Box::new(on(writer));
        let operator = writer.put("[*]");
        ExpressionKind::Splat { on, each: Box::new(each(writer)), operator }
    })
}

pub(crate) fn call(name: &'static str, arguments: impl IntoIterator<Item = Node> + 'static) -> Node {
    call_with(name, arguments, false)
}

pub(crate) fn call_expanded(name: &'static str, arguments: impl IntoIterator<Item = Node> + 'static) -> Node {
    call_with(name, arguments, true)
}

fn call_with(name: &'static str, arguments: impl IntoIterator<Item = Node> + 'static, expand_last: bool) -> Node {
    node(move |writer| {
        let name = writer.name(name);
        let start = writer.put("(").range().start;
        let arguments = writer.list(arguments);
        writer.put(if expand_last { "...)" } else { ")" });
        ExpressionKind::Call(Call { name, arguments, expand_last, parentheses: writer.since(start) })
    })
}

pub(crate) fn unary(sign: &'static str, operand: Node) -> Node {
    node(move |writer| {
        let operator = if sign == "!" { UnaryOperator::Not } else { UnaryOperator::Negate };
        let operator = Spanned::new(operator, writer.put(sign));
        ExpressionKind::Unary { operator, operand: Box::new(operand(writer)) }
    })
}

pub(crate) fn binary(left: Node, sign: &'static str, right: Node) -> Node {
    node(move |writer| {
        let operator = match sign {
            "||" => BinaryOperator::Or,
            "&&" => BinaryOperator::And,
            "==" => BinaryOperator::Equal,
            "!=" => BinaryOperator::NotEqual,
            "<" => BinaryOperator::Less,
            "<=" => BinaryOperator::LessOrEqual,
            ">" => BinaryOperator::Greater,
            ">=" => BinaryOperator::GreaterOrEqual,
            "+" => BinaryOperator::Add,
            "-" => BinaryOperator::Subtract,
            "*" => BinaryOperator::Multiply,
            "/" => BinaryOperator::Divide,
            "%" => BinaryOperator::Modulo,
            _ => panic!("no operator `{sign}`"),
        };
        let left = Box::new(left(writer));
        writer.put(" ");
        let operator = Spanned::new(operator, writer.put(sign));
        writer.put(" ");
        ExpressionKind::Binary { left, operator, right: Box::new(right(writer)) }
    })
}

pub(crate) fn conditional(condition: Node, yes: Node, no: Node) -> Node {
    node(|writer| {
        let condition = Box::new(condition(writer));
        writer.put(" ? ");
        let yes = Box::new(yes(writer));
        writer.put(" : ");
        ExpressionKind::Conditional { condition, yes, no: Box::new(no(writer)) }
    })
}

pub(crate) fn parentheses(inner: Node) -> Node {
    node(|writer| {
        writer.put("(");
        let inner = Box::new(inner(writer));
        writer.put(")");
        ExpressionKind::Parentheses(inner)
    })
}

pub(crate) fn tuple(elements: impl IntoIterator<Item = Node> + 'static) -> Node {
    node(|writer| {
        writer.put("[");
        let elements = writer.list(elements);
        writer.put("]");
        ExpressionKind::Tuple(elements)
    })
}

pub(crate) fn object(items: impl IntoIterator<Item = (&'static str, Node)> + 'static) -> Node {
    node(|writer| {
        writer.put("{ ");
        let mut written = Vec::new();
        for (name, value) in items {
            let key = ObjectKey::Name(writer.name(name));
            writer.put(" = ");
            let value = value(writer);
            writer.put(", ");
            written.push(ObjectItem { key, value });
        }
        writer.put("}");
        ExpressionKind::Object(written)
    })
}

/// An object whose keys are expressions.
pub(crate) fn object_of(items: impl IntoIterator<Item = (Node, Node)> + 'static) -> Node {
    node(|writer| {
        writer.put("{ ");
        let mut written = Vec::new();
        for (key, value) in items {
            let key = ObjectKey::Expression(key(writer));
            writer.put(" = ");
            written.push(ObjectItem { key, value: value(writer) });
            writer.put(", ");
        }
        writer.put("}");
        ExpressionKind::Object(written)
    })
}

pub(crate) fn for_tuple(
    key_name: Option<&'static str>,
    value_name: &'static str,
    collection: Node,
    value: Node,
) -> Node {
    for_with(key_name, value_name, collection, None, value, None)
}

/// Any `for`: with a key it makes an object, and groups if that is said.
pub(crate) fn for_with(
    key_name: Option<&'static str>,
    value_name: &'static str,
    collection: Node,
    key: Option<(Node, bool)>,
    value: Node,
    condition: Option<Node>,
) -> Node {
    node(move |writer| {
        writer.put(if key.is_some() { "{for " } else { "[for " });
        let end = if key.is_some() { "}" } else { "]" };
        let key_name = key_name.map(|name| {
            let name = writer.name(name);
            writer.put(", ");
            name
        });
        let value_name = writer.name(value_name);
        writer.put(" in ");
        let collection = collection(writer);
        writer.put(" : ");
        let group = key.as_ref().is_some_and(|(_, group)| *group);
        let key = key.map(|(key, _)| {
            let key = key(writer);
            writer.put(" => ");
            key
        });
        let value = value(writer);
        writer.put(if group { "..." } else { "" });
        let condition = condition.map(|condition| {
            writer.put(" if ");
            condition(writer)
        });
        writer.put(end);
        ExpressionKind::For(Box::new(For { key_name, value_name, collection, key, value, group, condition }))
    })
}

pub(crate) fn template(parts: impl IntoIterator<Item = Part> + 'static) -> Node {
    node(|writer| {
        writer.put("\"");
        let parts = parts.into_iter().map(|part| part(writer)).collect();
        writer.put("\"");
        ExpressionKind::Template(parts)
    })
}

pub(crate) fn text(text: &'static str) -> Part {
    Box::new(move |writer| {
        let start = writer.put(text).range().start;
        let mut value = Text::new(writer.file);
        value.push_verbatim(text, start);
        TemplatePart::Literal(Arc::new(value))
    })
}

pub(crate) fn interpolation(expression: Node) -> Part {
    Box::new(|writer| {
        writer.put("${");
        let expression = expression(writer);
        writer.put("}");
        TemplatePart::Interpolation(expression)
    })
}

pub(crate) fn if_part(condition: Node, yes: Vec<Part>, no: Vec<Part>) -> Part {
    Box::new(|writer| {
        let start = writer.text.len();
        writer.put("%{if ");
        let condition = condition(writer);
        writer.put("}");
        let yes = yes.into_iter().map(|part| part(writer)).collect();
        writer.put("%{else}");
        let no = no.into_iter().map(|part| part(writer)).collect();
        writer.put("%{endif}");
        TemplatePart::If { condition, yes, no, span: writer.since(start) }
    })
}

pub(crate) fn for_part(key_name: &'static str, value_name: &'static str, collection: Node, body: Vec<Part>) -> Part {
    Box::new(move |writer| {
        let start = writer.text.len();
        writer.put("%{for ");
        let key_name = Some(writer.name(key_name));
        writer.put(", ");
        let value_name = writer.name(value_name);
        writer.put(" in ");
        let collection = collection(writer);
        writer.put("}");
        let body = body.into_iter().map(|part| part(writer)).collect();
        writer.put("%{endfor}");
        TemplatePart::For { key_name, value_name, collection, body, span: writer.since(start) }
    })
}
