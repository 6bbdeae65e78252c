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
use std::collections::BTreeMap;
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
