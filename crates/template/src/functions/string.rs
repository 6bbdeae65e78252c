//! Functions of strings. Lengths and offsets count grapheme clusters, what people see as one character.

use super::{Environment, Failure, Function, Outcome, failure, function, integer, list_of_texts, text, texts};
use crate::convert::convert;
use crate::number::Digits;
use crate::types::Type;
use crate::value::{Kind, Value};
use std::sync::Arc;
use unicode_segmentation::UnicodeSegmentation as _;

pub(super) const TABLE: &[Function] = &[
    function("chomp", 1, 1, |arguments, _| Ok(Value::string(text(arguments, 0)?.trim_end_matches(['\n', '\r'])))),
    function("endswith", 2, 2, |arguments, _| Ok(Value::bool(text(arguments, 0)?.ends_with(&*text(arguments, 1)?)))),
    function("format", 1, usize::MAX, format),
    function("indent", 2, 2, indent),
    function("join", 1, usize::MAX, join),
    function("lower", 1, 1, |arguments, _| Ok(Value::string(text(arguments, 0)?.to_lowercase()))),
    function("replace", 3, 3, |arguments, _| {
        Ok(Value::string(text(arguments, 0)?.replace(&*text(arguments, 1)?, &text(arguments, 2)?)))
    }),
    function("split", 2, 2, split),
    function("startswith", 2, 2, |arguments, _| {
        Ok(Value::bool(text(arguments, 0)?.starts_with(&*text(arguments, 1)?)))
    }),
    function("strcontains", 2, 2, |arguments, _| Ok(Value::bool(text(arguments, 0)?.contains(&*text(arguments, 1)?)))),
    function("substr", 3, 3, substr),
    function("trim", 2, 2, |arguments, _| {
        let characters = text(arguments, 1)?;
        Ok(Value::string(text(arguments, 0)?.trim_matches(|character| characters.contains(character))))
    }),
    function("trimprefix", 2, 2, |arguments, _| {
        let whole = text(arguments, 0)?;
        Ok(Value::string(whole.strip_prefix(&*text(arguments, 1)?).unwrap_or(&whole)))
    }),
    function("trimspace", 1, 1, |arguments, _| Ok(Value::string(text(arguments, 0)?.trim()))),
    function("trimsuffix", 2, 2, |arguments, _| {
        let whole = text(arguments, 0)?;
        Ok(Value::string(whole.strip_suffix(&*text(arguments, 1)?).unwrap_or(&whole)))
    }),
    function("upper", 1, 1, upper),
];

/// One character for one: `ß` stays, as in Go.
fn upper(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let simple = |character: char| {
        let mut upper = character.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(one), None) => one,
            _ => character,
        }
    };
    Ok(Value::string(text(arguments, 0)?.chars().map(simple).collect::<String>()))
}

fn indent(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let count = usize::try_from(integer(arguments, 0)?).map_err(|_| failure(0, "it must not be negative"))?;
    if count > 10_000 {
        return Err(failure(0, "that is more than anyone indents"));
    }
    Ok(Value::string(text(arguments, 1)?.replace('\n', &format!("\n{}", " ".repeat(count)))))
}

fn join(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let separator = text(arguments, 0)?;
    let mut all = Vec::new();
    for index in 1..arguments.len() {
        all.extend(texts(arguments, index)?);
    }
    Ok(Value::string(all.join(&*separator)))
}

fn split(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let (separator, whole) = (text(arguments, 0)?, text(arguments, 1)?);
    if separator.is_empty() {
        return Ok(list_of_texts(whole.graphemes(true).map(str::to_owned)));
    }
    Ok(list_of_texts(whole.split(&*separator).map(str::to_owned)))
}

fn substr(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let whole = text(arguments, 0)?;
    let clusters: Vec<&str> = whole.graphemes(true).collect();
    let (offset, length) = (integer(arguments, 1)?, integer(arguments, 2)?);
    let count = i64::try_from(clusters.len()).unwrap_or(i64::MAX);
    let start = if offset < 0 { count.saturating_add(offset) } else { offset }.clamp(0, count);
    let end = if length < 0 { count } else { start.saturating_add(length).min(count) };
    let part = |at: i64| usize::try_from(at).unwrap_or(0);
    Ok(Value::string(clusters.get(part(start)..part(end)).unwrap_or_default().concat()))
}

/// One `%` verb: its flags, width, precision and letter.
struct Verb {
    minus: bool,
    plus: bool,
    zero: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
    letter: char,
}

/// Wider fields than this are a mistake, not a layout.
const MAX_WIDTH: usize = 10_000;

