//! One account in Google Cloud, with a client for each of its services.

use crate::clients::Clients;
use crate::credentials::Credentials;
use crate::{CredentialOptions, Endpoints, Error, Kind, Result};
use std::sync::Arc;
use std::time::Duration;

/// How to reach Google, and as whom.
#[derive(Clone, Default)]
pub struct Options {
    pub endpoints: Endpoints,
    pub credentials: CredentialOptions,
}

/// A live account. Cheap to clone; share one between all builds that have the same options.
#[derive(Clone)]
pub struct Gce {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) endpoints: Endpoints,
    pub(crate) credentials: Credentials,
    /// For Compute Engine.
    pub(crate) clients: Clients,
    /// For all else.
    pub(crate) http: reqwest::Client,
}

impl Gce {
    /// Makes the clients; nothing is asked of Google yet.
    ///
    /// # Errors
    /// When the credentials can't be used as they stand.
    pub async fn new(options: &Options) -> Result<Self> {
        let endpoints = options.endpoints.clone();
        let credentials = Credentials::new(&options.credentials, &endpoints)?;
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| Error::new("connect", "Google", Kind::Other, crate::error::root_cause(&error)))?;
        let clients = Clients::new(endpoints.clone(), credentials.clone());
        Ok(Self { inner: Arc::new(Inner { endpoints, credentials, clients, http }) })
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.inner.clients
    }

    /// The e-mail address of the account, where Google tells it: the credentials need the scope `userinfo.email`.
    ///
    /// # Errors
    /// When Google refuses the credentials, or does not tell.
    pub async fn account(&self) -> Result<String> {
        const CALL: &str = "oauth2.tokeninfo";
        const WHAT: &str = "these credentials";
        let url = format!("{}/tokeninfo", self.inner.endpoints.url("oauth2"));
        let token = self.inner.credentials.token().await?;
        // In the body, since addresses are what proxies log.
        let form = reqwest::Url::parse_with_params("form:", [("access_token", token)])
            .ok()
            .and_then(|url| url.query().map(str::to_owned))
            .unwrap_or_default();
        let answer = crate::retry::retried(async || {
            let request = self
                .inner
                .http
                .post(&url)
                .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .timeout(Duration::from_secs(30))
                .body(form.clone());
            let lost = |error: reqwest::Error| Error::from_connection(CALL, WHAT, &error);
            let answer = request.send().await.map_err(lost)?;
            let (status, retry_after) = (answer.status(), crate::retry::retry_after(answer.headers()));
            let body = answer.bytes().await.map_err(lost)?;
            if !status.is_success() {
                let error = Error::from_answer(CALL, WHAT, status.as_u16(), &body);
                return Err(crate::retry::Refusal { error, retry_after });
            }
            Ok(body)
        })
        .await?;
        let info: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
        info["email"].as_str().map(str::to_owned).ok_or_else(|| {
            Error::new(
                CALL,
                WHAT,
                Kind::Forbidden,
                "Google does not tell whose they are without the scope `userinfo.email`",
            )
        })
    }
}
