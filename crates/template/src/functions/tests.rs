//! What functions return, called directly. The values agree with what `packer console` prints.

use super::*;
use crate::eval::world::{empty, show};
use crate::scope::Functions;
use crate::value::Kind;
use proptest::prelude::*;

/// The result, or the first thing that is wrong and with which argument.
pub(super) fn call(name: &str, arguments: &[Value]) -> String {
    let function = find(name).expect("a function");
    assert_eq!(function.check_count(arguments.len()), Ok(()));
    match function.invoke(&empty(Functions::All), arguments, &Cell::default()) {
        Ok(value) => show(&value),
        Err(failures) => {
            let failure = failures.into_iter().next().expect("a failure");
            let place = failure.argument.map(|index| format!("{index}: ")).unwrap_or_default();
            format!("{place}{}", failure.message)
        }
    }
}

pub(super) fn s(text: &str) -> Value {
    Value::string(text)
}

pub(super) fn n(text: &str) -> Value {
    Value::number(Number::parse(text).expect("a number"))
}

fn t<const N: usize>(elements: [Value; N]) -> Value {
    Value::tuple(elements)
}

fn texts<const N: usize>(elements: [&str; N]) -> Value {
    Value::list(Type::String, elements.map(s))
}

fn null() -> Value {
    Value::null(Type::Any)
}

#[test]
fn each_name_is_there_once() {
    let mut all: Vec<_> = names().collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    // Packer's 103 functions, and `env`.
    assert_eq!((count, all.len()), (104, 104));
}

#[test]
fn numbers() {
    assert_eq!(call("abs", &[n("-1.5")]), "1.5");
    assert_eq!(call("ceil", &[n("1.2")]), "2");
    assert_eq!(call("floor", &[n("-1.2")]), "-2");
    assert_eq!(call("log", &[n("8"), n("2")]), "3");
    assert_eq!(call("log", &[n("0"), n("10")]), "-Inf");
    assert_eq!(call("log", &[n("-1"), n("10")]), "there is no such number");
    assert_eq!(call("max", &[s("5"), n("3")]), "5");
    assert_eq!(call("min", &[n("5"), n("-3")]), "-3");
    assert_eq!(call("parseint", &[s("zz"), n("36")]), "1295");
    assert_eq!(call("parseint", &[s("aZ"), n("62")]), "681");
    assert_eq!(call("parseint", &[s("+5"), n("10")]), "5");
    assert_eq!(call("parseint", &[n("5"), n("10")]), "0: a string is required");
    assert_eq!(call("parseint", &[s("9"), n("8")]), "0: this is no whole number in base 8");
    assert_eq!(call("parseint", &[s("9"), n("63")]), "1: the base must be from 2 to 62");
    assert_eq!(call("pow", &[n("2"), n("0.5")]), "1.4142135623730951");
    assert_eq!(call("pow", &[n("10"), n("30")]), "1000000000000000000000000000000");
    assert_eq!(call("pow", &[n("0"), n("0")]), "1");
    assert_eq!(call("signum", &[n("-3")]), "-1");
    assert_eq!(call("signum", &[n("0")]), "0");
    assert_eq!(call("sum", &[t([n("1"), s("2.5")])]), "3.5");
    assert_eq!(call("sum", &[t([])]), "0: an empty list has no sum");
    assert_eq!(call("sum", &[t([n("1"), null()])]), "0: [1]: this must not be null");
}

