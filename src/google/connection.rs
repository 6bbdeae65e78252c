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
            Some(made) if !says_something => Self::of_details(&made.details, clients).await,
            _ => {
                let account = arguments.account();
                Ok(Self { gce: account.connect(clients).await?, noted: account.details("", Place::Global) })
            }
        }
    }

    /// The account whose key a claim has noted, which may have been told a secret that is noted nowhere.
    async fn of_details(details: &BTreeMap<String, String>, clients: &Clients) -> Result<Self> {
        let account = Account::of_details(details);
        let gce = match details.get("client").filter(|key| **key != account.key()) {
            Some(key) => (*clients.get_or_make::<Gce>(key, account.connect(clients)).await?).clone(),
            None => account.connect(clients).await?,
        };
        Ok(Self { gce, noted: details.clone() })
    }

    /// What the claim of a further thing notes.
    pub fn details(&self, project: &str, place: Place<'_>) -> BTreeMap<String, String> {
        let mut details = self.noted.clone();
        details.retain(|name, _| !matches!(name.as_str(), "zone" | "region"));
        let mut note = |name: &str, value: &str| drop(details.insert(name.to_owned(), value.to_owned()));
        note("project", project);
        match place {
            Place::Global => {}
            Place::Zone(zone) => note("zone", zone),
            Place::Region(region) => note("region", region),
        }
        details
    }
}
