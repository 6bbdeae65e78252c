//! `git-commit`: one commit of a git repository.

use super::repository::{CommitArguments, Repository, RepositoryArguments, commit, commit_ish, names};
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
    component: Component { name: "git-commit", arguments: &[RepositoryArguments::TABLE, CommitArguments::TABLE], new },
    outputs: || {
        object([
            ("hash", Type::String),
            ("branches", Type::list(Type::String)),
            ("author", Type::String),
            ("committer", Type::String),
            ("pgp_signature", Type::String),
            ("message", Type::String),
            ("tree_hash", Type::String),
            ("parent_hashes", Type::list(Type::String)),
            ("timestamp", Type::String),
        ])
    },
};

struct GitCommit {
    repository: Repository,
    commit_ish: String,
}

fn new(body: &Body, diagnostics: &mut Diagnostics) -> Box<dyn DataSource> {
    let repository = Repository::new(body, diagnostics);
    let commit_ish = commit_ish(body, diagnostics);
    body.finish("the data source `git-commit`", diagnostics);
    Box::new(GitCommit { repository, commit_ish })
}

impl GitCommit {
    async fn commit(&self) -> Result<Value> {
        let git = self.repository.open().await?;
        let hash = commit(git, &self.commit_ish).await?;
        let written = git.read(&["cat-file", "commit", &hash]).await?;
        let written = String::from_utf8_lossy(&written);
        let commit = Commit::parse(&written).with_context(|| format!("git has an odd commit {hash}"))?;
        let branches = names(git, "refs/heads", &["--points-at", &hash]).await?;
        Ok(Value::object([
            ("hash", Value::string(hash)),
            ("branches", texts(branches)),
            ("author", Value::string(commit.author)),
            ("committer", Value::string(commit.committer)),
            ("pgp_signature", Value::string(commit.signature)),
            ("message", Value::string(commit.message)),
            ("tree_hash", Value::string(commit.tree)),
            ("parent_hashes", texts(commit.parents)),
            ("timestamp", Value::string(commit.time.to_string())),
        ]))
    }
}

/// A commit as git keeps it: headers, of which a line that begins with a space goes on with the one before, an
/// empty line, and the message.
#[derive(Debug, PartialEq)]
struct Commit<'a> {
    tree: &'a str,
    parents: Vec<&'a str>,
    /// `Name <address>`.
    author: &'a str,
    committer: &'a str,
    /// Of the committer: when this commit, and not the first draft of it, was made.
    time: jiff::Timestamp,
    /// With all its lines and their ends; empty if there is none.
    signature: String,
    message: &'a str,
}

impl<'a> Commit<'a> {
    fn parse(written: &'a str) -> Option<Self> {
        let (headers, message) = written.split_once("\n\n").unwrap_or((written.trim_end_matches('\n'), ""));
        let mut parents = Vec::new();
        let (mut tree, mut author, mut committer) = (None, None, None);
        let (mut signature, mut in_signature) = (String::new(), false);
        for line in headers.split('\n') {
            let Some((name, value)) = line.split_once(' ') else { continue };
            // A repository that moves from SHA-1 to SHA-256 has both; one is enough.
            let begins = matches!(name, "gpgsig" | "gpgsig-sha256") && signature.is_empty();
            in_signature = begins || (name.is_empty() && in_signature);
            match name {
                "tree" => tree = Some(value),
                "parent" => parents.push(value),
                "author" => author = Some(person(value)?.0),
                "committer" => committer = Some(person(value)?),
                _ if in_signature => {
                    signature.push_str(value);
                    signature.push('\n');
                }
                _ => {}
            }
        }
        let (committer, time) = committer?;
        Some(Self { tree: tree?, parents, author: author?, committer, time, signature, message })
    }
}

/// `Name <address> SECONDS ZONE`.
fn person(value: &str) -> Option<(&str, jiff::Timestamp)> {
    let end = value.rfind('>')?;
    let (person, rest) = value.split_at(end.checked_add(1)?);
    let seconds = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some((person, jiff::Timestamp::from_second(seconds).ok()?))
}

