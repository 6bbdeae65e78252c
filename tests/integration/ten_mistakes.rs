//! Ten mistakes of ten kinds in thirty lines: one run finds them all, each at its place, and nothing else.

use crate::conformance::places;
use crate::forge::Forge;

const HCL: &str = r#"variable "region" {
  default = "eu"
}
variable "size" {
  type    = number
  default = "large"
}
variable "owner" {
  type = string
}
locals {
  hen  = local.egg
  egg  = local.hen
  name = upper(var.regoin)
}
source "null" "web" {
  communicator = "none"
  ssh_hots     = "10.0.0.1"
}
build {
  sources = ["null.wbe", "null.web"]
  provisioner "shell-local" {
    inline = ["echo ${local.name"]
  }
  provisioner "shel" {}
  post-procesor "manifest" {}
}
variables {
  region = "us"
}
"#;

#[test]
fn ten_mistakes_of_an_hcl2_template() {
    assert_eq!(HCL.lines().count(), 30);
    let ended = Forge::new().file("image.pkr.hcl", HCL).run(&["validate", "image.pkr.hcl"]);
    assert_eq!(
        places(&ended.stdout, "image.pkr.hcl"),
        [
            "6:13 wrong-type",
            "8:10 unset-variable",
            "12:3 reference-cycle",
            "14:20 undefined-variable",
            "18:3 unknown-argument",
            "21:14 unknown-source",
            "23:21 unclosed-interpolation",
            "25:15 unknown-provisioner",
            "26:3 unknown-block",
            "29:3 duplicate-declaration",
        ]
    );
    ended.expect(
        1,
        r#"error[wrong-type]: the default does not fit the type of the variable `size`: a number is required, and this string does not hold one
 --> image.pkr.hcl:6:13
  |
5 |   type    = number
  |             ------ the type is declared here
6 |   default = "large"
  |             ^^^^^^^

error[unset-variable]: the variable `owner` has no value
 --> image.pkr.hcl:8:10
  |
8 | variable "owner" {
  |          ^^^^^^^
  |
  = help: give it a `default`, or a value by `-var owner=…`, a var file, or PKR_VAR_owner

error[reference-cycle]: `hen` needs its own value
  --> image.pkr.hcl:12:3
   |
12 |   hen  = local.egg
   |   ^^^
13 |   egg  = local.hen
   |   --- this needs `local.hen`
   |
   = help: they wait for each other: `local.hen` -> `local.egg` -> `local.hen`

error[undefined-variable]: there is no variable `regoin`
  --> image.pkr.hcl:14:20
   |
14 |   name = upper(var.regoin)
   |                    ^^^^^^
   |
   = help: did you mean `region`?

error[unknown-argument]: the builder `null` has no argument `ssh_hots`
  --> image.pkr.hcl:18:3
   |
18 |   ssh_hots     = "10.0.0.1"
   |   ^^^^^^^^
   |
   = help: did you mean `ssh_host`?

error[unknown-source]: there is no source `null.wbe`
  --> image.pkr.hcl:21:14
   |
20 | build {
   | ----- in this build
21 |   sources = ["null.wbe", "null.web"]
   |              ^^^^^^^^^^
   |
   = help: did you mean `source.null.web`?

error[unclosed-interpolation]: `${` is never closed
  --> image.pkr.hcl:23:21
   |
23 |     inline = ["echo ${local.name"]
   |                     ^^
   |
   = help: close it with `}`; to write `${` as text, write `$${`

error[unknown-provisioner]: there is no provisioner `shel`
  --> image.pkr.hcl:25:15
   |
25 |   provisioner "shel" {}
   |               ^^^^^^
   |
   = help: did you mean `shell`?

error[unknown-block]: `build` has no block `post-procesor`
  --> image.pkr.hcl:26:3
   |
26 |   post-procesor "manifest" {}
   |   ^^^^^^^^^^^^^
   |
   = help: did you mean `post-processor`?

error[duplicate-declaration]: `var.region` is declared twice
  --> image.pkr.hcl:29:3
   |
 1 | variable "region" {
   | ----------------- declared here first
...
29 |   region = "us"
   |   ^^^^^^
"#,
    );
}

const JSON: &str = r#"{
  "variables": {
    "region": "eu",
    "owner": null,
    "name": "{{user `rgion`}}"
  },
  "description": "Ten mistakes",
  "bilders": [],
  "builders": [
    {
      "type": "null",
      "communicator": "none",
      "ssh_hots": "10.0.0.1"
    },
    {"type": "file", "target": "greeting.txt", "content": "{{uper `hello`}}"},
    {"type": "file", "target": "other.txt", "content": "hello"}
  ],
  "provisioners": [
    {"type": "shel", "inline": ["true"]},
    {
      "type": "shell-local",
      "inline": ["echo {{user `owner`"],
      "only": ["null"],
      "only": ["file"]
    }
  ],
  "post-processors": [
    ["manifest"],
  ]
}
"#;

#[test]
fn ten_mistakes_of_a_json_template() {
    assert_eq!(JSON.lines().count(), 30);
    let ended = Forge::new().file("image.json", JSON).run(&["validate", "image.json"]);
    assert_eq!(
        places(&ended.stdout, "image.json"),
        [
            "4:5 unset-variable",
            "5:22 undefined-variable",
            "8:3 unknown-key",
            "13:7 unknown-argument",
            "15:62 undefined-function",
            "16:14 duplicate-declaration",
            "19:14 unknown-provisioner",
            "22:24 go-template-syntax",
            "24:7 duplicate-key",
            "28:17 json-trailing-comma",
        ]
    );
    ended.expect(
        1,
        r#"error[unset-variable]: the variable `owner` has no value
 --> image.json:4:5
  |
4 |     "owner": null,
  |     ^^^^^^^
  |
  = help: its default is null: give a value by `-var owner=…` or a var file

error[undefined-variable]: there is no variable `rgion`
 --> image.json:5:22
  |
5 |     "name": "{{user `rgion`}}"
  |                      ^^^^^
  |
  = help: did you mean `region`?

error[unknown-key]: a template has no key `bilders`
 --> image.json:8:3
  |
8 |   "bilders": [],
  |   ^^^^^^^^^
  |
  = help: did you mean `builders`?

error[unknown-argument]: the builder `null` has no argument `ssh_hots`
  --> image.json:13:7
   |
13 |       "ssh_hots": "10.0.0.1"
   |       ^^^^^^^^^^
   |
   = help: did you mean `ssh_host`?

error[undefined-function]: there is no function `uper`
  --> image.json:15:62
   |
15 |     {"type": "file", "target": "greeting.txt", "content": "{{uper `hello`}}"},
   |                                                              ^^^^
   |
   = help: did you mean `upper`?

error[duplicate-declaration]: there are two builders named `file`
  --> image.json:16:14
   |
15 |     {"type": "file", "target": "greeting.txt", "content": "{{uper `hello`}}"},
   |              ------ the first one
16 |     {"type": "file", "target": "other.txt", "content": "hello"}
   |              ^^^^^^
   |
   = help: give one of them another `name`

error[unknown-provisioner]: there is no provisioner `shel`
  --> image.json:19:14
   |
19 |     {"type": "shel", "inline": ["true"]},
   |              ^^^^^^
   |
   = help: did you mean `shell`?

error[go-template-syntax]: this `{{` is never closed
  --> image.json:22:24
   |
22 |       "inline": ["echo {{user `owner`"],
   |                        ^^
   |
   = help: add the missing `}}`

error[duplicate-key]: the key `only` is here twice
  --> image.json:24:7
   |
23 |       "only": ["null"],
   |       ------ first here
24 |       "only": ["file"]
   |       ^^^^^^
   |
   = help: delete one of the two

error[json-trailing-comma]: a `,` stands before `]`, which JSON does not allow
  --> image.json:28:17
   |
28 |     ["manifest"],
   |                 ^
   |
   = help: delete the `,`
"#,
    );
}
