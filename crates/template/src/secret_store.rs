//! The stores of secrets that templates can read. Who runs a template brings them along, or none.

use std::fmt;

/// Vault, Consul and AWS Secrets Manager, as the functions `vault`, `consul_key`, `aws_secretsmanager` and
/// `aws_secretsmanager_raw` of both languages see them.
///
/// # Advice
/// What is read is marked as sensitive, but a Go template has no marks: keep what you return out of all that is shown.
/// A secret is asked for each time its expression is evaluated; keep those that are slow to get.
pub trait SecretStores: fmt::Debug + Send + Sync {
    /// The secret that a call of `function` with these arguments means.
    ///
    /// # Errors
    /// Why it cannot be read, as a lower-case fragment without the secret.
    fn read(&self, function: &str, arguments: &[&str]) -> Result<String, String>;
}

/// What to do where the store cannot be reached.
pub(crate) fn help(function: &str) -> String {
    let program = match function {
        "vault" => "vault kv get",
        "consul_key" => "consul kv get",
        _ => "aws secretsmanager get-secret-value",
    };
    format!("read it with `{program}` in the CI job, and give it by `-var` or the environment")
}
