//! Everything that can be wrong, and all that is said about it: each mistake once, at its place.

use super::{dump_body, parse};

fn check(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        let (_, _, reports) = parse(text);
        assert_eq!(reports, *expected, "{text}");
    }
}

#[test]
fn strings_that_do_not_end() {
    check(&[
        ("a = \"x \n y\"", &["1:5-8 newline-in-string: a quoted string can't go on on the next line"]),
        ("a = \"x", &["1:5-7 unterminated-string: this string has no closing quote"]),
        ("a = [\"x, \"y\"]\nb = 2", &["1:12-14 unterminated-string: this string has no closing quote"]),
        ("a = [\n  \"x,\n  \"y\"\n]\nb = 2", &["2:3-6 unterminated-string: this string has no closing quote"]),
        ("source \"null {\n  a = 1\n}", &["1:8-13 unterminated-string: this string has no closing quote"]),
        (
            "a = foo(\"x)\nb = @",
            &[
                "1:9-12 unterminated-string: this string has no closing quote",
                "2:5-6 invalid-character: `@` has no meaning here",
            ],
        ),
    ]);
}

#[test]
fn escapes_and_characters() {
    check(&[
        (
            "a = \"\\q \\u12 \\ud800 \\U00110000 \\${x}\"",
            &[
                "1:6-8 invalid-escape: `\\q` is not an escape",
                "1:9-13 invalid-escape: `\\u12` is not an escape",
                "1:14-20 invalid-escape: `\\ud800` is not an escape",
                "1:21-31 invalid-escape: `\\U00110000` is not an escape",
                "1:32-34 invalid-escape: `\\$` is not an escape",
            ],
        ),
        (
            "a = 'x' + “y”",
            &[
                "1:5-8 single-quotes: strings can't have single quotes",
                "1:11-14 invalid-character: strings can't have typographic quotes",
            ],
        ),
        ("a = [`x`, 1]", &["1:6-9 invalid-character: strings can't have backticks"]),
        ("a = 1 & 2", &["1:7-8 unsupported-operator: there is no operator `&`"]),
        (
            "a = 1 | 2 ^ 3",
            &[
                "1:7-8 unsupported-operator: there is no operator `|`",
                "1:11-12 unsupported-operator: there is no operator `^`",
            ],
        ),
        ("a = ~1", &["1:5-6 unsupported-operator: there is no operator `~`"]),
        ("a = 1; b = 2", &["1:6-7 invalid-character: `;` does not separate anything"]),
        ("a = $x", &["1:5-6 invalid-character: `$` has no meaning here"]),
        ("a = ${x}", &["1:5-7 interpolation-outside-string: `${…}` has a meaning only inside of strings"]),
        ("a = @#", &["1:5-6 invalid-character: `@` has no meaning here"]),
        ("a = 1 << 2", &["1:7-9 unsupported-operator: there is no operator `<<`"]),
        ("a = \"b\" /* \"", &["1:9-11 unterminated-comment: this comment is never closed"]),
    ]);
}

#[test]
fn heredocs() {
    check(&[
        ("a = <<EOT\nx\nEOT", &["3:1-4 heredoc-marker: the closing `EOT` must be alone on its line"]),
        ("a = <<EOT\nx", &["1:5-10 unterminated-heredoc: no line closes this heredoc with `EOT`"]),
        ("a = [<<EOT\nx\nEOT, 2]", &["3:1-4 heredoc-marker: the closing `EOT` must be alone on its line"]),
        (
            "a = << \"EOT\"\nx\nEOT\nb = 2",
            &["1:5-13 heredoc-marker: the marker of a heredoc is a bare name that ends the line"],
        ),
    ]);
}

