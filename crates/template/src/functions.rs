//! The functions of HCL2: their table, and what all of them have in common. `try`, `can` and `convert` look at
//! expressions rather than values and stand in the evaluator.

mod collection;
mod encoding;
mod filesystem;
mod numeric;
mod string;

use crate::convert::convert;
use crate::host::Host;
use crate::number::Number;
use crate::types::Type;
use crate::value::{Kind, Value};
use std::path::Path;
use std::sync::Arc;

/// What functions may know of the world.
pub(crate) struct Environment<'a> {
    pub(crate) host: &'a dyn Host,
    /// The template's folder.
    pub(crate) root: &'a Path,
}

/// Why a call has no result: which argument is to blame, if one is, and what is wrong.
pub(crate) struct Failure {
    pub(crate) argument: Option<usize>,
    pub(crate) message: String,
}

type Outcome = Result<Value, Failure>;

fn failure(argument: usize, message: impl Into<String>) -> Failure {
    Failure { argument: Some(argument), message: message.into() }
}

/// One row of the table.
pub(crate) struct Function {
    name: &'static str,
    least: usize,
    /// `usize::MAX` for any number.
    most: usize,
    /// Null may be an argument; else it is a mistake that nobody else has to look for.
    takes_null: bool,
    call: fn(&[Value], &Environment<'_>) -> Outcome,
}

const fn function(
    name: &'static str,
    least: usize,
    most: usize,
    call: fn(&[Value], &Environment<'_>) -> Outcome,
) -> Function {
    Function { name, least, most, takes_null: false, call }
}

const TABLES: &[&[Function]] = &[collection::TABLE, encoding::TABLE, filesystem::TABLE, numeric::TABLE, string::TABLE];

/// Functions that templates know and that are still to be written: calling one is told, never guessed.
pub(crate) const LATER: &[&str] = &[
    "aws_secretsmanager",
    "aws_secretsmanager_raw",
    "base64gzip",
    "bcrypt",
    "chunklist",
    "cidrhost",
    "cidrnetmask",
    "cidrsubnet",
    "cidrsubnets",
    "consul_key",
    "csvdecode",
    "filebase64",
    "fileset",
    "formatdate",
    "formatlist",
    "index",
    "jsondecode",
    "legacy_isotime",
    "legacy_strftime",
    "log",
    "md5",
    "parseint",
    "pow",
    "range",
    "regex",
    "regex_replace",
    "regexall",
    "rfc3339_parse",
    "rsadecrypt",
    "setintersection",
    "setproduct",
    "setunion",
    "sha1",
    "sha256",
    "sha512",
    "signum",
    "slice",
    "strrev",
    "sum",
    "templatefile",
    "textdecodebase64",
    "textencodebase64",
    "timeadd",
    "title",
    "unix_timestamp_parse",
    "urlencode",
    "uuidv5",
    "vault",
    "yamldecode",
    "yamlencode",
    "zipmap",
];

pub(crate) fn find(name: &str) -> Option<&'static Function> {
    TABLES.iter().flat_map(|table| table.iter()).find(|function| function.name == name)
}

/// The names of all functions, for "did you mean".
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let own = TABLES.iter().flat_map(|table| table.iter()).map(|function| function.name);
    own.chain(LATER.iter().copied()).chain(["try", "can", "convert"])
}

impl Function {
    pub(crate) fn takes(&self, count: usize) -> bool {
        (self.least..=self.most).contains(&count)
    }

    /// `2 arguments`, `at least 1 argument`, `1 to 2 arguments`.
    pub(crate) fn count(&self) -> String {
        let plural = |count: usize| if count == 1 { "1 argument".to_owned() } else { format!("{count} arguments") };
        match (self.least, self.most) {
            (least, most) if least == most => plural(least),
            (least, usize::MAX) => format!("at least {}", plural(least)),
            (least, most) => format!("{least} to {}", plural(most)),
        }
    }

    /// The result; unknown where an argument is, sensitive where anything inside an argument is.
    pub(crate) fn call(&self, arguments: &[Value], environment: &Environment<'_>) -> Outcome {
        let sensitive = arguments.iter().any(Value::holds_sensitive);
        if !self.takes_null
            && let Some(index) = arguments.iter().position(Value::is_null)
        {
            return Err(failure(index, "null is not allowed here"));
        }
        if arguments.iter().any(|argument| !argument.is_wholly_known()) {
            return Ok(Value::unknown().marked(sensitive));
        }
        (self.call)(arguments, environment).map(|value| value.marked(sensitive))
    }
}

/// The argument as a string.
fn text(arguments: &[Value], index: usize) -> Result<Arc<str>, Failure> {
    match converted(arguments, index, &Type::String)?.kind {
        Kind::String(text) => Ok(text),
        _ => Err(failure(index, "a string is required")),
    }
}

/// The argument as a number.
fn number(arguments: &[Value], index: usize) -> Result<Number, Failure> {
    match converted(arguments, index, &Type::Number)?.kind {
        Kind::Number(number) => Ok(number),
        _ => Err(failure(index, "a number is required")),
    }
}

/// The argument as a whole number.
fn integer(arguments: &[Value], index: usize) -> Result<i64, Failure> {
    let number = number(arguments, index)?;
    number.as_i64().filter(|_| number.is_integer()).ok_or_else(|| failure(index, "a whole number is required"))
}

/// The argument as a list of strings.
fn texts(arguments: &[Value], index: usize) -> Result<Vec<Arc<str>>, Failure> {
    let list = converted(arguments, index, &Type::List(Arc::new(Type::String)))?;
    let elements = list.elements().unwrap_or_default().iter();
    elements
        .map(|element| match &element.kind {
            Kind::String(text) => Ok(text.clone()),
            _ => Err(failure(index, "a list of strings is required, without null")),
        })
        .collect()
}

/// The elements of a list, set or tuple.
fn elements(arguments: &[Value], index: usize) -> Result<&[Value], Failure> {
    arguments.get(index).and_then(Value::elements).ok_or_else(|| failure(index, "a list is required"))
}

fn converted(arguments: &[Value], index: usize, kind: &Type) -> Result<Value, Failure> {
    let argument = arguments.get(index).ok_or_else(|| failure(index, "it is missing"))?;
    convert(argument, kind).map_err(|why| failure(index, why.to_string()))
}

/// A list of strings as a value.
fn list_of_texts(texts: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Value {
    Kind::List(Type::String, texts.into_iter().map(|text| Value::string(text)).collect()).into()
}
