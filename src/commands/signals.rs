//! The signals that ask a command to stop: heard from the first build to the end of the job, not only while a build runs.

use crate::event::Events;
use anyhow::{Context as _, Result};
use imgforge_ledger::Ledger;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What SIGINT, SIGTERM and SIGHUP ask for. Made once, before the first build: the system's own way of ending a process is
/// gone from then on.
pub(super) struct Signals {
    /// Cancelled by the first of them. Whoever goes on to something new looks at it before.
    pub(super) cancel: CancellationToken,
    running: Arc<Mutex<Weak<Ledger>>>,
}

impl Signals {
    /// Listens from now on. The first signal cancels what is under way, which then cleans up; further ones say what is still
    /// there.
    ///
    /// # Errors
    /// When the system lets nobody listen.
    pub(super) fn watch(events: Events) -> Result<Self> {
        let listen = |kind| signal(kind).context("listen for signals");
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let mut hangup = listen(SignalKind::hangup())?;
        let signals = Self { cancel: CancellationToken::new(), running: Arc::default() };
        let (cancel, running) = (signals.cancel.clone(), signals.running.clone());
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    _ = interrupt.recv() => "interrupt",
                    _ = terminate.recv() => "terminated",
                    _ = hangup.recv() => "hangup",
                };
                if !cancel.is_cancelled() {
                    events.error(format!("Cancelling build after receiving {name}"));
                    cancel.cancel();
                    continue;
                }
                let ledger = running.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
                let remaining = ledger.map(|ledger| ledger.remaining()).unwrap_or_default();
                events.say(format!("Cleaning up, {} left to remove:", remaining.len()));
                for resource in remaining {
                    events.say(format!("    {} {} ({})", resource.kind, resource.name, resource.build));
                }
            }
        });
        Ok(signals)
    }

    /// From now on it is this run of which further signals say what is left.
    pub(super) fn tell_of(&self, ledger: &Arc<Ledger>) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(ledger);
    }
}
