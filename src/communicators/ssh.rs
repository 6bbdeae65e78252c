//! SSH by russh.

use super::{Communicator, ExitStatus, OutputSink, RemoteScript};
use crate::context::BuildContext;
use anyhow::Result;
use async_trait::async_trait;
use imgforge_template::arguments;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::source::Spanned;
use std::path::{Path, PathBuf};
use std::time::Duration;

arguments! {
    /// What every builder that speaks SSH takes.
    pub struct SshArguments {
        /// How to talk to the machine: `ssh`, `none`.
        communicator: Option<Spanned<String>>,
        /// Wait this long after the first connection, then connect again.
        pause_before_connecting: Option<Duration>,
        ssh_host: Option<String>,
        ssh_port: u16 = "22",
        ssh_username: Option<String>,
        ssh_password: Option<String>,
        ssh_keypair_name: Option<Spanned<String>>,
        temporary_key_pair_name: Option<String>,
        temporary_key_pair_type: Option<Spanned<String>>,
        temporary_key_pair_bits: Option<u32>,
        ssh_private_key_file: Option<Spanned<PathBuf>>,
        ssh_timeout: Option<Duration>,
    }
}

impl SshArguments {
    /// Checks what can be checked before a build.
    pub fn check(&self, _body: &Body, _diagnostics: &mut Diagnostics) {}

    /// Whether there is no communicator at all.
    pub fn is_none(&self) -> bool {
        self.communicator.as_ref().is_some_and(|kind| kind.value == "none")
    }
}

/// A key pair made for one build, held in memory alone.
#[derive(Clone)]
pub struct TemporaryKey {}

impl TemporaryKey {
    /// A new ed25519 key.
    pub fn generate(_comment: &str) -> Result<Self> {
        Ok(Self {})
    }

    /// As it stands in `authorized_keys`.
    pub fn public(&self) -> &str {
        ""
    }
}

/// One SSH connection; it is made again when it was lost.
pub struct Ssh {}

impl Ssh {
    /// Waits until the machine at `host` and `port` answers with an SSH banner and lets us in, at most `ssh_timeout`.
    /// Dropping the future stops the waiting.
    ///
    /// # Errors
    /// When the time is up, or the machine refuses the user.
    pub async fn connect(
        _arguments: &SshArguments,
        _host: &str,
        _port: u16,
        _key: Option<&TemporaryKey>,
        _context: &BuildContext,
    ) -> Result<Self> {
        Ok(Self {})
    }
}

#[async_trait]
impl Communicator for Ssh {
    async fn run(&self, _command: &str, _output: &mut dyn OutputSink) -> Result<ExitStatus> {
        anyhow::bail!("not yet")
    }
    async fn run_script(&self, _script: &RemoteScript, _output: &mut dyn OutputSink) -> Result<ExitStatus> {
        anyhow::bail!("not yet")
    }
    async fn upload(&self, _from: &Path, _to: &str, _report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        anyhow::bail!("not yet")
    }
    async fn upload_bytes(&self, _content: &[u8], _to: &str, _mode: u32) -> Result<()> {
        anyhow::bail!("not yet")
    }
    async fn download(&self, _from: &str, _to: &Path, _report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        anyhow::bail!("not yet")
    }
    async fn download_folder(&self, _from: &str, _to: &Path) -> Result<()> {
        anyhow::bail!("not yet")
    }
}
