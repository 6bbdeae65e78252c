//! Real legacy JSON templates, where a collection of them is at hand: `IMGFORGE_CORPUS`, else `../shared/corpus`
//! beside the workspace.

use imgforge_template::diagnostic::{Diagnostics, Severity};
use imgforge_template::go_time;
use imgforge_template::gotemplate::{BuildValues, Fields, GoContext, GoTemplate, ResourceNames, User, is_template};
use imgforge_template::host::{FileStatus, Host};
use imgforge_template::json;
use imgforge_template::source::{Origin, Sources, Text};
use imgforge_template::syntax::{Expression, ExpressionKind};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Nowhere;

impl Host for Nowhere {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn status(&self, _: &Path) -> io::Result<FileStatus> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn environment(&self, name: &str) -> Option<String> {
        Some(format!("env-{name}"))
    }

    fn started(&self) -> i64 {
        1_614_834_367
    }

    fn now(&self) -> i64 {
        1_614_834_367
    }

    fn working_directory(&self) -> PathBuf {
        "/work".into()
    }

    fn uuid(&self) -> String {
        "uuid".to_owned()
    }
}

fn corpus() -> Option<PathBuf> {
    let folder = match std::env::var_os("IMGFORGE_CORPUS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
    };
    folder.is_dir().then_some(folder)
}

fn json_files(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            json_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}

fn is_legacy_template(root: &Expression) -> bool {
    let ExpressionKind::Object(items) = &root.kind else { return false };
    items.iter().any(|item| item.key.literal().is_some_and(|name| name.value == "builders"))
}

fn strings(expression: &Expression, found: &mut Vec<Arc<Text>>) {
    match &expression.kind {
        ExpressionKind::String(text) => found.push(Arc::clone(text)),
        ExpressionKind::Tuple(elements) => elements.iter().for_each(|element| strings(element, found)),
        ExpressionKind::Object(items) => items.iter().for_each(|item| strings(&item.value, found)),
        _ => {}
    }
}

#[test]
fn real_templates_are_read() {
    let Some(folder) = corpus() else { return };
    let mut files = Vec::new();
    json_files(&folder, &mut files).unwrap();
    let (mut templates, mut with_duplicates) = (0, 0);
    let mut all: BTreeMap<String, Arc<Text>> = BTreeMap::new();
    for path in files {
        let sources = Sources::default();
        let text = std::fs::read_to_string(&path).unwrap();
        let file = sources.add(path.to_string_lossy(), Origin::File, &*text);
        let mut diagnostics = Diagnostics::default();
        let root = json::parse(file, &text, &mut diagnostics);
        if !is_legacy_template(&root) {
            continue;
        }
        templates += 1;
        with_duplicates += usize::from(!diagnostics.is_empty());
        for diagnostic in diagnostics.iter() {
            assert_eq!(diagnostic.code, "duplicate-key", "{}: {diagnostic:?}", path.display());
        }
        let mut found = Vec::new();
        strings(&root, &mut found);
        all.extend(found.into_iter().map(|text| (text.value().to_owned(), text)));
    }
    // Packer refuses keys that are there twice, too.
    assert!(templates >= 500 && with_duplicates <= 30, "{templates} templates, {with_duplicates} with duplicate keys");
    all.retain(|value, _| is_template(value));
    assert!(all.len() >= 500, "{} different strings", all.len());
    for text in all.values() {
        let mut diagnostics = Diagnostics::default();
        GoTemplate::parse(Arc::clone(text), &mut diagnostics);
        assert!(diagnostics.is_empty(), "{:?}: {diagnostics:?}", text.value());
    }
    render_like_another_engine(&all);
}

