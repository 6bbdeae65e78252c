//! A block held against its schema: names, types, how often a block stands there, and what is missing.

use super::{Field, Need, Schema, Shape};
use crate::body::{self, Located, Member};
use crate::convert::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::eval;
use crate::gotemplate::{self, Fields, GoContext, GoTemplate};
use crate::number::Number;
use crate::repeat::Dynamic;
use crate::scope::Scope;
use crate::source::{Span, Spanned};
use crate::suggest;
use crate::syntax::{Body, Expression, ExpressionKind};
use crate::types::Type;
use crate::value::Kind;
use crate::weak;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A component as it was written, and what its values are evaluated with.
pub struct Written<'a> {
    /// The component's name.
    pub component: &'a str,
    pub bodies: &'a [Arc<Body>],
    /// Arguments that are not the component's.
    pub taken: &'a [&'a str],
    /// An object whose members win over the bodies'.
    pub overrides: Option<&'a Expression>,
    /// Where what is missing is reported.
    pub header: Span,
    pub scope: &'a Scope,
    pub context: &'a GoContext,
    /// Values are read as legacy JSON does, and names without regard to case.
    pub is_weak: bool,
}

impl Written<'_> {
    /// Reports all that is wrong in it. Of values that are not known nothing is said. Without a schema any argument may
    /// be there, but its value must make sense, and Go templates in it be readable.
    pub fn check(&self, schema: Option<&Schema>, diagnostics: &mut Diagnostics) {
        let mut checker = Checker { written: self, diagnostics };
        let fields = schema.map(|schema| schema.fields.as_slice());
        let mut given = BTreeSet::new();
        for body in self.bodies {
            given.extend(checker.body(body, fields, self.scope, self.component));
        }
        if let Some(overrides) = self.overrides {
            let value = eval::evaluate(overrides, self.scope, checker.diagnostics);
            checker.texts(overrides);
            for member in Located::new(value, overrides).members().unwrap_or_default() {
                given.extend(fields.and_then(|fields| checker.member(&member, fields, self.component)));
            }
        }
        for need in schema.iter().flat_map(|schema| &schema.needs) {
            checker.need(need, &given);
        }
    }

    fn find<'f>(&self, fields: &'f [Field], name: &str) -> Option<&'f Field> {
        let is_it = |field: &&Field| field.name == name || self.is_weak && field.name.eq_ignore_ascii_case(name);
        fields.iter().find(is_it)
    }
}

struct Checker<'a> {
    written: &'a Written<'a>,
    diagnostics: &'a mut Diagnostics,
}

