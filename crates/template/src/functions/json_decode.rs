//! Values from JSON, as Go's decoder reads it: strictly by RFC 8259, but of keys that are there twice the last counts,
//! and half of a surrogate pair becomes U+FFFD.

use super::{Failure, MAX_DEPTH, MAX_ELEMENTS, line_and_column};
use crate::number::Number;
use crate::types::Type;
use crate::value::{Kind, Value, normalised};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The value of a JSON text: objects and tuples, never maps and lists.
///
/// # Errors
/// With the line and column of what is no JSON, and for too much of it. Nothing of the text is told.
pub(crate) fn decode(text: &str) -> Result<Value, Failure> {
    let mut reader = Reader { text, at: 0, depth: 0, values: 0 };
    let value = reader.value().and_then(|value| {
        reader.skip_space();
        if reader.peek().is_none() { Ok(value) } else { Err("something follows the value") }
    });
    value.map_err(|problem| {
        let (line, column) = line_and_column(text, reader.at);
        Failure::at(0, format!("this is not JSON, at line {line}, column {column}: {problem}"))
    })
}

/// Stands where the mistake is, when there is one.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    values: usize,
}

type Read<T> = Result<T, &'static str>;

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(wanted));
        if found {
            self.at += wanted.len();
        }
        found
    }

    fn value(&mut self) -> Read<Value> {
        self.skip_space();
        self.values += 1;
        if self.values > MAX_ELEMENTS {
            return Err("there are too many values");
        }
        match self.peek() {
            Some(b'{' | b'[') if self.depth == MAX_DEPTH => Err("the values are nested too deeply"),
            Some(b'{') => self.inside(Self::object),
            Some(b'[') => self.inside(Self::array),
            Some(b'"') => Ok(Kind::String(self.string()?).into()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) if self.eat("true") => Ok(Value::bool(true)),
            Some(_) if self.eat("false") => Ok(Value::bool(false)),
            Some(_) if self.eat("null") => Ok(Value::null(Type::Any)),
            Some(_) => Err("no value begins like this"),
            None => Err("a value is missing"),
        }
    }

    fn inside(&mut self, read: fn(&mut Self) -> Read<Value>) -> Read<Value> {
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Read<Value> {
        let mut members = BTreeMap::new();
        self.skip_space();
        if self.eat("}") {
            return Ok(Kind::Object(Arc::default()).into());
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err("a key in double quotes is expected");
            }
            let key = self.string()?;
            self.skip_space();
            if !self.eat(":") {
                return Err("a `:` is expected after the key");
            }
            let value = self.value()?;
            members.insert(key, value);
            self.skip_space();
            if self.eat("}") {
                return Ok(Kind::Object(Arc::new(members)).into());
            }
            if !self.eat(",") {
                return Err("a `,` or `}` is expected");
            }
        }
    }

    fn array(&mut self) -> Read<Value> {
        let mut elements = Vec::new();
        self.skip_space();
        if self.eat("]") {
            return Ok(Value::tuple(elements));
        }
        loop {
            elements.push(self.value()?);
            self.skip_space();
            if self.eat("]") {
                return Ok(Value::tuple(elements));
            }
            if !self.eat(",") {
                return Err("a `,` or `]` is expected");
            }
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        self.eat("-");
        if !self.eat("0") && self.digits() == 0 {
            return Err("a digit is expected");
        }
        if self.eat(".") && self.digits() == 0 {
            return Err("a digit is expected after the decimal point");
        }
        if self.eat("e") || self.eat("E") {
            let _ = self.eat("+") || self.eat("-");
            if self.digits() == 0 {
                return Err("a digit is expected in the exponent");
            }
        }
        let number = self.text.get(start..self.at).and_then(Number::parse);
        number.map(|number| Kind::Number(number).into()).ok_or("this number is too large")
    }

    fn string(&mut self) -> Read<Arc<str>> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let run = rest.find(|letter: char| matches!(letter, '"' | '\\' | '\0'..='\x1f')).unwrap_or(rest.len());
            string.push_str(rest.get(..run).unwrap_or_default());
            self.at += run;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(normalised(string.into()));
                }
                Some(b'\\') => string.push(self.escape()?),
                Some(_) => return Err("a control character must be written as an escape"),
                None => return Err("the string is not closed"),
            }
        }
    }

    /// At a backslash.
    fn escape(&mut self) -> Read<char> {
        let letter = self.text.as_bytes().get(self.at + 1);
        let character = match letter {
            Some(b'"' | b'\\' | b'/') => letter.copied().map_or('\\', char::from),
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err("there is no such escape"),
        };
        self.at += 2;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Read<char> {
        let unit = self.unit().ok_or("four hexadecimal digits are expected after `\\u`")?;
        self.at += 6;
        if let 0xd800..=0xdbff = unit
            && let Some(low @ 0xdc00..=0xdfff) = self.unit()
        {
            self.at += 6;
            let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The number of the `\uXXXX` that begins here.
    fn unit(&self) -> Option<u32> {
        let digits = self.text.get(self.at..)?.strip_prefix("\\u")?.get(..4)?;
        if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) { u32::from_str_radix(digits, 16).ok() } else { None }
    }
}
