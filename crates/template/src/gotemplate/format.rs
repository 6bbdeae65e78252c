//! Go's `printf`: verbs, flags, width and precision.

use super::render::MOST_BYTES;
use super::value::Value;
use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

/// Go refuses more, too.
const WIDEST: usize = 1_000_000;

#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Formats like Go's `fmt.Sprintf`. A verb that does not fit its value is written as Go writes it, `%!d(string=x)`;
/// the second result is true if there was one.
pub(super) fn sprintf(format: &str, values: &[Value]) -> (String, bool) {
    let mut printer = Printer {
        letters: format.chars().peekable(),
        values,
        next: 0,
        out: String::new(),
        wrong: false,
        picked: false,
    };
    printer.run();
    (printer.out, printer.wrong)
}

struct Printer<'a> {
    letters: Peekable<Chars<'a>>,
    values: &'a [Value],
    /// The index of the value that is written next.
    next: usize,
    out: String,
    /// Something did not fit.
    wrong: bool,
    /// Some value was picked by its number.
    picked: bool,
}

impl Printer<'_> {
    fn run(&mut self) {
        while let Some(letter) = self.letters.next() {
            if self.out.len() > MOST_BYTES {
                return;
            }
            if letter == '%' {
                self.verb();
            } else {
                self.out.push(letter);
            }
        }
        let extra: Vec<String> = self
            .values
            .get(self.next..)
            .unwrap_or_default()
            .iter()
            .map(|value| match value {
                Value::Nil => "<nil>".to_owned(),
                _ => format!("{}={}", value.go_type(), value.written()),
            })
            .collect();
        if !extra.is_empty() && !self.picked {
            self.complain(&format!("%!(EXTRA {})", extra.join(", ")));
        }
    }

    fn verb(&mut self) {
        let mut flags = self.flags();
        // Go wants the number right before the verb or the `*`.
        let mut misplaced = self.pick() && self.letters.peek().is_some_and(char::is_ascii_digit);
        let mut left = flags.minus;
        flags.width = self.count("%!(BADWIDTH)", Some(&mut left));
        flags.minus = left;
        if self.letters.next_if_eq(&'.').is_some() {
            misplaced |= self.pick() && self.letters.peek().is_some_and(char::is_ascii_digit);
            flags.precision = Some(self.count("%!(BADPREC)", None).unwrap_or(0));
        }
        self.pick();
        let verb = match self.letters.next() {
            Some('%') => return self.out.push('%'),
            Some(verb) => verb,
            None => return self.complain("%!(NOVERB)"),
        };
        let value = match self.values.get(self.next) {
            Some(value) if !misplaced => value,
            None if !self.picked => return self.complain(&format!("%!{verb}(MISSING)")),
            _ => return self.complain(&format!("%!{verb}(BADINDEX)")),
        };
        self.next += 1;
        // To `v` a plus would mean the names of a structure's fields.
        let own_flags = Flags { plus: flags.plus && verb != 'v', ..flags };
        if let Some(text) = format_value(verb, value, own_flags) {
            return self.out.push_str(&text);
        }
        let written = format_value('v', value, Flags { sharp: false, ..flags }).unwrap_or_default();
        match value {
            Value::Nil => self.complain(&format!("%!{verb}(<nil>)")),
            _ => self.complain(&format!("%!{verb}({}={written})", value.go_type())),
        }
    }

    fn complain(&mut self, text: &str) {
        self.wrong = true;
        self.out.push_str(text);
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(letter) = self.letters.next_if(|letter| matches!(letter, '-' | '+' | '#' | ' ' | '0')) {
            match letter {
                '-' => flags.minus = true,
                '+' => flags.plus = true,
                '#' => flags.sharp = true,
                ' ' => flags.space = true,
                _ => flags.zero = true,
            }
        }
        flags
    }

    /// `[2]`: goes on with the second value. True if there was one.
    fn pick(&mut self) -> bool {
        let mut ahead = self.letters.clone();
        if ahead.next_if_eq(&'[').is_none() {
            return false;
        }
        let number = digits(&mut ahead);
        let Some(number) = number.filter(|_| ahead.next_if_eq(&']').is_some()) else { return false };
        // A number that is no value's makes the verb complain.
        self.next = number.checked_sub(1).unwrap_or(usize::MAX);
        self.picked = true;
        self.letters = ahead;
        true
    }

    /// A width or a precision: digits, or `*` for the next value. A negative width means to the left.
    fn count(&mut self, complaint: &str, left: Option<&mut bool>) -> Option<usize> {
        if self.letters.next_if_eq(&'*').is_none() {
            return digits(&mut self.letters);
        }
        let count = match self.values.get(self.next) {
            Some(Value::Integer(count)) if count.unsigned_abs() <= WIDEST as u64 => Some(*count),
            _ => None,
        };
        self.next = self.next.saturating_add(1);
        match (count, left) {
            (None, _) => self.complain(complaint),
            (Some(count), Some(left)) => *left |= count < 0,
            (Some(_), None) => {}
        }
        count.and_then(|count| usize::try_from(count.unsigned_abs()).ok())
    }
}

