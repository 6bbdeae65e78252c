//! The `user` variables of legacy JSON: rendered in rounds, since they may use each other in any order.

use super::graph::own_value;
use super::{Depth, Evaluation, legacy_context};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::document::Document;
use crate::gotemplate::{Fields, GoContext, GoTemplate, User};
use crate::inputs::{Assignment, Form};
use crate::source::{Span, Text};
use crate::syntax::{Expression, ExpressionKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// As many cycles are reported: more come from who wants to see many.
const MAX_CYCLES: usize = 20;

impl Evaluation<'_> {
    pub(super) fn legacy(
        &mut self,
        document: &Document,
        assignments: &[Assignment],
    ) -> BTreeMap<String, Option<String>> {
        let mut texts: BTreeMap<String, Arc<Text>> = BTreeMap::new();
        let mut values: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut missing = BTreeSet::new();
        for variable in &document.variables {
            let name = variable.name.value.clone();
            match variable.default.as_ref().map(|default| &default.kind) {
                Some(ExpressionKind::String(text)) => {
                    texts.insert(name, text.clone());
                }
                Some(_) => {
                    values.insert(name, None);
                }
                None => {
                    values.insert(name.clone(), None);
                    missing.insert(name);
                }
            }
        }
        for assignment in assignments {
            let name = assignment.name.value.clone();
            let text = match &assignment.form {
                Form::Text { text, .. } => Arc::new(Text::opaque(text, assignment.span())),
                Form::Expression(Expression { kind: ExpressionKind::String(text), .. }) => text.clone(),
                Form::Expression(_) => continue,
            };
            missing.remove(&name);
            values.remove(&name);
            texts.insert(name, text);
        }
        if self.request.depth == Depth::Syntax {
            values.extend(texts.into_keys().map(|name| (name, None)));
            return values;
        }
        let is_missing = |name: &str| self.is_complete && missing.contains(name);
        for variable in document.variables.iter().filter(|variable| is_missing(&variable.name.value)) {
            let name = &variable.name.value;
            self.diagnostics.push(
                Diagnostic::error("unset-variable", format!("the variable `{name}` has no value"))
                    .at(variable.name.span)
                    .help(format!("its default is null: give a value by `-var {name}=…` or a var file")),
            );
        }
        let sensitive = sensitive(document, &texts);
        self.render_variables(texts, &mut values);
        for value in sensitive.iter().filter_map(|name| values.get(name)).flatten() {
            // `upper` and `lower` are what a template is likely to do with it.
            self.secrets.extend([value.clone(), value.to_uppercase(), value.to_lowercase()]);
        }
        values
    }

    /// Renders variables in rounds, since they may use each other in any order.
    fn render_variables(&mut self, texts: BTreeMap<String, Arc<Text>>, values: &mut BTreeMap<String, Option<String>>) {
        let mut pending: Vec<(String, GoTemplate, Span)> = Vec::new();
        for (name, text) in texts {
            let span = text.span(0..text.value().len());
            if !crate::gotemplate::is_template(text.value()) {
                values.insert(name, Some(text.value().to_owned()));
                continue;
            }
            // Declared, so that others may refer to it.
            values.insert(name.clone(), None);
            pending.push((name, GoTemplate::parse(text, self.diagnostics), span));
        }
        loop {
            let before = pending.len();
            let mut waiting = Vec::new();
            let user = User::Variables { values: Arc::new(values.clone()), undeclared: Severity::Error };
            let context = legacy_context(self.world.host.clone(), self.root, user, true);
            let context = GoContext { secrets: self.world.secrets.clone(), ..context };
            for (name, template, span) in pending {
                let mut found = Diagnostics::default();
                match template.render(&context, &Fields::Kept, &mut found) {
                    Some(value) => {
                        values.insert(name, Some(value));
                        self.diagnostics.append(found);
                    }
                    None if found.has_errors() => self.diagnostics.append(found),
                    None => waiting.push((name, template, span)),
                }
            }
            pending = waiting;
            if pending.is_empty() || pending.len() == before {
                break;
            }
        }
        // What waits for a variable that is broken, missing or a secret is silent; what waits for itself is a cycle:
        // what is left when all are gone that wait for none of the others.
        let names = loop {
            let names: BTreeSet<String> = pending.iter().map(|(name, ..)| name.clone()).collect();
            pending.retain(|(_, template, _)| template.user_variables().any(|user| names.contains(user.value)));
            if pending.len() == names.len() {
                break names;
            }
        };
        let waiting = pending.iter().map(|(name, template, span)| {
            let users = template.user_variables().map(|user| user.value).filter(|user| names.contains(*user));
            (name.as_str(), Waiting { span: *span, users: users.collect() })
        });
        report_cycles(&waiting.collect(), self.diagnostics);
    }
}

