//! The program as a black box: small stories with their whole output.
#![expect(clippy::unwrap_used, reason = "a helper that can not go on fails the test, and says where")]

mod forge;

mod build;
mod cleanup;
mod command_line;
mod run;
mod secrets;
mod validate;
