//! Builds in a CI job that has no key of Google's: the job's own token is exchanged, and nobody sees any of them.

use super::fake::{Fake, TOKEN};
use super::forge::{Ended, Place, builder};
use insta::assert_snapshot;
use serde_json::json;
use std::path::Path;

/// The pool of the fake that trusts GitHub and GitLab, and the account that its jobs may act as.
const POOL: &str = "projects/123456789012/locations/global/workloadIdentityPools/ci/providers";
const ACCOUNT: &str = "builder@fake-project.iam.gserviceaccount.com";
/// By this a job of GitHub asks for its token.
const REQUEST_TOKEN: &str = "fake-request-token";

const IMAGE: &str = "projects/demo/global/images/web-1";
const IMPERSONATION: &str = "iamcredentials.projects.serviceAccounts.generateAccessToken";

/// The plain build without a word about credentials, in a job with these variables. What the state folder has while the
/// machine is there is copied to `seen`.
fn build(fake: &Fake, variables: &[(&str, &str)]) -> (Place, Ended) {
    let place = Place::new(&json!({
        "builders": [builder(fake, "web-1", &json!({"access_token": null}))],
        "provisioners": [
            {"type": "shell", "inline": ["echo on $FAKE_INSTANCE"]},
            {"type": "shell-local", "inline": ["cp -r state seen"]},
        ],
    }));
    let mut command = place.command(&["build", "template.json"]);
    for name in ["GCP_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "GOOGLE_OAUTH_ACCESS_TOKEN"] {
        command.env_remove(name);
    }
    let ended = command.env("IMGFORGE_LOG", "trace").envs(variables.iter().copied()).output().unwrap();
    let output = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
    (place, Ended { code: ended.status.code(), output })
}

fn provider(name: &str) -> String {
    format!("{POOL}/{name}")
}

/// The variables of a job of GitHub.
fn github(fake: &Fake) -> [(&'static str, String); 3] {
    [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/ci/github/token?api-version=2.0", fake.url)),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN.to_owned()),
        ("IMGFORGE_GCE_WORKLOAD_IDENTITY_PROVIDER", provider("github")),
    ]
}

/// The variables of a job of GitLab whose token is for this audience.
fn gitlab(fake: &Fake, audience: &str) -> [(&'static str, String); 2] {
    [("GCP_ID_TOKEN", fake.ci_token(audience)), ("IMGFORGE_GCE_WORKLOAD_IDENTITY_PROVIDER", provider("gitlab"))]
}

fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// The calls by which the build got its token, in order.
fn exchanges(fake: &Fake) -> Vec<String> {
    let is_exchange = |method: &String| {
        ["ci_tokens.", "sts.", "iamcredentials.", "oauth2."].iter().any(|service| method.starts_with(service))
    };
    fake.methods().into_iter().filter(is_exchange).collect()
}

/// Each token that was given out.
fn tokens(fake: &Fake) -> Vec<String> {
    let members = ["value", "access_token", "accessToken"];
    let log = fake.log();
    let answers = log.iter().flat_map(|call| members.iter().filter_map(|member| call["response"][member].as_str()));
    answers.map(str::to_owned).collect()
}

/// The texts of all files in a folder and below.
fn texts(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            text += &texts(&entry.path());
        } else {
            text += &String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap());
        }
    }
    text
}

