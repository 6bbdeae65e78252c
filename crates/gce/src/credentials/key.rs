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
