//! The machine that exports: what users may say of it, and how it is started.

use super::{LIFETIME, Source};
use crate::communicators::ssh::{Ssh, SshArguments, TemporaryKey};
use crate::context::BuildContext;
use crate::google::{CLEANER, Connection, Explain as _, Place, Role, check_name, kind, labels};
use anyhow::{Context as _, Result};
use imgforge_gce::{AttachedDisk, DiskSource, External, InstanceRequest, Interface, Scheduling, ServiceAccount};
use imgforge_template::arguments;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::Spanned;
use std::collections::BTreeMap;
use std::time::Duration;

arguments! {
    /// What users may say of the machine that exports an image.
    pub struct WorkerArguments {
        /// The size of its own disk in GB; that of its image if not set.
        disk_size: Option<Spanned<u64>>,
        /// What its disks are: its own, and the one that is made of the image.
        disk_type: String = "pd-ssd",
        /// What it is; all its processors compress.
        machine_type: String = "n1-highcpu-4",
        /// The network it is in; `default` if neither this nor `subnetwork` is set.
        network: Option<String>,
        /// A subnetwork of the region, by name or address.
        subnetwork: Option<String>,
        /// Give it no external address, and connect to the internal one.
        omit_external_ip: bool = "false",
        /// A service account that it runs as. It needs none.
        service_account_email: Option<String>,
        /// What programs on it may do as this account.
        scopes: Vec<String>,
        /// The family of the image that it boots, which must have Python 3; `debian-12` of Google's own if not set.
        source_image_family: Option<Spanned<String>>,
        /// Where it runs; where the image was built if not set.
        zone: Option<String>,
    }
}

/// The user that the guest agent of Google's images makes of our key.
const USER: &str = "imgforge";

/// The image that workers boot: Debian's have Python 3.
const IMAGE: &str = "projects/debian-cloud/global/images/family/debian-12";
/// Where a family of the user's choosing is looked for, before the project of the build: those of Packer's workers, then Debian's.
const FAMILY_PROJECTS: [&str; 2] = ["compute-image-tools", "debian-cloud"];

/// What programs on the worker may do if it has a service account and nothing else is said.
const SCOPES: [&str; 1] = ["https://www.googleapis.com/auth/cloud-platform"];

/// How long Google may take to start it, and it to let us in.
const START_LIMIT: Duration = Duration::from_secs(600);
const SSH_LIMIT: Duration = Duration::from_secs(300);

/// A worker that has started.
pub(super) struct WorkerMachine {
    pub(super) communicator: Ssh,
    pub(super) name: String,
    /// The path of the disk that is made of the image.
    pub(super) device: String,
}

impl WorkerArguments {
    pub(super) fn check(&self, diagnostics: &mut Diagnostics) {
        if let Some(size) = self.disk_size.as_ref().filter(|size| size.value == 0)
            && self.given.span("disk_size") == Some(size.span)
        {
            let message = "`disk_size` must not be 0";
            diagnostics.push(Diagnostic::error("invalid-value", message).at(size.span).help("leave it out"));
        }
        if let Some(family) = self.source_image_family.as_ref().filter(|family| !family.is_empty()) {
            check_name("source_image_family", family, family.span, diagnostics);
        }
    }

