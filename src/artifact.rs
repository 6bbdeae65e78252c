//! What a build leaves in the world.

use imgforge_ledger::Resource;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The result of a build or a post-processor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifact {
    /// Identifies who made it, for example `transcend.qemu`; post-processors look at it.
    pub builder_id: String,
    /// What it is called where it lives: an AMI id, `VM`, or empty for a set of files.
    pub id: String,
    /// One line for the summary: `VM files in directory: output-web`.
    pub description: String,
    /// In lexical order, as the user wrote the path: relative ones stay relative.
    pub files: Vec<PathBuf>,
    /// Values for `build.*` in post-processors.
    pub values: BTreeMap<String, String>,
    /// What was claimed for it and is the artifact now. The engine keeps it if the artifact is kept, and else removes it.
    pub claims: Vec<Resource>,
}
