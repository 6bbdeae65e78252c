//! Calls of functions. `try`, `can` and `convert` look at expressions rather than values, so they are here.

use super::{Evaluator, Frame, limits, words};
use crate::convert::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::functions::{self, Failure, Function};
use crate::scope::{Functions, Scope};
use crate::source::{Span, Spanned};
use crate::suggest::closest;
use crate::syntax::{Call, Expression};
use crate::type_constraint::TypeConstraint;
use crate::types::Type;
use crate::value::{Kind, Value};
use std::cell::Cell;
use std::sync::Arc;

/// The values of arguments, and where each was written.
struct Arguments {
    values: Vec<Value>,
    spans: Vec<Span>,
    /// How many there are is not known.
    unknown: bool,
    sensitive: bool,
}

impl Evaluator<'_> {
    pub(super) fn call(&mut self, call: &Call, span: Span, frame: Frame<'_>, diagnostics: &mut Diagnostics) -> Value {
        let scope = match allowed(self.scope, &call.name) {
            Ok(scope) => scope,
            Err(problem) => {
                let goes_on = problem.code != "function-not-allowed";
                diagnostics.push(*problem);
                if goes_on {
                    self.arguments(call, frame, diagnostics);
                }
                return Value::unknown();
            }
        };
        match &*call.name.value {
            "try" => self.call_try(call, span, frame, diagnostics),
            "can" => self.call_can(call, frame, diagnostics),
            "convert" => self.call_convert(call, frame, diagnostics),
            "templatefile" => self.call_template_file(call, scope, frame, diagnostics),
            name => {
                let arguments = self.arguments(call, frame, diagnostics);
                match functions::find(name) {
                    Some(function) => self.apply(function, scope, call, arguments, diagnostics),
                    None => Value::unknown(),
                }
            }
        }
    }

    fn arguments(&mut self, call: &Call, frame: Frame<'_>, diagnostics: &mut Diagnostics) -> Arguments {
        let mut arguments = Arguments { values: Vec::new(), spans: Vec::new(), unknown: false, sensitive: false };
        for (index, argument) in call.arguments.iter().enumerate() {
            let value = self.eval(argument, frame, diagnostics);
            if call.expand_last && index + 1 == call.arguments.len() {
                self.expand(&value, argument.span, &mut arguments, diagnostics);
            } else {
                arguments.values.push(value);
                arguments.spans.push(argument.span);
            }
        }
        arguments
    }

    fn expand(&mut self, value: &Value, span: Span, arguments: &mut Arguments, diagnostics: &mut Diagnostics) {
        arguments.sensitive |= value.sensitive;
        let elements = value.elements().unwrap_or_default();
        match &value.kind {
            Kind::List(..) | Kind::Set(..) | Kind::Tuple(_) if self.spend(elements.len()) => {
                arguments.values.extend_from_slice(elements);
                arguments.spans.extend(elements.iter().map(|_| span));
            }
            Kind::List(..) | Kind::Set(..) | Kind::Tuple(_) | Kind::Unknown(_) => arguments.unknown = true,
            kind => {
                arguments.unknown = true;
                let found =
                    if matches!(kind, Kind::Null(_)) { "null".to_owned() } else { value.type_of().with_article() };
                let message = format!("`...` expands a list, set or tuple, not {found}");
                diagnostics.push(Diagnostic::error("invalid-argument", message).at(span));
            }
        }
    }

    fn apply(
        &mut self,
        function: &Function,
        scope: &Scope,
        call: &Call,
        arguments: Arguments,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        if arguments.unknown {
            return Value::unknown_of(function.returns()).marked(arguments.sensitive);
        }
        if let Err(problem) = function.check_count(arguments.values.len()) {
            let place = match function.most() {
                Some(most) => arguments.spans.get(most).copied().unwrap_or(call.parentheses),
                None => call.parentheses,
            };
            diagnostics.push(Diagnostic::error("argument-count", problem).at(place));
            return Value::unknown();
        }
        let reading: usize = arguments.values.iter().map(limits::cost).sum();
        if !self.spend(function.work(&arguments.values).saturating_add(reading)) {
            return Value::unknown();
        }
        let work = Cell::new(0);
        let result = function.invoke(scope, &arguments.values, &work);
        self.spend(work.get());
        match result {
            Ok(value) if self.spend(limits::cost(&value)) => {
                let value = value.marked(arguments.sensitive);
                scope.derived.add(&value);
                value
            }
            Ok(_) => Value::unknown(),
            Err(failures) => {
                for failure in failures {
                    diagnostics.push(described(function, failure, call, &arguments.spans));
                }
                Value::unknown()
            }
        }
    }

    /// The first argument without a mistake. One that is not known may turn out to be one.
    fn call_try(&mut self, call: &Call, span: Span, frame: Frame<'_>, diagnostics: &mut Diagnostics) -> Value {
        let mut reasons = Vec::new();
        for argument in &call.arguments {
            let mut mistakes = Diagnostics::default();
            let value = self.eval(argument, frame, &mut mistakes);
            let sensitive = value.is_sensitive_inside();
            if !mistakes.has_errors() {
                let value = if value.is_wholly_known() { value } else { Value::unknown().marked(sensitive) };
                return value;
            }
            reasons.extend(mistakes.into_sorted());
        }
        if call.arguments.is_empty() {
            diagnostics
                .push(Diagnostic::error("argument-count", "`try` needs at least one argument").at(call.parentheses));
            return Value::unknown();
        }
        let mut problem = Diagnostic::error("function-failed", "none of these expressions can be evaluated").at(span);
        for reason in reasons {
            if let Some(label) = reason.primary {
                problem = problem.related(label.span, reason.message);
            }
        }
        diagnostics.push(problem.help("end with one that always can, such as `null`"));
        Value::unknown()
    }

    fn call_can(&mut self, call: &Call, frame: Frame<'_>, diagnostics: &mut Diagnostics) -> Value {
        let [argument] = &*call.arguments else {
            return wrong_count("can", 1, call, diagnostics);
        };
        let mut mistakes = Diagnostics::default();
        let value = self.eval(argument, frame, &mut mistakes);
        let sensitive = value.is_sensitive_inside();
        let result = if mistakes.has_errors() {
            Value::bool(false)
        } else if value.is_wholly_known() {
            Value::bool(true)
        } else {
            Value::unknown_of(Type::Bool)
        };
        result.marked(sensitive)
    }

    fn call_convert(&mut self, call: &Call, frame: Frame<'_>, diagnostics: &mut Diagnostics) -> Value {
        let [argument, of] = &*call.arguments else {
            return wrong_count("convert", 2, call, diagnostics);
        };
        let value = self.eval(argument, frame, diagnostics);
        let Some(constraint) = TypeConstraint::from_expression(of, diagnostics) else { return Value::unknown() };
        converted(&value, argument, &constraint, diagnostics)
    }
}

