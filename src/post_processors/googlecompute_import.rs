//! `googlecompute-import`: makes an image of Google Cloud of a local tar.gz with one `disk.raw`.
//!
//! The file goes to Cloud Storage, Google makes the image of it there, and the object goes again.

use super::{InputArtifact, PostProcessor};
use crate::artifact::Artifact;
use crate::clients::Clients;
use crate::component::Component;
use crate::context::BuildContext;
use crate::google::{
    CLEANER, Connection, Explain as _, GoogleArguments, Place, Role, SecureBootFiles, check_label, check_name, kind,
    labels, steady_prefix,
};
use crate::sweepers::{Area, BUCKETS};
use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use imgforge_gce::{ImageRequest, ImageSource, Kind};
use imgforge_ledger::Resource;
use imgforge_template::arguments;
use imgforge_template::arguments::Arguments as _;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::gotemplate::GoContext;
use imgforge_template::source::{Span, Spanned};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(super) const POST_PROCESSOR: Component<dyn PostProcessor> = Component {
    name: "googlecompute-import",
    arguments: &[ImportArguments::TABLE, GoogleArguments::TABLE],
    new: |body, diagnostics| Box::new(Import::new(body, diagnostics)),
};

arguments! {
    /// What `googlecompute-import` takes.
    pub struct ImportArguments {
        /// The project that the image is made in.
        project_id: Spanned<String>,
        /// The bucket that the file goes through.
        bucket: Spanned<String>,
        /// The object's name in it; `packer-import-TIME-NUMBER.tar.gz` if not set.
        gcs_object_name: Option<String>,
        /// Leave the object there.
        skip_clean: bool = "false",
        /// The image's name.
        image_name: Spanned<String>,
        /// What it is, in a sentence.
        image_description: Option<String>,
        /// The family that it is the newest image of.
        image_family: Option<Spanned<String>>,
        /// Its labels.
        image_labels: BTreeMap<String, String>,
        /// `x86_64` or `arm64`; Google's default is the former.
        image_architecture: Option<Spanned<String>>,
        /// What its system can do, such as `UEFI_COMPATIBLE` or `GVNIC`.
        image_guest_os_features: Vec<String>,
        /// The region or multi-region where it is stored.
        image_storage_locations: Vec<String>,
        /// The platform key of secure boot: a file, as all of these.
        image_platform_key: Option<Spanned<PathBuf>>,
        /// The key exchange keys of secure boot.
        image_key_exchange_key: Vec<Spanned<PathBuf>>,
        /// What may boot.
        image_signatures_db: Vec<Spanned<PathBuf>>,
        /// What may not boot.
        image_forbidden_signatures_db: Vec<Spanned<PathBuf>>,
        /// What the credentials may do. They are made for all of the cloud platform: the account's roles decide.
        scopes: Vec<String>,
        /// Has no effect: nothing is connected to here.
        iap: Option<bool>,
    }
}

/// How long Google may take to make an image of an object: large ones take half an hour.
const IMAGE_LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

struct Import {
    arguments: ImportArguments,
    google: GoogleArguments,
    context: Arc<GoContext>,
}

