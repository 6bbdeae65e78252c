//! `null`: a machine that is there already. Nothing is created and nothing is captured.

use super::{Builder, Machine};
use crate::artifact::Artifact;
use crate::communicators::Communicator;
use crate::communicators::none::NoCommunicator;
use crate::communicators::ssh::{Ssh, SshArguments};
use crate::component::Component;
use crate::context::BuildContext;
use anyhow::Result;
use async_trait::async_trait;
use imgforge_template::arguments::Arguments as _;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use std::collections::BTreeMap;

pub(super) const BUILDER: Component<dyn Builder> = Component { name: "null", arguments: &[SshArguments::TABLE], new };

struct Null {
    ssh: SshArguments,
}

fn new(body: &Body, diagnostics: &mut Diagnostics) -> Box<dyn Builder> {
    let ssh: SshArguments = body.read(diagnostics);
    ssh.check(body, diagnostics);
    if ssh.is_ssh() {
        if !ssh.given.has("ssh_host") {
            diagnostics.push(
                Diagnostic::error("missing-argument", "the argument `ssh_host` is required")
                    .at(body.header())
                    .help("say which machine, or set `communicator = \"none\"`"),
            );
        }
        let (password, key) = (ssh.given.span("ssh_password"), ssh.given.span("ssh_private_key_file"));
        match (password, key) {
            (None, None) => diagnostics.push(
                Diagnostic::error("missing-argument", "`ssh_password` or `ssh_private_key_file` is required")
                    .at(body.header())
                    .help("no key is made for a machine that is there already"),
            ),
            (Some(password), Some(key)) => diagnostics.push(
                Diagnostic::error(
                    "conflicting-arguments",
                    "`ssh_password` and `ssh_private_key_file` exclude each other",
                )
                .at(key)
                .related(password, "`ssh_password` is set here"),
            ),
            _ => {}
        }
    }
    body.finish("the builder `null`", diagnostics);
    Box::new(Null { ssh })
}

#[async_trait]
impl Builder for Null {
    async fn launch(&self, context: &BuildContext) -> Result<Box<dyn Machine>> {
        let communicator: Box<dyn Communicator> = if self.ssh.is_none() {
            Box::new(NoCommunicator {
                reason: "there is no machine to run on: this source has `communicator = \"none\"`",
            })
        } else {
            let host = self.ssh.ssh_host.as_deref().unwrap_or_default();
            let connected = Ssh::connect(&self.ssh, host, self.ssh.ssh_port, None, context);
            Box::new(context.step("connect", connected).await?)
        };
        Ok(Box::new(NullMachine { communicator }))
    }
}

struct NullMachine {
    communicator: Box<dyn Communicator>,
}

#[async_trait]
impl Machine for NullMachine {
    fn communicator(&self) -> &dyn Communicator {
        &*self.communicator
    }

    fn values(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("ID".to_owned(), "Null".to_owned())])
    }

    async fn capture(self: Box<Self>, _: &BuildContext) -> Result<Option<Artifact>> {
        Ok(Some(Artifact {
            builder_id: "fnoeding.null".to_owned(),
            id: "Null".to_owned(),
            description: "Did not export anything. This is the null builder".to_owned(),
            ..Artifact::default()
        }))
    }
}
