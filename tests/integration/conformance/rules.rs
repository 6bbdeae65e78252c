//! Rules of HCL2 that have no row: what blocks hold, validations, names, `only` and `except`.

use super::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = blocks();
    rows.extend(validations());
    rows.extend(uses());
    rows
}

fn blocks() -> Vec<Row> {
    vec![
        row("§2.1", "arguments outside of blocks")
            .hcl("region = \"eu\"\nsource \"null\" \"x\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.x\"]\n}\n")
            .finds(&["1:1 unexpected-argument"]),
        row("§2.1", "a `dynamic` block outside of blocks")
            .hcl("dynamic \"source\" {\n}\n")
            .finds(&["1:1 unknown-block"]),
        row("§2.1", "labels too many and too few")
            .hcl("variable {\n}\nlocals \"x\" {\n}\nsource \"a\" \"b\" \"c\" {\n}\nbuild \"x\" {\n}\npacker \"x\" {\n}\n")
            .finds(&[
                "1:1 wrong-labels",
                "3:1 wrong-labels",
                "5:1 wrong-labels",
                "7:1 wrong-labels",
                "9:1 wrong-labels",
            ]),
        row("§2.1", "a `communicator` block is not looked at")
            .hcl(
                "communicator \"ssh\" \"x\" {\n  anything = 1\n}\nsource \"null\" \"x\" {\n  communicator = \"none\"\n}\n\
                 build {\n  sources = [\"null.x\"]\n}\n",
            ),
        row("§2.2", "labels of blocks that are not looked at otherwise")
            .hcl(
                r#"
communicator "ssh" {
}
variable "a" {
  default = 1
  validation "b" {
    condition     = var.a > 0
    error_message = "It must be more."
  }
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  post-processors "x" {
    post-processor "manifest" {
    }
  }
}
"#,
            )
            .finds(&["2:1 wrong-labels", "6:3 wrong-labels", "16:3 wrong-labels"]),
        row("§2.2", "a `from` block is not looked at")
            .hcl(
                r#"
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  from "somewhere" {
  }
}
"#,
            ),
        row("§2.2", "a pause that is empty is none")
            .hcl(
                r#"
variable "pause" {
  default = ""
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    pause_before = var.pause
    timeout      = ""
    inline       = ["true"]
  }
}
"#,
            ),
        row("§2.2", "version constraints that can't be read")
            .hcl("packer {\n  required_version = \">= 1.0, latest\"\n}\n")
            .finds(&["2:22 invalid-version"]),
        row("§2.2", "names that are no names")
            .hcl(
                r#"
variable "1st" {
  default = 1
}
variable "a b" {
  default = 1
}
variable "naïve-_9" {
  default = 1
}
local "my local" {
  expression = 1
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
}
"#,
            )
            .finds(&["2:10 invalid-name", "5:10 invalid-name"]),
        row("§2.2", "types that are no types")
            .hcl(
                r#"
variable "a" {
  type    = "string"
  default = "x"
}
variable "b" {
  type    = list
  default = []
}
variable "c" {
  type    = map(int)
  default = {}
}
variable "d" {
  type    = object({ a = strng })
  default = { a = "x" }
}
"#,
            )
            .finds(&["3:13 invalid-type", "7:13 invalid-type", "11:17 invalid-type", "15:26 invalid-type"]),
        row("§2.2", "a default is made of constants and the environment")
            .hcl(
                r#"
variable "a" {
  default = env("WORD")
}
variable "b" {
  default = var.a
}
variable "c" {
  default = upper("x")
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    script = "${var.a}.sh"
  }
}
"#,
            )
            .env("WORD", "hello")
            .file("hello.sh", "true\n")
            .finds(&["6:13 reference-not-allowed", "9:13 function-not-allowed"]),
        row("§2.2", "`env` is for defaults alone")
            .hcl("locals {\n  home = env(\"HOME\")\n}\n")
            .finds(&["2:10 function-not-allowed"]),
        row("§2.2", "descriptions and secrecy are written out")
            .hcl("variable \"a\" {\n  default     = 1\n  description = \"${var.b}\"\n  sensitive   = var.b\n}\n")
            .finds(&["3:17 wrong-type", "4:17 wrong-type"]),
        row("§2.2", "a local without a value")
            .hcl("local \"a\" {\n  sensitive = true\n}\n")
            .finds(&["1:1 missing-argument"]),
        row("§2.2", "locals three in a circle, and one beside it")
            .hcl(
                r#"
locals {
  a = local.b
  b = "${local.c}x"
  c = [for x in [1] : local.a]
  d = local.a
  e = local.e
}
"#,
            )
            .finds(&["3:3 reference-cycle", "7:3 reference-cycle"]),
    ]
}

