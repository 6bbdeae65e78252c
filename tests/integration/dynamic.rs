//! `dynamic` blocks: what they repeat, and what is said of mistakes in them.

use crate::forge::Forge;

#[test]
fn sources_steps_and_sequences_are_repeated() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"locals {
  sizes = { small = 1, large = 2 }
}
source "file" "disk" {
  content = "disk"
}
build {
  dynamic "source" {
    for_each = local.sizes
    labels   = ["source.file.disk"]
    content {
      name   = source.key
      target = "${source.key}-${source.value}.txt"
    }
  }
  dynamic "provisioner" {
    for_each = ["one", "two"]
    iterator = step
    labels   = ["shell-local"]
    content {
      inline = ["echo ${source.name} ${step.key} ${step.value} >> steps-${source.name}"]
    }
  }
  dynamic "post-processors" {
    for_each = ["x", "y"]
    content {
      post-processor "manifest" {
        output = "${post-processors.value}.json"
      }
    }
  }
}
"#,
    );
    forge.run(&["build", "-parallel-builds=1", "image.pkr.hcl"]).code(0);
    assert!(forge.exists("small-1.txt") && forge.exists("large-2.txt"));
    assert_eq!(forge.read("steps-large"), "large 0 one\nlarge 1 two\n");
    assert_eq!(forge.read("steps-small"), "small 0 one\nsmall 1 two\n");
    assert!(forge.exists("x.json") && forge.exists("y.json"));
}

#[test]
fn mistakes_in_what_is_repeated_are_told_once() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"source "null" "a" {
  communicator = "none"
}
build {
  sources = ["source.null.a"]
  dynamic "provisioner" {
    for_each = ["one", "two"]
    labels   = ["shell-local"]
    content {
      inlin = ["echo ${provisioner.valu}"]
    }
  }
  dynamic "provisioner" {
    for_each = 5
    labels   = ["shell-local"]
    content {}
  }
  dynamic "provisoner" {
    for_each = []
    content {}
  }
  dynamic "post-processor" {
    labels = ["manifest"]
  }
}
"#,
    );
    forge.run(&["validate", "image.pkr.hcl"]).expect(
        1,
        "\
error[unknown-argument]: the provisioner `shell-local` has no argument `inlin`
  --> image.pkr.hcl:10:7
   |
10 |       inlin = [\"echo ${provisioner.valu}\"]
   |       ^^^^^
   |
   = help: did you mean `inline`?

error[unknown-attribute]: this object has no attribute `valu`
  --> image.pkr.hcl:10:36
   |
10 |       inlin = [\"echo ${provisioner.valu}\"]
   |                                    ^^^^
   |
   = help: did you mean `value`?

error[wrong-type]: `for_each` takes a list, set, map or object, not a number
  --> image.pkr.hcl:14:16
   |
14 |     for_each = 5
   |                ^

error[unknown-block]: a `dynamic` block in a build has no block `provisoner`
  --> image.pkr.hcl:18:11
   |
18 |   dynamic \"provisoner\" {
   |           ^^^^^^^^^^^^
   |
   = help: did you mean `provisioner`?

error[missing-argument]: this `dynamic` block has no `for_each`
  --> image.pkr.hcl:22:3
   |
22 |   dynamic \"post-processor\" {
   |   ^^^^^^^^^^^^^^^^^^^^^^^^

error[missing-argument]: this `dynamic` block has no `content`
  --> image.pkr.hcl:22:3
   |
22 |   dynamic \"post-processor\" {
   |   ^^^^^^^^^^^^^^^^^^^^^^^^",
    );
}

#[test]
fn blocks_inside_a_component_are_repeated_too() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"source "amazon-ebs" "web" {
  ami_name      = "web"
  instance_type = "t3.micro"
  source_ami    = "ami-1"
  ssh_username  = "admin"
  dynamic "launch_block_device_mappings" {
    for_each = ["/dev/sda", "/dev/sdb"]
    iterator = disk
    content {
      device_name = disk.value
      volume_size = dsk.key
    }
  }
}
build {
  sources = ["source.amazon-ebs.web"]
}
"#,
    );
    forge.run(&["validate", "image.pkr.hcl"]).expect(
        1,
        "\
warning[not-supported-yet]: the builder `amazon-ebs` can be checked, but not run yet
 --> image.pkr.hcl:1:8
  |
1 | source \"amazon-ebs\" \"web\" {
  |        ^^^^^^^^^^^^

error[undefined-reference]: there is no `dsk` here
  --> image.pkr.hcl:11:21
   |
11 |       volume_size = dsk.key
   |                     ^^^
   |
   = help: did you mean `disk`?",
    );
}
