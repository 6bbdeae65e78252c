//! Rows 219 to 249: legacy JSON.

use super::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = variables();
    rows.extend(broken());
    rows.extend(parsed());
    rows.extend(builders());
    rows
}

fn variables() -> Vec<Row> {
    vec![
        row("219", "a variable keeps the fields that a builder fills in")
            .json(
                r#"{
  "variables": {"url": "http://{{ .HTTPIP }}/{{env `BOOT_FILE`}}", "name": "{{env `BOOT_FILE`}}"},
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [
    {"type": "shell-local", "script": "{{user `name`}}", "execute_command": ["sh", "-c", "{{user `url`}}; {{.Script}}"]}
  ]
}
"#,
            )
            .env("BOOT_FILE", "boot.sh")
            .file("boot.sh", "true\n"),
        row("226", "a variable that must be given")
            .json(
                "{\n  \"variables\": {\"foo\": null},\n  \"builders\": [{\"type\": \"null\", \"communicator\": \
                 \"none\"}]\n}\n",
            )
            .finds(&["2:17 unset-variable"]),
        row("226", "and is")
            .json(
                "{\n  \"variables\": {\"foo\": null},\n  \"builders\": [{\"type\": \"null\", \"communicator\": \
                 \"none\"}]\n}\n",
            )
            .flags(&["-var", "foo=bar"]),
        row("227", "a version that is met").json(
            "{\n  \"min_packer_version\": \"0.1.2\",\n  \"builders\": [{\"type\": \"null\", \"communicator\": \
                 \"none\"}]\n}\n",
        ),
        row("228", "a version that is not")
            .json(
                "{\n  \"min_packer_version\": \"2.1.0\",\n  \"builders\": [{\"type\": \"null\", \"communicator\": \
                 \"none\"}]\n}\n",
            )
            .finds(&["2:25 unsupported-version"])
            .says("2.1.0"),
        row("229", "variables made of variables")
            .json(
                r#"{
  "variables": {"c": "c{{user `b`}}", "b": "b{{user `a`}}", "a": "a"},
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "script": "{{user `c`}}"}]
}
"#,
            )
            .file("cba", "true\n"),
        row("230", "a variable made of one that is not there")
            .json(
                r#"{
  "variables": {
    "greeting": "hello {{user `nobody`}}"
  },
  "builders": [{"type": "null", "communicator": "none"}]
}
"#,
            )
            .finds(&["3:32 undefined-variable"]),
        row("230", "variables that wait for each other")
            .json(
                r#"{
  "variables": {
    "hen": "{{user `egg`}}",
    "egg": "{{user `hen`}}"
  },
  "builders": [{"type": "null", "communicator": "none"}]
}
"#,
            )
            .finds(&["3:13 reference-cycle"]),
        row("231", "a value from the command line made of another")
            .json(
                r#"{
  "variables": {"name": null, "word": null},
  "builders": [{"type": "null", "communicator": "none", "name": "{{user `name`}}"}],
  "provisioners": [{"type": "shell-local", "script": "{{user `name`}}"}]
}
"#,
            )
            .flags(&["-var", "name=all-{{user `word`}}", "-var", "word=good-things"])
            .file("all-good-things", "true\n"),
        row("232", "variables, the environment and a var file within each other")
            .json(
                r#"{
  "variables": {
    "file": "{{user `stem`}}{{user `ending`}}",
    "stem": "{{env `STEM`}}-{{user `number`}}",
    "ending": ".{{env `ENDING`}}",
    "number": "0"
  },
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "script": "{{user `file`}}"}]
}
"#,
            )
            .file("values.json", "{\"number\": \"{{env `NUMBER`}}{{user `part`}}\"}")
            .env("STEM", "setup")
            .env("ENDING", "sh")
            .env("NUMBER", "7")
            .flags(&["-var-file", "values.json", "-var", "part=b"])
            .file("setup-7b.sh", "true\n"),
        row("§3.2", "variables are strings or null")
            .json(
                r#"{
  "variables": {
    "a": 1,
    "b": true,
    "c": ["x"],
    "d": {"x": "y"},
    "e": "fine",
    "f": null
  },
  "builders": [{"type": "null", "communicator": "none"}]
}
"#,
            )
            .flags(&["-var", "f=x"])
            .finds(&["3:10 wrong-type", "4:10 wrong-type", "5:10 wrong-type", "6:10 wrong-type"]),
        row("§3.2", "the environment is for variables alone")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["echo {{env `HOME`}}"]}]
}
"#,
            )
            .finds(&["3:63 function-not-allowed"]),
        row("§1.5", "a JSON var file holds strings")
            .json(
                "{\n  \"variables\": {\"foo\": \"\"},\n  \"builders\": [{\"type\": \"null\", \"communicator\": \
                 \"none\"}]\n}\n",
            )
            .file("values.json", "{\n  \"foo\": 5\n}\n")
            .flags(&["-var-file", "values.json"])
            .finds(&["values.json:2:10 wrong-type"]),
        row("§1.5", "null in a JSON var file is an empty text")
            .json(
                r#"{
  "variables": {"foo": null},
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "script": "setup{{user `foo`}}.sh"}]
}
"#,
            )
            .file("values.json", "{\"foo\": null}\n")
            .file("setup.sh", "true\n")
            .flags(&["-var-file", "values.json"]),
        row("§1.5", "a value that no variable takes may be used")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "script": "{{user `script`}}"}]
}
"#,
            )
            .flags(&["-var", "script=setup.sh"])
            .file("setup.sh", "true\n"),
    ]
}