#[test]
fn strings() {
    assert_eq!(call("chomp", &[s("a\r\n\n\r")]), "\"a\"");
    assert_eq!(call("endswith", &[s("abc"), s("bc")]), "true");
    assert_eq!(call("startswith", &[s("abc"), s("bc")]), "false");
    assert_eq!(call("strcontains", &[s("abc"), s("b")]), "true");
    assert_eq!(call("indent", &[n("2"), s("a\n\nb\n")]), "\"a\\n  \\n  b\\n  \"");
    assert_eq!(call("indent", &[n("1e9"), s("a\nb")]), "the result is too large");
    assert_eq!(call("indent", &[n("1e9"), s("a")]), "\"a\"");
    assert_eq!(call("join", &[s("-"), t([s("a"), n("1")]), texts(["b"])]), "\"a-1-b\"");
    assert_eq!(call("join", &[s("-")]), "at least one list is needed");
    assert_eq!(call("join", &[s("-"), t([null()])]), "1: [0]: this must not be null");
    assert_eq!(call("lower", &[s("ABCİΣ")]), "\"abciσ\"");
    assert_eq!(call("upper", &[s("éßﬁᾳ")]), "\"Éßﬁᾼ\"");
    assert_eq!(call("title", &[s("world-foo bar_baz éa 1a a'b")]), "\"World-Foo Bar_baz Éa 1a A'B\"");
    assert_eq!(call("replace", &[s("hello"), s("/l+/"), s("L")]), "\"hello\"");
    assert_eq!(call("replace", &[s("aaa"), s(""), s("-")]), "\"-a-a-a-\"");
    assert_eq!(call("split", &[s(","), s("a,,b")]), "list[\"a\", \"\", \"b\"]");
    assert_eq!(call("split", &[s(""), s("abc")]), "list[\"a\", \"b\", \"c\"]");
    assert_eq!(call("split", &[s(","), s("")]), "list[\"\"]");
    assert_eq!(call("strrev", &[s("x\u{0}he\u{301}")]), "\"éh\\0x\"");
    assert_eq!(call("substr", &[s("hello"), n("-3"), n("2")]), "\"ll\"");
    assert_eq!(call("substr", &[s("hello"), n("-10"), n("2")]), "\"he\"");
    assert_eq!(call("substr", &[s("hello"), n("2"), n("-1")]), "\"llo\"");
    assert_eq!(call("substr", &[s("hello"), n("9"), n("1")]), "\"\"");
    assert_eq!(call("substr", &[s("hello"), n("0.5"), n("1")]), "1: a whole number is required");
    assert_eq!(call("trim", &[s("?!hello?!"), s("!?")]), "\"hello\"");
    assert_eq!(call("trimprefix", &[s("aab"), s("a")]), "\"ab\"");
    assert_eq!(call("trimsuffix", &[s("abb"), s("b")]), "\"ab\"");
    assert_eq!(call("trimspace", &[s(" \u{a0}a\n")]), "\"a\"");
}

#[test]
fn formats() {
    let format = |format: &str, arguments: &[Value]| call("format", &[&[s(format)], arguments].concat());
    let number = n("1234567.5");
    assert_eq!(
        format("%05d|%-5d|%+d|%x|%#x|% d|%5.3d", &["42", "42", "42", "255", "255", "3", "7"].map(n)),
        "\"00042|42   |+42|ff|0xff| 3|  007\""
    );
    assert_eq!(format("%05s|%5v|%05v|%-5v|", &[s("ab"), s("ab"), s("ab"), n("1")]), "\"000ab|   ab|000ab|1    |\"");
    let mixed = [Value::bool(true), t([n("1"), s("a")]), s("x"), n("123456")];
    assert_eq!(format("%v|%v|%#v|%v", &mixed), "\"true|[1,\\\"a\\\"]|\\\"x\\\"|123456\"");
    assert_eq!(
        format("%g|%g|%g|%G", &["100000", "1000000", "0.00001", "0.00001"].map(n)),
        "\"100000|1e+06|1e-05|1E-05\""
    );
    assert_eq!(
        format("%.3g|%.10g|%.3e|%e|%f", &[number.clone(), number.clone(), number.clone(), number.clone(), number]),
        "\"1.23e+06|1234567.5|1.235e+06|1.234568e+06|1234567.500000\""
    );
    assert_eq!(
        format("%.0f|%8.2f|%08.2f|%+.1f", &["2.5", "3.14159", "-3.14159", "2"].map(n)),
        "\"2|    3.14|-0003.14|+2.0\""
    );
    assert_eq!(format("%b|%o|%#o|%X|%t", &[n("5"), n("8"), n("8"), n("255"), s("true")]), "\"101|10|010|FF|true\"");
    assert_eq!(format("%q|%10q|%.1s", &[s("é\n"), s("a"), s("éx")]), "\"\\\"é\\\\n\\\"|       \\\"a\\\"|é\"");
    assert_eq!(
        format("%e|%f|%g|%v", &["0", "0", "0", "12345678901234567890"].map(n)),
        "\"0.000000e+00|0.000000|0|1.234567890123456789e+19\""
    );
    assert_eq!(format("%[2]s %[1]s%%", &[s("a"), s("b")]), "\"b a%\"");
    assert_eq!(format("%v", &[null()]), "\"null\"");
    assert_eq!(format("%s", &[null()]), "1: `%s` cannot format null; `%v` can");
    assert_eq!(format("%d", &[n("1.5")]), "1: `%d` needs a whole number");
    assert_eq!(format("%s %s", &[s("a")]), "0: `%s` wants argument 2, and there are 1");
    assert_eq!(format("%s", &[s("a"), s("b")]), "2: the format makes no use of this");
    assert_eq!(format("%z", &[s("a")]), "1: `%z` is no way to format a value");
    assert_eq!(format("100%", &[]), "0: nothing follows the last `%`");
    assert_eq!(format("%9999999s", &[s("a")]), "0: more than 10000 is too wide");
    assert_eq!(format("%s-x", &[Value::unknown_of(Type::String)]), "unknown string");
}

