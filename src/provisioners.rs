//! Provisioners: what is done to a machine between its start and its capture.

mod breakpoint;
mod file;
mod shell;
mod shell_local;
mod sleep;

use crate::communicators::Communicator;
use crate::component::Component;
use crate::context::BuildContext;
use anyhow::Result;
use async_trait::async_trait;

/// Every provisioner. Adding one is its file and its line here.
pub const PROVISIONERS: &[Component<dyn Provisioner>] =
    &[breakpoint::PROVISIONER, file::PROVISIONER, shell::PROVISIONER, shell_local::PROVISIONER, sleep::PROVISIONER];

/// Does one thing to a machine.
#[async_trait]
pub trait Provisioner: Send + Sync {
    /// # Errors
    /// When the machine is not as it should be afterwards.
    async fn provision(&self, context: &BuildContext, machine: &dyn Communicator) -> Result<()>;
}
