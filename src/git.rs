//! The git program: it honours the user's configuration, credentials and signing. Arguments are never a shell's.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// How long one command may take: a remote may never answer.
const LIMIT: Duration = Duration::from_secs(120);

/// How many bytes one command may print: the names of half a million files.
const MOST: u64 = 64 << 20;

/// A repository, by any folder in it.
#[derive(Clone, Debug)]
pub struct Git {
    folder: PathBuf,
    limit: Duration,
    most: u64,
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
        Self { folder: folder.to_owned(), limit: LIMIT, most: MOST }
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
        let output = self.start(arguments, environment).await?;
        Ok(Answer {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).trim_end().to_owned(),
            stderr: without_credentials(String::from_utf8_lossy(&output.stderr).trim()),
        })
    }

    async fn start(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Output> {
        let count = std::env::var("GIT_CONFIG_COUNT").ok();
        let mut command = Command::new("git");
        // The folder says which repository it is; a hook that runs us has one of its own.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(&self.folder)
            // Nobody is there to type a password; and the messages we look for are English.
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .envs(settings(count.as_deref()))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let name = arguments.first().unwrap_or(&"");
        let work = async {
            let mut child = command.spawn().context("start git")?;
            let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
            let ended = async { child.wait().await.context("wait for git") };
            let (stdout, stderr, status) =
                tokio::try_join!(bounded(stdout, self.most, name), bounded(stderr, self.most, name), ended)?;
            Ok(Output { status, stdout, stderr })
        };
        let Ok(output) = tokio::time::timeout(self.limit, work).await else {
            bail!("git {name} did not end within {} s", self.limit.as_secs());
        };
        output
    }

    /// Runs git and gives its output byte for byte: lists that end in NUL, objects.
    ///
    /// # Errors
    /// When git fails, in its words.
    pub async fn read(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let output = self.start(arguments, &[]).await?;
        if !output.status.success() {
            let said = without_credentials(String::from_utf8_lossy(&output.stderr).trim());
            bail!("git {}: {said}", arguments.first().unwrap_or(&""));
        }
        Ok(output.stdout)
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

/// All that comes, or an error once it is more than may.
async fn bounded(from: Option<impl AsyncRead + Unpin>, most: u64, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(from) = from else { return Ok(bytes) };
    from.take(most.saturating_add(1)).read_to_end(&mut bytes).await.context("read what git prints")?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
        bail!("git {name} printed more than {most} bytes");
    }
    Ok(bytes)
}

/// In a container action the checkout belongs to another user than root. As that ownership is not looked at, a bare
/// repository that came with the checkout, whose settings can name commands, is none. Settings that our caller gave
/// the same way (credentials, say) stay in force: ours are counted on from theirs.
fn settings(count: Option<&str>) -> [(String, String); 5] {
    let first: u32 = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    let second = first.saturating_add(1);
    [
        ("GIT_CONFIG_COUNT".to_owned(), second.saturating_add(1).to_string()),
        (format!("GIT_CONFIG_KEY_{first}"), "safe.directory".to_owned()),
        (format!("GIT_CONFIG_VALUE_{first}"), "*".to_owned()),
        (format!("GIT_CONFIG_KEY_{second}"), "safe.bareRepository".to_owned()),
        (format!("GIT_CONFIG_VALUE_{second}"), "explicit".to_owned()),
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
        let first =
            ["GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0", "GIT_CONFIG_KEY_1", "GIT_CONFIG_VALUE_1"];
        assert_eq!(names(None), first);
        assert_eq!(settings(Some("2"))[0].1, "4");
        assert_eq!(names(Some("2"))[1..4], ["GIT_CONFIG_KEY_2", "GIT_CONFIG_VALUE_2", "GIT_CONFIG_KEY_3"]);
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

    #[tokio::test]
    async fn a_command_that_prints_without_end_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let git = Git { most: 1000, ..Git::new(folder.path()) };
        let error = git.read(&["-c", "alias.talk=!yes", "talk"]).await.unwrap_err().to_string();
        assert_eq!(error, "git -c printed more than 1000 bytes");
        assert_eq!(git.read(&["-c", "alias.talk=!yes | head -c 1000", "talk"]).await.unwrap().len(), 1000);
    }

    #[tokio::test]
    async fn a_bare_repository_in_a_checkout_runs_no_command_of_its_settings() {
        let folder = tempfile::tempdir().unwrap();
        let git = Git::new(folder.path());
        git.run(&["init", "-q", "--bare", "."]).await.unwrap();
        let settings =
            "[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\nfsmonitor = touch ran; false\n";
        std::fs::write(folder.path().join("config"), settings).unwrap();
        let error = git.run(&["status"]).await.unwrap_err().to_string();
        assert!(error.contains("safe.bareRepository"), "{error}");
        assert!(!folder.path().join("ran").exists());
    }

    #[test]
    fn credentials_in_addresses_are_not_repeated() {
        let said = "fatal: unable to access 'https://x:t0ken@example.org/a@b.git/': no https://example.org";
        let clean = "fatal: unable to access 'https://example.org/a@b.git/': no https://example.org";
        assert_eq!(without_credentials(said), clean);
    }
}
