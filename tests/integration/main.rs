//! The program as a black box: small stories with their whole output.
#![expect(clippy::unwrap_used, reason = "a helper that can not go on fails the test, and says where")]

mod forge;

mod build;
mod catalogue;
mod changed_since;
mod cleanup;
mod command_line;
mod command_rows;
mod completions;
mod conformance;
mod console;
mod corpus;
mod data;
mod debian;
mod dynamic;
mod environment;
mod fix;
mod fmt;
mod hcl_json;
mod inspect;
mod known;
mod lines;
mod lints;
mod log;
mod machine_readable;
mod order;
mod plugins;
mod reports;
mod run;
mod schema;
mod secrets;
mod several;
mod ten_mistakes;
mod terminal;
mod unknown;
mod upgrade;
mod validate;
