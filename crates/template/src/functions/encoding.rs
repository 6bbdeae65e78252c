//! Functions that encode and decode.

use super::Accepts::{Any, String as Str};
use super::{Context, Failure, Function, Parameter, bounded, csv, json, json_decode, text, text_encoding};
use crate::value::Value;
use flate2::{Compress, Compression, Crc, FlushCompress};
use std::fmt::Write;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const ENCODING: Parameter = Parameter::string("encoding");
const STRING: Parameter = Parameter::string("string");

pub(super) const TABLE: &[Function] = &[
    Function::new("base64decode", &[STRING], Str, base64_decode),
    Function::new("base64encode", &[STRING], Str, |_, arguments| {
        Ok(Value::string(base64(text(arguments, 0).as_bytes())))
    }),
    Function::new("base64gzip", &[STRING], Str, |_, arguments| {
        bounded(text(arguments, 0).len())?;
        gzip(text(arguments, 0).as_bytes()).map(|bytes| Value::string(base64(&bytes)))
    }),
    Function::new("csvdecode", &[STRING], Any, csv::decode),
    Function::new("jsondecode", &[STRING], Any, |_, arguments| json_decode::decode(text(arguments, 0))),
    Function::new("jsonencode", &[Parameter::any("value").nullable()], Str, |_, arguments| match arguments.first() {
        Some(value) => json::encode(value).map(Value::string),
        None => Err(Failure::new("a value is needed")),
    }),
    Function::new("textdecodebase64", &[STRING, ENCODING], Str, text_encoding::decode),
    Function::new("textencodebase64", &[STRING, ENCODING], Str, text_encoding::encode),
    Function::new("urlencode", &[STRING], Str, |_, arguments| Ok(Value::string(url_encode(text(arguments, 0))))),
];

pub(super) fn base64(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4_usize {
            let sextet = (bits >> (18 - 6 * place)) & 0x3f;
            let digit = ALPHABET.get(sextet as usize).copied().filter(|_| place <= chunk.len());
            encoded.push(char::from(digit.unwrap_or(b'=')));
        }
    }
    encoded
}

/// The bytes of standard Base64 with padding; line breaks do not count, as in Go.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    if !digits.len().is_multiple_of(4) {
        return None;
    }
    let padding = digits.iter().rev().take_while(|digit| **digit == b'=').count();
    let data = digits.get(..digits.len() - padding)?;
    if padding > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    for chunk in data.chunks(4) {
        let mut bits = 0_u32;
        for digit in chunk {
            let sextet = ALPHABET.iter().position(|letter| letter == digit)?;
            bits = bits << 6 | u32::try_from(sextet).ok()?;
        }
        bits <<= 6 * (4 - chunk.len());
        bytes.extend_from_slice(bits.to_be_bytes().get(1..chunk.len())?);
    }
    Some(bytes)
}

fn base64_decode(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let bytes = from_base64(text(arguments, 0)).ok_or_else(|| Failure::at(0, "this is not Base64"))?;
    let decoded = String::from_utf8(bytes).map_err(|_| Failure::at(0, "the decoded bytes are not UTF-8 text"))?;
    Ok(Value::string(decoded))
}

/// Compressed as gzip, framed as Go does it: no time, an unknown system, and an empty block after a flush.
fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut compressed = Vec::from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    let mut compress = Compress::new(Compression::default(), false);
    loop {
        let read = usize::try_from(compress.total_in()).ok().and_then(|read| bytes.get(read..)).unwrap_or_default();
        compressed.reserve(bytes.len() / 2 + 1024);
        let before = compressed.len();
        let status = compress.compress_vec(read, &mut compressed, FlushCompress::Sync);
        status.map_err(|_| Failure::new("this cannot be compressed"))?;
        // All is read and flushed when there was room to spare.
        if compressed.len() < compressed.capacity() || compressed.len() == before {
            break;
        }
    }
    compressed.extend([1, 0, 0, 0xff, 0xff]);
    let mut sum = Crc::new();
    sum.update(bytes);
    compressed.extend(sum.sum().to_le_bytes());
    compressed.extend(sum.amount().to_le_bytes());
    Ok(compressed)
}

/// As in the query of a URL: a space becomes `+`.
fn url_encode(string: &str) -> String {
    let mut encoded = String::with_capacity(string.len());
    for byte in string.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            _ => {
                // Writing to a string cannot fail.
                let _: Result<(), std::fmt::Error> = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}
