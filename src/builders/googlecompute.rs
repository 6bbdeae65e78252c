//! Builder `googlecompute`: a virtual machine in Google Cloud, and an image of its disk.
//!
//! ```hcl
//! source "googlecompute" "web" {
//!   project_id          = "acme-images"
//!   zone                = "europe-west1-b"
//!   source_image_family = "debian-13"
//!   image_name          = "web-{{timestamp}}"
//!   ssh_username        = "packer"
//! }
//! ```
//!
//! Compatible with Packer's builder of that name; what is unlike it stands in `docs/builders/googlecompute.md`. First all
//! is looked at that the build will need (`preflight.rs`), then the machine is made (`request.rs`) and reached
//! (`login.rs`), and in the end it is stopped and its disk becomes the image (`machine.rs`, `image.rs`). What is made is
//! claimed before; the engine removes it.

mod arguments;
mod checks;
mod image;
mod launch;
mod login;
mod machine;
mod preflight;
mod quota;
mod request;
mod source;
mod stand_in;
mod startup;
#[cfg(test)]
mod tests;

use super::{Builder, Machine};
use crate::clients::Clients;
use crate::communicators::ssh::SshArguments;
use crate::component::Component;
use crate::context::BuildContext;
use crate::google::{Account, CLEANER, GoogleArguments, LIMIT, Place};
use crate::sweepers::Area;
use anyhow::Result;
use arguments::{
    DiskArguments, ImageArguments, InstanceArguments, NetworkArguments, SchedulingArguments, SourceArguments, set,
};
use async_trait::async_trait;
use imgforge_template::arguments::{Arguments as _, Given};
use imgforge_template::body::Body;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::source::Span;
use preflight::Found;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

pub(super) const BUILDER: Component<dyn Builder> = Component {
    name: "googlecompute",
    arguments: &[
        GoogleArguments::TABLE,
        SourceArguments::TABLE,
        ImageArguments::TABLE,
        DiskArguments::TABLE,
        InstanceArguments::TABLE,
        SchedulingArguments::TABLE,
        NetworkArguments::TABLE,
        SshArguments::TABLE,
    ],
    new: |body, diagnostics| Box::new(Shared(Arc::new(Googlecompute::new(body, diagnostics)))),
};

/// A checked `googlecompute` source.
struct Googlecompute {
    google: GoogleArguments,
    account: Account,
    source: SourceArguments,
    image: ImageArguments,
    /// The name of the image, written out or made up.
    image_name: String,
    disks: DiskArguments,
    instance: InstanceArguments,
    scheduling: SchedulingArguments,
    network: NetworkArguments,
    ssh: SshArguments,
    working_directory: PathBuf,
    /// Where the source's header stands.
    header: Span,
    /// What was found before the build.
    found: Mutex<Option<Arc<Found>>>,
}

/// The source as the machines that it makes share it.
struct Shared(Arc<Googlecompute>);

