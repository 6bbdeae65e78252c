//! Go templates (`{{ … }}`) inside the strings of both languages: checked and rendered with every mistake at its place.

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::host::Host;
use crate::secret_store::SecretStores;
use crate::source::{Span, Spanned, Text};
use crate::suggest::did_you_mean;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

mod call;
mod check;
mod format;
mod functions;
mod parse;
mod render;
mod report;
mod token;
mod translate;
mod tree;
mod value;

pub(crate) use format::{quote, shortest};
pub(crate) use translate::{Names, Piece, translate};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// Whether a string has anything for a Go template to do. Those that have not stand for themselves.
pub fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// A string read as a Go template.
#[derive(Debug)]
pub struct GoTemplate {
    text: Arc<Text>,
    parsed: parse::Parsed,
    broken: bool,
}

impl GoTemplate {
    /// Reads a template; what is wrong with it whatever it is rendered with goes to the diagnostics.
    ///
    /// What is broken is left out: [`GoTemplate::render`] gives no text then, but still finds the mistakes
    /// of the rest.
    pub fn parse(text: Arc<Text>, diagnostics: &mut Diagnostics) -> Self {
        let mut report = report::Report::new(&text, diagnostics);
        let segments = token::segments(text.value(), &mut report);
        let parsed = parse::parse(&segments, &mut report);
        let broken = report.failed;
        Self { text, parsed, broken }
    }

    /// The variables that it reads by `user` and a literal name, with the places of the names.
    pub fn user_variables(&self) -> impl Iterator<Item = Spanned<&str>> {
        self.parsed.users.iter().map(|user| Spanned::new(&*user.name, self.text.span(user.range.clone())))
    }

    /// Says which variables it reads that are not declared: all that can be said of a text whose fields are not known.
    pub fn check_variables(&self, user: &User, diagnostics: &mut Diagnostics) {
        let User::Variables { values, undeclared } = user else { return };
        for name in self.user_variables().filter(|name| !values.contains_key(name.value)) {
            let names = values.keys().map(String::as_str);
            let problem = undeclared_variable(name.value, *undeclared).help(declare(name.value, names));
            diagnostics.push(problem.at(name.span));
        }
    }

    /// Where the template stands.
    pub fn span(&self) -> Span {
        self.text.span(0..self.text.value().len())
    }

    /// Writes the template out. `None` if something it writes is not known yet or was wrong; what is wrong goes
    /// to the diagnostics, what is not known is no mistake.
    pub fn render(&self, context: &GoContext, fields: &Fields<'_>, diagnostics: &mut Diagnostics) -> Option<String> {
        let mut report = report::Report::new(&self.text, diagnostics);
        render::Renderer::new(self, context, fields, &mut report).run()
    }
}

/// What the functions of a template can see.
#[derive(Clone)]
pub struct GoContext {
    pub host: Arc<dyn Host>,
    pub user: User,
    /// `env` may be called: in `variables` alone.
    pub environment_allowed: bool,
    /// Where `vault` and the like read secrets, in the places where `env` may be called; with none these are not known.
    pub secrets: Option<Arc<dyn SecretStores>>,
    /// `None` outside of a build, where `build_name` is an error.
    pub build_name: Option<String>,
    pub build_type: Option<String>,
    /// The folder of the template; `None` where it can't be used (HCL2). A relative one is of the working directory.
    pub template_dir: Option<PathBuf>,
    pub build_values: BuildValues,
    /// `None` where there is no `clean_resource_name`.
    pub resource_names: Option<ResourceNames>,
}

/// What `user` answers.
#[derive(Clone, Debug)]
pub enum User {
    /// Nothing: HCL2 has `var`.
    Forbidden,
    Variables {
        /// `None` is a variable whose value is not known.
        values: Arc<BTreeMap<String, Option<String>>>,
        /// How bad it is to read another one: an error inside `variables`; elsewhere Packer makes it empty.
        undeclared: Severity,
    },
}

/// What is said where a variable is read that is not declared, or stands for one that was not.
pub(crate) fn undeclared_variable(name: &str, severity: Severity) -> Diagnostic {
    const CODE: &str = "undefined-variable";
    match severity {
        Severity::Error => Diagnostic::error(CODE, format!("there is no variable `{name}`")),
        Severity::Warning => {
            let message = format!("nothing gives the variable `{name}` a value, which leaves this empty");
            Diagnostic::warning(CODE, message).once("read here too")
        }
    }
}

/// What to do about a variable that is not among these.
fn declare<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    did_you_mean(name, names).unwrap_or_else(|| format!("declare it: `\"{name}\": \"…\"` in `variables`"))
}

/// What `build` answers.
#[derive(Clone, Debug)]
pub enum BuildValues {
    /// Nothing.
    Forbidden,
    /// Something that is not known before the build; it will have these names.
    Later(Arc<[String]>),
    Known(BTreeMap<String, String>),
}

/// Whose rules `clean_resource_name` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceNames {
    Amazon,
    Azure,
    Google,
}

impl ResourceNames {
    /// The rule of a builder, by its type; only those of AWS, Azure and Google Cloud have one.
    pub fn of_builder(kind: &str) -> Option<Self> {
        match kind {
            "googlecompute" => Some(Self::Google),
            kind if kind.starts_with("amazon-") => Some(Self::Amazon),
            kind if kind.starts_with("azure-") => Some(Self::Azure),
            _ => None,
        }
    }
}

/// The dot of a template: what an option itself offers, as in `{{.Path}}`.
#[derive(Clone, Debug)]
pub enum Fields<'a> {
    None,
    /// Whatever there is is written again as it stands: a value that is spliced into a template with fields.
    Kept,
    /// There are these, but their values are not known yet. A field of a field is written with a dot: `Tags.Name`.
    Names(&'a [&'a str]),
    Values(BTreeMap<String, String>),
}

impl Fields<'_> {
    fn names(&self) -> impl Iterator<Item = &str> {
        let (names, values) = match self {
            Self::None | Self::Kept => (None, None),
            Self::Names(names) => (Some(names.iter().copied()), None),
            Self::Values(values) => (None, Some(values.keys().map(|name| &**name))),
        };
        names.into_iter().flatten().chain(values.into_iter().flatten())
    }
}
