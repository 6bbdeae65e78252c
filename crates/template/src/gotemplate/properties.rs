//! What holds for every template, and for every well-formed one in comparison with another engine.

use super::tests::context;
use super::*;
use crate::source::{Origin, Sources};
use proptest::prelude::*;

/// Renders with all kinds of fields, and checks that each place lies inside the source.
fn check_anything(source: &str) {
    let sources = Sources::default();
    let file = sources.add("t.json", Origin::File, source);
    let mut text = Text::new(file);
    // Every third character is an escape as far as places are concerned.
    for (index, (at, letter)) in source.char_indices().enumerate() {
        let end = at + letter.len_utf8();
        if index % 3 == 0 {
            text.push_escape(&source[at..end], at..end);
        } else {
            text.push_verbatim(&source[at..end], at);
        }
    }
    let mut diagnostics = Diagnostics::default();
    let template = GoTemplate::parse(Arc::new(text), &mut diagnostics);
    let values = [("A".to_owned(), "a".to_owned())].into();
    for fields in [Fields::None, Fields::Names(&["A"]), Fields::Values(values)] {
        let before = diagnostics.iter().count();
        let failed = diagnostics.has_errors();
        let rendered = template.render(&context(), &fields, &mut diagnostics);
        let told = diagnostics.iter().skip(before).any(|diagnostic| diagnostic.severity == Severity::Error);
        assert!(rendered.is_none() || !told && (!failed || !template.broken), "{source:?} gives {rendered:?}");
    }
    for diagnostic in diagnostics.iter() {
        let span = diagnostic.primary.as_ref().unwrap().span;
        assert!(source.get(span.range()).is_some(), "{:?} is not whole characters of {source:?}", span.range());
        assert!(diagnostic.help.is_some());
    }
}

fn operand() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(".A".to_owned()),
        Just("$.A".to_owned()),
        Just("true".to_owned()),
        (-20i32..300).prop_map(|value| value.to_string()),
        "[a-c -]{0,3}".prop_map(|text| format!("`{text}`")),
        "([a-c é]|\\\\n|\\\\\"|\\\\u00e9){0,3}".prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let function = prop::sample::select(vec!["print", "and", "or", "println"]);
        prop_oneof![
            (function, prop::collection::vec(inner.clone(), 1..3))
                .prop_map(|(function, arguments)| format!("({function} {})", arguments.join(" "))),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("(eq (print {one}) (print {other}))")),
            (inner.clone(), "%[-+]?[1-9]?v").prop_map(|(value, format)| format!("({value} | printf `{format}`)")),
            inner.clone().prop_map(|value| format!("(not {value})")),
            inner.clone().prop_map(|value| format!("(html {value} | urlquery)")),
            inner.prop_map(|value| format!("(len (print {value}))")),
        ]
    })
}

fn template() -> impl Strategy<Value = String> {
    let open = prop::sample::select(vec!["{{", "{{- ", "{{ "]);
    let close = prop::sample::select(vec!["}}", " -}}", "\n}}"]);
    let action = (open, operand(), close).prop_map(|(open, operand, close)| format!("{open}{operand}{close}"));
    let leaf = prop_oneof![
        "[a-c \n}]{0,4}",
        action,
        operand().prop_map(|value| format!("{{{{$x = print {value}}}}}{{{{$x}}}}")),
        Just("{{- /* note */ -}}".to_owned()),
    ];
    let nodes = leaf.prop_recursive(3, 16, 4, |inner| {
        let body = prop::collection::vec(inner.clone(), 0..3).prop_map(|nodes| nodes.concat());
        prop_oneof![
            body.clone(),
            (operand(), body.clone(), body.clone())
                .prop_map(|(value, yes, no)| format!("{{{{if {value}}}}}{yes}{{{{else}}}}{no}{{{{end}}}}")),
            (operand(), operand(), body.clone())
                .prop_map(|(one, other, body)| format!("{{{{if {one}}}}}{body}{{{{else if {other}}}}}z{{{{end}}}}")),
            (operand(), "[a-c]{0,2}")
                .prop_map(|(value, body)| format!("{{{{with {value}}}}}{body}{{{{.}}}}{{{{end}}}}")),
            (0..4, body).prop_map(|(count, body)| format!("{{{{range $i := {count}}}}}{{{{$i}}}}{body}{{{{end}}}}")),
        ]
    });
    nodes.prop_map(|nodes| format!("{{{{$x := ``}}}}{nodes}"))
}

fn ours(source: &str) -> Option<String> {
    let sources = Sources::default();
    let file = sources.add("t.json", Origin::File, source);
    let mut text = Text::new(file);
    text.push_verbatim(source, 0);
    let mut diagnostics = Diagnostics::default();
    let template = GoTemplate::parse(Arc::new(text), &mut diagnostics);
    let values = [("A".to_owned(), "a <b>".to_owned())].into();
    template.render(&context(), &Fields::Values(values), &mut diagnostics)
}

fn theirs(source: &str) -> Option<String> {
    let data = gotmpl::tmap! { "A" => "a <b>" };
    gotmpl::execute(source, &data).ok()
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC{0,30}|(\\{\\{|\\}\\}|[-.$|(),:='\"`/*\\\\ \n0-9a-eA]|if|else|end|range|with|define|user|print|é){0,24}") {
        check_anything(&text);
        check_anything(&format!("{{{{{text}}}}}"));
    }

    #[test]
    fn templates_with_one_wound_are_read(text in template(), at in any::<prop::sample::Index>(), put in "[-.$|()`\"{}=: e]?") {
        let letters: Vec<char> = text.chars().collect();
        let at = at.index(letters.len());
        let mut wounded: String = letters[..at].iter().collect();
        wounded.push_str(&put);
        wounded.extend(&letters[at + 1..]);
        check_anything(&wounded);
    }

    #[test]
    fn sound_templates_give_what_another_engine_gives(text in template()) {
        prop_assert_eq!(ours(&text), theirs(&text), "{}", text);
    }
}

#[test]
fn deep_and_long_templates_do_no_harm() {
    for (part, count) in [
        ("{{if true}}", 20_000),
        ("{{else if true}}", 20_000),
        ("{{define `a`}}", 20_000),
        ("{{(", 20_000),
        ("(", 20_000),
        ("{{user `x", 20_000),
        ("{{end}}", 20_000),
        ("{{/*", 20_000),
        (".A", 20_000),
        ("|print", 20_000),
    ] {
        check_anything(&part.repeat(count));
        check_anything(&format!("{{{{print {}}}}}", part.repeat(count)));
        check_anything(&format!("{{{{if true}}}}{}", part.repeat(count)));
    }
    let deep = format!("{}x{}", "{{if true}}".repeat(64), "{{end}}".repeat(64));
    assert_eq!(ours(&deep).as_deref(), Some("x"));
    let parentheses = format!("{{{{{}`x`{}}}}}", "(".repeat(64), ")".repeat(64));
    assert_eq!(ours(&parentheses).as_deref(), Some("x"));
}
