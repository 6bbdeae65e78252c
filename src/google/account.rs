//! Who we are to Google, and where Google is: from what the template says to a live connection, and to what a claim notes
//! of it.

use crate::clients::Clients;
use anyhow::{Context as _, Result};
use aws_lc_rs::digest;
use imgforge_gce::{CredentialOptions, Endpoints, Gce, Options, WorkloadIdentity};
use imgforge_template::arguments;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::Spanned;
use imgforge_template::suggest;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

arguments! {
    /// How Google Cloud is reached, and as whom: every component for it takes these.
    pub struct GoogleArguments {
        /// A token from elsewhere. It can't be renewed, so it has to be valid for as long as the build takes.
        access_token: Option<Spanned<String>>,
        /// Old name of `credentials_file` and `credentials_json`: a path, or JSON that begins with `{`.
        account_file: Option<Spanned<String>>,
        /// A JSON file of Google's: of a service account, a user, or an external account.
        credentials_file: Option<Spanned<PathBuf>>,
        /// The same as text.
        credentials_json: Option<Spanned<String>>,
        /// Act as this service account, by the default credentials.
        impersonate_service_account: Option<Spanned<String>>,
        /// A path in Vault that gives tokens of Google: `gcp/token/ROLESET`. Vault is found by `VAULT_ADDR`, `VAULT_TOKEN`
        /// and `VAULT_NAMESPACE`.
        vault_gcp_oauth_engine: Option<Spanned<String>>,
        /// The domain of another universe of Google's; `googleapis.com` if not set.
        universe_domain: Option<String>,
        /// Addresses of Google's services, by `compute`, `storage`, `oslogin`, `oauth2` and others: for tests and proxies.
        custom_endpoints: BTreeMap<String, String>,
    }
}

/// The arguments at most one of which says who we are.
pub const CREDENTIALS: [&str; 6] = [
    "access_token",
    "account_file",
    "credentials_file",
    "credentials_json",
    "impersonate_service_account",
    "vault_gcp_oauth_engine",
];

/// A provider of workload identities that trusts the CI, and the account to act as.
const PROVIDER: &str = "IMGFORGE_GCE_WORKLOAD_IDENTITY_PROVIDER";
const PROVIDED_ACCOUNT: &str = "IMGFORGE_GCE_SERVICE_ACCOUNT";

/// What tokens are asked for: all that the account may do, and its address for OS Login.
const SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/userinfo.email"];

/// Who we are and where Google is. Cheap to compare by its key.
#[derive(Clone, Default)]
pub struct Account {
    credentials: CredentialOptions,
    endpoints: Endpoints,
}

