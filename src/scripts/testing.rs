//! A build without an engine, for the tests of components.

use crate::clients::Clients;
use crate::context::BuildContext;
use crate::event::{Event, Events, Reporter, Tone};
use crate::secret::Redactor;
use imgforge_ledger::Ledger;
use imgforge_template::body::{Body, Entry};
use imgforge_template::diagnostic::{Diagnostics, Severity};
use imgforge_template::gotemplate::{BuildValues, GoContext, User};
use imgforge_template::host::{FileStatus, Host};
use imgforge_template::number::Number;
use imgforge_template::source::{Origin, Sources, Span, Text};
use imgforge_template::syntax::{Expression, ExpressionKind, ObjectItem, ObjectKey};
use imgforge_template::types::Type;
use imgforge_template::value::{Kind, Value};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A working directory, a state folder, a build in them, and what it said.
pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) context: BuildContext,
    lines: Arc<Mutex<Vec<String>>>,
    _state: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let (directory, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ledger = Ledger::open(state.path()).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let context = BuildContext {
            name: "null.web".to_owned(),
            label: "web".to_owned(),
            builder_type: "null".to_owned(),
            run_uuid: "run-1".to_owned(),
            ledger: ledger.build("null.web"),
            clients: Clients::default(),
            cancel: CancellationToken::new(),
            force: false,
            debug: false,
            source: None,
            events: Events::new(vec![Box::new(Collector(lines.clone()))], Redactor::default()),
        };
        Self { directory, ledger, context, lines, _state: state }
    }

    /// What the build said, with the folders that differ from run to run written as `WORK` and `SCRATCH/…`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().iter().map(|line| self.without_folders(line)).collect()
    }

    pub(crate) fn without_folders(&self, text: &str) -> String {
        let scratch = format!("{}/shell-", self.ledger.scratch().display());
        let mut text = text.to_owned();
        while let Some(at) = text.find(&scratch) {
            text.replace_range(at..at + scratch.len() + 16, "SCRATCH/shell");
        }
        text.replace(&self.directory.path().display().to_string(), "WORK")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn write_script(&self, name: &str, content: &str) {
        let path = self.path(name);
        super::local::write_executable(&path, content.as_bytes(), 0o755).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// A block as if it had been parsed from `name = value` lines.
    pub(crate) fn block(&self, arguments: &[(&str, Written)]) -> Block {
        self.block_seen_by(Arc::new(Workplace(self.directory.path().to_owned())), arguments)
    }

    /// The same where the template sees another world.
    pub(crate) fn block_seen_by(&self, host: Arc<dyn Host>, arguments: &[(&str, Written)]) -> Block {
        let mut writer = Writer { text: "block\n".to_owned(), sources: Sources::default() };
        // Spans name their file by number, and the first file of any sources has the same.
        let file = writer.sources.add("t.pkr.hcl", Origin::File, "");
        let mut entries = BTreeMap::new();
        for (name, value) in arguments {
            let start = writer.text.len();
            writer.text.push_str(name);
            let key = Span::new(file, start..writer.text.len());
            writer.text.push_str(" = ");
            let (value, expression) = writer.write(value, key);
            writer.text.push('\n');
            let span = expression.span;
            entries.insert((*name).to_owned(), Entry { key, value, expression: Some(Arc::new(expression)), span });
        }
        let context = GoContext {
            host,
            user: User::Forbidden,
            environment_allowed: false,
            secrets: None,
            build_name: Some("web".to_owned()),
            build_type: Some("null".to_owned()),
            template_dir: None,
            resource_names: None,
            build_values: BuildValues::Later(["ID".to_owned(), "Host".to_owned()].into()),
        };
        let sources = Sources::default();
        sources.add("t.pkr.hcl", Origin::File, writer.text);
        let header = Span::new(file, 0..5);
        Block { body: Body::new(entries, header, Arc::new(context), false), sources }
    }
}

/// A value as it stands in a template.
#[derive(Clone)]
pub(crate) enum Written {
    Text(&'static str),
    Number(i64),
    Bool(bool),
    List(Vec<&'static str>),
    Numbers(Vec<i64>),
    Map(Vec<(&'static str, &'static str)>),
    Unknown,
}

pub(crate) use Written::{Bool, List, Map, Numbers, Text as Str, Unknown};

struct Writer {
    text: String,
    sources: Sources,
}

impl Writer {
    fn write(&mut self, written: &Written, key: Span) -> (Value, Expression) {
        let start = self.text.len();
        let (value, kind) = match written {
            Written::Text(text) => {
                self.text.push_str(&format!("{text:?}"));
                (Value::string(*text), self.string(text, key, start))
            }
            Written::Number(number) => {
                self.text.push_str(&number.to_string());
                (Value::number(*number), ExpressionKind::Number(Number::from(*number)))
            }
            Written::Bool(value) => {
                self.text.push_str(&value.to_string());
                (Value::bool(*value), ExpressionKind::Bool(*value))
            }
            Written::List(texts) => self.list(texts.iter().map(|text| Written::Text(text)), key),
            Written::Numbers(numbers) => self.list(numbers.iter().map(|number| Written::Number(*number)), key),
            Written::Map(pairs) => {
                self.text.push_str("{ ");
                let mut items = Vec::new();
                for (name, text) in pairs {
                    let at = self.text.len();
                    self.text.push_str(name);
                    let name_span = Span::new(key.file, at..self.text.len());
                    self.text.push_str(" = ");
                    let (_, value) = self.write(&Written::Text(text), key);
                    self.text.push_str(", ");
                    let name = imgforge_template::source::Spanned::new(Arc::from(*name), name_span);
                    items.push(ObjectItem { key: ObjectKey::Name(name), value });
                }
                self.text.push('}');
                let members = pairs.iter().map(|(name, text)| (*name, Value::string(*text)));
                (Value::object(members), ExpressionKind::Object(items))
            }
            Written::Unknown => {
                self.text.push_str("build.ID");
                (Kind::Unknown(Type::Any).into(), ExpressionKind::Broken)
            }
        };
        (value, Expression { kind, span: Span::new(key.file, start..self.text.len()) })
    }

    fn string(&self, text: &str, key: Span, start: usize) -> ExpressionKind {
        let mut cooked = Text::new(key.file);
        if format!("{text:?}").len() == text.len() + 2 {
            cooked.push_verbatim(text, start + 1);
        } else {
            cooked.push_escape(text, start + 1..self.text.len() - 1);
        }
        ExpressionKind::String(Arc::new(cooked))
    }

    fn list(&mut self, elements: impl Iterator<Item = Written>, key: Span) -> (Value, ExpressionKind) {
        self.text.push('[');
        let (mut values, mut expressions) = (Vec::new(), Vec::new());
        for element in elements {
            if !values.is_empty() {
                self.text.push_str(", ");
            }
            let (value, expression) = self.write(&element, key);
            values.push(value);
            expressions.push(expression);
        }
        self.text.push(']');
        (Kind::Tuple(values.into()).into(), ExpressionKind::Tuple(expressions))
    }
}

pub(crate) struct Block {
    pub(crate) body: Body,
    sources: Sources,
}

impl Block {
    /// Makes a component of the block, which must be right.
    pub(crate) fn make<T>(&self, new: impl FnOnce(&Body, &mut Diagnostics) -> T) -> T {
        let mut diagnostics = Diagnostics::default();
        let made = new(&self.body, &mut diagnostics);
        let errors: Vec<_> = diagnostics.iter().filter(|said| said.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:?}");
        made
    }

    /// What is wrong with the block: code, text under the place, message and help.
    pub(crate) fn mistakes<T>(&self, new: impl FnOnce(&Body, &mut Diagnostics) -> T) -> Vec<String> {
        let mut diagnostics = Diagnostics::default();
        drop(new(&self.body, &mut diagnostics));
        let show = |diagnostic: imgforge_template::diagnostic::Diagnostic| {
            let place = diagnostic.primary.map_or_else(String::new, |label| self.sources.slice(label.span));
            let help = diagnostic.help.map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{} at {place}: {}{help}", diagnostic.code, diagnostic.message)
        };
        diagnostics.into_sorted().into_iter().map(show).collect()
    }
}

struct Collector(Arc<Mutex<Vec<String>>>);

impl Reporter for Collector {
    fn event(&mut self, event: &Event) {
        if let Event::BuildLine { tone, text, .. } = event {
            let tone = if *tone == Tone::Error { "error: " } else { "" };
            self.0.lock().unwrap().push(format!("{tone}{text}"));
        }
    }
}

/// The real file system with another working directory.
struct Workplace(PathBuf);

impl Host for Workplace {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(self.0.join(path))
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        let status = std::fs::metadata(self.0.join(path))?;
        let is_executable = status.permissions().mode() & 0o111 != 0;
        Ok(FileStatus { is_directory: status.is_dir(), is_executable, size: status.len() })
    }

    fn list(&self, _directory: &Path) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn environment(&self, _name: &str) -> Option<String> {
        None
    }

    fn started(&self) -> i64 {
        1_795_382_872
    }

    fn now(&self) -> i64 {
        1_795_382_872
    }

    fn working_directory(&self) -> PathBuf {
        self.0.clone()
    }

    fn uuid(&self) -> String {
        "00000000-0000-4000-8000-000000000000".to_owned()
    }
}
