use super::*;
use crate::cleaners::CLEANERS;
use crate::communicators::OutputSink;
use crate::communicators::local::Local;
use crate::scripts::testing::{Block, Bool, List, Map, Numbers, Str, Unknown, World};
use std::collections::BTreeMap;
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
                List(vec!["printf '<%s>' \"$A\" \"$B\" \"$C\" \"$PACKER_BUILD_NAME\" \"$PACKER_BUILDER_TYPE\" > out"]),
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
        world.block(&[("inline", List(vec![code])), ("valid_exit_codes", Numbers(valid)), ("remote_folder", Str("."))])
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
        world.block(&[("scripts", scripts), ("remote_path", Str("./my script'.sh")), ("skip_clean", Bool(true))]);
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
    host: &'static str,
}

impl Flaky {
    fn new(failures: u32, status: ExitStatus) -> Self {
        Self { failures, status, tried: Mutex::default(), no_machine: false, host: "10.0.2.15" }
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
        BTreeMap::from([value("Host", self.host), value("PackerHTTPAddr", "10.0.2.2:8000")])
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
    assert_eq!(format!("{error:#}"), "the script could not be started within 1 second: connection reset");
    assert_eq!(machine.count(), 5);

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
        CLEANERS.destroy(&resource, &world.context.clients).await.unwrap();
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
        while world.lines().last().is_none_or(|line| line != "Pausing 1 minute 30 seconds after this provisioner...") {
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
        ("environment_vars", List(vec!["OK=1", "secret", "=x", "$(id)=y", "PY-PIP=9"])),
        ("env", Map(vec![("1A", "v")])),
        ("valid_exit_codes", List(vec!["zero"])),
        ("remote_folder", Str("/x")),
        ("remote_path", Str("/y/z.sh")),
    ]);
    let mistakes: Vec<String> = block.mistakes(Shell::new).iter().map(|m| world.without_folders(m)).collect();
    let environment = "an environment variable must have the form `NAME=value` (write the variable's name, `=`, and \
                           its value, which may be empty)";
    let name = "use letters, digits and `_`, and no digit at the start";
    assert_eq!(
        mistakes,
        [
            "missing-file at \"gone.sh\": the script `gone.sh` is not there (the path is relative to the working \
                 directory, `WORK`)"
                .to_owned(),
            "conflicting-arguments at [\"here.sh\", \"folder\", \"/nowhere/x.sh\"]: `scripts` and `script` exclude \
                 each other (keep one of the two)"
                .to_owned(),
            "not-a-file at \"folder\": the script `folder` is a folder (name a file in it)".to_owned(),
            "missing-file at \"/nowhere/x.sh\": the script `/nowhere/x.sh` is not there (check the path)".to_owned(),
            format!("invalid-value at secret: {environment}"),
            format!("invalid-value at =x: {environment}"),
            format!("invalid-value at $(id)=y: `$(id)` is not a name that an environment variable can have ({name})"),
            format!("odd-variable-name at PY-PIP=9: `PY-PIP` is a name that `env` can set, but no shell ({name})"),
            format!("odd-variable-name at v: `1A` is a name that `env` can set, but no shell ({name})"),
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

#[test]
fn names_that_no_template_has_here_are_shown_before_anything_runs() {
    let world = World::new();
    let block = world.block(&[
        ("inline", List(vec!["echo {{ .Path }} {{ .Host }}"])),
        ("environment_vars", List(vec!["A={{ .Nothing }}", "B={{ .Host }}"])),
        ("execute_command", Str("{{ .Vars }} {{ .Pth }} {{ .EnvVarFile }}")),
    ]);
    let mistakes = block.mistakes(Shell::new);
    let places: Vec<&str> = mistakes.iter().map(|mistake| mistake.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["unknown-field at .Path", "unknown-field at .Nothing", "unknown-field at .Pth"]);
}

#[tokio::test]
async fn a_name_that_only_shows_when_it_runs_is_no_way_into_the_shell() {
    let world = World::new();
    let block = world.block(&[("inline", List(vec!["true"])), ("environment_vars", List(vec!["{{ .Host }}=1"]))]);
    let machine = Flaky { host: ";id", ..Flaky::new(0, ExitStatus::Code(0)) };
    let error = block.make(Shell::new).provision(&world.context, &machine).await.unwrap_err();
    assert_eq!(error.to_string(), "`;id` is not a name that an environment variable can have");
}