#[test]
fn formats_of_lists() {
    assert_eq!(call("formatlist", &[s("%s-%d"), t([s("a"), s("b")]), t([n("1"), n("2")])]), "list[\"a-1\", \"b-2\"]");
    assert_eq!(call("formatlist", &[s("%s-%s"), texts(["a", "b"]), s("x")]), "list[\"a-x\", \"b-x\"]");
    assert_eq!(call("formatlist", &[s("%s"), t([])]), "list[]");
    assert_eq!(call("formatlist", &[s("%s"), s("a")]), "list[\"a\"]");
    assert_eq!(
        call("formatlist", &[s("%s%s"), texts(["a"]), texts(["b", "c"])]),
        "2: this has 2 elements, and the list before it 1"
    );
}

#[test]
fn collections() {
    let object = || Value::object([("b", n("1")), ("a", n("2"))]);
    let map = || Value::map(Type::String, [("k", s("v"))]);
    assert_eq!(call("alltrue", &[t([s("true"), Value::bool(true)])]), "true");
    assert_eq!(call("alltrue", &[t([null(), Value::bool(true)])]), "false");
    assert_eq!(call("anytrue", &[t([])]), "false");
    assert_eq!(call("coalesce", &[null(), n("1"), s("y")]), "\"1\"");
    assert_eq!(call("coalesce", &[s(""), s("x")]), "\"x\"");
    assert_eq!(call("coalesce", &[null(), null()]), "all arguments are null or empty");
    assert_eq!(call("coalescelist", &[t([]), null(), t([s("a")])]), "[\"a\"]");
    assert_eq!(call("contains", &[t([n("1"), n("2")]), s("1")]), "false");
    assert_eq!(call("contains", &[t([Value::unknown(), n("2")]), n("2")]), "true");
    assert_eq!(call("contains", &[t([Value::unknown(), n("2")]), n("1")]), "unknown bool");
    assert_eq!(call("keys", &[object()]), "[\"a\", \"b\"]");
    assert_eq!(call("keys", &[map()]), "list[\"k\"]");
    assert_eq!(call("values", &[object()]), "[2, 1]");
    assert_eq!(call("values", &[map()]), "list[\"v\"]");
    assert_eq!(call("length", &[s("e\u{301}日")]), "2");
    assert_eq!(call("length", &[object()]), "2");
    assert_eq!(call("length", &[n("5")]), "0: a string or a collection is required, not a number");
    assert_eq!(call("lookup", &[object(), s("z"), s("x")]), "\"x\"");
    assert_eq!(call("lookup", &[map(), s("k"), n("1")]), "\"v\"");
    assert_eq!(call("lookup", &[map(), s("z"), n("1")]), "\"1\"");
    assert_eq!(call("merge", &[map(), null(), Value::object([("k", n("1"))])]), "{k = 1}");
    assert_eq!(call("merge", &[map(), map()]), "map{k = \"v\"}");
    assert_eq!(call("merge", &[]), "{}");
    assert_eq!(call("merge", &[s("x")]), "0: a map or object is required, not a string");
    assert_eq!(call("zipmap", &[t([s("a"), s("b")]), t([n("1"), n("2")])]), "{a = 1, b = 2}");
    assert_eq!(call("zipmap", &[t([s("a")]), texts(["x"])]), "map{a = \"x\"}");
    assert_eq!(call("zipmap", &[t([s("a")]), t([])]), "1: there must be one value for each of the 1 keys, not 0");
}

