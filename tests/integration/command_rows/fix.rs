//! Rows 123 to 125, 142 and 143: `fix` and `hcl2_upgrade`.

use super::{Row, files, row};
use crate::forge::Forge;

const STRANGE: &str = r#"{"builders": [{"type": "null", "communicator": "none"}], "hello": 1}"#;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row("123", "fix: another layout, and `push` stays", || {
            let text = r#"{"push": {"name": "a"}, "builders": [{"type": "null", "communicator": "none"}]}"#;
            let ended = Forge::new().file("image.json", text).packer(&["fix", "image.json"]);
            let printed = "{\n  \"builders\": [\n    {\n      \"communicator\": \"none\",\n      \"type\": \"null\"\n    }\n  ],\n  \
                           \"push\": {\n    \"name\": \"a\"\n  }\n}\n\n";
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), printed));
        }),
        row("124", "fix: a root key that there is not", || {
            let ended = Forge::new().file("image.json", STRANGE).packer(&["fix", "image.json"]);
            assert_eq!(ended.code, Some(1));
            assert!(ended.stdout.contains("no key `hello`"), "{}", ended.stdout);
        }),
        row("125", "fix without validating", || {
            let ended = Forge::new().file("image.json", STRANGE).packer(&["fix", "-validate=false", "image.json"]);
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
            assert!(ended.stdout.contains("\"hello\": 1"), "{}", ended.stdout);
        }),
        row("142", "hcl2_upgrade: a builder that does not exist", || {
            let forge = Forge::new().file("image.json", r#"{"builders": [{"type": "potato"}]}"#);
            forge.packer(&["hcl2_upgrade", "image.json"]).code(1);
            assert_eq!(files(&forge, ".hcl"), [""; 0]);
        })
        .unlike_packer("nothing is written while an error stands"),
        row("143", "hcl2_upgrade: a template that is not there", || {
            let forge = Forge::new();
            forge.packer(&["hcl2_upgrade", "image.json"]).code(1);
            assert_eq!(files(&forge, ".hcl"), [""; 0]);
        }),
    ]
}
