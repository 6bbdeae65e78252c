//! What every builder that speaks SSH takes.

use imgforge_template::arguments;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::Spanned;
use russh::keys::PrivateKey;
use std::path::PathBuf;
use std::time::Duration;

arguments! {
    /// The communicator's part of a source block.
    pub struct SshArguments {
        /// How to talk to the machine: `ssh` or `none`.
        communicator: Option<Spanned<String>>,
        /// Wait this long after the first connection, then connect again.
        pause_before_connecting: Duration = "0s",
        /// The machine's address, where the builder does not know it.
        ssh_host: Option<String>,
        /// The port on the machine.
        ssh_port: u16 = "22",
        /// Who logs in.
        ssh_username: Option<String>,
        /// Offered as a password and as the answer to every question.
        ssh_password: Option<String>,
        /// A key file; it must not need a passphrase.
        ssh_private_key_file: Option<Spanned<PathBuf>>,
        /// How long to wait for the first connection.
        ssh_timeout: Duration = "5m",
        /// An older name of `ssh_timeout`; it wins.
        ssh_wait_timeout: Option<Duration>,
        /// How often the machine may refuse us.
        ssh_handshake_attempts: u32 = "10",
        /// How often to ask whether the machine is still there; `0s` never does.
        ssh_keep_alive_interval: Duration = "5s",
        /// The comment of the temporary key.
        temporary_key_pair_name: Option<String>,
        /// Only `ed25519` is made.
        temporary_key_pair_type: Option<Spanned<String>>,
        /// Ignored: an ed25519 key has one size.
        temporary_key_pair_bits: Option<u32>,
        /// Accepted: an agent is never forwarded.
        ssh_disable_agent_forwarding: Option<bool>,
        /// Not supported yet.
        ssh_keypair_name: Option<Spanned<String>>,
        /// Not supported yet.
        ssh_certificate_file: Option<Spanned<String>>,
        /// Not supported yet.
        ssh_agent_auth: bool = "false",
        /// Not supported yet.
        ssh_pty: bool = "false",
        /// Not supported yet.
        ssh_clear_authorized_keys: bool = "false",
        /// Not supported yet.
        ssh_read_write_timeout: Option<Duration>,
        /// Ignored: folders go as one tar stream, files as they are.
        ssh_file_transfer_method: Option<Spanned<String>>,
        /// Not supported yet.
        ssh_ciphers: Vec<String>,
        /// Not supported yet.
        ssh_key_exchange_algorithms: Vec<String>,
        /// Not supported yet.
        ssh_local_tunnels: Vec<String>,
        /// Not supported yet.
        ssh_remote_tunnels: Vec<String>,
        /// Not supported yet.
        ssh_bastion_host: Option<String>,
        /// Not supported yet.
        ssh_bastion_port: Option<u32>,
        /// Not supported yet.
        ssh_bastion_username: Option<String>,
        /// Not supported yet.
        ssh_bastion_password: Option<String>,
        /// Not supported yet.
        ssh_bastion_private_key_file: Option<String>,
        /// Not supported yet.
        ssh_bastion_certificate_file: Option<String>,
        /// Not supported yet.
        ssh_bastion_agent_auth: Option<bool>,
        /// Not supported yet.
        ssh_bastion_interactive: Option<bool>,
        /// Not supported yet.
        ssh_proxy_host: Option<String>,
        /// Not supported yet.
        ssh_proxy_port: Option<u32>,
        /// Not supported yet.
        ssh_proxy_username: Option<String>,
        /// Not supported yet.
        ssh_proxy_password: Option<String>,
    }
}