#[test]
fn lists() {
    let three = || t([n("1"), n("2"), n("3")]);
    assert_eq!(call("chunklist", &[three(), n("2")]), "list[list[1, 2], list[3]]");
    assert_eq!(call("chunklist", &[three(), n("0")]), "list[list[1, 2, 3]]");
    assert_eq!(call("chunklist", &[t([]), n("2")]), "list[]");
    assert_eq!(call("chunklist", &[three(), n("-1")]), "1: this must not be negative");
    assert_eq!(call("compact", &[t([s("a"), s(""), null(), s("b")])]), "list[\"a\", \"b\"]");
    assert_eq!(call("concat", &[texts(["a"]), t([n("1")]), t([])]), "[\"a\", 1]");
    assert_eq!(call("concat", &[texts(["a"]), texts(["b"])]), "list[\"a\", \"b\"]");
    assert_eq!(call("concat", &[]), "at least one list is needed");
    assert_eq!(call("distinct", &[t([n("1"), s("1"), n("1")])]), "list[\"1\"]");
    assert_eq!(call("distinct", &[texts(["b", "a", "b"])]), "list[\"b\", \"a\"]");
    assert_eq!(call("element", &[texts(["a", "b"]), n("3")]), "\"b\"");
    assert_eq!(call("element", &[t([]), n("0")]), "0: an empty list has no elements");
    assert_eq!(call("flatten", &[t([t([n("1"), t([n("2")])]), t([]), n("3")])]), "[1, 2, 3]");
    assert_eq!(call("flatten", &[t([Value::unknown()])]), "unknown");
    assert_eq!(call("index", &[texts(["a", "b"]), s("b")]), "1");
    assert_eq!(call("index", &[texts(["a", "b"]), s("c")]), "1: this is not in the list");
    assert_eq!(call("reverse", &[t([n("1"), s("a")])]), "[\"a\", 1]");
    assert_eq!(call("slice", &[texts(["a", "b"]), n("0"), n("1")]), "list[\"a\"]");
    assert_eq!(call("slice", &[three(), n("2"), n("1")]), "1: the start must not be after the end");
    assert_eq!(call("slice", &[three(), n("0"), n("4")]), "2: the end must not be beyond the length of the list, 3");
    assert_eq!(call("sort", &[t([n("3"), n("1"), n("20")])]), "list[\"1\", \"20\", \"3\"]");
    assert_eq!(call("sort", &[t([null(), s("a")])]), "0: [0]: this must not be null");
}

#[test]
fn ranges() {
    assert_eq!(call("range", &[n("3")]), "list[0, 1, 2]");
    assert_eq!(call("range", &[n("5"), n("1")]), "list[5, 4, 3, 2]");
    assert_eq!(call("range", &[n("1"), n("2"), n("0.25")]), "list[1, 1.25, 1.5, 1.75]");
    assert_eq!(call("range", &[n("0")]), "list[]");
    assert_eq!(call("range", &[n("1"), n("1"), n("-1")]), "list[]");
    assert_eq!(call("range", &[n("2"), n("1"), n("1")]), "2: the step must be negative to come down to the limit");
    assert_eq!(call("range", &[n("0"), n("2000")]), "more than 1024 numbers are too many");
}

#[test]
fn sets() {
    assert_eq!(call("setintersection", &[texts(["a", "b"]), texts(["b", "c"])]), "set[\"b\"]");
    assert_eq!(call("setintersection", &[t([n("1"), n("2")]), texts(["2"])]), "set[\"2\"]");
    assert_eq!(call("setunion", &[t([]), t([s("b"), s("a")])]), "set[\"a\", \"b\"]");
    let product = "list[[\"a\", 1], [\"a\", 2], [\"b\", 1], [\"b\", 2]]";
    assert_eq!(call("setproduct", &[texts(["a", "b"]), t([n("1"), n("2")])]), product);
    assert_eq!(call("setproduct", &[t([]), t([n("1")])]), "list[]");
    assert_eq!(call("setproduct", &[t([s("a")])]), "at least two sets are needed");
    let large = Value::tuple((0..1000).map(Value::number));
    assert_eq!(call("setproduct", &[large.clone(), large.clone(), large]), "the result is too large");
}

#[test]
fn encodings() {
    assert_eq!(call("base64encode", &[s("é")]), "\"w6k=\"");
    assert_eq!(call("base64encode", &[s("")]), "\"\"");
    for text in ["", "a", "ab", "abc", "abcd", "日本"] {
        let encoded = call("base64encode", &[s(text)]);
        assert_eq!(call("base64decode", &[s(encoded.trim_matches('"'))]), format!("{text:?}"));
    }
    assert_eq!(call("base64decode", &[s("w6k")]), "0: this is not Base64");
    assert_eq!(call("base64decode", &[s("!!!!")]), "0: this is not Base64");
    assert_eq!(call("base64decode", &[s("/w==")]), "0: the decoded bytes are not UTF-8 text");
    assert_eq!(call("urlencode", &[s("a b*~é/")]), "\"a+b%2A~%C3%A9%2F\"");
    let value = Value::object([
        ("b", n("1")),
        ("a", t([n("1.50"), s("<x>&\u{2028}\u{1}\"\\"), null(), Value::bool(true)])),
        ("c", t([])),
        ("d", Value::object::<&str>([])),
    ]);
    let json = r#"{"a":[1.5,"\u003cx\u003e\u0026\u2028\u0001\"\\",null,true],"b":1,"c":[],"d":{}}"#;
    assert_eq!(call("jsonencode", &[value]), format!("{json:?}"));
    assert_eq!(call("jsonencode", &[n("1e21")]), "\"1000000000000000000000\"");
}