impl Googlecompute {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let google: GoogleArguments = body.read(diagnostics);
        let source: SourceArguments = body.read(diagnostics);
        let image: ImageArguments = body.read(diagnostics);
        let disks: DiskArguments = body.read(diagnostics);
        let instance: InstanceArguments = body.read(diagnostics);
        let scheduling: SchedulingArguments = body.read(diagnostics);
        let network: NetworkArguments = body.read(diagnostics);
        let ssh: SshArguments = body.read(diagnostics);
        google.check(body, diagnostics);
        checks::source(&source, body, diagnostics);
        checks::image(&image, body, diagnostics);
        checks::disks(&disks, diagnostics);
        checks::instance(&instance, body, diagnostics);
        checks::scheduling(&scheduling, instance.accelerator_count, diagnostics);
        checks::network(&network, diagnostics);
        if network.use_os_login == Some(true) || network.given.is_unknown("use_os_login") {
            ssh.check_without_user(body, diagnostics);
        } else {
            ssh.check(body, diagnostics);
        }
        body.finish("the builder `googlecompute`", diagnostics);
        let host = &body.context().host;
        let made_up = || format!("packer-{}", host.started());
        Self {
            account: google.account(),
            image_name: set(&image.image_name).map_or_else(made_up, str::to_owned),
            working_directory: host.working_directory(),
            header: body.header(),
            found: Mutex::new(None),
            google,
            source,
            image,
            disks,
            instance,
            scheduling,
            network,
            ssh,
        }
    }

    /// Where an argument stands or, if nobody wrote it, the source.
    fn place(&self, argument: &str) -> Span {
        let tables: [&Given; 7] = [
            &self.google.given,
            &self.source.given,
            &self.image.given,
            &self.disks.given,
            &self.instance.given,
            &self.scheduling.given,
            &self.network.given,
        ];
        tables.into_iter().find_map(|given| given.span(argument)).unwrap_or(self.header)
    }

    /// The argument that says who we are.
    fn credentials_argument(&self) -> &'static str {
        crate::google::CREDENTIALS.into_iter().find(|name| self.google.given.has(name)).unwrap_or("project_id")
    }

    /// How long Google may take for something: as long as the template says or, if it says nothing, at least so long.
    fn limit(&self, at_least: Duration) -> Duration {
        let limit = self.instance.state_timeout;
        if self.instance.given.has("state_timeout") { limit } else { limit.max(at_least) }
    }

    /// What a claim notes: where the thing is, as whom to remove it and, if the template says so, how long that may take.
    fn details(&self, project: &str, place: Place<'_>) -> BTreeMap<String, String> {
        let mut details = self.account.details(project, place);
        if self.instance.given.has("state_timeout") {
            let seconds = self.instance.state_timeout.as_millis().div_ceil(1000);
            details.insert(LIMIT.to_owned(), seconds.to_string());
        }
        details
    }

    /// The keys in the template that encrypt disks and the image.
    fn disk_keys(&self) -> Vec<String> {
        let further = self.disks.disk_attachment.iter().map(|disk| &disk.disk_encryption_key);
        let keys = [&self.disks.disk_encryption_key, &self.image.image_encryption_key].into_iter().chain(further);
        keys.filter_map(|key| set(&key.as_ref()?.raw_key).map(str::to_owned)).collect()
    }

    /// How long what is made may be of use: as long as the machine may exist or, where we set it no limit, a day.
    fn lasts(&self) -> Duration {
        self.scheduling.longest_run().unwrap_or(request::DAY).max(self.instance.state_timeout)
    }

    /// What was found before the build; it is looked for again where that was not done.
    async fn found(&self, context: &BuildContext) -> Result<Arc<Found>> {
        let mut known = self.found.lock().await;
        if let Some(found) = &*known {
            return Ok(found.clone());
        }
        let (found, diagnostics) = self.look(context).await?;
        let Some(found) = found else {
            let first = diagnostics.iter().next().map(|diagnostic| diagnostic.message.clone());
            anyhow::bail!("{}", first.unwrap_or_else(|| "there is nothing to start from".to_owned()));
        };
        Ok(known.insert(Arc::new(found)).clone())
    }
}

#[async_trait]
impl Builder for Shared {
    async fn preflight(&self, context: &BuildContext) -> Result<Diagnostics> {
        let (found, diagnostics) = self.0.look(context).await?;
        *self.0.found.lock().await = found.map(Arc::new);
        Ok(diagnostics)
    }

    fn makes(&self) -> Option<(String, Span)> {
        let builder = &self.0;
        let (name, project) = (&builder.image_name, builder.image_project());
        let image = || (format!("the image {name} of the project {project}"), builder.place("image_name"));
        (!builder.image.skip_create_image).then(image)
    }

    async fn launch(&self, context: &BuildContext) -> Result<Box<dyn Machine>> {
        Googlecompute::launch(&self.0, context).await
    }

    async fn areas(&self, clients: &Clients) -> Result<Vec<Area>> {
        let builder = &self.0;
        let _made = builder.account.connect(clients).await?;
        let mut projects = vec![builder.source.project_id.as_str()];
        if builder.image_project() != builder.source.project_id {
            projects.push(builder.image_project());
        }
        let area = |project| Area { sweeper: CLEANER, details: builder.account.details(project, Place::Global) };
        Ok(projects.into_iter().map(area).collect())
    }

    fn value_names(&self) -> &'static [&'static str] {
        &["SourceImageName"]
    }
}
