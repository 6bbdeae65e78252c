//! What people read while a run goes on: lines with the build's name before them, diagnostics with their places, and
//! on a terminal the progress of long transfers.

use super::snippet;
use crate::build::spell;
use crate::event::{Event, Reporter, Tone};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write};
use std::time::Duration;

/// ANSI colours of builds in turn: green, cyan, magenta, yellow, blue.
const BUILD_COLOURS: [u8; 5] = [32, 36, 35, 33, 34];
const RED: u8 = 31;

/// How lines look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    pub colour: bool,
    /// The time before each line of a build: `-timestamp-ui`.
    pub timestamps: bool,
    /// Bars for long transfers; only where somebody looks on.
    pub bars: bool,
}

impl Look {
    /// As a stream calls for it that is a terminal or not: bars on a terminal outside of CI, colours where `colour` says
    /// so.
    pub(crate) fn of(is_terminal: bool, colour: bool, timestamps: bool) -> Self {
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
        let bars = !in_ci && is_terminal && std::io::stderr().is_terminal();
        Self { colour, timestamps, bars }
    }
}

/// Writes lines to a stream.
pub struct Terminal {
    out: Box<dyn Write + Send>,
    look: Look,
    colours: BTreeMap<String, u8>,
    bars: MultiProgress,
    running: BTreeMap<(String, String), ProgressBar>,
}

impl Terminal {
    pub fn new(out: Box<dyn Write + Send>, look: Look) -> Self {
        let target = if look.bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        Self { out, look, colours: BTreeMap::new(), bars, running: BTreeMap::new() }
    }

    fn line(&mut self, text: &str, colour: Option<u8>) {
        let line = match colour.filter(|_| self.look.colour && !text.is_empty()) {
            Some(colour) => format!("\u{1b}[1;{colour}m{text}\u{1b}[0m\n"),
            None => format!("{text}\n"),
        };
        let out = &mut self.out;
        // A closed stream ends nothing: the build goes on and its result counts.
        self.bars.suspend(|| drop(out.write_all(line.as_bytes()).and_then(|()| out.flush())));
    }

    /// Lines of a build, in its colour or in that of errors.
    fn build_lines(&mut self, build: &str, tone: Tone, text: &str) {
        let time = if self.look.timestamps { format!("{}: ", time_here()) } else { String::new() };
        let colour =
            if tone == Tone::Error { RED } else { self.colours.get(build).copied().unwrap_or(BUILD_COLOURS[0]) };
        for line in text.split('\n') {
            self.line(&format!("{time}{line}"), Some(colour));
        }
    }

    /// Which build has which colour, for those who look on.
    fn banner(&mut self, builds: &[String]) {
        for (index, build) in builds.iter().enumerate() {
            let colour = BUILD_COLOURS[index % BUILD_COLOURS.len()];
            self.colours.insert(build.clone(), colour);
            if self.look.colour {
                self.line(&format!("{build}: output will be in this color."), Some(colour));
            }
        }
        if self.look.colour && !builds.is_empty() {
            self.line("", None);
        }
    }

    fn progress(&mut self, build: &str, what: &str, done: u64, total: u64) {
        if !self.look.bars {
            return;
        }
        let key = (build.to_owned(), what.to_owned());
        if done >= total {
            if let Some(bar) = self.running.remove(&key) {
                bar.finish_and_clear();
            }
            return;
        }
        let bars = &self.bars;
        let bar = self.running.entry(key).or_insert_with(|| {
            let bar = bars.add(ProgressBar::new(total));
            if let Ok(style) = ProgressStyle::with_template("    {prefix}: {msg} {bar:30} {bytes}/{total_bytes} {eta}")
            {
                bar.set_style(style);
            }
            bar.set_prefix(build.to_owned());
            bar.set_message(what.to_owned());
            bar
        });
        bar.set_position(done);
    }
}

