//! What YAML is read as and written as. Where no comment says otherwise, `packer console` 1.6.6 does the same; its
//! YAML library is that of today's.

use crate::eval::world::{empty, show};
use crate::functions::find;
use crate::number::Number;
use crate::scope::Functions;
use crate::types::Type;
use crate::value::{Kind, Value};
use std::cell::Cell;

fn call(name: &str, argument: Value) -> String {
    match find(name).expect("a function").invoke(&empty(Functions::All), &[argument], &Cell::default()) {
        Ok(value) => show(&value),
        Err(failures) => failures.into_iter().map(|failure| failure.message).collect::<Vec<_>>().join("; "),
    }
}

fn decode(text: &str) -> String {
    call("yamldecode", Value::string(text))
}

fn encode(value: Value) -> String {
    match find("yamlencode").expect("a function").invoke(&empty(Functions::All), &[value], &Cell::default()) {
        Ok(value) => value.as_str().expect("a string").to_owned(),
        Err(failures) => format!("{failures:?}"),
    }
}

fn s(text: &str) -> Value {
    Value::string(text)
}

fn n(text: &str) -> Value {
    Kind::Number(Number::parse(text).expect("a number")).into()
}

#[test]
fn words_are_those_of_yaml_1_1() {
    assert_eq!(decode("[y, Yes, ON, TRUE, n, No, off, False]"), "[true, true, true, true, false, false, false, false]");
    assert_eq!(decode("[yEs, 'yes', nULL, <<, =]"), r#"["yEs", "yes", "nULL", "<<", "="]"#);
    assert_eq!(decode("[~, null, Null, NULL, '~']"), r#"[null, null, null, null, "~"]"#);
    assert_eq!(decode("{a: , b}"), "{a = null, b = null}");
}

#[test]
fn numbers_are_decimal_or_binary() {
    assert_eq!(decode("[0, 017, 08, 1_000, 1_, +1, -1, 0b11, -0b1_1]"), "[0, 17, 8, 1000, 1, 1, -1, 3, -3]");
    assert_eq!(decode("[0o17, 0x1f, 0B11, +0b1, _1]"), r#"["0o17", "0x1f", "0B11", "+0b1", "_1"]"#);
    assert_eq!(decode("[1., .5, 1e3, 1.E-1, 1_0.5, -.5, 12e03, 0.10]"), "[1, 0.5, 1000, 0.1, 10.5, -0.5, 12000, 0.1]");
    assert_eq!(decode("[1e, e1, ._5, .5_, 1-2, 1.2.3, 1:30]"), r#"["1e", "e1", "._5", ".5_", "1-2", "1.2.3", "1:30"]"#);
    assert_eq!(decode("[12345678901234567890123, 1.10]"), "[12345678901234567890123, 1.1]");
    assert_eq!(decode("[.inf, -.INF, -Inf, inf]"), r#"[+Inf, -Inf, -Inf, "inf"]"#);
    let wrong = "this is not YAML for a value, at line 2, column 4:";
    assert_eq!(decode("\na: .nan"), format!("{wrong} there is no such number"));
    assert_eq!(decode("\na: 0b2f"), format!("{wrong} `0b` begins a binary number; put it in quotes if it is text"));
    // Packer makes a number of a hundred thousand digits of it.
    assert_eq!(decode("\na: 1e99999"), format!("{wrong} this number is too large"));
}

#[test]
fn times_are_strings_as_in_rfc_3339() {
    for (time, result) in [
        ("2024-01-01", "2024-01-01T00:00:00Z"),
        ("2024-2-29", "2024-02-29T00:00:00Z"),
        ("2024-1-1t1:2:3.5Z", "2024-01-01T01:02:03Z"),
        ("2024-01-01T10:11:12-05:30", "2024-01-01T10:11:12-05:30"),
        ("2024-01-01T10:11:12-00:00", "2024-01-01T10:11:12Z"),
        ("2024-01-01  10:11:12.25", "2024-01-01T10:11:12Z"),
    ] {
        assert_eq!(decode(time), format!("{result:?}"), "{time}");
    }
    for text in [
        "2023-02-29",
        "2024-01",
        "2024-001-01",
        "12024-01-01",
        "2024-01-01T10:11:12",
        "2024-01-01 10:11:12Z",
        "2024-01-01T10:11:12z",
        "2024-01-01T10:11:12.Z",
        "2024-01-01T10:11:12+0200",
        "2024-01-01T24:00:00Z",
        "2024-01-01 10:11",
    ] {
        assert_eq!(decode(text), format!("{text:?}"), "{text}");
    }
}

#[test]
fn tags_say_what_a_scalar_is() {
    assert_eq!(decode("[!!str 1, !!int '1', !!float 3, !!bool yes]"), r#"["1", "1", 3, true]"#);
    assert_eq!(decode("[!!int 0x1_f, !!float -0o17, !!int 0B11]"), "[31, -15, 3]");
    assert_eq!(decode("[!!null x, !!str , !!binary aGk=, !<tag:yaml.org,2002:str> 1]"), r#"[null, "", "aGk=", "1"]"#);
    assert_eq!(decode("{a: !!seq [], b: !!map {}}"), "{a = [], b = {}}");
    for (text, problem) in [
        ("!!int x", "this is no number, as its tag says"),
        ("!!timestamp x", "this is not what its tag says"),
        ("!!binary '@@'", "this is not Base64"),
        ("!foo x", "this tag means nothing here"),
        ("!!set {a}", "this tag means nothing here"),
        ("!!map []", "this tag means nothing here"),
    ] {
        let result = decode(text);
        assert!(
            result.starts_with("this is not YAML for a value, at line 1,") && result.ends_with(problem),
            "{result}"
        );
    }
}

#[test]
fn keys_are_scalars_as_strings() {
    assert_eq!(
        decode("{1.50: a, yes: b, 2024-1-1: c, e\u{301}: d}"),
        r#"{1.5 = "a", 2024-01-01T00:00:00Z = "c", true = "b", é = "d"}"#
    );
    assert_eq!(decode("a: 1\n'a': 2"), "{a = 2}");
    for (text, problem) in [
        ("~: a", "column 1: a key must not be null"),
        ("? [a]\n: b", "column 3: a key must be a string"),
        ("{&k a: b, *k : c}", "column 11: a key must be a string"),
    ] {
        assert_eq!(decode(text), format!("this is not YAML for a value, at line 1, {problem}"));
    }
}

#[test]
fn mappings_are_merged_and_anchors_repeated() {
    assert_eq!(decode("x: &a {p: 1, q: 2}\nz:\n  q: 3\n  <<: *a\n  p: 4"), "{x = {p = 1, q = 2}, z = {p = 4, q = 2}}");
    assert_eq!(decode("'<<': {a: 1}\nb: [&x c, &x d, *x]"), r#"{a = 1, b = ["c", "d", "d"]}"#);
    assert_eq!(decode("!!str <<: {a: 1}"), "{<< = {a = 1}}");
    let wrong = |place: &str| format!("this is not YAML for a value, at line 1, {place}");
    assert_eq!(decode("<<: [{a: 1}]"), wrong("column 5: only a mapping can be merged by `<<`"));
    assert_eq!(decode("a: &x [*x]"), wrong("column 8: this stands inside of what it refers to"));
    assert!(decode("a: *x").starts_with(&wrong("column 4: ")));
}

#[test]
fn blocks_and_quotes() {
    assert_eq!(
        decode("a: |\n  x\n   y\nb: >-\n  x\n  y\n\n  z\nc: |+\n  x\n\n"),
        r#"{a = "x\n y\n", b = "x y\nz", c = "x\n\n"}"#
    );
    // A block is read for its type, and a string again.
    assert_eq!(decode("a: |-\n  1.50\nb: |\n  yes\nc: |\n"), r#"{a = "1.5", b = "yes\n", c = null}"#);
    assert_eq!(decode("a: |\n x"), r#"{a = "x"}"#);
    assert_eq!(decode("['it''s', \"\\x41\\u00e9\\U0001F600\\\n  b\"]"), r#"["it's", "Aé😀b"]"#);
}

#[test]
fn one_document_is_wanted() {
    assert_eq!(decode("%YAML 1.1\n---\na\n...\n# end\n"), "\"a\"");
    assert_eq!(decode("\u{feff}a: 1\r\nb: 2\r\n"), "{a = 1, b = 2}");
    // Packer returns something unknown.
    assert_eq!(decode("---"), "null");
    assert_eq!(decode("# nothing"), "there is nothing in this YAML");
    assert_eq!(
        decode("a\n---\nb"),
        "this is not YAML for a value, at line 2, column 1: there is more than one document"
    );
    assert!(decode("a: b\n c: d").starts_with("this is not YAML for a value, at line 2, column 3: "));
    let hidden = call("yamldecode", s("s3cret: [").marked(true));
    assert_eq!(hidden, "this is not YAML for a value, at line 1, column 9: the syntax is wrong");
    assert_eq!(call("yamldecode", Value::unknown_of(Type::String)), "unknown");
}

#[test]
fn there_are_limits() {
    let bomb = (1..40).map(|level| format!("- &a{level} [*a{}, *a{}]\n", level - 1, level - 1)).collect::<String>();
    let result = decode(&format!("- &a0 [x]\n{bomb}"));
    assert!(result.ends_with("there are too many values"), "{result}");
    let tower = (1..200).map(|level| format!("- &a{level} [*a{}]\n", level - 1)).collect::<String>();
    let result = decode(&format!("- &a0 [x]\n{tower}"));
    assert!(result.ends_with("the values are nested too deeply"), "{result}");
    assert!(decode(&format!("{}{}", "[".repeat(101), "]".repeat(101))).ends_with("the values are nested too deeply"));
    assert!(decode(&"- ".repeat(1000)).ends_with("the values are nested too deeply"));
    assert_eq!(decode(&format!("{}{}", "[".repeat(100), "]".repeat(100))).len(), 200);
}

#[test]
fn scalars_alone() {
    for (value, text) in [
        (Value::null(Type::Any), "null\n...\n"),
        (Value::bool(true), "true\n...\n"),
        (n("1e30"), "1000000000000000000000000000000\n...\n"),
        (s("x"), "\"x\"\n"),
        (Value::tuple([]), "[]\n"),
        (Value::object::<&str>([]), "{}\n"),
    ] {
        assert_eq!(encode(value), text);
    }
    let partly = Value::tuple([Value::unknown_of(Type::String)]);
    assert_eq!(call("yamlencode", partly), "unknown string");
}

#[test]
fn strings_with_lines_are_blocks_where_they_can() {
    for (value, text) in [
        ("a\nb", "|-\n  a\n  b\n"),
        ("a\nb\n", "|\n  a\n  b\n"),
        ("a\n\n\nb\n\n\n", "|+\n  a\n\n\n  b\n\n\n"),
        ("\na", "|2-\n\n  a\n"),
        ("\n", "|2+\n\n"),
        ("  a\n b", "|2-\n    a\n   b\n"),
        ("a \nb", "\"a \\nb\"\n"),
        ("a\nb ", "\"a\\nb \"\n"),
        ("a\tb\nc", "\"a\\tb\\nc\"\n"),
        ("é日\n😀", "\"é日\\n\\U0001F600\"\n"),
        ("a\"b\\c", "\"a\\\"b\\\\c\"\n"),
        (
            "\0\u{1}\u{7}\u{8}\u{b}\u{c}\r\u{1b}\u{7f}\u{85}\u{a0}\u{2028}\u{2029}x\u{feff}\u{fffe}\u{e000}",
            "\"\\0\\x01\\a\\b\\v\\f\\r\\e\\x7F\\N\u{a0}\\L\\Px\\uFEFF\\uFFFE\u{e000}\"\n",
        ),
    ] {
        assert_eq!(encode(s(value)), text);
        assert_eq!(decode(text), format!("{value:?}"));
    }
    // A line break to YAML 1.1, which is written here, but not to 1.2, which is read.
    assert_eq!(encode(s("x\n\u{2028}")), "|+\n  x\n\u{2028}");
}

#[test]
fn long_strings_are_wrapped() {
    let word = "é".repeat(40);
    assert_eq!(
        encode(s(&format!("{word} {word} b  {word}{word} c"))),
        format!("\"{word} {word}\n  b  {word}{word}\n  c\"\n")
    );
    assert_eq!(encode(s(&format!("{word}{word}{word}  b"))), format!("\"{word}{word}{word}\n  \\ b\"\n"));
    assert_eq!(encode(s(&format!("{word}{word} "))), format!("\"{word}{word} \"\n"));
    let nested = Value::object([("a", Value::object([("b", Value::tuple([s(&format!("{word} {word} c"))]))]))]);
    assert_eq!(encode(nested), format!("\"a\":\n  \"b\":\n  - \"{word} {word}\n    c\"\n"));
}

#[test]
fn collections_in_collections() {
    let value = Value::object([
        ("a", Value::tuple([n("1"), Value::object([("b", s("c\nd\n")), ("e", n("2"))])])),
        ("f", Value::tuple([s("a"), Value::tuple([s("b"), Value::tuple([s("x\ny")])])])),
        ("g h", Value::map(Type::Number, [("i", n("1.5"))])),
        ("j", Value::tuple([Value::tuple([]), Value::object::<&str>([])])),
        ("k", Value::set(Type::String, [s("b"), s("a")])),
        ("", Value::null(Type::Any)),
    ]);
    let text = r#""": null
"a":
- 1
- "b": |
    c
    d
  "e": 2
"f":
- "a"
- - "b"
  - - |-
      x
      y
"g h":
  "i": 1.5
"j":
- []
- {}
"k":
- "a"
- "b"
"#;
    assert_eq!(encode(value), text);
}

#[test]
fn keys_that_need_a_line() {
    let inner = Value::object([("c", n("1")), ("d", Value::tuple([n("1")]))]);
    let value = Value::tuple([Value::object([("a\nb", inner), ("x", n("1"))])]);
    let text = "- ? |-\n    a\n    b\n  : \"c\": 1\n    \"d\":\n    - 1\n  \"x\": 1\n";
    assert_eq!(encode(value), text);
    let long = "é".repeat(65);
    assert_eq!(encode(Value::object([(long.as_str(), Value::tuple([n("1")]))])), format!("? \"{long}\"\n: - 1\n"));
    let short = "é".repeat(64);
    assert_eq!(encode(Value::object([(short.as_str(), n("1"))])), format!("\"{short}\": 1\n"));
}
