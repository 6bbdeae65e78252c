//! Rows 126 to 140: `inspect` and `console`.

use super::{Row, row};
use crate::forge::Forge;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = inspect();
    rows.extend(console());
    rows
}

const FRUIT: &str = r#"variable "fruit" {
  type = string
}
locals {
  basket = var.fruit
}
source "file" "basket" {
  target  = "${local.basket}.txt"
  content = local.basket
}
build {
  sources = ["source.file.basket"]
}
"#;

/// What `inspect` prints of that template.
fn basket(fruit: &str) -> String {
    format!(
        r#"Packer Inspect: HCL2 mode

> input-variables:

var.fruit: "{fruit}"

> local-variables:

local.basket: "{fruit}"

> builds:

  > <unnamed build 0>:

    sources:

      file.basket

    provisioners:

      <no provisioner>

    post-processors:

      <no post-processor>
"#
    )
}

fn inspect() -> Vec<Row> {
    vec![
        row("126", "a variable that is not set, and a local of it", || {
            Forge::new()
                .file("fruit.pkr.hcl", FRUIT)
                .packer(&["inspect", "fruit.pkr.hcl"])
                .expect(0, &basket("<unknown>"));
        }),
        row("127", "the same from `-var`", || {
            let forge = Forge::new().file("fruit.pkr.hcl", FRUIT);
            forge.packer(&["inspect", "-var=fruit=banana", "fruit.pkr.hcl"]).expect(0, &basket("banana"));
        }),
        row("128", "variables with a type and without", || {
            let forge = Forge::new().file(
                "fruit.pkr.hcl",
                r#"variable "typed" {
  type = string
}
variable "typed_list" {
  type = list(string)
}
variable "untyped" {}
variable "untyped_list" {}
"#,
            );
            let flags = ["-var=typed=a", "-var=typed_list=[\"b\"]", "-var=untyped=c", "-var=untyped_list=[\"d\"]"];
            forge.packer(&[&["inspect"], &flags[..], &["fruit.pkr.hcl"]].concat()).expect(
                0,
                r#"Packer Inspect: HCL2 mode

> input-variables:

var.typed: "a"
var.typed_list: "[\n  \"b\",\n]"
var.untyped: "c"
var.untyped_list: "[\"d\"]"

> local-variables:


> builds:
"#,
            );
        }),
        row("129", "a folder: description, sources that are not there, numbered post-processors", || {
            let forge = Forge::new().env("FRUIT_OF_THE_DAY", "cherry").file(
                "a.pkr.hcl",
                r#"variable "of_the_day" {
  default = env("FRUIT_OF_THE_DAY")
}
build {
  name        = "salad"
  description = "All of it."
  sources     = ["source.null.bowl", "source.file.spoon"]
  provisioner "shell-local" {
    inline = ["true"]
  }
  post-processor "manifest" {
    name = "list"
  }
  post-processors {
    post-processor "shell-local" {
      inline = ["true"]
    }
    post-processor "manifest" {}
  }
  post-processor "shell-local" {
    inline = ["true"]
  }
}
"#,
            );
            let forge = forge.file("b.pkr.hcl", "variable \"a\" {}\nvariable \"b\" {}\n");
            forge.packer(&["inspect", "-var=a=1", "-var=b=2", "."]).expect(
                0,
                r#"Packer Inspect: HCL2 mode

> input-variables:

var.a: "1"
var.b: "2"
var.of_the_day: "cherry"

> local-variables:


> builds:

  > salad:

  > Description: All of it.

    sources:

      null.bowl

      file.spoon

    provisioners:

      shell-local

    post-processors:

      0:
        manifest.list

      1:
        shell-local
        manifest

      2:
        shell-local
"#,
            );
        }),
        row("130", "a required variable of JSON", || {
            let forge = Forge::new().file("fruit.json", "{\"variables\": {\"fruit\": null}}");
            let ended = forge.packer(&["inspect", "fruit.json"]);
            ended.code(0);
            assert!(ended.stdout.contains("Required variables:\n\n  fruit\n"), "{}", ended.stdout);
            assert!(ended.stdout.contains("Builders:\n\n  <No builders>\n"), "{}", ended.stdout);
        }),
        row("131", "sensitive variables", || {
            let forge = Forge::new().file(
                "secret.pkr.hcl",
                r#"variable "open" {
  default = "seen"
}
variable "hidden" {
  default   = "s3cret"
  sensitive = true
}
local "made" {
  expression = "of ${var.hidden}"
}
"#,
            );
            forge.packer(&["inspect", "secret.pkr.hcl"]).expect(
                0,
                r#"Packer Inspect: HCL2 mode

> input-variables:

var.hidden: "<sensitive>"
var.open: "seen"

> local-variables:

local.made: "<sensitive>"

> builds:
"#,
            );
        }),
    ]
}

