//! Where a report goes, and how it gets there whole or not at all.

use anyhow::{Context as _, Result, bail};
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    StandardOutput,
    /// Absolute.
    File(PathBuf),
}

impl Destination {
    pub(super) fn write(&self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::StandardOutput => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush()).context("write to standard output")
            }
            Self::File(path) => write_file(path, bytes),
        }
    }
}

/// Looks whether a file can be put there at the end.
///
/// # Errors
/// When its folder is not there, or it is a folder itself.
pub(super) fn check(path: &Path) -> Result<()> {
    if path.is_dir() {
        bail!("{} is a folder: a report needs the name of a file", path.display());
    }
    match path.parent() {
        Some(folder) if !folder.is_dir() => {
            bail!("there is no folder {}: make it before a report goes there", folder.display())
        }
        _ => Ok(()),
    }
}

/// Puts a file there at once, in place of an older one. A link stays a link, and a device or a pipe what it is.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
        }
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // As any other new file: the umask takes its part.
        let permissions = fs::metadata(&target).map_or(Permissions::from_mode(0o666), |there| there.permissions());
        let folder = target.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::Builder::new().prefix(".report").permissions(permissions).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&target)?;
        Ok(())
    };
    write().with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("b"));
        std::os::unix::fs::symlink("a", &link).unwrap();
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        write_file(&link, b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no other file is left");
        write_file(Path::new("/dev/null"), b"new").unwrap();
        assert!(!Path::new("/dev/null").is_file());
    }

    #[test]
    fn what_can_not_be_written_is_known_before() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = |path: &Path| check(path).unwrap_err().to_string().replace(folder.path().to_str().unwrap(), "@");
        assert_eq!(wrong(folder.path()), "@ is a folder: a report needs the name of a file");
        assert_eq!(
            wrong(&folder.path().join("out/x.json")),
            "there is no folder @/out: make it before a report goes there"
        );
        check(&folder.path().join("x.json")).unwrap();
    }
}
