//! What a component may use while a build runs.

use crate::clients::Clients;
use crate::event::{Event, Events, Tone};
use anyhow::{Context as _, Result};
use imgforge_ledger::{BuildLedger, Resource};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// One build as its components see it. Cheap to clone.
#[derive(Clone)]
pub struct BuildContext {
    /// The full name, as it stands before every line: `web.qemu.debian`.
    pub name: String,
    /// The source's own name: `PACKER_BUILD_NAME`, the manifest's `name`.
    pub label: String,
    /// `qemu`, `null`, …
    pub builder_type: String,
    /// `PACKER_RUN_UUID`: one for all builds of a run.
    pub run_uuid: String,
    /// Claims: nothing is created without one.
    pub ledger: BuildLedger,
    /// Connections to clouds, which the cleaners use too.
    pub clients: Clients,
    /// Cancelled when the run is to stop. Long waits give way to it.
    pub cancel: CancellationToken,
    /// `-force`: what is in the way may be replaced.
    pub force: bool,
    /// `-debug`.
    pub debug: bool,
    /// The post-processor that speaks, if one does.
    pub source: Option<String>,
    pub events: Events,
}

impl BuildContext {
    /// Says one or more lines: what goes on, or what a command printed.
    pub fn say(&self, text: impl Into<String>) {
        self.line(Tone::Say, text.into());
    }

    /// The same for errors and for what a command wrote to its error stream.
    pub fn error(&self, text: impl Into<String>) {
        self.line(Tone::Error, text.into());
    }

    fn line(&self, tone: Tone, text: String) {
        let (build, source) = (self.name.clone(), self.source.clone());
        self.events.emit(Event::BuildLine { build, source, tone, text });
    }

    /// Tells that something of the build could not be removed.
    pub(crate) fn not_removed(&self, resource: &Resource, error: &anyhow::Error) {
        self.error(format!("the {} {} could not be removed: {error:#}", resource.kind, resource.name));
    }

    /// Reports how far a transfer is, in bytes.
    pub fn progress(&self, what: &str, done: u64, total: u64) {
        let (build, what) = (self.name.clone(), what.to_owned());
        self.events.emit(Event::Progress { build, what, done, total });
    }

    /// Runs one named step of a builder: reports its start and end, and names it in the error. With `-debug` it waits
    /// afterwards until somebody on the terminal has seen enough.
    ///
    /// # Errors
    /// What the work returns.
    pub async fn step<T>(&self, name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let result = self.timed(name, work).await;
        self.pause(&format!("Pausing after run of step '{name}'.")).await;
        result
    }

    /// The same without a pause.
    pub(crate) async fn timed<T>(&self, name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let started = Instant::now();
        self.events.emit(Event::StepStarted { build: self.name.clone(), step: name.to_owned() });
        let result = work.await;
        self.events.emit(Event::StepFinished {
            build: self.name.clone(),
            step: name.to_owned(),
            duration: started.elapsed(),
            ok: result.is_ok(),
        });
        result.with_context(|| name.to_owned())
    }

    /// With `-debug`, says why it waits and does so until somebody presses enter; not where there is no terminal, nor
    /// once the run is cancelled.
    pub(crate) async fn pause(&self, why: &str) {
        if self.debug {
            // What was typed before it does not matter.
            let _typed = self.ask(&format!("{why} Press enter to continue. ")).await;
        }
    }

    /// Asks whoever sits at the terminal; `None` without one, or when the run is cancelled.
    pub(crate) async fn ask(&self, question: &str) -> Option<String> {
        let question = format!("==> {}: {question}", self.name);
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => None,
            answer = self.events.ask(&question) => answer,
        }
    }

    /// Waits, or less long when the run is cancelled.
    ///
    /// # Errors
    /// When cancelled.
    pub async fn sleep(&self, duration: Duration) -> Result<()> {
        tokio::select! {
            () = tokio::time::sleep(duration) => Ok(()),
            () = self.cancel.cancelled() => anyhow::bail!("cancelled"),
        }
    }

    /// The environment that every script gets: `PACKER_BUILD_NAME` and its like.
    pub fn environment(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("PACKER_BUILD_NAME".to_owned(), self.label.clone()),
            ("PACKER_BUILDER_TYPE".to_owned(), self.builder_type.clone()),
        ])
    }
}