#[test]
fn interpolations_and_directives() {
    check(&[
        ("a = \"${x\"\nb = 2", &["1:6-8 unclosed-interpolation: `${` is never closed"]),
        ("a = \"${x\nb = 2", &["1:6-8 unclosed-interpolation: `${` is never closed"]),
        ("a = [\"${x\", \"y\"]\nb = 2", &["1:7-9 unclosed-interpolation: `${` is never closed"]),
        ("a = \"%{if x\"", &["1:6-8 unclosed-interpolation: `%{` is never closed"]),
        (
            "a = <<E\n${x\nE\nb = @",
            &["2:1-3 unclosed-interpolation: `${` is never closed", "4:5-6 invalid-character: `@` has no meaning here"],
        ),
        (
            "a = <<E\n${#b[@]}\n${c}\nE\nd = @",
            &["2:1-3 unclosed-interpolation: `${` is never closed", "5:5-6 invalid-character: `@` has no meaning here"],
        ),
        ("a = \"${}\"", &["1:8-9 invalid-interpolation: nothing is interpolated here"]),
        (
            "a = \"${x:-y} ${1 2}\"",
            &[
                "1:9-10 invalid-interpolation: expected `}` after the interpolated value, found `:`",
                "1:18-19 invalid-interpolation: expected `}` after the interpolated value, found `2`",
            ],
        ),
        ("a = \"%{if x}y\"", &["1:6-13 unpaired-directive: this `if` has no `endif`"]),
        ("a = \"%{for x in y}%{endif}\"", &["1:19-27 unpaired-directive: `endif` can't end `for`"]),
        (
            "a = \"%{else}%{endif}%{endfor}\"",
            &[
                "1:6-13 unpaired-directive: this `else` belongs to no `if`",
                "1:13-21 unpaired-directive: this `endif` belongs to no `if`",
                "1:21-30 unpaired-directive: this `endfor` belongs to no `for`",
            ],
        ),
        ("a = \"%{if x}%{else}%{else}%{endif}\"", &["1:20-27 unpaired-directive: this `if` has its `else` already"]),
        (
            "a = \"%{foo}%{}%{if}%{endif}\"",
            &[
                "1:8-11 invalid-directive: `foo` is not a directive",
                "1:14-15 invalid-directive: expected a directive, found `}`",
                "1:19-20 expected-value: expected a value, found `}`",
            ],
        ),
        (
            "a = \"%{for x y}%{endfor}%{else z}\"",
            &[
                "1:14-15 invalid-for: expected `in` after the names, found `y`",
                "1:25-34 unpaired-directive: this `else` belongs to no `if`",
                "1:32-33 invalid-directive: expected `}` at the end of the directive, found `z`",
            ],
        ),
    ]);
}

#[test]
fn brackets() {
    check(&[
        ("a = (1", &["1:5-6 unclosed-bracket: this `(` is never closed"]),
        ("a = [1, 2\nb = 3\nc {\n}", &["1:5-6 unclosed-bracket: this `[` is never closed"]),
        ("a = {b = 1\nc = 2", &["1:5-6 unclosed-bracket: this `{` is never closed"]),
        (
            "a = foo([1, {b = 2]\nd = @",
            &[
                "1:8-9 unclosed-bracket: this `(` is never closed",
                "1:13-14 unclosed-bracket: this `{` is never closed",
                "2:5-6 invalid-character: `@` has no meaning here",
            ],
        ),
        ("a = (1]", &["1:7-8 mismatched-bracket: `]` can't close `(`"]),
        ("a = foo(1))", &["1:11-12 extra-bracket: this `)` closes nothing"]),
        ("a {\n  b = [1, 2}\n}", &["2:12-13 mismatched-bracket: `}` can't close `[`"]),
        ("a {\n  b = [\n    1,\n}", &["2:7-8 unclosed-bracket: this `[` is never closed"]),
        ("a {\n  b = {\n    c = 1\n  d = 2\n}\ne {\n}", &["2:7-8 unclosed-bracket: this `{` is never closed"]),
        ("a {\n  b = 1\n\nc {\n  d = 2\n}", &["1:3-4 unclosed-bracket: this `{` is never closed"]),
        (
            "a {\n}\n}\n}\nb = @",
            &["3:1-2 extra-bracket: this `}` closes nothing", "5:5-6 invalid-character: `@` has no meaning here"],
        ),
    ]);
}

