//! Rows 174 to 195 and 250: variables, their values and locals.

use super::{Row, row};

const NAMED: &str = r#"
variable "foo" {
  type = string
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    script = var.foo
  }
}
"#;

const NOTHING: &str = r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#;

const LIST: &str = r#"
variable "words" {
  type    = list(string)
  default = ["one"]
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#;

const BOOL: &str = r#"
variable "quiet" {
  type    = bool
  default = true
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#;

const VALIDATED: &str = r#"
variable "region" {
  type    = string
  default = "eu-north"
  validation {
    condition     = startswith(var.region, "eu-")
    error_message = "The region must be in Europe."
  }
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = declarations();
    rows.extend(values());
    rows
}

fn declarations() -> Vec<Row> {
    vec![
        row("174", "all that a variable may say")
            .hcl(
                r#"
variable "words" {
  type        = string
  description = <<-EOT
    Words of
    greeting.
  EOT
  default     = "hello"
}
variable "password" {
  type      = string
  sensitive = true
  default   = null
}
variables {
  command = "{{ .Vars }} sh {{ .Path }}"
  port    = 22
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    inline = ["echo ${var.words} ${var.port} ${length(var.command)}"]
  }
}
"#,
            ),
        row("175", "a variable declared twice")
            .hcl("variable \"a\" {\n  default = 1\n}\nvariable \"a\" {\n  default = 2\n}\n")
            .finds(&["4:1 duplicate-declaration"]),
        row("176", "in both ways")
            .hcl("variables {\n  a = 1\n  b = 2\n}\nvariable \"b\" {\n  default = 3\n}\n")
            .finds(&["5:1 duplicate-declaration"]),
        row("177", "a local declared in two files")
            .file("a.pkr.hcl", "locals {\n  name = \"a\"\n}\n")
            .file("b.pkr.hcl", "local \"name\" {\n  expression = \"b\"\n}\n")
            .finds(&["b.pkr.hcl:1:1 duplicate-declaration"]),
        row("178", "a default that does not fit the type")
            .hcl("variable \"a\" {\n  type    = list(string)\n  default = \"one\"\n}\n")
            .finds(&["3:13 wrong-type"]),
        row("179", "an argument that a variable does not have")
            .hcl("variable \"a\" {\n  default = 1\n  invalid = true\n}\n")
            .finds(&["3:3 unknown-argument"]),
        row("180", "a variable without a value, used").hcl(NAMED).finds(&["2:10 unset-variable"]),
        row("181", "and not used")
            .hcl(
                r#"
variable "foo" {
  type = string
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["2:10 unset-variable"]),
        row("182", "locals and variables of many files in any order")
            .file("a.pkr.hcl", "locals {\n  path = \"${local.stem}${var.ending}\"\n}\n")
            .file("b.pkr.hcl", "local \"stem\" {\n  expression = join(\"-\", [local.name, \"one\"])\n}\n")
            .file("c.pkr.hcl", "locals {\n  name = lower(var.names[0])\n}\n")
            .file(
                "d.pkr.hcl",
                "variable \"names\" {\n  type    = list(string)\n  default = [\"SETUP\"]\n}\nvariables {\n  ending = \".sh\"\n}\n",
            )
            .file(
                "e.pkr.hcl",
                "source \"null\" \"none\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.none\"]\n  \
                 provisioner \"shell-local\" {\n    script = local.path\n  }\n}\n",
            )
            .file("setup-one.sh", "true\n"),
        row("183", "locals that wait for each other")
            .hcl("locals {\n  hen = local.egg\n  egg = \"${local.hen}!\"\n}\n")
            .finds(&["2:3 reference-cycle"])
            .says("`local.hen` -> `local.egg` -> `local.hen`"),
        row("186", "a number given as text")
            .hcl(
                r#"
variable "attempts" {
  default = "1"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    max_retries = var.attempts
    inline      = ["true"]
  }
}
"#,
            ),
        row("187", "a value that its validation allows").hcl(VALIDATED),
        row("188", "a default that its validation does not allow")
            .hcl(
                r#"
variable "region" {
  type    = string
  default = "us-east"
  validation {
    condition     = startswith(var.region, "eu-")
    error_message = "The region must be in Europe."
  }
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["4:13 invalid-value"])
            .says("The region must be in Europe."),
        row("189", "attributes of an object that may be left out")
            .hcl(
                r#"
variable "disk" {
  type = object({
    name = string
    size = optional(number, 20)
    note = optional(string)
  })
  default = {
    name = "root"
  }
}
locals {
  size = "${var.disk.size}G"
}
"#,
            )
            .syntax_only(),
        row("189", "and their values")
            .hcl(
                r#"
variable "disk" {
  type = object({
    name = string
    size = optional(number, 20)
    note = optional(string)
  })
  default = {
    name = "root"
  }
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    script = "${var.disk.name}-${var.disk.size}-${var.disk.note == null}"
  }
}
"#,
            )
            .file("root-20-true", "true\n"),
        row("250", "a local declared twice in one file")
            .hcl("locals {\n  name = \"a\"\n}\nlocals {\n  name = \"b\"\n}\n")
            .finds(&["5:3 duplicate-declaration"])
            .says("local.name"),
    ]
}

fn values() -> Vec<Row> {
    vec![
        row("184", "a var file of any name")
            .hcl(NAMED)
            .file("wee.hcl", "foo = \"wee\"\n")
            .file("wee", "true\n")
            .flags(&["-var-file", "wee.hcl"]),
        row("185", "a value that no variable takes, and no warning wanted")
            .hcl(NOTHING)
            .file("wee.hcl", "foo = \"wee\"\n")
            .flags(&["-no-warn-undeclared-var", "-var-file", "wee.hcl"]),
        row("190", "an environment variable that no variable takes").hcl(NOTHING).env("PKR_VAR_used_string", ""),
        row("191", "a string for a list, from the environment")
            .hcl(LIST)
            .env("PKR_VAR_words", "\"one\"")
            .finds(&["PKR_VAR_words:1:1 wrong-type"]),
        row("192", "a list for a bool, from a var file")
            .hcl(BOOL)
            .file("loud.hcl", "quiet = [\"false\"]\n")
            .flags(&["-var-file", "loud.hcl"])
            .finds(&["loud.hcl:1:9 wrong-type"]),
        row("193", "a list for a bool, from the command line")
            .hcl(BOOL)
            .flags(&["-var", "quiet=[\"true\"]"])
            .finds(&["-var quiet:1:1 wrong-type"]),
        row("194", "a value on the command line that no variable takes")
            .hcl(BOOL)
            .flags(&["-var", "undefined_string=value"])
            .finds(&["-var undefined_string:1:1 undeclared-variable"]),
        row("195", "a variable declared in a var file")
            .hcl(BOOL)
            .file("loud.hcl", "variable \"loud\" {\n}\n")
            .flags(&["-var-file", "loud.hcl"])
            .finds(&["loud.hcl:1:1 unexpected-block"]),
        row("§1.5", "the environment is weaker than automatic files, these than var files, these than flags")
            .file("image.pkr.hcl", PRECEDENCE)
            .file("a.auto.pkrvars.hcl", "two = \"hcl\"\nthree = \"hcl\"\nfour = \"hcl\"\nfive = \"hcl\"\n")
            .file("A.auto.pkrvars.json", "{\"three\": \"json\", \"four\": \"json\", \"five\": \"json\"}")
            .file("first.json", "{\"four\": \"first\", \"five\": \"first\"}")
            .file("second.hcl", "four = \"second\"\nfive = \"second\"\n")
            .file("env-hcl-json-second-flag", "true\n")
            .env("PKR_VAR_one", "env")
            .env("PKR_VAR_two", "env")
            .flags(&["-var", "five=flag", "-var-file", "first.json", "-var-file=second.hcl"]),
        row("§1.5", "automatic files belong to a folder, not to a file")
            .hcl(NAMED)
            .file("a.auto.pkrvars.hcl", "foo = \"wee\"\n")
            .finds(&["2:10 unset-variable"]),
        row("§1.5", "a value that does not fit is wrong though a stronger one fits")
            .file("image.pkr.hcl", BOOL)
            .file("a.auto.pkrvars.hcl", "quiet = []\n")
            .flags(&["-var", "quiet=false"])
            .finds(&["a.auto.pkrvars.hcl:1:9 wrong-type"]),
        row("§1.5", "a validation looks at the strongest value alone")
            .hcl(VALIDATED)
            .file("weak.hcl", "region = \"us-east\"\n")
            .flags(&["-var-file", "weak.hcl", "-var", "region=eu-south"]),
        row("§1.5", "and finds it wherever it comes from")
            .hcl(VALIDATED)
            .flags(&["-var", "region=us-east"])
            .finds(&["-var region:1:1 invalid-value"])
            .says("The region must be in Europe."),
        row("§1.5", "a bare word is not a list")
            .hcl(LIST)
            .flags(&["-var", "words=one"])
            .finds(&["-var words:1:1 reference-not-allowed"]),
        row("§1.5", "an expression for a list can't call functions")
            .hcl(LIST)
            .flags(&["-var", "words=split(\",\", \"a,b\")"])
            .finds(&["-var words:1:1 function-not-allowed"]),
        row("§1.5", "a default says the type of a variable that has none")
            .hcl("variable \"port\" {\n  default = 22\n}\n")
            .flags(&["-var", "port=ssh"])
            .finds(&["-var port:1:1 wrong-type"]),
        row("§1.5", "a var file that is neither HCL nor JSON")
            .hcl(BOOL)
            .file("values.txt", "quiet = true\n")
            .flags(&["-var-file", "values.txt"])
            .finds(&["values.txt:1:1 unknown-file-type"]),
        row("§1.5", "a var file that is not there")
            .hcl(BOOL)
            .flags(&["-var-file", "values.hcl"])
            .finds(&["- unreadable-file"]),
    ]
}

const PRECEDENCE: &str = r#"
variables {
  one   = "default"
  two   = "default"
  three = "default"
  four  = "default"
  five  = "default"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    script = "${var.one}-${var.two}-${var.three}-${var.four}-${var.five}"
  }
}
"#;
