//! Reports: who shows a run to people or writes it down for programs, and where to.

mod checkstyle;
mod code_quality;
mod destination;
mod github;
mod json;
mod junit;
mod machine_readable;
mod markup;
mod rdjson;
mod record;
mod rules;
mod sarif;
pub mod snippet;
pub mod terminal;
#[cfg(test)]
mod testing;

use crate::ci::github::{is_read_by_runner, without_commands};
use crate::cli::colour_of;
use crate::event::{Event, Reporter};
use crate::output_file::OutputFile;
use crate::standard_output::StandardOutput;
use anyhow::{Context as _, Result, bail};
use destination::Destination;
use machine_readable::MachineReadable;
use record::Record;
use rustix::fs::{FileType, fstat};
use std::io::{IsTerminal as _, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use terminal::{Look, Terminal};

/// A form in which programs want to read what came of a run.
pub(crate) struct Format {
    name: &'static str,
    /// The whole text, made when the run is over.
    render: fn(&Record) -> Result<String>,
}

/// Every format. Adding one is its file and its line here.
const FORMATS: &[&Format] = &[
    &json::FORMAT,
    &sarif::FORMAT,
    &junit::FORMAT,
    &code_quality::FORMAT,
    &checkstyle::FORMAT,
    &rdjson::FORMAT,
    &github::FORMAT,
];

/// The name of the report for people.
const TERMINAL: &str = "terminal";

/// One `--report KIND[=FILE]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    kind: String,
    file: Option<PathBuf>,
}

impl Wanted {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (kind, file) = match text.split_once('=') {
            Some((_, "")) => return Err("the name of a file is missing after `=`".to_owned()),
            Some((kind, file)) => (kind, Some(file)),
            None => (text, None),
        };
        if kind != TERMINAL && format_named(kind).is_none() {
            let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
            return Err(format!("there is no report of this kind; there are {TERMINAL}, {}", names.join(", ")));
        }
        Ok(Self { kind: kind.to_owned(), file: file.filter(|file| *file != "-").map(PathBuf::from) })
    }
}

fn format_named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}

/// Who reads what a command says while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    People,
    /// `-machine-readable`.
    Programs,
}

impl Audience {
    /// Who writes it for them; colours and times are for people.
    pub(crate) fn reporter(self, lines: Lines, colour: Option<bool>, timestamps: bool) -> Box<dyn Reporter> {
        // What is said has names of files in it, which a pull request chooses.
        let out = if is_read_by_runner() { without_commands(lines.out) } else { lines.out };
        match self {
            Self::People => {
                let look = Look::of(lines.is_terminal, colour_of(colour, lines.is_terminal), timestamps);
                Box::new(Terminal::new(out, look))
            }
            Self::Programs => Box::new(MachineReadable::new(out)),
        }
    }
}

/// The reports of a run, as the flags call for them.
pub(crate) struct Reports {
    machine: Vec<(&'static Format, Destination)>,
    /// Files that get the lines for people too.
    lines: Vec<OutputFile>,
    started_in: PathBuf,
}

/// Where the lines go that are told while a command runs.
pub struct Lines {
    pub(crate) out: Box<dyn Write + Send>,
    pub(crate) is_terminal: bool,
    /// Whether they are kept in a file, which no CI system reads while the job runs.
    pub(crate) is_file: bool,
}

impl Lines {
    pub(crate) fn standard_output() -> Self {
        let stream = std::io::stdout();
        Self { is_terminal: stream.is_terminal(), is_file: is_file(&stream), out: Box::new(StandardOutput) }
    }

