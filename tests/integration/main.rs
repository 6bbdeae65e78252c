//! The program as a black box: small stories with their whole output.

mod forge;

mod build;
mod cleanup;
mod command_line;
mod run;
mod validate;
