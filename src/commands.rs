//! The commands, one file each.

pub mod build;
pub mod cleanup;
pub mod completions;
pub mod console;
pub mod fix;
pub mod fmt;
pub mod hcl2_upgrade;
pub mod init;
pub mod inspect;
pub mod man;
pub mod plugins;
pub mod run;
pub mod schema;
pub mod validate;
pub mod version;

mod loaded;
mod place;
mod required;
mod session;
mod signals;
