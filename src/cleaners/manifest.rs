//! Takes entries out of manifests; the claim's name is the manifest's absolute path, its details say which entry.

use super::{Cleaner, Fate};
use crate::clients::Clients;
use crate::post_processors::manifest::{CLEANER, Manifest, ManifestBuild};
use anyhow::Result;
use async_trait::async_trait;
use imgforge_ledger::Resource;
use std::path::PathBuf;

pub(super) struct ManifestCleaner;

#[async_trait]
impl Cleaner for ManifestCleaner {
    fn name(&self) -> &'static str {
        CLEANER
    }

    async fn destroy(&self, resource: &Resource, _: &Clients) -> Result<Fate> {
        let (path, entry) = (PathBuf::from(&resource.name), ManifestBuild::of_claim(resource));
        tokio::task::spawn_blocking(move || Manifest::withdraw(&path, &entry)).await??;
        Ok(Fate::Gone)
    }
}
