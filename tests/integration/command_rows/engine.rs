//! Rows 110 to 113, 216 to 234 and 250 to 270: many builds at once, names and values of legacy templates, and what ends
//! before anything is built.

use super::build::{build, makes, texts};
use super::{Row, row};
use crate::forge::Forge;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = at_once();
    rows.extend(legacy_names());
    rows.extend(legacy_values());
    rows.extend(graphs());
    rows.extend(missing());
    rows.extend(shebangs());
    rows
}

/// So many builds `bN`, each of which runs this script.
fn builds(count: usize, script: &str) -> Forge {
    let mut builders = String::new();
    for index in 0..count {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(builders, "{comma}{{\"type\": \"null\", \"name\": \"b{index}\", \"communicator\": \"none\"}}");
    }
    let template = format!(
        "{{\"builders\": [{builders}], \"provisioners\": [{{\"type\": \"shell-local\", \"inline\": [\"sh -e go.sh\"]}}]}}"
    );
    Forge::new().file("image.json", &template).file("go.sh", script)
}

/// Waits for a file, 20 seconds at most.
const WAIT: &str =
    "wait_for() { i=0; while [ ! -e $1 ] && [ $i -lt 400 ]; do sleep 0.05; i=$((i+1)); done; [ -e $1 ]; }\n";

fn at_once() -> Vec<Row> {
    vec![
        row("110", "five builds end while one waits for them", || {
            let script = format!(
                "{WAIT}case $PACKER_BUILD_NAME in b0) for n in 1 2 3 4 5; do wait_for b$n.txt; done;; esac\n\
                 touch $PACKER_BUILD_NAME.txt\n"
            );
            makes(builds(6, &script), &["-parallel-builds=10"], "image.json", "b0 b1 b2 b3 b4 b5");
        }),
        row("111", "no more builds run at once than may", || {
            let script = "mkdir -p running; touch running/$PACKER_BUILD_NAME; ls running | wc -l >> most\n\
                          sleep 0.3; rm running/$PACKER_BUILD_NAME\n";
            let forge = builds(6, script);
            build(&forge, &["-parallel-builds=3"], "image.json", 0);
            let counts: Vec<u32> = forge.read("most").lines().map(|line| line.trim().parse().unwrap()).collect();
            assert_eq!((counts.len(), counts.iter().max()), (6, Some(&3)), "{counts:?}");
        }),
        row("112", "a build that takes too long fails the run, not the others", || {
            let forge = builds(4, "case $PACKER_BUILD_NAME in b0) sleep 77;; esac\ntouch $PACKER_BUILD_NAME.txt\n");
            let template = forge.read("image.json").replace("\"inline\"", "\"timeout\": \"2s\", \"inline\"");
            let forge = forge.file("image.json", &template);
            build(&forge, &["-parallel-builds=3"], "image.json", 1);
            assert_eq!(texts(&forge), "b1 b2 b3");
        }),
        row("113", "a signal cancels what `-debug` runs one after the other", || {
            let forge = builds(3, "touch $PACKER_BUILD_NAME.txt; sleep 77\n");
            // Without a terminal nothing waits for anyone.
            let program = forge.packer_program();
            let arguments = [program.to_str().unwrap(), "build", "-debug", "image.json"];
            let mut command = forge.command_as(Path::new("setsid"), &arguments);
            let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
            let deadline = Instant::now() + Duration::from_secs(30);
            while texts(&forge).is_empty() {
                assert!(Instant::now() < deadline, "no build began");
                std::thread::sleep(Duration::from_millis(20));
            }
            let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
            assert!(killed.success());
            let ended = forge.ended(child.wait_with_output().unwrap());
            ended.code(1);
            assert_eq!(texts(&forge), "b0");
            assert!(ended.stdout.ends_with("\nCleanly cancelled builds after being interrupted.\n"), "{ended:?}");
        }),
    ]
}

fn legacy_names() -> Vec<Row> {
    let finished = |builder: &str, flags: &[&str], name: &str| {
        let forge = Forge::new()
            .file("image.json", &format!("{{\"variables\": {{\"v\": \"value\"}}, \"builders\": [{builder}]}}"));
        let ended = build(&forge, flags, "image.json", 0);
        assert!(
            ended.stdout.lines().any(|line| line.starts_with(&format!("Build '{name}' finished after "))),
            "{ended:?}"
        );
    };
    vec![
        row("216", "a function in a build's name", move || {
            let builder = r#"{"type": "null", "name": "{{upper `tubes`}}", "communicator": "none"}"#;
            finished(builder, &["-only=TUBES"], "null.TUBES");
        }),
        row("217", "a build is chosen by its filled in name, and shown with its type", move || {
            let builder = r#"{"type": "null", "name": "{{user `v`}}", "communicator": "none"}"#;
            finished(builder, &["-only=value"], "null.value");
        }),
        row("234", "the name is that of a flag's value", move || {
            let builder = r#"{"type": "null", "name": "{{user `v`}}", "communicator": "none"}"#;
            finished(builder, &["-var", "v=other"], "null.other");
        }),
    ]
}

