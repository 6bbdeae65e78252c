//! Which files a path stands for: itself, or those of a folder.

use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use std::path::{Component, Path, PathBuf};

/// Folders in folders beyond this are not looked into; paths get too long before.
const MAX_DEPTH: usize = 1000;

/// A file to format.
#[derive(Debug)]
pub(super) struct Found {
    /// The path as it is shown.
    pub(super) path: PathBuf,
    /// Where the file is, past symbolic links.
    pub(super) real: PathBuf,
}

/// The files that `path` stands for, those of a folder by name. What can't be read and what is no HCL2 is reported.
///
/// Only what the user has named is touched: links in a folder are followed to files of that folder alone.
pub(super) fn find(path: &Path, recursive: bool, diagnostics: &mut Diagnostics) -> Vec<Found> {
    let mut found = Vec::new();
    match path.canonicalize() {
        Err(error) => diagnostics.push(unreadable(path, &error)),
        Ok(root) if root.is_dir() => {
            Folder { root, recursive }.collect(&tidy(path), MAX_DEPTH, &mut found, diagnostics);
        }
        Ok(real) if is_hcl(path) => found.push(Found { path: path.to_owned(), real }),
        Ok(_) => {
            let message = format!("`{}` is neither a folder nor named as HCL2 files are", path.display());
            let help = "HCL2 files are named `*.pkr.hcl` or `*.pkrvars.hcl`";
            diagnostics.push(Diagnostic::error("no-template", message).help(help));
        }
    }
    found
}

/// The folder that was named.
struct Folder {
    /// Without symbolic links.
    root: PathBuf,
    recursive: bool,
}

impl Folder {
    fn collect(&self, folder: &Path, depth: usize, found: &mut Vec<Found>, diagnostics: &mut Diagnostics) {
        let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut entries = match std::fs::read_dir(listed).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(error) => return diagnostics.push(unreadable(listed, &error)),
        };
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = folder.join(entry.file_name());
            if is_left_alone(&entry.file_name().to_string_lossy()) {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    if self.recursive && depth > 0 {
                        self.collect(&path, depth - 1, found, diagnostics);
                    }
                }
                Ok(_) if is_hcl(&path) => self.file(path, found, diagnostics),
                Ok(_) => {}
                Err(error) => diagnostics.push(unreadable(&path, &error)),
            }
        }
    }

    fn file(&self, path: PathBuf, found: &mut Vec<Found>, diagnostics: &mut Diagnostics) {
        match path.canonicalize() {
            Ok(real) if !real.starts_with(&self.root) => diagnostics.push(
                Diagnostic::warning("link-to-outside", format!("`{}` leads out of the folder", path.display()))
                    .help("it stays as it is; to format the file it leads to, name that one"),
            ),
            // A pipe or a device has no layout.
            Ok(real) if real.is_file() => found.push(Found { path, real }),
            Ok(_) => {}
            Err(error) => diagnostics.push(unreadable(&path, &error)),
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("unreadable-file", format!("`{}` can't be read: {error}", path.display()))
}

fn is_hcl(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(".pkr.hcl") || name.ends_with(".pkrvars.hcl")
}

/// Hidden, and what editors leave behind: `x~` and `#x#`.
fn is_left_alone(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'))
}

/// The path without `.` in it, as Packer shows those of folders.
fn tidy(path: &Path) -> PathBuf {
    path.components().filter(|component| *component != Component::CurDir).collect()
}
