//! One broken member is one mistake: it does not hide the next one, and makes no false ones.

use super::read;

/// Members of an object: the text, and the line in it (from 0) and the code of the one report.
const BROKEN: &[(&str, usize, &str)] = &[
    // Commas.
    ("\"b\": 1", 0, "json-comma"),
    ("\"b\": \"x\"", 0, "json-comma"),
    ("\"b\": [1, 2]", 0, "json-comma"),
    ("\"b\": {\n  \"x\": 1\n}", 2, "json-comma"),
    ("\"b\": [1 2],", 0, "json-comma"),
    ("\"b\": [\n  \"x\"\n  \"y\"\n],", 1, "json-comma"),
    ("\"b\": [\n  {\"x\": 1}\n  {\"y\": 2}\n],", 1, "json-comma"),
    ("\"b\": 1,,", 0, "json-comma"),
    ("\"b\": [1, 2,],", 0, "json-trailing-comma"),
    ("\"b\": {\n  \"x\": 1,\n},", 1, "json-trailing-comma"),
    ("\"b\": 1;", 0, "json-value"),
    // Quotes.
    ("\"b: 1,", 0, "json-unclosed"),
    ("\"b: \"x\",", 0, "json-unclosed"),
    ("b\": 1,", 0, "json-quotes"),
    ("b\": \"x\",", 0, "json-quotes"),
    ("\"b\": \"x,", 0, "json-unclosed"),
    ("\"b\": \"x", 0, "json-unclosed"),
    ("\"b\": x\",", 0, "json-quotes"),
    ("\"b\": x y\",", 0, "json-quotes"),
    ("\"b\": [\"x, \"y\"],", 0, "json-unclosed"),
    ("\"b\": [\"x\", y\"],", 0, "json-quotes"),
    ("\"b\": [\"x\", \"y],", 0, "json-unclosed"),
    ("\"b\": [\n  \"x,\n  \"y\"\n],", 1, "json-unclosed"),
    ("\"b\": [\n  x\",\n  \"y\"\n],", 1, "json-quotes"),
    ("\"b\": [\n  \"x\",\n  \"y\n],", 2, "json-unclosed"),
    ("\"b\": {\"x\": \"y},", 0, "json-unclosed"),
    ("\"b\": {\"x: \"y\"},", 0, "json-unclosed"),
    ("\"b\": {x\": \"y\"},", 0, "json-quotes"),
    ("'b': 1,", 0, "json-quotes"),
    ("\"b\": 'x',", 0, "json-quotes"),
    ("\"b\": ['x', \"y\"],", 0, "json-quotes"),
    ("“b”: 1,", 0, "json-quotes"),
    ("b: 1,", 0, "json-key"),
    ("\"b\": x,", 0, "json-value"),
    ("\"b\": {{user `x`}},", 0, "json-value"),
    ("\"b\": \"{{user \"x\"}}\",", 0, "json-quotes"),
    // Brackets.
    ("\"b\": [1, 2,", 0, "json-unclosed"),
    ("\"b\": [\"x\", \"y\",", 0, "json-unclosed"),
    ("\"b\": [\n  \"x\",\n  \"y\",", 0, "json-unclosed"),
    ("\"b\": [\n  {\"x\": 1},\n  {\"x\": 2,\n],", 2, "json-unclosed"),
    ("\"b\": [\n  {\"x\": 1,\n  {\"x\": 2}\n],", 1, "json-unclosed"),
    ("\"b\": [\n  \"x\": 1},\n  {\"x\": 2}\n],", 1, "json-unclosed"),
    ("\"b\": {\"x\": 1,", 0, "json-unclosed"),
    ("\"b\": {\n  \"x\": 1,", 0, "json-unclosed"),
    ("\"b\": {\"x\": [1},", 0, "json-unclosed"),
    ("\"b\": {\"x\": [1, 2},", 0, "json-unclosed"),
    ("\"b\": {\"x\": 1],", 0, "json-unclosed"),
    ("\"b\": [1, 2},", 0, "json-unclosed"),
    ("\"b\": 1],", 0, "json-unclosed"),
    ("\"b\": 1, 2],", 0, "json-unclosed"),
    ("\"b\": \"x\", \"y\"],", 0, "json-unclosed"),
    ("\"b\":\n  \"x\",\n  \"y\"\n],", 0, "json-unclosed"),
    ("\"b\":\n  \"x\": 1,\n  \"y\": 2\n},", 0, "json-unclosed"),
    ("\"b\":\n  {\"x\": 1},\n  {\"y\": 2}\n],", 0, "json-unclosed"),
    ("\"b\": [\n    \"x\": 1,\n    \"y\": 2\n  },\n  {\n    \"x\": 3\n  }\n],", 1, "json-unclosed"),
    ("\"b\": [[1], 2]],", 0, "json-unclosed"),
    // Colons.
    ("\"b\" 1,", 0, "json-colon"),
    ("\"b\" \"x\",", 0, "json-colon"),
    ("\"b\" = 1,", 0, "json-colon"),
    ("\"b\" => 1,", 0, "json-colon"),
    ("\"b\":: 1,", 0, "json-colon"),
    ("\"b\",", 0, "json-colon"),
    ("\"b\": ,", 0, "json-value"),
    ("\"b\",\n\"e\": 1,", 0, "json-colon"),
    // What JSON does not have.
    ("// one", 0, "json-comment"),
    ("# one", 0, "json-comment"),
    ("\"b\": 1, // one", 0, "json-comment"),
    ("/* one\n   two */", 0, "json-comment"),
    ("/* one", 0, "json-comment"),
    ("\"b\": True,", 0, "json-value"),
    ("\"b\": 0644,", 0, "json-number"),
    ("\"b\": .5,", 0, "json-number"),
    ("\"b\": 10G,", 0, "json-number"),
    ("\"b\": \"x\ty\",", 0, "json-control-character"),
    ("\"b\": \"x\ny\",", 0, "json-control-character"),
    ("\"b\": \"x\u{1}y\u{2}\",", 0, "json-control-character"),
    ("\"b\": \"C:\\x\",", 0, "json-escape"),
    ("\"b\": \"\\u12\",", 0, "json-escape"),
    ("\"b\": @,", 0, "json-value"),
    ("@", 0, "json-key"),
];