fn digits(letters: &mut Peekable<Chars<'_>>) -> Option<usize> {
    let mut count: Option<usize> = None;
    while let Some(digit) = letters.next_if(char::is_ascii_digit) {
        let digit = digit as usize - '0' as usize;
        count = Some((count.unwrap_or(0) * 10 + digit).min(WIDEST));
    }
    count
}

fn format_value(verb: char, value: &Value, flags: Flags) -> Option<String> {
    if verb == 'T' {
        return format_text('s', value.go_type(), flags);
    }
    match value {
        Value::Bool(value) => matches!(verb, 't' | 'v').then(|| pad(&value.to_string(), flags, true)),
        Value::Integer(value) => format_integer(verb, *value, flags),
        Value::Float(value) => format_float(verb, *value, flags),
        Value::Text(text) => format_text(verb, text, flags),
        Value::Nil if verb == 'v' => Some(pad("<nil>", flags, false)),
        Value::Nil | Value::Unknown | Value::Fields => None,
    }
}

fn format_text(verb: char, text: &str, flags: Flags) -> Option<String> {
    let cut = |text: &str| match flags.precision {
        Some(count) => text.chars().take(count).collect::<String>(),
        None => text.to_owned(),
    };
    let written = match verb {
        'v' if flags.sharp => quote(&cut(text), false),
        's' | 'v' => cut(text),
        'q' => {
            let text = cut(text);
            let raw =
                flags.sharp && !text.contains(|letter: char| letter == '`' || letter.is_control() && letter != '\t');
            if raw { format!("`{text}`") } else { quote(&text, flags.plus) }
        }
        'x' | 'X' => {
            let bytes = &text.as_bytes()[..flags.precision.unwrap_or(text.len()).min(text.len())];
            let prefix = if flags.sharp && !bytes.is_empty() { "0x" } else { "" };
            let mut hex = prefix.to_owned();
            for (index, byte) in bytes.iter().enumerate() {
                if flags.space && index > 0 {
                    hex.push(' ');
                    hex.push_str(prefix);
                }
                // Writing to a `String` never fails.
                let _: std::fmt::Result = write!(hex, "{byte:02x}");
            }
            if verb == 'X' { hex.to_uppercase() } else { hex }
        }
        _ => return None,
    };
    Some(pad(&written, flags, true))
}

fn format_integer(verb: char, value: i64, flags: Flags) -> Option<String> {
    let magnitude = value.unsigned_abs();
    let letter = u32::try_from(value).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    let (digits, prefix) = match verb {
        'd' | 'v' => (magnitude.to_string(), ""),
        'b' => (format!("{magnitude:b}"), "0b"),
        'o' => (format!("{magnitude:o}"), ""),
        'O' => (format!("{magnitude:o}"), "0o"),
        'x' => (format!("{magnitude:x}"), "0x"),
        'X' => (format!("{magnitude:X}"), "0X"),
        'c' => return Some(pad(&letter.to_string(), flags, true)),
        'q' => return Some(pad(&quote_character(letter, flags.plus), flags, true)),
        'U' => {
            let shown =
                if flags.sharp && value >= 0 && is_printable(letter) { format!(" '{letter}'") } else { String::new() };
            // The bits of a negative number, like Go.
            let digits = format!("{value:X}");
            let zeros = "0".repeat(flags.precision.unwrap_or(4).max(4).saturating_sub(digits.len()));
            return Some(pad(&format!("U+{zeros}{digits}{shown}"), Flags { zero: false, ..flags }, false));
        }
        _ => return None,
    };
    let mut digits = digits;
    let sign = sign(value < 0, flags);
    let prefix = if flags.sharp && !matches!(verb, 'd' | 'v') || verb == 'O' { prefix } else { "" };
    if flags.precision == Some(0) && value == 0 {
        return Some(pad("", Flags { zero: false, ..flags }, false));
    }
    // A width filled up with zeros is a precision, less what stands before the digits.
    let filled = flags.width.filter(|_| flags.zero && !flags.minus).map(|width| width.saturating_sub(sign.len()));
    let least = flags.precision.or(filled).unwrap_or(0);
    if digits.len() < least {
        digits.insert_str(0, &"0".repeat(least - digits.len()));
    }
    if matches!(verb, 'o' | 'O') && flags.sharp && !digits.starts_with('0') {
        digits.insert(0, '0');
    }
    Some(pad(&format!("{sign}{prefix}{digits}"), Flags { zero: false, ..flags }, false))
}

