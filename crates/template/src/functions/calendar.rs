//! Functions that take a time apart, and those that write the time at which the run started.

use super::Accepts::{Any, Number as Num, String as Str};
use super::date_time::{Moment, moment, month_name, weekday_name};
use super::{Context, Failure, Function, Parameter, text, whole};
use crate::go_time;
use crate::value::Value;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(super) const TABLE: &[Function] = &[
    Function::new("legacy_isotime", &[], Str, |context, arguments| {
        let layout = only(arguments, "layout")?.unwrap_or(go_time::RFC3339);
        Ok(Value::string(go_time::format_layout(layout, context.scope.host.started())))
    })
    .rest(Parameter::string("layout")),
    Function::new("legacy_strftime", &[], Str, |context, arguments| {
        let started = context.scope.host.started();
        let Some(format) = only(arguments, "format")? else {
            return Ok(Value::string(go_time::format_layout(go_time::RFC3339, started)));
        };
        Ok(Value::string(go_time::strftime(format, started).0))
    })
    .rest(Parameter::string("format")),
    Function::new("rfc3339_parse", &[Parameter::string("timestamp")], Any, rfc3339_parse),
    Function::new("unix_timestamp_parse", &[Parameter::new("seconds", Num)], Any, unix_timestamp_parse),
];

/// The argument of a function that takes one or none.
fn only<'a>(arguments: &'a [Value], name: &str) -> Result<Option<&'a str>, Failure> {
    match arguments {
        [] => Ok(None),
        [_] => Ok(Some(text(arguments, 0))),
        _ => Err(Failure::at(1, format!("there is one {name} at most"))),
    }
}

/// A space between date and time is as good as the `T`.
fn rfc3339_parse(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let given = text(arguments, 0);
    let moment = match given.split_once(' ') {
        Some((date, time)) => moment(&[Value::string(format!("{date}T{time}"))], 0)?,
        None => moment(arguments, 0)?,
    };
    let utc = TimeZone::UTC.to_timestamp(moment.local);
    let utc = utc.map_err(|_| Failure::at(0, "there are no dates so far away"))?;
    let unix = utc.as_second() - i64::from(moment.offset_minutes) * 60;
    Ok(Value::object(parts(&moment).into_iter().chain([("unix", Value::number(unix))])))
}

/// In UTC.
fn unix_timestamp_parse(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let timestamp = Timestamp::from_second(whole(arguments, 0)?);
    let timestamp = timestamp.map_err(|_| Failure::at(0, "there are no dates so far away"))?;
    let moment = Moment { local: TimeZone::UTC.to_datetime(timestamp), offset_minutes: 0, is_utc: true };
    let rfc3339 = ("rfc3339", Value::string(moment.rfc3339()));
    Ok(Value::object(parts(&moment).into_iter().chain([rfc3339])))
}

/// What a date and a time of day consist of. The week starts on Sunday, which is day 0.
fn parts(moment: &Moment) -> [(&'static str, Value); 12] {
    let (date, time) = (moment.local.date(), moment.local.time());
    let week = date.iso_week_date();
    let number = |value: i16| Value::number(i64::from(value));
    [
        ("year", number(date.year())),
        ("year_day", number(date.day_of_year())),
        ("day", number(date.day().into())),
        ("month", number(date.month().into())),
        ("month_name", Value::string(month_name(date.month()))),
        ("weekday", number(date.weekday().to_sunday_zero_offset().into())),
        ("weekday_name", Value::string(weekday_name(date.weekday()))),
        ("hour", number(time.hour().into())),
        ("minute", number(time.minute().into())),
        ("second", number(time.second().into())),
        ("iso_year", number(week.year())),
        ("iso_week", number(week.week().into())),
    ]
}

#[cfg(test)]
mod tests {
    use crate::functions::tests::{call, n, s};

    #[test]
    fn the_start_of_the_run() {
        assert_eq!(call("legacy_isotime", &[]), "\"1970-01-01T00:00:00Z\"");
        assert_eq!(call("legacy_isotime", &[s("Jan _2 2006")]), "\"Jan  1 1970\"");
        assert_eq!(call("legacy_isotime", &[s("2006"), s("01")]), "1: there is one layout at most");
        assert_eq!(call("legacy_strftime", &[]), "\"1970-01-01T00:00:00Z\"");
        assert_eq!(call("legacy_strftime", &[s("%Y.%L")]), "\"1970.000\"");
        assert_eq!(call("legacy_strftime", &[s("100%, %Q")]), "\"100%, %Q\"");
    }

    #[test]
    fn a_time_is_taken_apart() {
        let parts = "{day = 30, hour = 0, iso_week = 1, iso_year = 2025, minute = 30, month = 12, \
                     month_name = \"December\", second = 5, unix = 1735511405, weekday = 1, \
                     weekday_name = \"Monday\", year = 2024, year_day = 365}";
        assert_eq!(call("rfc3339_parse", &[s("2024-12-30T00:30:05+02:00")]), parts);
        assert_eq!(call("rfc3339_parse", &[s("2024-12-30 00:30:05.5+02:00")]), parts);
        for wrong in ["2024-12-30", "2024-12-30 T00:30:05Z", "2024-12-30t00:30:05z", "2024-02-30T00:30:05Z", ""] {
            assert_eq!(call("rfc3339_parse", &[s(wrong)]), "0: this is no time as in RFC 3339", "{wrong}");
        }
        assert_eq!(
            call("unix_timestamp_parse", &[n("-1")]),
            "{day = 31, hour = 23, iso_week = 1, iso_year = 1970, minute = 59, month = 12, \
             month_name = \"December\", rfc3339 = \"1969-12-31T23:59:59Z\", second = 59, weekday = 3, \
             weekday_name = \"Wednesday\", year = 1969, year_day = 365}"
        );
        assert_eq!(call("unix_timestamp_parse", &[n("1e15")]), "0: there are no dates so far away");
        assert_eq!(call("unix_timestamp_parse", &[n("0.5")]), "0: a whole number is required");
    }
}
