//! SSH by russh: one connection a machine, one channel a command.

mod arguments;
mod authenticate;
mod command;
mod connect;
mod folder;
mod key;
mod script;
mod sftp;
mod shell;
mod tar_stream;
mod transfer;

pub use arguments::SshArguments;
pub use key::TemporaryKey;

use super::{Communicator, ExitStatus, OutputSink, RemoteScript};
use crate::context::BuildContext;
use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use command::{Kept, Lost, Talk, Unused};
use connect::{Login, Session};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::{Instant, sleep, timeout};

/// A machine that takes longer than this to open a channel has lost the connection.
const OPEN_LIMIT: Duration = Duration::from_secs(30);
/// How long a channel may take to close, and how often to look.
const CLOSING_LIMIT: Duration = Duration::from_secs(5);
const CLOSING_PAUSE: Duration = Duration::from_millis(50);

/// One SSH connection; it is made again when it was lost.
pub struct Ssh {
    login: Login,
    session: Mutex<Arc<Session>>,
    /// Commands run on a terminal.
    terminal: bool,
    /// The login shell does not understand our wrapper of scripts.
    plain_shell: AtomicBool,
    tar: OnceCell<folder::Tar>,
}

impl Ssh {
    /// Waits until the machine at `host` and `port` answers with an SSH banner and lets us in, at most `ssh_timeout`.
    /// Dropping the future stops the waiting.
    ///
    /// # Errors
    /// When the time is up, or the machine refuses the user `ssh_handshake_attempts` times.
    pub async fn connect(
        arguments: &SshArguments,
        host: &str,
        port: u16,
        key: Option<&TemporaryKey>,
        context: &BuildContext,
    ) -> Result<Self> {
        context.say(format!("Using SSH communicator to connect: {host}"));
        let login = Login::new(arguments, host, port, key)?;
        context.say("Waiting for SSH to become available...");
        let mut session = login.connect(context).await?;
        context.say("Connected to SSH!");
        if let Some(pause) = arguments.pause_before_connecting.filter(|pause| !pause.is_zero()) {
            context.say(format!("Pausing {pause:?}, then connecting again..."));
            context.sleep(pause).await?;
            drop(session);
            session = login.connect(context).await?;
            context.say("Connected to SSH!");
        }
        Ok(Self {
            login,
            session: Mutex::new(Arc::new(session)),
            terminal: arguments.ssh_pty == Some(true),
            plain_shell: AtomicBool::new(false),
            tar: OnceCell::new(),
        })
    }

    /// A new channel; a lost connection is made again, once. Waits a moment where the machine allows no further one:
    /// another may just be closing.
    async fn open(&self) -> Result<Unused> {
        let deadline = Instant::now() + CLOSING_LIMIT;
        loop {
            match self.open_now().await {
                Err(error) if error.is::<Full>() && Instant::now() < deadline => sleep(CLOSING_PAUSE).await,
                result => return result,
            }
        }
    }

    async fn open_now(&self) -> Result<Unused> {
        let mut session = self.session.lock().await.clone();
        let mut renewed = false;
        loop {
            if !session.is_closed() {
                let opening = session.clone();
                // A task of its own: a channel that opens when nobody waits for it any more is closed again.
                let opening = tokio::spawn(async move { opening.channel_open_session().await.map(Unused::new) });
                match timeout(OPEN_LIMIT, opening).await {
                    Ok(Ok(Ok(channel))) => return Ok(channel),
                    Ok(Ok(Err(russh::Error::ChannelOpenFailure(why)))) => return Err(Full(why).into()),
                    Ok(Ok(Err(error))) => tracing::debug!(%error, "the connection was lost"),
                    Ok(Err(error)) => return Err(error.into()),
                    Err(_) => tracing::debug!("the connection does not answer any more"),
                }
            }
            if renewed {
                bail!(Lost);
            }
            session = self.renew(&session).await?;
            renewed = true;
        }
    }