#[test]
fn regular_expressions() {
    assert_eq!(call("regex", &[s("(?i)ABC"), s("xabc")]), "\"abc\"");
    assert_eq!(call("regex", &[s(r"(\d+)-(\w+)|(z)"), s("12-ab")]), "[\"12\", \"ab\", null string]");
    assert_eq!(call("regex", &[s("(?P<a>.)(?<b>.)"), s("éx")]), "{a = \"é\", b = \"x\"}");
    assert_eq!(call("regex", &[s("^z"), s("abc")]), "the pattern matches no part of the string");
    assert_eq!(call("regexall", &[s("b*"), s("abbc")]), "list[\"\", \"bb\", \"\"]");
    assert_eq!(call("regexall", &[s("(?P<x>b)"), s("abb")]), "list[{x = \"b\"}, {x = \"b\"}]");
    assert_eq!(call("regexall", &[s("(b)"), s("a")]), "list[]");
    for (pattern, wrong) in [
        ("(a)(?P<x>b)", "0: some groups have names and some do not"),
        ("a**", "0: this is no regular expression: `*`: it follows another repetition; put the inner one into a group"),
        ("\\p{Foo}", "0: this is no regular expression: it asks for something that does not exist"),
        (r"[\pL\pN]{1000}", "0: this regular expression is too large"),
    ] {
        assert_eq!(call("regex", &[s(pattern), s("")]), wrong);
        assert_eq!(call("regexall", &[s(pattern), Value::unknown()]), wrong);
    }
    let hidden = "0: this is no regular expression: the class is not closed";
    assert_eq!(call("regex", &[s("[s3cret").marked(true), s("")]), hidden);

    let unknown = |pattern: &str| {
        let arguments = [s(pattern), Value::unknown_of(Type::String)];
        find("regexall")
            .expect("a function")
            .invoke(&empty(Functions::All), &arguments, &Cell::default())
            .expect("a value")
            .type_of()
    };
    assert_eq!(unknown("a"), Type::list(Type::String));
    assert_eq!(unknown("a(b)"), Type::list(Type::tuple([Type::String])));
    assert_eq!(unknown("(?P<x>b)"), Type::list(Type::object([("x", Type::String)])));
    assert_eq!(call("regex", &[Value::unknown(), s("a")]), "unknown");
}

#[test]
fn replacements() {
    let replace = |pattern: &str, replacement: &str| call("regex_replace", &[s("hello"), s(pattern), s(replacement)]);
    for (pattern, replacement, result) in [
        ("(l+)", "<$1>", "he<ll>o"),
        ("(l)", "[$1x|${1}x|$1é]", "he[|lx|][|lx|]o"),
        ("(?P<x>l)|(?P<x>o)", "[$x]", "he[l][l][o]"),
        ("l", "$0$0", "hellllo"),
        ("l", "$$0 $ $- ${ ${} ${0", "he$0 $ $- ${ ${} ${0$0 $ $- ${ ${} ${0o"),
        ("(l)", "$2$01", "heo"),
        ("l*", "-", "-h-e-o-"),
        ("^", "\\1", "\\1hello"),
    ] {
        assert_eq!(replace(pattern, replacement), format!("{result:?}"), "{pattern} {replacement}");
    }
    assert_eq!(replace("", &"x".repeat(10 << 20)), "the result is too large");
    assert_eq!(replace("(", ""), "1: this is no regular expression: `(`: the group is not closed");
}

#[test]
fn gzip_is_framed_as_go_does_it() {
    let gzip = |text: &str| call("base64gzip", &[s(text)]);
    assert_eq!(gzip("hello"), "\"H4sIAAAAAAAA/8pIzcnJBwAAAP//AQAA//+GphA2BQAAAA==\"");
    assert_eq!(gzip(""), "\"H4sIAAAAAAAA/wAAAP//AQAA//8AAAAAAAAAAA==\"");
    let mut state = 1_u32;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b' ' + u8::try_from(state >> 26).expect("6 bits"))
    })
    .take(300_000)
    .collect();
    for text in ["é".repeat(100_000), noise] {
        let encoded = gzip(&text);
        let bytes = encoding::from_base64(encoded.trim_matches('"')).expect("base64");
        let mut decoded = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*bytes), &mut decoded).expect("gzip");
        assert_eq!(decoded, text);
    }
}

