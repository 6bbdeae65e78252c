//! Public templates, judged as Packer judges them. Needs the corpus (`IMGFORGE_CORPUS`, or beside the repository);
//! says so and passes where it is not there.

use imgforge::data_reader::DataReader;
use imgforge::lint::{self, Checked};
use imgforge::plan::{self, Selection};
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::document::Language;
use imgforge_template::host::{FileStatus, Host};
use imgforge_template::inputs::Inputs;
use imgforge_template::source::{FileId, Sources};
use imgforge_template::template::{self, Depth, Request, World};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Places that Packer names only because something else is wrong: with one local broken it has none at all.
const CASCADES: [&str; 2] = ["al2.pkr.hcl:86", "al2.pkr.hcl:95"];

pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("IMGFORGE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    folder.is_dir().then(|| folder.canonicalize().unwrap())
}

/// A repository of the corpus: what is not in it stands there empty if the whole repository has it.
struct Repository {
    root: PathBuf,
    paths: Arc<BTreeSet<PathBuf>>,
    working_directory: PathBuf,
}

impl Repository {
    fn place(&self, path: &Path) -> PathBuf {
        let mut place = PathBuf::new();
        for part in self.working_directory.join(path).components() {
            match part {
                Component::ParentDir => {
                    place.pop();
                }
                Component::CurDir => {}
                part => place.push(part),
            }
        }
        place
    }

    fn is_stand_in(&self, place: &Path) -> bool {
        place.strip_prefix(&self.root).is_ok_and(|path| self.paths.contains(path))
    }

    fn is_folder(&self, place: &Path) -> bool {
        let Ok(path) = place.strip_prefix(&self.root) else { return false };
        let next = self.paths.range(path.to_owned()..).find(|next| *next != path);
        place.is_dir() || next.is_some_and(|next| next.starts_with(path))
    }
}

impl Host for Repository {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let place = self.place(path);
        if !place.starts_with(&self.root) || (!place.is_file() && !self.is_stand_in(&place)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if !place.is_file() {
            return Ok(Vec::new());
        }
        let bytes = std::fs::read(place)?;
        // Templates were judged with any version allowed.
        let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(bytes) };
        let lines = text.split('\n').map(|line| match line.trim_start().starts_with("required_version") {
            true => "  required_version = \">= 0.0.0\"",
            false => line,
        });
        Ok(lines.collect::<Vec<_>>().join("\n").into_bytes())
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        let place = self.place(path);
        let is_directory = self.is_folder(&place);
        if !place.starts_with(&self.root) || !(is_directory || place.is_file() || self.is_stand_in(&place)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(FileStatus { is_directory, is_executable: true, size: 0 })
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let place = self.place(directory);
        let entries = std::fs::read_dir(place)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = entries.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }

    fn started(&self) -> i64 {
        1_700_000_000
    }

    fn now(&self) -> i64 {
        self.started()
    }

    fn working_directory(&self) -> PathBuf {
        self.working_directory.clone()
    }

    fn uuid(&self) -> String {
        "00000000-0000-4000-8000-000000000000".to_owned()
    }
}

/// A line of the table.
struct Row<'a> {
    repository: &'a str,
    path: &'a str,
    kind: &'a str,
    arguments: Vec<String>,
    verdict: &'a str,
    places: Vec<&'a str>,
    causes: Vec<&'a str>,
    /// How many arguments Packer does not know; of JSON it does not say where they are.
    unknown_arguments: usize,
    syntax_exit: &'a str,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Self {
        let columns: Vec<&str> = line.split('\t').collect();
        let [repository, path, kind, arguments, verdict, places, causes, syntax_exit] = columns.as_slice() else {
            panic!("a row of eight columns: {line}")
        };
        let arguments = serde_json::from_str(arguments).unwrap();
        let places = places.split_whitespace().collect();
        let unknown = causes.split_whitespace().find_map(|cause| cause.strip_prefix("unknown_argument="));
        let unknown_arguments = unknown.map_or(0, |count| count.parse().unwrap());
        let causes = causes.split_whitespace().map(|cause| cause.split('=').next().unwrap()).collect();
        Row { repository, path, kind, arguments, verdict, places, causes, unknown_arguments, syntax_exit }
    }
}

/// What we say of a row.
struct Verdict {
    errors: Vec<Diagnostic>,
    /// `path:line` of errors and of what they point at besides, the path relative to the repository.
    places: BTreeSet<String>,
    /// The components of the template that are not ours.
    foreign: BTreeSet<String>,
    /// `CODE path:line` of what the checks beyond Packer's find.
    lints: BTreeSet<String>,
}

