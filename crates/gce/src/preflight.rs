//! What can be asked before anything is created: enabled APIs and permissions.

use crate::{Gce, Result};

/// A permission, and whether we have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// `compute.instances.create`.
    pub name: String,
    pub granted: bool,
}

impl Gce {
    /// Which of these APIs (`compute.googleapis.com`) the project has not enabled.
    pub async fn disabled_apis(&self, _project: &str, _apis: &[&str]) -> Result<Vec<String>> {
        todo!()
    }

    pub async fn permissions(&self, _project: &str, _permissions: &[&str]) -> Result<Vec<Permission>> {
        todo!()
    }
}