/// What can be wrong two lines further.
const NEXT: &[(&str, &str)] = &[
    ("\"y\": 'x',", "json-quotes"),
    ("\"y\": \"x,", "json-unclosed"),
    ("\"y\": [1 2],", "json-comma"),
    ("\"y\": @,", "json-value"),
    ("\"c\": 2,", "duplicate-key"),
];

/// The texts round a mistake.
const AROUND: &[(&str, &str, &str)] = &[
    ("{\n", "  ", "  \"z\": 1\n}\n"),
    ("{\n  \"s\": [\n    {\n      \"a\": 1,\n", "      ", "      \"z\": \"w\"\n    }\n  ],\n  \"t\": [\"u\"]\n}\n"),
    ("{\n  \"s\": {\n    \"a\": \"v\",\n", "    ", "    \"z\": [\"w\"]\n  },\n  \"t\": \"u\"\n}\n"),
];

#[test]
fn a_broken_member_leaves_the_next_ones_alone() {
    let mut wrong = Vec::new();
    for (before, indentation, after) in AROUND {
        for (broken, line, code) in BROKEN {
            for (next, next_code) in NEXT {
                let indent =
                    |text: &str| text.lines().map(|line| format!("{indentation}{line}")).collect::<Vec<_>>().join("\n");
                let text = format!("{before}{}\n{}\n{after}", indent(broken), indent(&format!("\"c\": 1,\n{next}")));
                let first = before.lines().count() + 1;
                let second = first + broken.lines().count() + 1;
                let (sources, _, diagnostics) = read(&text);
                let found: Vec<String> = diagnostics
                    .iter()
                    .map(|diagnostic| {
                        let span = diagnostic.primary.as_ref().expect("a place").span;
                        format!("{} {}", sources.range(span).0.line, diagnostic.code)
                    })
                    .collect();
                let expected = [format!("{} {code}", first + line), format!("{second} {next_code}")];
                if found != expected {
                    wrong.push(format!("{text}expected {expected:?}\n   found {found:?}\n"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
