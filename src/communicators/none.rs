//! The communicator of builders that have no machine to talk to.

use super::{Communicator, ExitStatus, NoMachine, OutputSink, RemoteScript};
use anyhow::Result;
use async_trait::async_trait;
use std::path::Path;

/// Refuses everything at once, and says why; waiting would not help.
pub struct NoCommunicator {
    /// Why, in words that stand alone: `the file builder has no machine to run on`.
    pub reason: &'static str,
}

impl NoCommunicator {
    fn refuse<T>(&self) -> Result<T> {
        Err(NoMachine(self.reason).into())
    }
}

#[async_trait]
impl Communicator for NoCommunicator {
    async fn run(&self, _: &str, _: &mut dyn OutputSink) -> Result<ExitStatus> {
        self.refuse()
    }

    async fn run_script(&self, _: &RemoteScript, _: &mut dyn OutputSink) -> Result<ExitStatus> {
        self.refuse()
    }

    async fn upload(&self, _: &Path, _: &str, _: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        self.refuse()
    }

    async fn upload_bytes(&self, _: &[u8], _: &str, _: u32) -> Result<()> {
        self.refuse()
    }

    async fn download(&self, _: &str, _: &Path, _: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        self.refuse()
    }

    async fn download_folder(&self, _: &str, _: &Path) -> Result<()> {
        self.refuse()
    }
}
