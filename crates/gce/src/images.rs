//! Images.

use crate::call::{Call, Page, request_id};
use crate::{Gce, Operation, Result, Scope};
use google_cloud_compute_v1::model;
use imgforge_ledger::Claim;
use std::collections::BTreeMap;

/// An image to be made. Its name is the claim's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageRequest {
    pub project: String,
    pub source: ImageSource,
    pub family: Option<String>,
    pub description: String,
    pub labels: BTreeMap<String, String>,
    pub licenses: Vec<String>,
    pub guest_os_features: Vec<String>,
    /// `X86_64` or `ARM64`.
    pub architecture: Option<String>,
    pub encryption: Option<EncryptionKey>,
    pub storage_locations: Vec<String>,
    pub shielded: Option<ShieldedState>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ImageSource {
    /// A disk's URL.
    Disk(String),
    /// A disk's URL, and the key of one's own that it is encrypted with.
    LockedDisk(String, EncryptionKey),
    /// Another image's URL.
    Image(String),
    /// Another image's URL, and the key of one's own that it is encrypted with.
    LockedImage(String, EncryptionKey),
    /// A `tar.gz` in Cloud Storage: `https://storage.googleapis.com/BUCKET/OBJECT`.
    Archive(String),
}

impl Default for ImageSource {
    fn default() -> Self {
        Self::Disk(String::new())
    }
}

/// A key that encrypts a disk or image: exactly one is given.
#[derive(Clone, Default, PartialEq)]
pub struct EncryptionKey {
    pub kms_key_name: Option<String>,
    /// 256 bits in base64: a secret.
    pub raw_key: Option<String>,
}

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncryptionKey").field("kms_key_name", &self.kms_key_name).finish_non_exhaustive()
    }
}

/// The keys of secure boot: each a file's bytes, and whether it is `X509` or `BIN`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShieldedState {
    pub platform_key: Option<(Vec<u8>, String)>,
    pub key_exchange_keys: Vec<(Vec<u8>, String)>,
    pub signatures: Vec<(Vec<u8>, String)>,
    pub forbidden_signatures: Vec<(Vec<u8>, String)>,
}

/// An image as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image {
    pub project: String,
    pub name: String,
    /// Google's number.
    pub id: String,
    pub self_link: String,
    pub status: String,
    pub family: Option<String>,
    pub description: String,
    pub disk_size_gb: u64,
    pub licenses: Vec<String>,
    pub labels: BTreeMap<String, String>,
    pub guest_os_features: Vec<String>,
    pub architecture: Option<String>,
    pub created: String,
}

/// When an image becomes old: RFC 3339.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deprecation {
    pub deprecated: Option<String>,
    pub obsolete: Option<String>,
    pub deleted: Option<String>,
}

impl Gce {
    pub async fn insert_image(&self, claim: Claim, request: &ImageRequest) -> Result<Operation> {
        let insert = self
            .clients()
            .images()
            .await?
            .insert()
            .set_project(&request.project)
            .set_request_id(request_id())
            .set_body(request.to_model(claim.name()));
        let call = call("images.insert", &request.project, claim.name());
        self.create(&call, Scope::Global, || insert.clone().send()).await
    }

    pub async fn image(&self, project: &str, name: &str) -> Result<Image> {
        Ok(Image::read(project, self.image_model(project, name).await?))
    }

    async fn image_model(&self, project: &str, name: &str) -> Result<model::Image> {
        let get = self.clients().images().await?.get().set_project(project).set_image(name);
        self.read(&call("images.get", project, name), || get.clone().send()).await
    }

    /// The newest image of a family that is not deprecated.
    pub async fn image_of_family(&self, project: &str, family: &str) -> Result<Image> {
        let get = self.clients().images().await?.get_from_family().set_project(project).set_family(family);
        let call = Call::new("images.getFromFamily", project, format!("image family {family} in project {project}"));
        Ok(Image::read(project, call.send(|| get.clone().send()).await?))
    }

    /// All images of a project that match a filter in the API's language.
    pub async fn images(&self, project: &str, filter: &str) -> Result<Vec<Image>> {
        let list = self.clients().images().await?.list().set_project(project).set_filter(filter);
        let found = Call::new("images.list", project, format!("project {project}"))
            .pages(
                |token| list.clone().set_or_clear_page_token(token).send(),
                |list| Page { items: list.items, next: list.next_page_token, unreachable: Vec::new() },
            )
            .await?
            .whole()?;
        Ok(found.into_iter().map(|found| Image::read(project, found)).collect())
    }

    pub async fn delete_image(&self, project: &str, name: &str) -> Result<Operation> {
        let delete =
            self.clients().images().await?.delete().set_project(project).set_image(name).set_request_id(request_id());
        let call = call("images.delete", project, name);
        self.delete(&call, Scope::Global, || delete.clone().send()).await
    }