#[test]
fn blocks() {
    check(&[
        ("a b c\n", &["1:1-6 expected-item: `a` is neither an argument nor a block"]),
        (
            "a 5 {\n  b = @\n}",
            &[
                "1:3-4 unexpected-token: expected `=` or `{` after `a`, found `5`",
                "2:7-8 invalid-character: `@` has no meaning here",
            ],
        ),
        (
            "a \"b${c}\" {\n  b = @\n}",
            &[
                "1:5-7 template-in-label: nothing can be interpolated in a name or a label",
                "2:7-8 invalid-character: `@` has no meaning here",
            ],
        ),
        (
            "a\n{\n  b = @\n}",
            &[
                "2:1-2 brace-on-next-line: the `{` of a block must be on the line of its header",
                "3:7-8 invalid-character: `@` has no meaning here",
            ],
        ),
        ("a {\n  b = 1 }", &["2:9-10 missing-newline: the `}` of a block of several lines needs a line of its own"]),
        ("a { b = 1, c = 2 }", &["1:10-11 one-line-block: a block on one line can hold one argument only"]),
        ("a { b = 1 c = 2 }", &["1:11-12 one-line-block: a block on one line can hold one argument only"]),
        ("a { b {} }", &["1:7-8 one-line-block: a block on one line can't hold another block"]),
        ("a { b = 1\n}", &["1:9-10 one-line-block: a block that starts on the line of its `{` must end on it"]),
        ("a {} b {}", &["1:6-7 missing-newline: expected a new line after the block, found `b`"]),
        (
            "\"a\" = 1\n\"b\" \"c\" {\n}\n\"d\"",
            &[
                "1:1-4 quoted-name: names of arguments and blocks have no quotes",
                "2:1-4 quoted-name: names of arguments and blocks have no quotes",
                "4:1-4 quoted-name: names of arguments and blocks have no quotes",
            ],
        ),
    ]);
}

#[test]
fn arguments() {
    check(&[
        ("a: 1", &["1:2-3 colon-for-equal: an argument is set with `=`, not with `:`"]),
        ("= 1", &["1:1-2 unexpected-token: expected an argument or a block, found `=`"]),
        (
            "a = 1, b = 2\nc = 3,",
            &[
                "1:6-7 unexpected-comma: arguments are not separated by `,`",
                "2:6-7 unexpected-comma: arguments are not separated by `,`",
            ],
        ),
        ("a = 1 b = 2", &["1:7-8 missing-newline: expected a new line after the value, found `b`"]),
        ("a = 1 2", &["1:7-8 missing-newline: expected a new line after the value, found `2`"]),
        ("a = x y", &["1:7-8 missing-newline: expected a new line after the value, found `y`"]),
        ("a =\nb = 2", &["1:3-4 expected-value: expected a value, found the end of the line"]),
        ("a = 1 +\n  2\nb = 3", &["1:7-8 expected-value: expected a value, found the end of the line"]),
        ("a = 1\n  + 2", &["2:3-4 unexpected-token: expected an argument or a block, found `+`"]),
        ("a = x ?\n  1 :\n  2", &["1:7-8 expected-value: expected a value, found the end of the line"]),
        (
            "a = 1\nb = 2\na = 3\na = 4",
            &["3:1-2 duplicate-argument: `a` is set twice", "4:1-2 duplicate-argument: `a` is set twice"],
        ),
    ]);
}

