//! Rows 116 to 122: `fmt`.

use super::{Row, row};
use crate::forge::Forge;

const GOOD: &str = "source \"null\" \"a\" {\n  communicator = \"none\"\n}\n";
const UGLY: &str = "source \"null\" \"a\" {\ncommunicator=\"none\"\n}\n";

/// One file that is fine and two that are not.
fn orchard() -> Forge {
    Forge::new().file("good.pkr.hcl", GOOD).file("ugly.pkr.hcl", UGLY).file("values.pkrvars.hcl", "a  =  1\n")
}

/// Files that `fmt` takes, and files that it leaves alone, in a folder and in one below.
fn tree() -> Forge {
    let forge = Forge::new().file("tree/a.pkr.hcl", UGLY).file("tree/potato", UGLY).file("tree/-", UGLY);
    forge
        .file("tree/below/b.pkr.hcl", UGLY)
        .file("tree/below/c.pkrvars.hcl", "a  =  1\n")
        .file("tree/below/potato", UGLY)
}

/// Which of the files of the tree have another text than before.
fn changed(forge: &Forge) -> Vec<&'static str> {
    let names = ["a.pkr.hcl", "potato", "-", "below/b.pkr.hcl", "below/c.pkrvars.hcl", "below/potato"];
    let before = tree();
    let is_changed = |name: &&str| forge.read(&format!("tree/{name}")) != before.read(&format!("tree/{name}"));
    names.into_iter().filter(is_changed).collect()
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("116", "`-check` of a file that is fine", || {
            orchard().packer(&["fmt", "-check=true", "good.pkr.hcl"]).expect(0, "");
        }),
        row("117", "`-check` of one that is not", || {
            let forge = orchard();
            forge.packer(&["fmt", "-check=true", "values.pkrvars.hcl"]).expect(3, "values.pkrvars.hcl");
            assert_eq!(forge.read("values.pkrvars.hcl"), "a  =  1\n");
        }),
        row("118", "`-check` of a folder", || {
            orchard().packer(&["fmt", "-check=true", "."]).expect(3, "ugly.pkr.hcl\nvalues.pkrvars.hcl");
        }),
        row("119", "a tree", || {
            let forge = tree();
            let expected = "tree/a.pkr.hcl\ntree/below/b.pkr.hcl\ntree/below/c.pkrvars.hcl";
            forge.packer(&["fmt", "-recursive=true", "tree"]).expect(0, expected);
            assert_eq!(changed(&forge), ["a.pkr.hcl", "below/b.pkr.hcl", "below/c.pkrvars.hcl"]);
            assert_eq!(forge.read("tree/below/b.pkr.hcl"), GOOD);
        }),
        row("120", "a folder without those below", || {
            let forge = tree();
            forge.packer(&["fmt", "tree"]).expect(0, "tree/a.pkr.hcl");
            assert_eq!(changed(&forge), ["a.pkr.hcl"]);
        }),
        row("121", "standard input, formatted or not", || {
            for text in [GOOD, UGLY] {
                let ended = Forge::new().packer_feed(&["fmt", "-"], text);
                ended.code(0);
                assert_eq!(ended.stdout, GOOD);
            }
        }),
        row("122", "a file with a mistake", || {
            Forge::new()
                .file("bad.pkr.hcl", "source \"null\" \"a\" {\n  communicator\n}\n")
                .packer(&["fmt", "bad.pkr.hcl"])
                .expect(
                    1,
                    "\
error[expected-item]: `communicator` is neither an argument nor a block
 --> bad.pkr.hcl:2:3
  |
2 |   communicator
  |   ^^^^^^^^^^^^
  |
  = help: write `communicator = …` or `communicator { … }`",
                );
        }),
    ]
}
