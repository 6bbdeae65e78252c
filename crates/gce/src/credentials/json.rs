//! Google's JSON files, and where they lie if the user names none.
//!
//! External accounts (with AWS, programs, files and addresses as their sources) and the metadata server are left to
//! Google's library; the others are ours, so that custom endpoints hold for them.

use super::{Credentials, Owner, World, own, unusable};
use crate::error::root_cause;
use crate::{Endpoints, Error, Kind, Result};
use google_cloud_auth::build_errors::Error as BuildError;
use google_cloud_auth::credentials::{self, CacheableResource, CredentialsProvider, external_account, service_account};
use google_cloud_auth::errors::CredentialsError;
use google_cloud_gax::retry_policy::{Aip194Strict, RetryPolicyExt};
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where Google gives tokens, if a file doesn't say.
pub(super) const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// How often the library asks for a token before it gives up; with its pauses about a quarter of a minute.
const ATTEMPTS: u32 = 5;
/// The same for the metadata server: away from Google's machines there is none, and nobody should wait for it.
const METADATA_ATTEMPTS: u32 = 2;

/// What to say before the metadata server's own error: it was asked as the last.
const NOWHERE: &str = "there are neither credentials in the options, nor `GOOGLE_APPLICATION_CREDENTIALS`, nor a file of \
                       `gcloud auth application-default login`, and the metadata server of this machine gives no token";

impl Credentials {
    /// The default of Google's tools: the file of `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's, the metadata server.
    ///
    /// # Errors
    /// When the file that is there can't be used.
    pub(super) fn of_environment(world: &World<'_>) -> Result<Self> {
        if let Some(path) = (world.environment)("GOOGLE_APPLICATION_CREDENTIALS") {
            return Self::of_file(&format!("`GOOGLE_APPLICATION_CREDENTIALS` {path}"), Path::new(&path), world);
        }
        match well_known(world) {
            Some(path) if path.exists() => Self::of_file(&format!("gcloud's file {}", path.display()), &path, world),
            _ => Self::of_metadata_server(world),
        }
    }

    fn of_metadata_server(world: &World<'_>) -> Result<Self> {
        let host = (world.environment)("GCE_METADATA_HOST").unwrap_or_else(|| "metadata.google.internal".to_owned());
        let url = format!("http://{host}");
        let builder = credentials::mds::Builder::default()
            .with_endpoint(&url)
            .with_scopes(world.scopes.clone())
            .with_universe_domain(world.endpoints.universe())
            .with_retry_policy(Aip194Strict.with_attempt_limit(METADATA_ATTEMPTS));
        Self::of_library("the environment", builder.build(), world.endpoints, Owner::Machine(url), Some(NOWHERE))
    }

    /// # Errors
    /// As [`Credentials::of_json`], and when it can't be read.
    pub(super) fn of_file(source: &str, path: &Path, world: &World<'_>) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| unusable(source, error.to_string()))?;
        Self::of_json(source, &text, world)
    }

    /// The credentials of a JSON text.
    ///
    /// # Errors
    /// When it is none of Google's, or something is missing in it.
    pub(super) fn of_json(source: &str, text: &str, world: &World<'_>) -> Result<Self> {
        let json = serde_json::from_str(text)
            .map_err(|error| unusable(source, format!("no JSON at line {} column {}", error.line(), error.column())))?;
        Self::of_value(source, json, world)
    }

