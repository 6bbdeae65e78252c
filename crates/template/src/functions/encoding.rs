//! Functions between texts and their encodings, and what makes identifiers and times.

use super::{Environment, Function, Outcome, failure, function, text};
use crate::value::{Kind, Value};
use std::fmt::Write as _;

pub(super) const TABLE: &[Function] = &[
    function("base64decode", 1, 1, decode),
    function("base64encode", 1, 1, |arguments, _| Ok(Value::string(encode(text(arguments, 0)?.as_bytes())))),
    Function {
        takes_null: true,
        ..function("jsonencode", 1, 1, |arguments, _| Ok(Value::string(json(&arguments[0]))))
    },
    function("timestamp", 0, 0, |_, environment| Ok(Value::string(rfc3339(environment.host.now())))),
    function("uuidv4", 0, 0, |_, environment| Ok(Value::string(environment.host.uuid()))),
];

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut output = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for position in 0..4 {
            if position <= chunk.len() {
                output.push(char::from(ALPHABET[(group >> (18 - 6 * position) & 63) as usize]));
            } else {
                output.push('=');
            }
        }
    }
    output
}

fn decode(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let wrong = || failure(0, "this is not base64");
    let encoded = text(arguments, 0)?;
    let encoded: Vec<u8> = encoded.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    if !encoded.len().is_multiple_of(4) {
        return Err(wrong());
    }
    let mut bytes = Vec::new();
    let groups = encoded.len() / 4;
    for (index, group) in encoded.chunks(4).enumerate() {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || (padding > 0 && index + 1 < groups) {
            return Err(wrong());
        }
        let mut bits = 0_u32;
        for byte in &group[..4 - padding] {
            let value = ALPHABET.iter().position(|letter| letter == byte).ok_or_else(wrong)?;
            bits = bits << 6 | u32::try_from(value).unwrap_or(0);
        }
        bits <<= 6 * padding;
        bytes.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Value::string(text)),
        Err(_) => Err(failure(0, "what it encodes is not text in UTF-8")),
    }
}

/// JSON as Go writes it: sorted keys, no spaces, `<`, `>`, `&` escaped. Everything in the value is known.
pub(super) fn json(value: &Value) -> String {
    let mut output = String::new();
    write_json(value, &mut output);
    output
}

fn write_json(value: &Value, output: &mut String) {
    match &value.kind {
        Kind::Null(_) | Kind::Unknown(_) | Kind::Type(_) => output.push_str("null"),
        Kind::Bool(value) => output.push_str(if *value { "true" } else { "false" }),
        Kind::Number(number) => output.push_str(&number.to_string()),
        Kind::String(text) => write_string(text, output),
        Kind::List(_, values) | Kind::Set(_, values) | Kind::Tuple(values) => {
            output.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    output.push(',');
                }
                write_json(value, output);
            }
            output.push(']');
        }
        Kind::Map(_, members) | Kind::Object(members) => {
            output.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                if index > 0 {
                    output.push(',');
                }
                write_string(name, output);
                output.push(':');
                write_json(value, output);
            }
            output.push('}');
        }
    }
}

fn write_string(text: &str, output: &mut String) {
    output.push('"');
    for character in text.chars() {
        match character {
            '"' => output.push_str("\\\""),
            '\\' => output.push_str("\\\\"),
            '\n' => output.push_str("\\n"),
            '\r' => output.push_str("\\r"),
            '\t' => output.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // Writing to a string can't fail.
                let _written = write!(output, "\\u{:04x}", u32::from(character));
            }
            other => output.push(other),
        }
    }
    output.push('"');
}

fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}