/// Renders with the same values as `gotmpl` does.
fn render_like_another_engine(all: &BTreeMap<String, Arc<Text>>) {
    let names: BTreeSet<&str> = all.keys().flat_map(|value| fields(value)).collect();
    let fields = Fields::Values(names.iter().map(|name| ((*name).to_owned(), format!("<{name}>"))).collect());
    let mut compared = 0;
    // Fields in fields are not compared: there are two, and their values would have to be made up.
    for (value, text) in all.iter().filter(|(value, _)| !value.contains("Tags.")) {
        let mut diagnostics = Diagnostics::default();
        let template = GoTemplate::parse(Arc::clone(text), &mut diagnostics);
        let users = template.user_variables().map(|user| (user.value.to_owned(), Some(format!("user-{}", user.value))));
        let context = GoContext {
            host: Arc::new(Nowhere),
            user: User::Variables { values: std::sync::Arc::new(users.collect()), undeclared: Severity::Error },
            environment_allowed: true,
            secrets: None,
            build_name: Some("web-1".to_owned()),
            build_type: Some("qemu".to_owned()),
            template_dir: Some("/templates".into()),
            build_values: BuildValues::Known([("ID".to_owned(), "id-1".to_owned())].into()),
            resource_names: Some(ResourceNames::Amazon),
        };
        let ours = template.render(&context, &fields, &mut diagnostics);
        let theirs = other_engine(value, &names);
        assert_eq!(ours, theirs, "{value}: {diagnostics:?}");
        compared += usize::from(ours.is_some());
    }
    assert!(compared >= 500, "{compared} of {} strings rendered", all.len());
}

/// The fields named in a template, roughly.
fn fields(value: &str) -> impl Iterator<Item = &str> {
    let actions = value.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(action, _)| action);
    actions.flat_map(|action| action.split([' ', '(', ')', '-'])).filter_map(|word| {
        let name = word.strip_prefix('.')?;
        let plain = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
        (plain && !name.is_empty()).then_some(name)
    })
}

fn other_engine(source: &str, names: &BTreeSet<&str>) -> Option<String> {
    use gotmpl::{Template, TemplateError, Value};
    fn texts(arguments: &[Value]) -> Vec<String> {
        arguments.iter().map(Value::to_string).collect()
    }
    fn constant(template: Template, name: &str, value: &'static str) -> Template {
        template.func(name, move |_: &[Value]| Ok(Value::String(value.into())))
    }
    let mut template = Template::new("t");
    for (name, value) in [
        ("timestamp", "1614834367"),
        ("build_name", "web-1"),
        ("build_type", "qemu"),
        ("build", "id-1"),
        ("template_dir", "/templates"),
        ("pwd", "/work"),
        ("uuid", "uuid"),
        ("packer_version", "1.16.0"),
    ] {
        template = constant(template, name, value);
    }
    template = template
        .func("user", |arguments: &[Value]| Ok(Value::String(format!("user-{}", texts(arguments)[0]).into())))
        .func("env", |arguments: &[Value]| Ok(Value::String(format!("env-{}", texts(arguments)[0]).into())))
        .func("isotime", |arguments: &[Value]| {
            let layout = texts(arguments).first().cloned().unwrap_or_else(|| go_time::RFC3339.to_owned());
            Ok(Value::String(go_time::format_layout(&layout, 1_614_834_367).into()))
        })
        .func("upper", |arguments: &[Value]| Ok(Value::String(texts(arguments)[0].to_uppercase().into())))
        .func("lower", |arguments: &[Value]| Ok(Value::String(texts(arguments)[0].to_lowercase().into())))
        .func("clean_resource_name", |arguments: &[Value]| {
            Ok(Value::String(texts(arguments)[0].replace(':', "-").into()))
        })
        .func("replace", |arguments: &[Value]| {
            let words = texts(arguments);
            let count = words[2].parse().unwrap_or(usize::MAX);
            Ok(Value::String(words[3].replacen(&*words[0], &words[1], count).into()))
        })
        .func("replace_all", |arguments: &[Value]| {
            let words = texts(arguments);
            Ok(Value::String(words[2].replace(&*words[0], &words[1]).into()))
        })
        .func("split", |arguments: &[Value]| {
            let words = texts(arguments);
            let piece = words[2].parse::<usize>().ok().and_then(|index| words[0].split(&*words[1]).nth(index));
            piece.map(|piece| Value::String(piece.into())).ok_or_else(|| TemplateError::Exec("no piece".to_owned()))
        });
    let data: BTreeMap<String, String> = names.iter().map(|name| ((*name).to_owned(), format!("<{name}>"))).collect();
    template.parse(source).ok()?.execute_to_string(&gotmpl::ToValue::to_value(&data)).ok()
}
