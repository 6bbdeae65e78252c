//! Our parser beside `hcl-edit`: the same verdict, the same tree, the same places, for real templates and for texts
//! that are hard to read. Where the two differ, it is listed below.

#[path = "support/comparable.rs"]
mod comparable;
#[path = "support/corpus.rs"]
mod corpus;

#[path = "support/printed.rs"]
mod printed;

use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::hcl;
use imgforge_template::source::{Origin, Sources};

/// `hcl-edit` refuses the same key twice in an object; Packer takes the last one.
const DUPLICATE_OBJECT_KEYS: [&str; 3] = [
    "builds/windows/server/2019/windows-server.pkr.hcl",
    "builds/windows/server/2022/windows-server.pkr.hcl",
    "builds/windows/server/2025/windows-server.pkr.hcl",
];

/// Our tree, or our first mistake as `line:column code`.
fn ours(text: &str) -> Result<String, String> {
    let sources = Sources::default();
    let file = sources.add("t.pkr.hcl", Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    let body = hcl::parse(file, text, &mut diagnostics);
    match diagnostics.into_sorted().first() {
        None => Ok(comparable::ours(text, &body)),
        Some(first) => {
            let at = first.primary.as_ref().map(|label| sources.range(label.span).0).expect("a place");
            Err(format!("{}:{} {}", at.line, at.column, first.code))
        }
    }
}

fn theirs(text: &str) -> Option<String> {
    hcl_edit::parser::parse_body(text).ok().map(|body| comparable::theirs(&body))
}

#[test]
fn real_templates_are_read_as_hcl_edit_reads_them() {
    let Some(folder) = corpus::folder() else { return };
    let files = corpus::files(&folder, &[".pkr.hcl", ".pkrvars.hcl"]);
    assert!(files.len() > 500, "only {} templates in {}", files.len(), folder.display());
    let mut differences = Vec::new();
    for (path, text) in &files {
        let (left, right) = (ours(text), theirs(text));
        if DUPLICATE_OBJECT_KEYS.iter().any(|known| path.ends_with(known)) {
            assert!(left.is_ok() && right.is_none(), "{}: {left:?}", path.display());
            continue;
        }
        match (left, right) {
            (Ok(left), Some(right)) if left == right => {}
            (Ok(left), Some(right)) => {
                let lines = left.lines().zip(right.lines()).find(|(left, right)| left != right);
                differences.push(format!("{}: {lines:#?}", path.display()));
            }
            // Packer reads all of them.
            (Err(first), None) => differences.push(format!("{}: {first} in both", path.display())),
            (left, right) => {
                differences.push(format!("{}: {:?}, theirs {}", path.display(), left.err(), right.is_some()))
            }
        }
    }
    assert_eq!(differences, Vec::<String>::new());
    println!("{} templates read alike", files.len());
}

/// In all of these it is ours that agrees with Go's parser, and so with Packer.
#[test]
fn differences_from_hcl_edit() {
    // Text, ours, whether hcl-edit takes it.
    let differences = [
        ("a = { k = 1, k = 2 }\n", Ok(()), false),
        ("\u{feff}a = 1\n", Ok(()), false),
        ("a = 1e400\n", Ok(()), false),
        ("a = \"line\nbreak\"\n", Err("1:5 newline-in-string"), true),
        ("a = x.0.1\n", Err("1:7 legacy-index"), true),
        ("a = b.c.1.5\n", Err("1:9 legacy-index"), true),
        ("a = 1.5.6\n", Err("1:5 invalid-number"), true),
        ("a = { for b, c in d : b => c\n!= null }\n", Ok(()), false),
        ("a = <<E\nb\nE#c\n", Err("3:1 heredoc-marker"), true),
        ("a = \"%{ ifb }c%{ endif }\"\n", Err("1:9 invalid-directive"), true),
        ("a = [for b inc : b]\n", Err("1:12 invalid-for"), true),
        ("a {\n  b = [1]\n  .c # d\n}\n", Err("3:3 unexpected-token"), true),
        ("a = b.\n  c\n", Err("1:6 missing-attribute-name"), true),
        ("a {\n  b = [1]\n  || c\n}\n", Err("3:3 unexpected-token"), true),
        ("# a\rb\n", Ok(()), false),
    ];
    for (text, expected, accepted) in differences {
        let found = ours(text).map(|_| ());
        assert_eq!(found, expected.map_err(str::to_owned), "{text:?}");
        assert_eq!(theirs(text).is_some(), accepted, "{text:?}");
    }
}

/// Texts that are easily read in another way.
#[test]
fn texts_that_are_read_alike() {
    let texts = [
        "a = 1 # b\n/* c */ d = [\n1,\n# e\n2,\n]\n",
        "a = { b = 1\n c : 2, \"d\" = 3\n (e) = 4 }\n",
        "a = b.c[0].d.*.e[1].f[*].g.0\n",
        "a = b ? c : d ? e : f\ng = -h + i * j - k % l / m == n && !o || p != q\n",
        "a = <<E\n b ${c} \\n $${d}\n E\ne = <<-E\n  f\n    g\n  E\n",
        "a = \"b\\n\\u00e9 %%{c} ${ d ~} e ${~ f } \"\n",
        "a = \"%{ if b }c%{ else ~} d %{~ endif }%{ for e, f in g }${e}%{ endfor }\"\n",
        "a = [for b, c in d : b if c]\ne = { for f in g : f => f... if h }\n",
        "a \"b\" c {\n  d {}\n  e { f = 1 }\n}\n",
        "a = f(1, [2]...)\nb = c::d(1)\n",
        "a = (\n  1 +\n  2\n)\n",
        "a = b\r\nc {\r\n  d = <<E\r\ne\r\nE\r\n}\r\n",
        "a = 1_2\n",
        "a = b.\n",
        "a = [1 2]\n",
        "a { b = 1 c = 2 }\n",
        "a = 'b'\n",
        "a = \"${b\"\n",
        "a {\n",
        "a = <<E\nb\n",
    ];
    for text in texts {
        let (left, right) = (ours(text), theirs(text));
        assert_eq!(left.clone().ok(), right, "{text:?}: {left:?}");
    }
}

#[test]
fn real_template_files_are_read() {
    let Some(folder) = corpus::folder() else { return };
    let found = corpus::files(&folder, &[".pkrtpl.hcl"]);
    assert!(found.len() >= 90, "only {} template files in {}", found.len(), folder.display());
    let mut mistakes = Vec::new();
    for (path, text) in found {
        let sources = Sources::default();
        let file = sources.add(path.to_string_lossy(), Origin::File, text.as_str());
        let mut diagnostics = Diagnostics::default();
        let body = hcl::parse_template(file, &text, &mut diagnostics);
        assert_eq!(body.span.range(), 0..text.len());
        mistakes
            .extend(diagnostics.into_sorted().into_iter().map(|mistake| format!("{}: {mistake:?}", path.display())));
    }
    assert_eq!(mistakes, Vec::<String>::new());
}

#[test]
fn real_templates_are_the_same_when_they_are_written_out_and_read_again() {
    let Some(folder) = corpus::folder() else { return };
    for (_, text) in corpus::files(&folder, &[".pkr.hcl", ".pkrvars.hcl"]) {
        printed::check(&text);
    }
}
