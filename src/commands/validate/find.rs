//! Which templates the paths of a command line stand for: themselves, or those in a tree of folders.

use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::json;
use imgforge_template::source::{Origin, Sources};
use imgforge_template::syntax::ExpressionKind;
use std::collections::HashSet;
use std::fs::DirEntry;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

/// Folders that hold what others have written.
const LEFT_ALONE: &str = "node_modules";
/// A file of more bytes is no template.
const MOST_BYTES: u64 = 64 << 20;

/// The templates, each once, in the order in which they were named. With `recursive`, a folder stands for all templates
/// in it and in its folders: those that hold HCL2 files, and legacy JSON files. Links in folders are not followed.
pub(super) fn find(paths: &[PathBuf], recursive: bool, diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
    let mut search = Search { found: Vec::new(), seen: HashSet::new(), walked: HashSet::new(), diagnostics };
    for path in paths {
        if recursive && path.is_dir() {
            search.tree(path);
        } else {
            search.add(path.clone());
        }
    }
    search.found
}

struct Search<'a> {
    found: Vec<PathBuf>,
    /// The same without symbolic links.
    seen: HashSet<PathBuf>,
    /// Folders that were looked into, without symbolic links.
    walked: HashSet<PathBuf>,
    diagnostics: &'a mut Diagnostics,
}

impl Search<'_> {
    fn add(&mut self, template: PathBuf) {
        if self.seen.insert(real(&template)) {
            self.found.push(template);
        }
    }

    fn tree(&mut self, root: &Path) {
        let mut folders = vec![tidy(root)];
        let mut is_empty = true;
        while let Some(folder) = folders.pop() {
            if !self.walked.insert(real(&folder)) {
                is_empty = false;
                continue;
            }
            match entries(&folder) {
                Ok(entries) => {
                    let Folder { templates, inner } = self.folder(&folder, &entries);
                    is_empty &= templates.is_empty();
                    templates.into_iter().for_each(|template| self.add(template));
                    folders.extend(inner.into_iter().rev());
                }
                Err(error) => self.unreadable(&folder, &error),
            }
        }
        if is_empty && !self.diagnostics.has_errors() {
            let message = format!("the folder `{}` and those in it hold no template", root.display());
            let help = "templates are named `*.pkr.hcl` or `*.pkr.json`, or are JSON files with `builders`";
            self.diagnostics.push(Diagnostic::error("no-template", message).help(help));
        }
    }

    fn folder(&mut self, folder: &Path, entries: &[DirEntry]) -> Folder {
        let (mut inner, mut files) = (Vec::new(), Vec::new());
        let mut holds_hcl2 = false;
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = inside(folder, entry);
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    if !name.starts_with('.') && name != LEFT_ALONE {
                        inner.push(path);
                    }
                }
                // Such files of a folder belong together, links and hidden ones too.
                Ok(_) if name.ends_with(".pkr.hcl") || name.ends_with(".pkr.json") => holds_hcl2 = true,
                Ok(kind) if kind.is_file() && name.ends_with(".json") && !name.starts_with('.') => files.push(path),
                Ok(_) => {}
                Err(error) => self.unreadable(&path, &error),
            }
        }
        files.retain(|file| {
            is_legacy(file).unwrap_or_else(|error| {
                self.unreadable(file, &error);
                false
            })
        });
        let folder = holds_hcl2.then(|| folder.to_owned());
        Folder { templates: folder.into_iter().chain(files).collect(), inner }
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let message = format!("`{}` can't be read: {error}", path.display());
        self.diagnostics.push(Diagnostic::error("unreadable-file", message));
    }
}

/// What there is in one folder.
struct Folder {
    templates: Vec<PathBuf>,
    inner: Vec<PathBuf>,
}

/// By name.
fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let mut entries: Vec<DirEntry> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

/// The path of an entry, without the `./` of what lies in the working directory.
fn inside(folder: &Path, entry: &DirEntry) -> PathBuf {
    if folder == Path::new(".") { entry.file_name().into() } else { folder.join(entry.file_name()) }
}

/// The path without `.` in it, unless it is that alone.
fn tidy(path: &Path) -> PathBuf {
    let path: PathBuf = path.components().filter(|component| *component != Component::CurDir).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

/// What is not there, or is standard input, is itself.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Whether a JSON file has `builders` at its root, as far as it can be read: a template with a mistake is one too.
fn is_legacy(path: &Path) -> io::Result<bool> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    let key = b"\"builders\"";
    if bytes.len() as u64 > MOST_BYTES || !bytes.windows(key.len()).any(|window| window.eq_ignore_ascii_case(key)) {
        return Ok(false);
    }
    let text = String::from_utf8_lossy(&bytes);
    let file = Sources::default().add("", Origin::File, &*text);
    let root = json::parse(file, &text, &mut Diagnostics::default());
    let ExpressionKind::Object(items) = &root.kind else { return Ok(false) };
    Ok(items.iter().filter_map(|item| item.key.literal()).any(|key| key.value.eq_ignore_ascii_case("builders")))
}
