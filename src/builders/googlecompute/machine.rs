//! The running machine: what provisioners speak to, whether Google has taken it away, and what is made of it.

use super::Googlecompute;
use super::preflight::Found;
use super::startup::{LIMIT, Startup};
use crate::artifact::Artifact;
use crate::builders::{Machine, MachineTaken};
use crate::communicators::ssh::Ssh;
use crate::communicators::{Communicator, ExitStatus, NoMachine, OutputSink, RemoteScript};
use crate::context::BuildContext;
use crate::google::{Explain as _, marks_of_artifact};
use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use imgforge_gce::{Gce, ImageSource, Tunnel};
use imgforge_ledger::Resource;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often it is asked whether a machine is still ours that may be taken away.
pub(super) const LOOK: Duration = Duration::from_secs(15);

/// A machine of ours.
#[derive(Clone)]
pub(super) struct Instance {
    pub gce: Gce,
    pub project: String,
    pub zone: String,
    pub name: String,
    /// Whether Google may take it away.
    pub may_be_taken: bool,
}

impl Instance {
    /// Why a machine is gone that Google may take away.
    pub(super) async fn taken(&self) -> Option<MachineTaken> {
        if !self.may_be_taken {
            return None;
        }
        let taken = self.gce.was_preempted(&self.project, &self.zone, &self.name).await;
        taken.is_ok_and(|taken| taken).then(|| MachineTaken(format!("Google has taken the machine {} away", self.name)))
    }

    /// An error, or what is behind it: a machine that was taken away.
    pub(super) async fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        match self.taken().await {
            Some(taken) => taken.into(),
            None => error,
        }
    }
}

/// The connection to a machine that may end at any time.
pub(super) struct Guest {
    /// There is none with `communicator = "none"`.
    ssh: Option<Ssh>,
    gone: CancellationToken,
    /// Looks whether the machine is still there.
    _watch: JoinSet<()>,
    /// Leads there through Identity-Aware Proxy.
    _tunnel: Option<Tunnel>,
}

impl Guest {
    pub(super) fn new(instance: &Instance, ssh: Option<Ssh>, tunnel: Option<Tunnel>) -> Self {
        let gone = CancellationToken::new();
        // What is in the set ends with it.
        let mut watch = JoinSet::new();
        if instance.may_be_taken {
            let (instance, gone) = (instance.clone(), gone.clone());
            watch.spawn(async move {
                while instance.taken().await.is_none() {
                    sleep(LOOK).await;
                }
                gone.cancel();
            });
        }
        Self { ssh, gone, _watch: watch, _tunnel: tunnel }
    }

    /// What is done over the connection, for as long as the machine is there.
    async fn with<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.gone.cancelled() => bail!(NoMachine("Google has taken the machine away")),
            result = work => result,
        }
    }

    fn ssh(&self) -> Result<&Ssh> {
        Ok(self.ssh.as_ref().ok_or(NoMachine("this source has `communicator = \"none\"`"))?)
    }
}

#[async_trait]
impl Communicator for Guest {
    async fn run(&self, command: &str, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        self.with(self.ssh()?.run(command, output)).await
    }

    async fn run_script(&self, script: &RemoteScript, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        self.with(self.ssh()?.run_script(script, output)).await
    }

    async fn upload(&self, from: &Path, to: &str, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        self.with(self.ssh()?.upload(from, to, report)).await
    }

    async fn upload_bytes(&self, content: &[u8], to: &str, mode: u32) -> Result<()> {
        self.with(self.ssh()?.upload_bytes(content, to, mode)).await
    }

    async fn download(&self, from: &str, to: &Path, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        self.with(self.ssh()?.download(from, to, report)).await
    }

    async fn download_folder(&self, from: &str, to: &Path) -> Result<()> {
        self.with(self.ssh()?.download_folder(from, to)).await
    }

    fn values(&self) -> BTreeMap<String, String> {
        self.ssh.as_ref().map(Communicator::values).unwrap_or_default()
    }
}

/// What a build knows when its machine is up.
pub(super) struct GoogleMachine {
    pub builder: Arc<Googlecompute>,
    pub found: Arc<Found>,
    pub instance: Instance,
    pub guest: Guest,
    pub startup: Option<Startup>,
    /// What the image is made of, and the disk's size in GB.
    pub disk: (ImageSource, Option<u64>),
    /// Further disks that stay.
    pub kept: Vec<Resource>,
}

