//! The evaluator. It never fails: a mistake is reported at the smallest expression that is wrong, which becomes
//! unknown, and nobody says anything about the unknown.

mod call;
mod collection;
mod operators;
mod path;
pub mod references;
mod template;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::host::{FileStatus, Host};
use crate::scope::{Functions, Scope};
use crate::source::Span;
use crate::suggest;
use crate::syntax::{Expression, ExpressionKind};
use crate::types::Type;
use crate::value::{Kind, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The value of an expression in a scope.
pub fn evaluate(expression: &Expression, scope: &Scope, diagnostics: &mut Diagnostics) -> Value {
    Evaluator { scope, locals: Vec::new(), elements: Vec::new(), diagnostics }.expression(expression)
}

/// The value of an expression that may refer to nothing.
pub(crate) fn constant(expression: &Expression, diagnostics: &mut Diagnostics) -> Value {
    let scope = Scope::new(Arc::new(Nowhere), Path::new("."), Functions::None);
    evaluate(expression, &scope, diagnostics)
}

/// A world with nothing in it, for expressions that can't ask it anything.
struct Nowhere;

impl Host for Nowhere {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn status(&self, _: &Path) -> std::io::Result<FileStatus> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn list(&self, _: &Path) -> std::io::Result<Vec<String>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }

    fn started(&self) -> i64 {
        0
    }

    fn now(&self) -> i64 {
        0
    }

    fn working_directory(&self) -> PathBuf {
        PathBuf::from("/")
    }

    fn uuid(&self) -> String {
        String::new()
    }
}

struct Evaluator<'a> {
    scope: &'a Scope,
    /// Names bound by `for`, innermost last.
    locals: Vec<(Arc<str>, Value)>,
    /// Elements of the splats around, innermost last.
    elements: Vec<Value>,
    diagnostics: &'a mut Diagnostics,
}

impl Evaluator<'_> {
    fn error(&mut self, code: &'static str, message: impl Into<String>, span: Span) -> Value {
        self.diagnostics.push(Diagnostic::error(code, message).at(span));
        Value::unknown()
    }

    /// Nesting is bounded by the parser, and long chains are walked, so this recursion is bounded too.
    fn expression(&mut self, expression: &Expression) -> Value {
        match &expression.kind {
            ExpressionKind::Null => Value::null(),
            ExpressionKind::Bool(value) => Value::bool(*value),
            ExpressionKind::Number(number) => Value::number(number.clone()),
            ExpressionKind::String(text) => Value::string(text.value()),
            ExpressionKind::Template(parts) => self.template(parts),
            ExpressionKind::Tuple(elements) => Value::tuple(elements.iter().map(|element| self.expression(element))),
            ExpressionKind::Object(items) => self.object(items),
            ExpressionKind::Variable(name) => self.variable(name, expression.span),
            ExpressionKind::Attribute { .. } | ExpressionKind::Index { .. } | ExpressionKind::Splat { .. } => {
                self.path(expression)
            }
            ExpressionKind::Element => self.elements.last().cloned().unwrap_or_else(Value::unknown),
            ExpressionKind::Call(call) => self.call(call),
            ExpressionKind::Unary { operator, operand } => self.unary(operator, operand),
            ExpressionKind::Binary { .. } => self.binary(expression),
            ExpressionKind::Conditional { condition, yes, no } => self.conditional(condition, yes, no, expression.span),
            ExpressionKind::For(each) => self.for_each(each),
            ExpressionKind::Parentheses(inner) => self.expression(inner),
            ExpressionKind::Broken => Value::unknown(),
        }
    }

    fn variable(&mut self, name: &Arc<str>, span: Span) -> Value {
        if let Some((_, value)) = self.locals.iter().rev().find(|(bound, _)| bound == name) {
            return value.clone();
        }
        if let Some(value) = self.scope.names.get(name) {
            return value.clone();
        }
        if self.scope.names.is_empty() && self.locals.is_empty() {
            let message = "references are not allowed here";
            self.diagnostics.push(
                Diagnostic::error("reference-not-allowed", message)
                    .at(span)
                    .help("put quotes round it if it is a text"),
            );
            return Value::unknown();
        }
        let diagnostic = Diagnostic::error("undefined-reference", format!("there is no `{name}` here")).at(span);
        let names = self.scope.names.keys().map(|name| &**name).chain(self.locals.iter().map(|(name, _)| &**name));
        let names: Vec<&str> = names.collect();
        self.diagnostics.push(match suggest::closest(name, names.iter().copied()) {
            Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
            None => diagnostic.help(format!("a reference starts with one of {}", names.join(", "))),
        });
        Value::unknown()
    }

    /// A condition as a bool; `None` where it is unknown, or wrong and reported.
    fn condition(&mut self, value: &Value, span: Span) -> Option<bool> {
        if value.is_null() {
            self.error("null-value", "a condition can't be null", span);
            return None;
        }
        match crate::convert::convert(value, &Type::Bool).map(|value| value.kind) {
            Ok(Kind::Bool(value)) => Some(value),
            Ok(_) => None,
            Err(_) => {
                let kind = value.type_of();
                self.error("wrong-type", format!("a condition must be true or false, not a {kind}"), span);
                None
            }
        }
    }
}
