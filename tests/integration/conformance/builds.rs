//! Rows 144 to 166 and 211 to 215: builds, their sources, provisioners and post-processors.

use super::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = references();
    rows.extend(steps());
    rows.extend(sources());
    rows
}

fn references() -> Vec<Row> {
    vec![
        row("144", "two sources that are not declared")
            .hcl(
                r#"
build {
  sources = ["source.amazon-ebs.web", "source.virtualbox-iso.web"]
  provisioner "shell-local" {
    inline = ["true"]
  }
}
"#,
            )
            .finds(&["3:14 unknown-source", "3:39 unknown-source"]),
        row("150", "a reference of one word")
            .hcl("build {\n  sources = [\"coffee\"]\n}\n")
            .finds(&["2:14 invalid-reference"]),
        row("151", "a named build of a source that is not declared")
            .hcl("build {\n  name    = \"web\"\n  sources = [\"source.amazon-ebs.web\"]\n}\n")
            .finds(&["3:14 unknown-source"]),
        row("211", "a block that does not exist, with labels")
            .hcl("potato \"big\" \"red\" {\n}\n")
            .finds(&["1:1 unknown-block"]),
        row("212", "a folder without templates").file("notes.txt", "nothing here\n").finds(&["- no-template"]),
    ]
}

fn steps() -> Vec<Row> {
    vec![
        row("145", "a misspelt `provisioner`")
            .hcl(
                r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provision "shell-local" {
    inline = ["true"]
  }
}
"#,
            )
            .finds(&["7:3 unknown-block"])
            .says("did you mean `provisioner`?"),
        row("146", "a provisioner that does not exist")
            .hcl(
                r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "nonexistent" {
  }
}
"#,
            )
            .finds(&["7:15 unknown-provisioner"]),
        row("147", "two provisioners for cleaning up")
            .hcl(
                r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  error-cleanup-provisioner "shell-local" {
    inline = ["echo one"]
  }
  error-cleanup-provisioner "shell-local" {
    inline = ["echo two"]
  }
}
"#,
            )
            .finds(&["10:3 duplicate-declaration"]),
        row("148", "a misspelt `post-processor`")
            .hcl(
                r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  post-process "manifest" {
  }
}
"#,
            )
            .finds(&["7:3 unknown-block"])
            .says("did you mean `post-processor`?"),
        row("149", "a post-processor that does not exist")
            .hcl(
                r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  post-processor "nonexistent" {
  }
}
"#,
            )
            .finds(&["7:18 unknown-post-processor"]),
        row("152", "`only` and `except` of post-processors by the name that the build gives").hcl(
            r#"
source "null" "none" {
  communicator = "none"
}
build {
  source "null.none" {
    name = "renamed"
  }
  post-processor "shell-local" {
    only = ["null.none"]
  }
  post-processor "shell-local" {
    except = ["null.renamed"]
  }
  post-processor "manifest" {
    only = ["null.renamed"]
  }
}
"#,
        ),
        row("153", "the same of provisioners").hcl(
            r#"
source "null" "none" {
  communicator = "none"
}
build {
  source "null.none" {
    name = "renamed"
  }
  provisioner "shell-local" {
    only = ["null.none"]
  }
  provisioner "shell-local" {
    except = ["null.renamed"]
  }
  provisioner "shell-local" {
    only   = ["null.renamed"]
    inline = ["true"]
  }
}
"#,
        ),
        row("154", "a version in double braces")
            .hcl(
                r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    script = "{{packer_version}}"
  }
}
"#,
            )
            .file("1.16.0", "true\n"),
        row("155", "a build named by a variable and described by a local").hcl(
            r#"
variable "name" {
  default = "web"
}
locals {
  words = "the image of ${var.name}"
}
source "null" "none" {
  communicator = "none"
}
build {
  name        = var.name
  description = local.words
  sources     = ["null.none"]
}
"#,
        ),
        row("156", "a type that does not exist")
            .hcl(
                r#"
variable "name" {
  type    = int
  default = 5
}
source "null" "none" {
  communicator = "none"
}
build {
  name    = var.name
  sources = ["null.none"]
}
"#,
            )
            .finds(&["3:13 invalid-type"]),
        row("157", "a post-processor named by its build").hcl(
            r#"
source "null" "none" {
  communicator = "none"
}
build {
  name    = "web"
  sources = ["null.none"]
  post-processor "shell-local" {
    name   = "${build.name}-notes"
    inline = ["true"]
  }
}
"#,
        ),
        row("158", "a provisioner named by its build").hcl(
            r#"
source "null" "none" {
  communicator = "none"
}
build {
  name    = "web"
  sources = ["null.none"]
  provisioner "shell-local" {
    name   = "${build.name}-setup"
    inline = ["echo ${build.name}"]
  }
}
"#,
        ),
        row("159", "a pause and another attempt").hcl(
            r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    pause_before = "1m5s"
    max_retries  = 5
    inline       = ["true"]
  }
}
"#,
        ),
        row("160", "a limit of time").hcl(
            r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    timeout = "5m"
    inline  = ["true"]
  }
}
"#,
        ),
        row("213", "an `override` that is not an object")
            .hcl(
                r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    inline   = ["true"]
    override = "quickly"
  }
}
"#,
            )
            .finds(&["9:16 wrong-type"]),
        row("214", "a member of `override` that is not an object")
            .hcl(
                r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    inline   = ["true"]
    override = {
      none = "quickly"
    }
  }
}
"#,
            )
            .finds(&["10:14 wrong-type"]),
        row("215", "an `override` for a source that is not there").hcl(
            r#"
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
  provisioner "shell-local" {
    inline   = ["true"]
    override = {
      somewhere_else = {
        inline = ["false"]
      }
    }
  }
}
"#,
        ),
    ]
}

fn sources() -> Vec<Row> {
    vec![
        row("161", "sources and no build")
            .hcl("source \"null\" \"one\" {\n}\nsource \"file\" \"two\" {\n}\n")
            .finds(&["- missing-build"]),
        row("162", "a source without labels")
            .hcl("source {\n  communicator = \"none\"\n}\n")
            .finds(&["1:1 wrong-labels"]),
        row("163", "a source without a name")
            .hcl("source \"null\" {\n  communicator = \"none\"\n}\n")
            .finds(&["1:1 wrong-labels"]),
        row("164", "a build without a source")
            .hcl("source \"nonexistent\" \"x\" {\n}\nbuild {\n}\n")
            .finds(&["3:1 missing-source"]),
        row("165", "a source of a type that does not exist, used")
            .hcl("source \"nonexistent\" \"x\" {\n}\nbuild {\n  sources = [\"source.nonexistent.x\"]\n}\n")
            .finds(&["1:8 unknown-builder"]),
        row("165", "and not used")
            .hcl(
                "source \"nonexistent\" \"x\" {\n}\nsource \"null\" \"none\" {\n  communicator = \"none\"\n}\nbuild \
                 {\n  sources = [\"null.none\"]\n}\n",
            )
            .finds(&["warning 1:8 unknown-builder"]),
        row("166", "a source declared twice")
            .hcl(
                r#"
source "null" "none" {
  communicator = "none"
}
source "null" "none" {
  communicator = "none"
}
build {
  sources = ["null.none"]
}
"#,
            )
            .finds(&["5:1 duplicate-declaration"])
            .says("declared here first"),
    ]
}