fn broken() -> Vec<Row> {
    vec![
        row("235", "broken at the beginning")
            .json("*{\n  \"builders\": [{\"type\": \"null\", \"communicator\": \"none\"}]\n}\n")
            .finds(&["1:1 json-value"]),
        row("236", "broken in the middle")
            .json(
                "{\n  \"builders\": [\n    {\"type\": \"null\",\n     \"communicator\": \"none\"},\n     oops\n  ],\n  \"description\": \"after\"\n}\n",
            )
            .finds(&["5:6 json-value"]),
        row("237", "broken at the end")
            .json("{\"builders\": [{\"type\": \"null\", \"communicator\": \"none\"}]]")
            .finds(&["1:56 json-unclosed"]),
        row("238", "a comma before a bracket, after much that is sound")
            .json(
                r#"{
  "description": "a long file",
  "variables": {
    "word": "hello"
  },
  "builders": [
    {
      "type": "null",
      "communicator": "none"
    }
  ],
  "provisioners": [
    {"type": "shell-local", "inline": ["echo one"]},
    {"type": "shell-local", "inline": ["echo two"]},
    {"type": "shell-local", "inline": ["echo three"]},
  ]
}
"#,
            )
            .finds(&["15:54 json-trailing-comma"]),
        row("239", "a root key twice")
            .json(
                r#"{
  "variables": {"a": "1"},
  "builders": [{"type": "null", "communicator": "none"}],
  "variables": {"b": "2"}
}
"#,
            )
            .finds(&["4:3 duplicate-key"]),
        row("240", "an argument twice")
            .json(
                r#"{
  "builders": [{
    "type": "file",
    "target": "a",
    "content": "x",
    "target": "b"
  }]
}
"#,
            )
            .finds(&["6:5 duplicate-key"]),
        row("241", "a builder without a type")
            .json("{\n  \"builders\": [\n    {\"communicator\": \"none\"}\n  ]\n}\n")
            .finds(&["3:5 missing-type"]),
        row("242", "two builders of one name")
            .json(
                r#"{
  "builders": [
    {"type": "null", "communicator": "none"},
    {"type": "file", "name": "null", "target": "a", "content": "b"}
  ]
}
"#,
            )
            .finds(&["4:30 duplicate-declaration"]),
        row("243", "a provisioner without a type")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [
    {"inline": ["true"]}
  ]
}
"#,
            )
            .finds(&["4:5 missing-type"]),
        row("244", "a post-processor without a type")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "post-processors": [
    {"output": "manifest.json"}
  ]
}
"#,
            )
            .finds(&["4:5 missing-type"]),
        row("§3.1", "root keys that do not exist, each at its place")
            .json(
                r#"{
  "Builders": [{"type": "null", "communicator": "none"}],
  "provisoners": [],
  "_comment": "a comment is text",
  "_other": {"text": "nothing else"},
  "extra": 1
}
"#,
            )
            .finds(&["3:3 unknown-key", "5:13 wrong-type", "6:3 unknown-key"]),
        row("§3.1", "a comment within a builder is an argument")
            .json(
                r#"{
  "builders": [{
    "_comment": "here it is an argument",
    "type": "null",
    "communicator": "none"
  }]
}
"#,
            )
            .finds(&["3:5 unknown-argument"]),
        row("§3.1", "a comment and a key that is no JSON")
            .json("{\n  // the builders\n  \"builders\": [{\"type\": \"null\", \"communicator\": \"none\"}]\n}\n")
            .finds(&["2:3 json-comment"]),
        row("§3.1", "a template that is no object").json("[]\n").finds(&["1:1 wrong-type"]),
    ]
}

