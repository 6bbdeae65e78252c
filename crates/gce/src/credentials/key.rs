//! The key of a service account: it signs a statement, for which Google gives a token.
//!
//! Google's library sends the signed statement itself instead of a token. Compute Engine takes it, but neither the relay
//! of Identity-Aware Proxy nor the question whose a token is do, and a custom `oauth2` endpoint would never be asked.

use super::json::{TOKEN_URI, text, token_uri};
use super::renewal::{Source, Token};
use super::{Credentials, Owner, World, unusable};
use crate::Result;
use crate::http::Request;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

/// How long a statement may be used: the most that Google allows.
const LIFETIME: Duration = Duration::from_secs(3600);
/// A clock may be so much ahead of Google's.
const SKEW: Duration = Duration::from_secs(10);

struct Key {
    http: reqwest::Client,
    email: String,
    key_id: String,
    pair: RsaKeyPair,
    /// Whom the statement is for.
    audience: String,
    /// Where it is sent: another address if the user gives one.
    url: String,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<u64>,
}

impl Credentials {
    /// A service account by its key.
    ///
    /// # Errors
    /// When something is missing in it, or the key is none.
    pub(super) fn of_key(source: &str, json: &Value, world: &World<'_>) -> Result<Self> {
        let email = text(source, json, "client_email")?;
        let pair = pair(&text(source, json, "private_key")?)
            .ok_or_else(|| unusable(source, "`private_key` is no RSA key in PEM (`-----BEGIN PRIVATE KEY-----`)"))?;
        let domain = world.endpoints.universe();
        let own = json["universe_domain"].as_str().unwrap_or("googleapis.com");
        if own != domain {
            return Err(unusable(source, format!("it is for `{own}`, but `universe_domain` is `{domain}`")));
        }
        if domain != "googleapis.com" && !world.endpoints.custom.contains_key("oauth2") {
            // There only signed statements count: there is nobody who exchanges them.
            return Self::self_signed(source, json, email, world);
        }
        let audience = json["token_uri"].as_str().unwrap_or(TOKEN_URI).to_owned();
        let key = Key {
            http: world.http.clone(),
            key_id: json["private_key_id"].as_str().unwrap_or_default().to_owned(),
            pair,
            url: token_uri(world.endpoints).unwrap_or_else(|| audience.clone()),
            audience,
            scopes: world.scopes.clone(),
            email: email.clone(),
        };
        Ok(Self::renewed(key, world.endpoints, Owner::Known(email)))
    }
}

/// The key in a PEM text.
fn pair(pem: &str) -> Option<RsaKeyPair> {
    let body = pem.split("-----BEGIN PRIVATE KEY-----").nth(1)?.split("-----END").next()?;
    let body: String = body.split_whitespace().collect();
    RsaKeyPair::from_pkcs8(&STANDARD.decode(body).ok()?).ok()
}

