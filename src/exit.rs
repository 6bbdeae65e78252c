//! The exit codes, and nothing else.

use anyhow::Error;
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

    /// How a job ended whose parts ended so: what people must see to comes before what can be tried again.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        let gravest = [Self::LeftBehind, Self::Interrupted, Self::Failed, Self::NotTagged, Self::TryAgain];
        gravest.into_iter().find(|exit| *exit == self || *exit == other).unwrap_or(self)
    }

    /// The code where we are called by the name `packer`: pipelines know 0 and 1, and 3 of `fmt`.
    pub fn packer_code(self) -> u8 {
        match self {
            Self::Success | Self::WouldChange => self.code(),
            _ => Self::Failed.code(),
        }
    }
}

/// An error of the world rather than of anyone here: a limit of rate, no capacity, a lost connection, after all tries of our
/// own. The same call may succeed later. It says what the error in it says; where all that failed in a run failed so, the
/// exit code is 75.
///
/// ```
/// use anyhow::Context as _;
/// use imgforge::exit::TryAgain;
///
/// let refused = anyhow::anyhow!("the zone has no such machine free").context("start the instance");
/// let error = anyhow::Error::new(TryAgain(refused)).context("launch");
/// assert!(TryAgain::is_in(&error));
/// assert_eq!(format!("{error:#}"), "launch: start the instance: the zone has no such machine free");
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TryAgain(pub Error);

impl TryAgain {
    /// Whether an error or what caused it is one.
    pub fn is_in(error: &Error) -> bool {
        error.chain().any(|cause| cause.is::<Self>())
    }

    /// An error told in other words is what it was.
    pub(crate) fn as_in(original: &Error, error: Error) -> Error {
        if Self::is_in(original) && !Self::is_in(&error) { Self(error).into() } else { error }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_ends_as_the_gravest_of_its_parts() {
        assert_eq!(Exit::Success.and(Exit::TryAgain), Exit::TryAgain);
        assert_eq!(Exit::TryAgain.and(Exit::Success), Exit::TryAgain);
        assert_eq!(Exit::TryAgain.and(Exit::Failed), Exit::Failed);
        assert_eq!(Exit::LeftBehind.and(Exit::Failed), Exit::LeftBehind);
        assert_eq!(Exit::NotTagged.and(Exit::Interrupted), Exit::Interrupted);
        assert_eq!(Exit::Interrupted.and(Exit::LeftBehind), Exit::LeftBehind);
    }

    #[test]
    fn an_error_in_other_words_says_the_same_of_the_world() {
        let lost = Error::new(TryAgain(anyhow::anyhow!("the connection is lost"))).context("provision");
        let told = TryAgain::as_in(&lost, anyhow::anyhow!("no connection"));
        assert_eq!((TryAgain::is_in(&told), format!("{told:#}")), (true, "no connection".to_owned()));
        let told = TryAgain::as_in(&anyhow::anyhow!("exit code 1"), anyhow::anyhow!("the script failed"));
        assert!(!TryAgain::is_in(&told));
    }
}
