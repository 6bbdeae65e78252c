//! `# imgforge: allow CODE` in a template: what a check finds there is meant. And other comments that are for us.

use super::levels::switchable;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::document::{Document, Variable};
use imgforge_template::hcl::{self, Remark};
use imgforge_template::source::{Origin, Sources, Span, Spanned};

/// One code that is allowed, and where.
struct Allowed {
    code: Spanned<String>,
    /// The text in which it is; what has no place is in every text.
    range: Span,
    is_used: bool,
}

/// Takes out what the template allows. Where all of the template was looked at, comments that allow nothing are warned of.
pub(super) fn apply(document: &Document, sources: &Sources, is_whole: bool, diagnostics: &mut Diagnostics) {
    let mut allowed = Vec::new();
    for comment in &document.allowances {
        let whole = Span::new(comment.span.file, 0..sources.text(comment.span.file).len());
        read(comment, whole, &mut allowed, diagnostics);
    }
    for file in sources.files() {
        let is_hcl = sources.origin(file) == Origin::File && sources.name(file).ends_with(".hcl");
        let remarks = if is_hcl { hcl::remarks(file, &sources.text(file)) } else { Vec::new() };
        for remark in remarks {
            match remark.words.value.as_str() {
                "undeclared" => undeclared(&remark, document, diagnostics),
                _ => read(&remark.words, remark.about, &mut allowed, diagnostics),
            }
        }
    }
    diagnostics.retain(|found| {
        let is_here = |range: Span| match &found.primary {
            Some(label) => range.file == label.span.file && range.range().contains(&(label.span.start as usize)),
            None => true,
        };
        let mut is_kept = true;
        for allowed in allowed.iter_mut().filter(|allowed| allowed.code.value == found.code && is_here(allowed.range)) {
            (allowed.is_used, is_kept) = (true, false);
        }
        is_kept
    });
    for Allowed { code, .. } in allowed.iter().filter(|allowed| is_whole && !allowed.is_used) {
        let message = format!("nothing is found here that `{}` would allow", code.value);
        diagnostics.push(Diagnostic::warning("unused-allow", message).at(code.span).help("delete it"));
    }
}

/// Warns of a comment that says of nothing that it is undeclared.
fn undeclared(remark: &Remark, document: &Document, diagnostics: &mut Diagnostics) {
    let is_meant = |variable: &Variable| variable.is_undeclared && remark.about.contains(variable.name.span);
    if !document.variables.iter().any(is_meant) {
        let message = "no variable is declared here whose default is empty";
        diagnostics.push(Diagnostic::warning("unused-allow", message).at(remark.words.span).help("delete it"));
    }
}

/// Reads `allow CODE, CODE`.
fn read(words: &Spanned<String>, range: Span, allowed: &mut Vec<Allowed>, diagnostics: &mut Diagnostics) {
    let mut wrong = |message: String, place: Span| {
        let help = "write, for example, `imgforge: allow unused-variable`";
        diagnostics.push(Diagnostic::warning("unused-allow", message).at(place).help(help));
    };
    let Some(codes) = words.value.strip_prefix("allow").filter(|rest| rest.starts_with(char::is_whitespace)) else {
        wrong("this comment is for imgforge, which does not understand it".to_owned(), words.span);
        return;
    };
    let mut at = words.value.len() - codes.len();
    for code in codes.split_inclusive([',', ' ', '\t']) {
        let name = code.trim_end_matches([',', ' ', '\t']);
        // A string of JSON has quotes around it; one with escapes is shown whole.
        let quotes = words.span.range().len() - words.value.len().min(words.span.range().len());
        let start = words.span.start as usize + quotes / 2 + at;
        let place = if quotes <= 2 { Span::new(words.span.file, start..start + name.len()) } else { words.span };
        at += code.len();
        if name.is_empty() {
            continue;
        }
        match switchable(name) {
            Ok(_) => allowed.push(Allowed { code: Spanned::new(name.to_owned(), place), range, is_used: false }),
            Err(why) => wrong(why, place),
        }
    }
}
