//! One account in Google Cloud, with a client for each of its services.

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
    /// For all that is not Compute Engine.
    pub(crate) http: reqwest::Client,
}

impl Gce {
    /// Makes the clients; nothing is asked of Google yet.
    ///
    /// # Errors
    /// When the credentials can't be used as they stand.
    pub async fn new(_options: &Options) -> Result<Self> {
        todo!()
    }

    /// The e-mail address of the account, where Google tells it.
    ///
    /// # Errors
    /// When Google refuses the credentials.
    pub async fn account(&self) -> Result<String> {
        todo!()
    }
}
