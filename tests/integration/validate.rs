//! Every mistake at once, at its place.

use crate::forge::Forge;

#[test]
fn three_mistakes_of_a_json_template_are_told_at_once() {
    let forge = Forge::new().file(
        "image.json",
        r#"{
  "builders": [{"type": "null", "communicator": "none", "ssh_hots": "x"}],
  "provisioners": [
    {"type": "shell-local", "inline": ["echo {{user `rgion`}}"]},
    {"type": "shell-local", "script": "setup.sh"}
  ],
  "variables": {"region": "eu"}
}
"#,
    );
    forge.run(&["validate", "image.json"]).expect(
        1,
        "\
error[unknown-argument]: the builder `null` has no argument `ssh_hots`
 --> image.json:2:57
  |
2 |   \"builders\": [{\"type\": \"null\", \"communicator\": \"none\", \"ssh_hots\": \"x\"}],
  |                                                         ^^^^^^^^^^
  |
  = help: did you mean `ssh_host`?

warning[undefined-variable]: nothing gives the variable `rgion` a value, which leaves this empty
 --> image.json:4:54
  |
4 |     {\"type\": \"shell-local\", \"inline\": [\"echo {{user `rgion`}}\"]},
  |                                                      ^^^^^
  |
  = help: did you mean `region`?

error[missing-file]: the script `setup.sh` is not there
 --> image.json:5:39
  |
5 |     {\"type\": \"shell-local\", \"script\": \"setup.sh\"}
  |                                       ^^^^^^^^^^
  |
  = help: the path is relative to the working directory, `@FOLDER@`",
    );
}

#[test]
fn three_mistakes_of_an_hcl2_template_are_told_at_once() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"variable "region" {
  default = "eu"
}

source "null" "web" {
  communicator = "none"
  ssh_hots     = "x"
}

build {
  sources = ["source.null.web"]

  provisioner "shell-local" {
    inline = ["echo ${var.rgion}"]
  }
  provisioner "shell-local" {
    script = "setup.sh"
  }
}
"#,
    );
    forge.run(&["validate", "image.pkr.hcl"]).expect(
        1,
        "\
error[unknown-argument]: the builder `null` has no argument `ssh_hots`
 --> image.pkr.hcl:7:3
  |
7 |   ssh_hots     = \"x\"
  |   ^^^^^^^^
  |
  = help: did you mean `ssh_host`?

error[undefined-variable]: there is no variable `rgion`
  --> image.pkr.hcl:14:27
   |
14 |     inline = [\"echo ${var.rgion}\"]
   |                           ^^^^^
   |
   = help: did you mean `region`?

error[missing-file]: the script `setup.sh` is not there
  --> image.pkr.hcl:17:14
   |
17 |     script = \"setup.sh\"
   |              ^^^^^^^^^^
   |
   = help: the path is relative to the working directory, `@FOLDER@`",
    );
}

#[test]
fn a_broken_line_does_not_hide_what_is_wrong_elsewhere() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        "source \"null\" \"web\" {\n  communicator = \"none\n  ssh_user = 1\n}\n\nbuild {\n  sources = [\"source.null.wbe\"]\n}\n",
    );
    let ended = forge.run(&["validate", "image.pkr.hcl"]);
    let places: Vec<&str> =
        ended.code(1).stdout.lines().filter(|line| line.trim_start().starts_with("-->")).map(str::trim).collect();
    assert_eq!(places, ["--> image.pkr.hcl:2:18", "--> image.pkr.hcl:7:14"], "{}", ended.stdout);
}

#[test]
fn a_valid_template_is_valid_in_both_languages() {
    let forge =
        Forge::new().file("image.json", r#"{"builders": [{"type": "file", "target": "x", "content": "y"}]}"#).file(
            "image.pkr.hcl",
            "source \"file\" \"x\" {\n  target = \"x\"\n  content = \"y\"\n}\nbuild {\n  sources = [\"file.x\"]\n}\n",
        );
    forge.run(&["validate", "image.json"]).expect(0, "The configuration is valid.");
    forge.run(&["validate", "image.pkr.hcl"]).expect(0, "The configuration is valid.");
    forge
        .run(&["validate", "-syntax-only", "image.json"])
        .expect(0, "Syntax-only check passed. Everything looks okay.");
    forge.run(&["validate", "."]).expect(0, "The configuration is valid.");
}

