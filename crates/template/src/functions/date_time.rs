//! Functions of dates and times, which are strings as in RFC 3339.

use super::Accepts::String as Str;
use super::{Context, Failure, Function, Parameter, text};
use crate::value::Value;
use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};

pub(super) const TABLE: &[Function] = &[
    Function::new("formatdate", &[Parameter::string("format"), Parameter::string("timestamp")], Str, format_date),
    Function::new("timeadd", &[Parameter::string("timestamp"), Parameter::string("duration")], Str, time_add),
    // Each call asks the clock anew, as in Packer.
    Function::new("timestamp", &[], Str, |context, _| {
        let now = Timestamp::from_second(context.scope.host.now());
        let now = now.map_err(|_| Failure::new("the clock shows no time that has a name"))?;
        Ok(Value::string(now.to_string()))
    }),
];

/// A time of day somewhere.
pub(super) struct Moment {
    pub(super) local: DateTime,
    /// What the local clock is ahead of UTC.
    pub(super) offset_minutes: i32,
    /// Written `Z`.
    pub(super) is_utc: bool,
}

impl Moment {
    /// `2006-01-02T15:04:05Z`, perhaps with a fraction of the second, or `+01:00` for `Z`.
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text.as_bytes();
        let year = digits(&mut rest, 4)?;
        let month = after(&mut rest, b'-', 2)?;
        let day = after(&mut rest, b'-', 2)?;
        let hour = after(&mut rest, b'T', 2)?;
        let minute = after(&mut rest, b':', 2)?;
        let second = after(&mut rest, b':', 2)?;
        let mut nanosecond = 0;
        if let [b'.', fraction @ ..] = rest {
            let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (own, others) = fraction.split_at(count);
            if own.is_empty() {
                return None;
            }
            let nine = own.iter().chain(std::iter::repeat(&b'0')).take(9);
            nanosecond = nine.fold(0, |value, digit| value * 10 + i32::from(digit - b'0'));
            rest = others;
        }
        let (offset_minutes, is_utc) = match rest {
            [b'Z'] => (0, true),
            [sign @ (b'+' | b'-'), offset @ ..] => {
                let mut offset = offset;
                let hours = digits(&mut offset, 2).filter(|hours| *hours < 24)?;
                let minutes = after(&mut offset, b':', 2).filter(|minutes| *minutes < 60)?;
                let total = hours * 60 + minutes;
                (offset.is_empty().then_some(if *sign == b'-' { -total } else { total })?, false)
            }
            _ => return None,
        };
        let small = |value: i32| i8::try_from(value).ok();
        let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
        let time = Time::new(small(hour)?, small(minute)?, small(second)?, nanosecond).ok()?;
        Some(Self { local: date.to_datetime(time), offset_minutes, is_utc })
    }

    fn offset(&self, colon: &str) -> String {
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let minutes = self.offset_minutes.abs();
        format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
    }

    pub(super) fn rfc3339(&self) -> String {
        let (date, time) = (self.local.date(), self.local.time());
        let zone = if self.is_utc { "Z".to_owned() } else { self.offset(":") };
        format!("{date}T{:02}:{:02}:{:02}{zone}", time.hour(), time.minute(), time.second())
    }
}

fn digits(rest: &mut &[u8], count: usize) -> Option<i32> {
    let (own, others) = rest.split_at_checked(count)?;
    *rest = others;
    let value = own.iter().map(|byte| byte.is_ascii_digit().then(|| i32::from(byte - b'0')));
    value.into_iter().try_fold(0, |value, digit| Some(value * 10 + digit?))
}

fn after(rest: &mut &[u8], separator: u8, count: usize) -> Option<i32> {
    *rest = rest.strip_prefix(&[separator])?;
    digits(rest, count)
}

pub(super) fn moment(arguments: &[Value], index: usize) -> Result<Moment, Failure> {
    Moment::parse(text(arguments, index)).ok_or_else(|| {
        Failure::at(index, "this is no time as in RFC 3339").help("write it like `2006-01-02T15:04:05Z`")
    })
}

fn time_add(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let moment = moment(arguments, 0)?;
    let duration = duration(text(arguments, 1)).ok_or_else(|| {
        Failure::at(1, "this is no duration").help("write it like `1h30m`; the units are h, m, s, ms, us and ns")
    })?;
    let local = moment.local.checked_add(duration).map_err(|_| Failure::at(1, "there are no dates so far away"))?;
    Ok(Value::string(Moment { local, ..moment }.rfc3339()))
}