fn legacy_values() -> Vec<Row> {
    /// A legacy template that writes this into `x.txt`.
    fn written(content: &str, environment: Option<(&str, &str)>) -> String {
        let template = format!(
            "{{\n  \"variables\": {{\"v\": \"{{{{env `IMAGE_TEST`}}}}\"}},\n  \"builders\": [{{\"type\": \"file\", \
             \"name\": \"x\", \"target\": \"x.txt\", \"content\": \"{content}\"}}]\n}}\n"
        );
        let forge = Forge::new().file("images/image.json", &template);
        let forge = environment.into_iter().fold(forge, |forge, (name, value)| forge.env(name, value));
        build(&forge, &[], "images/image.json", 0);
        let folder = forge.path().canonicalize().unwrap();
        forge.read("x.txt").replace(folder.to_str().unwrap(), "@FOLDER@")
    }
    vec![
        row("218", "a variable of the environment", || {
            assert_eq!(written("{{user `v`}}", Some(("IMAGE_TEST", "test"))), "test");
        }),
        row("223", "`template_dir` is the template's folder, absolute", || {
            assert_eq!(written("{{template_dir}}", None), "@FOLDER@/images");
        }),
        row("224", "`build_name` and `build_type`", || {
            assert_eq!(written("{{build_name}} {{build_type}}", None), "x file");
        }),
        row("220", "a provisioner runs for the builds that it names", || {
            let forge = builds(2, "touch $PACKER_BUILD_NAME.txt\n");
            let template = forge.read("image.json").replace("\"inline\"", "\"only\": [\"b1\"], \"inline\"");
            makes(forge.file("image.json", &template), &[], "image.json", "b1");
        }),
        row("221", "`override` reaches a provisioner of JSON", || {
            let forge = builds(2, "touch $PACKER_BUILD_NAME$MORE.txt\n");
            let more = "\"override\": {\"b1\": {\"environment_vars\": [\"MORE=-more\"]}}, \"inline\"";
            let template = forge.read("image.json").replace("\"inline\"", more);
            makes(forge.file("image.json", &template), &[], "image.json", "b0 b1-more");
        }),
        row("222", "`max_retries` as a number and as a text", || {
            for count in ["2", "\"2\""] {
                let forge = builds(1, "echo try >> tries\ntest $(wc -l < tries) -eq 3\n");
                let more = format!("\"max_retries\": {count}, \"inline\"");
                let template = forge.read("image.json").replace("\"inline\"", &more);
                let forge = forge.file("image.json", &template);
                build(&forge, &[], "image.json", 0);
            }
        }),
        row("233", "a secret is not shown, in another variable neither", || {
            let forge = Forge::new().file(
                "image.json",
                r#"{
  "variables": {"secret": "s3cret-value", "url": "https://{{user `secret`}}@host"},
  "sensitive-variables": ["secret"],
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["echo {{user `secret`}} {{user `url`}}"]}]
}
"#,
            );
            let ended = build(&forge, &[], "image.json", 0);
            assert!(ended.stdout.contains("==> null: <sensitive> <sensitive>\n"), "{ended:?}");
            assert!(!ended.stdout.contains("s3cret-value"), "{ended:?}");
        }),
    ]
}

fn graphs() -> Vec<Row> {
    const BUILD: &str = "source \"null\" \"x\" {\n  communicator = \"none\"\n}\nbuild {\n  name    = local.last\n  sources = [\"null.x\"]\n}\n";
    fn with(locals: &str) -> Forge {
        Forge::new().file("image.pkr.hcl", &format!("{locals}{BUILD}"))
    }
    /// Builds both ways; each ends with a code and this mistake.
    fn both(locals: &str, codes: [(i32, &str); 2]) {
        for (flags, (code, mistake)) in [&[][..], &["-use-sequential-evaluation"]].into_iter().zip(codes) {
            let ended = build(&with(locals), flags, "image.pkr.hcl", code);
            if code == 0 {
                assert!(!ended.stdout.contains("error["), "{ended:?}");
            } else {
                assert!(ended.stdout.contains(&format!("error[{mistake}]")), "{ended:?}");
            }
        }
    }
    vec![
        row("250", "a local that is there twice", || {
            let twice = "local \"last\" {\n  expression = \"a\"\n}\nlocals {\n  last = \"b\"\n}\n";
            both(twice, [(1, "duplicate-declaration"); 2]);
        }),
        row("252", "a data source that needs another that is not there", || {
            let data =
                "data \"null\" \"a\" {\n  input = data.null.none.output\n}\nlocals {\n  last = data.null.a.output\n}\n";
            both(data, [(1, "undefined-data-source"); 2]);
        }),
        row("253", "a local that needs another that is not there", || {
            both("locals {\n  last = local.none\n}\n", [(1, "undefined-local"); 2]);
        }),
        row("254, 255", "data, local, data, local: each after what it needs, or all data first", || {
            let chain = r#"
data "null" "one" {
  input = "one"
}
locals {
  two = data.null.one.output
}
data "null" "three" {
  input = local.two
}
locals {
  last = data.null.three.output
}
"#;
            both(chain, [(0, ""), (1, "undefined-reference")]);
        }),
    ]
}

