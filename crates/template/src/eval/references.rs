//! What an expression refers to, found without evaluating it: for the order of locals and data sources.

use crate::source::Span;
use crate::syntax::{Expression, ExpressionKind, ObjectKey, TemplatePart};
use std::sync::Arc;

/// A name from the scope and the names that follow it: `var.region`, `data.http.page["body"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub root: Arc<str>,
    pub path: Vec<Arc<str>>,
    /// From the root to the end of the path.
    pub span: Span,
}

/// Adds what `expression` refers to, in the order it is written. Names bound by `for` around them do not count, nor
/// the names of types in `convert`.
pub fn references(expression: &Expression, found: &mut Vec<Reference>) {
    visit(expression, &mut Vec::new(), found);
}

type Bound<'e> = Vec<&'e str>;

fn visit<'e>(expression: &'e Expression, bound: &mut Bound<'e>, found: &mut Vec<Reference>) {
    match &expression.kind {
        ExpressionKind::Null
        | ExpressionKind::Bool(_)
        | ExpressionKind::Number(_)
        | ExpressionKind::String(_)
        | ExpressionKind::Element
        | ExpressionKind::Broken => {}
        ExpressionKind::Variable(_)
        | ExpressionKind::Attribute { .. }
        | ExpressionKind::Index { .. }
        | ExpressionKind::Splat { .. } => traversal(expression, bound, found),
        ExpressionKind::Template(parts) => visit_parts(parts, bound, found),
        ExpressionKind::Tuple(elements) => elements.iter().for_each(|element| visit(element, bound, found)),
        ExpressionKind::Object(items) => {
            for item in items {
                if let ObjectKey::Expression(key) = &item.key {
                    visit(key, bound, found);
                }
                visit(&item.value, bound, found);
            }
        }
        ExpressionKind::Call(call) => {
            let values = if &*call.name.value == "convert" { 1 } else { call.arguments.len() };
            call.arguments.iter().take(values).for_each(|argument| visit(argument, bound, found));
        }
        ExpressionKind::Unary { operand, .. } => visit(operand, bound, found),
        ExpressionKind::Binary { .. } => {
            let mut rights = Vec::new();
            let mut leftmost = expression;
            while let ExpressionKind::Binary { left, right, .. } = &leftmost.kind {
                rights.push(&**right);
                leftmost = left;
            }
            visit(leftmost, bound, found);
            rights.into_iter().rev().for_each(|right| visit(right, bound, found));
        }
        ExpressionKind::Conditional { condition, yes, no } => {
            [condition, yes, no].into_iter().for_each(|part| visit(part, bound, found));
        }
        ExpressionKind::For(each) => {
            visit(&each.collection, bound, found);
            let outside = bound.len();
            bound.extend(each.key_name.as_ref().map(|name| &*name.value));
            bound.push(&each.value_name.value);
            let inside = [each.key.as_ref(), Some(&each.value), each.condition.as_ref()];
            inside.into_iter().flatten().for_each(|part| visit(part, bound, found));
            bound.truncate(outside);
        }
        ExpressionKind::Parentheses(inner) => visit(inner, bound, found),
    }
}

fn visit_parts<'e>(parts: &'e [TemplatePart], bound: &mut Bound<'e>, found: &mut Vec<Reference>) {
    for part in parts {
        match part {
            TemplatePart::Literal(_) => {}
            TemplatePart::Interpolation(expression) => visit(expression, bound, found),
            TemplatePart::If { condition, yes, no, .. } => {
                visit(condition, bound, found);
                visit_parts(yes, bound, found);
                visit_parts(no, bound, found);
            }
            TemplatePart::For { key_name, value_name, collection, body, .. } => {
                visit(collection, bound, found);
                let outside = bound.len();
                bound.extend(key_name.as_ref().map(|name| &*name.value));
                bound.push(&value_name.value);
                visit_parts(body, bound, found);
                bound.truncate(outside);
            }
        }
    }
}

fn traversal<'e>(expression: &'e Expression, bound: &mut Bound<'e>, found: &mut Vec<Reference>) {
    let mut links = Vec::new();
    let mut start = expression;
    while let ExpressionKind::Attribute { on, .. }
    | ExpressionKind::Index { on, .. }
    | ExpressionKind::Splat { on, .. } = &start.kind
    {
        links.push(start);
        start = on;
    }
    match &start.kind {
        ExpressionKind::Variable(name) if bound.contains(&&**name) => {}
        ExpressionKind::Variable(name) => {
            let mut reference = Reference { root: Arc::clone(name), path: Vec::new(), span: start.span };
            for link in links.iter().rev() {
                let Some(name) = step(link) else { break };
                reference.path.push(name);
                reference.span = link.span;
            }
            found.push(reference);
        }
        _ => visit(start, bound, found),
    }
    for link in links.into_iter().rev() {
        match &link.kind {
            ExpressionKind::Index { key, .. } => visit(key, bound, found),
            ExpressionKind::Splat { each, .. } => visit(each, bound, found),
            _ => {}
        }
    }
}

/// The name that a link of a traversal goes to: `.name`, or `["name"]`.
fn step(link: &Expression) -> Option<Arc<str>> {
    match &link.kind {
        ExpressionKind::Attribute { name, .. } => Some(Arc::clone(&name.value)),
        ExpressionKind::Index { key, .. } => match &key.kind {
            ExpressionKind::String(text) => Some(text.value().into()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::tree::{self, Node};

    fn found(node: Node) -> Vec<String> {
        let mut written = tree::Written::default();
        let expression = written.write(node);
        let mut found = Vec::new();
        references(&expression, &mut found);
        let show = |reference: Reference| {
            let path: Vec<_> = reference.path.iter().map(|name| format!(".{name}")).collect();
            format!("{}{} at `{}`", reference.root, path.concat(), written.slice(reference.span))
        };
        found.into_iter().map(show).collect()
    }

    fn path(names: &[&str]) -> Node {
        tree::path(names)
    }

    #[test]
    fn paths_end_at_the_first_index() {
        let index = tree::index(path(&["var", "list"]), path(&["local", "i"]));
        assert_eq!(found(tree::attribute(index, "x")), ["var.list at `var.list`", "local.i at `local.i`"]);
    }

    #[test]
    fn names_bound_by_for_are_not_references() {
        let each =
            tree::for_tuple(None, "x", path(&["x", "all"]), tree::binary(path(&["x"]), "+", path(&["var", "n"])));
        let pair = tree::tuple([each, path(&["x", "after"])]);
        assert_eq!(found(pair), ["x.all at `x.all`", "var.n at `var.n`", "x.after at `x.after`"]);
    }

    #[test]
    fn types_are_not_references() {
        let convert = tree::call("convert", [path(&["var", "a"]), path(&["string"])]);
        assert_eq!(found(tree::template([tree::interpolation(convert)])), ["var.a at `var.a`"]);
    }
}
