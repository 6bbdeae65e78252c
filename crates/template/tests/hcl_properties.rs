//! Whatever the text: no panic, every place lies inside of it, tokens cover it, and a broken tree has a reason.

#[path = "support/places.rs"]
mod places;
#[path = "support/printed.rs"]
mod printed;
#[path = "support/verdict.rs"]
mod verdict;

use imgforge_template::hcl;
use places::{check_body, check_tokens, check_tree};
use proptest::prelude::*;

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
        printed::check(&text);
        prop_assert_eq!(verdict::compare(&text), Ok(()));
    }

    #[test]
    fn any_mutant(text in mutants()) {
        check_tokens(&text);
        check_tree(&text);
        printed::check(&text);
        prop_assert_eq!(verdict::compare(&text), Ok(()));
    }
}
