//! Who we are to Google: from what the user wrote, or from where we run.

mod federation;
mod impersonation;
mod json;
mod key;
mod renewal;
mod user;
mod vault;

pub(crate) use federation::WORKLOAD_IDENTITY;

use crate::error::root_cause;
use crate::{Endpoints, Error, Kind, Result};
use google_cloud_auth::credentials::CacheableResource;
use google_cloud_auth::errors::CredentialsError;
use renewal::{Renewed, Source};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use std::sync::Arc;

/// What tokens are asked for where the user names no scopes: all that the account may, and its name.
const SCOPES: [&str; 2] = ["https://www.googleapis.com/auth/cloud-platform", EMAIL_SCOPE];
const EMAIL_SCOPE: &str = "https://www.googleapis.com/auth/userinfo.email";

/// What the user says about credentials. Of those that are given, the first in this order is taken:
/// `vault_gcp_oauth_engine`, `access_token`, `credentials_file` or `_json`, `workload_identity`; then what the
/// environment has.
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
    /// The path in Vault of a secret that gives tokens: `gcp/roleset/NAME/token`.
    pub vault_gcp_oauth_engine: Option<String>,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
}

impl std::fmt::Debug for CredentialOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialOptions")
            .field("access_token", &self.access_token.as_ref().map(|_| "[hidden]"))
            .field("credentials_file", &self.credentials_file)
            .field("credentials_json", &self.credentials_json.as_ref().map(|_| "[hidden]"))
            .field("impersonate_service_account", &self.impersonate_service_account)
            .field("workload_identity", &self.workload_identity)
            .field("vault_gcp_oauth_engine", &self.vault_gcp_oauth_engine)
            .field("scopes", &self.scopes)
            .finish()
    }
}

/// A provider that trusts the CI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadIdentity {
    /// `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
    pub provider: String,
    /// The account to act as, if the provider's principal has no rights of its own.
    pub service_account: Option<String>,
}

/// The variables of the environment, or of a test.
pub(crate) type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Gives headers and tokens, and renews them.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) inner: google_cloud_auth::credentials::Credentials,
    owner: Owner,
}

/// Whose credentials are.
#[derive(Clone, Debug)]
pub(crate) enum Owner {
    /// The account of this address.
    Known(String),
    /// The account of the machine that we run on; its metadata server is at this address.
    Machine(String),
    /// Only Google knows.
    Unknown,
}

/// What all kinds of credentials are made with.
struct World<'a> {
    http: reqwest::Client,
    endpoints: &'a Endpoints,
    scopes: Vec<String>,
    environment: Environment,
}

impl World<'_> {
    /// For tokens of who has no address.
    fn scopes_without_email(&self) -> Vec<String> {
        self.scopes.iter().filter(|scope| *scope != EMAIL_SCOPE).cloned().collect()
    }
}

impl Credentials {
    /// # Errors
    /// When they are not usable as they stand; nothing is asked of Google yet.
    pub(crate) fn new(options: &CredentialOptions, endpoints: &Endpoints, http: &reqwest::Client) -> Result<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::in_environment(options, endpoints, http, Arc::new(variable))
    }

    /// The same in an environment that a test makes.
    pub(crate) fn in_environment(
        options: &CredentialOptions,
        endpoints: &Endpoints,
        http: &reqwest::Client,
        environment: Environment,
    ) -> Result<Self> {
        let mut scopes = options.scopes.clone();
        if scopes.is_empty() {
            scopes.extend(SCOPES.map(str::to_owned));
        }
        let world = World { http: http.clone(), endpoints, scopes, environment };
        let base = Self::base(options, &world)?;
        Ok(match &options.impersonate_service_account {
            Some(account) => base.impersonating(account, &world),
            None => base,
        })
    }

    fn base(options: &CredentialOptions, world: &World<'_>) -> Result<Self> {
        if let Some(path) = &options.vault_gcp_oauth_engine {
            return Self::of_vault(path, world);
        }
        if let Some(token) = &options.access_token {
            let token = token.trim();
            if token.is_empty() || token.contains(|c: char| !c.is_ascii_graphic()) {
                return Err(unusable("`access_token`", "it is empty or has characters that no token has"));
            }
            return Ok(Self::renewed(Fixed(token.to_owned()), world.endpoints, Owner::Unknown));
        }
        if let Some(path) = &options.credentials_file {
            return Self::of_file(&format!("`credentials_file` {}", path.display()), path, world);
        }
        if let Some(text) = &options.credentials_json {
            return Self::of_json("`credentials_json`", text, world);
        }
        match &options.workload_identity {
            Some(identity) => Self::of_workload_identity(identity, world),
            None => Self::of_environment(world),
        }
    }

    fn renewed(source: impl Source, endpoints: &Endpoints, owner: Owner) -> Self {
        Self { inner: Renewed::new(source, endpoints.universe()).into(), owner }
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// A bearer token that is valid for some minutes more.
    ///
    /// # Errors
    /// When Google gives none.
    pub(crate) async fn token(&self) -> Result<String> {
        let headers = self.headers().await?;
        Self::bearer(&headers).ok_or_else(|| unusable("the credentials", "they give no bearer token"))
    }

    /// The headers of a request: the token, and the project that pays for it where a user's credentials name one.
    ///
    /// # Errors
    /// As [`Credentials::token`].
    pub(crate) async fn headers(&self) -> Result<HeaderMap> {
        match self.inner.headers(http::Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => Ok(data),
            // The answer to those who say what they have already, as we don't.
            Ok(CacheableResource::NotModified) => Ok(HeaderMap::new()),
            Err(error) => Err(own(&error)),
        }
    }

    /// The token in these headers.
    pub(crate) fn bearer(headers: &HeaderMap) -> Option<String> {
        Some(headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?.to_owned())
    }
}