    pub(crate) fn standard_error() -> Self {
        let stream = std::io::stderr();
        Self { is_terminal: stream.is_terminal(), is_file: is_file(&stream), out: Box::new(stream) }
    }
}

fn is_file(stream: &impl AsFd) -> bool {
    fstat(stream).is_ok_and(|status| FileType::from_raw_mode(status.st_mode).is_file())
}

impl Reports {
    /// Looks whether they can be written before anything is done that they are about.
    ///
    /// # Errors
    /// When two of them go to the same place, or a file can't be written where it is to be.
    pub(crate) fn new(wanted: &[Wanted]) -> Result<Self> {
        let started_in = std::env::current_dir().context("find the working directory")?;
        let mut reports = Self { machine: Vec::new(), lines: Vec::new(), started_in };
        let mut files: Vec<OutputFile> = Vec::new();
        for Wanted { kind, file } in wanted {
            let file = file.as_ref().map(|file| OutputFile::named(file, &reports.started_in));
            if let Some(file) = &file {
                file.check()?;
                if files.contains(file) {
                    bail!("two reports go to {}: give each a file of its own", file.path().display());
                }
                files.push(file.clone());
            }
            match (format_named(kind), file) {
                (Some(format), Some(file)) => reports.machine.push((format, Destination::File(file))),
                (Some(format), None) if reports.has_standard_output() => {
                    bail!("two reports go to standard output: write `--report {}=FILE`", format.name);
                }
                (Some(format), None) => reports.machine.push((format, Destination::StandardOutput)),
                (None, Some(file)) => reports.lines.push(file),
                // They are shown anyway.
                (None, None) => {}
            }
        }
        Ok(reports)
    }

    fn has_standard_output(&self) -> bool {
        self.machine.iter().any(|(_, destination)| *destination == Destination::StandardOutput)
    }

    /// Without the commands for GitHub's runner on standard output.
    #[must_use]
    pub(crate) fn without_commands(mut self) -> Self {
        self.machine.retain(|(format, to)| format.name != github::FORMAT.name || *to != Destination::StandardOutput);
        self
    }

    /// Standard output, or standard error where a report for programs has that. Beside commands for GitHub's runner,
    /// which reads both streams, no line is one.
    pub(crate) fn lines(&self) -> Lines {
        if !self.has_standard_output() {
            return Lines::standard_output();
        }
        let has_commands =
            |(format, to): &(&Format, _)| format.name == github::FORMAT.name && *to == Destination::StandardOutput;
        if self.machine.iter().any(has_commands) {
            let lines = Lines::standard_error();
            return Lines { out: without_commands(lines.out), is_terminal: false, ..lines };
        }
        Lines::standard_error()
    }

    /// Those who write the reports. The working directory is by now the one that the names of templates start from.
    pub(crate) fn reporters(&self) -> Vec<Box<dyn Reporter>> {
        let mut reporters: Vec<Box<dyn Reporter>> = Vec::new();
        for (format, to) in &self.machine {
            let record = Record::new(self.started_in.clone(), std::env::current_dir().unwrap_or_default());
            reporters.push(Box::new(Recorder { format, record, to: to.clone() }));
        }
        for file in &self.lines {
            let text = Text::default();
            let terminal = Terminal::new(Box::new(text.clone()), Look::default());
            reporters.push(Box::new(Written { terminal, text, to: file.clone() }));
        }
        reporters
    }
}

/// Keeps what happens, and writes it in one form at the end.
struct Recorder {
    format: &'static Format,
    record: Record,
    to: Destination,
}

impl Reporter for Recorder {
    fn event(&mut self, event: &Event) {
        self.record.event(event);
    }

    fn finish(&mut self) -> Result<()> {
        let text = (self.format.render)(&self.record);
        let written = text.and_then(|text| self.to.write(text.as_bytes()));
        written.with_context(|| format!("write the report `{}`", self.format.name))
    }
}

/// Keeps the lines for people, and writes them to a file at the end.
struct Written {
    terminal: Terminal,
    text: Text,
    to: OutputFile,
}

impl Reporter for Written {
    fn event(&mut self, event: &Event) {
        self.terminal.event(event);
    }

    fn finish(&mut self) -> Result<()> {
        let text = self.text.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.to.write(&text).with_context(|| format!("write the report `{TERMINAL}`"))
    }
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The repository that a folder is in, by its `.git`; the folder itself where there is none.
fn root_of(folder: &Path) -> PathBuf {
    folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(folder).to_owned()
}
