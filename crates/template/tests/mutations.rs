//! Real templates, each made wrong in one place: every mistake is found, and on the line where it was made.

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/memory.rs"]
mod memory;

use imgforge_template::diagnostic::{Diagnostics, Severity};
use imgforge_template::document;
use imgforge_template::hcl;
use imgforge_template::hcl::token::TokenKind;
use imgforge_template::host::Host;
use imgforge_template::inputs::Inputs;
use imgforge_template::json;
use imgforge_template::source::{Origin, Sources, Span};
use imgforge_template::syntax::{Body, Expression, ExpressionKind, ObjectKey};
use imgforge_template::template::{self, Depth, Request, Unread, World};
use memory::Memory;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many mutants of each kind; 300 together.
const KINDS: &[(&str, usize, Mutate)] = &[
    ("hcl: a quote dropped", 60, hcl_quote),
    ("hcl: a bracket dropped", 60, hcl_bracket),
    ("hcl: an argument twice", 25, hcl_argument),
    ("hcl: a declaration twice", 25, hcl_declaration),
    ("hcl: a declared name changed", 15, hcl_name),
    ("hcl: a default of the wrong type", 15, hcl_type),
    ("hcl: a default removed", 15, hcl_unset),
    ("json: a quote dropped", 30, json_quote),
    ("json: a bracket dropped", 30, json_bracket),
    ("json: a key twice", 25, json_key),
];

type Mutate = fn(&Base, &mut Random) -> Option<Mutant>;

/// A text that is sound.
struct Base {
    text: String,
    path: PathBuf,
    template: Arc<Template>,
}

/// All files of a template, and what is said about it as it is: files it reads are not there, for example.
#[derive(Default)]
struct Template {
    files: BTreeMap<PathBuf, String>,
    said: Vec<(Line, String)>,
}

struct Mutant {
    text: String,
    /// The lines, from 1, on which it may be reported.
    lines: BTreeSet<Line>,
    /// It takes values to see that it is wrong.
    needs_values: bool,
}

/// A line of one of the files of a template.
type Line = (PathBuf, usize);

/// The same numbers every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() { None } else { items.get(self.below(items.len())) }
    }
}

impl Base {
    fn line(&self, at: usize) -> Line {
        (self.path.clone(), self.text[..at].matches('\n').count() + 1)
    }
}

/// Takes one byte out; a line that is blank then goes too.
fn without(text: &str, at: usize) -> String {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length + 1);
    let line = format!("{}{}", &text[start..at], &text[at + 1..end]);
    let line = if line.trim().is_empty() { "" } else { &line };
    format!("{}{line}{}", &text[..start], &text[end..])
}

