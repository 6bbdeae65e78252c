//! The formatter on real templates and on made ones: the bytes that Packer 1.6.6 writes, where that is at hand, and
//! always the same words, no matter how often.

#[path = "support/corpus.rs"]
mod corpus;

use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::hcl;
use imgforge_template::hcl::token::TokenKind;
use imgforge_template::source::{Origin, Sources};
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;

fn format(text: &str) -> Option<String> {
    let file = Sources::default().add("t.pkr.hcl", Origin::File, text);
    hcl::format(file, text, &mut Diagnostics::default())
}

fn words(text: &str) -> Vec<(TokenKind, &str)> {
    let file = Sources::default().add("t.pkr.hcl", Origin::File, text);
    let tokens = hcl::tokenize(file, text, &mut Diagnostics::default());
    tokens.iter().map(|token| (token.kind, &text[token.span.range()])).collect()
}

/// Formats a text; it must keep its words and be the same when formatted again.
fn formatted(text: &str) -> Option<String> {
    let formatted = format(text)?;
    assert_eq!(words(&formatted), words(text), "{text:?}");
    assert_eq!(format(&formatted).as_ref(), Some(&formatted), "again: {text:?}");
    Some(formatted)
}

/// What Packer makes of each text; `None` after saying so where there is no Packer 1.6.6.
#[expect(clippy::print_stderr, reason = "a test says what it could not do")]
fn packer(texts: &[(&str, &str)], folder: &str) -> Option<Vec<String>> {
    let packer = || {
        let mut command = Command::new("packer");
        command.env("CHECKPOINT_DISABLE", "1");
        command
    };
    let version = packer().arg("version").output();
    if !version.is_ok_and(|output| output.stdout.starts_with(b"Packer v1.6.6")) {
        eprintln!("there is no packer 1.6.6: its bytes are not compared");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let _absent = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a new folder");
    let paths = texts.iter().enumerate().map(|(index, (ending, _))| folder.join(format!("{index}{ending}")));
    let paths: Vec<_> = paths.collect();
    for (path, (_, text)) in paths.iter().zip(texts) {
        std::fs::write(path, text).expect("a new file");
    }
    let output = packer().arg("fmt").arg(&folder).output().expect("packer runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let formatted = paths.iter().map(|path| std::fs::read_to_string(path).expect("the file again")).collect();
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    Some(formatted)
}

#[test]
fn real_templates_are_formatted_as_by_packer() {
    let Some(folder) = corpus::folder() else { return };
    let files = corpus::files(&folder, &[".pkr.hcl", ".pkrvars.hcl"]);
    assert!(files.len() > 500, "only {} templates in {}", files.len(), folder.display());
    let ours: Vec<_> = files.iter().map(|(path, text)| (path, formatted(text).expect("no mistakes"))).collect();
    let changed = files.iter().zip(&ours).filter(|((_, text), (_, formatted))| text != formatted).count();
    assert!(changed > 200, "only {changed} change");
    let ending = |path: &Path| if path.to_string_lossy().ends_with(".pkr.hcl") { ".pkr.hcl" } else { ".pkrvars.hcl" };
    let texts: Vec<_> = files.iter().map(|(path, text)| (ending(path), text.as_str())).collect();
    let Some(theirs) = packer(&texts, "format-corpus") else { return };
    let pairs = ours.iter().zip(&theirs).filter(|((_, ours), theirs)| ours != *theirs);
    assert_eq!(pairs.map(|((path, _), _)| path.display().to_string()).collect::<Vec<_>>(), Vec::<String>::new());
    println!("{} templates formatted alike, {changed} of them changed", files.len());
}

/// Ways to write the same expression, with all kinds of blanks in it and lines that end at odd places.
fn expression() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a",
        "b.c",
        "é",
        "in",
        "1",
        "2.5",
        "null",
        "\"x\"",
        "\"\"",
        "\"é${ a }%{ if b }c%{ endif }\"",
        "[ ]",
        "{ }",
        "a [ 0 ]",
        "b . * . c",
        "d [ * ]",
        "f ( )",
        "<<E\n  x ${ y }\nE\n",
        "<<-E\n\tx\n\tE\n",
    ]);
    let blank = || prop::sample::select(vec!["", " ", "  ", "\t", "/*c*/", "/* c\n */"]);
    let end = || prop::sample::select(vec!["", "", "\n", " # d\n", "\n\n"]);
    let operator = prop::sample::select(vec!["+", "*", "/", "%", "&&", "||", "==", "!=", "<", ">=", " - ", "-"]);
    let equal = || prop::sample::select(vec!["=", ":"]);
    word.prop_map(str::to_owned).prop_recursive(4, 40, 3, move |inner| {
        prop_oneof![
            (inner.clone(), blank(), operator.clone(), blank(), inner.clone())
                .prop_map(|(left, a, operator, b, right)| format!("{left}{a}{operator}{b}{right}")),
            (prop::sample::select(vec!["-", "!"]), blank(), inner.clone())
                .prop_map(|(sign, a, of)| format!("{sign}{a}{of}")),
            (blank(), end(), inner.clone(), end()).prop_map(|(a, b, of, c)| format!("({a}{b}{of}{c})")),
            (inner.clone(), blank(), end(), inner.clone(), end())
                .prop_map(|(one, a, b, two, c)| format!("[{b}{one}{a},{b}{two}{c}]")),
            (inner.clone(), blank(), end(), inner.clone(), end())
                .prop_map(|(one, a, b, two, c)| format!("f{a}({b}{one}{a},{two}{c})")),
            (inner.clone(), equal(), blank(), inner.clone(), end())
                .prop_map(|(one, equal, a, two, b)| format!("{{{b}k{a}{equal}{one}{a},(kk){equal}{a}{two}{b}}}")),
            (inner.clone(), equal(), blank(), inner.clone())
                .prop_map(|(one, equal, a, two)| format!("{{\n{a}k{a}{equal}{one}\n\"kk\"{equal}{two}{a}# c\n}}")),
            (inner.clone(), blank(), inner.clone()).prop_map(|(one, a, two)| format!("b{a}?{one}{a}:{a}{two}")),
            (inner.clone(), blank(), end(), inner.clone())
                .prop_map(|(one, a, b, two)| format!("[{b}for x in {a}{one}{b}:{a}{two}{b}]")),
            (inner.clone(), blank(), end(), inner.clone())
                .prop_map(|(one, a, b, two)| format!("{{{b}for x,y in {one}{a}:x{a}=>{a}{two}{b}}}")),
            (inner.clone(), blank(), end()).prop_map(|(of, a, b)| format!("\"p${{{a}{b}{of}{a}}}q\"")),
            (inner, blank(), end()).prop_map(|(of, a, b)| format!("<<F\n p ${{{a}{b}{of}{a}}} q\nF\n")),
        ]
    })
}

