//! Jenkins: plain lines; the Git plugin and multibranch jobs say what is built.

use super::{CiPlatform, Environment, Job, Outputs, Trigger, default_branch, plain};
use crate::event::Reporter;
use crate::git::Git;
use crate::reports::Lines;
use anyhow::Result;
use async_trait::async_trait;
use std::path::PathBuf;

pub(super) struct Jenkins;

#[async_trait]
impl CiPlatform for Jenkins {
    fn name(&self) -> &'static str {
        "jenkins"
    }

    /// `JENKINS_URL` is there only if the administrator configured it.
    fn detect(&self, environment: &Environment) -> bool {
        let has = |name| environment.get(name).is_some();
        has("JENKINS_URL") || has("JENKINS_HOME") || (has("BUILD_NUMBER") && has("JOB_NAME"))
    }

    async fn job(&self, environment: &Environment, git: &Git) -> Result<Job> {
        let tag = environment.owned("TAG_NAME");
        let is_change = environment.get("CHANGE_ID").is_some();
        let trigger = match (&tag, is_change) {
            (_, true) => Trigger::PullRequest,
            (Some(_), false) => Trigger::Tag,
            // What started a build is known only with a plugin; a timer is told apart by it.
            (None, false) if environment.get("BUILD_CAUSE").is_some_and(|cause| cause.contains("TIMER")) => {
                Trigger::Schedule
            }
            (None, false) => Trigger::Push,
        };
        let branch = environment
            .get("BRANCH_NAME")
            .or_else(|| environment.get("GIT_LOCAL_BRANCH"))
            .or_else(|| environment.get("GIT_BRANCH").map(|branch| branch.strip_prefix("origin/").unwrap_or(branch)));
        Ok(Job {
            trigger,
            branch: branch.filter(|_| trigger != Trigger::PullRequest && tag.is_none()).map(str::to_owned),
            tag,
            default_branch: default_branch(git).await,
            is_fork: environment.get("CHANGE_FORK").is_some(),
            url: environment.owned("BUILD_URL"),
            workspace: environment.owned("WORKSPACE").map(PathBuf::from),
        })
    }

    fn reporter(&self, _: &Job, lines: Lines) -> Box<dyn Reporter> {
        plain::reporter(lines.out)
    }

    fn outputs(&self, _: &Environment, _: &Outputs) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    async fn job(environment: Environment) -> Job {
        assert!(Jenkins.detect(&environment));
        Jenkins.job(&environment, &Git::new(Path::new("/"))).await.unwrap()
    }

    #[tokio::test]
    async fn branches_changes_and_tags_are_told_apart() {
        let base = [("JENKINS_URL", "x"), ("BUILD_URL", "https://ci/1")];
        let [url, build] = base;
        let push = job([url, build, ("GIT_BRANCH", "origin/main")].into()).await;
        assert_eq!((push.trigger, push.branch.as_deref()), (Trigger::Push, Some("main")));
        let change = job([url, build, ("BRANCH_NAME", "PR-7"), ("CHANGE_ID", "7"), ("CHANGE_FORK", "x")].into()).await;
        assert_eq!((change.trigger, change.branch, change.is_fork), (Trigger::PullRequest, None, true));
        let tag = job([url, build, ("TAG_NAME", "v1"), ("BRANCH_NAME", "v1")].into()).await;
        assert_eq!((tag.trigger, tag.tag.as_deref(), tag.branch), (Trigger::Tag, Some("v1"), None));
    }
}
