//! Real templates, read by our parser and by `hcl-edit`: the same verdict, the same structure, the same places.

use hcl_edit::Span as _;
use hcl_edit::structure::Structure;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::hcl;
use imgforge_template::source::{Origin, Sources};
use imgforge_template::syntax::Body;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// `hcl-edit` refuses the same key twice in an object; Packer takes the last one.
const DUPLICATE_OBJECT_KEYS: [&str; 3] = [
    "builds/windows/server/2019/windows-server.pkr.hcl",
    "builds/windows/server/2022/windows-server.pkr.hcl",
    "builds/windows/server/2025/windows-server.pkr.hcl",
];

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("IMGFORGE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

fn templates(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    for path in entries.map(|entry| entry.expect("a readable entry").path()) {
        let name = path.to_string_lossy();
        if path.is_dir() && !path.is_symlink() {
            templates(&path, found);
        } else if path.is_file() && (name.ends_with(".pkr.hcl") || name.ends_with(".pkrvars.hcl")) {
            found.push(path);
        }
    }
}

/// Every name, label and value with its place, in the order of the text.
fn ours(body: &Body, places: &mut Vec<(&'static str, Range<usize>)>) {
    for attribute in &body.attributes {
        places.push(("name", attribute.name.span.range()));
        places.push(("value", attribute.value.span.range()));
    }
    for block in &body.blocks {
        places.push(("kind", block.kind.span.range()));
        places.extend(block.labels.iter().map(|label| ("label", label.span.range())));
        ours(&block.body, places);
    }
}

fn theirs(body: &hcl_edit::structure::Body, places: &mut Vec<(&'static str, Range<usize>)>) {
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                places.push(("name", attribute.key.span().expect("a span")));
                places.push(("value", attribute.value.span().expect("a span")));
            }
            Structure::Block(block) => {
                places.push(("kind", block.ident.span().expect("a span")));
                places.extend(block.labels.iter().map(|label| ("label", label.span().expect("a span"))));
                theirs(&block.body, places);
            }
        }
    }
}

#[test]
fn real_templates_are_read_as_hcl_edit_reads_them() {
    let Some(folder) = corpus() else { return };
    let mut files = Vec::new();
    templates(&folder, &mut files);
    files.sort();
    assert!(files.len() > 500, "only {} templates in {}", files.len(), folder.display());
    let mut differences = Vec::new();
    for path in files {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let sources = Sources::default();
        let file = sources.add(path.to_string_lossy(), Origin::File, text.as_str());
        let mut diagnostics = Diagnostics::default();
        let body = hcl::parse(file, &text, &mut diagnostics);
        let parsed = hcl_edit::parser::parse_body(&text);
        let is_known = DUPLICATE_OBJECT_KEYS.iter().any(|known| path.ends_with(known));
        if diagnostics.has_errors() != parsed.is_err() && !is_known {
            let first = diagnostics.into_sorted().into_iter().next();
            differences.push(format!(
                "{}: {first:?}, {:?}",
                path.display(),
                parsed.err().map(|error| error.to_string())
            ));
            continue;
        }
        let Ok(parsed) = parsed else {
            assert!(!is_known || !diagnostics.has_errors(), "{}: {diagnostics:?}", path.display());
            continue;
        };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        ours(&body, &mut left);
        theirs(&parsed, &mut right);
        left.sort_by_key(|(kind, range)| (range.start, range.end, *kind));
        right.sort_by_key(|(kind, range)| (range.start, range.end, *kind));
        if left != right {
            let first = left.iter().zip(&right).find(|(left, right)| left != right);
            differences.push(format!("{}: {} and {} places, {first:?}", path.display(), left.len(), right.len()));
        }
    }
    assert_eq!(differences, Vec::<String>::new());
}
