//! From a source to a machine that lets us in.

use super::arguments::{KeyArguments, set};
use super::login::{Login, OS_LOGIN};
use super::machine::{GoogleMachine, Guest, Instance};
use super::preflight::Found;
use super::request::Facts;
use super::startup::{self, Startup, last_lines};
use super::{Googlecompute, Machine};
use crate::communicators::ssh::Ssh;
use crate::context::BuildContext;
use crate::google::{CLEANER, Explain as _, MAY_STAY, Place, Role, kind, labels};
use anyhow::{Context as _, Result, bail};
use imgforge_gce::{AttachedDisk, Gce, ImageSource, Kind, Operation, Tunnel};
use imgforge_ledger::{Claim, Resource};
use imgforge_template::arguments::Block;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a machine that starts is looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// Further disks: as the machine gets them, those that stay, and the one that the image is made of with its size in GB, if
/// the template says that.
#[derive(Default)]
struct Further {
    attached: Vec<AttachedDisk>,
    kept: Vec<Resource>,
    of_image: Option<(ImageSource, Option<u64>)>,
}

impl Googlecompute {
    pub(super) async fn launch(self: &Arc<Self>, context: &BuildContext) -> Result<Box<dyn Machine>> {
        let found = self.found(context).await?;
        let gce = found.gce.clone();
        let labels = self.instance_labels(context);
        let (login, further) = tokio::try_join!(
            context.step("make the SSH key", self.make_login(&found, context)),
            context.step("make the disks", self.make_disks(&gce, &labels, context)),
        )?;
        let (metadata, startup) = self.metadata(&found, &login).await?;
        let facts = Facts {
            source: &found.source.self_link,
            disk_name: "",
            labels: &labels,
            metadata,
            address: found.address.as_deref(),
            further: further.attached,
        };
        let (instance, disk) = context.step("start the machine", self.make_instance(&found, facts, context)).await?;
        let reached = match context.step("connect", self.reach(&instance, &login, context)).await {
            Ok(reached) => reached,
            Err(error) => return Err(instance.explain(error).await),
        };
        let (ssh, tunnel) = reached;
        Ok(Box::new(GoogleMachine {
            builder: self.clone(),
            found,
            guest: Guest::new(&instance, ssh, tunnel),
            instance,
            startup,
            disk: further.of_image.unwrap_or_else(|| {
                (
                    image_source(self.disk_path(&disk, false), &self.disks.disk_encryption_key),
                    Some(self.disks.disk_size),
                )
            }),
            kept: further.kept,
        }))
    }

    /// Labels of machine and disks: the user's and ours.
    fn instance_labels(&self, context: &BuildContext) -> BTreeMap<String, String> {
        let ours = labels(context, Role::Temporary, self.lasts());
        self.instance.labels.clone().into_iter().chain(ours).collect()
    }

    /// The further disks, made all at once.
    async fn make_disks(
        &self,
        gce: &Gce,
        labels: &BTreeMap<String, String>,
        context: &BuildContext,
    ) -> Result<Further> {
        let mut further = Further::default();
        let mut making = Vec::new();
        for disk in self.disks.disk_attachment.iter() {
            let is_regional = !disk.replica_zones.is_empty();
            let mut made = None;
            if let Some(request) = self.disk_request(disk, labels) {
                let region = self.source.region_of_zone();
                let place = if is_regional { Place::Region(region) } else { Place::Zone(&self.source.zone) };
                let mut details = self.details(&self.source.project_id, place);
                if disk.keep_device {
                    // Whoever is to remove it looks first: it may have become the user's.
                    details.insert(MAY_STAY.to_owned(), "true".to_owned());
                }
                let claim = match set(&disk.disk_name) {
                    Some(name) => context.ledger.claim_named(CLEANER, kind::DISK, name, details),
                    None => context.ledger.claim_with(CLEANER, kind::DISK, details),
                };
                let claim = claim.context("write the journal")?;
                let resource = claim.resource().clone();
                context.say(format!("Creating persistent disk {}", resource.name));
                let operation = gce.insert_disk(claim, &request).await;
                let operation = self.unless_taken(operation, &[&resource], context).explain("create the disk")?;
                making.push((operation, resource.clone()));
                if disk.keep_device {
                    further.kept.push(resource.clone());
                }
                made = Some(resource.name);
            }
            if disk.create_image {
                let existing = set(&disk.source_volume).map(str::to_owned);
                let path = existing.or_else(|| Some(self.disk_path(made.as_deref()?, is_regional)));
                further.of_image = path.map(|path| (image_source(path, &disk.disk_encryption_key), disk.volume_size));
            }
            further.attached.push(self.attachment(disk, made.as_deref()));
        }
        for (operation, resource) in making {
            let made = gce.wait(&operation, self.instance.state_timeout).await;
            self.unless_taken(made, &[&resource], context).explain("create the disk")?;
        }
        Ok(further)
    }

