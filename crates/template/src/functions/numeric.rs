//! Functions of numbers.

use super::Accepts::Number as Num;
use super::{Accepts, Context, Failure, Function, Parameter, elements, number, text, whole};
use crate::convert::convert;
use crate::number::Number;
use crate::types::Type;
use crate::value::Value;

const ONE: &[Parameter] = &[Parameter::number("number")];
const NUMBERS: Parameter = Parameter::number("numbers");

pub(super) const TABLE: &[Function] = &[
    Function::new("abs", ONE, Num, |_, arguments| {
        let number = number(arguments, 0);
        Ok(Value::number(if number.is_negative() { number.negate() } else { number }))
    }),
    Function::new("ceil", ONE, Num, |_, arguments| Ok(Value::number(number(arguments, 0).ceil()))),
    Function::new("floor", ONE, Num, |_, arguments| Ok(Value::number(number(arguments, 0).floor()))),
    Function::new("log", &[Parameter::number("number"), Parameter::number("base")], Num, |_, arguments| {
        float(number(arguments, 0).as_f64().ln() / number(arguments, 1).as_f64().ln())
    }),
    Function::new("max", &[], Num, max).rest(NUMBERS),
    Function::new("min", &[], Num, min).rest(NUMBERS),
    Function::new("parseint", &[Parameter::any("number"), Parameter::number("base")], Num, parse_int),
    Function::new("pow", &[Parameter::number("number"), Parameter::number("power")], Num, |_, arguments| {
        float(number(arguments, 0).as_f64().powf(number(arguments, 1).as_f64()))
    }),
    Function::new("signum", ONE, Num, |_, arguments| {
        let number = number(arguments, 0);
        Ok(Value::number(i64::from(!number.is_zero()) * if number.is_negative() { -1 } else { 1 }))
    }),
    Function::new("sum", &[Parameter::new("list", Accepts::Any)], Num, sum),
];

/// Powers and logarithms have the precision of floats of 64 bits, as in go-cty, and print as these do.
fn float(result: f64) -> Result<Value, Failure> {
    let number = if result.is_finite() { Number::parse(&result.to_string()) } else { Number::from_f64(result) };
    number.map(Value::number).ok_or_else(|| Failure::new("there is no such number"))
}

fn max(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let largest = arguments.iter().filter_map(Value::as_number).max();
    largest.cloned().map(Value::number).ok_or_else(at_least_one)
}

fn min(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let smallest = arguments.iter().filter_map(Value::as_number).min();
    smallest.cloned().map(Value::number).ok_or_else(at_least_one)
}

fn at_least_one() -> Failure {
    Failure::new("at least one number is needed")
}

fn parse_int(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    if arguments.first().and_then(Value::as_str).is_none() {
        return Err(Failure::at(0, "a string is required"));
    }
    let base = u32::try_from(whole(arguments, 1)?).ok().filter(|base| (2..=62).contains(base));
    let base = base.ok_or_else(|| Failure::at(1, "the base must be from 2 to 62"))?;
    let parsed = Number::parse_radix(text(arguments, 0), base);
    parsed.map(Value::number).ok_or_else(|| Failure::at(0, format!("this is no whole number in base {base}")))
}

fn sum(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut total: Option<Number> = None;
    for (index, element) in elements(arguments, 0)?.iter().enumerate() {
        let element =
            convert(element, &Type::Number).map_err(|mismatch| Failure::at(0, format!("[{index}]: {mismatch}")))?;
        let Some(number) = element.as_number() else {
            return Err(Failure::at(0, format!("[{index}]: this must not be null")));
        };
        total = Some(match total {
            None => number.clone(),
            Some(total) => total.add(number).ok_or_else(|| Failure::new("infinities cancel each other"))?,
        });
    }
    total.map(Value::number).ok_or_else(|| Failure::at(0, "an empty list has no sum"))
}
