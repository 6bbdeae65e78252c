//! Durations as Go writes them (`1h30m`, `300ms`), and as people read them.

use std::fmt;
use std::time::Duration;

const NANOSECOND: u64 = 1;
const MICROSECOND: u64 = 1000 * NANOSECOND;
const MILLISECOND: u64 = 1000 * MICROSECOND;
const SECOND: u64 = 1000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What is wrong with the text of a duration. Its words fit behind "the duration `…` is not valid:".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DurationError {
    Empty,
    /// A number with nothing behind it; holds the number.
    MissingUnit(String),
    /// Holds what stands where a unit should.
    UnknownUnit(String),
    /// A unit, a sign or anything else where a number should be; holds that.
    MissingNumber(String),
    /// More than about 292 years.
    TooLong,
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::MissingUnit(number) => write!(f, "a unit is missing after `{number}`, as in `{number}s`"),
            Self::UnknownUnit(unit) => {
                write!(f, "`{unit}` is not a unit; there are `ns`, `us`, `ms`, `s`, `m` and `h`")
            }
            Self::MissingNumber(rest) => write!(f, "a number is missing before `{rest}`"),
            Self::TooLong => f.write_str("it is longer than 292 years"),
        }
    }
}

impl std::error::Error for DurationError {}

/// Reads a duration: numbers with units, as in `1h2m3.5s`, with an optional sign before the first. Nanoseconds.
///
/// # Errors
/// As [`DurationError`] says. A bare `0` is fine, any other bare number is not.
pub fn parse(text: &str) -> Result<i64, DurationError> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if text.is_empty() {
        return Err(DurationError::Empty);
    }
    if unsigned == "0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err(DurationError::MissingNumber(String::new()));
    }
    let mut rest = unsigned;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (part, after) = parse_part(rest)?;
        // One more than the greatest positive value: the least negative one.
        total = total.checked_add(part).filter(|total| *total <= 1 << 63).ok_or(DurationError::TooLong)?;
        rest = after;
    }
    let magnitude = i128::from(total);
    i64::try_from(if negative { -magnitude } else { magnitude }).map_err(|_| DurationError::TooLong)
}

/// One number with its unit, in nanoseconds, and what follows.
fn parse_part(text: &str) -> Result<(u64, &str), DurationError> {
    let (whole, after_whole) = split_digits(text);
    let (fraction, after_number) = match after_whole.strip_prefix('.') {
        Some(after_point) => split_digits(after_point),
        None => ("", after_whole),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationError::MissingNumber(text.to_owned()));
    }
    let number = &text[..text.len() - after_number.len()];
    let unit_length = after_number.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after_number.len());
    let (unit_name, rest) = after_number.split_at(unit_length);
    let unit = match unit_name {
        "ns" => NANOSECOND,
        // The micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "" => return Err(DurationError::MissingUnit(number.to_owned())),
        other => return Err(DurationError::UnknownUnit(other.to_owned())),
    };
    let whole_units = if whole.is_empty() { 0 } else { whole.parse::<u64>().map_err(|_| DurationError::TooLong)? };
    let mut nanoseconds = whole_units.checked_mul(unit).ok_or(DurationError::TooLong)?;
    let (digits, scale) = fraction_digits(fraction);
    // In floating point like Go, where `0.3333333333333333333h` is 20 minutes sharp.
    let fractional = (digits as f64 * (unit as f64 / scale)) as u64;
    nanoseconds = nanoseconds.checked_add(fractional).ok_or(DurationError::TooLong)?;
    Ok((nanoseconds, rest))
}

