//! What waits for somebody on a terminal: `-debug` and `-on-error=ask`.

use crate::forge::{Ended, Forge, redact};
use std::path::Path;

const TERMINAL: &str = include_str!("../terminal.py");

/// Builds on a terminal as `packer` does. Standard input is empty and standard output a file: questions are for the
/// terminal.
fn on_a_terminal(forge: &Forge, flags: &[&str], answers: &[(&str, &str)]) -> (Ended, String) {
    let answers = serde_json::to_string(answers).unwrap();
    let program = forge.packer_program();
    let build = "exec \"$0\" build \"$@\" < /dev/null > told";
    let python = ["-c", TERMINAL, &answers, "/bin/sh", "-c", build, program.to_str().unwrap()];
    let arguments = [&python, flags, &["image.json"]].concat();
    let ended = forge.ended(forge.command_as(Path::new("python3"), &arguments).output().unwrap());
    let told = forge.read("told").replace(forge.state().to_str().unwrap(), "@STATE@");
    (ended, redact(&told))
}

/// The first provisioner fails the first time it runs.
const FAILS_ONCE: &str = r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [
    {"type": "shell-local", "inline": ["echo try >> tries; test $(wc -l < tries) -gt 1"]},
    {"type": "shell-local", "inline": ["echo second"]}
  ],
  "error-cleanup-provisioner": {"type": "shell-local", "inline": ["echo cleaning"]}
}
"#;

const QUESTION: &str = "[c] Clean up and exit, [a] abort without cleanup, or [r] retry step? ";

#[test]
fn debug_waits_at_each_step() {
    let forge = Forge::new().file("image.json", &FAILS_ONCE.replace("-gt 1", "-gt 0"));
    let answers = ["next provisioner . Press enter to continue. ", "next provisioner . Press enter to continue. "];
    let answers = answers.into_iter().chain(["step 'StepProvision'. Press enter to continue. "]);
    let answers: Vec<(&str, &str)> = answers.map(|question| (question, "\n")).collect();
    let (ended, told) = on_a_terminal(&forge, &["-debug"], &answers);
    assert_eq!(
        ended.code(0).stdout,
        "\
==> null: Pausing before the next provisioner . Press enter to continue. 
==> null: Pausing before the next provisioner . Press enter to continue. 
==> null: Pausing after run of step 'StepProvision'. Press enter to continue. 
"
    );
    let lines: Vec<&str> = told.lines().take(4).collect();
    assert_eq!(
        lines,
        [
            "Debug mode enabled. Builds will not be parallelized.",
            "==> null: Running local shell script: @SCRIPT@",
            "==> null: Running local shell script: @SCRIPT@",
            "==> null: second",
        ]
    );
}

#[test]
fn without_a_terminal_nothing_waits() {
    let forge = Forge::new().file("image.json", FAILS_ONCE);
    let ended = forge.packer_without_terminal(&["build", "-debug", "-on-error=ask", "image.json"]);
    ended.expect(
        1,
        "\
Debug mode enabled. Builds will not be parallelized.
==> null: Running local shell script: @SCRIPT@
==> null: Script exited with non-zero exit status: 1. Allowed exit codes are: [0]
==> null: Step \"StepProvision\" failed
==> null: Provisioning step had errors: Running the cleanup provisioner, if present...
==> null: Running local shell script: @SCRIPT@
==> null: cleaning
Build 'null' errored after @TIME@: Script exited with non-zero exit status: 1. Allowed exit codes are: [0]

==> Wait completed after @TIME@

==> Some builds didn't complete successfully and had errors:
--> null: Script exited with non-zero exit status: 1. Allowed exit codes are: [0]

==> Builds finished but no artifacts were created.",
    );
}

