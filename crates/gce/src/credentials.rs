//! Who we are to Google: from what the user wrote, or from where we run.

use crate::{Endpoints, Result};
use google_cloud_auth::credentials::{CacheableResource, CredentialsProvider, EntityTag};
use google_cloud_auth::errors::CredentialsError;

/// What the user says about credentials; at most one of the first five is given.
#[derive(Clone, Default)]
pub struct CredentialOptions {
    /// A token from elsewhere; it can't be renewed.
    pub access_token: Option<String>,
    /// A Google JSON file: service account, authorised user, external account, impersonation.
    pub credentials_file: Option<std::path::PathBuf>,
    /// The same as text.
    pub credentials_json: Option<String>,
    /// Act as this service account; its base is what else is given, or the default.
    pub impersonate_service_account: Option<String>,
    /// Exchange the CI's own token.
    pub workload_identity: Option<WorkloadIdentity>,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
}

/// A provider that trusts the CI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadIdentity {
    /// `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
    pub provider: String,
    /// The account to act as, if the provider's principal has no rights of its own.
    pub service_account: Option<String>,
}

/// Gives headers and tokens, and renews them.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) inner: google_cloud_auth::credentials::Credentials,
    token: Token,
}

impl Credentials {
    /// # Errors
    /// When they are not usable as they stand; nothing is asked of Google yet.
    pub(crate) fn new(options: &CredentialOptions, _endpoints: &Endpoints) -> Result<Self> {
        let Some(token) = options.access_token.clone() else { todo!() };
        let token = Token(token);
        Ok(Self { inner: token.clone().into(), token })
    }

    /// A bearer token that is valid for some minutes more.
    ///
    /// # Errors
    /// When Google gives none.
    pub(crate) async fn token(&self) -> Result<String> {
        Ok(self.token.0.clone())
    }
}

#[derive(Clone)]
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl CredentialsProvider for Token {
    async fn headers(
        &self,
        _extensions: http::Extensions,
    ) -> std::result::Result<CacheableResource<http::HeaderMap>, CredentialsError> {
        let mut value = http::HeaderValue::from_str(&format!("Bearer {}", self.0))
            .map_err(|error| CredentialsError::from_source(false, error))?;
        value.set_sensitive(true);
        let data = http::HeaderMap::from_iter([(http::header::AUTHORIZATION, value)]);
        Ok(CacheableResource::New { entity_tag: EntityTag::new(), data })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}