/// Where in Google Cloud a thing of a project is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    Global,
    Zone(&'a str),
    Region(&'a str),
}

impl GoogleArguments {
    /// Checks what can be checked before a build.
    pub fn check(&self, body: &Body, diagnostics: &mut Diagnostics) {
        self.check_single(diagnostics);
        for (name, file) in [("credentials_file", self.credentials_path()), ("account_file", self.account_path())] {
            if let (Some(file), Some(span)) = (file, self.given.span(name)) {
                let path = with_home(&file, body.context().host.environment("HOME").as_deref());
                if body.context().host.status(&path).is_ok_and(|status| !status.is_directory) {
                    continue;
                }
                // A key that is put there by mistake must not be shown.
                let wrong = if may_be_key(&file) {
                    let help = "`credentials_json` takes the text of a key, which begins with `{`";
                    Diagnostic::error("invalid-value", format!("`{name}` is neither a path nor JSON")).help(help)
                } else {
                    let help =
                        "it is a JSON file that Google gives out, or `gcloud auth application-default login` makes";
                    Diagnostic::error("missing-file", format!("there is no file `{}`", file.display())).help(help)
                };
                diagnostics.push(wrong.at(span));
            }
        }
        let json = [("credentials_json", text(&self.credentials_json)), ("account_file", self.account_json())];
        for (name, json) in json {
            if let (Some(json), Some(span)) = (json, self.given.span(name))
                && serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json).is_err()
            {
                let message = format!("`{name}` is not JSON");
                let help = "give the whole text of the file, from `{` to `}`";
                diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
            }
        }
        self.check_endpoints(diagnostics);
    }

    fn check_single(&self, diagnostics: &mut Diagnostics) {
        let given = |name: &&str| !self.given.is_unknown(name) && self.is_set(name);
        let mut given = CREDENTIALS.into_iter().filter(given);
        let Some((first, place)) = given.next().and_then(|name| Some((name, self.given.span(name)?))) else { return };
        for other in given {
            let Some(span) = self.given.span(other) else { continue };
            let message = format!("`{other}` and `{first}` exclude each other");
            diagnostics.push(
                Diagnostic::error("conflicting-arguments", message)
                    .at(span)
                    .related(place, format!("`{first}` is given here"))
                    .help("keep one of the two"),
            );
        }
    }

    /// Whether an argument says something: templates pass empty strings through for "not set".
    fn is_set(&self, name: &str) -> bool {
        match name {
            "access_token" => text(&self.access_token).is_some(),
            "account_file" => text(&self.account_file).is_some(),
            "credentials_file" => self.credentials_path().is_some(),
            "credentials_json" => text(&self.credentials_json).is_some(),
            "impersonate_service_account" => text(&self.impersonate_service_account).is_some(),
            "vault_gcp_oauth_engine" => text(&self.vault_gcp_oauth_engine).is_some(),
            _ => false,
        }
    }

    fn check_endpoints(&self, diagnostics: &mut Diagnostics) {
        let Some(span) = self.given.span("custom_endpoints") else { return };
        for (key, address) in &self.custom_endpoints {
            if !Endpoints::KEYS.contains(&key.as_str()) {
                let message = format!("`custom_endpoints` has no key `{key}`");
                let known = || format!("its keys are {}", Endpoints::KEYS.join(", "));
                let help = suggest::did_you_mean(key, Endpoints::KEYS.iter().copied()).unwrap_or_else(known);
                diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
            } else if !["http://", "https://", "ws://", "wss://"].iter().any(|scheme| address.starts_with(scheme)) {
                let message = format!("the address of `{key}` is not one: `{address}`");
                let help = "write it with `https://`, as `https://compute.example.org/compute/v1/`";
                diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
            } else if address.split('/').nth(2).is_some_and(|host| host.contains('@')) {
                let message = format!("the address of `{key}` has a user in it");
                let help = "leave the user out: addresses are written down, so that a cleanup finds its way";
                diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
            }
        }
    }

    fn credentials_path(&self) -> Option<PathBuf> {
        self.credentials_file.as_ref().map(|file| file.value.clone()).filter(|file| !file.as_os_str().is_empty())
    }

    fn account_path(&self) -> Option<PathBuf> {
        text(&self.account_file).filter(|text| !text.trim_start().starts_with('{')).map(PathBuf::from)
    }

    fn account_json(&self) -> Option<&str> {
        text(&self.account_file).filter(|text| text.trim_start().starts_with('{'))
    }

    /// Who we are by these arguments or, where they say nothing, by the environment.
    pub fn account(&self) -> Account {
        let file = self.credentials_path().or_else(|| self.account_path());
        let json = text(&self.credentials_json).or_else(|| self.account_json());
        let impersonated = text(&self.impersonate_service_account);
        let credentials = CredentialOptions {
            access_token: text(&self.access_token).map(str::to_owned),
            credentials_file: file.map(|file| absolute(&file)),
            credentials_json: json.map(str::to_owned),
            impersonate_service_account: impersonated.map(str::to_owned),
            workload_identity: None,
            vault_gcp_oauth_engine: text(&self.vault_gcp_oauth_engine).map(str::to_owned),
            scopes: SCOPES.map(str::to_owned).to_vec(),
        };
        let universe_domain = self.universe_domain.clone().unwrap_or_default();
        let endpoints = Endpoints { universe_domain, custom: self.custom_endpoints.clone() };
        Account { credentials, endpoints }.or_environment()
    }

    /// What must not be shown to anyone.
    pub fn secrets(&self) -> Vec<String> {
        let secrets = [text(&self.credentials_json), self.account_json()].into_iter().flatten().map(str::to_owned);
        // The argument's, or that of the environment.
        secrets.chain(self.account().credentials.access_token).collect()
    }
}

/// The live account of these arguments, shared by all of a run that say the same.
///
/// # Errors
/// When the credentials can't be used as they stand. Nothing is asked of Google yet.
pub async fn connect(arguments: &GoogleArguments, clients: &Clients) -> Result<Gce> {
    arguments.account().connect(clients).await
}

