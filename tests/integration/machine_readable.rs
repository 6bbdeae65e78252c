//! `-machine-readable`: the lines that programs read.

use crate::forge::{Ended, Forge};
use std::process::Command;

/// The lines of a run without the times in them, and with one word for the names of scripts.
fn lines(ended: &Ended) -> Vec<String> {
    assert_eq!(ended.stderr, "");
    let mut lines = Vec::new();
    for line in ended.stdout.lines() {
        let (seconds, rest) = line.split_once(',').unwrap_or_else(|| panic!("{line}"));
        assert!(seconds.len() == 10 && seconds.bytes().all(|byte| byte.is_ascii_digit()), "{line}");
        let mut line = rest.to_owned();
        if let Some(at) = line.find(" after ").filter(|_| line.contains("Build '") || line.contains("Wait completed")) {
            let from = at + " after ".len();
            let length = line[from..].find([':', '.']).unwrap_or(line.len() - from);
            line.replace_range(from..from + length, "TIME");
        }
        if let Some(at) = line.find("local shell script: ") {
            line.replace_range(at + "local shell script: ".len().., "SCRIPT");
        }
        lines.push(line);
    }
    lines
}

const TWO_BUILDS: &str = r#"
source "file" "a" {
  target  = "a.txt"
  content = "a"
}
source "null" "b" {
  communicator = "none"
}
build {
  sources = ["file.a", "null.b"]
  provisioner "shell-local" {
    only   = ["null.b"]
    inline = ["echo 'one, two'", "sleep 0.3", "echo wrong >&2", "exit 3"]
  }
}
"#;

#[test]
fn a_build_has_the_lines_that_packer_writes() {
    let forge = Forge::new().file("image.pkr.hcl", TWO_BUILDS);
    let ours = lines(forge.packer(&["-machine-readable", "build", "-parallel-builds=1", "image.pkr.hcl"]).code(1));
    assert_eq!(
        ours,
        [
            ",ui,say,Build 'file.a' finished after TIME.",
            ",ui,say,==> null.b: Running local shell script: SCRIPT",
            ",ui,say,==> null.b: one%!(PACKER_COMMA) two",
            ",ui,error,==> null.b: wrong",
            ",ui,say,==> null.b: Provisioning step had errors: Running the cleanup provisioner%!(PACKER_COMMA) if present...",
            ",ui,error,Build 'null.b' errored after TIME: Script exited with non-zero exit status: 3. Allowed exit codes are: [0]",
            ",ui,say,\\n==> Wait completed after TIME",
            ",error-count,1",
            ",ui,error,\\n==> Some builds didn't complete successfully and had errors:",
            "null.b,error,Script exited with non-zero exit status: 3. Allowed exit codes are: [0]",
            ",ui,error,--> null.b: Script exited with non-zero exit status: 3. Allowed exit codes are: [0]",
            ",ui,say,\\n==> Builds finished. The artifacts of successful builds are:",
            "file.a,artifact-count,1",
            "file.a,artifact,0,builder-id,packer.file",
            "file.a,artifact,0,id,File",
            "file.a,artifact,0,string,Stored file: a.txt",
            "file.a,artifact,0,files-count,1",
            "file.a,artifact,0,file,0,a.txt",
            "file.a,artifact,0,end",
            ",ui,say,--> file.a: Stored file: a.txt",
        ]
    );
    let mut packer = Command::new("/usr/bin/packer");
    packer.args(["-machine-readable", "build", "-parallel-builds=1", "image.pkr.hcl"]).current_dir(forge.path());
    let packer = packer.env("CHECKPOINT_DISABLE", "1").env("PACKER_CACHE_DIR", forge.state()).output();
    let theirs = lines(forge.ended(packer.expect("this test needs Debian's packer")).code(1));
    // What has changed since its version 1.6.6: what a command prints is said as all else is, and a space.
    let since = |line: &String| {
        let line = line.replace(",ui,message,    null.b: ", ",ui,say,==> null.b: ");
        line.replace("exit status: 3.Allowed", "exit status: 3. Allowed")
    };
    assert_eq!(ours, theirs.iter().map(since).collect::<Vec<_>>());
}