#[test]
fn what_is_set_twice_and_what_waits_for_itself_is_shown_with_its_other_places() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"locals {
  sizes  = { small = 1, small = 2 }
  first  = local.second
  second = local.first
}
source "null" "web" {
  communicator = "none"
}
build {
  sources = ["null.web"]
}
"#,
    );
    forge.run(&["validate", "image.pkr.hcl"]).expect(
        1,
        "\
warning[duplicate-key]: the key `small` is here twice: the first value is lost
 --> image.pkr.hcl:2:25
  |
2 |   sizes  = { small = 1, small = 2 }
  |              -----      ^^^^^
  |              |
  |              set here first
  |
  = help: delete one of the two

error[reference-cycle]: `first` needs its own value
 --> image.pkr.hcl:3:3
  |
3 |   first  = local.second
  |   ^^^^^
4 |   second = local.first
  |   ------ this needs `local.first`
  |
  = help: they wait for each other: `local.first` -> `local.second` -> `local.first`",
    );
}

#[test]
fn each_cycle_of_json_variables_is_told_once() {
    let forge = Forge::new().file(
        "image.json",
        r#"{
  "variables": {
    "after": "{{user `egg`}} {{user `own`}}",
    "hen": "{{user `egg`}}",
    "egg": "{{user `shell`}} {{user `plain`}}",
    "shell": "{{user `hen`}}",
    "plain": "x",
    "own": "{{user `own`}}"
  },
  "builders": [{"type": "file", "content": "", "target": "{{user `after`}}"}]
}
"#,
    );
    forge.run(&["validate", "image.json"]).expect(
        1,
        "\
error[reference-cycle]: `egg` needs its own value
 --> image.json:5:13
  |
4 |     \"hen\": \"{{user `egg`}}\",
  |             -------------- this needs `egg`
5 |     \"egg\": \"{{user `shell`}} {{user `plain`}}\",
  |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
6 |     \"shell\": \"{{user `hen`}}\",
  |               -------------- this needs `hen`
  |
  = help: they wait for each other: `egg` -> `shell` -> `hen` -> `egg`

error[reference-cycle]: `own` needs its own value
 --> image.json:8:13
  |
8 |     \"own\": \"{{user `own`}}\"
  |             ^^^^^^^^^^^^^^
  |
  = help: they wait for each other: `own` -> `own`",
    );
}

#[test]
fn what_nobody_declares_is_told_once_with_the_places_that_read_it() {
    let forge = Forge::new().file(
        "image.json",
        r#"{
  "builders": [{"type": "null", "communicator": "none", "name": "{{user `zone`}}"}],
  "provisioners": [
    {"type": "shell-local", "inline": ["echo {{user `zone`}}", "echo {{user `size`}}"]},
    {"type": "shell-local", "inline": ["{{user `zone`}}"]},
    {"type": "shell-local", "inline": ["{{user `zone`}}"]},
    {"type": "shell-local", "inline": ["{{user `zone`}}"]},
    {"type": "shell-local", "inline": ["{{user `zone`}}"]},
    {"type": "shell-local", "inline": ["{{user `zone`}}"]},
    {"type": "shell-local", "inline": ["{{user `zone`}}"]}
  ]
}
"#,
    );
    forge.run(&["validate", "image.json"]).expect(
        0,
        r#"warning[undefined-variable]: nothing gives the variable `zone` a value, which leaves this empty
 --> image.json:2:74
  |
2 |   "builders": [{"type": "null", "communicator": "none", "name": "{{user `zone`}}"}],
  |                                                                          ^^^^
3 |   "provisioners": [
4 |     {"type": "shell-local", "inline": ["echo {{user `zone`}}", "echo {{user `size`}}"]},
  |                                                      ---- read here too
5 |     {"type": "shell-local", "inline": ["{{user `zone`}}"]},
  |                                                 ---- read here too
6 |     {"type": "shell-local", "inline": ["{{user `zone`}}"]},
  |                                                 ---- read here too
7 |     {"type": "shell-local", "inline": ["{{user `zone`}}"]},
  |                                                 ---- read here too
8 |     {"type": "shell-local", "inline": ["{{user `zone`}}"]},
  |                                                 ---- read here too, and at 2 more places
  |
  = help: declare it: `"zone": "…"` in `variables`

warning[undefined-variable]: nothing gives the variable `size` a value, which leaves this empty
 --> image.json:4:78
  |
4 |     {"type": "shell-local", "inline": ["echo {{user `zone`}}", "echo {{user `size`}}"]},
  |                                                                              ^^^^
  |
  = help: declare it: `"size": "…"` in `variables`

The configuration is valid."#,
    );
}

