//! Tokens that HashiCorp Vault gets for us.

use super::renewal::{Source, Token};
use super::{Credentials, Owner, World, unusable};
use crate::Result;
use crate::http::Request;
use serde::Deserialize;

/// What a token is taken to live if Vault doesn't say: as long as Google lets it.
const LIFETIME_SECONDS: u64 = 3600;

struct Vault {
    http: reqwest::Client,
    path: String,
    url: String,
    token: String,
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    token: String,
    token_ttl: Option<u64>,
}

impl Credentials {
    /// The tokens of a secret in the Vault that the environment names.
    ///
    /// # Errors
    /// When it names none.
    pub(super) fn of_vault(path: &str, world: &World<'_>) -> Result<Self> {
        let variable = |name: &str| {
            (world.environment)(name)
                .ok_or_else(|| unusable("`vault_gcp_oauth_engine`", format!("`{name}` is not set")))
        };
        let url = format!("{}/v1/{}", variable("VAULT_ADDR")?.trim_end_matches('/'), path.trim_matches('/'));
        let source = Vault { http: world.http.clone(), path: path.to_owned(), url, token: variable("VAULT_TOKEN")? };
        Ok(Self::renewed(source, world.endpoints, Owner::Unknown))
    }
}

impl Source for Vault {
    async fn fetch(&self) -> Result<Token> {
        let request = self.http.get(&self.url).header("X-Vault-Token", &self.token);
        let request = Request::new("vault.read", &self.path, request).hiding(&self.token);
        let answer: Answer = request.json().await?;
        Ok(Token::valid_for(answer.data.token, answer.data.token_ttl.unwrap_or(LIFETIME_SECONDS)))
    }
}
