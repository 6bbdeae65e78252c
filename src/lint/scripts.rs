//! Scripts as they stand on the disk: line endings, and what is to read them.

use super::block::{Block, elements};
use super::{Report, Subject, shell};
use imgforge_template::host::Host;
use imgforge_template::source::{Span, Spanned};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Larger files are programs, not scripts.
const MOST_BYTES: u64 = 1 << 20;

/// What is of interest in a script.
#[derive(Clone)]
pub(super) struct Script {
    /// Its first line.
    line: String,
    /// Some line ends in CRLF.
    has_crlf: bool,
    /// The line that no shell can read, and why.
    pub(super) syntax: Option<(usize, &'static str)>,
}

/// Script files by their paths: builds share them. `None` is one that is not there, or no text.
#[derive(Default)]
pub(super) struct Files {
    known: RefCell<BTreeMap<PathBuf, Option<Script>>>,
}

impl Files {
    fn get(&self, path: &Path, host: &dyn Host) -> Option<Script> {
        self.known.borrow_mut().entry(path.to_owned()).or_insert_with(|| read(path, host)).clone()
    }
}

fn read(path: &Path, host: &dyn Host) -> Option<Script> {
    // Empty ones stand for what is made later; pipes have no size either, and nobody may write to them.
    host.status(path).ok().filter(|status| !status.is_directory && (1..=MOST_BYTES).contains(&status.size))?;
    let bytes = host.read(path).ok()?;
    if bytes.contains(&0) {
        return None;
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line).trim_end().to_owned();
    let syntax = std::str::from_utf8(&bytes).ok().and_then(shell::mistake_in_file);
    Some(Script { line, syntax, has_crlf: bytes.windows(2).any(|pair| pair == b"\r\n") })
}

/// Each script file that a step runs in a Unix shell. Files that are not there are told of elsewhere.
pub(super) fn each(subject: &Subject<'_>, mut visit: impl FnMut(&Block<'_>, &Spanned<String>, &Script)) {
    for step in subject.builds.iter().flat_map(|build| build.steps()).filter(|step| is_shell(step)) {
        for path in step.text("script").into_iter().chain(step.texts("scripts")) {
            if let Some(script) = subject.scripts.get(Path::new(&path.value), subject.host.as_ref()) {
                visit(step, &path, &script);
            }
        }
    }
}

/// Files that the components of others need before a build. Ours look by themselves.
pub(super) fn missing_file(subject: &Subject<'_>, report: &mut Report<'_>) {
    for step in subject.builds.iter().flat_map(|build| build.steps()) {
        let names: &[&str] = match step.kind() {
            "powershell" | "windows-shell" => &["script", "scripts"],
            "ansible" | "ansible-local" => &["playbook_file"],
            "puppet-masterless" => &["manifest_file"],
            _ => continue,
        };
        for path in names.iter().flat_map(|name| step.texts(name)).filter(|path| !path.is_empty()) {
            let status = subject.host.status(Path::new(&path.value));
            if status.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
                let folder = subject.host.working_directory();
                let help = format!("the path is relative to the working directory, `{}`", folder.display());
                report.say(path.span, format!("the file `{}` is not there", path.value), help);
            }
        }
    }
}

fn is_shell(step: &Block<'_>) -> bool {
    matches!(step.kind(), "shell" | "shell-local")
}

pub(super) fn crlf(subject: &Subject<'_>, report: &mut Report<'_>) {
    each(subject, |step, path, script| {
        // What goes to a machine gets its line endings mended, unless it is said to be no text.
        let is_mended = step.kind() == "shell" && !step.is_true("binary");
        if script.has_crlf && !is_mended {
            let message = format!("the script `{}` has the line endings of Windows", path.value);
            report.say(path.span, message, "save it with the line endings of Unix: no shell here reads the others");
        }
    });
}

pub(super) fn shebang(subject: &Subject<'_>, report: &mut Report<'_>) {
    each(subject, |step, path, script| {
        // Who says how it is run may well name what reads it.
        if !script.line.starts_with("#!") && step.given("execute_command").is_none() {
            let message = format!("the script `{}` does not say what reads it", path.value);
            report.say(path.span, message, "begin it with a line such as `#!/bin/sh`: else the login shell decides");
        }
    });
}

pub(super) fn interpreter(subject: &Subject<'_>, report: &mut Report<'_>) {
    each(subject, |step, path, script| {
        if step.kind() == "shell-local" && step.given("execute_command").is_none() {
            let line = script.line.strip_prefix("#!").unwrap_or_default();
            missing(subject.host.as_ref(), line, path.span, &format!("the script `{}`", path.value), report);
        }
    });
    for step in subject.builds.iter().flat_map(|build| build.steps()).filter(|step| step.kind() == "shell-local") {
        if let Some(shebang) = step.text("inline_shebang").filter(|text| !text.trim_start().starts_with("#!")) {
            missing(subject.host.as_ref(), &shebang.value, shebang.span, "`inline_shebang`", report);
        }
        let Some(command) = step.given("execute_command") else { continue };
        let words = elements(&command.value, command.expression.as_deref(), command.span);
        // One alone is for a shell.
        if let [(program, _, span), _, ..] = words.as_slice()
            && let Some(program) = step.rendered(program, *span)
        {
            missing(subject.host.as_ref(), &program.value, program.span, "`execute_command`", report);
        }
    }
}

/// Reports that the program a line begins with is not there, for all that this host shows of its programs.
fn missing(host: &dyn Host, line: &str, place: Span, what: &str, report: &mut Report<'_>) {
    let mut words = line.split_whitespace();
    let Some(first) = words.next() else { return };
    let program = match Path::new(first).file_name().and_then(|name| name.to_str()) {
        // `env` looks for the next word that is neither a flag nor a variable.
        Some("env") => words.find(|word| !word.starts_with('-') && !word.contains('=')),
        _ => Some(first),
    };
    let Some(program) = program.filter(|program| !program.contains("{{")) else { return };
    // A host that has no search path shows no programs either.
    let Some(path) = host.environment("PATH") else { return };
    let places: Vec<PathBuf> = match program.contains('/') {
        true => vec![PathBuf::from(program)],
        false => path.split(':').map(|folder| Path::new(folder).join(program)).collect(),
    };
    let is_missing = |place: &PathBuf| host.status(place).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    if places.iter().all(is_missing) {
        let message = format!("{what} is read by `{program}`, which this machine does not have");
        report.say(place, message, "install it where the build runs, or name another one");
    }
}
