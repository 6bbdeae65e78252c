//! What JSON skips (white space), and what we skip to go on after a mistake.

use super::{DEEPEST, Dialect, Parser};
use crate::syntax::Expression;

impl Parser<'_> {
    pub(super) fn too_deep(&mut self) -> Expression {
        let start = self.at;
        self.skip_brackets();
        let message = format!("brackets are nested more than {DEEPEST} deep");
        self.error("json-nesting", start..start + 1, message, "no template needs that: is this the right file?");
        self.broken(start..self.at)
    }

    /// Skips an object or array without a look at what is in it.
    pub(super) fn skip_brackets(&mut self) {
        let mut depth: usize = 0;
        let mut quoted = false;
        let mut escaped = false;
        for (offset, byte) in self.rest().bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = quoted,
                b'"' => quoted = !quoted,
                b'{' | b'[' if !quoted => depth += 1,
                b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                self.at += offset + 1;
                return;
            }
        }
        self.at = self.text.len();
        // They are unclosed too, but what is wrong here is said.
        self.open.clear();
    }

    /// Skips to the comma, line or closing bracket behind which the next member may begin.
    pub(super) fn skip_junk(&mut self) {
        loop {
            self.take_while(|letter| !matches!(letter, ',' | '{' | '}' | '[' | ']' | '"' | '\n'));
            match self.peek() {
                Some('{' | '[') => self.skip_brackets(),
                Some('"') => {
                    self.at += 1;
                    self.take_while(|letter| !matches!(letter, '"' | '\n'));
                    if self.peek() == Some('"') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Skips white space, and comments with a word about them.
    pub(super) fn skip_space(&mut self) {
        loop {
            self.take_while(|letter| matches!(letter, ' ' | '\t' | '\n' | '\r'));
            let start = self.at;
            let rest = self.rest();
            if rest.starts_with("//") || rest.starts_with('#') {
                self.take_while(|letter| letter != '\n');
            } else if let Some(comment) = rest.strip_prefix("/*") {
                self.at += comment.find("*/").map_or_else(|| unclosed_comment(rest), |length| length + 4);
            } else if let Some(odd @ ('\u{a0}' | '\u{feff}' | '\u{200b}' | '\u{3000}' | '\u{c}' | '\u{b}')) =
                self.peek()
            {
                let length = odd.len_utf8();
                let message = format!("the character U+{:04X} is not white space in JSON", u32::from(odd));
                self.error("json-value", start..start + length, message, "replace it with a plain space");
                self.at += length;
                continue;
            } else {
                return;
            }
            let end = start + self.text[start..self.at].trim_end().len();
            let help = match self.dialect {
                Dialect::Legacy => "delete it; a remark can be the string value of a root key that begins with `_`",
                Dialect::Hcl | Dialect::Values => "delete it; a remark can be the value of a key `//`",
            };
            self.error("json-comment", start..end, "JSON has no comments", help);
        }
    }
}

/// The length of a comment without an end: up to the first line that JSON could go on with.
fn unclosed_comment(text: &str) -> usize {
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        if length > 0 && line.trim_start().starts_with(['"', '{', '}', '[', ']']) {
            break;
        }
        length += line.len();
    }
    length
}
