//! What all data sources of git repositories share: which one, and which commit.

use crate::git::Git;
use crate::scripts::missing_file;
use anyhow::{Context as _, Result, ensure};
use imgforge_template::arguments;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::host::Host;
use std::path::{Path, PathBuf};
use std::sync::Arc;

arguments! {
    /// Which repository.
    pub struct RepositoryArguments {
        /// A folder in the repository, relative to the working directory.
        path: PathBuf = ".",
    }
}

arguments! {
    /// Which commit.
    pub struct CommitArguments {
        /// A branch, a tag, a hash, or what else git knows a commit by.
        commit_ish: String = "HEAD",
    }
}

/// A repository as the template may see it.
pub(super) struct Repository {
    path: PathBuf,
    host: Arc<dyn Host>,
    git: Git,
}

impl Repository {
    /// Reads and checks which folder it is.
    pub(super) fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let arguments: RepositoryArguments = body.read(diagnostics);
        let host = body.context().host.clone();
        let span = arguments.given.span("path").unwrap_or_else(|| body.header());
        let path = arguments.path;
        match host.status(&path) {
            Ok(status) if !status.is_directory => diagnostics.push(
                Diagnostic::error("invalid-value", format!("the repository `{}` is not a folder", path.display()))
                    .at(span)
                    .help("name a folder in the repository"),
            ),
            Ok(_) => {}
            Err(error) => {
                diagnostics.push(missing_file("repository", &path, span, &error, body, Severity::Error));
            }
        }
        let git = Git::new(&host.working_directory().join(&path));
        Self { path, host, git }
    }

    /// For the one sentence that an error needs.
    pub(super) fn describe(&self) -> String {
        format!("read the git repository `{}`", self.path.display())
    }

    /// Git, once it is sure that the whole repository may be seen: it may be one around what a stranger may see.
    ///
    /// # Errors
    /// When there is no repository or it may not be seen.
    pub(super) async fn open(&self) -> Result<&Git> {
        let top = self.git.run(&["rev-parse", "--show-toplevel"]).await?;
        self.host.status(Path::new(&top))?;
        Ok(&self.git)
    }
}

/// Reads and checks what commit is meant.
pub(super) fn commit_ish(body: &Body, diagnostics: &mut Diagnostics) -> String {
    let arguments: CommitArguments = body.read(diagnostics);
    let mut name = arguments.commit_ish;
    if name.starts_with('-')
        && let Some(span) = arguments.given.span("commit_ish")
    {
        // Git would take it for an option; and no name in git begins like this.
        diagnostics.push(
            Diagnostic::error("invalid-value", format!("`{name}` is not the name of a commit"))
                .at(span)
                .help("name a branch, a tag or a hash"),
        );
    }
    if name.is_empty() {
        "HEAD".clone_into(&mut name);
    }
    name
}

/// The hash of the commit that is meant.
///
/// # Errors
/// When there is none of this name.
pub(super) async fn commit(git: &Git, commit_ish: &str) -> Result<String> {
    let object = git.ask(&["rev-parse", "--quiet", "--verify", "--end-of-options", commit_ish]).await?;
    ensure!(object.success, "`{commit_ish}` is not known there");
    // A tag is an object of its own.
    let commit = git.ask(&["rev-parse", "--quiet", "--verify", &format!("{}^{{commit}}", object.stdout)]).await?;
    ensure!(commit.success, "`{commit_ish}` is not a commit");
    Ok(commit.stdout)
}

/// The short names of the branches or tags that git finds below `prefix`, by name.
///
/// # Errors
/// When git fails.
pub(super) async fn names(git: &Git, prefix: &str, further: &[&str]) -> Result<Vec<String>> {
    // Not `short`, which is longer where a tag has the name of a branch.
    let arguments = [&["for-each-ref", "--format=%(refname:lstrip=2)"], further, &[prefix]].concat();
    let listed = git.run(&arguments).await.context("list names")?;
    Ok(listed.lines().map(str::to_owned).collect())
}

#[cfg(test)]
pub(super) mod testing {
    use crate::data_sources::{DataSource, ReadContext};
    use crate::scripts::testing::{World, Written};
    use anyhow::Result;
    use imgforge_template::body::Body;
    use imgforge_template::diagnostic::Diagnostics;
    use imgforge_template::value::Value;
    use std::path::Path;
    use std::process::Command;

    pub(in crate::data_sources) type New = fn(&Body, &mut Diagnostics) -> Box<dyn DataSource>;

    /// Runs git in a folder as a user whose commits always have the same hashes.
    pub(in crate::data_sources) fn git(folder: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        for role in ["AUTHOR", "COMMITTER"] {
            let (name, hour) = if role == "AUTHOR" { ("Ann Author", 10) } else { ("Carl Committer", 11) };
            command.env(format!("GIT_{role}_NAME"), name).env(format!("GIT_{role}_EMAIL"), "a@example.org");
            command.env(format!("GIT_{role}_DATE"), format!("2026-01-02T{hour}:00:00+01:00"));
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        let settings = ["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"];
        let output = command.args(settings).args(arguments).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A working directory that is a repository of two commits, the first of them tagged.
    pub(in crate::data_sources) fn checkout() -> World {
        let world = World::new();
        let folder = world.directory.path();
        git(folder, &["init", "-q"]);
        world.write("a", "a");
        git(folder, &["add", "a"]);
        git(folder, &["commit", "-q", "-m", "first"]);
        git(folder, &["tag", "-a", "v1", "-m", "version 1"]);
        world.write("sub/gr\u{fc}n b", "b");
        git(folder, &["add", "sub"]);
        git(folder, &["commit", "-q", "-m", "second\n\nwith a body"]);
        world
    }

    pub(in crate::data_sources) async fn read(world: &World, new: New, block: &[(&str, Written)]) -> Result<Value> {
        world.block(block).make(new).read(&ReadContext::default()).await
    }

    /// The whole error of reading.
    pub(in crate::data_sources) async fn error_of(world: &World, new: New, block: &[(&str, Written)]) -> String {
        let error = read(world, new, block).await.unwrap_err();
        world.without_folders(&format!("{error:#}"))
    }
}
