//! Secrets that stand in the template, and those that can't be hidden.

use super::{Report, Subject, walk};
use imgforge_template::document::Language;
use imgforge_template::source::{Span, Text};
use imgforge_template::syntax::{Expression, ExpressionKind};
use imgforge_template::value::{Kind, Value};
use std::collections::BTreeMap;

/// How the names of arguments and variables end whose values are secret.
const NAMES: &[&str] = &[
    "access_key",
    "account_key",
    "api_key",
    "api_token",
    "auth_token",
    "client_secret",
    "credentials_json",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "secret",
    "secret_key",
    "security_token",
    "session_token",
    "token",
];

/// How secrets of known kinds begin, and how many characters of their own follow at least.
const PREFIXES: &[(&str, usize, &str)] = &[
    ("AKIA", 16, "an access key of AWS"),
    ("ASIA", 16, "an access key of AWS"),
    ("AIza", 35, "an API key of Google"),
    ("ghp_", 36, "a token of GitHub"),
    ("gho_", 36, "a token of GitHub"),
    ("ghs_", 36, "a token of GitHub"),
    ("github_pat_", 22, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("dop_v1_", 64, "a token of DigitalOcean"),
    ("hvs.", 24, "a token of Vault"),
    ("xoxb-", 20, "a token of Slack"),
    ("xoxp-", 20, "a token of Slack"),
    ("sk_live_", 24, "a key of Stripe"),
    ("npm_", 36, "a token of npm"),
];

/// The password that everyone knows: boxes of Vagrant have it.
const PUBLIC: &str = "vagrant";

/// The check of passwords of root.
const ROOT_PASSWORD: &str = "root-password";

const HELP: &str = "take it from the environment by a sensitive variable without a default, and make a new one";

pub(super) fn written(subject: &Subject<'_>, report: &mut Report<'_>) {
    let document = &subject.template.document;
    for variable in &document.variables {
        let Some(text) = variable.default.as_ref().and_then(literal) else { continue };
        // Who marks it says that it is one, however it looks.
        let is_long = text.value().trim().chars().count() >= SHORTEST;
        let is_marked = variable.sensitive && is_long && text.value() != PUBLIC;
        if is_marked || is_secret_name(&variable.name.value) && is_random(text.value()) {
            found(&text, format!("the default of `{}` is a secret for all to read", variable.name.value), report);
        }
    }
    for build in &subject.builds {
        for block in [&build.source].into_iter().chain(build.steps()) {
            for attribute in block.used.written().filter(|attribute| is_secret_name(&attribute.name.value)) {
                if let Some(text) = literal(&attribute.value).filter(|text| is_random(text.value())) {
                    found(&text, format!("`{}` is a secret for all to read", attribute.name.value), report);
                }
            }
        }
    }
    walk::expressions(document, &mut |expression| {
        for text in walk::literals(expression) {
            if let Some(what) = known_kind(text.value.value()) {
                found(&text.value, format!("this is {what}, for all to read"), report);
            }
        }
    });
}

fn found(text: &Text, message: String, report: &mut Report<'_>) {
    let place = text.span(0..text.value().len());
    let is_told = |code: &str| {
        let mut said = report.diagnostics.iter().filter(|other| other.code == code);
        said.any(|other| other.primary.as_ref().is_some_and(|label| label.span.contains(place)))
    };
    if is_told(report.lint.code) {
        return;
    }
    report.secrets.push(text.value().to_owned());
    // This says it of a password already, and more.
    if !is_told(ROOT_PASSWORD) {
        report.say(place, message, HELP);
    }
}

/// A string as it is written out, with nothing in it that is known later only.
fn literal(expression: &Expression) -> Option<std::sync::Arc<Text>> {
    match &expression.kind {
        ExpressionKind::String(text) if !text.value().contains("{{") => Some(text.clone()),
        ExpressionKind::Parentheses(inner) => literal(inner),
        _ => None,
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|end| name.strip_suffix(end).is_some_and(|start| start.is_empty() || start.ends_with(['_', '-'])))
}

/// Whether a text looks as if nobody was to guess it: not a word, a path, the hash
/// of a password, or what stands for a secret in examples.
fn is_random(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_example = ["example", "changeme", "change_me", "change-me", "your", "xxxx", "placeholder"];
    if text.len() < 8
        || text.contains(char::is_whitespace)
        || text.contains("://")
        || text.starts_with(['/', '.', '<', '~', '$'])
    {
        return false;
    }
    if is_example.iter().any(|word| lower.contains(word)) {
        return false;
    }
    // Words are joined by these.
    let is_symbol = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"-_.".contains(byte);
    let classes: [fn(&u8) -> bool; 4] = [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit, is_symbol];
    let kinds = classes.iter().filter(|is_one| text.as_bytes().iter().any(is_one)).count();
    kinds >= 3 || text.len() >= 20 && entropy(text) >= 3.5
}

/// Bits per character, by how often each is there.
fn entropy(text: &str) -> f64 {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    text.chars().for_each(|letter| *counts.entry(letter).or_default() += 1);
    let total = f64::from(counts.values().sum::<u32>());
    let share = |count: &u32| f64::from(*count) / total;
    counts.values().map(|count| -share(count) * share(count).log2()).sum()
}

/// What kind of secret a text begins as.
fn known_kind(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") && text.len() > 100 {
        return Some("a private key");
    }
    let is_own = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let known = PREFIXES.iter().find(|(prefix, length, _)| {
        let rest = text.trim().strip_prefix(prefix);
        rest.is_some_and(|rest| rest.len() >= *length && rest.as_bytes().iter().all(is_own))
    })?;
    (!text.to_ascii_uppercase().contains("EXAMPLE")).then_some(known.2)
}

