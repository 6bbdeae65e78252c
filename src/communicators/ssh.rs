//! SSH by russh: one connection for a whole build, one channel for each script.

mod arguments;
mod connect;
mod run;
mod transfer;

pub use arguments::SshArguments;
pub use connect::Ssh;

use anyhow::{Context as _, Result};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};
use std::sync::Arc;

/// A key pair made for one build, held in memory alone: nothing to leave behind.
#[derive(Clone)]
pub struct TemporaryKey {
    key: Arc<PrivateKey>,
    public: String,
}

impl TemporaryKey {
    /// A new ed25519 key: made in no time, and every OpenSSH since 6.5 takes it.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate(comment: &str) -> Result<Self> {
        let mut key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).context("make a temporary SSH key")?;
        key.set_comment(comment);
        let public = key.public_key().to_openssh().context("write the temporary public key")?;
        Ok(Self { key: Arc::new(key), public })
    }

    /// As it stands in `authorized_keys`.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The private key in OpenSSH's format, for `build.SSHPrivateKey`.
    ///
    /// # Errors
    /// When it can't be encoded.
    pub fn private(&self) -> Result<String> {
        Ok(self.key.to_openssh(LineEnding::LF).context("write the temporary private key")?.to_string())
    }
}

/// A text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