fn converted(
    value: &Value,
    argument: &Expression,
    constraint: &TypeConstraint,
    diagnostics: &mut Diagnostics,
) -> Value {
    // As in Packer, `optional` means something in the types of variables alone.
    match convert(value, &constraint.to_type()) {
        Ok(value) => value,
        Err(mismatch) => {
            let message = format!("this cannot be converted: {}", words(&mismatch, value));
            let problem = Diagnostic::error("invalid-argument", message).at(argument.span);
            diagnostics.push(if constraint.has_optional() {
                problem.help("`optional` counts in the type of a variable only: give each attribute a value")
            } else {
                problem
            });
            // What has been asked for, so that no more is said of it.
            convert(&Value::unknown(), &constraint.to_type()).unwrap_or_else(|_| Value::unknown())
        }
    }
}

/// A value as the string that is asked for, or the words for why it is none.
pub(super) fn argument(value: &Value) -> Result<Value, String> {
    convert(value, &Type::String).map_err(|mismatch| words(&mismatch, value))
}

pub(super) fn wrong_count(name: &str, wanted: usize, call: &Call, diagnostics: &mut Diagnostics) -> Value {
    let place = call.arguments.get(wanted).map_or(call.parentheses, |argument| argument.span);
    let message = functions::wrong_count(name, wanted, call.arguments.len());
    diagnostics.push(Diagnostic::error("argument-count", message).at(place));
    Value::unknown()
}

/// The scope in which the function may be called.
fn allowed<'s>(scope: Option<&'s Scope>, name: &Spanned<Arc<str>>) -> Result<&'s Scope, Box<Diagnostic>> {
    let function = &*name.value;
    let lazy = functions::LAZY.contains(&function);
    if !lazy && functions::find(function).is_none() {
        return Err(Box::new(unknown_function(name)));
    }
    let not_allowed = |message: String| Diagnostic::error("function-not-allowed", message).at(name.span);
    let problem = match scope {
        None => not_allowed("no function can be called here".to_owned()).help("write the value itself"),
        Some(scope) => match (scope.functions, function) {
            (Functions::None, _) => not_allowed("a value given from outside cannot call functions".to_owned())
                .help("write the value itself"),
            (Functions::EnvironmentOnly, "env") => return Ok(scope),
            (Functions::EnvironmentOnly, _) => {
                not_allowed(format!("`{function}` cannot be called in the default of a variable"))
                    .help("only `env` can; compute the rest in `locals`")
            }
            (Functions::All | Functions::TemplateFile, "env") => {
                not_allowed("`env` may only be used in the default of a variable".to_owned())
                    .help("declare a variable with this default, and refer to that")
            }
            (Functions::TemplateFile, "templatefile") => {
                not_allowed("a template file cannot call `templatefile`".to_owned())
                    .help("call it in the template, and give its result as a name")
            }
            (Functions::All | Functions::TemplateFile, _) => return Ok(scope),
        },
    };
    Err(Box::new(problem))
}

fn unknown_function(name: &Spanned<Arc<str>>) -> Diagnostic {
    let problem = Diagnostic::error("unknown-function", format!("there is no function `{}`", name.value)).at(name.span);
    let converted = |of: &str| format!("write `convert(…, {of})`");
    let help = match &*name.value {
        "tostring" => converted("string"),
        "tonumber" => converted("number"),
        "tobool" => converted("bool"),
        "tolist" => converted("list(any)"),
        "toset" => converted("set(any)"),
        "tomap" => converted("map(any)"),
        wanted => match closest(wanted, functions::names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => return problem,
        },
    };
    problem.help(help)
}

fn described(function: &Function, failure: Failure, call: &Call, spans: &[Span]) -> Diagnostic {
    let problem = match failure.argument.and_then(|index| Some((index, *spans.get(index)?))) {
        Some((index, span)) => {
            let name = function.parameter_name(index);
            let message = format!("`{name}` of `{}`: {}", function.name, failure.message);
            Diagnostic::error("invalid-argument", message).at(span)
        }
        None => {
            let code = failure.code.unwrap_or("function-failed");
            Diagnostic::error(code, format!("`{}`: {}", function.name, failure.message)).at(call.name.span)
        }
    };
    match failure.help {
        Some(help) => problem.help(help),
        None => problem,
    }
}
