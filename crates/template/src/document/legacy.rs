//! From the tree of a legacy JSON file to a [`Document`].

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Build, Document, Language, Requirement, Sequence, Source, SourceUse, Step, Variable};
use crate::json;
use crate::source::{Span, Spanned, Text};
use crate::suggest;
use crate::syntax::{Attribute, Body, Expression, ExpressionKind, ObjectItem};
use std::collections::BTreeMap;
use std::sync::Arc;

const ROOT_KEYS: &[&str] = &[
    "min_packer_version",
    "description",
    "variables",
    "sensitive-variables",
    "builders",
    "provisioners",
    "error-cleanup-provisioner",
    "post-processors",
    "comments",
    "push",
];

/// A member of an object: legacy keys are always written out.
struct Member<'a> {
    name: Spanned<&'a str>,
    value: &'a Expression,
}

fn members(items: &[ObjectItem]) -> impl Iterator<Item = Member<'_>> {
    items.iter().filter_map(|item| Some(Member { name: item.key.literal()?, value: &item.value }))
}

/// Makes a document of a file's root value.
pub fn document(root: &Expression, diagnostics: &mut Diagnostics) -> Document {
    let mut reader = Reader { document: Document::new(Language::Legacy), diagnostics };
    reader.root(root);
    reader.document
}

/// Reports the names in `only`, `except` and `override` that are no builder's. They are compared as they are written:
/// Packer never renders them.
pub fn check_names(document: &Document, diagnostics: &mut Diagnostics) {
    let builders: Vec<&str> = document.sources.iter().map(|source| source.name.value.as_str()).collect();
    let steps = document.builds.iter().flat_map(|build| {
        let provisioners = build.provisioners.iter().chain(&build.error_cleanup_provisioner).map(|step| (step, true));
        let post_processors = build.post_processors.iter().flat_map(|sequence| &sequence.steps);
        provisioners.chain(post_processors.map(|step| (step, false)))
    });
    let attributes =
        steps.flat_map(|(step, is_provisioner)| step.body.attributes.iter().map(move |it| (it, is_provisioner)));
    for (Attribute { name: what, value }, is_provisioner) in attributes {
        let names: Vec<Spanned<&str>> = match (what.value.as_str(), &value.kind) {
            ("only" | "except", ExpressionKind::Tuple(elements)) => elements.iter().filter_map(name).collect(),
            ("only" | "except", _) => name(value).iter().flat_map(split).collect(),
            ("override", ExpressionKind::Object(items)) if is_provisioner => {
                members(items).map(|member| member.name).collect()
            }
            _ => continue,
        };
        for name in names.iter().filter(|name| !builders.contains(&name.value)) {
            let message = format!("`{}` names a builder that is not there: `{}`", what.value, name.value);
            let problem = Diagnostic::error("unknown-source", message).at(name.span);
            diagnostics.push(match suggest::closest(name.value, builders.iter().copied()) {
                Some(close) => problem.help(format!("did you mean `{close}`?")),
                None => problem,
            });
        }
    }
}

fn name(value: &Expression) -> Option<Spanned<&str>> {
    match &value.kind {
        ExpressionKind::String(text) => Some(Spanned::new(text.value(), value.span)),
        _ => None,
    }
}

/// The names in a string: one with commas is read as a list.
fn split<'a>(names: &Spanned<&'a str>) -> impl Iterator<Item = Spanned<&'a str>> {
    let span = names.span;
    names.value.split(',').filter(|name| !name.is_empty()).map(move |name| Spanned::new(name, span))
}

