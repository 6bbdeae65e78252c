//! HCL in a file that is not named so, and is read as JSON therefore.

use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Span};
use std::path::Path;

/// What is said of a text that is read as JSON and is HCL.
pub(super) fn misnamed(path: &Path, file: FileId, text: &str) -> Option<Diagnostic> {
    let word = first_word(text)?;
    let name = path.to_string_lossy();
    let help = if name.ends_with(".pkrvars.hcl") {
        "this is a var file: give it by `-var-file`, with a template"
    } else {
        "HCL2 templates are named `*.pkr.hcl`; what is named otherwise is read as JSON"
    };
    let problem = Diagnostic::error("unknown-file-type", "this looks like HCL, but the file is not named so");
    Some(problem.at(Span::new(file, word)).help(help))
}

/// The word that a text begins with, if blocks and attributes of HCL do so and no JSON does: `word "`, `word {`,
/// `word =`. Comments come before.
fn first_word(text: &str) -> Option<std::ops::Range<usize>> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    loop {
        rest = rest.trim_start();
        rest = if rest.starts_with('#') || rest.starts_with("//") {
            rest.split_once('\n')?.1
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/")?.1
        } else {
            break;
        };
    }
    if !rest.starts_with(|first: char| first.is_alphabetic() || first == '_') {
        return None;
    }
    let after = rest.trim_start_matches(|letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-'));
    let start = text.len() - rest.len();
    let word = start..start + (rest.len() - after.len());
    after.trim_start_matches([' ', '\t']).starts_with(['"', '{', '=']).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hcl_is_told_from_json() {
        let word = |text: &str| first_word(text).and_then(|word| text.get(word).map(str::to_owned));
        assert_eq!(word("source \"null\" \"x\" {\n}\n").as_deref(), Some("source"));
        assert_eq!(word("\u{feff}\n# a\n// b\n/* c\n*/ locals\t{\n").as_deref(), Some("locals"));
        assert_eq!(word("region = 1").as_deref(), Some("region"));
        for text in
            ["", "#", "/* a", "{\"a\": 1}", "// a\n{}", "[]", "*{", "true", "null", "\"a\"", "builders: []", "a b"]
        {
            assert_eq!(word(text), None, "{text}");
        }
    }
}
