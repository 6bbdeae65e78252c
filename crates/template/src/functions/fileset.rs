//! The files of a folder that a pattern names: `*`, `?`, `[a-z]`, `[^a-z]`, `{a,b}`, and `**` for any number of folders.

use super::filesystem::{clean, resolve, unreadable};
use super::{Context, Failure, text};
use crate::types::Type;
use crate::value::Value;
use std::collections::BTreeSet;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// The most names to look at.
const MAX_NAMES: usize = 100_000;
/// The most folders inside each other.
const MAX_DEPTH: usize = 100;
/// The most patterns that one with braces may stand for.
const MAX_PATTERNS: usize = 1000;
/// The most bytes of a pattern.
const MAX_PATTERN: usize = 4096;
/// Units of the evaluator's work for each name: two walks through as many as there may be are one expression's due.
const WORK_OF_NAME: usize = 16;
/// `ELOOP`, which has no stable [`ErrorKind`]: a link that leads to itself, or through too many others.
const LOOP: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };

/// A set of paths relative to the folder, with slashes. Symbolic links are followed, those that lead nowhere are left
/// out, and so is what is no file.
pub(super) fn fileset(context: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let folder = clean(&resolve(context.scope, text(arguments, 0))?.to_string_lossy());
    let mut walk = Walk { context, names: 0, found: BTreeSet::new() };
    for pattern in alternatives(text(arguments, 1))? {
        context.work(pattern.len() / 4);
        let whole = clean(&format!("{folder}/{pattern}"));
        let (from, to) = (parts_of(&folder), parts_of(&whole));
        // What `..` in the pattern leaves of the folder; the pattern goes on from there.
        let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let (kept, left) = from.split_at(common);
        let start = format!("{}{}", if folder.starts_with('/') { "/" } else { "" }, kept.join("/"));
        let mut parts = to.iter().skip(common).map(|part| Part::new(part)).collect::<Result<Vec<_>, _>>()?;
        parts.dedup_by(|a, b| matches!((a, b), (Part::Folders, Part::Folders)));
        walk.visit(Path::new(&start), &vec![".."; left.len()].join("/"), &parts, 0)?;
    }
    Ok(Value::set(Type::String, walk.found.into_iter().map(Value::string)))
}

/// The names in a clean path.
fn parts_of(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).collect()
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

fn malformed(problem: &str) -> Failure {
    Failure::at(1, format!("this is no pattern: {problem}"))
        .help("a `\\` before `*`, `?`, `[`, `{` or `\\` takes it as it is")
}

/// The patterns that one with braces stands for.
fn alternatives(pattern: &str) -> Result<Vec<String>, Failure> {
    if pattern.len() > MAX_PATTERN {
        return Err(malformed("it is too long"));
    }
    let mut open = vec![pattern.to_owned()];
    let mut done = Vec::new();
    while let Some(pattern) = open.pop() {
        match braces(&pattern)? {
            None => done.push(pattern),
            Some((before, choices, after)) => {
                open.extend(choices.iter().map(|choice| [before, choice, after].concat()));
            }
        }
        if open.len() + done.len() > MAX_PATTERNS {
            return Err(malformed("it stands for too many"));
        }
    }
    Ok(done)
}

/// What is before the first braces of a pattern, inside of them and after them.
type Braces<'p> = (&'p str, Vec<&'p str>, &'p str);

fn braces(pattern: &str) -> Result<Option<Braces<'_>>, Failure> {
    let mut escaped = false;
    let mut depth = 0_usize;
    let (mut start, mut choice) = (0, 0);
    let mut choices = Vec::new();
    for (at, letter) in pattern.char_indices() {
        match letter {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            '{' => {
                if depth == 0 {
                    (start, choice) = (at, at + 1);
                }
                depth += 1;
            }
            ',' | '}' if depth == 1 => {
                choices.extend(pattern.get(choice..at));
                choice = at + 1;
                if letter == '}' {
                    let around = pattern.get(..start).zip(pattern.get(at + 1..));
                    return Ok(around.map(|(before, after)| (before, choices, after)));
                }
            }
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if depth > 0 { Err(malformed("a `{` is not closed")) } else { Ok(None) }
}

/// One part of a path.
enum Part {
    /// `**`
    Folders,
    Name(String),
    Pattern(Vec<Piece>),
}

enum Piece {
    Letter(char),
    /// `?`
    Any,
    /// `*`
    Many,
    /// Ranges, and whether they are those that do not match.
    Class(Vec<(char, char)>, bool),
}

impl Part {
    fn new(source: &str) -> Result<Self, Failure> {
        if source == "**" {
            return Ok(Self::Folders);
        }
        let mut pieces = Vec::new();
        let mut letters = source.chars();
        while let Some(letter) = letters.next() {
            pieces.push(match letter {
                '*' => Piece::Many,
                '?' => Piece::Any,
                '[' => class(&mut letters)?,
                '\\' => Piece::Letter(letters.next().ok_or_else(|| malformed("nothing follows the last `\\`"))?),
                other => Piece::Letter(other),
            });
        }
        let name: Option<String> =
            pieces.iter().map(|piece| if let Piece::Letter(letter) = piece { Some(*letter) } else { None }).collect();
        Ok(name.map_or(Self::Pattern(pieces), Self::Name))
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Folders => true,
            Self::Name(own) => own == name,
            Self::Pattern(pieces) => matches(pieces, name),
        }
    }
}