/// Row 245: files that are read without a word, whatever their components make of them.
fn parsed() -> Vec<Row> {
    let texts: [(&str, &str); 23] = [
        ("a builder", r#"{"builders": [{"type": "something"}]}"#),
        ("a builder and its arguments", r#"{"builders": [{"type": "something", "size": 5, "tags": {"a": "b"}}]}"#),
        ("a comment", r#"{"_comment": "the builders", "builders": [{"type": "something"}]}"#),
        ("a description", r#"{"description": "of the image", "builders": [{"type": "something"}]}"#),
        ("a version", r#"{"min_packer_version": "0.8.0", "builders": [{"type": "something"}]}"#),
        ("everything", MONOLITH),
        ("a provisioner", r#"{"provisioners": [{"type": "something"}], "builders": [{"type": "x"}]}"#),
        (
            "a provisioner and its arguments",
            r#"{"provisioners": [{"type": "x", "a": [1]}], "builders": [{"type": "x"}]}"#,
        ),
        ("a pause", r#"{"provisioners": [{"type": "x", "pause_before": "1s"}], "builders": [{"type": "x"}]}"#),
        ("attempts", r#"{"provisioners": [{"type": "x", "max_retries": 5}], "builders": [{"type": "x"}]}"#),
        ("attempts as text", r#"{"provisioners": [{"type": "x", "max_retries": "5"}], "builders": [{"type": "x"}]}"#),
        ("a limit of time", r#"{"provisioners": [{"type": "x", "timeout": "5m"}], "builders": [{"type": "x"}]}"#),
        ("`only` of a provisioner", r#"{"provisioners": [{"type": "x", "only": ["x"]}], "builders": [{"type": "x"}]}"#),
        (
            "`except` of a provisioner",
            r#"{"provisioners": [{"type": "x", "except": ["x"]}], "builders": [{"type": "x"}]}"#,
        ),
        (
            "`override`",
            r#"{"provisioners": [{"type": "x", "override": {"x": {"a": 1}}}], "builders": [{"type": "x"}]}"#,
        ),
        ("a variable", r#"{"variables": {"a": "b"}, "builders": [{"type": "x"}]}"#),
        ("a variable to be given", r#"{"variables": {"a": null}, "builders": [{"type": "x"}]}"#),
        ("a secret", r#"{"variables": {"a": "b"}, "sensitive-variables": ["a"], "builders": [{"type": "x"}]}"#),
        ("a post-processor", r#"{"post-processors": [{"type": "x"}], "builders": [{"type": "x"}]}"#),
        (
            "what is kept",
            r#"{"post-processors": [{"type": "x", "keep_input_artifact": true}], "builders": [{"type": "x"}]}"#,
        ),
        (
            "`only` of a post-processor",
            r#"{"post-processors": [{"type": "x", "only": ["x"]}], "builders": [{"type": "x"}]}"#,
        ),
        ("a type as a post-processor", r#"{"post-processors": ["x"], "builders": [{"type": "x"}]}"#),
        (
            "a sequence",
            r#"{"post-processors": ["x", ["y", {"type": "z"}], [{"type": "x"}]], "builders": [{"type": "x"}]}"#,
        ),
    ];
    texts.into_iter().map(|(what, text)| row("245", what).json(text).syntax_only()).collect()
}

const MONOLITH: &str = r#"{
  "min_packer_version": "0.8.0",
  "description": "everything",
  "variables": {"a": "b", "c": null},
  "sensitive-variables": ["a"],
  "builders": [{"type": "x"}, {"type": "x", "name": "y"}],
  "provisioners": [{"type": "x", "only": ["y"], "pause_before": 1000000000}],
  "error-cleanup-provisioner": {"type": "x"},
  "post-processors": ["x", ["y"]],
  "comments": [{"note": "nothing"}],
  "push": {"name": "nobody/nothing"}
}
"#;

fn builders() -> Vec<Row> {
    vec![
        row("246", "no builders").json("{\n  \"builders\": []\n}\n").finds(&["2:15 missing-source"]),
        row("246", "nor a list of them").json("{\n  \"description\": \"x\"\n}\n").finds(&["1:1 missing-source"]),
        row("247", "an `override` for a builder that is not there")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{
    "type": "shell-local",
    "inline": ["true"],
    "override": {"nowhere": {"inline": ["false"]}}
  }]
}
"#,
            )
            .finds(&["6:18 unknown-source"]),
        row("225", "a provisioner for a builder that is not there, of two builders")
            .json(
                r#"{
  "builders": [
    {"type": "null", "communicator": "none"},
    {"type": "file", "target": "a", "content": "b"}
  ],
  "provisioners": [{"type": "shell-local", "only": ["nowhere"], "inline": ["true"]}]
}
"#,
            )
            .finds(&["6:53 unknown-source"]),
        row("248", "`only` of a provisioner")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "only": ["nowhere"], "inline": ["true"]}]
}
"#,
            )
            .finds(&["3:53 unknown-source"]),
        row("248", "`except` of a provisioner")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "except": ["nowhere"], "inline": ["true"]}]
}
"#,
            )
            .finds(&["3:55 unknown-source"]),
        row("248", "`only` of a post-processor")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "post-processors": [{"type": "manifest", "only": ["nowhere"]}]
}
"#,
            )
            .finds(&["3:53 unknown-source"]),
        row("248", "`except` of a post-processor")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "post-processors": [{"type": "manifest", "except": ["nowhere"]}]
}
"#,
            )
            .finds(&["3:55 unknown-source"]),
        row("249", "an `override` for a builder that is there").json(
            r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["true"], "override": {"null": {"inline": ["false"]}}}]
}
"#,
        ),
        row("249", "`only` of a provisioner").json(
            r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["true"], "only": ["null"]}]
}
"#,
        ),
        row("249", "`except` of a provisioner").json(
            r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["true"], "except": ["null"]}]
}
"#,
        ),
        row("249", "`only` of a post-processor").json(
            r#"{
  "builders": [{"type": "null", "communicator": "none", "name": "{{upper `web`}}"}],
  "post-processors": [{"type": "manifest", "only": ["{{upper `web`}}"]}]
}
"#,
        ),
        row("249", "`except` of a post-processor").json(
            r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "post-processors": [{"type": "manifest", "except": ["null"]}]
}
"#,
        ),
        row("249", "a limit of time").json(
            r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["true"], "timeout": "5m"}]
}
"#,
        ),
        row("§3.3", "`only` and `except` together")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["true"], "only": ["null"], "except": ["null"]}]
}
"#,
            )
            .finds(&["3:93 conflicting-arguments"]),
        row("§3.3", "attempts that are no number")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["true"], "max_retries": "often"}]
}
"#,
            )
            .finds(&["3:79 wrong-type"]),
        row("§3.3", "a sequence in a sequence, and what is no post-processor")
            .json(
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "post-processors": [["manifest", ["manifest"]], 5]
}
"#,
            )
            .finds(&["3:36 wrong-type", "3:51 wrong-type"]),
        row("§3.3", "values of another type than is wanted")
            .json(
                r#"{
  "builders": [
    {"type": "null", "communicator": "none", "ssh_port": "0x16", "ssh_pty": "T", "packer_note": "x"},
    {"type": "null", "name": 5, "Communicator": "none", "ssh_port": true, "ssh_pty": 2, "ssh_host": null},
    {"type": "file", "name": "", "target": 5, "content": true}
  ],
  "provisioners": [
    {"type": "shell-local", "scripts": "a.sh,{{user `more`}}", "max_retries": "", "override": null},
    {"type": "shell-local", "inline": "true", "override": {"file": null}, "only": "file"}
  ],
  "post-processors": [{"type": "manifest", "custom_data": [{"a": "b"}, {"c": 5}], "keep_input_artifact": null}],
  "error-cleanup-provisioner": null,
  "variables": {"more": "b.sh"},
  "comments": null
}
"#,
            )
            .file("a.sh", "true\n")
            .file("b.sh", "true\n"),
        row("§3.3", "values that are not taken for another type")
            .json(
                r#"{
  "builders": [
    {"type": "null", "communicator": "none", "ssh_pty": "yes", "ssh_port": "often"},
    {"type": "file", "target": ["a"], "content": "b"}
  ],
  "post-processors": [{"type": "manifest", "name": 5, "keep_input_artifact": "true"}],
  "comments": ["nothing"],
  "push": "nobody"
}
"#,
            )
            .finds(&[
                "3:57 wrong-type",
                "3:76 wrong-type",
                "4:32 wrong-type",
                "6:52 wrong-type",
                "6:78 wrong-type",
                "7:16 wrong-type",
                "8:11 wrong-type",
            ]),
        row("§3.3", "builders that are no list")
            .json("{\n  \"builders\": {\"type\": \"null\"}\n}\n")
            .finds(&["2:15 wrong-type"]),
    ]
}
