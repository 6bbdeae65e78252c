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
    /// Bytes of the longest form.
    longest: usize,
}

/// What stands where a secret stood; scripts look for this text.
const REPLACEMENT: &str = "<sensitive>";

impl Redactor {
    /// Adds secrets: as they are, each of their lines, with CRLF line endings made LF, without the space around them, what
    /// stands between carriage returns, and all of these as base64, percent encoding, hexadecimal digits, a shell's quotes
    /// or an escaped string may hold them.
    pub fn add<'s>(&self, secrets: impl IntoIterator<Item = &'s str>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.forms.len();
        for secret in secrets {
            let unix = secret.replace("\r\n", "\n");
            // What is shown of a command's output is the last part of a line, trimmed. Short parts are everywhere.
            let parts = unix.split(['\n', '\r']).map(str::trim).filter(|part| part.len() >= forms::SHORTEST);
            let plain = [secret, secret.trim(), &unix].into_iter().chain(unix.lines()).chain(parts);
            for form in plain.filter(|form| !form.trim().is_empty()) {
                if known.forms.insert(form.to_owned()) {
                    known.forms.extend(forms::encoded(form));
                }
            }
        }
        if known.forms.len() > before {
            // It fails for patterns of gigabytes alone; then each is looked for by itself.
            known.finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&known.forms).ok();
            known.longest = known.forms.iter().map(String::len).max().unwrap_or_default();
        }
    }

    /// Where text that goes on may be cut so that no secret is shown in halves: at `at`, or where the secret begins that
    /// is there, or where it ends if nothing stands before it. `None` while one that began before `at` may not have ended.
    pub fn seam(&self, text: &[u8], at: usize) -> Option<usize> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if text.len() < at.saturating_add(known.longest.saturating_sub(1)) {
            return None;
        }
        let mut found = known.finder.iter().flat_map(|finder| finder.find_iter(text));
        let cut = found.find(|secret| secret.end() > at).filter(|secret| secret.start() < at);
        Some(cut.map_or(at, |secret| if secret.start() > 0 { secret.start() } else { secret.end() }))
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
    fn space_around_a_secret_and_carriage_returns_in_it_show_nothing_of_it() {
        let redactor = Redactor::default();
        redactor.add(["hunter2-secret ", "first-half\rsecond-half\n  third,\n  },"]);
        assert_eq!(redactor.redact("a hunter2-secret"), "a <sensitive>");
        assert_eq!(redactor.redact("first-half|second-half|third,"), "<sensitive>|<sensitive>|<sensitive>");
        assert_eq!(redactor.redact("{ 1 },"), "{ 1 },");
    }

    #[test]
    fn a_text_is_cut_where_no_secret_is() {
        let redactor = Redactor::default();
        assert_eq!(redactor.seam(b"ab", 2), Some(2));
        redactor.add(["abc", "bcde"]);
        let longest = redactor.secrets()[0].len();
        let seam = |text: &str, at| redactor.seam(format!("{text}{}", "-".repeat(longest)).as_bytes(), at);
        assert_eq!(redactor.seam(b"-abc", 2), None);
        assert_eq!([1, 2, 3, 4].map(|at| seam("-abc-", at)), [Some(1), Some(1), Some(1), Some(4)]);
        assert_eq!(seam("abc-", 2), Some(3));
        // As they are found when the text is redacted.
        assert_eq!([3, 4, 5].map(|at| seam("-abcde-", at)), [Some(1), Some(4), Some(5)]);
    }

    #[test]
    fn no_quotes_of_a_shell_show_a_secret() {
        let redactor = Redactor::default();
        let secret = r#"swordfish'is-"my"-pw"#;
        redactor.add([secret]);
        for inside in [r"'\''", r#"'"'"'"#] {
            let quoted = format!("Q='{}'", secret.replace('\'', inside));
            for text in [quoted.clone(), format!("{quoted:?}"), serde_json::json!([quoted]).to_string()] {
                let redacted = redactor.redact(&text);
                assert!(redacted.contains("Q='<sensitive>'"), "{text}: {redacted}");
            }
        }
        assert_eq!(redactor.redact(&format!("{secret:?}")), r#""<sensitive>""#);
        redactor.add(["bell\u{7}and-more"]);
        assert_eq!(redactor.redact(&format!("{:?}", "bell\u{7}and-more")), r#""<sensitive>""#);
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
