//! One thing in Google Cloud as a claim names it: how it is looked at, marked and deleted.

use crate::clients::Clients;
use crate::google::{Account, MAY_STAY, Role, is_leftover_of_packer, kind, marks_of_artifact};
use anyhow::{Context as _, Result};
use imgforge_gce::{Error, Gce, Operation};
use imgforge_ledger::Resource;
use std::collections::BTreeMap;

pub(super) struct Thing {
    pub(super) gce: Gce,
    project: String,
    name: String,
    what: What,
}

enum What {
    Instance { zone: String },
    Disk { place: String, is_regional: bool },
    Image,
    LoginKey { account: String },
    Object { bucket: String, object: String },
}

/// What a thing says of itself.
#[derive(Default)]
struct Seen {
    marks: BTreeMap<String, String>,
    description: String,
    is_used: bool,
}

impl Thing {
    /// # Errors
    /// When the claim lacks what is needed to find the thing, or the credentials can't be used.
    pub(super) async fn of(resource: &Resource, clients: &Clients) -> Result<Self> {
        let detail = |name: &str| {
            let value = resource.details.get(name).cloned();
            value.with_context(|| format!("its claim has no {name}"))
        };
        let what = match resource.kind.as_str() {
            kind::INSTANCE => What::Instance { zone: detail("zone")? },
            kind::DISK => match detail("region") {
                Ok(region) => What::Disk { place: region, is_regional: true },
                Err(_) => What::Disk { place: detail("zone")?, is_regional: false },
            },
            kind::IMAGE => What::Image,
            kind::LOGIN_KEY => What::LoginKey { account: detail("account")? },
            kind::OBJECT => {
                let (bucket, object) = resource.name.split_once('/').context("it is called BUCKET/OBJECT")?;
                What::Object { bucket: bucket.to_owned(), object: object.to_owned() }
            }
            kind => anyhow::bail!("this version of imgforge knows no {kind} in Google Cloud"),
        };
        let gce = Account::connect_noted(&resource.details, clients).await?;
        Ok(Self { gce, project: detail("project")?, name: resource.name.clone(), what })
    }

    /// Whether it is not ours to remove. One that is not there is not.
    ///
    /// # Errors
    /// When it can't be looked at.
    pub(super) async fn is_kept(&self, resource: &Resource) -> imgforge_gce::Result<bool> {
        let is_named_by_us = !resource.run.is_empty() && self.name.starts_with(&format!("imgforge-{}-", resource.run));
        let is_temporary = matches!(self.what, What::Instance { .. } | What::Disk { .. } | What::LoginKey { .. });
        if is_named_by_us && is_temporary && !resource.details.contains_key(MAY_STAY) {
            // Nobody else can have made it, and nobody keeps it.
            return Ok(false);
        }
        let seen = match self.look().await {
            Ok(Some(seen)) => seen,
            Ok(None) => return Ok(false),
            Err(error) if error.is_not_found() => return Ok(false),
            Err(error) => return Err(error),
        };
        if seen.marks.get("imgforge-role").is_some_and(|role| role == Role::Artifact.text()) {
            return Ok(true);
        }
        if is_named_by_us {
            return Ok(false);
        }
        Ok(match seen.marks.get("imgforge-run") {
            Some(run) => !resource.run.is_empty() && *run != resource.run,
            None => seen.is_used || !is_leftover_of_packer(&resource.kind, &self.name, &seen.description),
        })
    }

    /// None where there is nothing to see.
    async fn look(&self) -> imgforge_gce::Result<Option<Seen>> {
        let (gce, project, name) = (&self.gce, &self.project, &self.name);
        Ok(Some(match &self.what {
            What::Instance { zone } => {
                let found = gce.instance(project, zone, name).await?;
                Seen { marks: found.labels, description: found.description, is_used: false }
            }
            What::Disk { place, is_regional } => {
                let found = gce.disk(project, place, *is_regional, name).await?;
                Seen { marks: found.labels, description: found.description, is_used: !found.users.is_empty() }
            }
            What::Image => {
                let found = gce.image(project, name).await?;
                Seen { marks: found.labels, description: found.description, is_used: false }
            }
            What::Object { bucket, object } => {
                Seen { marks: gce.object(bucket, object).await?.metadata, ..Seen::default() }
            }
            What::LoginKey { .. } => return Ok(None),
        }))
    }

    /// Asks for its deletion. None if that is all there is to it.
    ///
    /// # Errors
    /// Google's; `NotFound` where it is gone already.
    pub(super) async fn delete(&self) -> imgforge_gce::Result<Option<Operation>> {
        let (gce, project, name) = (&self.gce, &self.project, &self.name);
        match &self.what {
            What::Instance { zone } => gce.delete_instance(project, zone, name).await.map(Some),
            What::Disk { place, is_regional } => gce.delete_disk(project, place, *is_regional, name).await.map(Some),
            What::Image => gce.delete_image(project, name).await.map(Some),
            What::Object { bucket, object } => gce.delete_object(bucket, object).await.map(|()| None),
            What::LoginKey { account } => gce.remove_login_keys(account, project, name).await.map(|()| None),
        }
    }

    /// Marks it as the user's.
    ///
    /// # Errors
    /// Google's.
    pub(super) async fn mark_as_artifact(&self) -> Result<Option<Operation>, Error> {
        let (gce, project, name) = (&self.gce, &self.project, &self.name);
        let marks = marks_of_artifact();
        match &self.what {
            What::Image => gce.label_image(project, name, &marks).await.map(Some),
            What::Disk { place, is_regional } => {
                gce.label_disk(project, place, *is_regional, name, &marks).await.map(Some)
            }
            What::Object { bucket, object } => gce.set_object_metadata(bucket, object, &marks).await.map(|()| None),
            // Nobody keeps one.
            What::Instance { .. } | What::LoginKey { .. } => Ok(None),
        }
    }
}
