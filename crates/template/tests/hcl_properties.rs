//! Whatever the text: no panic, every place lies inside of it, tokens cover it, and a broken tree has a reason.

use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::hcl;
use imgforge_template::hcl::token::TokenKind;
use imgforge_template::source::{FileId, Origin, Sources, Span};
use imgforge_template::syntax::{Body, Expression, ExpressionKind, ObjectKey, TemplatePart};
use proptest::prelude::*;

struct Places<'t> {
    text: &'t str,
    broken: usize,
}

impl Places<'_> {
    fn span(&self, span: Span) {
        assert!(self.text.get(span.range()).is_some(), "{span:?} in {:?}", self.text);
    }

    fn body(&mut self, body: &Body) {
        self.span(body.span);
        for attribute in &body.attributes {
            self.span(attribute.name.span);
            self.expression(&attribute.value);
        }
        for block in &body.blocks {
            self.span(block.kind.span);
            self.span(block.header);
            block.labels.iter().for_each(|label| self.span(label.span));
            self.body(&block.body);
        }
    }

    fn expression(&mut self, expression: &Expression) {
        self.span(expression.span);
        match &expression.kind {
            ExpressionKind::Broken => self.broken += 1,
            ExpressionKind::String(text) => self.span(text.span(0..text.value().len())),
            ExpressionKind::Template(parts) => self.parts(parts),
            ExpressionKind::Tuple(items) => items.iter().for_each(|item| self.expression(item)),
            ExpressionKind::Object(items) => {
                for item in items {
                    match &item.key {
                        ObjectKey::Name(name) => self.span(name.span),
                        ObjectKey::Expression(key) => self.expression(key),
                    }
                    self.expression(&item.value);
                }
            }
            ExpressionKind::Attribute { on, name } => {
                self.expression(on);
                self.span(name.span);
                self.inside(expression, on);
            }
            ExpressionKind::Index { on, key } => {
                self.expression(on);
                self.expression(key);
                self.inside(expression, key);
            }
            ExpressionKind::Splat { on, each, operator } => {
                self.expression(on);
                self.expression(each);
                self.span(*operator);
                self.inside(expression, each);
            }
            ExpressionKind::Call(call) => {
                self.span(call.name.span);
                self.span(call.parentheses);
                call.arguments.iter().for_each(|argument| self.expression(argument));
            }
            ExpressionKind::Unary { operator, operand } => {
                self.span(operator.span);
                self.expression(operand);
                self.inside(expression, operand);
            }
            ExpressionKind::Binary { left, operator, right } => {
                self.span(operator.span);
                self.expression(left);
                self.expression(right);
                self.inside(expression, left);
                self.inside(expression, right);
            }
            ExpressionKind::Conditional { condition, yes, no } => {
                for part in [condition, yes, no] {
                    self.expression(part);
                    self.inside(expression, part);
                }
            }
            ExpressionKind::For(each) => {
                self.expression(&each.collection);
                self.expression(&each.value);
                each.key.iter().chain(&each.condition).for_each(|part| self.expression(part));
            }
            ExpressionKind::Parentheses(inner) => self.expression(inner),
            _ => {}
        }
    }

    fn inside(&self, outer: &Expression, inner: &Expression) {
        assert!(outer.span.start <= inner.span.start && inner.span.end <= outer.span.end, "{outer:?}");
    }

    fn parts(&mut self, parts: &[TemplatePart]) {
        for part in parts {
            match part {
                TemplatePart::Literal(text) => self.span(text.span(0..text.value().len())),
                TemplatePart::Interpolation(expression) => self.expression(expression),
                TemplatePart::If { condition, yes, no, span } => {
                    self.span(*span);
                    self.expression(condition);
                    self.parts(yes);
                    self.parts(no);
                }
                TemplatePart::For { collection, body, span, .. } => {
                    self.span(*span);
                    self.expression(collection);
                    self.parts(body);
                }
            }
        }
    }
}

