//! Builds from start to end, with what users' scripts read of them.

use crate::forge::Forge;

const TWO_BUILDS: &str = r#"{
  "variables": {"greeting": "hello", "secret": "{{env `SECRET`}}"},
  "sensitive-variables": ["secret"],
  "builders": [
    {"type": "file", "name": "a", "target": "a.txt", "content": "{{user `greeting`}}"},
    {"type": "file", "name": "b", "target": "b.txt", "content": "b"}
  ],
  "post-processors": [
    {"type": "shell-local", "inline": ["echo post {{build_name}} {{user `secret`}}"], "only": ["a"]},
    {"type": "manifest", "output": "manifest.json", "strip_time": true}
  ]
}
"#;

#[test]
fn a_build_tells_its_lines_and_its_artifacts() {
    let forge = Forge::new().file("image.json", TWO_BUILDS).env("SECRET", "s3cret-value");
    forge.run(&["build", "-parallel-builds=1", "-only=a", "image.json"]).expect(
        0,
        "\
==> file.a: Running post-processor: shell-local
==> file.a (shell-local): Running local shell script: @SCRIPT@
==> file.a (shell-local): post a <sensitive>
==> file.a: Running post-processor: manifest
Build 'file.a' finished after @TIME@.

==> Wait completed after @TIME@

==> Builds finished. The artifacts of successful builds are:
--> file.a: Stored file: a.txt",
    );
    assert_eq!(forge.read("a.txt"), "hello");
    assert!(!forge.exists("b.txt"));
    let manifest = forge.read("manifest.json");
    assert!(
        manifest.starts_with("{\n  \"builds\": [\n    {\n      \"name\": \"a\",\n      \"builder_type\": \"file\",\n"),
        "{manifest}"
    );
}

#[test]
fn variables_come_from_the_flag_the_file_and_the_environment() {
    let template = "variable \"v\" {\n  default = \"default\"\n}\nsource \"file\" \"x\" {\n  target = \"x.txt\"\n  content = var.v\n}\nbuild {\n  sources = [\"file.x\"]\n}\n";
    let forge = Forge::new().file("image.pkr.hcl", template).file("v.pkrvars.hcl", "v = \"file\"\n");
    let built = |arguments: &[&str]| {
        forge.run(&[&["build"], arguments, &["image.pkr.hcl"]].concat()).code(0);
        forge.read("x.txt")
    };
    assert_eq!(built(&[]), "default");
    assert_eq!(built(&["-var-file=v.pkrvars.hcl"]), "file");
    assert_eq!(built(&["-var", "v=flag", "-var-file=v.pkrvars.hcl"]), "flag");
    let forge = forge.env("PKR_VAR_v", "environment");
    forge.run(&["build", "image.pkr.hcl"]).code(0);
    assert_eq!(forge.read("x.txt"), "environment");
}

#[test]
fn provisioners_are_tried_again_and_the_cleanup_provisioner_runs_after_a_failure() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"source "null" "x" {
  communicator = "none"
}

build {
  sources = ["null.x"]

  provisioner "shell-local" {
    inline      = ["echo try >> tries", "exit 3"]
    max_retries = 1
  }
  error-cleanup-provisioner "shell-local" {
    inline = ["echo cleaning"]
  }
}
"#,
    );
    forge.run(&["build", "image.pkr.hcl"]).expect(
        1,
        "\
==> null.x: Running local shell script: @SCRIPT@
==> null.x: Provisioner failed with \"Script exited with non-zero exit status: 3. Allowed exit codes are: [0]\", retrying with 1 trie(s) left
==> null.x: Running local shell script: @SCRIPT@
==> null.x: retry limit reached.
==> null.x: Provisioning step had errors: Running the cleanup provisioner, if present...
==> null.x: Running local shell script: @SCRIPT@
==> null.x: cleaning
Build 'null.x' errored after @TIME@: Script exited with non-zero exit status: 3. Allowed exit codes are: [0]

==> Wait completed after @TIME@

==> Some builds didn't complete successfully and had errors:
--> null.x: Script exited with non-zero exit status: 3. Allowed exit codes are: [0]

==> Builds finished but no artifacts were created.",
    );
    assert_eq!(forge.read("tries"), "try\ntry\n");
}

/// A helper of this name is started, and looked for by all that comes after.
const HELPED: &str = r#"source "file" "x" {
  target  = "x.txt"
  content = "x"
}
source "null" "y" {
  communicator = "none"
}
build {
  sources = ["null.y"]
  provisioner "shell-local" {
    inline = ["nohup sleep 79 >/dev/null 2>&1 & echo $! > helper"]
  }
  provisioner "shell-local" {
    inline = ["kill -0 $(cat helper)"]
  }
}
build {
  sources = ["file.x"]
  post-processor "shell-local" {
    inline = ["nohup sleep 79 >/dev/null 2>&1 & echo $! > second"]
  }
  post-processor "shell-local" {
    inline = ["kill -0 $(cat second)"]
  }
}
"#;

#[test]
fn a_helper_that_a_script_leaves_running_serves_later_steps_and_ends_with_the_build() {
    let forge = Forge::new().file("image.pkr.hcl", HELPED);
    forge.run(&["build", "image.pkr.hcl"]).code(0);
    assert_eq!(running_in(forge.path()), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(forge.state().join("state/runs")).unwrap().count(), 0);
}

