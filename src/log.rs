//! The log: what goes on inside, for those who look for the reason of something. Off unless a variable asks for it.

use crate::ci::github::without_commands;
use crate::event::{Event, Reporter};
use crate::output_file::OutputFile;
use crate::secret::Redactor;
use anyhow::{Context as _, Result};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use tracing::level_filters::LevelFilter;
use tracing::{debug, info};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What logs: our crates. Libraries don't, since they know of requests and keys, and nothing of secrets.
const OURS: &str = "imgforge";

/// Who tells the course of builds, and what the user reads.
const BUILD: &str = "imgforge::build";
const SAID: &str = "imgforge::said";

/// The log that is on. There is one a process, as there is one standard error.
static LOG: OnceLock<Log> = OnceLock::new();

struct Log {
    /// Takes out of every line what the run has found to be a secret.
    redactor: Redactor,
    /// Whether what the user reads is in the log too; on standard error it would be seen twice.
    has_lines: bool,
}

/// Turns the log on if a variable asks for it.
///
/// # Errors
/// When its file can't be written.
pub(crate) fn start() -> Result<()> {
    let Some(wanted) = Wanted::of(|name| std::env::var_os(name)) else { return Ok(()) };
    let has_lines = wanted.path.is_some();
    let to: Box<dyn Write + Send> = match wanted.path {
        Some(path) => {
            let created = std::env::current_dir()
                .map_err(anyhow::Error::new)
                .and_then(|folder| OutputFile::named(&path, &folder).create());
            Box::new(created.with_context(|| format!("write the log {}", path.display()))?)
        }
        // GitHub's runner reads this stream too, and what a machine says may be in it.
        None => without_commands(Box::new(io::stderr())),
    };
    let log = LOG.get_or_init(|| Log { redactor: Redactor::default(), has_lines });
    let writer = Mutex::new(Redacting { to, redactor: log.redactor.clone() });
    let lines = layer().with_ansi(false).with_writer(writer);
    let ours = Targets::new().with_target(OURS, wanted.level);
    tracing_subscriber::registry().with(ours).with(lines).try_init().context("start the log")
}

/// The redactor of a run: what it learns is a secret in the log as well.
pub(crate) fn redactor() -> Redactor {
    LOG.get().map(|log| log.redactor.clone()).unwrap_or_default()
}

/// Who writes the course of a run into the log, where there is one.
pub(crate) fn reporter() -> Option<Box<dyn Reporter>> {
    LOG.get().map(|log| Box::new(Course { has_lines: log.has_lines }) as Box<dyn Reporter>)
}

/// What the variables ask for.
struct Wanted {
    level: LevelFilter,
    /// `None` is standard error.
    path: Option<PathBuf>,
}

impl Wanted {
    /// Our own variables go before Packer's. A path alone is enough, even beside `0`.
    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let given = |ours: &str, packers: &str| {
            let given = |name: &str| variable(name).filter(|value| !value.is_empty());
            given(ours).or_else(|| given(packers))
        };
        let path = given("IMGFORGE_LOG_PATH", "PACKER_LOG_PATH").map(PathBuf::from);
        let log = given("IMGFORGE_LOG", "PACKER_LOG").filter(|value| value != "0");
        if log.is_none() && path.is_none() {
            return None;
        }
        let level = match log.as_ref().and_then(|value| value.to_str()) {
            Some("error") => LevelFilter::ERROR,
            Some("warn") => LevelFilter::WARN,
            Some("info") => LevelFilter::INFO,
            Some("trace") => LevelFilter::TRACE,
            _ => LevelFilter::DEBUG,
        };
        Some(Self { level, path })
    }
}

/// Writes events without secrets, each as one line: what a machine says must not look like an event of its own. It is
/// given whole events.
struct Redacting {
    to: Box<dyn Write + Send>,
    redactor: Redactor,
}