/// Credentials that can't work as they stand. `source` is the argument, variable or file that they come from.
fn unusable(source: &str, message: impl Into<String>) -> Error {
    Error::new("credentials", source, Kind::Forbidden, message)
}

/// The error of ours that the library carries, or its own words.
pub(crate) fn own(error: &CredentialsError) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(own) = error.downcast_ref::<Error>() {
            return own.clone();
        }
        cause = error.source();
    }
    let kind = if error.is_transient() { Kind::Transient } else { Kind::Forbidden };
    Error::new("credentials", "the account", kind, root_cause(error))
}

/// A token from elsewhere.
struct Fixed(String);

impl Source for Fixed {
    async fn fetch(&self) -> Result<renewal::Token> {
        Ok(renewal::Token { secret: self.0.clone(), expires: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, ok, refused};
    use serde_json::json;

    /// An environment of these variables alone.
    pub(super) fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Arc::new(move |name| variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()))
    }

    /// Credentials whose services are all at the server.
    pub(super) fn at(server: &Server, options: &CredentialOptions, variables: &[(&str, &str)]) -> Result<Credentials> {
        Credentials::in_environment(options, &server.endpoints(), &crate::http::client()?, environment(variables))
    }

    #[tokio::test]
    async fn a_token_from_elsewhere_is_sent_as_it_is() {
        let server = Server::start([]).await;
        let options = CredentialOptions { access_token: Some(" ya29.x\n".to_owned()), ..Default::default() };
        let credentials = at(&server, &options, &[]).unwrap();
        assert_eq!(credentials.token().await.unwrap(), "ya29.x");
        assert_eq!(credentials.inner.universe_domain().await.as_deref(), Some("googleapis.com"));
        for token in ["", " ", "two words", "line\nbreak"] {
            let options = CredentialOptions { access_token: Some(token.to_owned()), ..Default::default() };
            let error = at(&server, &options, &[]).unwrap_err().to_string();
            assert_eq!(error, "credentials of `access_token`: it is empty or has characters that no token has");
        }
        assert!(server.requests().is_empty());
    }

    #[tokio::test]
    async fn one_acts_as_a_service_account_on_top_of_whatever_one_is() {
        let server = Server::start([
            ok(json!({"accessToken": "ya29.acting", "expireTime": "2030-01-01T00:00:00Z"})),
            refused(403, "forbidden", "Permission denied for the bearer of ya29.base"),
        ])
        .await;
        let options = CredentialOptions {
            access_token: Some("ya29.base".to_owned()),
            impersonate_service_account: Some("builder@p.iam.gserviceaccount.com".to_owned()),
            scopes: vec!["https://www.googleapis.com/auth/compute".to_owned()],
            ..Default::default()
        };
        let credentials = at(&server, &options, &[]).unwrap();
        assert_eq!(credentials.token().await.unwrap(), "ya29.acting");
        assert_eq!(credentials.token().await.unwrap(), "ya29.acting");
        let error = at(&server, &options, &[]).unwrap().token().await.unwrap_err();
        assert_eq!(error.kind, Kind::Forbidden);
        assert_eq!(
            error.to_string(),
            "serviceAccounts.generateAccessToken of service account builder@p.iam.gserviceaccount.com failed with 403 \
             forbidden: Permission denied for the bearer of [hidden]"
        );
        let asked = "POST /iamcredentials/v1/projects/-/serviceAccounts/builder@p.iam.gserviceaccount.com:generateAccessToken\n\
                     authorization: Bearer ya29.base\n\
                     {\"lifetime\":\"3600s\",\"scope\":[\"https://www.googleapis.com/auth/compute\"]}";
        assert_eq!(server.requests(), [asked, asked]);
    }

    #[tokio::test]
    async fn nothing_shows_a_secret() {
        let server = Server::start([ok(json!({"access_token": "ya29.s3cret", "expires_in": 3600}))]).await;
        let user = json!({
            "type": "authorized_user", "client_id": "c", "client_secret": "cs3cret", "refresh_token": "rs3cret"
        });
        let options = CredentialOptions {
            access_token: Some("s3cret".to_owned()),
            credentials_json: Some(user.to_string()),
            ..Default::default()
        };
        let shown = format!("{options:?}");
        assert_eq!(
            shown,
            "CredentialOptions { access_token: Some(\"[hidden]\"), credentials_file: None, credentials_json: \
             Some(\"[hidden]\"), impersonate_service_account: None, workload_identity: None, vault_gcp_oauth_engine: \
             None, scopes: [] }"
        );
        let options = CredentialOptions { access_token: None, ..options };
        let credentials = at(&server, &options, &[]).unwrap();
        assert_eq!(credentials.token().await.unwrap(), "ya29.s3cret");
        let shown = format!("{credentials:?} {:?}", credentials.headers().await.unwrap());
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