#[test]
fn other_encodings() {
    for (text, encoding, encoded) in [
        ("é", "UTF-16LE", "6QA="),
        ("日", "shift_jis", "k/o="),
        ("aé日€", "UTF-16", "/v8AYQDpZeUgrA=="),
        ("aé日€", "gbk", "YaimyNWA"),
        ("aé日€", "gb18030", "YaimyNWi4w=="),
        ("aé", " utf-8", "YcOp"),
        ("a", "ANSI_X3.4-1968", "YQ=="),
        ("é", "latin1", "6Q=="),
        ("ğð", "ISO-8859-9", "0: `ð` does not exist in this encoding"),
        ("ÿş", "ISO-8859-9", "//4="),
        ("€", "windows-1252", "gA=="),
        ("aé", "us-ascii", "0: `é` does not exist in this encoding"),
        ("a日", "windows-1252", "0: `日` does not exist in this encoding"),
        ("é", "ascii", "1: `ascii` is no encoding that is known here"),
        ("é", "", "1: `` is no encoding that is known here"),
    ] {
        let result = call("textencodebase64", &[s(text), s(encoding)]);
        assert_eq!(result.trim_matches('"'), encoded, "{encoding}");
        if result.starts_with('"') {
            assert_eq!(call("textdecodebase64", &[s(encoded), s(encoding)]), format!("{text:?}"), "{encoding}");
        }
    }
    let decode = |encoded: &str, encoding: &str| call("textdecodebase64", &[s(encoded), s(encoding)]);
    assert_eq!(decode("//5hAA==", "UTF-16"), "\"a\"");
    assert_eq!(decode("//5hAA==", "UTF-16LE"), format!("{:?}", "\u{feff}a"));
    assert_eq!(decode("2D1h", "UTF-16BE"), "\"\u{fffd}\u{fffd}\"");
    assert_eq!(decode("gGE=", "us-ascii"), "\"\u{fffd}a\"");
    assert_eq!(decode("?", "us-ascii"), "0: this is not Base64");
    let hidden = call("textencodebase64", &[s("é").marked(true), s("us-ascii")]);
    assert_eq!(hidden, "0: a character does not exist in this encoding");
}

