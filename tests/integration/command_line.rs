//! Flags, names and exit codes.

use crate::forge::Forge;

#[test]
fn the_version_names_both() {
    let forge = Forge::new();
    for word in ["version", "-version", "--version", "-v"] {
        forge.run(&[word]).expect(0, "imgforge 0.1.0 (compatible with Packer 1.16.0)");
        forge.packer(&[word]).expect(0, "Packer v1.16.0");
    }
}

#[test]
fn a_wrong_command_line_is_2_and_as_packer_1_or_127() {
    let forge = Forge::new();
    forge.run(&["build"]).code(2);
    forge.run(&["bild", "x"]).code(2);
    forge.run(&["validate", "--nonsense", "x"]).code(2);
    forge.packer(&["build"]).code(1);
    forge.packer(&["validate", "-nonsense", "x"]).code(1);
    forge.packer(&["bild", "x"]).code(127);
    forge.packer(&["-nonsense"]).code(127);
    forge.packer(&["-nonsense", "build"]).code(1);
    forge.packer(&[]).code(127);
    forge.packer(&["build", "-h"]).code(0);
    forge.packer(&["--help"]).code(0);
    forge.packer(&["version", "now"]).code(1);
}

#[test]
fn packer_says_how_a_command_is_used_and_then_what_is_wrong() {
    let forge = Forge::new();
    let said = |arguments: &[&str]| {
        let ended = forge.packer(arguments);
        assert_eq!(ended.stderr, "");
        let text = ended.stdout.trim_end();
        let (usage, wrong) = text.split_once("Print help").unwrap();
        let usage = usage.lines().find(|line| line.starts_with("Usage: ")).unwrap();
        format!("{usage}{}", wrong.replace("\n\n", "\n"))
    };
    let usage = "Usage: packer validate [OPTIONS] <TEMPLATE>";
    assert_eq!(
        said(&["validate", "-nonsense", "x"]),
        format!("{usage}\nerror: unexpected argument '--nonsense' found")
    );
    assert_eq!(
        said(&["validate", "-onli=x", "x"]),
        format!("{usage}\nerror: unexpected argument '--onli' found\n  tip: a similar argument exists: '--only'")
    );
    assert_eq!(
        said(&["validate", "x", "-syntax-only"]),
        format!("{usage}\nerror: unexpected argument '-syntax-only' found\n  tip: flags go before the template")
    );
    assert_eq!(
        said(&["validate", "-var", "novalue", "x"]),
        format!("{usage}\nerror: invalid value 'novalue' for '--var <NAME=VALUE>': write it as NAME=VALUE")
    );
    assert_eq!(said(&["plugins"]), "Usage: packer plugins <COMMAND>");
    assert_eq!(said(&[]), "Usage: packer <COMMAND>");
    assert_eq!(
        said(&["bild"]),
        "Usage: packer <COMMAND>\nerror: unrecognized subcommand 'bild'\n  tip: a similar subcommand exists: 'build'"
    );
}

#[test]
fn commands_of_packer_that_are_not_here_say_so() {
    let forge = Forge::new();
    let expected = "error: `verify-attestation` is a command of Packer that is not done here: imgforge neither makes nor verifies attestations";
    forge.packer(&["verify-attestation", "-key=x", "image.tar"]).expect(1, expected);
    let ended = forge.run(&["verify-attestation"]);
    assert_eq!((ended.code, ended.stderr.trim_end()), (Some(1), expected));
    for command in ["execute", "sbom-generate"] {
        forge.packer(&[command]).code(1);
    }
}

