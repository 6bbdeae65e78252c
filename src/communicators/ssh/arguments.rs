//! What templates say about the communicator, and the checks on it before a build.

use super::key;
use imgforge_template::arguments;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::duration;
use imgforge_template::source::{Span, Spanned};
use russh::{cipher, kex};
use std::path::PathBuf;
use std::time::Duration;

arguments! {
    /// What every builder that speaks SSH takes.
    pub struct SshArguments {
        /// How to talk to the machine: `ssh`, or `none` for a machine that nobody talks to. The default is `ssh`.
        communicator: Option<Spanned<String>>,
        /// Wait this long after the first connection, then connect again.
        pause_before_connecting: Option<Duration>,

        /// The machine's address, where the builder does not know it.
        ssh_host: Option<String>,
        /// The port that sshd listens on.
        ssh_port: u16 = "22",
        /// The user to log in as.
        ssh_username: Option<String>,
        /// Its password, also given to every question of `keyboard-interactive`.
        ssh_password: Option<String>,
        /// An existing key pair of the cloud.
        ssh_keypair_name: Option<Spanned<String>>,
        /// The name of the key pair that is made for the build, which is also its comment.
        temporary_key_pair_name: Option<String>,
        /// The kind of key made for the build; it is always `ed25519`.
        temporary_key_pair_type: Option<Spanned<String>>,
        /// Its length. An `ed25519` key has only one.
        temporary_key_pair_bits: Option<u32>,
        /// A private key without a passphrase.
        ssh_private_key_file: Option<Spanned<PathBuf>>,
        /// A certificate for the private key.
        ssh_certificate_file: Option<Spanned<PathBuf>>,
        /// Log in with the keys of the agent at `SSH_AUTH_SOCK`.
        ssh_agent_auth: Option<Spanned<bool>>,
        /// Don't let the machine use the local agent; it never may.
        ssh_disable_agent_forwarding: Option<bool>,
        /// The ciphers to offer, the best one first.
        ssh_ciphers: Vec<Spanned<String>>,
        /// The key exchange algorithms to offer, the best one first.
        ssh_key_exchange_algorithms: Vec<Spanned<String>>,
        /// Remove the temporary key from `authorized_keys` in the end.
        ssh_clear_authorized_keys: Option<Spanned<bool>>,
        /// Run commands on a terminal, which joins their output and errors.
        ssh_pty: Option<bool>,
        /// How long to wait for the first connection. The default is 5 minutes.
        ssh_timeout: Option<Duration>,
        /// The same under its older name, which wins.
        ssh_wait_timeout: Option<Duration>,
        /// How often the machine may refuse the user before the build fails. The default is 10 where no
        /// `ssh_timeout` is given, else without end.
        ssh_handshake_attempts: Option<u32>,
        /// How often to make sure that a silent machine is still there. The default is 5 seconds; negative is never.
        ssh_keep_alive_interval: Option<Spanned<String>>,
        /// Give a connection up on which nothing came for so long.
        ssh_read_write_timeout: Option<Duration>,
        /// `scp` or `sftp`; the fastest way that the machine knows is taken either way.
        ssh_file_transfer_method: Option<Spanned<String>>,

        /// A machine to connect through.
        ssh_bastion_host: Option<Spanned<String>>,
        /// Its port.
        ssh_bastion_port: Option<u16>,
        /// The user to log in as there.
        ssh_bastion_username: Option<String>,
        /// Its password.
        ssh_bastion_password: Option<String>,
        /// Ask for the password on the terminal.
        ssh_bastion_interactive: Option<bool>,
        /// A private key for it.
        ssh_bastion_private_key_file: Option<PathBuf>,
        /// A certificate for that key.
        ssh_bastion_certificate_file: Option<PathBuf>,
        /// Log in there with the keys of the local agent.
        ssh_bastion_agent_auth: Option<bool>,
        /// A SOCKS5 proxy to connect through.
        ssh_proxy_host: Option<Spanned<String>>,
        /// Its port.
        ssh_proxy_port: Option<u16>,
        /// The user to log in as there.
        ssh_proxy_username: Option<String>,
        /// Its password.
        ssh_proxy_password: Option<String>,
        /// Ports of the machine's network to open here: `port:host:hostport`.
        ssh_local_tunnels: Vec<Spanned<String>>,
        /// Ports of our network to open on the machine: `port:host:hostport`.
        ssh_remote_tunnels: Vec<Spanned<String>>,

        /// The user of WinRM.
        winrm_username: Option<String>,
        /// Its password.
        winrm_password: Option<String>,
        /// The address of WinRM.
        winrm_host: Option<String>,
        /// Its port.
        winrm_port: Option<u16>,
        /// How long to wait for WinRM.
        winrm_timeout: Option<Duration>,
        /// Use HTTPS.
        winrm_use_ssl: Option<bool>,
        /// Don't check the certificate.
        winrm_insecure: Option<bool>,
        /// Use NTLM.
        winrm_use_ntlm: Option<bool>,
        /// Don't use the proxy of the environment.
        winrm_no_proxy: Option<bool>,
    }
}