#[test]
fn json_is_read_exactly() {
    for (text, value) in [
        (" 12345678901234567890123.50 ", "12345678901234567890123.5"),
        (
            r#"{"b":1,"a":[1,-2.5e1,null,true,false],"e\u0301":{},"c":[ ]}"#,
            "{a = [1, -25, null, true, false], b = 1, c = [], é = {}}",
        ),
        (r#"{"a":{"b":1},"a":2}"#, "{a = 2}"),
        (r#""\u00e9\ud83d\ude00\ud800x\/\b""#, r#""é😀�x/\u{8}""#),
        ("1e400", &format!("1{}", "0".repeat(400))),
    ] {
        assert_eq!(call("jsondecode", &[s(text)]), value);
    }
    for (text, wrong) in [
        ("", "1, column 1: a value is missing"),
        ("1 2", "1, column 3: something follows the value"),
        ("01", "1, column 2: something follows the value"),
        ("[1,\n é]", "2, column 2: no value begins like this"),
        ("[1,]", "1, column 4: no value begins like this"),
        ("[1 2]", "1, column 4: a `,` or `]` is expected"),
        ("{\"a\":1,}", "1, column 8: a key in double quotes is expected"),
        ("{\"a\" 1}", "1, column 6: a `:` is expected after the key"),
        ("-", "1, column 2: a digit is expected"),
        ("1.", "1, column 3: a digit is expected after the decimal point"),
        ("1e99999", "1, column 8: this number is too large"),
        ("\"a\tb\"", "1, column 3: a control character must be written as an escape"),
        ("\"\\x\"", "1, column 2: there is no such escape"),
        ("\"\\u12\"", "1, column 2: four hexadecimal digits are expected after `\\u`"),
        ("\"a", "1, column 3: the string is not closed"),
        ("\u{feff}1", "1, column 1: no value begins like this"),
        (&"[".repeat(101), "1, column 101: the values are nested too deeply"),
    ] {
        assert_eq!(call("jsondecode", &[s(text)]), format!("0: this is not JSON, at line {wrong}"));
    }
    assert_eq!(call("jsondecode", &[Value::unknown()]), "unknown");
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(
        call(
            "jsonencode",
            &[find("jsondecode")
                .expect("a function")
                .invoke(&empty(Functions::All), &[s(&deep)], &Cell::default())
                .expect("a value")]
        ),
        format!("{deep:?}")
    );
}

#[test]
fn csv_makes_a_list_of_objects() {
    for (text, value) in [
        ("a,b\n1,2\r\n\n3,4", "list[{a = \"1\", b = \"2\"}, {a = \"3\", b = \"4\"}]"),
        ("a, \n#1,\r", "list[{  = \"\", a = \"#1\"}]"),
        ("\"a\"\"\",\"b\nc\"\n\"x\r\ny\",\"\"\r\n", r#"list[{a" = "x\ny", b"#),
        ("a\n\"\"\n \n\"\r\"", r#"list[{a = ""}, {a = " "}, {a = "\r"}]"#),
        ("a\nb\rc\r\r\n", r#"list[{a = "b\rc\r"}]"#),
        ("e\u{301},b", "list[]"),
    ] {
        let result = call("csvdecode", &[s(text)]);
        assert!(result.starts_with(value), "{result}");
    }
    for (text, wrong) in [
        ("\n\n", "there is no line with the names of the columns"),
        ("a,\"a\"\n", "this is not CSV, at line 1, column 1: two columns have the same name"),
        ("a,b\n1", "this is not CSV, at line 2, column 1: this row has 1 fields, and the first line has 2"),
        (
            "a,b\n1,x\"y",
            "this is not CSV, at line 2, column 4: a field with a `\"` inside has to stand in double quotes",
        ),
        ("a\n\"x\" ", "this is not CSV, at line 2, column 3: a `\"` inside double quotes has to be written twice"),
        ("a\n\"x\n", "this is not CSV, at line 3, column 1: a double quote is not closed"),
    ] {
        assert_eq!(call("csvdecode", &[s(text)]), format!("0: {wrong}"));
    }
    assert_eq!(call("csvdecode", &[Value::unknown()]), "unknown");
}

#[test]
fn paths() {
    assert_eq!(call("abspath", &[s("a/../b")]), "\"/work/b\"");
    assert_eq!(call("abspath", &[s("/a//b/./c/../..")]), "\"/a\"");
    for (path, base, directory) in [
        ("/a/b/", "b", "/a/b"),
        ("a", "a", "."),
        ("/", "/", "/"),
        ("", ".", "."),
        ("a/b", "b", "a"),
        ("../a", "a", ".."),
    ] {
        assert_eq!(call("basename", &[s(path)]), format!("{base:?}"), "{path}");
        assert_eq!(call("dirname", &[s(path)]), format!("{directory:?}"), "{path}");
    }
    assert_eq!(call("pathexpand", &[s("~/x/../y")]), "\"/home/user/y\"");
    assert_eq!(call("pathexpand", &[s("~")]), "\"/home/user\"");
    assert_eq!(call("pathexpand", &[s("a~")]), "\"a~\"");
    assert_eq!(call("pathexpand", &[s("~bob")]), "0: the home of another user is not known here");
}

#[test]
fn files() {
    assert_eq!(call("file", &[s("note.txt")]), "\"remember\\n\"");
    assert_eq!(call("file", &[s("nope.txt")]), "0: there is no file at `nope.txt`");
    assert_eq!(call("file", &[s("scripts")]), "0: `scripts` is a folder, not a file");
    assert_eq!(call("file", &[s("image")]), "0: `image` is not UTF-8 text");
    assert_eq!(call("file", &[s("secret")]), "0: `secret` may not be read");
    assert_eq!(call("filebase64", &[s("/template/note.txt")]), "\"cmVtZW1iZXIK\"");
    assert_eq!(call("filebase64", &[s("/template/image")]), "\"//4=\"");
    assert_eq!(call("filebase64", &[s("note.txt")]), "0: there is no file at `note.txt`");
    assert_eq!(call("filebase64", &[s("/template/scripts")]), "0: `/template/scripts` is a folder, not a file");
    assert_eq!(call("fileexists", &[s("note.txt")]), "true");
    assert_eq!(call("fileexists", &[s("nope.txt")]), "false");
    assert_eq!(call("fileexists", &[s("scripts")]), "0: `scripts` is a folder, not a file");
}

#[test]
fn times() {
    let time = "2024-02-29T00:04:05+02:00";
    let format = "EEEE, DD-MMM-YY hh:mm:ss ZZZ 'o''clock' AA HH H h M D YYYY EEE MMMM";
    assert_eq!(
        call("formatdate", &[s(format), s(time)]),
        "\"Thursday, 29-Feb-24 00:04:05 +0200 o'clock AM 12 12 0 2 29 2024 Thu February\""
    );
    assert_eq!(call("formatdate", &[s("Z ZZZ ZZZZ ZZZZZ"), s("2024-02-29T13:04:05Z")]), "\"Z UTC +0000 +00:00\"");
    assert_eq!(call("formatdate", &[s("YYY"), s(time)]), "0: `YYY` means nothing in a format");
    assert_eq!(call("formatdate", &[s("'a"), s(time)]), "0: a single quote is not closed");
    assert_eq!(call("formatdate", &[s("YYYY"), s("2024-02-30T00:04:05Z")]), "1: this is no time as in RFC 3339");
    assert_eq!(call("timeadd", &[s(time), s("-1h30m0.5s")]), "\"2024-02-28T22:34:04+02:00\"");
    assert_eq!(call("timeadd", &[s("2024-02-29T00:04:05.7Z"), s("300ms")]), "\"2024-02-29T00:04:06Z\"");
    assert_eq!(call("timeadd", &[s("2024-02-29T00:04:05Z"), s(".5s")]), "\"2024-02-29T00:04:05Z\"");
    for duration in ["1d", "", "-", "1", "1h-", "s", "99999999999999999999h"] {
        assert_eq!(call("timeadd", &[s(time), s(duration)]), "1: this is no duration", "{duration}");
    }
    assert_eq!(call("timestamp", &[]), "\"2024-02-29T13:04:05Z\"");
}

#[test]
fn marks_and_unknowns_pass_through() {
    let secret = || s("x").marked(true);
    assert_eq!(call("upper", &[secret()]), "sensitive \"X\"");
    assert_eq!(call("concat", &[t([secret()]), t([n("1")])]), "[sensitive \"x\", 1]");
    assert_eq!(call("setunion", &[t([secret()]), t([s("y")])]), "sensitive set[\"x\", \"y\"]");
    assert_eq!(call("flatten", &[t([t([secret()]).marked(true)])]), "sensitive [sensitive \"x\"]");
    assert_eq!(call("file", &[secret()]), "0: there is no file at this path");
    assert_eq!(call("split", &[s(","), Value::unknown()]), "unknown list of string");
    assert_eq!(call("sort", &[t([Value::unknown(), s("a")])]), "unknown list of string");
    assert_eq!(call("values", &[Value::object([("a", Value::unknown_of(Type::String))])]), "[unknown string]");
    assert_eq!(
        call("upper", &[Value::from(Kind::Unknown(Type::list(Type::Any))).marked(true)]),
        "0: a string is required, not a list"
    );
}

/// Text of what is special to some language, mostly.
fn special(pattern: &'static str) -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof![8 => pattern, 1 => "\\PC"], 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_text_is_too_odd_to_read(
        json in special(r#"[\[\]{}:,"\\u0a19e.+\- \n]|true|null|\\ud83d"#),
        csv in special("[\",a \r\n]"),
        yaml in special(r#"[\[\]{}:,"'|>&*!#%@?ab0-9.\-\n ]|---|\n  |- |: |<<|&a|\*a|0b|!!int |2024-01-01"#),
        pattern in special(r"[()\[\]{}|?*+.^$\\ab0-9,:\-&~<>]|\\[A-Za-z]|\(\?|\[:alpha:\]|\{2,3\}"),
    ) {
        // Any of these may fail; none may panic.
        call("jsondecode", &[s(&json)]);
        call("csvdecode", &[s(&csv)]);
        call("yamldecode", &[s(&yaml)]);
        call("regexall", &[s(&pattern), s(&csv)]);
        call("regex_replace", &[s(&csv), s(&pattern), s(&pattern)]);
        call("fileset", &[s("."), s(&pattern)]);
    }

    #[test]
    fn what_is_encoded_is_decoded(text in any::<String>(), words in special("[ \\n\\ta'\"\\\\:#é-]")) {
        for text in [text, words] {
            let value = Value::object([("k", t([s(&text), n("1.5")])), (s(&text).as_str().unwrap_or_default(), null())]);
            for (encode, decode) in [("jsonencode", "jsondecode"), ("yamlencode", "yamldecode")] {
                // YAML 1.1 breaks lines here, and YAML 1.2 does not.
                if encode == "yamlencode" && text.contains(['\u{2028}', '\u{2029}']) {
                    continue;
                }
                let encoded = find(encode).expect("a function").invoke(&empty(Functions::All), std::slice::from_ref(&value), &Cell::default());
                prop_assert_eq!(call(decode, &[encoded.expect("text")]), show(&value), "{}", encode);
            }
        }
    }
}
