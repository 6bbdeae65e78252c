//! Values as YAML in block style, as Packer's library writes it: byte for byte, since people compare and hash it.
//!
//! Strings and keys stand in double quotes, which wrap after 80 columns, or are literal blocks where they have line
//! breaks and nothing that a block cannot hold. Sequences are not indented below their key.

use crate::functions::{Failure, bounded};
use crate::value::{Kind, Value};
use std::fmt::Write;

/// Spaces of a level.
const STEP: usize = 2;
/// A string in quotes is wrapped at a space behind this column.
const WIDTH: usize = 80;
/// Longer keys, in bytes, are written behind `?`.
const LONGEST_KEY: usize = 128;

/// The value as a YAML document. It has to be wholly known.
///
/// # Errors
/// For what YAML cannot hold, and for too much of it.
pub(super) fn encode(value: &Value) -> Result<String, Failure> {
    let mut writer = Writer { text: String::new(), column: 0 };
    writer.node(value, 0, Place::Root)?;
    writer.end_line();
    // The end of a plain scalar is not the end of the document, so this library says it.
    if matches!(value.kind, Kind::Null(_) | Kind::Bool(_) | Kind::Number(_)) {
        writer.push("...\n");
    }
    Ok(writer.text)
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Nothing is before it.
    Root,
    /// Behind `- `, `? ` or `: ` at the start of a line, so that a collection goes on in the same line.
    Indicator,
    /// Behind `key:`.
    Key,
}

struct Writer {
    text: String,
    /// Characters since the last line break.
    column: usize,
}

impl Writer {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column = match text.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => self.column + text.chars().count(),
        };
    }

    fn end_line(&mut self) {
        if self.column > 0 {
            self.push("\n");
        }
    }

    /// Begins a line, unless the line holds nothing but an indicator.
    fn begin_line(&mut self, indent: usize, first: bool, place: Place) {
        if first && place != Place::Key {
            return;
        }
        self.end_line();
        self.push(&" ".repeat(indent));
    }

    /// A node whose collections have their lines at column `indent`.
    fn node(&mut self, value: &Value, indent: usize, place: Place) -> Result<(), Failure> {
        bounded(self.text.len())?;
        let scalar = |writer: &mut Self, text: &str| {
            writer.space(place);
            writer.push(text);
        };
        match &value.kind {
            Kind::Null(_) => scalar(self, "null"),
            Kind::Bool(known) => scalar(self, if *known { "true" } else { "false" }),
            Kind::Number(number) => scalar(self, &number.to_string()),
            Kind::String(text) => {
                self.space(place);
                // What belongs to a collection is indented against it, and the root against nothing.
                let indent = if place == Place::Root { STEP } else { indent };
                if text.contains('\n') && fits_block(text) {
                    self.block(text, indent);
                } else {
                    self.quoted(text, Some(indent));
                }
            }
            Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) if elements.is_empty() => {
                scalar(self, "[]");
            }
            Kind::Map(_, members) | Kind::Object(members) if members.is_empty() => scalar(self, "{}"),
            Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => {
                let indent = if place == Place::Key { indent - STEP } else { indent };
                for (index, element) in elements.iter().enumerate() {
                    self.begin_line(indent, index == 0, place);
                    self.push("- ");
                    self.node(element, indent + STEP, Place::Indicator)?;
                }
            }
            Kind::Map(_, members) | Kind::Object(members) => {
                for (index, (name, member)) in members.iter().enumerate() {
                    self.begin_line(indent, index == 0, place);
                    self.member(name, member, indent)?;
                }
            }
            Kind::Unknown(_) | Kind::Type(_) => return Err(Failure::new("YAML has no form for this value")),
        }
        Ok(())
    }

    fn space(&mut self, place: Place) {
        if place == Place::Key {
            self.push(" ");
        }
    }

    fn member(&mut self, name: &str, member: &Value, indent: usize) -> Result<(), Failure> {
        let block = name.contains('\n') && fits_block(name);
        if !name.contains('\n') && name.len() <= LONGEST_KEY {
            self.quoted(name, None);
            self.push(":");
            return self.node(member, indent + STEP, Place::Key);
        }
        self.push("? ");
        if block {
            self.block(name, indent + STEP);
        } else {
            self.quoted(name, Some(indent + STEP));
        }
        self.end_line();
        self.push(&" ".repeat(indent));
        self.push(": ");
        self.node(member, indent + STEP, Place::Indicator)
    }

    fn block(&mut self, text: &str, indent: usize) {
        let body = text.trim_end_matches(is_break);
        let breaks = text.chars().rev().take_while(|letter| is_break(*letter)).count();
        self.push("|");
        if text.starts_with(|first| first == ' ' || is_break(first)) {
            self.push(&STEP.to_string());
        }
        self.push(match breaks {
            0 => "-",
            1 if !body.is_empty() => "",
            _ => "+",
        });
        self.push("\n");
        let mut at_start = true;
        for letter in text.chars() {
            if at_start && !is_break(letter) {
                self.push(&" ".repeat(indent));
            }
            at_start = is_break(letter);
            self.push(letter.encode_utf8(&mut [0; 4]));
            if at_start {
                self.column = 0;
            }
        }
    }

    /// In double quotes; wrapped lines begin at column `indent`, if it may be wrapped.
    fn quoted(&mut self, text: &str, indent: Option<usize>) {
        self.push("\"");
        let mut letters = text.chars().enumerate().peekable();
        let mut after_space = false;
        while let Some((index, letter)) = letters.next() {
            if letter != ' ' {
                after_space = false;
                self.quoted_letter(letter);
                continue;
            }
            let next = letters.peek().map(|(_, next)| *next);
            match (indent, next) {
                (Some(indent), Some(next)) if !after_space && self.column > WIDTH && index > 0 => {
                    self.push("\n");
                    self.push(&" ".repeat(indent));
                    if next == ' ' {
                        self.push("\\");
                    }
                }
                _ => self.push(" "),
            }
            after_space = true;
        }
        self.push("\"");
    }

    fn quoted_letter(&mut self, letter: char) {
        let escaped = match letter {
            '\0' => "\\0",
            '\x07' => "\\a",
            '\x08' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\x0b' => "\\v",
            '\x0c' => "\\f",
            '\r' => "\\r",
            '\x1b' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ if is_printable(letter) => return self.push(letter.encode_utf8(&mut [0; 4])),
            _ => {
                let code = u32::from(letter);
                // Writing to a string cannot fail.
                let written: Result<(), std::fmt::Error> = match code {
                    0..=0xff => write!(self.text, "\\x{code:02X}"),
                    0x100..=0xffff => write!(self.text, "\\u{code:04X}"),
                    _ => write!(self.text, "\\U{code:08X}"),
                };
                self.column += written.map_or(0, |()| {
                    if code > 0xffff {
                        10
                    } else if code > 0xff {
                        6
                    } else {
                        4
                    }
                });
                return;
            }
        };
        self.push(escaped);
    }
}

/// Whether a literal block gives the text back: no spaces before a line break or at the end, nothing to escape.
fn fits_block(text: &str) -> bool {
    let mut after_space = false;
    for letter in text.chars() {
        if !is_printable(letter) || (after_space && is_break(letter)) {
            return false;
        }
        after_space = letter == ' ';
    }
    !after_space
}

fn is_break(letter: char) -> bool {
    matches!(letter, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What this library leaves as it is: nothing beyond U+FFFF, and no tabs.
fn is_printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}
