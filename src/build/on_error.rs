//! What is done when a stage of a build fails: `-on-error`.

use super::{OnError, Run};
use crate::context::BuildContext;

/// A part of a build that can fail and be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Launch,
    Provision,
    Capture,
}

impl Stage {
    /// As messages call it. Scripts know the second from Packer.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Launch => "StepLaunch",
            Self::Provision => "StepProvision",
            Self::Capture => "StepCapture",
        }
    }
}

/// How a build goes on after a stage failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Retry,
    CleanUp,
    Leave,
}

/// The error of a build whose things are to stay.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub(super) struct Left(pub(super) anyhow::Error);

/// Decides by the flag, or by the answer to a question.
pub(super) async fn next(stage: Stage, error: &anyhow::Error, context: &BuildContext, run: &Run) -> Next {
    if context.cancel.is_cancelled() {
        return Next::CleanUp;
    }
    match run.options.on_error {
        OnError::Cleanup => Next::CleanUp,
        OnError::Abort | OnError::RunCleanupProvisioner => Next::Leave,
        OnError::Ask => {
            context.error(format!("{error:#}"));
            context.error(format!("Step \"{}\" failed", stage.name()));
            ask(stage, context).await
        }
    }
}

/// Asks until there is an answer. Without a terminal everything is cleaned up.
async fn ask(stage: Stage, context: &BuildContext) -> Next {
    // A machine can be stopped once.
    let retry = if stage == Stage::Capture { "" } else { ", or [r] retry step" };
    loop {
        let question = format!("[c] Clean up and exit, [a] abort without cleanup{retry}? ");
        let Some(answer) = context.ask(&question).await else { return Next::CleanUp };
        match answer.to_ascii_lowercase().as_str() {
            "c" => return Next::CleanUp,
            "a" => return Next::Leave,
            "r" if !retry.is_empty() => return Next::Retry,
            _ => context.say(format!("Incorrect input: {answer:?}")),
        }
    }
}

/// Says that what a build made stays, and makes that its error.
pub(super) fn leave(stage: Stage, error: anyhow::Error, context: &BuildContext) -> anyhow::Error {
    context.error(format!("{error:#}"));
    context.error(format!("Step \"{}\" failed, aborting...", stage.name()));
    Left(error).into()
}
