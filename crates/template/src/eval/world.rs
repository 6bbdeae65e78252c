//! A world for tests, and values as text.

use crate::host::{FileStatus, Host};
use crate::scope::{Functions, Scope};
use crate::source::Sources;
use crate::types::Type;
use crate::value::{Kind, Value};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder `/template` with the file `note.txt`, and a little environment.
struct World;

impl Host for World {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match path.to_str() {
            Some("/template/note.txt") => Ok(b"remember\n".to_vec()),
            Some("/template/image") => Ok(vec![0xff, 0xfe]),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        let is_directory = match path.to_str() {
            Some("/template/note.txt" | "/template/image") => false,
            Some("/template/scripts") => true,
            Some("/template/secret") => return Err(ErrorKind::PermissionDenied.into()),
            _ => return Err(ErrorKind::NotFound.into()),
        };
        Ok(FileStatus { is_directory, is_executable: false, size: 9 })
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn environment(&self, name: &str) -> Option<String> {
        match name {
            "HOME" => Some("/home/user".to_owned()),
            "REGION" => Some("eu-central-1".to_owned()),
            _ => None,
        }
    }

    fn started(&self) -> i64 {
        0
    }

    fn now(&self) -> i64 {
        1_709_211_845
    }

    fn working_directory(&self) -> PathBuf {
        "/work".into()
    }

    fn uuid(&self) -> String {
        "00000000-0000-4000-8000-000000000000".to_owned()
    }
}

/// A scope without names.
pub(crate) fn empty(functions: Functions) -> Scope {
    Scope::new(Arc::new(World), Path::new("/template"), functions, &Sources::default())
}

/// A scope with values of all kinds.
pub(crate) fn scope() -> Scope {
    let strings = |values: [&str; 2]| Value::list(Type::String, values.map(Value::string));
    let item = |id: &str| Value::object([("id", Value::string(id))]);
    let object = Value::object([
        ("s", Value::string("x")),
        ("n", Value::number(7)),
        ("nul", Value::null(Type::String)),
        ("l", Value::tuple([item("i1"), item("i2")])),
    ]);
    let variables = Value::object([("region", Value::string("eu")), ("size", Value::number(10))]);
    let marked = Value::list(Type::String, [Value::string("a").marked(true), Value::string("b")]);
    let unknown_object = Value::unknown_of(Type::object([("a", Type::String)]));
    empty(Functions::All)
        .with("var", variables)
        .with("local", Value::object([("name", Value::string("box"))]))
        .with(
            "data",
            Value::object([("http", Value::object([("page", Value::object([("body", Value::string("b"))]))]))]),
        )
        .with("list", strings(["a", "b"]))
        .with("map", Value::map(Type::String, [("a", Value::string("b")), ("k", Value::string("v"))]))
        .with("set", Value::set(Type::String, ["b", "a"].map(Value::string)))
        .with("nulls", Value::null(Type::String))
        .with("obj", object)
        .with("sec", Value::string("s3cret").marked(true))
        .with("secl", marked)
        .with("unk", Value::unknown_of(Type::String))
        .with("unkl", Value::unknown_of(Type::list(Type::String)))
        .with("unko", unknown_object)
        .with("dyn", Value::unknown())
}

/// A value as text: `[…]` are tuples, `{…}` objects, other collections say what they are.
pub(crate) fn show(value: &Value) -> String {
    let all = |elements: &[Value]| elements.iter().map(show).collect::<Vec<_>>().join(", ");
    let members = || {
        let members = value.members().into_iter().flatten();
        members.map(|(name, member)| format!("{name} = {}", show(member))).collect::<Vec<_>>().join(", ")
    };
    let text = match &value.kind {
        Kind::Unknown(Type::Any) => "unknown".to_owned(),
        Kind::Unknown(of) => format!("unknown {of}"),
        Kind::Null(Type::Any) => "null".to_owned(),
        Kind::Null(of) => format!("null {of}"),
        Kind::Bool(known) => known.to_string(),
        Kind::Number(number) => number.to_string(),
        Kind::String(text) => format!("{text:?}"),
        Kind::List(_, elements) => format!("list[{}]", all(elements)),
        Kind::Set(_, elements) => format!("set[{}]", all(elements)),
        Kind::Tuple(elements) => format!("[{}]", all(elements)),
        Kind::Map(..) => format!("map{{{}}}", members()),
        Kind::Object(_) => format!("{{{}}}", members()),
        Kind::Type(of) => format!("type {of}"),
    };
    if value.sensitive { format!("sensitive {text}") } else { text }
}
