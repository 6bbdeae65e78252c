//! The token of a CI job, exchanged for Google's: no key is stored anywhere.

use super::renewal::{Source, Token};
use super::{Credentials, Environment, Owner, WorkloadIdentity, World, unusable};
use crate::http::Request;
use crate::{Endpoints, Result};
use serde::Deserialize;
use std::path::PathBuf;

/// What the token is exchanged for when a service account is impersonated with it.
const IMPERSONATION_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// What errors call it.
pub(crate) const WORKLOAD_IDENTITY: &str = "the workload identity";

/// Where the CI has its token for us.
enum Subject {
    /// GitHub gives one to who asks, for the audience that is asked for.
    GitHub { url: String, token: String },
    /// GitLab's `id_tokens`, and CIs like it.
    Variable { name: String, environment: Environment },
    /// A file that somebody keeps fresh.
    File(PathBuf),
}

struct Federation {
    http: reqwest::Client,
    subject: Subject,
    provider: String,
    url: String,
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct Exchanged {
    access_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct GitHubToken {
    value: String,
}

impl Credentials {
    /// What a provider gives for the token of the job that we run in.
    ///
    /// # Errors
    /// When the provider's name is none, or the job has no token.
    pub(super) fn of_workload_identity(identity: &WorkloadIdentity, world: &World<'_>) -> Result<Self> {
        let provider = identity.provider.trim_start_matches("https:").trim_start_matches("//iam.googleapis.com/");
        let parts: Vec<&str> = provider.split('/').collect();
        let is_name = matches!(*parts, ["projects", _, "locations", _, "workloadIdentityPools", _, "providers", _]);
        if !is_name || parts.contains(&"") {
            let form = "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER";
            return Err(unusable(WORKLOAD_IDENTITY, format!("its provider is `{provider}`, it has to be `{form}`")));
        }
        let scopes = match identity.service_account {
            Some(_) => vec![IMPERSONATION_SCOPE.to_owned()],
            None => world.scopes_without_email(),
        };
        let source = Federation {
            http: world.http.clone(),
            subject: Subject::of(&world.environment)?,
            provider: provider.to_owned(),
            url: token_url(world.endpoints),
            scopes,
        };
        let federated = Self::renewed(source, world.endpoints, Owner::Unknown);
        Ok(match &identity.service_account {
            Some(account) => federated.impersonating(account, world),
            None => federated,
        })
    }
}

/// Where tokens are exchanged.
pub(super) fn token_url(endpoints: &Endpoints) -> String {
    format!("{}/v1/token", endpoints.url("sts"))
}

impl Subject {
    fn of(environment: &Environment) -> Result<Self> {
        if let Some(name) = environment("IMGFORGE_GCE_ID_TOKEN_VARIABLE") {
            if environment(&name).is_none() {
                let message = format!("`{name}`, which `IMGFORGE_GCE_ID_TOKEN_VARIABLE` names, is not set");
                return Err(unusable(WORKLOAD_IDENTITY, message));
            }
            return Ok(Self::Variable { name, environment: environment.clone() });
        }
        if let Some(path) = environment("IMGFORGE_GCE_ID_TOKEN_FILE") {
            return Ok(Self::File(path.into()));
        }
        if environment("GCP_ID_TOKEN").is_some() {
            return Ok(Self::Variable { name: "GCP_ID_TOKEN".to_owned(), environment: environment.clone() });
        }
        match (environment("ACTIONS_ID_TOKEN_REQUEST_URL"), environment("ACTIONS_ID_TOKEN_REQUEST_TOKEN")) {
            (Some(url), Some(token)) => Ok(Self::GitHub { url, token }),
            _ if environment("GITHUB_ACTIONS").is_some() => {
                Err(unusable(WORKLOAD_IDENTITY, "the job has no token: give it `permissions: id-token: write`"))
            }
            _ if environment("GITLAB_CI").is_some() => {
                Err(unusable(WORKLOAD_IDENTITY, "the job has no token: declare `GCP_ID_TOKEN` under its `id_tokens`"))
            }
            _ => Err(unusable(
                WORKLOAD_IDENTITY,
                "no token of the CI: neither `GCP_ID_TOKEN`, `IMGFORGE_GCE_ID_TOKEN_FILE` nor \
                 `ACTIONS_ID_TOKEN_REQUEST_URL` is set",
            )),
        }
    }

    /// The token as it is now: it may have been renewed since.
    async fn token(&self, http: &reqwest::Client, provider: &str) -> Result<String> {
        match self {
            Self::GitHub { url, token } => {
                // What a provider accepts where its owner names no audience.
                let audience = format!("https://iam.googleapis.com/{provider}");
                let request = http.get(url).query(&[("audience", &audience)]).bearer_auth(token);
                let request = Request::new("github.idToken", "the job", request).hiding(token);
                Ok(request.json::<GitHubToken>().await?.value)
            }
            Self::Variable { name, environment } => {
                environment(name).ok_or_else(|| unusable(WORKLOAD_IDENTITY, format!("`{name}` is not set any more")))
            }
            Self::File(path) => match tokio::fs::read_to_string(path).await {
                Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
                Ok(_) => Err(unusable(WORKLOAD_IDENTITY, format!("{} is empty", path.display()))),
                Err(error) => Err(unusable(WORKLOAD_IDENTITY, format!("{}: {error}", path.display()))),
            },
        }
    }
}

impl Source for Federation {
    async fn fetch(&self) -> Result<Token> {
        let subject = self.subject.token(&self.http, &self.provider).await?;
        let request = self.http.post(&self.url).form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("audience", &format!("//iam.googleapis.com/{}", self.provider)),
            ("scope", &self.scopes.join(" ")),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("subject_token", &subject),
        ]);
        let answer: Exchanged = Request::new("sts.token", &self.provider, request).hiding(&subject).json().await?;
        Ok(Token::valid_for(answer.access_token, answer.expires_in))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::CredentialOptions;
    use crate::credentials::tests::at;
    use crate::testing::{Reply, Server, ok};
    use serde_json::json;

    const PROVIDER: &str = "projects/12/locations/global/workloadIdentityPools/ci/providers/git";

    fn options(provider: &str, service_account: Option<&str>) -> CredentialOptions {
        let identity =
            WorkloadIdentity { provider: provider.to_owned(), service_account: service_account.map(str::to_owned) };
        CredentialOptions { workload_identity: Some(identity), ..Default::default() }
    }

    /// The exchange of a token, as the server sees it.
    fn exchange(subject: &str, scope: &str) -> String {
        format!(
            "POST /sts/v1/token\n\
             grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&\
             audience=%2F%2Fiam.googleapis.com%2Fprojects%2F12%2Flocations%2Fglobal%2FworkloadIdentityPools%2Fci%2Fproviders%2Fgit&\
             scope={scope}&\
             requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&\
             subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&\
             subject_token={subject}"
        )
    }

    const PLATFORM: &str = "https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform";

    #[tokio::test]
    async fn a_job_of_github_becomes_a_service_account() {
        let server = Server::start([
            ok(json!({"count": 9, "value": "git.hub.1"})),
            ok(json!({"access_token": "sts-1", "expires_in": 3599, "token_type": "Bearer"})),
            ok(json!({"accessToken": "ya29.1", "expireTime": "2030-01-01T00:00:00Z"})),
        ])
        .await;
        let url = format!("{}/ci?api-version=2.0", server.url);
        let variables =
            [("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-the-job")];
        let credentials = at(&server, &options(PROVIDER, Some("b@p.iam.gserviceaccount.com")), &variables).unwrap();
        assert_eq!(credentials.token().await.unwrap(), "ya29.1");
        assert!(matches!(credentials.owner(), Owner::Known(email) if email == "b@p.iam.gserviceaccount.com"));
        assert_eq!(
            server.requests(),
            [
                "GET /ci?api-version=2.0&audience=https%3A%2F%2Fiam.googleapis.com%2Fprojects%2F12%2Flocations%2Fglobal\
                 %2FworkloadIdentityPools%2Fci%2Fproviders%2Fgit\n\
                 authorization: Bearer of-the-job",
                &exchange("git.hub.1", PLATFORM),
                "POST /iamcredentials/v1/projects/-/serviceAccounts/b@p.iam.gserviceaccount.com:generateAccessToken\n\
                 authorization: Bearer sts-1\n\
                 {\"lifetime\":\"3600s\",\"scope\":[\"https://www.googleapis.com/auth/cloud-platform\",\
                 \"https://www.googleapis.com/auth/userinfo.email\"]}",
            ]
        );
    }

    #[tokio::test]
    async fn a_file_is_read_again_at_each_renewal() {
        let server = Server::start([
            ok(json!({"access_token": "sts-1", "expires_in": 1})),
            ok(json!({"access_token": "sts-2", "expires_in": 3600})),
        ])
        .await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let variables = [("IMGFORGE_GCE_ID_TOKEN_FILE", file.to_str().unwrap())];
        let credentials = at(&server, &options(&format!("//iam.googleapis.com/{PROVIDER}"), None), &variables).unwrap();
        std::fs::write(&file, "first\n").unwrap();
        assert_eq!(credentials.token().await.unwrap(), "sts-1");
        std::fs::write(&file, "second").unwrap();
        assert_eq!(credentials.token().await.unwrap(), "sts-2");
        assert_eq!(credentials.token().await.unwrap(), "sts-2");
        assert_eq!(server.requests(), [exchange("first", PLATFORM), exchange("second", PLATFORM)]);
    }

    #[tokio::test]
    async fn a_variable_of_gitlab_is_taken_and_never_shown() {
        let refusal = json!({"error": "invalid_grant", "error_description": "eyJ.secret.x is expired"}).to_string();
        let server = Server::start([
            ok(json!({"access_token": "sts-1", "expires_in": 3600})),
            Reply::Answer(400, String::new(), refusal),
        ])
        .await;
        let credentials = at(&server, &options(PROVIDER, None), &[("GCP_ID_TOKEN", "eyJ.1")]).unwrap();
        assert_eq!(credentials.token().await.unwrap(), "sts-1");
        let variables = [("IMGFORGE_GCE_ID_TOKEN_VARIABLE", "MINE"), ("GCP_ID_TOKEN", "x"), ("MINE", "eyJ.secret.x")];
        let error = at(&server, &options(PROVIDER, None), &variables).unwrap().token().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "sts.token of projects/12/locations/global/workloadIdentityPools/ci/providers/git failed with 400 \
             invalid_grant: [hidden] is expired"
        );
    }

