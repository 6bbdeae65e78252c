//! Scripts on this machine: what the provisioner and the post-processor `shell-local` have in common.

use super::{ScriptArguments, check_one_of, local, render, shell_word, value_names, with_values};
use crate::context::BuildContext;
use crate::lines::LineSink;
use anyhow::{Context as _, Result};
use imgforge_template::arguments;
use imgforge_template::arguments::{Argument, Arguments as _, Late};
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::gotemplate::GoContext;
use imgforge_template::source::Spanned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::process::Command;

arguments! {
    /// What `shell-local` takes besides the arguments of all scripts.
    pub struct ShellLocalArguments {
        /// One command; the same as `inline` with one element.
        command: Option<Late>,
        /// The program to run and its arguments, with `{{ .Vars }}` and `{{ .Script }}`; a single element is given to `/bin/sh -c`.
        execute_command: Option<Vec<Late>>,
        /// Operating systems to run on: `darwin`, `freebsd`, `linux`, `openbsd`, `solaris`, `windows`; elsewhere nothing is done.
        only_on: Option<Vec<Spanned<String>>>,
        /// What the name of the temporary script of inline commands ends with.
        tempfile_extension: String = "",
        /// Only of use on Windows.
        use_linux_pathing: bool = "false",
    }
}

/// The arguments of `shell-local`, one table a concern.
pub const ARGUMENTS: &[&[Argument]] = &[ScriptArguments::TABLE, ShellLocalArguments::TABLE];

const SYSTEMS: &[&str] = &["darwin", "freebsd", "linux", "openbsd", "solaris", "windows"];

/// A `shell-local` block.
pub struct ShellLocal {
    scripts: ScriptArguments,
    arguments: ShellLocalArguments,
    context: Arc<GoContext>,
}

impl ShellLocal {
    /// Reads and checks a block; `component` is what messages call it.
    pub fn new(component: &str, body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let scripts: ScriptArguments = body.read(diagnostics);
        let arguments: ShellLocalArguments = body.read(diagnostics);
        let kinds = [
            ("inline", scripts.given.span("inline")),
            ("script", scripts.given.span("script")),
            ("scripts", scripts.given.span("scripts")),
            ("command", arguments.given.span("command")),
        ];
        check_one_of(&kinds, body, diagnostics);
        scripts.check(body, diagnostics);
        arguments.check(&scripts, body, diagnostics);
        body.finish(component, diagnostics);
        Self { scripts, arguments, context: body.context().clone() }
    }

    /// Runs the scripts in the working directory, one after the other; `values` are those of `build.*`.
    ///
    /// # Errors
    /// When one could not be run, ended with an exit code that is not valid, or the run is cancelled.
    pub async fn run(&self, build: &BuildContext, mut values: BTreeMap<String, String>) -> Result<()> {
        if let Some(systems) = &self.arguments.only_on {
            if !systems.iter().any(|system| system.value == this_system()) {
                build.say("Skipping shell-local due to runtime OS");
                return Ok(());
            }
        }
        values.entry("PackerRunUUID".to_owned()).or_insert_with(|| build.run_uuid.clone());
        let values = &values;
        let context = with_values(&self.context, values);
        let variables = self.scripts.environment(build, &context, values)?;
        let variables = self.scripts.format_variables(&variables, "%s='%s' ");
        let commands = match (&self.scripts.inline, &self.arguments.command) {
            (Some(inline), _) => Some(inline.as_slice()),
            (None, Some(command)) => Some(std::slice::from_ref(command)),
            (None, None) => None,
        };
        if let Some(commands) = commands {
            let script = self.scripts.inline_script(commands, &context, values)?;
            let file = self.temporary(build, script.as_bytes())?;
            return self.run_script(build, &context, values, &variables, &file).await;
        }
        let mut files = self.scripts.files().peekable();
        anyhow::ensure!(files.peek().is_some(), "what to run is not known");
        for file in files {
            self.run_script(build, &context, values, &variables, file).await?;
        }
        Ok(())
    }

    async fn run_script(
        &self,
        build: &BuildContext,
        context: &GoContext,
        values: &BTreeMap<String, String>,
        variables: &str,
        file: &Path,
    ) -> Result<()> {
        build.say(format!("Running local shell script: {}", file.display()));
        let words = self.command(context, values, variables, file)?;
        let (program, arguments) = words.split_first().context("`execute_command` is empty")?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(context.host.working_directory());
        let mut lines = LineSink::new(build);
        let status = local::run(command, build, &mut lines).await?;
        drop(lines);
        self.scripts.check_exit(status)
    }

