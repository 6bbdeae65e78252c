//! Removes files and folders; the claim's name is the absolute path.

use super::{Cleaner, Fate};
use crate::clients::Clients;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use imgforge_ledger::Resource;
use std::io::ErrorKind;
use std::path::Path;

pub(super) struct PathCleaner;

#[async_trait]
impl Cleaner for PathCleaner {
    fn name(&self) -> &'static str {
        "path"
    }

    async fn destroy(&self, resource: &Resource, _: &Clients) -> Result<Fate> {
        let path = Path::new(&resource.name);
        anyhow::ensure!(path.is_absolute(), "{} is not an absolute path", resource.name);
        let removed = match tokio::fs::symlink_metadata(path).await {
            Ok(status) if status.is_dir() => tokio::fs::remove_dir_all(path).await,
            Ok(_) => tokio::fs::remove_file(path).await,
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("remove {}", path.display()))
            }
            _ => Ok(Fate::Gone),
        }
    }
}
