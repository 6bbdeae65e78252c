//! What can be asked before anything is created: who we are, enabled APIs, permissions.

use crate::credentials::Owner;
use crate::http::{Request, address};
use crate::{Error, Gce, Kind, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// As many as Google answers at once.
const SERVICES_AT_ONCE: usize = 30;
const PERMISSIONS_AT_ONCE: usize = 100;

/// Time for the metadata server, which is a part of the machine that we run on.
const METADATA_LIMIT: Duration = Duration::from_secs(5);

/// A permission, and whether we have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// `compute.instances.create`.
    pub name: String,
    pub granted: bool,
}

#[derive(Deserialize)]
struct Services {
    #[serde(default)]
    services: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    /// `projects/NUMBER/services/compute.googleapis.com`.
    name: String,
    #[serde(default)]
    state: String,
}

#[derive(Deserialize)]
struct Granted {
    /// Missing when there is none.
    #[serde(default)]
    permissions: Vec<String>,
}

#[derive(Deserialize)]
struct TokenInfo {
    email: Option<String>,
}

impl Gce {
    /// The e-mail address of the account: as its credentials say, else as Google does for tokens with the scope
    /// `userinfo.email`.
    ///
    /// # Errors
    /// When Google refuses the credentials, or does not tell.
    pub async fn account(&self) -> Result<String> {
        const CALL: &str = "oauth2.tokeninfo";
        const RESOURCE: &str = "the account";
        let (credentials, http) = (&self.inner.credentials, &self.inner.http);
        if let Owner::Known(email) = credentials.owner() {
            return Ok(email.clone());
        }
        if let Owner::Machine(url) = credentials.owner() {
            let url = format!("{url}/computeMetadata/v1/instance/service-accounts/default/email");
            let request = http.get(url).header("Metadata-Flavor", "Google");
            let request = Request::new(CALL, RESOURCE, request).with(|request| request.timeout(METADATA_LIMIT));
            if let Ok(response) = request.send().await
                && let Ok(email) = response.text().await
                && email.contains('@')
            {
                return Ok(email.trim().to_owned());
            }
        }
        let token = credentials.token().await?;
        // In the body, since addresses are what proxies log.
        let request = http.post(format!("{}/tokeninfo", self.inner.endpoints.url("oauth2")));
        let request = Request::new(CALL, RESOURCE, request.form(&[("access_token", &token)])).hiding(&token);
        let info: TokenInfo = request.json().await?;
        info.email.ok_or_else(|| {
            let message =
                "Google does not tell whose the token is: it lacks the scope `userinfo.email`, or is no account's";
            Error::new(CALL, RESOURCE, Kind::Forbidden, message)
        })
    }

    /// Which of these APIs (`compute.googleapis.com`) the project has not enabled.
    ///
    /// # Errors
    /// Google's; `Forbidden` or `Disabled` when it can't be known.
    pub async fn disabled_apis(&self, project: &str, apis: &[&str]) -> Result<Vec<String>> {
        let url = address(&self.inner.endpoints.url("serviceusage"), &["v1", "projects", project, "services:batchGet"]);
        let mut disabled = Vec::new();
        for apis in apis.chunks(SERVICES_AT_ONCE) {
            let names: Vec<_> =
                apis.iter().map(|api| ("names", format!("projects/{project}/services/{api}"))).collect();
            let request = self.request("services.batchGet", &format!("project {project}"), Method::GET, &url);
            let request = request.in_project(project);
            let answer: Services = request.with(|request| request.query(&names)).json().await?;
            // By the answer's names, whose project may be a number; what is not answered is not known to be missing.
            let is_disabled = |api: &str| {
                let mut services = answer.services.iter();
                services.any(|service| service.name.rsplit('/').next() == Some(api) && service.state == "DISABLED")
            };
            disabled.extend(apis.iter().filter(|api| is_disabled(api)).map(|api| (*api).to_owned()));
        }
        Ok(disabled)
    }

