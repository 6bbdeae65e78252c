//! What to do about a failed call, in a sentence of ours beside Google's.

use crate::credentials::WORKLOAD_IDENTITY;
use crate::error::CONSTRAINTS;
use crate::{Error, Kind};

impl Error {
    /// What whoever reads the error can do about it, as a lower-case fragment; nothing where the error itself says it.
    pub fn advice(&self) -> Option<String> {
        if self.is_about_credentials() {
            return self.credentials();
        }
        match self.kind {
            Kind::Quota => Some(self.quota()),
            Kind::Disabled => Some(self.disabled()),
            Kind::Forbidden => Some(self.forbidden()),
            Kind::Capacity => Some(self.capacity()),
            Kind::InUse => Some("detach or delete first what uses it".to_owned()),
            Kind::Preempted => {
                Some("run it again, or take a machine that is neither preemptible nor a spot machine".to_owned())
            }
            Kind::Transient if self.status == Some(429) || self.reason.to_lowercase().contains("ratelimit") => {
                Some("try again later; fewer builds at once ask Google less often".to_owned())
            }
            Kind::Transient => Some("try again later; https://status.cloud.google.com tells of outages".to_owned()),
            Kind::NotFound | Kind::AlreadyExists | Kind::Invalid | Kind::TimedOut | Kind::Lost | Kind::Other => None,
        }
    }

    fn detail(&self, key: &str) -> Option<&str> {
        self.details.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn project(&self) -> &str {
        self.detail("project").unwrap_or("PROJECT")
    }

    /// Which quota it is stands beside the sentence, or, from older APIs, in it: "Quota 'CPUS' exceeded. Limit: 8.0 in
    /// region europe-west1."
    fn quota(&self) -> String {
        let name = self.detail("limitName").or(self.detail("metricName")).or(between(&self.message, "Quota '", "'"));
        let limit = self.detail("limit").or(between(&self.message, "Limit: ", " "));
        let place = self.detail("region").or(self.detail("zone")).or(between(&self.message, " in region ", "."));
        let mut what = name.map_or_else(|| "the quota".to_owned(), |name| format!("the quota `{name}`"));
        if let Some(limit) = limit.map(|limit| limit.trim_end_matches('.').trim_end_matches(".0")) {
            what = format!("{what} of {limit}");
        }
        if let Some(place) = place {
            what = format!("{what} in {place}");
        }
        format!(
            "delete what is no longer needed, or have {what} raised at \
             https://console.cloud.google.com/iam-admin/quotas?project={}",
            self.project()
        )
    }

    /// By who gives the token that there is none of.
    fn credentials(&self) -> Option<String> {
        let advice = match self.call {
            "github.idToken" => "give the job `permissions: id-token: write`",
            "sts.token" => {
                "have the provider accept this job: by its issuer, its allowed audiences and its attribute condition"
            }
            "serviceAccounts.generateAccessToken" => {
                "grant `roles/iam.workloadIdentityUser` on this account to the CI's principal, or \
                 `roles/iam.serviceAccountTokenCreator` to another account"
            }
            "vault.read" => "see that `VAULT_TOKEN` may read this path",
            // It says itself what the job lacks.
            "credentials" if self.resource == WORKLOAD_IDENTITY => return None,
            _ => "make new credentials, for instance by `gcloud auth application-default login`",
        };
        Some(advice.to_owned())
    }

    fn disabled(&self) -> String {
        let service =
            self.detail("service").or(between(&self.message, "/apis/api/", "/")).unwrap_or("compute.googleapis.com");
        format!("`gcloud services enable {service} --project={}` enables it within minutes", self.project())
    }

    fn forbidden(&self) -> String {
        let word = self.reason.replace('_', "").to_lowercase();
        if word.starts_with("billing") {
            return format!(
                "link a billing account at https://console.cloud.google.com/billing/linkedaccount?project={}",
                self.project()
            );
        }
        if let Some((_, rest)) = self.message.split_once(CONSTRAINTS) {
            let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').next().unwrap_or_default();
            let name = name.trim_end_matches('.');
            return format!(
                "keep to the organisation's policy `{CONSTRAINTS}{name}`, or have project {} excepted",
                self.project()
            );
        }
        if word.contains("scope") || (word == "insufficientpermissions" && self.message.contains("scope")) {
            return "give the credentials the scope https://www.googleapis.com/auth/cloud-platform".to_owned();
        }
        // Permissions have a service, a collection and a verb: `compute.images.useReadOnly`.
        let permission = self
            .detail("permission")
            .or(between(&self.message, "Required '", "'"))
            .or(between(&self.message, "permission '", "'"))
            .filter(|name| name.split('.').count() == 3 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'));
        match permission {
            Some(name) => {
                format!(
                    "grant the permission `{name}` in project {} to the account of these credentials",
                    self.project()
                )
            }
            None => format!("see which roles the account of these credentials has in project {}", self.project()),
        }
    }

    fn capacity(&self) -> String {
        let zones = self.detail("zonesAvailable").map_or("another zone".to_owned(), |zones| zones.replace(',', ", "));
        format!("try {zones}, another machine type, or the same later")
    }
}

/// What stands between two texts, the shortest; to the end if the second is missing.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = text.split_once(before)?.1;
    let found = rest.split_once(after).map_or(rest, |(found, _)| found);
    (!found.is_empty()).then_some(found)
}