fn sign(negative: bool, flags: Flags) -> &'static str {
    match (negative, flags.plus, flags.space) {
        (true, _, _) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    }
}

fn format_float(verb: char, value: f64, flags: Flags) -> Option<String> {
    let precision = flags.precision.map(|precision| precision.min(1000));
    let digits = match verb {
        'f' | 'F' => format!("{:.*}", precision.unwrap_or(6), value.abs()),
        'e' | 'E' => exponent_form(&format!("{:.*e}", precision.unwrap_or(6), value.abs())),
        'g' | 'G' | 'v' => shortest(value.abs(), precision),
        _ => return None,
    };
    let digits = if matches!(verb, 'E' | 'G') { digits.to_uppercase() } else { digits };
    let sign = sign(value.is_sign_negative(), flags);
    let fill = flags.width.filter(|_| flags.zero && !flags.minus).unwrap_or(0);
    let zeros = "0".repeat(fill.saturating_sub(sign.len() + digits.len()));
    Some(pad(&format!("{sign}{zeros}{digits}"), Flags { zero: false, ..flags }, false))
}

/// `1.5e3` as Go writes it: `1.5e+03`.
fn exponent_form(written: &str) -> String {
    let Some((digits, exponent)) = written.split_once('e') else { return written.to_owned() };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

/// `%g`: the shortest digits or as many as the precision says, with an exponent where the number is small or has
/// more digits before the point than that (six, if there is no precision).
pub(crate) fn shortest(value: f64, precision: Option<usize>) -> String {
    let written = match precision {
        Some(precision) => format!("{:.*e}", precision.max(1) - 1, value),
        None => format!("{value:e}"),
    };
    let Some((mantissa, exponent)) = written.split_once('e') else { return written };
    let Ok(exponent) = exponent.parse::<i32>() else { return written };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let limit = precision.map_or(Ok(6), |precision| i32::try_from(precision.max(1))).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= limit {
        let (first, rest) = digits.split_at(digits.len().min(1));
        let point = if rest.is_empty() { "" } else { "." };
        let sign = if value.is_sign_negative() { "-" } else { "" };
        return exponent_form(&format!("{sign}{first}{point}{rest}e{exponent}"));
    }
    let places = usize::try_from((count - 1 - exponent).max(0)).unwrap_or(0);
    format!("{value:.places$}")
}

/// A float as `print` and `%v` write it.
pub(super) fn plain_float(value: f64) -> String {
    format_float('v', value, Flags::default()).unwrap_or_default()
}

/// Fills up to the width; with zeros only where Go does.
fn pad(text: &str, flags: Flags, zeros_allowed: bool) -> String {
    let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
    let fill = if flags.zero && zeros_allowed && !flags.minus { "0" } else { " " }.repeat(missing);
    if flags.minus { format!("{text}{fill}") } else { format!("{fill}{text}") }
}

/// A Go string literal.
pub(crate) fn quote(text: &str, ascii: bool) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        escape(letter, '"', ascii, &mut out);
    }
    out.push('"');
    out
}

fn quote_character(letter: char, ascii: bool) -> String {
    let mut out = String::from("'");
    escape(letter, '\'', ascii, &mut out);
    out.push('\'');
    out
}

fn escape(letter: char, quote: char, ascii: bool, out: &mut String) {
    let short = match letter {
        '\x07' => Some('a'),
        '\x08' => Some('b'),
        '\x0c' => Some('f'),
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        '\x0b' => Some('v'),
        '\\' => Some('\\'),
        _ => (letter == quote).then_some(quote),
    };
    let number = u32::from(letter);
    match short {
        Some(short) => out.extend(['\\', short]),
        None if number < 0x20 || number == 0x7f => out.push_str(&format!("\\x{number:02x}")),
        None if is_printable(letter) && (letter.is_ascii() || !ascii) => out.push(letter),
        None if number < 0x10000 => out.push_str(&format!("\\u{number:04x}")),
        None => out.push_str(&format!("\\U{number:08x}")),
    }
}

/// Near enough to Go's idea of it: neither a control character nor an invisible or odd space.
fn is_printable(letter: char) -> bool {
    letter == ' '
        || !(letter.is_control()
            || letter.is_whitespace()
            || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(letter, '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{f0000}'..))
}

/// HTML, JavaScript and URL escapes, as Go's functions of these names make them.
pub(super) fn html(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '\0' => out.push(char::REPLACEMENT_CHARACTER),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
    out
}

pub(super) fn js(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        let number = u32::from(letter);
        match letter {
            '\\' | '\'' | '"' => out.extend(['\\', letter]),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{number:04X}")),
            _ if number < 0x20 => out.push_str(&format!("\\u{number:04X}")),
            _ if letter.is_ascii() || is_printable(letter) => out.push(letter),
            _ => out.push_str(&format!("\\u{number:04X}")),
        }
    }
    out
}

