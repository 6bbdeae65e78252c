//! Connections to machines.

pub mod local;
pub mod none;
pub mod ssh;

use anyhow::Result;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::Path;

/// There never will be anything to speak to: nobody needs to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoMachine(pub &'static str);

/// How a remote command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// With this code; 128 + n after signal n.
    Code(u32),
    /// The connection went away before it said. Packer's number for it is [`ExitStatus::DISCONNECTED`].
    Disconnected,
}

impl ExitStatus {
    /// The code that stands for a lost connection in `valid_exit_codes`.
    pub const DISCONNECTED: u32 = 2_300_218;

    /// The number that `valid_exit_codes` is compared with.
    pub fn code(self) -> u32 {
        match self {
            Self::Code(code) => code,
            Self::Disconnected => Self::DISCONNECTED,
        }
    }
}

/// Where a command's output goes, as it comes; a line ends at `\n`, and the last one may be unterminated.
pub trait OutputSink: Send {
    fn stdout(&mut self, bytes: &[u8]);
    fn stderr(&mut self, bytes: &[u8]);
}

/// A script to be put on the machine, run and removed again.
#[derive(Clone, Debug)]
pub struct RemoteScript {
    /// Where it is put: mode 0755.
    pub path: String,
    pub content: Vec<u8>,
    /// A further file that is put beside it, mode 0600, and removed again: environment variables.
    pub variables: Option<(String, Vec<u8>)>,
    /// What is run, for the remote login shell: `chmod +x /tmp/script_1.sh; A='b' /tmp/script_1.sh`.
    pub command: String,
    /// Leave the files there.
    pub keep: bool,
}

/// A connection to a machine. Safe to use from several tasks at once.
#[async_trait]
pub trait Communicator: Send + Sync {
    /// Runs a command in the login shell. A non-zero exit is not an error here.
    ///
    /// # Errors
    /// When the command could not be started.
    async fn run(&self, command: &str, output: &mut dyn OutputSink) -> Result<ExitStatus>;

    /// Puts a script on the machine, runs it and removes it, in as few round trips as the communicator can.
    /// The script's standard input is empty.
    ///
    /// # Errors
    /// When it could not be put there or started. Nothing has run then, and it may be tried again.
    async fn run_script(&self, script: &RemoteScript, output: &mut dyn OutputSink) -> Result<ExitStatus>;

    /// Copies a local file or folder to the machine, as `scp` does: a folder with a trailing slash gives its
    /// contents, one without gives itself below an existing destination and else becomes the destination. `report` is told bytes done and in all.
    ///
    /// # Errors
    /// When anything could not be copied.
    async fn upload(&self, from: &Path, to: &str, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()>;

    /// The same from memory, with a mode such as 0o644.
    ///
    /// # Errors
    /// When it could not be copied.
    async fn upload_bytes(&self, content: &[u8], to: &str, mode: u32) -> Result<()>;

    /// Copies a file of the machine to a local file, whose parents exist.
    ///
    /// # Errors
    /// When it could not be copied.
    async fn download(&self, from: &str, to: &Path, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()>;

    /// Copies a folder of the machine, or what matches a pattern, into a local folder that exists.
    ///
    /// # Errors
    /// When anything could not be copied.
    async fn download_folder(&self, from: &str, to: &Path) -> Result<()>;

    /// Values of the connection for `build.*`: `Host`, `Port`, `User`, `ConnType`, ….
    fn values(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
}
