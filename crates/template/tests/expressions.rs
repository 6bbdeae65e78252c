//! Expressions held against what HashiCorp's Go libraries make of them (`expressions.tsv`, values in go-cty's notation)
//! and against what Packer's console prints (`console.tsv`), where these tables are at hand: `IMGFORGE_CORPUS`, else
//! `../shared/corpus` beside the workspace.

use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::eval::evaluate;
use imgforge_template::hcl;
use imgforge_template::host::{FileStatus, Host};
use imgforge_template::number::Number;
use imgforge_template::scope::{Functions, Scope};
use imgforge_template::source::{Origin, Sources};
use imgforge_template::types::Type;
use imgforge_template::value::{Kind, Value};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that differ on purpose; `docs/decisions/0006-values-of-expressions.md` says why.
const DIFFERENT_FROM_GO: &[&str] =
    &["pow(2, 0.5)", r#"yamldecode("a: 1\nb: [x, yes, 0o17, 017, 1_000, ~]\nc: 2024-01-01")"#];
const DIFFERENT_FROM_CONSOLE: &[&str] = &["format(\"%v %v\", {a=1}, null)"];

/// Rows whose mistake is shown elsewhere than Go shows it, not only at a smaller or larger place around it:
/// Go names the function where we name the argument, and the place behind the key that is null.
const ELSEWHERE: &[&str] = &["{(null)=1}", "format(\"%d\", 1.5)"];

/// Rows whose result is not the same twice, or depends on the machine: the start of what is printed is compared.
const BY_SHAPE: &[&str] = &["bcrypt(", "base64gzip("];

/// The machine that the tables were made on, as far as they show it: with the files that the first one saw, or none.
struct Machine {
    has_files: bool,
}

impl Host for Machine {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        if !self.has_files {
            return Err(io::ErrorKind::NotFound.into());
        }
        let is_directory = match path.to_str().map(|path| path.trim_start_matches("./").trim_end_matches('/')) {
            Some("evals.txt" | "corpus/a/b.pkr.hcl") => false,
            Some("" | "." | "corpus" | "corpus/a") => true,
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(FileStatus { is_directory, is_executable: is_directory, size: 1 })
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let names: &[&str] = match directory.to_str().map(|path| path.trim_start_matches("./").trim_end_matches('/')) {
            Some("" | ".") => &["corpus", "evals.txt"],
            Some("corpus") => &["a"],
            Some("corpus/a") => &["b.pkr.hcl"],
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn environment(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| "/root".to_owned())
    }

    /// In 2026.
    fn started(&self) -> i64 {
        1_780_000_000
    }

    fn now(&self) -> i64 {
        1_780_000_000
    }

    fn working_directory(&self) -> PathBuf {
        "/work".into()
    }

    fn uuid(&self) -> String {
        "00000000-0000-4000-8000-000000000000".to_owned()
    }
}

fn empty(has_files: bool, sources: &Sources) -> Scope {
    Scope::new(Arc::new(Machine { has_files }), Path::new("."), Functions::All, sources)
}

/// The variables that the first table was made with.
fn with_variables(scope: Scope) -> Scope {
    let strings = ["a", "b"].map(Value::string);
    let item = |id| Value::object([("id", Value::string(id))]);
    let object = Value::object([
        ("s", Value::string("x")),
        ("n", Value::number(5)),
        ("nul", Value::null(Type::String)),
        ("l", Value::tuple([item("i1"), item("i2")])),
    ]);
    let map = Value::map(Type::String, [("a", Value::string("b")), ("k", Value::string("v"))]);
    let half_secret = Value::list(Type::String, [Value::string("a").marked(true), Value::string("b")]);
    scope
        .with("list", Value::list(Type::String, strings.clone()))
        .with("map", map)
        .with("set", Value::set(Type::String, strings))
        .with("nulls", Value::null(Type::String))
        .with("obj", object)
        .with("sec", Value::string("s3cret").marked(true))
        .with("secl", half_secret)
        .with("unk", Value::unknown_of(Type::String))
        .with("unkl", Value::unknown_of(Type::list(Type::String)))
        .with("unko", Value::object([("a", Value::unknown_of(Type::String))]))
        .with("dyn", Value::unknown())
}

/// A value, or the first mistake as `[line:column-line:column] code: message`.
fn evaluated(text: &str, variables: bool) -> Result<Value, String> {
    let sources = Sources::default();
    let file = sources.add("t", Origin::Argument, text);
    let mut diagnostics = Diagnostics::default();
    let expression = hcl::parse_expression(file, text, &mut diagnostics);
    let scope = if variables { with_variables(empty(true, &sources)) } else { empty(false, &sources) };
    let value = evaluate(&expression, &scope, &mut diagnostics);
    if !diagnostics.has_errors() {
        return Ok(value);
    }
    let first = diagnostics.into_sorted().swap_remove(0);
    let place = first.primary.as_ref().map(|label| sources.range(label.span));
    let place = place.map(|(start, end)| format!("{}:{}-{}:{}", start.line, start.column, end.line, end.column));
    Err(format!("[{}] {}: {}", place.unwrap_or_default(), first.code, first.message))
}

/// A table: expression and result of each row.
fn table(name: &str) -> Option<Vec<(String, String)>> {
    let folder = std::env::var_os("IMGFORGE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    let text = std::fs::read_to_string(folder.join(name)).ok()?;
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.map(|line| line.split_once('\t').expect("two columns"));
    Some(rows.map(|(expression, result)| (expression.replace('⏎', "\n"), result.to_owned())).collect())
}

/// What is to be said about a table in the end.
#[derive(Default)]
struct Count {
    /// Rows that differ on purpose.
    listed: &'static [&'static str],
    equal: usize,
    different: Vec<String>,
}

impl Count {
    fn row(&mut self, expression: &str, wanted: &str, found: &str, equal: bool) {
        let listed = self.listed.contains(&expression);
        if equal && listed {
            self.different.push(format!("{expression}\n  is listed as different and is not"));
        } else if equal {
            self.equal += 1;
        } else if !listed {
            self.different.push(format!("{expression}\n  wanted {wanted}\n  found  {found}"));
        }
    }

    #[expect(clippy::print_stdout, reason = "the numbers are what this test is for")]
    fn finish(self, table: &str) {
        let Self { listed, equal, different } = self;
        println!(
            "{table}: {equal} equal, {} different, {} of them on purpose",
            different.len() + listed.len(),
            listed.len(),
        );
        assert!(different.is_empty(), "{}", different.join("\n"));
        assert!(equal > 150, "only {equal} rows");
    }
}

#[test]
fn values_are_those_of_go() {
    let Some(rows) = table("expressions.tsv") else { return };
    let mut count = Count { listed: DIFFERENT_FROM_GO, ..Count::default() };
    for (expression, wanted) in rows {
        match (evaluated(&expression, true), wanted.contains("ERR [")) {
            (Err(found), is_error) => {
                let is_near = is_error && touches(&wanted, &found) != ELSEWHERE.contains(&&*expression);
                count.row(&expression, &wanted, &found, is_near);
            }
            (Ok(value), _) => {
                let (found, wanted) = (notation(&value), known_alike(&wanted));
                let by_shape = BY_SHAPE.iter().any(|start| expression.starts_with(start));
                let length = if by_shape { found.len().min(18) } else { found.len() };
                let equal = if by_shape { wanted.get(..length) == found.get(..length) } else { wanted == found };
                count.row(&expression, &wanted, &found, equal);
            }
        }
    }
    count.finish("expressions.tsv");
}

/// Whether the first place in brackets of one text touches that of the other.
fn touches(wanted: &str, found: &str) -> bool {
    let place = |text: &str| -> Vec<usize> {
        let place = text.split_once("[1:").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(place, _)| place);
        format!("1:{place}").split([':', '-']).map(|number| number.parse().expect("a number")).collect()
    };
    let (wanted, found) = (place(wanted), place(found));
    wanted[..2] <= found[2..] && found[..2] <= wanted[2..]
}

/// A value as go-cty's `GoString` writes it, numbers aside: they are `Number(…)`.
fn notation(value: &Value) -> String {
    let all = |values: &[Value]| values.iter().map(notation).collect::<Vec<_>>().join(", ");
    let members = || {
        let members = value.members().into_iter().flatten();
        members.map(|(name, member)| format!("{}:{}", quoted(name), notation(member))).collect::<Vec<_>>().join(", ")
    };
    let text = match &value.kind {
        Kind::Unknown(Type::Any) => "DynamicVal".to_owned(),
        Kind::Unknown(of) => format!("UnknownVal({})", type_notation(of)),
        Kind::Null(of) => format!("NullVal({})", type_notation(of)),
        Kind::Bool(true) => "True".to_owned(),
        Kind::Bool(false) => "False".to_owned(),
        Kind::Number(number) => format!("Number({number})"),
        Kind::String(text) => format!("StringVal({})", quoted(text)),
        Kind::List(of, values) if values.is_empty() => format!("ListValEmpty({})", type_notation(of)),
        Kind::List(_, values) => format!("ListVal([]Value{{{}}})", all(values)),
        Kind::Set(of, values) if values.is_empty() => format!("SetValEmpty({})", type_notation(of)),
        Kind::Set(_, values) => format!("SetVal([]Value{{{}}})", all(values)),
        Kind::Tuple(values) if values.is_empty() => "EmptyTupleVal".to_owned(),
        Kind::Tuple(values) => format!("TupleVal([]Value{{{}}})", all(values)),
        Kind::Map(of, values) if values.is_empty() => format!("MapValEmpty({})", type_notation(of)),
        Kind::Map(..) => format!("MapVal(map[string]Value{{{}}})", members()),
        Kind::Object(values) if values.is_empty() => "EmptyObjectVal".to_owned(),
        Kind::Object(_) => format!("ObjectVal(map[string]Value{{{}}})", members()),
        Kind::Type(of) => format!("a type: {of}"),
    };
    if value.sensitive { format!("{text}.Mark(\"sensitive\")") } else { text }
}

fn type_notation(of: &Type) -> String {
    match of {
        Type::Any => "DynamicPseudoType".to_owned(),
        Type::Bool => "Bool".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::String => "String".to_owned(),
        Type::List(of) => format!("List({})", type_notation(of)),
        Type::Set(of) => format!("Set({})", type_notation(of)),
        Type::Map(of) => format!("Map({})", type_notation(of)),
        Type::Tuple(all) => {
            format!("Tuple([]Type{{{}}})", all.iter().map(type_notation).collect::<Vec<_>>().join(", "))
        }
        Type::Object(_) => format!("an object type: {of}"),
    }
}

/// A string in quotes as Go writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\0'..='\x1f' | '\x7f' => quoted.push_str(&format!("\\x{:02x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

/// The notation with numbers as [`notation`] writes them, and without what go-cty knows of a value it does not know.
fn known_alike(wanted: &str) -> String {
    let mut alike = String::new();
    let mut rest = wanted;
    while let Some(first) = rest.chars().next() {
        if let Some((number, after)) = leading_number(rest) {
            alike.push_str(&format!("Number({number})"));
            rest = after;
        } else if let Some(after) = rest.strip_prefix(".RefineNotNull()") {
            rest = after;
        } else if let Some((_, after)) = rest.strip_prefix(".Refine()").and_then(|rest| rest.split_once(".NewValue()"))
        {
            rest = after;
        } else if first == '"' {
            let end = string_length(rest);
            alike.push_str(&rest[..end]);
            rest = &rest[end..];
        } else {
            alike.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    alike
}

/// The length of the quoted string at the start.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn leading_number(text: &str) -> Option<(Number, &str)> {
    let float = |digits: &str| digits.parse::<f64>().ok().and_then(Number::from_f64);
    if let Some(rest) = text.strip_prefix("NumberFloatVal(") {
        let (digits, after) = rest.split_once(')')?;
        return Some((float(digits)?, after));
    }
    if let Some(rest) = text.strip_prefix("MustParseNumberVal(\"") {
        let (digits, after) = rest.split_once("\")")?;
        return Some((Number::parse(digits)?, after));
    }
    let (digits, after) = text.strip_prefix("NumberIntVal(")?.split_once(')')?;
    Some((Number::parse(digits)?, after))
}

#[test]
fn what_the_console_prints() {
    let Some(rows) = table("console.tsv") else { return };
    let mut count = Count { listed: DIFFERENT_FROM_CONSOLE, ..Count::default() };
    for (expression, wanted) in rows {
        let (found, equal) = match evaluated(&expression, false) {
            Ok(value) => {
                let printed = printed(&value, 0);
                let length = if BY_SHAPE.iter().any(|start| expression.starts_with(start)) { 7 } else { printed.len() };
                let equal = if length < printed.len() {
                    wanted.get(..length) == printed.get(..length)
                } else {
                    wanted == printed
                };
                (printed, equal)
            }
            Err(found) => (found, wanted == "!error"),
        };
        count.row(&expression, &wanted, &found, equal);
    }
    count.finish("console.tsv");
}

/// A value as the console prints it, with newlines as `\n`.
fn printed(value: &Value, depth: usize) -> String {
    let indentation = "  ".repeat(depth + 1);
    let end = "  ".repeat(depth);
    let inner = |value: &Value| match &value.kind {
        Kind::String(text) => format!("\"{}\"", escaped(text)),
        _ => printed(value, depth + 1),
    };
    if let Some(elements) = value.elements() {
        let lines: String = elements.iter().map(|element| format!("{indentation}{},\\n", inner(element))).collect();
        return if lines.is_empty() { "[]".to_owned() } else { format!("[\\n{lines}{end}]") };
    }
    if let Some(members) = value.members() {
        let shown = members.iter().filter(|(_, member)| !member.is_null());
        let lines: String =
            shown.map(|(name, member)| format!("{indentation}\"{name}\" = {}\\n", inner(member))).collect();
        return if lines.is_empty() { "{}".to_owned() } else { format!("{{\\n{lines}{end}}}") };
    }
    match &value.kind {
        Kind::String(text) => escaped(text),
        Kind::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, float) if float.is_infinite() => "+Inf".to_owned(),
            (None, float) if float.abs() >= 1e17 => format!("{float:e}").replace('e', "e+"),
            (None, float) => float.to_string(),
        },
        Kind::Bool(known) => known.to_string(),
        Kind::Null(_) => "null".to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t")
}
