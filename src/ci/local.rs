//! No CI at all: somebody runs the job by hand.

use super::{CiPlatform, Environment, Job, Outputs, Trigger, default_branch};
use crate::cli::colour_of;
use crate::event::Reporter;
use crate::git::Git;
use crate::reports::Lines;
use crate::reports::terminal::{Look, Terminal};
use anyhow::Result;
use async_trait::async_trait;
use std::path::PathBuf;

pub(super) struct Local;

#[async_trait]
impl CiPlatform for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn detect(&self, _: &Environment) -> bool {
        true
    }

    async fn job(&self, _: &Environment, git: &Git) -> Result<Job> {
        Ok(Job {
            trigger: Trigger::Manual,
            branch: git.try_run(&["symbolic-ref", "--short", "--quiet", "HEAD"]).await,
            tag: None,
            default_branch: default_branch(git).await,
            is_fork: false,
            url: None,
            workspace: git.try_run(&["rev-parse", "--show-toplevel"]).await.map(PathBuf::from),
        })
    }

    fn reporter(&self, _: &Job, lines: Lines) -> Box<dyn Reporter> {
        let look = Look::of(lines.is_terminal, colour_of(None, lines.is_terminal), false);
        Box::new(Terminal::new(lines.out, look))
    }

    fn outputs(&self, _: &Environment, _: &Outputs) -> Result<()> {
        Ok(())
    }
}