fn format(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let layout = text(arguments, 0)?;
    let mut output = String::new();
    let mut rest = layout.chars().peekable();
    let mut used = 1;
    while let Some(character) = rest.next() {
        if character != '%' {
            output.push(character);
            continue;
        }
        if rest.peek() == Some(&'%') {
            rest.next();
            output.push('%');
            continue;
        }
        let verb = verb(&mut rest).map_err(|message| failure(0, message))?;
        let Some(argument) = arguments.get(used) else {
            return Err(failure(0, format!("there is no argument for `%{}`", verb.letter)));
        };
        output.push_str(&formatted(&verb, argument, used)?);
        used += 1;
    }
    if used < arguments.len() {
        return Err(failure(used, "no verb of the layout uses this argument"));
    }
    Ok(Value::string(output))
}

fn verb(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Verb, String> {
    let mut verb =
        Verb { minus: false, plus: false, zero: false, sharp: false, width: 0, precision: None, letter: 'v' };
    while let Some(flag) = rest.peek() {
        match flag {
            '-' => verb.minus = true,
            '+' => verb.plus = true,
            '0' => verb.zero = true,
            '#' => verb.sharp = true,
            ' ' => {}
            _ => break,
        }
        rest.next();
    }
    verb.width = count(rest)?.unwrap_or(0);
    if rest.peek() == Some(&'.') {
        rest.next();
        verb.precision = Some(count(rest)?.unwrap_or(0));
    }
    verb.letter = rest.next().ok_or("the layout ends in the middle of a verb")?;
    Ok(verb)
}

fn count(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<usize>, String> {
    let mut number = None;
    while let Some(digit) = rest.peek().and_then(|character| character.to_digit(10)) {
        rest.next();
        let next = number.unwrap_or(0) * 10 + digit as usize;
        if next > MAX_WIDTH {
            return Err(format!("a field can't be wider than {MAX_WIDTH}"));
        }
        number = Some(next);
    }
    Ok(number)
}

fn formatted(verb: &Verb, argument: &Value, index: usize) -> Result<String, Failure> {
    let number = || match convert(argument, &Type::Number).map(|number| number.kind) {
        Ok(Kind::Number(number)) => Ok(number),
        _ => Err(failure(index, format!("`%{}` takes a number", verb.letter))),
    };
    let signed = |text: String| if verb.plus && !text.starts_with('-') { format!("+{text}") } else { text };
    let radix = |base| {
        let number = number()?.truncate();
        number.to_radix(base).ok_or_else(|| failure(index, "the number is infinite"))
    };
    let text = match verb.letter {
        'v' if argument.is_null() => "null".to_owned(),
        'v' if verb.sharp => super::encoding::json(argument),
        'v' | 's' => match convert(argument, &Type::String).map(|text| text.kind) {
            Ok(Kind::String(text)) => cut(&text, verb.precision),
            _ if verb.letter == 'v' => super::encoding::json(argument),
            _ => return Err(failure(index, "`%s` takes a string")),
        },
        'q' => match convert(argument, &Type::String).map(|text| text.kind) {
            Ok(Kind::String(text)) => super::encoding::json(&Value::string(text)),
            _ => return Err(failure(index, "`%q` takes a string")),
        },
        't' => match convert(argument, &Type::Bool).map(|value| value.kind) {
            Ok(Kind::Bool(value)) => value.to_string(),
            _ => return Err(failure(index, "`%t` takes true or false")),
        },
        'd' => signed(number()?.truncate().to_string()),
        'b' => signed(radix(2)?),
        'o' => signed(radix(8)?),
        'x' => signed(radix(16)?),
        'X' => signed(radix(16)?.to_uppercase()),
        'f' | 'F' => {
            let places = verb.precision.unwrap_or(6);
            let decimal = number()?.decimal(Digits::Fraction(places));
            signed(decimal.ok_or_else(|| failure(index, "the number is infinite"))?.plain(places))
        }
        'g' | 'G' => {
            let digits = verb.precision.map_or(Digits::Shortest, |count| Digits::Significant(count.max(1)));
            let decimal = number()?.decimal(digits);
            signed(decimal.ok_or_else(|| failure(index, "the number is infinite"))?.plain(0))
        }
        letter => return Err(failure(0, format!("there is no verb `%{letter}`"))),
    };
    let length = text.graphemes(true).count();
    let missing = verb.width.saturating_sub(length);
    Ok(if verb.minus {
        format!("{text}{}", " ".repeat(missing))
    } else if verb.zero && "dbxXofF".contains(verb.letter) {
        let (sign, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) => (&text[..1], digits),
            None => ("", text.as_str()),
        };
        format!("{sign}{}{digits}", "0".repeat(missing))
    } else {
        format!("{}{text}", " ".repeat(missing))
    })
}

fn cut(text: &Arc<str>, precision: Option<usize>) -> String {
    match precision {
        Some(count) => text.graphemes(true).take(count).collect(),
        None => text.to_string(),
    }
}