fn parse_hcl(path: &Path, text: &str) -> (Sources, Body, Diagnostics) {
    let sources = Sources::default();
    let file = sources.add(path.to_string_lossy(), Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    let body = hcl::parse(file, text, &mut diagnostics);
    (sources, body, diagnostics)
}

fn parse_json(path: &Path, text: &str) -> (Sources, Expression, Diagnostics) {
    let sources = Sources::default();
    let file = sources.add(path.to_string_lossy(), Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    let root = json::parse(file, text, &mut diagnostics);
    (sources, root, diagnostics)
}

/// The lines and codes of errors.
fn errors(sources: &Sources, diagnostics: Diagnostics) -> Vec<(Line, String)> {
    let errors = diagnostics.into_sorted().into_iter();
    let errors = errors.filter(|found| found.severity == Severity::Error && found.code != "not-supported-yet");
    let line = |span: Span| (PathBuf::from(&*sources.name(span.file)), sources.position(span.file, span.start).line);
    errors.map(|found| (line(found.primary.expect("a place").span), found.code.to_owned())).collect()
}

/// What is said about a text on its own, as a template that may be part of one.
fn said_alone(path: &Path, text: &str) -> Vec<(Line, String)> {
    if path.extension().is_some_and(|extension| extension == "json") {
        let (sources, root, mut diagnostics) = parse_json(path, text);
        document::legacy::document(&root, &mut diagnostics);
        return errors(&sources, diagnostics);
    }
    let (sources, body, mut diagnostics) = parse_hcl(path, text);
    document::hcl2::document(vec![body], &mut diagnostics);
    errors(&sources, diagnostics)
}

/// What is said about a template.
fn said_together(files: BTreeMap<PathBuf, String>) -> Vec<(Line, String)> {
    let folder = files.keys().next().and_then(|path| path.parent()).expect("a folder").to_owned();
    let host: Arc<dyn Host> = Arc::new(Memory { files });
    let sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let inputs = Inputs::default();
    let request = Request { path: &folder, inputs: &inputs, depth: Depth::Everything, data_first: false };
    template::load(&request, &World { host: &host, sources: &sources, data: &Unread, secrets: None }, &mut diagnostics);
    errors(&sources, diagnostics)
}

/// The tokens of a sound text that are one of `kinds`, each with its partner.
fn pairs(text: &str, opening: &[TokenKind]) -> Vec<[usize; 2]> {
    let file = Sources::default().add("t", Origin::File, text);
    let mut open = Vec::new();
    let mut found = Vec::new();
    for token in hcl::tokenize(file, text, &mut Diagnostics::default()) {
        if token.kind.is_opening() {
            open.push(token);
        } else if token.kind.is_closing()
            && let Some(before) = open.pop()
            && opening.contains(&before.kind)
        {
            found.push([before.span.start as usize, token.span.start as usize]);
        }
    }
    found
}

fn drop_one(base: &Base, pairs: &[[usize; 2]], random: &mut Random) -> Option<Mutant> {
    let pair = *random.pick(pairs)?;
    let which = random.below(2);
    // Without its end it is the beginning that is unclosed.
    let lines = [pair[which], pair[0]].map(|at| base.line(at)).into();
    Some(Mutant { text: without(&base.text, pair[which]), lines, needs_values: false })
}

/// Another parser must refuse it: `x = "a//b"` without its first quote is sound.
fn refused(mutant: Mutant) -> Option<Mutant> {
    hcl_edit::parser::parse_body(&mutant.text).is_err().then_some(mutant)
}

fn hcl_quote(base: &Base, random: &mut Random) -> Option<Mutant> {
    drop_one(base, &pairs(&base.text, &[TokenKind::OpenQuote]), random).and_then(refused)
}

fn hcl_bracket(base: &Base, random: &mut Random) -> Option<Mutant> {
    let kinds = [TokenKind::OpenBrace, TokenKind::OpenBracket, TokenKind::OpenParenthesis];
    drop_one(base, &pairs(&base.text, &kinds), random).and_then(refused)
}

/// Repeats the lines of a span below it.
fn repeated(base: &Base, span: Span) -> Mutant {
    let text = &base.text;
    let range = span.range();
    let start = text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |length| range.end + length + 1);
    let text = format!("{}{}{}", &text[..end], &text[start..end], &text[end..]);
    Mutant { text, lines: [base.line(end)].into(), needs_values: false }
}

fn bodies<'b>(body: &'b Body, found: &mut Vec<&'b Body>) {
    found.push(body);
    body.blocks.iter().for_each(|block| bodies(&block.body, found));
}

/// Whether a span and the rest of its last line make up whole lines.
fn is_on_own_lines(text: &str, span: Span) -> bool {
    let range = span.range();
    let before = &text[text[..range.start].rfind('\n').map_or(0, |newline| newline + 1)..range.start];
    let after = text[range.end..].lines().next().unwrap_or_default().trim();
    before.trim().is_empty() && (after.is_empty() || after == ",") && text[range.end..].contains('\n')
}

fn hcl_argument(base: &Base, random: &mut Random) -> Option<Mutant> {
    let (_, body, _) = parse_hcl(&base.path, &base.text);
    let mut all = Vec::new();
    bodies(&body, &mut all);
    let spans: Vec<Span> = all
        .iter()
        .flat_map(|body| &body.attributes)
        .map(|attribute| attribute.name.span.to(attribute.value.span))
        .filter(|span| is_on_own_lines(&base.text, *span))
        .collect();
    Some(repeated(base, *random.pick(&spans)?))
}

fn hcl_declaration(base: &Base, random: &mut Random) -> Option<Mutant> {
    let (_, body, _) = parse_hcl(&base.path, &base.text);
    let declared = body.blocks.iter().filter(|block| matches!(&*block.kind.value, "variable" | "source" | "local"));
    let spans: Vec<Span> = declared
        .map(|block| block.header.to(block.body.span))
        .filter(|span| is_on_own_lines(&base.text, *span))
        .collect();
    Some(repeated(base, *random.pick(&spans)?))
}

/// A variable whose declaration is in this text.
fn variables(base: &Base) -> Vec<(String, Span, Body)> {
    let (_, body, _) = parse_hcl(&base.path, &base.text);
    let declared = body.blocks.into_iter().filter(|block| block.kind.value == "variable");
    declared.filter_map(|block| Some((block.labels.first()?.value.clone(), block.header, block.body))).collect()
}

