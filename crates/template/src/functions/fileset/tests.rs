//! Patterns, and walks through a little world. `packer console` 1.6.6 finds the same.

use super::*;
use crate::diagnostic::Diagnostics;
use crate::eval::world::show;
use crate::functions::find;
use crate::host::{FileStatus, Host};
use crate::scope::{Functions, Scope};
use crate::source::{Origin, Sources};
use std::cell::Cell;
use std::io;
use std::sync::Arc;

/// Files below `/t`, which is also there as `/t/d/loop`. What is called `secret` may not be looked at.
struct Tree(&'static [&'static str]);

impl Tree {
    fn at(path: &Path) -> String {
        clean(&path.to_string_lossy()).replace("/d/loop", "")
    }
}

impl Host for Tree {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(ErrorKind::NotFound.into())
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        let path = Self::at(path);
        if path.ends_with("/itself") {
            return Err(io::Error::from_raw_os_error(LOOP));
        }
        if path.ends_with("/secret") {
            return Err(ErrorKind::PermissionDenied.into());
        }
        let is_directory = path == "/t/d/loop" || self.0.iter().any(|file| file.starts_with(&format!("{path}/")));
        if !is_directory && !self.0.contains(&path.as_str()) {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(FileStatus { is_directory, is_executable: false, size: 1 })
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let directory = format!("{}/", Self::at(directory));
        let inside = self.0.iter().filter_map(|file| file.strip_prefix(directory.as_str())?.split('/').next());
        let mut names: BTreeSet<_> = inside.map(str::to_owned).collect();
        if directory == "/t/d/" && self.0.contains(&"/t/d/links") {
            names.insert("loop".to_owned());
        }
        Ok(names.into_iter().collect())
    }

    fn environment(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| "/t/d".to_owned())
    }

    fn started(&self) -> i64 {
        0
    }

    fn now(&self) -> i64 {
        0
    }

    fn working_directory(&self) -> PathBuf {
        "/".into()
    }

    fn uuid(&self) -> String {
        String::new()
    }
}

const FILES: &[&str] =
    &["/t/a.txt", "/t/b.md", "/t/.dot.txt", "/t/.h/x.txt", "/t/[x].txt", "/t/d/c.txt", "/t/d/e/f.txt", "/u/g.txt"];

fn call(files: &'static [&'static str], arguments: [Value; 2]) -> String {
    let scope = Scope::new(Arc::new(Tree(files)), Path::new("/t"), Functions::All, &Sources::default());
    match find("fileset").expect("a function").invoke(&scope, &arguments, &Cell::default()) {
        Ok(value) => show(&value),
        Err(failures) => failures.into_iter().map(|failure| failure.message).collect::<Vec<_>>().join("; "),
    }
}

/// The files without the frame of the set.
fn found(folder: &str, pattern: &str) -> String {
    let shown = call(FILES, [Value::string(folder), Value::string(pattern)]);
    let files = shown.strip_prefix("set[").and_then(|rest| rest.strip_suffix(']'));
    files.map_or(shown.clone(), |files| files.replace(['"', ','], ""))
}

#[test]
fn files_are_found() {
    for (pattern, files) in [
        ("*", ".dot.txt [x].txt a.txt b.md"),
        ("*.txt", ".dot.txt [x].txt a.txt"),
        ("**", ".dot.txt .h/x.txt [x].txt a.txt b.md d/c.txt d/e/f.txt"),
        ("**/", ".dot.txt .h/x.txt [x].txt a.txt b.md d/c.txt d/e/f.txt"),
        ("**/**/f.txt", "d/e/f.txt"),
        ("**/e/**", "d/e/f.txt"),
        ("d/**", "d/c.txt d/e/f.txt"),
        ("**/d/e/*", "d/e/f.txt"),
        ("*/*.txt", ".h/x.txt d/c.txt"),
        ("d**", ""),
        ("**f.txt", ""),
        ("{a.txt,d/{c,e/f}.txt}", "a.txt d/c.txt d/e/f.txt"),
        ("\\[x\\].txt", "[x].txt"),
        ("a.txt", "a.txt"),
        ("./d//c.txt/", "d/c.txt"),
        ("/a.txt", "a.txt"),
        ("*/../a.txt", "a.txt"),
        ("a.txt/*", ""),
        ("d", ""),
        ("", ""),
        ("nope/**", ""),
    ] {
        assert_eq!(found(".", pattern), files, "{pattern}");
    }
}

#[test]
fn paths_are_relative_to_the_folder() {
    assert_eq!(found("d", "*"), "c.txt");
    assert_eq!(found("d/../d/", "../*.md"), "../b.md");
    assert_eq!(found("d/e", "../../d/e/*"), "f.txt");
    assert_eq!(found("/u", "../t/d/*"), "../t/d/c.txt");
    assert_eq!(found("../u", "*"), "g.txt");
    assert_eq!(found("/", "t/*.md"), "t/b.md");
    assert_eq!(found("~", "*"), "c.txt");
    assert_eq!(found("nope", "*"), "");
    assert_eq!(found("a.txt", "*"), "");
    // Packer takes the folder for a pattern, too.
    assert_eq!(found("[d]", "*"), "");
}

