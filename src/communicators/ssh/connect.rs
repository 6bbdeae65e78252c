//! Getting a connection: waiting for the machine, letting us in, and again when it was lost.

use super::{SshArguments, TemporaryKey};
use crate::context::BuildContext;
use anyhow::{Context as _, Result, bail};
use russh::client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{Preferred, cipher, kex};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// How long one try may wait for the banner. QEMU's forwarder accepts at once and then says nothing until the guest
/// is up; a try that began too early may hang for good.
const BANNER_LIMIT: Duration = Duration::from_millis(500);
/// Between tries, while the machine is likely to come up any moment.
const EAGER: Duration = Duration::from_millis(20);
/// Between tries, later on.
const PATIENT: Duration = Duration::from_millis(250);
/// How long tries stay eager.
const EAGER_FOR: Duration = Duration::from_secs(30);
/// A handshake under emulation takes a second or two.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(60);

/// One SSH connection; it is made again when it was lost.
pub struct Ssh {
    pub(super) settings: Settings,
    current: Mutex<Arc<Handle<Client>>>,
}

/// Where and as whom.
pub(super) struct Settings {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: Option<String>,
    key_file: Option<Arc<PrivateKey>>,
    pub(super) temporary_key: Option<TemporaryKey>,
    attempts: u32,
    config: Arc<client::Config>,
}

/// Takes any host key, as every build of a new machine must: nobody has seen it before.
pub(super) struct Client;

impl client::Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        tracing::debug!(?key, "host key");
        Ok(true)
    }
}

/// What one try met.
enum Met {
    Connected(Box<Handle<Client>>),
    /// It does not answer yet.
    NotThere(String),
    /// It answers, and does not let us in.
    Refused(String),
}

impl Ssh {
    /// Waits until the machine at `host` and `port` answers with an SSH banner and lets us in, at most `ssh_timeout`.
    /// Dropping the future stops the waiting.
    ///
    /// # Errors
    /// When the time is up, or the machine refuses the user.
    pub async fn connect(
        arguments: &SshArguments,
        host: &str,
        port: u16,
        key: Option<&TemporaryKey>,
        context: &BuildContext,
    ) -> Result<Self> {
        let settings = Settings::new(arguments, host, port, key).await?;
        context.say(format!("Using SSH communicator to connect: {host}"));
        context.say("Waiting for SSH to become available...");
        let deadline = Instant::now() + arguments.timeout();
        let mut handle = settings.wait(deadline).await?;
        if !arguments.pause_before_connecting.is_zero() {
            context.say(format!(
                "Pausing {} before connecting...",
                crate::build::spell(arguments.pause_before_connecting)
            ));
            drop(handle);
            context.sleep(arguments.pause_before_connecting).await?;
            handle = settings.wait(Instant::now() + arguments.timeout()).await?;
        }
        context.say("Connected to SSH!");
        Ok(Self { settings, current: Mutex::new(Arc::new(handle)) })
    }

    /// A channel on the connection; one that was lost is made again, once.
    pub(super) async fn channel(&self) -> Result<russh::Channel<client::Msg>> {
        let mut current = self.current.lock().await;
        if !current.is_closed() {
            match current.channel_open_session().await {
                Ok(channel) => return Ok(channel),
                Err(error) => tracing::debug!(%error, "channel refused, connecting again"),
            }
        }
        let handle = match self.settings.attempt().await? {
            Met::Connected(handle) => *handle,
            Met::NotThere(why) | Met::Refused(why) => {
                bail!("the SSH connection was lost and can't be made again: {why}")
            }
        };
        *current = Arc::new(handle);
        current.channel_open_session().await.context("open an SSH channel")
    }
}

impl Settings {
    async fn new(arguments: &SshArguments, host: &str, port: u16, key: Option<&TemporaryKey>) -> Result<Self> {
        let key_file = match &arguments.ssh_private_key_file {
            Some(path) => {
                let path = expanded(&path.value, std::env::var("HOME").ok());
                let text = tokio::fs::read_to_string(&path).await;
                let text = text.with_context(|| format!("read the key file {}", path.display()))?;
                let key = russh::keys::decode_secret_key(&text, None);
                Some(Arc::new(key.with_context(|| format!("read the key file {}", path.display()))?))
            }
            None => None,
        };
        let keepalive = Some(arguments.ssh_keep_alive_interval).filter(|interval| !interval.is_zero());
        Ok(Self {
            host: host.to_owned(),
            port,
            user: arguments.ssh_username.clone().unwrap_or_default(),
            password: arguments.ssh_password.clone(),
            key_file,
            temporary_key: key.cloned(),
            attempts: arguments.ssh_handshake_attempts,
            config: Arc::new(config(keepalive)),
        })
    }