#[test]
fn a_step_that_failed_is_tried_again_when_somebody_says_so() {
    let forge = Forge::new().file("image.json", FAILS_ONCE);
    let (ended, told) = on_a_terminal(&forge, &["-on-error=ask"], &[(QUESTION, "x\n"), (QUESTION, "r\n")]);
    assert_eq!(ended.code(0).stdout, format!("==> null: {QUESTION}x\n==> null: {QUESTION}r\n"));
    assert_eq!(
        told,
        "\
==> null: Running local shell script: @SCRIPT@
==> null: Script exited with non-zero exit status: 1. Allowed exit codes are: [0]
==> null: Step \"StepProvision\" failed
==> null: Incorrect input: \"x\"
==> null: Running local shell script: @SCRIPT@
==> null: Running local shell script: @SCRIPT@
==> null: second
Build 'null' finished after @TIME@.

==> Wait completed after @TIME@

==> Builds finished. The artifacts of successful builds are:
--> null: Did not export anything. This is the null builder"
    );
    assert_eq!(forge.read("tries"), "try\ntry\n");
}

/// What stands between the error of a build that failed once and its summary, for a flag and an answer.
fn after_a_failure(flag: &str, answer: Option<&str>) -> String {
    let forge = Forge::new().file("image.json", FAILS_ONCE);
    let answers: Vec<(&str, &str)> = answer.map(|answer| (QUESTION, answer)).into_iter().collect();
    let (ended, told) = on_a_terminal(&forge, &[&format!("-on-error={flag}")], &answers);
    ended.code(1);
    let told = told.strip_prefix("==> null: Running local shell script: @SCRIPT@\n").unwrap();
    told[..told.find("Build 'null' errored").unwrap()].to_owned()
}

#[test]
fn what_a_failed_build_made_is_removed_or_stays() {
    const ERROR: &str = "==> null: Script exited with non-zero exit status: 1. Allowed exit codes are: [0]\n";
    const FAILED: &str = "==> null: Step \"StepProvision\" failed\n";
    const ABORTING: &str = "==> null: Step \"StepProvision\" failed, aborting...\n";
    const CLEANING: &str = "\
==> null: Provisioning step had errors: Running the cleanup provisioner, if present...
==> null: Running local shell script: @SCRIPT@
==> null: cleaning
";
    assert_eq!(after_a_failure("cleanup", None), CLEANING);
    assert_eq!(after_a_failure("abort", None), format!("{ERROR}{ABORTING}"));
    assert_eq!(after_a_failure("run-cleanup-provisioner", None), format!("{CLEANING}{ERROR}{ABORTING}"));
    assert_eq!(after_a_failure("ask", Some("c\n")), format!("{ERROR}{FAILED}{CLEANING}"));
    assert_eq!(after_a_failure("ask", Some("a\n")), format!("{ERROR}{FAILED}{ERROR}{ABORTING}"));
}

#[test]
fn a_breakpoint_waits_and_needs_somebody() {
    let forge = Forge::new().file(
        "image.json",
        r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "breakpoint", "note": "look"}, {"type": "sleep", "duration": "1ms"}]
}
"#,
    );
    let question = "Press enter to continue. ";
    let (ended, told) = on_a_terminal(&forge, &[], &[(question, "\n")]);
    assert_eq!(ended.code(0).stdout, format!("==> null: {question}\n"));
    assert!(told.starts_with("==> null: Pausing at breakpoint provisioner with note \"look\".\nBuild 'null' finished"));
    let ended = forge.packer_without_terminal(&["build", "image.json"]);
    let error = "Build 'null' errored after @TIME@: there is nobody to ask: a breakpoint needs a terminal; `disable = true` \
                 lets a build go on without one\n";
    assert!(redact(&ended.code(1).stdout).contains(error), "{ended:?}");
}

#[test]
fn ctrl_c_is_an_answer_too() {
    let forge = Forge::new().file("image.json", FAILS_ONCE);
    let (ended, told) = on_a_terminal(&forge, &["-on-error=ask"], &[(QUESTION, "\u{3}")]);
    ended.code(1);
    let end = told.lines().skip_while(|line| !line.starts_with("Cancelling")).collect::<Vec<_>>().join("\n");
    assert_eq!(
        end,
        "\
Cancelling build after receiving interrupt
Build 'null' errored after @TIME@: cancelled

==> Wait completed after @TIME@
Cleanly cancelled builds after being interrupted."
    );
}
