//! The classic pipeline, called by the name `packer`, with a real QEMU; and what happens to its machine when a step
//! fails.

use crate::cleanup::machines;
use crate::qemu::guest;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const TEMPLATE: &str = r#"{
  "variables": {"base": null},
  "builders": [{
    "type": "qemu",
    "name": "tiny",
    "iso_url": "{{user `base`}}",
    "iso_checksum": "none",
    "disk_image": true,
    "skip_resize_disk": true,
    "accelerator": "tcg",
    "qemu_binary": "./qemu",
    "memory": 256,
    "qemuargs": [["-cpu", "max"]],
    "ssh_username": "root",
    "ssh_password": "imgforge",
    "shutdown_command": "poweroff",
    "output_directory": "output",
    "vm_name": "tiny.qcow2"
  }],
  "provisioners": [{"type": "shell", "inline": ["echo inside"]}],
  "error-cleanup-provisioner": {"type": "shell", "inline": ["echo cleaning"]}
}
"#;

const QUESTION: &str = "or [r] retry step? ";

/// A folder with the template, a `packer` and a `qemu`.
struct Pipeline {
    folder: TempDir,
}

impl Pipeline {
    fn new() -> Self {
        let pipeline = Self { folder: tempfile::tempdir().unwrap() };
        pipeline.file("template.json", TEMPLATE);
        pipeline.file("qemu", "#!/bin/sh\nexec qemu-system-x86_64 \"$@\"\n");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_imgforge"), pipeline.path().join("packer")).unwrap();
        pipeline
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Replaces the provisioner's command by a failing one.
    fn with_command(self, command: &str) -> Self {
        self.file("template.json", &TEMPLATE.replace("echo inside", command));
        self
    }

    fn command(&self, program: &str) -> Command {
        let path = format!("{}:{}", self.path().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        command.current_dir(self.path()).env("PATH", path).env("IMGFORGE_STATE_DIR", self.path().join("state"));
        command
    }

    /// What a pipeline of CI runs.
    fn shell(&self, line: &str) -> Output {
        let base = guest().join("disk.qcow2");
        self.command("setsid").args(["--wait", "sh", "-c", line]).env("BASE", base).output().unwrap()
    }

    /// Builds on a terminal, typing the answers; what is on the screen then.
    fn on_a_terminal(&self, flag: &str, answers: &[(&str, &str)]) -> (Option<i32>, String) {
        let answers = serde_json::to_string(answers).unwrap();
        let variable = format!("-var=base={}", guest().join("disk.qcow2").display());
        let packer = self.path().join("packer");
        let mut python = self.command("python3");
        python.args(["-c", include_str!("../terminal.py"), &answers]).arg(packer);
        let output = python.args(["build", "-color=false", flag, &variable, "template.json"]).output().unwrap();
        (output.status.code(), shown(&output))
    }
}

/// A machine that is left on purpose must not outlive its test.
impl Drop for Pipeline {
    fn drop(&mut self) {
        self.command("packer").arg("cleanup").output().unwrap();
    }
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_classic_pipeline_runs_unchanged() {
    let pipeline = Pipeline::new();
    let output = pipeline.shell(
        "packer validate -var base=$BASE template.json && packer build -color=false -var base=$BASE template.json",
    );
    let text = shown(&output);
    assert!(output.status.success(), "{text}");
    let (validated, built) = text.split_once("The configuration is valid.\n").unwrap();
    // An image without a checksum is worth a word.
    assert!(!validated.contains("error"), "{text}");
    assert!(built.contains("==> qemu.tiny: inside\n"), "{text}");
    assert!(text.ends_with("--> qemu.tiny: VM files in directory: output\n"), "{text}");
    assert!(pipeline.path().join("output/tiny.qcow2").is_file());
    assert_eq!(machines(pipeline.path()), 0);
}

#[test]
fn debug_waits_after_each_step_of_a_machine() {
    let pipeline = Pipeline::new();
    let steps = [
        "after run of step 'find the image'",
        "after run of step 'make the disks'",
        "after run of step 'start the machine'",
        "before the next provisioner ",
        "after run of step 'StepProvision'",
        "after run of step 'stop the machine'",
        "after run of step 'convert the disk'",
        "before cleanup",
    ];
    let questions: Vec<String> =
        steps.iter().map(|step| format!("Pausing {step}. Press enter to continue. ")).collect();
    let answers: Vec<(&str, &str)> = questions.iter().map(|question| (question.as_str(), "\n")).collect();
    let (code, screen) = pipeline.on_a_terminal("-debug", &answers);
    assert_eq!(code, Some(0), "{screen}");
    let asked = screen.lines().filter_map(|line| line.strip_prefix("==> qemu.tiny: Pausing "));
    assert_eq!(asked.collect::<Vec<_>>(), steps.map(|step| format!("{step}. Press enter to continue. ")), "{screen}");
}

#[test]
fn a_step_that_failed_is_tried_again() {
    // The machine does not start the first time, and its provisioner fails the first time.
    let pipeline = Pipeline::new().with_command("mkdir /tmp/tried || exit 0; exit 3");
    pipeline.file(
        "qemu",
        "#!/bin/sh\ncase \"$*\" in *-qmp*) mkdir tried 2>/dev/null && exit 1;; esac\nexec qemu-system-x86_64 \"$@\"\n",
    );
    let (code, screen) = pipeline.on_a_terminal("-on-error=ask", &[(QUESTION, "r\n"), (QUESTION, "r\n")]);
    assert_eq!(code, Some(0), "{screen}");
    for failed in ["Step \"StepLaunch\" failed\n", "Step \"StepProvision\" failed\n"] {
        assert_eq!(screen.matches(failed).count(), 1, "{screen}");
    }
    assert!(pipeline.path().join("output/tiny.qcow2").is_file());
    assert_eq!(machines(pipeline.path()), 0);
}

#[test]
fn an_aborted_machine_runs_until_it_is_cleaned_up() {
    for (flag, cleans) in [("abort", false), ("run-cleanup-provisioner", true)] {
        let pipeline = Pipeline::new().with_command("exit 3");
        let output = pipeline.shell(&format!("packer build -on-error={flag} -var base=$BASE template.json"));
        let text = shown(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("==> qemu.tiny: Step \"StepProvision\" failed, aborting...\n"), "{text}");
        assert_eq!(text.contains("==> qemu.tiny: cleaning\n"), cleans, "{text}");
        assert_eq!(machines(pipeline.path()), 1, "{text}");
        assert!(pipeline.path().join("output/tiny.qcow2").is_file(), "{text}");
        let output = pipeline.shell("packer cleanup");
        assert!(output.status.success(), "{}", shown(&output));
        assert_eq!(machines(pipeline.path()), 0);
        assert!(!pipeline.path().join("output").exists());
    }
}
