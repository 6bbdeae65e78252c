//! Sweepers: how things of ours are found where they live, when there is no journal that has them.
//!
//! Every cloud lets what is made in it carry marks: which run made it, what it is to that run, when it may be taken for
//! abandoned. A sweeper looks for them; the cleaner of the same name removes what it found.

#[cfg(feature = "gce")]
mod gce;

use crate::clients::Clients;
use anyhow::Result;
use async_trait::async_trait;
use imgforge_ledger::Resource;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is looked for. What has become the user's is never found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All that a run made, by its identifier.
    Run(String),
    /// What should have gone this long ago.
    Expired { grace: Duration },
    /// What Packer made and did not remove, by its names for such things, if it is older than this.
    PackerLeftovers { older_than: Duration },
}

/// A part of the world to look in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// The sweeper that knows its way there.
    pub sweeper: &'static str,
    /// Where, and by which account: as in the claims of things that are there.
    pub details: BTreeMap<String, String>,
}

/// The detail of an area that has buckets to look through, too: `BUCKET` or `BUCKET/PREFIX`, one a line.
pub const BUCKETS: &str = "buckets";
/// The detail of an area that is not known before a build: why that is so.
pub const UNKNOWN: &str = "unknown";

impl Area {
    /// One that can't be told by a template alone. Whoever looks there says so, and elsewhere it is looked all the same.
    pub fn unknown(sweeper: &'static str, why: &str) -> Self {
        Self { sweeper, details: BTreeMap::from([(UNKNOWN.to_owned(), why.to_owned())]) }
    }

    /// Adds it to others. One that differs from another in its buckets alone becomes one with that, so that nothing is
    /// looked through twice.
    pub fn add_to(self, areas: &mut Vec<Self>) {
        match areas.iter_mut().find(|other| other.sweeper == self.sweeper && other.elsewise() == self.elsewise()) {
            Some(other) => {
                let all: BTreeSet<&str> = other.buckets().chain(self.buckets()).collect();
                let all = all.into_iter().collect::<Vec<_>>().join("\n");
                other.details.insert(BUCKETS.to_owned(), all);
            }
            None => areas.push(self),
        }
    }

    /// All details but the buckets.
    fn elsewise(&self) -> Vec<(&String, &String)> {
        self.details.iter().filter(|(name, _)| *name != BUCKETS).collect()
    }

    /// The buckets to look through.
    pub fn buckets(&self) -> impl Iterator<Item = &str> {
        self.details.get(BUCKETS).into_iter().flat_map(|buckets| buckets.lines()).filter(|bucket| !bucket.is_empty())
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What its cleaner removes.
    pub resource: Resource,
    /// Where it is, for people: `demo, europe-west1-b`.
    pub place: String,
    /// When it was made.
    pub since: Option<Timestamp>,
    /// The run that made it.
    pub run: Option<String>,
    /// Whose run that was: a CI job, or a user and a machine.
    pub owner: Option<String>,
    /// When it may be taken for abandoned.
    pub expires: Option<Timestamp>,
}

/// What came of a search.
#[derive(Debug, Default)]
pub struct Findings {
    /// In the order in which things are best removed.
    pub found: Vec<Found>,
    /// Why there may be more than that.
    pub errors: Vec<anyhow::Error>,
}

impl Findings {
    /// Adds what a part of the search has come to.
    pub fn add(&mut self, part: Result<Vec<Found>>) {
        match part {
            Ok(found) => self.found.extend(found),
            Err(error) => self.errors.push(error),
        }
    }

    /// The same of a part that has troubles of its own.
    pub fn extend(&mut self, part: Result<Self>) {
        match part {
            Ok(Self { found, errors }) => {
                self.found.extend(found);
                self.errors.extend(errors);
            }
            Err(error) => self.errors.push(error),
        }
    }
}

/// Finds what is ours in one kind of world.
#[async_trait]
pub trait Sweeper: Sync {
    /// The name that areas give.
    fn name(&self) -> &'static str;

    /// Looks for things, everywhere in the area that it can. Ages are those of the world that is searched, whose clock
    /// counts.
    async fn find(&self, wanted: &Wanted, area: &Area, clients: &Clients) -> Findings;
}

/// Sweepers, found by their names.
#[derive(Clone, Copy)]
pub struct Sweepers(pub &'static [&'static dyn Sweeper]);

/// Every sweeper. Adding one is its file and its line here.
pub const SWEEPERS: Sweepers = Sweepers(&[
    #[cfg(feature = "gce")]
    &gce::GceSweeper,
]);

impl Sweepers {
    /// The sweeper of this name, if this program is built with it.
    pub fn of(self, name: &str) -> Option<&'static dyn Sweeper> {
        self.0.iter().find(|sweeper| sweeper.name() == name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_that_differ_in_buckets_alone_are_one() {
        let area = |project: &str, buckets: &[&str]| {
            let details = [("project", project.to_owned()), (BUCKETS, buckets.join("\n"))];
            Area { sweeper: "gce", details: details.map(|(name, value)| (name.to_owned(), value)).into() }
        };
        let mut areas = Vec::new();
        for one in [area("a", &[]), area("a", &["x/web-", "y"]), area("b", &["y"]), area("a", &["z/a,b", "y"])] {
            one.add_to(&mut areas);
        }
        assert_eq!(areas, [area("a", &["x/web-", "y", "z/a,b"]), area("b", &["y"])]);
        assert_eq!(areas[0].buckets().collect::<Vec<_>>(), ["x/web-", "y", "z/a,b"]);
    }
}
