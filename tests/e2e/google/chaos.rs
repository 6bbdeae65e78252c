//! Builds that are killed at random moments: a smaller `script/chaos`.

use std::path::Path;
use std::process::Command;

#[test]
fn whatever_kills_a_build_nothing_is_left() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ended = Command::new("python3")
        .args(["script/lib/chaos.py", "--kill", "100", "--terminate", "50"])
        .current_dir(root)
        .env("IMGFORGE_BIN", env!("CARGO_BIN_EXE_imgforge"))
        .output()
        .expect("these tests need python3");
    let output = String::from_utf8_lossy(&ended.stdout);
    println!("{output}");
    assert!(ended.status.success(), "{output}\n{}", String::from_utf8_lossy(&ended.stderr));
}
