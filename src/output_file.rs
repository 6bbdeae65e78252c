//! Files that we write for the user where a stranger may have put links: the checkout of a pull request.
//!
//! The user's own words (an absolute path, `..`) may lead anywhere, links in the checkout may not lead out of it.

use crate::ci::clean;
use crate::host::is_in_checkout;
use anyhow::{Context as _, Result, bail, ensure};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A file that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutputFile {
    /// Absolute.
    path: PathBuf,
    /// What no link may lead out of; `None` where the user's own words lead to somewhere else.
    checkout: Option<PathBuf>,
}

impl OutputFile {
    /// The file of this name, as somebody names it who is in a folder (absolute).
    pub(crate) fn named(path: &Path, started_in: &Path) -> Self {
        let path = started_in.join(path);
        let words = clean(&path);
        // The outermost repository: what looks like one inside of it may be a link to another.
        let repository = words.ancestors().filter(|above| above.join(".git").exists()).last();
        // Whoever starts in `/` is in no checkout, and `/dev/stdout` is a link.
        let checkout = repository.or(Some(started_in).filter(|folder| folder.parent().is_some()));
        let checkout = checkout.filter(|root| is_in_checkout(&words, root)).map(Path::to_owned);
        Self { path, checkout }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks whether a report can be put there at the end.
    ///
    /// # Errors
    /// When its folder is not there or not for us, or it is a folder itself.
    pub(crate) fn check(&self) -> Result<()> {
        if self.path.is_dir() {
            bail!("{} is a folder: a report needs the name of a file", self.path.display());
        }
        match self.path.parent() {
            Some(folder) if !folder.is_dir() => {
                bail!("there is no folder {}: make it before a report goes there", folder.display())
            }
            Some(folder) => self.real(folder).map(drop),
            None => Ok(()),
        }
    }

    /// Makes the folder of the file.
    ///
    /// # Errors
    /// When that is not possible, or a link leads out of the checkout.
    pub(crate) fn make_folder(&self) -> Result<()> {
        let Some(folder) = self.path.parent() else { return Ok(()) };
        if let Some(there) = folder.ancestors().find(|above| above.exists()) {
            self.real(there)?;
        }
        fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))
    }

    /// Puts the file there at once, in place of an older one. In a checkout a link is replaced as well; elsewhere it
    /// stays one. A device or a pipe stays what it is.
    ///
    /// # Errors
    /// When that is not possible, or a link leads out of the checkout.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let write = || -> Result<()> {
            let mut target = self.target()?;
            let there = self.status(&target);
            if there.as_ref().is_ok_and(|there| !there.is_file() && !there.is_symlink()) {
                OpenOptions::new().write(true).open(target)?.write_all(bytes)?;
                return Ok(());
            }
            if self.checkout.is_none() {
                target = target.canonicalize().unwrap_or(target);
            }
            // As any other new file: the umask takes its part.
            let permissions = match there {
                Ok(there) if there.is_file() => there.permissions(),
                _ => Permissions::from_mode(0o666),
            };
            let folder = target.parent().unwrap_or(Path::new("/"));
            let mut file =
                tempfile::Builder::new().prefix(".imgforge-").permissions(permissions).tempfile_in(folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&target)?;
            Ok(())
        };
        write().with_context(|| format!("write {}", self.path.display()))
    }

    /// An empty file in its place, which grows while somebody reads it.
    ///
    /// # Errors
    /// As [`OutputFile::write`].
    pub(crate) fn create(&self) -> Result<File> {
        let target = self.target()?;
        if self.status(&target).is_ok_and(|there| there.is_symlink()) {
            fs::remove_file(&target)?;
        }
        Ok(File::create(target)?)
    }

    /// The path, with no link on the way to its last name.
    fn target(&self) -> Result<PathBuf> {
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            bail!("it is no name of a file");
        };
        Ok(self.real(folder)?.join(name))
    }

    /// What stands there: in a checkout the link itself, elsewhere what it leads to.
    fn status(&self, target: &Path) -> io::Result<fs::Metadata> {
        if self.checkout.is_some() { fs::symlink_metadata(target) } else { fs::metadata(target) }
    }

    /// A folder without links.
    fn real(&self, folder: &Path) -> Result<PathBuf> {
        let real = folder.canonicalize()?;
        if let Some(checkout) = &self.checkout {
            ensure!(
                is_in_checkout(&real, &checkout.canonicalize()?),
                "{} leads out of the repository by a link, which is not followed: name the place it leads to",
                folder.display()
            );
        }
        Ok(real)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A folder with a repository, and a file beside it that is not to be touched.
    fn world() -> (tempfile::TempDir, PathBuf) {
        let world = tempfile::tempdir().unwrap();
        let root = world.path().canonicalize().unwrap().join("repository");
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::create_dir(root.join("sub")).unwrap();
        fs::write(root.join("../outside"), "untouched").unwrap();
        (world, root)
    }

    fn wrong(result: Result<()>, root: &Path) -> String {
        format!("{:#}", result.unwrap_err()).replace(root.to_str().unwrap(), "@")
    }

    #[test]
    fn a_link_in_the_checkout_is_replaced_and_never_followed() {
        let (_world, root) = world();
        for (target, name, started_in) in [
            ("../outside", "a", root.clone()),
            ("../../outside", "sub/b", root.clone()),
            ("../../outside", "../sub/c", root.join("sub")),
            ("../outside", root.join("d").to_str().unwrap(), PathBuf::from("/")),
            ("../missing", "e", root.clone()),
            (".git/config", "f", root.clone()),
        ] {
            let file = OutputFile::named(Path::new(name), &started_in);
            symlink(target, file.path()).unwrap();
            file.check().unwrap();
            file.write(b"new").unwrap();
            assert!(fs::symlink_metadata(file.path()).unwrap().is_file(), "{name}");
            assert_eq!(fs::read(file.path()).unwrap(), b"new");
        }
        let log = OutputFile::named(Path::new("log"), &root);
        symlink("../outside", log.path()).unwrap();
        log.create().unwrap().write_all(b"line").unwrap();
        assert_eq!(fs::read(root.join("log")).unwrap(), b"line");
        assert_eq!(fs::read(root.join("../outside")).unwrap(), b"untouched");
        assert!(!root.join("../missing").exists() && !root.join(".git/config").exists());
        assert_eq!(fs::read_dir(&root).unwrap().count(), 7, "no other file is left");
    }

    #[test]
    fn a_folder_that_is_a_link_out_of_the_checkout_is_refused() {
        let (_world, root) = world();
        fs::create_dir_all(root.join("../other/.git")).unwrap();
        let refused = "leads out of the repository by a link, which is not followed: name the place it leads to";
        for (name, target) in [("up", ".."), ("other", "../other"), ("git", ".git"), ("absolute", "/")] {
            symlink(target, root.join(name)).unwrap();
            let file = OutputFile::named(&Path::new(name).join("x"), &root);
            assert_eq!(wrong(file.check(), &root), format!("@/{name} {refused}"));
            assert_eq!(wrong(file.write(b"new"), &root), format!("write @/{name}/x: @/{name} {refused}"));
            assert!(file.create().is_err());
            let deeper = OutputFile::named(&Path::new(name).join("made/x"), &root);
            assert_eq!(wrong(deeper.make_folder(), &root), format!("@/{name} {refused}"));
            assert!(!root.join(name).join("x").exists() && !root.join(name).join("made").exists());
        }
        symlink("../missing", root.join("gone")).unwrap();
        assert!(OutputFile::named(Path::new("gone/x"), &root).make_folder().is_err());
        assert!(!root.join("../missing").exists());
        // One that stays inside is as good as any other folder.
        symlink("sub", root.join("inside")).unwrap();
        let file = OutputFile::named(Path::new("inside/made/x"), &root);
        file.make_folder().unwrap();
        file.write(b"new").unwrap();
        assert_eq!(fs::read(root.join("sub/made/x")).unwrap(), b"new");
    }

    #[test]
    fn the_users_own_words_may_lead_anywhere() {
        let (_world, root) = world();
        symlink("outside", root.join("../link")).unwrap();
        for name in ["../link", root.join("../link").to_str().unwrap(), ".git/own"] {
            OutputFile::named(Path::new(name), &root).write(name.as_bytes()).unwrap();
            assert_eq!(fs::read(root.join(name)).unwrap(), name.as_bytes());
        }
        assert!(fs::symlink_metadata(root.join("../link")).unwrap().is_symlink());
        assert_eq!(fs::read(root.join("../outside")).unwrap(), root.join("../link").to_str().unwrap().as_bytes());
    }

    #[test]
    fn a_file_is_replaced_whole_with_its_mode_and_a_device_or_a_pipe_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        OutputFile::named(Path::new("a"), folder.path()).write(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
        for started_in in [folder.path(), Path::new("/"), Path::new("/dev")] {
            OutputFile::named(Path::new("/dev/null"), started_in).write(b"new").unwrap();
        }
        assert!(!Path::new("/dev/null").is_file());
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        OutputFile::named(Path::new("pipe"), folder.path()).write(b"new").unwrap();
        assert_eq!(reader.join().unwrap(), b"new");
    }

    #[test]
    fn what_can_not_be_written_is_known_before() {
        let folder = tempfile::tempdir().unwrap();
        let check = |name: &str| OutputFile::named(Path::new(name), folder.path()).check();
        assert_eq!(wrong(check(""), folder.path()), "@/ is a folder: a report needs the name of a file");
        assert_eq!(
            wrong(check("out/x.json"), folder.path()),
            "there is no folder @/out: make it before a report goes there"
        );
        check("x.json").unwrap();
    }
}