#[async_trait]
impl Machine for GoogleMachine {
    fn communicator(&self) -> &dyn Communicator {
        &self.guest
    }

    fn values(&self) -> BTreeMap<String, String> {
        let values = [("ID", self.instance.name.clone()), ("SourceImageName", self.found.source.name.clone())];
        values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    async fn taken(&self) -> Option<MachineTaken> {
        self.instance.taken().await
    }

    async fn capture(self: Box<Self>, context: &BuildContext) -> Result<Option<Artifact>> {
        let instance = self.instance.clone();
        match self.capture_now(context).await {
            Ok(artifact) => Ok(artifact),
            Err(error) => Err(instance.explain(error).await),
        }
    }
}

impl GoogleMachine {
    async fn capture_now(self, context: &BuildContext) -> Result<Option<Artifact>> {
        let Instance { gce, project, zone, name, .. } = &self.instance;
        let builder = &self.builder;
        if let Some(startup) = &self.startup {
            let waiting = startup.wait(gce, (project, zone, name), builder.limit(LIMIT), context);
            context.step("wait for the startup script", waiting).await?;
        }
        if builder.image.skip_create_image {
            context.say("Skipping image creation...");
            // There is no artifact by which the engine would hand them over.
            self.keep_disks(context).await?;
            return Ok(None);
        }
        // The connection ends before the machine does.
        drop(self.guest);
        context.say("Stopping instance...");
        let stopping = async {
            let operation = gce.stop_instance(project, zone, name).await.explain("stop the instance")?;
            gce.wait(&operation, builder.limit(STOP_LIMIT)).await.explain("stop the instance")
        };
        context.timed("stop the machine", stopping).await?;
        let (disk, size) = self.disk;
        let size = match size {
            Some(size) => size,
            None => builder.size_of(gce, &disk).await?,
        };
        let making = builder.make_image(gce, disk, size, self.found.previous.as_ref(), context);
        let (image, claim) = context.step("make the image", making).await?;
        context.say("Deleting instance...");
        let project = builder.image_project();
        let values = [
            ("ImageName", image.name.clone()),
            ("ImageSizeGb", image.disk_size_gb.to_string()),
            ("ProjectId", project.to_owned()),
            ("BuildZone", zone.clone()),
        ];
        Ok(Some(Artifact {
            builder_id: "packer.googlecompute".to_owned(),
            description: format!("A disk image was created in the '{project}' project: {}", image.name),
            id: image.name,
            files: Vec::new(),
            values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            claims: [claim].into_iter().chain(self.kept).collect(),
        }))
    }
}

impl GoogleMachine {
    /// Hands the disks that stay over to the user: all of them, or none.
    async fn keep_disks(&self, context: &BuildContext) -> Result<()> {
        for (index, disk) in self.kept.iter().enumerate() {
            if let Err(error) = self.mark(disk, &marks_of_artifact()).await {
                for marked in &self.kept[..=index] {
                    if let Err(error) = self.mark(marked, &self.builder.marks_of_leftover(context)).await {
                        context.error(format!("the disk {} stays: {error:#}", marked.name));
                    }
                }
                return Err(error);
            }
        }
        self.kept.iter().try_for_each(|disk| context.ledger.keep(disk)).context("write the journal")
    }

    /// Says of a further disk whose it is.
    async fn mark(&self, disk: &Resource, marks: &BTreeMap<String, Option<String>>) -> Result<()> {
        let Instance { gce, project, zone, .. } = &self.instance;
        let (place, is_regional) = disk.details.get("region").map_or((zone, false), |region| (region, true));
        let wanted = format!("keep the disk {}", disk.name);
        let marking = gce.label_disk(project, place, is_regional, &disk.name, marks).await.explain(&wanted)?;
        gce.wait(&marking, self.builder.instance.state_timeout).await.explain(&wanted)
    }
}

/// A guest has at least this long to shut down; Google switches it off after 90 seconds.
const STOP_LIMIT: Duration = Duration::from_secs(5 * 60);
