//! `googlecompute-export`, in short `googlecompute`: puts an image of Google Cloud into Cloud Storage, as a tar.gz with its disk.
//!
//! A machine of ours reads a disk that is made of the image, and sends the archive to uploads that were begun from here. So it
//! has no service account and no programs of Google's: the addresses of the uploads are all that it is told.

mod destination;
mod worker;
mod worker_machine;

use super::{InputArtifact, PostProcessor};
use crate::artifact::Artifact;
use crate::clients::Clients;
use crate::communicators::ssh::SshArguments;
use crate::component::Component;
use crate::context::BuildContext;
use crate::google::{CLEANER, Connection, Explain as _, GoogleArguments, Place, Role, kind, labels, steady_prefix};
use crate::sweepers::{Area, BUCKETS};
use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use destination::Destination;
use imgforge_gce::Upload;
use imgforge_ledger::Resource;
use imgforge_template::arguments;
use imgforge_template::arguments::{Arguments as _, Given};
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::Spanned;
use std::time::Duration;
use worker::Work;
use worker_machine::{WorkerArguments, WorkerMachine, ssh_arguments};

pub(super) const POST_PROCESSOR: Component<dyn PostProcessor> = Component {
    name: "googlecompute-export",
    arguments: &[PathsArguments::TABLE, WorkerArguments::TABLE, GoogleArguments::TABLE],
    new: |body, diagnostics| {
        let PathsArguments { paths, given } = body.read(diagnostics);
        Box::new(Export::new("googlecompute-export", paths, &given, body, diagnostics))
    },
};

/// The same as introductions write it, with one destination.
pub(super) const IN_SHORT: Component<dyn PostProcessor> = Component {
    name: "googlecompute",
    arguments: &[DestinationArguments::TABLE, WorkerArguments::TABLE, GoogleArguments::TABLE],
    new: |body, diagnostics| {
        let DestinationArguments { destination_image, mut paths, given } = body.read(diagnostics);
        paths.extend(destination_image);
        Box::new(Export::new("googlecompute", paths, &given, body, diagnostics))
    },
};

arguments! {
    /// Where `googlecompute-export` puts the image.
    pub struct PathsArguments {
        /// Objects in Cloud Storage, such as `gs://bucket/image.tar.gz`: each becomes the whole archive.
        paths: Vec<Spanned<String>>,
    }
}

arguments! {
    /// Where `googlecompute` puts the image.
    pub struct DestinationArguments {
        /// An object in Cloud Storage, such as `gs://bucket/image-{{timestamp}}.tar.gz`.
        destination_image: Option<Spanned<String>>,
        /// Several of them: each becomes the whole archive.
        #[excludes(destination_image)]
        paths: Vec<Spanned<String>>,
    }
}

/// Who makes what can be exported.
const BUILDER_ID: &str = "packer.googlecompute";

/// How long the worker may live, whatever happens to us: as long as anything of a run.
const LIFETIME: Duration = imgforge_ledger::HARD_LIMIT;

struct Export {
    destinations: Vec<Destination>,
    worker: WorkerArguments,
    ssh: SshArguments,
    google: GoogleArguments,
}

/// The image that is exported.
struct Source {
    /// Its project, in which it is exported too.
    project: String,
    name: String,
    /// Where it was built.
    zone: String,
    /// What was claimed for it: its details tell by whose account.
    claim: Resource,
}

impl Export {
    fn new(name: &str, paths: Vec<Spanned<String>>, given: &Given, body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let worker: WorkerArguments = body.read(diagnostics);
        let google: GoogleArguments = body.read(diagnostics);
        let argument = if name == POST_PROCESSOR.name { "paths" } else { "destination_image" };
        if !["paths", "destination_image"].iter().any(|argument| given.has(argument)) {
            let message = format!("the argument `{argument}` is required");
            let help = "say where the image goes: `gs://BUCKET/NAME.tar.gz`";
            diagnostics.push(Diagnostic::error("missing-argument", message).at(body.header()).help(help));
        }
        let destinations = destination::read(&paths, given, diagnostics);
        google.check(body, diagnostics);
        worker.check(diagnostics);
        body.finish(&format!("the post-processor `{name}`"), diagnostics);
        Self { destinations, worker, ssh: ssh_arguments(body), google }
    }

    /// Begins an upload for each destination, so that a bucket which refuses us does so before there is a machine.
    async fn begin(&self, google: &Connection, source: &Source, context: &BuildContext) -> Result<Vec<Begun>> {
        let mut begun = Vec::new();
        for destination in &self.destinations {
            let one = async {
                let details = google.details(&source.project, Place::Global);
                let claim = context.ledger.claim_named(CLEANER, kind::OBJECT, &destination.name(), details);
                let claim = claim.context("note the object in the journal")?;
                let resource = claim.resource().clone();
                let metadata = labels(context, Role::Temporary, LIFETIME);
                let upload = google.gce.begin_upload(claim, "application/gzip", &metadata, true).await;
                let upload = upload.explain(&format!("begin the upload to {destination}"))?;
                // Whoever knows the address may write the object.
                context.events.add_secrets(std::slice::from_ref(&upload.url));
                anyhow::Ok(Begun { upload, resource })
            };
            match one.await {
                Ok(one) => begun.push(one),
                Err(error) => {
                    cancel(google, &begun).await;
                    return Err(error);
                }
            }
        }
        Ok(begun)
    }

