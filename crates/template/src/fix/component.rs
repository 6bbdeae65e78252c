//! A template and its components while they are mended.

use super::{Mended, item, string};
use crate::json;
use crate::source::{Span, Spanned, Text};
use crate::syntax::{Expression, ExpressionKind, ObjectItem, TemplatePart};
use crate::value::Kind;
use crate::weak;
use std::sync::Arc;

/// The lists of a template, as one fixer goes through them.
pub(super) struct Parts<'a> {
    pub(super) fixer: &'static str,
    pub(super) root: &'a mut Expression,
    pub(super) mended: Vec<Mended>,
}

impl Parts<'_> {
    pub(super) fn builders(&mut self, mut fix: impl FnMut(&mut Component<'_>)) {
        self.each("builders", &mut fix);
    }

    pub(super) fn provisioners(&mut self, mut fix: impl FnMut(&mut Component<'_>)) {
        self.each("provisioners", &mut fix);
    }

    /// Those in sequences too; one that is a mere name has nothing to mend.
    pub(super) fn post_processors(&mut self, mut fix: impl FnMut(&mut Component<'_>)) {
        self.each("post-processors", &mut fix);
    }

    fn each(&mut self, list: &str, fix: &mut dyn FnMut(&mut Component<'_>)) {
        let ExpressionKind::Object(items) = &mut self.root.kind else { return };
        // The keys of the root are matched without regard to case.
        let is_list = |item: &&mut ObjectItem| item.key.literal().is_some_and(|key| key.eq_ignore_ascii_case(list));
        let Some(ObjectItem { value, .. }) = items.iter_mut().find(is_list) else { return };
        let ExpressionKind::Tuple(elements) = &mut value.kind else { return };
        for element in elements {
            let inner = match &mut element.kind {
                ExpressionKind::Tuple(inner) => inner.as_mut_slice(),
                _ => std::slice::from_mut(element),
            };
            for element in inner {
                if let Some(mut component) = Component::of(element, self.fixer, &mut self.mended) {
                    fix(&mut component);
                }
            }
        }
    }

    /// Gives the builders of one type another, and what refers to a builder that has no other name the new one.
    pub(super) fn rename_builders(&mut self, old: &str, new: &str) {
        let mut is_referred_to = false;
        self.builders(|builder| {
            if let Some(place) = builder.kind.value.eq(old).then_some(builder.kind.span) {
                is_referred_to |= builder.get("name").is_none();
                builder.set("type", string(new, place), place);
                builder.note(place, old, format!("is called `{new}` now"), format!("write `{new}`"));
            }
        });
        if is_referred_to {
            self.provisioners(|step| step.rename_references(old, new));
            self.post_processors(|step| step.rename_references(old, new));
        }
    }
}

/// A builder, provisioner or post-processor.
pub(super) struct Component<'a> {
    pub(super) kind: Spanned<String>,
    items: &'a mut Vec<ObjectItem>,
    fixer: &'static str,
    mended: &'a mut Vec<Mended>,
}

impl<'a> Component<'a> {
    fn of(value: &'a mut Expression, fixer: &'static str, mended: &'a mut Vec<Mended>) -> Option<Self> {
        let ExpressionKind::Object(items) = &mut value.kind else { return None };
        let kind = json::member(items, "type")?;
        let kind = Spanned::new(text(kind)?.to_owned(), kind.span);
        Some(Self { kind, items, fixer, mended })
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind.value == kind
    }

    pub(super) fn is_of(&self, plugin: &str) -> bool {
        self.kind.value.strip_prefix(plugin).is_some_and(|rest| rest.starts_with('-'))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Expression> {
        json::member(self.items, name)
    }

    /// The text of an argument that is a string.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(text)
    }

    pub(super) fn values(&mut self) -> impl Iterator<Item = (String, &mut Expression)> {
        self.items.iter_mut().filter_map(|item| Some((item.key.literal()?.value.to_owned(), &mut item.value)))
    }

    pub(super) fn key(&self, name: &str) -> Option<Span> {
        self.items.iter().filter_map(|item| item.key.literal()).find(|key| key.value == name).map(|key| key.span)
    }

    /// Takes an argument out: the place of its name, and its value.
    pub(super) fn take(&mut self, name: &str) -> Option<(Span, Expression)> {
        let index = self.items.iter().position(|item| item.key.literal().is_some_and(|key| key.value == name))?;
        let key = self.key(name)?;
        Some((key, self.items.remove(index).value))
    }

    /// Gives an argument this value; its name stands at `key` if it is a new one.
    pub(super) fn set(&mut self, name: &str, value: Expression, key: Span) {
        match self.items.iter_mut().find(|item| item.key.literal().is_some_and(|key| key.value == name)) {
            Some(item) => item.value = value,
            None => self.items.push(item(name, value, key)),
        }
    }

    /// Gives an argument this value unless it has one: who writes the new name means it.
    pub(super) fn set_missing(&mut self, name: &str, value: Expression, key: Span) {
        if self.get(name).is_none() {
            self.set(name, value, key);
        }
    }

    pub(super) fn note(
        &mut self,
        place: Span,
        name: impl Into<String>,
        now: impl Into<String>,
        instead: impl Into<String>,
    ) {
        let (name, now, instead) = (name.into(), now.into(), instead.into());
        self.mended.push(Mended { fixer: self.fixer, place, name, now, instead });
    }

    pub(super) fn rename(&mut self, old: &str, new: &str) {
        if let Some((key, value)) = self.take(old) {
            self.note(key, old, format!("is called `{new}` now"), format!("write `{new}`"));
            self.set_missing(new, value, key);
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Some((key, _)) = self.take(name) {
            self.note(key, name, "has no effect any more", "delete it");
        }
    }

    /// Moves an argument into the first object of a list of them.
    pub(super) fn move_into(&mut self, names: &[&str], list: &str) {
        let mut moved = Vec::new();
        for name in names {
            if let Some((key, value)) = self.take(name) {
                self.note(key, *name, format!("is part of `{list}` now"), format!("write it in a `{list}` block"));
                moved.push(item(name, value, key));
            }
        }
        let Some(place) = moved.first().and_then(|item| item.key.literal()).map(|key| key.span) else { return };
        let object = Expression { kind: ExpressionKind::Object(moved), span: place };
        let others = match self.take(list).map(|(_, value)| value) {
            Some(Expression { kind: ExpressionKind::Tuple(others), .. }) => others,
            Some(other) => vec![other],
            None => Vec::new(),
        };
        let elements = std::iter::once(object).chain(others).collect();
        self.set(list, Expression { kind: ExpressionKind::Tuple(elements), span: place }, place);
    }

    fn rename_references(&mut self, old: &str, new: &str) {
        for (name, value) in self.values() {
            match (name.as_str(), &mut value.kind) {
                ("only" | "except", ExpressionKind::Tuple(names)) => {
                    names.iter_mut().filter(|name| text(name) == Some(old)).for_each(|name| {
                        *name = string(new, name.span);
                    });
                }
                ("override", ExpressionKind::Object(items)) => {
                    for item in items {
                        if let Some(key) = item.key.literal().filter(|key| key.value == old).map(|key| key.span) {
                            item.key = super::item(new, Expression { kind: ExpressionKind::Null, span: key }, key).key;
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// What a string says.
pub(super) fn text(value: &Expression) -> Option<&str> {
    match &value.kind {
        ExpressionKind::String(text) => Some(text.value()),
        _ => None,
    }
}

/// Replaces the text of a string, or what is written out in one with interpolations, where `new` has another for it.
pub(super) fn replace_text(value: &mut Expression, new: impl Fn(&str) -> Option<String>) -> bool {
    let span = value.span;
    let replace = |text: &mut Arc<Text>| {
        let new = new(text.value());
        new.map(|new| *text = Arc::new(Text::opaque(&new, span))).is_some()
    };
    match &mut value.kind {
        ExpressionKind::String(text) => replace(text),
        ExpressionKind::Template(parts) => parts.iter_mut().fold(false, |is_replaced, part| match part {
            TemplatePart::Literal(text) => replace(text) || is_replaced,
            _ => is_replaced,
        }),
        _ => false,
    }
}

/// A bool, or a string that legacy JSON takes for one.
pub(super) fn truth(value: &Expression) -> Option<bool> {
    match &value.kind {
        ExpressionKind::Bool(value) => Some(*value),
        ExpressionKind::String(text) => weak::bool(&Kind::String(text.value().into()), text.value()),
        _ => None,
    }
}
