//! A whole template: read, its variables, locals and data sources evaluated, ready to be planned.

mod graph;
mod legacy;
mod misnamed;
mod undeclared;
mod variables;
mod wrong_parts;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{self, Data, Document, Language};
use crate::functions::json_decode;
use crate::gotemplate::{BuildValues, GoContext, User};
use crate::host::Host;
use crate::inputs::{self, Assignment, Inputs};
use crate::scope::{Functions, Scope};
use crate::secret_store::SecretStores;
use crate::source::{FileId, Sources};
use crate::syntax::Body;
use crate::types::Type;
use crate::value::{Kind, Value};
use crate::version::PACKER_COMPATIBLE;
use crate::{hcl, json, registry, requirement};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A template and the values of its variables.
pub struct Template {
    pub document: Document,
    /// `var`, `local`, `data`, `packer` and `path` of HCL2.
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

/// What is to be read, and how.
pub struct Request<'a> {
    /// A name that ends in `.pkr.hcl` or `.pkr.json` and a folder are HCL2, any other file is legacy JSON. Of a
    /// folder's files those in HCL come before those in JSON, each by name; its `*.auto.pkrvars.*` are read with it.
    pub path: &'a Path,
    pub inputs: &'a Inputs,
    pub depth: Depth,
    /// All data sources come before all locals, as Packer did once; else each after what it refers to.
    pub data_first: bool,
}

/// What a template is read in.
pub struct World<'a> {
    pub host: &'a Arc<dyn Host>,
    pub sources: &'a Sources,
    pub data: &'a dyn DataSources,
    /// Where `vault` and the like read secrets for a build; for who only checks a template, there is none.
    pub secrets: Option<Arc<dyn SecretStores>>,
}

/// Reads data sources between two evaluations: the one thing in a template whose value comes from elsewhere.
pub trait DataSources {
    /// The outputs of one, an object; unknown where it is not to be read now, or what is wrong is reported. Checks
    /// its arguments in any case.
    fn outputs(&self, data: &Data, document: &Document, scope: &Scope, diagnostics: &mut Diagnostics) -> Value;
}

/// Data sources of which nothing is known, not even their arguments: for those who look at the language alone.
pub struct Unread;

impl DataSources for Unread {
    fn outputs(&self, _: &Data, _: &Document, _: &Scope, _: &mut Diagnostics) -> Value {
        Value::unknown()
    }
}

/// Reads a template. `None` when there is nothing to go on with; the diagnostics say why.
pub fn load(request: &Request<'_>, world: &World<'_>, diagnostics: &mut Diagnostics) -> Option<Template> {
    let (document, root, folder) = read(request.path, world.host.as_ref(), world.sources, diagnostics)?;
    // Packer reads a version in JSON with the values, and looks at neither for the text alone.
    let has_version = document.language == Language::Hcl2 || request.depth == Depth::Everything;
    if has_version && !requirement::check(&document.requirements, diagnostics) {
        return None;
    }
    let (assignments, is_complete) =
        inputs::assignments(&document, request.inputs, folder, world.host.as_ref(), world.sources, diagnostics);
    let mut evaluation = Evaluation { request, world, root: &root, is_complete, secrets: Vec::new(), diagnostics };
    let (scope, user) = match document.language {
        Language::Hcl2 => (evaluation.hcl(&document, &assignments), BTreeMap::new()),
        Language::Legacy => (evaluation.scope(Functions::None), evaluation.legacy(&document, &assignments)),
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
    if let Some(parse) = hcl_parser(&name) {
        let (file, text) = inputs::read(path, "template", host, sources, diagnostics)?;
        let body = parse(file, &text, diagnostics);
        let mut document = document::hcl2::document(vec![body], diagnostics);
        undeclared::mark(&mut document, &hcl::remarks(file, &text));
        return Some((document, parent.to_owned(), None));
    }
    if host.status(path).is_ok_and(|status| status.is_directory) {
        let names = host.list(path).unwrap_or_default();
        let (mut bodies, mut remarks) = (Vec::new(), Vec::new());
        for ending in [".pkr.hcl", ".pkr.json"] {
            for file_name in names.iter().filter(|name| name.ends_with(ending)) {
                let file_path = inputs::in_folder(path, file_name);
                let Some(parse) = hcl_parser(file_name) else { continue };
                if let Some((file, text)) = inputs::read(&file_path, "template", host, sources, diagnostics) {
                    bodies.push(parse(file, &text, diagnostics));
                    remarks.extend(hcl::remarks(file, &text));
                }
            }
        }
        if bodies.is_empty() {
            if !diagnostics.has_errors() {
                let message = format!("the folder `{name}` holds no template");
                let help = "templates are named `*.pkr.hcl` or `*.pkr.json`";
                diagnostics.push(Diagnostic::error("no-template", message).help(help));
            }
            return None;
        }
        let mut document = document::hcl2::document(bodies, diagnostics);
        undeclared::mark(&mut document, &remarks);
        return Some((document, path.to_owned(), Some(path)));
    }
    let (file, text) = inputs::read(path, "template", host, sources, diagnostics)?;
    if let Some(problem) = misnamed::misnamed(path, file, &text) {
        diagnostics.push(problem);
        return None;
    }
    let root = json::parse(file, &text, diagnostics);
    Some((document::legacy::document(&root, diagnostics), parent.to_owned(), None))
}

type Parse = fn(FileId, &str, &mut Diagnostics) -> Body;

/// What reads a file of this name, if it is HCL2.
fn hcl_parser(name: &str) -> Option<Parse> {
    if name.ends_with(".pkr.hcl") {
        Some(hcl::parse)
    } else if name.ends_with(".pkr.json") {
        Some(hcl::json_body::parse)
    } else {
        None
    }
}

struct Evaluation<'a> {
    request: &'a Request<'a>,
    world: &'a World<'a>,
    root: &'a Path,
    /// All values that were given are known: else a variable without one may have it in a var file with mistakes.
    is_complete: bool,
    secrets: Vec<String>,
    diagnostics: &'a mut Diagnostics,
}

