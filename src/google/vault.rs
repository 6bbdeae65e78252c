//! A token of Google's from Vault's secrets engine for Google Cloud.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    token: String,
}

/// Asks Vault at `VAULT_ADDR` for the token at a path such as `gcp/token/ROLESET`. It is valid for an hour at most.
///
/// # Errors
/// When Vault is not told of by the environment, or gives no token.
pub(super) async fn token(path: &str) -> Result<String> {
    let what = || format!("get a token from Vault at {path}");
    let variable = |name: &str| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        value.with_context(|| format!("{name} is not set")).with_context(what)
    };
    let (server, key) = (variable("VAULT_ADDR")?, variable("VAULT_TOKEN")?);
    let client = reqwest::Client::builder().timeout(LIMIT).build()?;
    let address = format!("{}/v1/{}", server.trim_end_matches('/'), path.trim_start_matches('/'));
    let mut request = client.get(address).header("X-Vault-Token", key).header("X-Vault-Request", "true");
    if let Ok(namespace) = std::env::var("VAULT_NAMESPACE") {
        request = request.header("X-Vault-Namespace", namespace);
    }
    let answer = request.send().await.map_err(reqwest::Error::without_url).with_context(what)?;
    if !answer.status().is_success() {
        return Err(anyhow::anyhow!("Vault answered `{}`", answer.status())).with_context(what);
    }
    let text = answer.text().await.map_err(reqwest::Error::without_url).with_context(what)?;
    // The parser's own words may show a part of the token.
    let Ok(Answer { data }) = serde_json::from_str(&text) else { bail!("{}: the answer has no `data.token`", what()) };
    Ok(data.token)
}
