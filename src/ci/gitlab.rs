//! GitLab: plain lines, and values by a dotenv report.

use super::{CiPlatform, Environment, Job, Outputs, Trigger, branch_of, plain};
use crate::event::Reporter;
use crate::git::Git;
use crate::output_file::OutputFile;
use crate::reports::Lines;
use anyhow::Result;
use async_trait::async_trait;
use std::path::{Path, PathBuf};

pub(super) struct GitLab;

#[async_trait]
impl CiPlatform for GitLab {
    fn name(&self) -> &'static str {
        "gitlab"
    }

    fn detect(&self, environment: &Environment) -> bool {
        environment.get("GITLAB_CI") == Some("true")
    }

    async fn job(&self, environment: &Environment, git: &Git) -> Result<Job> {
        let tag = environment.owned("CI_COMMIT_TAG");
        let source = environment.get("CI_PIPELINE_SOURCE").unwrap_or_default();
        let trigger = match source {
            "merge_request_event" | "external_pull_request_event" => Trigger::PullRequest,
            // A child pipeline has a source of its own, but runs the code of the merge request.
            _ if environment.get("CI_MERGE_REQUEST_IID").is_some() => Trigger::PullRequest,
            _ if tag.is_some() => Trigger::Tag,
            "push" => Trigger::Push,
            "schedule" => Trigger::Schedule,
            "web" | "api" | "trigger" | "pipeline" | "parent_pipeline" | "chat" => Trigger::Manual,
            _ => Trigger::Other,
        };
        // Without a source (the fork may be gone) nobody can say that it is not a fork.
        let differ = |source, target| {
            let source = environment.get(source);
            source.is_none() || source != environment.get(target)
        };
        let is_fork = trigger == Trigger::PullRequest
            && differ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID")
            && differ("CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY", "CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY");
        Ok(Job {
            trigger,
            branch: branch_of(environment.owned("CI_COMMIT_BRANCH"), environment.get("CI_COMMIT_SHA"), git)
                .await
                .filter(|_| trigger != Trigger::PullRequest),
            tag,
            default_branch: environment.owned("CI_DEFAULT_BRANCH"),
            is_fork,
            url: environment.owned("CI_JOB_URL"),
            workspace: environment.owned("CI_PROJECT_DIR").map(PathBuf::from),
        })
    }

    fn reporter(&self, _: &Job, lines: Lines) -> Box<dyn Reporter> {
        plain::reporter(lines.out)
    }

    /// `out/imgforge.env`: `KEY=value` lines without quotes; a value of several lines can't be told there.
    fn outputs(&self, environment: &Environment, outputs: &Outputs) -> Result<()> {
        let folder = std::path::absolute(environment.get("CI_PROJECT_DIR").unwrap_or("."))?;
        let file = OutputFile::named(Path::new("out/imgforge.env"), &folder);
        let mut text = String::new();
        for (name, value) in outputs.iter().filter(|(_, value)| !value.contains(['\n', '\r'])) {
            let name = name.to_uppercase().replace('-', "_");
            text.push_str(&format!("IMGFORGE_{name}={value}\n"));
        }
        file.make_folder()?;
        file.write(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn job(variables: &[(&str, &str)]) -> Job {
        let mut environment = Environment::from([("GITLAB_CI", "true"), ("CI_DEFAULT_BRANCH", "main")]);
        environment.0.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        GitLab.job(&environment, &Git::new(Path::new("/"))).await.unwrap()
    }

    #[tokio::test]
    async fn sources_become_events() {
        let push = job(&[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "main")]).await;
        assert_eq!((push.trigger, push.branch.as_deref()), (Trigger::Push, Some("main")));
        let tag = job(&[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", "v1")]).await;
        assert_eq!((tag.trigger, tag.branch), (Trigger::Tag, None));
        let fork = [("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "2"), ("CI_MERGE_REQUEST_PROJECT_ID", "1")];
        let merge = job(&[&[("CI_PIPELINE_SOURCE", "merge_request_event")], &fork[..]].concat()).await;
        assert_eq!((merge.trigger, merge.is_fork), (Trigger::PullRequest, true));
        let child = [("CI_PIPELINE_SOURCE", "parent_pipeline"), ("CI_MERGE_REQUEST_IID", "7")];
        let child = job(&[&child, &fork[..]].concat()).await;
        assert_eq!((child.trigger, child.is_fork), (Trigger::PullRequest, true));
        let external = async |source| {
            let repositories = [
                ("CI_PIPELINE_SOURCE", "external_pull_request_event"),
                ("CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY", source),
                ("CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY", "org/images"),
            ];
            job(&repositories).await.is_fork
        };
        assert!(!external("org/images").await);
        assert!(external("mallory/images").await);
        assert!(job(&[("CI_PIPELINE_SOURCE", "merge_request_event")]).await.is_fork);
        assert_eq!(job(&[("CI_PIPELINE_SOURCE", "security_orchestration_policy")]).await.trigger, Trigger::Other);
    }

    #[test]
    fn outputs_are_a_dotenv_report() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::from([("CI_PROJECT_DIR", folder.path().to_str().unwrap())]);
        let mut outputs = Outputs::default();
        outputs.set("images-json", "[\"web\"]");
        outputs.set("tag", "images/web/v0.1.0");
        outputs.set("version", "two\nlines");
        GitLab.outputs(&environment, &outputs).unwrap();
        let text = std::fs::read_to_string(folder.path().join("out/imgforge.env")).unwrap();
        assert_eq!(text, "IMGFORGE_IMAGES_JSON=[\"web\"]\nIMGFORGE_TAG=images/web/v0.1.0\n");
    }

    #[test]
    fn a_link_in_the_checkout_leads_the_outputs_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let (outside, checkout) = (folder.path().join("outside"), folder.path().join("checkout"));
        std::fs::create_dir_all(checkout.join("out")).unwrap();
        std::fs::write(&outside, "untouched").unwrap();
        let environment = Environment::from([("CI_PROJECT_DIR", checkout.to_str().unwrap())]);
        std::os::unix::fs::symlink("../../outside", checkout.join("out/imgforge.env")).unwrap();
        GitLab.outputs(&environment, &Outputs::default()).unwrap();
        assert_eq!(std::fs::read(checkout.join("out/imgforge.env")).unwrap(), b"");
        std::fs::remove_dir_all(checkout.join("out")).unwrap();
        std::os::unix::fs::symlink("..", checkout.join("out")).unwrap();
        assert!(GitLab.outputs(&environment, &Outputs::default()).is_err());
        assert_eq!(std::fs::read(&outside).unwrap(), b"untouched");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