/// The digits behind the point as an integer, and what to divide it by. Digits that do not fit are left out.
fn fraction_digits(fraction: &str) -> (u64, f64) {
    let mut value: u64 = 0;
    let mut scale = 1.0;
    for digit in fraction.bytes() {
        let longer = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
        let Some(longer) = longer.filter(|value| *value <= 1 << 63) else { break };
        value = longer;
        scale *= 10.0;
    }
    (value, scale)
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The two most significant units that are not zero: `2 minutes 3 seconds`, `1 second 302 milliseconds`.
/// Nothing below a microsecond is told.
pub fn spell(duration: Duration) -> String {
    const UNITS: [(u64, &str); 6] = [
        (DAY, "day"),
        (HOUR, "hour"),
        (MINUTE, "minute"),
        (SECOND, "second"),
        (MILLISECOND, "millisecond"),
        (MICROSECOND, "microsecond"),
    ];
    let mut rest = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        let count = rest / unit;
        rest %= unit;
        if count > 0 {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    parts.truncate(2);
    if parts.is_empty() { "0 microseconds".to_owned() } else { parts.join(" ") }
}

/// As Go writes it, and as `parse` reads it: `1m30s`, `1.5s`, `500ms`.
pub fn short(duration: Duration) -> String {
    let all = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    match all {
        0 => "0s".to_owned(),
        1..MICROSECOND => format!("{all}ns"),
        MICROSECOND..MILLISECOND => decimal(all, MICROSECOND) + "µs",
        MILLISECOND..SECOND => decimal(all, MILLISECOND) + "ms",
        SECOND..MINUTE => decimal(all, SECOND) + "s",
        MINUTE..HOUR => format!("{}m{}s", all / MINUTE, decimal(all % MINUTE, SECOND)),
        HOUR.. => format!("{}h{}m{}s", all / HOUR, all % HOUR / MINUTE, decimal(all % MINUTE, SECOND)),
    }
}

/// So many units, with as many digits behind the point as it takes.
fn decimal(nanoseconds: u64, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let fraction = format!("{:0digits$}", nanoseconds % unit);
    format!("{}.{fraction}", nanoseconds / unit).trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        assert_eq!(parse("1h2m3.5s"), Ok(3_723_500_000_000));
        assert_eq!(parse("300ms"), Ok(300_000_000));
        assert_eq!(parse("-1.5h"), Ok(-5_400_000_000_000));
        assert_eq!(parse("+5s"), Ok(5_000_000_000));
        assert_eq!(parse("0"), Ok(0));
        assert_eq!(parse("-0"), Ok(0));
        assert_eq!(parse(".5s"), Ok(500_000_000));
        assert_eq!(parse("1.s"), Ok(1_000_000_000));
        assert_eq!(parse("2us3\u{b5}s4\u{3bc}s5ns"), Ok(9005));
        assert_eq!(parse("0.3333333333333333333h"), Ok(1_200_000_000_000));
        assert_eq!(parse("9223372036854775807ns"), Ok(i64::MAX));
        assert_eq!(parse("-9223372036854775808ns"), Ok(i64::MIN));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let says = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(says(""), "it is empty");
        assert_eq!(says("30"), "a unit is missing after `30`, as in `30s`");
        assert_eq!(says("1m30"), "a unit is missing after `30`, as in `30s`");
        assert_eq!(says("5 m"), "` m` is not a unit; there are `ns`, `us`, `ms`, `s`, `m` and `h`");
        assert_eq!(says("2d"), "`d` is not a unit; there are `ns`, `us`, `ms`, `s`, `m` and `h`");
        assert_eq!(says("ten"), "a number is missing before `ten`");
        assert_eq!(says("1h-5m"), "`h-` is not a unit; there are `ns`, `us`, `ms`, `s`, `m` and `h`");
        assert_eq!(says("9223372036854775808ns"), "it is longer than 292 years");
        assert_eq!(says("99999999999999999999h"), "it is longer than 292 years");
    }

    #[test]
    fn two_units_are_spelt_out() {
        let micros = |count| spell(Duration::from_micros(count));
        assert_eq!(micros(123_000_000), "2 minutes 3 seconds");
        assert_eq!(micros(78_189), "78 milliseconds 189 microseconds");
        assert_eq!(micros(1_302_007), "1 second 302 milliseconds");
        assert_eq!(micros(3_600_000_001), "1 hour 1 microsecond");
        assert_eq!(micros(90_061_000_000), "1 day 1 hour");
        assert_eq!(micros(60_000_000), "1 minute");
        assert_eq!(micros(0), "0 microseconds");
        assert_eq!(spell(Duration::MAX), "213503 days 23 hours");
    }

    #[test]
    fn go_writes_them_short() {
        for text in ["0s", "7ns", "1.5µs", "500ms", "1.000001ms", "1s", "10s", "1.5s", "1m0s", "1m30s", "2h0m0.25s"] {
            let nanoseconds = u64::try_from(parse(text).unwrap()).unwrap();
            assert_eq!(short(Duration::from_nanos(nanoseconds)), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,12}|[-+]?([0-9.]{0,4}(h|m|s|ms|us|ns|µs|x)?){0,4}") {
            if let Err(error) = parse(&text) {
                prop_assert!(!error.to_string().is_empty());
            }
        }

        #[test]
        fn whole_nanoseconds_come_back(count in any::<i64>()) {
            prop_assert_eq!(parse(&format!("{count}ns")), Ok(count));
        }
    }
}
