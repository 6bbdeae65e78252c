//! Functions of strings. Characters are grapheme clusters wherever they are counted.

use super::Accepts::{self, Bool, List, String as Str};
use super::{Context, Failure, Function, Parameter, bounded, size, text, whole};
use crate::types::Type;
use crate::value::Value;
use unicode_segmentation::UnicodeSegmentation;

const STRING: Parameter = Parameter::string("string");
const STRINGS: Accepts = List(&Str);

pub(super) const TABLE: &[Function] = &[
    Function::new("chomp", &[STRING], Str, |_, arguments| {
        Ok(Value::string(text(arguments, 0).trim_end_matches(['\n', '\r'])))
    }),
    Function::new("endswith", &[STRING, Parameter::string("suffix")], Bool, |_, arguments| {
        Ok(Value::bool(text(arguments, 0).ends_with(text(arguments, 1))))
    }),
    Function::new("startswith", &[STRING, Parameter::string("prefix")], Bool, |_, arguments| {
        Ok(Value::bool(text(arguments, 0).starts_with(text(arguments, 1))))
    }),
    Function::new("strcontains", &[STRING, Parameter::string("part")], Bool, |_, arguments| {
        Ok(Value::bool(text(arguments, 0).contains(text(arguments, 1))))
    }),
    Function::new("indent", &[Parameter::number("spaces"), STRING], Str, |_, arguments| {
        let spaces = size(arguments, 0)?;
        let lines = text(arguments, 1).matches('\n').count();
        bounded(spaces.saturating_mul(lines).saturating_add(text(arguments, 1).len()))?;
        Ok(Value::string(
            text(arguments, 1).replace('\n', &format!("\n{}", " ".repeat(if lines > 0 { spaces } else { 0 }))),
        ))
    }),
    Function::new("join", &[Parameter::string("separator")], Str, join).rest(Parameter::new("lists", STRINGS)),
    Function::new("lower", &[STRING], Str, |_, arguments| {
        Ok(Value::string(text(arguments, 0).chars().map(lower).collect::<String>()))
    }),
    Function::new("upper", &[STRING], Str, |_, arguments| {
        Ok(Value::string(text(arguments, 0).chars().map(upper).collect::<String>()))
    }),
    Function::new("title", &[STRING], Str, |_, arguments| Ok(Value::string(title(text(arguments, 0))))),
    Function::new("replace", &[STRING, Parameter::string("part"), Parameter::string("replacement")], Str, replace),
    Function::new("split", &[Parameter::string("separator"), STRING], STRINGS, |_, arguments| {
        Ok(Value::list(Type::String, split(text(arguments, 0), text(arguments, 1)).map(Value::string)))
    }),
    Function::new("strrev", &[STRING], Str, |_, arguments| {
        Ok(Value::string(text(arguments, 0).graphemes(true).rev().collect::<String>()))
    }),
    Function::new("substr", &[STRING, Parameter::number("offset"), Parameter::number("length")], Str, substr),
    Function::new("trim", &[STRING, Parameter::string("characters")], Str, |_, arguments| {
        let characters: Vec<_> = text(arguments, 1).chars().collect();
        Ok(Value::string(text(arguments, 0).trim_matches(characters.as_slice())))
    }),
    Function::new("trimprefix", &[STRING, Parameter::string("prefix")], Str, |_, arguments| {
        let string = text(arguments, 0);
        Ok(Value::string(string.strip_prefix(text(arguments, 1)).unwrap_or(string)))
    }),
    Function::new("trimsuffix", &[STRING, Parameter::string("suffix")], Str, |_, arguments| {
        let string = text(arguments, 0);
        Ok(Value::string(string.strip_suffix(text(arguments, 1)).unwrap_or(string)))
    }),
    Function::new("trimspace", &[STRING], Str, |_, arguments| Ok(Value::string(text(arguments, 0).trim()))),
];

fn join(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    if arguments.len() < 2 {
        return Err(Failure::new("at least one list is needed"));
    }
    let separator = text(arguments, 0);
    let mut parts = Vec::new();
    let mut bytes = 0_usize;
    for (index, list) in arguments.iter().enumerate().skip(1) {
        for (position, element) in list.elements().unwrap_or_default().iter().enumerate() {
            let null = || Failure::at(index, format!("[{position}]: this must not be null"));
            let part = element.as_str().ok_or_else(null)?;
            bytes = bytes.saturating_add(part.len() + separator.len());
            parts.push(part);
        }
    }
    bounded(bytes)?;
    Ok(Value::string(parts.join(separator)))
}

/// The part is always literal: there are no regular expressions here.
fn replace(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (string, part, replacement) = (text(arguments, 0), text(arguments, 1), text(arguments, 2));
    let times = string.matches(part).count();
    bounded(times.saturating_mul(replacement.len()).saturating_add(string.len()))?;
    Ok(Value::string(string.replace(part, replacement)))
}

/// An empty separator divides into characters, without the empty parts before and after.
fn split<'s>(separator: &'s str, string: &'s str) -> Box<dyn Iterator<Item = &'s str> + 's> {
    if separator.is_empty() {
        Box::new(string.split("").filter(|part| !part.is_empty()))
    } else {
        Box::new(string.split(separator))
    }
}

/// A negative offset counts from the end, a negative length takes all that is left.
fn substr(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let string = text(arguments, 0);
    let (offset, length) = (whole(arguments, 1)?, whole(arguments, 2)?);
    let offset = if offset < 0 {
        let total = i64::try_from(string.graphemes(true).count()).unwrap_or(i64::MAX);
        offset.saturating_add(total).max(0)
    } else {
        offset
    };
    let characters = string.graphemes(true).skip(usize::try_from(offset).unwrap_or(usize::MAX));
    let part: String = match usize::try_from(length) {
        Ok(length) => characters.take(length).collect(),
        Err(_) => characters.collect(),
    };
    Ok(Value::string(part))
}

/// The one upper-case character, where there is one: `ß` stays, as in Go.
fn upper(character: char) -> char {
    match character {
        // Unicode also writes these as two letters.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => shifted(character, 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => shifted(character, 9),
        _ => {
            let mut mapped = character.to_uppercase();
            match (mapped.next(), mapped.next()) {
                (Some(upper), None) => upper,
                _ => character,
            }
        }
    }
}

fn shifted(character: char, by: u32) -> char {
    char::from_u32(u32::from(character) + by).unwrap_or(character)
}

fn lower(character: char) -> char {
    // `İ` becomes `i` and a dot; the letter is what Go makes of it.
    character.to_lowercase().next().unwrap_or(character)
}

/// Upper case for each first letter; words are of letters, digits and underscores.
fn title(string: &str) -> String {
    let mut inside = false;
    let mut result = String::with_capacity(string.len());
    for character in string.chars() {
        result.push(match character {
            _ if inside => character,
            'Ǆ' | 'ǅ' | 'ǆ' => 'ǅ',
            'Ǉ' | 'ǈ' | 'ǉ' => 'ǈ',
            'Ǌ' | 'ǋ' | 'ǌ' => 'ǋ',
            'Ǳ' | 'ǲ' | 'ǳ' => 'ǲ',
            _ => upper(character),
        });
        inside = match character {
            _ if character.is_ascii() => character.is_ascii_alphanumeric() || character == '_',
            _ if character.is_alphanumeric() => true,
            _ => !character.is_whitespace(),
        };
    }
    result
}