    /// Has the worker write the archive, and looks whether it is there.
    async fn export(
        &self,
        google: &Connection,
        source: &Source,
        begun: &[Begun],
        context: &BuildContext,
    ) -> Result<()> {
        let worker = self.worker.start(google, source, &self.ssh, context).await?;
        context.say("Exporting the disk of the image...");
        let uploads: Vec<Upload> = begun.iter().map(|begun| begun.upload.clone()).collect();
        let WorkerMachine { communicator, name, device } = &worker;
        let work = Work { device, uploads: &uploads, name };
        let bytes = context.step("export the image", work.run(communicator, context)).await?;
        for destination in &self.destinations {
            let object = google.gce.object(&destination.bucket, &destination.object).await;
            let object = object.explain(&format!("look at {destination}"))?;
            let size = object.size;
            ensure!(
                size == bytes,
                "{destination} has {size} bytes, but {bytes} were sent: somebody else writes it, too"
            );
            context.say(format!("Exported to {destination} ({bytes} bytes)"));
        }
        Ok(())
    }
}

/// An upload that has begun, and what was claimed for it.
struct Begun {
    upload: Upload,
    resource: Resource,
}

/// Gives uploads up. One that can't be given up now is forgotten by Google within a week, and nobody sees it until then.
async fn cancel(google: &Connection, begun: &[Begun]) {
    for Begun { upload, resource } in begun {
        if let Err(error) = google.gce.cancel_upload(upload).await {
            tracing::debug!(object = resource.name, %error, "the upload could not be given up");
        }
    }
}

impl Source {
    /// The image that an artifact is.
    fn of(artifact: &Artifact) -> Result<Self> {
        ensure!(
            artifact.builder_id == BUILDER_ID,
            "this is no image of Google Cloud: only what the builder `googlecompute` makes can be exported"
        );
        let is_image =
            |claim: &&Resource| claim.cleaner == CLEANER && claim.kind == kind::IMAGE && claim.name == artifact.id;
        let claim = artifact.claims.iter().find(is_image).cloned();
        let claim = claim.with_context(|| format!("the image {} is not one that this run has made", artifact.id))?;
        let project = claim.details.get("project").cloned().context("the image has no project")?;
        let zone = artifact.values.get("BuildZone").cloned().unwrap_or_default();
        Ok(Self { project, name: artifact.id.clone(), zone, claim })
    }
}

#[async_trait]
impl PostProcessor for Export {
    async fn areas(&self, built: &[Area], clients: &Clients) -> Result<Vec<Area>> {
        // What is built elsewhere can't be exported.
        let Some(built) = built.last().filter(|area| area.sweeper == CLEANER) else { return Ok(Vec::new()) };
        if self.destinations.is_empty() {
            return Ok(vec![Area::unknown(CLEANER, "the destinations of an export are not known before the build")]);
        }
        let google = Connection::new(&self.google, Some(&built.details), clients).await?;
        let project = built.details.get("project").map(String::as_str).unwrap_or_default();
        let mut details = google.details(project, Place::Global);
        let place = |one: &Destination| format!("{}/{}", one.bucket, steady_prefix(&one.object));
        details.insert(BUCKETS.to_owned(), self.destinations.iter().map(place).collect::<Vec<_>>().join("\n"));
        Ok(vec![Area { sweeper: CLEANER, details }])
    }

    fn input_artifact(&self) -> InputArtifact {
        InputArtifact::Keep
    }

    async fn process(&self, context: &BuildContext, artifact: &Artifact) -> Result<Artifact> {
        ensure!(!self.destinations.is_empty(), "where the image goes is not known");
        let source = Source::of(artifact)?;
        context.events.add_secrets(&self.google.secrets());
        let google = Connection::new(&self.google, Some(&source.claim.details), &context.clients).await?;
        let begun = self.begin(&google, &source, context).await?;
        if let Err(error) = self.export(&google, &source, &begun, context).await {
            cancel(&google, &begun).await;
            return Err(error);
        }
        let paths: Vec<String> = self.destinations.iter().map(ToString::to_string).collect();
        Ok(Artifact {
            builder_id: "packer.post-processor.googlecompute-export".to_owned(),
            id: paths.join(","),
            description: format!("The image was exported to: {}", paths.join(", ")),
            files: paths.iter().map(Into::into).collect(),
            claims: begun.into_iter().map(|begun| begun.resource).collect(),
            ..Artifact::default()
        })
    }
}

#[cfg(test)]
mod tests;
