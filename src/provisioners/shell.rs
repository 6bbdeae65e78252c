//! Runs scripts on the machine.

use super::Provisioner;
use crate::communicators::{Communicator, ExitStatus, NoMachine, RemoteScript};
use crate::component::Component;
use crate::context::BuildContext;
use crate::lines::LineSink;
use crate::scripts::{
    ScriptArguments, check_one_of, local, render, shell_word, unless_cancelled, value_names, with_values,
};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use imgforge_template::arguments;
use imgforge_template::arguments::{Arguments as _, Late};
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::gotemplate::GoContext;
use std::collections::BTreeMap;
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
}

impl Shell {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let scripts: ScriptArguments = body.read(diagnostics);
        let arguments: ShellArguments = body.read(diagnostics);
        let kinds = ["inline", "script", "scripts"].map(|name| (name, scripts.given.span(name)));
        check_one_of(&kinds, body, diagnostics);
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

    /// The scripts in the order they are run. Inline commands are written to `inline`, so that they can be looked at.
    async fn uploads(
        &self,
        context: &GoContext,
        values: &BTreeMap<String, String>,
        inline: &mut Option<tempfile::TempPath>,
        build: &BuildContext,
    ) -> Result<Vec<Upload>> {
        let mut uploads = Vec::new();
        if let Some(commands) = &self.scripts.inline {
            let content = self.scripts.inline_script(commands, context, values)?.into_bytes();
            let shown = build.ledger.scratch().join(format!("shell-{:016x}", rand::random::<u64>()));
            local::write_executable(&shown, &content, 0o700).with_context(|| format!("write {}", shown.display()))?;
            *inline = Some(tempfile::TempPath::try_from_path(&shown)?);
            uploads.push(Upload { shown, content });
        } else {
            for path in self.scripts.files() {
                let file = context.host.working_directory().join(path);
                let content = tokio::fs::read(&file).await.with_context(|| format!("read {}", path.display()))?;
                uploads.push(Upload { shown: path.to_owned(), content });
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

    /// The file with the variables, if there is one, and what the machine's shell is to run.
    fn command(
        &self,
        build: &BuildContext,
        context: &GoContext,
        values: &BTreeMap<String, String>,
    ) -> Result<(Option<(String, Vec<u8>)>, String)> {
        let variables = self.scripts.environment(build, context, values)?;
        let in_file = self.arguments.use_env_var_file;
        let format = if in_file { "export %s='%s'\n" } else { "%s='%s' " };
        let variables = self.scripts.format_variables(&variables, format);
        let file = in_file.then(|| (self.variables_path.clone(), variables.clone().into_bytes()));
        let Some(command) = &self.arguments.execute_command else {
            let (path, variables_path) = (shell_word(&self.path), shell_word(&self.variables_path));
            let run = if in_file { format!(". {variables_path} &&") } else { variables };
            return Ok((file, format!("chmod +x {path}; {run} {path}")));
        };
        let mut fields = values.clone();
        fields.insert("Path".to_owned(), self.path.clone());
        fields.insert("Vars".to_owned(), variables);
        fields.insert("EnvVarFile".to_owned(), if in_file { self.variables_path.clone() } else { String::new() });
        Ok((file, render(command, context, &fields)?))
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
            if started.elapsed() + pause > timeout {
                return Err(error).with_context(|| format!("the script could not be started within {timeout:?}"));
            }
            tracing::debug!("the script could not be started, trying again in {pause:?}: {error:#}");
            build.sleep(pause).await?;
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
        let mut values = machine.values();
        values.entry("PackerRunUUID".to_owned()).or_insert_with(|| build.run_uuid.clone());
        let context = with_values(&self.context, &values);
        let mut inline = None;
        let uploads = self.uploads(&context, &values, &mut inline, build).await?;
        let (variables, command) = self.command(build, &context, &values)?;
        for upload in uploads {
            build.say(format!("Provisioning with shell script: {}", upload.shown.display()));
            let script = RemoteScript {
                path: self.path.clone(),
                content: upload.content,
                variables: variables.clone(),
                command: command.clone(),
                keep: self.arguments.skip_clean,
            };
            let status = self.run(build, machine, &script).await?;
            self.check_exit(status)?;
        }
        if !self.arguments.pause_after.is_zero() {
            build.say(format!("Pausing {:?} after this provisioner...", self.arguments.pause_after));
            build.sleep(self.arguments.pause_after).await?;
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
mod tests {
    use super::*;
    use crate::communicators::OutputSink;
    use crate::communicators::local::Local;
    use crate::scripts::testing::{Block, Bool, List, Map, Numbers, Str, Unknown, World};
    use std::path::Path;
    use std::sync::Mutex;

    async fn provision(world: &World, block: &Block) -> Result<()> {
        let machine = Local::new(&world.context, world.directory.path());
        block.make(Shell::new).provision(&world.context, &machine).await
    }

    #[tokio::test]
    async fn inline_commands_are_one_script_and_leave_nothing_behind() {
        let world = World::new();
        let block = world.block(&[
            ("inline", List(vec!["echo one", "echo two >&2; printf '50%%\\r100%%'", "cat"])),
            ("remote_folder", Str(".")),
            ("remote_file", Str("here.sh")),
        ]);
        provision(&world, &block).await.unwrap();
        let mut lines = world.lines();
        assert_eq!(lines.remove(0), "Provisioning with shell script: SCRATCH/shell");
        lines.sort();
        assert_eq!(lines, ["100%", "error: two", "one"]);
        assert_eq!(std::fs::read_dir(world.directory.path()).unwrap().count(), 0);
        assert_eq!(std::fs::read_dir(world.ledger.scratch()).unwrap().count(), 0);
        assert_eq!(world.ledger.remaining(), []);
    }

    #[tokio::test]
    async fn variables_arrive_as_they_are_whatever_is_in_them() {
        let world = World::new();
        let hostile = "it's $HOME `id` \"x\"\\\n; exit 9 '";
        for in_file in [false, true] {
            let block = world.block(&[
                (
                    "inline",
                    List(vec![
                        "printf '<%s>' \"$A\" \"$B\" \"$C\" \"$PACKER_BUILD_NAME\" \"$PACKER_BUILDER_TYPE\" > out",
                    ]),
                ),
                ("environment_vars", List(vec!["B=lost", "A=a=b", "C="])),
                ("env", Map(vec![("B", hostile)])),
                ("remote_folder", Str(".")),
                ("use_env_var_file", Bool(in_file)),
            ]);
            provision(&world, &block).await.unwrap();
            assert_eq!(world.read("out"), format!("<a=b><{hostile}><><web><null>"));
        }
    }

    #[tokio::test]
    async fn only_the_allowed_exit_codes_are_a_success() {
        let world = World::new();
        let exit = |code: &'static str, valid: Vec<i64>| {
            world.block(&[
                ("inline", List(vec![code])),
                ("valid_exit_codes", Numbers(valid)),
                ("remote_folder", Str(".")),
            ])
        };
        provision(&world, &exit("exit 3", vec![0, 3])).await.unwrap();
        let error = provision(&world, &exit("exit 3", vec![0, 4])).await.unwrap_err();
        let expected = "Script exited with non-zero exit status: 3. Allowed exit codes are: [0 4]";
        assert_eq!(format!("{error:#}"), expected);
        let error = provision(&world, &exit("false; exit 0", vec![])).await.unwrap_err();
        assert_eq!(error.to_string(), "Script exited with non-zero exit status: 1. Allowed exit codes are: [0]");
        let error = provision(&world, &exit("kill -TERM $$", vec![])).await.unwrap_err();
        assert_eq!(error.to_string(), "Script exited with non-zero exit status: 143. Allowed exit codes are: [0]");
    }

    #[tokio::test]
    async fn scripts_run_in_turn_with_unix_lines_and_the_first_failure_stops() {
        let world = World::new();
        world.write("a.sh", "#!/bin/sh\r\nprintf a >> out\r\n");
        world.write("b.sh", "#!/bin/sh\nprintf b >> out\nexit 7");
        world.write("c.sh", "#!/bin/sh\nprintf c >> out\n");
        let scripts = List(vec!["a.sh", "b.sh", "c.sh"]);
        let block =
            world.block(&[("scripts", scripts), ("remote_path", Str("my script'.sh")), ("skip_clean", Bool(true))]);
        let error = provision(&world, &block).await.unwrap_err();
        assert_eq!(error.to_string(), "Script exited with non-zero exit status: 7. Allowed exit codes are: [0]");
        assert_eq!(world.read("out"), "ab");
        assert_eq!(world.read("my script'.sh"), "#!/bin/sh\nprintf b >> out\nexit 7\n");
        assert_eq!(world.lines(), ["Provisioning with shell script: a.sh", "Provisioning with shell script: b.sh"]);
    }

    #[test]
    fn lines_end_as_unix_has_it() {
        let text = |content: &[u8]| String::from_utf8(unix_lines(content)).unwrap();
        assert_eq!(text(b""), "");
        assert_eq!(text(b"a\r\nb\rc\n\n"), "a\nb\rc\n\n");
        assert_eq!(text(b"a\r"), "a\n");
    }

    /// Fails `failures` times before anything runs, then answers with `status`.
    struct Flaky {
        failures: u32,
        status: ExitStatus,
        tried: Mutex<Vec<(Instant, RemoteScript)>>,
        no_machine: bool,
    }

    impl Flaky {
        fn new(failures: u32, status: ExitStatus) -> Self {
            Self { failures, status, tried: Mutex::default(), no_machine: false }
        }

        fn count(&self) -> usize {
            self.tried.lock().unwrap().len()
        }
    }

    #[async_trait]
    impl Communicator for Flaky {
        async fn run(&self, _command: &str, _output: &mut dyn OutputSink) -> Result<ExitStatus> {
            anyhow::bail!("not asked for")
        }

        async fn run_script(&self, script: &RemoteScript, output: &mut dyn OutputSink) -> Result<ExitStatus> {
            self.tried.lock().unwrap().push((Instant::now(), script.clone()));
            if self.no_machine {
                return Err(NoMachine("no machine").into());
            }
            anyhow::ensure!(self.count() > usize::try_from(self.failures)?, "connection reset");
            output.stdout(b"done");
            Ok(self.status)
        }

        async fn upload(&self, _from: &Path, _to: &str, _report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
            anyhow::bail!("not asked for")
        }

        async fn upload_bytes(&self, _content: &[u8], _to: &str, _mode: u32) -> Result<()> {
            anyhow::bail!("not asked for")
        }

        async fn download(&self, _from: &str, _to: &Path, _report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
            anyhow::bail!("not asked for")
        }

        async fn download_folder(&self, _from: &str, _to: &Path) -> Result<()> {
            anyhow::bail!("not asked for")
        }

        fn values(&self) -> BTreeMap<String, String> {
            let value = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            BTreeMap::from([value("Host", "10.0.2.15"), value("PackerHTTPAddr", "10.0.2.2:8000")])
        }
    }

    #[tokio::test]
    async fn what_did_not_start_is_tried_again_at_growing_intervals() {
        let world = World::new();
        let machine = Flaky::new(3, ExitStatus::Code(0));
        let block = world.block(&[("inline", List(vec!["true"]))]);
        block.make(Shell::new).provision(&world.context, &machine).await.unwrap();
        let tried: Vec<Instant> = machine.tried.lock().unwrap().iter().map(|(at, _)| *at).collect();
        let pauses: Vec<u128> = tried.windows(2).map(|pair| (pair[1] - pair[0]).as_millis() / 100).collect();
        assert_eq!(pauses, [1, 2, 4]);
        assert_eq!(world.lines(), ["Provisioning with shell script: SCRATCH/shell", "done"]);
    }

    #[tokio::test]
    async fn trying_again_ends_with_the_timeout_and_never_starts_without_a_machine() {
        let world = World::new();
        let block = world.block(&[("inline", List(vec!["true"])), ("start_retry_timeout", Str("1s"))]);
        let shell = block.make(Shell::new);
        let machine = Flaky::new(u32::MAX, ExitStatus::Code(0));
        let error = shell.provision(&world.context, &machine).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "the script could not be started within 1s: connection reset");
        assert_eq!(machine.count(), 4);

        let machine = Flaky { no_machine: true, ..Flaky::new(0, ExitStatus::Code(0)) };
        let error = shell.provision(&world.context, &machine).await.unwrap_err();
        assert_eq!((format!("{error:#}"), machine.count()), ("no machine".to_owned(), 1));
    }

    #[tokio::test]
    async fn exit_codes_are_not_tried_again_and_a_lost_machine_must_be_expected() {
        let world = World::new();
        let machine = Flaky::new(0, ExitStatus::Code(1));
        let block = world.block(&[("inline", List(vec!["true"]))]);
        block.make(Shell::new).provision(&world.context, &machine).await.unwrap_err();
        assert_eq!(machine.count(), 1);

        let machine = Flaky::new(0, ExitStatus::Disconnected);
        let error = block.make(Shell::new).provision(&world.context, &machine).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the machine went away while the script ran; if the script restarts it, set `expect_disconnect = true`, or \
             add 2300218 to `valid_exit_codes`"
        );
        for allowed in [("expect_disconnect", Bool(true)), ("valid_exit_codes", Numbers(vec![0, 2_300_218]))] {
            let block = world.block(&[("inline", List(vec!["true"])), allowed]);
            block.make(Shell::new).provision(&world.context, &machine).await.unwrap();
        }
    }

    #[tokio::test]
    async fn the_machine_is_asked_for_what_packer_asks_it() {
        let world = World::new();
        let machine = Flaky::new(0, ExitStatus::Code(0));
        let block = world.block(&[
            ("inline", List(vec!["#!/usr/bin/env bash", "true"])),
            ("env", Map(vec![("A", "1")])),
            ("remote_path", Str("/tmp/x.sh")),
        ]);
        block.make(Shell::new).provision(&world.context, &machine).await.unwrap();
        let (_, script) = machine.tried.lock().unwrap().remove(0);
        assert_eq!(String::from_utf8(script.content).unwrap(), "#!/usr/bin/env bash\ntrue\n");
        assert_eq!(
            script.command,
            "chmod +x /tmp/x.sh; A='1' PACKER_BUILDER_TYPE='null' PACKER_BUILD_NAME='web' \
             PACKER_HTTP_ADDR='10.0.2.2:8000'  /tmp/x.sh"
        );
        assert_eq!((script.path.as_str(), script.variables, script.keep), ("/tmp/x.sh", None, false));
    }

    #[tokio::test]
    async fn templates_know_the_machine_when_the_script_runs() {
        let world = World::new();
        let machine = Flaky::new(0, ExitStatus::Code(0));
        let block = world.block(&[
            ("inline", List(vec!["echo {{ build `Host` }}"])),
            ("inline_shebang", Str("/bin/bash -x")),
            ("environment_vars", List(vec!["H={{ .Host }}"])),
            ("env_var_format", Str("%s=%s;")),
            ("execute_command", Str("sudo env {{ .Vars }} sh '{{.Path}}' {{ .EnvVarFile }}")),
            ("remote_folder", Str("/var/tmp")),
            ("remote_file", Str("y.sh")),
        ]);
        block.make(Shell::new).provision(&world.context, &machine).await.unwrap();
        let (_, script) = machine.tried.lock().unwrap().remove(0);
        assert_eq!(String::from_utf8(script.content).unwrap(), "#!/bin/bash -x\necho 10.0.2.15\n");
        assert_eq!(
            script.command,
            "sudo env H=10.0.2.15;PACKER_BUILDER_TYPE=null;PACKER_BUILD_NAME=web;PACKER_HTTP_ADDR=10.0.2.2:8000; sh \
             '/var/tmp/y.sh' "
        );
    }

    #[tokio::test]
    async fn cancelling_ends_the_script_and_all_that_it_started() {
        let world = World::new();
        let block = world.block(&[
            ("inline", List(vec!["sleep 61 & echo $! > child; setsid sleep 62 & echo ready; wait"])),
            ("remote_folder", Str(".")),
        ]);
        let (shell, cancel) = (block.make(Shell::new), world.context.cancel.clone());
        let machine = Local::new(&world.context, world.directory.path());
        let stop = async {
            while !world.lines().iter().any(|line| line == "ready") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            cancel.cancel();
        };
        let (ended, ()) = tokio::join!(shell.provision(&world.context, &machine), stop);
        assert_eq!(ended.unwrap_err().to_string(), "cancelled");
        // The engine's part: what the dropped script left in the journal is ended by name.
        for resource in world.context.ledger.close() {
            crate::cleaners::destroy(&resource).await.unwrap();
        }
        let child: u32 = world.read("child").trim().parse().unwrap();
        assert!(!is_running(child));
    }

    fn is_running(pid: u32) -> bool {
        // The state stands behind the name in parentheses.
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }

    #[tokio::test]
    async fn a_pause_gives_way_to_cancellation() {
        let world = World::new();
        let block = world.block(&[("inline", List(vec!["true"])), ("pause_after", Str("90s"))]);
        let (shell, machine) = (block.make(Shell::new), Flaky::new(0, ExitStatus::Code(0)));
        let stop = async {
            while world.lines().last().is_none_or(|line| line != "Pausing 90s after this provisioner...") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            world.context.cancel.cancel();
        };
        let (ended, ()) = tokio::join!(shell.provision(&world.context, &machine), stop);
        assert_eq!(ended.unwrap_err().to_string(), "cancelled");
    }

    #[test]
    fn mistakes_are_shown_at_their_places_all_at_once() {
        let world = World::new();
        world.write("here.sh", "");
        std::fs::create_dir(world.path("folder")).unwrap();
        let block = world.block(&[
            ("script", Str("gone.sh")),
            ("scripts", List(vec!["here.sh", "folder", "/nowhere/x.sh"])),
            ("environment_vars", List(vec!["OK=1", "secret", "=x", "1X=y"])),
            ("env", Map(vec![("A-B", "v")])),
            ("valid_exit_codes", List(vec!["zero"])),
            ("remote_folder", Str("/x")),
            ("remote_path", Str("/y/z.sh")),
        ]);
        let mistakes: Vec<String> = block.mistakes(Shell::new).iter().map(|m| world.without_folders(m)).collect();
        let environment = "an environment variable must have the form `NAME=value` (write the variable's name, `=`, and \
                           its value, which may be empty)";
        let name = "is not a name that an environment variable can have (use letters, digits and `_`, and no digit at \
                    the start)";
        assert_eq!(
            mistakes,
            [
                "missing-file at \"gone.sh\": the script `gone.sh` is not there (the path is relative to the working \
                 directory, `WORK`)"
                    .to_owned(),
                "conflicting-arguments at [\"here.sh\", \"folder\", \"/nowhere/x.sh\"]: `scripts` and `script` exclude \
                 each other (keep one of `inline`, `script`, `scripts`)"
                    .to_owned(),
                "not-a-file at \"folder\": the script `folder` is a folder (name a file in it)".to_owned(),
                "missing-file at \"/nowhere/x.sh\": the script `/nowhere/x.sh` is not there (check the path)".to_owned(),
                format!("invalid-value at secret: {environment}"),
                format!("invalid-value at =x: {environment}"),
                format!("invalid-value at 1X=y: `1X` {name}"),
                format!("invalid-value at v: `A-B` {name}"),
                "wrong-type at \"zero\": `valid_exit_codes` takes a number, not the string \"zero\"".to_owned(),
                "ignored-argument at \"/x\": `remote_folder` has no effect beside `remote_path` (remove `remote_folder` \
                 or `remote_path`)"
                    .to_owned(),
            ]
        );
    }

    #[test]
    fn something_to_run_is_needed_but_may_be_unknown_yet() {
        let world = World::new();
        assert_eq!(
            world.block(&[]).mistakes(Shell::new),
            ["missing-argument at block: one of `inline`, `script`, `scripts` is required (there is nothing to run)"]
        );
        assert_eq!(
            world.block(&[("inline", List(vec![])), ("env_var_format", Str("%s"))]).mistakes(Shell::new),
            [
                "invalid-value at []: `inline` is empty (there is nothing to run)",
                "invalid-value at \"%s\": `env_var_format` must have `%s` twice (the first `%s` stands for the \
                 variable's name, the second for its value)",
            ]
        );
        assert_eq!(world.block(&[("inline", Unknown), ("valid_exit_codes", Unknown)]).mistakes(Shell::new), [""; 0]);
    }

    #[tokio::test]
    async fn what_is_still_unknown_when_it_runs_is_an_error() {
        let world = World::new();
        let error = provision(&world, &world.block(&[("inline", Unknown)])).await.unwrap_err();
        assert_eq!(error.to_string(), "what to run is not known");
    }
}
