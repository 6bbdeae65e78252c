//! How the machine lets us in: a key in its metadata, a key of OS Login, or what the template brings along.

use super::Googlecompute;
use super::arguments::set;
use super::preflight::Found;
use crate::communicators::ssh::{SshArguments, TemporaryKey};
use crate::context::BuildContext;
use crate::google::{CLEANER, Explain as _, Place, kind};
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// What metadata call the keys that the guest lets in.
const SSH_KEYS: &str = "ssh-keys";

/// Whether the guest asks OS Login.
pub(super) const OS_LOGIN: &str = "enable-oslogin";

/// The longest name of a POSIX account.
const LONGEST_USER: usize = 32;

/// How we log in.
#[derive(Clone)]
pub(super) enum Login {
    /// Nobody talks to the machine, or the template has a key or an agent of its own.
    Own,
    /// A key of ours in the machine's metadata.
    Metadata(TemporaryKey),
    /// A key of ours in the profile of OS Login, and the user that it is for.
    Profile(TemporaryKey, String),
}

impl Googlecompute {
    /// Makes what lets us in; that of OS Login is there when this returns.
    pub(super) async fn make_login(&self, found: &Found, context: &BuildContext) -> Result<Login> {
        if self.ssh.is_none() {
            return Ok(Login::Own);
        }
        if self.ssh.key_file().is_some() {
            context.say("Using existing SSH private key");
            return Ok(Login::Own);
        }
        if self.ssh.uses_agent() {
            return Ok(Login::Own);
        }
        context.say("Creating temporary SSH key for instance...");
        let Some(email) = &found.login_email else {
            let user = self.ssh.ssh_username.as_deref().unwrap_or_default();
            return Ok(Login::Metadata(TemporaryKey::generate(user)?));
        };
        context.say("Importing SSH public key for OSLogin...");
        let mut details = self.details(&self.source.project_id, Place::Global);
        details.insert("account".to_owned(), email.clone());
        let claim = context.ledger.claim_with(CLEANER, kind::LOGIN_KEY, details).context("write the journal")?;
        let key = TemporaryKey::generate(claim.name())?;
        let (gce, project) = (&found.gce, &self.source.project_id);
        let expires = SystemTime::now() + self.key_lasts();
        let profile = gce
            .import_login_key(claim, email, project, key.public(), expires)
            .await
            .explain("add a key to the OS Login profile")?;
        let user = self.login_user(&profile.username);
        anyhow::ensure!(!user.is_empty(), "the OS Login profile of {email} has no POSIX account");
        Ok(Login::Profile(key, user))
    }

    /// How long the key of OS Login lasts if nobody removes it.
    fn key_lasts(&self) -> Duration {
        let given = self.network.oslogin_ssh_key_expire_after.filter(|lasts| !lasts.is_zero());
        given.unwrap_or_else(|| self.lasts())
    }

    /// The user by whose name OS Login lets us in.
    fn login_user(&self, account: &str) -> String {
        let user = match set(&self.network.oslogin_ssh_username) {
            None | Some("__auto__") => account.to_owned(),
            Some("__external__") if account.starts_with("ext_") => account.to_owned(),
            Some("__external__") => format!("ext_{account}"),
            Some(user) => user.to_owned(),
        };
        user.chars().take(LONGEST_USER).collect()
    }

    /// What the machine's metadata say of its keys: ours, then the user's.
    pub(super) fn ssh_keys(&self, login: &Login, metadata: &BTreeMap<String, String>) -> Option<(String, String)> {
        let Login::Metadata(key) = login else { return None };
        let user = self.ssh.ssh_username.as_deref().unwrap_or_default();
        let ours = format!("{user}:{}", key.public());
        let users = metadata.get(SSH_KEYS).map(|keys| keys.trim()).filter(|keys| !keys.is_empty());
        let all = users.map_or_else(|| ours.clone(), |keys| format!("{ours}\n{keys}"));
        Some((SSH_KEYS.to_owned(), all))
    }
}

impl Login {
    /// What the communicator is told: whom to log in as.
    pub(super) fn arguments(&self, ssh: &SshArguments) -> SshArguments {
        match self {
            Self::Profile(_, user) => SshArguments { ssh_username: Some(user.clone()), ..ssh.clone() },
            Self::Own | Self::Metadata(_) => ssh.clone(),
        }
    }

    pub(super) fn key(&self) -> Option<&TemporaryKey> {
        match self {
            Self::Own => None,
            Self::Metadata(key) | Self::Profile(key, _) => Some(key),
        }
    }
}
