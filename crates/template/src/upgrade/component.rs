//! Builders, provisioners and post-processors as blocks.

use super::Upgrade;
use super::arguments::{Part, Written, fit};
use super::text::{block, expression, key, list, object, quoted};
use super::variables::ComponentNames;
use crate::document::{Build, Source, Step};
use crate::gotemplate::{Piece, translate};
use crate::source::Text;
use crate::syntax::{Attribute, Expression, ExpressionKind, ObjectItem, ObjectKey};
use std::sync::Arc;

/// Which component an argument belongs to, and which blocks it is in.
#[derive(Clone, Copy)]
struct Place<'a> {
    part: Part,
    component: &'a str,
    path: &'a [&'a str],
}

impl Upgrade<'_> {
    /// The `source` block for a builder.
    pub(super) fn source(&mut self, source: &Source) -> String {
        let Some(named) = self.sources.find(&source.name.value) else { return String::new() };
        let header = format!("source {} {}", quoted(&named.kind), quoted(&named.label));
        let body = self.arguments(&source.body.attributes, Part::Builder, &source.kind.value);
        block(&header, &body)
    }

    pub(super) fn build(&mut self, build: &Build) -> String {
        let mut body = String::new();
        if let Some(description) = &self.template.document.description {
            body.push_str(&format!("description = {}\n", expression(&[Piece::Text(description.clone())], true)));
        }
        let (renamed, plain): (Vec<_>, Vec<_>) = self.sources.all().iter().partition(|source| source.needs_name());
        if !plain.is_empty() {
            let references: Vec<String> = plain.iter().map(|source| quoted(&source.reference())).collect();
            body.push_str(&format!("sources = {}\n", list(&references)));
        }
        let mut blocks = Vec::new();
        for source in renamed {
            let header = format!("source {}", quoted(&source.reference()));
            blocks.push(block(&header, &format!("name = {}\n", quoted(&source.name))));
        }
        for step in &build.provisioners {
            blocks.push(self.step(step, "provisioner", Part::Provisioner));
        }
        if let Some(step) = &build.error_cleanup_provisioner {
            blocks.push(self.step(step, "error-cleanup-provisioner", Part::Provisioner));
        }
        for sequence in &build.post_processors {
            let mut steps = Vec::new();
            for (index, step) in sequence.steps.iter().enumerate() {
                for step in self.by_provider(step, index == 0) {
                    steps.push(self.step(&step, "post-processor", Part::PostProcessor));
                }
            }
            blocks.push(match steps.as_slice() {
                [] => continue,
                [step] => step.clone(),
                steps => block("post-processors", &steps.join("\n")),
            });
        }
        if !body.is_empty() && !blocks.is_empty() {
            body.push('\n');
        }
        body.push_str(&blocks.join("\n"));
        block("build", &body)
    }

    fn step(&mut self, step: &Step, what: &str, part: Part) -> String {
        let header = format!("{what} {}", quoted(&step.kind.value));
        let body = self.arguments(&step.body.attributes, part, &step.kind.value);
        block(&header, &body)
    }

    fn arguments(&mut self, attributes: &[Attribute], part: Part, component: &str) -> String {
        let mut arguments = String::new();
        let mut blocks = String::new();
        for Attribute { name, value } in attributes {
            let name = self.name(&name.value, Place { part, component, path: &[] });
            if part != Part::Builder
                && let Some(written) = self.engine_argument(&name, value, part)
            {
                arguments.push_str(&format!("{name} = {written}\n"));
                continue;
            }
            let path = [name.as_str()];
            self.argument(&name, value, Place { part, component, path: &path }, &mut arguments, &mut blocks);
        }
        arguments + &blocks
    }

    /// The name of an argument: JSON compares names without regard to case.
    fn name(&self, written: &str, outside: Place<'_>) -> String {
        let is_known = |name: &str| {
            let path: Vec<&str> = outside.path.iter().copied().chain([name]).collect();
            self.kinds.kind(outside.part, outside.component, &path).is_some()
        };
        let lower = written.to_lowercase();
        if !is_known(written) && is_known(&lower) { lower } else { written.to_owned() }
    }

    /// Writes an argument to the arguments, or to the blocks that follow them.
    fn argument(
        &mut self,
        name: &str,
        value: &Expression,
        place: Place<'_>,
        arguments: &mut String,
        blocks: &mut String,
    ) {
        let kind = self.kinds.kind(place.part, place.component, place.path);
        match (kind.as_deref(), &value.kind) {
            (Some("block" | "blocks"), ExpressionKind::Object(items)) => {
                blocks.push_str(&self.nested(name, items, place));
            }
            (Some("block" | "blocks"), ExpressionKind::Tuple(elements))
                if elements.iter().all(|element| matches!(element.kind, ExpressionKind::Object(_))) =>
            {
                for element in elements {
                    if let ExpressionKind::Object(items) = &element.kind {
                        blocks.push_str(&self.nested(name, items, place));
                    }
                }
            }
            (kind, _) => {
                let fitting = kind.map_or(Written::AsIs, |kind| fit(value, kind));
                let written = match fitting {
                    Written::AsIs => {
                        let written = self.value(value, place.part, true);
                        // JSON reads an empty text as none; HCL2 would not take it.
                        match kind {
                            Some("bool" | "number") if self.variables.may_be_empty(&written) => {
                                format!("{written} != \"\" ? {written} : null")
                            }
                            _ => written,
                        }
                    }
                    Written::Nothing => return,
                    Written::Text(text) => text,
                    Written::Listed => list(&[self.value(value, place.part, false)]),
                    Written::Split => self.split(value, place.part),
                };
                arguments.push_str(&format!("{name} = {written}\n"));
            }
        }
    }

    fn nested(&mut self, name: &str, items: &[ObjectItem], place: Place<'_>) -> String {
        let (mut arguments, mut blocks) = (String::new(), String::new());
        for item in items {
            let Some(inner) = item.key.literal() else { continue };
            let inner = self.name(inner.value, place);
            let path: Vec<&str> = place.path.iter().copied().chain([inner.as_str()]).collect();
            self.argument(&inner, &item.value, Place { path: &path, ..place }, &mut arguments, &mut blocks);
        }
        block(name, &(arguments + &blocks))
    }

    /// A string that stands for a list: what is between its commas.
    fn split(&mut self, value: &Expression, part: Part) -> String {
        let ExpressionKind::String(text) = &value.kind else { return self.value(value, part, false) };
        let pieces = self.pieces(text, part);
        match pieces.as_slice() {
            [Piece::Text(text)] => {
                let elements: Vec<String> = text.split(',').map(|element| quoted(element.trim())).collect();
                list(&elements)
            }
            pieces => format!("split(\",\", {})", expression(pieces, false)),
        }
    }

    /// What the engine takes from a step: the names of sources in it are those of HCL2.
    fn engine_argument(&mut self, name: &str, value: &Expression, part: Part) -> Option<String> {
        match (name, &value.kind) {
            ("only" | "except", ExpressionKind::Tuple(names)) => {
                let names: Vec<String> = names.iter().map(|name| self.build_name(name, part)).collect();
                Some(list(&names))
            }
            ("only" | "except", ExpressionKind::String(names)) => {
                let names: Vec<String> = names.value().split(',').map(|name| self.build_named(name)).collect();
                Some(list(&names))
            }
            ("pause_before" | "timeout", ExpressionKind::Number(nanoseconds)) => {
                Some(quoted(&format!("{}ns", nanoseconds.truncate())))
            }
            ("override", ExpressionKind::Object(items)) if part == Part::Provisioner => {
                let members: Vec<(String, String)> = items
                    .iter()
                    .filter_map(|item| {
                        let raw = item.key.literal()?.value;
                        let name = self.sources.find(raw).map_or(raw, |source| &source.name).to_owned();
                        Some((key(&[Piece::Text(name)]), self.value(&item.value, part, true)))
                    })
                    .collect();
                Some(object(&members))
            }
            _ => None,
        }
    }

    fn build_name(&mut self, name: &Expression, part: Part) -> String {
        match &name.kind {
            ExpressionKind::String(text) => self.build_named(text.value()),
            _ => self.value(name, part, false),
        }
    }

    fn build_named(&self, raw: &str) -> String {
        let found = self.sources.find(raw);
        quoted(&found.map_or_else(|| raw.to_owned(), |source| format!("{}.{}", source.kind, source.name)))
    }

    fn value(&mut self, value: &Expression, part: Part, may_be_heredoc: bool) -> String {
        match &value.kind {
            ExpressionKind::Bool(value) => value.to_string(),
            ExpressionKind::Number(number) => number.to_string(),
            ExpressionKind::String(text) => expression(&self.pieces(text, part), may_be_heredoc),
            ExpressionKind::Tuple(elements) => {
                let elements: Vec<String> = elements.iter().map(|element| self.value(element, part, false)).collect();
                list(&elements)
            }
            ExpressionKind::Object(items) => {
                let members: Vec<(String, String)> = items
                    .iter()
                    .map(|item| {
                        let name = match &item.key {
                            ObjectKey::Expression(Expression { kind: ExpressionKind::String(text), .. }) => {
                                key(&self.pieces(text, part))
                            }
                            other => key(&[Piece::Text(other.literal().map_or("", |key| key.value).to_owned())]),
                        };
                        (name, self.value(&item.value, part, true))
                    })
                    .collect();
                object(&members)
            }
            _ => "null".to_owned(),
        }
    }

    fn pieces(&mut self, text: &Arc<Text>, part: Part) -> Vec<Piece> {
        let mut names = ComponentNames { variables: &mut self.variables, after_build: part != Part::Builder };
        let translated = translate(text, &mut names);
        for place in translated.left {
            self.not_translated(place);
        }
        translated.pieces
    }
}
