//! What is said of names that lead nowhere.

use crate::diagnostic::Diagnostic;
use crate::gotemplate::undeclared_variable;
use crate::scope::{Functions, Scope, Undeclared};
use crate::source::{Span, Spanned};
use crate::suggest::{closest, did_you_mean};
use crate::types::Type;
use crate::value::{Kind, Value};
use std::sync::Arc;

/// How a value was reached from the scope, as far as that was by plain names.
#[derive(Default)]
pub(super) struct Path {
    pub(super) root: Option<Arc<str>>,
    steps: Vec<Arc<str>>,
}

impl Path {
    /// One step further; `None` for one that is no plain name, after which there is no path.
    pub(super) fn push(&mut self, name: Option<&Arc<str>>) {
        match name {
            Some(name) => self.steps.push(Arc::clone(name)),
            None => self.root = None,
        }
    }
}

/// Why nothing may be referred to, where that is so.
pub(super) fn not_allowed(scope: Option<&Scope>, span: Span) -> Option<Diagnostic> {
    let (message, help) = match scope.map(|scope| scope.functions) {
        Some(Functions::All | Functions::TemplateFile) => return None,
        Some(Functions::EnvironmentOnly) => {
            ("the default of a variable cannot refer to other values", "compute what depends on others in `locals`")
        }
        Some(Functions::None) => ("a value given from outside cannot refer to others", "put strings in quotes"),
        None => {
            ("only a plain value may stand here, without references", "write the value itself; put strings in quotes")
        }
    };
    Some(Diagnostic::error("reference-not-allowed", message).at(span).help(help))
}

/// There is nothing of that name in the scope; `bound` are the names of `for` around it.
pub(super) fn undefined(name: &str, span: Span, scope: Option<&Scope>, bound: &[&str]) -> Diagnostic {
    let message = match name {
        "var" | "local" | "data" | "path" | "packer" | "source" | "build" => format!("`{name}` is not available here"),
        _ => format!("there is no `{name}` here"),
    };
    let problem = Diagnostic::error("undefined-reference", message).at(span);
    if let Some(scope) = scope.filter(|scope| scope.functions == Functions::TemplateFile) {
        let given = scope.names.keys().map(|name| &**name).chain(bound.iter().copied());
        return problem.help(match closest(name, given) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "give it in the call of `templatefile`; to write `${` as text, write `$${`".to_owned(),
        });
    }
    match name {
        "build" => return problem.help("`build` is known inside provisioners and post-processors"),
        "source" => return problem.help("`source` is known inside a build"),
        "local" => {
            let help = "locals are not known yet: with `-use-sequential-evaluation` data sources are read before them";
            return problem.help(help);
        }
        "var" | "data" | "path" | "packer" => return problem,
        _ => {}
    }
    let Some(scope) = scope else { return problem };
    for root in ["local", "var"] {
        if scope.names.get(root).is_some_and(|members| members.get(name).is_some()) {
            return problem.help(format!("write `{root}.{name}`"));
        }
    }
    match closest(name, scope.names.keys().map(|name| &**name).chain(bound.iter().copied())) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("put it in quotes if `{name}` is meant as a text")),
    }
}

/// A map or object has no attribute of that name.
pub(super) fn missing_attribute(value: &Value, name: &Spanned<Arc<str>>, path: &Path) -> Diagnostic {
    let wanted = &name.value;
    let path: Option<Vec<&str>> =
        path.root.as_deref().map(|root| std::iter::once(root).chain(path.steps.iter().map(|step| &**step)).collect());
    let (code, message, declaration) = match path.as_deref() {
        Some(["var"]) => (
            "undefined-variable",
            format!("there is no variable `{wanted}`"),
            Some(format!("declare it with `variable \"{wanted}\" {{}}`")),
        ),
        Some(["local"]) => (
            "undefined-local",
            format!("there is no local `{wanted}`"),
            Some(format!("declare it in a `locals` block: `{wanted} = …`")),
        ),
        Some(["data"]) => (
            "undefined-data-source",
            format!("no data source of type `{wanted}` is declared"),
            Some(format!("declare one with `data \"{wanted}\" \"name\" {{ … }}`")),
        ),
        Some(["data", of]) => (
            "undefined-data-source",
            format!("there is no data source `{of}` named `{wanted}`"),
            Some(format!("declare it with `data \"{of}\" \"{wanted}\" {{ … }}`")),
        ),
        Some([root @ ("source" | "build" | "path" | "packer")]) => {
            ("undefined-reference", format!("`{root}` has no `{wanted}`"), None)
        }
        _ => {
            let what = if matches!(value.type_of(), Type::Map(_)) { "map" } else { "object" };
            ("unknown-attribute", format!("this {what} has no attribute `{wanted}`"), None)
        }
    };
    let problem = Diagnostic::error(code, message).at(name.span);
    // The names in a sensitive object may be what is sensitive about it.
    let near = if value.sensitive { None } else { closest(wanted, attribute_names(value)) };
    match near.map(|near| format!("did you mean `{near}`?")).or(declaration) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// A variable that stands for one that was never declared, and has no value.
pub(super) fn undeclared(scope: &Scope, name: &Spanned<Arc<str>>, path: &Path) -> Option<Diagnostic> {
    let is_variable = scope.functions == Functions::All && path.root.as_deref() == Some("var") && path.steps.is_empty();
    let declared = scope.undeclared.names.get(&name.value).filter(|_| is_variable)?;
    let problem = left_empty(scope, &name.value, name.span);
    Some(problem.related(*declared, "it stands here for one that was not declared"))
}

/// What is said of such a variable where it is read, or where it is declared if no component reads it.
pub fn left_empty(scope: &Scope, name: &str, place: Span) -> Diagnostic {
    let Undeclared { names, severity } = &scope.undeclared;
    let variables = scope.names.get("var").map(attribute_names).unwrap_or_default();
    let help = did_you_mean(name, variables.into_iter().filter(|other| !names.contains_key(*other)));
    let help = help.unwrap_or_else(|| format!("give `{name}` a default and delete the comment before it"));
    undeclared_variable(name, *severity).at(place).help(help)
}

fn attribute_names(value: &Value) -> Vec<&str> {
    match &value.kind {
        Kind::Unknown(Type::Object(attributes)) => attributes.keys().map(|name| &**name).collect(),
        _ => value.members().into_iter().flatten().map(|(name, _)| &**name).collect(),
    }
}