impl Evaluation<'_> {
    fn scope(&self, functions: Functions) -> Scope {
        Scope::new(self.world.host.clone(), self.root, functions, self.world.sources)
    }

    fn hcl(&mut self, document: &Document, assignments: &[Assignment]) -> Scope {
        let mut values = BTreeMap::new();
        for variable in &document.variables {
            let value = self.variable(variable, assignments);
            if variable.sensitive {
                self.add_secrets(&value);
                self.add_written_secrets(variable, assignments);
            }
            values.insert(Arc::<str>::from(variable.name.value.as_str()), value);
        }
        let root = self.root.to_string_lossy().replace('\\', "/");
        let working_directory = self.world.host.working_directory().to_string_lossy().into_owned();
        let packer = [
            ("version", Value::string(PACKER_COMPATIBLE)),
            ("iterationID", Kind::Unknown(Type::String).into()),
            ("versionFingerprint", Kind::Unknown(Type::String).into()),
        ];
        let path = [("cwd", Value::string(working_directory)), ("root", Value::string(root))];
        let mut scope = self.scope(Functions::All);
        scope.secrets.clone_from(&self.world.secrets);
        scope.undeclared.names = Arc::new(undeclared::empty(document, &values));
        let scope = scope
            .with("var", Value::object(values.iter().map(|(name, value)| (name.clone(), value.clone()))))
            .with("packer", Value::object(packer))
            .with("path", Value::object(path));
        if self.request.depth == Depth::Syntax {
            return scope.with("local", Value::unknown()).with("data", Value::unknown());
        }
        for variable in &document.variables {
            self.validate(variable, assignments, &values, &scope);
        }
        let scope = self.locals_and_data(document, scope);
        for block in &document.registries {
            let elements = block.repeat.as_ref().map(|repeat| repeat.elements(&scope, self.diagnostics));
            for (name, value) in elements.into_iter().flatten() {
                registry::check(&block.body, &scope.clone().with(&name, value), self.diagnostics);
            }
            if block.repeat.is_none() {
                registry::check(&block.body, &scope, self.diagnostics);
            }
        }
        scope
    }

    /// Adds the outputs that a data source itself calls secret. Of a JSON text that it read each text inside is one, too:
    /// templates take them out.
    fn add_output_secrets(&mut self, outputs: &Value) {
        let Kind::Object(outputs) = &outputs.kind else { return };
        for output in outputs.values().filter(|output| output.sensitive) {
            self.add_secrets(output);
            if let Some(Ok(inside)) = output.as_str().map(json_decode::decode) {
                let before = self.secrets.len();
                self.add_secrets(&inside);
                // Shorter ones, such as a port or `yes`, would be found in what has nothing to do with them.
                let found = self.secrets.split_off(before);
                self.secrets.extend(found.into_iter().filter(|text| text.len() >= 4));
            }
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
