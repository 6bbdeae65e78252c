//! Where things stand.

use super::parse;
use crate::diagnostic::Diagnostics;
use crate::hcl::token::TokenKind;
use crate::hcl::{parse_expression, tokenize};
use crate::source::{Origin, Sources, Span};
use crate::syntax::{Expression, ExpressionKind, TemplatePart};

/// The source of each node of an expression, outer ones first.
fn nodes(sources: &Sources, expression: &Expression, found: &mut Vec<String>) {
    found.push(sources.slice(expression.span).to_owned());
    let mut go = |expression| nodes(sources, expression, found);
    match &expression.kind {
        ExpressionKind::Attribute { on, .. } => go(on),
        ExpressionKind::Index { on, key } => [on, key].into_iter().for_each(|node| go(node)),
        ExpressionKind::Splat { on, each, .. } => [on, each].into_iter().for_each(|node| go(node)),
        ExpressionKind::Binary { left, right, .. } => [left, right].into_iter().for_each(|node| go(node)),
        ExpressionKind::Conditional { condition, yes, no } => {
            [condition, yes, no].into_iter().for_each(|node| go(node))
        }
        ExpressionKind::Unary { operand, .. } => go(operand),
        ExpressionKind::Parentheses(inner) => go(inner),
        ExpressionKind::Call(call) => {
            let name = sources.slice(call.name.span).to_owned();
            let parentheses = sources.slice(call.parentheses).to_owned();
            call.arguments.iter().for_each(go);
            found.extend([name, parentheses]);
        }
        _ => {}
    }
}

fn spans(text: &str) -> Vec<String> {
    let (sources, body, reports) = parse(&format!("a = {text}\n"));
    assert_eq!(reports, Vec::<String>::new());
    let mut found = Vec::new();
    nodes(&sources, &body.attributes[0].value, &mut found);
    found
}

#[test]
fn expressions_span_what_they_are_made_of() {
    assert_eq!(spans("x.y [ 0 ] # z"), ["x.y [ 0 ]", "x.y", "x", "0"]);
    assert_eq!(spans("x[*].y"), ["x[*].y", "x", "[*].y", "[*]"]);
    assert_eq!(spans("x.*.y"), ["x.*.y", "x", ".*.y", ".*"]);
    assert_eq!(spans("-a + b * c"), ["-a + b * c", "-a", "a", "b * c", "b", "c"]);
    assert_eq!(spans("(a) ? \"b\" : null"), ["(a) ? \"b\" : null", "(a)", "a", "\"b\"", "null"]);
    assert_eq!(spans("f (1, g())"), ["f (1, g())", "1", "g()", "g", "()", "f", "(1, g())"]);
    assert_eq!(spans("<<-E\n  b\n  E"), ["<<-E\n  b\n  E"]);
}

#[test]
fn blocks_span_their_parts() {
    let text = "a \"b\" c {\n  d = 1\n}\n";
    let (sources, body, _) = parse(text);
    let block = &body.blocks[0];
    let show = |span: Span| sources.slice(span);
    assert_eq!(show(block.header), "a \"b\" c");
    assert_eq!(block.labels.iter().map(|label| show(label.span)).collect::<Vec<_>>(), ["\"b\"", "c"]);
    assert_eq!(show(block.body.span), "{\n  d = 1\n}");
    assert_eq!(show(block.body.attributes[0].name.span), "d");
    assert_eq!(show(body.span), text);
}

#[test]
fn strings_lead_back_to_their_source() {
    let (sources, body, _) = parse("a = \"x\\u00e9y$${z}\"\nb = <<-E\n    one\n      two\n    E\n");
    let [ExpressionKind::String(quoted), ExpressionKind::String(heredoc)] =
        [&body.attributes[0].value.kind, &body.attributes[1].value.kind]
    else {
        panic!("two strings expected");
    };
    assert_eq!(quoted.value(), "xéy${z}");
    let show = |range| sources.slice(quoted.span(range));
    assert_eq!([show(0..1), show(1..3), show(3..4), show(4..8)], ["x", "\\u00e9", "y", "${z}"]);
    assert_eq!(heredoc.value(), "one\n  two\n");
    let (start, end) = sources.range(heredoc.span(6..9));
    assert_eq!((start.line, start.column, end.column), (4, 7, 10));
}

#[test]
fn directives_span_from_start_to_end() {
    let (sources, body, _) = parse("a = \"x%{if b}y%{endif}z\"\n");
    let ExpressionKind::Template(parts) = &body.attributes[0].value.kind else { panic!("a template expected") };
    let TemplatePart::If { span, .. } = &parts[1] else { panic!("a directive expected") };
    assert_eq!(sources.slice(*span), "%{if b}y%{endif}");
}

#[test]
fn tokens_are_lossless() {
    let text = "\u{feff}a = \"b${c ~}\" # d\n/* e */ f = <<-X\n g\n X\n";
    let sources = Sources::default();
    let file = sources.add("t", Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    let tokens = tokenize(file, text, &mut diagnostics);
    assert!(diagnostics.is_empty());
    let texts: Vec<String> = tokens.iter().map(|token| sources.slice(token.span)).collect();
    let shown: Vec<_> = tokens.iter().map(|token| token.kind).zip(texts.iter().map(String::as_str)).collect();
    use TokenKind::*;
    assert_eq!(
        shown,
        [
            (Identifier, "a"),
            (Equal, "="),
            (OpenQuote, "\""),
            (Literal, "b"),
            (OpenInterpolation, "${"),
            (Identifier, "c"),
            (CloseTemplate, "~}"),
            (CloseQuote, "\""),
            (Comment, "# d"),
            (Newline, "\n"),
            (Comment, "/* e */"),
            (Identifier, "f"),
            (Equal, "="),
            (OpenHeredoc, "<<-X\n"),
            (Literal, " g\n"),
            (CloseHeredoc, " X"),
            (Newline, "\n"),
            (End, ""),
        ]
    );
}

#[test]
fn a_single_expression_may_span_lines() {
    let mut diagnostics = Diagnostics::default();
    let sources = Sources::default();
    let text = "{ a = 1\nb = [2] }\n";
    let file = sources.add("-var", Origin::Argument, text);
    let expression = parse_expression(file, text, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(super::dump(&expression), "{a: 1, b: [2]}");
    let expression = parse_expression(file, "1 2", &mut diagnostics);
    assert_eq!(expression.kind, ExpressionKind::Broken);
    assert_eq!(diagnostics.iter().map(|report| report.code).collect::<Vec<_>>(), ["unexpected-token"]);
}
