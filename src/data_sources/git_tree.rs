//! `git-tree`: the files of a commit.

use super::repository::{CommitArguments, Repository, RepositoryArguments, commit, commit_ish};
use super::{DataComponent, DataSource, ReadContext, object, texts};
use crate::component::Component;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use imgforge_template::arguments::Arguments as _;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::types::Type;
use imgforge_template::value::Value;

pub(super) const DATA_SOURCE: DataComponent = DataComponent {
    component: Component { name: "git-tree", arguments: &[RepositoryArguments::TABLE, CommitArguments::TABLE], new },
    outputs: || object([("hash", Type::String), ("files", Type::list(Type::String))]),
};

struct GitTree {
    repository: Repository,
    commit_ish: String,
}

fn new(body: &Body, diagnostics: &mut Diagnostics) -> Box<dyn DataSource> {
    let repository = Repository::new(body, diagnostics);
    let commit_ish = commit_ish(body, diagnostics);
    body.finish("the data source `git-tree`", diagnostics);
    Box::new(GitTree { repository, commit_ish })
}

impl GitTree {
    async fn tree(&self) -> Result<Value> {
        let git = self.repository.open().await?;
        let commit = commit(git, &self.commit_ish).await?;
        let hash = git.run(&["rev-parse", "--verify", &format!("{commit}^{{tree}}")]).await?;
        let listed = git.read(&["ls-tree", "-r", "-z", "--full-tree", &hash]).await?;
        let listed = String::from_utf8_lossy(&listed);
        Ok(Value::object([("hash", Value::string(hash)), ("files", texts(files(&listed)))]))
    }
}

/// The paths in what `ls-tree -z` prints, `MODE TYPE HASH<tab>PATH<NUL>…`, without submodules, which are no files.
fn files(listed: &str) -> impl Iterator<Item = &str> {
    listed.split('\0').filter_map(|entry| {
        let (about, path) = entry.split_once('\t')?;
        (about.split(' ').nth(1) == Some("blob")).then_some(path)
    })
}

#[async_trait]
impl DataSource for GitTree {
    async fn read(&self, context: &ReadContext) -> Result<Value> {
        context.unless_cancelled(self.tree()).await.with_context(|| self.repository.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::super::repository::testing::{checkout, git, read};
    use super::*;
    use crate::scripts::testing::Str;

    #[tokio::test]
    async fn all_files_of_a_commit_are_listed() {
        let world = checkout();
        let value = read(&world, new, &[("path", Str("sub"))]).await.unwrap();
        assert_eq!(value.type_of(), (DATA_SOURCE.outputs)());
        let hash = git(world.directory.path(), &["rev-parse", "HEAD^{tree}"]);
        let expected = [("hash", Value::string(hash)), ("files", texts(["a", "sub/gr\u{fc}n b"]))];
        assert_eq!(value, Value::object(expected));

        let value = read(&world, new, &[("commit_ish", Str("v1"))]).await.unwrap();
        assert_eq!(value.get("files"), Some(&texts(["a"])));
    }

    #[tokio::test]
    async fn submodules_are_no_files() {
        let world = checkout();
        git(world.directory.path(), &["submodule", "--quiet", "add", "./", "module"]);
        git(world.directory.path(), &["commit", "-q", "-m", "a module"]);
        let value = read(&world, new, &[]).await.unwrap();
        assert_eq!(value.get("files"), Some(&texts([".gitmodules", "a", "sub/gr\u{fc}n b"])));
    }
}
