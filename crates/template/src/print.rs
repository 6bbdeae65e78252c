//! Values as text for people: the layout of Packer's `console` and `inspect`, found by running Packer 1.6.6 and from
//! what 1.16 prints.

use crate::gotemplate::{quote, shortest};
use crate::number::Number;
use crate::value::{Kind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

const SENSITIVE: &str = "<sensitive>";
const UNKNOWN: &str = "<unknown>";

/// A value as the console answers it: a string as it is, but quoted as in Go where it is inside of something, a list
/// and a map over several lines.
///
/// Members of maps that are null are left out, and a value of which any part is unknown is `<unknown>`. What is
/// sensitive is `<sensitive>`: of a list each element, of a map all of it.
pub fn print(value: &Value) -> String {
    printed(value, Made::Computed)
}

/// A value as one line of a list of values: [`print()`]ed, then quoted as in Go.
pub fn print_line(value: &Value, made: Made) -> String {
    quote(&printed(value, made), false)
}

/// How a value came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It is as somebody wrote it. Where it is sensitive, keys of maps, empty strings and null are shown all the same,
    /// as Packer does.
    Declared,
    /// Keys, and whether there is anything, may say what is secret.
    Computed,
}

fn printed(value: &Value, made: Made) -> String {
    let mut printer = Printer { out: String::new(), made };
    match &value.kind {
        _ if !value.is_wholly_known() => return UNKNOWN.to_owned(),
        Kind::String(_) if value.sensitive && !printer.shows(value) => return SENSITIVE.to_owned(),
        Kind::String(text) => return text.to_string(),
        _ => printer.value(value, value.sensitive, 0),
    }
    printer.out
}

struct Printer {
    out: String,
    made: Made,
}

impl Printer {
    /// Writes a value inside `depth` others. It is sensitive itself, or as a part of something that is.
    fn value(&mut self, value: &Value, sensitive: bool, depth: usize) {
        match &value.kind {
            Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => {
                self.elements(elements, sensitive, depth);
            }
            Kind::Map(_, members) | Kind::Object(members) if !sensitive || self.made == Made::Declared => {
                self.members(members, sensitive, depth);
            }
            Kind::String(_) if sensitive && !self.shows(value) => self.out.push_str(&quote(SENSITIVE, false)),
            Kind::String(text) => self.out.push_str(&quote(text, false)),
            _ if sensitive && !self.shows(value) => self.out.push_str(SENSITIVE),
            Kind::Number(number) => self.out.push_str(&print_number(number)),
            Kind::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Kind::Null(_) => self.out.push_str("null"),
            Kind::Type(of) => self.out.push_str(&of.to_string()),
            Kind::Map(..) | Kind::Object(_) | Kind::Unknown(_) => self.out.push_str(UNKNOWN),
        }
    }

    /// Whether a sensitive value has nothing to hide.
    fn shows(&self, value: &Value) -> bool {
        self.made == Made::Declared && (value.is_null() || value.as_str() == Some(""))
    }

    fn elements(&mut self, elements: &[Value], sensitive: bool, depth: usize) {
        if elements.is_empty() {
            self.out.push_str("[]");
            return;
        }
        self.out.push('[');
        for element in elements {
            self.line(depth + 1);
            self.value(element, sensitive || element.sensitive, depth + 1);
            self.out.push(',');
        }
        self.line(depth);
        self.out.push(']');
    }

    fn members(&mut self, members: &BTreeMap<Arc<str>, Value>, sensitive: bool, depth: usize) {
        let mut given = members.iter().filter(|(_, member)| !member.is_null()).peekable();
        if given.peek().is_none() {
            self.out.push_str("{}");
            return;
        }
        self.out.push('{');
        for (name, member) in given {
            self.line(depth + 1);
            self.out.push_str(&quote(name, false));
            self.out.push_str(" = ");
            self.value(member, sensitive || member.sensitive, depth + 1);
        }
        self.line(depth);
        self.out.push('}');
    }

    fn line(&mut self, depth: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", depth));
    }
}

