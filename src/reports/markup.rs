//! Text as XML 1.0 and URIs hold it.

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
            // Attributes would make spaces of these, and elements a newline of a return.
            '\t' | '\n' | '\r' => drop(write!(escaped, "&#{};", u32::from(character))),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
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
    fn paths_become_uris() {
        assert_eq!(uri("images/a b:ü%.hcl"), "images/a%20b%3A%C3%BC%25.hcl");
        assert_eq!(uri("/srv/a.hcl"), "file:///srv/a.hcl");
    }
}