/// A folder with a variable without a type, and a file that gives it a value.
fn untyped() -> Forge {
    let forge = Forge::new().file("untyped/a.pkr.hcl", "variable \"untyped\" {}\n");
    forge.file("untyped/a.auto.pkrvars.hcl", "untyped = [\"one\", \"two\", \"three\"]\n")
}

fn console() -> Vec<Row> {
    vec![
        row("132", "help of either language", || {
            for (flags, word) in [(&["console"][..], "JSON mode"), (&["console", "--config-type=hcl2"], "HCL2 mode")] {
                let ended = Forge::new().packer_feed(flags, "help\n");
                ended.code(0);
                assert!(ended.stdout.contains(word), "{}", ended.stdout);
            }
        }),
        row("133", "a variable from the environment, and a function of it", || {
            let forge = Forge::new().file("fruit.pkr.hcl", FRUIT).env("PKR_VAR_fruit", "potato");
            forge.packer_feed(&["console", "fruit.pkr.hcl"], "var.fruit\n").expect(0, "potato");
            forge.packer_feed(&["console", "fruit.pkr.hcl"], "upper(var.fruit)\n").expect(0, "POTATO");
        }),
        row("134", "no template", || {
            Forge::new().packer_feed(&["console", "--config-type=hcl2"], "1 + 5\n").expect(0, "6");
        }),
        row("135", "a map", || {
            let forge = Forge::new().file(
                "map.pkr.hcl",
                "variable \"images\" {\n  type    = map(string)\n  default = { b = \"2\", a = \"1\" }\n}\n",
            );
            forge
                .packer_feed(&["console", "map.pkr.hcl"], "var.images\n")
                .expect(0, "{\n  \"a\" = \"1\"\n  \"b\" = \"2\"\n}");
        }),
        row("136", "paths", || {
            let forge = Forge::new().file("below/map.pkr.hcl", "");
            forge.packer_feed(&["console", "below/map.pkr.hcl"], "path.cwd\n").expect(0, "@FOLDER@");
            forge.packer_feed(&["console", "below/map.pkr.hcl"], "path.root\n").expect(0, "below");
        }),
        row("137", "a list from `-var`", || {
            let forge = Forge::new().file("lists/a.pkr.hcl", "variable \"list\" {\n  type = list(string)\n}\n");
            forge.packer_feed(&["console", "-var=list=[\"first\"]", "lists"], "var.list[0]\n").expect(0, "first");
        }),
        row("138", "a variable without a type from a file that is found", || {
            untyped().packer_feed(&["console", "untyped"], "var.untyped[2]\n").expect(0, "three");
        }),
        row("139", "the same from `-var`", || {
            let ended = untyped().packer_feed(&["console", "-var=untyped=just_a_string", "untyped"], "var.untyped\n");
            ended.expect(0, "just_a_string");
        }),
        row("140", "one file alone has no values beside it", || {
            let forge = untyped();
            forge.packer_feed(&["console", "untyped/a.pkr.hcl"], "var.untyped\n").expect(0, "<unknown>");
            let forge = forge.env("PKR_VAR_untyped", "set");
            forge.packer_feed(&["console", "untyped/a.pkr.hcl"], "var.untyped\n").expect(0, "set");
        }),
    ]
}
