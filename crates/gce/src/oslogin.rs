//! OS Login: keys of the account that its machines let in.

use crate::http::address;
use crate::{Error, Gce, Kind, Result};
use imgforge_ledger::Claim;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often a key is sent while others change the profile: builds that start together have one account.
const ATTEMPTS: u64 = 10;

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    login_profile: Profile,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    #[serde(default)]
    posix_accounts: Vec<PosixAccount>,
    #[serde(default)]
    ssh_public_keys: BTreeMap<String, PublicKey>,
}

#[derive(Deserialize)]
struct PosixAccount {
    username: String,
    #[serde(default)]
    primary: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublicKey {
    key: String,
    expiration_time_usec: Option<String>,
}

impl From<Profile> for LoginProfile {
    fn from(profile: Profile) -> Self {
        let accounts = &profile.posix_accounts;
        let primary = accounts.iter().find(|account| account.primary).or(accounts.first());
        let username = primary.map(|account| account.username.clone()).unwrap_or_default();
        let keys = profile.ssh_public_keys.into_iter().map(|(fingerprint, key)| {
            let microseconds = key.expiration_time_usec.and_then(|text| text.parse().ok());
            let expires = microseconds.and_then(|time| UNIX_EPOCH.checked_add(Duration::from_micros(time)));
            LoginKey { fingerprint, text: key.key, expires }
        });
        Self { username, keys: keys.collect() }
    }
}

impl Gce {
    /// Adds a key to the profile of an account. The claim's name has to be the key's comment.
    ///
    /// # Errors
    /// Google's; `Quota` when the profile is full, `Forbidden` when the account has no POSIX account.
    pub async fn import_login_key(
        &self,
        claim: Claim,
        email: &str,
        project: &str,
        key: &str,
        expires: SystemTime,
    ) -> Result<LoginProfile> {
        const CALL: &str = "users.importSshPublicKey";
        let resource = format!("OS Login profile of {email}");
        if key.split_whitespace().nth(2) != Some(claim.name()) {
            let message = format!("the key's comment has to be `{}`, so that it can be found again", claim.name());
            return Err(Error::new(CALL, resource, Kind::Invalid, message));
        }
        let url =
            address(&self.inner.endpoints.url("oslogin"), &["v1", "users", &format!("{email}:importSshPublicKey")]);
        let microseconds = expires.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let body = json!({"key": key, "expirationTimeUsec": microseconds.to_string()});
        let import = self.clone().import(resource.clone(), url, project.to_owned(), body);
        let answer = self
            .create(&claim, import)
            .await
            .map_err(|error| if error.message.contains("profile size exceeds") { full(email, error) } else { error })?;
        let profile = LoginProfile::from(answer.login_profile);
        if profile.username.is_empty() {
            let message =
                format!("{email} has no POSIX account: it needs the role `roles/compute.osLogin` in {project}");
            return Err(Error::new(CALL, resource, Kind::Forbidden, message));
        }
        Ok(profile)
    }

    /// Sends a key until nobody else is changing the profile.
    async fn import(self, resource: String, url: String, project: String, body: serde_json::Value) -> Result<Imported> {
        let mut attempt = 1;
        loop {
            let request = self.request("users.importSshPublicKey", &resource, Method::POST, &url);
            let request = request.with(|request| request.query(&[("projectId", &project)]).json(&body));
            match request.json().await {
                Err(error) if error.status == Some(409) && attempt < ATTEMPTS => {
                    tracing::debug!(attempt, "the OS Login profile is being changed by somebody else: {error}");
                    tokio::time::sleep(Duration::from_secs(attempt.min(5))).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    /// The account's user name and keys.
    ///
    /// # Errors
    /// Google's.
    pub async fn login_profile(&self, email: &str) -> Result<LoginProfile> {
        let url = address(&self.inner.endpoints.url("oslogin"), &["v1", "users", email, "loginProfile"]);
        let resource = format!("OS Login profile of {email}");
        let request = self.request("users.getLoginProfile", &resource, Method::GET, &url);
        Ok(request.json::<Profile>().await?.into())
    }

    /// Takes a key out of the profile.
    ///
    /// # Errors
    /// Google's; `NotFound` also when it was deleted, but the answer got lost.
    pub async fn delete_login_key(&self, email: &str, fingerprint: &str) -> Result<()> {
        let base = self.inner.endpoints.url("oslogin");
        let url = address(&base, &["v1", "users", email, "sshPublicKeys", fingerprint]);
        let resource = format!("key {fingerprint} in the OS Login profile of {email}");
        self.request("users.sshPublicKeys.delete", &resource, Method::DELETE, &url).send().await?;
        Ok(())
    }
}

/// Google says how large the profile may be, but not what to do.
fn full(email: &str, error: Error) -> Error {
    let message = format!(
        "the OS Login profile of {email} is full (32 KiB), mostly of keys that other tools left: `gcloud compute os-login \
         ssh-keys list` shows them, `gcloud compute os-login ssh-keys remove --key FINGERPRINT` deletes one"
    );
    Error { kind: Kind::Quota, message, ..error }
}
