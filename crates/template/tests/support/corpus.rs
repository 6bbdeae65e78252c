//! Real templates, where a collection of them is at hand: `IMGFORGE_CORPUS`, else `../shared/corpus` beside the
//! workspace.

use std::path::{Path, PathBuf};

/// The folder; `None` after saying so where there is none.
#[expect(clippy::print_stderr, reason = "a test says what it could not do")]
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("IMGFORGE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("no templates in {}: nothing is compared", folder.display());
    None
}

/// All files whose name ends in one of these, in order, with their texts. What is no UTF-8 is left out.
pub(crate) fn files(folder: &Path, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(folder, endings, &mut found);
    found.sort();
    found.into_iter().filter_map(|path| std::fs::read_to_string(&path).ok().map(|text| (path, text))).collect()
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    for path in entries.map(|entry| entry.expect("a readable entry").path()) {
        let name = path.to_string_lossy();
        if path.is_dir() && !path.is_symlink() {
            collect(&path, endings, found);
        } else if path.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
}
