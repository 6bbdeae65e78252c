//! String templates: text with interpolations and directives.

use super::collections::Items;
use super::limits;
use super::{Binding, Evaluator, Frame, too_deep, words};
use crate::convert::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::{Expression, TemplatePart};
use crate::types::Type;
use crate::value::{Kind, Value};

/// What has been put together so far.
#[derive(Default)]
struct Output {
    text: String,
    /// Some part is not known: neither is the whole.
    unknown: bool,
    sensitive: bool,
}

impl Evaluator<'_> {
    pub(super) fn template(
        &mut self,
        parts: &[TemplatePart],
        frame: Frame<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        // An interpolation alone is the value itself, of whatever type.
        if let [TemplatePart::Interpolation(expression)] = parts {
            return self.eval(expression, frame, diagnostics);
        }
        let mut output = Output::default();
        self.parts(parts, &mut output, frame, diagnostics);
        let value =
            if output.unknown || !self.spend(1) { Value::unknown_of(Type::String) } else { Value::string(output.text) };
        value.marked(output.sensitive)
    }

    fn parts(&mut self, parts: &[TemplatePart], output: &mut Output, frame: Frame<'_>, diagnostics: &mut Diagnostics) {
        let frame = Frame { depth: frame.depth + 1, ..frame };
        for part in parts {
            match part {
                TemplatePart::Literal(text) => self.append(text.value(), output),
                TemplatePart::Interpolation(expression) => {
                    self.interpolation(expression, output, frame, diagnostics);
                }
                TemplatePart::If { span, .. } | TemplatePart::For { span, .. } if frame.depth > limits::DEPTH => {
                    output.unknown = true;
                    too_deep(*span, diagnostics);
                }
                TemplatePart::If { condition, yes, no, .. } => {
                    let test = self.eval(condition, frame, diagnostics);
                    let test = self.condition(&test, condition.span, diagnostics);
                    output.sensitive |= test.sensitive;
                    match test.as_bool() {
                        Some(true) => self.parts(yes, output, frame, diagnostics),
                        Some(false) => self.parts(no, output, frame, diagnostics),
                        None => output.unknown = true,
                    }
                }
                TemplatePart::For { key_name, value_name, collection, body, .. } => {
                    let names = (key_name.as_ref().map(|name| &*name.value), &*value_name.value);
                    self.repeated(names, collection, body, output, frame, diagnostics);
                }
            }
        }
    }

    fn append(&mut self, text: &str, output: &mut Output) {
        if self.spend(1 + text.len() / limits::BYTES) {
            output.text.push_str(text);
        } else {
            output.unknown = true;
        }
    }

    fn interpolation(
        &mut self,
        expression: &Expression,
        output: &mut Output,
        frame: Frame<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let value = self.eval(expression, frame, diagnostics);
        output.sensitive |= value.is_sensitive_inside();
        match as_text(&value, expression.span) {
            Ok(Some(text)) => self.append(text.as_str().unwrap_or_default(), output),
            Ok(None) => output.unknown = true,
            Err(problem) => {
                output.unknown = true;
                diagnostics.push(*problem);
            }
        }
    }

    fn repeated(
        &mut self,
        (key_name, value_name): (Option<&str>, &str),
        collection: &Expression,
        body: &[TemplatePart],
        output: &mut Output,
        frame: Frame<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let value = self.eval(collection, frame, diagnostics);
        output.sensitive |= value.sensitive;
        let Items::Known(items) = self.items(&value, collection.span, diagnostics) else {
            output.unknown = true;
            return;
        };
        let mut reported = false;
        for (key, value) in items {
            if !self.spend(1) {
                output.unknown = true;
                return;
            }
            let key = Binding { name: key_name.unwrap_or(value_name), value: key, outer: frame.bindings };
            let value = Binding { name: value_name, value, outer: Some(&key) };
            let mut mistakes = Diagnostics::default();
            self.parts(body, output, Frame { bindings: Some(&value), ..frame }, &mut mistakes);
            // The next elements would have the same mistakes at the same places.
            if !reported && !mistakes.is_empty() {
                reported = true;
                diagnostics.append(mistakes);
            }
        }
    }
}

/// The value as a string; `None` if it is not known.
fn as_text(value: &Value, span: Span) -> Result<Option<Value>, Box<Diagnostic>> {
    let problem = match convert(value, &Type::String) {
        Ok(text) if text.is_null() => Diagnostic::error("invalid-interpolation", "this is null, which has no text")
            .help("use `coalesce` or a condition to say what stands here then"),
        Ok(text) => return Ok(text.is_known().then_some(text)),
        Err(mismatch) => {
            let message = format!("this cannot stand inside a string: {}", words(&mismatch, value));
            let problem = Diagnostic::error("invalid-interpolation", message);
            match &value.kind {
                Kind::List(..) | Kind::Set(..) | Kind::Tuple(_) => {
                    problem.help("join its elements, as in `join(\", \", …)`, or use `jsonencode`")
                }
                Kind::Map(..) | Kind::Object(_) => problem.help("choose an attribute, or use `jsonencode`"),
                _ => problem,
            }
        }
    };
    Err(Box::new(problem.at(span)))
}
