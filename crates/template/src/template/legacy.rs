//! The `user` variables of legacy JSON: rendered in rounds, since they may use each other in any order.

use super::{Depth, Evaluation, legacy_context};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::document::Document;
use crate::gotemplate::{Fields, GoContext, GoTemplate, User};
use crate::inputs::{Assignment, Form};
use crate::source::{Span, Text};
use crate::syntax::{Expression, ExpressionKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
        for variable in document.variables.iter().filter(|variable| missing.contains(&variable.name.value)) {
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
            for (name, template, span) in pending {
                let user = User::Variables { values: values.clone(), undeclared: Severity::Error };
                let context = legacy_context(self.world.host.clone(), self.root, user, true);
                let context = GoContext { secrets: self.world.secrets.clone(), ..context };
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
        loop {
            let names: BTreeSet<String> = pending.iter().map(|(name, ..)| name.clone()).collect();
            pending.retain(|(_, template, _)| template.user_variables().any(|user| names.contains(user.value)));
            if pending.len() == names.len() {
                break;
            }
        }
        if let Some((name, _, span)) = pending.first() {
            let names: Vec<String> = pending.iter().map(|(name, ..)| format!("`{name}`")).collect();
            self.diagnostics.push(
                Diagnostic::error("variable-cycle", format!("the variable `{name}` needs its own value"))
                    .at(*span)
                    .help(format!("these variables wait for each other: {}", names.join(", "))),
            );
        }
    }
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
