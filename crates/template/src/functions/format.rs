//! `format` and `formatlist`.

use super::Accepts::{List, String as Str};
use super::{Context, Failure, Function, MAX_ELEMENTS, Parameter, bounded, json, text};
use crate::convert::convert;
use crate::number::{Decimal, Digits, Number};
use crate::types::Type;
use crate::value::{Kind, Value};
use std::iter::Peekable;
use std::str::CharIndices;
use unicode_segmentation::UnicodeSegmentation;

const FORMAT: Parameter = Parameter::string("format");
const ARGUMENTS: Parameter = Parameter::any("arguments").nullable();

/// The most characters of a width or precision.
const MAX_WIDTH: usize = 10_000;

pub(super) const TABLE: &[Function] = &[
    Function::new("format", &[FORMAT], Str, |_, arguments| {
        let values: Vec<_> = arguments.iter().skip(1).collect();
        format(text(arguments, 0), &values).map(Value::string)
    })
    .rest(ARGUMENTS),
    Function::new("formatlist", &[FORMAT], List(&Str), format_list).rest(ARGUMENTS),
];

/// One `%…` of a format.
#[derive(Default)]
struct Verb {
    plus: bool,
    minus: bool,
    space: bool,
    sharp: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    /// Which argument it is about, from 1; the next one if it does not say.
    argument: Option<usize>,
    letter: char,
}

/// Lists and tuples are gone through together, other arguments are the same each time.
fn format_list(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut length = None;
    for (index, argument) in arguments.iter().enumerate().skip(1) {
        if let Some(elements) = argument.elements() {
            match length {
                Some(length) if length != elements.len() => {
                    let message = format!("this has {} elements, and the list before it {length}", elements.len());
                    return Err(Failure::at(index, message));
                }
                _ => length = Some(elements.len()),
            }
        }
    }
    let mut formatted = Vec::new();
    let mut bytes = 0;
    for place in 0..length.unwrap_or(1).min(MAX_ELEMENTS) {
        let row = arguments.iter().skip(1).map(|argument| match argument.elements() {
            Some(elements) => elements.get(place).unwrap_or(argument),
            None => argument,
        });
        let line = format(text(arguments, 0), &row.collect::<Vec<_>>())?;
        bytes += line.len();
        bounded(bytes)?;
        formatted.push(Value::string(line));
    }
    Ok(Value::list(Type::String, formatted))
}

fn format(format: &str, arguments: &[&Value]) -> Result<String, Failure> {
    let mut formatted = String::new();
    let mut letters = format.char_indices().peekable();
    let (mut next, mut highest) = (1, 0);
    while let Some((start, letter)) = letters.next() {
        bounded(formatted.len())?;
        if letter != '%' {
            formatted.push(letter);
            continue;
        }
        let verb = verb(&mut letters)?;
        let end = letters.peek().map_or(format.len(), |(end, _)| *end);
        let written = format.get(start..end).unwrap_or_default();
        if verb.letter == '%' {
            formatted.push('%');
            continue;
        }
        let index = verb.argument.unwrap_or(next);
        next = index.saturating_add(1);
        highest = highest.max(index);
        let argument = index.checked_sub(1).and_then(|index| arguments.get(index)).ok_or_else(|| {
            Failure::at(0, format!("`{written}` wants argument {index}, and there are {}", arguments.len()))
        })?;
        // The format itself is argument 0.
        let text = one(&verb, written, argument).map_err(|message| Failure::at(index, message))?;
        formatted.push_str(&text);
    }
    if highest < arguments.len() {
        return Err(Failure::at(highest + 1, "the format makes no use of this"));
    }
    Ok(formatted)
}

fn verb(letters: &mut Peekable<CharIndices<'_>>) -> Result<Verb, Failure> {
    let mut verb = Verb::default();
    while let Some((_, letter)) = letters.peek().copied() {
        match letter {
            '+' => verb.plus = true,
            '-' => verb.minus = true,
            ' ' => verb.space = true,
            '#' => verb.sharp = true,
            '0' => verb.zero = true,
            _ => break,
        }
        letters.next();
    }
    verb.argument = bracketed(letters)?;
    verb.width = digits(letters)?.unwrap_or_default();
    if letters.next_if(|(_, letter)| *letter == '.').is_some() {
        verb.precision = Some(digits(letters)?.unwrap_or_default());
    }
    if verb.argument.is_none() {
        verb.argument = bracketed(letters)?;
    }
    verb.letter = letters
        .next()
        .map(|(_, letter)| letter)
        .ok_or_else(|| Failure::at(0, "nothing follows the last `%`").help("write `%%` for a percent sign"))?;
    Ok(verb)
}

fn bracketed(letters: &mut Peekable<CharIndices<'_>>) -> Result<Option<usize>, Failure> {
    if letters.next_if(|(_, letter)| *letter == '[').is_none() {
        return Ok(None);
    }
    let index = digits(letters)?.filter(|index| *index > 0);
    match (index, letters.next()) {
        (Some(index), Some((_, ']'))) => Ok(Some(index)),
        _ => Err(Failure::at(0, "in `%[…]` stands the number of an argument, from 1")),
    }
}

fn digits(letters: &mut Peekable<CharIndices<'_>>) -> Result<Option<usize>, Failure> {
    let mut value: Option<usize> = None;
    while let Some((_, letter)) = letters.next_if(|(_, letter)| letter.is_ascii_digit()) {
        let digit = letter.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or_default();
        let longer = value.unwrap_or_default() * 10 + digit;
        if longer > MAX_WIDTH {
            return Err(Failure::at(0, format!("more than {MAX_WIDTH} is too wide")));
        }
        value = Some(longer);
    }
    Ok(value)
}

