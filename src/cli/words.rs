//! The words of a command line, as Packer's flags are written, made those that clap takes.

use clap::Command;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// Writes every flag with two dashes and joins it with its value, which may look like a flag itself. The first word is
/// the name that the program is called by.
///
/// Called `packer` we read no flag after the first word that is none, as Go's programs do.
pub(super) fn for_clap(words: Vec<OsString>, mut command: &Command, is_packer: bool) -> Vec<OsString> {
    let mut ready = Vec::with_capacity(words.len() + 1);
    let mut words = words.into_iter();
    ready.extend(words.next());
    while let Some(word) = words.next() {
        if word == "--" {
            ready.push(word);
            break;
        }
        if let Some(flag) = Flag::of(&word, command) {
            ready.push(if flag.wants_next { flag.with(words.next()) } else { flag.with(None) });
            continue;
        }
        match command.find_subcommand(&word) {
            Some(named) => command = named,
            None if is_packer && !command.has_subcommands() => {
                ready.extend([OsString::from("--"), word]);
                break;
            }
            None => {}
        }
        ready.push(word);
    }
    ready.extend(words);
    ready
}

/// A word that begins with a dash and is more than that.
struct Flag<'a> {
    word: &'a OsStr,
    /// Single letters stay what they are: `-h`.
    dashes: &'static str,
    /// Its value is not behind a `=`.
    wants_next: bool,
}

impl<'a> Flag<'a> {
    fn of(word: &'a OsStr, command: &Command) -> Option<Self> {
        let bytes = word.as_bytes();
        let body = bytes.strip_prefix(b"--").or_else(|| bytes.strip_prefix(b"-")).filter(|body| !body.is_empty())?;
        let (name, has_value) = match body.iter().position(|byte| *byte == b'=') {
            Some(end) => (&body[..end], true),
            None => (body, false),
        };
        let known = command.get_arguments().find(|known| known.get_long().is_some_and(|long| long.as_bytes() == name));
        let wants_next = known
            .is_some_and(|known| !has_value && known.get_action().takes_values() && !known.is_require_equals_set());
        let is_word = name.len() > 1 && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
        let dashes = if is_word && !bytes.starts_with(b"--") { "-" } else { "" };
        Some(Self { word, dashes, wants_next })
    }

    fn with(&self, value: Option<OsString>) -> OsString {
        let mut word = [self.dashes.as_bytes(), self.word.as_bytes()].concat();
        if let Some(value) = value {
            word.push(b'=');
            word.extend(value.as_bytes());
        }
        OsString::from_vec(word)
    }
}

/// The value of a switch, as Go reads it: `-force=t`.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("write `true` or `false`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(words: &str, is_packer: bool) -> String {
        let command = super::super::command(is_packer);
        let words = words.split(' ').map(OsString::from).collect();
        let ready = for_clap(words, &command, is_packer);
        ready.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn flags_get_two_dashes_and_their_values() {
        let table = [
            ("build -force x", "build --force x"),
            ("build -var a=b -var-file=x --only a,b", "build --var=a=b --var-file=x --only=a,b"),
            ("build -var -force x", "build --var=-force x"),
            ("build -force=t x", "build --force=t x"),
            ("build x -force", "build x --force"),
            ("build -h", "build -h"),
            ("build -- -force", "build -- -force"),
            ("validate -", "validate -"),
            ("validate -1s x", "validate --1s x"),
            ("validate ---x", "validate ---x"),
            ("validate -var", "validate --var"),
        ];
        for (given, expected) in table {
            assert_eq!(ready(&format!("imgforge {given}"), false), format!("imgforge {expected}"));
        }
    }

    #[test]
    fn packer_reads_no_flag_behind_a_template() {
        let table = [
            ("build -force x -debug", "build --force -- x -debug"),
            ("build -var a=b x", "build --var=a=b -- x"),
            ("validate - -syntax-only", "validate -- - -syntax-only"),
            ("bild x", "bild x"),
            ("fmt -check=false a b", "fmt --check=false -- a b"),
        ];
        for (given, expected) in table {
            assert_eq!(ready(&format!("packer {given}"), true), format!("packer {expected}"));
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let words = [&b"imgforge"[..], b"build", b"-var-file", b"\xff", b"-only=\xfe", b"\xfd"];
        let words = words.map(|bytes| OsString::from_vec(bytes.to_owned())).to_vec();
        let ready = for_clap(words, &super::super::command(false), false);
        let expected = [&b"imgforge"[..], b"build", b"--var-file=\xff", b"--only=\xfe", b"\xfd"];
        assert_eq!(ready, expected.map(|bytes| OsString::from_vec(bytes.to_owned())));
    }

    #[test]
    fn switches_are_read_as_go_reads_them() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        for text in ["", "yes", "tRUE", "01"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }
}
