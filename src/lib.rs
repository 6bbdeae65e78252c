//! imgforge: the CI job for machine images.
//!
//! Modules in reading order: what everyone needs, the components, the engine, those who watch and report.

pub mod artifact;
pub mod component;
pub mod context;
pub mod event;
pub mod host;
pub mod lines;
pub mod process;
pub mod scripts;
pub mod secret;

pub mod builders;
pub mod cleaners;
pub mod communicators;
pub mod post_processors;
pub mod provisioners;
