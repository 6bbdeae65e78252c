//! What Packer says of templates, held against what we say: a table of small templates of our own, one for each
//! behaviour, with the verdict and the place of every mistake. Rows are numbered as in the notes they were made from;
//! a `§` in the number is a rule that has no row there.

mod builds;
mod data;
mod legacy;
mod registry;
mod rules;
mod templates;
mod variables;

use crate::forge::Forge;
use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

/// The files of a folder, a run of `validate` in it, and what it must find.
pub(super) struct Row {
    number: &'static str,
    what: &'static str,
    files: Vec<(&'static str, &'static str)>,
    environment: Vec<(&'static str, &'static str)>,
    flags: Vec<&'static str>,
    template: &'static str,
    places: &'static [&'static str],
    says: Vec<&'static str>,
    packer: Option<(i32, &'static str)>,
}

/// A row whose template is valid until `finds` says otherwise.
pub(super) fn row(number: &'static str, what: &'static str) -> Row {
    Row {
        number,
        what,
        files: Vec::new(),
        environment: Vec::new(),
        flags: Vec::new(),
        template: ".",
        places: &[],
        says: Vec::new(),
        packer: None,
    }
}

impl Row {
    /// The template, as the file `image.pkr.hcl`.
    fn hcl(self, text: &'static str) -> Self {
        self.only("image.pkr.hcl", text)
    }

    /// The template, as the legacy file `image.json`.
    fn json(self, text: &'static str) -> Self {
        self.only("image.json", text)
    }

    fn only(mut self, name: &'static str, text: &'static str) -> Self {
        self.template = name;
        self.file(name, text)
    }

    /// One more file. A row without `hcl` and `json` validates the folder.
    fn file(mut self, name: &'static str, text: &'static str) -> Self {
        self.files.push((name, text));
        self
    }

    fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    fn flags(mut self, flags: &[&'static str]) -> Self {
        self.flags.extend(flags);
        self
    }

    fn syntax_only(self) -> Self {
        self.flags(&["-syntax-only"])
    }

    /// All diagnostics, as `line:column code`; a file other than the template goes before, `warning` before all.
    fn finds(mut self, places: &'static [&'static str]) -> Self {
        self.places = places;
        self
    }

    /// A part of the output.
    fn says(mut self, text: &'static str) -> Self {
        self.says.push(text);
        self
    }

    /// Packer ends with another code, and why we don't. The reasons are in `docs/decisions` too.
    fn unlike_packer(mut self, code: i32, reason: &'static str) -> Self {
        self.packer = Some((code, reason));
        self
    }

    fn code(&self) -> i32 {
        i32::from(self.places.iter().any(|place| !place.starts_with("warning ")))
    }

    /// The places that were found, and what is wrong with them.
    fn run(&self) -> (Vec<String>, Vec<String>) {
        let mut forge = Forge::new();
        for (name, text) in &self.files {
            forge = forge.file(name, text);
            // Some are scripts.
            std::fs::set_permissions(forge.path().join(name), Permissions::from_mode(0o755)).unwrap();
        }
        for (name, value) in &self.environment {
            forge = forge.env(name, value);
        }
        // What Packer has nothing to say of is told elsewhere.
        let arguments: Vec<&str> = ["validate", "-lint=all=off", "-lint=unused-pattern=warning"]
            .into_iter()
            .chain(self.flags.iter().copied())
            .chain([self.template])
            .collect();
        let ended = forge.run(&arguments);
        let found = places(&ended.stdout, self.template);
        let mut wrong = Vec::new();
        if ended.code != Some(self.code()) {
            wrong.push(format!("code {:?}, not {}", ended.code, self.code()));
        }
        if found != self.places {
            wrong.push(format!("places {found:?}, not {:?}", self.places));
        }
        let closing = if self.flags.contains(&"-syntax-only") {
            "Syntax-only check passed. Everything looks okay.\n"
        } else {
            "The configuration is valid.\n"
        };
        if self.places.is_empty() && ended.stdout != closing || self.code() == 0 && !ended.stdout.ends_with(closing) {
            wrong.push("the closing line is not the last".to_owned());
        }
        for text in self.says.iter().filter(|text| !ended.stdout.contains(**text)) {
            wrong.push(format!("nothing says `{text}`"));
        }
        if !wrong.is_empty() {
            wrong.push(format!("{}{}", ended.stdout, ended.stderr));
        }
        (found, wrong)
    }
}

/// What is written for people, as `[warning ][file:]line:column code`, in the order of the output.
pub(super) fn places(output: &str, template: &str) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    let mut open = false;
    for line in output.lines() {
        let head = line.strip_prefix("error[").map(|rest| ("", rest));
        let head = head.or_else(|| line.strip_prefix("warning[").map(|rest| ("warning ", rest)));
        if let Some((severity, rest)) = head {
            let code = rest.split(']').next().unwrap_or_default();
            places.push(format!("{severity}- {code}"));
            open = true;
        } else if let (true, Some(place)) = (open, line.trim_start().strip_prefix("--> ")) {
            let place = place.strip_prefix(&format!("{template}:")).unwrap_or(place);
            if let Some(last) = places.last_mut() {
                *last = last.replacen('-', place, 1);
            }
            open = false;
        }
    }
    places
}

#[test]
fn the_table_of_what_packer_says() {
    let rows: Vec<Row> = [
        templates::rows(),
        data::rows(),
        builds::rows(),
        variables::rows(),
        registry::rows(),
        legacy::rows(),
        rules::rows(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut table = String::from("row | what | verdict | places | ok\n");
    let codes = crate::catalogue::codes();
    let (mut agree, mut differ, mut failures) = (0, Vec::new(), String::new());
    for row in &rows {
        let (found, wrong) = row.run();
        for code in found.iter().filter_map(|place| place.split(' ').next_back()).filter(|code| !codes.contains(*code))
        {
            let _ = writeln!(failures, "docs/diagnostics.md has no section for `{code}`");
        }
        let verdict = if row.code() == 0 { "valid" } else { "invalid" };
        let ok = match (wrong.is_empty(), row.packer) {
            (false, _) => {
                let _ = writeln!(failures, "{} ({})\n  {}", row.number, row.what, wrong.join("\n  "));
                "WRONG".to_owned()
            }
            (true, Some((code, reason))) => {
                assert_ne!(code, row.code(), "{}: no difference", row.number);
                differ.push(row.number);
                format!("Packer exits with {code}: {reason}")
            }
            (true, None) => {
                agree += 1;
                "ok".to_owned()
            }
        };
        let _ = writeln!(table, "{} | {} | {verdict} | {} | {ok}", row.number, row.what, found.join(", "));
    }
    let list = if differ.is_empty() { "none".to_owned() } else { differ.join(", ") };
    let _ = writeln!(table, "conformance: {} rows, {agree} agree, {} differ ({list})", rows.len(), differ.len());
    println!("{table}");
    assert!(failures.is_empty(), "{failures}");
}
