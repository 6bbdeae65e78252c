//! Acting as a service account that trusts ours.

use super::renewal::{Source, Token};
use super::{Credentials, Owner, World};
use crate::Result;
use crate::http::Request;
use serde::Deserialize;
use serde_json::json;

/// An hour: more needs an exception in the organisation's policy.
const LIFETIME_SECONDS: u64 = 3600;

struct Impersonation {
    base: Credentials,
    http: reqwest::Client,
    account: String,
    url: String,
    delegates: Vec<String>,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_token: String,
}

impl Credentials {
    /// These, acting as a service account.
    pub(super) fn impersonating(self, account: &str, world: &World<'_>) -> Self {
        self.impersonating_by(account, Vec::new(), world)
    }

    /// The same by a chain of accounts, each of which trusts the one before it.
    pub(super) fn impersonating_by(self, account: &str, delegates: Vec<String>, world: &World<'_>) -> Self {
        let source = Impersonation {
            base: self,
            http: world.http.clone(),
            account: account.to_owned(),
            url: format!(
                "{}/v1/projects/-/serviceAccounts/{account}:generateAccessToken",
                world.endpoints.url("iamcredentials")
            ),
            delegates,
            scopes: world.scopes.clone(),
        };
        Self::renewed(source, world.endpoints, Owner::Known(account.to_owned()))
    }
}

impl Source for Impersonation {
    async fn fetch(&self) -> Result<Token> {
        let mut body = json!({"scope": self.scopes, "lifetime": format!("{LIFETIME_SECONDS}s")});
        if !self.delegates.is_empty() {
            body["delegates"] = json!(self.delegates);
        }
        let request = self.http.post(&self.url).json(&body);
        let resource = format!("service account {}", self.account);
        let request = Request::new("serviceAccounts.generateAccessToken", &resource, request).authorized(&self.base);
        let answer: Answer = request.json().await?;
        Ok(Token::valid_for(answer.access_token, LIFETIME_SECONDS))
    }
}
