//! Points in time written by Go's reference-time layouts and by strftime formats. Always UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// The layout of RFC 3339, which is what `isotime` writes when it is given none.
pub const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

const MONTHS: [&str; 12] = [
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
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Writes a time by a layout: an example that shows how Monday, 2 January 2006, 15:04:05 would be written.
/// What is no part of that time stands for itself. Times are whole seconds, so fractions are zeros.
///
/// The elements are those of <https://pkg.go.dev/time#pkg-constants>.
pub fn format_layout(layout: &str, unix_seconds: i64) -> String {
    let time = civil(unix_seconds);
    let mut out = String::new();
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        let length = match element(rest) {
            Some((length, element)) => {
                element.write(&time, &mut out);
                length
            }
            None => {
                out.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    out
}

fn civil(unix_seconds: i64) -> DateTime {
    let clamped = unix_seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    TimeZone::UTC.to_datetime(Timestamp::from_second(clamped).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// A part of a layout that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Year,
    ShortYear,
    MonthName,
    ShortMonthName,
    /// Width and what fills it; 0 is as wide as need be.
    Month(usize),
    Day(usize, char),
    DayOfYear(char),
    Hour,
    Hour12(usize),
    Minute(usize),
    Second(usize),
    UpperAmPm,
    LowerAmPm,
    WeekdayName,
    ShortWeekdayName,
    /// Something that is always the same in UTC at a full second.
    Fixed(&'static str),
    /// Separator and number of zeros.
    Fraction(char, usize),
}

impl Element {
    fn write(self, time: &DateTime, out: &mut String) {
        let month = usize::from(time.month().unsigned_abs());
        let month_name = MONTHS[(month + 11) % 12];
        let weekday_name = WEEKDAYS[weekday_from_sunday(time)];
        let hour12 = (time.hour() + 11) % 12 + 1;
        // Writing to a `String` never fails.
        let _: std::fmt::Result = match self {
            Self::Year => write!(out, "{:04}", time.year()),
            Self::ShortYear => write!(out, "{:02}", time.year().rem_euclid(100)),
            Self::MonthName => write!(out, "{month_name}"),
            Self::ShortMonthName => write!(out, "{}", &month_name[..3]),
            Self::Month(width) => write!(out, "{month:0width$}"),
            Self::Day(width, '_') => write!(out, "{:width$}", time.day()),
            Self::Day(width, _) => write!(out, "{:0width$}", time.day()),
            Self::DayOfYear('_') => write!(out, "{:3}", time.day_of_year()),
            Self::DayOfYear(_) => write!(out, "{:03}", time.day_of_year()),
            Self::Hour => write!(out, "{:02}", time.hour()),
            Self::Hour12(width) => write!(out, "{hour12:0width$}"),
            Self::Minute(width) => write!(out, "{:0width$}", time.minute()),
            Self::Second(width) => write!(out, "{:0width$}", time.second()),
            Self::UpperAmPm => write!(out, "{}", if time.hour() < 12 { "AM" } else { "PM" }),
            Self::LowerAmPm => write!(out, "{}", if time.hour() < 12 { "am" } else { "pm" }),
            Self::WeekdayName => write!(out, "{weekday_name}"),
            Self::ShortWeekdayName => write!(out, "{}", &weekday_name[..3]),
            Self::Fixed(text) => write!(out, "{text}"),
            Self::Fraction(separator, zeros) => write!(out, "{separator}{}", "0".repeat(zeros.min(9))),
        };
    }
}

fn weekday_from_sunday(time: &DateTime) -> usize {
    usize::from(time.weekday().to_sunday_zero_offset().unsigned_abs()) % 7
}

/// The element that `layout` starts with, if any, and its length in bytes.
fn element(layout: &str) -> Option<(usize, Element)> {
    // The first that fits counts, so longer ones come before their own beginnings.
    const PREFIXES: [(&str, Element); 37] = [
        ("January", Element::MonthName),
        ("Monday", Element::WeekdayName),
        ("MST", Element::Fixed("UTC")),
        ("01", Element::Month(2)),
        ("02", Element::Day(2, '0')),
        ("03", Element::Hour12(2)),
        ("04", Element::Minute(2)),
        ("05", Element::Second(2)),
        ("06", Element::ShortYear),
        ("002", Element::DayOfYear('0')),
        ("15", Element::Hour),
        ("1", Element::Month(0)),
        ("2006", Element::Year),
        ("2", Element::Day(0, '0')),
        ("__2", Element::DayOfYear('_')),
        ("_2", Element::Day(2, '_')),
        ("3", Element::Hour12(0)),
        ("4", Element::Minute(0)),
        ("5", Element::Second(0)),
        ("PM", Element::UpperAmPm),
        ("pm", Element::LowerAmPm),
        ("-07:00:00", Element::Fixed("+00:00:00")),
        ("-070000", Element::Fixed("+000000")),
        ("-07:00", Element::Fixed("+00:00")),
        ("-0700", Element::Fixed("+0000")),
        ("-07", Element::Fixed("+00")),
        ("Z07:00:00", Element::Fixed("Z")),
        ("Z070000", Element::Fixed("Z")),
        ("Z07:00", Element::Fixed("Z")),
        ("Z0700", Element::Fixed("Z")),
        ("Z07", Element::Fixed("Z")),
        ("Jan", Element::ShortMonthName),
        ("Mon", Element::ShortWeekdayName),
        (".0", Element::Fraction('.', 0)),
        (",0", Element::Fraction(',', 0)),
        (".9", Element::Fixed("")),
        (",9", Element::Fixed("")),
    ];
    // `_2006` is an underscore and a year, not a padded day and `006`.
    if layout.starts_with("_2006") {
        return None;
    }
    let (prefix, element) = PREFIXES.iter().find(|(prefix, _)| layout.starts_with(prefix))?;
    let after = layout.as_bytes().get(prefix.len()).copied();
    match *prefix {
        // `Janet` and `Month` are words.
        "Jan" | "Mon" if after.is_some_and(|byte| byte.is_ascii_lowercase()) => None,
        ".0" | ",0" | ".9" | ",9" => {
            let digit = layout.as_bytes()[1];
            let digits = layout.bytes().skip(1).take_while(|byte| *byte == digit).count();
            // `.05` is a point and the seconds.
            if layout.as_bytes().get(1 + digits).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            let element = match element {
                Element::Fraction(separator, _) => Element::Fraction(*separator, digits),
                other => *other,
            };
            Some((1 + digits, element))
        }
        _ => Some((prefix.len(), *element)),
    }
}

/// Writes a time by a strftime format. Gives the first verb that is not known too: a `%` and a letter, or a lone `%` at
/// the end. Such verbs stay as they are written, as in Packer.
pub fn strftime(format: &str, unix_seconds: i64) -> (String, Option<String>) {
    let time = civil(unix_seconds);
    let mut out = String::new();
    let mut unknown = None;
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let Some(verb) = letters.next() else {
            out.push('%');
            unknown.get_or_insert("%".to_owned());
            break;
        };
        let sunday_based = weekday_from_sunday(&time);
        let day_of_year = usize::from(time.day_of_year().unsigned_abs());
        let monday_based = (sunday_based + 6) % 7;
        let layout = match verb {
            'A' => "Monday",
            'a' => "Mon",
            'B' => "January",
            'b' | 'h' => "Jan",
            'c' => "Mon Jan _2 15:04:05 2006",
            'D' | 'x' => "01/02/06",
            'd' => "02",
            'e' => "_2",
            'F' => "2006-01-02",
            'H' => "15",
            'I' => "03",
            'j' => "002",
            'M' => "04",
            'm' => "01",
            'p' => "PM",
            'R' => "15:04",
            'r' => "03:04:05 PM",
            'S' => "05",
            'T' | 'X' => "15:04:05",
            'v' => "_2-Jan-2006",
            'Y' => "2006",
            'y' => "06",
            'Z' => "MST",
            'z' => "-0700",
            _ => "",
        };
        let text = match verb {
            '%' => "%".to_owned(),
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            'C' => format!("{:02}", time.year().div_euclid(100)),
            // Milliseconds: times are whole seconds.
            'L' => "000".to_owned(),
            'k' => format!("{:2}", time.hour()),
            'l' => format!("{:2}", (time.hour() + 11) % 12 + 1),
            'U' => format!("{:02}", (day_of_year + 6 - sunday_based) / 7),
            'W' => format!("{:02}", (day_of_year + 6 - monday_based) / 7),
            'V' => format!("{:02}", time.date().iso_week_date().week()),
            'u' => (monday_based + 1).to_string(),
            'w' => sunday_based.to_string(),
            _ if layout.is_empty() => {
                unknown.get_or_insert(format!("%{verb}"));
                format!("%{verb}")
            }
            _ => format_layout(layout, unix_seconds),
        };
        out.push_str(&text);
    }
    (out, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2021-03-04 05:06:07 UTC, a Thursday.
    const THURSDAY: i64 = 1_614_834_367;
    /// 2006-01-02 15:04:05 UTC, the Monday of the layouts.
    const REFERENCE: i64 = 1_136_214_245;

    #[test]
    fn layouts_are_written_as_go_writes_them() {
        let shows = |layout| format_layout(layout, THURSDAY);
        assert_eq!(shows(RFC3339), "2021-03-04T05:06:07Z");
        assert_eq!(shows("2006-01-02T15-04-05Z"), "2021-03-04T05-06-07Z");
        assert_eq!(shows("Monday, January 2 2006"), "Thursday, March 4 2021");
        assert_eq!(shows("Mon Jan _2 15:04:05 MST 2006"), "Thu Mar  4 05:06:07 UTC 2021");
        assert_eq!(shows("1/2/06 3:4:5pm 03PM"), "3/4/21 5:6:7am 05AM");
        assert_eq!(shows("002 __2"), "063  63");
        assert_eq!(shows("-07 -0700 -07:00 -070000 -07:00:00"), "+00 +0000 +00:00 +000000 +00:00:00");
        assert_eq!(shows("Z07 Z0700 Z07:00 Z070000 Z07:00:00"), "Z Z Z Z Z");
        assert_eq!(shows("05.000 05,00 05.999 .05"), "07.000 07,00 07 .07");
        assert_eq!(shows("build_2006 Month Janet"), "build_2021 Month Janet");
        assert_eq!(shows("20060102-150405"), "20210304-050607");
        assert_eq!(shows("zwölf 🕛"), "zwölf 🕛");
    }

    #[test]
    fn every_hour_has_its_name() {
        let shows = |hour: i64| format_layout("15 3PM", hour * 3600);
        assert_eq!([0, 1, 11, 12, 13, 23].map(shows), ["00 12AM", "01 1AM", "11 11AM", "12 12PM", "13 1PM", "23 11PM"]);
    }

    #[test]
    fn strftime_formats() {
        let shows = |format| match strftime(format, THURSDAY) {
            (text, None) => text,
            (text, Some(verb)) => format!("{text} without {verb}"),
        };
        assert_eq!(shows("%Y-%m-%d %H:%M:%S %Z"), "2021-03-04 05:06:07 UTC");
        assert_eq!(shows("%A %a %B %b %e %j"), "Thursday Thu March Mar  4 063");
        assert_eq!(shows("%C|%k|%l|%U|%W|%V|%u|%w"), "20| 5| 5|09|09|09|4|4");
        assert_eq!(shows("%c%n%t%%"), "Thu Mar  4 05:06:07 2021\n\t%");
        assert_eq!(
            shows("%D %F %T %R %r %v %x %X %h %I %p %y %z"),
            "03/04/21 2021-03-04 05:06:07 05:06 05:06:07 AM  4-Mar-2021 03/04/21 05:06:07 Mar 05 AM 21 +0000"
        );
        assert_eq!(shows("%Y %Q"), "2021 %Q without %Q");
        assert_eq!(shows("50%"), "50% without %");
    }

    proptest! {
        #[test]
        fn any_layout_and_time_is_written(layout in "[-_.,:Z0-9JanMondaySTPpmé ]{0,20}|\\PC{0,20}", at in any::<i64>()) {
            format_layout(&layout, at);
            // What is not known stands in the format.
            if let (_, Some(verb)) = strftime(&layout, at) {
                prop_assert!(layout.contains(&verb));
            }
        }

        #[test]
        fn the_reference_time_writes_a_layout_back(layout in "(2006|01|02|15|04|05|Monday|January|PM|MST|[ /:]){0,8}") {
            prop_assert_eq!(format_layout(&layout, REFERENCE).replace("UTC", "MST"), layout);
        }
    }
}
