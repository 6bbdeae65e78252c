//! The lines of a build: their words, order, colours and times, as scripts and people know them.

use crate::forge::{Forge, redact};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// One build that ends well, and one that does not.
const TWO_BUILDS: &str = r#"{
  "builders": [
    {"type": "file", "name": "a", "target": "a.txt", "content": ""},
    {"type": "null", "name": "b", "communicator": "none"}
  ],
  "provisioners": [{"type": "shell-local", "only": ["b"], "inline": ["echo out", "sleep 0.3", "echo err >&2", "exit 3"]}]
}
"#;

#[test]
fn each_build_has_its_colour_and_errors_are_red() {
    let forge = Forge::new().file("image.json", TWO_BUILDS);
    let ended = forge.packer(&["build", "-color=true", "-parallel-builds=1", "image.json"]);
    assert_eq!(
        redact(&ended.code(1).stdout.replace('\u{1b}', "^")),
        "\
^[1;32mfile.a: output will be in this color.^[0m
^[1;36mnull.b: output will be in this color.^[0m

^[1;32mBuild 'file.a' finished after @TIME@.^[0m
^[1;36m==> null.b: Running local shell script: @SCRIPT@
^[1;36m==> null.b: out^[0m
^[1;31m==> null.b: err^[0m
^[1;36m==> null.b: Provisioning step had errors: Running the cleanup provisioner, if present...^[0m
^[1;31mBuild 'null.b' errored after @TIME@: Script exited with non-zero exit status: 3. Allowed exit codes are: [0]^[0m

==> Wait completed after @TIME@

==> Some builds didn't complete successfully and had errors:
--> null.b: Script exited with non-zero exit status: 3. Allowed exit codes are: [0]

==> Builds finished. The artifacts of successful builds are:
--> file.a: Stored file: a.txt"
    );
}

#[test]
fn there_are_no_colours_where_nobody_wants_them() {
    let plain = |forge: Forge, flags: &[&str]| {
        let forge = forge.file("image.json", TWO_BUILDS);
        let ended = forge.packer(&[&["build"], flags, &["image.json"]].concat());
        !ended.code(1).stdout.contains('\u{1b}')
    };
    assert!(!plain(Forge::new(), &["-color"]));
    assert!(plain(Forge::new(), &["-color=false"]));
    assert!(plain(Forge::new(), &[]));
    assert!(plain(Forge::new().env("PACKER_NO_COLOR", "1"), &["-color=true"]));
    assert!(plain(Forge::new().env("IMGFORGE_NO_COLOR", "1"), &["-color=true"]));
    assert!(!plain(Forge::new().env("PACKER_NO_COLOR", ""), &["-color=true"]));
    // A flag is nearer than what is asked of all programs.
    assert!(!plain(Forge::new().env("NO_COLOR", "1"), &["-color=true"]));
}

#[test]
fn the_time_stands_before_the_lines_of_builds_alone() {
    let timed = |zone: &str| {
        let forge = Forge::new().file("image.json", TWO_BUILDS).env("TZ", zone);
        let ended = forge.packer(&["build", "-timestamp-ui", "-parallel-builds=1", "image.json"]);
        let lines = ended.code(1).stdout.lines().map(|line| {
            let digits = line.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter });
            match line.find("==> ").or_else(|| line.find("Build '")) {
                Some(end) => {
                    digits.take(line[..end].chars().count()).collect::<String>()
                        + line[end..].split(' ').next().unwrap()
                }
                None => line.split(' ').next().unwrap().to_owned(),
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let expected = |zone: &str| {
        let time = format!("0000-00-00T00:00:00{zone}: ");
        format!("{time}Build\n{time}==>\n{time}==>\n{time}==>\n{time}==>\n{time}Build\n\n==>\n\n==>\n-->\n\n==>\n-->")
    };
    assert_eq!(timed("UTC"), expected("Z"));
    assert_eq!(timed("XYZ-3:30"), expected("+00:00"));
}

#[test]
fn a_post_processor_is_named_as_packer_names_it() {
    let forge = Forge::new()
        .file(
            "image.json",
            r#"{
  "builders": [{"type": "null", "name": "x", "communicator": "none"}],
  "post-processors": ["manifest", {"type": "manifest", "name": "list"}]
}
"#,
        )
        .file(
            "image.pkr.hcl",
            r#"
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  post-processor "manifest" {}
  post-processor "manifest" {
    name = "list"
  }
}
"#,
        );
    for (template, unnamed) in [("image.json", "manifest"), ("image.pkr.hcl", " (type manifest)")] {
        let ended = forge.packer(&["build", template]);
        let said: Vec<&str> = ended.code(0).stdout.lines().take(2).collect();
        let expected = format!("==> null.x: Running post-processor: {unnamed}");
        assert_eq!(said, [&expected, "==> null.x: Running post-processor: list (type manifest)"]);
    }
}

#[test]
fn what_a_script_prints_is_shown_line_by_line() {
    let forge = Forge::new().file(
        "image.json",
        r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["printf '  a  \\n\\n1 %%\\r50 %%\\r100 %%\\nlast'"]}]
}
"#,
    );
    let ended = forge.packer(&["build", "image.json"]);
    let said: Vec<&str> = ended.code(0).stdout.lines().skip(1).take(4).collect();
    assert_eq!(said, ["==> null:   a", "==> null:", "==> null: 100 %", "==> null: last"]);
}

#[test]
fn pauses_timeouts_and_what_fails_are_told() {
    let forge = Forge::new().file(
        "image.json",
        r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [
    {"type": "shell-local", "inline": ["true"], "pause_before": "0.05s"},
    {"type": "shell-local", "inline": ["exit 3"], "timeout": "90s"}
  ],
  "error-cleanup-provisioner": {"type": "shell-local", "inline": ["exit 4"]}
}
"#,
    );
    forge.packer(&["build", "image.json"]).expect(
        1,
        "\
==> null: Pausing 50ms before the next provisioner...
==> null: Running local shell script: @SCRIPT@
==> null: Setting a 1m30s timeout for the next provisioner...
==> null: Running local shell script: @SCRIPT@
==> null: Provisioning step had errors: Running the cleanup provisioner, if present...
==> null: Running local shell script: @SCRIPT@
Build 'null' errored after @TIME@: Cleanup failed: Script exited with non-zero exit status: 4. Allowed exit codes are: [0]. Original Provisioning error: Script exited with non-zero exit status: 3. Allowed exit codes are: [0]

==> Wait completed after @TIME@

==> Some builds didn't complete successfully and had errors:
--> null: Cleanup failed: Script exited with non-zero exit status: 4. Allowed exit codes are: [0]. Original Provisioning error: Script exited with non-zero exit status: 3. Allowed exit codes are: [0]

==> Builds finished but no artifacts were created.",
    );
}

#[test]
fn a_signal_cancels_all_builds_and_nothing_runs_on() {
    for (signal, word) in [("-INT", "interrupt"), ("-TERM", "terminated")] {
        let forge = Forge::new().file(
            "image.json",
            r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["touch runs; sleep 77 & sleep 77"]}],
  "error-cleanup-provisioner": {"type": "shell-local", "inline": ["touch cleaned"]}
}
"#,
        );
        let mut command = forge.command_as(&forge.packer_program(), &["build", "-on-error=abort", "image.json"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !forge.exists("runs") {
            assert!(Instant::now() < deadline, "the build did not begin");
            std::thread::sleep(Duration::from_millis(20));
        }
        // Further signals change nothing: it cleans up and ends.
        for _ in 0..2 {
            let id = child.id().to_string();
            std::process::Command::new("kill").args([signal, &id]).status().unwrap();
        }
        let ended = forge.ended(child.wait_with_output().unwrap());
        let lines = redact(&ended.code(1).stdout);
        let mut lines: Vec<&str> = lines.lines().collect();
        // What the second one says depends on how far the first has come.
        lines.retain(|line| !line.starts_with("Cleaning up, ") && !line.starts_with("    "));
        assert_eq!(
            lines,
            [
                "==> null: Running local shell script: @SCRIPT@",
                &format!("Cancelling build after receiving {word}"),
                "Build 'null' errored after @TIME@: cancelled",
                "",
                "==> Wait completed after @TIME@",
                "Cleanly cancelled builds after being interrupted.",
            ]
        );
        assert!(!forge.exists("cleaned"));
        assert_eq!(crate::build::running_in(forge.path()), [""; 0]);
    }
}