fn with_file(text: &str) -> FileId {
    Sources::default().add("t", Origin::File, text)
}

type Parse = fn(FileId, &str, &mut Diagnostics) -> Body;

fn check_body(text: &str, parse: Parse) {
    let mut diagnostics = Diagnostics::default();
    let body = parse(with_file(text), text, &mut diagnostics);
    let mut places = Places { text, broken: 0 };
    places.body(&body);
    for diagnostic in diagnostics.iter() {
        let labels = diagnostic.primary.iter().chain(&diagnostic.related);
        labels.for_each(|label| places.span(label.span));
        assert!(diagnostic.primary.is_some());
    }
    assert!(places.broken == 0 || diagnostics.has_errors(), "broken without a reason: {text:?}");
}

fn check_tree(text: &str) {
    check_body(text, hcl::parse);
    for parse in [hcl::parse_expression, hcl::parse_template] {
        let mut diagnostics = Diagnostics::default();
        let expression = parse(with_file(text), text, &mut diagnostics);
        let mut places = Places { text, broken: 0 };
        places.expression(&expression);
        assert!(places.broken == 0 || diagnostics.has_errors(), "broken without a reason: {text:?}");
    }
}

fn check_tokens(text: &str) {
    let tokens = hcl::tokenize(with_file(text), text, &mut Diagnostics::default());
    let mut at = 0;
    for token in &tokens {
        let range = token.span.range();
        let gap = text.get(at..range.start).expect("tokens in order");
        assert!(gap.trim_start_matches('\u{feff}').trim().is_empty(), "{gap:?} is in no token of {text:?}");
        assert!(text.get(range.clone()).is_some());
        at = range.end;
    }
    assert_eq!(tokens.last().map(|token| token.kind), Some(TokenKind::End));
    assert_eq!(at, text.len());
    let open = tokens.iter().filter(|token| {
        matches!(
            token.kind,
            TokenKind::OpenQuote | TokenKind::OpenHeredoc | TokenKind::OpenInterpolation | TokenKind::OpenDirective
        )
    });
    let closed = tokens.iter().filter(|token| {
        matches!(token.kind, TokenKind::CloseQuote | TokenKind::CloseHeredoc | TokenKind::CloseTemplate)
    });
    assert_eq!(open.count(), closed.count(), "{text:?}");
}

/// Words of the language in any order.
fn soup() -> impl Strategy<Value = String> {
    let words = [
        "a",
        "b-c",
        "é",
        "null",
        "true",
        "for",
        "in",
        "if",
        "else",
        "1",
        "2.5",
        "1e3",
        "1.5.6",
        "\"",
        "\"x\"",
        "'y'",
        "${",
        "%{",
        "~",
        "}",
        "$${",
        "\\",
        "\\n",
        "\\u00e9",
        "<<EOT\n",
        "<<-EOT\n",
        "\nEOT\n",
        "EOT",
        "<<",
        "{",
        "[",
        "]",
        "(",
        ")",
        ".",
        "...",
        "*",
        ".*",
        "[*]",
        ",",
        ":",
        "::",
        "=",
        "=>",
        "==",
        "!=",
        "!",
        "<",
        ">",
        "&&",
        "||",
        "?",
        "+",
        "-",
        "/",
        "%",
        "#",
        "//",
        "/*",
        "*/",
        "\n",
        "\r\n",
        "\n",
        " ",
        "\t",
        "@",
        "&",
        ";",
        "`",
        "\u{a0}",
        "\u{feff}",
        "“",
        "”",
        "%{if a}",
        "%{endif}",
        "%{else}",
        "%{for x in y}",
        "%{endfor}",
        "a = ",
        "b \"c\" {\n",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..60).prop_map(|words| words.concat())
}

