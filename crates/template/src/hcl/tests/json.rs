//! HCL2 written as JSON: the same trees as HCL has, every place in the JSON file.

use super::{dump, dump_body, tree};
use crate::diagnostic::Diagnostics;
use crate::hcl::json_body;
use crate::source::{Origin, Sources, Span};
use crate::syntax::{Body, Expression, ExpressionKind, TemplatePart};

fn parse(text: &str) -> (Sources, Body, Diagnostics) {
    let sources = Sources::default();
    let file = sources.add("test.pkr.json", Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    let body = json_body::parse(file, text, &mut diagnostics);
    (sources, body, diagnostics)
}

/// One line a mistake: place, code, message, the text pointed at, help; then the related places.
fn mistakes(text: &str) -> String {
    let (sources, _, diagnostics) = parse(text);
    let mut out = String::new();
    for diagnostic in diagnostics.into_sorted() {
        let span = diagnostic.primary.as_ref().unwrap().span;
        let at = sources.position(span.file, span.start);
        let help = diagnostic.help.as_deref().unwrap_or("no help");
        let slice = sources.slice(span);
        out += &format!("{}:{} {}: {} <{slice}> {help}\n", at.line, at.column, diagnostic.code, diagnostic.message);
        for label in diagnostic.related {
            let at = sources.position(label.span.file, label.span.start);
            out += &format!("    {}:{} {}\n", at.line, at.column, label.message);
        }
    }
    out
}

/// The tree of a sound text.
fn json(text: &str) -> String {
    assert_eq!(mistakes(text), "", "{text}");
    dump_body(&parse(text).1)
}

/// The tree of a sound value.
fn value(text: &str) -> String {
    json(&format!("{{\"locals\": {{\"a\": {text}}}}}"))
        .trim_start_matches("locals {a = ")
        .strip_suffix('}')
        .unwrap()
        .to_owned()
}

#[test]
fn a_template_is_the_one_it_would_be_in_hcl() {
    let in_json = r#"{
  "//": "a comment",
  "packer": {"required_version": ">= 1.7", "required_plugins": {"qemu": {"version": "1.0", "source": "x/y/qemu"}}},
  "variable": {
    "region": {"type": "map(list(string))", "default": {"a": ["b"]}, "//": 1},
    "size": [{"default": 1, "sensitive": true, "validation": {"condition": "${var.size > 0}", "error_message": "No ${x}."}}]
  },
  "variables": {"plain": "text"},
  "locals": [{"one": "${var.size}", "two": "a${local.one}b"}, {"three": null}],
  "local": {"secret": {"expression": ["%{if true}x%{endif}"], "sensitive": true}},
  "data": {"http": {"page": {"url": "u"}}},
  "source": {"null": {"a": {"communicator": "none", "tags": {"k${var.size}": 1.5}}, "b": {}}, "file": [{"c": {}}, {"d": [{}, {"x": 1}]}]},
  "build": {
    "sources": ["source.null.a"],
    "source": {"null.b": {"name": "other"}},
    "provisioner": [{"shell-local": {"inline": ["echo"]}}, {"shell": [{"script": "x"}, {"script": "y"}]}],
    "error-cleanup-provisioner": {"shell-local": {}},
    "post-processor": {"manifest": {}},
    "post-processors": [{"post-processor": {"compress": {}}}, {"post-processor": [{"checksum": {}}, {"manifest": {}}]}]
  }
}"#;
    let in_hcl = r#"
packer {
  required_version = ">= 1.7"
  required_plugins {
    qemu = { "version" = "1.0", "source" = "x/y/qemu" }
  }
}
variable "region" {
  type    = map(list(string))
  default = { "a" = ["b"] }
}
variable "size" {
  default   = 1
  sensitive = true
  validation {
    condition     = "${var.size > 0}"
    error_message = "No $${x}."
  }
}
variables {
  plain = "text"
}
locals {
  one = "${var.size}"
  two = "a${local.one}b"
}
locals {
  three = null
}
local "secret" {
  expression = ["%{if true}x%{endif}"]
  sensitive  = true
}
data "http" "page" {
  url = "u"
}
source "null" "a" {
  communicator = "none"
  tags         = { "k${var.size}" = 1.5 }
}
source "null" "b" {}
source "file" "c" {}
source "file" "d" {}
source "file" "d" {
  x = 1
}
build {
  sources = ["source.null.a"]
  source "null.b" {
    name = "other"
  }
  provisioner "shell-local" {
    inline = ["echo"]
  }
  provisioner "shell" {
    script = "x"
  }
  provisioner "shell" {
    script = "y"
  }
  error-cleanup-provisioner "shell-local" {}
  post-processor "manifest" {}
  post-processors {
    post-processor "compress" {}
  }
  post-processors {
    post-processor "checksum" {}
    post-processor "manifest" {}
  }
}
"#;
    assert_eq!(json(in_json), tree(in_hcl));
}

