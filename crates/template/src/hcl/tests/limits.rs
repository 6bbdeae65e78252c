//! Hostile and huge input: no overflow of the 2 MiB stack of a test, no quadratic time.

use super::{dump, parse, tree};
use crate::diagnostic::Diagnostics;
use crate::hcl;
use crate::hcl::parse::{MAX_DEPTH, MAX_HEIGHT};
use crate::source::Origin;
use std::time::{Duration, Instant};

fn codes(text: &str) -> Vec<String> {
    let (_, body, reports) = parse(text);
    // Dropped and compared here, since that recurses as well.
    assert_eq!(body, body.clone());
    drop(body);
    reports.iter().map(|report| report.split(' ').nth(1).unwrap_or_default().trim_end_matches(':').to_owned()).collect()
}

#[test]
fn what_is_nested_to_the_limit_is_read() {
    let depth = MAX_DEPTH - 1;
    for (open, close) in [("[", "]"), ("(", ")"), ("{a=", "}"), ("f(", ")"), ("x[", "]"), ("\"${", "}\""), ("1+(", ")")]
    {
        let text = format!("a = {}1{}\n", open.repeat(depth), close.repeat(depth));
        assert_eq!(codes(&text), Vec::<String>::new(), "{open}");
    }
    let blocks = format!("{}{}", "b {\n".repeat(MAX_DEPTH), "}\n".repeat(MAX_DEPTH));
    assert_eq!(codes(&blocks), Vec::<String>::new());
    let directives = format!("a = \"{}x{}\"\n", "%{if y}".repeat(depth), "%{endif}".repeat(depth));
    assert_eq!(codes(&directives), Vec::<String>::new());
}

#[test]
fn what_is_nested_deeper_is_one_mistake() {
    for (open, close) in
        [("[", "]"), ("(", ")"), ("{a=", "}"), ("f(", ")"), ("x[", "]"), ("\"${", "}\""), ("[for x in ", ": x]")]
    {
        let text = format!("a = {}1{}\nb = 2\n", open.repeat(10_000), close.repeat(10_000));
        assert_eq!(codes(&text), ["nested-too-deeply"], "{open}");
    }
    let blocks = format!("{}{}", "b {\n".repeat(10_000), "}\n".repeat(10_000));
    assert_eq!(codes(&blocks), ["nested-too-deeply"]);
    let directives = format!("a = \"{}x{}\"\n", "%{if y}".repeat(10_000), "%{endif}".repeat(10_000));
    assert_eq!(codes(&directives), ["nested-too-deeply"]);
}

#[test]
fn long_chains_are_no_nesting() {
    let links = MAX_HEIGHT - 2;
    for (first, link) in [("1", "+1"), ("x", ".y"), ("x", "[0]"), ("x", "[*]"), ("x", " ? y : x")] {
        let text = format!("a = {first}{}\n", link.repeat(links / 2));
        assert_eq!(codes(&text), Vec::<String>::new(), "{link}");
        let text = format!("a = {first}{}\n", link.repeat(links * 20));
        assert_eq!(codes(&text), ["nested-too-deeply"], "{link}");
    }
    for prefix in ["!", "-"] {
        assert_eq!(codes(&format!("a = {}x\n", prefix.repeat(links))), Vec::<String>::new());
        assert_eq!(codes(&format!("a = {}x\n", prefix.repeat(links * 20))), ["nested-too-deeply"]);
    }
}

#[test]
fn chains_inside_of_each_other_add_up() {
    let chain = "+1".repeat(MAX_HEIGHT / 8);
    let text = format!("a = {}1{}\n", "(".repeat(16), format!("{chain})").repeat(16));
    assert_eq!(codes(&text), ["nested-too-deeply"]);
}

#[test]
fn precedence_does_not_recurse_either() {
    let text = format!("a = {}1\n", "1||1&&1==1<1+1*".repeat(200));
    let (_, body, reports) = parse(&text);
    assert_eq!(reports, Vec::<String>::new());
    assert!(dump(&body.attributes[0].value).starts_with("(|| (|| "));
}

#[test]
fn hostile_text_takes_linear_time() {
    let count = 20_000;
    let texts = [
        "(".repeat(count),
        "((\n".repeat(count),
        ")\n]\n}\n".repeat(count),
        format!("{}{}", "(\n".repeat(count), "]\n".repeat(count)),
        format!("{}{}a = 1", "(".repeat(count), "\n".repeat(count)),
        "a = \"\n".repeat(count),
        "a = \"${\n".repeat(count),
        "a = \"${".repeat(count),
        format!("a = <<E\n{}", "${\n".repeat(count)),
        "a = <<E\nE,\n".repeat(count),
        (0..count).map(|number| format!("a{number} = <<E{number}\nE{number},\n")).collect(),
        "'`;@$& ".repeat(count),
        "<<a ".repeat(count),
        "\\\"".repeat(count),
        "a {".repeat(count),
        "a = [".repeat(count),
        "a 1 \n".repeat(count),
        format!("a = {{{}}}", "b\n".repeat(count)),
        format!("a = [{}]", "1 ;\n".repeat(count)),
        "/*".repeat(count),
        format!("a = \"{}\"", "%{else}".repeat(count)),
        (0..count).map(|number| format!("a{number} = 1\n")).collect(),
        "\u{a0}".repeat(count),
    ];
    for text in texts {
        let start = Instant::now();
        let (sources, _, reports) = parse(&text);
        let file = sources.add("test.pkrtpl.hcl", Origin::File, "");
        let mut diagnostics = Diagnostics::default();
        hcl::parse_template(file, &text, &mut diagnostics);
        assert!(diagnostics.iter().count() <= 501);
        let taken = start.elapsed();
        assert!(taken < Duration::from_secs(5), "{taken:?} for {:?}…", &text.chars().take(30).collect::<String>());
        assert!(reports.len() <= 501);
    }
}

#[test]
fn too_many_mistakes_are_cut_short() {
    let (_, _, reports) = parse(&"a = @\n".repeat(600));
    assert_eq!(reports.len(), 501);
    assert_eq!(reports[500], "251:5-6 too-many-mistakes: 699 more mistakes from here on are not shown");
}

#[test]
fn a_large_file_is_read_whole() {
    let block = "source \"null\" \"x\" {\n  a = [1, \"b${c}\", { d = e.f[0] }]\n}\n";
    assert_eq!(tree(&block.repeat(500)).matches("source").count(), 500);
}
