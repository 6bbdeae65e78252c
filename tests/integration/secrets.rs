//! Secrets that a template reads from a service: a check asks for none, a build must not go on without them.

use crate::forge::Forge;

fn hcl() -> Forge {
    Forge::new().file(
        "image.pkr.hcl",
        r#"locals {
  password = vault("secret/image", "password")
}

source "null" "web" {
  communicator = "none"
}

build {
  sources = ["null.web"]
  provisioner "shell-local" {
    inline = ["echo ${local.password}", "echo ${consul_key("image/name")}"]
  }
}
"#,
    )
}

fn json(other: &str) -> Forge {
    Forge::new().file(
        "image.json",
        &format!(
            r#"{{
  "variables": {{
    "key": "{{{{consul_key `image/name`}}}}",
    "name": "a {{{{user `key`}}}}",
    "other": "{other}"
  }},
  "builders": [{{"type": "null", "communicator": "none"}}],
  "provisioners": [{{"type": "shell-local", "inline": ["echo {{{{user `name`}}}} {{{{user `other`}}}}"]}}]
}}
"#
        ),
    )
}

#[test]
fn a_check_asks_for_no_secret() {
    hcl().run(&["validate", "image.pkr.hcl"]).expect(0, "The configuration is valid.");
    json("b").run(&["validate", "image.json"]).expect(0, "The configuration is valid.");
}

#[test]
fn a_build_without_its_secrets_does_not_begin() {
    hcl().run(&["build", "image.pkr.hcl"]).expect(
        1,
        "\
error[network-function]: `vault`: imgforge cannot reach Vault yet
 --> image.pkr.hcl:2:14
  |
2 |   password = vault(\"secret/image\", \"password\")
  |              ^^^^^
  |
  = help: read it with `vault kv get` in the CI job, and give it by `-var` or the environment

error[network-function]: `consul_key`: imgforge cannot reach Consul yet
  --> image.pkr.hcl:12:49
   |
12 |     inline = [\"echo ${local.password}\", \"echo ${consul_key(\"image/name\")}\"]
   |                                                 ^^^^^^^^^^
   |
   = help: read it with `consul kv get` in the CI job, and give it by `-var` or the environment",
    );
    json("b").run(&["build", "image.json"]).expect(
        1,
        "\
error[network-function]: `consul_key`: imgforge cannot reach Consul yet
 --> image.json:3:15
  |
3 |     \"key\": \"{{consul_key `image/name`}}\",
  |               ^^^^^^^^^^
  |
  = help: read it with `consul kv get` in the CI job, and give it by `-var` or the environment",
    );
}

#[test]
fn a_variable_that_waits_for_a_secret_is_no_cycle_but_its_neighbour_is() {
    json("{{user `other`}}").run(&["validate", "image.json"]).expect(
        1,
        "\
error[reference-cycle]: `other` needs its own value
 --> image.json:5:15
  |
5 |     \"other\": \"{{user `other`}}\"
  |               ^^^^^^^^^^^^^^^^
  |
  = help: they wait for each other: `other` -> `other`",
    );
}

#[test]
fn what_is_made_of_a_secret_is_one_too() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"variable "password" {
  default   = "correct horse"
  sensitive = true
}
locals {
  shouted = upper(var.password)
}
source "null" "web" {
  communicator = "none"
}
build {
  sources = ["null.web"]
  provisioner "shell-local" {
    inline = [
      "echo ${local.shouted}",
      "echo ${md5(var.password)}",
      "echo ${strrev("${var.password}-${build.PackerRunUUID}")}",
      "printf '%s' '${var.password}' | base64",
      "echo $(printf '%s' '${var.password}' | tr a-z A-Z)",
    ]
  }
}
"#,
    );
    let ended = forge.run(&["build", "image.pkr.hcl"]);
    let shown: Vec<&str> = ended.stdout.lines().filter_map(|line| line.strip_prefix("==> null.web: <")).collect();
    assert_eq!(shown, ["sensitive>", "sensitive>", "sensitive>", "sensitive>", "sensitive>"], "{}", ended.stdout);
}

#[test]
fn names_of_builds_and_lines_with_mistakes_hide_secrets_too() {
    let build = r#"variable "pw" {
  default   = "hunter2secret"
  sensitive = true
}
source "null" "a" {
  communicator = "none"
}
build {
  name    = "n-${var.pw}"
  sources = ["null.a"]
  provisioner "shell-local" {
    inline = ["echo hi"]
  }
}
"#;
    let ended = Forge::new().file("image.pkr.hcl", build).run(&["build", "image.pkr.hcl"]);
    assert!(ended.code(0).stdout.contains("==> n-<sensitive>.null.a: hi\n"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
    let wrong = r#"variable "n" {
  default   = "secretword99"
  type      = number
  sensitive = true
}
variable "list" {
  type      = list(string)
  sensitive = true
}
"#;
    for (name, values) in [
        ("v.pkrvars.hcl", "n = \"topsecretvalue\"\nlist = [\"topsecretvalue\"\n"),
        ("v.json", "{\"n\": \"topsecretvalue\", \"list\": {\"a\": \"topsecretvalue\"}}"),
    ] {
        let forge = Forge::new().file("image.pkr.hcl", wrong).file(name, values);
        let ended = forge.run(&["validate", "-var-file", name, "image.pkr.hcl"]);
        ended.code(1);
        assert!(!ended.stdout.contains("secretword") && !ended.stdout.contains("topsecret"), "{}", ended.stdout);
    }
    let made = r#"{
  "variables": {"pw": "hunter2secret", "up": "{{user `pw` | upper}}", "in": "a {{user `up`}} b"},
  "sensitive-variables": ["pw"],
  "builders": [{"type": "null", "communicator": "{{user `up`}}"}],
  "provisioners": [{"type": "shell-local", "script": "{{user `in`}}", "pause_before": "{{user `pw` | upper}}"}]
}
"#;
    let ended = Forge::new().file("image.json", made).run(&["validate", "image.json"]);
    assert!(!ended.code(1).stdout.to_lowercase().contains("hunter2"), "{}", ended.stdout);
}

#[test]
fn a_secret_for_a_misspelt_variable_is_not_shown() {
    let forge = Forge::new()
        .file("image.pkr.hcl", "variable \"token\" {\n  type      = string\n  sensitive = true\n}\nsource \"null\" \"a\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.a\"]\n}\n")
        .file("values.pkrvars.hcl", "tokn = \"other-s3cret\"\n");
    let ended = forge.run(&[
        "validate",
        "-report=json=report.json",
        "-var=tokne=very-s3cret",
        "-var-file=values.pkrvars.hcl",
        "image.pkr.hcl",
    ]);
    let said = ended.code(1).stdout.clone() + &forge.read("report.json");
    assert!(said.contains("declares no variable `tokne`") && said.contains("declares no variable `tokn`"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}
