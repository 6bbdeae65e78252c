//! Cleaners: how things that a run created are removed again, by their name alone.
//!
//! They have no configuration, so that a cleanup on the day after needs no template.

mod path;
mod process;

use anyhow::Result;
use async_trait::async_trait;
use imgforge_ledger::Resource;

/// Removes what a claim of its name made.
#[async_trait]
pub trait Cleaner: Sync {
    /// The name that claims give.
    fn name(&self) -> &'static str;

    /// Removes a resource. One that is already gone, or never came to be, is a success.
    ///
    /// # Errors
    /// When it is still there.
    async fn destroy(&self, resource: &Resource) -> Result<()>;
}

/// Every cleaner. Adding one is its file and its line here.
pub const CLEANERS: &[&dyn Cleaner] = &[&path::PathCleaner, &process::ProcessCleaner];

/// Removes a resource by the cleaner that it names.
///
/// # Errors
/// When it is still there, or no cleaner of this version knows it.
pub async fn destroy(resource: &Resource) -> Result<()> {
    match CLEANERS.iter().find(|cleaner| cleaner.name() == resource.cleaner) {
        Some(cleaner) => cleaner.destroy(resource).await,
        None => anyhow::bail!("this version of imgforge cannot remove a {}", resource.kind),
    }
}