impl Import {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let arguments: ImportArguments = body.read(diagnostics);
        let google: GoogleArguments = body.read(diagnostics);
        arguments.check(body, diagnostics);
        google.check(body, diagnostics);
        body.finish("the post-processor `googlecompute-import`", diagnostics);
        Self { arguments, google, context: body.context().clone() }
    }

    /// The file to import.
    fn archive(&self, artifact: &Artifact) -> Result<PathBuf> {
        let is_archive = |file: &&PathBuf| file.to_string_lossy().ends_with(".tar.gz");
        let mut archives = artifact.files.iter().filter(is_archive);
        let file = match (archives.next(), archives.next()) {
            (Some(file), None) => self.context.host.working_directory().join(file),
            (Some(_), Some(_)) => bail!("several files of the artifact end in `.tar.gz`, and one can be imported"),
            (None, _) => {
                bail!("no file of the artifact ends in `.tar.gz`; `compress` makes one, and `artifice` names one")
            }
        };
        let mut start = [0; 2];
        let read = File::open(&file).and_then(|mut opened| opened.read_exact(&mut start));
        read.with_context(|| format!("read {}", file.display()))?;
        ensure!(start == [0x1f, 0x8b], "{} is not compressed by gzip", file.display());
        Ok(file)
    }

    /// What the object is called. Without a name of the user's it is another one each time: two builds may import at once.
    fn object_name(&self) -> String {
        let host = &self.context.host;
        match self.arguments.gcs_object_name.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => format!("packer-import-{}-{}.tar.gz", host.started(), host.uuid()),
        }
    }

    /// Puts the file into Cloud Storage; returns what was claimed for it, and its address.
    async fn upload(&self, google: &Connection, file: &Path, context: &BuildContext) -> Result<(Resource, String)> {
        let (project, bucket, object) =
            (&self.arguments.project_id.value, &self.arguments.bucket.value, self.object_name());
        let name = format!("{bucket}/{object}");
        let details = google.details(project, Place::Global);
        let claim = context.ledger.claim_named(CLEANER, kind::OBJECT, &name, details);
        let claim = claim.context("note the object in the journal")?;
        let resource = claim.resource().clone();
        context.say(format!("Uploading {} to gs://{name}...", file.display()));
        let metadata = labels(context, Role::Temporary, IMAGE_LIMIT);
        // One that goes with the import must not have been the user's before; one that stays is there to be replaced.
        let replaces = self.arguments.skip_clean;
        let upload = match google.gce.begin_upload(claim, "application/gzip", &metadata, replaces).await {
            Err(error) if error.kind == Kind::AlreadyExists => {
                context.ledger.released(&resource).context("note in the journal that the object is not ours")?;
                bail!(
                    "there is an object gs://{name} already, which would be gone after the import: choose another \
                     `gcs_object_name`, or delete it (`imgforge cleanup` does, if a killed run left it)"
                );
            }
            upload => upload.explain(&format!("begin the upload to gs://{name}"))?,
        };
        // Whoever knows the address may write the object.
        context.events.add_secrets(std::slice::from_ref(&upload.url));
        let report = |done, total| context.progress(&name, done, total);
        let sent = google.gce.upload_file(&upload, file, &report).await;
        match sent.explain(&format!("upload {} to gs://{name}", file.display())) {
            Ok(object) => Ok((resource, object.self_link)),
            Err(error) => {
                if let Err(error) = google.gce.cancel_upload(&upload).await {
                    tracing::debug!(name, %error, "the upload could not be given up");
                }
                Err(error)
            }
        }
    }

    fn request(&self, archive: String, context: &BuildContext) -> Result<ImageRequest> {
        let arguments = &self.arguments;
        let ours = labels(context, Role::Temporary, IMAGE_LIMIT);
        let folder = self.context.host.working_directory();
        let files = SecureBootFiles {
            folder: &folder,
            platform_key: arguments.image_platform_key.as_ref().map(|file| file.value.as_path()),
            key_exchange_keys: &arguments.image_key_exchange_key,
            signatures: &arguments.image_signatures_db,
            forbidden_signatures: &arguments.image_forbidden_signatures_db,
        };
        Ok(ImageRequest {
            project: arguments.project_id.value.clone(),
            source: ImageSource::Archive(archive),
            family: text(&arguments.image_family).map(|family| family.value.clone()),
            description: arguments.image_description.clone().unwrap_or_default(),
            labels: arguments.image_labels.clone().into_iter().chain(ours).collect(),
            licenses: Vec::new(),
            guest_os_features: arguments.image_guest_os_features.clone(),
            architecture: text(&arguments.image_architecture).map(|name| name.to_ascii_uppercase()),
            encryption: None,
            storage_locations: arguments.image_storage_locations.clone(),
            shielded: files.read()?,
        })
    }
}

