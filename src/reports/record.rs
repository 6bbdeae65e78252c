//! What a report for programs knows of a run, in words that no format has a say in.

use super::root_of;
use crate::ci::{clean, in_workspace};
use crate::event::Event;
use aws_lc_rs::digest::{SHA256, digest};
use imgforge_template::diagnostic::{Diagnostic, Label, Severity};
use imgforge_template::source::{Origin, Position, Sources, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The code of what has none: what kept the command from its work.
pub(super) const FAILURE: &str = "failure";

/// A longer line, of a file made by a program, says nothing of what stands at one place of it. In bytes.
const LONG_LINE: usize = 400;
/// More of a text is not told. In characters.
const LONG_TEXT: usize = 2000;

/// A run so far.
pub(super) struct Record {
    /// What is wrong with templates and the pipeline, each once, in the order in which it was told.
    pub(super) findings: Vec<Finding>,
    /// What kept the command from its work, as findings without a place.
    pub(super) failures: Vec<Finding>,
    pub(super) builds: Vec<Build>,
    /// Paths in reports start from it: the repository.
    pub(super) root: PathBuf,
    /// Where the command was started.
    pub(super) started_in: PathBuf,
    /// Where the names of templates start from.
    pub(super) working_directory: PathBuf,
    known: BTreeSet<(String, String)>,
    /// How many findings have the same fingerprint but for their number.
    alike: BTreeMap<String, usize>,
}

pub(super) struct Finding {
    pub(super) diagnostic: Diagnostic,
    pub(super) place: Option<Place>,
    /// Other places, and what they have to do with it.
    pub(super) related: Vec<(Place, String)>,
    /// Some file that it may be shown at where it has no place in one.
    pub(super) anchor: String,
    /// The same file as seen from where the command was started.
    pub(super) local_anchor: String,
    /// 32 hexadecimal digits, the same as long as code, file, message and line are the same, wherever the line is.
    pub(super) fingerprint: String,
    pub(super) sources: Arc<Sources>,
}

/// Where something stands. Ends are exclusive.
pub(super) struct Place {
    /// A path from the root with `/`, or the name of a flag or variable.
    pub(super) name: String,
    pub(super) is_file: bool,
    /// The same file as seen from where the command was started.
    pub(super) local_name: String,
    pub(super) start: Position,
    pub(super) end: Position,
    /// As `start` and `end`, but with columns that count bytes.
    pub(super) start_bytes: Position,
    pub(super) end_bytes: Position,
    /// What stands there, at most so much as is told.
    pub(super) text: String,
}

pub(super) struct Build {
    pub(super) name: String,
    pub(super) duration: Option<Duration>,
    pub(super) error: Option<String>,
    pub(super) steps: Vec<Step>,
}

pub(super) struct Step {
    pub(super) name: String,
    pub(super) duration: Duration,
    pub(super) ok: bool,
}

impl Record {
    pub(super) fn new(started_in: PathBuf, working_directory: PathBuf) -> Self {
        Self {
            findings: Vec::new(),
            failures: Vec::new(),
            builds: Vec::new(),
            root: root_of(&working_directory),
            started_in,
            working_directory,
            known: BTreeSet::new(),
            alike: BTreeMap::new(),
        }
    }

    /// Whether the run came to what it was for.
    pub(super) fn passed(&self) -> bool {
        self.ran() && self.findings.iter().all(|finding| finding.diagnostic.severity != Severity::Error)
    }

    /// Whether the program did what it had to, whatever it found.
    pub(super) fn ran(&self) -> bool {
        self.failures.is_empty() && self.builds.iter().all(|build| build.error.is_none())
    }

    /// Findings and failures, for formats that know nothing but findings.
    pub(super) fn all(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(&self.failures)
    }

    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Diagnostics { sources, list } => {
                for diagnostic in list {
                    self.finding(diagnostic, sources);
                }
            }
            Event::Failure { text } => {
                let failure = self.found(Diagnostic::error(FAILURE, text), &Arc::default());
                self.failures.push(failure);
            }
            Event::BuildStarted { build } => drop(self.build(build)),
            Event::StepFinished { build, step, duration, ok } => {
                let step = Step { name: step.clone(), duration: *duration, ok: *ok };
                self.build(build).steps.push(step);
            }
            Event::BuildFinished { build, duration, error } => {
                let build = self.build(build);
                build.duration = Some(*duration);
                build.error.clone_from(error);
            }
            Event::Line { .. }
            | Event::Fact { .. }
            | Event::Planned { .. }
            | Event::BuildLine { .. }
            | Event::StepStarted { .. }
            | Event::Progress { .. } => {}
        }
    }

    fn build(&mut self, name: &str) -> &mut Build {
        let index = self.builds.iter().position(|build| build.name == name).unwrap_or_else(|| {
            self.builds.push(Build { name: name.to_owned(), duration: None, error: None, steps: Vec::new() });
            self.builds.len() - 1
        });
        &mut self.builds[index]
    }

    /// Adds what was found, unless another template of the run had it found already.
    fn finding(&mut self, diagnostic: &Diagnostic, sources: &Arc<Sources>) {
        let place = diagnostic.primary.as_ref().map(|label| self.place(label, sources));
        let place = place.map(|place| format!("{} {:?} {:?}", place.name, place.start, place.end));
        let identity = (place.unwrap_or_default(), format!("{} {}", diagnostic.code, diagnostic.message));
        if self.known.insert(identity) {
            let finding = self.found(diagnostic.clone(), sources);
            self.findings.push(finding);
        }
    }

    fn found(&mut self, diagnostic: Diagnostic, sources: &Arc<Sources>) -> Finding {
        let place = diagnostic.primary.as_ref().map(|label| self.place(label, sources));
        let related =
            diagnostic.related.iter().map(|label| (self.place(label, sources), label.message.clone())).collect();
        let (anchor, local_anchor) = match (&place, sources.first_file()) {
            (Some(place), _) if place.is_file => (place.name.clone(), place.local_name.clone()),
            (_, Some(name)) => (self.path(&name), self.from(&name, &self.started_in)),
            // The folder that all paths start from is always there.
            (_, None) => (".".to_owned(), ".".to_owned()),
        };
        let (name, line) = match (&place, &diagnostic.primary) {
            (Some(place), Some(label)) => {
                let line = sources.line(label.span.file, place.start.line);
                (place.name.as_str(), if line.len() > LONG_LINE { place.text.clone() } else { line.trim().to_owned() })
            }
            _ => ("", String::new()),
        };
        let fingerprint = self.fingerprint(&[diagnostic.code, name, &diagnostic.message, &line]);
        Finding { diagnostic, place, related, anchor, local_anchor, fingerprint, sources: sources.clone() }
    }

    fn fingerprint(&mut self, parts: &[&str]) -> String {
        let parts = parts.join("\0");
        let alike = self.alike.entry(parts.clone()).or_default();
        *alike += 1;
        let hash = digest(&SHA256, format!("{parts}\0{alike}").as_bytes());
        hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    fn place(&self, label: &Label, sources: &Sources) -> Place {
        let Span { file, start, end } = label.span;
        let end = end.max(start);
        let (from, to) = (sources.position(file, start), sources.position(file, end));
        let bytes = |position: Position| {
            let line = sources.line(file, position.line);
            let before = position.column - 1;
            let length: usize = line.chars().take(before).map(char::len_utf8).sum();
            // The line ending, which is not in the line, has a byte a character.
            let column = length + before.saturating_sub(line.chars().count()) + 1;
            Position { line: position.line, column }
        };
        let (name, is_file) = (sources.name(file), sources.origin(file) == Origin::File);
        Place {
            name: if is_file { self.path(&name) } else { name.to_string() },
            is_file,
            local_name: self.from(&name, &self.started_in),
            start: from,
            end: to,
            start_bytes: bytes(from),
            end_bytes: bytes(to),
            text: sources.slice(label.span).chars().take(LONG_TEXT).collect(),
        }
    }

    /// A file's path from the root, or from `/` if it is elsewhere.
    fn path(&self, name: &str) -> String {
        self.from(name, &self.root)
    }

    fn from(&self, name: &str, folder: &std::path::Path) -> String {
        let inside = in_workspace(name, Some(folder), &self.working_directory).filter(|path| !path.is_empty());
        inside.unwrap_or_else(|| clean(&self.working_directory.join(name)).to_string_lossy().into_owned())
    }
}

impl Finding {
    pub(super) fn severity(&self) -> &'static str {
        match self.diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }

    /// The place, if it is in a file.
    pub(super) fn in_file(&self) -> Option<&Place> {
        self.place.as_ref().filter(|place| place.is_file)
    }

    /// The path that formats show which need one.
    pub(super) fn path(&self) -> &str {
        &self.anchor
    }

    /// The message on a line of its own, and on the next what to do. A place that is in no file goes before them.
    pub(super) fn text(&self) -> String {
        let mut text = match &self.place {
            Some(place) if !place.is_file => format!("{}: {}", place.name, self.diagnostic.message),
            _ => self.diagnostic.message.clone(),
        };
        if let Some(help) = &self.diagnostic.help {
            text.push_str(&format!("\nhelp: {help}"));
        }
        text
    }
}
