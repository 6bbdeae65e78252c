//! Requests to services that are not Compute Engine: sent again while that may help, and Google's refusals as our errors.

use crate::credentials::Credentials;
use crate::{Error, Gce, Kind, Result};
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use std::time::{Duration, SystemTime};

/// How often a request is sent before its last failure counts: with the pauses between them about a quarter of a minute.
const ATTEMPTS: u32 = 6;
/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// What a server may make us wait by `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Time for one answer.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A client for all these services: it keeps connections open, and follows the proxy variables of the environment.
///
/// # Errors
/// When there is no way to check certificates on this machine.
pub(crate) fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(20))
        .user_agent(concat!("imgforge/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| failure("client", "all services", Kind::Other, chain(&error)))
}

/// A call that has the same effect however often it arrives: all of ours that go by here have.
pub(crate) struct Request {
    call: &'static str,
    resource: String,
    request: RequestBuilder,
    credentials: Option<Credentials>,
    secrets: Vec<String>,
}

impl Gce {
    /// A call as this account.
    pub(crate) fn request(&self, call: &'static str, resource: String, method: Method, url: &str) -> Request {
        let request = self.inner.http.request(method, url);
        Request::new(call, resource, request).authorized(&self.inner.credentials)
    }
}

impl Request {
    pub(crate) fn new(call: &'static str, resource: impl Into<String>, request: RequestBuilder) -> Self {
        let request = request.timeout(TIME_LIMIT);
        Self { call, resource: resource.into(), request, credentials: None, secrets: Vec::new() }
    }

    /// Sends the headers of an account with it.
    pub(crate) fn authorized(mut self, credentials: &Credentials) -> Self {
        self.credentials = Some(credentials.clone());
        self
    }

    /// Changes the request: its body, its headers.
    pub(crate) fn with(mut self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        self.request = change(self.request);
        self
    }

    /// What must not appear in an error, even if the server repeats it.
    pub(crate) fn hiding(mut self, secret: &str) -> Self {
        self.secrets.push(secret.to_owned());
        self
    }

    /// The answer's body.
    ///
    /// # Errors
    /// As [`Request::send`], and when the body is not what it should be.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let (call, resource) = (self.call, self.resource.clone());
        let bytes = self.send().await?.bytes().await;
        let bytes = bytes.map_err(|error| lost(call, &resource, error))?;
        // Without serde's words: they quote what was found, and that may be a token.
        serde_json::from_slice(&bytes).map_err(|_| {
            failure(call, &resource, Kind::Other, "the answer is not what the service should give".to_owned())
        })
    }

    /// Sends it until there is an answer that another attempt would not better.
    ///
    /// # Errors
    /// Google's refusal, or the last failure of a connection.
    pub(crate) async fn send(self) -> Result<Response> {
        let mut attempt = 1;
        loop {
            let (error, wait) = match self.attempt().await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            if error.kind != Kind::Transient || attempt == ATTEMPTS {
                return Err(error);
            }
            let pause = wait.unwrap_or_else(|| pause(attempt));
            tracing::debug!(call = error.call, attempt, "sent again in {pause:?}: {}", error.message);
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Sends it once. An error comes with the time that the server asks us to wait.
    ///
    /// # Errors
    /// As [`Request::send`].
    pub(crate) async fn attempt(&self) -> std::result::Result<Response, (Error, Option<Duration>)> {
        let Some(mut request) = self.request.try_clone() else {
            return Err((
                failure(self.call, &self.resource, Kind::Other, "a body that can't be sent twice".into()),
                None,
            ));
        };
        let mut secrets = self.secrets.clone();
        if let Some(credentials) = &self.credentials {
            let headers = credentials.headers().await.map_err(|error| (error, None))?;
            secrets.extend(Credentials::bearer(&headers));
            request = request.headers(headers);
        }
        let response = request.send().await.map_err(|error| (lost(self.call, &self.resource, error), None))?;
        // 308 is no refusal: so the answer to a piece of an upload says that more may come.
        if response.status().is_success() || response.status().as_u16() == 308 {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let wait = wait.map(|seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE));
        let body = response.text().await.unwrap_or_default();
        let mut error = refusal(self.call, &self.resource, status, &body);
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            error.message = error.message.replace(secret.as_str(), "[hidden]");
        }
        Err((error, wait))
    }
}

/// Twice as long each time, and a little uneven, so that many who failed at once don't come back at once.
fn pause(attempt: u32) -> Duration {
    let nanoseconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    FIRST_PAUSE * 2_u32.pow(attempt - 1) * (750 + nanoseconds % 500) / 1000
}

/// An error of ours without an answer of Google's.
pub(crate) fn failure(call: &'static str, resource: &str, kind: Kind, message: String) -> Error {
    Error { call, resource: resource.to_owned(), kind, status: None, reason: String::new(), message }
}

/// A connection that broke. Its address is left out: it may hold a secret.
pub(crate) fn lost(call: &'static str, resource: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let kind = if error.is_builder() { Kind::Invalid } else { Kind::Transient };
    failure(call, resource, kind, chain(&error))
}

/// An error with its causes, outermost first.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// What Google says in the body of a refusal, in any of its three ways.
pub(crate) fn refusal(call: &'static str, resource: &str, status: u16, body: &str) -> Error {
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let error = &json["error"];
    let text = |value: &serde_json::Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    // Newer services say it in `details`, older ones in `errors`, OAuth's own in `error` itself.
    let detail = error["details"].as_array().into_iter().flatten().find_map(|detail| text(&detail["reason"]));
    let reason = detail
        .or_else(|| text(&error["errors"][0]["reason"]))
        .or_else(|| text(&error["status"]))
        .or_else(|| text(error))
        .unwrap_or_default();
    let message = text(&error["message"])
        .or_else(|| text(&json["error_description"]).map(|description| format!("{reason}: {description}")))
        .or_else(|| Some(reason.clone()).filter(|reason| !reason.is_empty()))
        .unwrap_or_else(|| first_line(body, status));
    Error { call, resource: resource.to_owned(), kind: kind(status, &reason), status: Some(status), reason, message }
}

/// An answer that is no JSON is a proxy's or a front end's: its first words are enough.
fn first_line(body: &str, status: u16) -> String {
    let line = body.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('<'));
    match line {
        Some(line) => format!("HTTP {status}: {}", line.chars().take(200).collect::<String>()),
        None => format!("HTTP {status}"),
    }
}

fn kind(status: u16, reason: &str) -> Kind {
    match (status, reason) {
        (_, "rateLimitExceeded" | "userRateLimitExceeded" | "RATE_LIMIT_EXCEEDED" | "backendError") => Kind::Transient,
        (_, "quotaExceeded" | "QUOTA_EXCEEDED") => Kind::Quota,
        (_, "accessNotConfigured" | "SERVICE_DISABLED") => Kind::Disabled,
        (401 | 403, _) => Kind::Forbidden,
        (404 | 410, _) => Kind::NotFound,
        (409, _) => Kind::AlreadyExists,
        (408 | 429 | 500.., _) => Kind::Transient,
        (400..500, _) => Kind::Invalid,
        _ => Kind::Other,
    }
}
