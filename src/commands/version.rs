//! `imgforge version`.

use super::session::Session;
use crate::exit::Exit;
use clap::Args;
use imgforge_template::version::PACKER_COMPATIBLE;

/// Say which version this is, and which Packer it is compatible with
#[derive(Args, Debug)]
pub struct VersionArguments {}

pub(crate) fn run(_: &VersionArguments, is_packer: bool) -> Exit {
    let session = Session::terminal(false, false);
    session.events.say(if is_packer {
        // Scripts compare this line.
        format!("Packer v{PACKER_COMPATIBLE}")
    } else {
        format!("imgforge {} (compatible with Packer {PACKER_COMPATIBLE})", env!("CARGO_PKG_VERSION"))
    });
    Exit::Success
}