/// Packer's default for `ssh_timeout`.
const TIMEOUT: Duration = Duration::from_secs(300);
/// And for `ssh_handshake_attempts`.
const ATTEMPTS: u32 = 10;
/// And for `ssh_keep_alive_interval`.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long Packer waits between two logins.
const PATIENCE: Duration = Duration::from_secs(7);

/// How many refused logins are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempts {
    pub(super) count: u32,
    /// They have to span this time, too: a number given for Packer's pace must not run out sooner at ours.
    pub(super) span: Duration,
}

impl SshArguments {
    /// Checks what can be checked before a build.
    pub fn check(&self, body: &Body, diagnostics: &mut Diagnostics) {
        if !self.check_communicator(diagnostics) {
            return;
        }
        self.check_login(body, diagnostics);
        self.check_algorithms(diagnostics);
        self.check_unsupported(diagnostics);
        if let (0, Some(span)) = (self.ssh_port, self.given.span("ssh_port")) {
            diagnostics.push(invalid("`ssh_port` must be from 1 to 65535, not 0", span));
        }
        if let Some(Err(why)) = self.parse_keep_alive()
            && let Some(span) = self.given.span("ssh_keep_alive_interval") {
                diagnostics.push(
                    invalid(format!("`ssh_keep_alive_interval` is not a duration: {why}"), span)
                        .help("write it like `5s`, or `-1s` for never"),
                );
            }
        if let Some(method) = given(self.ssh_file_transfer_method.as_ref())
            && !matches!(method.as_str(), "scp" | "sftp") {
                diagnostics.push(
                    invalid("`ssh_file_transfer_method` must be `scp` or `sftp`", method.span)
                        .help("leave it out: the fastest way that the machine knows is taken either way"),
                );
            }
    }

    /// Whether there is no communicator at all.
    pub fn is_none(&self) -> bool {
        self.communicator.as_ref().is_some_and(|kind| kind.value == "none")
    }

    /// Whether SSH is what it is, and the other checks are of use.
    fn check_communicator(&self, diagnostics: &mut Diagnostics) -> bool {
        let Some(kind) = given(self.communicator.as_ref()) else {
            // Given but not there is unknown, and then nothing can be said of the rest.
            return self.communicator.is_some() || !self.given.has("communicator");
        };
        match kind.as_str() {
            "ssh" => return true,
            "none" => {}
            "winrm" => diagnostics
                .push(unsupported("the communicator `winrm`", kind.span).help("use `ssh`: Windows has OpenSSH, too")),
            other => diagnostics.push(invalid(
                format!("there is no communicator `{other}` for this builder: it is `ssh` or `none`"),
                kind.span,
            )),
        }
        false
    }

    fn check_login(&self, body: &Body, diagnostics: &mut Diagnostics) {
        if !self.given.has("ssh_username") {
            diagnostics.push(
                Diagnostic::error("missing-argument", "the argument `ssh_username` is required to connect by SSH")
                    .at(body.header())
                    .help("add `ssh_username`, or `communicator = \"none\"` if nothing has to run on the machine"),
            );
        } else if let (Some(""), Some(span)) = (self.ssh_username.as_deref(), self.given.span("ssh_username")) {
            diagnostics.push(invalid("`ssh_username` must not be empty", span));
        }
        if let Some(file) = self.key_file() {
            key::check_file(file, body, diagnostics);
        }
        if let Some(kind) = given(self.temporary_key_pair_type.as_ref()) {
            match kind.as_str() {
                "ed25519" => {}
                "rsa" | "ecdsa" | "dsa" => diagnostics.push(
                    Diagnostic::warning("ed25519-key-instead", "the key made for the build is an `ed25519` key")
                        .at(kind.span)
                        .help("remove it, or write `ed25519`; OpenSSH knows these keys since 6.5 of 2014"),
                ),
                other => diagnostics.push(invalid(format!("there is no key type `{other}`"), kind.span)),
            }
        }
    }

    fn check_algorithms(&self, diagnostics: &mut Diagnostics) {
        for name in &self.ssh_ciphers {
            if cipher::Name::try_from(name.as_str()).is_err() {
                diagnostics.push(unknown_algorithm(
                    "cipher",
                    name,
                    cipher::ALL_CIPHERS.iter().map(|name| name.as_ref()),
                ));
            }
        }
        for name in &self.ssh_key_exchange_algorithms {
            if kex::Name::try_from(name.as_str()).is_err() {
                let known = kex::ALL_KEX_ALGORITHMS.iter().map(|name| name.as_ref());
                diagnostics.push(unknown_algorithm("key exchange algorithm", name, known));
            }
        }
    }

