//! The git program: it honours the user's configuration, credentials and signing. Arguments are never a shell's.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// A repository, by any folder in it.
#[derive(Clone, Debug)]
pub struct Git {
    folder: PathBuf,
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
        Self { folder: folder.to_owned() }
    }

    /// Runs git and tells how it ended.
    ///
    /// # Errors
    /// When git could not be started.
    pub async fn ask(&self, arguments: &[&str]) -> Result<Answer> {
        self.ask_with(arguments, &[]).await
    }

    /// The same with further environment variables.
    ///
    /// # Errors
    /// As [`Git::ask`].
    pub async fn ask_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Answer> {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&self.folder)
            // Nobody is there to type a password; and the messages we look for are English.
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            // In a container action the checkout belongs to another user than root.
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "safe.directory")
            .env("GIT_CONFIG_VALUE_0", "*")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("start git")?;
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
    use super::without_credentials;

    #[test]
    fn credentials_in_addresses_are_not_repeated() {
        let said = "fatal: unable to access 'https://x:t0ken@example.org/a@b.git/': no https://example.org";
        let clean = "fatal: unable to access 'https://example.org/a@b.git/': no https://example.org";
        assert_eq!(without_credentials(said), clean);
    }
}
