//! imgforge: the CI job for machine images.
//!
//! Modules in reading order: the way in, what everyone needs, the components, plan and engine, those who watch.

pub mod cli;
pub mod commands;
pub mod exit;

pub mod artifact;
pub mod component;
pub mod context;
pub mod event;
pub mod host;
pub mod lines;
mod log;
mod output_file;
pub mod process;
mod question;
pub mod scripts;
pub mod secret;
pub mod secret_stores;
mod standard_output;

pub mod builders;
pub mod cleaners;
pub mod clients;
pub mod communicators;
pub mod data_sources;
pub mod post_processors;
pub mod provisioners;
pub mod sweepers;

pub mod build;
pub mod data_reader;
pub mod glob;
#[cfg(feature = "gce")]
pub mod google;
pub(crate) mod known;
pub mod lint;
pub mod plan;
mod plugins;
pub mod recipe;
pub(crate) mod schema;

pub mod changes;
pub mod ci;
pub mod git;
pub mod pipeline;
pub mod reports;
pub mod version;
pub mod yaml;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with these arguments, the first of which is the name it is called by.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    cli::main(arguments).into()
}
