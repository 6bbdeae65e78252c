//! Which sources a build names, and where they are.

use super::{Planner, Used, hides_uses};
use imgforge_template::diagnostic::Diagnostic;
use imgforge_template::document::{Build, Language, Source, SourceUse};
use imgforge_template::eval;
use imgforge_template::source::Span;
use imgforge_template::suggest;
use imgforge_template::syntax::{self, Expression, ExpressionKind};
use imgforge_template::value::Kind;

/// Whether the sources of a build are the same whatever variables are given.
pub(super) fn names_are_written(build: &Build) -> bool {
    build.sources.iter().all(|source_use| match source_use {
        SourceUse::All | SourceUse::Block { repeat: None, .. } => true,
        SourceUse::Block { .. } => false,
        SourceUse::List(Expression { kind: ExpressionKind::Tuple(references), .. }) => {
            references.iter().all(|reference| matches!(reference.kind, ExpressionKind::String(_)))
        }
        SourceUse::List(_) => false,
    })
}

impl<'a> Planner<'a> {
    pub(super) fn sources(&mut self, build: &'a Build) -> Vec<Used<'a>> {
        let document = self.document;
        let mut used = Vec::new();
        for source_use in &build.sources {
            match source_use {
                SourceUse::All => {
                    used.extend(document.sources.iter().map(|source| Used::new(source, None, source.name.span)))
                }
                SourceUse::Block { reference, name, body, repeat: None } => {
                    let Some(source) = self.source(&reference.value, reference.span, build) else { continue };
                    let scope = &self.template.scope;
                    let name = name.as_ref().and_then(|name| self.text(name, scope));
                    self.report_both(source, body);
                    used.push(Used { extra: Some(body), ..Used::new(source, name, reference.span) });
                }
                SourceUse::Block { name, body, repeat: Some(repeat), .. } => {
                    for iterator in repeat.elements(&self.template.scope, self.diagnostics) {
                        let scope = self.template.scope.clone().with(&iterator.0, iterator.1.clone());
                        let Some(reference) = repeat.label(&scope, self.diagnostics) else { continue };
                        let Some(source) = self.source(&reference.value, reference.span, build) else { continue };
                        let name = name.as_ref().and_then(|name| self.text(name, &scope));
                        self.report_both(source, body);
                        used.push(Used {
                            extra: Some(body),
                            iterator: Some(iterator),
                            ..Used::new(source, name, reference.span)
                        });
                    }
                }
                SourceUse::List(expression) => {
                    for (reference, span) in self.references(expression) {
                        if let Some(source) = self.source(&reference, span, build) {
                            used.push(Used::new(source, None, span));
                        }
                    }
                }
            }
        }
        used
    }

    /// Says which sources no build names, and checks these too: what is wrong there is in nobody's way yet.
    pub(super) fn unused_sources(&mut self) {
        if self.document.language == Language::Legacy || hides_uses(self.diagnostics) || self.document.is_open {
            return;
        }
        let (document, used) = (self.document, std::mem::take(&mut self.used));
        if !document.builds.iter().all(names_are_written) {
            return;
        }
        for source in document.sources.iter().filter(|source| !used.contains(&source.header)) {
            let (kind, name) = (&source.kind.value, &source.name.value);
            self.diagnostics.push(
                Diagnostic::warning("unused-source", format!("no build uses the source `{kind}.{name}`"))
                    .at(source.header)
                    .help(format!("add `source.{kind}.{name}` to the `sources` of a build, or delete it")),
            );
            let others = std::mem::take(self.diagnostics);
            let unbuildable = std::mem::take(&mut self.unbuildable);
            let used = Used::new(source, None, source.header);
            let view = self.view(&used, "", name);
            self.builder(&used, view);
            self.unbuildable = unbuildable;
            let found = std::mem::replace(self.diagnostics, others);
            self.diagnostics.append(found.as_warnings());
        }
    }

    /// A `source` block inside a build adds arguments; it can't replace those of the source itself.
    fn report_both(&mut self, source: &Source, extra: &syntax::Body) {
        for attribute in &extra.attributes {
            let first = source.body.attributes.iter().find(|first| first.name.value == attribute.name.value);
            if let Some(first) = first {
                let message = format!("`{}` is set by the source already", attribute.name.value);
                self.diagnostics.push(
                    Diagnostic::error("duplicate-argument", message)
                        .at(attribute.name.span)
                        .related(first.name.span, "set here first")
                        .help("a `source` block inside `build` can add arguments, not replace them"),
                );
            }
        }
    }

    fn references(&mut self, expression: &Expression) -> Vec<(String, Span)> {
        let value = eval::evaluate(expression, &self.template.scope, self.diagnostics);
        let (Kind::Tuple(values) | Kind::List(_, values) | Kind::Set(_, values)) = &value.kind else {
            if !matches!(value.kind, Kind::Unknown(_)) {
                let message = "`sources` is a list of references such as `source.qemu.web`";
                self.diagnostics.push(Diagnostic::error("wrong-type", message).at(expression.span));
            }
            return Vec::new();
        };
        let written = match &expression.kind {
            ExpressionKind::Tuple(elements) => elements.as_slice(),
            _ => &[],
        };
        let mut references = Vec::new();
        for (index, value) in values.iter().enumerate() {
            let span = written.get(index).map_or(expression.span, |element| element.span);
            match &value.kind {
                Kind::String(text) => references.push((text.to_string(), span)),
                Kind::Unknown(_) => {}
                _ => {
                    let message = "a reference is a string such as `source.qemu.web`";
                    self.diagnostics.push(Diagnostic::error("wrong-type", message).at(span));
                }
            }
        }
        references
    }

    fn source(&mut self, reference: &str, span: Span, build: &Build) -> Option<&'a Source> {
        let document = self.document;
        let parts: Vec<&str> = reference.split('.').collect();
        // With three parts or more the first one is not looked at, whatever it is.
        let (kind, name) = match parts.as_slice() {
            [kind, name] | [_, kind, name, ..] => (*kind, *name),
            _ => {
                self.diagnostics.push(
                    Diagnostic::error("invalid-reference", format!("`{reference}` does not name a source"))
                        .at(span)
                        .related(build.header, "in this build")
                        .help("write `source.TYPE.NAME`"),
                );
                return None;
            }
        };
        let found = document.sources.iter().find(|source| source.kind.value == kind && source.name.value == name);
        if found.is_none() && !document.is_open {
            let known: Vec<String> =
                document.sources.iter().map(|source| format!("{}.{}", source.kind.value, source.name.value)).collect();
            let diagnostic = Diagnostic::error("unknown-source", format!("there is no source `{kind}.{name}`"))
                .at(span)
                .related(build.header, "in this build");
            let close = suggest::closest(&format!("{kind}.{name}"), known.iter().map(String::as_str));
            self.diagnostics.push(match close {
                Some(close) => diagnostic.help(format!("did you mean `source.{close}`?")),
                None if known.is_empty() => diagnostic.help("the template declares no sources"),
                None => diagnostic.help(format!("the sources are {}", known.join(", "))),
            });
        }
        found
    }
}
