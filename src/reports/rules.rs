//! What the catalogue of diagnostics says of a code: the one source of help texts.

use imgforge_template::diagnostic::Severity;

const CATALOGUE: &str = include_str!("../../docs/diagnostics.md");
const PAGE: &str = "https://github.com/imgforge/imgforge/blob/main/docs/diagnostics.md";

/// A section of the catalogue.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// The worst that it may be.
    pub(super) severity: Severity,
    /// What is wrong, in a sentence.
    pub(super) title: String,
    /// The same in a sentence or two.
    pub(super) summary: String,
    /// What to do.
    pub(super) advice: String,
    /// The section without its title, with an example.
    pub(super) section: &'static str,
}

/// The section of a code.
pub(super) fn rule(code: &str) -> Option<Rule> {
    let title = format!("\n## {code}\n");
    let start = CATALOGUE.find(&title)? + title.len();
    let section = CATALOGUE.get(start..)?;
    let section = section.split("\n## ").next()?.trim();
    let (severity, rest) = section.split_once(". ")?;
    // The lines of a paragraph are one text.
    let paragraph = |text: &str| text.trim().replace('\n', " ");
    let summary = paragraph(rest.split("\n\n").next()?);
    let title = summary.split_inclusive(". ").next()?.trim().to_owned();
    let advice = paragraph(rest.rsplit("```\n").next()?);
    let severity = if severity == "Warning" { Severity::Warning } else { Severity::Error };
    Some(Rule { severity, title, summary, advice, section })
}

/// Where people read about a code.
pub(super) fn url(code: &str) -> String {
    if rule(code).is_some() { format!("{PAGE}#{code}") } else { PAGE.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_of_the_catalogue_is_a_rule() {
        let codes: Vec<&str> = CATALOGUE.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert!(codes.len() > 100);
        for code in codes {
            let rule = rule(code).unwrap_or_else(|| panic!("{code}"));
            assert!(rule.summary.ends_with(['.', '`']), "{code}: {}", rule.summary);
            assert!(!rule.advice.is_empty() && !rule.advice.contains("```"), "{code}: {}", rule.advice);
        }
        let long = rule("undefined-variable").unwrap();
        assert_eq!(long.title, "There is no variable of this name.");
        assert!(long.summary.starts_with(&long.title) && !long.summary.contains('\n'), "{}", long.summary);
        let rule = rule("argument-count").unwrap();
        assert_eq!(rule.severity, Severity::Error);
        assert_eq!(rule.summary, "A function is called with more or fewer arguments than it takes.");
        assert_eq!(rule.advice, "The message says which arguments there are.");
        assert_eq!(super::rule("no-such-code"), None);
    }
}
