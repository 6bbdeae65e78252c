//! The evaluated body of a component: read field by field, and aware of what nobody read.
//!
//! A body may be read several times, once for each concern (what all SSH builders share, what this builder has
//! alone); [`Body::finish`] then reports the arguments that no reader asked for.

use crate::arguments::{Argument, Arguments, Reader};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::gotemplate::GoContext;
use crate::source::{Span, Text};
use crate::suggest;
use crate::syntax::{Expression, ExpressionKind, ObjectItem, ObjectKey};
use crate::value::{Kind, Value};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One argument as it was written and what it evaluated to.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where its name stands.
    pub key: Span,
    pub value: Value,
    /// The expression it came from, for the places inside it.
    pub expression: Option<Arc<Expression>>,
    pub span: Span,
}

/// The arguments of one component, evaluated. Names come without those the engine takes for itself (`only`, `timeout`, …).
pub struct Body {
    entries: BTreeMap<String, Entry>,
    header: Span,
    context: Arc<GoContext>,
    weak: bool,
    /// What was read and what could have been.
    taken: RefCell<BTreeSet<String>>,
    known: RefCell<Vec<&'static [Argument]>>,
}

impl Body {
    /// `header` is where a missing argument is reported. `weak` reads values as legacy JSON does: "1" is true, one
    /// value is a list of one, a bare number is a duration in nanoseconds.
    pub fn new(entries: BTreeMap<String, Entry>, header: Span, context: Arc<GoContext>, weak: bool) -> Self {
        let (taken, known) = Default::default();
        Self { entries, header, context, weak, taken, known }
    }

    /// Reads one concern. All its mistakes are in `diagnostics`; fields they concern hold placeholders.
    pub fn read<A: Arguments>(&self, diagnostics: &mut Diagnostics) -> A {
        self.known.borrow_mut().push(A::TABLE);
        A::read(&mut Reader::new(self, diagnostics))
    }

    /// Reports the arguments that no reader knows, each with the closest name that one does, those that exclude each
    /// other, and old names.
    pub fn finish(&self, component: &str, diagnostics: &mut Diagnostics) {
        let has_rules = |argument: &&Argument| argument.renamed.is_some() || !argument.excludes.is_empty();
        for argument in self.known.borrow().iter().flat_map(|table| table.iter()).filter(has_rules) {
            self.check_rules(argument, diagnostics);
        }
        let taken = self.taken.borrow();
        let known = self.known.borrow();
        let names = || known.iter().flat_map(|table| table.iter()).map(|argument| argument.name);
        for (name, entry) in &self.entries {
            if taken.contains(name) || is_of_the_engine(name, self.weak) {
                continue;
            }
            let diagnostic =
                Diagnostic::error("unknown-argument", format!("{component} has no argument `{name}`")).at(entry.key);
            let close = suggest::closest(name, names());
            if let Some(close) = close {
                self.forgive_missing(close, diagnostics);
            }
            diagnostics.push(match close {
                Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
                None => diagnostic.help("remove it, or check the name in the component's documentation"),
            });
        }
    }

    fn check_rules(&self, argument: &Argument, diagnostics: &mut Diagnostics) {
        let Argument { name, excludes, renamed, .. } = argument;
        if let Some(new) = renamed
            && let Some((_, entry)) = self.entry(name)
        {
            let message = format!("`{name}` is the old name of `{new}`");
            let help = format!("rename it to `{new}`");
            diagnostics.push(Diagnostic::warning("deprecated-argument", message).at(entry.key).help(help));
        }
        // What is not known yet may turn out not to be given.
        let given = |name: &str| {
            let (_, entry) = self.entry(name)?;
            let is_given = !matches!(entry.value.kind, Kind::Null(_) | Kind::Unknown(_));
            is_given.then_some(entry.span)
        };
        let Some(span) = given(name) else { return };
        if let Some((other, place)) = excludes.iter().find_map(|other| Some((other, given(other)?))) {
            let message = format!("`{name}` and `{other}` exclude each other");
            diagnostics.push(
                Diagnostic::error("conflicting-arguments", message)
                    .at(span)
                    .related(place, format!("`{other}` is given here"))
                    .help("keep one of the two"),
            );
        }
    }

    /// Names are compared without regard to case in legacy JSON.
    fn entry(&self, name: &str) -> Option<(&String, &Entry)> {
        let is_it = |(key, _): &(&String, &Entry)| self.weak && key.eq_ignore_ascii_case(name);
        self.entries.get_key_value(name).or_else(|| self.entries.iter().find(is_it))
    }

    /// What is missing because its name is misspelt is one mistake, not two.
    fn forgive_missing(&self, name: &str, diagnostics: &mut Diagnostics) {
        let quoted = format!("`{name}`");
        diagnostics.retain(|found| {
            let is_here = found.primary.as_ref().is_some_and(|label| label.span == self.header);
            !(found.code == "missing-argument" && is_here && found.message.contains(&quoted))
        });
    }

    /// The place of kind and labels, or in legacy JSON of the component's `type`.
    pub fn header(&self) -> Span {
        self.header
    }

    /// What Go templates in this body may use; late fields need it when they are rendered.
    pub fn context(&self) -> &Arc<GoContext> {
        &self.context
    }

    pub(crate) fn is_weak(&self) -> bool {
        self.weak
    }

    pub(crate) fn take(&self, name: &str) -> Option<(Span, Located<'_>)> {
        let (key, entry) = self.entry(name)?;
        self.taken.borrow_mut().insert(key.clone());
        let expression = entry.expression.as_deref();
        Some((entry.key, Located { value: entry.value.clone(), expression, span: entry.span }))
    }
}

