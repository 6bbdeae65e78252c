//! The QEMU process: started, watched until it ends, and asked for its last words then.

use super::qmp::Qmp;
use crate::process;
use anyhow::{Context as _, Result};
use imgforge_ledger::Claim;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::UnixListener;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How much is kept of what QEMU writes.
const KEPT: usize = 4096;

/// How long QEMU may take to set up a machine: it reads no disks then.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A QEMU process. It lives on when this is dropped: the engine decides whether its claim is released.
pub(super) struct VirtualMachine {
    ended: watch::Receiver<Option<ExitStatus>>,
    output: Tail,
    _watchers: JoinSet<()>,
}

/// Why a machine did not start.
#[derive(Debug)]
pub(super) enum NotStarted {
    /// Somebody else took the forwarded port in the meantime.
    PortTaken,
    Other(anyhow::Error),
}

impl VirtualMachine {
    /// Starts QEMU and returns when its machine is complete and running. `socket` is where QEMU connects to for QMP,
    /// in a folder of ours; a socket that we listen at needs no waiting for it to appear.
    pub(super) async fn start(mut command: Command, claim: &Claim, socket: &Path) -> Result<(Self, Qmp), NotStarted> {
        let other = |error: anyhow::Error| NotStarted::Other(error);
        let listener = UnixListener::bind(socket).context("listen for QEMU").map_err(other)?;
        command.arg("-qmp").arg(format!("unix:{}", socket.to_string_lossy().replace(',', ",,")));
        let machine = Self::watch(command, claim).map_err(other)?;
        let greeting = async {
            let (stream, _) = listener.accept().await.context("listen for QEMU")?;
            Qmp::greet(stream).await
        };
        let greeted = tokio::select! {
            greeted = greeting => greeted,
            () = tokio::time::sleep(START_LIMIT) => Err(anyhow::anyhow!("QEMU is not ready after {START_LIMIT:?}")),
            _ = machine.ended() => Err(anyhow::anyhow!("QEMU has ended")),
        };
        match greeted {
            Ok(qmp) => Ok((machine, qmp)),
            Err(error) => {
                // QEMU hangs up a moment before it ends, and only its last words say why.
                let ended = tokio::time::timeout(Duration::from_secs(2), machine.ended()).await.is_ok();
                let words = machine.last_words();
                if ended && words.contains("Could not set up host forwarding rule") {
                    return Err(NotStarted::PortTaken);
                }
                Err(NotStarted::Other(if ended { machine.end().unwrap_or(error) } else { error }))
            }
        }
    }

    fn watch(mut command: Command, claim: &Claim) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut command = process::claimed(command, claim);
        // `-on-error=abort` leaves a failed build's machine running.
        let mut child = command.kill_on_drop(false).spawn().context("start QEMU")?;
        let output = Tail::default();
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(output.clone().fill(stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(output.clone().fill(stderr));
        }
        let (sender, ended) = watch::channel(None);
        let mut watchers = JoinSet::new();
        watchers.spawn(async move {
            let Ok(status) = child.wait().await else { return };
            // A process of QEMU's that lives on could keep the pipes open.
            let _complete =
                tokio::time::timeout(Duration::from_secs(1), async { while readers.join_next().await.is_some() {} })
                    .await;
            sender.send_replace(Some(status));
        });
        Ok(Self { ended, output, _watchers: watchers })
    }

    /// Waits until QEMU has ended; `None` if nobody can tell how.
    pub(super) async fn ended(&self) -> Option<ExitStatus> {
        let mut ended = self.ended.clone();
        ended.wait_for(Option::is_some).await.ok().and_then(|status| *status)
    }

    /// How QEMU ended, if it has, as an error with its last words.
    pub(super) fn end(&self) -> Option<anyhow::Error> {
        let status = (*self.ended.borrow())?;
        let words = self.last_words();
        let words = if words.is_empty() { "it said nothing" } else { words.as_str() };
        Some(anyhow::anyhow!("QEMU has ended ({status}): {words}"))
    }

    /// The last lines that QEMU wrote.
    pub(super) fn last_words(&self) -> String {
        self.output.text()
    }
}

/// The end of a text that keeps growing.
#[derive(Clone, Default)]
pub(super) struct Tail {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Tail {
    pub(super) fn push(&self, more: &[u8]) {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.extend_from_slice(more);
        let surplus = bytes.len().saturating_sub(KEPT);
        bytes.drain(..surplus);
    }

    pub(super) fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    async fn fill(self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            self.push(buffer.get(..count).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgforge_ledger::Ledger;

    /// Starts a shell script in QEMU's place; `$2` in it is the value of `-qmp`.
    async fn start(script: &str) -> Result<(VirtualMachine, Qmp), NotStarted> {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let claim = ledger.build("qemu").claim("process", "virtual machine").unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script, "qemu"]);
        VirtualMachine::start(command, &claim, &folder.path().join("qmp")).await
    }

    #[tokio::test]
    async fn a_qemu_that_ends_is_noticed_at_once_with_its_last_words() {
        let Err(NotStarted::Other(error)) = start("echo 'qemu: no such machine' >&2; exit 1").await else {
            panic!("started, or took it for a port");
        };
        assert_eq!(error.to_string(), "QEMU has ended (exit status: 1): qemu: no such machine");
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_told_from_other_mistakes() {
        let script =
            "echo \"qemu: -netdev user: Could not set up host forwarding rule 'tcp:127.0.0.1:22-:22'\" >&2; exit 1";
        assert!(matches!(start(script).await, Err(NotStarted::PortTaken)));
    }

    #[test]
    fn only_the_end_of_a_long_text_is_kept() {
        let tail = Tail::default();
        for _ in 0..10_000 {
            tail.push("é\n".as_bytes());
        }
        tail.push(b"the end\n");
        assert!(tail.text().ends_with("\nthe end"));
        assert!(tail.text().len() <= KEPT + 4);
    }
}