#[test]
fn values() {
    check(&[
        (
            "a = 1.5.6 + 1..2",
            &["1:5-10 invalid-number: `1.5.6` is not a number", "1:13-17 invalid-number: `1..2` is not a number"],
        ),
        (
            "a = 1e100000 + 1.5e-100000",
            &[
                "1:5-13 invalid-number: this number is too large",
                "1:16-27 invalid-number: this number is too near to zero",
            ],
        ),
        (&format!("a = 1{}", "0".repeat(20_000)), &["1:5-20006 invalid-number: this number is too large"]),
        ("a = 1e + 1", &["1:6-7 missing-newline: expected a new line after the value, found `e`"]),
        ("a = [1 2 3]", &["1:8-9 missing-comma: expected `,` before `2`"]),
        (
            "a = [\n  1\n  2\n  3\n]",
            &["3:3-4 missing-comma: expected `,` before `2`", "4:3-4 missing-comma: expected `,` before `3`"],
        ),
        ("a = [1,,2]", &["1:8-9 expected-value: expected a value, found `,`"]),
        ("a = [for 5 in y : x]", &["1:10-11 invalid-for: expected a name for the value, found `5`"]),
        ("a = [for x y : x]", &["1:12-13 invalid-for: expected `in` after the names, found `y`"]),
        ("a = [for x in y]", &["1:16-17 invalid-for: expected `:` after the collection, found `]`"]),
        ("a = [for x in y : x => x]", &["1:21-23 invalid-for: a tuple has no keys: `=>` needs `{ for … }`"]),
        ("a = [for x in y : x...]", &["1:20-23 invalid-for: only the values of an object can be grouped with `...`"]),
        ("a = {for x in y : x}", &["1:20-21 invalid-for: expected `=>` and a value after the key, found `}`"]),
        ("a = { for = 1 }", &["1:7-10 invalid-for: `for` starts a for expression here"]),
        ("a = [for x in y : x, 1]", &["1:20-21 invalid-for: the for expression must end here"]),
        (
            "a = {b = 1 c = 2, d}",
            &[
                "1:12-13 missing-comma: expected `,` or a new line before `c`",
                "1:20-21 unexpected-token: expected `=` and a value after the key, found `}`",
            ],
        ),
        (
            "a = {b\n= 1}",
            &["1:6-7 unexpected-token: expected `=` and a value after the key, found the end of the line"],
        ),
        (
            "a = {\n  b = @\n  c = 1 1\n  d\n  e = 2\n}",
            &[
                "2:7-8 invalid-character: `@` has no meaning here",
                "3:9-10 missing-comma: expected `,` or a new line before `1`",
                "4:3-4 unexpected-token: expected `=` and a value after the key, found the end of the line",
            ],
        ),
        ("a = foo(1 2)", &["1:11-12 missing-comma: expected `,` before `2`"]),
        ("a = foo(x..., 1)", &["1:13-14 unexpected-token: expected `)` after `...`, found `,`"]),
        ("a = b::c", &["1:8-9 unexpected-token: expected `(` after the name of a function, found the end of the file"]),
        (
            "a = x.\nb = x.\"y\"",
            &[
                "1:6-7 missing-attribute-name: expected a name after `.`, found the end of the line",
                "2:7-8 missing-attribute-name: expected a name after `.`, found a string",
            ],
        ),
        ("a = x.0.1", &["1:7-10 legacy-index: `.0.1` can't be read as indexes"]),
        ("a = x.*.y.*.z", &["1:11-12 nested-splat: `.*` can't stand in another `.*`"]),
        ("a = x[]", &["1:7-8 expected-value: expected a value, found `]`"]),
        ("a = ()", &["1:6-7 expected-value: expected a value, found `)`"]),
        ("a = (1, 2)", &["1:7-8 unexpected-token: expected `)`, found `,`"]),
        ("a = x ? 1", &["1:9-10 missing-else: expected `:` and a value for false, found the end of the file"]),
        ("a = 1 = 2", &["1:7-8 missing-newline: expected a new line after the value, found `=`"]),
        ("a = + 1", &["1:5-6 expected-value: expected a value, found `+`"]),
        ("a = b ** c", &["1:8-9 expected-value: expected a value, found `*`"]),
    ]);
}

