//! A whole template: read, its variables and locals evaluated, ready to be planned.

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::document::{self, Document, Language, Local, Variable};
use crate::eval;
use crate::eval::{Reference, references};
use crate::gotemplate::{BuildValues, Fields, GoContext, GoTemplate, User};
use crate::host::Host;
use crate::inputs::{self, Assignment, Form, Inputs};
use crate::requirement;
use crate::scope::{Functions, Scope};
use crate::secret_store::SecretStores;
use crate::source::{Sources, Span, Text};
use crate::syntax::{Expression, ExpressionKind};
use crate::type_constraint::TypeConstraint;
use crate::types::Type;
use crate::value::{Kind, Value};
use crate::version::PACKER_COMPATIBLE;
use crate::{hcl, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A template and the values of its variables.
pub struct Template {
    pub document: Document,
    /// `var`, `local`, `packer` and `path` of HCL2.
    pub scope: Scope,
    /// The `user` variables of legacy JSON; `None` where the value is not known.
    pub user: BTreeMap<String, Option<String>>,
    /// Texts that must never be shown.
    pub secrets: Vec<String>,
    /// The folder of the template as it was given.
    pub root: PathBuf,
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Only what the text says: no values, no references.
    Syntax,
    Everything,
}

/// Reads a template from a file or folder. `None` when there is nothing to go on with; the diagnostics say why.
///
/// A name that ends in `.pkr.hcl` and a folder are HCL2, any other file is legacy JSON. A folder's files are taken
/// by name; its `*.auto.pkrvars.*` are read with it.
pub fn load(
    path: &Path,
    inputs: &Inputs,
    depth: Depth,
    host: &Arc<dyn Host>,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Template> {
    let (document, root, folder) = read(path, host.as_ref(), sources, diagnostics)?;
    requirement::check(&document.requirements, diagnostics);
    let assignments = inputs::assignments(&document, inputs, folder, host.as_ref(), sources, diagnostics);
    let mut evaluation =
        Evaluation { host, root: &root, sources, depth, stores: &inputs.secrets, secrets: Vec::new(), diagnostics };
    let (scope, user) = match document.language {
        Language::Hcl2 => (evaluation.hcl(&document, &assignments), BTreeMap::new()),
        Language::Legacy => {
            (Scope::new(host.clone(), &root, Functions::None, sources), evaluation.legacy(&document, &assignments))
        }
    };
    let secrets = evaluation.secrets;
    Some(Template { document, scope, user, secrets, root })
}

type Read<'a> = (Document, PathBuf, Option<&'a Path>);

fn read<'a>(path: &'a Path, host: &dyn Host, sources: &Sources, diagnostics: &mut Diagnostics) -> Option<Read<'a>> {
    let name = path.to_string_lossy();
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if name.ends_with(".pkr.json") {
        diagnostics.push(Diagnostic::error(
            "not-supported-yet",
            format!("`{name}`: HCL2 written as JSON is not supported yet"),
        ));
        return None;
    }
    if name.ends_with(".pkr.hcl") {
        let (file, text) = inputs::read(path, "template", host, sources, diagnostics)?;
        let body = hcl::parse(file, &text, diagnostics);
        return Some((document::hcl2::document(vec![body], diagnostics), parent.to_owned(), None));
    }
    if host.status(path).is_ok_and(|status| status.is_directory) {
        let mut bodies = Vec::new();
        for file_name in host.list(path).unwrap_or_default() {
            if file_name.ends_with(".pkr.json") {
                let message = format!("`{name}/{file_name}`: HCL2 written as JSON is not supported yet");
                diagnostics.push(Diagnostic::error("not-supported-yet", message));
            } else if file_name.ends_with(".pkr.hcl") {
                let file_path = if path == Path::new(".") { PathBuf::from(&file_name) } else { path.join(&file_name) };
                if let Some((file, text)) = inputs::read(&file_path, "template", host, sources, diagnostics) {
                    bodies.push(hcl::parse(file, &text, diagnostics));
                }
            }
        }
        if bodies.is_empty() {
            if !diagnostics.has_errors() {
                let message = format!("the folder `{name}` holds no template");
                diagnostics.push(Diagnostic::error("no-template", message).help("templates are named `*.pkr.hcl`"));
            }
            return None;
        }
        return Some((document::hcl2::document(bodies, diagnostics), path.to_owned(), Some(path)));
    }
    let (file, text) = inputs::read(path, "template", host, sources, diagnostics)?;
    let root = json::parse(file, &text, diagnostics);
    Some((document::legacy::document(&root, diagnostics), parent.to_owned(), None))
}

