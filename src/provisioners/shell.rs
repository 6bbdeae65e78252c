//! Runs scripts on the machine.

use super::Provisioner;
use crate::communicators::{Communicator, ExitStatus, NoMachine, RemoteScript};
use crate::component::Component;
use crate::context::BuildContext;
use crate::lines::LineSink;
use crate::scripts::local::TemporaryFile;
use crate::scripts::{Known, ScriptArguments, check_any_of, must_be_known, shell_word, unless_cancelled, value_names};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use imgforge_template::arguments;
use imgforge_template::arguments::{Arguments as _, Late};
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::duration;
use imgforge_template::gotemplate::GoContext;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) const PROVISIONER: Component<dyn Provisioner> = Component {
    name: "shell",
    arguments: &[ScriptArguments::TABLE, ShellArguments::TABLE],
    new: |body, diagnostics| Box::new(Shell::new(body, diagnostics)),
};

arguments! {
    /// What `shell` takes besides the arguments of all scripts.
    pub struct ShellArguments {
        /// Leave the script's bytes alone; else CRLF becomes LF, and the last line gets an ending.
        binary: bool = "false",
        /// What the machine's shell is given, with `{{ .Path }}`, `{{ .Vars }}` and `{{ .EnvVarFile }}`.
        execute_command: Option<Late>,
        /// The machine may go away while a script runs: it restarts.
        expect_disconnect: bool = "false",
        /// Wait this long after the last script.
        pause_after: Duration = "0s",
        /// The script's name on the machine; `script_N.sh` with a random number if not given.
        remote_file: Option<String>,
        /// The folder on the machine that scripts are put in.
        remote_folder: String = "/tmp",
        /// The script's whole path on the machine, in place of folder and name.
        remote_path: Option<String>,
        /// Leave the scripts on the machine.
        skip_clean: bool = "false",
        /// How long to try again when a script could not be put on the machine or started.
        start_retry_timeout: Duration = "5m",
        /// Give the variables in a file that the script's shell reads, so that they stand in no command line.
        use_env_var_file: bool = "false",
    }
}

/// A `shell` block. The paths on the machine are chosen once, so that all its scripts share them.
struct Shell {
    scripts: ScriptArguments,
    arguments: ShellArguments,
    context: Arc<GoContext>,
    path: String,
    variables_path: String,
}

/// One script as it is shown and as it is sent.
struct Upload {
    shown: PathBuf,
    content: Vec<u8>,
    /// Inline commands lie in a file too, so that what is shown can be looked at.
    _file: Option<TemporaryFile>,
}

