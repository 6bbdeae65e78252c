//! What is declared and never read, and what is given and never declared.

use super::{Report, Subject, walk};
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::document::{Document, Language};
use imgforge_template::eval::{self, Reference};
use imgforge_template::gotemplate::{self, GoTemplate};
use imgforge_template::source::{Span, Text};
use imgforge_template::suggest;
use imgforge_template::syntax::Expression;
use imgforge_template::template::Template;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How environment variables that give values begin.
const ENVIRONMENT: &str = "PKR_VAR_";

pub(super) fn variables(subject: &Subject<'_>, report: &mut Report<'_>) {
    let document = &subject.template.document;
    if !subject.is_sound {
        return;
    }
    let (used, how) = match document.language {
        Language::Hcl2 => (references(document), "`var.NAME`"),
        Language::Legacy => (Some(user_calls(document)), "{{user `NAME`}}"),
    };
    // The whole of `var` may be read as one value.
    let Some(used) = used else { return };
    let declared = document.variables.iter().filter(|variable| !variable.is_undeclared);
    let declared: BTreeSet<&str> = declared.map(|variable| variable.name.value.as_str()).collect();
    let undeclared = used.iter().map(String::as_str).filter(|name| !declared.contains(name));
    // What a misspelt name may be meant for is not unused.
    let meant = undeclared.filter_map(|name| suggest::closest(name, declared.iter().copied()));
    let meant: BTreeSet<&str> = meant.collect();
    for variable in &document.variables {
        let name = variable.name.value.as_str();
        let is_empty = subject.template.scope.undeclared.names.contains_key(name);
        if !used.contains(name) && !meant.contains(name) && !is_empty {
            report.say(
                variable.name.span,
                format!("nothing reads the variable `{name}`"),
                format!("delete it, or read it by {how}"),
            );
        }
    }
}

/// Warns, where they are declared, of variables that stand for some that were never declared and that no component reads.
pub(super) fn undeclared(template: &Template, diagnostics: &mut Diagnostics) {
    for (name, place) in template.scope.undeclared.names.iter() {
        let problem = eval::left_empty(&template.scope, name, *place);
        let is_same = |found: &Diagnostic| (found.code, &found.message) == (problem.code, &problem.message);
        if !diagnostics.iter().any(is_same) {
            diagnostics.push(problem);
        }
    }
}

/// The variables that expressions name; `None` where one reads them all.
fn references(document: &Document) -> Option<BTreeSet<String>> {
    let mut found = Vec::new();
    walk::expressions(document, &mut |expression| eval::references(expression, &mut found));
    let unread = values_of_unread(document, &found);
    let variables = found.iter().filter(|reference| &*reference.root == "var" && !unread.contains(&reference.span));
    variables.map(|Reference { path, .. }| path.first().map(ToString::to_string)).collect()
}

/// Where a local that nothing reads takes the value of the variable of its name: it is that variable with another default,
/// and no use of it.
fn values_of_unread(document: &Document, found: &[Reference]) -> BTreeSet<Span> {
    let locals = found.iter().filter(|reference| &*reference.root == "local");
    // The whole of `local` may be read as one value.
    let read: Option<BTreeSet<&str>> = locals.map(|it| it.path.first().map(|name| &**name)).collect();
    let Some(read) = read else { return BTreeSet::new() };
    let mut values = BTreeSet::new();
    for local in document.locals.iter().filter(|local| !read.contains(local.name.value.as_str())) {
        let mut inside = Vec::new();
        eval::references(&local.value, &mut inside);
        let is_own = |name: &Arc<str>| **name == *local.name.value;
        let own = inside.iter().filter(|it| &*it.root == "var" && it.path.first().is_some_and(is_own));
        values.extend(own.map(|reference| reference.span));
    }
    values
}

/// The variables that Go templates name.
fn user_calls(document: &Document) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut read = |text: &Arc<Text>| {
        if gotemplate::is_template(text.value()) {
            let template = GoTemplate::parse(text.clone(), &mut Diagnostics::default());
            names.extend(template.user_variables().map(|name| name.value.to_owned()));
        }
    };
    document.sources.iter().filter_map(|source| source.name_text.as_ref()).for_each(&mut read);
    walk::expressions(document, &mut |expression: &Expression| {
        walk::literals(expression).iter().for_each(|text| read(&text.value));
    });
    names
}

pub(super) fn environment(subject: &Subject<'_>, report: &mut Report<'_>) {
    let document = &subject.template.document;
    if document.language == Language::Legacy || document.is_open {
        return;
    }
    let declared = || document.variables.iter().map(|variable| variable.name.value.as_str());
    for name in subject.host.environment_names() {
        let Some(variable) = name.strip_prefix(ENVIRONMENT) else { continue };
        if declared().any(|name| name == variable) {
            continue;
        }
        let message = format!("`{name}` is set, but the template declares no variable `{variable}`");
        let help = match suggest::closest(variable, declared()) {
            Some(close) => format!("did you mean `{ENVIRONMENT}{close}`?"),
            None => "unset it, or declare the variable".to_owned(),
        };
        // The place would be its value, which nobody has to see.
        let diagnostic = report.diagnostic(message).help(help);
        report.diagnostics.push(diagnostic);
    }
}
