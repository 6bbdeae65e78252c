//! Functions with regular expressions, which are those of Go.

use super::Accepts::{Any, String as Str};
use super::{Context, Failure, Function, MAX_ELEMENTS, Parameter, bounded, re2, text};
use crate::types::Type;
use crate::value::Value;
use regex::{Captures, Regex, RegexBuilder};
use std::sync::Arc;

/// The most bytes of a pattern, and of its compiled form: a template may compile one for each element of a list.
const MAX_PATTERN: usize = 16 << 10;
const MAX_PROGRAM: usize = 1 << 20;

const PATTERN: Parameter = Parameter::string("pattern");
const STRING: Parameter = Parameter::string("string");

/// What compiling a pattern costs, in units of work: the largest take milliseconds.
const COMPILATION: usize = 1000;

pub(super) const TABLE: &[Function] = &[
    Function::new("regex", &[PATTERN, STRING], Any, first).typed(type_of_first).working(|_| COMPILATION),
    Function::new("regex_replace", &[STRING, PATTERN, Parameter::string("replacement")], Str, replace)
        .working(|_| COMPILATION),
    Function::new("regexall", &[PATTERN, STRING], Any, all).typed(type_of_all).working(|_| COMPILATION),
];

/// A compiled pattern.
struct Pattern {
    regex: Regex,
    /// The name of each group.
    groups: Vec<Option<Arc<str>>>,
}

impl Pattern {
    /// Compiles the argument at `index`.
    fn new(context: &Context<'_>, source: &str, index: usize) -> Result<Self, Failure> {
        if source.len() > MAX_PATTERN {
            return Err(Failure::at(index, "this is too long for a regular expression"));
        }
        let translated = re2::translate(source).map_err(|problem| {
            let place = match (problem.part, context.hidden) {
                (Some(part), false) => format!("`{part}`: "),
                _ => String::new(),
            };
            Failure::at(index, format!("this is no regular expression: {place}{}", problem.message))
                .help("the syntax is that of Go, and a backslash is written twice in a string")
        })?;
        let compiled = RegexBuilder::new(&translated.source).size_limit(MAX_PROGRAM).build();
        let regex = compiled.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => Failure::at(index, "this regular expression is too large"),
            // What the translation lets through and is wrong all the same: names of Unicode classes.
            _ => Failure::at(index, "this is no regular expression: it asks for something that does not exist"),
        })?;
        Ok(Self { regex, groups: translated.groups })
    }

    /// Refuses a pattern of which some groups have names and some do not: a match is told as an object or a tuple.
    fn check_groups(&self) -> Result<(), Failure> {
        let named = self.groups.iter().flatten().count();
        if named > 0 && named < self.groups.len() {
            return Err(Failure::at(0, "some groups have names and some do not")
                .help("give a name to each, or none, or write `(?:…)` for a group that is not wanted"));
        }
        Ok(())
    }

    /// The type of a match.
    fn of(&self) -> Type {
        match self.groups.first() {
            None => Type::String,
            Some(None) => Type::tuple(self.groups.iter().map(|_| Type::String).collect::<Vec<_>>()),
            Some(Some(_)) => Type::object(self.groups.iter().flatten().map(|name| (Arc::clone(name), Type::String))),
        }
    }

    fn value(&self, captures: &Captures<'_>) -> Value {
        let group = |index: usize| {
            captures.get(index).map_or_else(|| Value::null(Type::String), |found| Value::string(found.as_str()))
        };
        match self.groups.first() {
            None => group(0),
            Some(None) => Value::tuple((1..=self.groups.len()).map(group)),
            Some(Some(_)) => {
                let names = self.groups.iter().enumerate();
                Value::object(names.filter_map(|(index, name)| Some((Arc::clone(name.as_ref()?), group(index + 1)))))
            }
        }
    }
}