#[test]
fn a_wrong_name_is_one_mistake_and_the_help_fits() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"variable "size" {
  default = 1
  validation {
    condition     = var.sise > 0
    error_message = "The size is at least one."
  }
}
variable "count" {
  default = 1e100000
}
locals {
  none = data.null.nope.output
}
"#,
    );
    forge.run(&["validate", "-var", "size=large", "image.pkr.hcl"]).expect(
        1,
        "\
error[invalid-validation]: a validation may refer to `var.size` alone
 --> image.pkr.hcl:4:21
  |
4 |     condition     = var.sise > 0
  |                     ^^^^^^^^

error[invalid-number]: this number is too large
 --> image.pkr.hcl:9:13
  |
9 |   default = 1e100000
  |             ^^^^^^^^
  |
  = help: a number has up to 20000 digits, and an exponent from -19000 to 19000

error[undefined-data-source]: no data source of type `null` is declared
  --> image.pkr.hcl:12:15
   |
12 |   none = data.null.nope.output
   |               ^^^^
   |
   = help: declare one with `data \"null\" \"name\" { … }`

error[wrong-type]: the value given by `-var` does not fit the type of the variable `size`: a number is required, and this string does not hold one
 --> -var size:1:1
  |
1 | large
  | ^^^^^
  |
 ::: image.pkr.hcl:2:13
  |
2 |   default = 1
  |             - its type is taken from this default",
    );
}

#[test]
fn data_sources_that_come_first_know_no_locals() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"locals {
  greeting = "hello"
}
data "null" "echo" {
  input = local.greeting
}
"#,
    );
    forge.run(&["validate", "-use-sequential-evaluation", "image.pkr.hcl"]).expect(
        1,
        "\
error[undefined-reference]: `local` is not available here
 --> image.pkr.hcl:5:11
  |
5 |   input = local.greeting
  |           ^^^^^
  |
  = help: locals are not known yet: with `-use-sequential-evaluation` data sources are read before them",
    );
}

#[test]
fn each_wrong_part_of_a_value_is_told_where_it_is_written() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"variable "disks" {
  type = list(object({ size = number, name = string, tags = optional(map(bool)) }))
  default = [
    { size = 1, name = "a" },
    { size = "large", name = ["b"] },
    { name = "c", tags = { "x" = true, y = "no" } },
  ]
}
variable "ports" {
  type    = map(number)
  default = {}
}
"#,
    );
    forge.run(&["validate", "-var", "ports={ssh = 22, web = \"eighty\"}", "image.pkr.hcl"]).expect(
        1,
        "\
error[wrong-type]: the default does not fit the type of the variable `disks`: [1].size: a number is required, and this string does not hold one
 --> image.pkr.hcl:5:14
  |
2 |   type = list(object({ size = number, name = string, tags = optional(map(bool)) }))
  |          -------------------------------------------------------------------------- the type is declared here
...
5 |     { size = \"large\", name = [\"b\"] },
  |              ^^^^^^^

error[wrong-type]: the default does not fit the type of the variable `disks`: [1].name: a string is required, not a tuple
 --> image.pkr.hcl:5:30
  |
2 |   type = list(object({ size = number, name = string, tags = optional(map(bool)) }))
  |          -------------------------------------------------------------------------- the type is declared here
...
5 |     { size = \"large\", name = [\"b\"] },
  |                              ^^^^^

error[wrong-type]: the default does not fit the type of the variable `disks`: [2]: the attribute `size` is required
 --> image.pkr.hcl:6:5
  |
2 |   type = list(object({ size = number, name = string, tags = optional(map(bool)) }))
  |          -------------------------------------------------------------------------- the type is declared here
...
6 |     { name = \"c\", tags = { \"x\" = true, y = \"no\" } },
  |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

error[wrong-type]: the default does not fit the type of the variable `disks`: [2].tags.y: a bool is required, and this string is neither `true` nor `false`
 --> image.pkr.hcl:6:44
  |
2 |   type = list(object({ size = number, name = string, tags = optional(map(bool)) }))
  |          -------------------------------------------------------------------------- the type is declared here
...
6 |     { name = \"c\", tags = { \"x\" = true, y = \"no\" } },
  |                                            ^^^^

error[wrong-type]: the value given by `-var` does not fit the type of the variable `ports`: .web: a number is required, and this string does not hold one
  --> -var ports:1:18
   |
 1 | {ssh = 22, web = \"eighty\"}
   |                  ^^^^^^^^
   |
  ::: image.pkr.hcl:10:13
   |
10 |   type    = map(number)
   |             ----------- the type is declared here",
    );
}