    /// The program to run and its arguments.
    fn command(
        &self,
        context: &GoContext,
        values: &BTreeMap<String, String>,
        variables: &str,
        file: &Path,
    ) -> Result<Vec<String>> {
        let shell = || ["/bin/sh".to_owned(), "-c".to_owned()].into_iter();
        let path = file.to_str().with_context(|| format!("{} is not UTF-8", file.display()))?;
        let Some(written) = &self.arguments.execute_command else {
            // Without a slash, the shell would look for it in PATH.
            let path = if path.contains('/') { path.to_owned() } else { format!("./{path}") };
            return Ok(shell().chain([format!("{variables} {}", shell_word(&path))]).collect());
        };
        let mut fields = values.clone();
        for (name, value) in [("Vars", variables), ("Script", path), ("Command", path)] {
            fields.insert(name.to_owned(), value.to_owned());
        }
        let words: Vec<String> = written.iter().map(|word| render(word, context, &fields)).collect::<Result<_>>()?;
        Ok(if words.len() == 1 { shell().chain(words).collect() } else { words })
    }

    /// Inline commands as a file that can be run; it goes with the run's scratch folder.
    fn temporary(&self, build: &BuildContext, content: &[u8]) -> Result<TemporaryFile> {
        let suffix = match self.arguments.tempfile_extension.as_str() {
            "" => String::new(),
            extension => format!(".{}", extension.trim_start_matches('.')),
        };
        let path = build.ledger.scratch().join(format!("shell-{:016x}{suffix}", rand::random::<u64>()));
        local::write_executable(&path, content, 0o700).with_context(|| format!("write {}", path.display()))?;
        Ok(TemporaryFile(path))
    }
}

impl ShellLocalArguments {
    fn check(&self, scripts: &ScriptArguments, body: &Body, diagnostics: &mut Diagnostics) {
        let mut names = value_names(body.context());
        if let Some(command) = &self.command {
            command.check(body.context(), &names, diagnostics);
        }
        names.extend(["Vars", "Script", "Command"]);
        for word in self.execute_command.iter().flatten() {
            word.check(body.context(), &names, diagnostics);
        }
        if let (Some([]), Some(span)) = (self.execute_command.as_deref(), self.given.span("execute_command")) {
            diagnostics.push(
                Diagnostic::error("invalid-value", "`execute_command` is empty")
                    .at(span)
                    .help("name the program to run, or remove it"),
            );
        }
        for system in self.only_on.iter().flatten() {
            if !SYSTEMS.contains(&system.as_str()) {
                diagnostics.push(
                    Diagnostic::error("invalid-value", format!("`{}` is not an operating system", system.value))
                        .at(system.span)
                        .help(format!("use one of `{}`", SYSTEMS.join("`, `"))),
                );
            }
        }
        if self.tempfile_extension.contains('/') {
            diagnostics.push(
                Diagnostic::error("invalid-value", "`tempfile_extension` must not contain `/`")
                    .at(self.given.span("tempfile_extension").unwrap_or(body.header()))
                    .help("write what the file's name ends with, such as `.py`"),
            );
        }
        if self.execute_command.is_none() {
            for script in scripts.script.iter().chain(scripts.scripts.iter().flatten()) {
                check_executable(script, body, diagnostics);
            }
        }
    }
}

/// The shell is asked to run the file, not to read it.
fn check_executable(script: &Spanned<PathBuf>, body: &Body, diagnostics: &mut Diagnostics) {
    let status = body.context().host.status(script);
    if status.is_ok_and(|status| !status.is_directory && !status.is_executable) {
        let word = shell_word(&script.to_string_lossy());
        diagnostics.push(
            Diagnostic::warning("not-executable", format!("the script `{}` is not executable", script.display()))
                .at(script.span)
                .help(format!("run `chmod +x {word}`, or set `execute_command`")),
        );
    }
}

/// Removed when dropped.
struct TemporaryFile(PathBuf);

impl std::ops::Deref for TemporaryFile {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // If it cannot be removed now, it goes with the scratch folder.
        let _removed_later = std::fs::remove_file(&self.0);
    }
}

/// This operating system, in Go's words.
fn this_system() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        system => system,
    }
}
