//! Ends of scripts that mean something else than it seems.

use super::block::Block;
use super::{Report, Subject};
use crate::communicators::ExitStatus;
use imgforge_template::source::Spanned;

pub(super) fn codes(subject: &Subject<'_>, report: &mut Report<'_>) {
    for step in subject.builds.iter().flat_map(|build| build.steps()) {
        let Some(given) = step.given("valid_exit_codes") else { continue };
        let codes = step.texts("valid_exit_codes");
        // What is no number has been told, and may be meant for it.
        let is_known = given.value.is_wholly_known() && codes.iter().all(|code| code.value.parse::<i64>().is_ok());
        if is_known && !codes.is_empty() && !codes.iter().any(|code| code.value == "0") {
            report.say(
                given.span,
                "0 is not among the valid exit codes: a script that succeeds fails the build",
                "add 0, unless the script must fail",
            );
        }
        for code in codes {
            let Ok(number) = code.value.parse::<u32>() else { continue };
            if number == ExitStatus::DISCONNECTED {
                if step.is_true("expect_disconnect") {
                    report.say(
                        code.span,
                        "`expect_disconnect` allows for a lost connection already",
                        format!("delete {number}, which stands for it"),
                    );
                }
            } else if number > 255 && is_posix(step) {
                report.say(code.span, format!("no script ends with the exit code {number}"), "exit codes go up to 255");
            }
        }
    }
}

/// Codes of Windows have 32 bits.
fn is_posix(step: &Block<'_>) -> bool {
    matches!(step.kind(), "shell" | "shell-local")
}

/// What ends a machine's connections as a whole command.
const RESTARTS: &[&str] = &["reboot", "shutdown -r", "systemctl reboot", "init 6", "poweroff", "shutdown -h", "halt"];

pub(super) fn disconnect(subject: &Subject<'_>, report: &mut Report<'_>) {
    for step in subject.builds.iter().flat_map(|build| &build.provisioners).filter(|step| step.kind() == "shell") {
        let codes = step.texts("valid_exit_codes");
        let is_allowed = step.given("expect_disconnect").is_some()
            || codes.iter().any(|code| code.value == ExitStatus::DISCONNECTED.to_string());
        if is_allowed {
            continue;
        }
        if let Some(command) = step.texts("inline").iter().find(|command| restarts(command)) {
            report.say(
                command.span,
                "this ends the connection, which fails the build",
                "set `expect_disconnect = true`",
            );
        }
    }
}

fn restarts(command: &Spanned<String>) -> bool {
    let command = command.trim();
    let command = command.strip_prefix("sudo ").unwrap_or(command).trim_start();
    // Who puts it into the background means to be gone by then.
    if command.ends_with('&') {
        return false;
    }
    RESTARTS.iter().any(|restart| {
        let rest = command.strip_prefix(restart);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ';']))
    })
}
