//! Functions of files and paths. What they see of the world is what the host shows.

use super::Accepts::{Bool, Set, String as Str};
use super::encoding::base64;
use super::fileset::fileset;
use super::{Context, Failure, Function, MAX_TEXT, Parameter, text};
use crate::scope::Scope;
use crate::value::Value;
use std::cell::Cell;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

const PATH: &[Parameter] = &[Parameter::string("path")];

pub(super) const TABLE: &[Function] = &[
    Function::new("abspath", PATH, Str, |context, arguments| {
        let directory = context.scope.host.working_directory();
        let directory = directory.to_string_lossy();
        let path = text(arguments, 0);
        Ok(Value::string(if path.starts_with('/') { clean(path) } else { clean(&format!("{directory}/{path}")) }))
    }),
    Function::new("basename", PATH, Str, |_, arguments| Ok(Value::string(base(text(arguments, 0))))),
    Function::new("dirname", PATH, Str, |_, arguments| {
        let path = text(arguments, 0);
        Ok(Value::string(clean(path.rfind('/').and_then(|slash| path.get(..=slash)).unwrap_or_default())))
    }),
    Function::new("env", &[Parameter::string("name")], Str, |context, arguments| {
        let (host, name) = (&context.scope.host, text(arguments, 0));
        if host.is_garbled(name) {
            return Err(Failure::at(0, "the value of this environment variable is not UTF-8 text"));
        }
        Ok(Value::string(host.environment(name).unwrap_or_default()))
    }),
    Function::new("file", PATH, Str, |context, arguments| {
        Ok(Value::string(read_text(context.scope, text(arguments, 0), context.hidden)?))
    }),
    Function::new("filebase64", PATH, Str, file_base64),
    Function::new("fileexists", PATH, Bool, file_exists),
    // It may look at very many names.
    Function::new("fileset", &[Parameter::string("folder"), Parameter::string("pattern")], Set(&Str), fileset)
        .working(|_| 10_000),
    Function::new("pathexpand", PATH, Str, |context, arguments| {
        Ok(Value::string(expand_home(context.scope, text(arguments, 0))?))
    }),
];

/// The path without `.`, `..` and double slashes, as far as that can be told without looking; `.` if nothing is left.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            ("..", None) if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if rooted {
        format!("/{joined}")
    } else if joined.is_empty() {
        ".".to_owned()
    } else {
        joined
    }
}

/// The last part of a path; `.` of an empty one, `/` of the root.
fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        _ if path.is_empty() => ".",
        Some(last) if !last.is_empty() => last,
        _ => "/",
    }
}

fn expand_home(scope: &Scope, path: &str) -> Result<String, Failure> {
    let Some(rest) = path.strip_prefix('~') else { return Ok(path.to_owned()) };
    if !rest.is_empty() && !rest.starts_with('/') {
        return Err(Failure::at(0, "the home of another user is not known here"));
    }
    let home = scope.host.environment("HOME").filter(|home| !home.is_empty());
    let home = home.ok_or_else(|| Failure::at(0, "`~` needs the environment variable `HOME`, which is not set"))?;
    Ok(if rest.is_empty() { home } else { clean(&format!("{home}{rest}")) })
}

/// The path as the template means it: relative to the template's folder.
///
/// # Errors
/// With blame for the first argument if there is no such path.
pub(crate) fn resolve(scope: &Scope, path: &str) -> Result<PathBuf, Failure> {
    Ok(scope.root.join(expand_home(scope, path)?))
}

/// The path for messages.
fn shown(context: &Context<'_>, path: &str) -> String {
    if context.hidden { "this path".to_owned() } else { format!("`{path}`") }
}

pub(super) fn unreadable(context: &Context<'_>, path: &str, error: &Error) -> Failure {
    let shown = shown(context, path);
    match error.kind() {
        ErrorKind::NotFound => Failure::at(0, format!("there is no file at {shown}"))
            .help("paths are relative to the folder of the template"),
        ErrorKind::PermissionDenied => Failure::at(0, format!("{shown} may not be read")),
        kind => Failure::at(0, format!("{shown} cannot be read: {kind}")),
    }
}

/// The bytes of the file at `resolved`, which messages call `path`.
fn content(context: &Context<'_>, path: &str, resolved: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let host = &context.scope.host;
    let status = host.status(resolved).map_err(|error| unreadable(context, path, &error))?;
    if status.is_directory {
        return Err(Failure::at(0, format!("{} is a folder, not a file", shown(context, path))));
    }
    if status.size > most as u64 {
        return Err(Failure::at(0, format!("{} is too large for a string", shown(context, path))));
    }
    host.read(resolved).map_err(|error| unreadable(context, path, &error))
}

/// The text of a file; `hidden` if messages must not show the path.
///
/// # Errors
/// With blame for the first argument if the file cannot be read, is too large, or is no text.
pub(crate) fn read_text(scope: &Scope, path: &str, hidden: bool) -> Result<String, Failure> {
    let context = &Context { scope, hidden, work: &Cell::default() };
    let bytes = content(context, path, &resolve(scope, path)?, MAX_TEXT)?;
    let not_text = |_| Failure::at(0, format!("{} is not UTF-8 text", shown(context, path)));
    String::from_utf8(bytes).map_err(not_text)
}

/// Unlike all others this one is relative to the working directory: it is so in Packer.
fn file_base64(context: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let path = text(arguments, 0);
    let resolved = context.scope.host.working_directory().join(expand_home(context.scope, path)?);
    let bytes = content(context, path, &resolved, MAX_TEXT / 4 * 3).map_err(|failure| {
        if failure.help.is_none() { failure } else { failure.help("`filebase64` looks in the working directory") }
    })?;
    Ok(Value::string(base64(&bytes)))
}

fn file_exists(context: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let path = text(arguments, 0);
    match context.scope.host.status(&resolve(context.scope, path)?) {
        Ok(status) if status.is_directory => {
            Err(Failure::at(0, format!("{} is a folder, not a file", shown(context, path))))
        }
        Ok(_) => Ok(Value::bool(true)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Value::bool(false)),
        Err(error) => Err(unreadable(context, path, &error)),
    }
}
