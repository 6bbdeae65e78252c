//! Text as XML 1.0, JSON and URIs hold it.
//!
//! GitHub's runner reads what a job prints, and takes `##[` anywhere in a line for a command of its own, and `::` at the
//! start of one. Reports have texts of strangers and are printed, if only by a `cat`: they have neither, and whoever
//! parses them reads the same texts. No line starts with a text: XML's have `&#10;` in place of ends of lines.

use serde::Serialize;
use std::fmt::Write as _;

/// Text for an element or an attribute. What XML can't hold at all, such as ESC, becomes U+FFFD.
pub(super) fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '[' if escaped.ends_with("##") => escaped.push_str("&#91;"),
            // Attributes would make spaces of these, and elements a newline of a return.
            '\t' | '\n' | '\r' => drop(write!(escaped, "&#{};", u32::from(character))),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A document of JSON, indented.
///
/// # Errors
/// When the value is none of JSON.
pub(super) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    // Outside of its texts JSON has no `#`.
    Ok(serde_json::to_string_pretty(value)?.replace("##[", "##\\u005b") + "\n")
}

/// A relative path as a relative URI, an absolute one as `file:` URI.
pub(super) fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_an_attribute() {
        assert_eq!(xml("<&\"']]>\u{1b}[1m\r\n\té"), "&lt;&amp;&quot;']]&gt;\u{fffd}[1m&#13;&#10;&#9;é");
    }

    #[test]
    fn no_text_is_a_command_of_githubs_runner() {
        let text = "##[add-mask]a\n###[error]\n::error::b\\##[x]";
        assert_eq!(xml(text), "##&#91;add-mask]a&#10;###&#91;error]&#10;::error::b\\##&#91;x]");
        let document = json(&[text]).unwrap();
        assert_eq!(document, "[\n  \"##\\u005badd-mask]a\\n###\\u005berror]\\n::error::b\\\\##\\u005bx]\"\n]\n");
        assert_eq!(serde_json::from_str::<[String; 1]>(&document).unwrap(), [text]);
    }

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("images/a b:ü%.hcl"), "images/a%20b%3A%C3%BC%25.hcl");
        assert_eq!(uri("/srv/a.hcl"), "file:///srv/a.hcl");
    }
}
