//! What the provisioners and post-processors that run scripts have in common: arguments, environment, exit codes.

pub mod local;
pub mod shell_local;
#[cfg(test)]
pub(crate) mod testing;

use crate::communicators::ExitStatus;
use crate::context::BuildContext;
use anyhow::{Context as _, Result};
use imgforge_template::arguments;
use imgforge_template::arguments::{Given, Late};
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::gotemplate::{BuildValues, GoContext};
use imgforge_template::source::{Span, Spanned};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

arguments! {
    /// What everything that runs scripts takes.
    pub struct ScriptArguments {
        /// Commands, joined into one script.
        inline: Option<Vec<Late>>,
        /// A script file, relative to the working directory.
        #[excludes(inline)]
        script: Option<Spanned<PathBuf>>,
        /// Script files, run one after the other.
        #[excludes(inline, script)]
        scripts: Option<Vec<Spanned<PathBuf>>>,
        /// Environment variables as `NAME=value`.
        environment_vars: Option<Vec<Late>>,
        /// Environment variables; these win over `environment_vars`.
        env: BTreeMap<String, Late>,
        /// How one variable is written: the first `%s` is its name, the second its value.
        env_var_format: Option<Spanned<String>>,
        /// What stands after `#!` in the script made of `inline`.
        inline_shebang: String = "/bin/sh -e",
        /// Exit codes that are a success; `[0]` if not given.
        valid_exit_codes: Option<Vec<u32>>,
    }
}

/// Values that machines have for templates, as `{{ .Host }}` and ``{{ build `Host` }}``.
const VALUE_NAMES: &[&str] = &[
    "ConnType",
    "Host",
    "ID",
    "PackerHTTPAddr",
    "PackerHTTPIP",
    "PackerHTTPPort",
    "PackerRunUUID",
    "Password",
    "Port",
    "SSHAgentAuth",
    "SSHPrivateKey",
    "SSHPrivateKeyFile",
    "SSHPublicKey",
    "User",
    "WinRMPassword",
];

/// The names that a late text of this context may use after a dot: those of every machine, and of this builder.
pub fn value_names(context: &GoContext) -> Vec<&str> {
    let own: Vec<&str> = match &context.build_values {
        BuildValues::Forbidden => Vec::new(),
        BuildValues::Later(names) => names.iter().map(String::as_str).collect(),
        BuildValues::Known(values) => values.keys().map(String::as_str).collect(),
    };
    VALUE_NAMES.iter().copied().chain(own).collect()
}

