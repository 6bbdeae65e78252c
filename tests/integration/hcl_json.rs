//! HCL2 written as JSON, from the file to what is built.

use crate::forge::Forge;

const TEMPLATE: &str = r#"{
  "//": "The same as image.pkr.hcl would be.",
  "variable": {
    "names": {"type": "list(string)", "default": ["a", "b"], "description": "Who is ${greeted}."}
  },
  "locals": {"greeting": "hello ${join(\" and \", var.names)}"},
  "source": {
    "file": {"note": {"target": "note.txt", "content": "${local.greeting}\n"}},
    "null": {"web": {"communicator": "none"}}
  },
  "build": {
    "sources": ["source.file.note"],
    "source": {"null.web": {"name": "site"}},
    "provisioner": [
      {"shell-local": {"inline": ["echo ${source.name}: $${HOME} ${length(var.names)}"], "only": ["null.site"]}},
      {"shell-local": [{"inline": ["echo {{ build_type }}"], "except": ["file.note"]}]}
    ],
    "post-processors": {"post-processor": [{"manifest": {"output": "manifest.json"}}]}
  }
}
"#;

#[test]
fn a_template_in_json_is_validated_and_built() {
    let forge = Forge::new().file("image.pkr.json", TEMPLATE);
    forge.run(&["validate", "image.pkr.json"]).expect(
        0,
        "\
The configuration is valid.",
    );
    forge.run(&["build", "-parallel-builds=1", "image.pkr.json"]).expect(
        0,
        "\
==> file.note: Running post-processor:  (type manifest)
Build 'file.note' finished after @TIME@.
==> null.site: Running local shell script: @SCRIPT@
==> null.site: site: @STATE@ 2
==> null.site: Running local shell script: @SCRIPT@
==> null.site: null
==> null.site: Running post-processor:  (type manifest)
Build 'null.site' finished after @TIME@.

==> Wait completed after @TIME@

==> Builds finished. The artifacts of successful builds are:
--> file.note: Stored file: note.txt
--> null.site: Did not export anything. This is the null builder",
    );
    assert_eq!(forge.read("note.txt"), "hello a and b\n");
}

