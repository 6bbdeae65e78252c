//! `Block` and `Blocks`: a block inside of a component's block, read into a struct of its own.

use super::{Argument, Arguments, Context, FromArgument};
use crate::body::{Body, Entry, Located};
use crate::diagnostic::Diagnostic;
use crate::source::Spanned;
use crate::value::Kind;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

/// A block that may stand there once, and may be left out. An argument with an object for a value is the same.
#[derive(Clone, Debug)]
pub struct Block<A>(Option<A>);

/// Blocks of one name, each with its place, in the order in which they are written. A list of objects is the same.
#[derive(Clone, Debug)]
pub struct Blocks<A>(Vec<Spanned<A>>);

impl<A> Deref for Block<A> {
    type Target = Option<A>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<A> Deref for Blocks<A> {
    type Target = [Spanned<A>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<A: Arguments> FromArgument for Block<A> {
    const KIND: &'static str = "block";
    const IS_OPTIONAL: bool = true;
    const FIELDS: &'static [Argument] = A::TABLE;

    fn absent() -> Option<Self> {
        Some(Self(None))
    }

    fn placeholder() -> Self {
        Self(None)
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        let written = located.elements();
        match written.as_deref() {
            None => read(located, context),
            Some([]) => return Some(Self(None)),
            Some([one]) => read(one, context),
            Some([.., last]) => {
                let message = format!("there can be one `{}` alone", context.name);
                let diagnostic = Diagnostic::error("duplicate-declaration", message).at(last.span);
                context.diagnostics.push(diagnostic.help("keep one of them"));
                None
            }
        }
        .map(|read| Self(Some(read)))
    }
}

impl<A: Arguments> FromArgument for Blocks<A> {
    const KIND: &'static str = "blocks";
    const IS_OPTIONAL: bool = true;
    const FIELDS: &'static [Argument] = A::TABLE;

    fn absent() -> Option<Self> {
        Some(Self(Vec::new()))
    }

    fn placeholder() -> Self {
        Self(Vec::new())
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        let written = located.elements().unwrap_or_else(|| vec![located.clone()]);
        let mut blocks = Vec::new();
        for one in &written {
            blocks.push(read(one, context).map(|block| Spanned::new(block, one.span)));
        }
        blocks.into_iter().collect::<Option<_>>().map(Self)
    }
}

/// Reads one as a component's own block is read: all its mistakes, each at its place.
fn read<A: Arguments>(located: &Located<'_>, context: &mut Context<'_>) -> Option<A> {
    if matches!(located.value.kind, Kind::Unknown(_)) {
        return None;
    }
    let Some(members) = located.members() else {
        context.wrong_type(located, "block");
        return None;
    };
    let entries: BTreeMap<String, Entry> = members
        .into_iter()
        .map(|member| {
            let (key, span) = (member.written.unwrap_or(member.value.span), member.value.span);
            let expression = member.value.expression().cloned().map(Arc::new);
            (member.key.value().to_owned(), Entry { key, value: member.value.value, expression, span })
        })
        .collect();
    let body = Body::new(entries, located.span, context.body.context().clone(), context.body.is_weak());
    let read = body.read(context.diagnostics);
    body.finish(&format!("the block `{}`", context.name), context.diagnostics);
    Some(read)
}
