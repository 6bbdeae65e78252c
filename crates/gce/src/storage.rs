//! Cloud Storage: objects, and uploads that survive a lost connection.

use crate::{Gce, Result};
use imgforge_ledger::Claim;
use std::collections::BTreeMap;
use std::path::Path;

/// An object as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    pub bucket: String,
    pub name: String,
    /// Bytes.
    pub size: u64,
    pub metadata: BTreeMap<String, String>,
    pub created: String,
}

/// The address of an upload that has begun. Whoever has it may write the object without credentials: a secret.
#[derive(Clone)]
pub struct Upload {
    pub url: String,
}

impl Gce {
    /// Begins the upload of an object, which is made when the last byte is there. The claim's name is `BUCKET/OBJECT`.
    pub async fn begin_upload(
        &self,
        _claim: Claim,
        _content_type: &str,
        _metadata: &BTreeMap<String, String>,
    ) -> Result<Upload> {
        todo!()
    }

    /// Sends a file by an upload that has begun; goes on where it stopped after a lost connection. `report` is told bytes done and in all.
    pub async fn upload_file(
        &self,
        _upload: &Upload,
        _file: &Path,
        _report: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Object> {
        todo!()
    }

    /// Gives an upload up, so that nothing of it stays.
    pub async fn cancel_upload(&self, _upload: &Upload) -> Result<()> {
        todo!()
    }

    pub async fn object(&self, _bucket: &str, _name: &str) -> Result<Object> {
        todo!()
    }

    pub async fn objects(&self, _bucket: &str, _prefix: &str) -> Result<Vec<Object>> {
        todo!()
    }

    pub async fn delete_object(&self, _bucket: &str, _name: &str) -> Result<()> {
        todo!()
    }

    /// Sets metadata (`None` takes one away) and leaves the rest.
    pub async fn set_object_metadata(
        &self,
        _bucket: &str,
        _name: &str,
        _metadata: &BTreeMap<String, Option<String>>,
    ) -> Result<()> {
        todo!()
    }
}
