//! Ends processes; the claim's name stands in their environment.

use super::{Cleaner, Fate};
use crate::clients::Clients;
use crate::process;
use anyhow::Result;
use async_trait::async_trait;
use imgforge_ledger::Resource;

pub(super) struct ProcessCleaner;

#[async_trait]
impl Cleaner for ProcessCleaner {
    fn name(&self) -> &'static str {
        "process"
    }

    async fn destroy(&self, resource: &Resource, _: &Clients) -> Result<Fate> {
        process::end_claimed(&resource.name).await?;
        Ok(Fate::Gone)
    }
}