    /// Connects again unless another task has done it since `lost` was looked at.
    async fn renew(&self, lost: &Arc<Session>) -> Result<Arc<Session>> {
        let mut session = self.session.lock().await;
        if Arc::ptr_eq(&session, lost) {
            *session = Arc::new(self.login.reconnect().await?);
        }
        Ok(session.clone())
    }

    /// Runs a command of our own, and keeps what it says.
    async fn ask(&self, command: &str) -> Result<(u32, Kept)> {
        let (input, output) = command::start(self.open().await?, command, false).await?;
        Talk::silent(input, output).finish().await
    }

    /// Runs a command of our own that has to succeed.
    async fn must(&self, command: &str) -> Result<()> {
        let (code, kept) = self.ask(command).await?;
        kept.check(code)
    }

    async fn run_once(&self, command: &str, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        let (input, said) = command::start(self.open().await?, command, self.terminal).await?;
        let mut talk = Talk::silent(input, said);
        while let Some(piece) = talk.next().await? {
            command::pass(&piece, output);
        }
        talk.status()
    }

    async fn upload_once(&self, from: &Path, to: &str, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        let status = tokio::fs::metadata(from).await?;
        if status.is_dir() {
            folder::upload(self, from, to, report).await
        } else {
            transfer::upload_file(self, from, &status, to, report).await
        }
    }
}

/// The machine opens no further channel.
#[derive(Debug, thiserror::Error)]
#[error("the machine allows no further channel on this connection: {0:?}")]
struct Full(russh::ChannelOpenFailure);

#[async_trait]
impl Communicator for Ssh {
    async fn run(&self, command: &str, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        let mut result = self.run_once(command, output).await;
        if Lost::caused(&result) {
            result = self.run_once(command, output).await;
        }
        result
    }

    async fn run_script(&self, script: &RemoteScript, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        let mut result = script::run(self, script, output).await;
        if Lost::caused(&result) {
            result = script::run(self, script, output).await;
        }
        result
    }

    async fn upload(&self, from: &Path, to: &str, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        let mut result = self.upload_once(from, to, report).await;
        if Lost::caused(&result) {
            result = self.upload_once(from, to, report).await;
        }
        result.with_context(|| format!("upload `{}` to `{to}`", from.display()))
    }

    async fn upload_bytes(&self, content: &[u8], to: &str, mode: u32) -> Result<()> {
        let mut result = transfer::upload_bytes(self, content, to, mode).await;
        if Lost::caused(&result) {
            result = transfer::upload_bytes(self, content, to, mode).await;
        }
        result.with_context(|| format!("upload to `{to}`"))
    }

    async fn download(&self, from: &str, to: &Path, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        let mut result = transfer::download_file(self, from, to, report).await;
        if Lost::caused(&result) {
            result = transfer::download_file(self, from, to, report).await;
        }
        result.with_context(|| format!("download `{from}` to `{}`", to.display()))
    }

    async fn download_folder(&self, from: &str, to: &Path) -> Result<()> {
        let mut result = folder::download(self, from, to).await;
        if Lost::caused(&result) {
            result = folder::download(self, from, to).await;
        }
        result.with_context(|| format!("download `{from}` to `{}`", to.display()))
    }

    fn values(&self) -> BTreeMap<String, String> {
        let login = &self.login;
        let mut values = BTreeMap::from([
            ("Host".to_owned(), login.host.clone()),
            ("Port".to_owned(), login.port.to_string()),
            ("User".to_owned(), login.user.clone()),
            ("ConnType".to_owned(), "ssh".to_owned()),
        ]);
        if let Some(password) = &login.password {
            values.insert("Password".to_owned(), password.clone());
        }
        if let Some((path, _)) = &login.key_file {
            values.insert("SSHPrivateKeyFile".to_owned(), path.display().to_string());
        }
        let public = match (&login.temporary, &login.key_file) {
            (Some(key), _) => Some(key.public().to_owned()),
            (None, Some((_, key))) => key.public_key().to_openssh().ok(),
            (None, None) => None,
        };
        if let Some(public) = public {
            values.insert("SSHPublicKey".to_owned(), public);
        }
        values
    }
}
