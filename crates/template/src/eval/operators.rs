//! Operators. Chains of them are nested to the left and may be long: they are walked, not recursed into.

use super::{Evaluator, Frame, words};
use crate::convert::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::number::Number;
use crate::source::Span;
use crate::syntax::{BinaryOperator, Expression, ExpressionKind, UnaryOperator};
use crate::types::Type;
use crate::value::{Kind, Value};

/// An operand, and where it is.
#[derive(Clone, Copy)]
struct Operand<'o> {
    value: &'o Value,
    span: Span,
}

impl Evaluator<'_> {
    pub(super) fn binary(&mut self, expression: &Expression, frame: Frame<'_>, diagnostics: &mut Diagnostics) -> Value {
        let mut operations = Vec::new();
        let mut leftmost = expression;
        while let ExpressionKind::Binary { left, operator, right } = &leftmost.kind {
            operations.push((operator, left.span, &**right));
            leftmost = left;
        }
        let mut value = self.eval(leftmost, frame, diagnostics);
        while let Some((operator, left_span, right)) = operations.pop() {
            if !self.spend(1) {
                return Value::unknown();
            }
            let decided = decided_by(operator.value, &value);
            if decided {
                value = Value::from(Kind::Bool(operator.value == BinaryOperator::Or)).marked(value.sensitive);
                continue;
            }
            let right_value = self.eval(right, frame, diagnostics);
            let left = Operand { value: &value, span: left_span };
            let right = Operand { value: &right_value, span: right.span };
            value = binary(operator.value, operator.span, left, right, diagnostics);
        }
        value
    }
}

/// Whether the left side alone says what `&&` or `||` gives; then the right side may be anything.
fn decided_by(operator: BinaryOperator, left: &Value) -> bool {
    let deciding = match operator {
        BinaryOperator::Or => true,
        BinaryOperator::And => false,
        _ => return false,
    };
    convert(left, &Type::Bool).is_ok_and(|left| left.as_bool() == Some(deciding))
}

fn binary(
    operator: BinaryOperator,
    operator_span: Span,
    left: Operand<'_>,
    right: Operand<'_>,
    diagnostics: &mut Diagnostics,
) -> Value {
    let sensitive = left.value.is_sensitive_inside() || right.value.is_sensitive_inside();
    let kind = match operator {
        BinaryOperator::Or | BinaryOperator::And => logic(operator, left, right, diagnostics),
        BinaryOperator::Equal | BinaryOperator::NotEqual => match left.value.equals(right.value) {
            Some(equal) => Kind::Bool(equal == (operator == BinaryOperator::Equal)),
            None => Kind::Unknown(Type::Bool),
        },
        BinaryOperator::Less
        | BinaryOperator::LessOrEqual
        | BinaryOperator::Greater
        | BinaryOperator::GreaterOrEqual => comparison(operator, left, right, diagnostics),
        BinaryOperator::Add
        | BinaryOperator::Subtract
        | BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::Modulo => arithmetic(operator, operator_span, left, right, diagnostics),
    };
    Value { kind, sensitive }
}

fn logic(operator: BinaryOperator, left: Operand<'_>, right: Operand<'_>, diagnostics: &mut Diagnostics) -> Kind {
    let left = operand(operator_sign(operator), "left side", left, &Type::Bool, diagnostics);
    let right = operand(operator_sign(operator), "right side", right, &Type::Bool, diagnostics);
    let deciding = operator == BinaryOperator::Or;
    match (left.as_ref().and_then(Value::as_bool), right.as_ref().and_then(Value::as_bool)) {
        (Some(left), Some(right)) if deciding => Kind::Bool(left || right),
        (Some(left), Some(right)) => Kind::Bool(left && right),
        (Some(one), None) | (None, Some(one)) if one == deciding => Kind::Bool(deciding),
        _ => Kind::Unknown(Type::Bool),
    }
}

fn comparison(operator: BinaryOperator, left: Operand<'_>, right: Operand<'_>, diagnostics: &mut Diagnostics) -> Kind {
    let Some((left, right)) = numbers(operator, left, right, diagnostics) else { return Kind::Unknown(Type::Bool) };
    Kind::Bool(match operator {
        BinaryOperator::Less => left < right,
        BinaryOperator::LessOrEqual => left <= right,
        BinaryOperator::Greater => left > right,
        _ => left >= right,
    })
}

fn arithmetic(
    operator: BinaryOperator,
    operator_span: Span,
    left: Operand<'_>,
    right: Operand<'_>,
    diagnostics: &mut Diagnostics,
) -> Kind {
    let Some((left, right)) = numbers(operator, left, right, diagnostics) else { return Kind::Unknown(Type::Number) };
    let result = match operator {
        BinaryOperator::Add => left.add(&right),
        BinaryOperator::Subtract => left.subtract(&right),
        BinaryOperator::Multiply => left.multiply(&right),
        BinaryOperator::Divide => left.divide(&right),
        _ => left.modulo(&right),
    };
    let finite = !left.is_infinite() && !right.is_infinite();
    let problem = match result {
        None => "this has no result: zero and infinity cancel each other",
        // Only division by zero is meant to be infinite.
        Some(result) if result.is_infinite() && finite && !right.is_zero() => "the result is too large",
        Some(result) => return Kind::Number(result),
    };
    diagnostics.push(Diagnostic::error("invalid-operation", problem).at(operator_span));
    Kind::Unknown(Type::Number)
}

fn numbers(
    operator: BinaryOperator,
    left: Operand<'_>,
    right: Operand<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<(Number, Number)> {
    let left = operand(operator_sign(operator), "left side", left, &Type::Number, diagnostics);
    let right = operand(operator_sign(operator), "right side", right, &Type::Number, diagnostics);
    Some((left?.as_number()?.clone(), right?.as_number()?.clone()))
}

/// The operand as it is needed; `None` if it is not to be had.
fn operand(sign: &str, side: &str, operand: Operand<'_>, of: &Type, diagnostics: &mut Diagnostics) -> Option<Value> {
    let problem = match convert(operand.value, of) {
        Ok(value) if value.is_null() => format!("the {side} of `{sign}` is null"),
        Ok(value) => return Some(value),
        Err(mismatch) => format!("wrong {side} of `{sign}`: {}", words(&mismatch, operand.value)),
    };
    diagnostics.push(Diagnostic::error("invalid-operand", problem).at(operand.span));
    None
}

pub(super) fn unary(operator: UnaryOperator, value: &Value, span: Span, diagnostics: &mut Diagnostics) -> Value {
    let (sign, of) = match operator {
        UnaryOperator::Not => ("!", Type::Bool),
        UnaryOperator::Negate => ("-", Type::Number),
    };
    let converted = operand(sign, "operand", Operand { value, span }, &of, diagnostics);
    let kind = match converted.map(|converted| converted.kind) {
        Some(Kind::Bool(value)) => Kind::Bool(!value),
        Some(Kind::Number(number)) => Kind::Number(number.negate()),
        _ => Kind::Unknown(of),
    };
    Value { kind, sensitive: value.is_sensitive_inside() }
}

fn operator_sign(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Or => "||",
        BinaryOperator::And => "&&",
        BinaryOperator::Equal => "==",
        BinaryOperator::NotEqual => "!=",
        BinaryOperator::Less => "<",
        BinaryOperator::LessOrEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterOrEqual => ">=",
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
    }
}
