//! The fake of Google Cloud that other tests build on, driven by Google's own Python client.

use std::path::Path;
use std::process::Command;

#[test]
fn the_fake_of_google_cloud_is_as_google_documents_it() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/python/bin/python");
    assert!(python.exists(), "{} is missing: run `script/bootstrap test`", python.display());
    let output = Command::new(python)
        .args(["-m", "unittest", "discover", "-s", "tests/fakes/google"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{report}", String::from_utf8_lossy(&output.stdout));
    // Python 3.11 calls it a success when it finds no tests.
    assert!(!report.contains("Ran 0 tests"), "{report}");
}
