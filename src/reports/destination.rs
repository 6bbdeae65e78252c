//! Where a report goes.

use crate::output_file::OutputFile;
use anyhow::{Context as _, Result};
use std::io::Write as _;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    StandardOutput,
    File(OutputFile),
}

impl Destination {
    pub(super) fn write(&self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::StandardOutput => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush()).context("write to standard output")
            }
            Self::File(file) => file.write(bytes),
        }
    }
}
