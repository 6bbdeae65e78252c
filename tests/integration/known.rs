//! Components that exist and are not ours: checked as far as that goes, and refused where they are to be built.

use crate::forge::Forge;

const TEMPLATE: &str = r#"packer {
  required_plugins {
    tart = {
      version = ">= 1.12.0"
      source  = "github.com/cirruslabs/tart"
    }
  }
}
source "amazon-ebs" "web" {
  ami_name      = "web-${var.nam}"
  instance_type = "t3.micro"
  source_ami    = "ami-1"
  ssh_username  = "admin"
}
source "tart-cli" "mac" {}
build {
  sources = ["source.amazon-ebs.web", "source.tart-cli.mac"]
  provisioner "ansibel" {
    playbook_file = "a.yml"
  }
}
variable "name" {
  default = "x"
}
"#;

#[test]
fn templates_for_other_builders_are_checked() {
    let forge = Forge::new().file("image.pkr.hcl", TEMPLATE);
    forge.run(&["validate", "image.pkr.hcl"]).expect(
        1,
        "\
warning[not-supported-yet]: the builder `amazon-ebs` can be checked, but not run yet
 --> image.pkr.hcl:9:8
  |
9 | source \"amazon-ebs\" \"web\" {
  |        ^^^^^^^^^^^^

error[undefined-variable]: there is no variable `nam`
  --> image.pkr.hcl:10:30
   |
10 |   ami_name      = \"web-${var.nam}\"
   |                              ^^^
   |
   = help: did you mean `name`?

warning[unchecked-component]: the builder `tart-cli` comes from a plugin that imgforge does not know
  --> image.pkr.hcl:15:8
   |
 5 |       source  = \"github.com/cirruslabs/tart\"
   |                 ---------------------------- the plugin
...
15 | source \"tart-cli\" \"mac\" {}
   |        ^^^^^^^^^^
   |
   = help: its arguments are not checked, and it can't be run

error[unknown-provisioner]: there is no provisioner `ansibel`
  --> image.pkr.hcl:18:15
   |
18 |   provisioner \"ansibel\" {
   |               ^^^^^^^^^
   |
   = help: did you mean `ansible`?",
    );
}

#[test]
fn they_are_an_error_where_they_are_to_be_built() {
    let sound = TEMPLATE.replace("nam}", "name}").replace("ansibel", "ansible");
    let forge = Forge::new().file("image.pkr.hcl", &sound).file("a.yml", "");
    forge.run(&["validate", "image.pkr.hcl"]).code(0);
    let ended = forge.run(&["build", "image.pkr.hcl"]);
    ended.code(1);
    for wanted in [
        "error[not-supported-yet]: the builder `amazon-ebs`",
        "error[unchecked-component]: the builder `tart-cli`",
        "error[not-supported-yet]: the provisioner `ansible`",
    ] {
        assert!(ended.stdout.contains(wanted), "{wanted}: {}", ended.stdout);
    }
    let other = Forge::new().file("image.pkr.hcl", &format!("{sound}source \"null\" \"a\" {{\n  communicator = \"none\"\n}}\nbuild {{\n  sources = [\"source.null.a\"]\n}}\n"));
    other.run(&["build", "-only=null.a", "image.pkr.hcl"]).code(0);
}

#[test]
fn plugins_are_required_in_one_form() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"packer {
  required_plugins {
    a = ">= 1.0"
    b = { version = ">= 1.0-beta", source = "github.com/hashicorp/b" }
    c = { version = "one", source = "hashicorp/c" }
    D = { source = "github.com/hashicorp/packer-plugin-d" }
    e = { version = "1.0", source = "https://github.com/hashicorp/e", sha = "x" }
  }
}
packer {
  required_plugins {
    a = { version = "1.0", source = "github.com/hashicorp/a" }
  }
}
"#,
    );
    let ended = forge.run(&["validate", "-syntax-only", "image.pkr.hcl"]);
    ended.code(1);
    let told: Vec<&str> = ended
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("error[").or_else(|| line.trim_start().strip_prefix("--> image.pkr.hcl:")))
        .collect();
    assert_eq!(
        told,
        [
            "wrong-type]: the requirement of `a` is an object with `source` and `version`",
            "3:9",
            "invalid-version]: `>= 1.0-beta` is not a version constraint: a constraint can't name a pre-release",
            "4:21",
            "invalid-version]: `one` is not a version constraint: `one` is not a version",
            "5:21",
            "invalid-plugin-source]: `hashicorp/c` is not the source of a plugin: it needs a host and at least two further parts",
            "5:37",
            "invalid-name]: the name of a plugin is written in lower case: `D`",
            "6:5",
            "missing-argument]: the requirement of `D` has no `version`",
            "6:5",
            "invalid-plugin-source]: `github.com/hashicorp/packer-plugin-d` is not the source of a plugin: its last part goes without `packer-plugin-`",
            "6:20",
            "invalid-plugin-source]: `https://github.com/hashicorp/e` is not the source of a plugin: it is written without a scheme",
            "7:37",
            "unknown-argument]: the requirement of a plugin has `source` and `version`, nothing else",
            "7:71",
            "duplicate-declaration]: `required_plugins.a` is declared twice",
            "12:5",
        ]
    );
}

#[test]
fn the_registry_is_checked_and_not_used() {
    let template = |body: &str| {
        format!(
            "hcp_packer_registry {{\n{body}\n}}\nsource \"null\" \"a\" {{\n  communicator = \"none\"\n}}\nbuild {{\n  sources = [\"source.null.a\"]\n}}\n"
        )
    };
    let check = |body: &str| Forge::new().file("image.pkr.hcl", &template(body)).run(&["validate", "image.pkr.hcl"]);
    check("  bucket_name = \"web-1\"\n  bucket_labels = { os = \"linux\" }").code(0);
    check("  bucket_name = \"\"").code(0);
    for body in ["  bucket_name = \"a\"", "  bucket_name = \"a_b_c\"", "  labels = \"x\"", "  bucket = \"x\""] {
        check(body).code(1);
    }
    let twice = check("  labels = {}\n  bucket_labels = {}");
    assert!(twice.stdout.contains("set one of them"), "{}", twice.stdout);
}
