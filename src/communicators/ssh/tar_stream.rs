//! Folders as tar archives: the list of what is in one, writing it, and unpacking what a machine sent.

use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};
use tar::{Archive, Builder, EntryType, Header};
use tokio::sync::mpsc;

/// Links may lead round in circles; nobody nests folders this deep.
const DEPTH: usize = 100;

/// One folder or file of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Below the uploaded folder; empty for itself.
    pub(super) path: PathBuf,
    pub(super) is_folder: bool,
    /// A folder that has nothing in it.
    pub(super) is_empty: bool,
    pub(super) mode: u32,
    pub(super) size: u64,
    modified: u64,
}

/// All that is in a folder, folders before their contents, by name. Symbolic links are followed.
///
/// # Errors
/// When something can't be read, or is neither file nor folder.
pub(super) fn list(root: &Path) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    visit(root, PathBuf::new(), 0, &mut items)?;
    Ok(items)
}

fn visit(root: &Path, path: PathBuf, depth: usize, items: &mut Vec<Item>) -> Result<()> {
    let place = root.join(&path);
    let name = || format!("read `{}`", place.display());
    ensure!(depth <= DEPTH, "`{}` is nested too deep: do its links lead round in a circle?", place.display());
    let status = fs::metadata(&place).with_context(name)?;
    let item = |is_empty, size| Item {
        path: path.clone(),
        is_folder: status.is_dir(),
        is_empty,
        mode: status.permissions().mode() & 0o777,
        size,
        modified: modified(&status),
    };
    if status.is_file() {
        items.push(item(false, status.len()));
        return Ok(());
    }
    ensure!(status.is_dir(), "`{}` is neither a file nor a folder", place.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&place).with_context(name)? {
        names.push(entry.with_context(name)?.file_name());
    }
    names.sort();
    items.push(item(names.is_empty(), 0));
    for name in names {
        visit(root, path.join(name), depth + 1, items)?;
    }
    Ok(())
}

fn modified(status: &Metadata) -> u64 {
    u64::try_from(status.mtime()).unwrap_or(0)
}

/// Writes an archive of the items. Everything belongs to user 0, which means the one who unpacks: others can't give
/// files away.
///
/// # Errors
/// When a file can't be read or became shorter, or nobody reads the archive any more.
pub(super) fn write(root: &Path, items: &[Item], to: impl Write) -> Result<()> {
    let mut builder = Builder::new(to);
    for item in items {
        let mut header = Header::new_gnu();
        header.set_mode(item.mode);
        header.set_mtime(item.modified);
        header.set_uid(0);
        header.set_gid(0);
        let name = Path::new(".").join(&item.path);
        if item.is_folder {
            header.set_entry_type(EntryType::Directory);
            header.set_size(0);
            builder.append_data(&mut header, name, io::empty())?;
        } else {
            header.set_entry_type(EntryType::Regular);
            header.set_size(item.size);
            let place = root.join(&item.path);
            let file = File::open(&place).with_context(|| format!("read `{}`", place.display()))?;
            builder.append_data(&mut header, name, Exactly { reader: file, left: item.size })?;
        }
    }
    builder.into_inner()?.flush()?;
    Ok(())
}

