//! `fmt`: what is printed, what is written, and the exit codes. The layout itself has its own tests.

use crate::forge::Forge;
use std::fs::{Permissions, metadata, set_permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

const GOOD: &str = "apple = 1\nfig   = [2]\n";
const UGLY: &str = "apple=1\nfig = [ 2 ]\n";

/// Two files to change, one that is fine, one with a mistake in another folder, and names that are left alone.
fn orchard() -> Forge {
    Forge::new()
        .file("good.pkr.hcl", GOOD)
        .file("ugly.pkr.hcl", UGLY)
        .file("values.auto.pkrvars.hcl", UGLY)
        .file("notes.hcl", UGLY)
        .file("ugly.pkr.json", "{ }")
        .file(".hidden.pkr.hcl", UGLY)
        .file("#ugly.pkr.hcl#", UGLY)
        .file("ugly.pkr.hcl~", UGLY)
        .file("deep/er/ugly.pkr.hcl", UGLY)
        .file("deep/values.pkrvars.hcl", UGLY)
        .file(".git/ugly.pkr.hcl", UGLY)
}

#[test]
fn check_names_what_would_change_and_ends_with_3() {
    let forge = orchard();
    forge.run(&["fmt", "-check", "good.pkr.hcl"]).expect(0, "");
    forge.run(&["fmt", "-check=true", "ugly.pkr.hcl"]).expect(3, "ugly.pkr.hcl");
    forge.packer(&["fmt", "-check=true", "values.auto.pkrvars.hcl"]).expect(3, "values.auto.pkrvars.hcl");
    forge.run(&["fmt", "--check", "."]).expect(3, "ugly.pkr.hcl\nvalues.auto.pkrvars.hcl");
    forge.run(&["fmt", "-check", "-write", "./deep/", "good.pkr.hcl"]).expect(3, "deep/values.pkrvars.hcl");
    assert_eq!(forge.read("ugly.pkr.hcl"), UGLY);
}

#[test]
fn files_of_a_folder_are_rewritten_and_those_below_when_asked() {
    let forge = orchard();
    forge.run(&["fmt", "."]).expect(0, "ugly.pkr.hcl\nvalues.auto.pkrvars.hcl");
    assert_eq!(forge.read("ugly.pkr.hcl"), GOOD);
    assert_eq!(forge.read("values.auto.pkrvars.hcl"), GOOD);
    assert_eq!(forge.read("deep/values.pkrvars.hcl"), UGLY);
    forge.run(&["fmt", "-recursive", "."]).expect(0, "deep/er/ugly.pkr.hcl\ndeep/values.pkrvars.hcl");
    assert_eq!(forge.read("deep/er/ugly.pkr.hcl"), GOOD);
    assert_eq!(forge.read("deep/values.pkrvars.hcl"), GOOD);
    for name in ["notes.hcl", ".hidden.pkr.hcl", "#ugly.pkr.hcl#", "ugly.pkr.hcl~", ".git/ugly.pkr.hcl"] {
        assert_eq!(forge.read(name), UGLY, "{name}");
    }
    forge.run(&["fmt", "-recursive", "-check", "."]).expect(0, "");
}

#[test]
fn without_writing_there_are_names_and_differences() {
    let forge = orchard();
    forge.run(&["fmt", "-write=false", "ugly.pkr.hcl"]).expect(0, "ugly.pkr.hcl");
    forge.run(&["fmt", "-write=false", "-diff", "ugly.pkr.hcl"]).expect(
        0,
        "\
ugly.pkr.hcl
--- old/ugly.pkr.hcl
+++ new/ugly.pkr.hcl
@@ -1,2 +1,2 @@
-apple=1
-fig = [ 2 ]
+apple = 1
+fig   = [2]",
    );
    assert_eq!(forge.read("ugly.pkr.hcl"), UGLY);
    forge.run(&["fmt", "-diff", "ugly.pkr.hcl"]).code(0);
    assert_eq!(forge.read("ugly.pkr.hcl"), GOOD);
    forge.run(&["fmt", "-diff", "ugly.pkr.hcl"]).expect(0, "");
}

#[test]
fn standard_input_becomes_standard_output() {
    let forge = Forge::new();
    for text in [GOOD, UGLY] {
        let ended = forge.feed(&["fmt", "-"], text);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), GOOD));
    }
    assert_eq!(forge.feed(&["fmt", "-diff", "-"], "a=1").stdout, "a = 1");
    forge.feed(&["fmt", "-check", "-"], UGLY).expect(3, "");
    forge.feed(&["fmt", "-check", "-"], GOOD).expect(0, "");
    forge.feed(&["fmt", "-write=false", "-"], UGLY).expect(0, "");
    forge.feed(&["fmt", "-write=false", "-"], GOOD).expect(0, GOOD);
    forge.feed(&["fmt", "-"], "a = [\n").expect(
        1,
        "\
error[unclosed-bracket]: this `[` is never closed
 --> <stdin>:1:5
  |
1 | a = [
  |     ^
  |
  = help: add `]` where it ends",
    );
}

