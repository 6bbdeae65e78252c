//! What the cloud answered when it did not do what it was asked for.

use std::collections::BTreeMap;
use std::fmt;

/// A failed call. Says one sentence; [`Error::advice`] says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// The call as Google names it: `instances.insert`, `storage.objects.get`.
    pub call: &'static str,
    /// What it was about: `instance packer-1 in europe-west1-b`.
    pub resource: String,
    pub kind: Kind,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// Google's word for it: `quotaExceeded`, `ZONE_RESOURCE_POOL_EXHAUSTED`; empty if it has none.
    pub reason: String,
    /// Google's sentence, or the connection's.
    pub message: String,
    /// What stands beside the sentence, by Google's own keys: `metricName`, `limit`, `service`, `permission`; and our `project`.
    pub details: BTreeMap<String, String>,
}

/// What sort of failure it is: what a caller does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no such thing.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// Something else uses it.
    InUse,
    /// These credentials may not, or there are none.
    Forbidden,
    /// The API is not enabled in the project.
    Disabled,
    /// The request makes no sense to Google.
    Invalid,
    /// A quota of the project is used up.
    Quota,
    /// Google has no machine of that kind to spare now.
    Capacity,
    /// The machine was taken away for somebody who pays more.
    Preempted,
    /// Too many requests, a server's trouble, a lost connection: the same later may work.
    Transient,
    /// It did not come to an end within the time it was given.
    TimedOut,
    /// Google has lost track of it: nobody knows how it ended, or whether.
    Lost,
    /// All else.
    Other,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error without an answer of Google's behind it.
    pub fn new(call: &'static str, resource: impl Into<String>, kind: Kind, message: impl Into<String>) -> Self {
        let (resource, message) = (resource.into(), message.into());
        Self { call, resource, kind, status: None, reason: String::new(), message, details: BTreeMap::new() }
    }

    /// From an answer that is no success: Google's JSON, OAuth's JSON, or whatever a proxy says.
    pub(crate) fn from_answer(call: &'static str, resource: impl Into<String>, status: u16, body: &[u8]) -> Self {
        let answer = Answer::read(body).unwrap_or_else(|| Answer {
            message: in_one_line(&String::from_utf8_lossy(body), 200),
            ..Answer::default()
        });
        let reasons: Vec<&str> = answer.reasons.iter().map(String::as_str).collect();
        Self::new(call, resource, Kind::Other, answer.message)
            .with_answer(Some(status), &reasons)
            .with_details(answer.details)
    }

    /// From a connection that broke, or a time that ran out, before there was an answer.
    pub(crate) fn from_connection(
        call: &'static str,
        resource: impl Into<String>,
        error: &(dyn std::error::Error + 'static),
    ) -> Self {
        let cause = root_cause(error);
        // Whom we don't trust now we don't trust later.
        let kind = if cause.contains("certificate") { Kind::Other } else { Kind::Transient };
        Self::new(call, resource, kind, format!("no answer: {cause}"))
    }

    /// Sets what an answer's status and reasons say; the first reason that means something decides.
    pub(crate) fn with_answer(mut self, status: Option<u16>, reasons: &[&str]) -> Self {
        self.status = status;
        let known = reasons.iter().find_map(|reason| Some((*reason, kind_of_reason(status, reason)?)));
        let (reason, kind) = known.unwrap_or((reasons.first().copied().unwrap_or_default(), kind_of_status(status)));
        self.reason = reason.to_owned();
        // An organisation's policy is answered as if somebody had changed the thing in between.
        let is_policy = status == Some(PRECONDITION_FAILED) && self.message.contains(CONSTRAINTS);
        self.kind = if is_policy { Kind::Forbidden } else { kind };
        if self.message.is_empty() {
            self.message = status
                .and_then(|status| http::StatusCode::from_u16(status).ok()?.canonical_reason())
                .unwrap_or("Google gives no explanation")
                .to_owned();
        }
        self
    }

    pub(crate) fn with_details(mut self, details: impl IntoIterator<Item = (String, String)>) -> Self {
        self.details.extend(details);
        self
    }

    /// Whether the world was in the way: trying again later, unchanged, may work.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::Capacity | Kind::Preempted | Kind::Transient)
    }

    /// Whether the thing is in the middle of another change, which comes to its end by itself.
    pub fn is_not_ready(&self) -> bool {
        matches!(self.reason.as_str(), "resourceNotReady" | "RESOURCE_NOT_READY")
    }

    /// Whether we got no token, or it was not taken: whatever else is asked is not answered either.
    pub fn is_about_credentials(&self) -> bool {
        let is_for_token = TOKEN_CALLS.contains(&self.call) && self.kind != Kind::Transient;
        is_for_token || (self.kind == Kind::Forbidden && self.status == Some(401))
    }

    /// Whether there is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// Whether the very same request may be sent again at once: its answer was lost, or a server had trouble.
    pub(crate) fn may_be_sent_again(&self) -> bool {
        self.kind == Kind::Transient && !self.is_conflict()
    }

    /// Whether somebody else changed the thing between our look at it and our change.
    pub(crate) fn is_conflict(&self) -> bool {
        self.kind == Kind::Transient && self.status == Some(PRECONDITION_FAILED)
    }
}

/// The calls that credentials make of their own.
const TOKEN_CALLS: [&str; 6] =
    ["credentials", "github.idToken", "oauth2.token", "serviceAccounts.generateAccessToken", "sts.token", "vault.read"];
