//! Secrets, and the redactor that every output passes through.

use std::sync::{Arc, PoisonError, RwLock};

/// Knows every secret of a run and takes it out of texts. Cheap to clone; all clones know the same secrets.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Arc<RwLock<Vec<String>>>,
}

/// What stands where a secret stood; scripts look for this text.
const REPLACEMENT: &str = "<sensitive>";

impl Redactor {
    /// Adds a secret: as it is, each of its lines, and with CRLF line endings made LF.
    pub fn add(&self, secret: &str) {
        let unix = secret.replace("\r\n", "\n");
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        for form in [secret, &unix].into_iter().chain(unix.lines()) {
            if !form.trim().is_empty() && !secrets.iter().any(|known| known == form) {
                secrets.push(form.to_owned());
            }
        }
        // Longest first, so that no secret is left half shown because another is a part of it.
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    }

    /// The text without secrets.
    pub fn redact(&self, text: &str) -> String {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for secret in secrets.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), REPLACEMENT);
            }
        }
        text
    }

    /// All secrets, longest first: CI platforms are told to mask them too.
    pub fn secrets(&self) -> Vec<String> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::Redactor;

    #[test]
    fn secrets_go_in_whole_and_line_by_line() {
        let redactor = Redactor::default();
        redactor.add("hunter");
        redactor.add("hunter2\r\nsecond line");
        assert_eq!(redactor.redact("a hunter2 b"), "a <sensitive> b");
        assert_eq!(redactor.redact("hunter2\nsecond line"), "<sensitive>");
        assert_eq!(redactor.redact("the second line only"), "the <sensitive> only");
    }
}
