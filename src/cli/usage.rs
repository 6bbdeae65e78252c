//! What is answered to a command line that can't be followed, and to one that asks for help.

use super::command;
use crate::exit::Exit;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;
use std::io::Write as _;

/// No command of that name; Packer's scripts know it from shells.
const NO_COMMAND: u8 = 127;

/// A command of Packer that we don't have.
struct NotHere {
    name: &'static str,
    why: &'static str,
}

const NOT_HERE: &[NotHere] = &[
    NotHere { name: "execute", why: "components are compiled in, and none is started as a program of its own" },
    NotHere { name: "sbom-generate", why: "imgforge makes no SBOM of a machine" },
    NotHere { name: "verify-attestation", why: "imgforge neither makes nor verifies attestations" },
];

/// Prints help or what is wrong with the command line. Returns the exit code.
pub(super) fn answer(error: &clap::Error, words: &[OsString], is_packer: bool) -> u8 {
    let kind = error.kind();
    if matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed stream can't be told anything.
        let _told = error.print();
        return Exit::Success.code();
    }
    let first = words.get(1);
    if let Some(NotHere { name, why }) = NOT_HERE.iter().find(|it| first.is_some_and(|first| first == it.name)) {
        say(&format!("error: `{name}` is a command of Packer that is not done here: {why}\n"), is_packer);
        return Exit::Failed.code();
    }
    if !is_packer {
        let _told = error.print();
        return Exit::Usage.code();
    }
    let mut named = command(true);
    named.build();
    let first = words.iter().skip(1).find(|word| !word.as_encoded_bytes().starts_with(b"-"));
    let is_command = first.is_some_and(|word| named.find_subcommand(word).is_some());
    for word in words.iter().skip(1) {
        let Some(below) = named.find_subcommand(word).cloned() else { break };
        named = below;
    }
    let tip = if is_late_flag(error, words) { "\n  tip: flags go before the template\n" } else { "" };
    say(&format!("{}{}{tip}", named.render_help(), mistake(error)), true);
    if is_command { Exit::Usage.packer_code() } else { NO_COMMAND }
}

/// The sentence that names what is wrong, after an empty line; nothing where a word is missing that help tells of.
fn mistake(error: &clap::Error) -> String {
    match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => String::new(),
        _ => {
            let text = error.to_string();
            let mut parts = text.split("\n\n");
            let sentence = parts.next().unwrap_or(&text);
            let near = parts.find(|part| part.contains("a similar")).map(|near| format!("\n{near}"));
            format!("\n{sentence}{}\n", near.unwrap_or_default())
        }
    }
}

/// Whether what is wrong is a flag behind the first word that is none, where it is a word too many.
fn is_late_flag(error: &clap::Error, words: &[OsString]) -> bool {
    let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidArg) else { return false };
    wrong.starts_with('-') && words.iter().skip_while(|word| *word != "--").skip(1).any(|word| word == wrong.as_str())
}

/// Packer says everything on standard output.
fn say(text: &str, is_packer: bool) {
    let bytes = text.as_bytes();
    let _closed = if is_packer { std::io::stdout().write_all(bytes) } else { std::io::stderr().write_all(bytes) };
}
