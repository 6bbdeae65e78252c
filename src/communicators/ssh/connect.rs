//! From an address to a connection that lets us in: knocking until sshd answers, then the handshake and the login.

use super::arguments::{Attempts, SshArguments};
use super::authenticate::{self, Refused};
use super::key::{self, TemporaryKey};
use crate::context::BuildContext;
use anyhow::{Context as _, Result, anyhow, bail};
use russh::client::{self, Config, Handle};
use russh::keys::{HashAlg, PrivateKey, PublicKeyOrCertificate};
use russh::{Preferred, cipher, kex};
use std::borrow::Cow;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, join};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

/// A live connection.
pub(super) type Session = Handle<Client>;

/// A silent try is replaced by another one after a sixteenth of the time that was waited for, within these bounds. QEMU's
/// user networking accepts before the guest listens and then leaves the connection hanging, while the next one would be
/// answered at once.
const SILENCE: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// One try at a time has this long from first packet to banner: emulated guests need a second to start an sshd. More
/// than these two at once would be in each other's way when such a guest begins to listen.
const KNOCK_LIMIT: Duration = Duration::from_secs(4);
/// How soon after a refused try the next one starts, and for how long it goes at that pace.
const PAUSE: Duration = Duration::from_millis(20);
const HASTE: Duration = Duration::from_secs(30);
const LATER_PAUSE: Duration = Duration::from_millis(250);
/// Handshake and login, as in Packer.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(60);
/// Pauses after refused logins.
const FIRST_REFUSAL_PAUSE: Duration = Duration::from_millis(200);
const LAST_REFUSAL_PAUSE: Duration = Duration::from_secs(2);
/// How long a connection that was lost may take to come back: the caller repeats that if it knows of a reboot.
const RECONNECT_LIMIT: Duration = Duration::from_secs(15);
/// Far more than any banner.
const BANNER_LIMIT: usize = 8 << 10;

/// Who logs in where, and with what.
pub(super) struct Login {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) key_file: Option<(PathBuf, Arc<PrivateKey>)>,
    pub(super) temporary: Option<TemporaryKey>,
    pub(super) agent: bool,
    timeout: Option<Duration>,
    attempts: Option<Attempts>,
    config: Arc<Config>,
}

