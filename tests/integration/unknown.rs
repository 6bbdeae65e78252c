//! What is not known yet, or is wrong already, is not judged again.

use crate::forge::Forge;

const DATA: &str = "data \"null\" \"d\" {\n  input = \"none\"\n}\n";
const BUILD: &str = "build {\n  sources = [\"null.a\"]\n}\n";

fn validate(text: &str) -> crate::forge::Ended {
    Forge::new().file("image.pkr.hcl", text).run(&["validate", "image.pkr.hcl"])
}

/// The codes and places that are told.
fn told(text: &str) -> Vec<String> {
    crate::conformance::places(&validate(text).stdout, "image.pkr.hcl")
}

#[test]
fn a_communicator_that_is_not_known_needs_nothing() {
    let source = |communicator: &str| format!("source \"null\" \"a\" {{\n  communicator = {communicator}\n}}\n{BUILD}");
    validate(&format!("{DATA}{}", source("data.null.d.output"))).code(0);
    assert_eq!(told(&source("var.nope")), ["2:22 undefined-variable"]);
    assert_eq!(told(&source("\"telnet\"")), ["2:18 invalid-value"]);
    assert_eq!(told(&source("\"none")), ["2:18 unterminated-string"]);
}

#[test]
fn what_may_be_null_in_the_end_excludes_nothing() {
    let source = "source \"null\" \"a\" {\n  communicator = \"none\"\n}\n";
    let step = "build {
  sources = [\"null.a\"]
  provisioner \"shell-local\" {
    inline  = data.null.d.output == \"a\" ? [\"x\"] : null
    command = data.null.d.output == \"a\" ? null : \"true\"
  }
}
";
    let forge = Forge::new().file("image.pkr.hcl", &format!("{DATA}{source}{step}"));
    forge.run(&["validate", "image.pkr.hcl"]).code(0);
    forge.run(&["build", "image.pkr.hcl"]).code(0);
}

#[test]
fn locals_may_be_read_by_index_and_as_a_whole() {
    let locals = "locals {
  x = 1
  a = local[\"x\"]
  b = local[\"x\"] + local[\"a\"]
  c = lookup(local, \"x\", 2)
  d = lookup(local, \"b\", 2)
}
";
    let source = "source \"null\" \"a\" {\n  communicator = \"none\"\n}\n";
    validate(&format!("{locals}{source}{BUILD}")).code(0);
}

#[test]
fn a_dynamic_block_outside_of_a_build_is_one_mistake() {
    let text = "dynamic \"source\" {
  for_each = [\"x\"]
  labels   = [\"null\", source.value]
  content {
    communicator = \"none\"
  }
}
build {
  sources = [\"null.x\"]
}
";
    assert_eq!(told(text), ["1:1 unknown-block"]);
}

#[test]
fn dynamic_blocks_have_an_end() {
    let text = "source \"null\" \"a\" {\n  communicator = \"none\"\n}\nbuild {
  sources = [\"null.a\"]
  dynamic \"post-processors\" {
    for_each = range(1000)
    content {
      dynamic \"post-processor\" {
        for_each = range(1000)
        labels   = [\"manifest\"]
        content {}
      }
    }
  }
}\n";
    assert_eq!(told(text), ["10:20 too-large"]);
}

#[test]
fn numbers_are_taken_for_texts_where_these_are_written_out() {
    let text = "variable \"b\" {
  description = 5
  default     = 1
}
source \"null\" \"a\" {
  communicator = \"none\"
}
build {
  source \"null.a\" {
    name = 5
  }
}
";
    validate(text).code(0);
}
