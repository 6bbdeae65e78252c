//! `templatefile`: the text of a file, evaluated with names of its own. Its mistakes are shown in that file.

use super::{Evaluator, Frame, calls, limits};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::functions;
use crate::hcl;
use crate::scope::{Functions, Scope};
use crate::source::{Origin, Span};
use crate::syntax::{Call, Expression};
use crate::value::{Kind, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The files that were read as templates, each once, however many calls there are.
#[derive(Clone, Default)]
pub(crate) struct TemplateFiles {
    known: Arc<Mutex<BTreeMap<PathBuf, Arc<TemplateFile>>>>,
}

struct TemplateFile {
    expression: Expression,
    /// What is wrong with its syntax: said again at each call, of which each may be inside a `try`.
    mistakes: Diagnostics,
}

impl TemplateFiles {
    fn get(&self, path: &Path) -> Option<Arc<TemplateFile>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn add(&self, path: PathBuf, file: TemplateFile) -> Arc<TemplateFile> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(path).or_insert_with(|| Arc::new(file)))
    }
}

impl Evaluator<'_> {
    pub(super) fn call_template_file(
        &mut self,
        call: &Call,
        scope: &Scope,
        frame: Frame<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        let [path_argument, names_argument] = &*call.arguments else {
            return calls::wrong_count("templatefile", 2, call, diagnostics);
        };
        let path = self.eval(path_argument, frame, diagnostics);
        let given = self.eval(names_argument, frame, diagnostics);
        let sensitive = path.is_sensitive_inside() || given.sensitive;
        let unknown = || Value::unknown().marked(sensitive);
        let Some(path) = file_path(&path, path_argument.span, diagnostics) else { return unknown() };
        let Some(names) = names(&given, names_argument.span, diagnostics) else { return unknown() };
        let file = match self.template_file(&path, scope) {
            Ok(file) => file,
            Err(failure) => {
                let message = format!("`path` of `templatefile`: {}", failure.message);
                let problem = Diagnostic::error("invalid-argument", message).at(path_argument.span);
                diagnostics.push(match failure.help {
                    Some(help) => problem.help(help),
                    None => problem,
                });
                return unknown();
            }
        };
        if file.mistakes.has_errors() {
            diagnostics.append(file.mistakes.clone());
            return unknown();
        }
        let scope = Scope { names, functions: Functions::TemplateFile, ..scope.clone() };
        let mut evaluator = Evaluator { scope: Some(&scope), work: self.work };
        let mut mistakes = Diagnostics::default();
        let inside = Frame { bindings: None, element: None, depth: frame.depth };
        let value = evaluator.eval(&file.expression, inside, &mut mistakes);
        self.work = evaluator.work;
        for mistake in mistakes.into_sorted() {
            // Who gave too few names is as much to blame as who wanted more.
            let blames_call = mistake.code == "undefined-reference";
            diagnostics.push(if blames_call { mistake.related(call.name.span, "called here") } else { mistake });
        }
        value.marked(sensitive)
    }

    fn template_file(&mut self, path: &Value, scope: &Scope) -> Result<Arc<TemplateFile>, functions::Failure> {
        let hidden = path.sensitive;
        let path = path.as_str().unwrap_or_default();
        let resolved = functions::resolve(scope, path)?;
        if let Some(known) = scope.template_files.get(&resolved) {
            return Ok(known);
        }
        let text = functions::read_text(scope, path, hidden)?;
        self.spend(text.len() / limits::BYTES);
        let name = if hidden { "(a sensitive path)".to_owned() } else { shown(&resolved) };
        let file = scope.sources.add(name, Origin::File, text.as_str());
        let mut mistakes = Diagnostics::default();
        let expression = hcl::parse_template(file, &text, &mut mistakes);
        Ok(scope.template_files.add(resolved, TemplateFile { expression, mistakes }))
    }
}

/// The path of a file as users write it: without the `.` in front that the template's folder may have.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

/// A string; `None` if it is not known, or wrong and reported.
fn file_path(value: &Value, span: Span, diagnostics: &mut Diagnostics) -> Option<Value> {
    let message = match calls::argument(value) {
        Ok(path) if path.is_null() => "`path` of `templatefile`: this must not be null".to_owned(),
        Ok(path) => return path.is_known().then(|| path.marked(value.is_sensitive_inside())),
        Err(words) => format!("`path` of `templatefile`: {words}"),
    };
    diagnostics.push(Diagnostic::error("invalid-argument", message).at(span));
    None
}

/// The names that the template may refer to; `None` if they are not known, or wrong and reported.
fn names(value: &Value, span: Span, diagnostics: &mut Diagnostics) -> Option<BTreeMap<Arc<str>, Value>> {
    let message = match (value.members(), &value.kind) {
        (Some(members), _) => match members.keys().find(|name| !hcl::is_identifier(name)) {
            None => return Some(members.clone()),
            Some(_) if value.sensitive => "a name that is none cannot be referred to".to_owned(),
            Some(name) => format!("`{name}` is no name that could be referred to"),
        },
        (None, Kind::Unknown(_)) => return None,
        (None, Kind::Null(_)) => "this must not be null".to_owned(),
        _ => format!("a map or object is required, not {}", value.type_of().with_article()),
    };
    let message = format!("`vars` of `templatefile`: {message}");
    diagnostics.push(Diagnostic::error("invalid-argument", message).at(span).help("write it like `{ name = value }`"));
    None
}