    /// Things of names that somebody else has are not ours to remove.
    fn unless_taken<T>(
        &self,
        made: imgforge_gce::Result<T>,
        claimed: &[&Resource],
        context: &BuildContext,
    ) -> imgforge_gce::Result<T> {
        if made.as_ref().is_err_and(|error| error.kind == Kind::AlreadyExists) {
            for resource in claimed {
                if let Err(error) = context.ledger.released(resource) {
                    context.error(format!("write the journal: {error}"));
                }
            }
        }
        made
    }

    /// What the guest can ask for: the user's metadata, our key, and the startup script that is waited for.
    async fn metadata(&self, found: &Found, login: &Login) -> Result<(BTreeMap<String, String>, Option<Startup>)> {
        let mut metadata = self.instance.metadata.clone();
        let read = async |path: &std::path::Path| {
            let text = tokio::fs::read_to_string(self.working_directory.join(path)).await;
            text.with_context(|| format!("read {}", path.display()))
        };
        for (key, path) in &self.instance.metadata_files {
            metadata.insert(key.clone(), read(path.as_ref()).await?);
        }
        if let Some(path) = self.instance.startup_script_file.as_ref().filter(|path| !path.as_os_str().is_empty()) {
            metadata.insert(startup::KEY.to_owned(), read(path).await?);
        }
        if self.network.wait_to_add_ssh_keys.is_none_or(|wait| wait.is_zero()) {
            metadata.extend(self.ssh_keys(login, &metadata));
        }
        if let Some(uses) = self.os_login() {
            metadata.insert(OS_LOGIN.to_owned(), if uses { "TRUE" } else { "FALSE" }.to_owned());
        }
        let is_windows = found.source.licenses.iter().any(|license| license.contains("windows"));
        let wraps = self.instance.wrap_startup_script.unwrap_or(true) && !is_windows;
        let startup = metadata.get(startup::KEY).filter(|script| wraps && !script.trim().is_empty());
        let startup = startup.map(|script| Startup::wrap(script));
        if let Some(startup) = &startup {
            metadata.insert(startup::KEY.to_owned(), startup.script.clone());
        }
        Ok((metadata, startup))
    }

    /// Makes the machine with its boot disk and waits until it runs. Returns it, and the name of its disk.
    async fn make_instance(
        &self,
        found: &Found,
        facts: Facts<'_>,
        context: &BuildContext,
    ) -> Result<(Instance, String)> {
        let (gce, timeout) = (&found.gce, self.instance.state_timeout);
        let (project, zone) = (&self.source.project_id, &self.source.zone);
        context.say(format!("Using image: {}", found.source.name));
        context.say("Creating instance...");
        context.say(format!("Loading zone: {zone}"));
        context.say(format!("Loading machine type: {}", self.instance.machine_type));
        let (claim, disk) = self.claim_instance(context)?;
        let (resource, disk) = (claim.resource().clone(), disk);
        let request = self.instance_request(Facts { disk_name: &disk.name, ..facts });
        let kind = if request.shielded.is_some() { "Shielded VM instance" } else { "instance" };
        context.say(format!("Requesting {kind} creation..."));
        let claimed = [&resource, &disk];
        let operation: Operation = self
            .unless_taken(gce.insert_instance(claim, &request).await, &claimed, context)
            .explain("create the instance")?;
        context.say("Waiting for creation operation to complete...");
        let made = gce.wait(&operation, timeout).await;
        let instance = Instance {
            gce: gce.clone(),
            project: project.clone(),
            zone: zone.clone(),
            name: resource.name.clone(),
            may_be_taken: self.scheduling.may_be_taken(),
        };
        if let Err(error) = self.unless_taken(made, &claimed, context).explain("create the instance") {
            return Err(instance.explain(error).await);
        }
        context.say("Instance has been created!");
        Ok((instance, disk.name))
    }

    /// The claims of the machine and of its boot disk. The machine's is the newer one, so that it goes first.
    fn claim_instance(&self, context: &BuildContext) -> Result<(Claim, Resource)> {
        let details = self.details(&self.source.project_id, Place::Zone(&self.source.zone));
        let (instance_name, disk_name) = (set(&self.instance.instance_name), set(&self.disks.disk_name));
        let ledger = &context.ledger;
        let named = |kind: &str, name: &str| ledger.claim_named(CLEANER, kind, name, details.clone());
        let claims = match (instance_name, disk_name) {
            (Some(instance), disk) => named(kind::DISK, disk.unwrap_or(instance))
                .and_then(|disk| Ok((named(kind::INSTANCE, instance)?, disk))),
            (None, Some(disk)) => named(kind::DISK, disk)
                .and_then(|disk| Ok((ledger.claim_with(CLEANER, kind::INSTANCE, details.clone())?, disk))),
            (None, None) => ledger
                .claim_with(CLEANER, kind::DISK, details.clone())
                .and_then(|disk| Ok((named(kind::INSTANCE, disk.name())?, disk))),
        };
        let (instance, disk) = claims.context("write the journal")?;
        Ok((instance, disk.resource().clone()))
    }