/// An integer of 64 bits whole, any other number as the nearest float of 64 bits.
fn print_number(number: &Number) -> String {
    if let Some(integer) = number.as_i64() {
        return integer.to_string();
    }
    let float = number.as_f64();
    if float.is_infinite() {
        return if float.is_sign_negative() { "-Inf" } else { "+Inf" }.to_owned();
    }
    shortest(float, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Type;

    fn strings(texts: &[&str]) -> Value {
        Value::tuple(texts.iter().map(|text| Value::string(*text)))
    }

    #[test]
    fn a_string_is_bare_and_quoted_inside() {
        let text = "a \"b\"\n\u{7f}\u{200b}é日";
        assert_eq!(print(&Value::string(text)), text);
        assert_eq!(print(&strings(&[text])), "[\n  \"a \\\"b\\\"\\n\\x7f\\u200bé日\",\n]");
    }

    #[test]
    fn numbers_are_integers_of_64_bits_or_floats() {
        let table = [
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "9.223372036854776e+18"),
            ("1e6", "1000000"),
            ("1e20", "1e+20"),
            ("15000000.5", "1.50000005e+07"),
            ("123456.7", "123456.7"),
            ("0.00001", "1e-05"),
            ("1e400", "+Inf"),
            ("-1e400", "-Inf"),
        ];
        for (given, expected) in table {
            assert_eq!(print(&Value::number(Number::parse(given).unwrap())), expected, "{given}");
        }
    }

    #[test]
    fn collections_go_over_lines_and_leave_null_members_out() {
        let value = Value::object([
            ("empty", Value::tuple([])),
            ("k\t", Value::tuple([Value::bool(true), Value::null(Type::Any)])),
            ("none", Value::null(Type::String)),
            ("only", Value::object([("none", Value::null(Type::Any))])),
        ]);
        assert_eq!(
            print(&value),
            "\
{
  \"empty\" = []
  \"k\\t\" = [
    true,
    null,
  ]
  \"only\" = {}
}"
        );
        assert_eq!(print(&Value::set(Type::String, [Value::string("a")])), "[\n  \"a\",\n]");
    }

    #[test]
    fn one_unknown_part_makes_all_unknown() {
        let unknown = Value::unknown_of(Type::String);
        assert_eq!(print(&unknown), "<unknown>");
        assert_eq!(print(&Value::object([("a", Value::tuple([unknown]))])), "<unknown>");
    }

    #[test]
    fn nothing_sensitive_is_shown() {
        let secret = || Value::string("s3cret").marked(true);
        assert_eq!(print(&secret()), "<sensitive>");
        assert_eq!(print(&Value::number(77).marked(true)), "<sensitive>");
        assert_eq!(
            print(&Value::tuple([secret(), Value::bool(false).marked(true), Value::string("b")])),
            "[\n  \"<sensitive>\",\n  <sensitive>,\n  \"b\",\n]"
        );
        assert_eq!(print(&strings(&["s3cret", "x"]).marked(true)), "[\n  \"<sensitive>\",\n  \"<sensitive>\",\n]");
        let map = Value::object([("s3cret", Value::object([("x", Value::string("y"))]))]).marked(true);
        assert_eq!(print(&map), "<sensitive>");
        assert_eq!(print(&Value::tuple([map])), "[\n  <sensitive>,\n]");
    }

    #[test]
    fn a_line_is_quoted_once_more() {
        assert_eq!(print_line(&Value::string("a\n\"b\""), Made::Computed), r#""a\n\"b\"""#);
        assert_eq!(print_line(&strings(&["a"]), Made::Computed), r#""[\n  \"a\",\n]""#);
        let map = Value::object([("key", Value::string("s3cret")), ("no", Value::string(""))]).marked(true);
        for (nothing, declared) in [(Value::string(""), r#""""#), (Value::null(Type::String), r#""null""#)] {
            assert_eq!(print_line(&nothing.clone().marked(true), Made::Declared), declared);
            assert_eq!(print_line(&nothing.marked(true), Made::Computed), r#""<sensitive>""#);
        }
        assert_eq!(print_line(&map, Made::Computed), r#""<sensitive>""#);
        assert_eq!(print_line(&map, Made::Declared), r#""{\n  \"key\" = \"<sensitive>\"\n  \"no\" = \"\"\n}""#);
    }
}
