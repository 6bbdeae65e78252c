//! A world that holds some texts and nothing else.

use imgforge_template::host::{FileStatus, Host};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Files by path; a folder is there when a file is in it.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) files: BTreeMap<PathBuf, String>,
}

impl Host for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        let file = self.files.get(path);
        if file.is_none() && !self.files.keys().any(|file| file.starts_with(path)) {
            return Err(ErrorKind::NotFound.into());
        }
        let size = file.map_or(0, |text| text.len() as u64);
        Ok(FileStatus { is_directory: file.is_none(), is_executable: false, size })
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let names = self.files.keys().filter(|file| file.parent() == Some(directory));
        Ok(names.filter_map(|file| file.file_name()).map(|name| name.to_string_lossy().into_owned()).collect())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }

    fn started(&self) -> i64 {
        1_614_834_367
    }

    fn now(&self) -> i64 {
        1_614_834_367
    }

    fn working_directory(&self) -> PathBuf {
        "/work".into()
    }

    fn uuid(&self) -> String {
        "00000000-0000-4000-8000-000000000000".to_owned()
    }
}
