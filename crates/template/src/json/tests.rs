mod recovery;

use super::*;
use crate::diagnostic::Severity;
use crate::source::{Origin, Sources};
use proptest::prelude::*;

fn read(text: &str) -> (Sources, Expression, Vec<Diagnostic>) {
    let sources = Sources::default();
    let file = sources.add("t.json", Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    let root = parse(file, text, &mut diagnostics);
    (sources, root, diagnostics.into_sorted())
}

/// One line a mistake: place, code, message, the text pointed at, help; then the related places.
fn mistakes(text: &str) -> String {
    let (sources, _, diagnostics) = read(text);
    let mut out = String::new();
    for diagnostic in diagnostics {
        let span = diagnostic.primary.as_ref().unwrap().span;
        let at = sources.position(span.file, span.start);
        let severity = if diagnostic.severity == Severity::Warning { "warning " } else { "" };
        out.push_str(&format!(
            "{}:{} {severity}{}: {} <{}> {}\n",
            at.line,
            at.column,
            diagnostic.code,
            diagnostic.message,
            sources.slice(span),
            diagnostic.help.as_deref().unwrap_or("no help")
        ));
        for label in diagnostic.related {
            let at = sources.position(label.span.file, label.span.start);
            out.push_str(&format!("    {}:{} {}\n", at.line, at.column, label.message));
        }
    }
    out
}

/// A short form of the tree: strings with quotes, `!` for what is broken.
fn tree(text: &str) -> String {
    show(&read(text).1)
}

fn show(expression: &Expression) -> String {
    match &expression.kind {
        ExpressionKind::Null => "null".to_owned(),
        ExpressionKind::Bool(value) => value.to_string(),
        ExpressionKind::Number(number) => number.to_string(),
        ExpressionKind::String(text) => format!("{:?}", text.value()),
        ExpressionKind::Tuple(elements) => format!("[{}]", elements.iter().map(show).collect::<Vec<_>>().join(" ")),
        ExpressionKind::Object(items) => {
            let show_item = |item: &ObjectItem| format!("{}:{}", item.key.literal().unwrap().value, show(&item.value));
            format!("{{{}}}", items.iter().map(show_item).collect::<Vec<_>>().join(" "))
        }
        ExpressionKind::Broken => "!".to_owned(),
        _ => "?".to_owned(),
    }
}

#[test]
fn a_template_becomes_a_tree() {
    let text = r#"{ "builders": [{"type": "null", "port": 22, "x": [true, false, null, -1.5e2, []]}], "e": {} }"#;
    assert_eq!(tree(text), r#"{builders:[{type:"null" port:22 x:[true false null -150 []]}] e:{}}"#);
    assert_eq!(mistakes(text), "");
}

#[test]
fn everything_has_its_place() {
    let (sources, root, _) = read("{\"ab\": [1, \"x\"]}");
    let ExpressionKind::Object(items) = &root.kind else { panic!("not an object: {root:?}") };
    assert_eq!(sources.slice(items[0].key.literal().unwrap().span), "\"ab\"");
    assert_eq!(sources.slice(items[0].value.span), "[1, \"x\"]");
    let ExpressionKind::Tuple(elements) = &items[0].value.kind else { panic!("not a tuple") };
    assert_eq!(elements.iter().map(|element| sources.slice(element.span)).collect::<Vec<_>>(), ["1", "\"x\""]);
    assert_eq!(sources.slice(root.span), "{\"ab\": [1, \"x\"]}");
}

#[test]
fn escapes_lead_back_to_the_file() {
    let (sources, root, diagnostics) = read(r#" "a\u00e9\ud83d\ude00\n{{user \"x\"}}\/" "#);
    assert_eq!(diagnostics, []);
    let ExpressionKind::String(text) = &root.kind else { panic!("not a string: {root:?}") };
    assert_eq!(text.value(), "aé😀\n{{user \"x\"}}/");
    let place = |part: &str| {
        let start = text.value().find(part).unwrap();
        sources.slice(text.span(start..start + part.len()))
    };
    assert_eq!(place("é"), r"\u00e9");
    assert_eq!(place("😀"), r"\ud83d\ude00");
    assert_eq!(place("\n"), r"\n");
    assert_eq!(place("\"x\""), r#"\"x\""#);
    assert_eq!(place("x"), "x");
    assert_eq!(place("/"), r"\/");
}

#[test]
fn duplicate_keys_at_any_depth() {
    let text = "{\"a\": 1,\n \"b\": {\"c\": 1, \"c\": 2,\n \"\\u0063\": {\"d\": 1, \"d\": 2}},\n \"a\": 3}";
    assert_eq!(
        mistakes(text),
        "2:16 duplicate-key: the key `c` is here twice <\"c\"> delete one of the two
    2:8 first here
3:2 duplicate-key: the key `c` is here twice <\"\\u0063\"> delete one of the two
    2:8 first here
3:21 duplicate-key: the key `d` is here twice <\"d\"> delete one of the two
    3:13 first here
4:2 duplicate-key: the key `a` is here twice <\"a\"> delete one of the two
    1:2 first here
"
    );
    assert_eq!(tree(text), "{a:1 b:{c:1}}");
}

#[test]
fn what_other_dialects_allow_is_told_where_it_is() {
    let text = "{
  // builders
  \"a\": [1, 2,],
  'b': 'it',
  c: True, /* more */
  \"d\": .5,
  \"e\": 0644, # octal
}
";
    assert_eq!(
        mistakes(text),
        "2:3 json-comment: JSON has no comments <// builders> delete it; a remark can be the string value of a root key that begins with `_`
3:13 json-trailing-comma: a `,` stands before `]`, which JSON does not allow <,> delete the `,`
4:3 json-quotes: a string stands in double quotes (`\"`), not in `'` <'b'> use `\"` on both ends, and write `\\\"` inside
4:8 json-quotes: a string stands in double quotes (`\"`), not in `'` <'it'> use `\"` on both ends, and write `\\\"` inside
5:3 json-key: the key `c` has no double quotes <c> write `\"c\"`
5:6 json-value: `True` is not a JSON value <True> write `true`
5:12 json-comment: JSON has no comments </* more */> delete it; a remark can be the string value of a root key that begins with `_`
6:8 json-number: `.5` is not a JSON number <.5> a number begins with a digit, or with `-` and a digit
7:8 json-number: `0644` is not a JSON number <0644> delete the zeros in front, or put double quotes round it if it is text such as a file mode
7:12 json-trailing-comma: a `,` stands before `}`, which JSON does not allow <,> delete the `,`
7:14 json-comment: JSON has no comments <# octal> delete it; a remark can be the string value of a root key that begins with `_`
"
    );
    assert_eq!(tree(text), "{a:[1 2] b:! c:! d:! e:!}");
}

#[test]
fn missing_signs_are_told_behind_what_they_follow() {
    let text = "{\"a\": 1\n \"b\" 2,\n \"c\",\n \"d\" = 4, \"e\": ,\n \"f\":: \"x\",, \"g\": [1 2,, 3]}";
    assert_eq!(
        mistakes(text),
        "1:8 json-comma: a `,` is missing here <> separate members by `,`
2:5 json-colon: a `:` is missing after the key `b` <> write `:` between key and value
3:2 json-colon: the key `c` has no value <\"c\"> write `:` and a value behind it
4:6 json-colon: a `:` stands between key and value in JSON <=> write `:`
4:16 json-value: a value is missing here <> write a value, or delete its key
5:6 json-colon: there is a `:` too many <:> delete it
5:12 json-comma: there is a `,` too many <,> delete it, or write the value before it
5:21 json-comma: a `,` is missing here <> separate members by `,`
5:24 json-comma: there is a `,` too many <,> delete it, or write the value before it
"
    );
    assert_eq!(tree(text), "{a:1 b:2 c:! d:4 e:! f:\"x\" g:[1 2 3]}");
}

#[test]
fn brackets_that_do_not_match() {
    assert_eq!(
        mistakes("{\"a\": [1, 2}\n"),
        "1:7 json-unclosed: this `[` is never closed <[> add the missing `]`\n    1:12 a `]` is missing before this\n"
    );
    assert_eq!(
        mistakes("{\"a\": {\"b\": 1]}"),
        "1:14 json-unclosed: `]` does not close what is open here <]> write `}`\n    1:7 opened here\n"
    );
    assert_eq!(
        mistakes("{\"a\": {\"b\": [1}, \"c\": 2"),
        "1:1 json-unclosed: this `{` is never closed <{> add the missing `}`
1:13 json-unclosed: this `[` is never closed <[> add the missing `]`
    1:15 a `]` is missing before this
"
    );
    assert_eq!(mistakes("[[[{\"a\":"), "1:4 json-unclosed: this `{` is never closed <{> add the missing `}`\n");
    assert_eq!(
        mistakes("{}}"),
        "1:3 json-trailing-data: `}` closes nothing that is open <}> delete it, or add the bracket that it closes\n"
    );
}

#[test]
fn strings_gone_wrong() {
    let text = "{\"a\": \"no end,\n \"b\": \"tab\there\", \"c\": \"two\nlines\",\n \"d\": \"C:\\dir\\u12\", \"e\": \"\\ud800\", \"f: 1,\n \"g\": [\"x]\n}";
    assert_eq!(
        mistakes(text),
        "1:7 json-unclosed: this string has no closing quote on its line <\"no end> add the missing `\"`
2:11 json-control-character: a tab must not stand in a string as it is <\t> write `\\t`
2:28 json-control-character: a line break must not stand in a string as it is <\n> write `\\n`; a list of lines may be a JSON array
4:10 json-escape: `\\d` is not an escape that JSON knows <\\d> write `\\\\d` for a backslash
4:14 json-escape: four hexadecimal digits follow `\\u` <\\u12> write `\\\\u` for a backslash and a `u`
4:27 warning json-escape: `\\ud800` is only half of a character <\\ud800> characters above `\\uffff` are written as two escapes, or as themselves
4:36 json-unclosed: this string has no closing quote on its line <\"f: 1> add the missing `\"`
5:8 json-unclosed: this string has no closing quote on its line <\"x> add the missing `\"`
"
    );
    assert_eq!(tree(text), "{a:! b:\"tab\\there\" c:\"two\\nlines\" d:\"C:\\\\dir\\\\u12\" e:\"\u{fffd}\" g:[!]}");
}

#[test]
fn other_rubbish() {
    assert_eq!(
        mistakes("\u{feff}{\"a\": {{user `x`}}, \"b\": @foo \"x\", \"c\": var.x, \"d\": \"x\" : 1, (z): 2, \"y\": 1} more"),
        "1:1 byte-order-mark: the file begins with a byte order mark, which JSON does not allow <\u{feff}> save the file as UTF-8 without a byte order mark
1:8 json-value: a template expression has to stand inside a string <{{user `x`}}> put double quotes round it
1:27 json-value: `@` does not begin a JSON value <@> text stands in double quotes
1:42 json-value: `var.x` is not a JSON value <var.x> write `\"var.x\"`
1:58 json-value: `:` is not expected here <:> a `,` or `}` follows a value
1:63 json-key: a key is expected here, not `(` <(> an object holds `\"key\": value` pairs, separated by `,`
1:79 json-trailing-data: something follows the end of the template <m> delete it: a file holds one JSON value
"
    );
    assert_eq!(
        mistakes(" \n"),
        "2:1 json-value: there is nothing in this file <> a template is an object with at least `builders`\n"
    );
    assert_eq!(
        mistakes("[1,\u{a0}2]"),
        "1:4 json-value: the character U+00A0 is not white space in JSON <\u{a0}> replace it with a plain space\n"
    );
}

#[test]
fn numbers() {
    assert_eq!(mistakes("[0, -0, 10, 1.5, 1e5, 1E+5, 0.1e-2]"), "");
    assert_eq!(
        mistakes("6e99999999999"),
        "1:1 json-number: this number is too large <6e99999999999> a number has up to 20000 digits, and an exponent from -19000 to 19000\n"
    );
    for wrong in ["01", "-01", "+1", "1.", ".5", "-.5", "-", "1e", "1e+", "0x1F", "1_000", "10GB", "1.2.3", "10µs"] {
        let said = mistakes(&format!("[{wrong}]"));
        assert!(
            said.starts_with(&format!("1:2 json-number: `{wrong}` is not a JSON number <{wrong}> ")),
            "{wrong}: {said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn deep_files_do_no_harm() {
    let fine = format!("{}{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST));
    assert_eq!(mistakes(&fine), "");
    let help = "no template needs that: is this the right file?";
    let said = format!("1:129 json-nesting: brackets are nested more than 128 deep <[> {help}\n");
    assert_eq!(mistakes(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))), said);
    assert_eq!(mistakes(&"[".repeat(100_000)), said);
    assert_eq!(mistakes(&"{\"a\":".repeat(200)).lines().count(), 1);
    // None of these may take time or stack that grows faster than they do.
    assert_eq!(mistakes(&format!("{{\n{}", "]\n".repeat(100_000))).lines().count(), 3);
    for rubbish in
        ["{{", ":", "[}", "{]", "\"\n", "'", "/*", ",", "{\"a\":'", "\\", "[\"", "):", "a", "{:", "1 ", "[:", "\"\r\""]
    {
        let start = std::time::Instant::now();
        mistakes(&rubbish.repeat(20_000));
        assert!(start.elapsed() < std::time::Duration::from_secs(5), "{rubbish:?}");
    }
}

#[test]
fn a_file_that_is_no_json_is_given_up() {
    let said = mistakes(&"x y\n".repeat(5000).replace('x', "{\"a\" 1").replace('y', "'z'"));
    assert!(
        said.ends_with("more than 100 mistakes, the rest of the file was not read <> is this a JSON file?\n"),
        "{said}"
    );
    assert_eq!(said.lines().filter(|line| !line.starts_with(' ')).count(), 101);
}

fn check_spans(expression: &Expression, length: usize) {
    let range = expression.span.range();
    assert!(range.start <= range.end && range.end <= length, "{range:?} of {length}");
    match &expression.kind {
        ExpressionKind::Tuple(elements) => elements.iter().for_each(|element| check_spans(element, length)),
        ExpressionKind::Object(items) => items.iter().for_each(|item| check_spans(&item.value, length)),
        ExpressionKind::String(text) => {
            for (at, letter) in text.value().char_indices() {
                let place = text.span(at..at + letter.len_utf8()).range();
                assert!(range.start < place.start && place.start < place.end && place.end < range.end);
            }
        }
        _ => {}
    }
}

fn check_anything(text: &str) {
    let (sources, root, diagnostics) = read(text);
    check_spans(&root, text.len());
    for diagnostic in diagnostics {
        for label in diagnostic.primary.iter().chain(&diagnostic.related) {
            let range = label.span.range();
            assert!(text.get(range.clone()).is_some(), "{range:?} is not whole characters of {text:?}");
            sources.range(label.span);
        }
        assert!(diagnostic.help.is_some() || diagnostic.primary.is_none());
    }
}

/// JSON as our own writer spells it, so that there is something to compare with.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i32>().prop_map(|value| value.to_string()),
        "([a-z `{}é😀]|\\\\[\"\\\\/bfnrt]|\\\\u00[0-9a-f]{2}|\\\\ud83d\\\\ude0[0-9a-f]){0,8}"
            .prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|elements| format!("[ {}]", elements.join(" , "))),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..4).prop_map(|items| {
                let items: Vec<_> = items.iter().map(|(key, value)| format!("\"{key}\" :{value}")).collect();
                format!("{{{}\n}}", items.join(",\t"))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC{0,40}|[\\[\\]{},:\"'\\\\nu0-9tre \n/*#é`-]{0,60}") {
        check_anything(&text);
    }

    #[test]
    fn json_is_read_without_a_word(text in json()) {
        prop_assert_eq!(mistakes(&text), "");
        check_anything(&text);
    }

    #[test]
    fn json_with_one_wound_is_read(text in json(), at in any::<prop::sample::Index>(), put in "[\\[\\]{},:\"'\\\\a1 \n]?") {
        let letters: Vec<char> = text.chars().collect();
        let at = at.index(letters.len());
        let wounded: String = letters[..at].iter().chain(put.chars().collect::<Vec<_>>().iter()).chain(&letters[at + 1..]).collect();
        check_anything(&wounded);
    }
}
