//! Runs scripts on this machine between those that run on the other.

use super::Provisioner;
use crate::communicators::Communicator;
use crate::component::Component;
use crate::context::BuildContext;
use crate::scripts::shell_local::{ARGUMENTS, ShellLocal};
use anyhow::Result;
use async_trait::async_trait;

pub(super) const PROVISIONER: Component<dyn Provisioner> = Component {
    name: "shell-local",
    arguments: ARGUMENTS,
    new: |body, diagnostics| {
        Box::new(ShellLocalProvisioner(ShellLocal::new("the provisioner `shell-local`", body, diagnostics)))
    },
};

struct ShellLocalProvisioner(ShellLocal);

#[async_trait]
impl Provisioner for ShellLocalProvisioner {
    async fn provision(&self, build: &BuildContext, machine: &dyn Communicator) -> Result<()> {
        self.0.run(build, machine.values()).await
    }
}
