//! `templatefile`: what it makes of files, and where it shows what is wrong with them. Real files are read too, where a
//! collection of them is at hand: `IMGFORGE_CORPUS`, else `../shared/corpus` beside the workspace.

use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::eval::{evaluate, references};
use imgforge_template::hcl;
use imgforge_template::host::{FileStatus, Host};
use imgforge_template::scope::{Functions, Scope};
use imgforge_template::source::{Origin, Sources};
use imgforge_template::value::{Kind, Value};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Files in the folder of the template, and how often one was read.
struct Folder {
    files: Vec<(&'static str, &'static str)>,
    reads: AtomicUsize,
}

impl Folder {
    fn text(&self, path: &Path) -> io::Result<&'static str> {
        let found = self.files.iter().find(|(name, _)| Path::new("images").join(name) == path);
        found.map(|(_, text)| *text).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Host for Folder {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(self.text(path)?.as_bytes().to_vec())
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        let size = self.text(path)?.len() as u64;
        Ok(FileStatus { is_directory: false, is_executable: false, size })
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }

    fn started(&self) -> i64 {
        0
    }

    fn now(&self) -> i64 {
        0
    }

    fn working_directory(&self) -> PathBuf {
        "/work".into()
    }

    fn uuid(&self) -> String {
        "00000000-0000-4000-8000-000000000000".to_owned()
    }
}

struct Story {
    sources: Sources,
    scope: Scope,
    folder: Arc<Folder>,
}

impl Story {
    fn new<const N: usize>(files: [(&'static str, &'static str); N]) -> Self {
        let folder = Arc::new(Folder { files: files.to_vec(), reads: AtomicUsize::new(0) });
        let sources = Sources::default();
        let scope = Scope::new(folder.clone(), Path::new("images"), Functions::All, &sources)
            .with("secret", Value::string("s3cret").marked(true))
            .with("unknown", Value::unknown());
        Self { sources, scope, folder }
    }

    fn place(&self, diagnostic: &Diagnostic) -> String {
        let place = |span| {
            let at = self.sources.range(span).0;
            format!("{}:{}:{}", self.sources.name(span.file), at.line, at.column)
        };
        let primary = diagnostic.primary.as_ref().map_or("nowhere".to_owned(), |label| place(label.span));
        let related = diagnostic.related.iter().map(|label| format!(" [{} {}]", place(label.span), label.message));
        let help = diagnostic.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        let related: String = related.collect();
        format!("{primary} {}: {}{related}{help}", diagnostic.code, diagnostic.message)
    }

    /// The value, or all that is wrong.
    fn run(&self, text: &str) -> String {
        let file = self.sources.add("test.pkr.hcl", Origin::File, text);
        let mut diagnostics = Diagnostics::default();
        let expression = hcl::parse_expression(file, text, &mut diagnostics);
        let value = evaluate(&expression, &self.scope, &mut diagnostics);
        if !diagnostics.is_empty() {
            let lines: Vec<String> = diagnostics.iter().map(|diagnostic| self.place(diagnostic)).collect();
            return lines.join("\n");
        }
        let mark = if value.is_sensitive_inside() { "sensitive " } else { "" };
        match &value.kind {
            Kind::String(text) => format!("{mark}{text:?}"),
            Kind::Unknown(_) => format!("{mark}unknown"),
            kind => format!("{mark}{kind:?}"),
        }
    }
}

#[test]
fn a_file_is_a_template() {
    let story = Story::new([
        ("motd", "Welcome to ${name}!\r\n"),
        ("units", "%{ for unit in units ~}\n  - ${unit}\n%{ endfor ~}\nend"),
        ("lines", "a ${~ \"x\" ~}  \n\n  b"),
        ("shell", "\u{feff}echo \"\\n$${HOME}\" %%{x} $ % $$ 100%\n"),
        ("list", "\u{feff}${units}"),
        ("empty", ""),
    ]);
    assert_eq!(story.run("templatefile(\"motd\", { name = \"box\" })"), "\"Welcome to box!\\r\\n\"");
    assert_eq!(story.run("templatefile(\"units\", { units = [1, 2] })"), "\"  - 1\\n  - 2\\nend\"");
    assert_eq!(story.run("templatefile(\"lines\", {})"), "\"ax\\n  b\"");
    assert_eq!(story.run("templatefile(\"shell\", {})"), "\"echo \\\"\\\\n${HOME}\\\" %{x} $ % $$ 100%\\n\"");
    assert_eq!(story.run("length(templatefile(\"list\", { units = [1, 2] })) == 2 ? \"a list\" : \"\""), "\"a list\"");
    assert_eq!(story.run("templatefile(\"empty\", {})"), "\"\"");
    assert_eq!(story.run("templatefile(\"motd\", convert({ name = 1 }, map(string)))"), "\"Welcome to 1!\\r\\n\"");
}

#[test]
fn it_is_read_once() {
    let story = Story::new([("motd", "${name}")]);
    assert_eq!(story.run("join(\",\", [for n in [1, 2, 3] : templatefile(\"motd\", { name = n })])"), "\"1,2,3\"");
    story.run("templatefile(\"motd\", { name = 4 })");
    assert_eq!(story.folder.reads.load(Ordering::Relaxed), 1);
}

#[test]
fn secrets_and_what_is_not_known_go_through() {
    let story = Story::new([("motd", "a ${name}"), ("other", "b")]);
    assert_eq!(story.run("templatefile(\"motd\", { name = secret })"), "sensitive \"a s3cret\"");
    assert_eq!(story.run("templatefile(\"other\", { name = secret })"), "\"b\"");
    assert_eq!(story.run("templatefile(\"motd\", { name = unknown })"), "unknown");
    assert_eq!(story.run("templatefile(\"motd\", unknown)"), "unknown");
    assert_eq!(story.run("templatefile(unknown, {})"), "unknown");
    assert_eq!(
        story.run("templatefile(secret, {})"),
        "test.pkr.hcl:1:14 invalid-argument: `path` of `templatefile`: there is no file at this path \
         (paths are relative to the folder of the template)"
    );
}

