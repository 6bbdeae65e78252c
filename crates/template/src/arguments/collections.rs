//! Lists and maps as arguments.

use super::{Context, FromArgument, Late, rendered};
use crate::body::{Located, Member};
use crate::gotemplate::{self, Fields, GoTemplate};
use crate::source::Spanned;
use crate::value::{Kind, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A type that lists can be made of.
pub trait ListElement: FromArgument {
    const LIST_KIND: &'static str;
}

macro_rules! list_kinds {
    ($($element:ty => $kind:literal),* $(,)?) => {$(
        impl ListElement for $element {
            const LIST_KIND: &'static str = $kind;
        }
    )*};
}

list_kinds! {
    String => "list(string)",
    PathBuf => "list(string)",
    Spanned<String> => "list(string)",
    Spanned<PathBuf> => "list(string)",
    i64 => "list(number)",
    u32 => "list(number)",
    Vec<String> => "list(list(string))",
    Late => "list(string)",
    Spanned<Late> => "list(string)",
    Vec<Late> => "list(list(string))",
}

/// Legacy JSON takes one value for a list of one, and a string for the list of what stands between its commas.
fn list_of_one<T: ListElement>(located: &Located<'_>, context: &mut Context<'_>) -> Option<Vec<T>> {
    let text = match &located.value.kind {
        Kind::String(text) if T::IS_LATE => text.to_string(),
        Kind::String(_) => rendered(located, context, T::KIND)?.value,
        _ => return T::from_value(located, context).map(|element| vec![element]),
    };
    if text.is_empty() {
        return Some(Vec::new());
    }
    if !text.contains(',') {
        return T::from_value(located, context).map(|element| vec![element]);
    }
    let parts: Vec<Option<T>> = text
        .split(',')
        .map(|part| {
            let value = Value::string(part).marked(located.value.sensitive);
            T::from_value(&located.part(&value, None), context)
        })
        .collect();
    parts.into_iter().collect()
}

impl<T: ListElement> FromArgument for Vec<T> {
    const KIND: &'static str = T::LIST_KIND;
    const IS_OPTIONAL: bool = true;
    const IS_LATE: bool = T::IS_LATE;

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn placeholder() -> Self {
        Self::new()
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        if located.is_unknown() {
            return None;
        }
        let Some(elements) = located.elements() else {
            if context.body.is_weak() && !matches!(located.value.kind, Kind::Map(..) | Kind::Object(_)) {
                return list_of_one(located, context);
            }
            context.wrong_type(located, Self::KIND);
            return None;
        };
        let read: Vec<Option<T>> = elements.iter().map(|element| T::from_value(element, context)).collect();
        read.into_iter().collect()
    }
}

impl FromArgument for BTreeMap<String, String> {
    const KIND: &'static str = "map(string)";
    const IS_OPTIONAL: bool = true;

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn placeholder() -> Self {
        Self::new()
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        members(located, context, Self::KIND)
    }
}

impl FromArgument for BTreeMap<String, Late> {
    const KIND: &'static str = "map(string)";
    const IS_OPTIONAL: bool = true;
    const IS_LATE: bool = true;

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn placeholder() -> Self {
        Self::new()
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        members(located, context, Self::KIND)
    }
}

fn members<T: FromArgument>(
    located: &Located<'_>,
    context: &mut Context<'_>,
    kind: &str,
) -> Option<BTreeMap<String, T>> {
    if located.is_unknown() {
        return None;
    }
    if context.body.is_weak()
        && let Some(parts) = located.elements()
    {
        // Legacy JSON takes a list of objects for all their members together.
        let read: Vec<_> = parts.iter().map(|part| members(part, context, kind)).collect();
        return read
            .into_iter()
            .collect::<Option<Vec<BTreeMap<String, T>>>>()
            .map(|all| all.into_iter().flatten().collect());
    }
    let Some(members) = located.members() else {
        context.wrong_type(located, kind);
        return None;
    };
    let mut read = Vec::with_capacity(members.len());
    for Member { key, value, .. } in members {
        let name = if gotemplate::is_template(key.value()) {
            GoTemplate::parse(key, context.diagnostics).render(
                context.body.context(),
                &Fields::None,
                context.diagnostics,
            )
        } else {
            Some(key.value().to_owned())
        };
        read.push(name.zip(T::from_value(&value, context)));
    }
    read.into_iter().collect()
}