#[test]
fn walks_end() {
    let links: &[&str] = &["/t/d/links", "/t/d/c.txt"];
    let result = call(links, [Value::string("."), Value::string("**")]);
    assert_eq!(result, "these folders are too many inside each other");
    let many: Vec<&str> = (0..=100_000).map(|number| &*format!("/t/{number}").leak()).collect();
    let result = call(many.leak(), [Value::string("."), Value::string("x*")]);
    assert_eq!(result, "the pattern goes through too many files");
}

#[test]
fn walks_cost() {
    let many: Vec<&str> = (0..20_000).map(|number| &*format!("/t/{number}").leak()).collect();
    let host = Arc::new(Tree(many.leak()));
    let sources = Sources::default();
    let scope = Scope::new(host, Path::new("/t"), Functions::All, &sources);
    let evaluated = |text: &str| {
        let mut diagnostics = Diagnostics::default();
        let expression = crate::hcl::parse_expression(sources.add("a", Origin::Argument, text), text, &mut diagnostics);
        let value = crate::eval::evaluate(&expression, &scope, &mut diagnostics);
        let said =
            diagnostics.into_sorted().into_iter().map(|problem| format!("{}: {}", problem.code, problem.message));
        said.chain([show(&value)]).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(evaluated("[for a in range(2): fileset(\".\", \"x*\")]"), "[set[], set[]]");
    let too_many = evaluated("[for a in range(20): fileset(\".\", \"x*\")]");
    assert_eq!(too_many, "too-large: this takes too long to evaluate; unknown");
}

#[test]
fn links_that_lead_nowhere_are_left_out() {
    let files: &[&str] = &["/t/a", "/t/d/itself", "/t/d/b"];
    let found = |pattern: &str| call(files, [Value::string("."), Value::string(pattern)]);
    assert_eq!(found("**"), r#"set["a", "d/b"]"#);
    assert_eq!(found("**/*"), r#"set["a", "d/b"]"#);
    assert_eq!(found("d/itself/*"), "set[]");
    assert_eq!(found("d/itself"), "set[]");
}

#[test]
fn what_may_not_be_read_is_said() {
    let files: &[&str] = &["/t/a", "/t/secret"];
    let shown = |folder: Value, pattern: &str| call(files, [folder, Value::string(pattern)]);
    assert_eq!(shown(Value::string("."), "*"), "`secret` may not be read");
    assert_eq!(shown(Value::string("secret"), "*"), "`.` may not be read");
    assert_eq!(shown(Value::string("secret").marked(true), "*"), "this path may not be read");
    assert_eq!(shown(Value::string("."), "a"), r#"set["a"]"#);
    assert_eq!(shown(Value::unknown(), "a"), "unknown set of string");
}

fn pattern(source: &str) -> Result<Part, String> {
    Part::new(source).map_err(|failure| failure.message)
}

#[test]
fn names_match() {
    for (source, matching, others) in [
        ("*.txt", &[".txt", ".a.txt", "é.txt", "a.txt.txt"][..], &["a.txt.md", "txt"][..]),
        ("a?c*", &["abc", "aéc", "a.cd"], &["ac", "bbc"]),
        ("[a-cx].[^0-9]", &["a.z", "x.-"], &["d.z", "a.5", "a."]),
        ("[!a]*", &["a", "!x"], &["b"]),
        (r"\*[\[\-]\{}", &["*[{}", "*-{}"], &["x[{}"]),
        ("**.txt", &["a.txt"], &["a.md"]),
        ("*a*b*c*", &["abc", "xaxbxcx", "aabbcc"], &["acb"]),
        ("[b-a]", &[], &["a", "b"]),
    ] {
        let part = pattern(source).expect(source);
        assert!(matching.iter().all(|name| part.matches(name)), "{source}");
        assert!(!others.iter().any(|name| part.matches(name)), "{source}");
    }
    let slow = pattern(&"*a".repeat(1000)).expect("a pattern");
    assert!(!slow.matches(&"a".repeat(999)));
}

#[test]
fn braces_stand_for_several_patterns() {
    let all = |source: &str| {
        let mut all = alternatives(source).map_err(|failure| failure.message)?;
        all.sort_unstable();
        Ok::<_, String>(all.join(" "))
    };
    assert_eq!(all("a/{b,c/{d,e}.x}/f").as_deref(), Ok("a/b/f a/c/d.x/f a/c/e.x/f"));
    assert_eq!(all("{a,}*{1,2}").as_deref(), Ok("*1 *2 a*1 a*2"));
    assert_eq!(all(r"{a\,b,\{c}}").as_deref(), Ok(r"\{c} a\,b}"));
    assert_eq!(all("a}").as_deref(), Ok("a}"));
    assert_eq!(all("{a"), Err("this is no pattern: a `{` is not closed".to_owned()));
    assert_eq!(all(&"{a,b}".repeat(10)), Err("this is no pattern: it stands for too many".to_owned()));
    assert_eq!(all(&"{".repeat(5000)), Err("this is no pattern: it is too long".to_owned()));
}

#[test]
fn what_is_no_pattern() {
    let wrong = |source: &str| pattern(source).err().unwrap_or_default();
    assert_eq!(wrong("[a"), "this is no pattern: a `[` is not closed");
    assert_eq!(wrong("[]a]"), "this is no pattern: inside of brackets a `\\` is needed before `]`");
    assert_eq!(wrong("[-a]"), "this is no pattern: inside of brackets a `\\` is needed before `-`");
    assert_eq!(wrong("a\\"), "this is no pattern: nothing follows the last `\\`");
}