struct Reader<'a> {
    document: Document,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn error(&mut self, code: &'static str, message: impl Into<String>, span: Span) {
        self.diagnostics.push(Diagnostic::error(code, message).at(span));
    }

    /// Reports a value of the wrong shape, unless it is broken and reported already.
    fn wrong(&mut self, value: &Expression, what: &str) {
        if value.kind != ExpressionKind::Broken {
            self.error("wrong-type", format!("{what}, not {}", json::describe(value)), value.span);
        }
    }

    fn root(&mut self, root: &Expression) {
        let ExpressionKind::Object(items) = &root.kind else {
            self.wrong(root, "a template is a JSON object");
            return;
        };
        let mut build = Build {
            name: None,
            description: None,
            sources: vec![SourceUse::All],
            provisioners: Vec::new(),
            error_cleanup_provisioner: None,
            post_processors: Vec::new(),
            header: Span { end: root.span.start + 1, ..root.span },
        };
        let mut sensitive = Vec::new();
        let mut has_builders = false;
        for Member { name, value } in members(items) {
            // Root keys are matched without regard to case.
            let lower = name.value.to_lowercase();
            if value.kind == ExpressionKind::Null && ROOT_KEYS.contains(&lower.as_str()) {
                continue;
            }
            match lower.as_str() {
                "min_packer_version" => self.min_version(value),
                "description" => {
                    let text = self.string(value, "`description` is a string");
                    self.document.description = text.map(|(text, _)| text.value().to_owned());
                }
                "variables" => self.variables(value),
                "sensitive-variables" => sensitive = self.strings(value, "`sensitive-variables` is a list of names"),
                "builders" => {
                    has_builders = true;
                    self.builders(value);
                }
                "provisioners" => {
                    for element in self.list(value, "`provisioners` is a list of objects") {
                        build.provisioners.extend(self.step(element, "provisioner"));
                    }
                }
                "error-cleanup-provisioner" => {
                    build.error_cleanup_provisioner = self.step(value, "error-cleanup-provisioner");
                }
                "post-processors" => build.post_processors = self.post_processors(value),
                "comments" => self.comments(value),
                // Of a service that is no more.
                "push" if matches!(value.kind, ExpressionKind::Object(_)) => {}
                "push" => self.wrong(value, "`push` is an object"),
                other if other.starts_with('_') => {
                    let text = self.string(value, "a comment is a string").filter(|_| other == "_imgforge");
                    let text = text.map(|(text, span)| Spanned::new(text.value().to_owned(), span));
                    self.document.allowances.extend(text);
                }
                other => self.unknown_key(&name, other),
            }
        }
        for name in sensitive {
            // A name that is not declared is ignored by Packer too.
            if let Some(variable) =
                self.document.variables.iter_mut().find(|variable| variable.name.value == name.value)
            {
                variable.sensitive = true;
            }
        }
        if !has_builders {
            self.diagnostics.push(
                Diagnostic::error("missing-source", "this template has no `builders`")
                    .at(build.header)
                    .help("add a list of builders, each an object with a `type`"),
            );
        }
        self.document.builds.push(build);
    }

    fn unknown_key(&mut self, name: &Spanned<&str>, lower: &str) {
        let diagnostic =
            Diagnostic::error("unknown-key", format!("a template has no key `{}`", name.value)).at(name.span);
        self.diagnostics.push(match suggest::closest(lower, ROOT_KEYS.iter().copied()) {
            Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
            None => diagnostic.help("keys that start with `_` are comments"),
        });
    }

    fn string(&mut self, value: &Expression, what: &str) -> Option<(Arc<Text>, Span)> {
        if let ExpressionKind::String(text) = &value.kind {
            return Some((text.clone(), value.span));
        }
        self.wrong(value, what);
        None
    }

    fn list<'v>(&mut self, value: &'v Expression, what: &str) -> &'v [Expression] {
        if let ExpressionKind::Tuple(elements) = &value.kind {
            return elements;
        }
        self.wrong(value, what);
        &[]
    }

    fn strings(&mut self, value: &Expression, what: &str) -> Vec<Spanned<String>> {
        let elements = self.list(value, what).iter();
        elements
            .filter_map(|element| self.string(element, what))
            .map(|(text, span)| Spanned::new(text.value().to_owned(), span))
            .collect()
    }

    fn min_version(&mut self, value: &Expression) {
        let text = self.string(value, "`min_packer_version` is a string");
        if let Some((text, span)) = text.filter(|(text, _)| !text.value().is_empty()) {
            let constraint = Spanned::new(format!(">= {}", text.value()), span);
            self.document.requirements.push(Requirement { constraint });
        }
    }

    fn comments(&mut self, value: &Expression) {
        for element in self.list(value, "`comments` is a list of objects") {
            if !matches!(element.kind, ExpressionKind::Object(_)) {
                self.wrong(element, "a comment of `comments` is an object");
            }
        }
    }

    fn variables(&mut self, value: &Expression) {
        let ExpressionKind::Object(items) = &value.kind else {
            self.wrong(value, "`variables` is an object of strings");
            return;
        };
        for Member { name, value } in members(items) {
            let default = match &value.kind {
                ExpressionKind::Null => None,
                ExpressionKind::String(_) | ExpressionKind::Broken => Some(value.clone()),
                _ => {
                    self.wrong(
                        value,
                        &format!("the variable `{}` is a string, or null when it must be given", name.value),
                    );
                    Some(Expression { kind: ExpressionKind::Broken, span: value.span })
                }
            };
            self.document.variables.push(Variable {
                name: Spanned::new(name.value.to_string(), name.span),
                kind: None,
                default,
                sensitive: false,
                validations: Vec::new(),
                is_undeclared: false,
            });
        }
    }

    fn builders(&mut self, value: &Expression) {
        let elements = self.list(value, "`builders` is a list of objects");
        if elements.is_empty() && matches!(value.kind, ExpressionKind::Tuple(_)) {
            self.error("missing-source", "at least one builder is needed", value.span);
        }
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        for element in elements {
            let Some(Step { kind, body, header, .. }) = self.step(element, "builder") else { continue };
            let name = body.attributes.iter().find(|attribute| attribute.name.value == "name").map(|a| &a.value);
            let name_text = match name.map(|name| (name, &name.kind)) {
                None | Some((_, ExpressionKind::Null)) => None,
                Some((name, ExpressionKind::Number(number))) => {
                    Some(Arc::new(Text::opaque(&number.to_string(), name.span)))
                }
                Some((name, _)) => match self.string(name, "the `name` of a builder is a string") {
                    Some((text, _)) => Some(text).filter(|text| !text.value().is_empty()),
                    None => continue,
                },
            };
            let name = match (&name_text, name) {
                (Some(text), Some(value)) => Spanned::new(text.value().to_owned(), value.span),
                _ => kind.clone(),
            };
            if let Some(first) = seen.get(&name.value) {
                self.diagnostics.push(
                    Diagnostic::error(
                        "duplicate-declaration",
                        format!("there are two builders named `{}`", name.value),
                    )
                    .at(name.span)
                    .related(*first, "the first one")
                    .help("give one of them another `name`"),
                );
                continue;
            }
            seen.insert(name.value.clone(), name.span);
            let mut body = Arc::unwrap_or_clone(body);
            body.attributes.retain(|attribute| attribute.name.value != "name");
            self.document.sources.push(Source { kind, name, name_text, body: Arc::new(body), header });
        }
    }

    /// An object with a `type`; the type is taken out of the body.
    fn step(&mut self, value: &Expression, what: &str) -> Option<Step> {
        let ExpressionKind::Object(items) = &value.kind else {
            self.wrong(value, &format!("a {what} is an object"));
            return None;
        };
        let mut kind = None;
        let mut attributes = Vec::new();
        let start = Span { end: value.span.start + 1, ..value.span };
        let mut missing = true;
        for Member { name, value } in members(items) {
            if name.value == "type" {
                missing = false;
                kind = self
                    .string(value, &format!("the `type` of a {what} is a string"))
                    .map(|(text, span)| Spanned::new(text.value().to_owned(), span));
            } else {
                let name = Spanned::new(name.value.to_string(), name.span);
                attributes.push(Attribute { name, value: value.clone() });
            }
        }
        if missing {
            self.error("missing-type", format!("this {what} has no `type`"), start);
        }
        let kind = kind?;
        let header = kind.span;
        let body = Body { attributes, blocks: Vec::new(), span: value.span };
        Some(Step { kind, body: Arc::new(body), header, repeat: None })
    }

    /// Reports an argument that is of another type: Packer takes these as they are, not weakly.
    fn strict(&mut self, body: &Body, name: &str, is_right: fn(&ExpressionKind) -> bool, wanted: &str) {
        let attribute = body.attributes.iter().find(|attribute| attribute.name.value == name);
        if let Some(Attribute { value, .. }) = attribute
            && value.kind != ExpressionKind::Null
            && !is_right(&value.kind)
        {
            self.wrong(value, &format!("the `{name}` of a post-processor is {wanted}"));
        }
    }

    fn post_processors(&mut self, value: &Expression) -> Vec<Sequence> {
        let mut sequences = Vec::new();
        for element in self.list(value, "`post-processors` is a list") {
            if let ExpressionKind::Tuple(inner) = &element.kind {
                let steps = inner.iter().filter_map(|step| self.post_processor(step)).collect();
                sequences.push(Sequence { steps, repeat: None });
            } else {
                sequences.extend(self.post_processor(element).map(|step| Sequence { steps: vec![step], repeat: None }));
            }
        }
        sequences
    }

    fn post_processor(&mut self, value: &Expression) -> Option<Step> {
        match &value.kind {
            ExpressionKind::String(text) => Some(Step {
                kind: Spanned::new(text.value().to_owned(), value.span),
                body: Arc::new(Body { attributes: Vec::new(), blocks: Vec::new(), span: value.span }),
                header: value.span,
                repeat: None,
            }),
            ExpressionKind::Tuple(_) => {
                self.error("wrong-type", "a sequence of post-processors can't hold another sequence", value.span);
                None
            }
            ExpressionKind::Object(_) => {
                let step = self.step(value, "post-processor")?;
                self.strict(&step.body, "name", |kind| matches!(kind, ExpressionKind::String(_)), "a string");
                self.strict(
                    &step.body,
                    "keep_input_artifact",
                    |kind| matches!(kind, ExpressionKind::Bool(_)),
                    "a bool",
                );
                Some(step)
            }
            _ => {
                self.wrong(value, "a post-processor is a type, an object, or a list of them");
                None
            }
        }
    }
}