#[test]
fn what_is_sound_stays() {
    let tree = |text: &str| dump_body(&parse(text).1);
    assert_eq!(tree("a = @\nb = 1\n"), "a = !!; b = 1");
    assert_eq!(tree("a = [1, 2 +, @, \"b]\nc = 2\n"), "a = !!; c = 2");
    assert_eq!(tree("a = [1, 2 +, @, 'x', 3 4]\n"), "a = [1 !! !! !! 3 4]");
    assert_eq!(tree("a = f(1, 2 +)\n"), "a = f(1 !!)");
    assert_eq!(tree("a = { b = @, c = 1 }\n"), "a = {b: !!, c: 1}");
    assert_eq!(tree("a = { b, c = 1 }\n"), "a = !!");
    assert_eq!(tree("a = \"b${@}c${d}\"\n"), "a = <\"b\" ${!!} \"c\" ${d}>");
    assert_eq!(tree("a = \"b\\qc\"\n"), "a = <\"bc\" ${!!}>");
    assert_eq!(tree("a = \"%{if @}b%{endif}\"\n"), "a = <if(!!){\"b\"}{}>");
    assert_eq!(tree("a 5 {\n  b = 1\n}\nc \"${d}\" {\n  e = 2\n}\n"), "a {b = 1}; c \"\" {e = 2}");
    assert_eq!(tree("a\n{\n  b = 1\n}\n\"c\" = 2\nd: 3\n"), "c = 2; d = 3; a {b = 1}");
    assert_eq!(tree("a {\n  b = 1\n\nc {\n  d = 2\n}\n"), "a {b = 1}; c {d = 2}");
    assert_eq!(tree("a {\n  b = {\n    c = 1\n  d = 2\n}\n"), "a {b = !!; d = 2}");
    assert_eq!(tree("a = 1\na = 2\n"), "a = 1");
    assert_eq!(tree("a = 1\n  + 2\nb = 3\n"), "a = !!; b = 3");
    assert_eq!(tree("a = x.0.1.y\n"), "a = (. !! y)");
}

#[test]
fn one_run_finds_everything() {
    let text = r#"variable "region" {
  type    = string
  default = 'eu-west-1'
}

locals {
  tags = {
    name  = "web"
    owner = "team-${var.owner"
  }
  zones = ["a" "b", "c"]
  count = 1 + * 2
  name  = "web"
  name  = "db"
}

source "qemu" web {
  iso_url: "https://example.org/x.iso"
  disk_size = 10G
  boot_command = [
    "<enter>",
    "C:\setup\q\",
    "\q",
  ]
  qemuargs = [["-m", "512"]
  headless = true
}

build {
  sources = ["source.qemu.web"]

  provisioner "shell"
  {
    inline = ["echo ${upper(var.x}"]
  }
"#;
    let (_, body, reports) = parse(text);
    assert_eq!(
        reports,
        [
            "3:13-24 single-quotes: strings can't have single quotes",
            "9:19-21 unclosed-interpolation: `${` is never closed",
            "11:16-17 missing-comma: expected `,` before a string",
            "12:15-16 expected-value: expected a value, found `*`",
            "14:3-7 duplicate-argument: `name` is set twice",
            "18:10-11 colon-for-equal: an argument is set with `=`, not with `:`",
            "19:17-18 missing-newline: expected a new line after the value, found `G`",
            "22:5-19 unterminated-string: this string has no closing quote",
            "22:8-10 invalid-escape: `\\s` is not an escape",
            "22:14-16 invalid-escape: `\\q` is not an escape",
            "23:6-8 invalid-escape: `\\q` is not an escape",
            "25:14-15 unclosed-bracket: this `[` is never closed",
            "29:7-8 unclosed-bracket: this `{` is never closed",
            "33:3-4 brace-on-next-line: the `{` of a block must be on the line of its header",
            "34:28-29 unclosed-bracket: this `(` is never closed",
        ]
    );
    assert_eq!(
        dump_body(&body),
        [
            "variable \"region\" {type = string; default = !!}",
            "locals {tags = {name: \"web\", owner: !!}; zones = [\"a\" \"b\" \"c\"]; count = !!; name = \"web\"}",
            "source \"qemu\" \"web\" {iso_url = \"https://example.org/x.iso\"; disk_size = !!; \
             boot_command = [\"<enter>\" !! <\"\" ${!!}>]; qemuargs = !!; headless = true}",
            "build {sources = [\"source.qemu.web\"]; provisioner \"shell\" {inline = [<\"echo \" ${!!}>]}}",
        ]
        .join("; ")
    );
}
