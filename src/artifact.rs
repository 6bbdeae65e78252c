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

impl Artifact {
    /// Whether both are the same thing, whatever was claimed for them: a post-processor that hands its input on may have
    /// noted something about it elsewhere.
    pub fn is_same(&self, other: &Self) -> bool {
        let without_claims = |artifact: &Self| Self { claims: Vec::new(), ..artifact.clone() };
        without_claims(self) == without_claims(other)
    }

    /// Takes over what was claimed for another one that is the same.
    pub fn share_claims(&mut self, other: &Self) {
        for claim in &other.claims {
            if !self.claims.contains(claim) {
                self.claims.push(claim.clone());
            }
        }
    }
}
