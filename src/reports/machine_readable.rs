//! `-machine-readable`: a line for everything that happens, as programs that drive Packer read it:
//! `SECONDS,BUILD,TYPE,VALUE,…`. Commas in names and values are `%!(PACKER_COMMA)`, line breaks `\n` and `\r` of two
//! characters each.

use super::snippet;
use super::terminal::{finished, with_name};
use crate::event::{Event, Reporter, Tone};
use imgforge_template::diagnostic::Severity;
use std::io::Write;

pub(crate) struct MachineReadable {
    out: Box<dyn Write + Send>,
}

impl MachineReadable {
    pub(crate) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out }
    }

    fn line(&mut self, build: &str, kind: &str, values: &[&str]) {
        let line = line(jiff::Timestamp::now().as_second(), build, kind, values);
        // A closed stream ends nothing: the build goes on and its result counts.
        let _closed = self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush());
    }

    /// What people are told, with the tone in which it is said.
    fn told(&mut self, tone: Tone, text: &str) {
        let tone = match tone {
            Tone::Say => "say",
            Tone::Message => "message",
            Tone::Error => "error",
        };
        self.line("", "ui", &[tone, text]);
    }
}

fn line(seconds: i64, build: &str, kind: &str, values: &[&str]) -> String {
    let escaped = |text: &str| text.replace(',', "%!(PACKER_COMMA)").replace('\r', "\\r").replace('\n', "\\n");
    // Packer leaves the name of a build as it is, which could forge the rest of the line, and others.
    let mut line = format!("{seconds},{},{kind}", escaped(build));
    for value in values {
        line.push(',');
        line.push_str(&escaped(value));
    }
    line.push('\n');
    line
}

impl Reporter for MachineReadable {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Diagnostics { sources, list } => {
                for diagnostic in list {
                    let tone = if diagnostic.severity == Severity::Error { Tone::Error } else { Tone::Say };
                    self.told(tone, &snippet::render(diagnostic, sources, false));
                }
            }
            Event::Line { tone, text } => self.told(*tone, text),
            Event::Failure { text } => self.told(Tone::Error, &format!("error: {text}")),
            Event::Fact { build, kind, values } => {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                self.line(build, kind, &values);
            }
            Event::BuildLine { build, source, tone, text } => {
                self.told(*tone, &with_name(build, source.as_deref(), text));
            }
            Event::BuildFinished { build, duration, error } => {
                let tone = if error.is_some() { Tone::Error } else { Tone::Say };
                self.told(tone, &finished(build, *duration, error.as_deref()));
            }
            Event::Planned { .. }
            | Event::BuildStarted { .. }
            | Event::StepStarted { .. }
            | Event::StepFinished { .. }
            | Event::Progress { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn values_stay_in_their_line_and_place() {
        assert_eq!(
            line(1, "a", "artifact", &["0", "string", "a, b\r\nc\\n"]),
            "1,a,artifact,0,string,a%!(PACKER_COMMA) b\\r\\nc\\n\n"
        );
        assert_eq!(line(1, "", "ui", &["say", ""]), "1,,ui,say,\n");
        assert_eq!(line(1, "a\r\n1,b", "artifact-count", &["1"]), "1,a\\r\\n1%!(PACKER_COMMA)b,artifact-count,1\n");
    }
}
