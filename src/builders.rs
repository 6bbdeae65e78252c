//! Builders: from a source block to a running machine, and from the machine to an artifact.

mod file;
#[cfg(feature = "gce")]
mod googlecompute;
mod null;
#[cfg(feature = "qemu")]
mod qemu;

use crate::artifact::Artifact;
use crate::clients::Clients;
use crate::communicators::Communicator;
use crate::component::Component;
use crate::context::BuildContext;
use crate::sweepers::Area;
use anyhow::Result;
use async_trait::async_trait;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::source::Span;
use std::collections::BTreeMap;

/// Every builder. Adding one is its file and its line here.
pub const BUILDERS: &[Component<dyn Builder>] = &[
    file::BUILDER,
    #[cfg(feature = "gce")]
    googlecompute::BUILDER,
    null::BUILDER,
    #[cfg(feature = "qemu")]
    qemu::BUILDER,
];

/// Turns a source into a running machine.
#[async_trait]
pub trait Builder: Send + Sync {
    /// Looks for all that the build will need and says what is missing, at its place. Called before anything is made for any
    /// build of the run; makes nothing. After errors the build is not launched.
    ///
    /// # Errors
    /// When it could not look.
    async fn preflight(&self, _: &BuildContext) -> Result<Diagnostics> {
        Ok(Diagnostics::default())
    }

    /// What the build makes under a name that nothing else may have, such as `the image web-1 of the project demo`, and where
    /// the template has that name.
    fn makes(&self) -> Option<(String, Span)> {
        None
    }

    /// Starts a machine and returns once it can be spoken to. What it creates, it claims.
    ///
    /// # Errors
    /// When the machine did not come up.
    async fn launch(&self, context: &BuildContext) -> Result<Box<dyn Machine>>;

    /// Where the things are that it makes, for a cleanup without a journal: none where it makes them on this machine. The last
    /// is where its artifact is. Makes
    /// the clients, so that things are removed with the credentials they were made with.
    ///
    /// # Errors
    /// When that can't be told by the template alone, or the credentials can't be used.
    async fn areas(&self, _: &Clients) -> Result<Vec<Area>> {
        Ok(Vec::new())
    }

    /// Names of the values this builder adds to `build.*`.
    fn value_names(&self) -> &'static [&'static str] {
        &[]
    }
}

/// A running machine: provisioned through its communicator, then captured once.
#[async_trait]
pub trait Machine: Send + Sync {
    fn communicator(&self) -> &dyn Communicator;

    /// Values for `build.*`, on top of those of the communicator.
    fn values(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Asked when a provisioner failed: why there is no machine any more, if whoever lent it took it back.
    async fn taken(&self) -> Option<MachineTaken> {
        None
    }

    /// Stops the machine and makes an artifact of it; none where the user wants none.
    ///
    /// # Errors
    /// When it could not be captured.
    async fn capture(self: Box<Self>, context: &BuildContext) -> Result<Option<Artifact>>;
}

/// The machine was taken away by whoever lent it, which is nobody's fault: the engine makes the build again. `launch` and
/// `capture` return it as it is, without anything round it but context.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MachineTaken(pub String);

impl MachineTaken {
    /// Whether an error or what caused it is one.
    pub fn is_in(error: &anyhow::Error) -> bool {
        error.chain().any(|cause| cause.is::<Self>())
    }
}
