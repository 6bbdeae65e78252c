//! Local processes that can be found again: each carries its claim in its environment, in a process group of its own.
//!
//! A claim in the environment survives what a pid does not: the death of imgforge between starting a process and
//! noting its pid, and the reuse of pids.

use anyhow::{Context as _, Result};
use imgforge_ledger::Claim;
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// The environment variable that holds the claim's name, inherited by all children.
const VARIABLE: &str = "IMGFORGE_CLAIM";

/// How long a process may take to die after SIGKILL: uninterruptible I/O on a slow disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// Marks a command with its claim and gives it a process group of its own, so that a Ctrl-C on the terminal reaches
/// imgforge alone, which then ends its children in order.
pub fn claimed(mut command: Command, claim: &Claim) -> Command {
    let (program, arguments) = (command.as_std().get_program(), command.as_std().get_args());
    tracing::debug!(?program, arguments = ?arguments.collect::<Vec<_>>(), claim = claim.name(), "starting a process");
    command.env(VARIABLE, claim.name()).process_group(0).kill_on_drop(true);
    command
}

/// Ends all processes of a claim and waits until they are gone. None left is a success.
///
/// # Errors
/// When one is still there after ten seconds.
pub async fn end_claimed(claim: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let pids = find(claim).context("look for processes")?;
        if pids.is_empty() {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < deadline, "processes {pids:?} do not end");
        for pid in pids {
            // Gone between looking and killing is as good as killed.
            let _gone = kill_process(pid, Signal::KILL);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The living processes that carry the claim. Zombies have no environment any more and don't count.
fn find(claim: &str) -> std::io::Result<Vec<Pid>> {
    let wanted = format!("{VARIABLE}={claim}");
    let mut pids = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) else {
            continue;
        };
        // Processes of others can't be read and can't be ours.
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()) {
            pids.push(pid);
        }
    }
    Ok(pids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgforge_ledger::Ledger;

    #[tokio::test]
    async fn a_claimed_process_and_its_children_are_found_and_ended_and_no_other() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(state.path()).unwrap();
        let build = ledger.build("null");
        let (ours, theirs) = (build.claim("process", "command").unwrap(), build.claim("process", "command").unwrap());
        let sleeper = || {
            let mut command = Command::new("sh");
            command.args(["-c", "sleep 60 & sleep 60"]);
            command
        };
        let mut mine = claimed(sleeper(), &ours).spawn().unwrap();
        let mut other = claimed(sleeper(), &theirs).spawn().unwrap();
        while find(ours.name()).unwrap().len() < 3 || find(theirs.name()).unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        end_claimed(ours.name()).await.unwrap();
        mine.wait().await.unwrap();
        assert_eq!(find(theirs.name()).unwrap().len(), 3);
        end_claimed(theirs.name()).await.unwrap();
        other.wait().await.unwrap();
    }
}