/// After a `[`.
fn class(letters: &mut std::str::Chars<'_>) -> Result<Piece, Failure> {
    let negated = letters.as_str().starts_with('^');
    if negated {
        letters.next();
    }
    let letter = |letters: &mut std::str::Chars<'_>| match letters.next() {
        Some('\\') => letters.next().ok_or_else(|| malformed("nothing follows the last `\\`")),
        Some(letter) if letter != '-' && letter != ']' => Ok(letter),
        Some(letter) => Err(malformed(&format!("inside of brackets a `\\` is needed before `{letter}`"))),
        None => Err(malformed("a `[` is not closed")),
    };
    let mut ranges = Vec::new();
    loop {
        let low = letter(letters)?;
        let high = if letters.as_str().starts_with('-') {
            letters.next();
            letter(letters)?
        } else {
            low
        };
        ranges.push((low, high));
        if letters.as_str().starts_with(']') {
            letters.next();
            return Ok(Piece::Class(ranges, negated));
        }
    }
}

/// Goes back to the last `*` where something does not match, which is all that is needed.
fn matches(pieces: &[Piece], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut piece, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let fits = match (pieces.get(piece), name.get(at)) {
            (None, None) => return true,
            (Some(Piece::Many), _) => {
                retry = Some((piece + 1, at));
                piece += 1;
                continue;
            }
            (Some(Piece::Any), Some(_)) => true,
            (Some(Piece::Letter(wanted)), Some(letter)) => wanted == letter,
            (Some(Piece::Class(ranges, negated)), Some(letter)) => {
                ranges.iter().any(|(low, high)| (low..=high).contains(&letter)) != *negated
            }
            _ => false,
        };
        if fits {
            (piece, at) = (piece + 1, at + 1);
            continue;
        }
        match retry {
            Some((after, from)) if from < name.len() => {
                retry = Some((after, from + 1));
                (piece, at) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

fn is_absent(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename)
        || error.raw_os_error() == Some(LOOP)
}

struct Walk<'c> {
    context: &'c Context<'c>,
    names: usize,
    found: BTreeSet<String>,
}

impl Walk<'_> {
    /// Looks for the parts in a folder; `path` is the way to it in results.
    fn visit(&mut self, folder: &Path, path: &str, parts: &[Part], depth: usize) -> Result<(), Failure> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        if depth > MAX_DEPTH {
            return Err(Failure::new("these folders are too many inside each other"));
        }
        if let Part::Name(name) = part {
            return self.step(folder.join(name), &joined(path, name), rest, depth);
        }
        let is_last = rest.is_empty();
        if matches!(part, Part::Folders) && !is_last {
            self.visit(folder, path, rest, depth + 1)?;
        }
        for name in self.list(folder, path)? {
            if !part.matches(&name) {
                continue;
            }
            let (inner, inner_path) = (folder.join(&name), joined(path, &name));
            if !matches!(part, Part::Folders) {
                self.step(inner, &inner_path, rest, depth)?;
            } else if self.is_folder(&inner) {
                self.visit(&inner, &inner_path, parts, depth + 1)?;
            } else if is_last {
                self.step(inner, &inner_path, rest, depth)?;
            }
        }
        Ok(())
    }

    /// One part further: into a folder, or to a file.
    fn step(&mut self, inner: PathBuf, path: &str, rest: &[Part], depth: usize) -> Result<(), Failure> {
        if !rest.is_empty() {
            return self.visit(&inner, path, rest, depth + 1);
        }
        self.look()?;
        match self.context.scope.host.status(&inner) {
            Ok(status) if status.is_directory => {}
            Ok(_) => {
                self.found.insert(path.to_owned());
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(unreadable(self.context, path, &error)),
        }
        Ok(())
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.context.scope.host.status(path).is_ok_and(|status| status.is_directory)
    }

    fn list(&mut self, folder: &Path, path: &str) -> Result<Vec<String>, Failure> {
        let host = &self.context.scope.host;
        let names = match host.status(folder) {
            // A name further along may be a file, or not there.
            Ok(status) if !status.is_directory => return Ok(Vec::new()),
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Ok(_) => host.list(folder),
            Err(error) => Err(error),
        };
        let path = if path.is_empty() { "." } else { path };
        let names = names.map_err(|error| unreadable(self.context, path, &error))?;
        for _ in &names {
            self.look()?;
        }
        Ok(names)
    }

    fn look(&mut self) -> Result<(), Failure> {
        self.names += 1;
        self.context.work(WORK_OF_NAME);
        if self.names > MAX_NAMES {
            let help = "begin it with a folder that holds fewer";
            return Err(Failure::at(1, "the pattern goes through too many files").help(help));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