    fn of_value(source: &str, mut json: Value, world: &World<'_>) -> Result<Self> {
        redirect(&mut json, world.endpoints);
        match text(source, &json, "type")?.as_str() {
            "service_account" => Self::of_key(source, &json, world),
            "impersonated_service_account" => {
                let url = text(source, &json, "service_account_impersonation_url")?;
                let account = url.rsplit_once("/serviceAccounts/").and_then(|(_, end)| end.split(':').next());
                let account = account
                    .ok_or_else(|| unusable(source, "`service_account_impersonation_url` names no service account"))?;
                let delegates = json["delegates"].as_array().into_iter().flatten();
                let delegates = delegates.filter_map(|delegate| delegate.as_str().map(str::to_owned)).collect();
                let base = Self::of_value(source, json["source_credentials"].clone(), world)?;
                Ok(base.impersonating_by(account, delegates, world))
            }
            "authorized_user" => Self::of_user(source, &json, world),
            "external_account" => {
                let scopes = match json["service_account_impersonation_url"] {
                    Value::Null => world.scopes_without_email(),
                    _ => world.scopes.clone(),
                };
                let builder = external_account::Builder::new(json)
                    .with_scopes(scopes)
                    .with_universe_domain(world.endpoints.universe())
                    .with_retry_policy(Aip194Strict.with_attempt_limit(ATTEMPTS));
                Self::of_library(source, builder.build(), world.endpoints, Owner::Unknown, None)
            }
            other => Err(unusable(
                source,
                format!(
                    "its type is `{other}`; known are `service_account`, `authorized_user`, `external_account` and \
                     `impersonated_service_account`"
                ),
            )),
        }
    }

    /// A service account whose signed statements are its tokens.
    pub(super) fn self_signed(source: &str, json: &Value, email: String, world: &World<'_>) -> Result<Self> {
        let access = service_account::AccessSpecifier::from_scopes(world.scopes.clone());
        let builder = service_account::Builder::new(json.clone()).with_access_specifier(access);
        Self::of_library(source, builder.build(), world.endpoints, Owner::Known(email), None)
    }

    fn of_library(
        source: &str,
        built: std::result::Result<credentials::Credentials, BuildError>,
        endpoints: &Endpoints,
        owner: Owner,
        before: Option<&'static str>,
    ) -> Result<Self> {
        let inner = built.map_err(|error| unusable(source, incomplete(&error)))?;
        let named = Named { source: source.to_owned(), universe: endpoints.universe().to_owned(), inner, before };
        Ok(Self { inner: named.into(), owner })
    }
}

/// A text of the file.
///
/// # Errors
/// When it is missing; the message shows nothing of what is there instead.
pub(super) fn text(source: &str, json: &Value, field: &str) -> Result<String> {
    let text = json[field].as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| unusable(source, format!("it has no `{field}`")))
}

/// Puts custom endpoints into the addresses of the file.
fn redirect(json: &mut Value, endpoints: &Endpoints) {
    // A key's `token_uri` stays: it is whom the signed statement is for, wherever that is sent.
    if json["type"] == "authorized_user"
        && let Some(url) = token_uri(endpoints)
    {
        json["token_uri"] = url.into();
    }
    if json["type"] == "external_account" && endpoints.custom.contains_key("sts") {
        json["token_url"] = super::federation::token_url(endpoints).into();
    }
    if endpoints.custom.contains_key("iamcredentials")
        && let Some(url) = json["service_account_impersonation_url"].as_str()
        && let Some((_, path)) = url.split_once("/v1/")
    {
        let url = format!("{}/v1/{path}", endpoints.url("iamcredentials"));
        json["service_account_impersonation_url"] = url.into();
    }
}

/// The address of the custom endpoint `oauth2` for tokens.
pub(super) fn token_uri(endpoints: &Endpoints) -> Option<String> {
    endpoints.custom.contains_key("oauth2").then(|| format!("{}/token", endpoints.url("oauth2")))
}

/// Where `gcloud auth application-default login` writes.
fn well_known(world: &World<'_>) -> Option<PathBuf> {
    let folder = match (world.environment)("CLOUDSDK_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from((world.environment)("HOME")?).join(".config/gcloud"),
    };
    Some(folder.join("application_default_credentials.json"))
}

/// What the library misses in a file. Its other words quote what it found, and that may be a secret.
fn incomplete(error: &BuildError) -> String {
    let words = root_cause(error);
    match words.split_once("missing field ") {
        Some((_, field)) => {
            let field = field.split('`').nth(1).unwrap_or_default();
            format!("it has no `{field}`")
        }
        None => "something in it is not as Google writes it".to_owned(),
    }
}

/// Credentials of the library, whose errors say where they come from.
#[derive(Debug)]
struct Named {
    source: String,
    universe: String,
    inner: credentials::Credentials,
    /// What to say before an error.
    before: Option<&'static str>,
}

