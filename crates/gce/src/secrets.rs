//! Secret Manager and Parameter Manager: read only.

use crate::{Gce, Result};

/// A version of a secret.
#[derive(Clone, PartialEq)]
pub struct SecretVersion {
    pub payload: Vec<u8>,
    /// CRC-32C of the payload, which was compared with it.
    pub checksum: u32,
}

/// A version of a parameter, with the secrets in it put in.
#[derive(Clone, PartialEq)]
pub struct ParameterVersion {
    pub payload: Vec<u8>,
}

impl Gce {
    pub async fn secret(&self, _project: &str, _name: &str, _version: &str) -> Result<SecretVersion> {
        todo!()
    }

    pub async fn parameter(
        &self,
        _project: &str,
        _location: &str,
        _name: &str,
        _version: &str,
    ) -> Result<ParameterVersion> {
        todo!()
    }
}