#[test]
fn a_list_at_the_root_and_blocks_that_are_null() {
    assert_eq!(
        json(
            r#"[{"locals": {"a": 1}}, {"locals": [{"a": 2}], "build": null}, {"packer": [null], "local": {"x": null}}]"#
        ),
        "locals {a = 1}; locals {a = 2}; packer {}"
    );
    // The objects of a list in a list are one block together.
    assert_eq!(
        json(r#"{"build": {"provisioner": {"shell": [[{"inline": []}, {"env": {}}]]}}}"#),
        r#"build {provisioner "shell" {inline = []; env = {}}}"#
    );
    // The same key twice is the same block twice.
    assert_eq!(
        json(r#"{"source": {"null": {"a": {}}, "null": {"b": {}}}, "source": {"null": {"c": {}}}}"#),
        r#"source "null" "a" {}; source "null" "b" {}; source "null" "c" {}"#
    );
}

#[test]
fn dynamic_blocks() {
    assert_eq!(
        json(
            r#"{"build": {
                "dynamic": {"provisioner": {"for_each": "${var.list}", "iterator": "it", "labels": ["shell"],
                    "content": {"inline": ["${it.value}"]}}},
                "post-processors": {"dynamic": [{"post-processor": {"for_each": [], "content": {}}}]}
            }, "source": {"qemu": {"a": {"dynamic": {"disk": {"for_each": [1], "content": {"size": 1}}}}}}}"#
        ),
        "build {dynamic \"provisioner\" {for_each = <${(. var list)}>; iterator = it; labels = [\"shell\"]; \
         content {inline = [<${(. it value)}>]}}; \
         post-processors {dynamic \"post-processor\" {for_each = []; content {}}}}; \
         source \"qemu\" \"a\" {dynamic \"disk\" {for_each = [1]; content {size = 1}}}"
    );
    let sequence = r#"{"build": {"dynamic": {"post-processors":
        {"for_each": [1], "content": {"post-processor": [{"manifest": {}}]}}}}}"#;
    assert_eq!(
        json(sequence),
        r#"build {dynamic "post-processors" {for_each = [1]; content {post-processor "manifest" {}}}}"#
    );
}

