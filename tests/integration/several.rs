//! Several templates in one call, and trees of them.

use crate::forge::Forge;
use std::os::unix::fs::symlink;

fn build(more: &str) -> String {
    format!("source \"null\" \"x\" {{\n  communicator = \"none\"\n{more}}}\nbuild {{\n  sources = [\"null.x\"]\n}}\n")
}

const SOUND: &str = r#"{"builders": [{"type": "null", "communicator": "none"}]}"#;

#[test]
fn all_mistakes_of_all_templates_are_told_in_one_report() {
    let forge = Forge::new()
        .file("web/web.pkr.hcl", &build("  ssh_hots = \"x\"\n"))
        .file("db.json", r#"{"x": 1, "builders": [{"type": "nil"}]}"#)
        .file("sound.json", SOUND);
    let arguments = ["validate", "--report", "json=report.json", "web", "sound.json", "db.json", "web/../web"];
    forge.run(&arguments).expect(
        1,
        "\
==> web
error[unknown-argument]: the builder `null` has no argument `ssh_hots`
 --> web/web.pkr.hcl:3:3
  |
3 |   ssh_hots = \"x\"
  |   ^^^^^^^^
  |
  = help: did you mean `ssh_host`?

==> sound.json
==> db.json
error[unknown-key]: a template has no key `x`
 --> db.json:1:2
  |
1 | {\"x\": 1, \"builders\": [{\"type\": \"nil\"}]}
  |  ^^^
  |
  = help: keys that start with `_` are comments

error[unknown-builder]: there is no builder `nil`
 --> db.json:1:32
  |
1 | {\"x\": 1, \"builders\": [{\"type\": \"nil\"}]}
  |                                ^^^^^
  |
  = help: imgforge has these so far: file, googlecompute, null, qemu

2 of 3 templates are wrong: web, db.json",
    );
    let report = forge.read("report.json");
    assert_eq!(report.matches("\"code\":").count(), 3, "{report}");
}

#[test]
fn a_mistake_in_a_file_that_two_share_is_told_once_and_makes_both_wrong() {
    let forge = Forge::new()
        .file("a.pkr.hcl", &format!("variable \"name\" {{\n  type = string\n}}\n{}", build("")))
        .file("b.pkr.hcl", &format!("variable \"name\" {{\n  type = string\n}}\n{}", build("")))
        .file("common.pkrvars.hcl", "# Of both.\nnam  = \"y\"\nname = [\n");
    forge.run(&["validate", "-var-file=common.pkrvars.hcl", "a.pkr.hcl", "b.pkr.hcl"]).expect(
        1,
        "\
==> a.pkr.hcl
warning[undeclared-variable]: the template declares no variable `nam`
 --> common.pkrvars.hcl:2:1
  |
2 | nam  = \"y\"
  | ^^^
  |
  = help: did you mean `name`?

error[unclosed-bracket]: this `[` is never closed
 --> common.pkrvars.hcl:3:8
  |
3 | name = [
  |        ^
  |
  = help: add `]` where it ends

==> b.pkr.hcl
2 more in files that it shares, told above.
2 of 2 templates are wrong: a.pkr.hcl, b.pkr.hcl",
    );
}

#[test]
fn a_flag_is_told_again_where_it_does_not_fit_another_template() {
    let variable = |name: &str| format!("variable \"{name}\" {{\n  default = 1\n}}\n{}", build(""));
    let forge = Forge::new().file("a.pkr.hcl", &variable("size")).file("b.pkr.hcl", &variable("size"));
    let ended = forge.run(&["validate", "-var", "size=large", "a.pkr.hcl", "b.pkr.hcl"]);
    let places: Vec<&str> = ended.code(1).stdout.lines().filter(|line| line.contains(".pkr.hcl:")).collect();
    assert_eq!(places, [" ::: a.pkr.hcl:2:13", " ::: b.pkr.hcl:2:13"], "{}", ended.stdout);
}

#[test]
fn sound_templates_are_counted() {
    let forge = Forge::new().file("a.json", SOUND).file("b.pkr.hcl", &build(""));
    forge.run(&["validate", "a.json", "b.pkr.hcl"]).expect(0, "==> a.json\n==> b.pkr.hcl\n2 templates are valid.");
    forge
        .run(&["validate", "-syntax-only", "a.json", "b.pkr.hcl"])
        .expect(0, "==> a.json\n==> b.pkr.hcl\nSyntax-only check passed: 2 templates.");
    // The same file by another name is the same template.
    symlink("a.json", forge.path().join("c.json")).unwrap();
    forge.run(&["validate", "a.json", "./a.json", "c.json"]).expect(0, "The configuration is valid.");
    forge.feed(&["validate", "-", "a.json"], SOUND).expect(0, "==> -\n==> a.json\n2 templates are valid.");
}

#[test]
fn a_tree_is_walked_for_templates_of_both_languages() {
    let forge = Forge::new()
        .file("images/web/web.pkr.hcl", &build(""))
        .file("images/web/more/data.json", r#"{"builders": "of houses"}"#)
        .file("images/db/db.pkr.json", r#"{"build": {"sources": []}}"#)
        .file("images/old.json", SOUND)
        .file("images/OLD2.json", &SOUND.replace("builders", "Builders"))
        .file("images/vars.json", r#"{"name": "builders", "builder": {"builders": []}}"#)
        .file("images/list.json", r#"["builders"]"#)
        .file("images/web/web.auto.pkrvars.hcl", "")
        .file("images/broken.json", "{\"builders\": [{\"type\": \"null\", \"communicator\": \"none\"}],}")
        .file(".git/x.json", SOUND)
        .file(".hidden/x.pkr.hcl", "{")
        .file("node_modules/x/x.json", SOUND)
        .file("images/.hidden.json", SOUND);
    symlink("../images", forge.path().join("images/loop")).unwrap();
    symlink("old.json", forge.path().join("images/link.json")).unwrap();
    forge.run(&["validate", "--recursive", "."]).expect(
        1,
        "\
==> images/OLD2.json
==> images/broken.json
error[json-trailing-comma]: a `,` stands before `}`, which JSON does not allow
 --> images/broken.json:1:56
  |
1 | {\"builders\": [{\"type\": \"null\", \"communicator\": \"none\"}],}
  |                                                        ^
  |
  = help: delete the `,`

==> images/old.json
==> images/db
==> images/web
==> images/web/more/data.json
error[wrong-type]: `builders` is a list of objects, not a string
 --> images/web/more/data.json:1:14
  |
1 | {\"builders\": \"of houses\"}
  |              ^^^^^^^^^^^

2 of 6 templates are wrong: images/broken.json, images/web/more/data.json",
    );
    // Folders that lie in each other are walked once, and a template is checked once, by its first name.
    let again = forge.run(&["validate", "-recursive", "images/old.json", "images/web", ".", "images"]);
    let names: Vec<&str> = again.code(1).stdout.lines().filter_map(|line| line.strip_prefix("==> ")).collect();
    assert_eq!(
        names,
        [
            "images/old.json",
            "images/web",
            "images/web/more/data.json",
            "images/OLD2.json",
            "images/broken.json",
            "images/db"
        ]
    );
}

#[test]
fn one_template_in_a_tree_is_named() {
    let forge = Forge::new().file("a/b/c.json", SOUND);
    forge.run(&["validate", "-recursive", "."]).expect(0, "==> a/b/c.json\n1 template is valid.");
    forge.run(&["validate", "-recursive", "a/b/c.json"]).expect(0, "==> a/b/c.json\n1 template is valid.");
}

#[test]
fn a_tree_without_templates_is_a_mistake_and_the_rest_is_checked() {
    let forge = Forge::new().file("a/readme.txt", "").file("b.json", SOUND);
    forge.run(&["validate", "-recursive", "a", "b.json"]).expect(
        1,
        "\
error[no-template]: the folder `a` and those in it hold no template
 |
 = help: templates are named `*.pkr.hcl` or `*.pkr.json`, or are JSON files with `builders`

==> b.json",
    );
}

#[test]
fn as_packer_there_is_one_template() {
    let forge = Forge::new().file("a.json", SOUND).file("b.json", SOUND);
    forge.packer(&["validate", "a.json"]).expect(0, "The configuration is valid.");
    let ended = forge.packer(&["validate", "a.json", "b.json"]);
    assert!(ended.code(1).stdout.contains("unexpected argument 'b.json'"), "{}", ended.stdout);
    forge.run(&["validate"]).code(2);
    forge.packer(&["validate"]).code(1);
}

/// Whoever opens a pull request names its files.
#[test]
fn names_of_files_are_neither_commands_of_a_runner_nor_of_a_terminal() {
    let broken = "source \"null\" {\n";
    let forge = Forge::new().file("d\n::error::x/a.pkr.hcl", broken).file("e\u{1b}[31m/a.pkr.hcl", broken);
    let forge = forge.env("GITHUB_ACTIONS", "true");
    for arguments in [&["validate", "-recursive", "."][..], &["plugins", "install", "a\n::error::x"]] {
        let ended = forge.run(arguments);
        ended.code(1);
        assert!(!ended.stdout.contains('\u{1b}'), "{}", ended.stdout);
        assert!(!ended.stdout.lines().any(|line| line.trim_start().starts_with("::")), "{}", ended.stdout);
    }
    let shown = forge.run(&["validate", "-recursive", "."]).stdout;
    assert!(shown.contains("==> ./d\\n::error::x\n") || shown.contains("==> d\\n::error::x\n"), "{shown}");
}