impl Login {
    /// Reads the key file.
    ///
    /// # Errors
    /// When the key can't be used.
    pub(super) fn new(arguments: &SshArguments, host: &str, port: u16, key: Option<&TemporaryKey>) -> Result<Self> {
        if arguments.uses_agent() && std::env::var_os("SSH_AUTH_SOCK").is_none() {
            bail!("`ssh_agent_auth` is set, but no SSH agent runs: `SSH_AUTH_SOCK` is not set");
        }
        let key_file = match arguments.key_file() {
            Some(file) => Some((file.value.clone(), key::load(file)?)),
            None => None,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            user: arguments.ssh_username.clone().unwrap_or_default(),
            password: arguments.password().map(str::to_owned),
            key_file,
            temporary: key.cloned(),
            agent: arguments.uses_agent(),
            timeout: arguments.timeout(),
            attempts: arguments.attempts(),
            config: Arc::new(config(arguments)),
        })
    }

    /// Connects, and goes on trying until the time or the attempts are up.
    ///
    /// # Errors
    /// When they are; it says what the last try met.
    pub(super) async fn connect(&self, context: &BuildContext) -> Result<Session> {
        let mut met = "nothing yet".to_owned();
        tokio::select! {
            result = self.persist(self.timeout, &mut met) => result,
            () = context.cancel.cancelled() => bail!("cancelled"),
        }
    }

    /// Connects again after the connection was lost; does not wait for a machine that is down.
    ///
    /// # Errors
    /// When it can't be had at once.
    pub(super) async fn reconnect(&self) -> Result<Session> {
        let mut met = "nothing yet".to_owned();
        let attempt = async {
            let knock = knock(&self.host, self.port, HANDSHAKE_LIMIT, &AtomicBool::new(false)).await;
            let (stream, banner) = knock.map_err(|why| anyhow!(why))?;
            self.enter(stream, banner, &mut met).await.map_err(|failure| match failure {
                Failure::Refused(refused) => anyhow!("the machine refused {refused}"),
                Failure::Lost(error) => error,
            })
        };
        match timeout(RECONNECT_LIMIT, attempt).await {
            Ok(result) => result.with_context(|| format!("connect to {} again", self.address())),
            Err(_) => bail!("connect to {} again: no answer", self.address()),
        }
    }

    async fn persist(&self, limit: Option<Duration>, met: &mut String) -> Result<Session> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut refusals = 0_u32;
        let mut first_refusal = None;
        // Says more than how far the login came that the time cut off.
        let mut last_refusal = None;
        let mut pause = FIRST_REFUSAL_PAUSE;
        loop {
            let attempt = async {
                let (stream, banner) = self.first_answer(met).await;
                self.enter(stream, banner, met).await
            };
            let outcome = match deadline {
                Some(deadline) => timeout_at(deadline, attempt).await,
                None => Ok(attempt.await),
            };
            match outcome {
                Ok(Ok(session)) => {
                    tracing::debug!(address = self.address(), user = self.user, "logged in");
                    return Ok(session);
                }
                Ok(Err(Failure::Lost(error))) => {
                    tracing::debug!(address = self.address(), %error, "connection lost");
                    *met = format!("{error:#}");
                    sleep(LATER_PAUSE).await;
                }
                Ok(Err(Failure::Refused(refused))) => {
                    refusals = refusals.saturating_add(1);
                    let since = *first_refusal.get_or_insert_with(Instant::now);
                    last_refusal = Some(format!("the machine refused {refused}"));
                    if self.attempts.is_some_and(|most| refusals >= most.count && since.elapsed() >= most.span) {
                        bail!("{} refused {refused}, {refusals} times", self.address());
                    }
                    tracing::debug!(%refused, refusals, "login refused");
                    sleep(pause).await;
                    pause = (pause * 2).min(LAST_REFUSAL_PAUSE);
                }
                Err(_) => {
                    let limit = limit.unwrap_or_default();
                    let met = last_refusal.as_ref().unwrap_or(met);
                    bail!(
                        "Timeout waiting for SSH: no connection to {} within {limit:?}; the last try met: {met}",
                        self.address()
                    );
                }
            }
        }
    }

    fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Knocks until someone answers with a banner.
    async fn first_answer(&self, met: &mut String) -> (TcpStream, Vec<u8>) {
        let started = Instant::now();
        let mut next = started;
        let mut knocks = JoinSet::new();
        let mut patient: Option<AbortHandle> = None;
        let mut quick: Option<(AbortHandle, Arc<AtomicBool>)> = None;
        loop {
            tokio::select! {
                Some(result) = knocks.join_next() => match result {
                    Ok(Ok(answer)) => {
                        tracing::debug!(address = self.address(), waited = ?started.elapsed(), "sshd answers");
                        return answer;
                    }
                    Ok(Err(why)) => {
                        // It knocks many times a second.
                        if *met != why {
                            tracing::debug!(address = self.address(), why, "no answer yet");
                        }
                        *met = why;
                        let pause = if started.elapsed() < HASTE { PAUSE } else { LATER_PAUSE };
                        next = next.min(Instant::now() + pause);
                    }
                    Err(error) if error.is_cancelled() => {}
                    Err(error) => *met = error.to_string(),
                },
                () = sleep_until(next) => {
                    let (host, port, connected) = (self.host.clone(), self.port, Arc::new(AtomicBool::new(false)));
                    let seen = connected.clone();
                    let knock = knocks.spawn(async move { knock(&host, port, KNOCK_LIMIT, &seen).await });
                    if patient.as_ref().is_none_or(AbortHandle::is_finished) {
                        patient = Some(knock);
                    } else if let Some((before, connected)) = quick.replace((knock, connected))
                        && !before.is_finished()
                    {
                        before.abort();
                        silence(&connected).clone_into(met);
                    }
                    let [shortest, longest] = SILENCE;
                    next = Instant::now() + (started.elapsed() / 16).clamp(shortest, longest);
                }
            }
        }
    }

    /// Handshake and login on a connection whose banner is read already.
    async fn enter(&self, stream: TcpStream, banner: Vec<u8>, met: &mut String) -> Result<Session, Failure> {
        "no end of the SSH handshake".clone_into(met);
        let entering = async {
            stream.set_nodelay(true).map_err(anyhow::Error::from)?;
            let (reader, writer) = stream.into_split();
            let stream = join(Cursor::new(banner).chain(reader), writer);
            let client = Client { address: self.address() };
            let mut session = client::connect_stream(self.config.clone(), stream, client)
                .await
                .map_err(|error| anyhow!("the SSH handshake ended with: {}", said(&error)))?;
            "no end of the login".clone_into(met);
            authenticate::log_in(&mut session, self).await?;
            Ok(session)
        };
        match timeout(HANDSHAKE_LIMIT, entering).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Lost(anyhow!("no end of handshake and login within {HANDSHAKE_LIMIT:?}"))),
        }
    }
}

/// Why a try led to nothing.
pub(super) enum Failure {
    /// Answered, but it does not want us.
    Refused(Refused),
    /// Anything else; it may be starting up or going down.
    Lost(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Lost(error)
    }
}