impl Account {
    /// Where nothing says who we are, the CI may.
    fn or_environment(mut self) -> Self {
        let CredentialOptions {
            access_token,
            credentials_file,
            credentials_json,
            impersonate_service_account,
            vault_gcp_oauth_engine,
            ..
        } = &self.credentials;
        let says_who = access_token.is_some()
            || credentials_file.is_some()
            || credentials_json.is_some()
            || impersonate_service_account.is_some()
            || vault_gcp_oauth_engine.is_some();
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if says_who {
            return self;
        }
        // By this name other tools for Google Cloud read it.
        let token = std::env::var("GOOGLE_OAUTH_ACCESS_TOKEN").ok().filter(|token| !token.is_empty());
        if token.is_some() {
            self.credentials.access_token = token;
        } else if let Some(provider) = variable(PROVIDER) {
            let service_account = variable(PROVIDED_ACCOUNT);
            self.credentials.workload_identity = Some(WorkloadIdentity { provider, service_account });
        }
        self
    }

    /// The key of its live client: which cloud, by whose credentials. It tells no secret, and two accounts that differ in
    /// anything have two.
    pub fn key(&self) -> String {
        let CredentialOptions {
            access_token,
            credentials_file,
            credentials_json,
            impersonate_service_account,
            workload_identity,
            vault_gcp_oauth_engine: vault,
            ..
        } = &self.credentials;
        let workload = workload_identity.as_ref().map(|identity| (&identity.provider, &identity.service_account));
        let all = format!(
            "{:?}",
            (
                (access_token, credentials_file, credentials_json, impersonate_service_account, workload, vault),
                &self.endpoints.universe_domain,
                &self.endpoints.custom,
            )
        );
        let hash = digest::digest(&digest::SHA256, all.as_bytes());
        let mut key = "gce-".to_owned();
        for byte in hash.as_ref().iter().take(8) {
            // Writing into a string does not fail.
            let _written = write!(key, "{byte:02x}");
        }
        key
    }

    /// The live account, shared by all of a run.
    ///
    /// # Errors
    /// When the credentials can't be used as they stand.
    pub async fn connect(&self, clients: &Clients) -> Result<Gce> {
        self.connect_by(&self.key(), clients).await
    }

    async fn connect_by(&self, key: &str, clients: &Clients) -> Result<Gce> {
        let make = async {
            let options = Options { endpoints: self.endpoints.clone(), credentials: self.credentials.clone() };
            super::explained(Gce::new(&options).await)
        };
        let gce = clients.get_or_make::<Gce>(key, make).await.context("connect to Google Cloud")?;
        Ok((*gce).clone())
    }

    /// The live account that the details of a claim name. The run that made the claim has it already, with whatever
    /// credentials it had; everyone else makes it of what is noted, and of the environment.
    ///
    /// # Errors
    /// When the credentials can't be used as they stand.
    pub async fn connect_noted(details: &BTreeMap<String, String>, clients: &Clients) -> Result<Gce> {
        let account = Self::of_details(details);
        let key = details.get("client").cloned().unwrap_or_else(|| account.key());
        account.connect_by(&key, clients).await
    }

    /// What a claim notes, so that the thing is found on the day after: where it is, and as whom to remove it. No secret is
    /// in it: a token or a text of credentials is found again by the key alone, in the same run.
    pub fn details(&self, project: &str, place: Place<'_>) -> BTreeMap<String, String> {
        let mut details =
            BTreeMap::from([("project".to_owned(), project.to_owned()), ("client".to_owned(), self.key())]);
        let mut note = |name: &str, value: &str| drop(details.insert(name.to_owned(), value.to_owned()));
        match place {
            Place::Global => {}
            Place::Zone(zone) => note("zone", zone),
            Place::Region(region) => note("region", region),
        }
        let credentials = &self.credentials;
        if let Some(file) = credentials.credentials_file.as_ref().and_then(|file| file.to_str()) {
            note("credentials_file", file);
        }
        if let Some(account) = &credentials.impersonate_service_account {
            note("impersonate_service_account", account);
        }
        if let Some(path) = &credentials.vault_gcp_oauth_engine {
            note("vault_gcp_oauth_engine", path);
        }
        if !self.endpoints.universe_domain.is_empty() {
            note("universe_domain", &self.endpoints.universe_domain);
        }
        for (key, address) in &self.endpoints.custom {
            note(&format!("endpoint.{key}"), address);
        }
        details
    }

