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
        let none = "there are neither credentials in the options, nor `GOOGLE_APPLICATION_CREDENTIALS`, nor a file of \
                    `gcloud auth application-default login`, nor a metadata server as on Google's machines";
        Self::of_library("the environment", builder.build(), world.endpoints, Owner::Machine(url), Some(none))
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
                let builder = external_account::Builder::new(json)
                    .with_scopes(world.scopes.clone())
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
        advice: Option<&'static str>,
    ) -> Result<Self> {
        let inner = built.map_err(|error| unusable(source, incomplete(&error)))?;
        let named = Named { source: source.to_owned(), universe: endpoints.universe().to_owned(), inner, advice };
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
    /// What to say if there was no answer at all.
    advice: Option<&'static str>,
}

impl CredentialsProvider for Named {
    async fn headers(
        &self,
        extensions: http::Extensions,
    ) -> std::result::Result<CacheableResource<HeaderMap>, CredentialsError> {
        self.inner.headers(extensions).await.map_err(|error| {
            let error = Error { resource: self.source.clone(), ..own(&error) };
            let error = match self.advice {
                Some(advice) => Error { kind: Kind::Forbidden, message: advice.to_owned(), ..error },
                None => error,
            };
            CredentialsError::from_source(error.kind == Kind::Transient, error)
        })
    }

    async fn universe_domain(&self) -> Option<String> {
        Some(self.universe.clone())
    }
}
