//! A live account for those who go on where a build stopped: post-processors work by the account that built, unless they are
//! told of another.

use super::{Account, GoogleArguments, LIMIT, Place};
use crate::clients::Clients;
use anyhow::Result;
use imgforge_gce::Gce;
use std::collections::BTreeMap;

/// A live account, and what claims note of it.
pub struct Connection {
    pub gce: Gce,
    noted: BTreeMap<String, String>,
}

impl Connection {
    /// The account that the arguments tell of or, where they say nothing, the one that made something: by the details that
    /// its claim notes.
    ///
    /// # Errors
    /// When the credentials can't be used as they stand.
    pub async fn new(
        arguments: &GoogleArguments,
        made: Option<&BTreeMap<String, String>>,
        clients: &Clients,
    ) -> Result<Self> {
        let account = arguments.account();
        // Looked at as a whole: templates pass empty strings through for "not set".
        let says_something = account.key() != Account::of_details(&BTreeMap::new()).key();
        match made {
            Some(made) if !says_something => {
                Ok(Self { gce: Account::connect_noted(made, clients).await?, noted: made.clone() })
            }
            _ => Ok(Self { gce: account.connect(clients).await?, noted: account.details("", Place::Global) }),
        }
    }

    /// What the claim of a further thing notes.
    pub fn details(&self, project: &str, place: Place<'_>) -> BTreeMap<String, String> {
        let mut details = self.noted.clone();
        details.retain(|name, _| !matches!(name.as_str(), "zone" | "region" | LIMIT));
        let placed = Account::default().details(project, place);
        details.extend(placed.into_iter().filter(|(name, _)| matches!(name.as_str(), "project" | "zone" | "region")));
        details
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::testing::{Str, World};

    #[tokio::test]
    async fn whoever_built_exports_unless_another_account_is_given() {
        let world = World::new();
        let noted =
            [("client", "gce-0123"), ("project", "p"), ("zone", "z"), ("endpoint.compute", "http://127.0.0.1:1/")];
        let noted = noted.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let claim = world.context.ledger.claim_named("gce", "image", "web-1", noted).unwrap();
        let details = async |token: &'static str| {
            let arguments: GoogleArguments =
                world.block(&[("access_token", Str(token))]).make(|body, diagnostics| body.read(diagnostics));
            let made = Some(&claim.resource().details);
            let connection = Connection::new(&arguments, made, &world.context.clients).await.unwrap();
            connection.details("images", Place::Region("r"))
        };
        let of_the_build = details("").await;
        assert_eq!(
            of_the_build.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
            ["client=gce-0123", "endpoint.compute=http://127.0.0.1:1/", "project=images", "region=r"]
        );
        let own = details("ya29.own").await;
        assert!(own["client"] != "gce-0123" && !own.contains_key("endpoint.compute"), "{own:?}");
    }
}
