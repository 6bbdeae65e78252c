//! Evaluation of expressions. It never fails: a mistake is a diagnostic at the smallest expression that is wrong,
//! and the value is unknown from there on, about which nothing more is said.

mod calls;
mod collections;
mod limits;
mod names;
mod operators;
mod references;
mod template_file;
mod templates;
mod traversals;
#[cfg(test)]
pub(crate) mod tree;
#[cfg(test)]
pub(crate) mod world;

pub use names::left_empty;
pub use references::{Reference, references};
pub(crate) use template_file::TemplateFiles;

use crate::convert::{Mismatch, convert, unify};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::scope::Scope;
use crate::source::Span;
use crate::syntax::{Expression, ExpressionKind};
use crate::types::Type;
use crate::value::{Kind, Value};

/// The value of an expression. What is wrong with it is pushed to `diagnostics`.
pub fn evaluate(expression: &Expression, scope: &Scope, diagnostics: &mut Diagnostics) -> Value {
    Evaluator { scope: Some(scope), work: limits::WORK }.run(expression, diagnostics)
}

/// The value of an expression that may neither refer to anything nor call anything.
pub fn evaluate_constant(expression: &Expression, diagnostics: &mut Diagnostics) -> Value {
    Evaluator { scope: None, work: limits::WORK }.run(expression, diagnostics)
}

struct Evaluator<'s> {
    scope: Option<&'s Scope>,
    /// How much may still be done: see [`limits::WORK`].
    work: u64,
}

/// What surrounds an expression inside the one that is evaluated.
#[derive(Clone, Copy)]
struct Frame<'f> {
    bindings: Option<&'f Binding<'f>>,
    /// The element of the innermost splat.
    element: Option<&'f Value>,
    depth: usize,
}

/// A name bound by `for`.
struct Binding<'f> {
    name: &'f str,
    value: Value,
    outer: Option<&'f Binding<'f>>,
}

