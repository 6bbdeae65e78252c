//! One account in Google Cloud, with a client for each of its services.

use crate::clients::Clients;
use crate::creating::Creating;
use crate::credentials::Credentials;
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
    /// For Compute Engine.
    pub(crate) clients: Clients,
    /// For all else.
    pub(crate) http: reqwest::Client,
    pub(crate) creating: Creating,
}

impl Gce {
    /// Makes the clients; nothing is asked of Google yet.
    ///
    /// # Errors
    /// When the credentials can't be used as they stand.
    pub async fn new(options: &Options) -> Result<Self> {
        let endpoints = options.endpoints.clone();
        let http = crate::http::client()?;
        let credentials = Credentials::new(&options.credentials, &endpoints, &http)?;
        let clients = Clients::new(endpoints.clone(), credentials.clone());
        Ok(Self { inner: Arc::new(Inner { endpoints, credentials, clients, http, creating: Creating::default() }) })
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.inner.clients
    }
}
