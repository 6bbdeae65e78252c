//! The exit codes, and nothing else.

use std::process::ExitCode;

/// How a run ended, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Success,
    /// The template or pipeline is wrong, or a build failed.
    Failed,
    /// The command line is wrong.
    Usage,
    /// `fmt -check` found something to change.
    WouldChange,
    /// Refused by policy.
    Refused,
    /// Something is left behind; `imgforge cleanup` removes it.
    LeftBehind,
    /// The world was in the way; try again.
    TryAgain,
    /// Published but not tagged; run it again to tag.
    NotTagged,
    /// Interrupted by a signal.
    Interrupted,
}

impl Exit {
    /// The code of imgforge itself.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::WouldChange => 3,
            Self::Refused => 4,
            Self::LeftBehind => 5,
            Self::TryAgain => 75,
            Self::NotTagged => 76,
            Self::Interrupted => 130,
        }
    }

    /// The code where we are called by the name `packer`: pipelines know 0 and 1, and 3 of `fmt`.
    pub fn packer_code(self) -> u8 {
        match self {
            Self::Success | Self::WouldChange => self.code(),
            _ => Self::Failed.code(),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