#[test]
fn a_file_with_mistakes_is_left_alone_and_the_others_are_formatted() {
    let forge = Forge::new().file("a.pkr.hcl", UGLY).file("b.pkr.hcl", "fig=2\napple\n").file("c.pkr.hcl", UGLY);
    let told = "\
a.pkr.hcl
error[expected-item]: `apple` is neither an argument nor a block
 --> b.pkr.hcl:2:1
  |
2 | apple
  | ^^^^^
  |
  = help: write `apple = …` or `apple { … }`

c.pkr.hcl";
    forge.run(&["fmt", "-check", "."]).expect(1, told);
    forge.packer(&["fmt", "."]).expect(1, told);
    assert_eq!(forge.read("a.pkr.hcl") + &forge.read("b.pkr.hcl"), GOOD.to_owned() + "fig=2\napple\n");
}

#[test]
fn what_can_not_be_formatted_is_said() {
    let forge = orchard();
    forge.run(&["fmt", "notes.hcl", "missing", "good.pkr.hcl", "deep/values.pkrvars.hcl"]).expect(
        1,
        "\
error[no-template]: `notes.hcl` is neither a folder nor named as HCL2 files are
 |
 = help: HCL2 files are named `*.pkr.hcl` or `*.pkrvars.hcl`

error[unreadable-file]: `missing` can't be read: No such file or directory (os error 2)

deep/values.pkrvars.hcl",
    );
    std::fs::write(forge.path().join("bytes.pkr.hcl"), b"a=1\nb=\"\xff\"\n").unwrap();
    let ended = forge.run(&["fmt", "bytes.pkr.hcl"]);
    assert!(ended.stdout.starts_with("error[not-utf-8]: the file is not valid UTF-8 here\n --> bytes.pkr.hcl:2:4\n"));
    ended.code(1);
    forge.run(&["fmt"]).code(2);
    forge.packer(&["fmt"]).code(1);
}

#[test]
fn packers_common_flags_are_taken() {
    let forge = orchard();
    let flags = ["-var", "a=b", "-var-file=missing.hcl", "-only=a,b", "-except", "c", "-config-type=hcl2"];
    forge.packer(&[&["fmt"], &flags[..], &["-check", "good.pkr.hcl"]].concat()).expect(0, "");
}

#[test]
fn modes_and_links_stay_and_nothing_outside_is_touched() {
    let forge = Forge::new().file("here/ugly.pkr.hcl", UGLY).file("there/ugly.pkr.hcl", UGLY);
    let at = |name: &str| forge.path().join(name);
    symlink("ugly.pkr.hcl", at("here/inside.pkr.hcl")).unwrap();
    symlink("../there/ugly.pkr.hcl", at("here/outside.pkr.hcl")).unwrap();
    symlink("../there", at("here/folder")).unwrap();
    set_permissions(at("here/ugly.pkr.hcl"), Permissions::from_mode(0o600)).unwrap();
    forge.run(&["fmt", "-recursive", "here"]).expect(
        0,
        "\
warning[link-to-outside]: `here/outside.pkr.hcl` leads out of the folder
 |
 = help: it stays as it is; to format the file it leads to, name that one

here/inside.pkr.hcl",
    );
    assert_eq!(forge.read("here/ugly.pkr.hcl"), GOOD);
    assert_eq!(forge.read("there/ugly.pkr.hcl"), UGLY);
    assert!(at("here/inside.pkr.hcl").is_symlink());
    assert_eq!(metadata(at("here/ugly.pkr.hcl")).unwrap().permissions().mode() & 0o777, 0o600);
    // A link that is named is meant.
    forge.run(&["fmt", "here/outside.pkr.hcl"]).expect(0, "here/outside.pkr.hcl");
    assert_eq!(forge.read("there/ugly.pkr.hcl"), GOOD);
    assert!(at("here/outside.pkr.hcl").is_symlink());
    assert_eq!(std::fs::read_dir(at("here")).unwrap().count(), 4);
}
