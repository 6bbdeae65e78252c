//! What the cloud answered when it did not do what it was asked for.

use std::fmt;

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// The call as Google names it: `instances.insert`, `storage.objects.get`.
    pub call: &'static str,
    /// What it was about: `instance packer-1 in europe-west1-b`.
    pub resource: String,
    pub kind: Kind,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// Google's word for it: `quotaExceeded`, `ZONE_RESOURCE_POOL_EXHAUSTED`.
    pub reason: String,
    /// Google's sentence, or the connection's.
    pub message: String,
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
    /// All else.
    Other,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether the world was in the way: trying again later, unchanged, may work.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::Capacity | Kind::Preempted | Kind::Transient)
    }

    /// Whether there is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}: {}", self.call, self.resource, self.message)
    }
}
