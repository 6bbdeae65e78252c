//! Rows 15 to 18, 167 to 173 and 252 to 255: data sources, and the order in which things are evaluated.

use super::{Row, row};

const IN_ENVIRONMENT: &str = r#"
data "null" "secret" {
  input = "s3cret"
}
locals {
  secret = data.null.secret.output
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    environment_vars = ["SECRET=${local.secret}", "SAME=${data.null.secret.output}"]
    inline           = ["true"]
  }
}
"#;

const DIRECTION: &str = r#"
data "null" "direction" {
  input = "upload"
}
locals {
  direction = data.null.direction.output
}
source "file" "greeting" {
  target  = "greeting.txt"
  content = "hello"
}
build {
  sources = ["file.greeting"]
  provisioner "file" {
    source      = "motd"
    destination = "/etc/motd"
    direction   = local.direction
  }
}
"#;

const MISSING_DATA: &str = r#"
data "null" "one" {
  input = data.null.two.output
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#;

const MISSING_LOCAL: &str = r#"
locals {
  one = local.nobody
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#;

const MIXED: &str = r#"
data "null" "first" {
  input = "a"
}
locals {
  second = "${data.null.first.output}b"
}
data "null" "third" {
  input = "${local.second}c"
}
locals {
  fourth = "${data.null.third.output}d"
}
source "file" "letters" {
  target  = "letters.txt"
  content = local.fourth
}
build {
  sources = ["file.letters"]
}
"#;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("15", "what a data source gives is not known yet").hcl(IN_ENVIRONMENT),
        row("16", "a local that is not known yet, where a word is chosen")
            .hcl(DIRECTION)
            .file("motd", "hello\n")
            .unlike_packer(1, "its placeholder is not a direction; what is not known yet is not judged"),
        row("17", "the same, known").hcl(DIRECTION).file("motd", "hello\n").flags(&["--evaluate-datasources"]),
        row("18", "a data source is checked and not run").hcl(
            r#"
data "http" "nobody" {
  url = "http://127.0.0.1:9/nobody-listens"
}
source "file" "page" {
  target  = "page.txt"
  content = data.http.nobody.body
}
build {
  sources = ["file.page"]
}
"#,
        ),
        row("18", "a data source's argument that it does not have")
            .hcl(
                r#"
data "http" "nobody" {
  url  = "http://127.0.0.1:9/nobody-listens"
  verb = "PUT"
}
source "file" "page" {
  target  = "page.txt"
  content = data.http.nobody.body
}
build {
  sources = ["file.page"]
}
"#,
            )
            .finds(&["4:3 unknown-argument"]),
        row("167", "two data sources of one type").hcl(
            r#"
data "null" "tea" {
  input = "green"
}
data "null" "coffee" {
  input = "black"
}
source "file" "drinks" {
  target  = "drinks.txt"
  content = "${data.null.tea.output} ${data.null.coffee.output}"
}
build {
  sources = ["file.drinks"]
}
"#,
        ),
        row("168", "a chain of five, each of the one before")
            .hcl(
                r#"
data "null" "e" {
  input = "${data.null.d.output}e"
}
data "null" "d" {
  input = "${data.null.c.output}d"
}
data "null" "c" {
  input = "${data.null.b.output}c"
}
data "null" "b" {
  input = "${data.null.a.output}b"
}
data "null" "a" {
  input = "a"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    script = data.null.e.output
  }
}
"#,
            )
            .file("abcde", "true\n")
            .flags(&["--evaluate-datasources"]),
        row("169", "a data source without labels")
            .hcl(
                "data {\n}\nsource \"null\" \"none\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = \
                 [\"null.none\"]\n}\n",
            )
            .finds(&["1:1 wrong-labels"]),
        row("170", "a data source without a name")
            .hcl(
                "data \"null\" {\n}\nsource \"null\" \"none\" {\n  communicator = \"none\"\n}\nbuild {\n  sources = \
                 [\"null.none\"]\n}\n",
            )
            .finds(&["1:1 wrong-labels"]),
        row("171", "a data source of a type that does not exist")
            .hcl(
                "data \"nonexistent\" \"x\" {\n}\nsource \"null\" \"none\" {\n  communicator = \"none\"\n}\nbuild \
                 {\n  sources = [\"null.none\"]\n}\n",
            )
            .finds(&["1:6 unknown-data-source"]),
        row("172", "a data source declared twice")
            .hcl(
                r#"
data "null" "tea" {
  input = "green"
}
data "null" "tea" {
  input = "black"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["5:1 duplicate-declaration"]),
        row("173", "two data sources that wait for each other")
            .hcl(
                r#"
data "null" "hen" {
  input = data.null.egg.output
}
data "null" "egg" {
  input = data.null.hen.output
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["2:1 reference-cycle"]),
        row("252", "a data source that needs one that is not there")
            .hcl(MISSING_DATA)
            .finds(&["3:16 undefined-data-source"]),
        row("252", "in sequence")
            .hcl(MISSING_DATA)
            .flags(&["-use-sequential-evaluation"])
            .finds(&["3:16 undefined-data-source"]),
        row("253", "a local that needs one that is not there").hcl(MISSING_LOCAL).finds(&["3:15 undefined-local"]),
        row("253", "in sequence")
            .hcl(MISSING_LOCAL)
            .flags(&["-use-sequential-evaluation"])
            .finds(&["3:15 undefined-local"]),
        row("254", "data sources and locals in turns").hcl(MIXED),
        row("255", "in sequence a data source can't use a local")
            .hcl(MIXED)
            .flags(&["-use-sequential-evaluation"])
            .finds(&["9:14 undefined-reference"]),
    ]
}
