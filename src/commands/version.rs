//! `imgforge version`.

use super::session::Session;
use crate::exit::Exit;
use crate::reports::Audience;
use clap::Args;
use imgforge_template::version::PACKER_COMPATIBLE;

/// Say which version this is, and which Packer it is compatible with
#[derive(Args, Debug)]
pub struct VersionArguments {}

pub(crate) fn run(_: &VersionArguments, is_packer: bool, audience: Audience) -> Exit {
    let session = Session::terminal(audience, Some(false));
    let version = if is_packer { PACKER_COMPATIBLE } else { env!("CARGO_PKG_VERSION") };
    // The second name is misspelt in Packer too.
    for (kind, value) in [("version", version), ("version-prelease", ""), ("version-commit", "")] {
        session.events.fact("", kind, [value]);
    }
    session.events.say(if is_packer {
        // Scripts compare this line.
        format!("Packer v{PACKER_COMPATIBLE}")
    } else {
        format!("imgforge {} (compatible with Packer {PACKER_COMPATIBLE})", env!("CARGO_PKG_VERSION"))
    });
    Exit::Success
}
