//! OS Login: keys of the account that its machines let in.

use crate::{Gce, Result};
use imgforge_ledger::Claim;
use std::time::SystemTime;

/// The account as machines see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoginProfile {
    /// The primary POSIX account's name.
    pub username: String,
    pub keys: Vec<LoginKey>,
}

/// A key of the profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoginKey {
    pub fingerprint: String,
    /// `ssh-ed25519 AAAA… comment`.
    pub text: String,
    pub expires: Option<SystemTime>,
}

impl Gce {
    /// Adds a key to the profile of an account. The claim's name has to be the key's comment.
    pub async fn import_login_key(
        &self,
        _claim: Claim,
        _email: &str,
        _project: &str,
        _key: &str,
        _expires: SystemTime,
    ) -> Result<LoginProfile> {
        todo!()
    }

    pub async fn login_profile(&self, _email: &str) -> Result<LoginProfile> {
        todo!()
    }

    pub async fn delete_login_key(&self, _email: &str, _fingerprint: &str) -> Result<()> {
        todo!()
    }
}
