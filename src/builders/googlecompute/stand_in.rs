//! How `-force` replaces an image: the new one is made under a name of ours before the older one of its name goes, so that
//! there is one at any time.

use super::Googlecompute;
use crate::context::BuildContext;
use crate::google::{CLEANER, Explain as _, Place, Role, kind, labels, marks_of_artifact};
use anyhow::{Context as _, Result};
use imgforge_gce::{Error, Gce, Image, ImageRequest, ImageSource, Kind};
use imgforge_ledger::Resource;
use std::collections::BTreeMap;
use std::time::Duration;

impl Googlecompute {
    /// Makes the image that stands in for the one to come, and deletes the previous one. Returns its claim.
    ///
    /// # Errors
    /// When there is none, or when the previous image could not be deleted. The stand-in stays where that one may be gone,
    /// which the error says.
    pub(super) async fn stand_in(
        &self,
        gce: &Gce,
        request: &ImageRequest,
        limit: Duration,
        previous: &Image,
        context: &BuildContext,
    ) -> Result<Resource> {
        let project = self.image_project();
        let claim = context.ledger.claim_with(CLEANER, kind::IMAGE, self.details(project, Place::Global));
        let claim = claim.context("write the journal")?;
        let stand_in = claim.resource().clone();
        // No family yet: it would be the newest of it.
        let request = ImageRequest { family: None, ..request.clone() };
        self.insert(gce, claim, &request, limit, context).await?;
        // From now on it may be all that there is: however this ends, no cleanup may take it.
        let marked = self.mark(gce, &stand_in, &marks_of_artifact()).await;
        marked.explain("mark the new image as the one that stays")?;
        context.say("Deleting previous image...");
        let Err(error) = self.delete(gce, &previous.name, limit).await else { return Ok(stand_in) };
        let is_there = is_refusal(&error) && gce.image(project, &previous.name).await.is_ok();
        let goes = is_there && self.mark(gce, &stand_in, &self.marks_of_leftover(context)).await.is_ok();
        let error = Err(error).explain("delete the previous image");
        error.map_err(|error| if goes { error } else { rescue(&stand_in, error, context) })
    }

    /// The request of an image that is made of its stand-in. The previous one is gone: it is the user's at once.
    pub(super) fn of_stand_in(&self, stand_in: &Resource, request: ImageRequest) -> ImageRequest {
        let url = format!("projects/{}/global/images/{}", self.image_project(), stand_in.name);
        let source = match request.encryption.clone().filter(|key| key.raw_key.is_some()) {
            Some(key) => ImageSource::LockedImage(url, key),
            None => ImageSource::Image(url),
        };
        let mut labels = request.labels;
        for (name, value) in marks_of_artifact() {
            match value {
                Some(value) => drop(labels.insert(name, value)),
                None => drop(labels.remove(&name)),
            }
        }
        ImageRequest { source, labels, ..request }
    }

    /// Deletes the stand-in when the image has its name. Where that fails, any cleanup may do it.
    pub(super) async fn remove_stand_in(
        &self,
        gce: &Gce,
        stand_in: &Resource,
        limit: Duration,
        context: &BuildContext,
    ) {
        let removed = async {
            let marked = self.mark(gce, stand_in, &self.marks_of_leftover(context)).await;
            marked.explain("mark the image that stood in as one that goes")?;
            self.delete(gce, &stand_in.name, limit).await.explain("delete the image that stood in")?;
            context.ledger.released(stand_in).context("write the journal")
        };
        if let Err(error) = removed.await {
            context.not_removed(stand_in, &error);
        }
    }

    /// What says of a thing that it is the build's, and no longer the user's.
    pub(super) fn marks_of_leftover(&self, context: &BuildContext) -> BTreeMap<String, Option<String>> {
        let labels = labels(context, Role::Temporary, self.lasts());
        labels.into_iter().map(|(name, value)| (name, Some(value))).collect()
    }

    async fn mark(
        &self,
        gce: &Gce,
        image: &Resource,
        marks: &BTreeMap<String, Option<String>>,
    ) -> imgforge_gce::Result<()> {
        let marking = gce.label_image(self.image_project(), &image.name, marks).await?;
        gce.wait(&marking, self.instance.state_timeout).await
    }

    async fn delete(&self, gce: &Gce, image: &str, limit: Duration) -> imgforge_gce::Result<()> {
        match gce.delete_image(self.image_project(), image).await {
            Err(error) if error.is_not_found() => Ok(()),
            deleting => gce.wait(&deleting?, limit).await,
        }
    }
}

/// Whether nothing comes of what was asked for, at no time.
fn is_refusal(error: &Error) -> bool {
    !error.is_transient() && error.kind != Kind::TimedOut
}

/// There may be no other image than this one, which did not get the name that it was to have: no cleanup may take it.
pub(super) fn rescue(stand_in: &Resource, error: anyhow::Error, context: &BuildContext) -> anyhow::Error {
    match context.ledger.keep(stand_in) {
        Ok(()) => error.context(format!("the new image stays under the name {}", stand_in.name)),
        Err(journal) => error.context(format!("write the journal: {journal}")),
    }
}
