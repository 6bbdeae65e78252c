//! The image: what Google is asked for, and how long that may take.

use super::Googlecompute;
use super::arguments::{ImageArguments, set};
use super::stand_in::rescue;
use crate::context::BuildContext;
use crate::google::{CLEANER, Explain as _, Place, Role, SecureBootFiles, kind, labels};
use anyhow::{Context as _, Result};
use imgforge_gce::{Deprecation, Gce, Image, ImageRequest, ImageSource, Kind, ShieldedState};
use imgforge_ledger::{Claim, Resource};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// An image has at least this long, and so much more for each GB of its disk; Packer gives all of them 5 minutes, which
/// large ones don't need to be ready.
const SHORTEST_LIMIT: Duration = Duration::from_secs(15 * 60);
const LIMIT_OF_A_GB: Duration = Duration::from_secs(30);

impl Googlecompute {
    /// The project that the image goes into.
    pub(super) fn image_project(&self) -> &str {
        set(&self.image.image_project_id).unwrap_or(&self.source.project_id)
    }

    /// The image of a source.
    pub(super) fn image_request(
        &self,
        source: ImageSource,
        labels: BTreeMap<String, String>,
        shielded: Option<ShieldedState>,
    ) -> ImageRequest {
        let image = &self.image;
        ImageRequest {
            project: self.image_project().to_owned(),
            source,
            family: set(&image.image_family).map(str::to_owned),
            description: image.image_description.clone(),
            labels: image.image_labels.clone().into_iter().chain(labels).collect(),
            licenses: image.image_licenses.clone(),
            guest_os_features: image.image_guest_os_features.clone(),
            architecture: set(&image.image_architecture).map(str::to_uppercase),
            encryption: image.image_encryption_key.as_ref().and_then(|key| key.key()),
            storage_locations: image.image_storage_locations.iter().map(|place| place.value.clone()).collect(),
            shielded,
        }
    }

    /// The size in GB of a disk that the image is made of and that the template does not describe.
    pub(super) async fn size_of(&self, gce: &Gce, disk: &ImageSource) -> Result<u64> {
        let (ImageSource::Disk(path) | ImageSource::LockedDisk(path, _)) = disk else { return Ok(0) };
        let parts: Vec<&str> = path.split('/').collect();
        let after = |word: &str| Some(*parts.get(parts.iter().position(|part| *part == word)? + 1)?);
        let project = after("projects").unwrap_or(&self.source.project_id);
        let (place, is_regional) = match after("regions") {
            Some(region) => (region, true),
            None => (after("zones").unwrap_or(&self.source.zone), false),
        };
        let name = parts.last().copied().unwrap_or_default();
        Ok(gce.disk(project, place, is_regional, name).await.explain("look at the disk of the image")?.size_gb)
    }

    /// How long an image of a disk of this size may take.
    fn image_limit(&self, size_gb: u64) -> Duration {
        let gigabytes = u32::try_from(size_gb).unwrap_or(u32::MAX);
        self.limit(SHORTEST_LIMIT.saturating_add(LIMIT_OF_A_GB.saturating_mul(gigabytes)))
    }

    /// Makes the image of a disk. One that has its name already goes only when the new one stands.
    ///
    /// Returns it, and the claim that holds it.
    ///
    /// # Errors
    /// When it could not be made. The older image is there then, unless the new one could not get its name: then the new
    /// one stays under a name of ours, which the error says. Once the older one is gone, the new one stays whatever fails.
    pub(super) async fn make_image(
        &self,
        gce: &Gce,
        disk: ImageSource,
        size_gb: u64,
        previous: Option<&Image>,
        context: &BuildContext,
    ) -> Result<(Image, Resource)> {
        let labels = labels(context, Role::Temporary, self.lasts());
        let request = self.image_request(disk, labels, self.image.shielded(&self.working_directory)?);
        let project = self.image_project();
        let limit = self.image_limit(size_gb);
        context.say("Creating image...");
        let stand_in = match previous {
            Some(previous) => Some(self.stand_in(gce, &request, limit, previous, context).await?),
            None => None,
        };
        let request = match &stand_in {
            Some(stand_in) => self.of_stand_in(stand_in, request),
            None => request,
        };
        let claim = context
            .ledger
            .claim_named(CLEANER, kind::IMAGE, &self.image_name, self.details(project, Place::Global))
            .context("write the journal")?;
        let resource = claim.resource().clone();
        if let Err(error) = self.insert(gce, claim, &request, limit, context).await {
            return Err(match stand_in {
                Some(stand_in) => rescue(&stand_in, error.context("the previous image is gone"), context),
                None => error,
            });
        }
        if let Some(stand_in) = stand_in {
            self.remove_stand_in(gce, &stand_in, limit, context).await;
        }
        if let Some(deprecation) = self.image.deprecation() {
            let what = "set when the image is deprecated";
            let setting = gce.deprecate_image(project, &self.image_name, &deprecation).await.explain(what)?;
            gce.wait(&setting, self.instance.state_timeout).await.explain(what)?;
            context.say("Image deprecation status set");
        }
        let image = gce.image(project, &self.image_name).await.explain("look at the image")?;
        Ok((image, resource))
    }

    pub(super) async fn insert(
        &self,
        gce: &Gce,
        claim: Claim,
        request: &ImageRequest,
        limit: Duration,
        context: &BuildContext,
    ) -> Result<()> {
        let resource = claim.resource().clone();
        let made = match gce.insert_image(claim, request).await {
            Ok(operation) => gce.wait(&operation, limit).await,
            Err(error) => Err(error),
        };
        if made.as_ref().is_err_and(|error| error.kind == Kind::AlreadyExists) {
            // It is somebody else's.
            context.ledger.released(&resource).context("write the journal")?;
        }
        made.explain("create the image")
    }
}

impl ImageArguments {
    /// When the image becomes old, if the template says so.
    pub(super) fn deprecation(&self) -> Option<Deprecation> {
        let given = |date: &Option<String>| set(date).map(str::to_owned);
        let deprecation = Deprecation {
            deprecated: given(&self.deprecate_at),
            obsolete: given(&self.obsolete_at),
            deleted: given(&self.delete_at),
        };
        (deprecation != Deprecation::default()).then_some(deprecation)
    }

    /// The keys of secure boot, if any are given.
    fn shielded(&self, folder: &Path) -> Result<Option<ShieldedState>> {
        let files = SecureBootFiles {
            folder,
            platform_key: self.image_platform_key.as_deref().filter(|file| !file.as_os_str().is_empty()),
            key_exchange_keys: &self.image_key_exchange_key,
            signatures: &self.image_signatures_db,
            forbidden_signatures: &self.image_forbidden_signatures_db,
        };
        files.read()
    }
}
