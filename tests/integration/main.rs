//! The program as a black box: small stories with their whole output.
#![expect(clippy::unwrap_used, reason = "a helper that can not go on fails the test, and says where")]

mod forge;

mod build;
mod catalogue;
mod changed_since;
mod cleanup;
mod command_line;
mod command_rows;
mod conformance;
mod console;
mod corpus;
mod data;
mod debian;
mod dynamic;
mod fmt;
mod hcl_json;
mod inspect;
mod known;
mod order;
mod reports;
mod run;
mod secrets;
mod several;
mod ten_mistakes;
mod unknown;
mod validate;