/// A duration as Go writes it: signed decimal numbers, each with a unit.
fn duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let number_end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let (number, others) = rest.split_at_checked(number_end)?;
        let unit_end = others.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(others.len());
        let (unit, others) = others.split_at_checked(unit_end)?;
        rest = others;
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let read =
            |digits: &str| if digits.is_empty() { Some(0_i128) } else { digits.parse::<u64>().ok().map(i128::from) };
        // Digits beyond those of a nanosecond do not count.
        let fraction = fraction.get(..fraction.len().min(15))?;
        let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
        total += read(whole)? * unit + read(fraction)? * unit / scale;
        if total > i128::from(i64::MAX) {
            return None;
        }
    }
    let total = i64::try_from(total).ok()?;
    Some(SignedDuration::from_nanos(if negative { -total } else { total }))
}

fn format_date(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let moment = moment(arguments, 1)?;
    let format: Vec<char> = text(arguments, 0).chars().collect();
    let mut formatted = String::new();
    let mut at = 0;
    while let Some(first) = format.get(at).copied() {
        if first == '\'' {
            at = quoted(&format, at + 1, &mut formatted)?;
            continue;
        }
        let length = format.get(at..).unwrap_or_default().iter().take_while(|letter| **letter == first).count();
        let length = if first.is_ascii_alphabetic() { length } else { 1 };
        at += length;
        if first.is_ascii_alphabetic() {
            formatted.push_str(&field(first, length, &moment)?);
        } else {
            formatted.push(first);
        }
    }
    Ok(Value::string(formatted))
}

/// Text in single quotes, in which two stand for one. Gives the place behind it.
fn quoted(format: &[char], start: usize, formatted: &mut String) -> Result<usize, Failure> {
    let mut at = start;
    loop {
        match (format.get(at), format.get(at + 1)) {
            (Some('\''), Some('\'')) => {
                formatted.push('\'');
                at += 2;
            }
            (Some('\''), _) => return Ok(at + 1),
            (Some(letter), _) => {
                formatted.push(*letter);
                at += 1;
            }
            (None, _) => return Err(Failure::at(0, "a single quote is not closed")),
        }
    }
}

fn field(letter: char, length: usize, moment: &Moment) -> Result<String, Failure> {
    let (date, time) = (moment.local.date(), moment.local.time());
    let clock_hour = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let half = if time.hour() < 12 { "am" } else { "pm" };
    Ok(match (letter, length) {
        ('Y', 4) => format!("{:04}", date.year()),
        ('Y', 2) => format!("{:02}", date.year() % 100),
        ('M', 4) => month_name(date.month()).to_owned(),
        ('M', 3) => month_name(date.month()).chars().take(3).collect(),
        ('M', 2) => format!("{:02}", date.month()),
        ('M', 1) => date.month().to_string(),
        ('D', 2) => format!("{:02}", date.day()),
        ('D', 1) => date.day().to_string(),
        ('E', 4) => weekday_name(date.weekday()).to_owned(),
        ('E', 3) => weekday_name(date.weekday()).chars().take(3).collect(),
        ('h', 2) => format!("{:02}", time.hour()),
        ('h', 1) => time.hour().to_string(),
        ('H', 2) => format!("{clock_hour:02}"),
        ('H', 1) => clock_hour.to_string(),
        ('A', 2) => half.to_uppercase(),
        ('a', 2) => half.to_owned(),
        ('m', 2) => format!("{:02}", time.minute()),
        ('m', 1) => time.minute().to_string(),
        ('s', 2) => format!("{:02}", time.second()),
        ('s', 1) => time.second().to_string(),
        ('Z', 5) => moment.offset(":"),
        ('Z', 4) => moment.offset(""),
        ('Z', 3) if moment.offset_minutes == 0 => "UTC".to_owned(),
        ('Z', 3) => moment.offset(""),
        ('Z', 1) if moment.offset_minutes == 0 => "Z".to_owned(),
        ('Z', 1) => moment.offset(":"),
        _ => {
            let sequence = letter.to_string().repeat(length.min(20));
            return Err(Failure::at(0, format!("`{sequence}` means nothing in a format"))
                .help("put text in single quotes; fields are like `YYYY-MM-DD'T'hh:mm:ssZ`"));
        }
    })
}

pub(super) fn month_name(month: i8) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    usize::try_from(month - 1).ok().and_then(|index| NAMES.get(index)).copied().unwrap_or_default()
}

pub(super) fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}
