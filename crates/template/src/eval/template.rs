//! Strings with interpolations and directives.

use super::Evaluator;
use crate::convert::convert;
use crate::source::Span;
use crate::syntax::TemplatePart;
use crate::types::Type;
use crate::value::{Kind, Value};

/// The text so far; once something in it is unknown, the whole is.
#[derive(Default)]
struct Output {
    text: String,
    unknown: bool,
    sensitive: bool,
}

impl Evaluator<'_> {
    pub(super) fn template(&mut self, parts: &[TemplatePart]) -> Value {
        // One interpolation alone keeps its type.
        if let [TemplatePart::Interpolation(expression)] = parts {
            return self.expression(expression);
        }
        let mut output = Output::default();
        self.parts(parts, &mut output);
        let result = if output.unknown { Kind::Unknown(Type::String).into() } else { Value::string(output.text) };
        result.marked(output.sensitive)
    }

    fn parts(&mut self, parts: &[TemplatePart], output: &mut Output) {
        for part in parts {
            match part {
                TemplatePart::Literal(text) => output.text.push_str(text.value()),
                TemplatePart::Interpolation(expression) => {
                    let value = self.expression(expression);
                    self.write(&value, expression.span, output);
                }
                TemplatePart::If { condition, yes, no, .. } => {
                    let value = self.expression(condition);
                    output.sensitive |= value.sensitive;
                    match self.condition(&value, condition.span) {
                        Some(true) => self.parts(yes, output),
                        Some(false) => self.parts(no, output),
                        None => output.unknown = true,
                    }
                }
                TemplatePart::For { key_name, value_name, collection, body, .. } => {
                    let value = self.expression(collection);
                    output.sensitive |= value.sensitive;
                    let Some(pairs) = self.pairs(&value, collection.span) else {
                        output.unknown = true;
                        continue;
                    };
                    for (key, element) in pairs {
                        let before = self.locals.len();
                        if let Some(name) = key_name {
                            self.locals.push((name.value.clone(), key));
                        }
                        self.locals.push((value_name.value.clone(), element));
                        self.parts(body, output);
                        self.locals.truncate(before);
                    }
                }
            }
        }
    }

    fn write(&mut self, value: &Value, span: Span, output: &mut Output) {
        output.sensitive |= value.sensitive;
        if value.is_null() {
            self.error("null-value", "null can't be put into a string", span);
            output.unknown = true;
            return;
        }
        match convert(value, &Type::String).map(|value| value.kind) {
            Ok(Kind::String(text)) => output.text.push_str(&text),
            Ok(_) => output.unknown = true,
            Err(_) => {
                let message = format!("a {} can't be put into a string", value.type_of());
                self.error("wrong-type", message, span);
                output.unknown = true;
            }
        }
    }
}