/// A variable that waits for others.
struct Waiting<'a> {
    span: Span,
    users: Vec<&'a str>,
}

/// Reports each cycle that a walk along what they use comes upon.
fn report_cycles(waiting: &BTreeMap<&str, Waiting<'_>>, diagnostics: &mut Diagnostics) {
    let mut seen = BTreeSet::new();
    let mut cycles = 0;
    // In the order in which they are written, as in HCL2.
    let mut starts: Vec<&str> = waiting.keys().copied().collect();
    starts.sort_by_key(|name| waiting.get(name).map(|variable| variable.span));
    for start in starts {
        // Each with those that it uses and that are still to be looked at.
        let mut path: Vec<(&str, std::slice::Iter<'_, &str>)> = Vec::new();
        let mut next = Some(start);
        while cycles < MAX_CYCLES {
            if let Some((name, variable)) = next.and_then(|name| waiting.get_key_value(name)) {
                if seen.insert(*name) {
                    path.push((name, variable.users.iter()));
                } else if let Some(at) = path.iter().position(|(on_path, _)| on_path == name) {
                    let names: Vec<&str> = path.iter().skip(at).map(|(name, _)| *name).collect();
                    report_cycle(&names, waiting, diagnostics);
                    cycles += 1;
                }
            }
            let Some((_, users)) = path.last_mut() else { break };
            next = users.next().copied();
            if next.is_none() {
                path.pop();
            }
        }
    }
}

fn report_cycle(names: &[&str], waiting: &BTreeMap<&str, Waiting<'_>>, diagnostics: &mut Diagnostics) {
    let span = |name: &str| waiting.get(name).map(|variable| variable.span);
    let Some((first, at)) = names.first().and_then(|first| Some((first, span(first)?))) else { return };
    let mut problem = own_value(first).at(at);
    for (name, next) in names.iter().zip(names.iter().skip(1).chain([first])).skip(1) {
        if let Some(at) = span(name) {
            problem = problem.related(at, format!("this needs `{next}`"));
        }
    }
    let path: Vec<String> = names.iter().chain([first]).map(|name| format!("`{name}`")).collect();
    diagnostics.push(problem.help(format!("they wait for each other: {}", path.join(" -> "))));
}

/// The variables that are sensitive, or hold the value of one that is.
fn sensitive(document: &Document, texts: &BTreeMap<String, Arc<Text>>) -> BTreeSet<String> {
    let declared = document.variables.iter().filter(|variable| variable.sensitive);
    let mut sensitive: BTreeSet<String> = declared.map(|variable| variable.name.value.clone()).collect();
    if sensitive.is_empty() {
        return sensitive;
    }
    let templates: Vec<(&String, GoTemplate)> =
        texts.iter().map(|(name, text)| (name, GoTemplate::parse(text.clone(), &mut Diagnostics::default()))).collect();
    loop {
        let before = sensitive.len();
        for (name, template) in &templates {
            if template.user_variables().any(|user| sensitive.contains(user.value)) {
                sensitive.insert((*name).clone());
            }
        }
        if sensitive.len() == before {
            return sensitive;
        }
    }
}
