//! A live account for those who go on where a build stopped: post-processors work by the account that built, unless they are
//! told of another.

use super::{Account, GoogleArguments, Place};
use crate::clients::Clients;
use anyhow::Result;
use imgforge_gce::Gce;
use imgforge_ledger::Resource;
use imgforge_template::arguments::Arguments as _;
use std::collections::BTreeMap;

/// A live account, and what claims note of it.
pub struct Connection {
    pub gce: Gce,
    noted: BTreeMap<String, String>,
}

impl Connection {
    /// The account that the arguments tell of or, where they say nothing, the one that made something.
    ///
    /// # Errors
    /// When the credentials can't be used as they stand.
    pub async fn new(arguments: &GoogleArguments, made: Option<&Resource>, clients: &Clients) -> Result<Self> {
        let says_something = GoogleArguments::TABLE.iter().any(|argument| arguments.given.has(argument.name));
        match made {
            Some(made) if !says_something => {
                Ok(Self { gce: Account::connect_noted(&made.details, clients).await?, noted: made.details.clone() })
            }
            _ => {
                let account = arguments.account();
                Ok(Self { gce: account.connect(clients).await?, noted: account.details("", Place::Global) })
            }
        }
    }

    /// What the claim of a further thing notes.
    pub fn details(&self, project: &str, place: Place<'_>) -> BTreeMap<String, String> {
        let mut details = self.noted.clone();
        details.retain(|name, _| !matches!(name.as_str(), "zone" | "region"));
        let placed = Account::default().details(project, place);
        details.extend(placed.into_iter().filter(|(name, _)| matches!(name.as_str(), "project" | "zone" | "region")));
        details
    }
}