    #[tokio::test]
    async fn what_is_missing_is_said_with_what_the_ci_calls_it() {
        let server = Server::start([]).await;
        let said = |provider: &str, variables: &[(&str, &str)]| {
            at(&server, &options(provider, None), variables).unwrap_err().to_string()
        };
        assert_eq!(
            [
                said("ci/git", &[]),
                said("projects/12/locations/global/workloadIdentityPools//providers/git", &[]),
                said(PROVIDER, &[("GITHUB_ACTIONS", "true")]),
                said(PROVIDER, &[("GITLAB_CI", "true")]),
                said(PROVIDER, &[("IMGFORGE_GCE_ID_TOKEN_VARIABLE", "MINE")]),
                said(PROVIDER, &[]),
            ],
            [
                "credentials of the workload identity: its provider is `ci/git`, it has to be \
                 `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`",
                "credentials of the workload identity: its provider is \
                 `projects/12/locations/global/workloadIdentityPools//providers/git`, it has to be \
                 `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`",
                "credentials of the workload identity: the job has no token: give it `permissions: id-token: write`",
                "credentials of the workload identity: the job has no token: declare `GCP_ID_TOKEN` under its `id_tokens`",
                "credentials of the workload identity: `MINE`, which `IMGFORGE_GCE_ID_TOKEN_VARIABLE` names, is not set",
                "credentials of the workload identity: no token of the CI: neither `GCP_ID_TOKEN`, \
                 `IMGFORGE_GCE_ID_TOKEN_FILE` nor `ACTIONS_ID_TOKEN_REQUEST_URL` is set",
            ]
        );
    }
}
