//! One account in Google Cloud, with a client for each of its services.

use crate::clients::Clients;
use crate::credentials::Credentials;
use crate::made::Made;
use crate::{CredentialOptions, Endpoints, Result};
use std::sync::Arc;

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
    pub(crate) made: Made,
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
        let http = crate::http::client()?;
        let credentials = Credentials::new(&options.credentials, &options.endpoints, &http)?;
        Ok(Self::of(options.endpoints.clone(), credentials, http))
    }

    pub(crate) fn of(endpoints: Endpoints, credentials: Credentials, http: reqwest::Client) -> Self {
        let clients = Clients::new(endpoints.clone(), credentials.clone());
        let made = Made::default();
        Self { inner: Arc::new(Inner { endpoints, credentials, made, clients, http }) }
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.inner.clients
    }
}