impl ImportArguments {
    fn check(&self, body: &Body, diagnostics: &mut Diagnostics) {
        if self.given.span("image_name") == Some(self.image_name.span) {
            check_name("image_name", &self.image_name, self.image_name.span, diagnostics);
        }
        if let Some(family) = text(&self.image_family) {
            check_name("image_family", family, family.span, diagnostics);
        }
        if let Some(span) = self.given.span("image_labels") {
            for (key, value) in &self.image_labels {
                check_label("image_labels", key, value, span, diagnostics);
            }
        }
        let invalid = |message: String, span: Span| Diagnostic::error("invalid-value", message).at(span);
        if let Some(name) = text(&self.image_architecture)
            && !ARCHITECTURES.iter().any(|known| name.eq_ignore_ascii_case(known))
        {
            let message = format!("there is no architecture `{}`", name.value);
            diagnostics.push(invalid(message, name.span).help(format!("use one of {}", ARCHITECTURES.join(", "))));
        }
        for (name, value) in [("bucket", &self.bucket), ("project_id", &self.project_id)] {
            if value.is_empty() && self.given.span(name) == Some(value.span) && !self.given.is_unknown(name) {
                let message = format!("`{name}` must not be empty");
                diagnostics.push(invalid(message, value.span).help("write its name"));
            }
        }
        let keys = self.image_platform_key.iter().chain(&self.image_key_exchange_key);
        for key in keys.chain(&self.image_signatures_db).chain(&self.image_forbidden_signatures_db) {
            crate::scripts::check_file("key", key, body, diagnostics);
        }
        for name in ["iap", "scopes"] {
            if let Some(span) = self.given.span(name) {
                let message = format!("`{name}` has no effect here");
                diagnostics.push(Diagnostic::warning("ignored-argument", message).at(span).help("remove it"));
            }
        }
    }
}

const ARCHITECTURES: [&str; 2] = ["x86_64", "arm64"];

/// What is written, unless it is empty.
fn text(argument: &Option<Spanned<String>>) -> Option<&Spanned<String>> {
    argument.as_ref().filter(|text| !text.is_empty())
}

#[async_trait]
impl PostProcessor for Import {
    async fn areas(&self, _: &[Area], clients: &Clients) -> Result<Vec<Area>> {
        let (project, bucket) = (&self.arguments.project_id.value, &self.arguments.bucket.value);
        if project.is_empty() || bucket.is_empty() {
            return Ok(vec![Area::unknown(
                CLEANER,
                "the project and bucket of an import are not known before the build",
            )]);
        }
        let google = Connection::new(&self.google, None, clients).await?;
        let mut details = google.details(project, Place::Global);
        details.insert(BUCKETS.to_owned(), format!("{bucket}/{}", steady_prefix(&self.object_name())));
        Ok(vec![Area { sweeper: CLEANER, details }])
    }

    fn input_artifact(&self) -> InputArtifact {
        InputArtifact::Keep
    }

    async fn process(&self, context: &BuildContext, artifact: &Artifact) -> Result<Artifact> {
        let ImportArguments { project_id, image_name, skip_clean, .. } = &self.arguments;
        let (project, name) = (&project_id.value, &image_name.value);
        let file = self.archive(artifact)?;
        context.events.add_secrets(&self.google.secrets());
        let google = Connection::new(&self.google, None, &context.clients).await?;
        match google.gce.image(project, name).await {
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error).explain(&format!("look for an image {name}")),
            Ok(_) => {
                bail!("the project {project} has an image {name} already: choose another `image_name`, or remove it")
            }
        }
        let (object, address) = context.step("upload the archive", self.upload(&google, &file, context)).await?;
        let request = self.request(address, context)?;
        let claim = context.ledger.claim_named(CLEANER, kind::IMAGE, name, google.details(project, Place::Global));
        let claim = claim.context("note the image in the journal")?;
        let resource = claim.resource().clone();
        let mut claims = vec![resource.clone()];
        context.say(format!("Importing the image {name}..."));
        let import = async {
            let wanted = format!("import the image {name}");
            let made = match google.gce.insert_image(claim, &request).await {
                Ok(operation) => google.gce.wait(&operation, IMAGE_LIMIT).await,
                Err(error) => Err(error),
            };
            if made.as_ref().is_err_and(|error| error.kind == Kind::AlreadyExists) {
                // It is somebody else's, be it another build of this run, whose labels are ours as well.
                context.ledger.released(&resource).context("note in the journal that the image is not ours")?;
            }
            made.explain(&wanted)?;
            google.gce.image(project, name).await.explain(&format!("look at the image {name}"))
        };
        let image = context.step("import the image", import).await?;
        if *skip_clean {
            claims.push(object);
        }
        Ok(Artifact {
            builder_id: "packer.post-processor.googlecompute-import".to_owned(),
            id: image.self_link.clone(),
            description: format!("A disk image was imported into the '{project}' project: {name}"),
            files: vec![image.self_link.into()],
            claims,
            ..Artifact::default()
        })
    }
}

#[cfg(test)]
mod tests;