fn body() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        5 => (expression(), prop::sample::select(vec!["=", " =", "  = ", "\t= "])).prop_map(|(of, equal)| format!("{equal}{of}")),
        1 => prop::sample::select(vec![" {", "{ # c", " \"l\" m {"]).prop_map(str::to_owned),
    ];
    let after = prop::sample::select(vec!["\n", "\n", "\r\n", " # c\n", "// c\n", "/* c */\n", "\n\n", "\n# c\n"]);
    prop::collection::vec((prop::sample::select(vec!["", "  ", "\t", "a", "éé"]), line, after), 1..6).prop_map(
        |lines| {
            let mut text = String::new();
            let mut open = 0;
            for (index, (before, line, after)) in lines.into_iter().enumerate() {
                text.push_str(&format!("{before}k{}{line}{after}", index * index * 5));
                open += usize::from(line.contains(" {") && !line.contains('='));
            }
            text + &"}\n".repeat(open)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn whatever_is_formatted_keeps_its_words(text in body()) {
        formatted(&text);
    }

    #[test]
    fn nothing_panics(text in "(a|b =|\"|\\$\\{|<<E\n|E|\\{|\\}|\\[|\\]|=|-|\\.|1|,|#|\n|\r| |é){0,30}") {
        formatted(&text);
    }
}

/// Most of what is made up above has no mistakes, or it would say little.
#[test]
fn made_up_texts_are_formatted_as_by_packer() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let strategy = body();
    let made: Vec<_> = (0..600).map(|_| strategy.new_tree(&mut runner).expect("a text").current()).collect();
    // 1.6.6 has a blank after `!`.
    let made = made.iter().filter(|text| !text.replace("!=", "").contains('!'));
    let pairs: Vec<_> = made.filter_map(|text| formatted(text).map(|formatted| (text, formatted))).collect();
    assert!(pairs.len() > 200, "only {} without mistakes", pairs.len());
    let texts: Vec<_> = pairs.iter().map(|(text, _)| (".pkr.hcl", text.as_str())).collect();
    let Some(theirs) = packer(&texts, "format-made-up") else { return };
    for ((text, ours), theirs) in pairs.iter().zip(&theirs) {
        assert_eq!(ours, theirs, "{text:?}");
    }
}
