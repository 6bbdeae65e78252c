//! A file gets another text, whole or not at all.

use anyhow::{Context as _, Result};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;

/// Replaces a file, which is no symbolic link, and keeps its mode and, where that is allowed, its owner.
///
/// # Errors
/// When the file or its folder can't be written to. The file is as it was then.
pub(super) fn replace(path: &Path, text: &[u8]) -> Result<()> {
    // A rename would replace a file that must not be written to as well.
    let old = OpenOptions::new().write(true).open(path)?.metadata()?;
    let folder = path.parent().context("it is no file")?;
    let mut new = tempfile::Builder::new().prefix(".imgforge-").tempfile_in(folder)?;
    new.write_all(text)?;
    let made = new.as_file().metadata()?;
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        // Root formats the files of others in CI; whoever else can't give files away.
        let _refused = chown(new.path(), Some(old.uid()), Some(old.gid()));
    }
    new.as_file().set_permissions(old.permissions())?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_mode_stays_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("missing"), b"new").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