fn validations() -> Vec<Row> {
    vec![
        row("§2.2", "what a validation needs")
            .hcl("variable \"a\" {\n  default = 1\n  validation {\n  }\n}\n")
            .finds(&["3:3 missing-argument", "3:3 missing-argument"]),
        row("§2.2", "a validation looks at its own variable alone")
            .hcl(
                r#"
variable "a" {
  default = 1
  validation {
    condition     = var.a > var.b
    error_message = "It must be more."
  }
}
variable "b" {
  default = 0
  validation {
    condition     = 1 > 0
    error_message = "It must be true."
  }
}
"#,
            )
            .finds(&["5:29 invalid-validation", "12:21 invalid-validation"]),
        row("§2.2", "the message of a validation is a sentence")
            .hcl(
                r#"
variable "a" {
  default = 1
  validation {
    condition     = var.a > 0
    error_message = ""
  }
  validation {
    condition     = var.a > 0
    error_message = "must be more."
  }
  validation {
    condition     = var.a > 0
    error_message = "It must be more"
  }
  validation {
    condition     = var.a > 0
    error_message = "Is it more?"
  }
  validation {
    condition     = var.a > 0
    error_message = "1 or more!"
  }
  validation {
    condition     = var.a > 0
    error_message = "Éa must be more."
  }
}
"#,
            )
            .finds(&["6:21 invalid-validation", "10:21 invalid-validation", "14:21 invalid-validation"]),
        row("§2.2", "a condition is true or false")
            .hcl(
                r#"
variable "a" {
  default = 1
  validation {
    condition     = "${var.a} times"
    error_message = "It must be more."
  }
  validation {
    condition     = var.a > 0 ? null : true
    error_message = "It must be more."
  }
}
"#,
            )
            .finds(&["5:21 invalid-validation", "9:21 invalid-validation"]),
        row("§2.2", "what says true or false in quotes").hcl(
            r#"
variable "a" {
  default   = "true"
  sensitive = "true"
  validation {
    condition     = var.a
    error_message = "It must be so."
  }
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
}
"#,
        ),
        row("§2.2", "every rule that is broken is told")
            .hcl(
                r#"
variable "a" {
  default = 1
  validation {
    condition     = var.a > 1
    error_message = "It must be more."
  }
  validation {
    condition     = var.a > 2
    error_message = "It must be much more."
  }
}
"#,
            )
            .finds(&["3:13 invalid-value", "3:13 invalid-value"])
            .says("It must be much more."),
        row("§2.2", "a value to be given is not validated, but asked for")
            .hcl(
                r#"
variable "a" {
  type = number
  validation {
    condition     = var.a > 1
    error_message = "It must be more."
  }
}
"#,
            )
            .finds(&["2:10 unset-variable"]),
    ]
}

fn uses() -> Vec<Row> {
    vec![
        row("§2.2", "the first of three parts of a reference may be anything")
            .hcl("source \"null\" \"x\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"sauce.null.x\"]\n}\n"),
        row("§2.2", "a source can be extended, not changed")
            .hcl(
                r#"
source "file" "x" {
  target = "x.txt"
}
build {
  source "source.file.x" {
    name    = "y"
    content = "hello"
    target  = "y.txt"
  }
}
"#,
            )
            .finds(&["9:5 duplicate-argument"]),
        row("§2.2", "the name that a build gives is written out")
            .hcl(
                r#"
variable "name" {
  default = "y"
}
source "null" "x" {
  communicator = "none"
}
build {
  source "source.null.x" {
    name = var.name
  }
}
"#,
            )
            .finds(&["10:12 wrong-type"]),
        row("§2.2", "`only` and `except` together")
            .hcl(
                r#"
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    only   = ["null.x"]
    except = ["null.y"]
    inline = ["true"]
  }
}
"#,
            )
            .finds(&["9:15 conflicting-arguments"]),
        row("§2.2", "durations, numbers and bools of a provisioner")
            .hcl(
                r#"
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    inline            = ["true"]
    pause_before      = "soon"
    timeout           = "1 hour"
    max_retries       = "often"
    continue_on_error = "perhaps"
  }
}
"#,
            )
            .finds(&["9:25 invalid-value", "10:25 invalid-value", "11:25 wrong-type", "12:25 wrong-type"]),
        row("§2.2", "a misspelt name has a suggestion")
            .hcl(
                r#"
locals {
  greeting = "hello"
  loud     = upper(local.greting)
}
source "null" "web" {
  communicator = "none"
}
build {
  sources = ["source.null.wbe"]
}
"#,
            )
            .finds(&["4:26 undefined-local", "10:14 unknown-source"])
            .says("did you mean `greeting`?")
            .says("did you mean `source.null.web`?"),
        row("§1.6", "a pattern that can't be read")
            .hcl("source \"null\" \"x\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.x\"]\n}\n")
            .flags(&["-only=null.[x"])
            .finds(&["- invalid-pattern"]),
        row("§1.6", "a pattern that matches nothing")
            .hcl("source \"null\" \"x\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = [\"null.x\"]\n}\n")
            .flags(&["-only=*.y"])
            .finds(&["warning - unused-pattern"])
            .says("null.x"),
        row("§2.4", "names that do not exist where they stand")
            .hcl(
                r#"
locals {
  a = build.name
  b = source.name
  c = packer.verson
  d = path.cwd
  e = terraform.workspace
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    inline = ["echo ${build.Foo} ${source.name} ${build.ID} ${each.key}"]
  }
}
"#,
            )
            .finds(&[
                "3:7 undefined-reference",
                "4:7 undefined-reference",
                "5:14 undefined-reference",
                "7:7 undefined-reference",
                "15:29 undefined-reference",
                "15:63 undefined-reference",
            ]),
    ]
}