    /// Starts a machine with a disk that is made of the image, and connects to it.
    pub(super) async fn start(
        &self,
        google: &Connection,
        source: &Source,
        ssh: &SshArguments,
        context: &BuildContext,
    ) -> Result<WorkerMachine> {
        let gce = &google.gce;
        let project = &source.project;
        let zone = given(&self.zone).unwrap_or(&source.zone);
        let image = self.image(google, project).await?;
        context.say(format!("Starting a machine to export the image {} from...", source.name));
        let place = Place::Zone(zone);
        let claim = |kind| {
            let claim = context.ledger.claim_with(CLEANER, kind, google.details(project, place));
            claim.with_context(|| format!("note the {kind} in the journal"))
        };
        // The machine is the newest: it goes first, and its disks with it.
        let (boot, disk, instance) = (claim(kind::DISK)?, claim(kind::DISK)?, claim(kind::INSTANCE)?);
        let (name, disk) = (instance.name().to_owned(), disk.name().to_owned());
        let key = TemporaryKey::generate(&name)?;
        let labels = labels(context, Role::Temporary, LIFETIME);
        let new_disk = |name: &str, image: String, size_gb: Option<u64>| DiskSource::New {
            name: name.to_owned(),
            image: Some(image),
            kind: self.disk_type.clone(),
            size_gb,
            labels: labels.clone(),
            resource_manager_tags: BTreeMap::new(),
        };
        let exported = format!("projects/{}/global/images/{}", source.project, source.name);
        let request = InstanceRequest {
            project: project.clone(),
            zone: zone.to_owned(),
            description: format!("Exports the image {} for imgforge", source.name),
            machine_type: self.machine_type.clone(),
            labels: labels.clone(),
            metadata: metadata(key.public()),
            disks: vec![
                AttachedDisk {
                    boot: true,
                    auto_delete: true,
                    source: new_disk(boot.name(), image, self.disk_size.as_ref().map(|size| size.value)),
                    ..AttachedDisk::default()
                },
                AttachedDisk {
                    device_name: Some(disk.clone()),
                    auto_delete: true,
                    mode: Some("READ_ONLY".to_owned()),
                    source: new_disk(&disk, exported, None),
                    ..AttachedDisk::default()
                },
            ],
            interface: self.interface(project, zone),
            service_account: self.service_account(),
            scheduling: Scheduling {
                max_run_duration: Some(LIFETIME),
                termination_action: Some("DELETE".to_owned()),
                ..Scheduling::default()
            },
            ..InstanceRequest::default()
        };
        let address = context.step("start the worker", async {
            let operation = gce.insert_instance(instance, &request).await.explain("create the worker")?;
            gce.wait(&operation, START_LIMIT).await.explain("create the worker")?;
            let machine = gce.instance(project, zone, &name).await.explain("look at the worker")?;
            let address = if self.omit_external_ip { machine.internal_address } else { machine.external_address };
            address.with_context(|| format!("the worker {name} has no address"))
        });
        let address = address.await?;
        let communicator =
            context.step("connect to the worker", async { Ssh::connect(ssh, &address, 22, Some(&key), context).await });
        let communicator = communicator.await?;
        Ok(WorkerMachine { communicator, device: format!("/dev/disk/by-id/google-{disk}"), name })
    }

    /// What the worker boots.
    async fn image(&self, google: &Connection, project: &str) -> Result<String> {
        let Some(family) = self.source_image_family.as_ref().filter(|family| !family.is_empty()) else {
            return Ok(IMAGE.to_owned());
        };
        for project in FAMILY_PROJECTS.into_iter().chain([project]) {
            match google.gce.image_of_family(project, family).await {
                Ok(image) => return Ok(format!("projects/{}/global/images/{}", image.project, image.name)),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error).explain(&format!("look for the image family {}", family.value)),
            }
        }
        let projects = FAMILY_PROJECTS.join(", ");
        anyhow::bail!("there is no image family {} in {projects} or {project}", family.value)
    }

    fn interface(&self, project: &str, zone: &str) -> Interface {
        let region = zone.rsplit_once('-').map_or(zone, |(region, _)| region);
        let full = |name: &str, place: String, kind: &str| match name.contains('/') {
            true => name.to_owned(),
            false => format!("projects/{project}/{place}/{kind}/{name}"),
        };
        let subnetwork = given(&self.subnetwork);
        let network = given(&self.network).or(if subnetwork.is_none() { Some("default") } else { None });
        Interface {
            network: network.map(|name| full(name, "global".to_owned(), "networks")),
            subnetwork: subnetwork.map(|name| full(name, format!("regions/{region}"), "subnetworks")),
            address: None,
            external: if self.omit_external_ip { External::None } else { External::Ephemeral },
        }
    }

    fn service_account(&self) -> Option<ServiceAccount> {
        let email = given(&self.service_account_email)?;
        let scopes = if self.scopes.is_empty() { SCOPES.map(str::to_owned).to_vec() } else { self.scopes.clone() };
        Some(ServiceAccount { email: email.to_owned(), scopes })
    }
}

/// How we talk to it: nothing of that is the template's to say.
pub(super) fn ssh_arguments(body: &Body) -> SshArguments {
    let nothing = Body::new(BTreeMap::new(), body.header(), body.context().clone(), false);
    let ssh: SshArguments = nothing.read(&mut Diagnostics::default());
    SshArguments { ssh_username: Some(USER.to_owned()), ssh_timeout: Some(SSH_LIMIT), ..ssh }
}

/// Lets in our key alone, whatever the project says of keys.
fn metadata(key: &str) -> BTreeMap<String, String> {
    let user_and_key = format!("{USER}:{key}");
    let metadata = [
        ("ssh-keys", user_and_key),
        ("block-project-ssh-keys", "TRUE".to_owned()),
        ("enable-oslogin", "FALSE".to_owned()),
    ];
    metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What is written, unless it is empty.
fn given(argument: &Option<String>) -> Option<&str> {
    argument.as_deref().filter(|text| !text.is_empty())
}
