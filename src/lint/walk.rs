//! Everything in a template that is written as an expression.

use imgforge_template::document::{Document, SourceUse, Step};
use imgforge_template::repeat::Repeat;
use imgforge_template::source::{Span, Spanned, Text};
use imgforge_template::syntax::{Body, Call, Expression, ExpressionKind, ObjectKey, TemplatePart};
use std::sync::Arc;

/// Visits the value of every argument that may refer to others. Conditions of variables see the variable alone and do
/// not count.
pub(super) fn expressions(document: &Document, visit: &mut dyn FnMut(&Expression)) {
    for variable in &document.variables {
        variable.default.iter().for_each(&mut *visit);
    }
    for local in &document.locals {
        visit(&local.value);
    }
    for data in &document.data {
        body(&data.body, visit);
    }
    for source in &document.sources {
        body(&source.body, visit);
    }
    for registry in &document.registries {
        body(&registry.body, visit);
        repeat(registry.repeat.as_deref(), visit);
    }
    for build in &document.builds {
        build.name.iter().chain(&build.description).for_each(&mut *visit);
        for source in &build.sources {
            match source {
                SourceUse::List(list) => visit(list),
                SourceUse::Block { name, body: extra, repeat: of, .. } => {
                    name.iter().for_each(&mut *visit);
                    body(extra, visit);
                    repeat(of.as_deref(), visit);
                }
                SourceUse::All => {}
            }
        }
        for sequence in &build.post_processors {
            repeat(sequence.repeat.as_deref(), visit);
        }
        let post_processors = build.post_processors.iter().flat_map(|sequence| &sequence.steps);
        for Step { body: own, repeat: of, .. } in
            build.provisioners.iter().chain(&build.error_cleanup_provisioner).chain(post_processors)
        {
            body(own, visit);
            repeat(of.as_deref(), visit);
        }
    }
}

fn repeat(repeat: Option<&Repeat>, visit: &mut dyn FnMut(&Expression)) {
    if let Some(repeat) = repeat {
        visit(&repeat.collection);
        repeat.labels.iter().for_each(visit);
    }
}

/// Visits the values of a body, those of its blocks too.
pub(super) fn body(body: &Body, visit: &mut dyn FnMut(&Expression)) {
    for attribute in &body.attributes {
        visit(&attribute.value);
    }
    for block in &body.blocks {
        self::body(&block.body, visit);
    }
}

/// The parts of an expression that are seen by [`literals`] and [`calls`].
fn parts<'e>(expression: &'e Expression, visit: &mut dyn FnMut(&'e Expression)) {
    match &expression.kind {
        ExpressionKind::Template(parts) => template_parts(parts, visit),
        ExpressionKind::Tuple(elements) => elements.iter().for_each(visit),
        ExpressionKind::Object(items) => {
            for item in items {
                if let ObjectKey::Expression(key) = &item.key {
                    visit(key);
                }
                visit(&item.value);
            }
        }
        ExpressionKind::Attribute { on, .. } => visit(on),
        ExpressionKind::Index { on, key } => [on, key].into_iter().for_each(|part| visit(part)),
        ExpressionKind::Splat { on, each, .. } => [on, each].into_iter().for_each(|part| visit(part)),
        ExpressionKind::Call(call) => call.arguments.iter().for_each(visit),
        ExpressionKind::Unary { operand, .. } => visit(operand),
        ExpressionKind::Binary { left, right, .. } => [left, right].into_iter().for_each(|part| visit(part)),
        ExpressionKind::Conditional { condition, yes, no } => {
            [condition, yes, no].into_iter().for_each(|part| visit(part));
        }
        ExpressionKind::For(each) => {
            let inside = [Some(&each.collection), each.key.as_ref(), Some(&each.value), each.condition.as_ref()];
            inside.into_iter().flatten().for_each(visit);
        }
        ExpressionKind::Parentheses(inner) => visit(inner),
        ExpressionKind::Null
        | ExpressionKind::Bool(_)
        | ExpressionKind::Number(_)
        | ExpressionKind::String(_)
        | ExpressionKind::Variable(_)
        | ExpressionKind::Element
        | ExpressionKind::Broken => {}
    }
}

fn template_parts<'e>(parts: &'e [TemplatePart], visit: &mut dyn FnMut(&'e Expression)) {
    for part in parts {
        match part {
            TemplatePart::Literal(_) => {}
            TemplatePart::Interpolation(expression) => visit(expression),
            TemplatePart::If { condition, yes, no, .. } => {
                visit(condition);
                template_parts(yes, visit);
                template_parts(no, visit);
            }
            TemplatePart::For { collection, body, .. } => {
                visit(collection);
                template_parts(body, visit);
            }
        }
    }
}

/// The strings in an expression that are written out, keys included; in a template with interpolations its literal
/// parts.
pub(super) fn literals(expression: &Expression) -> Vec<Spanned<Arc<Text>>> {
    let mut found = Vec::new();
    // Not by recursion: long chains of operators go deep.
    let mut pending = vec![expression];
    while let Some(next) = pending.pop() {
        match &next.kind {
            ExpressionKind::String(text) => found.push(Spanned::new(text.clone(), next.span)),
            ExpressionKind::Template(parts) => literal_parts(parts, &mut found),
            _ => {}
        }
        parts(next, &mut |part| pending.push(part));
    }
    found
}

fn literal_parts(parts: &[TemplatePart], found: &mut Vec<Spanned<Arc<Text>>>) {
    for part in parts {
        match part {
            TemplatePart::Literal(text) => {
                let span: Span = text.span(0..text.value().len());
                found.push(Spanned::new(text.clone(), span));
            }
            TemplatePart::Interpolation(_) => {}
            TemplatePart::If { yes, no, .. } => {
                literal_parts(yes, found);
                literal_parts(no, found);
            }
            TemplatePart::For { body, .. } => literal_parts(body, found),
        }
    }
}

/// The calls of functions in an expression, in the order in which they are written.
pub(super) fn calls(expression: &Expression) -> Vec<&Call> {
    let mut found = Vec::new();
    let mut pending = vec![expression];
    while let Some(next) = pending.pop() {
        if let ExpressionKind::Call(call) = &next.kind {
            found.push(call);
        }
        parts(next, &mut |part| pending.push(part));
    }
    found.sort_by_key(|call| call.name.span);
    found
}