/// One try to get a banner, with all that was read so far. The error is what it met.
async fn knock(host: &str, port: u16, limit: Duration, connected: &AtomicBool) -> Result<(TcpStream, Vec<u8>), String> {
    let attempt = async {
        let mut stream = TcpStream::connect((host, port)).await.map_err(|error| said_by_system(&error))?;
        connected.store(true, Ordering::Relaxed);
        let mut banner = Vec::new();
        loop {
            let mut chunk = [0; 1024];
            let count = stream.read(&mut chunk).await.map_err(|error| said_by_system(&error))?;
            banner.extend_from_slice(&chunk[..count]);
            if is_banner(&banner) {
                return Ok((stream, banner));
            }
            if count == 0 && banner.is_empty() {
                return Err("the connection was closed without an SSH banner".to_owned());
            }
            if count == 0 || banner.len() > BANNER_LIMIT {
                let text = String::from_utf8_lossy(&banner);
                let line: String = text.lines().next().unwrap_or_default().chars().take(80).collect();
                return Err(format!("an answer that is no SSH banner: {line:?}"));
            }
        }
    };
    match timeout(limit, attempt).await {
        Ok(result) => result,
        Err(_) => Err(silence(connected).to_owned()),
    }
}

/// What a try met that nobody answered.
fn silence(connected: &AtomicBool) -> &'static str {
    if connected.load(Ordering::Relaxed) { "no SSH banner on an open connection" } else { "no answer" }
}

/// Whether a whole line says that SSH is spoken; lines of other text may come before it.
fn is_banner(bytes: &[u8]) -> bool {
    bytes.split_inclusive(|byte| *byte == b'\n').any(|line| line.starts_with(b"SSH-") && line.ends_with(b"\n"))
}

/// Without the number that the system's errors end with.
fn said_by_system(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = words.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

fn said(error: &russh::Error) -> String {
    match error {
        russh::Error::IO(error) => said_by_system(error),
        russh::Error::Disconnect | russh::Error::HUP => "the connection was closed".to_owned(),
        other => other.to_string(),
    }
}

/// Settings of the protocol. Orders and sizes are measured: AES-GCM is twice as fast as what servers would choose,
/// and X25519 is the exchange that slow guests finish soonest.
fn config(arguments: &SshArguments) -> Config {
    let mut ciphers: Vec<_> =
        arguments.ssh_ciphers.iter().filter_map(|name| cipher::Name::try_from(name.as_str()).ok()).collect();
    if ciphers.is_empty() {
        ciphers = vec![cipher::AES_256_GCM, cipher::AES_128_GCM];
        ciphers.extend_from_slice(&Preferred::DEFAULT.cipher);
    }
    let mut exchanges: Vec<_> = arguments
        .ssh_key_exchange_algorithms
        .iter()
        .filter_map(|name| kex::Name::try_from(name.as_str()).ok())
        .collect();
    if exchanges.is_empty() {
        exchanges = vec![kex::CURVE25519, kex::CURVE25519_PRE_RFC_8731];
        exchanges.extend_from_slice(&[kex::ECDH_SHA2_NISTP256, kex::ECDH_SHA2_NISTP384, kex::ECDH_SHA2_NISTP521]);
        exchanges.extend_from_slice(&Preferred::DEFAULT.kex);
        // Only for what is older than 2014.
        exchanges.push(kex::DH_G14_SHA1);
    } else {
        exchanges.extend_from_slice(&[kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT]);
    }
    let mut seen = Vec::new();
    ciphers.retain(|name| first_time(&mut seen, name.as_ref()));
    exchanges.retain(|name| first_time(&mut seen, name.as_ref()));
    Config {
        nodelay: true,
        window_size: 16 << 20,
        maximum_packet_size: 65535,
        channel_buffer_size: 1000,
        keepalive_interval: arguments.keep_alive(),
        // A busy emulated guest may be silent for half a minute.
        keepalive_max: 8,
        inactivity_timeout: arguments.ssh_read_write_timeout.filter(|limit| !limit.is_zero()),
        preferred: Preferred { cipher: Cow::Owned(ciphers), kex: Cow::Owned(exchanges), ..Preferred::DEFAULT },
        ..Config::default()
    }
}

fn first_time(seen: &mut Vec<String>, name: &str) -> bool {
    let new = !seen.iter().any(|known| known == name);
    if new {
        seen.push(name.to_owned());
    }
    new
}

/// Our side of a connection.
pub(super) struct Client {
    address: String,
}

impl client::Handler for Client {
    type Error = russh::Error;

    /// Any key will do: the machine was made a moment ago, and nobody could know its key.
    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let fingerprint = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.fingerprint(HashAlg::Sha256).to_string(),
            PublicKeyOrCertificate::Certificate(certificate) => {
                certificate.public_key().fingerprint(HashAlg::Sha256).to_string()
            }
        };
        tracing::debug!(address = self.address, fingerprint, "host key");
        Ok(true)
    }

    async fn auth_banner(&mut self, banner: &str, _session: &mut client::Session) -> Result<(), russh::Error> {
        tracing::debug!(address = self.address, banner, "login banner");
        Ok(())
    }
}
