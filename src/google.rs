//! What the components for Google Cloud share without knowing each other: who we are to Google, and what things of ours
//! are called and say of themselves.

mod account;
mod connection;
mod errors;
mod labels;
mod leftovers;
mod names;
mod secure_boot;

pub use account::{Account, CREDENTIALS, GoogleArguments, Place, connect};
pub use connection::Connection;
pub use errors::{Explain, explained};
pub use labels::{Role, labels, marks_of_artifact};
pub use leftovers::is_leftover_of_packer;
pub use names::{check_label, check_name, is_name, steady_prefix};
pub use secure_boot::SecureBootFiles;

/// The name of the cleaner that removes things in Google Cloud.
pub const CLEANER: &str = "gce";

/// The detail of a claim of a thing that may become the user's though its name is ours.
pub const MAY_STAY: &str = "may_stay";
/// What a claim notes of how long Google may take to remove or mark the thing, in whole seconds, where its template says so.
pub const LIMIT: &str = "limit_seconds";

/// What things in Google Cloud are called in claims.
pub mod kind {
    pub const INSTANCE: &str = "instance";
    pub const DISK: &str = "disk";
    pub const IMAGE: &str = "image";
    pub const LOGIN_KEY: &str = "OS Login key";
    pub const OBJECT: &str = "bucket object";
}