impl ScriptArguments {
    /// Checks all that can be checked before a build, but for which arguments exclude each other.
    pub fn check(&self, body: &Body, diagnostics: &mut Diagnostics) {
        for (name, count) in
            [("inline", self.inline.as_ref().map(Vec::len)), ("scripts", self.scripts.as_ref().map(Vec::len))]
        {
            if let (Some(0), Some(span)) = (count, self.given.span(name)) {
                let message = format!("`{name}` is empty");
                diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help("there is nothing to run"));
            }
        }
        let templates = self.inline.iter().flatten().chain(self.environment_vars.iter().flatten());
        for late in templates.chain(self.env.values()) {
            late.check(body.context(), &value_names(body.context()), diagnostics);
        }
        for script in self.script.iter().chain(self.scripts.iter().flatten()) {
            check_file("script", script, body, diagnostics);
        }
        if self.inline_shebang.trim_start().starts_with("#!")
            && let Some(span) = self.given.span("inline_shebang")
        {
            diagnostics.push(
                Diagnostic::error("invalid-value", "`inline_shebang` starts with `#!`")
                    .at(span)
                    .help("leave it out: `#!` is written before what is given here"),
            );
        }
        self.check_environment(body, diagnostics);
    }

    fn check_environment(&self, body: &Body, diagnostics: &mut Diagnostics) {
        // See `is_safe_name`.
        let any_name = self.given.has("env_var_format");
        for late in self.environment_vars.iter().flatten() {
            let rendered = late.render(body.context(), &BTreeMap::new(), &mut Diagnostics::default());
            let Some(rendered) = rendered else { continue };
            match rendered.split_once('=') {
                Some((name, _)) if !name.is_empty() => check_name(name, any_name, late.span(), diagnostics),
                // The text is not shown: it may be all secret.
                _ => diagnostics.push(
                    Diagnostic::error("invalid-value", "an environment variable must have the form `NAME=value`")
                        .at(late.span())
                        .help("write the variable's name, `=`, and its value, which may be empty"),
                ),
            }
        }
        for (name, late) in &self.env {
            check_name(name, any_name, late.span(), diagnostics);
        }
        if let Some(format) = &self.env_var_format
            && verbs(format).filter(|verb| *verb != '%').count() != 2
        {
            diagnostics.push(
                Diagnostic::error("invalid-value", "`env_var_format` must have `%s` twice")
                    .at(format.span)
                    .help("the first `%s` stands for the variable's name, the second for its value"),
            );
        }
    }

    /// The script files as the user wrote them, in the order they are run.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.script.iter().chain(self.scripts.iter().flatten()).map(|path| path.value.as_path())
    }

    /// Commands as one script. It gets the `#!` line unless the first command is one and the user asked for no other.
    ///
    /// # Errors
    /// When a template cannot be rendered.
    pub fn inline_script(&self, commands: &[Late], known: &Known) -> Result<String> {
        let lines: Result<Vec<String>> = commands.iter().map(|command| known.render(command)).collect();
        let mut script = lines?.join("\n");
        script.push('\n');
        let shebang = self.inline_shebang.trim();
        let asked = self.given.has("inline_shebang") && !shebang.is_empty();
        if script.starts_with("#!") && !asked {
            return Ok(script);
        }
        let shebang = if shebang.is_empty() { "/bin/sh -e" } else { shebang };
        Ok(format!("#!{shebang}\n{script}"))
    }

    /// Every environment variable of a script, rendered: what the build sets, then `environment_vars`, then `env`.
    ///
    /// # Errors
    /// When a template cannot be rendered, or its result is not of the form `NAME=value`.
    pub fn environment(&self, build: &BuildContext, known: &Known) -> Result<BTreeMap<String, String>> {
        let mut variables = build.environment();
        for (name, key) in [
            ("PACKER_HTTP_ADDR", "PackerHTTPAddr"),
            ("PACKER_HTTP_IP", "PackerHTTPIP"),
            ("PACKER_HTTP_PORT", "PackerHTTPPort"),
        ] {
            // Where a builder has no such value, its place is taken by a text that says so.
            let value = known.values.get(key).filter(|value| !value.is_empty() && !value.starts_with("ERR_"));
            if let Some(value) = value {
                variables.insert(name.to_owned(), value.clone());
            }
        }
        if self.environment_vars.is_none() {
            must_be_known("environment_vars", &self.given)?;
        }
        for late in self.environment_vars.iter().flatten() {
            let variable = known.render(late)?;
            let pair = variable.split_once('=').filter(|(name, _)| !name.is_empty());
            let (name, value) = pair.context("an environment variable does not have the form `NAME=value`")?;
            variables.insert(name.to_owned(), value.to_owned());
        }
        for (name, late) in &self.env {
            variables.insert(name.clone(), known.render(late)?);
        }
        let any = self.env_var_format.is_some();
        if let Some(name) = variables.keys().find(|name| !is_safe_name(name, any)) {
            anyhow::bail!("`{name}` is not a name that an environment variable can have");
        }
        Ok(variables)
    }

    /// The variables as `{{ .Vars }}` has them: sorted, each in the user's format or else in this one.
    pub fn format_variables(&self, variables: &BTreeMap<String, String>, default_format: &str) -> String {
        let format = self.env_var_format.as_ref().map_or(default_format, |format| format.value.as_str());
        variables.iter().map(|(name, value)| format_variable(format, name, value)).collect()
    }

    /// Whether a script's end is a success.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_exit(&self, status: ExitStatus) -> Result<()> {
        let valid = self.valid_exit_codes.as_deref().filter(|codes| !codes.is_empty()).unwrap_or(&[0]);
        let code = status.code();
        if valid.contains(&code) {
            return Ok(());
        }
        let listed: Vec<String> = valid.iter().map(u32::to_string).collect();
        anyhow::bail!("Script exited with non-zero exit status: {code}. Allowed exit codes are: [{}]", listed.join(" "))
    }
}

/// Nothing is run with an argument left out that the user gave.
///
/// # Errors
/// When it was given: what has no value then is not known yet.
pub fn must_be_known(name: &str, given: &Given) -> Result<()> {
    anyhow::ensure!(!given.has(name), "the value of `{name}` is not known");
    Ok(())
}

/// Reports that none of the arguments is given; each comes with what was given of its concern.
pub fn check_any_of(kinds: &[(&str, &Given)], body: &Body, diagnostics: &mut Diagnostics) {
    if kinds.iter().any(|(name, given)| given.has(name)) {
        return;
    }
    let all = kinds.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    diagnostics.push(
        Diagnostic::error("missing-argument", format!("one of {all} is required"))
            .at(body.header())
            .help("there is nothing to run"),
    );
}

/// Reports a path that is no file; `what` it is for opens the message.
pub fn check_file(what: &str, path: &Spanned<PathBuf>, body: &Body, diagnostics: &mut Diagnostics) {
    match body.context().host.status(path) {
        Ok(status) if status.is_directory => {
            let message = format!("the {what} `{}` is a folder", path.display());
            diagnostics.push(Diagnostic::error("not-a-file", message).at(path.span).help("name a file in it"));
        }
        Ok(_) => {}
        Err(error) => diagnostics.push(missing_file(what, path, path.span, &error, body, Severity::Error)),
    }
}