impl CredentialsProvider for Named {
    async fn headers(
        &self,
        extensions: http::Extensions,
    ) -> std::result::Result<CacheableResource<HeaderMap>, CredentialsError> {
        self.inner.headers(extensions).await.map_err(|error| {
            let error = Error { resource: self.source.clone(), ..own(&error) };
            let error = match self.before {
                Some(before) => {
                    Error { kind: Kind::Forbidden, message: format!("{before}: {}", error.message), ..error }
                }
                None => error,
            };
            CredentialsError::from_source(error.kind == Kind::Transient, error)
        })
    }

    async fn universe_domain(&self) -> Option<String> {
        Some(self.universe.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::CredentialOptions;
    use crate::credentials::tests::at;
    use crate::testing::{Reply, Server, ok};
    use serde_json::json;

    fn of(json: &Value) -> CredentialOptions {
        CredentialOptions { credentials_json: Some(json.to_string()), ..Default::default() }
    }

    #[tokio::test]
    async fn the_default_is_a_file_or_the_machine() {
        let server = Server::start([
            ok(json!({"access_token": "of-a-file", "expires_in": 3600})),
            ok(json!({"access_token": "of-gcloud", "expires_in": 3600})),
            ok(json!({"access_token": "of-the-machine", "expires_in": 3600, "token_type": "Bearer"})),
        ])
        .await;
        let folder = tempfile::tempdir().unwrap();
        let gcloud = folder.path().join(".config/gcloud");
        std::fs::create_dir_all(&gcloud).unwrap();
        let user = |secret: &str| {
            json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": secret})
                .to_string()
        };
        std::fs::write(gcloud.join("application_default_credentials.json"), user("gcloud")).unwrap();
        let file = folder.path().join("key.json");
        std::fs::write(&file, user("file")).unwrap();
        let (home, file) = (folder.path().to_str().unwrap(), file.to_str().unwrap());
        let host = server.url.trim_start_matches("http://");

        let mut tokens = Vec::new();
        for variables in [
            &[("GOOGLE_APPLICATION_CREDENTIALS", file), ("HOME", home)][..],
            &[("HOME", home)],
            &[("HOME", "/nowhere"), ("GCE_METADATA_HOST", host)],
        ] {
            let credentials = at(&server, &CredentialOptions::default(), variables).unwrap();
            tokens.push(credentials.token().await.unwrap());
        }
        assert_eq!(tokens, ["of-a-file", "of-gcloud", "of-the-machine"]);
        let user = |secret| {
            format!("POST /oauth2/token\ngrant_type=refresh_token&client_id=c&client_secret=s&refresh_token={secret}")
        };
        assert_eq!(
            server.requests(),
            [
                user("file"),
                user("gcloud"),
                "GET /computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com\
                 %2Fauth%2Fcloud-platform%2Chttps%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email\n\
                 metadata-flavor: Google"
                    .to_owned(),
            ]
        );
    }

    #[tokio::test]
    async fn without_any_the_error_names_all_places() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let server = Server::start([]).await;
        let credentials = at(&server, &CredentialOptions::default(), &[("GCE_METADATA_HOST", &nobody)]).unwrap();
        let error = credentials.token().await.unwrap_err();
        assert_eq!(error.kind, Kind::Forbidden);
        assert_eq!(
            error.to_string(),
            "credentials of the environment: there are neither credentials in the options, nor \
             `GOOGLE_APPLICATION_CREDENTIALS`, nor a file of `gcloud auth application-default login`, and the metadata \
             server of this machine gives no token: Connection refused (os error 111)"
        );
    }

    #[tokio::test]
    async fn an_external_account_is_exchanged_at_our_endpoints() {
        let server = Server::start([
            ok(json!({
                "access_token": "sts-1", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                "token_type": "Bearer", "expires_in": 3600,
            })),
            ok(json!({"accessToken": "ya29.e", "expireTime": "2099-01-01T00:00:00Z"})),
        ])
        .await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "subject").unwrap();
        let json = json!({
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "service_account_impersonation_url":
                "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/b@p.iam.gserviceaccount.com:generateAccessToken",
            "credential_source": {"file": file},
        });
        assert_eq!(at(&server, &of(&json), &[]).unwrap().token().await.unwrap(), "ya29.e");
        let requests: Vec<String> =
            server.requests().iter().map(|request| request.lines().next().unwrap().to_owned()).collect();
        assert_eq!(
            requests,
            [
                "POST /sts/v1/token",
                "POST /iamcredentials/v1/projects/-/serviceAccounts/b@p.iam.gserviceaccount.com:generateAccessToken"
            ]
        );
    }

