//! The functions of HCL2 expressions: what they take, and how null, unknown and sensitive values pass through.
//!
//! A function is an entry in the table of its file. It sees known values of the types it asked for, without marks.

mod calendar;
mod collection;
mod csv;
mod date_time;
mod encoding;
mod fileset;
mod filesystem;
mod format;
mod hash;
mod json;
pub(crate) mod json_decode;
mod list;
mod network;
mod numeric;
mod re2;
mod regex;
mod secret;
mod string;
mod text_encoding;
mod yaml;

use crate::convert::convert;
use crate::number::Number;
use crate::scope::Scope;
use crate::types::Type;
use crate::value::Value;
use std::cell::Cell;

/// The most bytes of text that one call may make, and the most elements.
const MAX_TEXT: usize = 16 << 20;
const MAX_ELEMENTS: usize = 1_000_000;
/// Levels of values inside each other that are read from a text: fewer than a value may have.
const MAX_DEPTH: usize = 100;

pub(crate) use filesystem::{read_text, resolve};

/// A function of the language.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    parameters: &'static [Parameter],
    /// Any number of further arguments.
    rest: Option<Parameter>,
    returns: Accepts,
    /// Marks inside its arguments stay where they are in its result; else they mark all of it.
    keeps_marks: bool,
    /// It can do with arguments of which parts are unknown.
    takes_partly_known: bool,
    /// The work of a call besides reading its arguments and making its result, in the units of the evaluator.
    work: Option<fn(&[Value]) -> usize>,
    /// The type of the result where the arguments tell more of it, known or not.
    typed: Option<Typed>,
    call: fn(&Context<'_>, &[Value]) -> Result<Value, Failure>,
}

type Typed = fn(&Context<'_>, &[Value]) -> Result<Type, Failure>;

#[derive(Clone, Copy)]
struct Parameter {
    name: &'static str,
    accepts: Accepts,
    takes_null: bool,
}

/// Types, as tables can hold them.
#[derive(Clone, Copy)]
enum Accepts {
    Any,
    Bool,
    Number,
    String,
    List(&'static Accepts),
    Set(&'static Accepts),
}

/// What a function can see besides its arguments.
pub(crate) struct Context<'a> {
    scope: &'a Scope,
    /// Some argument is sensitive: messages must not show values.
    hidden: bool,
    work: &'a Cell<usize>,
}

impl Context<'_> {
    /// Counts units of work that the arguments do not tell.
    fn work(&self, units: usize) {
        self.work.set(self.work.get().saturating_add(units));
    }
}

/// Why a function has no result.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    /// The argument that is to blame, from 0.
    pub(crate) argument: Option<usize>,
    /// The code of the message, where it is a special one.
    pub(crate) code: Option<&'static str>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Self { argument: None, code: None, message: message.into(), help: None }
    }

    fn at(argument: usize, message: impl Into<String>) -> Self {
        Self { argument: Some(argument), code: None, message: message.into(), help: None }
    }

    fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Accepts {
    fn to_type(self) -> Type {
        match self {
            Self::Any => Type::Any,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::List(of) => Type::list(of.to_type()),
            Self::Set(of) => Type::set(of.to_type()),
        }
    }
}

impl Parameter {
    const fn new(name: &'static str, accepts: Accepts) -> Self {
        Self { name, accepts, takes_null: false }
    }

    const fn any(name: &'static str) -> Self {
        Self::new(name, Accepts::Any)
    }

    const fn number(name: &'static str) -> Self {
        Self::new(name, Accepts::Number)
    }

    const fn string(name: &'static str) -> Self {
        Self::new(name, Accepts::String)
    }

    const fn nullable(mut self) -> Self {
        self.takes_null = true;
        self
    }
}

impl Function {
    const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        returns: Accepts,
        call: fn(&Context<'_>, &[Value]) -> Result<Value, Failure>,
    ) -> Self {
        Self {
            name,
            parameters,
            rest: None,
            returns,
            keeps_marks: false,
            takes_partly_known: false,
            work: None,
            typed: None,
            call,
        }
    }

    const fn rest(mut self, parameter: Parameter) -> Self {
        self.rest = Some(parameter);
        self
    }

    const fn keeping_marks(mut self) -> Self {
        self.keeps_marks = true;
        self
    }

    const fn partly_known(mut self) -> Self {
        self.takes_partly_known = true;
        self
    }

    const fn working(mut self, work: fn(&[Value]) -> usize) -> Self {
        self.work = Some(work);
        self
    }

    /// Units of work of a call with these arguments, apart from what its result costs.
    pub(crate) fn work(&self, arguments: &[Value]) -> usize {
        self.work.map_or(0, |work| work(arguments))
    }

    const fn typed(mut self, typed: Typed) -> Self {
        self.typed = Some(typed);
        self
    }

    fn parameter(&self, index: usize) -> Option<Parameter> {
        self.parameters.get(index).copied().or(self.rest)
    }

