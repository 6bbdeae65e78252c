//! Secret Manager and Parameter Manager: read only.

use crate::checksum::crc32c;
use crate::http::address;
use crate::{Error, Gce, Kind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde::Deserialize;
use std::fmt;

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

impl fmt::Debug for SecretVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretVersion").finish_non_exhaustive()
    }
}

impl fmt::Debug for ParameterVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParameterVersion").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Accessed {
    payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    /// An empty secret has none.
    #[serde(default)]
    data: String,
    /// A number as text, as all of 64 bits are.
    data_crc32c: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rendered {
    #[serde(default)]
    rendered_payload: String,
}

impl Gce {
    /// What a secret holds; `version` is a number, an alias, or `latest`.
    ///
    /// # Errors
    /// Google's, and `Other` when the payload is not the one that its checksum was made of.
    pub async fn secret(&self, project: &str, name: &str, version: &str) -> Result<SecretVersion> {
        const CALL: &str = "secrets.versions.access";
        let base = self.inner.endpoints.url("secretmanager");
        let last = format!("{version}:access");
        let url = address(&base, &["v1", "projects", project, "secrets", name, "versions", &last]);
        let resource = format!("version {version} of secret {name} in project {project}");
        let answer: Accessed = self.request(CALL, &resource, Method::GET, &url).json().await?;
        let payload = decoded(CALL, &resource, &answer.payload.data)?;
        let checksum = crc32c(0, &payload);
        if answer.payload.data_crc32c.is_some_and(|promised| promised != checksum.to_string()) {
            return Err(Error::new(CALL, resource, Kind::Other, "its bytes are not those of its checksum"));
        }
        Ok(SecretVersion { payload, checksum })
    }

    /// What a parameter holds; `location` is `global` or a region.
    ///
    /// # Errors
    /// Google's: also when a secret in it may not be read.
    pub async fn parameter(
        &self,
        project: &str,
        location: &str,
        name: &str,
        version: &str,
    ) -> Result<ParameterVersion> {
        const CALL: &str = "parameters.versions.render";
        let base = self.parameters(location);
        let last = format!("{version}:render");
        let place = ["v1", "projects", project, "locations", location, "parameters", name, "versions", &last];
        let resource = format!("version {version} of parameter {name} in {location} of project {project}");
        let request = self.request(CALL, &resource, Method::GET, &address(&base, &place));
        let answer: Rendered = request.json().await?;
        Ok(ParameterVersion { payload: decoded(CALL, &resource, &answer.rendered_payload)? })
    }

    /// Parameters of a region are kept by a service of that region.
    fn parameters(&self, location: &str) -> String {
        let endpoints = &self.inner.endpoints;
        if location == "global" || endpoints.custom.contains_key("parametermanager") {
            return endpoints.url("parametermanager");
        }
        format!("https://parametermanager.{location}.rep.{}", endpoints.universe())
    }
}

fn decoded(call: &'static str, resource: &str, data: &str) -> Result<Vec<u8>> {
    STANDARD.decode(data).map_err(|_| Error::new(call, resource, Kind::Other, "its payload is no base64"))
}
