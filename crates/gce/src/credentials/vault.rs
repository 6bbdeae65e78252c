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
    /// Where in Vault Enterprise the path is.
    namespace: Option<String>,
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
        let source = Vault {
            http: world.http.clone(),
            path: path.to_owned(),
            url,
            token: variable("VAULT_TOKEN")?,
            namespace: (world.environment)("VAULT_NAMESPACE"),
        };
        Ok(Self::renewed(source, world.endpoints, Owner::Unknown))
    }
}

impl Source for Vault {
    async fn fetch(&self) -> Result<Token> {
        let mut request = self.http.get(&self.url).header("X-Vault-Token", &self.token);
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        let request = Request::new("vault.read", &self.path, request).hiding(&self.token);
        let answer: Answer = request.json().await?;
        Ok(Token::valid_for(answer.data.token, answer.data.token_ttl.unwrap_or(LIFETIME_SECONDS)))
    }
}

#[cfg(test)]
mod tests {
    use crate::credentials::CredentialOptions;
    use crate::credentials::tests::at;
    use crate::testing::{Server, ok, refused};
    use serde_json::json;

    #[tokio::test]
    async fn vault_gets_tokens_for_us() {
        let server = Server::start([
            ok(json!({"data": {"token": "ya29.short", "token_ttl": 200}})),
            ok(json!({"data": {"token": "ya29.v"}})),
            refused(403, "denied", "permission denied for hvs.x"),
        ])
        .await;
        let path = Some("gcp/roleset/builder/token".to_owned());
        let options = CredentialOptions { vault_gcp_oauth_engine: path, ..Default::default() };
        let variables = [("VAULT_ADDR", &*format!("{}/", server.url)), ("VAULT_TOKEN", "hvs.x")];
        let credentials = at(&server, &options, &variables).unwrap();
        let tokens = [
            credentials.token().await.unwrap(),
            credentials.token().await.unwrap(),
            credentials.token().await.unwrap(),
        ];
        assert_eq!(tokens, ["ya29.short", "ya29.v", "ya29.v"]);
        let error = at(&server, &options, &variables).unwrap().token().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "vault.read of gcp/roleset/builder/token failed with 403 denied: permission denied for [hidden]"
        );
        assert_eq!(server.requests(), ["GET /v1/gcp/roleset/builder/token\nx-vault-token: hvs.x"; 3]);

        let error = at(&server, &options, &variables[..1]).unwrap_err();
        assert_eq!(error.to_string(), "credentials of `vault_gcp_oauth_engine`: `VAULT_TOKEN` is not set");
    }

    #[tokio::test]
    async fn a_namespace_is_that_of_the_environment() {
        let server = Server::start([ok(json!({"data": {"token": "ya29.v"}}))]).await;
        let options =
            CredentialOptions { vault_gcp_oauth_engine: Some("gcp/token/web".to_owned()), ..Default::default() };
        let variables = [("VAULT_ADDR", &*server.url), ("VAULT_TOKEN", "hvs.x"), ("VAULT_NAMESPACE", "admin/images")];
        assert_eq!(at(&server, &options, &variables).unwrap().token().await.unwrap(), "ya29.v");
        assert_eq!(server.requests(), ["GET /v1/gcp/token/web\nx-vault-token: hvs.x\nx-vault-namespace: admin/images"]);
    }
}