    /// Says when an image becomes old; until then it stays active.
    pub async fn deprecate_image(&self, project: &str, name: &str, deprecation: &Deprecation) -> Result<Operation> {
        let status = model::DeprecationStatus::new()
            .set_state("ACTIVE")
            .set_or_clear_deprecated(deprecation.deprecated.clone())
            .set_or_clear_obsolete(deprecation.obsolete.clone())
            .set_or_clear_deleted(deprecation.deleted.clone());
        let deprecate = self
            .clients()
            .images()
            .await?
            .deprecate()
            .set_project(project)
            .set_image(name)
            .set_request_id(request_id())
            .set_body(status);
        call("images.deprecate", project, name).start(Scope::Global, || deprecate.clone().send()).await
    }

    /// Sets labels (`None` takes one away) and leaves the others; a change by somebody else meanwhile is not lost.
    pub async fn label_image(
        &self,
        project: &str,
        name: &str,
        labels: &BTreeMap<String, Option<String>>,
    ) -> Result<Operation> {
        let call = call("images.setLabels", project, name);
        call.look_and_change(|| async {
            let image = self.image_model(project, name).await?;
            let mut all = image.labels;
            all.retain(|key, _| !labels.contains_key(key));
            all.extend(labels.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?))));
            let body = model::GlobalSetLabelsRequest::new()
                .set_labels(all)
                .set_or_clear_label_fingerprint(image.label_fingerprint);
            // This call takes no request id; sent twice, it is refused for its fingerprint, and looked at again.
            let set =
                self.clients().images().await?.set_labels().set_project(project).set_resource(name).set_body(body);
            call.start(Scope::Global, || set.clone().send()).await
        })
        .await
    }
}

fn call(name: &'static str, project: &str, image: &str) -> Call {
    Call::new(name, project, format!("image {image} in project {project}"))
}

impl ImageRequest {
    fn to_model(&self, name: &str) -> model::Image {
        let image = model::Image::new()
            .set_name(name)
            .set_source_type("RAW")
            .set_or_clear_family(self.family.clone())
            .set_description(&self.description)
            .set_labels(self.labels.clone())
            .set_licenses(self.licenses.clone())
            .set_guest_os_features(
                self.guest_os_features.iter().map(|kind| model::GuestOsFeature::new().set_type(kind.as_str())),
            )
            .set_or_clear_architecture(self.architecture.as_deref())
            .set_or_clear_image_encryption_key(self.encryption.as_ref().map(EncryptionKey::to_model))
            .set_storage_locations(self.storage_locations.clone())
            .set_or_clear_shielded_instance_initial_state(self.shielded.as_ref().map(ShieldedState::to_model));
        match &self.source {
            ImageSource::Disk(url) => image.set_source_disk(url),
            ImageSource::LockedDisk(url, key) => {
                image.set_source_disk(url).set_source_disk_encryption_key(key.to_model())
            }
            ImageSource::Image(url) => image.set_source_image(url),
            ImageSource::LockedImage(url, key) => {
                image.set_source_image(url).set_source_image_encryption_key(key.to_model())
            }
            ImageSource::Archive(url) => {
                image.set_raw_disk(model::image::RawDisk::new().set_source(url).set_container_type("TAR"))
            }
        }
    }
}

impl EncryptionKey {
    #[expect(deprecated, reason = "the only way to give a key of one's own, which users have")]
    pub(crate) fn to_model(&self) -> model::CustomerEncryptionKey {
        model::CustomerEncryptionKey::new()
            .set_or_clear_kms_key_name(self.kms_key_name.clone())
            .set_or_clear_raw_key(self.raw_key.clone())
    }
}

impl ShieldedState {
    fn to_model(&self) -> model::InitialStateConfig {
        let file = |(bytes, kind): &(Vec<u8>, String)| {
            model::FileContentBuffer::new().set_content(bytes.clone()).set_file_type(kind.as_str())
        };
        model::InitialStateConfig::new()
            .set_or_clear_pk(self.platform_key.as_ref().map(file))
            .set_keks(self.key_exchange_keys.iter().map(file))
            .set_dbs(self.signatures.iter().map(file))
            .set_dbxs(self.forbidden_signatures.iter().map(file))
    }
}

impl Image {
    fn read(project: &str, model: model::Image) -> Self {
        Self {
            project: project.to_owned(),
            name: model.name.unwrap_or_default(),
            id: model.id.map(|id| id.to_string()).unwrap_or_default(),
            self_link: model.self_link.unwrap_or_default(),
            status: model.status.as_ref().and_then(|status| status.name()).unwrap_or_default().to_owned(),
            family: model.family,
            description: model.description.unwrap_or_default(),
            disk_size_gb: model.disk_size_gb.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            licenses: model.licenses,
            labels: model.labels.into_iter().collect(),
            guest_os_features: model
                .guest_os_features
                .iter()
                .filter_map(|feature| Some(feature.r#type.as_ref()?.name()?.to_owned()))
                .collect(),
            architecture: model.architecture.as_ref().and_then(|one| one.name()).map(str::to_owned),
            created: model.creation_timestamp.unwrap_or_default(),
        }
    }
}
