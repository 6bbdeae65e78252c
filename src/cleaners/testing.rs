//! A cleaner of a world that is a list of what happened in it.

use super::{Cleaner, Cleaners, Fate};
use crate::clients::Clients;
use anyhow::Result;
use async_trait::async_trait;
use imgforge_ledger::Resource;
use std::sync::{Arc, Mutex};

/// The cleaner `fake` and no other. A thing whose name has `stuck` in it can't be removed, one with `rude` in it can't be
/// asked for, one with `kept` in it is the user's, and one with `unmarked` in it does not get its mark.
pub(crate) const FAKES: Cleaners = Cleaners(&[&Fake]);

struct Fake;

/// What the cleaner was told, in order.
#[derive(Default)]
pub(crate) struct Calls(Mutex<Vec<String>>);

impl Calls {
    pub(crate) async fn of(clients: &Clients) -> Arc<Self> {
        clients.get_or_make("fake", async { Ok(Self::default()) }).await.unwrap()
    }

    pub(crate) fn note(&self, call: String) {
        self.0.lock().unwrap().push(call);
    }

    /// What was noted since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[async_trait]
impl Cleaner for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn request(&self, resource: &Resource, clients: &Clients) -> Result<()> {
        Calls::of(clients).await.note(format!("request {}", resource.name));
        anyhow::ensure!(!resource.name.contains("rude"), "not so");
        Ok(())
    }

    async fn destroy(&self, resource: &Resource, clients: &Clients) -> Result<Fate> {
        Calls::of(clients).await.note(format!("destroy {}", resource.name));
        anyhow::ensure!(!resource.name.contains("stuck"), "it is in use");
        Ok(if resource.name.contains("kept") { Fate::Kept } else { Fate::Gone })
    }

    async fn keep(&self, resource: &Resource, clients: &Clients) -> Result<()> {
        Calls::of(clients).await.note(format!("keep {}", resource.name));
        anyhow::ensure!(!resource.name.contains("unmarked"), "it is locked");
        Ok(())
    }
}
