//! The commands, one file each.

pub mod build;
pub mod cleanup;
pub mod run;
pub mod validate;
pub mod version;

mod loaded;
mod session;
