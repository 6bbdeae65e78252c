//! What Packer's commands do, held against what ours do: a table of small stories, each with fixtures of our own. Rows
//! are numbered as in the notes they were made from. Those of `validate`, `inspect` and `console` have tables of their
//! own.

mod build;

use crate::forge::Forge;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// One row of the table.
pub(super) struct Row {
    number: &'static str,
    what: &'static str,
    /// Panics where something is not as it must be.
    tell: Box<dyn Fn()>,
    differs: Option<&'static str>,
}

pub(super) fn row(number: &'static str, what: &'static str, tell: impl Fn() + 'static) -> Row {
    Row { number, what, tell: Box::new(tell), differs: None }
}

impl Row {
    /// Packer does something else, and why we don't; the story says what we do.
    fn unlike_packer(mut self, reason: &'static str) -> Self {
        self.differs = Some(reason);
        self
    }
}

/// The paths of all files of a story whose names end like this, in order, relative to its folder.
pub(super) fn files(forge: &Forge, end: &str) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(forge.path(), &mut found);
    let names = found.iter().map(|path| path.strip_prefix(forge.path()).unwrap().display().to_string());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(end)).collect();
    names.sort();
    names
}

#[test]
fn the_table_of_what_packer_does() {
    let rows: Vec<Row> = [build::rows()].into_iter().flatten().collect();
    let mut table = String::from("row | what | ok\n");
    let (mut agree, mut differ, mut failures) = (0, Vec::new(), Vec::new());
    for row in &rows {
        let ok = match (catch_unwind(AssertUnwindSafe(&row.tell)), row.differs) {
            (Err(_), _) => {
                // What it said is above.
                failures.push(row.number);
                "WRONG".to_owned()
            }
            (Ok(()), Some(reason)) => {
                differ.push(row.number);
                format!("unlike Packer: {reason}")
            }
            (Ok(()), None) => {
                agree += 1;
                "ok".to_owned()
            }
        };
        let _ = writeln!(table, "{} | {} | {ok}", row.number, row.what);
    }
    let list = if differ.is_empty() { "none".to_owned() } else { differ.join(", ") };
    let _ = writeln!(table, "commands: {} rows, {agree} agree, {} differ ({list})", rows.len(), differ.len());
    println!("{table}");
    assert!(failures.is_empty(), "{failures:?} are wrong");
}