fn replace(text: &str, span: Span, by: &str) -> String {
    format!("{}{by}{}", &text[..span.range().start], &text[span.range().end..])
}

/// Renames what locals refer to.
fn hcl_name(base: &Base, random: &mut Random) -> Option<Mutant> {
    let (_, body, _) = parse_hcl(&base.path, &base.text);
    let mut names = Vec::new();
    for block in &body.blocks {
        match (&*block.kind.value, block.labels.first()) {
            ("variable", Some(label)) => names.push((format!("var.{}", label.value), label.span)),
            ("local", Some(label)) => names.push((format!("local.{}", label.value), label.span)),
            ("locals", _) => names.extend(
                block.body.attributes.iter().map(|item| (format!("local.{}", item.name.value), item.name.span)),
            ),
            _ => {}
        }
    }
    let (name, span) = random.pick(&names)?.clone();
    let mut lines = BTreeSet::new();
    for (path, text) in &base.template.files {
        let (sources, body, _) = parse_hcl(path, text);
        let values = body.blocks.iter().filter(|block| matches!(&*block.kind.value, "local" | "locals"));
        for value in values.flat_map(|block| &block.body.attributes).map(|attribute| &attribute.value) {
            let mut found = Vec::new();
            imgforge_template::eval::references(value, &mut found);
            found.retain(|found| found.path.first().is_some_and(|first| format!("{}.{first}", found.root) == name));
            let line = |span: Span| sources.position(span.file, span.start).line;
            lines.extend(found.iter().map(|reference| (path.clone(), line(reference.span))));
        }
    }
    if lines.is_empty() {
        return None;
    }
    let quote = if base.text[span.range()].starts_with('"') { "\"" } else { "" };
    let text = replace(&base.text, span, &format!("{quote}renamed_by_mistake{quote}"));
    Some(Mutant { text, lines, needs_values: true })
}

fn hcl_type(base: &Base, random: &mut Random) -> Option<Mutant> {
    let mut found = Vec::new();
    for (_, _, body) in variables(base) {
        let of = |name: &str| body.attributes.iter().find(|attribute| attribute.name.value == name);
        let (Some(kind), Some(default)) = (of("type"), of("default")) else { continue };
        let wrong = match &base.text[kind.value.span.range()] {
            "string" => "[\"a\", \"b\"]",
            "number" => "\"many\"",
            "bool" => "\"maybe\"",
            _ => "\"one\"",
        };
        found.push((default.value.span, wrong));
    }
    let (span, wrong) = *random.pick(&found)?;
    let lines = [base.line(span.range().start)].into();
    Some(Mutant { text: replace(&base.text, span, wrong), lines, needs_values: true })
}

fn hcl_unset(base: &Base, random: &mut Random) -> Option<Mutant> {
    let mut found = Vec::new();
    for (name, header, body) in variables(base) {
        let default = body.attributes.iter().find(|attribute| attribute.name.value == "default");
        let is_given = base
            .template
            .files
            .iter()
            .any(|(path, text)| path.to_string_lossy().ends_with(".pkrvars.hcl") && text.contains(&name));
        if let Some(default) = default.filter(|_| !is_given) {
            let span = default.name.span.to(default.value.span);
            found.extend(is_on_own_lines(&base.text, span).then_some((header, span)));
        }
    }
    let (header, span) = *random.pick(&found)?;
    let lines = [base.line(header.range().start)].into();
    Some(Mutant { text: replace(&base.text, span, ""), lines, needs_values: true })
}

/// The brackets or quotes of a sound JSON text in pairs.
fn json_pairs(text: &str, quotes: bool) -> Vec<[usize; 2]> {
    let (mut open, mut found, mut quoted, mut escaped) = (Vec::new(), Vec::new(), None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (byte, quoted) {
            _ if escaped => escaped = false,
            (b'\\', Some(_)) => escaped = true,
            (b'"', None) => quoted = Some(at),
            (b'"', Some(start)) => {
                found.extend(quotes.then_some([start, at]));
                quoted = None;
            }
            (b'{' | b'[', None) => open.push(at),
            (b'}' | b']', None) => found.extend(open.pop().filter(|_| !quotes).map(|start| [start, at])),
            _ => {}
        }
    }
    found
}

fn json_quote(base: &Base, random: &mut Random) -> Option<Mutant> {
    drop_one(base, &json_pairs(&base.text, true), random)
}

fn json_bracket(base: &Base, random: &mut Random) -> Option<Mutant> {
    drop_one(base, &json_pairs(&base.text, false), random)
}