#[test]
fn a_timeout_ends_a_provisioner_with_all_its_children() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    inline  = ["sleep 77 & sleep 77"]
    timeout = "300ms"
  }
}
"#,
    );
    let ended = forge.run(&["build", "image.pkr.hcl"]);
    ended.code(1);
    assert!(
        ended.stdout.contains("==> null.x: Setting a 300ms timeout for the next provisioner..."),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("==> null.x: Cancelling provisioner after a timeout..."), "{}", ended.stdout);
    assert_eq!(running_in(forge.path()), Vec::<String>::new());
}

/// The command lines of processes that work in a folder.
pub(crate) fn running_in(folder: &std::path::Path) -> Vec<String> {
    let folder = folder.canonicalize().unwrap();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        if std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder) {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    found
}

#[test]
fn override_and_only_reach_the_sources_they_name() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"source "null" "one" {
  communicator = "none"
}
source "null" "two" {
  communicator = "none"
}
build {
  sources = ["null.one", "null.two"]
  provisioner "shell-local" {
    inline = ["echo general"]
    override = {
      two = { inline = ["echo special"] }
    }
  }
  provisioner "shell-local" {
    only   = ["null.one"]
    inline = ["echo ${source.name} alone"]
  }
}
"#,
    );
    let ended = forge.run(&["build", "-parallel-builds=1", "image.pkr.hcl"]);
    ended.code(0);
    let said: Vec<&str> =
        ended.stdout.lines().filter(|line| line.starts_with("==> null") && !line.contains("Running local")).collect();
    assert_eq!(said, ["==> null.one: general", "==> null.one: one alone", "==> null.two: special"]);
}

#[test]
fn nothing_is_built_while_an_error_stands_or_when_nothing_is_selected() {
    let forge = Forge::new().file("image.json", TWO_BUILDS).env("SECRET", "s3cret-value");
    forge.run(&["build", "-only=c", "image.json"]).code(1);
    assert!(!forge.exists("a.txt") && !forge.exists("b.txt"));
}

#[test]
fn keys_of_maps_are_go_templates_too() {
    let template = r#"{
  "variables": {"team": "core"},
  "builders": [{"type": "null", "communicator": "none", "name": "x"}],
  "post-processors": [{"type": "manifest", "custom_data": {
    "\u0061 {{user \"team\"}}-{{build_name}}": "{{build_type}}", "plain": "1"
  }}]
}
"#;
    let forge = Forge::new().file("image.json", template);
    forge.run(&["build", "image.json"]).code(0);
    let manifest = forge.read("packer-manifest.json");
    assert!(
        manifest.contains("\"custom_data\": {\n        \"a core-x\": \"null\",\n        \"plain\": \"1\"\n      }"),
        "{manifest}"
    );
    let forge = forge.file("image.json", &template.replace("team\\\"}}-{{build_name", "taem\\\"}}-{{build_nmae"));
    forge.run(&["validate", "image.json"]).expect(
        1,
        "\
warning[undefined-variable]: nothing gives the variable `taem` a value, which leaves this empty
 --> image.json:5:22
  |
5 |     \"\\u0061 {{user \\\"taem\\\"}}-{{build_nmae}}\": \"{{build_type}}\", \"plain\": \"1\"
  |                      ^^^^
  |
  = help: did you mean `team`?

error[undefined-function]: there is no function `build_nmae`
 --> image.json:5:33
  |
5 |     \"\\u0061 {{user \\\"taem\\\"}}-{{build_nmae}}\": \"{{build_type}}\", \"plain\": \"1\"
  |                                 ^^^^^^^^^^
  |
  = help: did you mean `build_name`?",
    );
}

#[test]
fn a_variable_may_hold_fields_that_are_filled_in_where_it_is_used() {
    let forge = Forge::new().file(
        "image.json",
        r#"{
  "variables": {"how": "echo 'with' {{ .Vars }} && sh {{.Script}}"},
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{
    "type": "shell-local",
    "environment_vars": ["WORD=hello"],
    "execute_command": ["sh", "-c", "{{user `how`}}"],
    "inline": ["echo done"]
  }]
}
"#,
    );
    let ended = forge.run(&["build", "image.json"]);
    let ended = ended.code(0);
    assert!(
        ended.stdout.contains("==> null: with PACKER_BUILDER_TYPE=null PACKER_BUILD_NAME=null WORD=hello\n"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("==> null: done\n"), "{}", ended.stdout);
}

#[test]
fn checksums_are_an_artifact_beside_the_one_they_are_of() {
    let forge = Forge::new().file(
        "image.json",
        r#"{
  "builders": [{"type": "file", "name": "b", "target": "fb.txt", "content": "hello"}],
  "post-processors": [[{"type": "checksum", "checksum_types": ["sha1"]}, "manifest"]]
}
"#,
    );
    forge.packer(&["build", "image.json"]).expect(
        0,
        "\
==> file.b: Running post-processor: checksum
==> file.b: Running post-processor: manifest
Build 'file.b' finished after @TIME@.

==> Wait completed after @TIME@

==> Builds finished. The artifacts of successful builds are:
--> file.b: Stored file: fb.txt
--> file.b: Created artifact from files: fb.txt, packer_b_file_sha1.checksum",
    );
    assert_eq!(forge.read("packer_b_file_sha1.checksum"), "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\tfb.txt\n");
    let manifest = forge.read("packer-manifest.json");
    assert!(manifest.contains("\"packer_b_file_sha1.checksum\""), "{manifest}");
}
