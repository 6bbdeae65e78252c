//! Whether a text is HCL, in our eyes and in those of `hcl-edit`.

use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::hcl;
use imgforge_template::source::{Origin, Sources};

/// How we begin to refuse what Packer refuses and `hcl-edit` takes. The mistakes after it may follow from it.
const STRICTER: &[&str] = &[
    "legacy-index",
    "invalid-number",
    // A string that goes over lines.
    "newline-in-string",
    "unterminated-string",
    "unclosed-interpolation",
    // `EOT # x`
    "heredoc-marker",
    "unterminated-heredoc",
    // `%{ ifx }` and `for x iny`
    "invalid-directive",
    "invalid-for",
];

/// Compares the verdicts.
///
/// # Errors
/// What the two say where they differ and it is not known why.
pub(crate) fn compare(text: &str) -> Result<(), String> {
    let file = Sources::default().add("t.pkr.hcl", Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    hcl::parse(file, text, &mut diagnostics);
    let theirs = hcl_edit::parser::parse_body(text);
    let is_known = match &theirs {
        _ if has_lone_return(text) => true,
        Ok(_) => {
            let is_stricter = diagnostics.iter().any(|found| STRICTER.contains(&found.code));
            !diagnostics.has_errors() || is_stricter || diagnostics.iter().any(is_over_lines)
        }
        Err(error) => diagnostics.has_errors() || is_laxer(text, &error.to_string()),
    };
    if is_known {
        Ok(())
    } else {
        Err(format!("{diagnostics:?} and {:?}", theirs.err().map(|error| error.to_string())))
    }
}

/// What Packer takes and we do, and `hcl-edit` refuses; the last one is a line break in `{ for … : … }`.
fn is_laxer(text: &str, error: &str) -> bool {
    text.starts_with('\u{feff}')
        || ["duplicate", "nesting"].iter().any(|word| error.contains(word))
        || text.contains("for")
}

/// `hcl-edit` lets a value go on after a line break, before and after dots and operators.
fn is_over_lines(found: &Diagnostic) -> bool {
    let is_told = found.help.as_deref().is_some_and(|help| help.starts_with("to go on with a value"));
    is_told || found.message.ends_with("found the end of the line")
}

/// In comments Go takes a carriage return without a newline, elsewhere it does not: `hcl-edit` has it the other way.
fn has_lone_return(text: &str) -> bool {
    text.replace("\r\n", "").contains('\r')
}
