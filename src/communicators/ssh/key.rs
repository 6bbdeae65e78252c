//! Private keys: made for one build, or read from a file.

use anyhow::{Context as _, Result};
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::Spanned;
use rand::TryRng as _;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{PrivateKey, decode_secret_key};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A key pair made for one build, held in memory alone.
#[derive(Clone)]
pub struct TemporaryKey {
    key: Arc<PrivateKey>,
    public: String,
}

impl TemporaryKey {
    /// A new ed25519 key. The comment ends the public key's line; control characters in it are left out.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate(comment: &str) -> Result<Self> {
        let mut seed = [0; 32];
        rand::rngs::SysRng.try_fill_bytes(&mut seed).context("get random numbers for a key")?;
        let comment: String = comment.chars().filter(|character| !character.is_control()).collect();
        let key = PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed)), comment)?;
        let public = key.public_key().to_openssh()?;
        Ok(Self { key: Arc::new(key), public })
    }

    /// As it stands in `authorized_keys`.
    pub fn public(&self) -> &str {
        &self.public
    }

    pub(super) fn private(&self) -> Arc<PrivateKey> {
        self.key.clone()
    }
}

/// The path with a leading `~` replaced by the home folder.
pub(super) fn expand(path: &Path, home: Option<&str>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => Path::new(home).join(rest),
        _ => path.to_owned(),
    }
}

/// Reads a key that needs no passphrase.
pub(super) fn parse(content: &[u8]) -> Result<PrivateKey, String> {
    let text = str::from_utf8(content).map_err(|_| "is not a private key: it is not text".to_owned())?;
    // These headers say "encrypted" in the formats whose decoder would only say "wrong".
    let sealed = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"];
    if sealed.iter().any(|header| text.contains(header)) {
        return Err(ENCRYPTED.to_owned());
    }
    match decode_secret_key(text, None) {
        Ok(key) if key.is_encrypted() => Err(ENCRYPTED.to_owned()),
        Ok(key) => Ok(key),
        Err(russh::keys::Error::KeyIsEncrypted) => Err(ENCRYPTED.to_owned()),
        Err(_) if text.contains(" PUBLIC KEY-----") || text.starts_with("ssh-") => {
            Err("is a public key, not a private one".to_owned())
        }
        Err(error) => Err(format!("is not a private key that we can read: {error}")),
    }
}

const ENCRYPTED: &str = "is protected by a passphrase";

/// Reports a key file that is missing or can't be used.
pub(super) fn check_file(file: &Spanned<PathBuf>, body: &Body, diagnostics: &mut Diagnostics) {
    let host = &body.context().host;
    let path = expand(file, host.environment("HOME").as_deref());
    let shown = file.display();
    let problem = match host.status(&path) {
        Err(error) => {
            let why =
                if error.kind() == io::ErrorKind::NotFound { "does not exist".to_owned() } else { error.to_string() };
            Diagnostic::error("missing-file", format!("the key file `{shown}` {why}"))
        }
        Ok(status) if status.is_directory => {
            Diagnostic::error("invalid-key", format!("the key file `{shown}` is a folder"))
        }
        Ok(_) => {
            match host.read(&path).map_err(|error| format!("can't be read: {error}")).and_then(|text| parse(&text)) {
                Ok(_) => return,
                Err(why) => {
                    let diagnostic = Diagnostic::error("invalid-key", format!("the key file `{shown}` {why}"));
                    if why == ENCRYPTED {
                        diagnostic.help("use `ssh_agent_auth`, or a copy without one: `ssh-keygen -p -N ''`")
                    } else {
                        diagnostic
                    }
                }
            }
        }
    };
    diagnostics.push(problem.at(file.span));
}

/// Reads the key at a path for logging in.
///
/// # Errors
/// When it is missing or can't be used.
pub(super) fn load(path: &Path) -> Result<Arc<PrivateKey>> {
    let home = std::env::var("HOME").ok();
    let content = std::fs::read(expand(path, home.as_deref()))
        .with_context(|| format!("read the key file `{}`", path.display()))?;
    let key = parse(&content).map_err(|why| anyhow::anyhow!("the key file `{}` {why}", path.display()))?;
    Ok(Arc::new(key))
}
