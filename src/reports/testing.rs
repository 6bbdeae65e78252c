//! One set of findings that has all that makes formats stumble.

use super::record::Record;
use crate::event::{Event, Events, Reporter};
use crate::secret::Redactor;
use imgforge_template::diagnostic::Diagnostic;
use imgforge_template::source::{Origin, Sources, Span};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An empty record of a command that was started in a folder of its repository.
pub(super) fn record() -> Record {
    let mut record = Record::new("/w/images".into(), "/w/images".into());
    record.root = "/w".into();
    record
}

/// The record of the sample.
pub(super) fn sample() -> Record {
    struct Keeper(Arc<Mutex<Record>>);
    impl Reporter for Keeper {
        fn event(&mut self, event: &Event) {
            self.0.lock().unwrap().event(event);
        }
    }
    let kept = Arc::new(Mutex::new(record()));
    play(Box::new(Keeper(kept.clone())));
    Arc::into_inner(kept).unwrap().into_inner().unwrap()
}

/// Tells a reporter the sample, all of which goes past the redactor.
pub(super) fn play(reporter: Box<dyn Reporter>) {
    let events = Events::new(vec![reporter], Redactor::default());
    events.add_secrets(&["hunter2".to_owned()]);
    let (sources, list) = diagnostics();
    events.emit(Event::Diagnostics { sources: sources.clone(), list: list.clone() });
    // Another template that includes the same.
    events.emit(Event::Diagnostics { sources, list });
    let build = || "null.web".to_owned();
    events.emit(Event::BuildStarted { build: build() });
    let duration = Duration::from_millis(1500);
    events.emit(Event::StepFinished { build: build(), step: "connect with hunter2".to_owned(), duration, ok: false });
    let error = Some("connect: \u{1b}[31mrefused\u{1b}[0m hunter2\n<&\"']]>".to_owned());
    events.emit(Event::BuildFinished { build: build(), duration, error });
    events.emit(Event::BuildStarted { build: "null.db".to_owned() });
    events.emit(Event::BuildFinished { build: "null.db".to_owned(), duration, error: None });
    events.fail("hunter2 is in the way: 100%\n::error::no");
    assert!(events.finish().is_empty());
}

/// Indented JSON with all that is deeper than so many spaces on the line of what it is in.
pub(super) fn compact(json: &str, depth: usize) -> String {
    let mut text = String::new();
    for line in json.lines() {
        let inner = line.trim_start();
        let indent = line.len() - inner.len();
        let is_end = indent == depth && inner.starts_with(['}', ']']);
        if indent > depth || is_end {
            text.push_str(if is_end { " " } else { "" });
            text.push_str(inner);
            text.push_str(if inner.ends_with(',') { " " } else { "" });
        } else {
            text.push('\n');
            text.push_str(line);
        }
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn diagnostics() -> (Arc<Sources>, Vec<Diagnostic>) {
    let sources = Sources::default();
    let span = |file, text: &str, within: &str| {
        let all = sources.text(file);
        let line = all.find(within).unwrap();
        let start = line + within.find(text).unwrap();
        Span::new(file, start..start + text.len())
    };
    let web = sources.add(
        "wéb & db/a:b,c%.pkr.hcl",
        Origin::File,
        "variable \"pä\" {}\r\n\tname = \"ünïcödé 😀\" + var.rgion\r\n\tpass = \"hunter2\"\r\nx = <<EOT\r\ny\r\nEOT\r\n",
    );
    let other = sources.add("../shared/db.json", Origin::File, "{\"a\": 1,\n \"a\": 1,\n \"b\": 1}\n");
    let outside = sources.add("/etc/outside.pkrvars.hcl", Origin::File, "z = 1\n");
    let flag = sources.add("-var x", Origin::Argument, "hunter2");
    let list = vec![
        Diagnostic::warning("unused-pattern", "`-only=x` matches nothing"),
        Diagnostic::error("undefined-variable", "there is no variable `rgion`")
            .labelled(span(web, "rgion", "var.rgion"), "this one")
            .related(span(web, "pä", "pä"), "declared <here>")
            .related(span(flag, "hunter2", "hunter2"), "set to hunter2 here")
            .help("did you mean `region`?"),
        Diagnostic::error("invalid-value", "the password `hunter2` <&\"']]> is\r\n::error::100% wrong, [a](b) {0}")
            .at(span(web, "\"hunter2\"", "\"hunter2\"")),
        Diagnostic::warning("unknown-code", "over lines").at(span(web, "<<EOT\r\ny\r\nEOT", "<<EOT\r\ny\r\nEOT")),
        Diagnostic::error("duplicate-key", "the key `a` is here twice").at(span(other, "\"a\"", "\"a\": 1,\n \"b\"")),
        // The same again in a line that is the same.
        Diagnostic::error("duplicate-key", "the key `a` is here twice").at(span(other, "1", "1,\n \"b\"")),
        Diagnostic::warning("undeclared-variable", "there is no variable `z`").at(span(outside, "z", "z")),
        Diagnostic::error("type-mismatch", "`x` is no number").at(span(flag, "hunter2", "hunter2")),
    ];
    (Arc::new(sources), list)
}
