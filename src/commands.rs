//! The commands, one file each.

pub mod build;
pub mod cleanup;
pub mod console;
pub mod fix;
pub mod fmt;
pub mod hcl2_upgrade;
pub mod inspect;
pub mod run;
pub mod schema;
pub mod validate;
pub mod version;

mod loaded;
mod place;
mod session;
