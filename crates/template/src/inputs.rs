//! Values that come from outside: `-var`, var files, `PKR_VAR_*`, in their order of precedence.

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::document::{Document, Language};
use crate::host::Host;
use crate::source::{FileId, Origin, Sources, Span, Spanned};
use crate::suggest;
use crate::syntax::{Attribute, Body, Expression, ExpressionKind};
use crate::{hcl, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the command line gives.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// `-var name=value`, in order; the last one wins.
    pub variables: Vec<(String, String)>,
    /// `-var-file`, in order. They come before all `-var`.
    pub var_files: Vec<PathBuf>,
    /// Whether names in var files that no variable has are worth a warning.
    pub warn_undeclared: bool,
}

/// Where a value came from, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    Environment,
    VarFile,
    Flag,
}

impl Given {
    /// In the words of "invalid value for … variable".
    pub fn describe(self) -> &'static str {
        match self {
            Self::Environment => "an environment variable",
            Self::VarFile => "a var file",
            Self::Flag => "`-var`",
        }
    }
}

/// One value for a variable.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub name: Spanned<String>,
    pub value: Given,
    pub form: Form,
    /// The variable that a name which is not declared is likely to mean.
    pub meant: Option<String>,
}

/// A value is text until the type of its variable says how to read it, or an expression of a var file.
#[derive(Clone, Debug)]
pub enum Form {
    Text { file: FileId, text: String },
    Expression(Expression),
}

impl Assignment {
    /// Where the value stands.
    pub fn span(&self) -> Span {
        match &self.form {
            Form::Text { file, text } => Span::new(*file, 0..text.len()),
            Form::Expression(expression) => expression.span,
        }
    }
}

/// All assignments of a template's variables, weakest first, and whether those are all: a var file that is wrong may
/// give more. Names that no variable has are reported here, and kept: a template in legacy JSON may use them all the same,
/// and the value of a misspelt one may be a secret.
pub fn assignments(
    document: &Document,
    inputs: &Inputs,
    folder: Option<&Path>,
    host: &dyn Host,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> (Vec<Assignment>, bool) {
    let mut reader = Reader { document, host, sources, diagnostics, list: Vec::new(), is_complete: true };
    if document.language == Language::Hcl2 {
        reader.environment();
        if let Some(folder) = folder {
            reader.automatic_files(folder);
        }
    }
    for path in &inputs.var_files {
        let before = reader.list.len();
        reader.var_file(path);
        if !inputs.warn_undeclared {
            reader.report_useless(path, before);
        }
    }
    let from_files = reader.list.len();
    for (name, value) in &inputs.variables {
        reader.text(&format!("-var {name}"), name, value, Given::Flag);
    }
    let (mut list, is_complete) = (reader.list, reader.is_complete);
    if document.language == Language::Hcl2 {
        for assignment in list.iter_mut().filter(|assignment| !is_declared(document, &assignment.name.value)) {
            let names = document.variables.iter().map(|variable| variable.name.value.as_str());
            assignment.meant = suggest::closest(&assignment.name.value, names).map(str::to_owned);
        }
        report_undeclared(&list[..from_files], document, Severity::Warning, inputs.warn_undeclared, diagnostics);
        report_undeclared(&list[from_files..], document, Severity::Error, true, diagnostics);
    }
    (list, is_complete)
}

fn is_declared(document: &Document, name: &str) -> bool {
    document.variables.iter().any(|variable| variable.name.value == name)
}

fn report_undeclared(
    list: &[Assignment],
    document: &Document,
    severity: Severity,
    report: bool,
    diagnostics: &mut Diagnostics,
) {
    for assignment in list.iter().filter(|assignment| report && !is_declared(document, &assignment.name.value)) {
        let name = &assignment.name.value;
        let diagnostic = Diagnostic {
            severity,
            ..Diagnostic::error("undeclared-variable", format!("the template declares no variable `{name}`"))
        };
        let diagnostic = diagnostic.at(assignment.name.span);
        diagnostics.push(match &assignment.meant {
            Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
            None => diagnostic.help(format!("add `variable \"{name}\" {{}}` to the template, or remove the value")),
        });
    }
}

struct Reader<'a> {
    document: &'a Document,
    host: &'a dyn Host,
    sources: &'a Sources,
    diagnostics: &'a mut Diagnostics,
    list: Vec<Assignment>,
    /// No var file and no environment variable has mistakes, which may hide assignments.
    is_complete: bool,
}

