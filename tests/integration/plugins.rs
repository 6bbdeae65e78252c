//! `init` and `plugins`: what there is in place of plugins.

use crate::forge::Forge;

const TEMPLATE: &str = r#"packer {
  required_plugins {
    qemu = {
      version = "~> 1"
      source  = "github.com/hashicorp/qemu"
    }
    amazon = {
      version = ">= 1.2.8, < 2"
      source  = "github.com/hashicorp/amazon"
    }
    tart = {
      version = "1.14.0"
      source  = "github.com/cirruslabs/tart"
    }
  }
}
"#;

fn template() -> Forge {
    Forge::new().file("image.pkr.hcl", TEMPLATE)
}

#[test]
fn init_is_content_with_what_is_built_in_or_known() {
    let forge = template();
    let expected = "\
github.com/hashicorp/qemu is built in.
github.com/hashicorp/amazon is known: what a template says of it is checked, and not run.
github.com/cirruslabs/tart is known by name: what a template says of it is not checked.";
    forge.run(&["init", "."]).expect(0, expected);
    forge.packer(&["init", "-upgrade", "-force", "-config-type=hcl2", "image.pkr.hcl"]).expect(0, expected);
}

#[test]
fn init_shows_each_plugin_that_is_missing_where_it_is_asked_for() {
    let template = TEMPLATE.replace("hashicorp/qemu", "hashicorp/quemu").replace("cirruslabs/tart", "somebody/else");
    Forge::new().file("image.pkr.hcl", &template).run(&["init", "image.pkr.hcl"]).expect(
        1,
        "\
github.com/hashicorp/amazon is known: what a template says of it is checked, and not run.
error[unknown-plugin]: imgforge does not know the plugin `github.com/hashicorp/quemu`
 --> image.pkr.hcl:5:17
  |
5 |       source  = \"github.com/hashicorp/quemu\"
  |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: did you mean `github.com/hashicorp/qemu`?

error[unknown-plugin]: imgforge does not know the plugin `github.com/somebody/else`
  --> image.pkr.hcl:13:17
   |
13 |       source  = \"github.com/somebody/else\"
   |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^
   |
   = help: plugins can't be installed: build what needs this one by Packer",
    );
}

#[test]
fn init_is_for_hcl2_and_needs_no_requirement() {
    let forge = Forge::new()
        .file("image.json", r#"{"builders": [{"type": "null", "communicator": "none"}]}"#)
        .file("image.pkr.hcl", "source \"null\" \"a\" {\n  communicator = \"none\"\n}\n");
    forge
        .packer(&["init", "image.pkr.hcl"])
        .expect(0, "This template requires no plugins. They are named in `packer { required_plugins { … } }`.");
    forge.packer(&["init", "image.json"]).expect(1, "error: only HCL2 templates ask for plugins; this one is in JSON");
    forge.packer(&["init"]).code(1);
    forge.packer(&["init", "a.pkr.hcl", "b.pkr.hcl"]).code(1);
    forge.packer(&["init", "nowhere.pkr.hcl"]).code(1);
}

#[test]
fn required_plugins_are_listed_with_their_constraints() {
    let forge = template();
    let expected = "\
qemu github.com/hashicorp/qemu \"~> 1\" built-in
amazon github.com/hashicorp/amazon \">= 1.2.8, < 2\" known
tart github.com/cirruslabs/tart \"1.14.0\" known-by-name";
    forge.packer(&["plugins", "required", "."]).expect(0, expected);
    forge.packer(&["plugin", "required", "image.pkr.hcl"]).expect(0, expected);
    forge.packer(&["plugins", "required"]).code(1);
}

#[test]
fn plugins_are_neither_installed_nor_removed() {
    let forge = Forge::new();
    let installed = "github.com/ethanmdavidson/git\ngithub.com/hashicorp/googlecompute\ngithub.com/hashicorp/qemu\n";
    forge.packer(&["plugins", "installed"]).expect(0, installed);
    let install = |arguments: &[&str]| forge.packer(&[&["plugins", "install"], arguments].concat());
    install(&["github.com/hashicorp/qemu"]).expect(0, "github.com/hashicorp/qemu is built in.");
    install(&["-force", "github.com/hashicorp/QEMU", "v1.0.9"]).expect(0, "github.com/hashicorp/QEMU is built in.");
    install(&["github.com/hashicorp/qemu", "latest"])
        .expect(1, "error: the version of the plugin: `latest` is not a version");
    install(&["github.com/somebody/else"]).expect(
        1,
        "error: imgforge does not know the plugin `github.com/somebody/else`, and plugins can't be installed",
    );
    install(&["qemu"])
        .expect(1, "error: `qemu` is not the source of a plugin: it needs a host and at least two further parts");
    install(&["-path=./packer-plugin-qemu", "github.com/hashicorp/qemu"]).expect(
        1,
        "error: ./packer-plugin-qemu can't be installed: imgforge runs no plugins, components are compiled in",
    );
    forge
        .packer(&["plugins", "remove", "github.com/hashicorp/qemu"])
        .expect(1, "error: `github.com/hashicorp/qemu` is compiled in and can't be removed");
    let ended = forge.packer(&["plugins"]);
    ended.code(1);
    assert!(ended.stdout.contains("Usage: packer plugins <COMMAND>"), "{}", ended.stdout);
    forge.run(&["plugins"]).code(2);
}
