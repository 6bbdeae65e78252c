//! What is run on a machine and how it ends.

use super::{HEAD, found, found_in_build, found_with, script};
use crate::conformance::places;
use crate::forge::Forge;

#[test]
fn names_of_values_that_are_misspelt() {
    let rest = r#"  provisioner "shell-local" {
    inline          = ["echo {{ .Hst }}"]
    execute_command = ["sh", "-c", "{{.Vras}} {{.Script}}"]
  }
  provisioner "powershell" {
    execute_command = "powershell {{.Vras}} {{.Path}} {{.MyOwn}}"
    inline          = ["dir ${build.Hostt}"]
  }
"#;
    assert_eq!(
        found_in_build(rest),
        [
            "2:33 unknown-field",
            "3:39 unknown-field",
            "5:15 no-machine",
            "warning 5:15 not-supported-yet",
            "warning 6:37 misspelt-field",
            "7:37 undefined-reference",
        ]
    );
}

#[test]
fn scripts_that_no_shell_reads() {
    let rest = r##"  provisioner "shell-local" {
    scripts = ["crlf.sh", "bare.sh", "plain.sh", "gone.sh", "python.py", "good.sh", "empty.sh"]
  }
  provisioner "shell-local" {
    inline_shebang = "#!/bin/sh -e"
    inline         = ["true"]
  }
  provisioner "shell-local" {
    inline_shebang = "/no/such/bash -e"
    inline         = ["true"]
  }
  provisioner "shell-local" {
    execute_command = ["bahs", "{{.Script}}"]
    script          = "bare.sh"
  }
"##;
    let forge = [
        ("crlf.sh", "#!/bin/sh\r\ntrue\r\n"),
        ("bare.sh", "true\n"),
        ("python.py", "#!/usr/bin/env -S A=b pyton3\n"),
        ("good.sh", "#!/usr/bin/env sh\n"),
        ("empty.sh", ""),
    ];
    let forge = forge.into_iter().fold(Forge::new(), |forge, (name, text)| script(forge, name, text));
    assert_eq!(
        found_with(forge.file("plain.sh", "#!/bin/sh\n"), rest),
        [
            "warning 2:16 crlf-script",
            "warning 2:27 missing-shebang",
            "warning 2:38 not-executable",
            "2:50 missing-file",
            "warning 2:61 missing-interpreter",
            "5:22 invalid-value",
            "warning 9:22 missing-interpreter",
            "warning 13:24 missing-interpreter",
        ]
    );
    // On the way to a machine, line endings are mended.
    let text = r#"source "null" "a" {
  ssh_host       = "10.0.0.1"
  ssh_username   = "admin"
  ssh_password   = "x"
}
build {
  sources = ["null.a"]
  provisioner "shell" {
    script = "crlf.sh"
  }
  provisioner "shell" {
    script = "crlf.sh"
    binary = true
  }
  provisioner "file" {
    source      = "gone.txt"
    destination = "/tmp/"
  }
}
"#;
    let forge = script(Forge::new(), "crlf.sh", "#!/bin/sh\r\ntrue\r\n").file("image.pkr.hcl", text);
    assert_eq!(found(&forge, "image.pkr.hcl"), ["warning 12:14 crlf-script", "16:19 missing-file"]);
}

/// Nobody may write to a pipe, which would be waited for.
#[test]
fn pipes_and_devices_are_not_read() {
    let forge = Forge::new();
    let status = std::process::Command::new("mkfifo").arg(forge.path().join("pipe")).status().unwrap();
    assert!(status.success());
    let rest = r#"  provisioner "shell-local" {
    scripts = ["pipe", "/dev/zero"]
  }
"#;
    assert_eq!(found_with(forge, rest), ["warning 2:16 not-executable", "warning 2:24 not-executable"]);
}

#[test]
fn commands_that_no_shell_can_read() {
    let rest = r##"  provisioner "shell-local" {
    inline = [
      "if true; then",
      "  echo it's",
      "fi",
    ]
  }
  provisioner "shell-local" {
    inline_shebang = "/usr/bin/env python3"
    inline         = ["print('''a", "it's ''')"]
  }
  provisioner "shell-local" {
    script = "unclosed.sh"
  }
  provisioner "shell-local" {
    command = "echo `date"
  }
  provisioner "shell-local" {
    inline = ["echo 'a", "b'", "for i in 1 2; do echo $(echo \"$i\"); done"]
  }
"##;
    let forge = script(Forge::new(), "unclosed.sh", "#!/bin/bash -e\necho\nwhile true; do\n  break\n");
    let forge = forge.file("image.pkr.hcl", &format!("{HEAD}{rest}}}\n"));
    let ended = forge.run(&["validate", "image.pkr.hcl"]);
    let found = places(&ended.stdout, "image.pkr.hcl");
    assert_eq!(found, ["warning 9:7 shell-syntax", "warning 18:14 shell-syntax", "warning 21:15 shell-syntax"]);
    for says in [
        "no shell can read this: this quote is not closed",
        "no shell can read line 3 of `unclosed.sh`: this loop has no `done`",
    ] {
        assert!(ended.stdout.contains(says), "{}", ended.stdout);
    }
}

#[test]
fn scripts_of_provisioners_that_are_not_ours_have_to_be_there() {
    let rest = r#"  provisioner "powershell" {
    except  = ["null.a"]
    scripts = ["gone.ps1"]
  }
  provisioner "ansible" {
    playbook_file = "gone.yml"
  }
"#;
    assert_eq!(found_in_build(rest), ["warning 5:15 not-supported-yet", "6:21 missing-file"]);
}

#[test]
fn times_and_exit_codes_that_mean_something_else() {
    let rest = r#"  provisioner "shell-local" {
    pause_before     = "10s"
    timeout          = "5m"
    valid_exit_codes = [1]
    inline           = ["true"]
  }
  provisioner "shell-local" {
    valid_exit_codes = [0, 256]
    inline           = ["true"]
  }
"#;
    assert_eq!(
        found_in_build(rest),
        ["warning 3:24 ignored-timeout", "warning 4:24 odd-exit-codes", "warning 8:28 odd-exit-codes"]
    );
    let word = r#"  provisioner "shell-local" {
    valid_exit_codes = ["zero"]
    inline           = ["true"]
  }
"#;
    assert_eq!(found_in_build(word), ["2:25 wrong-type"]);
    let json = r#"{
  "builders": [{"type": "null", "ssh_host": "a", "ssh_username": "b", "ssh_password": "c", "ssh_timeout": 300}],
  "provisioners": [
    {"type": "shell", "inline": ["sudo reboot"], "pause_before": 10},
    {"type": "shell", "inline": ["reboot"], "expect_disconnect": true, "valid_exit_codes": [0, 2300218]},
    {"type": "shell", "inline": ["nohup reboot &", "true"], "pause_before": 10000000000}
  ]
}
"#;
    assert_eq!(
        found(&Forge::new().file("image.json", json), "image.json"),
        [
            "warning 2:107 nanoseconds",
            "warning 4:34 unexpected-disconnect",
            "warning 4:66 nanoseconds",
            "warning 5:96 odd-exit-codes",
        ]
    );
}
