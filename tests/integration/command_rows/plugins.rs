//! Rows 256, 258, 259, 261 and 263 to 266: `init`, `plugins`, and a build that needs a plugin.

use super::{Row, row};
use crate::forge::Forge;

/// A template of a plugin that nobody has, and that source of a builder.
fn strange(source: &str) -> String {
    format!(
        r#"packer {{
  required_plugins {{
    strange = {{
      version = ">= 1.0.0"
      source  = "{source}"
    }}
  }}
}}
source "strange-fruit" "a" {{}}
build {{
  sources = ["source.strange-fruit.a"]
}}
"#
    )
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = templates();
    rows.push(folders());
    rows.extend(removed());
    rows
}

fn templates() -> Vec<Row> {
    vec![
        row("256", "a required plugin that nobody has", || {
            let forge = Forge::new().file("image.pkr.hcl", &strange("github.com/nobody/strange"));
            forge.packer(&["build", "image.pkr.hcl"]).expect(
                1,
                "\
error[unchecked-component]: the builder `strange-fruit` comes from a plugin that imgforge does not know
 --> image.pkr.hcl:9:8
  |
5 |       source  = \"github.com/nobody/strange\"
  |                 --------------------------- the plugin
...
9 | source \"strange-fruit\" \"a\" {}
  |        ^^^^^^^^^^^^^^^
  |
  = help: its arguments are not checked, and it can't be run",
            );
        }),
        row("258", "a constraint that names a pre-release", || {
            let template = strange("github.com/hashicorp/amazon").replace(">= 1.0.0", ">= 1.0.0-dev");
            Forge::new().file("image.pkr.hcl", &template).packer(&["init", "image.pkr.hcl"]).expect(
                1,
                "\
error[invalid-version]: `>= 1.0.0-dev` is not a version constraint: a constraint can't name a pre-release
 --> image.pkr.hcl:4:17
  |
4 |       version = \">= 1.0.0-dev\"
  |                 ^^^^^^^^^^^^^^
  |
  = help: write, for example, `>= 1.7.0, < 2.0.0` or `~> 1.9`",
            );
        }),
        row("259", "a source at a host that nobody knows", || {
            let forge = Forge::new().file("image.pkr.hcl", &strange("git.example.com/nobody/strange"));
            forge.packer(&["init", "image.pkr.hcl"]).expect(
                1,
                "\
error[unknown-plugin]: imgforge does not know the plugin `git.example.com/nobody/strange`
 --> image.pkr.hcl:5:17
  |
5 |       source  = \"git.example.com/nobody/strange\"
  |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: plugins can't be installed: build what needs this one by Packer",
            );
        }),
    ]
}

fn folders() -> Row {
    row("261", "several folders of plugins", || {
        let forge = Forge::new().env("PACKER_PLUGIN_PATH", "/a:/b");
        forge.packer(&["plugins", "installed"]).code(0);
    })
    .unlike_packer("plugins are not read from anywhere, so that no folder of them is wrong")
}

fn removed() -> Vec<Row> {
    let remove = |arguments: &[&str]| Forge::new().packer(&[&["plugins", "remove"], arguments].concat());
    vec![
        row("263", "nothing is named that is to be removed", move || {
            let usage = "Usage: packer plugins remove <PLUGIN> [VERSION]";
            for ended in [remove(&[]), remove(&["a", "b", "c"])] {
                ended.code(1);
                assert!(ended.stdout.contains(usage), "{}", ended.stdout);
            }
        }),
        row("264", "a plugin that is not there", move || {
            remove(&["github.com/hashicorp/strange"])
                .expect(1, "error: no plugin is installed that is `github.com/hashicorp/strange`");
        }),
        row("265", "a source of 17 parts", move || {
            let source = format!("github.com/hashicorp/{}strange", "a/".repeat(14));
            remove(&[&source])
                .expect(1, &format!("error: `{source}` is not the source of a plugin: it has more than 16 parts"));
        }),
        row("266", "a path that is in no folder of plugins", move || {
            remove(&["/some/other/dir"]).expect(
                1,
                "error: `/some/other/dir` is not in a folder of plugins: imgforge has none, components are compiled in",
            );
        }),
    ]
}
