//! Tokens are kept until they are about to expire, and fetched by one while the others wait.

use crate::{Error, Kind, Result};
use google_cloud_auth::credentials::{CacheableResource, CredentialsProvider, EntityTag};
use google_cloud_auth::errors::CredentialsError;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::fmt;
use std::future::Future;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A token is fetched anew when it has less than this to live: no request of ours takes longer to be looked at.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// A refusal is believed this long: all the checks before a build begin at once, and one of them is enough to ask.
const REFUSED: Duration = Duration::from_secs(10);

/// A token as it was given.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) secret: String,
    /// By the wall clock, which goes on while a machine sleeps.
    pub(super) expires: Option<SystemTime>,
}

impl Token {
    pub(super) fn valid_for(secret: String, seconds: u64) -> Self {
        Self { secret, expires: SystemTime::now().checked_add(Duration::from_secs(seconds)) }
    }

    fn lives(&self, margin: Duration) -> bool {
        self.expires.is_none_or(|expires| expires.duration_since(SystemTime::now()).is_ok_and(|left| left > margin))
    }
}

/// Where tokens come from.
pub(super) trait Source: Send + Sync + 'static {
    fn fetch(&self) -> impl Future<Output = Result<Token>> + Send;

    /// The project that pays for requests, where it is not the one that they are about.
    fn quota_project(&self) -> Option<&str> {
        None
    }
}

/// The tokens of a source, as Google's library wants them.
pub(super) struct Renewed<S> {
    source: S,
    universe: String,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    refused: Option<(Instant, Error)>,
}

impl<S: Source> Renewed<S> {
    pub(super) fn new(source: S, universe: &str) -> Self {
        Self { source, universe: universe.to_owned(), held: Mutex::default() }
    }

    async fn token(&self) -> Result<Token> {
        let mut held = self.held.lock().await;
        if let Some(token) = held.token.as_ref().filter(|token| token.lives(MARGIN)) {
            return Ok(token.clone());
        }
        if let Some((_, error)) = held.refused.as_ref().filter(|(at, _)| at.elapsed() < REFUSED) {
            return Err(error.clone());
        }
        match (self.source.fetch().await, &held.token) {
            (Ok(token), _) => Ok(held.token.insert(token).clone()),
            // It will do for now, and the next who asks tries again.
            (Err(error), Some(token)) if error.kind == Kind::Transient && token.lives(Duration::ZERO) => {
                tracing::debug!("a token is not renewed yet: {error}");
                Ok(token.clone())
            }
            (Err(error), _) => {
                held.refused = (error.kind != Kind::Transient).then(|| (Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

impl<S> fmt::Debug for Renewed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewed").field("universe", &self.universe).finish_non_exhaustive()
    }
}

impl<S: Source> CredentialsProvider for Renewed<S> {
    async fn headers(
        &self,
        _extensions: http::Extensions,
    ) -> std::result::Result<CacheableResource<HeaderMap>, CredentialsError> {
        let token = self.token().await;
        let token = token.map_err(|error| CredentialsError::from_source(error.kind == Kind::Transient, error))?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.secret))
            .map_err(|_| CredentialsError::from_msg(false, "the token has characters that no header may have"))?;
        value.set_sensitive(true);
        let mut data = HeaderMap::from_iter([(AUTHORIZATION, value)]);
        if let Some(project) = self.source.quota_project().and_then(|project| HeaderValue::from_str(project).ok()) {
            data.insert("x-goog-user-project", project);
        }
        Ok(CacheableResource::New { entity_tag: EntityTag::new(), data })
    }

    async fn universe_domain(&self) -> Option<String> {
        Some(self.universe.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex as Lock;

    /// Tokens one after the other, each with its seconds to live.
    struct Canned(Lock<Vec<Result<Token>>>);

    impl Source for Canned {
        async fn fetch(&self) -> Result<Token> {
            self.0.lock().unwrap().remove(0)
        }
    }

    fn token(secret: &str, seconds: u64) -> Result<Token> {
        Ok(Token::valid_for(secret.to_owned(), seconds))
    }

    fn trouble(kind: Kind) -> Result<Token> {
        Err(Error::new("oauth2.token", "service account a@b", kind, "no"))
    }

    async fn three(tokens: Vec<Result<Token>>) -> [String; 3] {
        let renewed = Renewed::new(Canned(Lock::new(tokens)), "googleapis.com");
        let mut seen = [const { String::new() }; 3];
        for one in &mut seen {
            *one = renewed.token().await.map_or_else(|error| error.to_string(), |token| token.secret);
        }
        seen
    }

    #[tokio::test]
    async fn a_token_is_kept_until_it_is_about_to_expire() {
        assert_eq!(three(vec![token("a", 3600)]).await, ["a", "a", "a"]);
        assert_eq!(three(vec![token("a", 200), token("b", 3600)]).await, ["a", "b", "b"]);
        assert_eq!(three(vec![Ok(Token { secret: "for ever".to_owned(), expires: None })]).await, ["for ever"; 3]);
    }

    #[tokio::test]
    async fn trouble_at_a_renewal_matters_only_when_the_token_is_over() {
        let trouble = || trouble(Kind::Transient);
        assert_eq!(three(vec![token("a", 200), trouble(), token("b", 3600)]).await, ["a", "a", "b"]);
        let error = "oauth2.token of service account a@b: no";
        assert_eq!(three(vec![token("a", 0), trouble(), token("b", 3600)]).await, ["a", error, "b"]);
        let refused = vec![token("a", 200), super::tests::trouble(Kind::Forbidden), token("b", 3600)];
        assert_eq!(three(refused).await, ["a", error, error]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_believed_for_seconds() {
        let answers = vec![trouble(Kind::Forbidden), token("b", 3600)];
        let renewed = Renewed::new(Canned(Lock::new(answers)), "googleapis.com");
        for _ in 0..3 {
            assert!(renewed.token().await.is_err());
        }
        tokio::time::advance(REFUSED).await;
        assert_eq!(renewed.token().await.unwrap().secret, "b");
    }
}
