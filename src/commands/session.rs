//! What a command runs in: events, the state folder, and the runtime of builds.

use super::signals::Signals;
use crate::artifact::Artifact;
use crate::build::{self, Options, Outcome, Run};
use crate::cleaners::CLEANERS;
use crate::cli::ReportArguments;
use crate::clients::Clients;
use crate::event::{Events, Reporter};
use crate::exit::{Exit, TryAgain};
use crate::log;
use crate::plan::Plan;
use crate::reports::{Audience, Lines, Reports};
use anyhow::{Context as _, Result};
use imgforge_ledger::Ledger;
use imgforge_template::source::Sources;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// One run of a command.
pub(super) struct Session {
    pub(super) events: Events,
}

impl Session {
    /// Events go to standard output.
    pub(super) fn terminal(audience: Audience, colour: Option<bool>) -> Self {
        Self::told(audience, vec![audience.reporter(Lines::standard_output(), colour, false)])
    }

    /// Events go to standard error, where standard output is for what a program reads.
    pub(super) fn beside_output(audience: Audience) -> Self {
        Self::told(audience, vec![audience.reporter(Lines::standard_error(), None, false)])
    }

    /// Events go to reports, and by standard output or, where a report has that, by standard error to whoever reads.
    ///
    /// # Errors
    /// When the reports can't be written as the flags say, which has been told then.
    pub(super) fn reporting(
        audience: Audience,
        arguments: &ReportArguments,
        colour: Option<bool>,
        timestamps: bool,
    ) -> Result<Self, Exit> {
        let reports =
            Reports::new(&arguments.reports).map_err(|error| Self::terminal(audience, colour).refuse(&error))?;
        let mut reporters = vec![audience.reporter(reports.lines(), colour, timestamps)];
        reporters.extend(reports.reporters());
        Ok(Self::told(audience, reporters))
    }

    fn told(audience: Audience, reporters: Vec<Box<dyn Reporter>>) -> Self {
        let Self { events } = Self::with(reporters);
        // A program has no answer.
        Self { events: if audience == Audience::Programs { events.without_questions() } else { events } }
    }

    pub(super) fn with(mut reporters: Vec<Box<dyn Reporter>>) -> Self {
        reporters.extend(log::reporter());
        Self { events: Events::new(reporters, log::redactor()) }
    }

    /// Says what kept a command from its work.
    pub(super) fn fail(&self, error: &anyhow::Error) -> Exit {
        self.events.fail(format!("{error:#}"));
        Exit::Failed
    }

    /// Says what is wrong with the command line.
    pub(super) fn refuse(&self, error: &anyhow::Error) -> Exit {
        self.events.fail(format!("{error:#}"));
        Exit::Usage
    }

    /// Writes the reports. One that can't be written makes a success a failure.
    pub(super) fn finish(&self, exit: Exit) -> Exit {
        let wrong = self.events.finish();
        for error in &wrong {
            self.events.fail(format!("{error:#}"));
        }
        if exit == Exit::Success && !wrong.is_empty() { Exit::Failed } else { exit }
    }
}

/// Writes to standard output what a program reads, to the byte, which no reporter promises. Whoever has closed the stream
/// wants nothing; any other end of it is told on standard error. Where GitHub's runner reads it, a text may hold commands
/// for it as with `cat`: a pipe to the runner looks like one to the program that the bytes are for.
pub(super) fn print(bytes: &[u8]) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let error = anyhow::Error::new(error).context("write to standard output");
            Session::beside_output(Audience::People).fail(&error)
        }
        _ => Exit::Success,
    }
}

/// Where runs are written down.
///
/// # Errors
/// When no variable says where the user's state belongs.
pub(super) fn state_folder() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("IMGFORGE_STATE_DIR")
        .or_else(|| variable("XDG_STATE_HOME").map(|home| home.join("imgforge")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/imgforge")))
        .context("set IMGFORGE_STATE_DIR: neither it nor XDG_STATE_HOME nor HOME says where the state folder is")?;
    std::path::absolute(folder).context("find the state folder")
}

/// A run, written down where state belongs.
///
/// # Errors
/// When nothing can be written there.
fn open_ledger() -> Result<Arc<Ledger>> {
    let folder = state_folder()?;
    Ledger::open(&folder)
        .with_context(|| format!("write to the state folder {}, which IMGFORGE_STATE_DIR can move", folder.display()))
}

/// The runtime that builds and cleanups run on.
///
/// # Errors
/// When the system has no threads or file descriptors left.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")
}

/// Runs a plan to its end and tells how it went, in the words that users' scripts look for.
pub(super) async fn build(
    plan: Plan,
    options: Options,
    sources: Arc<Sources>,
    uuid: String,
    session: &Session,
    signals: &Signals,
) -> Result<(Exit, Vec<Outcome>)> {
    let started = Instant::now();
    let ledger = open_ledger()?;
    tracing::debug!(run = ledger.run(), uuid, ?options, "run opened");
    signals.tell_of(&ledger);
    let events = session.events.clone();
    let run = Run {
        options,
        events: events.clone(),
        ledger: ledger.clone(),
        clients: Clients::default(),
        cleaners: CLEANERS,
        cancel: signals.cancel.clone(),
        sources,
        uuid,
    };
    let outcomes = build::run(plan, &run).await;
    // What is asked for from now on is no longer about these builds.
    let cancelled = signals.cancel.is_cancelled();
    if let Err(error) = ledger.finish() {
        events.error(format!("the folder of this run could not be removed: {error}"));
    }
    let left_on_request = matches!(run.options.on_error, build::OnError::Abort | build::OnError::RunCleanupProvisioner);
    summarise(&outcomes, started, cancelled, &events);
    let exit = exit_of(&outcomes, left_on_request, cancelled);
    if exit == Exit::LeftBehind {
        events.fail("some things could not be removed: run `imgforge cleanup`");
    }
    Ok((exit, outcomes))
}