#[test]
fn mistakes_of_a_template_in_json_are_told_at_their_places() {
    let forge = Forge::new().file(
        "image.pkr.json",
        r#"{
  "variable": {"region": {"type": "strin", "default": 1}},
  "source": {"null": {"web": {"communicator": "none", "ssh_hots": "x"}}},
  "build": {
    "sources": ["source.null.web"],
    "provisoner": {"shell-local": {}},
    "provisioner": {
      "shell-local": [
        {"inline": ["echo \"${var.rgion}\" {{ build_tipe }}"]},
        {"environment_vars": ["A=${upper(1 + )}"], "script": "setup.sh"}
      ]
    }
  },
  "biuld": {}
}
"#,
    );
    forge.run(&["validate", "image.pkr.json"]).expect(
        1,
        "\
error[invalid-type]: there is no type `strin`
 --> image.pkr.json:2:36
  |
2 |   \"variable\": {\"region\": {\"type\": \"strin\", \"default\": 1}},
  |                                    ^^^^^
  |
  = help: did you mean `string`?

error[unknown-argument]: the builder `null` has no argument `ssh_hots`
 --> image.pkr.json:3:55
  |
3 |   \"source\": {\"null\": {\"web\": {\"communicator\": \"none\", \"ssh_hots\": \"x\"}}},
  |                                                       ^^^^^^^^^^
  |
  = help: did you mean `ssh_host`?

error[unknown-block]: `build` has no block `provisoner`
 --> image.pkr.json:6:5
  |
6 |     \"provisoner\": {\"shell-local\": {}},
  |     ^^^^^^^^^^^^
  |
  = help: did you mean `provisioner`?

error[undefined-variable]: there is no variable `rgion`
 --> image.pkr.json:9:35
  |
9 |         {\"inline\": [\"echo \\\"${var.rgion}\\\" {{ build_tipe }}\"]},
  |                                   ^^^^^
  |
  = help: did you mean `region`?

error[expected-value]: expected a value, found `)`
  --> image.pkr.json:10:46
   |
10 |         {\"environment_vars\": [\"A=${upper(1 + )}\"], \"script\": \"setup.sh\"}
   |                                              ^

error[missing-file]: the script `setup.sh` is not there
  --> image.pkr.json:10:62
   |
10 |         {\"environment_vars\": [\"A=${upper(1 + )}\"], \"script\": \"setup.sh\"}
   |                                                              ^^^^^^^^^^
   |
   = help: the path is relative to the working directory, `@FOLDER@`

error[unknown-block]: a template has no block `biuld`
  --> image.pkr.json:14:3
   |
14 |   \"biuld\": {}
   |   ^^^^^^^
   |
   = help: did you mean `build`?",
    );
}

#[test]
fn a_folder_may_hold_templates_and_values_in_both_forms() {
    let forge = Forge::new()
        .file("b.pkr.json", r#"{"source": {"file": {"x": {"target": "x.txt", "content": "${local.text}"}}}}"#)
        .file(
            "a.pkr.json",
            r#"[{"variable": {"v": {}, "w": {"type": "map(string)"}}}, {"locals": {"text": "${var.v} ${var.w.k}"}}]"#,
        )
        .file("c.pkr.hcl", "build {\n  sources = [\"file.x\"]\n}\n")
        .file("a.auto.pkrvars.json", r#"{"//": "no variable", "v": "${as it is}", "w": {"k": 1}}"#)
        .file("b.auto.pkrvars.hcl", "v = \"weaker\"\n");
    forge.run(&["build", "."]).code(0);
    assert_eq!(forge.read("x.txt"), "${as it is} 1");
    // The build comes first, since files in HCL do.
    let again =
        forge.file("a.pkr.json", r#"{"variable": {"v": 1, "w": {}}, "locals": {"text": "${var.w}"}, "build": {}}"#);
    again.run(&["validate", "."]).expect(
        1,
        "\
error[wrong-type]: a `variable` block is an object, or a list of objects, not a number
 --> a.pkr.json:1:20
  |
1 | {\"variable\": {\"v\": 1, \"w\": {}}, \"locals\": {\"text\": \"${var.w}\"}, \"build\": {}}
  |                    ^

error[missing-source]: this build has no source
 --> a.pkr.json:1:65
  |
1 | {\"variable\": {\"v\": 1, \"w\": {}}, \"locals\": {\"text\": \"${var.w}\"}, \"build\": {}}
  |                                                                 ^^^^^^^
  |
  = help: add `sources = [\"source.TYPE.NAME\"]`

error[wrong-type]: `content` takes a string, not an object
 --> b.pkr.json:1:58
  |
1 | {\"source\": {\"file\": {\"x\": {\"target\": \"x.txt\", \"content\": \"${local.text}\"}}}}
  |                                                          ^^^^^^^^^^^^^^^",
    );
}

#[test]
fn values_in_json_are_held_to_the_rules_of_json() {
    let forge = Forge::new()
        .file("image.pkr.hcl", "variable \"v\" {}\nsource \"null\" \"x\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.x\"]\n}\n")
        .file("v.pkrvars.json", "{\"v\": {\"k\": 1, \"k\": 2}, // v\n \"variable\": {\"w\": {}},\n \"v\": 2}\n");
    forge.run(&["validate", "-var-file=v.pkrvars.json", "image.pkr.hcl"]).expect(
        1,
        "\
error[duplicate-key]: the key `k` is here twice
 --> v.pkrvars.json:1:16
  |
1 | {\"v\": {\"k\": 1, \"k\": 2}, // v
  |        ---     ^^^
  |        |
  |        first here
  |
  = help: delete one of the two

error[json-comment]: JSON has no comments
 --> v.pkrvars.json:1:25
  |
1 | {\"v\": {\"k\": 1, \"k\": 2}, // v
  |                         ^^^^
  |
  = help: delete it; a remark can be the value of a key `//`

error[unexpected-block]: a var file holds values only, no blocks
 --> v.pkrvars.json:2:2
  |
2 |  \"variable\": {\"w\": {}},
  |  ^^^^^^^^^^
  |
  = help: move it into a `.pkr.hcl` file

error[duplicate-key]: the key `v` is here twice
 --> v.pkrvars.json:3:2
  |
1 | {\"v\": {\"k\": 1, \"k\": 2}, // v
  |  --- first here
2 |  \"variable\": {\"w\": {}},
3 |  \"v\": 2}
  |  ^^^
  |
  = help: delete one of the two",
    );
}