    /// Which of these permissions we have in the project, in the order asked for.
    ///
    /// # Errors
    /// Google's; `Invalid` for a permission that projects don't have.
    pub async fn permissions(&self, project: &str, permissions: &[&str]) -> Result<Vec<Permission>> {
        let base = self.inner.endpoints.url("cloudresourcemanager");
        let url = address(&base, &["v3", "projects", &format!("{project}:testIamPermissions")]);
        let mut answers = Vec::new();
        for permissions in permissions.chunks(PERMISSIONS_AT_ONCE) {
            let request = self
                .request("projects.testIamPermissions", &format!("project {project}"), Method::POST, &url)
                .in_project(project);
            let answer: Granted =
                request.with(|request| request.json(&json!({"permissions": permissions}))).json().await?;
            answers.extend(permissions.iter().map(|name| Permission {
                name: (*name).to_owned(),
                granted: answer.permissions.iter().any(|granted| granted == name),
            }));
        }
        Ok(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CredentialOptions;
    use crate::credentials::Credentials;
    use crate::testing::{Reply, Server, ok, refused};
    use serde_json::Value;
    use std::sync::Arc;

    #[tokio::test]
    async fn google_knows_whose_a_token_is() {
        let server = Server::start([
            ok(json!({"azp": "1", "email": "me@example.com", "scope": "s"})),
            ok(json!({"azp": "1", "scope": "s"})),
            Reply::Answer(
                400,
                String::new(),
                json!({"error": "invalid_token", "error_description": "Invalid Value"}).to_string(),
            ),
        ])
        .await;
        let gce = server.gce().await;
        assert_eq!(gce.account().await.unwrap(), "me@example.com");
        assert_eq!(
            gce.account().await.unwrap_err().to_string(),
            "oauth2.tokeninfo of the account: Google does not tell whose the token is: it lacks the scope `userinfo.email`, \
             or is no account's"
        );
        let error = gce.account().await.unwrap_err();
        assert_eq!(error.kind, Kind::Forbidden);
        assert_eq!(error.to_string(), "oauth2.tokeninfo of the account failed with 400 invalid_token: Invalid Value");
        assert_eq!(server.requests(), ["POST /oauth2/tokeninfo\naccess_token=token-1"; 3]);
    }

    /// An account of the machine that we run on, whose metadata server is this one.
    fn of_the_machine(server: &Server) -> Gce {
        let host = server.url.trim_start_matches("http://").to_owned();
        let environment = Arc::new(move |name: &str| (name == "GCE_METADATA_HOST").then(|| host.clone()));
        let (endpoints, http) = (server.endpoints(), crate::http::client().unwrap());
        let options = CredentialOptions::default();
        let credentials = Credentials::in_environment(&options, &endpoints, &http, environment).unwrap();
        Gce::of(endpoints, credentials, http)
    }

    #[tokio::test]
    async fn a_machine_knows_its_account_itself() {
        // The library asks for a token as soon as there are credentials, so that both are asked at once.
        let answer = ok("builder@p.iam.gserviceaccount.com\n");
        let server = Server::start([answer.clone(), answer]).await;
        assert_eq!(of_the_machine(&server).account().await.unwrap(), "builder@p.iam.gserviceaccount.com");
        let email = "GET /computeMetadata/v1/instance/service-accounts/default/email\nmetadata-flavor: Google";
        assert!(server.requests().iter().any(|request| request == email), "{:?}", server.requests());
    }

    #[tokio::test]
    async fn apis_are_asked_for_by_thirties() {
        let names: Vec<String> = (0..31).map(|number| format!("a{number}.googleapis.com")).collect();
        let answer = |names: &[String], disabled: &str| {
            let services: Vec<Value> = names
                .iter()
                .map(|name| {
                    let state = if name == disabled { "DISABLED" } else { "ENABLED" };
                    json!({"name": format!("projects/12/services/{name}"), "state": state})
                })
                .collect();
            ok(json!({"services": services}))
        };
        let server = Server::start([
            answer(&names[..30], "a7.googleapis.com"),
            answer(&names[30..], "a30.googleapis.com"),
            refused(403, "SERVICE_DISABLED", "Service Usage API has not been used in project 12"),
        ])
        .await;
        let gce = server.gce().await;
        let apis: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(gce.disabled_apis("p", &apis).await.unwrap(), ["a7.googleapis.com", "a30.googleapis.com"]);
        assert_eq!(gce.disabled_apis("p", &apis[..1]).await.unwrap_err().kind, Kind::Disabled);
        let requests = server.requests();
        assert_eq!(requests[0].matches("names=").count(), 30);
        assert_eq!(
            requests[1],
            "GET /serviceusage/v1/projects/p/services:batchGet?names=projects%2Fp%2Fservices%2Fa30.googleapis.com\n\
             authorization: Bearer token-1"
        );
    }

    #[tokio::test]
    async fn permissions_are_answered_in_the_order_asked_for() {
        let server = Server::start([ok(json!({"permissions": ["compute.images.get"]})), ok("{}")]).await;
        let gce = server.gce().await;
        let asked = ["compute.images.create", "compute.images.get"];
        let permission = |name: &str, granted| Permission { name: name.to_owned(), granted };
        assert_eq!(
            gce.permissions("p", &asked).await.unwrap(),
            [permission("compute.images.create", false), permission("compute.images.get", true)]
        );
        assert_eq!(gce.permissions("p", &asked[..1]).await.unwrap(), [permission("compute.images.create", false)]);
        assert_eq!(
            server.requests()[0],
            "POST /cloudresourcemanager/v3/projects/p:testIamPermissions\nauthorization: Bearer token-1\n\
             {\"permissions\":[\"compute.images.create\",\"compute.images.get\"]}"
        );
    }
}
