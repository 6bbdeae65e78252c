//! Functions of numbers.

use super::{Environment, Function, Outcome, failure, function, number};
use crate::number::Number;
use crate::value::Value;
use std::cmp::Ordering;

pub(super) const TABLE: &[Function] = &[
    function("abs", 1, 1, abs),
    function("ceil", 1, 1, |arguments, _| Ok(Value::number(number(arguments, 0)?.ceil()))),
    function("floor", 1, 1, |arguments, _| Ok(Value::number(number(arguments, 0)?.floor()))),
    function("max", 1, usize::MAX, |arguments, _| extreme(arguments, Ordering::Greater)),
    function("min", 1, usize::MAX, |arguments, _| extreme(arguments, Ordering::Less)),
];

fn abs(arguments: &[Value], _: &Environment<'_>) -> Outcome {
    let number = number(arguments, 0)?;
    Ok(Value::number(if number.is_negative() { number.negate() } else { number }))
}

fn extreme(arguments: &[Value], wanted: Ordering) -> Outcome {
    let mut best: Option<Number> = None;
    for index in 0..arguments.len() {
        let number = number(arguments, index)?;
        if best.as_ref().is_none_or(|best| number.cmp(best) == wanted) {
            best = Some(number);
        }
    }
    best.map(Value::number).ok_or_else(|| failure(0, "at least one number is required"))
}
