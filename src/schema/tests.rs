//! The tables held against what plugins report of themselves, where that is at hand.

use super::table::{self, KINDS, Table};
use imgforge_template::schema::{Field, Shape};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Arguments that plugins have and we leave out, each with the reason.
const LEFT_OUT: [(&str, &str); 2] = [
    ("ssh_private_key", "the bytes of the key that a builder made; a user's key is a file"),
    ("ssh_public_key", "the bytes of the key that a builder made; a user's key is a file"),
];

/// Who we are to Google, and where Google is: those that Packer's data sources don't take.
const ACCOUNT: &[&str] = &[
    "access_token",
    "account_file",
    "credentials_file",
    "credentials_json",
    "custom_endpoints",
    "impersonate_service_account",
    "universe_domain",
    "vault_gcp_oauth_engine",
];

/// Arguments of ours that plugins don't have.
const OURS_ALONE: &[(&str, &[&str])] = &[
    ("googlecompute", &["spot"]),
    ("googlecompute-image", ACCOUNT),
    ("googlecompute-parametermanager", ACCOUNT),
    ("googlecompute-secretsmanager", ACCOUNT),
];

/// Another name of `googlecompute-export`, which introductions use and no plugin has.
const SHORT_NAME: (&str, &str) = ("post-processor", "googlecompute");

/// What legacy JSON alone has is in no table of HCL2 types.
const IN_LEGACY_ALONE: &str = Shape::LEGACY;

/// By kind and name: path and type of each argument, and those of the outputs.
type Report = BTreeMap<(String, String), (BTreeSet<String>, BTreeSet<String>)>;

fn report() -> Option<Report> {
    let folder = std::env::var_os("IMGFORGE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(folder.join("schemas.tsv")) else {
        println!("not checked: there is no schemas.tsv in {}", folder.display());
        return None;
    };
    let mut report = Report::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (arguments, outputs) =
            report.entry((columns[0].replace("data-", "data "), columns[1].to_owned())).or_default();
        let set = if columns[2] == "output" { outputs } else { arguments };
        set.insert(format!("{} {}", columns[3], columns[4]));
    }
    Some(report)
}

fn paths(fields: impl Iterator<Item = Field>, before: &str, paths: &mut BTreeSet<String>) {
    for field in fields {
        let path = format!("{before}{}", field.name);
        match field.shape {
            Shape::Argument(IN_LEGACY_ALONE) => {}
            Shape::Argument(kind) => {
                paths.insert(format!("{path} {}", kind.replace(Shape::ANY, "string")));
            }
            Shape::Block { is_repeated, fields } => {
                paths.insert(format!("{path} {}", if is_repeated { "blocks" } else { "block" }));
                self::paths(fields.into_iter(), &format!("{path}."), paths);
            }
        }
    }
}

fn arguments(table: &Table) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    paths(table.rows.iter().map(|row| row.field.clone()), "", &mut found);
    found
}

#[test]
fn the_tables_are_what_plugins_report() {
    let Some(mut report) = report() else { return };
    let mut left_out = BTreeSet::<&(&str, &str)>::new();
    for table in KINDS.into_iter().flat_map(table::tables) {
        if (table.kind, table.name) == SHORT_NAME {
            continue;
        }
        let key = (table.kind.to_owned(), table.name.to_owned());
        let (mut theirs, outputs) = report.remove(&key).unwrap_or_else(|| panic!("{key:?} is reported by nobody"));
        if table.is_ours {
            theirs.retain(|argument| {
                let why = LEFT_OUT.iter().find(|(name, _)| argument.split(' ').next() == Some(name));
                left_out.extend(why);
                why.is_none()
            });
        }
        let mut ours = arguments(&table);
        if let Some((_, more)) = OURS_ALONE.iter().find(|(name, _)| *name == table.name && table.is_ours) {
            ours.retain(|argument| {
                theirs.contains(argument) || !more.contains(&argument.split(' ').next().unwrap_or(""))
            });
        }
        assert_eq!(ours, theirs, "{key:?}");
        let gives = table.outputs.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        assert_eq!(outputs, gives, "{key:?}");
    }
    assert_eq!(report.keys().collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "known to nobody here");
    assert_eq!(left_out.len(), LEFT_OUT.len(), "what is not left out needs no reason");
}

#[test]
fn no_component_is_ours_and_known_only() {
    for kind in KINDS {
        let names: Vec<&str> = table::tables(kind).iter().map(|table| table.name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{kind}: {names:?}");
    }
}

#[test]
fn groups_that_are_referred_to_are_there() {
    for line in super::COMPONENTS.lines().filter_map(|line| line.trim_start().strip_prefix("like ")) {
        for group in line.split(' ') {
            assert!(super::section("group", group).is_some(), "{group}");
        }
    }
}

#[test]
fn a_section_is_found_by_its_whole_name() {
    for (kind, name, is_known) in [
        ("builder", "proxmox", true),
        ("builder", "proxmo", false),
        ("provisioner", "proxmox", false),
        ("builder", "", false),
    ] {
        assert_eq!(super::find(kind, name).is_some(), is_known, "{kind} {name}");
    }
}
