//! One broken line is one mistake: it does not hide the next one, and makes no false ones.

use super::parse;

/// Mistakes in a body: the text, and the line in it (from 0) and the code of the one report.
const BROKEN: &[(&str, usize, &str)] = &[
    // Quotes.
    ("b = \"x", 0, "unterminated-string"),
    ("b = x\"", 0, "unterminated-string"),
    ("b = [\"x, \"y\", \"z\"]", 0, "unterminated-string"),
    ("b = [\"x\", y\", \"z\"]", 0, "unterminated-string"),
    ("b = [\"x\", \"y\", \"z]", 0, "unterminated-string"),
    ("b = [\n  \"x\",\n  \"y,\n  \"z\"\n]", 2, "unterminated-string"),
    ("b = [\n  \"x\",\n  y\",\n  \"z\"\n]", 2, "unterminated-string"),
    ("b = f(\"x, 1)", 0, "unterminated-string"),
    ("b = { x = \"y }", 0, "unterminated-string"),
    ("b = {\n  x = \"y\n  z = \"w\"\n}", 1, "unterminated-string"),
    ("b = {\n  \"x = 1\n  z = \"w\"\n}", 1, "unterminated-string"),
    ("b = {\n  x\" = 1\n  z = \"w\"\n}", 1, "unterminated-string"),
    ("b = 'x'", 0, "single-quotes"),
    ("b = ['x', 'y']", 0, "single-quotes"),
    ("b = “x”", 0, "invalid-character"),
    // Interpolations.
    ("b = \"${x\"", 0, "unclosed-interpolation"),
    ("b = \"${x}${y\"", 0, "unclosed-interpolation"),
    ("b = [\"${x\", \"y\"]", 0, "unclosed-interpolation"),
    ("b = \"${f(\"x\")\"", 0, "unclosed-interpolation"),
    ("b = \"${f(x}\"", 0, "unclosed-bracket"),
    ("b = \"${x[0}\"", 0, "unclosed-bracket"),
    ("b = \"%{if x}y\"", 0, "unpaired-directive"),
    ("b = <<E\n${x\nE", 1, "unclosed-interpolation"),
    ("b = <<E\n${x\n${y}\nE", 1, "unclosed-interpolation"),
    // Brackets.
    ("b = [\"x\", \"y\"", 0, "unclosed-bracket"),
    ("b = [\n  \"x\",\n  \"y\"", 0, "unclosed-bracket"),
    ("b = [\n  \"x\",\n  \"y\",", 0, "unclosed-bracket"),
    ("b = [[1, 2], [3, 4]", 0, "unclosed-bracket"),
    ("b = [[1, 2], [3, 4]\n", 0, "unclosed-bracket"),
    ("b = [\n  [1, 2],\n  [3, 4\n]", 2, "unclosed-bracket"),
    ("b = [\n  [1, 2,\n  [3, 4]\n]", 1, "unclosed-bracket"),
    ("b = \"x\", \"y\"]", 0, "extra-bracket"),
    ("b =\n  \"x\",\n  \"y\"\n]", 0, "expected-value"),
    ("b =\n  x = 1\n  y = 2\n}", 0, "expected-value"),
    ("b \"x\"\n  y = 1\n}", 0, "expected-item"),
    ("b = x]", 0, "extra-bracket"),
    ("b = [x]]", 0, "extra-bracket"),
    ("b = f(x", 0, "unclosed-bracket"),
    ("b = f(g(x)", 0, "unclosed-bracket"),
    ("b = f x)", 0, "extra-bracket"),
    ("b = f(x))", 0, "extra-bracket"),
    ("b = (1 + 2", 0, "unclosed-bracket"),
    ("b = [1, 2}", 0, "mismatched-bracket"),
    ("b = [1, 2)", 0, "mismatched-bracket"),
    ("b = {\n  x = 1", 0, "unclosed-bracket"),
    ("b = {\n  x = 1\n  y = 2", 0, "unclosed-bracket"),
    ("b = {\n  x = [1, 2\n  y = 3\n}", 1, "unclosed-bracket"),
    ("b = {\n  x = f(2\n  y = 3\n}", 1, "unclosed-bracket"),
    ("b = {\n  x = {\n    y = 3\n  z = 4\n}", 1, "unclosed-bracket"),
    ("b = { x = 1", 0, "unclosed-bracket"),
    ("b = x[0", 0, "unclosed-bracket"),
    ("b = x 0]", 0, "extra-bracket"),
    ("]", 0, "extra-bracket"),
    (")", 0, "extra-bracket"),
    ("b {\n  x = 1", 0, "unclosed-bracket"),
    ("b \"x\" {\n  x = 1\n\n  y {\n    z = 1\n  }", 0, "unclosed-bracket"),
    ("b \"x\" {\n  x = 1\n\n  y {\n    z = 1\n}", 3, "unclosed-bracket"),
    // Signs.
    ("b \"x\"", 0, "expected-item"),
    ("b 5", 0, "unexpected-token"),
    ("b x.y", 0, "unexpected-token"),
    ("b [1, 2]", 0, "unexpected-token"),
    ("b [\n  1,\n  2\n]", 0, "unexpected-token"),
    ("b: \"x\"", 0, "colon-for-equal"),
    ("b : [\n  1,\n  2\n]", 0, "colon-for-equal"),
    ("\"b\": \"x\"", 0, "quoted-name"),
    ("\"b\" = \"x\"", 0, "quoted-name"),
    ("b = 1;", 0, "invalid-character"),
    ("b = 1; x = 2", 0, "invalid-character"),
    ("b = 1,", 0, "unexpected-comma"),
    ("b == 1", 0, "unexpected-token"),
    ("b => 1", 0, "unexpected-token"),
    ("b =", 0, "expected-value"),
    ("b = 1 +", 0, "expected-value"),
    ("b = * 1", 0, "expected-value"),
    ("b = 1 2", 0, "missing-newline"),
    ("b = x y", 0, "missing-newline"),
    ("b = \"x\" \"y\"", 0, "missing-newline"),
    ("b = x..y", 0, "missing-attribute-name"),
    ("b = x.", 0, "missing-attribute-name"),
    ("b = x ? y", 0, "missing-else"),
    ("b = x & y", 0, "unsupported-operator"),
    ("b = ${x}", 0, "interpolation-outside-string"),
    ("b", 0, "expected-item"),
    ("5 = b", 0, "unexpected-token"),
    ("= b", 0, "unexpected-token"),
    ("- b", 0, "unexpected-token"),
    // Collections.
    ("b = [1 2]", 0, "missing-comma"),
    ("b = [\n  \"x\"\n  \"y\"\n]", 2, "missing-comma"),
    ("b = [\n  \"x\",,\n  \"y\"\n]", 1, "expected-value"),
    ("b = [\n  x = 1,\n  y\n]", 1, "missing-comma"),
    ("b = {\n  x\n  y = 1\n}", 1, "unexpected-token"),
    ("b = {\n  x 1\n  y = 1\n}", 1, "unexpected-token"),
    ("b = {\n  x =\n  y = 1\n}", 1, "expected-value"),
    ("b = { x = 1 y = 2 }", 0, "missing-comma"),
    ("b = {\n  x = 1;\n  y = 2\n}", 1, "invalid-character"),
    ("b = [for x y : x]", 0, "invalid-for"),
    ("b = [for x in y]", 0, "invalid-for"),
    ("b = {for x in y : x}", 0, "invalid-for"),
    ("b = f(1 2)", 0, "missing-comma"),
    ("b = f(x..., 1)", 0, "unexpected-token"),
    // Blocks.
    ("b \"x {\n  y = 1\n}", 0, "unterminated-string"),
    ("b x\" {\n  y = 1\n}", 0, "unterminated-string"),
    ("b \"x\" \"y {\n  z = 1\n}", 0, "unterminated-string"),
    ("b \"x\", \"y\" {\n  z = 1\n}", 0, "unexpected-token"),
    ("b (x) {\n  z = 1\n}", 0, "unexpected-token"),
    ("b 'x' {\n  z = 1\n}", 0, "single-quotes"),
    ("b x.y {\n  z = 1\n}", 0, "unexpected-token"),
    ("b \"x\"\n{\n  z = 1\n}", 1, "brace-on-next-line"),
    ("b \"x\" [\n  z = 1\n]", 0, "unexpected-token"),
    ("b \"x\" (\n  z = 1\n)", 0, "unexpected-token"),
    ("b = \"x\" {\n  z = 1\n}", 0, "missing-newline"),
    ("b \"${x}\" {\n  z = 1\n}", 0, "template-in-label"),
    ("b { x = 1, y = 2 }", 0, "one-line-block"),
    ("b {\n  x = 1 }", 1, "missing-newline"),
    ("b \"x\" {\n  y = 1\n} z = 2", 2, "missing-newline"),
    // What is never closed.
    ("b = <<E\n  one\n  two", 0, "unterminated-heredoc"),
    ("b = <<-E\n  one \"x\"\n  ${two}", 0, "unterminated-heredoc"),
    ("b = <<E\n  one\n  two\nEE", 0, "unterminated-heredoc"),
    ("b = [<<E\n  one\n]", 0, "unterminated-heredoc"),
    ("/* one", 0, "unterminated-comment"),
    ("/* one\n   two, \"three", 0, "unterminated-comment"),
    ("b = 1 /* one", 0, "unterminated-comment"),
];

