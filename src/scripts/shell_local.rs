//! Scripts on this machine: what the provisioner and the post-processor `shell-local` have in common.

use super::local::TemporaryFile;
use super::{Known, ScriptArguments, check_any_of, local, must_be_known, shell_word, value_names};
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
        #[excludes(inline, script, scripts)]
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
            ("inline", &scripts.given),
            ("script", &scripts.given),
            ("scripts", &scripts.given),
            ("command", &arguments.given),
        ];
        check_any_of(&kinds, body, diagnostics);
        scripts.check(body, diagnostics);
        arguments.check(&scripts, body, diagnostics);
        body.finish(component, diagnostics);
        Self { scripts, arguments, context: body.context().clone() }
    }

    /// Runs the scripts in the working directory, one after the other; `values` are those of `build.*`.
    ///
    /// # Errors
    /// When one could not be run, ended with an exit code that is not valid, or the run is cancelled.
    pub async fn run(&self, build: &BuildContext, values: BTreeMap<String, String>) -> Result<()> {
        let systems = self.arguments.only_on.as_deref().unwrap_or_default();
        if !systems.is_empty() && !systems.iter().any(|system| system.value == this_system()) {
            build.say("Skipping shell-local due to runtime OS");
            return Ok(());
        }
        let known = Known::new(&self.context, build, values);
        let variables = self.scripts.environment(build, &known)?;
        let variables = self.scripts.format_variables(&variables, "%s='%s' ");
        let commands = match (&self.scripts.inline, &self.arguments.command) {
            (Some(inline), _) => Some(inline.as_slice()),
            (None, Some(command)) => Some(std::slice::from_ref(command)),
            (None, None) => None,
        };
        if let Some(commands) = commands {
            let script = self.scripts.inline_script(commands, &known)?;
            let suffix = match self.arguments.tempfile_extension.as_str() {
                "" => String::new(),
                extension => format!(".{}", extension.trim_start_matches('.')),
            };
            let file = TemporaryFile::script(build, &suffix, script.as_bytes())?;
            return self.run_script(build, &known, &variables, &file).await;
        }
        let mut files = self.scripts.files().peekable();
        anyhow::ensure!(files.peek().is_some(), "what to run is not known");
        for file in files {
            self.run_script(build, &known, &variables, file).await?;
        }
        Ok(())
    }

    async fn run_script(&self, build: &BuildContext, known: &Known, variables: &str, file: &Path) -> Result<()> {
        build.say(format!("Running local shell script: {}", file.display()));
        let words = self.command(known, variables, file)?;
        let (program, arguments) = words.split_first().context("`execute_command` is empty")?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(known.context.host.working_directory());
        let mut lines = LineSink::new(build);
        let status = local::run(command, build, &mut lines).await?;
        drop(lines);
        self.scripts.check_exit(status)
    }

    /// The program to run and its arguments.
    fn command(&self, known: &Known, variables: &str, file: &Path) -> Result<Vec<String>> {
        let shell = || ["/bin/sh".to_owned(), "-c".to_owned()].into_iter();
        let path = file.to_str().with_context(|| format!("{} is not UTF-8", file.display()))?;
        let Some(written) = &self.arguments.execute_command else {
            must_be_known("execute_command", &self.arguments.given)?;
            // Without a slash, the shell would look for it in PATH.
            let path = if path.contains('/') { path.to_owned() } else { format!("./{path}") };
            return Ok(shell().chain([format!("{variables} {}", shell_word(&path))]).collect());
        };
        let known = known.with(&[("Vars", variables), ("Script", path), ("Command", path)]);
        let words: Vec<String> = written.iter().map(|word| known.render(word)).collect::<Result<_>>()?;
        Ok(if words.len() == 1 { shell().chain(words).collect() } else { words })
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

/// This operating system, in Go's words.
fn this_system() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        system => system,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::testing::{Block, Bool, List, Map, Str, Unknown, World};
    use std::time::{Duration, Instant};

    fn new(body: &Body, diagnostics: &mut Diagnostics) -> ShellLocal {
        ShellLocal::new("the provisioner `shell-local`", body, diagnostics)
    }

    async fn run(world: &World, block: &Block) -> Result<()> {
        block.make(new).run(&world.context, BTreeMap::new()).await
    }

    #[tokio::test]
    async fn commands_run_in_the_working_directory_without_input() {
        let world = World::new();
        world.write("here", "content");
        let block = world.block(&[
            ("inline", List(vec!["cat here -", "echo; printf \"<%s>\" \"$A\" \"$PACKER_BUILD_NAME\""])),
            ("environment_vars", List(vec!["A=it's\n$HOME"])),
            ("tempfile_extension", Str(".sh")),
        ]);
        run(&world, &block).await.unwrap();
        let lines = ["Running local shell script: SCRATCH/shell.sh", "content", "<it's", "$HOME><web>"];
        assert_eq!(world.lines(), lines);
        assert_eq!(std::fs::read_dir(world.ledger.scratch()).unwrap().count(), 0);
        assert_eq!(world.ledger.remaining(), []);
    }

    #[tokio::test]
    async fn a_command_fails_as_scripts_do() {
        let world = World::new();
        let error = run(&world, &world.block(&[("command", Str("echo no >&2; exit 4"))])).await.unwrap_err();
        assert_eq!(error.to_string(), "Script exited with non-zero exit status: 4. Allowed exit codes are: [0]");
        assert_eq!(world.lines(), ["Running local shell script: SCRATCH/shell", "error: no"]);
    }

    #[tokio::test]
    async fn scripts_run_in_turn_whatever_their_names() {
        let world = World::new();
        for name in ["plain.sh", "it's; exit 9.sh", "last.sh"] {
            world.write_script(name, "#!/bin/sh\necho \"$0\"\n[ \"$0\" != ./last.sh ]\n");
        }
        let block = world.block(&[("scripts", List(vec!["plain.sh", "it's; exit 9.sh", "last.sh", "plain.sh"]))]);
        // The last is not reached: the one before fails.
        run(&world, &block).await.unwrap_err();
        assert_eq!(
            world.lines(),
            [
                "Running local shell script: plain.sh",
                "./plain.sh",
                "Running local shell script: it's; exit 9.sh",
                "./it's; exit 9.sh",
                "Running local shell script: last.sh",
                "./last.sh",
            ]
        );
    }

    #[tokio::test]
    async fn the_user_says_how_a_script_is_run() {
        let world = World::new();
        world.write("x.py", "not executable");
        let block = world.block(&[
            ("script", Str("x.py")),
            ("env", Map(vec![("A", "1")])),
            ("env_var_format", Str("%s=%s,")),
            ("execute_command", List(vec!["printf", "%s\\n", "{{ .Vars }}", "{{.Script}} {{ .Command }}"])),
        ]);
        run(&world, &block).await.unwrap();
        let variables = "A=1,PACKER_BUILDER_TYPE=null,PACKER_BUILD_NAME=web,";
        assert_eq!(world.lines(), ["Running local shell script: x.py", variables, "x.py x.py"]);

        let world = World::new();
        world.write("x.py", "echo read by a shell");
        let block =
            world.block(&[("script", Str("x.py")), ("execute_command", List(vec!["{{.Vars}} sh {{.Script}}; echo"]))]);
        run(&world, &block).await.unwrap();
        assert_eq!(world.lines(), ["Running local shell script: x.py", "read by a shell", ""]);
    }

    #[tokio::test]
    async fn other_systems_are_skipped() {
        let world = World::new();
        let command = ("command", Str("echo ran"));
        run(&world, &world.block(&[command.clone(), ("only_on", List(vec!["windows", "darwin"]))])).await.unwrap();
        assert_eq!(world.lines(), ["Skipping shell-local due to runtime OS"]);
        run(&world, &world.block(&[command, ("only_on", List(vec!["windows", "linux"]))])).await.unwrap();
        assert_eq!(world.lines().last().unwrap(), "ran");
    }

    /// The processes whose command line has this text.
    fn running(text: &str) -> usize {
        let processes = std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
        processes.filter(|line| String::from_utf8_lossy(line).replace('\0', " ").contains(text)).count()
    }

    #[tokio::test]
    async fn what_holds_the_output_of_a_script_ends_with_it_after_its_last_words() {
        let world = World::new();
        let script = "(sleep 0.2; echo last words) & sleep 7301 & setsid sleep 7301 >/dev/null 2>&1 & echo first";
        let started = Instant::now();
        run(&world, &world.block(&[("inline", List(vec![script]))])).await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        assert_eq!(world.lines()[1..], ["first", "last words"]);
        assert_eq!(running("sleep 7301"), 0);
        assert_eq!(world.ledger.remaining(), []);
    }

    #[tokio::test]
    async fn a_helper_without_output_outlives_its_script_and_has_a_claim() {
        let world = World::new();
        let script = "nohup sleep 7304 >/dev/null 2>&1 & setsid sleep 7304 >/dev/null 2>&1 &";
        run(&world, &world.block(&[("inline", List(vec![script]))])).await.unwrap();
        assert_eq!(running("sleep 7304"), 2);
        let [helper] = &world.ledger.remaining()[..] else { panic!("{:?}", world.ledger.remaining()) };
        crate::cleaners::CLEANERS.destroy(helper, &world.context.clients).await.unwrap();
        assert_eq!(running("sleep 7304"), 0);
    }

    #[tokio::test]
    async fn cancelling_ends_everything_and_leaves_no_claim() {
        let world = World::new();
        let block = world.block(&[("inline", List(vec!["sleep 7302 & env -i setsid sleep 7302 & echo ready; wait"]))]);
        let shell = block.make(new);
        let stop = async {
            while world.lines().last().is_none_or(|line| line != "ready") || running("sleep 7302") < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            world.context.cancel.cancel();
        };
        let (ended, ()) = tokio::join!(shell.run(&world.context, BTreeMap::new()), stop);
        assert_eq!(ended.unwrap_err().to_string(), "cancelled");
        assert_eq!(running("sleep 7302"), 0);
        assert_eq!(world.ledger.remaining(), []);
    }

    #[tokio::test]
    async fn a_dropped_run_takes_its_processes_along_and_leaves_its_claim_to_the_cleanup() {
        let world = World::new();
        let block = world.block(&[("inline", List(vec!["sleep 7303 & env -i setsid sleep 7303 & echo ready; wait"]))]);
        let shell = block.make(new);
        tokio::select! {
            ended = shell.run(&world.context, BTreeMap::new()) => panic!("{ended:?}"),
            () = async {
                while running("sleep 7303") < 2 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            } => {}
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        while running("sleep 7303") > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(running("sleep 7303"), 0);
        assert_eq!(world.ledger.remaining().len(), 1);
        assert_eq!(std::fs::read_dir(world.ledger.scratch()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let world = World::new();
        let block = world.block(&[("command", Str("true")), ("execute_command", List(vec!["/no/such", "x"]))]);
        let error = run(&world, &block).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "start `/no/such`: No such file or directory (os error 2)");
        assert_eq!(world.ledger.remaining(), []);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn builds_side_by_side_never_find_their_scripts_busy() {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let world = World::new();
                let shell = world.block(&[("command", Str("exit 0"))]).make(new);
                tokio::spawn(async move {
                    // The whole of it, or its folders would be gone by now.
                    let world = world;
                    for _ in 0..10 {
                        shell.run(&world.context, BTreeMap::new()).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }

    #[test]
    fn mistakes_are_shown_at_their_places() {
        let world = World::new();
        world.write("plain.sh", "");
        let block = world.block(&[
            ("command", Str("true")),
            ("script", Str("plain.sh")),
            ("only_on", List(vec!["linux", "macos"])),
            ("tempfile_extension", Str("a/b")),
            ("use_linux_pathing", Bool(true)),
        ]);
        assert_eq!(
            block.mistakes(new),
            [
                "conflicting-arguments at \"true\": `command` and `script` exclude each other (keep one of the two)",
                "not-executable at \"plain.sh\": the script `plain.sh` is not executable (run `chmod +x plain.sh`, or \
                 set `execute_command`)",
                "invalid-value at \"macos\": `macos` is not an operating system (use one of `darwin`, `freebsd`, \
                 `linux`, `openbsd`, `solaris`, `windows`)",
                "invalid-value at \"a/b\": `tempfile_extension` must not contain `/` (write what the file's name ends \
                 with, such as `.py`)",
            ]
        );
        assert_eq!(
            world.block(&[("execute_command", List(vec![]))]).mistakes(new),
            [
                "missing-argument at block: one of `inline`, `script`, `scripts`, `command` is required (there is \
                 nothing to run)",
                "invalid-value at []: `execute_command` is empty (name the program to run, or remove it)",
            ]
        );
    }

    #[tokio::test]
    async fn what_is_still_unknown_when_it_runs_is_an_error() {
        let world = World::new();
        let error = run(&world, &world.block(&[("command", Unknown)])).await.unwrap_err();
        assert_eq!(error.to_string(), "what to run is not known");
        let block = world.block(&[("command", Str("true")), ("execute_command", Unknown)]);
        let error = run(&world, &block).await.unwrap_err();
        assert_eq!(error.to_string(), "the value of `execute_command` is not known");
    }
}
