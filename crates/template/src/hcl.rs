//! HCL2: text to tokens to the syntax tree, reporting every mistake on the way.
//!
//! Three passes, none of which fails: the scanner makes tokens, brackets are paired, and a recursive-descent parser
//! builds the tree. Each pass leaves marks where it found a mistake, so that the next one says nothing about it.

mod brackets;
pub mod parse;
mod scan;
#[cfg(test)]
mod tests;
pub mod token;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{FileId, Span};
use crate::syntax::{Body, Expression};
use token::Token;

/// More mistakes than this in one text are not shown: it is no HCL at all then.
const MAX_REPORTS: usize = 500;

/// Reads a whole file. What could not be read is left out or [`crate::syntax::ExpressionKind::Broken`].
pub fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Body {
    let scan = scan::scan(file, text);
    let balanced = brackets::balance(text, &scan, false);
    let parsed = parse::body(file, text, &balanced.tokens, &balanced.broken);
    report([scan.reports, balanced.reports, parsed.reports], &parsed.absorbed, diagnostics);
    parsed.tree
}

/// Reads a single expression, such as the value of a variable on the command line; it may go over several lines.
pub fn parse_expression(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Expression {
    let scan = scan::scan(file, text);
    let balanced = brackets::balance(text, &scan, true);
    let parsed = parse::expression(file, text, &balanced.tokens, &balanced.broken);
    report([scan.reports, balanced.reports, parsed.reports], &parsed.absorbed, diagnostics);
    parsed.tree
}

/// Splits a text into tokens, comments and newlines included. The last one is [`token::TokenKind::End`].
pub fn tokenize(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Vec<Token> {
    let scan = scan::scan(file, text);
    report([scan.reports, Vec::new(), Vec::new()], &[], diagnostics);
    scan.tokens
}

/// Tells what the passes found, except for what turned out to follow from another mistake.
fn report(passes: [Vec<Diagnostic>; 3], absorbed: &[Span], diagnostics: &mut Diagnostics) {
    let mut reports: Vec<Diagnostic> = passes.into_iter().flatten().collect();
    reports.retain(|report| !report.primary.as_ref().is_some_and(|label| absorbed.contains(&label.span)));
    reports.sort_by_key(|report| report.primary.as_ref().map(|label| label.span));
    let hidden = reports.len().saturating_sub(MAX_REPORTS);
    let place = reports.get(MAX_REPORTS).and_then(|report| report.primary.as_ref()).map(|label| label.span);
    reports.truncate(MAX_REPORTS);
    for report in reports {
        diagnostics.push(report);
    }
    if let Some(span) = place {
        diagnostics.push(
            Diagnostic::error("too-many-mistakes", format!("{hidden} more mistakes from here on are not shown"))
                .at(span)
                .help("check that this is an HCL file"),
        );
    }
}
