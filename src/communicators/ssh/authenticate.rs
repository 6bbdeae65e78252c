//! Logging in: every way that the template gives, in Packer's order.

use super::connect::{Failure, Login, Session};
use anyhow::{Context as _, anyhow};
use russh::client::{AuthResult, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh::{MethodKind, MethodSet};
use std::fmt;
use std::sync::Arc;

/// A login that was refused, in words: the user `admin` with the temporary key and the password.
#[derive(Debug)]
pub(super) struct Refused {
    user: String,
    tried: Vec<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the user `{}` with {}", self.user, self.tried.join(", "))
    }
}

/// A server may ask again and again.
const QUESTIONS: usize = 20;

/// Logs in.
pub(super) async fn log_in(session: &mut Session, login: &Login) -> Result<(), Failure> {
    let mut attempt = Attempt { session, login, tried: Vec::new(), remaining: None };
    attempt.run().await
}

struct Attempt<'a> {
    session: &'a mut Session,
    login: &'a Login,
    tried: Vec<String>,
    /// What the server still takes; not known before the first refusal.
    remaining: Option<MethodSet>,
}

impl Attempt<'_> {
    async fn run(&mut self) -> Result<(), Failure> {
        let login = self.login;
        if login.agent && self.with_agent().await? {
            return Ok(());
        }
        if let Some((path, key)) = &login.key_file
            && self.with_key(&format!("the key `{}`", path.display()), key).await? {
                return Ok(());
            }
        if let Some(key) = &login.temporary
            && self.with_key("the temporary key", &key.private()).await? {
                return Ok(());
            }
        if let Some(password) = &login.password
            && (self.with_password(password).await? || self.with_answers(password).await?) {
                return Ok(());
            }
        if self.tried.is_empty() && !login.agent {
            self.tried.push("no key and no password".to_owned());
            let result = self.session.authenticate_none(&login.user).await.context("log in")?;
            if self.is_in(result)? {
                return Ok(());
            }
        }
        Err(Failure::Refused(Refused { user: login.user.clone(), tried: std::mem::take(&mut self.tried) }))
    }

    /// Notes what the server says; an error if it went away.
    fn is_in(&mut self, result: AuthResult) -> Result<bool, Failure> {
        match result {
            AuthResult::Success => Ok(true),
            AuthResult::Failure { remaining_methods, .. } => {
                if remaining_methods.is_empty() && self.session.is_closed() {
                    return Err(self.gone());
                }
                self.remaining = Some(remaining_methods);
                Ok(false)
            }
        }
    }

    /// The connection ended: refused once too often, or lost.
    fn gone(&mut self) -> Failure {
        if self.remaining.is_some() {
            let mut tried = std::mem::take(&mut self.tried);
            if let Some(last) = tried.last_mut() {
                last.push_str(", after which it closed the connection");
            }
            return Failure::Refused(Refused { user: self.login.user.clone(), tried });
        }
        Failure::Lost(anyhow!("the connection was closed during the login"))
    }

    fn takes(&self, method: MethodKind) -> bool {
        self.remaining.as_ref().is_none_or(|remaining| remaining.contains(&method))
    }

    async fn with_key(&mut self, name: &str, key: &Arc<PrivateKey>) -> Result<bool, Failure> {
        if !self.takes(MethodKind::PublicKey) {
            self.tried.push(format!("{name} (it takes no keys)"));
            return Ok(false);
        }
        self.tried.push(name.to_owned());
        let hash = if key.algorithm().is_rsa() { self.rsa_hash().await? } else { None };
        let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
        match self.session.authenticate_publickey(&self.login.user, key).await {
            Ok(result) => self.is_in(result),
            Err(_) => Err(self.gone()),
        }
    }

    async fn rsa_hash(&self) -> Result<Option<HashAlg>, Failure> {
        let supported = self.session.best_supported_rsa_hash().await.context("ask for signatures")?;
        // A server that says nothing is older than the extension, and knows SHA-1 for sure.
        Ok(supported.flatten())
    }

    async fn with_agent(&mut self) -> Result<bool, Failure> {
        let mut agent = AgentClient::connect_env().await.context("ask the SSH agent")?;
        let identities = agent.request_identities().await.context("ask the SSH agent for its keys")?;
        if identities.is_empty() {
            self.tried.push("the SSH agent (it has no keys)".to_owned());
        }
        for identity in identities {
            let AgentIdentity::PublicKey { key, comment } = identity else { continue };
            if !self.takes(MethodKind::PublicKey) {
                break;
            }
            self.tried.push(format!("the agent's key `{comment}`"));
            let hash = if key.algorithm().is_rsa() { self.rsa_hash().await? } else { None };
            match self.session.authenticate_publickey_with(&self.login.user, key, hash, &mut agent).await {
                Ok(result) => {
                    if self.is_in(result)? {
                        return Ok(true);
                    }
                }
                Err(_) if self.session.is_closed() => return Err(self.gone()),
                // The agent does not want to sign with this one; another may do.
                Err(error) => tracing::debug!(%error, comment, "agent"),
            }
        }
        Ok(false)
    }

    async fn with_password(&mut self, password: &str) -> Result<bool, Failure> {
        if !self.takes(MethodKind::Password) {
            return Ok(false);
        }
        self.tried.push("the password".to_owned());
        match self.session.authenticate_password(&self.login.user, password).await {
            Ok(result) => self.is_in(result),
            Err(_) => Err(self.gone()),
        }
    }

    /// The password as the answer to every question.
    async fn with_answers(&mut self, password: &str) -> Result<bool, Failure> {
        if !self.takes(MethodKind::KeyboardInteractive) {
            if !self.tried.iter().any(|tried| tried == "the password") {
                self.tried.push("the password (it takes no passwords)".to_owned());
            }
            return Ok(false);
        }
        self.tried.push("the password as answer".to_owned());
        let mut reply = self.session.authenticate_keyboard_interactive_start(&self.login.user, None).await;
        for _ in 0..QUESTIONS {
            match reply {
                Ok(KeyboardInteractiveAuthResponse::Success) => return Ok(true),
                Ok(KeyboardInteractiveAuthResponse::Failure { remaining_methods, .. }) => {
                    self.remaining = Some(remaining_methods);
                    return Ok(false);
                }
                Ok(KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. }) => {
                    let answers = prompts.iter().map(|_| password.to_owned()).collect();
                    reply = self.session.authenticate_keyboard_interactive_respond(answers).await;
                }
                Err(_) => return Err(self.gone()),
            }
        }
        Ok(false)
    }
}