#[async_trait]
impl DataSource for GitCommit {
    async fn read(&self, context: &ReadContext) -> Result<Value> {
        context.unless_cancelled(self.commit()).await.with_context(|| self.repository.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::super::repository::testing::{checkout, error_of, git, read};
    use super::*;
    use crate::scripts::testing::{Str, World, Written};

    #[tokio::test]
    async fn a_commit_is_read_with_all_that_is_known_of_it() {
        let world = checkout();
        let folder = world.directory.path();
        git(folder, &["branch", "other"]);
        git(folder, &["branch", "old", "HEAD~"]);
        let value = read(&world, new, &[]).await.unwrap();
        assert_eq!(value.type_of(), (DATA_SOURCE.outputs)());
        assert_eq!(
            value,
            Value::object([
                ("hash", Value::string(git(folder, &["rev-parse", "HEAD"]))),
                ("branches", texts(["main", "other"])),
                ("author", Value::string("Ann Author <a@example.org>")),
                ("committer", Value::string("Carl Committer <a@example.org>")),
                ("pgp_signature", Value::string("")),
                ("message", Value::string("second\n\nwith a body\n")),
                ("tree_hash", Value::string(git(folder, &["rev-parse", "HEAD^{tree}"]))),
                ("parent_hashes", texts([git(folder, &["rev-parse", "HEAD~"])])),
                ("timestamp", Value::string("2026-01-02T10:00:00Z")),
            ])
        );
    }

    #[tokio::test]
    async fn any_name_of_a_commit_will_do() {
        let world = checkout();
        let first = git(world.directory.path(), &["rev-parse", "HEAD~"]);
        for name in ["v1", "HEAD~", ":/first", &first[..10]] {
            let value = read(&world, new, &[("commit_ish", Str(name.to_owned().leak()))]).await.unwrap();
            assert_eq!(value.get("hash"), Some(&Value::string(first.as_str())), "{name}");
            assert_eq!(value.get("parent_hashes"), Some(&texts([""; 0])), "{name}");
        }
        let empty = read(&world, new, &[("commit_ish", Str(""))]).await.unwrap();
        assert_eq!(empty, read(&world, new, &[]).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_no_commit_is_an_error() {
        let world = checkout();
        let error = async |name| error_of(&world, new, &[("commit_ish", Str(name))]).await;
        assert_eq!(error("v2").await, "read the git repository `.`: `v2` is not known there");
        assert_eq!(error("HEAD:a").await, "read the git repository `.`: `HEAD:a` is not a commit");
        assert_eq!(error("main --all").await, "read the git repository `.`: `main --all` is not known there");
        let empty = World::new();
        git(empty.directory.path(), &["init", "-q"]);
        assert_eq!(error_of(&empty, new, &[]).await, "read the git repository `.`: `HEAD` is not known there");
    }

    #[test]
    fn the_name_of_a_commit_cannot_be_an_option() {
        let world = checkout();
        assert_eq!(
            world.block(&[("commit_ish", Str("--output=x"))]).mistakes(new),
            [
                "invalid-value at \"--output=x\": `--output=x` is not the name of a commit (name a branch, a tag or a hash)"
            ]
        );
        assert_eq!(world.block(&[("path", Written::Unknown), ("commit_ish", Written::Unknown)]).mistakes(new), [""; 0]);
    }

    #[test]
    fn signatures_are_whole_and_other_long_headers_are_left_alone() {
        let written = "tree t\nparent p\nparent q\nauthor A > B <a@example.org> 1767344400 -0500\n\
            committer  <> 1767348000 +0100\nmergetag object q\n type commit\n author no\n \n said\n\
            gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc=\n -----END PGP SIGNATURE-----\n\
            gpgsig-sha256 other\n more\nencoding latin1\n\nmessage\n\nauthor no\n";
        assert_eq!(
            Commit::parse(written),
            Some(Commit {
                tree: "t",
                parents: vec!["p", "q"],
                author: "A > B <a@example.org>",
                committer: " <>",
                time: jiff::Timestamp::from_second(1_767_348_000).unwrap(),
                signature: "-----BEGIN PGP SIGNATURE-----\n\nabc=\n-----END PGP SIGNATURE-----\n".to_owned(),
                message: "message\n\nauthor no\n",
            })
        );
        for odd in ["", "tree t\n\n", "tree t\nauthor a\ncommitter c", "tree t\nauthor a <> x\ncommitter > 9e99 +0\n\n"]
        {
            assert_eq!(Commit::parse(odd), None, "{odd}");
        }
    }
}
