//! Everything anyone may want to know about a run. Components say it, reporters show it; nobody prints.

use crate::question::Questions;
use crate::secret::Redactor;
use anyhow::Result;
use imgforge_template::diagnostic::{Diagnostic, Label};
use imgforge_template::source::Sources;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How a line of a build is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// What we or a command have to say.
    Say,
    /// An answer: what the command was called for.
    Message,
    /// An error, or what a command wrote to its error stream.
    Error,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Mistakes of a template or pipeline, sorted; the sources show their places.
    Diagnostics {
        sources: Arc<Sources>,
        list: Vec<Diagnostic>,
    },
    /// A line that belongs to no build.
    Line {
        tone: Tone,
        text: String,
    },
    /// What kept the command from its work, as a sentence without a full stop.
    Failure {
        text: String,
    },
    /// What programs read of a run beside what people do: a kind and values, of a build or, where that is empty, of none.
    Fact {
        build: String,
        kind: &'static str,
        values: Vec<String>,
    },
    /// The builds that are going to run, in order.
    Planned {
        builds: Vec<String>,
    },
    /// A build is about to start.
    BuildStarted {
        build: String,
    },
    /// Lines of a build; `source` names the post-processor that says it, if one does.
    BuildLine {
        build: String,
        source: Option<String>,
        tone: Tone,
        text: String,
    },
    /// A named step of a build began. Reporters that fold output use it; the plain ones wait for lines.
    StepStarted {
        build: String,
        step: String,
    },
    StepFinished {
        build: String,
        step: String,
        duration: Duration,
        ok: bool,
    },
    /// A long transfer: `done` of `total` bytes.
    Progress {
        build: String,
        what: String,
        done: u64,
        total: u64,
    },
    BuildFinished {
        build: String,
        duration: Duration,
        error: Option<String>,
    },
}

/// Someone who watches a run.
pub trait Reporter: Send {
    fn event(&mut self, event: &Event);

    /// Secrets that are known now: a CI system may be told to mask them too. They must not be shown.
    fn secrets(&mut self, _: &[String]) {}

    /// Called once, when nothing more will happen but lines about reports that could not be written.
    ///
    /// # Errors
    /// When what was to be written down can't be.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Where events go: past the redactor, then to every reporter in turn. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    reporters: Arc<Mutex<Vec<Box<dyn Reporter>>>>,
    redactor: Redactor,
    /// None where what is shown is for programs.
    questions: Option<Questions>,
}

impl Events {
    pub fn new(reporters: Vec<Box<dyn Reporter>>, redactor: Redactor) -> Self {
        Self { reporters: Arc::new(Mutex::new(reporters)), redactor, questions: Some(Questions::default()) }
    }

    /// The same, but nobody is ever asked anything.
    #[must_use]
    pub fn without_questions(self) -> Self {
        Self { questions: None, ..self }
    }

    /// Asks whoever sits at the terminal, after all that was reported before. `None` where nobody does.
    pub async fn ask(&self, question: &str) -> Option<String> {
        self.questions.as_ref()?.ask(&self.redactor.redact(question)).await
    }

    /// Reports one event. The one place where order is made: reporters see events one after the other.
    pub fn emit(&self, event: Event) {
        let event = self.redacted(event);
        let mut reporters = self.reporters.lock().unwrap_or_else(PoisonError::into_inner);
        for reporter in reporters.iter_mut() {
            reporter.event(&event);
        }
    }

    /// A line that belongs to no build.
    pub fn say(&self, text: impl Into<String>) {
        self.emit(Event::Line { tone: Tone::Say, text: text.into() });
    }

    /// What a command was asked for.
    pub fn answer(&self, text: impl Into<String>) {
        self.emit(Event::Line { tone: Tone::Message, text: text.into() });
    }

    /// An error that belongs to no build.
    pub fn error(&self, text: impl Into<String>) {
        self.emit(Event::Line { tone: Tone::Error, text: text.into() });
    }

    /// What programs read beside what people do.
    pub fn fact<const COUNT: usize>(&self, build: &str, kind: &'static str, values: [&str; COUNT]) {
        self.emit(Event::Fact { build: build.to_owned(), kind, values: values.map(str::to_owned).to_vec() });
    }

    /// What kept the command from its work.
    pub fn fail(&self, text: impl Into<String>) {
        self.emit(Event::Failure { text: text.into() });
    }

    /// Adds secrets: no event shows them from now on.
    pub fn add_secrets(&self, secrets: &[String]) {
        self.redactor.add(secrets.iter().map(String::as_str));
        let mut reporters = self.reporters.lock().unwrap_or_else(PoisonError::into_inner);
        for reporter in reporters.iter_mut() {
            reporter.secrets(&self.redactor.secrets());
        }
    }

    /// Where text that goes on may be cut: see [`Redactor::seam`].
    pub fn seam(&self, text: &[u8], at: usize) -> Option<usize> {
        self.redactor.seam(text, at)
    }

    /// Lets every reporter write what it has been keeping; returns what went wrong with that.
    pub fn finish(&self) -> Vec<anyhow::Error> {
        let mut reporters = self.reporters.lock().unwrap_or_else(PoisonError::into_inner);
        reporters.iter_mut().filter_map(|reporter| reporter.finish().err()).collect()
    }

    fn redacted(&self, event: Event) -> Event {
        let clean = |text: String| self.redactor.redact(&text);
        let label = |label: Label| Label { span: label.span, message: clean(label.message) };
        match event {
            Event::Diagnostics { sources, list } => {
                let list = list
                    .into_iter()
                    .map(Diagnostic::shortened)
                    .map(|diagnostic| Diagnostic {
                        message: clean(diagnostic.message),
                        primary: diagnostic.primary.map(label),
                        related: diagnostic.related.into_iter().map(label).collect(),
                        help: diagnostic.help.map(clean),
                        ..diagnostic
                    })
                    .collect();
                let masked = sources.masked(&self.redactor.secrets());
                Event::Diagnostics { sources: masked.map_or(sources, Arc::new), list }
            }
            Event::Line { tone, text } => Event::Line { tone, text: clean(text) },
            Event::Failure { text } => Event::Failure { text: clean(text) },
            // A template may put a secret into a build's name.
            Event::BuildLine { build, source, tone, text } => {
                Event::BuildLine { build: clean(build), source: source.map(clean), tone, text: clean(text) }
            }
            Event::BuildFinished { build, duration, error } => {
                Event::BuildFinished { build: clean(build), duration, error: error.map(clean) }
            }
            Event::Progress { build, what, done, total } => {
                Event::Progress { build: clean(build), what: clean(what), done, total }
            }
            Event::Fact { build, kind, values } => {
                Event::Fact { build: clean(build), kind, values: values.into_iter().map(clean).collect() }
            }
            Event::Planned { builds } => Event::Planned { builds: builds.into_iter().map(clean).collect() },
            Event::BuildStarted { build } => Event::BuildStarted { build: clean(build) },
            Event::StepStarted { build, step } => Event::StepStarted { build: clean(build), step: clean(step) },
            Event::StepFinished { build, step, duration, ok } => {
                Event::StepFinished { build: clean(build), step: clean(step), duration, ok }
            }
        }
    }
}