pub(super) fn url_query(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line is a format and what Go makes of it with the value.
    #[track_caller]
    fn check(value: Value, lines: &[(&str, &str)]) {
        for (format, expected) in lines {
            let values = std::slice::from_ref(&value);
            assert_eq!(sprintf(format, values).0, *expected, "{format} of {value:?}");
        }
    }

    #[test]
    fn integers() {
        check(
            Value::Integer(65),
            &[
                ("%d|%5[1]d|%-5[1]d|%05[1]d", "65|   65|65   |00065"),
                ("%+d|%+[1]v|% [1]d|%6.3[1]d", "+65|65| 65|   065"),
                ("%b %[1]o %#[1]o %[1]O %[1]x %#[1]X", "1000001 101 0101 0o101 41 0X41"),
                ("%c%[1]q%[1]U %#[1]U %[1]T", "A'A'U+0041 U+0041 'A' int"),
                ("%s", "%!s(int=65)"),
                ("%6z", "%!z(int=    65)"),
            ],
        );
        check(Value::Integer(-5), &[("%05d %[1]x %+[1]d %[1]U", "-0005 -5 -5 U+FFFFFFFFFFFFFFFB")]);
        check(Value::Integer(0), &[("%.0d|%#[1]o|%[1]v", "|0|0")]);
    }

    #[test]
    fn floats() {
        check(
            Value::Float(2.71838),
            &[
                ("%v %[1]g %[1]f %.2[1]f %8.3[1]f|%-8.1[1]f|", "2.71838 2.71838 2.718380 2.72    2.718|2.7     |"),
                ("%e %.1[1]E %.3[1]g %+08.2[1]f", "2.718380e+00 2.7E+00 2.72 +0002.72"),
                ("%d", "%!d(float64=2.71838)"),
            ],
        );
        check(Value::Float(1e21), &[("%v %[1]g %.3[1]g", "1e+21 1e+21 1e+21")]);
        check(Value::Float(123_456_789.0), &[("%v %.12[1]g %.0[1]f", "1.23456789e+08 123456789 123456789")]);
        check(Value::Float(0.00001), &[("%v %[1]f", "1e-05 0.000010")]);
        check(Value::Float(100_000.0), &[("%v", "100000")]);
        check(Value::Float(-0.5), &[("%v %06.1[1]f", "-0.5 -000.5")]);
    }

    #[test]
    fn text_and_the_rest() {
        check(
            Value::text("hé\n"),
            &[
                ("%s|%6[1]s|%-6[1]s|%.1[1]s", "hé\n|   hé\n|hé\n   |h"),
                ("%q %+[1]q %#[1]q %#[1]v", "\"hé\\n\" \"h\\u00e9\\n\" \"hé\\n\" \"hé\\n\""),
                ("%x %[1]X %# [1]x", "68c3a90a 68C3A90A 0x68 0xc3 0xa9 0x0a"),
                ("%05s", "00hé\n"),
                ("%t", "%!t(string=hé\n)"),
            ],
        );
        check(Value::text("a`b"), &[("%#q", "\"a`b\"")]);
        check(Value::text("ab"), &[("%#q %[1]T", "`ab` string")]);
        check(Value::Bool(true), &[("%t %[1]v %6[1]t|%-6[1]v|", "true true   true|true  |"), ("%s", "%!s(bool=true)")]);
        check(Value::Nil, &[("%v", "<nil>"), ("%s", "%!s(<nil>)")]);
    }

    #[test]
    fn formats_and_arguments_that_do_not_fit() {
        let one = [Value::Integer(1)];
        let two = [Value::Integer(5), Value::text("x")];
        assert_eq!(sprintf("100%% %d", &one), ("100% 1".to_owned(), false));
        assert_eq!(sprintf("%", &one), ("%!(NOVERB)%!(EXTRA int=1)".to_owned(), true));
        assert_eq!(sprintf("%d %d", &one), ("1 %!d(MISSING)".to_owned(), true));
        assert_eq!(sprintf("%d", &two), ("5%!(EXTRA string=x)".to_owned(), true));
        assert_eq!(sprintf("%*s|%[1]*[2]s", &two), ("    x|    x".to_owned(), false));
        assert_eq!(sprintf("%[2]s %[1]d", &two), ("x 5".to_owned(), false));
        assert_eq!(sprintf("%[9]s", &two), ("%!s(BADINDEX)".to_owned(), true));
        assert_eq!(sprintf("%[1]5d", &one), ("%!d(BADINDEX)".to_owned(), true));
        assert_eq!(sprintf("%*d", &[Value::text("w"), Value::Integer(1)]), ("%!(BADWIDTH)1".to_owned(), true));
        assert_eq!(sprintf("%-*d|", &two[..1]), ("%!d(MISSING)|".to_owned(), true));
    }
}
