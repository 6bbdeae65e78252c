//! Secrets, and the redactor that every output passes through.

mod forms;

use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

/// Knows every secret of a run and takes it out of texts. Cheap to clone; all clones know the same secrets.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    /// Every form in which a secret may be written.
    forms: BTreeSet<String>,
    /// Finds the longest of them at once, so that no secret is left half shown because another is a part of it.
    finder: Option<AhoCorasick>,
}

/// What stands where a secret stood; scripts look for this text.
const REPLACEMENT: &str = "<sensitive>";

impl Redactor {
    /// Adds secrets: as they are, each of their lines, with CRLF line endings made LF, and all of these as base64, percent
    /// encoding, hexadecimal digits or an escaped string may hold them.
    pub fn add<'s>(&self, secrets: impl IntoIterator<Item = &'s str>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.forms.len();
        for secret in secrets {
            let unix = secret.replace("\r\n", "\n");
            let plain = [secret, &unix].into_iter().chain(unix.lines()).filter(|form| !form.trim().is_empty());
            for form in plain {
                if known.forms.insert(form.to_owned()) {
                    known.forms.extend(forms::encoded(form));
                }
            }
        }
        if known.forms.len() > before {
            // It fails for patterns of gigabytes alone; then each is looked for by itself.
            known.finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&known.forms).ok();
        }
    }

    /// The text without secrets.
    pub fn redact(&self, text: &str) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match &known.finder {
            Some(finder) => {
                let mut clean = String::new();
                finder.replace_all_with(text, &mut clean, |_, _, clean| {
                    clean.push_str(REPLACEMENT);
                    true
                });
                clean
            }
            None => known.forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), REPLACEMENT)),
        }
    }

    /// All secrets in all their forms, longest first: CI platforms are told to mask them too.
    pub fn secrets(&self) -> Vec<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut forms: Vec<String> = known.forms.iter().cloned().collect();
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms
    }
}

#[cfg(test)]
mod tests {
    use super::Redactor;
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    #[test]
    fn secrets_go_in_whole_and_line_by_line() {
        let redactor = Redactor::default();
        redactor.add(["hunter"]);
        redactor.add(["hunter2\r\nsecond line"]);
        assert_eq!(redactor.redact("a hunter2 b"), "a <sensitive> b");
        assert_eq!(redactor.redact("hunter2\nsecond line"), "<sensitive>");
        assert_eq!(redactor.redact("the second line only"), "the <sensitive> only");
    }

    #[test]
    fn no_encoding_shows_a_secret() {
        let redactor = Redactor::default();
        let secret = "p/ss\"w&rd ö€<end>";
        redactor.add([secret]);
        let shown = [
            "https://user:p%2Fss%22w%26rd%20%C3%B6%E2%82%AC%3Cend%3E@host",
            "q=p%2Fss%22w%26rd+%C3%B6%E2%82%AC%3Cend%3E&r",
            "p%2fss%22w%26rd%20%c3%b6%e2%82%ac%3cend%3e",
            r#"{"a": "p/ss\"w&rd ö€<end>"}"#,
            r#"{"a": "p/ss\"w\u0026rd ö€\u003cend\u003e"}"#,
            r#"{"a": "p\/ss\"w&rd \u00f6\u20ac<end>"}"#,
            "702f7373227726726420c3b6e282ac3c656e643e",
            "702F7373227726726420C3B6E282AC3C656E643E",
        ];
        for text in shown {
            assert!(redactor.redact(text).contains("<sensitive>"), "{text}: {}", redactor.redact(text));
        }
        // In the middle of something longer, wherever it falls.
        for before in ["", "a", "ab", "abc"] {
            for after in ["", "x", "xy", "xyz"] {
                let text = BASE64_STANDARD.encode(format!("{before}{secret}{after}"));
                let redacted = redactor.redact(&text);
                let left = redacted.replace("<sensitive>", "");
                // Four characters on each side hold no whole byte of it beyond the neighbours'.
                assert!(redacted.contains("<sensitive>") && left.len() <= 12, "{before}…{after}: {text} {redacted}");
            }
        }
    }

    #[test]
    fn short_secrets_are_not_looked_for_in_other_forms() {
        let redactor = Redactor::default();
        redactor.add(["abc"]);
        assert_eq!(redactor.redact("YWJj 616263"), "YWJj 616263");
    }
}