/// The flags that Packer's commands take, as its own help has them.
const FLAGS: &[(&str, &[&str])] = &[
    (
        "build",
        &[
            "-color=false",
            "-debug",
            "-force",
            "-timestamp-ui",
            "-parallel-builds=2",
            "-parallel-builds=-1",
            "-on-error=cleanup",
            "-on-error=abort",
            "-on-error=ask",
            "-on-error=run-cleanup-provisioner",
            "-warn-on-undeclared-var",
            "-use-sequential-evaluation",
            "-ignore-prerelease-plugins",
            "-skip-enforcement",
        ],
    ),
    (
        "validate",
        &[
            "-syntax-only",
            "-evaluate-datasources",
            "-no-warn-undeclared-var",
            "-ignore-prerelease-plugins",
            "-use-sequential-evaluation",
        ],
    ),
    ("inspect", &["-use-sequential-evaluation"]),
    ("console", &["-use-sequential-evaluation"]),
    ("fmt", &["-check", "-diff", "-write=false", "-recursive", "-check=false"]),
    ("init", &["-upgrade", "-force"]),
    ("plugins install", &["-path=x", "-force"]),
    ("plugins required", &[]),
];

/// Those that all of them take.
const COMMON: &[&str] = &["-only=a,b", "-except=", "-var=a=b", "-var-file=x", "-config-type=hcl2", "-config-type=json"];

#[test]
fn every_flag_of_packer_is_taken_by_the_command_that_has_it() {
    let forge = Forge::new();
    for (command, flags) in FLAGS {
        let words: Vec<&str> = command.split(' ').chain(flags.iter().chain(COMMON).copied()).collect();
        let twice: Vec<String> =
            words.iter().map(|word| word.replacen('-', "--", usize::from(word.starts_with('-')))).collect();
        let twice: Vec<&str> = twice.iter().map(String::as_str).collect();
        // What goes before `-h` is read.
        for words in [words, twice] {
            let words = [&words[..], &["-h"]].concat();
            forge.packer(&words).code(0);
            forge.run(&words).code(0);
        }
        let words: Vec<&str> = command.split(' ').chain(["-nonsense", "-h"]).collect();
        forge.packer(&words).code(1);
    }
}

#[test]
fn switches_take_what_go_reads() {
    let forge = Forge::new().file("image.json", "{\"builders\": [{\"type\": \"null\"}]}");
    let syntax = "Syntax-only check passed. Everything looks okay.";
    for value in ["true", "1", "t", "T", "TRUE", "True"] {
        forge.packer(&["validate", &format!("-syntax-only={value}"), "image.json"]).expect(0, syntax);
        forge.run(&["validate", "image.json", &format!("--syntax-only={value}")]).expect(0, syntax);
    }
    for value in ["false", "0", "f", "F", "FALSE", "False"] {
        forge.packer(&["validate", &format!("-syntax-only={value}"), "image.json"]).code(1);
    }
    for value in ["yes", "", "tRUE"] {
        forge.packer(&["validate", &format!("-syntax-only={value}"), "image.json"]).code(1);
        forge.run(&["validate", &format!("-syntax-only={value}"), "image.json"]).code(2);
    }
    // It is no value where nothing joins them.
    forge.packer(&["validate", "-syntax-only", "true"]).code(1);
}

#[test]
fn flags_of_packer_go_before_the_template_and_values_may_look_like_flags() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        "variable \"flag\" {}\nsource \"file\" \"a\" {\n  target  = \"a.txt\"\n  content = var.flag\n}\nbuild {\n  sources = [\"file.a\"]\n}\n",
    );
    forge.run(&["build", "image.pkr.hcl", "-var", "flag=-force"]).code(0);
    assert_eq!(forge.read("a.txt"), "-force");
    forge.packer(&["build", "-force", "-var", "flag=x", "image.pkr.hcl"]).code(0);
    assert_eq!(forge.read("a.txt"), "x");
    forge.packer(&["build", "image.pkr.hcl", "-var", "flag=x"]).code(1);
    forge.packer(&["build", "-var", "flag=x", "image.pkr.hcl", "image.pkr.hcl"]).code(1);
    // A value is taken as it is, and then it is wrong.
    forge.packer(&["validate", "-var", "-force", "image.pkr.hcl"]).code(1);
}

