//! Whatever the text: no panic, every place lies inside of it, tokens cover it, and a broken tree has a reason.

#[path = "support/places.rs"]
mod places;
#[path = "support/verdict.rs"]
mod verdict;

use places::{check_tokens, check_tree};
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
    }

    #[test]
    fn any_words(text in soup()) {
        check_tokens(&text);
        check_tree(&text);
        prop_assert_eq!(verdict::compare(&text), Ok(()));
    }

    #[test]
    fn any_mutant(text in mutants()) {
        check_tokens(&text);
        check_tree(&text);
        prop_assert_eq!(verdict::compare(&text), Ok(()));
    }
}