fn missing() -> Vec<Row> {
    vec![
        row("257", "a builder that nobody knows", || {
            let forge = Forge::new().file("image.json", r#"{"builders": [{"type": "tester-dynamic"}]}"#);
            let ended = build(&forge, &[], "image.json", 1);
            assert!(ended.stdout.starts_with("error[unknown-builder]"), "{ended:?}");
        }),
        row("260", "components that need no plugin", || {
            let template = r#"
data "null" "x" {
  input = "x"
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    inline = ["touch ${data.null.x.output}.txt"]
  }
  post-processor "manifest" {}
}
"#;
            makes(Forge::new().file("image.pkr.hcl", template), &[], "image.pkr.hcl", "x");
        }),
        row("262", "components in Packer's own settings", || {
            let forge = builds(1, "touch done.txt\n")
                .file("settings.json", r#"{"provisioners": {"mine": "/usr/bin/packer-provisioner-mine"}}"#)
                .env("PACKER_CONFIG", "settings.json");
            makes(forge, &[], "image.json", "done");
        })
        .unlike_packer("there are no plugins, so that file is not read; Packer ends with 1 since it holds any"),
        row("267", "nothing to run", || {
            let template = "source \"null\" \"x\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.x\"]\n  \
                            provisioner \"shell-local\" {\n    inline = []\n  }\n}\n";
            let forge = Forge::new().file("image.pkr.hcl", template);
            let ended = build(&forge, &[], "image.pkr.hcl", 1);
            assert!(ended.stdout.starts_with("error[invalid-value]: `inline` is empty"), "{ended:?}");
        }),
        row("270", "a list of parts of a machine without that list", || {
            let template = "source \"null\" \"x\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.x\"]\n  \
                            provisioner \"hcp-sbom\" {\n    source = \"/none.json\"\n  }\n}\n";
            let forge = Forge::new().file("image.pkr.hcl", template);
            build(&forge, &[], "image.pkr.hcl", 1);
            let ended = forge.packer(&["validate", "image.pkr.hcl"]);
            ended.code(0);
        })
        .unlike_packer("`hcp-sbom` is known, not buildable here: the build ends before it begins"),
    ]
}

/// The rules for the first line of a script are the same for `shell` and `shell-local`.
fn shebangs() -> Vec<Row> {
    fn provisioned(arguments: &str) -> Forge {
        let template = format!(
            "source \"null\" \"x\" {{\n  communicator = \"none\"\n}}\nbuild {{\n  sources = [\"null.x\"]\n  \
             provisioner \"shell-local\" {{\n    execute_command = [\"/bin/sh\", \"-c\", \"head -n 1 {{{{.Script}}}} > \
             first.txt\"]\n    {arguments}\n  }}\n}}\n"
        );
        Forge::new().file("image.pkr.hcl", &template).file("bare.sh", "echo bare\n")
    }
    fn first_line(arguments: &str) -> String {
        let forge = provisioned(arguments);
        build(&forge, &[], "image.pkr.hcl", 0);
        forge.read("first.txt")
    }
    vec![
        row("268", "a script file is left as it is", || assert_eq!(first_line("script = \"bare.sh\""), "echo bare\n")),
        row("268b", "a first command that is a shebang", || {
            assert_eq!(first_line("inline = [\"#!/bin/bash\", \"true\"]"), "#!/bin/bash\n");
        }),
        row("268c", "a shebang by its argument wins over that", || {
            let arguments = "inline_shebang = \"/bin/dash\"\n    inline = [\"#!/bin/bash\", \"true\"]";
            assert_eq!(first_line(arguments), "#!/bin/dash\n");
        }),
        row("268d", "a shebang by its argument alone", || {
            assert_eq!(first_line("inline_shebang = \"/bin/dash -e\"\n    inline = [\"true\"]"), "#!/bin/dash -e\n");
        }),
        row("269", "a shebang that is given with `#!`", || {
            let forge = provisioned("inline_shebang = \"#!/bin/sh\"\n    inline = [\"true\"]");
            let ended = build(&forge, &[], "image.pkr.hcl", 1);
            assert!(ended.stdout.starts_with("error[invalid-value]: `inline_shebang` starts with `#!`"), "{ended:?}");
        }),
    ]
}
