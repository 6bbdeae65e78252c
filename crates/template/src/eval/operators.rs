//! Arithmetic, comparison, logic and the conditional.

use super::Evaluator;
use crate::convert::{convert, unify};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::number::Number;
use crate::source::{Span, Spanned};
use crate::syntax::{BinaryOperator, Expression, ExpressionKind, UnaryOperator};
use crate::types::Type;
use crate::value::{Kind, Value};

impl Evaluator<'_> {
    pub(super) fn unary(&mut self, operator: &Spanned<UnaryOperator>, operand: &Expression) -> Value {
        let value = self.expression(operand);
        let wanted = match operator.value {
            UnaryOperator::Not => Type::Bool,
            UnaryOperator::Negate => Type::Number,
        };
        let Some(converted) = self.operand(&value, &wanted, operand.span) else {
            return Value::unknown().marked(value.sensitive);
        };
        let result = match converted {
            Kind::Bool(value) => Value::bool(!value),
            Kind::Number(number) => Value::number(number.negate()),
            _ => Kind::Unknown(wanted).into(),
        };
        result.marked(value.sensitive)
    }

    /// The operand as the operator wants it; `None` where it is wrong and reported. May be unknown.
    fn operand(&mut self, value: &Value, wanted: &Type, span: Span) -> Option<Kind> {
        if value.is_null() {
            self.error("null-value", format!("a {wanted} is needed here, this is null"), span);
            return None;
        }
        match convert(value, wanted) {
            Ok(value) => Some(value.kind),
            Err(_) => {
                self.error("wrong-type", format!("a {wanted} is needed here, this is a {}", value.type_of()), span);
                None
            }
        }
    }

    /// Evaluates a left-leaning chain (`a + b + c + …`), which may be thousands long, without recursing into it.
    pub(super) fn binary(&mut self, expression: &Expression) -> Value {
        let mut pending = Vec::new();
        let mut at = expression;
        while let ExpressionKind::Binary { left, operator, right } = &at.kind {
            pending.push((operator, right, left.span));
            at = left;
        }
        let mut value = self.expression(at);
        for (operator, right, left_span) in pending.into_iter().rev() {
            value = self.apply(value, operator.value, right, left_span, operator.span);
        }
        value
    }

    fn apply(
        &mut self,
        left: Value,
        operator: BinaryOperator,
        right_expression: &Expression,
        left_span: Span,
        operator_span: Span,
    ) -> Value {
        if let BinaryOperator::And | BinaryOperator::Or = operator {
            return self.logic(&left, operator, right_expression, left_span);
        }
        let right = self.expression(right_expression);
        let sensitive = left.sensitive || right.sensitive;
        if let BinaryOperator::Equal | BinaryOperator::NotEqual = operator {
            let sensitive = sensitive || left.holds_sensitive() || right.holds_sensitive();
            let result = match left.equals(&right) {
                Some(equal) => Value::bool(equal == (operator == BinaryOperator::Equal)),
                None => Kind::Unknown(Type::Bool).into(),
            };
            return result.marked(sensitive);
        }
        let left = self.operand(&left, &Type::Number, left_span);
        let right = self.operand(&right, &Type::Number, right_expression.span);
        let is_comparison = matches!(
            operator,
            BinaryOperator::Less
                | BinaryOperator::LessOrEqual
                | BinaryOperator::Greater
                | BinaryOperator::GreaterOrEqual
        );
        let (Some(Kind::Number(left)), Some(Kind::Number(right))) = (left, right) else {
            let kind = if is_comparison { Type::Bool } else { Type::Number };
            return Value::from(Kind::Unknown(kind)).marked(sensitive);
        };
        let result = match operator {
            BinaryOperator::Less => Value::bool(left < right),
            BinaryOperator::LessOrEqual => Value::bool(left <= right),
            BinaryOperator::Greater => Value::bool(left > right),
            BinaryOperator::GreaterOrEqual => Value::bool(left >= right),
            _ => match arithmetic(&left, operator, &right) {
                Some(number) => Value::number(number),
                None => self.error("invalid-operation", "this has no result", operator_span),
            },
        };
        result.marked(sensitive)
    }

    fn logic(&mut self, left: &Value, operator: BinaryOperator, right: &Expression, left_span: Span) -> Value {
        let decides = operator == BinaryOperator::Or;
        let first = self.operand(left, &Type::Bool, left_span);
        // The right side is checked in any case; its mistakes are left out only where it is never looked at.
        if matches!(first, Some(Kind::Bool(value)) if value == decides) {
            return Value::bool(decides).marked(left.sensitive);
        }
        let value = self.expression(right);
        let sensitive = left.sensitive || value.sensitive;
        let second = self.operand(&value, &Type::Bool, right.span);
        let result = match (first, second) {
            (_, Some(Kind::Bool(value))) if value == decides => Value::bool(decides),
            (Some(Kind::Bool(_)), Some(Kind::Bool(value))) => Value::bool(value),
            _ => Kind::Unknown(Type::Bool).into(),
        };
        result.marked(sensitive)
    }

    /// Both branches are evaluated, since the result has the type that they share; the mistakes of the branch that is
    /// not taken are its own business.
    pub(super) fn conditional(
        &mut self,
        condition: &Expression,
        yes: &Expression,
        no: &Expression,
        span: Span,
    ) -> Value {
        let value = self.expression(condition);
        let taken = self.condition(&value, condition.span);
        let mut branch = |expression: &Expression, is_taken: bool| {
            if is_taken {
                return self.expression(expression);
            }
            let mut silent = Diagnostics::default();
            let mut inner = Evaluator {
                scope: self.scope,
                locals: self.locals.clone(),
                elements: self.elements.clone(),
                diagnostics: &mut silent,
            };
            inner.expression(expression)
        };
        let (yes, no) = (branch(yes, taken != Some(false)), branch(no, taken != Some(true)));
        let Some(kind) = unify(&[yes.type_of(), no.type_of()]) else {
            self.diagnostics.push(
                Diagnostic::error("inconsistent-types", "the two results of this condition have no type in common")
                    .at(span)
                    .help(format!("the first is a {}, the second a {}", yes.type_of(), no.type_of())),
            );
            return Value::unknown();
        };
        let result = match taken {
            Some(true) => yes,
            Some(false) => no,
            None => return Value::from(Kind::Unknown(kind)).marked(value.sensitive || yes.sensitive || no.sensitive),
        };
        convert(&result, &kind).unwrap_or(result).marked(value.sensitive)
    }
}

fn arithmetic(left: &Number, operator: BinaryOperator, right: &Number) -> Option<Number> {
    match operator {
        BinaryOperator::Add => left.add(right),
        BinaryOperator::Subtract => left.subtract(right),
        BinaryOperator::Multiply => left.multiply(right),
        BinaryOperator::Divide => left.divide(right),
        _ => left.modulo(right),
    }
}
