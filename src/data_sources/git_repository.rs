//! `git-repository`: the state of a git repository.

use super::repository::{Repository, RepositoryArguments, names};
use super::{DataComponent, DataSource, ReadContext, object, texts};
use crate::component::Component;
use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use imgforge_template::arguments::Arguments as _;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::types::Type;
use imgforge_template::value::Value;

pub(super) const DATA_SOURCE: DataComponent = DataComponent {
    component: Component { name: "git-repository", arguments: &[RepositoryArguments::TABLE], new },
    outputs: || {
        object([
            ("head", Type::String),
            ("branches", Type::list(Type::String)),
            ("tags", Type::list(Type::String)),
            ("is_clean", Type::Bool),
        ])
    },
};

struct GitRepository {
    repository: Repository,
}

fn new(body: &Body, diagnostics: &mut Diagnostics) -> Box<dyn DataSource> {
    let repository = Repository::new(body, diagnostics);
    body.finish("the data source `git-repository`", diagnostics);
    Box::new(GitRepository { repository })
}

impl GitRepository {
    async fn state(&self) -> Result<Value> {
        let git = self.repository.open().await?;
        let head = git.try_run(&["symbolic-ref", "--quiet", "HEAD"]).await;
        // CI systems check out a commit, and then no branch is the current one.
        let head = head.as_deref().map_or("HEAD", |head| head.strip_prefix("refs/heads/").unwrap_or(head));
        // Without the lock that `status` takes to remember what it looked at: someone may be working there.
        let status = ["status", "--porcelain", "--untracked-files=normal"];
        let status = git.ask_with(&status, &[("GIT_OPTIONAL_LOCKS", "0")]).await?;
        ensure!(status.success, "git status: {}", status.stderr);
        Ok(Value::object([
            ("head", Value::string(head)),
            ("branches", texts(names(git, "refs/heads", &[]).await?)),
            ("tags", texts(names(git, "refs/tags", &[]).await?)),
            ("is_clean", Value::bool(status.stdout.is_empty())),
        ]))
    }
}

#[async_trait]
impl DataSource for GitRepository {
    async fn read(&self, context: &ReadContext) -> Result<Value> {
        context.unless_cancelled(self.state()).await.with_context(|| self.repository.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::super::repository::testing::{checkout, error_of, git, read};
    use super::*;
    use crate::host::ForkHost;
    use crate::scripts::testing::{Str, World};
    use std::sync::Arc;

    fn state(head: &str, branches: &[&str], tags: &[&str], is_clean: bool) -> Value {
        Value::object([
            ("head", Value::string(head)),
            ("branches", texts(branches.iter().copied())),
            ("tags", texts(tags.iter().copied())),
            ("is_clean", Value::bool(is_clean)),
        ])
    }

    #[tokio::test]
    async fn the_state_of_a_repository_is_read_from_any_folder_in_it() {
        let world = checkout();
        let folder = world.directory.path();
        let value = read(&world, new, &[]).await.unwrap();
        assert_eq!(value.type_of(), (DATA_SOURCE.outputs)());
        assert_eq!(value, state("main", &["main"], &["v1"], true));

        // A tag of the same name makes the short name of a branch longer for git, not for us.
        git(folder, &["tag", "feature/x"]);
        git(folder, &["checkout", "-q", "-b", "feature/x"]);
        world.write("untracked", "");
        let value = read(&world, new, &[("path", Str("sub"))]).await.unwrap();
        assert_eq!(value, state("feature/x", &["feature/x", "main"], &["feature/x", "v1"], false));

        world.write(".gitignore", "untracked\n.gitignore\n");
        git(folder, &["checkout", "-q", "--detach"]);
        let value = read(&world, new, &[("path", Str(""))]).await.unwrap();
        assert_eq!(value, state("HEAD", &["feature/x", "main"], &["feature/x", "v1"], true));
    }

    #[tokio::test]
    async fn a_repository_without_a_commit_has_a_branch_already() {
        let world = World::new();
        git(world.directory.path(), &["init", "-q"]);
        assert_eq!(read(&world, new, &[]).await.unwrap(), state("main", &[], &[], true));
    }

    #[tokio::test]
    async fn a_folder_that_is_in_no_repository_is_an_error() {
        assert_eq!(
            error_of(&World::new(), new, &[]).await,
            "read the git repository `.`: git rev-parse: fatal: not a git repository (or any of the parent \
             directories): .git"
        );
    }

    #[test]
    fn mistakes_are_shown_at_their_places() {
        let world = checkout();
        let mistakes = |arguments: &[_]| -> Vec<String> {
            let mistakes = world.block(arguments).mistakes(new);
            mistakes.iter().map(|mistake| world.without_folders(mistake)).collect()
        };
        assert_eq!(
            mistakes(&[("path", Str("gone")), ("commit_ish", Str("v1"))]),
            [
                "missing-file at \"gone\": the repository `gone` is not there (the path is relative to the working \
                 directory, `WORK`)",
                "unknown-argument at commit_ish: the data source `git-repository` has no argument `commit_ish` \
                 (remove it, or check the name in the component's documentation)",
            ]
        );
        assert_eq!(
            mistakes(&[("path", Str("a"))]),
            ["invalid-value at \"a\": the repository `a` is not a folder (name a folder in the repository)"]
        );
    }

    #[tokio::test]
    async fn a_fork_sees_no_repository_but_its_own() {
        let world = checkout();
        let outside = world.directory.path().display().to_string().leak();
        let inside = format!("{outside}/sub").leak();
        let denied = "what a stranger may have written sees the files of the repository alone, without `.git`";

        let host = Arc::new(ForkHost::new(inside.as_ref()).unwrap());
        let mistakes = world.block_seen_by(host.clone(), &[("path", Str(outside))]).mistakes(new);
        let message = format!("unreadable-file at \"{outside}\": the repository `{outside}` cannot be read: {denied}");
        assert_eq!(mistakes, [message]);
        // The folder may be seen, but the repository is one around it.
        let source = world.block_seen_by(host, &[("path", Str(inside))]).make(new);
        let error = source.read(&ReadContext::default()).await.unwrap_err();
        assert_eq!(format!("{error:#}"), format!("read the git repository `{inside}`: {denied}"));

        let host = Arc::new(ForkHost::new(outside.as_ref()).unwrap());
        let source = world.block_seen_by(host, &[("path", Str(inside))]).make(new);
        assert_eq!(source.read(&ReadContext::default()).await.unwrap(), state("main", &["main"], &["v1"], true));
    }

    #[tokio::test]
    async fn a_cancelled_run_does_not_start_git() {
        let context = ReadContext::default();
        context.cancel.cancel();
        let error = World::new().block(&[]).make(new).read(&context).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "read the git repository `.`: cancelled");
    }
}