#[test]
fn a_template_that_is_not_there_is_said_with_the_folder() {
    Forge::new().run(&["validate", "missing.json"]).expect(
        1,
        "\
error[unreadable-file]: the template `missing.json` can't be read: No such file or directory (os error 2)
 |
 = help: relative paths are looked up in @FOLDER@",
    );
}

#[test]
fn json_comes_from_standard_input_as_well() {
    let forge = Forge::new();
    let template = r#"{"builders": [{"type": "file", "target": "{{template_dir}}/x.txt", "content": "here"}]}"#;
    forge.feed(&["validate", "-"], template).expect(0, "The configuration is valid.");
    forge.feed(&["build", "-"], template).code(0);
    assert_eq!(forge.read("x.txt"), "here");
    forge.feed(&["validate", "-"], "{\n  \"bilders\": []\n}\n").expect(
        1,
        "\
error[missing-source]: this template has no `builders`
 --> <stdin>:1:1
  |
1 | {
  | ^
  |
  = help: add a list of builders, each an object with a `type`

error[unknown-key]: a template has no key `bilders`
 --> <stdin>:2:3
  |
2 |   \"bilders\": []
  |   ^^^^^^^^^
  |
  = help: did you mean `builders`?",
    );
    forge.feed(&["build", "-"], "").code(1);
}

#[test]
fn the_language_is_that_of_the_name_unless_a_flag_says_otherwise() {
    let forge = Forge::new().file("image.hcl", r#"{"builders": [{"type": "null", "communicator": "none"}]}"#).file(
        "image.pkr.hcl",
        "source \"null\" \"x\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.x\"]\n}\n",
    );
    for arguments in [
        &["validate", "image.hcl"][..],
        &["validate", "-config-type=json", "image.hcl"],
        &["validate", "-config-type=json", "image.pkr.hcl"],
        &["validate", "-config-type", "hcl2", "image.pkr.hcl"],
        &["validate", "--config-type=hcl2", "."],
    ] {
        forge.run(arguments).expect(0, "The configuration is valid.");
    }
    forge.run(&["validate", "-config-type=hcl2", "image.hcl"]).expect(
        1,
        "\
error[no-template]: `image.hcl` is neither a folder nor named as HCL2 files are
 |
 = help: HCL2 templates are named `*.pkr.hcl`; without `-config-type=hcl2` this is read as JSON",
    );
    forge.feed(&["validate", "-config-type=hcl2", "-"], "{}").code(1);
    forge.run(&["validate", "-config-type=yaml", "image.hcl"]).code(2);
    forge.packer(&["validate", "-config-type=yaml", "image.hcl"]).code(1);
}

#[test]
fn a_template_that_is_not_there_is_the_same_mistake_everywhere() {
    let forge = Forge::new();
    let expected = forge.run(&["validate", "missing.json"]).stdout;
    assert!(expected.starts_with("error[unreadable-file]: the template `missing.json` can't be read"), "{expected}");
    for command in ["build", "inspect", "console"] {
        forge.run(&[command, "missing.json"]).expect(1, &expected);
        forge.run(&[command, "missing"]).code(1);
        forge.run(&[command, "missing.pkr.hcl"]).code(1);
    }
}

#[test]
fn hcl_that_is_not_named_so_is_one_mistake() {
    let forge = Forge::new()
        .file("image.hcl", "# An image.\nsource \"null\" \"x\" {\n  communicator = \"none\"\n}\n")
        .file("ci.pkrvars.hcl", "region = \"eu\"\n");
    forge.run(&["validate", "image.hcl"]).expect(
        1,
        "\
error[unknown-file-type]: this looks like HCL, but the file is not named so
 --> image.hcl:2:1
  |
2 | source \"null\" \"x\" {
  | ^^^^^^
  |
  = help: HCL2 templates are named `*.pkr.hcl`; what is named otherwise is read as JSON",
    );
    forge.run(&["validate", "ci.pkrvars.hcl"]).expect(
        1,
        "\
error[unknown-file-type]: this looks like HCL, but the file is not named so
 --> ci.pkrvars.hcl:1:1
  |
1 | region = \"eu\"
  | ^^^^^^
  |
  = help: this is a var file: give it by `-var-file`, with a template",
    );
}

#[test]
fn a_var_file_that_cannot_be_read_is_one_mistake() {
    let forge = Forge::new().file("image.pkr.hcl", "variable \"region\" {}\nvariable \"size\" {}\n").file(
        "image.json",
        "{\"variables\": {\"region\": null}, \"builders\": [{\"type\": \"null\", \"communicator\": \"none\"}]}",
    );
    std::fs::write(forge.path().join("latin.pkrvars.hcl"), b"region = \"caf\xe9\"\n").unwrap();
    std::fs::write(forge.path().join("broken.pkrvars.hcl"), "region = = 1\n").unwrap();
    for template in ["image.pkr.hcl", "image.json"] {
        forge.run(&["validate", "-var-file=nowhere.pkrvars.hcl", template]).expect(
            1,
            "\
error[unreadable-file]: the var file `nowhere.pkrvars.hcl` can't be read: No such file or directory (os error 2)
 |
 = help: relative paths are looked up in @FOLDER@",
        );
        let said = forge.run(&["validate", "-var-file=latin.pkrvars.hcl", template]).code(1).stdout.clone();
        assert!(said.starts_with("error[not-utf-8]"), "{said}");
        for var_file in ["-var-file=latin.pkrvars.hcl", "-var-file=broken.pkrvars.hcl"] {
            let said = forge.run(&["validate", var_file, template]).code(1).stdout.clone();
            assert!(!said.contains("unset-variable"), "{said}");
        }
    }
}

#[test]
fn the_classic_pipeline_runs_unchanged() {
    let forge = Forge::new().file(
        "template.json",
        r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["echo done > done.txt"]}]
}
"#,
    );
    let path = format!("{}:{}", forge.state().display(), std::env::var("PATH").unwrap());
    forge.packer_program();
    let line = "packer validate template.json && packer build template.json";
    let mut shell = forge.command_as(std::path::Path::new("/bin/sh"), &["-c", line]);
    forge.ended(shell.env("PATH", path).output().unwrap()).expect(
        0,
        "\
The configuration is valid.
==> null: Running local shell script: @SCRIPT@
Build 'null' finished after @TIME@.

==> Wait completed after @TIME@

==> Builds finished. The artifacts of successful builds are:
--> null: Did not export anything. This is the null builder",
    );
    assert_eq!(forge.read("done.txt"), "done\n");
}

/// What a program reads may be cut where the disk is full: that is no success.
#[test]
fn output_that_can_t_be_written_is_told() {
    let forge = Forge::new().file("old.json", r#"{"builders": [{"type": "null", "communicator": "none"}]}"#);
    let run = |arguments: &[&str], stdout: std::process::Stdio| {
        forge.ended(forge.command(arguments).stdout(stdout).stderr(std::process::Stdio::piped()).output().unwrap())
    };
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into();
    let closed = || std::io::pipe().unwrap().1.into();
    for arguments in [
        &["fix", "old.json"][..],
        &["man"],
        &["completions", "bash"],
        &["validate", "old.json"],
        &["-machine-readable", "validate", "old.json"],
        &["inspect", "old.json"],
        &["schema"],
        &["version"],
        &["plugins", "installed"],
    ] {
        let ended = run(arguments, full());
        let said = "error: write to standard output: No space left on device (os error 28)\n";
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), said), "{arguments:?}");
        // Nobody wants it any more.
        let ended = run(arguments, closed());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    // What was asked for is done.
    let ended = run(&["build", "old.json"], full());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}
