//! A user who has logged in by `gcloud auth application-default login`.
//!
//! Google's library asks for these tokens with JSON, in which the scopes have a name of its own; the standard has a form.

use super::json::{TOKEN_URI, text};
use super::renewal::{Source, Token};
use super::{Credentials, Owner, World};
use crate::Result;
use crate::http::Request;
use serde::Deserialize;
use serde_json::Value;

struct User {
    http: reqwest::Client,
    url: String,
    client_id: String,
    client_secret: String,
    refresh_token: String,
    quota_project: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: u64,
}

impl Credentials {
    /// A user by the token that the login left.
    ///
    /// # Errors
    /// When something is missing in it.
    pub(super) fn of_user(source: &str, json: &Value, world: &World<'_>) -> Result<Self> {
        let user = User {
            http: world.http.clone(),
            url: json["token_uri"].as_str().unwrap_or(TOKEN_URI).to_owned(),
            client_id: text(source, json, "client_id")?,
            client_secret: text(source, json, "client_secret")?,
            refresh_token: text(source, json, "refresh_token")?,
            quota_project: (world.environment)("GOOGLE_CLOUD_QUOTA_PROJECT")
                .or_else(|| json["quota_project_id"].as_str().map(str::to_owned)),
        };
        Ok(Self::renewed(user, world.endpoints, Owner::Unknown))
    }
}

impl Source for User {
    async fn fetch(&self) -> Result<Token> {
        // Without scopes: those of the login are the only ones that it may have.
        let request = self.http.post(&self.url).form(&[
            ("grant_type", "refresh_token"),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("refresh_token", &self.refresh_token),
        ]);
        let request = Request::new("oauth2.token", &format!("user of client {}", self.client_id), request);
        let answer: Answer = request.hiding(&self.client_secret).hiding(&self.refresh_token).json().await?;
        Ok(Token::valid_for(answer.access_token, answer.expires_in))
    }

    fn quota_project(&self) -> Option<&str> {
        self.quota_project.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use crate::credentials::CredentialOptions;
    use crate::credentials::tests::at;
    use crate::testing::{Reply, Server, ok, refused};
    use serde_json::json;

    #[tokio::test]
    async fn the_login_of_a_user_is_renewed_and_says_who_pays() {
        let server = Server::start([
            Reply::Cut,
            refused(503, "backendError", "try again"),
            ok(json!({"access_token": "ya29.1", "expires_in": 100})),
            ok(json!({"access_token": "ya29.2", "expires_in": 3600})),
        ])
        .await;
        let user = json!({
            "type": "authorized_user",
            "client_id": "c.apps.googleusercontent.com",
            "client_secret": "cs",
            "refresh_token": "1//r",
            "quota_project_id": "payer",
        });
        let options = CredentialOptions { credentials_json: Some(user.to_string()), ..Default::default() };
        let credentials = at(&server, &options, &[]).unwrap();
        assert_eq!(credentials.token().await.unwrap(), "ya29.1");
        assert_eq!(credentials.token().await.unwrap(), "ya29.2");
        assert_eq!(credentials.token().await.unwrap(), "ya29.2");
        assert_eq!(credentials.headers().await.unwrap()["x-goog-user-project"], "payer");
        let asked = "POST /oauth2/token\ngrant_type=refresh_token&client_id=c.apps.googleusercontent.com&client_secret=cs&\
                     refresh_token=1%2F%2Fr";
        assert_eq!(server.requests(), [asked; 4]);

        let credentials = at(&server, &options, &[("GOOGLE_CLOUD_QUOTA_PROJECT", "other")]).unwrap();
        let error = credentials.token().await.unwrap_err().to_string();
        assert_eq!(
            error,
            "oauth2.token of user of client c.apps.googleusercontent.com failed with 400 unexpected: no such answer is canned"
        );
    }
}
