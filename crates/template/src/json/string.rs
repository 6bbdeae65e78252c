//! Strings of JSON: escapes with the way back to the file, and what people write instead.

use super::Parser;
use super::quote::{self, Guess};
use crate::diagnostic::Diagnostic;
use crate::source::Text;
use std::ops::Range;

impl Parser<'_> {
    /// At the opening quote. `None` if the string is not closed on its line.
    pub(super) fn string(&mut self) -> Option<Text> {
        let start = self.at;
        self.at += 1;
        let mut text = Text::new(self.file);
        let mut told = false;
        let mut goes_on = None;
        loop {
            let run = self.take_while(|letter| !matches!(letter, '"' | '\\' | '\0'..='\x1f'));
            text.push_verbatim(&self.text[run.clone()], run.start);
            match self.peek() {
                Some('"') if quote::is_followed_well(self.text, self.at + 1) => {
                    self.at += 1;
                    return Some(text);
                }
                Some('"') => match quote::guess(self.text, start, self.at) {
                    Guess::Sound => {
                        self.at += 1;
                        return Some(text);
                    }
                    Guess::Unclosed(end) => {
                        self.unclosed_string(start, end);
                        return None;
                    }
                    Guess::Longer(end) => {
                        let message = "a double quote ends the string here";
                        self.error(
                            "json-quotes",
                            self.at..self.at + 1,
                            message,
                            "write `\\\"` for a quote inside of a string",
                        );
                        text.push_verbatim(&self.text[self.at..end - 1], self.at);
                        self.at = end;
                        return Some(text);
                    }
                },
                Some('\\') => self.escape(&mut text),
                Some(control)
                    if !matches!(control, '\n' | '\r')
                        || *goes_on.get_or_insert_with(|| self.goes_on_after_line_break()) =>
                {
                    if !told {
                        self.control_character(control);
                        told = true;
                    }
                    text.push_verbatim(control.encode_utf8(&mut [0; 4]), self.at);
                    self.at += 1;
                }
                Some(_) | None => {
                    self.unclosed_string(start, quote::content_end(self.text, start, self.at));
                    return None;
                }
            }
        }
    }

    fn control_character(&mut self, control: char) {
        let (what, help) = match control {
            '\t' => ("a tab", "write `\\t`".to_owned()),
            '\n' | '\r' => ("a line break", "write `\\n`; a list of lines may be a JSON array".to_owned()),
            other => ("a control character", format!("write `\\u{:04x}`", u32::from(other))),
        };
        let message = format!("{what} must not stand in a string as it is");
        self.error("json-control-character", self.at..self.at + 1, message, help);
    }

    /// At a line break in a string: is the next quote the end of this string, rather than the start of the next one?
    fn goes_on_after_line_break(&self) -> bool {
        let mut letters = self.rest().chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => {
                    letters.next();
                }
                '"' => return matches!(letters.as_str().trim_start().chars().next(), None | Some(',' | '}' | ']')),
                _ => {}
            }
        }
        false
    }

    fn unclosed_string(&mut self, start: usize, end: usize) {
        self.at = end;
        self.resuming = true;
        let message = "this string has no closing quote on its line";
        self.error("json-unclosed", start..end, message, "add the missing `\"`");
    }

    /// Reads a string that lacks its opening quote, if that is what is here. Returns its content.
    pub(super) fn unopened_string(&mut self, is_key: bool) -> Option<String> {
        let start = self.at;
        let end = quote::unopened(self.text, start, is_key)?;
        self.at = end + 1;
        self.error("json-quotes", start..self.at, "this string has no opening quote", "add the missing `\"`");
        Some(self.text[start..end].to_owned())
    }

    /// At a backslash.
    fn escape(&mut self, text: &mut Text) {
        let start = self.at;
        self.at += 1;
        let Some(letter) = self.peek() else { return };
        let cooked = match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode_escape(start, text),
            '\0'..='\x1f' => {
                // The character itself is told as what it is.
                text.push_verbatim("\\", start);
                return;
            }
            other => {
                self.at += other.len_utf8();
                let message = format!("`\\{other}` is not an escape that JSON knows");
                self.error("json-escape", start..self.at, message, format!("write `\\\\{other}` for a backslash"));
                text.push_verbatim(&self.text[start..self.at], start);
                return;
            }
        };
        self.at += letter.len_utf8();
        text.push_escape(cooked.encode_utf8(&mut [0; 4]), start..self.at);
    }

    fn unicode_escape(&mut self, start: usize, text: &mut Text) {
        let Some(unit) = self.hex_unit(start) else {
            let digits = self.rest()[1..].bytes().take(4).take_while(u8::is_ascii_hexdigit).count();
            self.at += 1 + digits;
            let message = "four hexadecimal digits follow `\\u`";
            self.error("json-escape", start..self.at, message, "write `\\\\u` for a backslash and a `u`");
            text.push_verbatim(&self.text[start..self.at], start);
            return;
        };
        self.at = start + 6;
        let pair = matches!(unit, 0xd800..=0xdbff)
            .then(|| self.hex_unit(self.at))
            .flatten()
            .filter(|low| matches!(low, 0xdc00..=0xdfff));
        let scalar = match pair {
            Some(low) => {
                self.at += 6;
                0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
            }
            None => unit,
        };
        let letter = char::from_u32(scalar).unwrap_or_else(|| {
            self.lone_surrogate(start..self.at);
            char::REPLACEMENT_CHARACTER
        });
        text.push_escape(letter.encode_utf8(&mut [0; 4]), start..self.at);
    }

    /// Packer takes it for U+FFFD and goes on.
    fn lone_surrogate(&mut self, range: Range<usize>) {
        let message = format!("`{}` is only half of a character", &self.text[range.clone()]);
        let place = self.span(range);
        self.diagnostics.push(
            Diagnostic::warning("json-escape", message)
                .at(place)
                .help("characters above `\\uffff` are written as two escapes, or as themselves"),
        );
    }

    /// The number of the `\uXXXX` that begins at `start`.
    fn hex_unit(&self, start: usize) -> Option<u32> {
        let digits = self.text.get(start..)?.strip_prefix("\\u")?.get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    }

    /// At a quote that is none in JSON. Skips the string and returns what was meant.
    pub(super) fn foreign_quotes(&mut self) -> String {
        let start = self.at;
        let quote = self.peek().unwrap_or('\'');
        let closing: &[char] = if quote == '\'' { &['\''] } else { &['‘', '’', '“', '”', '"'] };
        let content_start = start + quote.len_utf8();
        let line = &self.text[content_start..];
        let line = &line[..line.find('\n').unwrap_or(line.len())];
        let end = line.find(closing);
        let content = &line[..end.unwrap_or(line.trim_end_matches([',', ' ', '\r', '}', ']']).len())];
        let closing_length = end.and_then(|end| line[end..].chars().next()).map_or(0, char::len_utf8);
        self.at = content_start + content.len() + closing_length;
        let meant = content.to_owned();
        let message = format!("a string stands in double quotes (`\"`), not in `{quote}`");
        self.error("json-quotes", start..self.at, message, "use `\"` on both ends, and write `\\\"` inside");
        meant
    }
}