    async fn wait(&self, deadline: Instant) -> Result<Handle<Client>> {
        let started = Instant::now();
        let mut refusals = 0;
        let mut last = "nothing was tried".to_owned();
        while Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.attempt()).await {
                Err(_) => break,
                Ok(Err(error)) => return Err(error),
                Ok(Ok(Met::Connected(handle))) => return Ok(*handle),
                Ok(Ok(Met::NotThere(why))) => {
                    last = why;
                    let eager = started.elapsed() < EAGER_FOR;
                    tokio::time::sleep(if eager { EAGER } else { PATIENT }).await;
                }
                Ok(Ok(Met::Refused(why))) => {
                    refusals += 1;
                    if refusals >= self.attempts.max(1) {
                        bail!("the machine does not let us in, tried {refusals} times: {why}");
                    }
                    last = why;
                    // A machine that is just starting may not have its users yet.
                    tokio::time::sleep(Duration::from_millis(200) * refusals.min(10)).await;
                }
            }
        }
        bail!("Timeout waiting for SSH: {}:{} did not let us in; the last try met: {last}", self.host, self.port)
    }

    async fn attempt(&self) -> Result<Met> {
        let address = (self.host.as_str(), self.port);
        let stream = match tokio::time::timeout(Duration::from_secs(15), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Ok(Met::NotThere(error.to_string())),
            Err(_) => return Ok(Met::NotThere("no answer within 15 s".to_owned())),
        };
        stream.set_nodelay(true).context("set up the connection")?;
        // The banner is looked at, not taken: the handshake goes on with the same connection.
        match tokio::time::timeout(BANNER_LIMIT, stream.peek(&mut [0; 4])).await {
            Ok(Ok(1..)) => {}
            Ok(Ok(0)) => return Ok(Met::NotThere("the connection was closed before the SSH banner".to_owned())),
            Ok(Err(error)) => return Ok(Met::NotThere(error.to_string())),
            Err(_) => return Ok(Met::NotThere("the port is open, but no SSH banner came".to_owned())),
        }
        let handshake = client::connect_stream(self.config.clone(), stream, Client);
        let mut handle = match tokio::time::timeout(HANDSHAKE_LIMIT, handshake).await {
            Ok(Ok(handle)) => handle,
            Ok(Err(error)) => return Ok(Met::NotThere(format!("the handshake failed: {error}"))),
            Err(_) => return Ok(Met::NotThere("the handshake did not end within a minute".to_owned())),
        };
        match tokio::time::timeout(HANDSHAKE_LIMIT, self.authenticate(&mut handle)).await {
            Ok(Ok(None)) => Ok(Met::Connected(Box::new(handle))),
            Ok(Ok(Some(why))) => Ok(Met::Refused(why)),
            Ok(Err(error)) => Ok(Met::NotThere(format!("the connection broke while logging in: {error}"))),
            Err(_) => Ok(Met::NotThere("logging in did not end within a minute".to_owned())),
        }
    }

    /// `None` when we are in, else what was refused.
    async fn authenticate(&self, handle: &mut Handle<Client>) -> Result<Option<String>, russh::Error> {
        let mut tried = Vec::new();
        let keys = self.key_file.iter().map(|key| (key, "the key file"));
        let keys = keys.chain(self.temporary_key.iter().map(|key| (&key.key, "the temporary key")));
        for (key, name) in keys {
            let hash = match key.algorithm().is_rsa() {
                true => handle.best_supported_rsa_hash().await?.flatten(),
                false => None,
            };
            let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
            if handle.authenticate_publickey(&self.user, key).await? == AuthResult::Success {
                return Ok(None);
            }
            tried.push(name);
        }
        if let Some(password) = &self.password {
            if handle.authenticate_password(&self.user, password).await? == AuthResult::Success {
                return Ok(None);
            }
            tried.push("the password");
            if self.interactive(handle, password).await? {
                return Ok(None);
            }
        }
        if tried.is_empty() {
            if handle.authenticate_none(&self.user).await? == AuthResult::Success {
                return Ok(None);
            }
            return Ok(Some(format!("the user `{}` has neither a key nor a password", self.user)));
        }
        Ok(Some(format!("the user `{}` was refused with {}", self.user, tried.join(" and "))))
    }

    /// The password as the answer to every question.
    async fn interactive(&self, handle: &mut Handle<Client>, password: &str) -> Result<bool, russh::Error> {
        let mut response = handle.authenticate_keyboard_interactive_start(&self.user, None).await?;
        // A server asks once or twice; one that asks for ever is not worth it.
        for _ in 0..5 {
            response = match response {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    let answers = prompts.iter().map(|_| password.to_owned()).collect();
                    handle.authenticate_keyboard_interactive_respond(answers).await?
                }
            };
        }
        Ok(false)
    }
}

/// Measured: AES-GCM first doubles the throughput of chacha20 on CPUs with AES; a large window lets downloads run.
fn config(keepalive: Option<Duration>) -> client::Config {
    // Plain curve25519 first: the post-quantum exchanges cost an emulated guest a second.
    let first = [kex::CURVE25519, kex::CURVE25519_PRE_RFC_8731];
    let rest = Preferred::DEFAULT.kex.iter().filter(|name| !first.contains(name)).copied();
    let ciphers = [cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR];
    let others = Preferred::DEFAULT.cipher.iter().filter(|name| !ciphers.contains(name)).copied();
    client::Config {
        nodelay: true,
        window_size: 16 << 20,
        maximum_packet_size: 65_535,
        channel_buffer_size: 1000,
        keepalive_interval: keepalive,
        preferred: Preferred {
            kex: Cow::Owned(first.into_iter().chain(rest).collect()),
            cipher: Cow::Owned(ciphers.into_iter().chain(others).collect()),
            ..Preferred::DEFAULT
        },
        ..client::Config::default()
    }
}

/// `~/` is the home folder.
pub(super) fn expanded(path: &Path, home: Option<String>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.to_owned(),
    }
}
