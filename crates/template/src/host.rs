//! The little the languages want to know of the world around them, behind one trait: a test, an editor or a
//! fork's pull request gives them another world.

use std::io;
use std::path::{Path, PathBuf};

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStatus {
    pub is_directory: bool,
    /// Some execute bit is set.
    pub is_executable: bool,
    /// Size in bytes.
    pub size: u64,
}

/// Files, environment, clock and working directory, as the template may see them.
///
/// Relative paths are relative to [`Host::working_directory`].
pub trait Host: Send + Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// As the file system says; `PermissionDenied` for what this host does not show, `FileTooLarge` for what is too
    /// large for a template.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// What stands at a path; symbolic links are followed.
    ///
    /// # Errors
    /// `NotFound` where nothing stands, else as the file system says.
    fn status(&self, path: &Path) -> io::Result<FileStatus>;

    /// Whether what stands at a path must not be written to by anyone. False where that is not known.
    fn is_read_only(&self, _: &Path) -> bool {
        false
    }

    /// The names in a directory, sorted by bytes.
    ///
    /// # Errors
    /// As the file system says.
    fn list(&self, directory: &Path) -> io::Result<Vec<String>>;

    /// An environment variable; one that is not valid UTF-8 counts as unset.
    fn environment(&self, name: &str) -> Option<String>;

    /// Whether an environment variable is set and not valid UTF-8: who reads it for a template says so.
    fn is_garbled(&self, _name: &str) -> bool {
        false
    }

    /// The names of all environment variables, sorted; none where a host does not tell.
    fn environment_names(&self) -> Vec<String> {
        Vec::new()
    }

    /// Seconds since 1970 in UTC when the run started: `{{timestamp}}` is the same all through a run.
    fn started(&self) -> i64;

    /// Seconds since 1970 in UTC now, for `timestamp()`.
    fn now(&self) -> i64;

    /// Absolute.
    fn working_directory(&self) -> PathBuf;

    /// A new random UUID in its usual text form.
    fn uuid(&self) -> String;
}
