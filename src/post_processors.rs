//! Post-processors: what is made of an artifact.

mod checksum;
#[cfg(feature = "gce")]
mod googlecompute_export;
#[cfg(feature = "gce")]
mod googlecompute_import;
pub mod manifest;
mod shell_local;

use crate::artifact::Artifact;
use crate::clients::Clients;
use crate::component::Component;
use crate::context::BuildContext;
use crate::sweepers::Area;
use anyhow::Result;
use async_trait::async_trait;

/// Every post-processor. Adding one is its file and its line here.
pub const POST_PROCESSORS: &[Component<dyn PostProcessor>] = &[
    checksum::POST_PROCESSOR,
    #[cfg(feature = "gce")]
    googlecompute_export::IN_SHORT,
    #[cfg(feature = "gce")]
    googlecompute_export::POST_PROCESSOR,
    #[cfg(feature = "gce")]
    googlecompute_import::POST_PROCESSOR,
    manifest::POST_PROCESSOR,
    shell_local::POST_PROCESSOR,
];

/// What becomes of the artifact that a post-processor was given, when the user does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputArtifact {
    /// Kept unless the user says `keep_input_artifact = false`.
    Keep,
    /// Kept whatever the user says: the result is the same thing.
    MustKeep,
    /// Destroyed unless the user says `keep_input_artifact = true`.
    Destroy,
}

/// Makes one artifact of another.
#[async_trait]
pub trait PostProcessor: Send + Sync {
    fn input_artifact(&self) -> InputArtifact;

    /// # Errors
    /// When the result could not be made.
    async fn process(&self, context: &BuildContext, artifact: &Artifact) -> Result<Artifact>;

    /// Where the things are that it makes, for a cleanup without a journal: none where it makes them on this machine. `built`
    /// is where the builder makes its own. Makes the clients, so that things are removed with the credentials they were made
    /// with.
    ///
    /// # Errors
    /// When the credentials can't be used.
    async fn areas(&self, _built: &[Area], _: &Clients) -> Result<Vec<Area>> {
        Ok(Vec::new())
    }
}