/// As many bytes as the header says, whatever happens to the file meanwhile.
struct Exactly<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.reader.read(&mut buffer[..room])?;
        if count == 0 && room > 0 {
            return Err(io::Error::other("a file became shorter while it was read"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// Unpacks an archive that a machine sent into a folder that exists. The machine is not trusted:
/// nothing is written outside of the folder.
///
/// # Errors
/// When an entry is neither file nor folder, would lie outside, or can't be written.
pub(super) fn unpack(from: impl Read, folder: &Path) -> Result<()> {
    let folder = folder.canonicalize().context("find the folder")?;
    let mut archive = Archive::new(from);
    // Folders that may not be written in are closed when everything is in them.
    let mut modes = BTreeMap::new();
    for entry in archive.entries().context("read the archive")? {
        let mut entry = entry.context("read the archive")?;
        let path = entry.path().context("read the archive")?.into_owned();
        let shown = path.display().to_string();
        let inside = inside(&path).with_context(|| format!("the machine sent `{shown}`, which lies outside"))?;
        match entry.header().entry_type() {
            EntryType::Directory => {
                let place = folder.join(&inside);
                make_folder(&folder, &inside)?;
                if !inside.as_os_str().is_empty() {
                    modes.insert(place, entry.header().mode().unwrap_or(0o755) & 0o777);
                }
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse | EntryType::Link => {
                if let Some(parent) = inside.parent() {
                    make_folder(&folder, parent)?;
                }
                let unpacked = entry.unpack_in(&folder).with_context(|| format!("unpack `{shown}`"))?;
                ensure!(unpacked, "the machine sent `{shown}`, which lies outside");
            }
            _ => bail!("the machine sent `{shown}`, which is neither a file nor a folder"),
        }
    }
    for (place, mode) in modes.iter().rev() {
        fs::set_permissions(place, fs::Permissions::from_mode(*mode))
            .with_context(|| format!("set the mode of `{}`", place.display()))?;
    }
    // Archives are padded; whoever sends wants to send it all.
    io::copy(&mut archive.into_inner(), &mut io::sink()).context("read the archive")?;
    Ok(())
}

/// The path below the folder; `None` if it leads out.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) => inside.push(name),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(inside)
}

/// Makes a folder and those above it, through no link.
fn make_folder(folder: &Path, inside: &Path) -> Result<()> {
    let mut place = folder.to_owned();
    for name in inside.components() {
        place.push(name);
        match fs::symlink_metadata(&place) {
            Ok(status) => ensure!(status.is_dir(), "`{}` is in the way", place.display()),
            Err(_) => fs::create_dir(&place).with_context(|| format!("make `{}`", place.display()))?,
        }
    }
    Ok(())
}

/// The end of a pipe from code that blocks to code that waits.
pub(super) struct PipeWriter(pub(super) mpsc::Sender<Vec<u8>>);

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.blocking_send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The end of a pipe from code that waits to code that blocks.
pub(super) struct PipeReader {
    pub(super) receiver: mpsc::Receiver<Vec<u8>>,
    pub(super) rest: io::Cursor<Vec<u8>>,
}

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.rest.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.receiver.blocking_recv() {
                Some(bytes) => self.rest = io::Cursor::new(bytes),
                None => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hostile(path: &str, kind: EntryType, link: &str) -> Vec<u8> {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(if kind == EntryType::Regular { 2 } else { 0 });
        if !link.is_empty() {
            header.set_link_name_literal(link).unwrap();
        }
        header.set_cksum();
        let mut builder = Builder::new(Vec::new());
        builder.append(&header, if kind == EntryType::Regular { &b"hi"[..] } else { &b""[..] }).unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn nothing_is_unpacked_outside() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::write(outer.path().join("secret"), "").unwrap();
        std::os::unix::fs::symlink(outer.path(), folder.join("link")).unwrap();
        let message = |archive: Vec<u8>| match unpack(&archive[..], &folder) {
            Ok(()) => "unpacked".to_owned(),
            Err(error) => error.to_string().replace(outer.path().to_str().unwrap(), ""),
        };
        let file = EntryType::Regular;
        assert_eq!(message(hostile("../x", file, "")), "the machine sent `../x`, which lies outside");
        assert_eq!(message(hostile("/tmp/x", file, "")), "the machine sent `/tmp/x`, which lies outside");
        assert_eq!(message(hostile("link/x", file, "")), "`/folder/link` is in the way");
        assert_eq!(message(hostile("link/y/", EntryType::Directory, "")), "`/folder/link` is in the way");
        assert_eq!(
            message(hostile("s", EntryType::Symlink, "/etc")),
            "the machine sent `s`, which is neither a file nor a folder"
        );
        assert_eq!(message(hostile("h", EntryType::Link, "../secret")), "unpack `h`");
        assert_eq!(message(hostile("a/b/x", file, "")), "unpacked");
        assert_eq!(fs::read_to_string(folder.join("a/b/x")).unwrap(), "hi");
        let mut left: Vec<_> = fs::read_dir(&outer).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["folder", "secret"]);
    }

    #[test]
    fn what_is_written_can_be_unpacked() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = from.path();
        fs::create_dir_all(root.join("sub/empty")).unwrap();
        fs::write(root.join("sub/file"), "content").unwrap();
        std::os::unix::fs::symlink("sub/file", root.join("link")).unwrap();
        let long = "n".repeat(200);
        fs::write(root.join(&long), "long").unwrap();
        fs::set_permissions(root.join("sub"), fs::Permissions::from_mode(0o500)).unwrap();
        let items = list(root).unwrap();
        let names: Vec<_> = items.iter().map(|item| item.path.to_str().unwrap()).collect();
        assert_eq!(names, ["", "link", &long, "sub", "sub/empty", "sub/file"]);
        let mut archive = Vec::new();
        write(root, &items, &mut archive).unwrap();
        unpack(&archive[..], to.path()).unwrap();
        assert_eq!(fs::read_to_string(to.path().join("link")).unwrap(), "content");
        assert_eq!(fs::read_to_string(to.path().join(&long)).unwrap(), "long");
        assert_eq!(fs::metadata(to.path().join("sub")).unwrap().mode() & 0o777, 0o500);
        assert!(to.path().join("sub/empty").is_dir());
    }

    #[test]
    fn circles_and_dead_links_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("dead")).unwrap();
        assert!(list(folder.path()).unwrap_err().to_string().ends_with("/dead`"));
        fs::remove_file(folder.path().join("dead")).unwrap();
        std::os::unix::fs::symlink(".", folder.path().join("circle")).unwrap();
        list(folder.path()).unwrap_err();
    }
}
