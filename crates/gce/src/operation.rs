//! Long operations: waited for on Google's side, with a deadline of ours.

use crate::call::Call;
use crate::retry::{Pauses, Refusal};
use crate::{Error, Gce, Kind, Result};
use google_cloud_compute_v1::model;
use google_cloud_gax::options::RequestOptionsBuilder as _;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// `operations.wait` is held for up to two minutes. One that answers sooner than this was not held, and is not asked
/// again without a pause.
const HELD: Duration = Duration::from_secs(1);
/// How long an answer may take that is held.
const ANSWER_LIMIT: Duration = Duration::from_secs(150);
/// The longest pause between two looks at an operation.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often an operation that was just started may be unknown: it is looked up elsewhere than it was made.
const UNKNOWN_ANSWERS: u32 = 5;

/// Something that Google is doing for us. Dropping it stops nothing.
#[derive(Clone, Debug)]
#[must_use = "an operation that nobody waits for may fail unseen"]
pub struct Operation {
    /// The call that started it: `instances.insert`.
    pub call: &'static str,
    /// What it is about, for messages.
    pub resource: String,
    pub project: String,
    pub name: String,
    /// Where it is looked up.
    pub scope: Scope,
}

/// Where a thing or an operation lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Zone(String),
    Region(String),
    Global,
}

impl Gce {
    /// Returns when it is done. Lost connections and server trouble are tried again until `limit`.
    ///
    /// # Errors
    /// The operation's own errors, `TimedOut`, or `Lost` if Google does not know it: `NotFound` is about the thing alone. A
    /// refusal to tell how it stands is an error at once.
    pub async fn wait(&self, operation: &Operation, limit: Duration) -> Result<()> {
        let mut trouble = None;
        match tokio::time::timeout(limit, self.until_done(operation, &mut trouble)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(operation.timed_out(limit, trouble)),
        }
    }

    async fn until_done(&self, operation: &Operation, trouble: &mut Option<Error>) -> Result<()> {
        let mut pauses = Pauses::default();
        let mut unknown = 0;
        loop {
            let asked = Instant::now();
            let pause = match self.wait_once(operation).await {
                Ok(state) if state.status == Some(model::operation::Status::Done) => {
                    let outcome = operation.outcome(&state);
                    if outcome.is_err() && operation.call.ends_with(".insert") {
                        self.was_not_made(operation);
                    }
                    return outcome;
                }
                Ok(_) if asked.elapsed() >= HELD => {
                    pauses = Pauses::default();
                    continue;
                }
                Ok(_) => pauses.next(None).min(LONGEST_PAUSE),
                Err(Refusal { error, retry_after }) if error.may_be_sent_again() => {
                    tracing::debug!(operation = operation.name, %error, "asked again");
                    *trouble = Some(error);
                    pauses.next(retry_after)
                }
                Err(Refusal { error, .. }) if error.is_not_found() => {
                    unknown += 1;
                    if unknown > UNKNOWN_ANSWERS {
                        return Err(operation.error(Kind::Lost, "Google does not know the operation that it has begun"));
                    }
                    pauses.next(None)
                }
                Err(refusal) => return Err(refusal.error),
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// How it stands now, or when it is done, whichever Google says first.
    async fn wait_once(&self, operation: &Operation) -> std::result::Result<model::Operation, Refusal> {
        let (clients, project, name) = (self.clients(), &operation.project, &operation.name);
        let resource = format!("the operation of {} of {}", operation.call, operation.resource);
        let (call, answer) = match &operation.scope {
            Scope::Zone(zone) => {
                let wait = clients.zone_operations().await?.wait().with_attempt_timeout(ANSWER_LIMIT);
                ("zoneOperations.wait", wait.set_project(project).set_zone(zone).set_operation(name).send().await)
            }
            Scope::Region(region) => {
                let wait = clients.region_operations().await?.wait().with_attempt_timeout(ANSWER_LIMIT);
                ("regionOperations.wait", wait.set_project(project).set_region(region).set_operation(name).send().await)
            }
            Scope::Global => {
                let wait = clients.global_operations().await?.wait().with_attempt_timeout(ANSWER_LIMIT);
                ("globalOperations.wait", wait.set_project(project).set_operation(name).send().await)
            }
        };
        answer.map_err(|error| Call::new(call, project, resource).refusal(&error))
    }
}

impl Operation {
    fn timed_out(&self, limit: Duration, trouble: Option<Error>) -> Error {
        let mut message = format!("it did not come to its end within {} s, and goes on", limit.as_secs());
        if let Some(trouble) = trouble {
            message = format!("{message}; the last look at it: {}", trouble.message);
        }
        self.error(Kind::TimedOut, message)
    }

    fn error(&self, kind: Kind, message: impl Into<String>) -> Error {
        Call::new(self.call, &self.project, &self.resource).error(kind, message)
    }

    /// What an operation that is done says of itself.
    fn outcome(&self, state: &model::Operation) -> Result<()> {
        for warning in &state.warnings {
            let code = warning.code.as_ref().and_then(|code| code.name());
            tracing::debug!(call = self.call, resource = self.resource, code, message = warning.message, "warning");
        }
        let errors = state.error.iter().flat_map(|error| &error.errors).collect::<Vec<_>>();
        let status = state.http_error_status_code.and_then(|status| u16::try_from(status).ok());
        let status = status.filter(|status| *status >= 400);
        if errors.is_empty() && status.is_none() {
            return Ok(());
        }
        let messages = errors.iter().filter_map(|error| error.message.as_deref());
        let mut message = messages.map(|message| message.trim_end_matches('.')).collect::<Vec<_>>().join("; ");
        if message.is_empty() {
            message = state.http_error_message.clone().unwrap_or_default();
        }
        // The first is what went wrong; others tell what followed from it.
        let code: Vec<&str> = errors.iter().take(1).filter_map(|error| error.code.as_deref()).collect();
        let details = errors.iter().flat_map(|error| &error.error_details).flat_map(details_of);
        Err(self.error(Kind::Other, message).with_answer(status, &code).with_details(details))
    }
}

/// What stands beside an operation's error, by the keys that Google has for it.
fn details_of(details: &model::operation::error::errors::ErrorDetails) -> BTreeMap<String, String> {
    let mut known = BTreeMap::new();
    if let Some(info) = &details.error_info {
        known.extend(info.metadatas.clone());
    }
    if let Some(quota) = &details.quota_info {
        known.extend(quota.dimensions.clone());
        known.extend(quota.metric_name.clone().map(|name| ("metricName".to_owned(), name)));
        known.extend(quota.limit_name.clone().map(|name| ("limitName".to_owned(), name)));
        known.extend(quota.limit.map(|limit| ("limit".to_owned(), limit.to_string())));
    }
    known
}
