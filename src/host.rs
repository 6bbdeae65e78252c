//! The world as templates see it: this machine.

use imgforge_template::host::{FileStatus, Host};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

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
        std::fs::read(self.working_directory.join(path))
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        let status = std::fs::metadata(self.working_directory.join(path))?;
        let is_executable = status.permissions().mode() & 0o111 != 0;
        Ok(FileStatus { is_directory: status.is_dir(), is_executable, size: status.len() })
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