impl Shell {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let scripts: ScriptArguments = body.read(diagnostics);
        let arguments: ShellArguments = body.read(diagnostics);
        let kinds = ["inline", "script", "scripts"].map(|name| (name, &scripts.given));
        check_any_of(&kinds, body, diagnostics);
        scripts.check(body, diagnostics);
        if let Some(command) = &arguments.execute_command {
            let mut names = value_names(body.context());
            names.extend(["EnvVarFile", "Path", "Vars"]);
            command.check(body.context(), &names, diagnostics);
        }
        for name in ["remote_file", "remote_folder"] {
            if let (Some(span), Some(path)) = (arguments.given.span(name), arguments.given.span("remote_path")) {
                diagnostics.push(
                    Diagnostic::warning("ignored-argument", format!("`{name}` has no effect beside `remote_path`"))
                        .at(span)
                        .related(path, "this is the whole path")
                        .help(format!("remove `{name}` or `remote_path`")),
                );
            }
        }
        body.finish("the provisioner `shell`", diagnostics);
        let number = || rand::random_range(0..9999);
        let folder = if arguments.remote_folder.is_empty() { "/tmp" } else { &arguments.remote_folder };
        let file = arguments.remote_file.clone().filter(|file| !file.is_empty());
        let path = arguments.remote_path.clone().filter(|path| !path.is_empty());
        Self {
            path: path
                .unwrap_or_else(|| format!("{folder}/{}", file.unwrap_or_else(|| format!("script_{}.sh", number())))),
            variables_path: format!("{folder}/varfile_{}.sh", number()),
            context: body.context().clone(),
            scripts,
            arguments,
        }
    }

    /// The scripts in the order they are run.
    async fn uploads(&self, build: &BuildContext, known: &Known) -> Result<Vec<Upload>> {
        let mut uploads = Vec::new();
        if let Some(commands) = &self.scripts.inline {
            let content = self.scripts.inline_script(commands, known)?.into_bytes();
            let file = TemporaryFile::script(build, "", &content)?;
            uploads.push(Upload { shown: file.to_path_buf(), content, _file: Some(file) });
        } else {
            for path in self.scripts.files() {
                let file = self.context.host.working_directory().join(path);
                let content = tokio::fs::read(&file).await.with_context(|| format!("read {}", path.display()))?;
                uploads.push(Upload { shown: path.to_owned(), content, _file: None });
            }
        }
        anyhow::ensure!(!uploads.is_empty(), "what to run is not known");
        if !self.arguments.binary {
            for upload in &mut uploads {
                upload.content = unix_lines(&upload.content);
            }
        }
        Ok(uploads)
    }

    /// What all scripts share; the content is each one's own.
    fn empty_script(&self, build: &BuildContext, known: &Known) -> Result<RemoteScript> {
        let variables = self.scripts.environment(build, known)?;
        let in_file = self.arguments.use_env_var_file;
        let format = if in_file { "export %s='%s'\n" } else { "%s='%s' " };
        let variables = self.scripts.format_variables(&variables, format);
        let variables_path = if in_file { self.variables_path.as_str() } else { "" };
        let command = if let Some(command) = &self.arguments.execute_command {
            let fields = [("Path", self.path.as_str()), ("Vars", &variables), ("EnvVarFile", variables_path)];
            known.with(&fields).render(command)?
        } else {
            must_be_known("execute_command", &self.arguments.given)?;
            let path = shell_word(&self.path);
            let run = if in_file { format!(". {} &&", shell_word(variables_path)) } else { variables.clone() };
            format!("chmod +x {path}; {run} {path}")
        };
        Ok(RemoteScript {
            path: self.path.clone(),
            content: Vec::new(),
            variables: in_file.then(|| (self.variables_path.clone(), variables.into_bytes())),
            command,
            keep: self.arguments.skip_clean,
        })
    }

    /// Runs one script, trying again as long as it may while it does not get as far as running.
    async fn run(&self, build: &BuildContext, machine: &dyn Communicator, script: &RemoteScript) -> Result<ExitStatus> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            let mut lines = LineSink::new(build);
            let error = match unless_cancelled(build, machine.run_script(script, &mut lines)).await {
                Ok(status) => return Ok(status),
                Err(error) => error,
            };
            drop(lines);
            if build.cancel.is_cancelled() || error.is::<NoMachine>() {
                return Err(error);
            }
            let timeout = self.arguments.start_retry_timeout;
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(error)
                    .with_context(|| format!("the script could not be started within {}", duration::spell(timeout)));
            }
            tracing::debug!("the script could not be started, trying again in {pause:?}: {error:#}");
            build.sleep(pause.min(left)).await?;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    fn check_exit(&self, status: ExitStatus) -> Result<()> {
        let allowed = self.scripts.valid_exit_codes.as_deref().unwrap_or_default();
        if status != ExitStatus::Disconnected || allowed.contains(&ExitStatus::DISCONNECTED) {
            return self.scripts.check_exit(status);
        }
        anyhow::ensure!(
            self.arguments.expect_disconnect,
            "the machine went away while the script ran; if the script restarts it, set `expect_disconnect = true`, \
             or add {} to `valid_exit_codes`",
            ExitStatus::DISCONNECTED
        );
        Ok(())
    }
}

#[async_trait]
impl Provisioner for Shell {
    async fn provision(&self, build: &BuildContext, machine: &dyn Communicator) -> Result<()> {
        let known = Known::new(&self.context, build, machine.values());
        let uploads = self.uploads(build, &known).await?;
        let shared = self.empty_script(build, &known)?;
        for upload in uploads {
            build.say(format!("Provisioning with shell script: {}", upload.shown.display()));
            let script = RemoteScript { content: upload.content, ..shared.clone() };
            let status = self.run(build, machine, &script).await?;
            self.check_exit(status)?;
        }
        if !self.arguments.pause_after.is_zero() {
            let pause = self.arguments.pause_after;
            build.say(format!("Pausing {} after this provisioner...", duration::spell(pause)));
            build.sleep(pause).await?;
        }
        Ok(())
    }
}

/// The text with every CRLF made LF and an ending on its last line.
fn unix_lines(content: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(content.len() + 1);
    let body = content.strip_suffix(b"\n").unwrap_or(content);
    if content.is_empty() {
        return text;
    }
    for line in body.split(|byte| *byte == b'\n') {
        text.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        text.push(b'\n');
    }
    text
}

#[cfg(test)]
mod tests;
