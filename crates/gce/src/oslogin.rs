//! OS Login: keys of the account that its machines let in.

use crate::http::address;
use crate::made::LAG;
use crate::{Error, Gce, Kind, Result};
use imgforge_ledger::Claim;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

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
    /// Google's; `Other` when the profile is full, `Forbidden` when the account has no POSIX account.
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
        self.key_is_asked_for(email, claim.name());
        let mut attempt = 1;
        let answer: Result<Imported> = loop {
            let request = self.request(CALL, &resource, Method::POST, &url).in_project(project);
            let request = request.with(|request| request.query(&[("projectId", project)]).json(&body));
            match request.json().await {
                Err(error) if error.status == Some(409) && attempt < ATTEMPTS => {
                    tracing::debug!(attempt, "the OS Login profile is being changed by somebody else: {error}");
                    tokio::time::sleep(Duration::from_secs(attempt.min(5))).await;
                    attempt += 1;
                }
                Err(error) if error.message.contains("profile size exceeds") => break Err(full(email, error)),
                answer => break answer,
            }
        };
        if answer.as_ref().is_err_and(|error| !error.is_transient()) {
            self.key_is_not_made(email, claim.name());
        }
        let profile = LoginProfile::from(answer?.login_profile);
        if profile.username.is_empty() {
            let error = Error::new(CALL, resource, Kind::Forbidden, "the account has no user name on machines");
            let details = [("permission", "compute.instances.osLogin"), ("project", project)];
            return Err(error.with_details(details.map(|(key, value)| (key.to_owned(), value.to_owned()))));
        }
        Ok(profile)
    }

    /// The account's user name and keys, as machines of a project see them.
    ///
    /// # Errors
    /// Google's.
    pub async fn login_profile(&self, email: &str, project: &str) -> Result<LoginProfile> {
        let url = address(&self.inner.endpoints.url("oslogin"), &["v1", "users", email, "loginProfile"]);
        let resource = format!("OS Login profile of {email}");
        let request = self.request("users.getLoginProfile", &resource, Method::GET, &url).in_project(project);
        let profile: Profile = request.with(|request| request.query(&[("projectId", project)])).json().await?;
        Ok(profile.into())
    }

    /// Takes the keys with a comment out of the profile: one may have got there twice, after a lost answer. A key that this
    /// process has asked for is waited for a little: its request may be under way yet.
    ///
    /// # Errors
    /// Google's.
    pub async fn remove_login_keys(&self, email: &str, project: &str, comment: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            let mut keys = self.login_profile(email, project).await?.keys;
            keys.retain(|key| key.text.split_whitespace().nth(2) == Some(comment));
            if keys.is_empty() && self.may_get_key(email, comment) && begun.elapsed() < LAG {
                tokio::time::sleep(LAG / 8).await;
                continue;
            }
            for key in keys {
                match self.delete_login_key(email, &key.fingerprint).await {
                    Err(error) if !error.is_not_found() => return Err(error),
                    _ => {}
                }
            }
            self.key_is_not_made(email, comment);
            return Ok(());
        }
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
    Error { kind: Kind::Other, message, ..error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Claims, Reply, Server, ok, refused};
    use serde_json::Value;
    use std::pin::pin;
    use std::task::{Context, Waker};

    const EMAIL: &str = "builder@p.iam.gserviceaccount.com";

    fn profile() -> Value {
        json!({
            "name": EMAIL,
            "posixAccounts": [
                {"username": "other", "accountId": "q"},
                {"username": "sa_1", "primary": true, "accountId": "p"},
            ],
            "sshPublicKeys": {
                "f1": {"key": "ssh-ed25519 A old", "fingerprint": "f1"},
                "f2": {"key": "ssh-ed25519 B new", "fingerprint": "f2", "expirationTimeUsec": "1900000000000000"},
            },
        })
    }

    async fn import(server: &Server, claims: &Claims) -> Result<LoginProfile> {
        let claim = claims.ours();
        let key = format!("ssh-ed25519 B {}", claim.name());
        let expires = UNIX_EPOCH + Duration::from_secs(1_900_000_000);
        server.gce().await.import_login_key(claim, EMAIL, "p", &key, expires).await
    }

    #[tokio::test]
    async fn a_key_gets_in_though_others_change_the_profile_too() {
        let server = Server::start([
            refused(409, "aborted", "Multiple concurrent mutations were attempted."),
            Reply::Cut,
            ok(json!({"loginProfile": profile()})),
        ])
        .await;
        let claims = Claims::new();
        let profile = import(&server, &claims).await.unwrap();
        let key = |fingerprint: &str, text: &str, expires| LoginKey {
            fingerprint: fingerprint.to_owned(),
            text: text.to_owned(),
            expires,
        };
        let expires = UNIX_EPOCH + Duration::from_secs(1_900_000_000);
        assert_eq!(
            profile,
            LoginProfile {
                username: "sa_1".to_owned(),
                keys: vec![key("f1", "ssh-ed25519 A old", None), key("f2", "ssh-ed25519 B new", Some(expires))],
            }
        );
        let second = claims.ours();
        let name = format!("{}-1", second.name().strip_suffix("-2").unwrap());
        let asked = format!(
            "POST /oslogin/v1/users/{EMAIL}:importSshPublicKey?projectId=p\nauthorization: Bearer token-1\n\
             {{\"expirationTimeUsec\":\"1900000000000000\",\"key\":\"ssh-ed25519 B {name}\"}}"
        );
        assert_eq!(server.requests(), vec![asked; 3]);
    }

    #[tokio::test]
    async fn what_stands_in_the_way_is_said_with_what_to_do() {
        let full = "Login profile size exceeds 32 KiB. Delete profile values to make additional space.";
        let server =
            Server::start([refused(400, "badRequest", full), ok(json!({"loginProfile": {"name": EMAIL}}))]).await;
        let claims = Claims::new();
        let error = import(&server, &claims).await.unwrap_err();
        assert_eq!((error.kind, error.advice()), (Kind::Other, None));
        assert_eq!(
            error.to_string(),
            "users.importSshPublicKey of OS Login profile of builder@p.iam.gserviceaccount.com failed with 400 badRequest: \
             the OS Login profile of builder@p.iam.gserviceaccount.com is full (32 KiB), mostly of keys that other tools \
             left: `gcloud compute os-login ssh-keys list` shows them, `gcloud compute os-login ssh-keys remove --key \
             FINGERPRINT` deletes one"
        );
        let error = import(&server, &claims).await.unwrap_err();
        assert_eq!(error.kind, Kind::Forbidden);
        assert_eq!(
            error.to_string(),
            "users.importSshPublicKey of OS Login profile of builder@p.iam.gserviceaccount.com: the account has no user name \
             on machines"
        );
        assert_eq!(
            error.advice().unwrap(),
            "grant the permission `compute.instances.osLogin` in project p to the account of these credentials"
        );
        let gce = server.gce().await;
        let error = gce.import_login_key(claims.ours(), EMAIL, "p", "ssh-ed25519 B me", UNIX_EPOCH).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
        assert_eq!(server.requests().len(), 2);
    }

    #[tokio::test]
    async fn a_key_whose_request_is_under_way_is_waited_for() {
        let empty = json!({"name": EMAIL});
        let claims = Claims::new();
        let (claim, never) = (claims.ours(), claims.ours());
        let (name, never_asked_for) = (claim.name().to_owned(), never.name().to_owned());
        let with_key = json!({"sshPublicKeys": {
            "f1": {"key": "ssh-ed25519 A me"},
            "f2": {"key": format!("ssh-ed25519 B {name}")},
        }});
        let answers = [ok(&empty), ok(&empty), ok(&with_key), ok("{}"), ok(&empty)];
        let server = Server::start(answers).await;
        let gce = server.gce().await;
        let key = format!("ssh-ed25519 B {name}");
        {
            // Whoever cancels a build does not hear of the answer.
            let import = pin!(gce.import_login_key(claim, EMAIL, "p", &key, UNIX_EPOCH));
            assert!(import.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        gce.remove_login_keys(EMAIL, "p", &never_asked_for).await.unwrap();
        assert_eq!(server.requests().len(), 1);
        gce.remove_login_keys(EMAIL, "p", &name).await.unwrap();
        let delete = format!("DELETE /oslogin/v1/users/{EMAIL}/sshPublicKeys/f2\nauthorization: Bearer token-1");
        assert_eq!(server.requests()[3..], [delete]);
        gce.remove_login_keys(EMAIL, "p", &name).await.unwrap();
        assert_eq!(server.requests().len(), 5);
    }

    #[tokio::test]
    async fn keys_are_seen_and_taken_out() {
        let server = Server::start([ok(profile()), ok("{}"), refused(404, "notFound", "no such key")]).await;
        let gce = server.gce().await;
        assert_eq!(gce.login_profile(EMAIL, "p").await.unwrap().keys.len(), 2);
        gce.delete_login_key(EMAIL, "f2").await.unwrap();
        assert!(gce.delete_login_key(EMAIL, "f2").await.unwrap_err().is_not_found());
        let delete = format!("DELETE /oslogin/v1/users/{EMAIL}/sshPublicKeys/f2\nauthorization: Bearer token-1");
        let get = format!("GET /oslogin/v1/users/{EMAIL}/loginProfile?projectId=p\nauthorization: Bearer token-1");
        assert_eq!(server.requests(), [get, delete.clone(), delete]);
    }
}