/// The type of a match, as far as the pattern is known.
fn type_of_first(context: &Context<'_>, arguments: &[Value]) -> Result<Type, Failure> {
    let Some(source) = arguments.first().and_then(Value::as_str) else { return Ok(Type::Any) };
    let pattern = Pattern::new(context, source, 0)?;
    pattern.check_groups()?;
    Ok(pattern.of())
}

fn type_of_all(context: &Context<'_>, arguments: &[Value]) -> Result<Type, Failure> {
    Ok(match type_of_first(context, arguments)? {
        Type::Any => Type::Any,
        of => Type::list(of),
    })
}

fn first(context: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let pattern = Pattern::new(context, text(arguments, 0), 0)?;
    pattern.check_groups()?;
    match pattern.regex.captures(text(arguments, 1)) {
        Some(captures) => Ok(pattern.value(&captures)),
        None => {
            Err(Failure::new("the pattern matches no part of the string")
                .help("`regexall` finds any number, also none"))
        }
    }
}

fn all(context: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let pattern = Pattern::new(context, text(arguments, 0), 0)?;
    pattern.check_groups()?;
    let mut found = Vec::new();
    let mut groups = 0_usize;
    for captures in pattern.regex.captures_iter(text(arguments, 1)) {
        groups += captures.len();
        if groups > MAX_ELEMENTS {
            return Err(Failure::new("there are too many matches"));
        }
        found.push(pattern.value(&captures));
    }
    Ok(Value::list(pattern.of(), found))
}

fn replace(context: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let string = text(arguments, 0);
    let pattern = Pattern::new(context, text(arguments, 1), 1)?;
    let replacement = Replacement::new(text(arguments, 2), &pattern.groups);
    let mut result = String::new();
    let mut end = 0;
    for captures in pattern.regex.captures_iter(string) {
        let Some(whole) = captures.get(0) else { continue };
        result.push_str(string.get(end..whole.start()).unwrap_or_default());
        end = whole.end();
        replacement.push(&captures, &mut result);
        bounded(result.len())?;
    }
    result.push_str(string.get(end..).unwrap_or_default());
    bounded(result.len())?;
    Ok(Value::string(result))
}

/// A replacement with `$1`, `${1}`, `$name` and `$$`, as Go expands them.
struct Replacement<'r>(Vec<Piece<'r>>);

enum Piece<'r> {
    Text(&'r str),
    /// The first of these groups that matched; none of them for a name that does not exist.
    Group(Vec<usize>),
}

impl<'r> Replacement<'r> {
    fn new(source: &'r str, groups: &[Option<Arc<str>>]) -> Self {
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once('$') {
            pieces.push(Piece::Text(before));
            if let Some(after) = after.strip_prefix('$') {
                pieces.push(Piece::Text("$"));
                rest = after;
            } else if let Some((name, after)) = reference(after) {
                pieces.push(Piece::Group(numbers(name, groups)));
                rest = after;
            } else {
                pieces.push(Piece::Text("$"));
                rest = after;
            }
        }
        pieces.push(Piece::Text(rest));
        Self(pieces)
    }

    fn push(&self, captures: &Captures<'_>, result: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => result.push_str(text),
                Piece::Group(numbers) => {
                    let found = numbers.iter().find_map(|number| captures.get(*number));
                    result.push_str(found.map_or("", |found| found.as_str()));
                }
            }
        }
    }
}

/// The name behind a `$`, as long as it can be, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let (name, rest) = match text.strip_prefix('{') {
        Some(braced) => braced.split_once('}')?,
        None => text.split_at(text.find(|character| !is_name(character)).unwrap_or(text.len())),
    };
    (!name.is_empty() && name.chars().all(is_name)).then_some((name, rest))
}

/// The groups that a name or a number without zeros in front stands for.
fn numbers(name: &str, groups: &[Option<Arc<str>>]) -> Vec<usize> {
    if name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0')) {
        return name.parse().into_iter().collect();
    }
    let named = groups.iter().enumerate().filter(|(_, group)| group.as_deref() == Some(name));
    named.map(|(index, _)| index + 1).collect()
}