#[test]
fn mistakes_are_shown_in_the_file() {
    let story = Story::new([
        ("boot", "#!/bin/sh\necho ${hostnam}\necho ${HOME} ${[] + 1}\n"),
        ("broken", "one ${ \"a }\n%{ if true }\n${ 1 2 }\n"),
        ("nested", "${templatefile(\"boot\", {})}${env(\"A\")}${var.x}"),
        ("open", "a\n${b"),
    ]);
    assert_eq!(
        story.run("templatefile(\"boot\", { hostname = \"box\" })"),
        "images/boot:2:8 undefined-reference: there is no `hostnam` here \
         [test.pkr.hcl:1:1 called here] (did you mean `hostname`?)\n\
         images/boot:3:8 undefined-reference: there is no `HOME` here [test.pkr.hcl:1:1 called here] \
         (give it in the call of `templatefile`; to write `${` as text, write `$${`)\n\
         images/boot:3:16 invalid-operand: wrong left side of `+`: a number is required, not a tuple"
    );
    let broken = "images/broken:1:5 unclosed-interpolation: `${` is never closed \
                  (close it with `}`; to write `${` as text, write `$${`)\n\
                  images/broken:2:1 unpaired-directive: this `if` has no `endif` (end it with `%{endif}`)\n\
                  images/broken:3:6 invalid-interpolation: expected `}` after the interpolated value, found `2` \
                  (if it is meant for another language, a shell for example, write `$${` for `${`)";
    assert_eq!(story.run("templatefile(\"broken\", {})"), broken);
    // The second call says it again: the first might have been in a `try`.
    assert_eq!(story.run("try(templatefile(\"broken\", {}), \"none\")"), "\"none\"");
    assert_eq!(story.run("templatefile(\"broken\", {})"), broken);
    assert_eq!(
        story.run("templatefile(\"nested\", {})"),
        "images/nested:1:3 function-not-allowed: a template file cannot call `templatefile` \
         (call it in the template, and give its result as a name)\n\
         images/nested:1:30 function-not-allowed: `env` may only be used in the default of a variable \
         (declare a variable with this default, and refer to that)\n\
         images/nested:1:41 undefined-reference: `var` is not available here [test.pkr.hcl:1:1 called here] \
         (give it in the call of `templatefile`; to write `${` as text, write `$${`)"
    );
    assert_eq!(
        story.run("templatefile(\"open\", { b = 1 })"),
        "images/open:2:1 unclosed-interpolation: `${` is never closed \
         (close it with `}`; to write `${` as text, write `$${`)"
    );
}

#[test]
fn calls_that_cannot_be() {
    let story = Story::new([("motd", "a")]);
    let of = "of `templatefile`";
    assert_eq!(
        story.run("templatefile(\"motd\")"),
        "test.pkr.hcl:1:13 argument-count: `templatefile` takes 2 arguments, not 1"
    );
    assert_eq!(
        story.run("templatefile(\"nope\", {})"),
        format!(
            "test.pkr.hcl:1:14 invalid-argument: `path` {of}: there is no file at `nope` \
             (paths are relative to the folder of the template)"
        )
    );
    assert_eq!(
        story.run("templatefile(null, {})"),
        format!("test.pkr.hcl:1:14 invalid-argument: `path` {of}: this must not be null")
    );
    assert_eq!(
        story.run("templatefile(\"motd\", [])"),
        format!(
            "test.pkr.hcl:1:22 invalid-argument: `vars` {of}: a map or object is required, not a tuple \
             (write it like `{{ name = value }}`)"
        )
    );
    assert_eq!(
        story.run("templatefile(\"motd\", { \"1.x\" = 2 })"),
        format!(
            "test.pkr.hcl:1:22 invalid-argument: `vars` {of}: `1.x` is no name that could be referred to \
             (write it like `{{ name = value }}`)"
        )
    );
}

fn template_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() && !path.is_symlink() {
            template_files(&path, found);
        } else if path.to_string_lossy().ends_with(".pkrtpl.hcl") {
            found.push(path);
        }
    }
}

#[test]
fn real_files_are_read_without_a_mistake() {
    let folder = std::env::var_os("IMGFORGE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    if !folder.is_dir() {
        return;
    }
    let mut found = Vec::new();
    template_files(&folder, &mut found);
    assert!(found.len() >= 95, "only {} template files in {}", found.len(), folder.display());
    let story = Story::new([]);
    let mut diagnostics = Diagnostics::default();
    for path in found {
        let text = std::fs::read_to_string(&path).expect("UTF-8 text");
        let file = story.sources.add(path.to_string_lossy(), Origin::File, text.as_str());
        let body = hcl::parse_template(file, &text, &mut diagnostics);
        assert_eq!(body.span.range(), 0..text.len());
        // Whatever the call gives: the functions exist, and take so many arguments.
        let mut wanted = Vec::new();
        references(&body, &mut wanted);
        let mut scope = story.scope.clone();
        scope.functions = Functions::TemplateFile;
        scope.names = wanted.into_iter().map(|reference| (reference.root, Value::unknown())).collect();
        let value = evaluate(&body, &scope, &mut diagnostics);
        assert!(matches!(value.kind, Kind::String(_) | Kind::Unknown(_)), "{}: {value:?}", path.display());
    }
    let mistakes: Vec<String> = diagnostics.iter().map(|diagnostic| story.place(diagnostic)).collect();
    assert_eq!(mistakes, Vec::<String>::new());
}
