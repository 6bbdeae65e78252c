//! What all calls of Compute Engine have in common: the request, sent again if needed; its error; pages; operations.

use crate::retry::{Pauses, Refusal, retried, retry_after};
use crate::{Error, Kind, Operation, Result, Scope};
use google_cloud_compute_v1::model;
use google_cloud_gax::error::rpc::{Code, StatusDetails};
use google_cloud_gax::error::{CredentialsError, Error as SdkError};
use std::collections::BTreeSet;
use std::error::Error as _;

/// How often a thing is looked at before a change is given up that somebody else's changes keep getting ahead of.
const LOOKS: u32 = 6;

/// What the client library answers.
pub(crate) type Answer<T> = std::result::Result<T, SdkError>;

/// A call and what it is about: what each of its errors says.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    name: &'static str,
    project: String,
    resource: String,
}

impl Call {
    pub(crate) fn new(name: &'static str, project: &str, resource: impl Into<String>) -> Self {
        Self { name, project: project.to_owned(), resource: resource.into() }
    }

    /// The thing that it is about, whatever is done to it.
    pub(crate) fn thing(&self) -> (String, String) {
        (self.project.clone(), self.resource.clone())
    }

    /// Sends a request until it is answered. What changes something carries a [`request_id`], made before.
    // Plain functions that return futures, here and below: nothing can say of an `AsyncFn`'s that they may move to
    // another thread.
    pub(crate) async fn send<T, F>(&self, request: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Answer<T>>,
    {
        tracing::debug!(call = self.name, resource = self.resource, "sent");
        retried(|| {
            let answer = request();
            async { answer.await.map_err(|error| self.refusal(&error)) }
        })
        .await
    }

    /// Sends a request that starts an operation.
    ///
    /// A second attempt after a lost answer has the first one's request id, so that Google answers with the operation
    /// that the first one started. "Not found" from a delete, or "already exists" from an insert, is therefore true as
    /// it stands, however often it was sent.
    pub(crate) async fn start<F>(&self, scope: Scope, request: impl Fn() -> F) -> Result<Operation>
    where
        F: Future<Output = Answer<model::Operation>>,
    {
        let operation = self.send(request).await?;
        Ok(Operation {
            call: self.name,
            resource: self.resource.clone(),
            project: self.project.clone(),
            name: operation.name.ok_or_else(|| self.error(Kind::Other, "the operation has no name"))?,
            scope,
        })
    }

    /// Reads a list to its end. `request` is given the token of a page, none for the first.
    pub(crate) async fn pages<T, L, F>(
        &self,
        request: impl Fn(Option<String>) -> F,
        open: impl Fn(L) -> Page<T>,
    ) -> Result<Listed<T>>
    where
        F: Future<Output = Answer<L>>,
    {
        let (mut items, mut unreachable) = (Vec::new(), BTreeSet::new());
        let mut token = None;
        loop {
            let page = open(self.send(|| request(token.clone())).await?);
            items.extend(page.items);
            unreachable.extend(page.unreachable.iter().map(|place| last_segment(place).to_owned()));
            token = page.next.filter(|next| !next.is_empty());
            if token.is_none() {
                break;
            }
        }
        let places = unreachable.into_iter().collect::<Vec<_>>().join(", ");
        let lack = || self.error(Kind::Transient, format!("Google could not look into {places}"));
        Ok(Listed { items, lack: (!places.is_empty()).then(lack) })
    }

    /// Looks at a thing and changes what it saw, again if somebody else changed it in between.
    pub(crate) async fn look_and_change<F>(&self, change: impl Fn() -> F) -> Result<Operation>
    where
        F: Future<Output = Result<Operation>>,
    {
        let mut pauses = Pauses::default();
        for _ in 1..LOOKS {
            match change().await {
                Err(error) if error.is_conflict() => tokio::time::sleep(pauses.next(None)).await,
                outcome => return outcome,
            }
        }
        change().await
    }

    pub(crate) fn error(&self, kind: Kind, message: impl Into<String>) -> Error {
        self.located(Error::new(self.name, self.resource.clone(), kind, message))
    }

    fn located(&self, error: Error) -> Error {
        error.with_details([("project".to_owned(), self.project.clone())])
    }

    /// What a failed attempt means.
    pub(crate) fn refusal(&self, error: &SdkError) -> Refusal {
        let resource = || self.resource.clone();
        let meaning = if let Some(status) = error.status() {
            let infos = || {
                status.details.iter().filter_map(|detail| match detail {
                    StatusDetails::ErrorInfo(info) => Some(info),
                    _ => None,
                })
            };
            let mut reasons: Vec<&str> = infos().map(|info| info.reason.as_str()).collect();
            if status.code != Code::Unknown {
                reasons.push(status.code.name());
            }
            Error::new(self.name, resource(), Kind::Other, status.message.clone())
                .with_answer(error.http_status_code(), &reasons)
                .with_details(infos().flat_map(|info| info.metadata.clone()).filter(|(key, _)| key != "message"))
        } else if let Some(status) = error.http_status_code() {
            let body = error.http_payload().map(|body| body.to_vec()).unwrap_or_default();
            Error::from_answer(self.name, resource(), status, &body)
        } else if let Some(error) = error.source().and_then(|source| source.downcast_ref::<CredentialsError>()) {
            crate::credentials::own(error)
        } else if error.is_io() || error.is_connect() || error.is_timeout() {
            Error::from_connection(self.name, resource(), error)
        } else {
            Error::new(self.name, resource(), Kind::Other, crate::error::root_cause(error))
        };
        Refusal { error: self.located(meaning), retry_after: error.http_headers().and_then(retry_after) }
    }
}

/// What a list has.
#[derive(Debug)]
pub struct Listed<T> {
    pub items: Vec<T>,
    /// Why it may lack something: a zone or region that could not be looked into.
    pub lack: Option<Error>,
}

impl<T> Listed<T> {
    /// # Errors
    /// When it may lack something.
    pub fn whole(self) -> Result<Vec<T>> {
        self.lack.map_or(Ok(self.items), Err)
    }
}

/// One page of a list.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
    /// Zones and regions that could not be looked into.
    pub(crate) unreachable: Vec<String>,
}

/// The places that an aggregated list could not look into: those that a warning is about, and those that it names.
pub(crate) fn unreachable<'a>(warned: impl Iterator<Item = (&'a String, &'a str)>, named: Vec<String>) -> Vec<String> {
    let warned = warned.filter(|(_, code)| *code == "UNREACHABLE").map(|(place, _)| place.clone());
    warned.chain(named).collect()
}

/// What makes attempts of one change the same change to Google.
pub(crate) fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The name at the end of a URL.
pub(crate) fn last_segment(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// The partial URL of a thing in a zone or region; what is a URL already stays.
pub(crate) fn in_place(place: &Scope, project: &str, collection: &str, name: &str) -> String {
    if name.contains('/') {
        return name.to_owned();
    }
    match place {
        Scope::Zone(zone) => format!("projects/{project}/zones/{zone}/{collection}/{name}"),
        Scope::Region(region) => format!("projects/{project}/regions/{region}/{collection}/{name}"),
        Scope::Global => format!("projects/{project}/global/{collection}/{name}"),
    }
}

/// Sizes of ours in the API's signed numbers.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