/// Builds with these variables, and sees to it that an image is there and that no token is where it might be read.
#[track_caller]
fn assert_builds(fake: &Fake, variables: &[(&str, &str)], steps: &[&str]) {
    let (place, ended) = build(fake, variables);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert!(ended.output.contains("on imgforge-"), "{}", ended.output);
    assert_eq!(fake.violations(), [""; 0]);
    assert_eq!(exchanges(fake), steps);
    let ours: Vec<String> =
        fake.state().into_iter().map(|(path, _)| path).filter(|path| path.contains("/demo/")).collect();
    assert_eq!(ours, [IMAGE]);

    let seen = texts(&place.path().join("seen"));
    assert!(seen.contains("\"instance\""), "the journal of a build: {seen}");
    let mut secrets = tokens(fake);
    assert_eq!(secrets.len(), steps.len(), "{secrets:?}");
    secrets.extend(variables.iter().filter(|(name, _)| name.ends_with("_TOKEN")).map(|(_, value)| (*value).to_owned()));
    for text in [&seen, &texts(&place.path().join("state")), &ended.output] {
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
}

#[test]
fn a_job_of_github_builds_with_its_own_token() {
    let fake = Fake::start(json!({}));
    let mut variables = github(&fake).to_vec();
    variables.push(("IMGFORGE_GCE_SERVICE_ACCOUNT", ACCOUNT.to_owned()));
    assert_builds(&fake, &borrowed(&variables), &["ci_tokens.github", "sts.token", IMPERSONATION]);
}

#[test]
fn what_the_provider_gives_may_build_by_itself() {
    let fake = Fake::start(json!({}));
    assert_builds(&fake, &borrowed(&github(&fake)), &["ci_tokens.github", "sts.token"]);
}

#[test]
fn a_job_of_gitlab_has_its_token_already() {
    let fake = Fake::start(json!({}));
    let mut variables = gitlab(&fake, &format!("https://iam.googleapis.com/{}", provider("gitlab"))).to_vec();
    variables.push(("IMGFORGE_GCE_SERVICE_ACCOUNT", ACCOUNT.to_owned()));
    assert_builds(&fake, &borrowed(&variables), &["sts.token", IMPERSONATION]);
}

/// Builds with these variables in vain: the mistakes that the user reads of, each with its help. Nothing was begun.
#[track_caller]
fn refusal(fake: &Fake, variables: &[(&str, &str)]) -> String {
    let (_place, ended) = build(fake, variables);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert_eq!(fake.violations(), [""; 0]);
    assert!(fake.methods().iter().all(|method| !method.ends_with(".insert")), "{:?}", fake.methods());
    for secret in tokens(fake).iter().chain([&REQUEST_TOKEN.to_owned()]) {
        assert!(!ended.output.contains(secret), "{secret} is in {}", ended.output);
    }
    let starts = ["error[", "warning[", "= help:"];
    let lines = ended.output.lines().map(str::trim_start);
    let told: Vec<&str> = lines.filter(|line| starts.iter().any(|start| line.starts_with(start))).collect();
    told.join("\n").replace(POOL, "POOL")
}

#[test]
fn a_refused_exchange_says_what_to_do() {
    let fake = Fake::start(json!({}));
    let mut variables = github(&fake);
    variables[2].1 = provider("elsewhere");
    assert_snapshot!(
        refusal(&fake, &borrowed(&variables)),
        @r"
        error[bad-credentials]: Google does not take the credentials: sts.token of POOL/elsewhere failed with 400 invalid_target: There is no identity provider //iam.googleapis.com/POOL/elsewhere, or it is disabled
        = help: have the provider accept this job: by its issuer, its allowed audiences and its attribute condition
        "
    );
    assert_snapshot!(
        refusal(&fake, &borrowed(&gitlab(&fake, "https://example.org"))),
        @r"
        error[bad-credentials]: Google does not take the credentials: sts.token of POOL/gitlab failed with 400 invalid_grant: The audience in ID Token [https://example.org] does not match the expected audience //iam.googleapis.com/POOL/gitlab
        = help: have the provider accept this job: by its issuer, its allowed audiences and its attribute condition
        "
    );
}

#[test]
fn a_job_without_a_token_says_what_to_do() {
    let fake = Fake::start(json!({}));
    let forbidden = json!({"http": 403, "reason": "forbidden", "message": "the job may not have a token"});
    fake.faults(json!([{"method": "ci_tokens.github", "fault": forbidden}]));
    assert_snapshot!(
        refusal(&fake, &borrowed(&github(&fake))),
        @r"
        error[bad-credentials]: Google does not take the credentials: github.idToken of the job failed with 403 forbidden: the job may not have a token
        = help: give the job `permissions: id-token: write`
        "
    );
    let variables = [github(&fake)[2].clone(), ("GITHUB_ACTIONS", "true".to_owned())];
    assert_snapshot!(
        refusal(&fake, &borrowed(&variables)),
        @r"
        error[bad-credentials]: Google does not take the credentials: connect to Google Cloud: credentials of the workload identity: the job has no token: give it `permissions: id-token: write`
        = help: give `credentials_file` or `access_token`, or run `gcloud auth application-default login`
        "
    );
}

#[test]
fn an_account_that_does_not_trust_the_job_says_what_to_do() {
    let fake = Fake::start(json!({"accounts": {ACCOUNT: {"impersonators": []}}}));
    let mut variables = github(&fake).to_vec();
    variables.push(("IMGFORGE_GCE_SERVICE_ACCOUNT", ACCOUNT.to_owned()));
    assert_snapshot!(
        refusal(&fake, &borrowed(&variables)),
        @r"
        error[bad-credentials]: Google does not take the credentials: serviceAccounts.generateAccessToken of service account builder@fake-project.iam.gserviceaccount.com failed with 403 forbidden: Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)
        = help: grant `roles/iam.workloadIdentityUser` on this account to the CI's principal, or `roles/iam.serviceAccountTokenCreator` to another account
        "
    );
}

#[test]
fn a_token_in_the_environment_is_not_shown() {
    let fake = Fake::start(json!({}));
    let more = json!({"access_token": null, "communicator": "none", "ssh_username": null});
    let place = Place::new(&json!({
        "builders": [builder(&fake, "web-1", &more)],
        "post-processors": [{"type": "shell-local", "inline": ["echo it is $GOOGLE_OAUTH_ACCESS_TOKEN"]}],
    }));
    let mut command = place.command(&["build", "template.json"]);
    let ended = command.env("IMGFORGE_LOG", "trace").env("GOOGLE_OAUTH_ACCESS_TOKEN", TOKEN).output().unwrap();
    let output = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{output}");
    assert!(output.contains("it is <sensitive>") && !output.contains(TOKEN), "{output}");
}
