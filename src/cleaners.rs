//! Cleaners: how things that a run created are removed again, by what the journal says of them alone.
//!
//! They have no configuration, so that a cleanup on the day after needs no template.

#[cfg(feature = "gce")]
mod gce;
mod manifest;
mod path;
mod process;
#[cfg(test)]
pub(crate) mod testing;

use crate::clients::Clients;
use anyhow::Result;
use async_trait::async_trait;
use imgforge_ledger::Resource;

/// What became of a thing that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is not there, and may never have been.
    Gone,
    /// It says where it lives that it is the user's, and was left alone.
    Kept,
}

/// Removes what a claim of its name made.
#[async_trait]
pub trait Cleaner: Sync {
    /// The name that claims give.
    fn name(&self) -> &'static str;

    /// Asks for the removal and does not wait for it: whoever cancels a job grants it seconds. What fails here, and what
    /// can't be removed as long as something else is there, is left to [`Cleaner::destroy`].
    ///
    /// # Errors
    /// When it was not asked for.
    async fn request(&self, _: &Resource, _: &Clients) -> Result<()> {
        Ok(())
    }

    /// Removes a resource and waits until it is gone, whether or not that was asked for before.
    ///
    /// # Errors
    /// When it is still there.
    async fn destroy(&self, resource: &Resource, clients: &Clients) -> Result<Fate>;

    /// Marks a resource as the user's where it lives, so that nobody who looks there takes it for a leftover. Called before
    /// the journal forgets it. The process that called it may still destroy it.
    ///
    /// # Errors
    /// When it does not have its mark.
    async fn keep(&self, _: &Resource, _: &Clients) -> Result<()> {
        Ok(())
    }
}

/// Cleaners, found by their names.
#[derive(Clone, Copy)]
pub struct Cleaners(pub &'static [&'static dyn Cleaner]);

/// Every cleaner. Adding one is its file and its line here.
pub const CLEANERS: Cleaners = Cleaners(&[
    #[cfg(feature = "gce")]
    &gce::GceCleaner,
    &manifest::ManifestCleaner,
    &path::PathCleaner,
    &process::ProcessCleaner,
]);

impl Cleaners {
    fn of(self, resource: &Resource) -> Result<&'static dyn Cleaner> {
        match self.0.iter().find(|cleaner| cleaner.name() == resource.cleaner) {
            Some(cleaner) => Ok(*cleaner),
            None => anyhow::bail!("this version of imgforge cannot remove a {}", resource.kind),
        }
    }

    /// Removes resources: the removal of all is asked for at once, then each is waited for, in this order. What became of
    /// each is handed to `done`.
    pub async fn remove(
        self,
        resources: Vec<Resource>,
        clients: &Clients,
        mut done: impl FnMut(Resource, Result<Fate>),
    ) {
        let mut requests = tokio::task::JoinSet::new();
        for resource in &resources {
            let (resource, clients) = (resource.clone(), clients.clone());
            let Ok(cleaner) = self.of(&resource) else { continue };
            requests.spawn(async move {
                if let Err(error) = cleaner.request(&resource, &clients).await {
                    let Resource { kind, name, .. } = resource;
                    tracing::debug!(kind, name, "the removal could not be asked for: {error:#}");
                }
            });
        }
        // One that panicked has asked for nothing, and no more than that.
        while requests.join_next().await.is_some() {}
        for resource in resources {
            let fate = self.destroy(&resource, clients).await;
            done(resource, fate);
        }
    }

    /// Removes one, by the cleaner that it names.
    ///
    /// # Errors
    /// When it is still there, or none of these cleaners knows it.
    pub async fn destroy(self, resource: &Resource, clients: &Clients) -> Result<Fate> {
        self.of(resource)?.destroy(resource, clients).await
    }

    /// Marks one as the user's where it lives.
    ///
    /// # Errors
    /// When it does not have its mark, or none of these cleaners knows it.
    pub async fn keep(self, resource: &Resource, clients: &Clients) -> Result<()> {
        self.of(resource)?.keep(resource, clients).await
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Calls, FAKES};
    use super::*;
    use imgforge_ledger::Ledger;
    use std::collections::BTreeMap;

    #[tokio::test]
    async fn all_removals_are_asked_for_before_the_first_is_waited_for() {
        let state = tempfile::tempdir().unwrap();
        let build = Ledger::open(state.path()).unwrap().build("web");
        for name in ["disk-kept", "disk-stuck", "machine-rude"] {
            drop(build.claim_named("fake", "thing", name, BTreeMap::new()).unwrap());
        }
        drop(build.claim_named("foreign", "moon", "luna", BTreeMap::new()).unwrap());
        let (clients, mut fates) = (Clients::default(), Vec::new());
        let done = |resource: Resource, fate: Result<Fate>| {
            fates.push(format!("{}: {:?}", resource.name, fate.map_err(|error| error.to_string())));
        };
        FAKES.remove(build.remaining(), &clients, done).await;
        assert_eq!(
            fates,
            [
                "luna: Err(\"this version of imgforge cannot remove a moon\")",
                "machine-rude: Ok(Gone)",
                "disk-stuck: Err(\"it is in use\")",
                "disk-kept: Ok(Kept)",
            ]
        );
        let mut calls = Calls::of(&clients).await.take();
        // Those that are asked for at once come in any order.
        calls[..3].sort();
        assert_eq!(
            calls,
            [
                "request disk-kept",
                "request disk-stuck",
                "request machine-rude",
                "destroy machine-rude",
                "destroy disk-stuck",
                "destroy disk-kept",
            ]
        );
    }
}