impl Checker<'_> {
    /// Checks a body; without `fields` anything may be in it. Returns the names that are there or were meant.
    fn body(&mut self, body: &Body, fields: Option<&[Field]>, scope: &Scope, holder: &str) -> BTreeSet<&'static str> {
        let mut given = BTreeSet::new();
        let is_outside = holder == self.written.component;
        for attribute in &body.attributes {
            let name = attribute.name.value.as_str();
            if is_outside && self.written.taken.contains(&name) {
                continue;
            }
            let value = eval::evaluate(&attribute.value, scope, self.diagnostics);
            self.texts(&attribute.value);
            if let Some(fields) = fields {
                let located = Located::new(value, &attribute.value);
                given.extend(self.argument(name, attribute.name.span, &located, fields, holder));
            }
        }
        let mut once = BTreeMap::new();
        for block in &body.blocks {
            if block.kind.value != "dynamic" {
                given.extend(self.block(&block.kind, block.header, &mut once, fields, holder));
                self.inside(&block.kind.value, &block.body, fields, scope);
                continue;
            }
            let Some(Dynamic { kind, content, header, repeat }) = Dynamic::read(block.clone(), self.diagnostics) else {
                continue;
            };
            for (name, value) in repeat.elements(scope, self.diagnostics) {
                given.extend(self.block(&kind, header, &mut once, fields, holder));
                self.inside(&kind.value, &content, fields, &scope.clone().with(&name, value));
            }
        }
        given
    }

    /// A block may stand there under this name, and not twice if it may once.
    fn block(
        &mut self,
        kind: &Spanned<String>,
        header: Span,
        once: &mut BTreeMap<&'static str, Span>,
        fields: Option<&[Field]>,
        holder: &str,
    ) -> Option<&'static str> {
        let fields = fields?;
        let Some(field) = self.written.find(fields, &kind.value) else {
            return self.unknown(&kind.value, kind.span, fields, holder);
        };
        let name = field.name;
        match &field.shape {
            Shape::Argument(expected) => self.diagnostics.push(
                Diagnostic::error("wrong-type", format!("`{name}` takes a {expected}, not a block"))
                    .at(kind.span)
                    .help(format!("write it as `{name} = …`")),
            ),
            Shape::Block { is_repeated: true, .. } => {}
            Shape::Block { is_repeated: false, .. } => match once.get(name) {
                Some(first) => self.twice(name, header, *first),
                None => {
                    once.insert(name, header);
                }
            },
        }
        Some(name)
    }

    fn inside(&mut self, kind: &str, body: &Body, fields: Option<&[Field]>, scope: &Scope) {
        let field = fields.and_then(|fields| self.written.find(fields, kind));
        let fields = match field.map(|field| &field.shape) {
            Some(Shape::Block { fields, .. }) => Some(fields.as_slice()),
            _ => None,
        };
        self.body(body, fields, scope, &format!("`{kind}`"));
    }

    fn twice(&mut self, name: &str, second: Span, first: Span) {
        self.diagnostics.push(
            Diagnostic::error("duplicate-declaration", format!("there is one `{name}` block at most"))
                .at(second)
                .related(first, "the first one")
                .help("keep one of the two"),
        );
    }

    fn member(&mut self, member: &Member<'_>, fields: &[Field], holder: &str) -> Option<&'static str> {
        let (name, key) = (member.key.value(), member.key.span(0..member.key.value().len()));
        let is_known = self.written.find(fields, name).is_some();
        // Objects that come from elsewhere may hold more than is asked for here; `//` is a comment.
        if !is_known && !self.written.is_weak && (!member.is_written || name == "//") {
            return None;
        }
        self.argument(name, key, &member.value, fields, holder)
    }

    /// Returns the name of the argument if it is there, or was meant.
    fn argument(
        &mut self,
        name: &str,
        key: Span,
        located: &Located<'_>,
        fields: &[Field],
        holder: &str,
    ) -> Option<&'static str> {
        let Some(field) = self.written.find(fields, name) else {
            let is_outside = holder == self.written.component;
            if is_outside && body::is_of_the_engine(name, self.written.is_weak) {
                return None;
            }
            return self.unknown(name, key, fields, holder);
        };
        if located.is_null() {
            return None;
        }
        match &field.shape {
            Shape::Argument(expected) => self.value(field.name, expected, located),
            Shape::Block { is_repeated, fields } => self.objects(field.name, *is_repeated, fields, located),
        }
        Some(field.name)
    }

    fn unknown(&mut self, name: &str, key: Span, fields: &[Field], holder: &str) -> Option<&'static str> {
        let close = suggest::closest(name, fields.iter().map(|field| field.name));
        let help = match close {
            Some(close) => format!("did you mean `{close}`?"),
            None => "remove it, or check the name in the component's documentation".to_owned(),
        };
        let message = format!("{holder} has no argument `{name}`");
        self.diagnostics.push(Diagnostic::error("unknown-argument", message).at(key).help(help));
        fields.iter().map(|field| field.name).find(|field| Some(*field) == close)
    }

    /// Blocks that are written as the value of an argument.
    fn objects(&mut self, name: &'static str, is_repeated: bool, fields: &[Field], located: &Located<'_>) {
        let holder = format!("`{name}`");
        if let Some(members) = located.members() {
            for member in members {
                self.member(&member, fields, &holder);
            }
            return;
        }
        let is_weak = self.written.is_weak;
        match (located.elements(), &located.value.kind) {
            (_, Kind::Unknown(_)) => {}
            (_, Kind::String(text)) if is_weak && is_repeated && text.is_empty() => {}
            (Some(elements), _) if is_repeated || !is_weak => {
                let mut elements = elements.iter().filter(|element| !element.is_null());
                let is_object = |element: &&Located<'_>| element.members().is_some() || element.is_unknown();
                if let Some(element) = elements.clone().find(|element| !is_object(element)) {
                    let message = format!("`{name}` takes blocks, not {}", element.describe());
                    self.diagnostics.push(Diagnostic::error("wrong-type", message).at(element.span));
                }
                for element in elements.clone().filter(is_object) {
                    self.objects(name, is_repeated, fields, element);
                }
                if let (false, Some(first), Some(second)) = (is_repeated, elements.next(), elements.next()) {
                    self.twice(name, second.span, first.span);
                }
            }
            _ => {
                let message = format!("`{name}` takes a block, not {}", located.describe());
                self.diagnostics.push(
                    Diagnostic::error("wrong-type", message).at(located.span).help("write its arguments in braces"),
                );
            }
        }
    }

    /// Whether a value can be had as one of this type.
    fn value(&mut self, name: &str, expected: &str, located: &Located<'_>) {
        if located.is_unknown() {
            return;
        }
        if let Some(of) = inside(expected, "list(") {
            return self.list(name, expected, of, located);
        }
        if let Some(of) = inside(expected, "map(") {
            return self.map(name, expected, of, located);
        }
        let is_scalar = matches!(located.value.kind, Kind::String(_) | Kind::Number(_) | Kind::Bool(_));
        let fits = is_scalar
            && match expected {
                "bool" if self.written.is_weak => {
                    self.text(located).is_none_or(|text| weak::bool(&located.value.kind, &text).is_some())
                }
                "number" if self.written.is_weak => {
                    let number = |text| Number::parse(&weak::integer(&located.value.kind, text)).is_some();
                    self.text(located).is_none_or(number)
                }
                "bool" => convert(&located.value, &Type::Bool).is_ok(),
                "number" => convert(&located.value, &Type::Number).is_ok(),
                _ => true,
            };
        if !fits {
            self.diagnostics.push(located.wrong_type(name, expected));
        }
    }

    fn list(&mut self, name: &str, expected: &str, of: &str, located: &Located<'_>) {
        match (located.elements(), located.members()) {
            (Some(elements), _) => elements.iter().for_each(|element| self.value(name, of, element)),
            // Legacy JSON takes one value for a list of one, and an empty object for an empty list.
            (None, None) if self.written.is_weak => self.value(name, of, located),
            (None, Some(members)) if self.written.is_weak && members.is_empty() => {}
            _ => self.diagnostics.push(located.wrong_type(name, expected)),
        }
    }

    fn map(&mut self, name: &str, expected: &str, of: &str, located: &Located<'_>) {
        match (located.members(), located.elements()) {
            (Some(members), _) => members.iter().for_each(|member| self.value(name, of, &member.value)),
            // Legacy JSON takes a list of objects for all their members together.
            (None, Some(elements)) if self.written.is_weak => {
                elements.iter().for_each(|element| self.value(name, expected, element));
            }
            _ => self.diagnostics.push(located.wrong_type(name, expected)),
        }
    }

    /// The text of a scalar, Go templates rendered; `None` where they can't be yet.
    fn text(&self, located: &Located<'_>) -> Option<String> {
        let text = match &located.value.kind {
            Kind::String(text) => text.to_string(),
            Kind::Number(number) => number.to_string(),
            Kind::Bool(value) => value.to_string(),
            _ => return None,
        };
        if !gotemplate::is_template(&text) {
            return Some(text);
        }
        // What is wrong with the template itself is told of all texts alike.
        let mut told = Diagnostics::default();
        GoTemplate::parse(located.text(&text), &mut told).render(self.written.context, &Fields::None, &mut told)
    }

    /// Looks into strings as they were written. Which fields they may use is the component's to know.
    fn texts(&mut self, expression: &Expression) {
        match &expression.kind {
            ExpressionKind::String(text) if gotemplate::is_template(text.value()) => {
                GoTemplate::parse(text.clone(), self.diagnostics)
                    .check_variables(&self.written.context.user, self.diagnostics);
            }
            ExpressionKind::Tuple(elements) => elements.iter().for_each(|element| self.texts(element)),
            ExpressionKind::Object(items) => items.iter().for_each(|item| self.texts(&item.value)),
            _ => {}
        }
    }

    fn need(&mut self, need: &Need, given: &BTreeSet<&'static str>) {
        if need.one_of.iter().chain(&need.unless).any(|name| given.contains(name)) {
            return;
        }
        let quoted: Vec<String> = need.one_of.iter().map(|name| format!("`{name}`")).collect();
        let message = match quoted.as_slice() {
            [one] => format!("the argument {one} is required"),
            names => format!("one of the arguments {} is required", names.join(", ")),
        };
        let unless: Vec<String> = need.unless.iter().map(|name| format!(", or `{name}`")).collect();
        let help = format!("add {}{}", quoted.join(" or "), unless.concat());
        self.diagnostics.push(Diagnostic::error("missing-argument", message).at(self.written.header).help(help));
    }
}

/// What a `list(…)` or `map(…)` is of.
fn inside<'a>(expected: &'a str, collection: &str) -> Option<&'a str> {
    expected.strip_prefix(collection)?.strip_suffix(')')
}
