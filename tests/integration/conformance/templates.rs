//! Rows 1 to 37: whole templates, `-syntax-only`, `-except` and var files.

use super::{Row, row};

const JSON: &str = r#"{
  "builders": [{"type": "file", "target": "greeting.txt", "content": "hello"}],
  "provisioners": [{"type": "shell-local", "inline": ["echo done"]}],
  "post-processors": ["manifest"]
}
"#;

const HCL: &str = r#"
packer {
  required_version = ">= v1.0.0"
}

source "file" "greeting" {
  target  = "greeting.txt"
  content = "hello"
}

build {
  sources = ["source.file.greeting"]
  post-processor "manifest" {}
}
"#;

const WITH_VARIABLES: &str = r#"
variable "word" {
  type    = string
  default = "hello"
}

locals {
  target = "${var.word}.txt"
}

source "file" "greeting" {
  target  = local.target
  content = upper(var.word)
}

build {
  sources = ["file.greeting"]
}
"#;

const UNKNOWN_KEY: &str = r#"{
  "builders": [{"type": "file", "target": "greeting.txt", "content": "hello"}],
  "provisioners": [
    {
      "type": "file",
      "remark": "goes to the image",
      "source": "motd",
      "destination": "/etc/motd"
    }
  ]
}
"#;

const UNKNOWN_SOURCE: &str = r#"
source "file" "coffee" {
  target  = "cup.txt"
  content = "black"
}
build {
  sources = ["file.tea"]
}
"#;

const REQUIRED: &str = r#"{
  "variables": {
    "word": null
  },
  "builders": [{"type": "file", "target": "greeting.txt", "content": "{{user `word`}}"}]
}
"#;

const UNSET: &str = r#"
variable "word" {
  type = string
}

source "file" "greeting" {
  target  = "greeting.txt"
  content = var.word
}

build {
  sources = ["file.greeting"]
}
"#;

const EXCEPT_JSON: &str = r#"{
  "builders": [
    {"name": "tea", "type": "file", "content": "green"},
    {"name": "coffee", "type": "file", "target": "cup.txt", "content": "black"}
  ],
  "post-processors": [
    [
      {"name": "milk", "type": "shell-local", "inline": ["echo milk"]},
      {"name": "sugar", "type": "shell-local"}
    ],
    [
      {"name": "lemon", "type": "shell-local"},
      {"name": "honey", "type": "shell-local"}
    ]
  ]
}
"#;

const EXCEPT_HCL: &str = r#"
source "file" "tea" {
  content = "green"
}
source "file" "coffee" {
  target  = "cup.txt"
  content = "black"
}
build {
  sources = ["file.tea", "file.coffee"]
  post-processors {
    post-processor "shell-local" {
      name   = "milk"
      inline = ["echo milk"]
    }
    post-processor "shell-local" {
      name = "sugar"
    }
  }
}
"#;