impl Evaluator<'_> {
    fn run(mut self, expression: &Expression, diagnostics: &mut Diagnostics) -> Value {
        let value = self.eval(expression, Frame { bindings: None, element: None, depth: 0 }, diagnostics);
        let measured = if self.work == 0 { Err("this takes too long to evaluate") } else { limits::measure(&value) };
        match measured {
            Ok(_) => value,
            Err(problem) => {
                diagnostics.push(Diagnostic::error("too-large", problem).at(expression.span));
                Value::unknown()
            }
        }
    }

    /// Kept small: this function and those it calls are on the stack once for each level of nesting.
    fn eval(&mut self, expression: &Expression, frame: Frame<'_>, diagnostics: &mut Diagnostics) -> Value {
        if !self.spend(1) {
            return Value::unknown();
        }
        let frame = Frame { depth: frame.depth + 1, ..frame };
        if frame.depth > limits::DEPTH {
            return too_deep(expression.span, diagnostics);
        }
        let mut expression = expression;
        while let ExpressionKind::Parentheses(inner) = &expression.kind {
            expression = inner;
        }
        match &expression.kind {
            ExpressionKind::Template(parts) => self.template(parts, frame, diagnostics),
            ExpressionKind::Tuple(elements) => self.tuple(elements, frame, diagnostics),
            ExpressionKind::Object(items) => self.object(items, frame, diagnostics),
            ExpressionKind::Variable(_)
            | ExpressionKind::Attribute { .. }
            | ExpressionKind::Index { .. }
            | ExpressionKind::Splat { .. } => self.traversal(expression, frame, diagnostics),
            ExpressionKind::Call(call) => self.call(call, expression.span, frame, diagnostics),
            ExpressionKind::Unary { operator, operand } => {
                let operand_value = self.eval(operand, frame, diagnostics);
                operators::unary(operator.value, &operand_value, operand.span, diagnostics)
            }
            ExpressionKind::Binary { .. } => self.binary(expression, frame, diagnostics),
            ExpressionKind::Conditional { condition, yes, no } => {
                self.conditional(condition, [yes, no], expression.span, frame, diagnostics)
            }
            ExpressionKind::For(each) => self.for_expression(each, frame, diagnostics),
            kind => literal(kind, frame.element),
        }
    }

    /// Takes from the work that may be done; false once there is none left.
    fn spend(&mut self, amount: usize) -> bool {
        self.work = self.work.saturating_sub(u64::try_from(amount).unwrap_or(u64::MAX));
        self.work > 0
    }

    fn conditional(
        &mut self,
        condition: &Expression,
        branches: [&Expression; 2],
        span: Span,
        frame: Frame<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        let test = self.eval(condition, frame, diagnostics);
        let test = self.condition(&test, condition.span, diagnostics);
        // Both are evaluated, for their types; the mistakes of the one not chosen do not count.
        let mut mistakes = [Diagnostics::default(), Diagnostics::default()];
        let [yes_mistakes, no_mistakes] = &mut mistakes;
        let yes = self.eval(branches[0], frame, yes_mistakes);
        let no = self.eval(branches[1], frame, no_mistakes);
        let [yes_mistakes, no_mistakes] = mistakes;
        let of = common_type(&yes, &no);
        let (chosen, chosen_mistakes) = match test.as_bool() {
            Some(true) => (yes, yes_mistakes),
            Some(false) => (no, no_mistakes),
            None => {
                let sensitive = test.sensitive || yes.sensitive || no.sensitive;
                (Value::unknown_of(of.clone().unwrap_or(Type::Any)).marked(sensitive), Diagnostics::default())
            }
        };
        let Some(of) = of else {
            let problem =
                Diagnostic::error("incompatible-branches", "the two results of this condition have no type in common");
            diagnostics.push(problem.at(span).help("make both results of one type"));
            return Value::unknown();
        };
        diagnostics.append(chosen_mistakes);
        convert(&chosen, &of).unwrap_or(chosen).marked(test.sensitive)
    }

    /// A bool, or an unknown one after what was wrong is reported.
    fn condition(&mut self, value: &Value, span: Span, diagnostics: &mut Diagnostics) -> Value {
        let problem = match convert(value, &Type::Bool) {
            Ok(test) if test.is_null() => "the condition is null".to_owned(),
            Ok(test) => return test,
            Err(_) if value.is_sensitive_inside() => "the condition must be true or false".to_owned(),
            Err(_) => format!("the condition must be true or false, not {}", value.type_of().with_article()),
        };
        diagnostics.push(Diagnostic::error("invalid-condition", problem).at(span));
        Value::unknown_of(Type::Bool).marked(value.sensitive)
    }
}

fn too_deep(span: Span, diagnostics: &mut Diagnostics) -> Value {
    let problem = Diagnostic::error("too-deep", "this is nested too deeply");
    diagnostics.push(problem.at(span).help("give the inner parts names in `locals`"));
    Value::unknown()
}

fn literal(kind: &ExpressionKind, element: Option<&Value>) -> Value {
    match kind {
        ExpressionKind::Null => Value::null(Type::Any),
        ExpressionKind::Bool(value) => Value::bool(*value),
        ExpressionKind::Number(number) => Kind::Number(number.clone()).into(),
        ExpressionKind::String(text) => Value::string(text.value()),
        ExpressionKind::Element => element.cloned().unwrap_or_else(Value::unknown),
        _ => Value::unknown(),
    }
}

/// The type of a condition with these results: a plain `null` is of any type, what is not known at all leaves the
/// type open.
fn common_type(yes: &Value, no: &Value) -> Option<Type> {
    match (&yes.kind, &no.kind) {
        (Kind::Null(Type::Any), _) => Some(no.type_of()),
        (_, Kind::Null(Type::Any)) => Some(yes.type_of()),
        (Kind::Unknown(Type::Any), _) | (_, Kind::Unknown(Type::Any)) => Some(Type::Any),
        _ => unify(&[yes.type_of(), no.type_of()]),
    }
}

/// The words for a value that has the wrong type; those about a sensitive one do not tell what is inside.
fn words(mismatch: &Mismatch, value: &Value) -> String {
    if value.is_sensitive_inside() { mismatch.message.clone() } else { mismatch.to_string() }
}

#[cfg(test)]
mod tests;
