//! CI platforms: where we run, for what event, and how results are told there.

pub(crate) mod github;
mod gitlab;
mod jenkins;
mod local;
mod plain;

use crate::event::Reporter;
use crate::git::Git;
use crate::reports::Lines;
use anyhow::Result;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The environment, as a value: detection asks this and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// That of this process; what is not UTF-8 is left out.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os();
        Self(
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect(),
        )
    }

    /// A variable; an empty one counts as unset, as CI systems have it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// What started the job, the same on every platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    PullRequest,
    Push,
    Tag,
    Schedule,
    Manual,
    /// Something we don't know: treated with care, like a pull request from a fork.
    Other,
}

impl Trigger {
    /// Whether this event may build images at all.
    pub fn builds(self) -> bool {
        matches!(self, Self::Push | Self::Tag | Self::Schedule | Self::Manual)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::PullRequest => "pull request",
            Self::Push => "push",
            Self::Tag => "tag",
            Self::Schedule => "schedule",
            Self::Manual => "manual",
            Self::Other => "unknown event",
        }
    }
}

/// The job that we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub trigger: Trigger,
    /// Without `refs/heads/`; `None` for tags and pull requests.
    pub branch: Option<String>,
    pub tag: Option<String>,
    pub default_branch: Option<String>,
    /// A pull request from another repository: its author is not one of us.
    pub is_fork: bool,
    /// Where people read about this job.
    pub url: Option<String>,
    /// The checkout; places in files are told relative to it.
    pub workspace: Option<PathBuf>,
}

/// Values for the steps that follow.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    values: BTreeMap<&'static str, String>,
}

impl Outputs {
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.values.insert(name, value.into());
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

/// A CI system we may be running in.
#[async_trait]
pub trait CiPlatform: Sync {
    fn name(&self) -> &'static str;

    /// Whether the environment says that we run there.
    fn detect(&self, environment: &Environment) -> bool;

    /// What kind of job it is.
    ///
    /// # Errors
    /// When what the platform promises is not there.
    async fn job(&self, environment: &Environment, git: &Git) -> Result<Job>;

    /// Annotations and lines, as this platform likes them.
    fn reporter(&self, job: &Job, lines: Lines) -> Box<dyn Reporter>;

    /// Hands values to the steps that follow.
    ///
    /// # Errors
    /// When they can't be written.
    fn outputs(&self, environment: &Environment, outputs: &Outputs) -> Result<()>;
}

/// Every platform, the most telling first. Adding one is its file and its line here.
pub const PLATFORMS: &[&dyn CiPlatform] = &[&github::GitHub, &gitlab::GitLab, &jenkins::Jenkins, &local::Local];

/// Where we run.
pub fn detect(environment: &Environment) -> &'static dyn CiPlatform {
    PLATFORMS.iter().copied().find(|platform| platform.detect(environment)).unwrap_or(&local::Local)
}

/// The default branch as the clone knows it: what `origin` points to, else the one of `main` and `master` that exists.
async fn default_branch(git: &Git) -> Option<String> {
    if let Some(head) = git.try_run(&["symbolic-ref", "--short", "refs/remotes/origin/HEAD"]).await {
        return head.strip_prefix("origin/").map(str::to_owned);
    }
    for name in ["main", "master"] {
        for place in ["refs/heads", "refs/remotes/origin"] {
            if git.try_run(&["rev-parse", "--verify", "--quiet", &format!("{place}/{name}")]).await.is_some() {
                return Some(name.to_owned());
            }
        }
    }
    None
}

/// The branch of an event, if its commit is the one that is checked out: any other must not be tagged as the branch's.
async fn branch_of(branch: Option<String>, commit: Option<&str>, git: &Git) -> Option<String> {
    let head = git.try_run(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).await;
    branch.filter(|_| commit.is_none() || head.is_none() || commit == head.as_deref())
}

/// A path as seen from the checkout; `None` for one outside of it.
pub(crate) fn in_workspace(name: &str, workspace: Option<&Path>, working_directory: &Path) -> Option<String> {
    let clean = clean(&working_directory.join(name));
    let relative = clean.strip_prefix(workspace.unwrap_or(working_directory)).ok()?;
    Some(relative.to_string_lossy().into_owned())
}

/// A path without `.` and `..`, whatever there is on disk.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::ParentDir => drop(clean.pop()),
            std::path::Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_from_the_checkout() {
        let path = |name: &str| in_workspace(name, Some(Path::new("/w")), Path::new("/w/images/web"));
        assert_eq!(path("web.pkr.hcl").as_deref(), Some("images/web/web.pkr.hcl"));
        assert_eq!(path("../db/./x.json").as_deref(), Some("images/db/x.json"));
        assert_eq!(path("/w/a").as_deref(), Some("a"));
        assert_eq!(path("../../../etc/passwd"), None);
    }
}
