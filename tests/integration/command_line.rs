//! Flags, names and exit codes.

use crate::forge::Forge;

#[test]
fn the_version_names_both() {
    Forge::new().run(&["version"]).expect(0, "imgforge 0.1.0 (compatible with Packer 1.16.0)");
    Forge::new().packer(&["version"]).expect(0, "Packer v1.16.0");
}

#[test]
fn a_wrong_command_line_is_2_and_as_packer_1_or_127() {
    let forge = Forge::new();
    forge.run(&["build"]).code(2);
    forge.run(&["bild", "x"]).code(2);
    forge.run(&["validate", "--nonsense", "x"]).code(2);
    forge.packer(&["build"]).code(1);
    forge.packer(&["validate", "-nonsense", "x"]).code(1);
    forge.packer(&["bild", "x"]).code(127);
    forge.packer(&[]).code(127);
    forge.packer(&["build", "-h"]).code(0);
}

#[test]
fn a_template_that_is_not_there_is_said_with_the_folder() {
    Forge::new().run(&["validate", "missing.json"]).expect(
        1,
        "\
error[unreadable-file]: the template `missing.json` can't be read: No such file or directory (os error 2)
 |
 = help: relative paths are looked up in @FOLDER@",
    );
}
