//! What runs on the worker: our program, what it is told, and what it says.

use crate::communicators::{Communicator, ExitStatus, OutputSink, RemoteScript};
use crate::context::BuildContext;
use crate::exit::TryAgain;
use anyhow::{Context as _, Result, anyhow, bail};
use imgforge_gce::Upload;
use std::time::Duration;

/// Needs Python 3.7 and no more than its own library, as every image of Debian in Google Cloud has it.
const PROGRAM: &[u8] = include_bytes!("worker.py");

/// For how long an upload may make no progress.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the program exits with where the same may work later.
const TRY_AGAIN: u32 = 75;

/// How much of the last lines of its error stream is kept, in bytes.
const WORDS: usize = 2 << 10;

/// What is written where.
pub(super) struct Work<'a> {
    /// The path of the disk.
    pub(super) device: &'a str,
    /// Each of them gets the whole archive.
    pub(super) uploads: &'a [Upload],
    /// What the files of the program are called on the worker: letters, digits and `-`.
    pub(super) name: &'a str,
}

impl Work<'_> {
    /// Runs the program; returns the size of the archive in bytes. The addresses of the uploads reach the worker in a file
    /// that its user alone reads, and no command line.
    ///
    /// # Errors
    /// What the program says, and a [`TryAgain`] where the network was in the way.
    pub(super) async fn run(&self, worker: &dyn Communicator, context: &BuildContext) -> Result<u64> {
        let (program, settings) = (format!("/tmp/{}.py", self.name), format!("/tmp/{}.json", self.name));
        let script = RemoteScript {
            command: format!("python3 {program} {settings}"),
            path: program,
            content: PROGRAM.to_vec(),
            variables: Some((settings, self.settings(PATIENCE).into_bytes())),
            keep: false,
        };
        let mut ear = Ear::new(context);
        let status = worker.run_script(&script, &mut ear).await.context("start the export on the worker")?;
        ear.outcome(status)
    }

    fn settings(&self, patience: Duration) -> String {
        let sessions: Vec<&str> = self.uploads.iter().map(|upload| upload.url.as_str()).collect();
        let settings = serde_json::json!({
            "device": self.device,
            "sessions": sessions,
            "patience": patience.as_secs(),
        });
        format!("{settings}\n")
    }
}

/// Listens to the program: reports progress, and keeps its last words.
struct Ear<'a> {
    context: &'a BuildContext,
    line: Vec<u8>,
    words: Vec<u8>,
    uploaded: Option<u64>,
}

impl<'a> Ear<'a> {
    fn new(context: &'a BuildContext) -> Self {
        Self { context, line: Vec::new(), words: Vec::new(), uploaded: None }
    }

    fn hear(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words.as_slice() {
            ["progress", done, total] => {
                if let (Ok(done), Ok(total)) = (done.parse(), total.parse()) {
                    self.context.progress("disk", done, total);
                }
            }
            ["uploaded", bytes] => self.uploaded = bytes.parse().ok(),
            _ => tracing::debug!(%line, "the worker says"),
        }
    }

    /// What came of it.
    fn outcome(self, status: ExitStatus) -> Result<u64> {
        let words = String::from_utf8_lossy(&self.words);
        let words = words.trim();
        match (status, self.uploaded) {
            (ExitStatus::Code(0), Some(bytes)) => Ok(bytes),
            (ExitStatus::Code(0), None) => bail!("the worker ended without a word about what it has uploaded"),
            (ExitStatus::Code(TRY_AGAIN), _) => Err(TryAgain(anyhow!("the worker could not upload: {words}")).into()),
            (ExitStatus::Disconnected, _) => Err(TryAgain(anyhow!("the connection to the worker was lost")).into()),
            (ExitStatus::Code(code), _) if words.is_empty() => bail!("the worker failed with the exit code {code}"),
            (ExitStatus::Code(_), _) => bail!("the worker failed: {words}"),
        }
    }
}

impl OutputSink for Ear<'_> {
    fn stdout(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.hear(&line);
            } else if self.line.len() < WORDS {
                self.line.push(*byte);
            }
        }
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.words.extend_from_slice(bytes);
        self.words.drain(..self.words.len().saturating_sub(WORDS));
    }
}

#[cfg(test)]
mod tests;
