//! Functions of files and paths, and of the environment. All through the host.

use super::{Environment, Failure, Function, Outcome, failure, function, text};
use crate::value::Value;
use std::path::{Component, Path, PathBuf};

pub(super) const TABLE: &[Function] = &[
    function("abspath", 1, 1, |arguments, environment| {
        let path = environment.host.working_directory().join(&*text(arguments, 0)?);
        Ok(Value::string(clean(&path).to_string_lossy().into_owned()))
    }),
    function("basename", 1, 1, |arguments, _| {
        let path = text(arguments, 0)?;
        let trimmed = path.trim_end_matches('/');
        Ok(Value::string(match trimmed.rsplit('/').next() {
            _ if path.is_empty() => ".",
            _ if trimmed.is_empty() => "/",
            Some(name) => name,
            None => trimmed,
        }))
    }),
    function("dirname", 1, 1, |arguments, _| {
        let path = text(arguments, 0)?;
        let folder = match path.rfind('/') {
            Some(end) => clean(Path::new(&path[..=end])),
            None => PathBuf::from("."),
        };
        Ok(Value::string(folder.to_string_lossy().into_owned()))
    }),
    // The evaluator lets only defaults of variables call it.
    function("env", 1, 1, |arguments, environment| {
        Ok(Value::string(environment.host.environment(&text(arguments, 0)?).unwrap_or_default()))
    }),
    function("file", 1, 1, file),
    function("fileexists", 1, 1, |arguments, environment| {
        match environment.host.status(&located(arguments, environment)?) {
            Ok(status) if status.is_directory => Err(failure(0, "this is a folder")),
            Ok(_) => Ok(Value::bool(true)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Value::bool(false)),
            Err(error) => Err(failure(0, error.to_string())),
        }
    }),
    function("pathexpand", 1, 1, |arguments, environment| {
        let path = text(arguments, 0)?;
        Ok(Value::string(expanded(&path, environment)?))
    }),
];

/// A path as `file` and its like take it: `~` is the home folder, relative ones start at the template's folder.
fn located(arguments: &[Value], environment: &Environment<'_>) -> Result<PathBuf, Failure> {
    let path = expanded(&text(arguments, 0)?, environment)?;
    Ok(environment.root.join(path))
}

fn expanded(path: &str, environment: &Environment<'_>) -> Result<String, Failure> {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => match environment.host.environment("HOME") {
            Some(home) => Ok(format!("{home}{rest}")),
            None => Err(failure(0, "HOME does not say where the home folder is")),
        },
        Some(_) => Err(failure(0, "`~` stands for your own home folder only")),
        None => Ok(path.to_owned()),
    }
}

fn file(arguments: &[Value], environment: &Environment<'_>) -> Outcome {
    let path = located(arguments, environment)?;
    match environment.host.read(&path).map(String::from_utf8) {
        Ok(Ok(text)) => Ok(Value::string(text)),
        Ok(Err(_)) => Err(failure(0, format!("{} is not text in UTF-8", path.display()))),
        Err(error) => Err(failure(0, format!("{} can't be read: {error}", path.display()))),
    }
}

/// The path without `.`, `..` and doubled slashes, by its text alone.
fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match cleaned.components().next_back() {
                Some(Component::Normal(_)) => {
                    cleaned.pop();
                }
                Some(Component::RootDir) => {}
                _ => cleaned.push(".."),
            },
            other => cleaned.push(other),
        }
    }
    if cleaned.as_os_str().is_empty() { PathBuf::from(".") } else { cleaned }
}