#[test]
fn it_may_stand_anywhere_but_not_with_a_value() {
    let forge = Forge::new().file("image.json", r#"{"builders": [{"type": "null", "communicator": "none"}]}"#);
    for arguments in [
        &["-machine-readable", "validate", "image.json"][..],
        &["validate", "--machine-readable", "image.json"],
        &["validate", "image.json", "-machine-readable"],
    ] {
        assert_eq!(lines(forge.packer(arguments).code(0)), [",ui,say,The configuration is valid."]);
    }
    let said = lines(forge.run(&["run", "-machine-readable"]).code(1));
    assert!(said[0].starts_with(",ui,error,error: there is no pipeline here"), "{said:?}");
    forge.packer(&["validate", "-machine-readable=false", "image.json"]).code(1);
    let ended = forge.packer(&["build", "-machine-readable=false", "image.json"]);
    assert!(ended.code(0).stdout.starts_with("Build 'null' finished after "), "{ended:?}");
    // No colours, whatever else is said, and nobody is asked anything.
    let ended = forge.packer(&["build", "-machine-readable", "-color=true", "-timestamp-ui", "-debug", "image.json"]);
    assert_eq!(
        lines(ended.code(0))[..3],
        [
            ",ui,say,Debug mode enabled. Builds will not be parallelized.",
            ",ui,say,Build 'null' finished after TIME.",
            ",ui,say,\\n==> Wait completed after TIME",
        ]
    );
}

#[test]
fn the_version_has_three_lines_for_programs() {
    let forge = Forge::new();
    assert_eq!(
        lines(forge.packer(&["version", "-machine-readable"]).code(0)),
        [",version,1.16.0", ",version-prelease,", ",version-commit,", ",ui,say,Packer v1.16.0"]
    );
    assert_eq!(lines(forge.run(&["version", "-machine-readable"]).code(0))[0], ",version,0.1.0");
}

const INSPECTED: &str = r#"{
  "description": "Of two parts",
  "variables": {"must": null, "may": "x,y", "secret": "s3cret-value"},
  "sensitive-variables": ["secret"],
  "builders": [{"type": "null", "name": "a", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["true"]}]
}
"#;

#[test]
fn what_a_template_holds_is_told_with_its_types() {
    let forge = Forge::new().file("image.json", INSPECTED).file("image.pkr.hcl", TWO_BUILDS);
    assert_eq!(
        lines(forge.packer(&["-machine-readable", "inspect", "image.json"]).code(0)),
        [
            ",ui,say,Packer Inspect: JSON mode",
            ",ui,say,Description:\\n\\nOf two parts\\n",
            ",ui,say,Required variables:\\n",
            ",template-variable,must,,1",
            ",ui,say,  must",
            ",ui,say,",
            ",ui,say,Optional variables and their defaults:\\n",
            ",template-variable,may,x%!(PACKER_COMMA)y,0",
            ",ui,say,  may    = x%!(PACKER_COMMA)y",
            ",template-variable,secret,<sensitive>,0",
            ",ui,say,  secret = <sensitive>",
            ",ui,say,",
            ",ui,say,Builders:\\n",
            ",template-builder,a,null",
            ",ui,say,  a (null)",
            ",ui,say,",
            ",ui,say,Provisioners:\\n",
            ",template-provisioner,shell-local",
            ",ui,say,  shell-local",
            ",ui,say,",
            ",ui,say,Note: names of builds are shown as they are written. Variables and functions\\nin them get their values when they are built.",
        ]
    );
    let said = lines(forge.packer(&["-machine-readable", "inspect", "image.pkr.hcl"]).code(0));
    assert_eq!(
        said[..2],
        [",ui,say,Packer Inspect: HCL2 mode\\n", ",ui,say,> input-variables:\\n\\n\\n> local-variables:\\n\\n"]
    );
    assert!(
        said[2].starts_with(",ui,say,> builds:\\n\\n  > <unnamed build 0>:\\n\\n    sources:\\n\\n"),
        "{}",
        said[2]
    );
}

#[test]
fn an_answer_of_the_console_is_a_message() {
    let forge = Forge::new();
    let ended = forge.feed(&["-machine-readable", "console", "-config-type=hcl2"], "upper(\"a,b\")\n");
    assert_eq!(lines(ended.code(0)), [",ui,message,A%!(PACKER_COMMA)B"]);
}

#[test]
fn a_mistake_is_one_line_and_secrets_are_in_none() {
    let forge = Forge::new().file("image.json", "{\"builders\": [{\"type\": \"nul\"}]}\n");
    let said = lines(forge.packer(&["-machine-readable", "validate", "image.json"]).code(1));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with(",ui,error,error[unknown-builder]: "), "{said:?}");
    assert!(said[0].contains("\\n --> image.json:1:24\\n"), "{said:?}");
    let forge = forge.file(
        "secret.json",
        r#"{
  "variables": {"secret": "s3,cret\nvalue"},
  "sensitive-variables": ["secret"],
  "builders": [{"type": "file", "name": "x", "target": "s3,cret.txt", "content": ""}],
  "provisioners": [{"type": "shell-local", "environment_vars": ["S={{user `secret`}}"], "inline": ["echo \"$S\""]}]
}
"#,
    );
    let ended = forge.packer(&["-machine-readable", "build", "secret.json"]);
    let said = lines(ended.code(0)).join("\n");
    assert!(!said.contains("3,cret") && !said.contains("s3%!(PACKER_COMMA)"), "{said}");
    assert!(said.contains("\"variables\": {\"secret\": \"**************\"}"), "{said}");
    assert!(said.contains("file.x,artifact,0,file,0,<sensitive>.txt\n"), "{said}");
}
