//! Nothing left behind, whatever ends the run.

use crate::build::running_in;
use crate::forge::Forge;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const SLOW: &str = r#"source "file" "x" {
  target  = "x.txt"
  content = "x"
}
build {
  sources = ["file.x"]
  post-processor "shell-local" {
    inline = ["sleep 78 & env -i setsid sleep 78 & echo ready > ready", "sleep 78"]
  }
}
"#;

/// Starts the build and waits until its script runs.
fn started(forge: &Forge) -> Child {
    let mut command = forge.command(&["build", "image.pkr.hcl"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(|| forge.exists("ready"));
    child
}

pub(crate) fn wait_until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "waited 20 s in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn files_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

pub(crate) fn signal(child: &Child, name: &str) {
    let status = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn sigterm_cancels_the_build_and_leaves_nothing() {
    let forge = Forge::new().file("image.pkr.hcl", SLOW);
    let child = started(&forge);
    signal(&child, "-TERM");
    let ended = forge.ended(child.wait_with_output().unwrap());
    ended.code(130);
    assert!(ended.stdout.contains("Cancelling build after receiving terminated"), "{}", ended.stdout);
    assert!(ended.stdout.contains("Cleanly cancelled builds after being interrupted."), "{}", ended.stdout);
    assert_eq!(running_in(forge.path()), Vec::<String>::new());
    assert!(!forge.exists("x.txt"));
    assert_eq!(files_in(&forge.state().join("state/runs")), Vec::<String>::new());
}

#[test]
fn after_sigkill_one_cleanup_removes_what_that_run_left_and_nothing_else() {
    let forge = Forge::new().file("image.pkr.hcl", SLOW);
    let mut killed = started(&forge);
    // A second run in a folder of its own, with the same state folder, goes on all the while.
    let state = forge.state().join("state");
    let other = Forge::new().file("image.pkr.hcl", SLOW).env("IMGFORGE_STATE_DIR", state.to_str().unwrap());
    let mut living = started(&other);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(forge.exists("x.txt"));
    assert!(!running_in(forge.path()).is_empty());

    let elsewhere = Forge::new().env("IMGFORGE_STATE_DIR", state.to_str().unwrap());
    elsewhere.run(&["cleanup"]).code(0);
    assert!(!forge.exists("x.txt"));
    assert_eq!(running_in(forge.path()), Vec::<String>::new());
    assert!(other.exists("x.txt"));
    assert!(!running_in(other.path()).is_empty());
    assert_eq!(files_in(&state.join("runs")).len(), 1);
    elsewhere.run(&["cleanup"]).expect(0, "nothing to clean up");

    signal(&living, "-TERM");
    living.wait().unwrap();
    assert_eq!(files_in(&state.join("runs")), Vec::<String>::new());
}

#[test]
fn one_run_is_cleaned_up_alone_and_a_second_time_there_is_nothing_to_do() {
    let (one, other) = (Forge::new().file("image.pkr.hcl", SLOW), Forge::new().file("image.pkr.hcl", SLOW));
    let state = one.state().join("state");
    let other = other.env("IMGFORGE_STATE_DIR", state.to_str().unwrap());
    let mut first = started(&one);
    let run = files_in(&state.join("runs")).remove(0);
    let mut second = started(&other);
    let living = one.run(&["cleanup", "--run", &run]);
    assert!(living.code(1).stdout.contains(&format!("the run {run} is not over")), "{}", living.stdout);
    for child in [&mut first, &mut second] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    one.run(&["cleanup", "--run", &run]).code(0);
    assert!(!one.exists("x.txt"));
    assert!(other.exists("x.txt"));
    one.run(&["cleanup", "--run", &run]).expect(
        0,
        &format!(
            "nothing to clean up: there is no journal of {run} here, and neither a template nor a flag tells where else \
             to look"
        ),
    );
    one.run(&["cleanup"]).code(0);
    assert!(!other.exists("x.txt"));
}

#[test]
fn a_cleanup_that_carries_the_claim_itself_does_not_end_itself() {
    let forge = Forge::new().file("image.pkr.hcl", SLOW);
    let mut killed = started(&forge);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let runs = forge.state().join("state/runs");
    let journal = std::fs::read_to_string(runs.join(files_in(&runs).remove(0)).join("journal.jsonl")).unwrap();
    let command = journal.lines().find(|line| line.contains(r#""cleaner":"process""#)).unwrap();
    let command: serde_json::Value = serde_json::from_str(command).unwrap();
    let forge = forge.env("IMGFORGE_CLAIM", command["claimed"]["name"].as_str().unwrap());
    forge.run(&["cleanup"]).code(0);
    assert_eq!(running_in(forge.path()), Vec::<String>::new());
}

/// Builds of many files under a limit of the size of each file, which is to the journal what a full disk is.
#[test]
fn a_disk_that_is_full_tears_no_line_of_the_journal() {
    let sources = |text: &str| (0..12).map(|number| text.replace('#', &number.to_string())).collect::<String>();
    let template = format!(
        "{}build {{\n  sources = [{}]\n}}\n",
        sources("source \"file\" \"x#\" {\n  target  = \"x#.txt\"\n  content = \"x\"\n}\n"),
        sources("\"file.x#\", ")
    );
    let forge = Forge::new().file("image.pkr.hcl", &template);
    // The signal that the limit sends otherwise would end the program.
    let script = format!("trap '' XFSZ; ulimit -f 1; exec {} build image.pkr.hcl", env!("CARGO_BIN_EXE_imgforge"));
    let ended = forge.program("sh", &["-c", &script]);
    assert!(ended.code(5).stdout.contains("note the file in the journal: File too large"), "{}", ended.stdout);
    let runs = forge.state().join("state/runs");
    let run = files_in(&runs).remove(0);
    let journal = std::fs::read_to_string(runs.join(run).join("journal.jsonl")).unwrap();
    assert!(journal.ends_with("}\n"), "{journal}");
    forge.run(&["cleanup"]).code(0);
    assert_eq!(files_in(&runs), Vec::<String>::new());
}

#[test]
fn a_cleanup_says_what_its_command_line_lacks() {
    let forge = Forge::new().file("image.pkr.hcl", SLOW);
    let refused = |arguments: &[&str]| {
        let ended = forge.run(&[&["cleanup"], arguments].concat());
        let ended = ended.code(2);
        format!("{}{}", ended.stdout, ended.stderr).lines().next().unwrap_or_default().to_owned()
    };
    let nowhere = "error: say where to look: `--gce-project`, or a template with a builder for a cloud";
    assert_eq!(refused(&["--expired"]), nowhere);
    assert_eq!(refused(&["--packer-leftovers", "image.pkr.hcl"]), nowhere);
    assert_eq!(
        refused(&["--run", "../.."]),
        "error: invalid value '../..' for '--run <ID>': a run has 16 digits of 0-9 and a-f"
    );
    assert_eq!(
        refused(&["--packer-leftovers", "--older-than", "1d"]),
        "error: invalid value '1d' for '--older-than <DURATION>': `d` is not a unit; there are `ns`, `us`, `ms`, `s`, `m` \
         and `h`"
    );
}

#[test]
fn a_state_folder_that_can_not_be_is_named_with_the_variable_that_moves_it() {
    let forge = Forge::new().file("image.pkr.hcl", SLOW).file("state", "").env("IMGFORGE_STATE_DIR", "state");
    let ended = forge.run(&["build", "image.pkr.hcl"]);
    ended.expect(
        1,
        "error: write to the state folder @FOLDER@/state, which IMGFORGE_STATE_DIR can move: Not a directory (os error 20)",
    );
}