/// What can be wrong two lines further.
const NEXT: &[(&str, &str)] = &[
    ("y = 1 + * 2", "expected-value"),
    ("y = \"x", "unterminated-string"),
    ("y = [1 2]", "missing-comma"),
    ("y = @", "invalid-character"),
    ("c = 2", "duplicate-argument"),
];

/// The texts round a mistake.
const AROUND: &[(&str, &str, &str)] = &[
    ("", "", "x \"y\" {\n  z = \"w\"\n}\n"),
    ("s \"t\" \"u\" {\n  a = \"v\"\n", "  ", "}\n\nx \"y\" {\n  z = [\"w\"]\n}\n"),
    ("s {\n  t \"u\" {\n    a = 1\n", "    ", "    x = \"w\"\n  }\n}\n"),
];

#[test]
fn a_broken_line_leaves_the_next_ones_alone() {
    let mut wrong = Vec::new();
    for (before, indentation, after) in AROUND {
        for (broken, line, code) in BROKEN {
            for (next, next_code) in NEXT {
                let indent = |text: &str| {
                    let is_text = broken.starts_with("b = <<E") && text.trim() == "E";
                    let line = |line: &str| if is_text { line.to_owned() } else { format!("{indentation}{line}") };
                    text.lines().map(line).collect::<Vec<_>>().join("\n")
                };
                let text = format!("{before}{}\n{}\n{after}", indent(broken), indent(&format!("c = 1\n{next}")));
                let first = before.lines().count() + 1;
                let second = first + broken.lines().count() + 1;
                let (_, _, reports) = parse(&text);
                let short = |report: &String| {
                    let place = report.split(':').next().unwrap_or_default();
                    let code = report.split(' ').nth(1).unwrap_or_default();
                    format!("{place} {}", code.trim_end_matches(':'))
                };
                let found: Vec<String> = reports.iter().map(short).collect();
                let expected = [format!("{} {code}", first + line), format!("{second} {next_code}")];
                if found != expected {
                    wrong.push(format!("{text}expected {expected:?}\n   found {found:?}\n"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