impl Write for Redacting {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = self.redactor.redact(&String::from_utf8_lossy(event));
        let mut line = String::with_capacity(text.len());
        for character in text.trim_end_matches('\n').chars() {
            match character {
                '\t' => line.push(character),
                _ if character.is_control() => line.extend(character.escape_default()),
                _ => line.push(character),
            }
        }
        line.push('\n');
        self.to.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Writes the course of builds into the log.
struct Course {
    has_lines: bool,
}

impl Reporter for Course {
    fn event(&mut self, event: &Event) {
        match event {
            Event::BuildStarted { build } => info!(target: BUILD, build, "build started"),
            Event::StepStarted { build, step } => debug!(target: BUILD, build, step, "step started"),
            Event::StepFinished { build, step, duration, ok } => {
                debug!(target: BUILD, build, step, ?duration, ok, "step finished")
            }
            Event::BuildFinished { build, duration, error: None } => {
                info!(target: BUILD, build, ?duration, "build finished")
            }
            Event::BuildFinished { build, duration, error: Some(error) } => {
                info!(target: BUILD, build, ?duration, error, "build failed");
            }
            _ if !self.has_lines => {}
            Event::Diagnostics { list, .. } => {
                for diagnostic in list {
                    info!(target: SAID, code = diagnostic.code, severity = ?diagnostic.severity, "{}", diagnostic.message);
                }
            }
            Event::Line { text, .. } | Event::Failure { text } if !text.is_empty() => {
                info!(target: SAID, "{}", text.trim())
            }
            Event::BuildLine { build, text, .. } => info!(target: SAID, build, "{text}"),
            Event::Line { .. }
            | Event::Failure { .. }
            | Event::Fact { .. }
            | Event::Planned { .. }
            | Event::Progress { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    #[test]
    fn variables_say_whether_and_where_to_log() {
        let table = [
            ("", "off"),
            ("PACKER_LOG=", "off"),
            ("PACKER_LOG=0", "off"),
            ("PACKER_LOG=1", "debug"),
            ("PACKER_LOG=yes", "debug"),
            ("IMGFORGE_LOG=trace", "trace"),
            ("IMGFORGE_LOG=info PACKER_LOG=1", "info"),
            ("IMGFORGE_LOG=0 PACKER_LOG=1", "off"),
            ("PACKER_LOG_PATH=a", "debug to a"),
            ("PACKER_LOG_PATH=a PACKER_LOG=0", "debug to a"),
            ("PACKER_LOG_PATH=a IMGFORGE_LOG_PATH=b", "debug to b"),
        ];
        for (given, expected) in table {
            let variables: BTreeMap<&str, &str> = given.split(' ').filter_map(|pair| pair.split_once('=')).collect();
            let told = match Wanted::of(|name| variables.get(name).map(OsString::from)) {
                None => "off".to_owned(),
                Some(Wanted { level, path: None }) => level.to_string(),
                Some(Wanted { level, path: Some(path) }) => format!("{level} to {}", path.display()),
            };
            assert_eq!(told, expected, "{given}");
        }
    }

    #[test]
    fn an_event_is_one_line_without_secrets() {
        #[derive(Clone, Default)]
        struct Kept(Arc<Mutex<Vec<u8>>>);
        impl Write for Kept {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (kept, redactor) = (Kept::default(), Redactor::default());
        let writer = Mutex::new(Redacting { to: Box::new(kept.clone()), redactor: redactor.clone() });
        let log = tracing_subscriber::registry().with(layer().with_ansi(false).without_time().with_writer(writer));
        redactor.add(["two \"words\"", "of two\nlines"]);
        tracing::subscriber::with_default(log, || {
            debug!(error = "refused two \"words\"", debugged = ?"two \"words\"", "login with {}", "two \"words\"");
            debug!(error = %"a\tb\n::error::c\u{1b}[0m of two\nlines", "lost");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            "\
DEBUG imgforge::log::tests: login with <sensitive> error=\"refused <sensitive>\" debugged=\"<sensitive>\"
DEBUG imgforge::log::tests: lost error=a\tb\\n::error::c\\u{1b}[0m <sensitive>
"
        );
    }
}