    #[tokio::test]
    async fn an_impersonation_in_a_file_starts_from_its_source() {
        let server = Server::start([
            ok(json!({"access_token": "of-the-key", "expires_in": 3600})),
            ok(json!({"accessToken": "ya29.i", "expireTime": "2099-01-01T00:00:00Z"})),
        ])
        .await;
        let json = json!({
            "type": "impersonated_service_account",
            "service_account_impersonation_url":
                "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/b@p.iam.gserviceaccount.com:generateAccessToken",
            "delegates": ["projects/-/serviceAccounts/d@p.iam.gserviceaccount.com"],
            "source_credentials": crate::credentials::key::tests::key().1,
        });
        assert_eq!(at(&server, &of(&json), &[]).unwrap().token().await.unwrap(), "ya29.i");
        assert_eq!(
            server.requests()[1],
            "POST /iamcredentials/v1/projects/-/serviceAccounts/b@p.iam.gserviceaccount.com:generateAccessToken\n\
             authorization: Bearer of-the-key\n\
             {\"delegates\":[\"projects/-/serviceAccounts/d@p.iam.gserviceaccount.com\"],\"lifetime\":\"3600s\",\"scope\":[\
             \"https://www.googleapis.com/auth/cloud-platform\",\"https://www.googleapis.com/auth/userinfo.email\"]}"
        );
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_file_is_said_without_what_is_in_it() {
        let server = Server::start([Reply::Cut]).await;
        let said = |text: &str| {
            let options = CredentialOptions { credentials_json: Some(text.to_owned()), ..Default::default() };
            at(&server, &options, &[]).unwrap_err().to_string()
        };
        let external = json!({"type": "external_account", "audience": {"s3cret": 1}}).to_string();
        let shapeless = json!({
            "type": "external_account", "audience": "a", "subject_token_type": "t", "token_url": "u",
            "client_secret": ["s3cret"], "credential_source": {"file": "f"},
        });
        let nested = json!({
            "type": "impersonated_service_account",
            "service_account_impersonation_url": "https://iamcredentials.googleapis.com/",
        });
        assert_eq!(
            [
                said("s3cret"),
                said("{\n\"type\": s3cret}"),
                said("{\"private_key\": \"s3cret\"}"),
                said("{\"type\": \"api_key\"}"),
                said(&external),
                said("{\"type\": \"external_account\"}"),
                said(&shapeless.to_string()),
                said(&nested.to_string()),
            ],
            [
                "credentials of `credentials_json`: no JSON at line 1 column 1",
                "credentials of `credentials_json`: no JSON at line 2 column 9",
                "credentials of `credentials_json`: it has no `type`",
                "credentials of `credentials_json`: its type is `api_key`; known are `service_account`, `authorized_user`, \
                 `external_account` and `impersonated_service_account`",
                "credentials of `credentials_json`: something in it is not as Google writes it",
                "credentials of `credentials_json`: it has no `audience`",
                "credentials of `credentials_json`: something in it is not as Google writes it",
                "credentials of `credentials_json`: `service_account_impersonation_url` names no service account",
            ]
        );
        let file = CredentialOptions { credentials_file: Some("/nowhere/key.json".into()), ..Default::default() };
        let error = at(&server, &file, &[]).unwrap_err().to_string();
        assert_eq!(
            error,
            "credentials of `credentials_file` /nowhere/key.json: No such file or directory (os error 2)"
        );
    }
}