/// Whether an argument is one that Packer puts into each block itself, so that it may be written too.
pub(crate) fn is_of_the_engine(name: &str, is_weak: bool) -> bool {
    let Some(rest) = name.strip_prefix("packer_") else { return false };
    const NAMES: [&str; 8] = [
        "build_name",
        "builder_type",
        "core_version",
        "debug",
        "force",
        "on_error",
        "user_variables",
        "sensitive_variables",
    ];
    is_weak || NAMES.contains(&rest)
}

/// A member of a map or object. Its key may be a Go template as its value may.
pub(crate) struct Member<'a> {
    pub(crate) key: Arc<Text>,
    /// Where the key is written out; an object may come from elsewhere.
    pub(crate) written: Option<Span>,
    pub(crate) value: Located<'a>,
}

/// A value, or a part of one, with the expression it was written as where there is one.
#[derive(Clone, Debug)]
pub struct Located<'a> {
    pub value: Value,
    expression: Option<&'a Expression>,
    pub span: Span,
}

impl<'a> Located<'a> {
    /// A value where it is written.
    pub(crate) fn new(value: Value, expression: &'a Expression) -> Self {
        Self { value, expression: Some(expression), span: expression.span }
    }

    pub(crate) fn expression(&self) -> Option<&'a Expression> {
        self.expression
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value.kind, Kind::Null(_))
    }

    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.value.kind, Kind::Unknown(_))
    }

    /// Another value in its place: a part of it, which is written as this expression or not by itself.
    pub(crate) fn part(&self, value: &Value, expression: Option<&'a Expression>) -> Self {
        let span = expression.map_or(self.span, |expression| expression.span);
        Located { value: value.clone().marked(self.value.sensitive), expression, span }
    }

    fn stripped(&self) -> Option<&'a Expression> {
        let mut expression = self.expression?;
        while let ExpressionKind::Parentheses(inner) = &expression.kind {
            expression = inner;
        }
        Some(expression)
    }

    /// The elements of a list, set or tuple.
    pub(crate) fn elements(&self) -> Option<Vec<Self>> {
        let (Kind::List(_, values) | Kind::Set(_, values) | Kind::Tuple(values)) = &self.value.kind else {
            return None;
        };
        let written = match self.stripped().map(|expression| &expression.kind) {
            Some(ExpressionKind::Tuple(expressions)) if expressions.len() == values.len() => Some(expressions),
            _ => None,
        };
        let element = |(index, value)| self.part(value, written.and_then(|expressions| expressions.get(index)));
        Some(values.iter().enumerate().map(element).collect())
    }

    /// The members of a map or object.
    pub(crate) fn members(&self) -> Option<Vec<Member<'a>>> {
        let (Kind::Map(_, values) | Kind::Object(values)) = &self.value.kind else { return None };
        let written = match self.stripped().map(|expression| &expression.kind) {
            Some(ExpressionKind::Object(items)) => items.as_slice(),
            _ => &[],
        };
        let member = |(name, value): (&Arc<str>, &Value)| {
            let is_item = |item: &&ObjectItem| item.key.literal().is_some_and(|key| key.value == &**name);
            let item = written.iter().rev().find(is_item);
            let key = match item.map(|item| &item.key) {
                Some(ObjectKey::Expression(Expression { kind: ExpressionKind::String(text), .. })) => text.clone(),
                Some(ObjectKey::Name(name)) => Arc::new(Text::opaque(&name.value, name.span)),
                _ => Arc::new(Text::opaque(name, self.span)),
            };
            let written = item.map(|item| match &item.key {
                ObjectKey::Name(name) => name.span,
                ObjectKey::Expression(expression) => expression.span,
            });
            Member { key, written, value: self.part(value, item.map(|item| &item.value)) }
        };
        Some(values.iter().map(member).collect())
    }

    /// A string value as a text that knows its places: exact where it was written as one literal.
    pub(crate) fn text(&self, value: &str) -> Arc<Text> {
        match self.stripped().map(|expression| &expression.kind) {
            Some(ExpressionKind::String(text)) if text.value() == value => text.clone(),
            _ => Arc::new(Text::opaque(value, self.span)),
        }
    }

    /// Says that an argument takes another type.
    pub(crate) fn wrong_type(&self, name: &str, expected: &str) -> Diagnostic {
        let message = format!("`{name}` takes a {expected}, not {}", self.describe());
        Diagnostic::error("wrong-type", message).at(self.span)
    }

    /// What kind of value it is, for "takes a number, not …". Never shows the value of a sensitive one.
    pub(crate) fn describe(&self) -> String {
        match &self.value.kind {
            Kind::Unknown(_) => "an unknown value".to_owned(),
            Kind::Null(_) => "null".to_owned(),
            Kind::Bool(value) => format!("`{value}`"),
            Kind::Number(number) if !self.value.sensitive => format!("the number {number}"),
            Kind::Number(_) => "a number".to_owned(),
            Kind::String(text) if !self.value.sensitive && text.chars().count() <= 40 => format!("the string {text:?}"),
            Kind::String(_) => "a string".to_owned(),
            Kind::List(..) | Kind::Tuple(_) => "a list".to_owned(),
            Kind::Set(..) => "a set".to_owned(),
            Kind::Map(..) | Kind::Object(_) => "an object".to_owned(),
            Kind::Type(_) => "a type".to_owned(),
        }
    }
}