/// Arguments that change what a build does and that we do not honour: an error is better than a build that differs.
const NOT_YET: &[&str] = &[
    "ssh_keypair_name",
    "ssh_certificate_file",
    "ssh_read_write_timeout",
    "ssh_ciphers",
    "ssh_key_exchange_algorithms",
    "ssh_local_tunnels",
    "ssh_remote_tunnels",
    "ssh_bastion_host",
    "ssh_bastion_port",
    "ssh_bastion_username",
    "ssh_bastion_password",
    "ssh_bastion_private_key_file",
    "ssh_bastion_certificate_file",
    "ssh_bastion_agent_auth",
    "ssh_bastion_interactive",
    "ssh_proxy_host",
    "ssh_proxy_port",
    "ssh_proxy_username",
    "ssh_proxy_password",
];

impl SshArguments {
    /// Checks what can be checked before a build.
    pub fn check(&self, body: &Body, diagnostics: &mut Diagnostics) {
        if let Some(kind) = &self.communicator {
            match kind.value.as_str() {
                "ssh" => {}
                "none" => return,
                "winrm" => {
                    diagnostics.push(
                        Diagnostic::error("not-supported-yet", "the communicator `winrm` is not supported yet")
                            .at(kind.span),
                    );
                    return;
                }
                other => {
                    diagnostics.push(
                        Diagnostic::error("invalid-value", format!("there is no communicator `{other}`"))
                            .at(kind.span)
                            .help("imgforge has `ssh` and `none`"),
                    );
                    return;
                }
            }
        }
        self.report_unsupported(diagnostics);
        if !self.given.has("ssh_username") {
            diagnostics.push(
                Diagnostic::error("missing-argument", "the argument `ssh_username` is required")
                    .at(body.header())
                    .help("say who logs in, or set `communicator = \"none\"`"),
            );
        }
        if let Some(kind) = self.temporary_key_pair_type.as_ref().filter(|kind| kind.value != "ed25519") {
            diagnostics.push(
                Diagnostic::warning("ignored-value", format!("the temporary key is ed25519, not `{}`", kind.value))
                    .at(kind.span),
            );
        }
        if let Some(path) = &self.ssh_private_key_file {
            check_key(path, body, diagnostics);
        }
    }

    fn report_unsupported(&self, diagnostics: &mut Diagnostics) {
        let flags = [
            ("ssh_agent_auth", self.ssh_agent_auth),
            ("ssh_pty", self.ssh_pty),
            ("ssh_clear_authorized_keys", self.ssh_clear_authorized_keys),
        ];
        let flags = flags.iter().filter(|(_, set)| *set).map(|(name, _)| *name);
        for name in NOT_YET.iter().copied().chain(flags) {
            if let Some(span) = self.given.span(name) {
                let message = format!("`{name}` is not supported yet");
                diagnostics.push(Diagnostic::error("not-supported-yet", message).at(span));
            }
        }
    }

    /// Whether there is no communicator at all.
    pub fn is_none(&self) -> bool {
        self.communicator.as_ref().is_some_and(|kind| kind.value == "none")
    }

    /// How long to wait for the first connection.
    pub fn timeout(&self) -> Duration {
        self.ssh_wait_timeout.unwrap_or(self.ssh_timeout)
    }
}

/// The key file must be there and be a key we can use.
fn check_key(path: &Spanned<PathBuf>, body: &Body, diagnostics: &mut Diagnostics) {
    let host = &body.context().host;
    let shown = path.value.display();
    let file = super::connect::expanded(&path.value, host.environment("HOME"));
    let diagnostic = match host.read(&file) {
        Err(error) => Diagnostic::error("missing-file", format!("the key file `{shown}` can't be read: {error}")),
        Ok(bytes) => {
            match String::from_utf8(bytes).ok().and_then(|text| PrivateKey::from_openssh(text.as_str()).ok()) {
                Some(key) if key.is_encrypted() => {
                    Diagnostic::error("invalid-value", format!("the key `{shown}` has a passphrase"))
                        .help("nobody is there to type it: use a key without one")
                }
                // Older formats are read when the connection is made.
                _ => return,
            }
        }
    };
    diagnostics.push(diagnostic.at(path.span));
}