/// The time by the clock on the wall, as RFC 3339 has it.
fn time_here() -> String {
    let now = jiff::ZonedDateTime::now();
    // An offset of zero is written `Z`.
    let zone = if now.offset().is_zero() { "Z".to_owned() } else { now.strftime("%:z").to_string() };
    format!("{}{zone}", now.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// What a build says, each line with its name, and with that of the post-processor which says it.
pub(super) fn with_name(build: &str, source: Option<&str>, text: &str) -> String {
    let name = source.map_or_else(|| build.to_owned(), |source| format!("{build} ({source})"));
    let lines = text.split('\n').map(|line| format!("==> {name}: {line}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// How a build ended.
pub(super) fn finished(build: &str, duration: Duration, error: Option<&str>) -> String {
    let duration = spell(duration);
    match error {
        None => format!("Build '{build}' finished after {duration}."),
        Some(error) => format!("Build '{build}' errored after {duration}: {error}"),
    }
}

impl Reporter for Terminal {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Diagnostics { sources, list } => {
                for diagnostic in list {
                    let text = snippet::render(diagnostic, sources, self.look.colour);
                    self.line(&format!("{text}\n"), None);
                }
            }
            // Packer gives what belongs to no build no colour.
            Event::Line { text, .. } => self.line(text, None),
            Event::Failure { text } => self.line(&format!("error: {text}"), Some(RED)),
            Event::Planned { builds } => self.banner(builds),
            Event::BuildLine { build, source, tone, text } => {
                self.build_lines(build, *tone, &with_name(build, source.as_deref(), text));
            }
            Event::Progress { build, what, done, total } => self.progress(build, what, *done, *total),
            Event::BuildFinished { build, duration, error } => {
                self.running.retain(|(of, _), bar| {
                    if of == build {
                        bar.finish_and_clear();
                    }
                    of != build
                });
                let tone = if error.is_some() { Tone::Error } else { Tone::Say };
                self.build_lines(build, tone, &finished(build, *duration, error.as_deref()));
            }
            Event::Fact { .. }
            | Event::BuildStarted { .. }
            | Event::StepStarted { .. }
            | Event::StepFinished { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::play;
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_sample_is_read_by_people() {
        let out = Shared::default();
        play(Box::new(Terminal::new(Box::new(out.clone()), Look::default())));
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        // The findings are told twice, as it happened.
        let first = text.split("warning[unused-pattern]").nth(1).unwrap();
        let end = &text[text.find("Build '").unwrap()..];
        insta::assert_snapshot!(format!("{first}{end}").replace('\u{1b}', "ESC"), @r#"
: `-only=x` matches nothing

error[undefined-variable]: there is no variable `rgion`
 --> wéb & db/a:b,c%.pkr.hcl:2:27
  |
1 | variable "pä" {}
  |           -- declared <here>
2 |     name = "ünïcödé 😀" + var.rgion
  |                               ^^^^^ this one
  |
 ::: -var x:1:1
  |
1 | *******
  | ------- set to <sensitive> here
  |
  = help: did you mean `region`?

error[invalid-value]: the password `<sensitive>` <&"']]> is␍
                      ::error::100% wrong, [a](b) {0}
 --> wéb & db/a:b,c%.pkr.hcl:3:9
  |
3 |     pass = "*******"
  |            ^^^^^^^^^

warning[unknown-code]: over lines
 --> wéb & db/a:b,c%.pkr.hcl:4:5
  |
4 |   x = <<EOT
  |  _____^
5 | | y
6 | | EOT
  | |___^

error[duplicate-key]: the key `a` is here twice
 --> ../shared/db.json:2:2
  |
2 |  "a": 1,
  |  ^^^

error[duplicate-key]: the key `a` is here twice
 --> ../shared/db.json:2:7
  |
2 |  "a": 1,
  |       ^

warning[undeclared-variable]: there is no variable `z`
 --> /etc/outside.pkrvars.hcl:1:1
  |
1 | z = 1
  | ^

error[type-mismatch]: `x` is no number
 --> -var x:1:1
  |
1 | *******
  | ^^^^^^^

Build 'null.web' errored after 1 second 500 milliseconds: connect: ESC[31mrefusedESC[0m <sensitive>
<&"']]>
Build 'null.db' finished after 1 second 500 milliseconds.
error: <sensitive> is in the way: 100%
::error::no
"#);
    }

    #[test]
    fn lines_carry_the_name_of_their_build() {
        let out = Shared::default();
        let mut terminal = Terminal::new(Box::new(out.clone()), Look::default());
        let build = || "qemu.web".to_owned();
        terminal.event(&Event::Planned { builds: vec![build()] });
        let text = "one \n\n  two".to_owned();
        terminal.event(&Event::BuildLine { build: build(), source: None, tone: Tone::Say, text });
        let source = Some("manifest".to_owned());
        terminal.event(&Event::BuildLine { build: build(), source, tone: Tone::Error, text: "three".to_owned() });
        let duration = Duration::from_millis(61_500);
        terminal.event(&Event::BuildFinished { build: build(), duration, error: None });
        assert_eq!(
            String::from_utf8(out.0.lock().unwrap().clone()).unwrap(),
            "==> qemu.web: one\n==> qemu.web:\n==> qemu.web:   two\n==> qemu.web (manifest): three\n\
             Build 'qemu.web' finished after 1 minute 1 second.\n"
        );
    }
}