impl Reader<'_> {
    fn environment(&mut self) {
        for variable in &self.document.variables {
            let name = &variable.name.value;
            let source = format!("PKR_VAR_{name}");
            if let Some(value) = self.host.environment(&source) {
                self.text(&source, name, &value, Given::Environment);
            } else if self.host.is_garbled(&source) {
                self.is_complete = false;
                self.diagnostics.push(
                    Diagnostic::error("not-utf-8", format!("the environment variable `{source}` is not valid UTF-8"))
                        .at(variable.name.span)
                        .help("give it text in UTF-8, or unset it"),
                );
            }
        }
    }

    fn text(&mut self, source: &str, name: &str, value: &str, given: Given) {
        let file = self.sources.add(source, Origin::Argument, value);
        let name = Spanned::new(name.to_owned(), Span::new(file, 0..value.len()));
        self.list.push(Assignment {
            name,
            value: given,
            form: Form::Text { file, text: value.to_owned() },
            meant: None,
        });
    }

    /// `*.auto.pkrvars.hcl`, then `*.auto.pkrvars.json`, each by name.
    fn automatic_files(&mut self, folder: &Path) {
        // That the folder can't be listed was said when its templates were looked for.
        let names = self.host.list(folder).unwrap_or_default();
        for ending in [".auto.pkrvars.hcl", ".auto.pkrvars.json"] {
            for name in names.iter().filter(|name| name.ends_with(ending)) {
                self.var_file(&in_folder(folder, name));
            }
        }
    }

    fn var_file(&mut self, path: &Path) {
        let mut mistakes = Diagnostics::default();
        if let Some((file, text)) = read(path, "var file", self.host, self.sources, &mut mistakes) {
            self.values(&path.display().to_string(), file, &text, &mut mistakes);
        }
        self.is_complete &= !mistakes.has_errors();
        self.diagnostics.append(mistakes);
    }

    /// Warns of a var file of HCL2 that gives nothing to any variable, where its names are not warned of one by one.
    fn report_useless(&mut self, path: &Path, before: usize) {
        let given = self.list.get(before..).unwrap_or_default();
        let Some(first) = given.first().filter(|_| self.document.language == Language::Hcl2) else { return };
        if given.iter().all(|assignment| !is_declared(self.document, &assignment.name.value)) {
            let message = format!("`-var-file={}` gives no value to any variable of this template", path.display());
            self.diagnostics.push(
                Diagnostic::warning("unused-var-file", message)
                    .at(first.name.span)
                    .help("leave the flag out, or check which template the file is for"),
            );
        }
    }

    fn values(&mut self, name: &str, file: FileId, text: &str, mistakes: &mut Diagnostics) {
        match self.document.language {
            Language::Hcl2 if name.ends_with(".hcl") => self.hcl_values(hcl::parse(file, text, mistakes)),
            Language::Hcl2 if name.ends_with(".json") => self.json_values(&json::parse_values(file, text, mistakes)),
            Language::Hcl2 => mistakes.push(
                Diagnostic::error("unknown-file-type", format!("`{name}` is neither `.hcl` nor `.json`"))
                    .at(Span::new(file, 0..0))
                    .help("the name of a var file says how it is read"),
            ),
            Language::Legacy => self.json_values(&json::parse(file, text, mistakes)),
        }
    }

    fn hcl_values(&mut self, body: Body) {
        for block in &body.blocks {
            self.block(block.header);
        }
        for Attribute { name, value } in body.attributes {
            self.list.push(Assignment { name, value: Given::VarFile, form: Form::Expression(value), meant: None });
        }
    }

    fn block(&mut self, place: Span) {
        self.diagnostics.push(
            Diagnostic::error("unexpected-block", "a var file holds values only, no blocks")
                .at(place)
                .help("move it into a `.pkr.hcl` file"),
        );
    }

    /// Strings stand for themselves, even those with `${`: Packer has nothing to put there.
    fn json_values(&mut self, root: &Expression) {
        let items = match &root.kind {
            ExpressionKind::Object(items) => items,
            ExpressionKind::Broken => return,
            _ => {
                let message = "a var file is a JSON object";
                self.diagnostics.push(Diagnostic::error("wrong-type", message).at(root.span));
                return;
            }
        };
        for item in items {
            let Some(name) = item.key.literal() else { continue };
            match (self.document.language, name.value) {
                (Language::Hcl2, "//") => continue,
                (Language::Hcl2, "variable") if declares(&item.value) => {
                    self.block(name.span);
                    continue;
                }
                _ => {}
            }
            let is_text =
                matches!(item.value.kind, ExpressionKind::String(_) | ExpressionKind::Null | ExpressionKind::Broken);
            if self.document.language == Language::Legacy && !is_text {
                self.diagnostics.push(
                    Diagnostic::error("wrong-type", format!("the value of `{}` must be a string", name.value))
                        .at(item.value.span)
                        .help("var files of JSON templates hold strings only: put it in quotes"),
                );
                continue;
            }
            let name = Spanned::new(name.value.to_string(), name.span);
            let form = match item.value.kind {
                // Packer reads null as an empty text here.
                ExpressionKind::Null if self.document.language == Language::Legacy => {
                    Form::Text { file: item.value.span.file, text: String::new() }
                }
                _ => Form::Expression(item.value.clone()),
            };
            self.list.push(Assignment { name, value: Given::VarFile, form, meant: None });
        }
    }
}

/// Whether the value of the key `variable` is meant to declare variables.
fn declares(value: &Expression) -> bool {
    let is_object = |value: &Expression| matches!(value.kind, ExpressionKind::Object(_));
    match &value.kind {
        ExpressionKind::Object(items) => !items.is_empty() && items.iter().all(|item| is_object(&item.value)),
        ExpressionKind::Tuple(elements) => !elements.is_empty() && elements.iter().all(is_object),
        _ => false,
    }
}

/// The path of a file in a folder, short where it can be.
pub(crate) fn in_folder(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") { PathBuf::from(name) } else { folder.join(name) }
}

/// Reads a text file into the sources, or says why not; a message about a file that can't be read has no place.
pub fn read(
    path: &Path,
    what: &str,
    host: &dyn Host,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Option<(FileId, Arc<str>)> {
    let shown = path.display().to_string();
    let bytes = match host.read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("the {what} `{shown}` can't be read: {error}");
            let folder = host.working_directory();
            diagnostics.push(
                Diagnostic::error("unreadable-file", message)
                    .help(format!("relative paths are looked up in {}", folder.display())),
            );
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => {
            let file = sources.add(shown, Origin::File, text);
            let text = sources.text(file);
            Some((file, text))
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let file = sources.add(shown, Origin::File, String::from_utf8_lossy(error.as_bytes()).into_owned());
            diagnostics
                .push(Diagnostic::error("not-utf-8", "the file is not valid UTF-8 here").at(Span::new(file, at..at)));
            None
        }
    }
}
