//! The journal file of a run: records appended and synced, read back as the list of what is still there.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// One thing that a run created, or was about to create. It is the same thing where all of this is the same: a disk may
/// have the name of its machine, and two projects an image of one name. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// Which cleaner can remove it, for example `process` or `path`.
    pub cleaner: String,
    /// What it is to the user, for example `virtual machine`.
    pub kind: String,
    /// What it is called where the cleaner looks: a generated name, a name of the user's, or an absolute path.
    pub name: String,
    /// The run that claimed it; empty in journals of old.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub run: String,
    /// The build that needed it.
    pub build: String,
    /// What else the cleaner must know to find it, such as a region.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    Claimed(Resource),
    /// It belongs to the user now.
    Kept(Which),
    /// It is gone.
    Released(Which),
}

/// What a line is about.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Which {
    One(Resource),
    /// All of that name, in journals of old.
    Named(String),
}

impl Which {
    fn is(&self, resource: &Resource) -> bool {
        match self {
            Self::One(one) => one == resource,
            Self::Named(name) => *name == resource.name,
        }
    }
}

/// The open journal of a living run.
pub(crate) struct Journal {
    file: File,
    open: Vec<Resource>,
}

impl Journal {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        Ok(Self { file, open: Vec::new() })
    }

    /// Reads what a run left. A torn last line is what a crash leaves while writing; nothing was created for it.
    pub(crate) fn reopen(path: &Path) -> io::Result<Self> {
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut open = Vec::new();
        let mut lines = text.lines().enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            match serde_json::from_str(line) {
                Ok(record) => apply(&mut open, record),
                Err(_) if lines.peek().is_none() && !text.ends_with('\n') => {}
                Err(error) => {
                    let place = format!("{} line {}: {error}", path.display(), index + 1);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, place));
                }
            }
        }
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            // The torn line must not swallow the next record.
            file.set_len(text.rfind('\n').map_or(0, |end| end as u64 + 1))?;
            file.flush()?;
        }
        Ok(Self { file, open })
    }

    /// Appends a record; on disk when this returns. After an error nothing of it is in the file.
    pub(crate) fn append(&mut self, record: Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(&record)?;
        line.push(b'\n');
        let before = self.file.metadata()?.len();
        if let Err(error) = self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            // A disk that is full for a while must not leave half a line, to which the next record would be joined.
            self.file.set_len(before)?;
            return Err(error);
        }
        apply(&mut self.open, record);
        Ok(())
    }

    /// What is still there, in the order it was claimed.
    pub(crate) fn open(&self) -> &[Resource] {
        &self.open
    }
}

fn apply(open: &mut Vec<Resource>, record: Record) {
    match record {
        Record::Claimed(resource) => open.push(resource),
        Record::Kept(which) | Record::Released(which) => open.retain(|resource| !which.is(resource)),
    }
}
