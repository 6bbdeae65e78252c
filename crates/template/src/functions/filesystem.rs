//! Functions of files and paths. What they see of the world is what the host shows.

use super::Accepts::{Bool, String as Str};
use super::{Context, Failure, Function, MAX_TEXT, Parameter, text};
use crate::scope::Scope;
use crate::value::Value;
use std::io::{Error, ErrorKind};
use std::path::PathBuf;

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
        Ok(Value::string(context.scope.host.environment(text(arguments, 0)).unwrap_or_default()))
    }),
    Function::new("file", PATH, Str, |context, arguments| {
        Ok(Value::string(read_text(context.scope, text(arguments, 0), context.hidden)?))
    }),
    Function::new("fileexists", PATH, Bool, file_exists),
    Function::new("pathexpand", PATH, Str, |context, arguments| {
        Ok(Value::string(expand_home(context.scope, text(arguments, 0))?))
    }),
];

/// The path without `.`, `..` and double slashes, as far as that can be told without looking; `.` if nothing is left.
fn clean(path: &str) -> String {
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

fn unreadable(context: &Context<'_>, path: &str, error: &Error) -> Failure {
    let shown = shown(context, path);
    match error.kind() {
        ErrorKind::NotFound => Failure::at(0, format!("there is no file at {shown}"))
            .help("paths are relative to the folder of the template"),
        ErrorKind::PermissionDenied => Failure::at(0, format!("{shown} may not be read")),
        kind => Failure::at(0, format!("{shown} cannot be read: {kind}")),
    }
}

/// The text of a file; `hidden` if messages must not show the path.
///
/// # Errors
/// With blame for the first argument if the file cannot be read, is too large, or is no text.
pub(crate) fn read_text(scope: &Scope, path: &str, hidden: bool) -> Result<String, Failure> {
    let context = &Context { scope, hidden };
    let resolved = resolve(scope, path)?;
    let host = &scope.host;
    let status = host.status(&resolved).map_err(|error| unreadable(context, path, &error))?;
    let shown = shown(context, path);
    if status.is_directory {
        return Err(Failure::at(0, format!("{shown} is a folder, not a file")));
    }
    if status.size > MAX_TEXT as u64 {
        return Err(Failure::at(0, format!("{shown} is too large for a string")));
    }
    let bytes = host.read(&resolved).map_err(|error| unreadable(context, path, &error))?;
    String::from_utf8(bytes).map_err(|_| Failure::at(0, format!("{shown} is not UTF-8 text")))
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