    /// The name of a parameter, for messages.
    pub(crate) fn parameter_name(&self, index: usize) -> &'static str {
        self.parameter(index).map_or("argument", |parameter| parameter.name)
    }

    /// The type of what it returns, as far as the arguments do not decide that.
    pub(crate) fn returns(&self) -> Type {
        self.returns.to_type()
    }

    /// The most arguments it takes.
    pub(crate) fn most(&self) -> Option<usize> {
        self.rest.is_none().then_some(self.parameters.len())
    }

    /// # Errors
    /// With a message if it cannot be called with so many arguments.
    pub(crate) fn check_count(&self, count: usize) -> Result<(), String> {
        let wanted = self.parameters.len();
        if count == wanted || (count > wanted && self.rest.is_some()) {
            return Ok(());
        }
        Err(match self.parameters.get(count) {
            Some(missing) => format!("`{}` is missing: {}", missing.name, wrong_count(self.name, wanted, count)),
            None => wrong_count(self.name, wanted, count),
        })
    }

    /// Calls it with as many arguments as it takes. Adds to `work` what turns out to be needed besides [`Self::work`].
    ///
    /// # Errors
    /// All that is wrong with the arguments, or why there is no result.
    pub(crate) fn invoke(&self, scope: &Scope, arguments: &[Value], work: &Cell<usize>) -> Result<Value, Vec<Failure>> {
        let mut failures = Vec::new();
        let mut values = Vec::new();
        let (mut sensitive, mut unknown) = (false, false);
        for (index, argument) in arguments.iter().enumerate() {
            let Some(parameter) = self.parameter(index) else { break };
            let marked = argument.is_sensitive_inside();
            sensitive |= if self.keeps_marks { argument.sensitive } else { marked };
            match convert(argument, &parameter.accepts.to_type()) {
                Ok(value) if value.is_null() && !parameter.takes_null => {
                    failures.push(Failure::at(index, "this must not be null"));
                }
                Ok(value) => {
                    unknown |= if self.takes_partly_known { !value.is_known() } else { !value.is_wholly_known() };
                    values.push(if self.keeps_marks { Value { sensitive: false, ..value } } else { value.unmarked() });
                }
                Err(mismatch) if marked => failures.push(Failure::at(index, mismatch.message)),
                Err(mismatch) => failures.push(Failure::at(index, mismatch.to_string())),
            }
        }
        if !failures.is_empty() {
            return Err(failures);
        }
        let context = Context { scope, hidden: arguments.iter().any(Value::is_sensitive_inside), work };
        if unknown {
            let of = match self.typed {
                Some(typed) => typed(&context, &values).map_err(|failure| vec![failure])?,
                None => self.returns(),
            };
            return Ok(Value::unknown_of(of).marked(sensitive));
        }
        match (self.call)(&context, &values) {
            Ok(value) => Ok(value.marked(sensitive)),
            Err(failure) => Err(vec![failure]),
        }
    }
}

/// The words for a wrong number of arguments.
pub(crate) fn wrong_count(name: &str, wanted: usize, count: usize) -> String {
    let arguments = if wanted == 1 { "argument" } else { "arguments" };
    format!("`{name}` takes {wanted} {arguments}, not {count}")
}

const TABLES: [&[Function]; 14] = [
    numeric::TABLE,
    string::TABLE,
    format::TABLE,
    collection::TABLE,
    list::TABLE,
    encoding::TABLE,
    filesystem::TABLE,
    date_time::TABLE,
    calendar::TABLE,
    hash::TABLE,
    network::TABLE,
    regex::TABLE,
    yaml::TABLE,
    secret::TABLE,
];

/// Functions of the evaluator itself: they look at expressions, which values do not have any more.
pub(crate) const LAZY: [&str; 4] = ["can", "convert", "templatefile", "try"];

/// The function of that name, if it is not one of [`LAZY`].
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    TABLES.iter().flat_map(|table| table.iter()).find(|function| function.name == name)
}
/// The names of all functions there are.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().flat_map(|table| table.iter()).map(|function| function.name).chain(LAZY)
}

/// An argument that was asked for as a string.
fn text(arguments: &[Value], index: usize) -> &str {
    arguments.get(index).and_then(Value::as_str).unwrap_or_default()
}

/// An argument that was asked for as a number.
fn number(arguments: &[Value], index: usize) -> Number {
    arguments.get(index).and_then(Value::as_number).cloned().unwrap_or_else(|| 0.into())
}

/// An argument that was asked for as a number and has to be a whole one.
fn whole(arguments: &[Value], index: usize) -> Result<i64, Failure> {
    let number = number(arguments, index);
    if !number.is_integer() {
        return Err(Failure::at(index, "a whole number is required"));
    }
    number.as_i64().ok_or_else(|| Failure::at(index, "this number is too large"))
}

/// An argument that has to be a whole number from 0.
fn size(arguments: &[Value], index: usize) -> Result<usize, Failure> {
    usize::try_from(whole(arguments, index)?).map_err(|_| Failure::at(index, "this must not be negative"))
}

/// An argument that has to be a list, set or tuple.
fn elements(arguments: &[Value], index: usize) -> Result<&[Value], Failure> {
    let Some(argument) = arguments.get(index) else { return Ok(&[]) };
    argument.elements().ok_or_else(|| {
        Failure::at(index, format!("a list, set or tuple is required, not {}", argument.type_of().with_article()))
    })
}

/// Where a byte of a text stands, both from 1, for messages about texts that are values. Columns are characters.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

fn count(number: usize) -> Value {
    crate::value::Kind::Number(Number::from_count(number)).into()
}

/// Refuses to make a text of so many bytes if that is absurd.
fn bounded(bytes: usize) -> Result<(), Failure> {
    if bytes > MAX_TEXT { Err(Failure::new("the result is too large")) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