/// What to say of a path that cannot be looked at.
pub fn missing_file(
    what: &str,
    path: &Path,
    span: Span,
    error: &std::io::Error,
    body: &Body,
    severity: Severity,
) -> Diagnostic {
    let make = |code, message: String| match severity {
        Severity::Error => Diagnostic::error(code, message),
        Severity::Warning => Diagnostic::warning(code, message),
    };
    if error.kind() != ErrorKind::NotFound {
        let message = format!("the {what} `{}` cannot be read: {error}", path.display());
        return make("unreadable-file", message).at(span);
    }
    let diagnostic = make("missing-file", format!("the {what} `{}` is not there", path.display())).at(span);
    if path.is_absolute() {
        return diagnostic.help("check the path");
    }
    let folder = body.context().host.working_directory();
    diagnostic.help(format!("the path is relative to the working directory, `{}`", folder.display()))
}

fn check_name(name: &str, any: bool, span: Span, diagnostics: &mut Diagnostics) {
    let help = "use letters, digits and `_`, and no digit at the start";
    let starts_with_digit = name.starts_with(|letter: char| letter.is_ascii_digit());
    if !is_safe_name(name, any) {
        let message = format!("`{name}` is not a name that an environment variable can have");
        diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
    } else if !any && (starts_with_digit || name.contains(['-', '.'])) {
        let message = format!("`{name}` is a name that `env` can set, but no shell");
        diagnostics.push(Diagnostic::warning("odd-variable-name", message).at(span).help(help));
    }
}

/// Whether a name means nothing else to a shell. A format of the user's own may be for something that is no shell.
fn is_safe_name(name: &str, any: bool) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !name.is_empty() && (any || name.bytes().all(is_safe))
}

/// The letters after each `%` of a format.
fn verbs(format: &str) -> impl Iterator<Item = char> {
    let mut letters = format.chars();
    std::iter::from_fn(move || letters.find(|letter| *letter == '%').map(|_| letters.next().unwrap_or(' ')))
}

/// One variable in a `printf` format: the first `%s` is the name, the second the value, ready for single quotes.
fn format_variable(format: &str, name: &str, value: &str) -> String {
    let value = quoted_inside(value);
    let mut operands = [name, value.as_str()].into_iter();
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('%') | None => text.push('%'),
            Some(_) => text.push_str(operands.next().unwrap_or_default()),
        }
    }
    text
}

/// What stands between two single quotes of a shell to mean `text`.
fn quoted_inside(text: &str) -> String {
    text.replace('\'', r#"'"'"'"#)
}

/// A path as one word of a POSIX shell, quoted only where it has to be.
pub fn shell_word(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%,=~".contains(&byte);
    if !path.is_empty() && path.bytes().all(is_plain) { path.to_owned() } else { format!("'{}'", quoted_inside(path)) }
}

/// What late texts are rendered with.
pub struct Known {
    /// The Go context of the body, which answers ``{{ build `…` }}``.
    pub context: GoContext,
    /// What stands after a dot: `{{ .Host }}`.
    pub values: BTreeMap<String, String>,
}

impl Known {
    /// What the body knows of its build, and `values` on top.
    pub fn new(context: &GoContext, build: &BuildContext, values: BTreeMap<String, String>) -> Self {
        let mut context = context.clone();
        let mut known = BTreeMap::from([("PackerRunUUID".to_owned(), build.run_uuid.clone())]);
        if let BuildValues::Known(before) = &context.build_values {
            known.extend(before.clone());
        }
        known.extend(values);
        if !matches!(context.build_values, BuildValues::Forbidden) {
            context.build_values = BuildValues::Known(known.clone());
        }
        Self { context, values: known }
    }

    /// The same with one more name after a dot.
    #[must_use]
    pub fn with(&self, fields: &[(&str, &str)]) -> Self {
        let mut values = self.values.clone();
        values.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self { context: self.context.clone(), values }
    }

    /// Renders a late text.
    ///
    /// # Errors
    /// With the words of what would have been said of the template.
    pub fn render(&self, late: &Late) -> Result<String> {
        let mut diagnostics = Diagnostics::default();
        let rendered = late.render(&self.context, &self.values, &mut diagnostics);
        let said: Vec<&str> = diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
            .map(|diagnostic| diagnostic.message.as_str())
            .collect();
        anyhow::ensure!(said.is_empty(), "{}", said.join("; "));
        rendered.context("a value in a template is not known")
    }
}

/// Does something that can be dropped at any point, or less of it when the run is cancelled.
///
/// # Errors
/// When cancelled, and what the work returns.
pub async fn unless_cancelled<T>(context: &BuildContext, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        result = work => result,
        () = context.cancel.cancelled() => anyhow::bail!("cancelled"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_take_name_and_value_in_turn() {
        assert_eq!(format_variable("%s='%s' ", "A", "it's\n\"b\""), "A='it'\"'\"'s\n\"b\"' ");
        assert_eq!(format_variable("100%% %s=%s%", "A", "b"), "100% A=b%");
        assert_eq!(verbs("%s %% %v %").collect::<String>(), "s%v ");
    }

    #[test]
    fn only_paths_that_need_it_are_quoted() {
        assert_eq!(shell_word("/tmp/script_12.sh"), "/tmp/script_12.sh");
        assert_eq!(shell_word("/tmp/my script"), "'/tmp/my script'");
        assert_eq!(shell_word("a;$(b)'c"), r#"'a;$(b)'"'"'c'"#);
    }
}
