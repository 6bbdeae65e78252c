//! Requests to the services that are not Compute Engine.

use crate::credentials::Credentials;
use crate::error::root_cause;
use crate::retry::{Refusal, retried, retry_after};
use crate::{Error, Gce, Kind, Result};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Time for one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A client that keeps its connections open, and follows the proxy variables of the environment.
///
/// # Errors
/// When there is no way to check certificates on this machine.
pub(crate) fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(30))
        .user_agent(concat!("imgforge/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::new("connect", "Google", Kind::Other, root_cause(&error)))
}

/// An address below a service's; nothing in a segment means anything there, be it a slash.
pub(crate) fn address(base: &str, segments: &[&str]) -> String {
    let Ok(mut url) = Url::parse(base) else { return base.to_owned() };
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url.into()
}

/// A call that has the same effect however often it arrives, as all have that go by here.
pub(crate) struct Request {
    call: &'static str,
    resource: String,
    request: RequestBuilder,
    credentials: Option<Credentials>,
    secrets: Vec<String>,
    project: Option<String>,
}

impl Gce {
    /// A call as this account.
    pub(crate) fn request(&self, call: &'static str, resource: &str, method: Method, url: &str) -> Request {
        Request::new(call, resource, self.inner.http.request(method, url)).authorized(&self.inner.credentials)
    }
}

impl Request {
    pub(crate) fn new(call: &'static str, resource: &str, request: RequestBuilder) -> Self {
        let request = request.timeout(ANSWER_LIMIT);
        Self { call, resource: resource.to_owned(), request, credentials: None, secrets: Vec::new(), project: None }
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

    /// What must not appear in an error, even if the server repeats it. The account's token is hidden anyway.
    pub(crate) fn hiding(mut self, secret: &str) -> Self {
        self.secrets.push(secret.to_owned());
        self
    }

    /// Names the project in errors, for their advice.
    pub(crate) fn in_project(mut self, project: &str) -> Self {
        self.project = Some(project.to_owned());
        self
    }

    /// Sends it until there is an answer that another attempt would not better.
    ///
    /// # Errors
    /// Google's refusal, or the last failure of a connection.
    pub(crate) async fn send(self) -> Result<Response> {
        retried(|| self.attempt()).await
    }

    /// The answer's body.
    ///
    /// # Errors
    /// As [`Request::send`], and when the body is not what it should be.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let body = retried(|| async {
            let response = self.attempt().await?;
            Ok(response.bytes().await.map_err(|error| self.lost(error))?)
        });
        // Without serde's words: they quote what was found, and that may be a token.
        serde_json::from_slice(&body.await?).map_err(|_| {
            Error::new(self.call, &*self.resource, Kind::Other, "the answer is not what the service should give")
        })
    }

    /// Sends it once.
    ///
    /// # Errors
    /// As [`Request::send`].
    pub(crate) async fn attempt(&self) -> std::result::Result<Response, Refusal> {
        let Some(mut request) = self.request.try_clone() else {
            return Err(Error::new(self.call, &*self.resource, Kind::Other, "its body can't be sent twice").into());
        };
        let mut secrets = self.secrets.clone();
        if let Some(credentials) = &self.credentials {
            let headers = credentials.headers().await?;
            secrets.extend(Credentials::bearer(&headers));
            request = request.headers(headers);
        }
        let response = request.send().await.map_err(|error| self.lost(error))?;
        let status = response.status();
        // A piece of an upload is answered by 308: more may come.
        if status.is_success() || status == reqwest::StatusCode::PERMANENT_REDIRECT {
            return Ok(response);
        }
        let retry_after = retry_after(response.headers());
        let body = response.bytes().await.unwrap_or_default();
        let mut error = Error::from_answer(self.call, &*self.resource, status.as_u16(), &body);
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            error.message = error.message.replace(secret.as_str(), "[hidden]");
        }
        let project = self.project.clone().map(|project| ("project".to_owned(), project));
        Err(Refusal { error: error.with_details(project), retry_after })
    }

    fn lost(&self, error: reqwest::Error) -> Error {
        if error.is_builder() {
            return Error::new(self.call, &*self.resource, Kind::Invalid, root_cause(&error.without_url()));
        }
        Error::from_connection(self.call, &*self.resource, &error.without_url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_one_whatever_is_in_it() {
        let cases =
            ["a b", "a/../b?c#d", "100%", "ä", "x:access"].map(|name| address("http://h/storage/v1/", &["o", name]));
        assert_eq!(
            cases,
            [
                "http://h/storage/v1/o/a%20b",
                "http://h/storage/v1/o/a%2F..%2Fb%3Fc%23d",
                "http://h/storage/v1/o/100%25",
                "http://h/storage/v1/o/%C3%A4",
                "http://h/storage/v1/o/x:access",
            ]
        );
    }
}
