//! Local processes that can be found again: each carries its claim in its environment, in a process group of its own.
//!
//! A claim in the environment survives what a pid does not: the death of imgforge between starting a process and
//! noting its pid, and the reuse of pids. What clears its environment (`env -i`, `sudo -u`, `su -`) is found by those it
//! comes from, as long as one of them lives.

use anyhow::{Context as _, Result};
use imgforge_ledger::{BuildLedger, Claim, Resource};
use rustix::process::{Pid, Signal, getpid, kill_process};
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// The environment variable that holds the claim's name, inherited by all children.
const VARIABLE: &str = "IMGFORGE_CLAIM";

/// What a claim of a command of the user's is called.
const COMMAND: &str = "command";

/// How long a process may take to die after SIGKILL: uninterruptible I/O on a slow disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// Claims a command of the user's. Helpers that it leaves running belong to the claim.
///
/// # Errors
/// As [`BuildLedger::claim`].
pub fn claim_command(ledger: &BuildLedger) -> io::Result<Claim> {
    ledger.claim("process", COMMAND)
}

/// Whether a thing is a command of the user's, or the helpers that it left running: a server, an agent, a tunnel.
pub fn is_command(resource: &Resource) -> bool {
    resource.cleaner == "process" && resource.kind == COMMAND
}

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
    let mut family = Family::default();
    loop {
        family.kill(claim).context("look for processes")?;
        if family.0.is_empty() {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < deadline, "processes {:?} do not end", family.0.keys());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Kills all processes of a claim and does not wait for their end.
///
/// # Errors
/// When the system does not tell which there are.
pub fn kill_claimed(claim: &str) -> io::Result<()> {
    Family::default().kill(claim)
}

/// Whether a process of the claim lives.
///
/// # Errors
/// When the system does not tell.
pub fn lives(claim: &str) -> io::Result<bool> {
    let mut family = Family::default();
    Ok(!family.grow(claim)?.is_empty())
}

fn signal(pids: impl IntoIterator<Item = i32>, signal: Signal) {
    for pid in pids.into_iter().filter_map(Pid::from_raw) {
        // Gone between looking and killing is as good as killed; what may not be killed is told when it does not end.
        let _gone = kill_process(pid, signal);
    }
}

/// A process as `/proc/PID/stat` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    parent: i32,
    group: i32,
    session: i32,
    /// In ticks since the boot: with the pid, what no other process has.
    started: u64,
    /// It has ended, and only its parent does not know yet.
    is_over: bool,
}

/// The living processes of a claim, by their pids, with their starts.
#[derive(Default)]
struct Family(BTreeMap<i32, u64>);

impl Family {
    /// Finds all of them, and then kills them. Whoever is stopped makes no further ones, so that the search comes to an end
    /// before the first of them dies, and with it what it says of the others.
    fn kill(&mut self, claim: &str) -> io::Result<()> {
        loop {
            let added = self.grow(claim)?;
            if added.is_empty() {
                break;
            }
            signal(added, Signal::STOP);
        }
        signal(self.0.keys().copied(), Signal::KILL);
        Ok(())
    }

    /// Looks at what there is: those that are gone leave, new ones join. Returns those that are new.
    ///
    /// Members are whoever carries the claim, what a member has started, and what is in a group or session that a member
    /// has founded: its number is the member's own. Never imgforge itself, nor what has started it.
    fn grow(&mut self, claim: &str) -> io::Result<Vec<i32>> {
        let all = processes()?;
        self.0.retain(|pid, started| all.get(pid).is_some_and(|it| it.started == *started && !it.is_over));
        let above = ancestors(getpid().as_raw_nonzero().get(), &all);
        let mut added = Vec::new();
        for (pid, process) in all.iter().filter(|(pid, process)| !process.is_over && !above.contains(pid)) {
            if !self.0.contains_key(pid) && carries(*pid, claim) {
                self.0.insert(*pid, process.started);
                added.push(*pid);
            }
        }
        loop {
            let belongs = |process: &Process| {
                [process.parent, process.group, process.session].iter().any(|number| self.0.contains_key(number))
            };
            let further: Vec<(i32, u64)> = all
                .iter()
                .filter(|(pid, process)| !process.is_over && !above.contains(pid) && !self.0.contains_key(pid))
                .filter(|(_, process)| belongs(process))
                .map(|(pid, process)| (*pid, process.started))
                .collect();
            if further.is_empty() {
                return Ok(added);
            }
            added.extend(further.iter().map(|(pid, _)| *pid));
            self.0.extend(further);
        }
    }
}

/// A process and all that it comes from.
fn ancestors(pid: i32, all: &BTreeMap<i32, Process>) -> Vec<i32> {
    let mut line = vec![pid];
    let mut current = pid;
    while let Some(process) = all.get(&current)
        && !line.contains(&process.parent)
    {
        current = process.parent;
        line.push(current);
    }
    line
}

