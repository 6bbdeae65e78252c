//! The log: off unless asked for, on standard error or in a file, and without secrets.

use crate::forge::Forge;

const TEMPLATE: &str = r#"variable "password" {
  default   = "s3cret-word"
  sensitive = true
}
source "null" "a" {
  communicator = "none"
}
build {
  sources = ["source.null.a"]
  provisioner "shell-local" {
    inline = ["echo the word is ${var.password}"]
  }
}
"#;

fn template() -> Forge {
    Forge::new().file("image.pkr.hcl", TEMPLATE)
}

/// The messages of a log, without what stands before and after them.
fn messages(log: &str) -> Vec<&str> {
    let told = log.lines().filter_map(|line| line.split_once(": ").map(|(_, told)| told));
    let mut told: Vec<&str> = told.map(|told| told.split([':', '=']).next().unwrap()).collect();
    for text in &mut told {
        // The last word belongs to the first field.
        *text = text.rsplit_once(' ').map_or(*text, |(message, _)| message);
    }
    told
}

#[test]
fn nothing_is_logged_unless_asked_for() {
    for value in ["", "0"] {
        let ended = template().env("PACKER_LOG", value).packer(&["build", "image.pkr.hcl"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn the_log_tells_what_went_on() {
    let ended = template().env("PACKER_LOG", "1").packer(&["build", "-color=false", "image.pkr.hcl"]);
    ended.code(0);
    let log = &ended.stderr;
    assert_eq!(
        messages(log),
        [
            "started",
            "template read",
            "run opened",
            "build started",
            "step started",
            "claimed",
            "starting a process",
            "released",
            "step finished",
            "build finished",
            "ended",
        ],
        "{log}"
    );
    for wanted in ["packer=\"1.16.0\"", "command=\"build\"", "builds=1", "build=\"null.a\"", "code=0"] {
        assert!(log.contains(wanted), "{wanted}: {log}");
    }
    assert!(!log.contains("the word is"), "what is said on standard output is not said twice: {log}");
    assert!(ended.stdout.contains("==> null.a: the word is <sensitive>"), "{}", ended.stdout);
}

#[test]
fn a_log_in_a_file_has_all_that_was_said_and_no_secret() {
    let forge = template().env("PACKER_LOG_PATH", "build.log").file("build.log", "of yesterday");
    let ended = forge.packer(&["build", "-color=false", "image.pkr.hcl"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let log = forge.read("build.log");
    assert!(!log.contains("of yesterday"), "{log}");
    assert!(log.contains("imgforge::said: the word is <sensitive> build=\"null.a\""), "{log}");
    assert!(!log.contains("s3cret-word") && !log.contains('\u{1b}'), "{log}");
}

#[test]
fn our_own_variables_go_before_packers() {
    let forge = template().env("IMGFORGE_LOG_PATH", "our.log").env("PACKER_LOG_PATH", "packer.log");
    let forge = forge.env("IMGFORGE_LOG", "info");
    forge.run(&["validate", "image.pkr.hcl"]).code(0);
    assert!(!forge.exists("packer.log"));
    let log = forge.read("our.log");
    assert_eq!(
        messages(&log),
        ["started", "the default of `password` is a secret for all to read", "The configuration is", "ended"],
        "{log}"
    );
    let quiet = template().env("IMGFORGE_LOG", "0").env("PACKER_LOG", "1");
    assert_eq!(quiet.run(&["validate", "image.pkr.hcl"]).stderr, "");
}

#[test]
fn a_log_that_can_not_be_written_ends_the_program() {
    let ended = template().env("PACKER_LOG_PATH", "nowhere/build.log").packer(&["validate", "image.pkr.hcl"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr, "error: write the log nowhere/build.log: No such file or directory (os error 2)\n");
}
