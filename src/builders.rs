//! Builders: from a source block to a running machine, and from the machine to an artifact.

mod file;
mod null;
mod qemu;

use crate::artifact::Artifact;
use crate::clients::Clients;
use crate::communicators::Communicator;
use crate::component::Component;
use crate::context::BuildContext;
use crate::sweepers::Area;
use anyhow::Result;
use async_trait::async_trait;
use std::collections::BTreeMap;

/// Every builder. Adding one is its file and its line here.
pub const BUILDERS: &[Component<dyn Builder>] = &[file::BUILDER, null::BUILDER, qemu::BUILDER];

/// Turns a source into a running machine.
#[async_trait]
pub trait Builder: Send + Sync {
    /// Starts a machine and returns once it can be spoken to. What it creates, it claims.
    ///
    /// # Errors
    /// When the machine did not come up.
    async fn launch(&self, context: &BuildContext) -> Result<Box<dyn Machine>>;

    /// Where the things are that it makes, for a cleanup without a journal: none where it makes them on this machine. Makes
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

    /// Stops the machine and makes an artifact of it.
    ///
    /// # Errors
    /// When it could not be captured.
    async fn capture(self: Box<Self>, context: &BuildContext) -> Result<Artifact>;
}
