//! What everything of ours in Google Cloud says of itself, so that it is found without a journal.

use crate::ci::Environment;
use crate::context::BuildContext;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a thing is to the run that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It goes with the build, or was left behind by it.
    Temporary,
    /// What the user gets; no cleanup touches it.
    Artifact,
}

impl Role {
    /// The value of the label `imgforge-role`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Temporary => "temp",
            Self::Artifact => "artifact",
        }
    }
}

/// The labels of a thing that a build makes. It counts as abandoned when the run's hard limit is over, or `lasts` from now
/// on, whichever is later.
pub fn labels(context: &BuildContext, role: Role, lasts: Duration) -> BTreeMap<String, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let expires = context.ledger.expires().max(now.saturating_add(lasts).as_secs());
    let labels = [
        ("imgforge-run", context.ledger.run().to_owned()),
        ("imgforge-role", role.text().to_owned()),
        ("imgforge-expires", expires.to_string()),
        ("imgforge-owner", owner(&Environment::of_process())),
        ("imgforge-template", value(&context.name)),
    ];
    labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What of these marks changes when a thing becomes the user's: no cleanup touches it any more.
pub fn marks_of_artifact() -> BTreeMap<String, Option<String>> {
    BTreeMap::from([
        ("imgforge-role".to_owned(), Some(Role::Artifact.text().to_owned())),
        ("imgforge-expires".to_owned(), None),
    ])
}

/// Who runs this, for whoever finds it: the CI's job, else user and machine.
fn owner(environment: &Environment) -> String {
    let joined = |parts: &[&str]| {
        let known: Option<Vec<&str>> = parts.iter().map(|name| environment.get(name)).collect();
        known.map(|known| known.join("-"))
    };
    let job = joined(&["GITHUB_REPOSITORY", "GITHUB_RUN_ID"])
        .or_else(|| joined(&["CI_PROJECT_PATH", "CI_JOB_ID"]))
        .or_else(|| joined(&["BUILD_TAG"]));
    let job = job.unwrap_or_else(|| {
        let user = environment.get("USER").unwrap_or("somebody");
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        format!("{user}-{host}")
    });
    value(&job)
}

/// A text as the value of a label: lower-case letters, digits, `-` and `_`, 63 at most. Of a longer one the end stays, where
/// the number of a job is.
fn value(text: &str) -> String {
    let clean = |letter: char| match letter.to_ascii_lowercase() {
        letter if letter.is_ascii_alphanumeric() || letter == '_' => letter,
        _ => '-',
    };
    let letters: Vec<char> = text.chars().map(clean).collect();
    letters.iter().skip(letters.len().saturating_sub(63)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_the_job_by_its_number() {
        let github = [("GITHUB_REPOSITORY", "Acme/Images"), ("GITHUB_RUN_ID", "1234567")];
        assert_eq!(owner(&Environment::from(github)), "acme-images-1234567");
        let gitlab = [("CI_PROJECT_PATH", "acme/images"), ("CI_JOB_ID", "9")];
        assert_eq!(owner(&Environment::from(gitlab)), "acme-images-9");
        assert!(owner(&Environment::from([("USER", "me")])).starts_with("me-"));
    }

    #[test]
    fn any_text_becomes_a_value() {
        assert_eq!(value("web.googlecompute.Bücher"), "web-googlecompute-b-cher");
        assert_eq!(value(&format!("{}-42", "x".repeat(70))), format!("{}-42", "x".repeat(60)));
    }
}