    fn check_unsupported(&self, diagnostics: &mut Diagnostics) {
        let mut refuse = |name: &str, span: Span| diagnostics.push(unsupported(&format!("`{name}`"), span));
        if let Some(host) = given(self.ssh_bastion_host.as_ref()) {
            refuse("ssh_bastion_host", host.span);
        }
        if let Some(host) = given(self.ssh_proxy_host.as_ref()) {
            refuse("ssh_proxy_host", host.span);
        }
        if let Some(file) = self.ssh_certificate_file.as_ref().filter(|file| !file.as_os_str().is_empty()) {
            refuse("ssh_certificate_file", file.span);
        }
        if let Some(clear) = self.ssh_clear_authorized_keys.as_ref().filter(|clear| clear.value) {
            refuse("ssh_clear_authorized_keys", clear.span);
        }
        for (name, tunnels) in
            [("ssh_local_tunnels", &self.ssh_local_tunnels), ("ssh_remote_tunnels", &self.ssh_remote_tunnels)]
        {
            if let Some(tunnel) = tunnels.first() {
                refuse(name, tunnel.span);
            }
        }
    }

    /// The private key's file, if one is named; templates pass empty strings through for "none".
    pub(crate) fn key_file(&self) -> Option<&Spanned<PathBuf>> {
        self.ssh_private_key_file.as_ref().filter(|file| !file.as_os_str().is_empty())
    }

    /// The password, if there is one.
    pub(crate) fn password(&self) -> Option<&str> {
        self.ssh_password.as_deref().filter(|password| !password.is_empty())
    }

    /// Whether the local agent's keys are used.
    pub(crate) fn uses_agent(&self) -> bool {
        self.ssh_agent_auth.as_ref().is_some_and(|agent| agent.value)
    }

    /// How long to wait for the first connection; 0 counts as not given. With `ssh_handshake_attempts` alone, Packer
    /// waits without end.
    pub(super) fn timeout(&self) -> Option<Duration> {
        let some = |timeout: Option<Duration>| timeout.filter(|timeout| !timeout.is_zero());
        let given = some(self.ssh_wait_timeout).or(some(self.ssh_timeout));
        if given.is_none() && self.handshake_attempts().is_some() { None } else { Some(given.unwrap_or(TIMEOUT)) }
    }

    fn handshake_attempts(&self) -> Option<u32> {
        self.ssh_handshake_attempts.filter(|attempts| *attempts > 0)
    }

    /// How many refused logins are too many; `None` if only the time counts, as in Packer where only it is given:
    /// installers have an sshd of their own, which refuses for as long as the installation takes.
    pub(super) fn attempts(&self) -> Option<Attempts> {
        match self.handshake_attempts() {
            Some(count) => Some(Attempts { count, span: PATIENCE.saturating_mul(count) }),
            None if self.ssh_timeout.is_some() || self.ssh_wait_timeout.is_some() => None,
            None => Some(Attempts { count: ATTEMPTS, span: Duration::ZERO }),
        }
    }

    /// How often to ask a silent machine whether it is there.
    pub(super) fn keep_alive(&self) -> Option<Duration> {
        match self.parse_keep_alive() {
            Some(Ok(interval)) => interval,
            Some(Err(_)) | None => Some(KEEP_ALIVE),
        }
    }

    fn parse_keep_alive(&self) -> Option<Result<Option<Duration>, String>> {
        let text = given(self.ssh_keep_alive_interval.as_ref())?;
        // Legacy JSON also has bare numbers, which are nanoseconds.
        let nanoseconds = text.parse().map_or_else(|_| duration::parse(text).map_err(|why| why.to_string()), Ok);
        Some(nanoseconds.map(|nanoseconds| match u64::try_from(nanoseconds) {
            Ok(0) => Some(KEEP_ALIVE),
            Ok(nanoseconds) => Some(Duration::from_nanos(nanoseconds)),
            Err(_) => None,
        }))
    }
}

/// The argument unless it is an empty string, which templates pass through for "not set".
fn given(argument: Option<&Spanned<String>>) -> Option<&Spanned<String>> {
    argument.filter(|text| !text.is_empty())
}

fn invalid(message: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::error("invalid-value", message).at(span)
}

fn unsupported(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("not-supported-yet", format!("{what} is not supported yet"))
        .at(span)
        .help("remove it, or connect in another way")
}

fn unknown_algorithm<'a>(kind: &str, name: &Spanned<String>, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let known: Vec<_> = known.filter(|name| *name != "none" && *name != "clear").collect();
    invalid(format!("there is no {kind} `{}`", name.value), name.span).help(format!("known are {}", known.join(", ")))
}