/// How a run ended whose builds ended so.
fn exit_of(outcomes: &[Outcome], left_on_request: bool, cancelled: bool) -> Exit {
    let mut errors = outcomes.iter().filter_map(|outcome| outcome.result.as_ref().err()).peekable();
    if !left_on_request && outcomes.iter().any(|outcome| !outcome.left.is_empty()) {
        Exit::LeftBehind
    } else if cancelled {
        Exit::Interrupted
    } else if errors.peek().is_none() {
        // One that came to no end, which only a defect of ours can do, makes the others withdraw too.
        if outcomes.iter().all(|outcome| outcome.withdrawn.is_empty()) { Exit::Success } else { Exit::Failed }
    } else if errors.all(TryAgain::is_in) {
        Exit::TryAgain
    } else {
        Exit::Failed
    }
}

/// Tells people how it went, and programs beside that what they read of it.
fn summarise(outcomes: &[Outcome], started: Instant, cancelled: bool, events: &Events) {
    events.say(format!("\n==> Wait completed after {}", build::spell(started.elapsed())));
    if cancelled {
        events.say("Cleanly cancelled builds after being interrupted.");
        return;
    }
    let failed: Vec<_> = outcomes.iter().filter_map(|o| o.result.as_ref().err().map(|error| (o, error))).collect();
    if !failed.is_empty() {
        events.fact("", "error-count", [&failed.len().to_string()]);
        events.error("\n==> Some builds didn't complete successfully and had errors:");
        for (outcome, error) in &failed {
            events.fact(&outcome.build, "error", [&format!("{error:#}")]);
            events.error(format!("--> {}: {error:#}", outcome.build));
        }
    }
    if outcomes.iter().any(|outcome| !outcome.withdrawn.is_empty()) {
        events.error("\n==> Removed, since not all builds succeeded:");
        for outcome in outcomes {
            for artifact in &outcome.withdrawn {
                events.error(format!("--> {}: {}", outcome.build, artifact.description));
            }
        }
    }
    let made: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.withdrawn.is_empty())
        .filter_map(|outcome| outcome.result.as_ref().ok().map(|artifacts| (outcome, artifacts)))
        .collect();
    if made.is_empty() {
        events.say("\n==> Builds finished but no artifacts were created.");
        return;
    }
    events.say("\n==> Builds finished. The artifacts of successful builds are:");
    for (outcome, artifacts) in made {
        events.fact(&outcome.build, "artifact-count", [&artifacts.len().to_string()]);
        for (index, artifact) in artifacts.iter().enumerate() {
            artifact_facts(&outcome.build, index, artifact, events);
            events.say(format!("--> {}: {}", outcome.build, artifact.description));
        }
        if artifacts.is_empty() {
            events.say(format!("--> {}: <nothing>", outcome.build));
        }
    }
}

/// What programs read of one artifact.
fn artifact_facts(build: &str, index: usize, artifact: &Artifact, events: &Events) {
    let index = index.to_string();
    for (what, text) in [("builder-id", &artifact.builder_id), ("id", &artifact.id), ("string", &artifact.description)]
    {
        events.fact(build, "artifact", [&index, what, text]);
    }
    events.fact(build, "artifact", [&index, "files-count", &artifact.files.len().to_string()]);
    for (number, file) in artifact.files.iter().enumerate() {
        events.fact(build, "artifact", [&index, "file", &number.to_string(), &file.display().to_string()]);
    }
    events.fact(build, "artifact", [&index, "end"]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    fn outcome(result: Result<Vec<Artifact>>) -> Outcome {
        let name = || "null.web".to_owned();
        Outcome { build: name(), label: name(), builder_type: name(), result, withdrawn: Vec::new(), left: Vec::new() }
    }

    #[test]
    fn trying_again_helps_where_the_world_was_in_the_way_of_all_that_failed() {
        let full = || outcome(Err(anyhow::Error::new(TryAgain(anyhow!("no capacity"))).context("launch")));
        let broken = || outcome(Err(anyhow!("the script failed")));
        let made = || outcome(Ok(Vec::new()));
        let exit = |outcomes: &[Outcome]| exit_of(outcomes, false, false);
        assert_eq!(exit(&[made()]), Exit::Success);
        assert_eq!(exit(&[made(), full(), full()]), Exit::TryAgain);
        assert_eq!(exit(&[full(), broken(), made()]), Exit::Failed);
        assert_eq!(exit_of(&[full()], false, true), Exit::Interrupted);
        assert_eq!(Exit::TryAgain.code(), 75);
        assert_eq!(Exit::TryAgain.packer_code(), 1);
    }

    #[test]
    fn what_is_left_counts_unless_it_was_asked_for() {
        let state = tempfile::tempdir().unwrap();
        let build = Ledger::open(state.path()).unwrap().build("null.web");
        drop(build.claim("process", "command").unwrap());
        let outcomes = [Outcome { left: build.remaining(), ..outcome(Err(anyhow!("the script failed"))) }];
        assert_eq!(exit_of(&outcomes, false, true), Exit::LeftBehind);
        assert_eq!(exit_of(&outcomes, true, false), Exit::Failed);
    }
}