#[test]
fn strings_are_templates() {
    assert_eq!(value(r#""plain \"x\" \\n""#), r#""plain \"x\" \\n""#);
    assert_eq!(value(r#""${var.x}""#), "<${(. var x)}>");
    assert_eq!(value(r#""a${\"b${var.c}\"}d\n""#), r#"<"a" ${<"b" ${(. var c)}>} "d\n">"#);
    // The doubled sign of HCL is the only escape besides those of JSON.
    assert_eq!(value(r#""$${x} \\t %%{y} $$ {z}""#), r#""${x} \\t %{y} $$ {z}""#);
    // Strip marks reach to the end of their line, as Packer has it.
    assert_eq!(value(r#""a ${~ 1 ~} b%{ for x in [] ~}\n  y%{ endfor }""#), r#"<"a" ${1} "b" for(x in []){"  y"}>"#);
    assert_eq!(value(r#""${<<EOT\nx\nEOT\n}""#), r#"<${"x\n"}>"#);
    assert_eq!(value(r#""${[\n1,\n2\n]}""#), "<${[1 2]}>");
    assert_eq!(value(r#""\ufeff${1}""#), r#"<"\u{feff}" ${1}>"#);
    assert_eq!(
        value(r#"{"a": {"${b}": "${c}", "d": [true, 1e3]}}"#),
        r#"{("a"): {(<${b}>): <${c}>, ("d"): [true 1000]}}"#
    );
}

/// Every name, text and part of a template below an expression, as it stands in the file.
fn places(sources: &Sources, expression: &Expression, found: &mut Vec<String>) {
    found.push(sources.slice(expression.span));
    let text = |text: &crate::source::Text| sources.slice(text.span(0..text.value().len()));
    match &expression.kind {
        ExpressionKind::String(string) => found.push(text(string)),
        ExpressionKind::Template(parts) => {
            for part in parts {
                match part {
                    TemplatePart::Literal(string) => found.push(text(string)),
                    TemplatePart::Interpolation(inner) => places(sources, inner, found),
                    _ => {}
                }
            }
        }
        ExpressionKind::Attribute { on, name } => {
            places(sources, on, found);
            found.push(sources.slice(name.span));
        }
        ExpressionKind::Call(call) => {
            found.push(sources.slice(call.name.span));
            call.arguments.iter().for_each(|argument| places(sources, argument, found));
        }
        _ => {}
    }
}

#[test]
fn places_lead_through_the_escapes_of_json() {
    let text = r#"{"locals": {"\u0061": "\u00e9 ${lower(\"A\\n\u0042\") } $${\t${v\u0061r.b}"}}"#;
    let (sources, body, diagnostics) = parse(text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let attribute = &body.blocks[0].body.attributes[0];
    assert_eq!(attribute.name.value, "a");
    assert_eq!(sources.slice(attribute.name.span), r#""\u0061""#);
    assert_eq!(dump(&attribute.value), r#"<"é " ${lower("A\nB")} " ${\t" ${(. var b)}>"#);
    let mut found = Vec::new();
    places(&sources, &attribute.value, &mut found);
    assert_eq!(
        found,
        [
            r#""\u00e9 ${lower(\"A\\n\u0042\") } $${\t${v\u0061r.b}""#,
            r"\u00e9 ",
            r#"lower(\"A\\n\u0042\")"#,
            "lower",
            r#"\"A\\n\u0042\""#,
            r"A\\n\u0042",
            r" $${\t",
            r"v\u0061r.b",
            r"v\u0061r",
            "b",
        ]
    );
}

#[test]
fn blocks_have_their_places() {
    let text = r#"{"source": {"null": {"a": {}}}, "build": [{"x": 1}, {}]}"#;
    let (sources, body, _) = parse(text);
    let show = |span: Span| sources.slice(span);
    let shown = body.blocks.iter().map(|block| [show(block.kind.span), show(block.header), show(block.body.span)]);
    let shown: Vec<_> = shown.collect();
    let wanted = [[r#""source""#, r#""a""#, "{}"], [r#""build""#, "{", r#"{"x": 1}"#], [r#""build""#, "{", "{}"]];
    assert_eq!(shown, wanted);
    assert_eq!(sources.range(body.blocks[2].header).0.column, 53);
    assert_eq!(show(body.blocks[0].labels[0].span), r#""null""#);
}

#[test]
fn mistakes_inside_of_strings() {
    let text = r#"{
  "locals": {
    "a": "x \" ${var.} y",
    "b": "${foo(\"a\" \"b\")}",
    "c": ["${var.x", "%{ if true }", "${'a'}"],
    "${d": 1,
    "e": {"k${": 1}
  },
  "variable": {"v": {"type": "list(\"string\""}, "w": {"type": ""}}
}"#;
    assert_eq!(mistakes(text), "3:22 missing-attribute-name: expected a name after `.`, found `}` <}> no help
4:23 missing-comma: expected `,` before a string <\\\"> separate the items with `,`
5:12 unclosed-interpolation: `${` is never closed <${> close it with `}`; to write `${` as text, write `$${`
5:23 unpaired-directive: this `if` has no `endif` <%{ if true }> end it with `%{endif}`
5:41 single-quotes: strings can't have single quotes <'a'> use double quotes: `\"…\"`, or a heredoc for more than one line
7:13 unclosed-interpolation: `${` is never closed <${> close it with `}`; to write `${` as text, write `$${`
9:35 unclosed-bracket: this `(` is never closed <(> add `)` where it ends
9:64 expected-value: expected a value, found the end of the file <\"\"> no help
");
}

#[test]
fn wrong_shapes_are_told_where_they_are() {
    let text = r#"{
  "variable": {"a": "text", "//": "no comment", "b": [[1]]},
  "variables": [[{"a": 1}], null],
  "local": null,
  "variable": "x",
  "variable": [null],
  "source": {"//": "no comment", "null": {"x": 1}, "file": {}, "docker": []},
  "locals": 1,
  "local": {},
  "build": {
    "sources": [],
    "sources": ["a"],
    "provisioner": ["shell"],
    "description": {"k": 1, "l": 2, "k": 3}
  }
}"#;
    assert_eq!(mistakes(text), "2:21 wrong-type: a `variable` block is an object, or a list of objects, not a string <\"text\"> no help
2:29 wrong-labels: `//` stands where a label of `variable` does <\"//\"> a comment goes into the block itself, or before all of them
2:56 wrong-type: each part of a `variable` block is an object, not a number <1> no help
3:17 wrong-type: a `variables` block is an object, not a list <[{\"a\": 1}]> no help
3:29 wrong-type: a `variables` block is an object, not null <null> no help
4:12 wrong-type: `local` takes a name, so an object or a list of objects stands here, not null <null> write `\"local\": {\"NAME\": {…}}`
5:15 wrong-type: `variable` takes a name, so an object or a list of objects stands here, not a string <\"x\"> write `\"variable\": {\"NAME\": {…}}`
6:16 wrong-type: `variable` takes a name, so an object or a list of objects stands here, not null <null> write `\"variable\": {\"NAME\": {…}}`
7:14 wrong-labels: `//` stands where a label of `source` does <\"//\"> a comment goes into the block itself, or before all of them
7:48 wrong-type: a `source` block is an object, or a list of objects, not a number <1> no help
7:60 wrong-labels: `source` takes a type and a name <{}> write `\"source\": {\"TYPE\": {\"NAME\": {…}}}`
7:74 wrong-labels: `source` takes a type and a name <[]> write `\"source\": {\"TYPE\": {\"NAME\": {…}}}`
8:13 wrong-type: a `locals` block is an object, or a list of objects, not a number <1> no help
9:12 wrong-labels: `local` takes a name <{}> write `\"local\": {\"NAME\": {…}}`
12:5 duplicate-argument: `sources` is set twice <\"sources\"> keep one of the two
    11:5 first set here
13:21 wrong-type: `provisioner` takes a type, so an object or a list of objects stands here, not a string <\"shell\"> write `\"provisioner\": {\"TYPE\": {…}}`
14:37 duplicate-key: the key `k` is here twice <\"k\"> delete one of the two
    14:21 first here
");
    assert_eq!(
        mistakes("[{}, 1, []]"),
        "1:6 wrong-type: each part of a template is an object, not a number <1> no help
1:9 wrong-type: each part of a template is an object, not a list <[]> no help\n"
    );
    assert_eq!(
        mistakes("\"text\""),
        "1:1 wrong-type: a template is an object, or a list of objects, not a string <\"text\"> no help\n"
    );
    assert_eq!(mistakes("\u{feff}{}"), "1:1 byte-order-mark: the file begins with a byte order mark, which JSON does not allow <\u{feff}> save the file as UTF-8 without a byte order mark
");
    assert_eq!(mistakes(" "), "1:2 json-value: there is nothing in this file <> the least there can be is `{}`\n");
    assert_eq!(
        mistakes("{} # comment"),
        "1:4 json-comment: JSON has no comments <# comment> delete it; a remark can be the value of a key `//`
"
    );
}

#[test]
fn names_of_what_could_not_be_read_are_known() {
    let (_, body, _) =
        parse(r#"{"variable": {"a": 1}, "local": {"b": "x"}, "build": {"source": ["null.a"], "provisioner": 1}}"#);
    assert_eq!(dump_body(&body), r#"variable "a" {default = !!}; local "b" {expression = !!}; build {sources = !!}"#);
}

#[test]
fn unknown_names_are_left_to_the_document() {
    assert_eq!(
        json(
            r#"{"biuld": {"sources": []}, "loose": "${1}", "variable": {"a": {"defualt": {"k": 1}, "valdation": [{}]}}}"#
        ),
        r#"loose = <${1}>; biuld {}; variable "a" {defualt = {("k"): 1}; valdation {}}"#
    );
}

#[test]
fn hostile_input_does_no_harm() {
    // The deepest value that JSON may have, with the deepest expression in it.
    let (deep, inner) = (120, "[".repeat(120) + &"]".repeat(120));
    for (open, close) in [("[", "]"), ("{\"a\": ", "}"), ("{\"build\": ", "}")] {
        let text = format!("{}\"${{{inner}}}\"{}", open.repeat(deep), close.repeat(deep));
        assert_eq!(mistakes(&format!("{{\"locals\": {{\"a\": {text}}}}}")), "");
        let text = format!("{}\"${{1{}}}\"{}", open.repeat(deep), "+1".repeat(1900), close.repeat(deep));
        assert_eq!(mistakes(&format!("{{\"locals\": {{\"a\": {text}}}}}")), "");
    }
    let chain = format!("{{\"locals\": {{\"a\": \"${{1{}}}\"}}}}", "+1".repeat(3000));
    assert!(mistakes(&chain).contains("nested-too-deeply"));
    // None of these may take time that grows faster than they do.
    for rubbish in ["${1}\\n", "${", "%{if x}", "\\\"${", "${\\\"", "\\u00e9$${", "}", "%{endif}\\n"] {
        mistakes(&format!("{{\"locals\": {{\"a\": \"{}\"}}}}", rubbish.repeat(20_000)));
    }
    let many = format!("{{\"locals\": {{\"a\": [{}1]}}}}", "\"${\",".repeat(20_000));
    assert!(
        mistakes(&many)
            .ends_with("19500 more mistakes from here on are not shown <${> check that this is an HCL file\n")
    );
}