struct Evaluation<'a> {
    host: &'a Arc<dyn Host>,
    root: &'a Path,
    sources: &'a Sources,
    depth: Depth,
    stores: &'a Option<Arc<dyn SecretStores>>,
    secrets: Vec<String>,
    diagnostics: &'a mut Diagnostics,
}

impl Evaluation<'_> {
    fn hcl(&mut self, document: &Document, assignments: &[Assignment]) -> Scope {
        let mut values = BTreeMap::new();
        for variable in &document.variables {
            let value = self.variable(variable, assignments);
            if variable.sensitive {
                self.add_secrets(&value);
                self.add_given_secrets(variable, assignments);
            }
            values.insert(Arc::<str>::from(variable.name.value.as_str()), value);
        }
        let root = self.root.to_string_lossy().replace('\\', "/");
        let working_directory = self.host.working_directory().to_string_lossy().into_owned();
        let packer = [
            ("version", Value::string(PACKER_COMPATIBLE)),
            ("iterationID", Kind::Unknown(Type::String).into()),
            ("versionFingerprint", Kind::Unknown(Type::String).into()),
        ];
        let path = [("cwd", Value::string(working_directory)), ("root", Value::string(root))];
        let mut scope = Scope::new(self.host.clone(), self.root, Functions::All, self.sources);
        scope.secrets.clone_from(self.stores);
        let scope = scope
            .with("var", Value::object(values.iter().map(|(name, value)| (name.clone(), value.clone()))))
            .with("packer", Value::object(packer))
            .with("path", Value::object(path))
            .with("data", Value::unknown());
        if self.depth == Depth::Syntax {
            return scope.with("local", Value::unknown());
        }
        for variable in &document.variables {
            self.validate(variable, assignments, &values, &scope);
        }
        self.locals(&document.locals, scope)
    }

    fn variable(&mut self, variable: &Variable, assignments: &[Assignment]) -> Value {
        let constraint = match &variable.kind {
            Some(expression) => match TypeConstraint::from_expression(expression, self.diagnostics) {
                Some(constraint) => Some(constraint),
                None => return self.marked(Value::unknown(), variable),
            },
            None => None,
        };
        let default = variable.default.as_ref().map(|expression| {
            let scope = Scope::new(self.host.clone(), self.root, Functions::EnvironmentOnly, self.sources);
            let value = eval::evaluate(expression, &scope, self.diagnostics);
            self.convert(value, constraint.as_ref(), variable, expression.span, "the default")
        });
        // A variable without a type takes that of its default; an empty collection says nothing.
        let implied = match (&constraint, &default) {
            (None, Some(value)) if !is_empty_collection(value) => Some(TypeConstraint::from(&value.type_of())),
            _ => None,
        };
        let constraint = constraint.or(implied);
        let mut result = default;
        for assignment in assignments.iter().filter(|assignment| assignment.name.value == variable.name.value) {
            let value = self.given(assignment, constraint.as_ref());
            let what = assignment.value.describe();
            result = Some(self.convert(
                value,
                constraint.as_ref(),
                variable,
                assignment.span(),
                &format!("the value given by {what}"),
            ));
        }
        let value = result.unwrap_or_else(|| {
            if self.depth == Depth::Everything {
                let name = &variable.name.value;
                self.diagnostics.push(
                    Diagnostic::error("unset-variable", format!("the variable `{name}` has no value"))
                        .at(variable.name.span)
                        .help(format!(
                            "give it a `default`, or a value by `-var {name}=…`, a var file, or PKR_VAR_{name}"
                        )),
                );
            }
            Kind::Unknown(constraint.map_or(Type::Any, |constraint| constraint.to_type())).into()
        });
        self.marked(value, variable)
    }

    /// A value that does not fit its type is quoted in the message about it, so its text is a secret too.
    fn add_given_secrets(&mut self, variable: &Variable, assignments: &[Assignment]) {
        for assignment in assignments.iter().filter(|assignment| assignment.name.value == variable.name.value) {
            if let Form::Text { text, .. } = &assignment.form {
                self.secrets.push(text.clone());
            }
        }
    }

    fn marked(&self, mut value: Value, variable: &Variable) -> Value {
        value.sensitive |= variable.sensitive;
        value
    }

    /// The value of an assignment: text is taken as it is for strings, numbers and unknown types, else read as HCL2.
    fn given(&mut self, assignment: &Assignment, constraint: Option<&TypeConstraint>) -> Value {
        let scope = Scope::new(self.host.clone(), self.root, Functions::None, self.sources);
        match &assignment.form {
            Form::Expression(expression) => eval::evaluate(expression, &scope, self.diagnostics),
            Form::Text { file, text } => match constraint.map(TypeConstraint::to_type) {
                None | Some(Type::Any | Type::String | Type::Number) => Value::string(text.as_str()),
                Some(_) => {
                    let expression = hcl::parse_expression(*file, text, self.diagnostics);
                    eval::evaluate(&expression, &scope, self.diagnostics)
                }
            },
        }
    }

    fn convert(
        &mut self,
        value: Value,
        constraint: Option<&TypeConstraint>,
        variable: &Variable,
        span: Span,
        what: &str,
    ) -> Value {
        let Some(constraint) = constraint else { return value };
        match constraint.apply(&value) {
            Ok(value) => value,
            Err(why) => {
                let message = format!("{what} does not fit the type of the variable `{}`: {why}", variable.name.value);
                let declared = variable.kind.as_ref().map_or(variable.name.span, |kind| kind.span);
                self.diagnostics.push(
                    Diagnostic::error("wrong-type", message).at(span).related(declared, "the type is declared here"),
                );
                Value::unknown()
            }
        }
    }

    fn validate(
        &mut self,
        variable: &Variable,
        assignments: &[Assignment],
        values: &BTreeMap<Arc<str>, Value>,
        scope: &Scope,
    ) {
        let name = variable.name.value.as_str();
        let Some(value) = values.get(name) else { return };
        for validation in &variable.validations {
            let mut found = Vec::new();
            references(&validation.condition, &mut found);
            let is_own = |reference: &Reference| {
                &*reference.root == "var" && reference.path.first().is_some_and(|part| &**part == name)
            };
            for reference in found.iter().filter(|reference| !is_own(reference)) {
                let message = format!("a validation may refer to `var.{name}` alone");
                self.diagnostics.push(Diagnostic::error("invalid-validation", message).at(reference.span));
            }
            if !found.iter().any(is_own) {
                let message = format!("this validation does not look at `var.{name}`");
                self.diagnostics.push(Diagnostic::error("invalid-validation", message).at(validation.condition.span));
                continue;
            }
            let scope = scope.clone().with("var", Value::object([(name, value.clone())]));
            let result = eval::evaluate(&validation.condition, &scope, self.diagnostics);
            match result.kind {
                Kind::Bool(true) | Kind::Unknown(_) => {}
                Kind::Bool(false) => {
                    let given = assignments.iter().rev().find(|assignment| assignment.name.value == name);
                    let default = variable.default.as_ref().map_or(variable.name.span, |default| default.span);
                    let span = given.map_or(default, Assignment::span);
                    let message =
                        format!("invalid value for the variable `{name}`: {}", validation.error_message.value);
                    self.diagnostics.push(
                        Diagnostic::error("invalid-value", message)
                            .at(span)
                            .related(validation.condition.span, "this condition is false"),
                    );
                }
                _ => {
                    let message = "the condition of a validation must be true or false";
                    self.diagnostics
                        .push(Diagnostic::error("invalid-validation", message).at(validation.condition.span));
                }
            }
        }
    }

    fn locals(&mut self, locals: &[Local], scope: Scope) -> Scope {
        let by_name: BTreeMap<&str, &Local> = locals.iter().map(|local| (local.name.value.as_str(), local)).collect();
        let mut order = Order {
            by_name: &by_name,
            done: BTreeSet::new(),
            path: Vec::new(),
            list: Vec::new(),
            broken: BTreeSet::new(),
        };
        for local in locals {
            order.visit(local, self.diagnostics);
        }
        let (list, broken) = (order.list, order.broken);
        let mut values: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        for name in &broken {
            values.insert((*name).into(), Value::unknown());
        }
        for local in list {
            let name = local.name.value.as_str();
            let scope = scope
                .clone()
                .with("local", Value::object(values.iter().map(|(name, value)| (name.clone(), value.clone()))));
            if broken.contains(name) {
                continue;
            }
            let mut value = eval::evaluate(&local.value, &scope, self.diagnostics);
            if local.sensitive {
                self.add_secrets(&value);
                value.sensitive = true;
            }
            values.insert(name.into(), value);
        }
        scope.with("local", Value::object(values))
    }

    fn legacy(&mut self, document: &Document, assignments: &[Assignment]) -> BTreeMap<String, Option<String>> {
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
        if self.depth == Depth::Syntax {
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
        self.render_variables(texts, &mut values);
        for variable in document.variables.iter().filter(|variable| variable.sensitive) {
            if let Some(Some(value)) = values.get(&variable.name.value) {
                self.secrets.push(value.clone());
            }
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
                let context = legacy_context(self.host.clone(), self.root, user, true);
                let context = GoContext { secrets: self.stores.clone(), ..context };
                let mut found = Diagnostics::default();
                match template.render(&context, &Fields::None, &mut found) {
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

    /// Adds every known string inside a value to what must never be shown.
    fn add_secrets(&mut self, value: &Value) {
        match &value.kind {
            Kind::String(text) => self.secrets.push(text.to_string()),
            // Packer shows sensitive numbers; short ones would garble every line, so only longer ones are hidden.
            Kind::Number(number) => {
                let text = number.to_string();
                if text.len() >= 4 {
                    self.secrets.push(text);
                }
            }
            Kind::List(_, values) | Kind::Set(_, values) | Kind::Tuple(values) => {
                for value in values.iter() {
                    self.add_secrets(value);
                }
            }
            Kind::Map(_, values) | Kind::Object(values) => {
                for value in values.values() {
                    self.add_secrets(value);
                }
            }
            Kind::Unknown(_) | Kind::Null(_) | Kind::Bool(_) | Kind::Type(_) => {}
        }
    }
}

/// What Go templates of a legacy template may use outside of any build.
pub fn legacy_context(host: Arc<dyn Host>, root: &Path, user: User, environment_allowed: bool) -> GoContext {
    let template_dir = Some(host.working_directory().join(root));
    GoContext {
        host,
        user,
        environment_allowed,
        secrets: None,
        build_name: None,
        build_type: None,
        template_dir,
        build_values: BuildValues::Forbidden,
        resource_names: None,
    }
}

fn is_empty_collection(value: &Value) -> bool {
    match &value.kind {
        Kind::Tuple(values) => values.is_empty(),
        Kind::Object(values) => values.is_empty(),
        Kind::Null(_) | Kind::Unknown(_) => true,
        _ => false,
    }
}

/// Orders locals so that each comes after those it refers to.
struct Order<'a> {
    by_name: &'a BTreeMap<&'a str, &'a Local>,
    done: BTreeSet<&'a str>,
    path: Vec<&'a Local>,
    list: Vec<&'a Local>,
    broken: BTreeSet<&'a str>,
}

impl<'a> Order<'a> {
    fn visit(&mut self, local: &'a Local, diagnostics: &mut Diagnostics) {
        let name = local.name.value.as_str();
        if let Some(start) = self.path.iter().position(|on_path| on_path.name.value == name) {
            let cycle = &self.path[start..];
            let names: Vec<String> =
                cycle.iter().chain([&local]).map(|local| format!("`local.{}`", local.name.value)).collect();
            diagnostics.push(
                Diagnostic::error("local-cycle", format!("`local.{name}` needs its own value"))
                    .at(local.name.span)
                    .help(format!("they wait for each other: {}", names.join(" -> "))),
            );
            self.broken.extend(cycle.iter().map(|local| local.name.value.as_str()));
            return;
        }
        if !self.done.insert(name) {
            return;
        }
        self.path.push(local);
        let mut found = Vec::new();
        references(&local.value, &mut found);
        for reference in found.iter().filter(|reference| &*reference.root == "local") {
            if let Some(other) = reference.path.first().and_then(|name| self.by_name.get(&**name)) {
                // Already on the path: a cycle, which the check above reports although it counts as done.
                if self.path.iter().any(|on_path| on_path.name.value == other.name.value) {
                    self.done.remove(other.name.value.as_str());
                }
                self.visit(other, diagnostics);
            }
        }
        self.path.pop();
        self.done.insert(name);
        self.list.push(local);
    }
}