fn members(expression: &Expression, found: &mut Vec<Span>) {
    match &expression.kind {
        ExpressionKind::Tuple(elements) => elements.iter().for_each(|element| members(element, found)),
        ExpressionKind::Object(items) => {
            // The last one has no comma after it.
            for item in items.split_last().map_or(&[][..], |(_, others)| others) {
                if let Some(name) = item.key.literal() {
                    found.push(name.span.to(item.value.span));
                }
            }
            items.iter().for_each(|item| members(&item.value, found));
        }
        _ => {}
    }
}

fn json_key(base: &Base, random: &mut Random) -> Option<Mutant> {
    let (_, root, _) = parse_json(&base.path, &base.text);
    let mut spans = Vec::new();
    members(&root, &mut spans);
    spans.retain(|span| is_on_own_lines(&base.text, *span));
    Some(repeated(base, *random.pick(&spans)?))
}

/// All texts that are sound on their own, HCL2 and JSON.
fn bases(folder: &Path) -> (Vec<Base>, Vec<Base>) {
    let mut folders: BTreeMap<PathBuf, BTreeMap<PathBuf, String>> = BTreeMap::new();
    for (path, text) in corpus::files(folder, &[".pkr.hcl", ".auto.pkrvars.hcl"]) {
        let parent = path.parent().expect("a folder").to_owned();
        folders.entry(parent).or_default().insert(path, text);
    }
    let mut hcl = Vec::new();
    let is_one =
        |files: &BTreeMap<_, _>| !said_together(files.clone()).iter().any(|(_, code)| code.contains("duplicate"));
    let templates = folders.into_values().flat_map(|files| {
        // What declares the same things again and again is a folder of templates.
        if is_one(&files) { vec![files] } else { files.into_iter().map(|file| BTreeMap::from([file])).collect() }
    });
    for files in templates {
        let said = said_together(files.clone());
        let template = Arc::new(Template { files, said });
        for (path, text) in &template.files {
            if path.to_string_lossy().ends_with(".pkr.hcl") {
                assert_eq!(said_alone(path, text), [], "{}", path.display());
                hcl.push(Base { text: text.clone(), path: path.clone(), template: template.clone() });
            }
        }
    }
    let json = corpus::files(folder, &[".json"]).into_iter().filter(|(path, text)| {
        let (_, root, _) = parse_json(path, text);
        let ExpressionKind::Object(items) = &root.kind else { return false };
        let is_builders = |key: &ObjectKey| key.literal().is_some_and(|name| name.value == "builders");
        items.iter().any(|item| is_builders(&item.key)) && said_alone(path, text).is_empty()
    });
    (hcl, json.map(|(path, text)| Base { text, path, template: Arc::default() }).collect())
}

#[test]
fn mutants_of_real_templates_are_found() {
    let Some(folder) = corpus::folder() else { return };
    let (hcl, json) = bases(&folder);
    println!("{} HCL2 texts and {} in JSON", hcl.len(), json.len());
    let mut random = Random(0x1a6f_0c2e_5eed_0001);
    let (mut count, mut found, mut exact, mut alone) = (0, 0, 0, 0);
    for (name, wanted, mutate) in KINDS {
        let bases = if name.starts_with("json") { &json } else { &hcl };
        let (mut made, mut tries, mut missed) = (0, 0, Vec::new());
        while made < *wanted && tries < 100 * wanted {
            tries += 1;
            let Some(base) = random.pick(bases) else { break };
            let Some(mutant) = mutate(base, &mut random) else { continue };
            made += 1;
            let said = if mutant.needs_values {
                let mut files = base.template.files.clone();
                files.insert(base.path.clone(), mutant.text.clone());
                let mut said = said_together(files);
                said.retain(|said| !base.template.said.contains(said));
                said
            } else {
                said_alone(&base.path, &mutant.text)
            };
            found += usize::from(!said.is_empty());
            alone += usize::from(said.len() == 1);
            if said.iter().any(|(line, _)| mutant.lines.contains(line)) {
                exact += 1;
            } else {
                let around: Vec<&str> =
                    mutant.text.lines().skip(mutant.lines.first().map_or(0, |(_, line)| line - 1)).take(3).collect();
                missed.push(format!("  lines {:?}, found {said:?}: {around:?}", mutant.lines));
            }
        }
        count += made;
        println!("{made:3} {name}: {} on another line", missed.len());
        missed.iter().for_each(|line| println!("{line}"));
    }
    println!("{count} mutants: {found} found, {exact} on the exact line, {alone} with nothing else said");
    assert_eq!(count, 300);
    assert_eq!(found, count);
    assert!(exact * 100 >= count * 97, "{exact} of {count} on the exact line");
}