fn one(verb: &Verb, written: &str, argument: &Value) -> Result<String, String> {
    if verb.letter == 'v' {
        return Ok(padded(verb, plain(verb, argument)?));
    }
    let of = match verb.letter {
        't' => Type::Bool,
        'b' | 'd' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'g' | 'G' => Type::Number,
        's' | 'q' => Type::String,
        _ => return Err(format!("`{written}` is no way to format a value")),
    };
    let value =
        convert(argument, &of).map_err(|mismatch| format!("wrong value for `{written}`: {}", mismatch.message))?;
    match (&value.kind, verb.letter) {
        (Kind::Null(_), _) => Err(format!("`{written}` cannot format null; `%v` can")),
        (Kind::Bool(value), _) => Ok(padded(verb, value.to_string())),
        (Kind::String(text), 'q') => {
            let mut quoted = String::new();
            json::quote(text, &mut quoted);
            Ok(padded(verb, quoted))
        }
        (Kind::String(text), _) => Ok(padded(
            verb,
            match verb.precision {
                Some(precision) => text.graphemes(true).take(precision).collect(),
                None => text.to_string(),
            },
        )),
        (Kind::Number(number), 'b' | 'd' | 'o' | 'x' | 'X') => integer(verb, written, number),
        (Kind::Number(number), _) => Ok(signed(verb, float(verb, number), number.is_negative())),
        _ => Err(format!("`{written}` cannot format this")),
    }
}

fn plain(verb: &Verb, argument: &Value) -> Result<String, String> {
    match &argument.kind {
        Kind::String(text) if !verb.sharp => Ok(text.to_string()),
        Kind::Number(number) if !verb.sharp => {
            let text = float(&Verb { letter: 'g', ..Verb::default() }, number);
            Ok(if number.is_negative() { format!("-{text}") } else { text })
        }
        _ => json::encode(argument).map_err(|failure| failure.message),
    }
}

fn integer(verb: &Verb, written: &str, number: &Number) -> Result<String, String> {
    let (base, prefix) = match verb.letter {
        'b' => (2, "0b"),
        'o' => (8, "0"),
        'd' => (10, ""),
        'x' => (16, "0x"),
        _ => (16, "0X"),
    };
    let text = number.to_radix(base).ok_or_else(|| format!("`{written}` needs a whole number"))?;
    let digits = text.trim_start_matches('-');
    let digits = if verb.letter == 'X' { digits.to_uppercase() } else { digits.to_owned() };
    let zeros = verb.precision.unwrap_or_default().saturating_sub(digits.len());
    let prefix = if verb.sharp { prefix } else { "" };
    Ok(signed(verb, format!("{prefix}{}{digits}", "0".repeat(zeros)), number.is_negative()))
}

/// A number without its sign.
fn float(verb: &Verb, number: &Number) -> String {
    let Some(shortest) = number.decimal(Digits::Shortest) else { return "Inf".to_owned() };
    let upper = verb.letter.is_ascii_uppercase();
    let rounded = |digits| Decimal {
        negative: false,
        ..number.decimal(digits).unwrap_or(Decimal { negative: false, digits: String::new(), point: 0 })
    };
    let shortest = Decimal { negative: false, ..shortest };
    match verb.letter.to_ascii_lowercase() {
        'f' => {
            let places = verb.precision.unwrap_or(6);
            rounded(Digits::Fraction(places)).plain(places)
        }
        'e' => {
            let places = verb.precision.unwrap_or(6);
            scientific(&rounded(Digits::Significant(places + 1)), Some(places), upper)
        }
        _ => {
            let (decimal, most) = match verb.precision {
                Some(precision) => (rounded(Digits::Significant(precision.max(1))), signed_count(precision.max(1))),
                None => (shortest, 6),
            };
            // Short numbers need no exponent to be short.
            let count = signed_count(decimal.digits.len());
            let most = if verb.precision.is_some() && most > count && count >= decimal.point { count } else { most };
            let exponent = decimal.point - 1;
            if !decimal.digits.is_empty() && (exponent < -4 || exponent >= most) {
                scientific(&decimal, None, upper)
            } else {
                decimal.plain(0)
            }
        }
    }
}

fn signed_count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn scientific(decimal: &Decimal, places: Option<usize>, upper: bool) -> String {
    let mut digits = decimal.digits.chars();
    let first = digits.next().unwrap_or('0');
    let rest: String = digits.collect();
    let zeros = places.unwrap_or_default().saturating_sub(rest.len());
    let fraction = format!("{rest}{}", "0".repeat(zeros));
    let point = if fraction.is_empty() { "" } else { "." };
    let exponent = if decimal.digits.is_empty() { 0 } else { decimal.point - 1 };
    let sign = if exponent < 0 { '-' } else { '+' };
    let letter = if upper { 'E' } else { 'e' };
    format!("{first}{point}{fraction}{letter}{sign}{:02}", exponent.abs())
}

/// With its sign, and as wide as asked for: zeros go between sign and digits.
fn signed(verb: &Verb, digits: String, negative: bool) -> String {
    let sign = match (negative, verb.plus, verb.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    let missing = verb.width.saturating_sub(sign.len() + digits.len());
    if verb.zero
        && !verb.minus
        && verb.precision.is_none_or(|_| !matches!(verb.letter, 'b' | 'd' | 'o' | 'x' | 'X'))
        && digits != "Inf"
    {
        return format!("{sign}{}{digits}", "0".repeat(missing));
    }
    padded(verb, format!("{sign}{digits}"))
}

fn padded(verb: &Verb, text: String) -> String {
    let missing = verb.width.saturating_sub(text.graphemes(true).count());
    let padding = (if verb.zero && !verb.minus { "0" } else { " " }).repeat(missing);
    if verb.minus { text + &padding } else { padding + &text }
}
