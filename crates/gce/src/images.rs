//! Images.

use crate::{Gce, Operation, Result};
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
    /// Another image's URL.
    Image(String),
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
    pub async fn insert_image(&self, _claim: Claim, _request: &ImageRequest) -> Result<Operation> {
        todo!()
    }

    pub async fn image(&self, _project: &str, _name: &str) -> Result<Image> {
        todo!()
    }

    /// The newest image of a family that is not deprecated.
    pub async fn image_of_family(&self, _project: &str, _family: &str) -> Result<Image> {
        todo!()
    }

    /// All images of a project that match a filter in the API's language.
    pub async fn images(&self, _project: &str, _filter: &str) -> Result<Vec<Image>> {
        todo!()
    }

    pub async fn delete_image(&self, _project: &str, _name: &str) -> Result<Operation> {
        todo!()
    }

    pub async fn deprecate_image(&self, _project: &str, _name: &str, _deprecation: &Deprecation) -> Result<Operation> {
        todo!()
    }

    /// Sets labels (`None` takes one away) and leaves the others.
    pub async fn label_image(
        &self,
        _project: &str,
        _name: &str,
        _labels: &BTreeMap<String, Option<String>>,
    ) -> Result<Operation> {
        todo!()
    }
}
