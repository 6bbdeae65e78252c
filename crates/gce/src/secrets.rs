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
        let answer: Accessed = self.request(CALL, &resource, Method::GET, &url).in_project(project).json().await?;
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
        let request = self.request(CALL, &resource, Method::GET, &address(&base, &place)).in_project(project);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, ok};
    use serde_json::json;

    #[tokio::test]
    async fn a_secret_comes_with_a_checksum_that_fits() {
        let server = Server::start([
            ok(json!({"name": "n", "payload": {"data": "MTIzNDU2Nzg5", "dataCrc32c": "3808858755"}})),
            ok(json!({"name": "n", "payload": {}})),
            ok(json!({"name": "n", "payload": {"data": "MTIzNDU2Nzg4", "dataCrc32c": "3808858755"}})),
            ok(json!({"name": "n", "payload": {"data": "s3cret!"}})),
            ok(json!({"name": "n", "payload": {"data": ["s3cret"]}})),
        ])
        .await;
        let gce = server.gce().await;
        let secret = gce.secret("p", "db", "latest").await.unwrap();
        assert_eq!((&*secret.payload, secret.checksum), (&b"123456789"[..], 3_808_858_755));
        assert_eq!(format!("{secret:?}"), "SecretVersion { .. }");
        assert_eq!(gce.secret("p", "db", "latest").await.unwrap().payload, b"");
        let mut said = Vec::new();
        for _ in 0..3 {
            said.push(gce.secret("p", "db", "7").await.unwrap_err().to_string());
        }
        assert_eq!(
            said,
            [
                "secrets.versions.access of version 7 of secret db in project p: its bytes are not those of its checksum",
                "secrets.versions.access of version 7 of secret db in project p: its payload is no base64",
                "secrets.versions.access of version 7 of secret db in project p: the answer is not what the service should \
                 give",
            ]
        );
        assert_eq!(
            server.requests()[0],
            "GET /secretmanager/v1/projects/p/secrets/db/versions/latest:access\nauthorization: Bearer token-1"
        );
    }

    #[tokio::test]
    async fn a_parameter_is_rendered_where_it_is_kept() {
        let payload = json!({"data": "e30=", "dataCrc32c": "1"});
        let server =
            Server::start([ok(json!({"payload": payload, "renderedPayload": "eyJwYXNzd29yZCI6ICJ4In0="}))]).await;
        let gce = server.gce().await;
        let parameter = gce.parameter("p", "europe-west1", "app", "v1").await.unwrap();
        assert_eq!(parameter.payload, b"{\"password\": \"x\"}");
        assert_eq!(format!("{parameter:?}"), "ParameterVersion { .. }");
        assert_eq!(
            server.requests(),
            ["GET /parametermanager/v1/projects/p/locations/europe-west1/parameters/app/versions/v1:render\n\
              authorization: Bearer token-1"]
        );
        let credentials = crate::CredentialOptions { access_token: Some("t".to_owned()), ..Default::default() };
        let gce = Gce::new(&crate::Options { credentials, ..Default::default() }).await.unwrap();
        assert_eq!(
            ["global", "europe-west1"].map(|location| gce.parameters(location)),
            ["https://parametermanager.googleapis.com", "https://parametermanager.europe-west1.rep.googleapis.com",]
        );
    }
}