    /// Waits until the machine runs and lets us in.
    async fn reach(
        &self,
        instance: &Instance,
        login: &Login,
        context: &BuildContext,
    ) -> Result<(Option<Ssh>, Option<Tunnel>)> {
        context.say("Waiting for the instance to become running...");
        let address = self.address(instance).await?;
        context.say(format!("IP: {address}"));
        if self.ssh.is_none() {
            return Ok((None, None));
        }
        if let Some(wait) = self.network.wait_to_add_ssh_keys.filter(|wait| !wait.is_zero())
            && matches!(login, Login::Metadata(_))
        {
            context.say(format!("Waiting {wait:?} before adding SSH keys..."));
            context.sleep(wait).await?;
            let Instance { gce, project, zone, name, .. } = instance;
            let adding = async {
                let keys = self.ssh_keys(login, &gce.instance(project, zone, name).await?.metadata);
                let adding = gce.set_metadata(project, zone, name, &keys.into_iter().collect()).await?;
                gce.wait(&adding, self.instance.state_timeout).await
            };
            adding.await.explain("add the SSH key to the metadata")?;
        }
        let mut tunnel = None;
        let (host, port) = if self.network.use_iap {
            context.say("Step Launch IAP Tunnel...");
            let (gce, local) = (&instance.gce, self.network.iap_localhost_port);
            let opened = gce
                .tunnel(&instance.project, &instance.zone, &instance.name, self.ssh.ssh_port, local)
                .await
                .explain("open the tunnel through Identity-Aware Proxy")?;
            let address = opened.address;
            tunnel = Some(opened);
            (address.ip().to_string(), address.port())
        } else {
            (set(&self.ssh.ssh_host).map_or(address, str::to_owned), self.ssh.ssh_port)
        };
        let arguments = login.arguments(&self.ssh);
        let connected = tokio::select! {
            connected = Ssh::connect(&arguments, &host, port, login.key(), context) => connected,
            taken = gone(instance) => return Err(taken),
            refusal = refused(tunnel.as_ref()) => return Err(refusal).explain("connect through Identity-Aware Proxy"),
        };
        match connected {
            Ok(ssh) => Ok((Some(ssh), tunnel)),
            Err(error) => match tunnel.as_ref().and_then(Tunnel::last_refusal) {
                Some(refusal) => Err(error.context(format!("Identity-Aware Proxy says: {refusal}"))),
                None => Err(self.with_console(error, instance).await),
            },
        }
    }

    /// The address of the machine, once it runs.
    async fn address(&self, instance: &Instance) -> Result<String> {
        let deadline = Instant::now() + self.instance.state_timeout;
        loop {
            let is = instance.gce.instance(&instance.project, &instance.zone, &instance.name).await;
            let is = is.explain("look at the instance")?;
            let address = if self.network.use_internal_ip || self.network.omit_external_ip {
                is.internal_address
            } else {
                is.external_address.or_else(|| self.network.use_iap.then_some(is.internal_address).flatten())
            };
            match (is.status.as_str(), address) {
                ("RUNNING", Some(address)) => return Ok(address),
                ("STOPPING" | "STOPPED" | "SUSPENDING" | "SUSPENDED" | "TERMINATED", _) => {
                    bail!("the instance {} has stopped: it is {}", instance.name, is.status)
                }
                ("RUNNING", None) if Instant::now() > deadline => bail!(
                    "the instance {} has no address to connect to: set `use_internal_ip` or `use_iap`",
                    instance.name
                ),
                (status, _) if Instant::now() > deadline => {
                    bail!(
                        "the instance {} does not run within {:?}: it is {status}",
                        instance.name,
                        self.instance.state_timeout
                    )
                }
                _ => sleep(PAUSE).await,
            }
        }
    }

    /// What the machine last said, as a reason for being out of reach.
    async fn with_console(&self, error: anyhow::Error, instance: &Instance) -> anyhow::Error {
        match instance.gce.serial_output(&instance.project, &instance.zone, &instance.name, 0).await {
            Ok((text, _)) if !text.trim().is_empty() => {
                anyhow::anyhow!("{error:#}; the serial port ends with:\n{}", last_lines(&text))
            }
            _ => error,
        }
    }
}

/// A disk as what an image is made of. Google has the keys of Cloud KMS itself.
fn image_source(path: String, key: &Block<KeyArguments>) -> ImageSource {
    match key.as_ref().and_then(KeyArguments::key).filter(|key| key.raw_key.is_some()) {
        Some(key) => ImageSource::LockedDisk(path, key),
        None => ImageSource::Disk(path),
    }
}

/// Returns when waiting for the tunnel is in vain.
async fn refused(tunnel: Option<&Tunnel>) -> imgforge_gce::Error {
    match tunnel {
        Some(tunnel) => tunnel.forbidden().await,
        None => std::future::pending().await,
    }
}

/// Returns when Google has taken the machine away.
async fn gone(instance: &Instance) -> anyhow::Error {
    loop {
        sleep(super::machine::LOOK).await;
        if let Some(taken) = instance.taken().await {
            return taken.into();
        }
    }
}