/// What may stand in a template in JSON, in any nesting.
fn json() -> impl Strategy<Value = String> {
    let words = [
        "${",
        "}",
        "%{ if a }",
        "%{ endif ~}",
        "%{for k, v in w}",
        "%{endfor}",
        "var.x",
        "\\\"",
        "\\n",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\\\\",
        "[1, 2]",
        "é",
        "a",
        " ",
        "(",
        ")",
        "$${",
        "\\ufeff",
        "<<EOT\\n",
        "EOT\\n",
        "\\u0024{",
    ];
    let text = prop::collection::vec(prop::sample::select(words.to_vec()), 0..12)
        .prop_map(|words| format!("\"{}\"", words.concat()));
    let names = [
        "//",
        "packer",
        "variable",
        "variables",
        "local",
        "locals",
        "data",
        "source",
        "build",
        "type",
        "default",
        "validation",
        "condition",
        "provisioner",
        "post-processors",
        "post-processor",
        "dynamic",
        "content",
        "iterator",
        "labels",
        "null",
        "a",
    ];
    let name = prop_oneof![4 => prop::sample::select(names.to_vec()).prop_map(|name| format!("\"{name}\"")), 1 => text.clone()];
    let leaf = prop_oneof![text, prop::sample::select(vec!["null", "true", "1.5e3"]).prop_map(str::to_owned)];
    leaf.prop_recursive(6, 60, 4, move |inner| {
        let member = (name.clone(), inner.clone()).prop_map(|(name, value)| format!("{name}: {value}"));
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(|elements| format!("[{}]", elements.join(", "))),
            3 => prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(",\n"))),
        ]
    })
}

/// A sound text with some characters taken out, put in, or cut off.
fn mutants() -> impl Strategy<Value = String> {
    let snippets = [
        "variable \"a\" {\n  type = list(object({ b = string }))\n  default = [{ b = \"c\" }]\n}\n",
        "locals {\n  d = { for k, v in var.e : k => upper(v)... if v != null }\n  f = [for g in h : g.*.i[0]]\n}\n",
        "j = <<-EOT\n    k ${~ l ~}\n    %{ if m ~}\n  n\n    %{ endif }\n  EOT\no = \"p\\t$${q}${r[\"s\"]}\"\n",
        "build {\n  sources = [\"t.u\"]\n  provisioner \"shell\" { inline = [\"v\"] } # w\n}\n/* x */ y = !z ? -1 : (2 +\n3) * 4 % 5\n",
    ];
    let edit = (
        any::<prop::sample::Index>(),
        0..3_usize,
        prop::sample::select("\"{}[]()$%~\\#/=,:\n .é<E0".chars().collect::<Vec<_>>()),
    );
    (prop::sample::select(snippets.to_vec()), prop::collection::vec(edit, 1..5)).prop_map(|(snippet, edits)| {
        let mut characters: Vec<char> = snippet.chars().collect();
        for (index, action, character) in edits {
            if characters.is_empty() {
                break;
            }
            let at = index.index(characters.len());
            match action {
                0 => drop(characters.remove(at)),
                1 => characters.insert(at, character),
                _ => characters[at] = character,
            }
        }
        characters.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        check_tokens(&text);
        check_tree(&text);
        check_body(&text, hcl::json_body::parse);
    }

    #[test]
    fn any_json(text in json()) {
        check_body(&text, hcl::json_body::parse);
    }

    #[test]
    fn any_broken_json(text in json(), at in any::<prop::sample::Index>(), put in "[\\[\\]{},:\"$%\\\\a1 \n]?") {
        let letters: Vec<char> = text.chars().collect();
        let at = at.index(letters.len());
        let broken = letters[..at].iter().copied().chain(put.chars()).chain(letters[at + 1..].iter().copied());
        check_body(&broken.collect::<String>(), hcl::json_body::parse);
    }

    #[test]
    fn any_words(text in soup()) {
        check_tokens(&text);
        check_tree(&text);
    }

    #[test]
    fn any_mutant(text in mutants()) {
        check_tokens(&text);
        check_tree(&text);
    }
}