const ONE_VARIABLE: &str = r#"
variable "word" {
  type = string
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    inline = ["echo ${var.word}"]
  }
}
"#;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("1", "a whole JSON template").json(JSON),
        row("2", "a whole HCL2 template, whose version has a v").hcl(HCL),
        row("3", "variables and locals").hcl(WITH_VARIABLES),
        row("4", "an argument that the component does not have")
            .json(UNKNOWN_KEY)
            .file("motd", "hello\n")
            .finds(&["6:7 unknown-argument"]),
        row("5", "a source that is not declared, and nothing like it")
            .hcl(UNKNOWN_SOURCE)
            .finds(&["7:14 unknown-source"])
            .says("the sources are file.coffee"),
        row("6", "a JSON variable that must be given").json(REQUIRED).finds(&["3:5 unset-variable"]),
        row("6", "the same, given").json(REQUIRED).flags(&["-var", "word=hello"]),
        row("7", "a variable without a value").hcl(UNSET).finds(&["2:10 unset-variable"]),
        row("8", "a duration without a unit")
            .hcl(
                r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    pause_before = "5"
    inline       = ["true"]
  }
}
"#,
            )
            .finds(&["8:20 invalid-value"]),
        row("9", "a version that is not met hides what a later version may know")
            .file("versions.pkr.hcl", "packer {\n  required_version = \">= 700000.0.0\"\n}\n")
            .file("later.pkr.hcl", "garden \"herbs\" {\n}\n")
            .finds(&["versions.pkr.hcl:2:22 unsupported-version"]),
        row("10", "a version that is met")
            .file("versions.pkr.hcl", "packer {\n  required_version = \">= 1.0.0, < 2.0.0\"\n}\n")
            .file(
                "image.pkr.hcl",
                "source \"null\" \"none\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.none\"]\n}\n",
            ),
        row("11", "an argument that `packer` does not have")
            .file("versions.pkr.hcl", "packer {\n  version = \">= 1.0.0\"\n}\n")
            .file(
                "image.pkr.hcl",
                "source \"null\" \"none\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.none\"]\n}\n",
            )
            .finds(&["versions.pkr.hcl:2:3 unknown-argument"]),
        row("12", "a block that does not exist")
            .hcl("src \"null\" \"none\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.none\"]\n}\n")
            .finds(&["1:1 unknown-block"]),
        row("13", "the same argument in a single file")
            .hcl(
                "packer {\n  version = \">= 1.0.0\"\n}\nsource \"null\" \"none\" {\n  communicator = \"none\"\n}\n\
                 build {\n  sources = [\"null.none\"]\n}\n",
            )
            .finds(&["2:3 unknown-argument"]),
        row("14", "a letter that a date can't be made of")
            .hcl(
                r#"
locals {
  day  = formatdate("YYYY-MM-DDX", timestamp())
  name = "image-${local.day}"
}
source "file" "name" {
  target  = "name.txt"
  content = local.name
}
build {
  sources = ["file.name"]
}
"#,
            )
            .finds(&["3:21 invalid-argument"]),
        row("19", "the JSON template, its text alone").json(JSON).syntax_only(),
        row("20", "the HCL2 template, its text alone").hcl(HCL).syntax_only(),
        row("21", "variables, the text alone").hcl(WITH_VARIABLES).syntax_only(),
        row("22", "the text alone says nothing of a component's arguments").json(UNKNOWN_KEY).syntax_only(),
        row("23", "nor of references").hcl(UNKNOWN_SOURCE).syntax_only(),
        row("24", "an object where a list must be, the text alone")
            .json(
                r#"{
  "builders": [{"type": "null"}],
  "provisioners": {"type": "shell-local", "inline": ["true"]}
}
"#,
            )
            .syntax_only()
            .finds(&["3:19 wrong-type"]),
        row("25", "the text alone says nothing of values to be given").json(REQUIRED).syntax_only(),
        row("26", "in HCL2 neither").hcl(UNSET).syntax_only(),
        row("27", "a JSON template that asks for a later version")
            .json(
                "{\n  \"min_packer_version\": \"101.0.0\",\n  \"builders\": [{\"type\": \"file\", \"target\": \"x\", \
                 \"content\": \"y\"}]\n}\n",
            )
            .finds(&["2:25 unsupported-version"])
            .says("101.0.0"),
        row("28", "and one that asks for an earlier one").json(
            "{\n  \"min_packer_version\": \"1.2.0\",\n  \"builders\": [{\"type\": \"file\", \"target\": \"x\", \
             \"content\": \"y\"}]\n}\n",
        ),
        row("29", "a build and the rest of a sequence left out").json(EXCEPT_JSON).flags(&["-except=tea,sugar,lemon"]),
        row("30", "the sound ones left out").json(EXCEPT_JSON).flags(&["-except=coffee,milk"]).finds(&[
            "3:29 missing-argument",
            "12:33 missing-argument",
            "13:33 missing-argument",
        ]),
        row("31", "the same in HCL2").hcl(EXCEPT_HCL).flags(&["-except=file.tea,sugar"]),
        row("31", "with the whole sequence left out").hcl(EXCEPT_HCL).flags(&["-except=file.tea,milk"]),
        row("32", "the sound build left out")
            .hcl(EXCEPT_HCL)
            .flags(&["-except=file.coffee"])
            .finds(&["2:1 missing-argument", "16:5 missing-argument"]),
        row("33", "a var file")
            .hcl(ONE_VARIABLE)
            .file("values.pkrvars.hcl", "word = \"hello\"\n")
            .flags(&["-var-file", "values.pkrvars.hcl"]),
        row("34", "a value in a var file that no variable takes")
            .hcl(ONE_VARIABLE)
            .file("values.pkrvars.hcl", "word   = \"hello\"\nnumber = 5\n")
            .flags(&["-var-file", "values.pkrvars.hcl"])
            .finds(&["warning values.pkrvars.hcl:2:1 undeclared-variable"])
            .says("variable \"number\" {}"),
        row("35", "a list in a JSON var file that no variable takes")
            .hcl(ONE_VARIABLE)
            .file("values.json", "{\n  \"word\": \"hello\",\n  \"numbers\": [1, 2]\n}\n")
            .flags(&["-var-file", "values.json"])
            .finds(&["warning values.json:3:3 undeclared-variable"]),
        row("36", "the warning not wanted")
            .hcl(ONE_VARIABLE)
            .file("values.pkrvars.hcl", "word   = \"hello\"\nnumber = 5\n")
            .flags(&["-no-warn-undeclared-var", "-var-file", "values.pkrvars.hcl"]),
        row("37", "for JSON neither")
            .hcl(ONE_VARIABLE)
            .file("values.json", "{\n  \"word\": \"hello\",\n  \"numbers\": [1, 2]\n}\n")
            .flags(&["-no-warn-undeclared-var", "-var-file", "values.json"]),
    ]
}
