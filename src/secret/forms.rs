//! The forms in which a secret may be written besides itself.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};

/// Encoded forms of shorter secrets would be found in texts that have nothing to do with them.
pub(super) const SHORTEST: usize = 4;

/// The same for pieces of base64, in characters.
const SHORTEST_BASE64: usize = 6;

/// How a `'` is written between a shell's single quotes: most shells and tools; we and Python.
const QUOTES: [&str; 2] = [r"'\''", r#"'"'"'"#];

/// A secret in base64, percent encoding, hexadecimal digits, a shell's quotes and escaped strings; only forms that differ
/// from it.
pub(super) fn encoded(secret: &str) -> Vec<String> {
    if secret.len() < SHORTEST {
        return Vec::new();
    }
    let mut forms = base64_pieces(secret.as_bytes());
    forms.extend([BASE64_STANDARD.encode(secret), BASE64_URL_SAFE.encode(secret)]);
    for upper in [true, false] {
        forms.push(hex(secret.as_bytes(), upper));
        for space in ["%20", "+"] {
            forms.push(percent(secret, space, upper));
        }
    }
    let quoted = QUOTES.map(|inside| secret.replace('\'', inside));
    for text in [secret, &quoted[0], &quoted[1]] {
        for (html, ascii, slash) in [
            (false, false, false),
            (true, false, false),
            (false, true, false),
            (false, true, true),
            (false, false, true),
        ] {
            forms.push(escaped(text, html, ascii, slash));
        }
        forms.push(debugged(text));
    }
    forms.extend(quoted);
    forms.retain(|form| form != secret && form.len() >= SHORTEST);
    forms
}

/// What is the same of a secret's base64 whatever stands before and after it: at each of the three alignments the
/// characters that hold bits of the secret alone.
fn base64_pieces(secret: &[u8]) -> Vec<String> {
    let mut pieces = Vec::new();
    for before in 0..3 {
        let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(secret.iter().copied()).collect();
        // A character holds six bits.
        let (start, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let text = engine.encode(&bytes);
            if let Some(piece) = text.get(start..end).filter(|piece| piece.len() >= SHORTEST_BASE64) {
                pieces.push(piece.to_owned());
            }
            // Where nothing stands after it, the last character goes too.
            if let Some(piece) = text.get(start..).filter(|piece| piece.len() >= SHORTEST_BASE64) {
                pieces.push(piece.to_owned());
            }
        }
    }
    pieces
}

fn hex(bytes: &[u8], upper: bool) -> String {
    bytes.iter().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect()
}

fn percent(secret: &str, space: &str, upper: bool) -> String {
    let mut text = String::new();
    for byte in secret.bytes() {
        match byte {
            b' ' => text.push_str(space),
            b'-' | b'.' | b'_' | b'~' => text.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => text.push(byte.into()),
            _ if upper => text.push_str(&format!("%{byte:02X}")),
            _ => text.push_str(&format!("%{byte:02x}")),
        }
    }
    text
}

/// As our log shows arguments of programs.
fn debugged(text: &str) -> String {
    let text = format!("{text:?}");
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// As JSON and most languages escape strings: `html` as Go's encoder does, `ascii` as Python's, `slash` as PHP's.
fn escaped(secret: &str, html: bool, ascii: bool, slash: bool) -> String {
    let mut text = String::new();
    for character in secret.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '/' if slash => text.push_str("\\/"),
            '<' | '>' | '&' if html => text.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ if character.is_control() || (ascii && !character.is_ascii()) => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => text.push(character),
        }
    }
    text
}