    /// The account that a claim's details name.
    pub fn of_details(details: &BTreeMap<String, String>) -> Self {
        let noted = |name: &str| details.get(name).cloned();
        let custom = details
            .iter()
            .filter_map(|(name, address)| Some((name.strip_prefix("endpoint.")?.to_owned(), address.clone())))
            .collect();
        let credentials = CredentialOptions {
            credentials_file: noted("credentials_file").map(PathBuf::from),
            impersonate_service_account: noted("impersonate_service_account"),
            vault_gcp_oauth_engine: noted("vault_gcp_oauth_engine"),
            scopes: SCOPES.map(str::to_owned).to_vec(),
            ..CredentialOptions::default()
        };
        let endpoints = Endpoints { universe_domain: noted("universe_domain").unwrap_or_default(), custom };
        Self { credentials, endpoints }.or_environment()
    }
}

/// What is written, unless it is empty.
fn text(argument: &Option<Spanned<String>>) -> Option<&str> {
    argument.as_ref().map(|text| text.as_str()).filter(|text| !text.is_empty())
}

/// Whether a path is rather a key than the name of a file, which has up to 255 bytes and is in one line.
fn may_be_key(path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    path.len() > 255 || path.contains(&b'\n')
}

/// The path with a leading `~` replaced by the home folder.
fn with_home(path: &Path, home: Option<&str>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => Path::new(home).join(rest),
        _ => path.to_owned(),
    }
}

/// As a cleanup in another folder finds it.
fn absolute(path: &Path) -> PathBuf {
    let path = with_home(path, std::env::var("HOME").ok().as_deref());
    std::path::absolute(&path).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::testing::{Str, World};

    fn account(token: Option<&str>, file: Option<&str>) -> Account {
        Account {
            credentials: CredentialOptions {
                access_token: token.map(str::to_owned),
                credentials_file: file.map(PathBuf::from),
                ..CredentialOptions::default()
            },
            endpoints: Endpoints {
                universe_domain: String::new(),
                custom: BTreeMap::from([("compute".to_owned(), "http://127.0.0.1:1/compute/v1/".to_owned())]),
            },
        }
    }

    #[test]
    fn a_claim_tells_where_and_as_whom_and_no_secret() {
        let noted = account(Some("ya29.secret"), Some("/keys/ci.json")).details("p", Place::Zone("europe-west1-b"));
        let key = noted["client"].clone();
        assert_eq!(
            noted.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n"),
            format!(
                "client={key}\ncredentials_file=/keys/ci.json\nendpoint.compute=http://127.0.0.1:1/compute/v1/\n\
                 project=p\nzone=europe-west1-b"
            )
        );
        let again = Account::of_details(&noted);
        assert_eq!(again.details("p", Place::Zone("europe-west1-b"))["endpoint.compute"], noted["endpoint.compute"]);
        assert_eq!(again.key(), account(None, Some("/keys/ci.json")).key());
    }

    #[test]
    fn a_key_in_the_place_of_a_path_is_not_shown() {
        let world = World::new();
        let mistakes = |argument, value: String| {
            let block = world.block(&[(argument, Str(value.leak()))]);
            let mut told = block.mistakes(|body, diagnostics| {
                let google: GoogleArguments = body.read(diagnostics);
                google.check(body, diagnostics);
            });
            let told = told.pop().unwrap();
            // Without the place, which is the template's own text.
            told.rsplit_once("\": ").unwrap().1.to_owned()
        };
        let help = "(`credentials_json` takes the text of a key, which begins with `{`)";
        let key = "eyJ0eXBlIjoic2VydmljZV9hY2NvdW50".repeat(8);
        assert_eq!(mistakes("account_file", key.clone()), format!("`account_file` is neither a path nor JSON {help}"));
        assert_eq!(mistakes("credentials_file", key), format!("`credentials_file` is neither a path nor JSON {help}"));
        let lines = "-----BEGIN KEY-----\nMIIEvQ\n".to_owned();
        assert_eq!(mistakes("account_file", lines), format!("`account_file` is neither a path nor JSON {help}"));
        let missing = mistakes("account_file", "keys/ci.json".to_owned());
        assert!(missing.starts_with("there is no file `keys/ci.json` ("), "{missing}");
    }

    #[test]
    fn accounts_that_differ_in_a_secret_alone_have_two_keys() {
        assert_eq!(account(Some("a"), None).key(), account(Some("a"), None).key());
        assert_ne!(account(Some("a"), None).key(), account(Some("b"), None).key());
        assert_ne!(account(None, Some("a")).key(), account(Some("a"), None).key());
    }
}