impl Key {
    /// The signed statement: RFC 7523.
    fn statement(&self) -> Result<String> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() - SKEW;
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.key_id});
        let claims = json!({
            "iss": self.email,
            "scope": self.scopes.join(" "),
            "aud": self.audience,
            "iat": now.as_secs(),
            "exp": (now + LIFETIME).as_secs(),
        });
        let text =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| unusable(&self.email, "its key can't sign"))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl Source for Key {
    async fn fetch(&self) -> Result<Token> {
        let statement = self.statement()?;
        let request = self
            .http
            .post(&self.url)
            .form(&[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &statement)]);
        let resource = format!("service account {}", self.email);
        let answer: Answer = Request::new("oauth2.token", &resource, request).hiding(&statement).json().await?;
        Ok(Token::valid_for(answer.access_token, answer.expires_in.unwrap_or(LIFETIME.as_secs())))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::credentials::CredentialOptions;
    use crate::credentials::tests::at;
    use crate::testing::{Reply, Server, ok};
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    const EMAIL: &str = "builder@p.iam.gserviceaccount.com";

    /// A key as Google's console writes it.
    pub(in crate::credentials) fn key() -> (RsaKeyPair, Value) {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let body = STANDARD.encode(pair.as_der().unwrap().as_ref());
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        let json = json!({
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "k1",
            "private_key": pem,
            "client_email": EMAIL,
            "token_uri": "https://oauth2.googleapis.com/token",
        });
        (pair, json)
    }

    fn options(json: &Value) -> CredentialOptions {
        CredentialOptions { credentials_json: Some(json.to_string()), ..Default::default() }
    }

    #[tokio::test]
    async fn a_key_signs_a_statement_that_is_exchanged_for_a_token() {
        let server =
            Server::start([ok(json!({"access_token": "ya29.k", "expires_in": 3599, "token_type": "Bearer"}))]).await;
        let (pair, json) = key();
        let credentials = at(&server, &options(&json), &[]).unwrap();
        assert_eq!(credentials.token().await.unwrap(), "ya29.k");
        assert!(matches!(credentials.owner(), Owner::Known(email) if email == EMAIL));

        let requests = server.requests();
        let form = "POST /oauth2/token\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
        let statement = requests[0].strip_prefix(form).unwrap();
        let (text, signature) = statement.rsplit_once('.').unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
        public.verify(text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let parts: Vec<Value> = text
            .split('.')
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let issued = parts[1]["iat"].as_u64().unwrap();
        assert!((now - 30..now).contains(&issued), "{issued} of {now}");
        assert_eq!(parts[0], json!({"alg": "RS256", "kid": "k1", "typ": "JWT"}));
        assert_eq!(
            parts[1],
            json!({
                "aud": "https://oauth2.googleapis.com/token",
                "exp": issued + 3600,
                "iat": issued,
                "iss": EMAIL,
                "scope": "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email",
            })
        );
    }

    #[tokio::test]
    async fn what_google_says_of_a_key_is_said_again_without_the_statement() {
        let refusal = json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}).to_string();
        let server = Server::start([Reply::Answer(400, String::new(), refusal)]).await;
        let (_, json) = key();
        let error = at(&server, &options(&json), &[]).unwrap().token().await.unwrap_err();
        assert_eq!(error.kind, crate::Kind::Forbidden);
        assert_eq!(
            error.to_string(),
            "oauth2.token of service account builder@p.iam.gserviceaccount.com failed with 400 invalid_grant: Invalid JWT \
             Signature"
        );
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_key_is_said_before_anything_is_sent() {
        let server = Server::start([]).await;
        let (_, good) = key();
        let with = |field: &str, value: Value| {
            let mut json = good.clone();
            json[field] = value;
            at(&server, &options(&json), &[]).map(drop).unwrap_err().to_string()
        };
        assert_eq!(
            [
                with("client_email", Value::Null),
                with("private_key", json!({"never": "shown"})),
                with("private_key", json!("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----")),
                with("universe_domain", json!("sovereign.example")),
            ],
            [
                "credentials of `credentials_json`: it has no `client_email`",
                "credentials of `credentials_json`: it has no `private_key`",
                "credentials of `credentials_json`: `private_key` is no RSA key in PEM (`-----BEGIN PRIVATE KEY-----`)",
                "credentials of `credentials_json`: it is for `sovereign.example`, but `universe_domain` is \
                 `googleapis.com`",
            ]
        );
        assert!(server.requests().is_empty());
    }

    #[tokio::test]
    async fn in_another_universe_the_statement_itself_is_the_token() {
        let (_, mut json) = key();
        json["universe_domain"] = json!("sovereign.example");
        let endpoints = crate::Endpoints { universe_domain: "sovereign.example".to_owned(), ..Default::default() };
        let environment = crate::credentials::tests::environment(&[]);
        let http = crate::http::client().unwrap();
        let credentials = Credentials::in_environment(&options(&json), &endpoints, &http, environment).unwrap();
        let token = credentials.token().await.unwrap();
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&claims).unwrap()["iss"], EMAIL);
        assert_eq!(credentials.inner.universe_domain().await.as_deref(), Some("sovereign.example"));
    }
}