/// Shorter texts are found in words that have nothing to do with them.
const SHORTEST: usize = 4;

pub(super) fn hidden_in_part(subject: &Subject<'_>, report: &mut Report<'_>) {
    let template = subject.template;
    for variable in template.document.variables.iter().filter(|variable| variable.sensitive) {
        let name = &variable.name.value;
        let value = match template.document.language {
            Language::Hcl2 => template.scope.names.get("var").and_then(|all| all.get(name)).cloned(),
            Language::Legacy => template.user.get(name).cloned().flatten().map(Value::string),
        };
        if let Some((why, help)) = value.as_ref().and_then(why_not_hidden) {
            let place: Span = variable.name.span;
            report.say(place, format!("the secret `{name}` {why}"), help);
        }
    }
}

/// Why a value, or one in it, can't be kept out of what is shown.
fn why_not_hidden(value: &Value) -> Option<(&'static str, &'static str)> {
    match &value.kind {
        Kind::Bool(_) => {
            Some(("is shown: `true` and `false` can't be hidden", "delete `sensitive`, or make it a string"))
        }
        Kind::Number(_) => Some(("is shown by Packer, which hides strings alone", "make it a string: `type = string`")),
        Kind::String(text) if (1..SHORTEST).contains(&text.trim().chars().count()) => Some((
            "is so short that it is found, and hidden, everywhere",
            "give it at least four characters, or delete `sensitive`",
        )),
        _ => {
            let parts = value.elements().unwrap_or_default().iter();
            parts.chain(value.members().into_iter().flat_map(BTreeMap::values)).find_map(why_not_hidden)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_not_a_word_and_not_an_example() {
        for secret in ["kJ8#sdf9", "Sup3rS3cret", "q8d7vkq2mzx0p4ltw9ra"] {
            assert!(is_random(secret), "{secret}");
        }
        for other in [
            "vagrant",
            "packer",
            "/run/secrets/A1",
            "https://A1/x",
            "CHANGEME-1a",
            "<your Token 1>",
            "",
            "S3 cr3T x",
            "web-server-2024",
            "$6$aB1$cDeF",
        ] {
            assert!(!is_random(other), "{other}");
        }
        assert!(is_secret_name("ssh_password") && is_secret_name("token") && is_secret_name("AWS_SECRET_KEY"));
        assert!(!is_secret_name("password_hash") && !is_secret_name("tokens") && !is_secret_name("mytoken"));
    }

    #[test]
    fn secrets_of_known_kinds_are_known() {
        assert_eq!(known_kind("AKIAQ3EGRT5ZXCVBNM12"), Some("an access key of AWS"));
        assert_eq!(known_kind("AKIAIOSFODNN7EXAMPLE"), None);
        assert_eq!(known_kind("AKIA"), None);
        assert_eq!(known_kind(&format!("ghp_{}", "a1".repeat(18))), Some("a token of GitHub"));
    }
}
