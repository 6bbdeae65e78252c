//! `imgforge run`: the whole CI job.

use crate::exit::Exit;
use clap::Args;
use std::path::PathBuf;

/// Do what this CI job is for: validate, and build, publish and tag where the event calls for it
#[derive(Args, Debug)]
pub struct RunArguments {
    /// The pipeline
    #[arg(long, default_value = "imgforge.yml", value_name = "FILE")]
    pub config: PathBuf,
}

pub(crate) fn run(_: RunArguments) -> Exit {
    Exit::Failed
}
