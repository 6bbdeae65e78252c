//! The world as templates see it: this machine.

use imgforge_template::host::{FileStatus, Host};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most bytes of a file that a template reads: it becomes values, which are copied about. Devices have no end.
const MAX_FILE: u64 = 64 << 20;

/// Where git keeps what is its own in a checkout.
const GIT: &str = ".git";

/// Files, environment and clock of this machine.
pub struct LocalHost {
    started: jiff::Timestamp,
    working_directory: PathBuf,
}

impl LocalHost {
    /// The machine as it is now.
    ///
    /// # Errors
    /// When the working directory is gone.
    pub fn new() -> io::Result<Self> {
        Ok(Self { started: jiff::Timestamp::now(), working_directory: std::env::current_dir()? })
    }
}

impl Host for LocalHost {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(self.working_directory.join(path))?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            let message = "it is larger than 64 MiB, which no template needs";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(bytes)
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        let status = std::fs::metadata(self.working_directory.join(path))?;
        let is_executable = status.permissions().mode() & 0o111 != 0;
        Ok(FileStatus { is_directory: status.is_dir(), is_executable, size: status.len() })
    }

    fn is_read_only(&self, path: &Path) -> bool {
        std::fs::metadata(self.working_directory.join(path)).is_ok_and(|status| status.permissions().readonly())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.working_directory.join(directory))? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn is_garbled(&self, name: &str) -> bool {
        std::env::var_os(name).is_some_and(|value| value.to_str().is_none())
    }

    fn environment_names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
        names.sort();
        names
    }

    fn started(&self) -> i64 {
        self.started.as_second()
    }

    fn now(&self) -> i64 {
        jiff::Timestamp::now().as_second()
    }

    fn working_directory(&self) -> PathBuf {
        self.working_directory.clone()
    }

    fn uuid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}

/// The world as a stranger's template may see it: files inside one folder, and no environment. Nothing in `.git` is
/// there: its settings are where CI systems keep the tokens that they cloned with.
pub struct ForkHost {
    inner: LocalHost,
    /// Without symbolic links.
    root: PathBuf,
}

impl ForkHost {
    /// A host that shows the files below `root` alone.
    ///
    /// # Errors
    /// When `root` or the working directory is not there.
    pub fn new(root: &Path) -> io::Result<Self> {
        Ok(Self { inner: LocalHost::new()?, root: root.canonicalize()? })
    }

    /// The path, if it leads to a place inside the folder. Symbolic links are followed first: one may lead outside.
    fn inside(&self, path: &Path) -> io::Result<PathBuf> {
        let path = self.inner.working_directory.join(path);
        let real = path.canonicalize();
        // What is not there is judged by where it would be.
        let judged = match (&real, path.parent()) {
            (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => parent.canonicalize()?,
            _ => real?,
        };
        if is_in_checkout(&judged, &self.root) {
            return Ok(path);
        }
        let message = "what a stranger may have written sees the files of the repository alone, without `.git`";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
    }
}

/// Whether a path is in a checkout and not git's own. Both have no symbolic links.
pub(crate) fn is_in_checkout(path: &Path, root: &Path) -> bool {
    path.strip_prefix(root).is_ok_and(|inner| inner.iter().all(|name| name != GIT))
}

impl Host for ForkHost {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.inner.read(&self.inside(path)?)
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        self.inner.status(&self.inside(path)?)
    }

    fn is_read_only(&self, path: &Path) -> bool {
        self.inside(path).is_ok_and(|path| self.inner.is_read_only(&path))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let mut names = self.inner.list(&self.inside(directory)?)?;
        names.retain(|name| name != GIT);
        Ok(names)
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }

    fn started(&self) -> i64 {
        self.inner.started()
    }

    fn now(&self) -> i64 {
        self.inner.now()
    }

    fn working_directory(&self) -> PathBuf {
        self.inner.working_directory()
    }

    fn uuid(&self) -> String {
        self.inner.uuid()
    }
}

/// A world with one file more, which nobody has written to a disk.
pub struct WithFile {
    inner: Arc<dyn Host>,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl WithFile {
    /// `inner`, with a file of these bytes at this very path.
    pub fn new(inner: Arc<dyn Host>, path: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        Self { inner, path: path.into(), bytes }
    }
}

impl Host for WithFile {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path == self.path { Ok(self.bytes.clone()) } else { self.inner.read(path) }
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        if path != self.path {
            return self.inner.status(path);
        }
        Ok(FileStatus { is_directory: false, is_executable: false, size: self.bytes.len() as u64 })
    }

    fn is_read_only(&self, path: &Path) -> bool {
        path != self.path && self.inner.is_read_only(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        self.inner.list(directory)
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.inner.environment(name)
    }

    fn is_garbled(&self, name: &str) -> bool {
        self.inner.is_garbled(name)
    }

    fn environment_names(&self) -> Vec<String> {
        self.inner.environment_names()
    }

    fn started(&self) -> i64 {
        self.inner.started()
    }

    fn now(&self) -> i64 {
        self.inner.now()
    }

    fn working_directory(&self) -> PathBuf {
        self.inner.working_directory()
    }

    fn uuid(&self) -> String {
        self.inner.uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_sees_the_files_of_the_repository_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("repository");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("a"), "a").unwrap();
        std::fs::write(folder.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
        let host = ForkHost::new(&root).unwrap();
        let kind = |path: &str| host.read(&root.join(path)).map_err(|error| error.kind());
        assert_eq!(kind("a"), Ok(b"a".to_vec()));
        assert_eq!(kind("missing"), Err(io::ErrorKind::NotFound));
        for outside in ["link", "../secret", "/etc/passwd", "../missing"] {
            assert_eq!(kind(outside), Err(io::ErrorKind::PermissionDenied), "{outside}");
        }
        assert_eq!(host.environment("PATH"), None);
    }

    #[test]
    fn a_fork_sees_nothing_of_git_where_the_token_of_the_job_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("sub/.git/modules")).unwrap();
        std::fs::create_dir(root.join(".git")).unwrap();
        for name in [".git/config", "sub/.git/config", ".gitignore"] {
            std::fs::write(root.join(name), "text").unwrap();
        }
        std::os::unix::fs::symlink(".git", root.join("link")).unwrap();
        std::os::unix::fs::symlink(".git/config", root.join("file")).unwrap();
        let host = ForkHost::new(root).unwrap();
        for own in [".git/config", ".git/missing", "sub/.git/config", "link/config", "file", "sub/../.git/config"] {
            let kind = host.read(&root.join(own)).map_err(|error| error.kind());
            assert_eq!(kind, Err(io::ErrorKind::PermissionDenied), "{own}");
        }
        for own in [".git", "link", "sub/.git/modules"] {
            let kind = host.list(&root.join(own)).map_err(|error| error.kind());
            assert_eq!(kind, Err(io::ErrorKind::PermissionDenied), "{own}");
            assert!(host.status(&root.join(own)).is_err(), "{own}");
        }
        // A pattern such as `**` goes through what is listed.
        assert_eq!(host.list(root).unwrap(), [".gitignore", "file", "link", "sub"]);
        assert_eq!(host.read(&root.join(".gitignore")).unwrap(), b"text");
    }

    #[test]
    fn files_without_an_end_are_refused() {
        let host = LocalHost::new().unwrap();
        assert_eq!(host.read(Path::new("/dev/zero")).map_err(|error| error.kind()), Err(io::ErrorKind::FileTooLarge));
    }
}