const PRECONDITION_FAILED: u16 = 412;
/// How the name of a policy of an organisation begins.
pub(crate) const CONSTRAINTS: &str = "constraints/";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.call, self.resource)?;
        match (self.status, self.reason.as_str()) {
            (None, "") => {}
            (Some(status), "") => write!(f, " failed with {status}")?,
            (None, reason) => write!(f, " failed with {reason}")?,
            (Some(status), reason) => write!(f, " failed with {status} {reason}")?,
        }
        write!(f, ": {}", in_one_line(&self.message, 1_000).trim_end_matches('.'))
    }
}

/// What a reason means. Old APIs write `resourceInUseByAnotherResource`, operations `RESOURCE_IN_USE_BY_ANOTHER_RESOURCE`.
fn kind_of_reason(status: Option<u16>, reason: &str) -> Option<Kind> {
    let word: String = reason.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect();
    Some(match word.as_str() {
        "accessnotconfigured" | "servicedisabled" => Kind::Disabled,
        "alreadyexists" | "resourcealreadyexists" | "duplicate" => Kind::AlreadyExists,
        "notfound" | "resourcenotfound" => Kind::NotFound,
        "resourceinuse" | "resourceinusebyanotherresource" => Kind::InUse,
        "quotaexceeded" | "limitexceeded" | "dailylimitexceeded" => Kind::Quota,
        "ratelimitexceeded"
        | "userratelimitexceeded"
        | "resourcenotready"
        | "backenderror"
        | "internalerror"
        | "unavailable"
        | "serviceunavailable"
        | "aborted" => Kind::Transient,
        // As a status of an answer it means too many requests, within an operation too few machines.
        "resourceexhausted" if status == Some(429) => Kind::Transient,
        "resourceexhausted" | "resourceavailability" | "stockout" => Kind::Capacity,
        _ if word.contains("resourcepoolexhausted") => Kind::Capacity,
        _ if word.contains("preempted") => Kind::Preempted,
        _ if word.contains("rateexceeded") => Kind::Transient,
        _ if word.contains("policyconstraint") => Kind::Forbidden,
        "forbidden"
        | "permissionserror"
        | "permissiondenied"
        | "iampermissiondenied"
        | "insufficientpermissions"
        | "accesstokenscopeinsufficient"
        | "autherror"
        | "unauthenticated"
        | "billingdisabled"
        | "billingnotenabled"
        | "invalidgrant"
        | "invalidtoken"
        | "serviceaccountaccessdenied" => Kind::Forbidden,
        _ => return None,
    })
}

fn kind_of_status(status: Option<u16>) -> Kind {
    match status {
        Some(400) => Kind::Invalid,
        Some(401 | 403) => Kind::Forbidden,
        Some(404 | 410) => Kind::NotFound,
        Some(409) => Kind::AlreadyExists,
        Some(501 | 505) => Kind::Other,
        Some(408 | PRECONDITION_FAILED | 429 | 500..=599) => Kind::Transient,
        _ => Kind::Other,
    }
}

/// What an answer says of itself.
#[derive(Default)]
struct Answer {
    message: String,
    reasons: Vec<String>,
    details: BTreeMap<String, String>,
}

impl Answer {
    fn read(body: &[u8]) -> Option<Self> {
        let document: serde_json::Value = serde_json::from_slice(body).ok()?;
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let error = &document["error"];
        if let Some(word) = text(error) {
            // OAuth's form, RFC 6749 section 5.2.
            let message = text(&document["error_description"]).unwrap_or_else(|| word.clone());
            return Some(Self { message, reasons: vec![word], ..Self::default() });
        }
        let mut answer = Self { message: text(&error["message"])?, ..Self::default() };
        for detail in error["details"].as_array().into_iter().flatten() {
            answer.reasons.extend(text(&detail["reason"]));
            let metadata = detail["metadata"].as_object().into_iter().flatten();
            answer.details.extend(metadata.filter_map(|(key, value)| Some((key.clone(), text(value)?))));
        }
        answer.reasons.extend(error["errors"].as_array().into_iter().flatten().filter_map(|one| text(&one["reason"])));
        answer.reasons.extend(text(&error["status"]));
        Some(answer)
    }
}

/// The last of a chain of causes: `connection refused` rather than the three sentences that lead to it, and never an
/// address, which may be a secret.
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Text of others in one line of at most so many characters.
fn in_one_line(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_connection_may_be_made_again_but_trust_does_not_come_by_waiting() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let lost = Error::from_connection("images.get", "image web", &refused);
        assert_eq!(lost.to_string(), "images.get of image web: no answer: connection refused");
        assert!(lost.may_be_sent_again());

        let untrusted = io::Error::other("invalid peer certificate: UnknownIssuer");
        let untrusted = Error::from_connection("images.get", "image web", &untrusted);
        assert_eq!(
            untrusted.to_string(),
            "images.get of image web: no answer: invalid peer certificate: UnknownIssuer"
        );
        assert!(!untrusted.may_be_sent_again());
    }

    #[test]
    fn text_of_others_is_one_line_of_some_length() {
        let error = Error::from_answer("images.get", "image web", 502, format!("<p>\n{}", "x".repeat(300)).as_bytes());
        assert_eq!(error.to_string(), format!("images.get of image web failed with 502: <p> {}…", "x".repeat(196)));
        assert!(error.is_transient());
    }
}
