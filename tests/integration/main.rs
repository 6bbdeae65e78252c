//! The program as a black box: small stories with their whole output.
#![expect(clippy::unwrap_used, reason = "a helper that can not go on fails the test, and says where")]

mod forge;

mod build;
mod catalogue;
mod cleanup;
mod command_line;
mod command_rows;
mod conformance;
mod console;
mod corpus;
mod data;
mod dynamic;
mod fmt;
mod hcl_json;
mod inspect;
mod known;
mod lints;
mod reports;
mod run;
mod secrets;
mod ten_mistakes;
mod unknown;
mod validate;