fn judge(row: &Row<'_>, root: &Path, paths: &Arc<BTreeSet<PathBuf>>, depth: Depth) -> Verdict {
    let whole = root.join(row.path);
    let (folder, name) = match row.kind {
        "file" => (whole.parent().unwrap().to_owned(), PathBuf::from(whole.file_name().unwrap())),
        _ => (whole.components().collect::<PathBuf>(), PathBuf::from(".")),
    };
    let host: Arc<dyn Host> =
        Arc::new(Repository { root: root.to_owned(), paths: paths.clone(), working_directory: folder.clone() });
    let mut inputs = Inputs::default();
    for argument in &row.arguments {
        match argument.strip_prefix('@') {
            Some(file) => inputs.var_files.push(root.join(file)),
            None => {
                let (name, value) = argument.split_once('=').unwrap();
                inputs.variables.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    let sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let request = Request { path: &name, inputs: &inputs, depth, data_first: false };
    let world = World { host: &host, sources: &sources, data: &DataReader::new(false), secrets: None };
    let place = |file: FileId, line: usize| {
        let path = folder.join(&*sources.name(file));
        format!("{}:{line}", path.strip_prefix(root).unwrap_or(&path).display())
    };
    let mut foreign = BTreeSet::new();
    if let Some(template) = template::load(&request, &world, &mut diagnostics)
        && depth == Depth::Everything
    {
        let selection = Selection::new(&[], &[], Language::Hcl2, &mut diagnostics);
        let plan = plan::plan(&template, &selection, &host, &mut diagnostics);
        let unbuildable = plan.unbuildable.iter().filter(|why| why.message.contains("can be checked"));
        foreign.extend(unbuildable.filter_map(|why| why.message.split('`').nth(1).map(str::to_owned)));
        let outlines = &plan.outlines;
        let checked =
            Checked { template: &template, outlines, host: &host, sources: &sources, switches: &[], is_whole: true };
        lint::check(&checked, &mut diagnostics);
    }
    let found = diagnostics.into_sorted();
    let lints = found.iter().filter(|found| lint::find(found.code).is_some()).filter_map(|found| {
        let span = found.primary.as_ref()?.span;
        let line = sources.position(span.file, span.start).line;
        Some(format!("{} {}", found.code, place(span.file, line)))
    });
    let lints = lints.collect();
    let errors: Vec<Diagnostic> = found.into_iter().filter(|found| found.severity == Severity::Error).collect();
    let labels = errors.iter().flat_map(|error| error.primary.iter().chain(&error.related));
    let places = labels.map(|label| place(label.span.file, sources.position(label.span.file, label.span.start).line));
    Verdict { places: places.collect(), errors, foreign, lints }
}

#[test]
fn public_templates_get_the_verdicts_of_packer() {
    let Some(folder) = corpus() else {
        eprintln!("the corpus is not there: nothing was compared");
        return;
    };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let mut repositories: BTreeMap<&str, Arc<BTreeSet<PathBuf>>> = BTreeMap::new();
    let mut differences = Vec::new();
    let mut lints = BTreeSet::new();
    let mut rows = BTreeMap::<&str, usize>::new();
    let (mut places, mut named, mut cascades, mut unnamed, mut unknown_arguments) = (0, 0, 0, Vec::new(), 0);
    // How often components that are not ours were refused by their own rules, which we don't know, and how often we
    // refused the same.
    let mut refused = BTreeMap::<String, (usize, usize)>::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let row = Row::read(line);
        let root = folder.join(row.repository);
        let paths = repositories.entry(row.repository).or_insert_with(|| {
            let text = std::fs::read_to_string(root.join("paths.txt")).unwrap();
            Arc::new(text.lines().map(PathBuf::from).collect())
        });
        let mut differs = |what: String| {
            differences.push(format!("{}/{} {:?}: {what}", row.repository, row.path, row.arguments));
        };
        if row.syntax_exit != "-" {
            let errors = judge(&row, &root, paths, Depth::Syntax).errors;
            *rows.entry("-syntax-only").or_default() += 1;
            if errors.is_empty() != (row.syntax_exit == "0") {
                differs(format!("-syntax-only exits {}, and we say {:?}", row.syntax_exit, errors.first()));
            }
        }
        let found = judge(&row, &root, paths, Depth::Everything);
        lints.extend(found.lints.iter().map(|lint| format!("{} {lint}", row.repository)));
        match row.verdict {
            "valid" => {
                *rows.entry("valid").or_default() += 1;
                if let Some(first) = found.errors.first() {
                    differs(format!("valid, and we say {first:?}"));
                }
            }
            "invalid" => {
                *rows.entry("invalid").or_default() += 1;
                if found.errors.is_empty() {
                    differs(format!("invalid for {:?}, and we say nothing", row.causes));
                }
                let unknown = found.errors.iter().filter(|error| error.code == "unknown-argument").count();
                if unknown < row.unknown_arguments {
                    differs(format!("{unknown} of {} unknown arguments are found", row.unknown_arguments));
                }
                unknown_arguments += row.unknown_arguments;
                places += row.places.len();
                for wanted in &row.places {
                    if CASCADES.contains(wanted) {
                        cascades += 1;
                    } else if found.places.contains(*wanted) {
                        named += 1;
                    } else {
                        unnamed.push(format!("{wanted} for {:?} is not among {:?}", row.causes, found.places));
                    }
                }
            }
            "component" => {
                *rows.entry("component").or_default() += 1;
                if found.foreign.is_empty() && found.errors.is_empty() {
                    differs(format!("our own components refuse it for {:?}, and we say nothing", row.causes));
                }
                let foreign = Vec::from_iter(found.foreign).join(", ");
                let (all, agreed) = refused.entry(foreign).or_default();
                *all += 1;
                *agreed += usize::from(!found.errors.is_empty());
            }
            verdict => *rows.entry(verdict).or_default() += 1,
        }
    }
    let counts: Vec<String> = rows.iter().map(|(what, count)| format!("{count} {what}")).collect();
    println!(
        "corpus: {}; {named} of {places} places named, {cascades} follow from others; {unknown_arguments} unknown arguments \
         found; {} differ",
        counts.join(", "),
        differences.len()
    );
    let mut found = BTreeMap::<&str, usize>::new();
    for lint in &lints {
        *found.entry(lint.split(' ').nth(1).unwrap()).or_default() += 1;
    }
    println!("corpus: places that checks beyond Packer's find: {found:?}");
    println!("templates that components refuse by rules of their own, and how many of them we refuse, by components:");
    for (foreign, (all, agreed)) in refused {
        let foreign = if foreign.is_empty() { "ours alone" } else { &foreign };
        println!("  {agreed} of {all}: {foreign}");
    }
    println!("not named: {}", unnamed.join("\n           "));
    assert!(named * 100 >= (places - cascades) * 97, "{named} of {places} places");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
