//! Scripts as they stand on the disk: line endings, and what is to read them.

use super::block::{Block, elements};
use super::{Report, Subject};
use imgforge_template::host::Host;
use imgforge_template::source::{Span, Spanned};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Larger files are programs, not scripts.
const MOST_BYTES: u64 = 1 << 20;

/// Each script file that a step runs on a Unix machine, with its first line and whether a line ends in CRLF. Files that
/// are not there are told of elsewhere, and empty ones stand for what is made later.
fn each(subject: &Subject<'_>, mut visit: impl FnMut(&Block<'_>, &Spanned<String>, &str, bool)) {
    for step in subject.builds.iter().flat_map(|build| build.steps()).filter(|step| is_shell(step)) {
        for script in step.text("script").into_iter().chain(step.texts("scripts")) {
            let path = Path::new(&script.value);
            if !subject.host.status(path).is_ok_and(|status| !status.is_directory && status.size <= MOST_BYTES) {
                continue;
            }
            let Ok(bytes) = subject.host.read(path) else { continue };
            let is_text = !bytes.is_empty() && !bytes.contains(&0);
            if is_text {
                let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
                let has_crlf = bytes.windows(2).any(|pair| pair == b"\r\n");
                visit(step, &script, String::from_utf8_lossy(line).trim_end(), has_crlf);
            }
        }
    }
}

fn is_shell(step: &Block<'_>) -> bool {
    matches!(step.kind(), "shell" | "shell-local")
}

pub(super) fn crlf(subject: &Subject<'_>, report: &mut Report<'_>) {
    each(subject, |step, script, _, has_crlf| {
        // What goes to a machine gets its line endings mended, unless it is said to be no text.
        let is_mended = step.kind() == "shell" && !step.is_true("binary");
        if has_crlf && !is_mended {
            let message = format!("the script `{}` has the line endings of Windows", script.value);
            report.say(script.span, message, "save it with the line endings of Unix: no shell here reads the others");
        }
    });
}

pub(super) fn shebang(subject: &Subject<'_>, report: &mut Report<'_>) {
    each(subject, |step, script, line, _| {
        // Who says how it is run may well name what reads it.
        if !line.starts_with("#!") && step.given("execute_command").is_none() {
            let message = format!("the script `{}` does not say what reads it", script.value);
            report.say(script.span, message, "begin it with a line such as `#!/bin/sh`: else the login shell decides");
        }
    });
}

pub(super) fn doubled_shebang(subject: &Subject<'_>, report: &mut Report<'_>) {
    for step in subject.builds.iter().flat_map(|build| build.steps()).filter(|step| is_shell(step)) {
        let Some(shebang) = step.text("inline_shebang") else { continue };
        if let Some(rest) = shebang.trim_start().strip_prefix("#!") {
            let help = format!("write `{}`", rest.trim_start());
            report.say(shebang.span, "`#!` is put before `inline_shebang` already", help);
        }
    }
}

pub(super) fn interpreter(subject: &Subject<'_>, report: &mut Report<'_>) {
    each(subject, |step, script, line, _| {
        if step.kind() == "shell-local" && step.given("execute_command").is_none() {
            let line = line.strip_prefix("#!").unwrap_or_default();
            missing(subject.host.as_ref(), line, script.span, &format!("the script `{}`", script.value), report);
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