/// Whether the claim stands in a process's environment. Those of others can't be read, and so don't carry it.
fn carries(pid: i32, claim: &str) -> bool {
    let wanted = format!("{VARIABLE}={claim}");
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
}

/// Everything that the system shows.
fn processes() -> io::Result<BTreeMap<i32, Process>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended meanwhile.
        let Ok(text) = std::fs::read(entry.path().join("stat")) else { continue };
        all.extend(parse(&String::from_utf8_lossy(&text)).map(|process| (pid, process)));
    }
    Ok(all)
}

/// Fields of proc(5): state, parent, group, session, and the start as the 22nd. Names may have spaces and brackets in them,
/// so that the fields begin after the last bracket.
fn parse(stat: &str) -> Option<Process> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse().ok();
    Some(Process {
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        started: fields.get(19)?.parse().ok()?,
        is_over: matches!(*fields.first()?, "Z" | "X"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgforge_ledger::Ledger;
    use std::process::Child;

    /// How many living processes carry the claim or belong to one that does.
    fn count(claim: &str) -> usize {
        let mut family = Family::default();
        family.grow(claim).unwrap().len()
    }

    async fn until(mut holds: impl FnMut() -> bool) {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_claimed_process_and_its_children_are_found_and_ended_and_no_other() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(state.path()).unwrap();
        let build = ledger.build("null");
        let (ours, theirs) = (claim_command(&build).unwrap(), claim_command(&build).unwrap());
        let sleeper = || {
            let mut command = Command::new("sh");
            command.args(["-c", "sleep 60 & sleep 60"]);
            command
        };
        let mut mine = claimed(sleeper(), &ours).spawn().unwrap();
        let mut other = claimed(sleeper(), &theirs).spawn().unwrap();
        until(|| count(ours.name()) == 3 && count(theirs.name()) == 3).await;
        end_claimed(ours.name()).await.unwrap();
        mine.wait().await.unwrap();
        assert_eq!(count(theirs.name()), 3);
        end_claimed(theirs.name()).await.unwrap();
        other.wait().await.unwrap();
    }

    /// A process of somebody else: in our own group and session, as whatever else the user runs in this terminal is.
    struct Foreign(Child);

    impl Foreign {
        fn start(program: &str, arguments: &[&str]) -> Self {
            Self(std::process::Command::new(program).args(arguments).spawn().unwrap())
        }
    }

    impl Drop for Foreign {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    #[tokio::test]
    async fn what_has_cleared_its_environment_goes_with_those_it_comes_from_and_no_foreign_process_does() {
        let state = tempfile::tempdir().unwrap();
        let claim = claim_command(&Ledger::open(state.path()).unwrap().build("null")).unwrap();
        let mut foreign = [
            Foreign::start("sleep", &["7311"]),
            Foreign::start("env", &["-i", "sleep", "7311"]),
            Foreign::start("setsid", &["sleep", "7311"]),
        ];
        let mut command = Command::new("sh");
        // A child; a grandchild in a session of its own; and one that is left without a parent in its group alone.
        command
            .args(["-c", "env -i sleep 7312 & env -i setsid sh -c 'sleep 7312 & wait' & (env -i sleep 7312 &); wait"]);
        let mut ours = claimed(command, &claim).spawn().unwrap();
        let members = || processes().unwrap().into_keys().filter(|pid| is_running(*pid, "7312")).collect::<Vec<_>>();
        until(|| members().len() == 3 && count(claim.name()) == 5).await;
        end_claimed(claim.name()).await.unwrap();
        ours.wait().await.unwrap();
        assert_eq!(members(), [0; 0]);
        for foreign in &mut foreign {
            assert!(foreign.0.try_wait().unwrap().is_none());
        }
    }

    fn is_running(pid: i32, last: &str) -> bool {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line) == format!("sleep\0{last}\0")
    }

    #[test]
    fn nobody_ends_himself_or_whoever_has_started_him() {
        let all = processes().unwrap();
        let own = getpid().as_raw_nonzero().get();
        let line = ancestors(own, &all);
        assert_eq!(line[..2], [own, all[&own].parent]);
        assert_eq!(line.last(), Some(&0));
    }

    #[test]
    fn a_name_with_brackets_hides_no_field() {
        let stat = "42 (a) b (c) S 7 40 39 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 81234 9 10";
        let process = Process { parent: 7, group: 40, session: 39, started: 81234, is_over: false };
        assert_eq!(parse(stat), Some(process));
        assert_eq!(parse(&stat.replace(" S ", " Z ")), Some(Process { is_over: true, ..process }));
        assert_eq!(parse("42 (a) S 7"), None);
    }
}
