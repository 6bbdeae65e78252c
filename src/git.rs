//! The git program: it honours the user's configuration, credentials and signing. Arguments are never a shell's.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// How long one command may take: a remote may never answer.
const LIMIT: Duration = Duration::from_secs(120);

/// A repository, by any folder in it.
#[derive(Clone, Debug)]
pub struct Git {
    folder: PathBuf,
    limit: Duration,
}

/// What git said.
#[derive(Debug)]
pub struct Answer {
    pub success: bool,
    pub stdout: String,
    /// Without credentials that stood in addresses.
    pub stderr: String,
}

impl Git {
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), limit: LIMIT }
    }

    /// Runs git and tells how it ended.
    ///
    /// # Errors
    /// When git could not be started or did not end in time.
    pub async fn ask(&self, arguments: &[&str]) -> Result<Answer> {
        self.ask_with(arguments, &[]).await
    }

    /// The same with further environment variables.
    ///
    /// # Errors
    /// As [`Git::ask`].
    pub async fn ask_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Answer> {
        let count = std::env::var("GIT_CONFIG_COUNT").ok();
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&self.folder)
            // Nobody is there to type a password; and the messages we look for are English.
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .envs(settings(count.as_deref()))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let Ok(output) = tokio::time::timeout(self.limit, output).await else {
            bail!("git {} did not end within {} s", arguments.first().unwrap_or(&""), self.limit.as_secs());
        };
        let output = output.context("start git")?;
        Ok(Answer {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).trim_end().to_owned(),
            stderr: without_credentials(String::from_utf8_lossy(&output.stderr).trim()),
        })
    }

    /// Runs git and gives its output.
    ///
    /// # Errors
    /// When git fails, in its words.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        let answer = self.ask(arguments).await?;
        if !answer.success {
            bail!("git {}: {}", arguments.first().unwrap_or(&""), answer.stderr);
        }
        Ok(answer.stdout)
    }

    /// The output, or `None` where git says no.
    pub async fn try_run(&self, arguments: &[&str]) -> Option<String> {
        let answer = self.ask(arguments).await.ok()?;
        Some(answer.stdout).filter(|text| answer.success && !text.is_empty())
    }
}

/// In a container action the checkout belongs to another user than root. Settings that our caller gave the same way
/// (credentials, say) stay in force: ours is counted on from theirs.
fn settings(count: Option<&str>) -> [(String, String); 3] {
    let first: u32 = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    [
        ("GIT_CONFIG_COUNT".to_owned(), first.saturating_add(1).to_string()),
        (format!("GIT_CONFIG_KEY_{first}"), "safe.directory".to_owned()),
        (format!("GIT_CONFIG_VALUE_{first}"), "*".to_owned()),
    ]
}

/// `https://user:token@host` without what stands before the `@`.
fn without_credentials(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        clean.push_str(head);
        let end =
            tail.find(|character: char| character.is_whitespace() || "/'\"".contains(character)).unwrap_or(tail.len());
        rest = tail[..end].rfind('@').map_or(tail, |sign| &tail[sign + 1..]);
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::{Git, settings, without_credentials};

    #[test]
    fn settings_of_whoever_started_us_stay_in_force() {
        let names = |count| settings(count).map(|(name, _)| name);
        assert_eq!(names(None), ["GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"]);
        assert_eq!(settings(Some("2"))[0].1, "3");
        assert_eq!(names(Some("2")), ["GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_2", "GIT_CONFIG_VALUE_2"]);
        assert_eq!(names(Some("x"))[1], "GIT_CONFIG_KEY_0");
    }

    #[tokio::test]
    async fn a_command_that_does_not_end_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let git = Git { limit: std::time::Duration::from_millis(50), ..Git::new(folder.path()) };
        let sleep = ["-c", "alias.wait=!sleep 60", "wait"];
        let error = git.ask(&sleep).await.unwrap_err().to_string();
        assert_eq!(error, "git -c did not end within 0 s");
    }

    #[test]
    fn credentials_in_addresses_are_not_repeated() {
        let said = "fatal: unable to access 'https://x:t0ken@example.org/a@b.git/': no https://example.org";
        let clean = "fatal: unable to access 'https://example.org/a@b.git/': no https://example.org";
        assert_eq!(without_credentials(said), clean);
    }
}
