//! What a scalar of YAML is: null, a bool, a number, or a string.

use crate::convert::convert;
use crate::functions::encoding::from_base64;
use crate::number::Number;
use crate::types::Type;
use crate::value::{Kind, Value};

/// How a scalar was written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Style {
    Plain,
    /// In quotes of either kind.
    Quoted,
    /// As a block behind `|` or `>`.
    Block,
}

/// The value of a scalar with the name of its tag, if it has one. Times become strings as in RFC 3339, without
/// fractions of seconds. A block is read as if it was plain and becomes a string then: `|-` with `yes` is `true`.
///
/// # Errors
/// If it is not what its tag says, or a number that is none.
pub(super) fn value(text: &str, style: Style, tag: Option<String>) -> Result<Value, &'static str> {
    let tag = tag.as_deref();
    match tag {
        None | Some("int" | "float" | "bool" | "null" | "timestamp") if style == Style::Quoted => {
            return Ok(Value::string(text));
        }
        Some("str") => return Ok(Value::string(text)),
        Some("binary") if from_base64(text).is_none() => return Err("this is not Base64"),
        Some("binary") => return Ok(Value::string(text)),
        None | Some("int" | "float" | "bool" | "null" | "timestamp") => {}
        Some(_) => return Err("this tag means nothing here"),
    }
    match special(text)? {
        Some(value) if style == Style::Block && tag.is_none() && !value.is_null() => {
            return convert(&value, &Type::String).map_err(|_| "this is no string");
        }
        Some(value) => return Ok(value),
        None => {}
    }
    match tag {
        None => Ok(Value::string(text)),
        Some("null") => Ok(Value::null(Type::Any)),
        Some("int" | "float") => prefixed(text).ok_or("this is no number, as its tag says"),
        Some(_) => Err("this is not what its tag says"),
    }
}

/// The value of a plain scalar, if it is not a string.
fn special(text: &str) -> Result<Option<Value>, &'static str> {
    Ok(Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::null(Type::Any),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "+inf" | "+Inf" => infinity(1)?,
        "-.inf" | "-.Inf" | "-.INF" | "-inf" | "-Inf" => infinity(-1)?,
        ".nan" | ".NaN" | ".NAN" => return Err("there is no such number"),
        _ => match text.bytes().next() {
            Some(b'0'..=b'9' | b'+' | b'-') => match timestamp(text) {
                Some(time) => Value::string(time),
                None => return number(&text.replace('_', "")),
            },
            Some(b'.') => return number(text),
            _ => return Ok(None),
        },
    }))
}

fn infinity(sign: i64) -> Result<Value, &'static str> {
    Number::from(sign).divide(&0.into()).map(|number| Kind::Number(number).into()).ok_or("there is no such number")
}

/// Decimal, also with zeros in front, or with `0b` binary.
fn number(text: &str) -> Result<Option<Value>, &'static str> {
    let number = if let Some(digits) = text.strip_prefix("0b") {
        Number::parse_radix(digits, 2).ok_or("`0b` begins a binary number; put it in quotes if it is text")?
    } else if let Some(digits) = text.strip_prefix("-0b") {
        Number::parse_radix(digits, 2).ok_or("`-0b` begins a binary number; put it in quotes if it is text")?.negate()
    } else if is_decimal(text) {
        Number::parse(text).ok_or("this number is too large")?
    } else {
        return Ok(None);
    };
    Ok(Some(Kind::Number(number).into()))
}

fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole) && digits(fraction) && digits(exponent) && !exponent.is_empty() && whole.len() + fraction.len() > 0
}

/// In another base, which only a tag makes a number.
fn prefixed(text: &str) -> Option<Value> {
    let text = text.replace('_', "");
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let base = match unsigned.get(..2)? {
        "0x" | "0X" => 16,
        "0o" | "0O" => 8,
        "0b" | "0B" => 2,
        _ => return None,
    };
    let number = Number::parse_radix(unsigned.get(2..)?, base)?;
    Some(Kind::Number(if negative { number.negate() } else { number }).into())
}

/// The time of a date, with an hour after a `T` and a zone, or with an hour after spaces and without one.
fn timestamp(text: &str) -> Option<String> {
    let (year, rest) = text.split_at_checked(4)?;
    let (year, rest) = (digits(year, 4)?, rest.strip_prefix('-')?);
    let (month, rest) = one_or_two(rest)?;
    let (day, rest) = one_or_two(rest.strip_prefix('-')?)?;
    let valid = |value: u16| i8::try_from(value).ok();
    jiff::civil::Date::new(i16::try_from(year).ok()?, valid(month)?, valid(day)?).ok()?;
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let (zoned, rest) = match rest.strip_prefix(['T', 't']) {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix(' ')?.trim_start_matches(' ')),
    };
    let (hour, rest) = one_or_two(rest)?;
    let (minute, rest) = one_or_two(rest.strip_prefix(':')?)?;
    let (second, rest) = one_or_two(rest.strip_prefix(':')?)?;
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let rest = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if rest.len() == fraction.len() {
                return None;
            }
            rest
        }
        None => rest,
    };
    let zone = match (zoned, rest) {
        (true, "Z") | (false, "") => "Z",
        (true, offset) => zone(offset)?,
        _ => return None,
    };
    (hour < 24 && minute < 60 && second < 60).then(|| format!("{date}T{hour:02}:{minute:02}:{second:02}{zone}"))
}

/// An offset such as `+01:30`, which is `Z` if there is none.
fn zone(offset: &str) -> Option<&str> {
    let (hours, minutes) = offset.strip_prefix(['+', '-'])?.split_once(':')?;
    match (digits(hours, 2)?, digits(minutes, 2)?) {
        (0, 0) => Some("Z"),
        (0..=24, 0..=59) => Some(offset),
        _ => None,
    }
}

fn digits(text: &str, count: usize) -> Option<u16> {
    let all = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

/// A number of one or two digits at the start, and what follows it.
fn one_or_two(text: &str) -> Option<(u16, &str)> {
    let count = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(count)?;
    Some((digits(number, count.max(1))?, rest))
}
