//! HCL2: text to tokens to the syntax tree, reporting every mistake on the way.
//!
//! Three passes, none of which fails: the scanner makes tokens, brackets are paired, and a recursive-descent parser
//! builds the tree. Each pass leaves marks where it found a mistake, so that the next one says nothing about it.

mod brackets;
mod format;
pub mod json_body;
pub mod parse;
mod relocate;
mod remark;
mod scan;
#[cfg(test)]
mod tests;
pub mod token;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{FileId, Span, Text};
use crate::syntax::{Body, Expression, ExpressionKind};
pub use remark::{Remark, remarks};
use std::sync::Arc;
use token::Token;

/// More mistakes than this in one text are not shown: it is no HCL at all then.
const MAX_REPORTS: usize = 500;

/// Reads a whole file. What could not be read is left out or [`crate::syntax::ExpressionKind::Broken`].
pub fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Body {
    let scan = scan::scan(file, text);
    let balanced = brackets::balance(text, &scan, false);
    let parsed = parse::body(file, text, &balanced.tokens, &balanced.broken);
    report(sound([scan.reports, balanced.reports, parsed.reports], &parsed.absorbed), diagnostics);
    parsed.tree
}

/// Writes a whole file as `packer fmt` does: other blanks, the same words on the same lines. `None` where it has mistakes.
pub fn format(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    let mut mistakes = Diagnostics::default();
    parse(file, text, &mut mistakes);
    let is_sound = !mistakes.has_errors();
    diagnostics.append(mistakes);
    if !is_sound {
        return None;
    }
    let formatted = format::format(text, &tokenize(file, text, &mut Diagnostics::default()));
    if formatted.is_none() {
        diagnostics.push(
            Diagnostic::error("too-large", "formatted, this text is larger than 64 MiB")
                .at(Span::new(file, 0..0))
                .help("shorten its longest lines, to whose width others are filled"),
        );
    }
    formatted
}

/// Reads a single expression, such as the value of a variable on the command line; it may go over several lines.
pub fn parse_expression(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Expression {
    let scan = scan::scan(file, text);
    let balanced = brackets::balance(text, &scan, true);
    let parsed = parse::expression(file, text, &balanced.tokens, &balanced.broken);
    report(sound([scan.reports, balanced.reports, parsed.reports], &parsed.absorbed), diagnostics);
    parsed.tree
}

/// Reads a whole file as what may stand in a heredoc: text, interpolations and directives (`*.pkrtpl.hcl`).
///
/// Nothing is dedented, backslashes and line endings stay as they are, a byte order mark does not count.
pub fn parse_template(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Expression {
    let mut scan = scan::scan_template(file, text);
    skip_byte_order_mark(text, &mut scan.tokens);
    let balanced = brackets::balance(text, &scan, true);
    let parsed = parse::template(file, text, &balanced.tokens, &balanced.broken);
    report(sound([scan.reports, balanced.reports, parsed.reports], &parsed.absorbed), diagnostics);
    parsed.tree
}

fn skip_byte_order_mark(text: &str, tokens: &mut Vec<Token>) {
    const MARK: &str = "\u{feff}";
    if text.starts_with(MARK)
        && let Some(first) = tokens.first_mut()
    {
        first.span = Span::new(first.span.file, MARK.len()..first.span.range().end);
        if first.span.range().is_empty() {
            tokens.remove(0);
        }
    }
}

/// Whether a text is a name as a whole, so that an expression can refer to it.
pub fn is_identifier(text: &str) -> bool {
    !text.is_empty() && scan::identifier_length(text) == text.len()
}

/// Reads a text that is all one template, without quotes around it and without escapes by a backslash.
///
/// `text` stands in a file itself, where all places of the tree and of the mistakes are; `whole` is its place there,
/// quotes included.
fn template_within(text: &Arc<Text>, whole: Span, reports: &mut Vec<Diagnostic>) -> Expression {
    let value = text.value();
    if !value.contains("${") && !value.contains("%{") {
        return Expression { kind: ExpressionKind::String(Arc::clone(text)), span: whole };
    }
    let scan = scan::scan_template(whole.file, value);
    let balanced = brackets::balance(value, &scan, true);
    let parsed = parse::template(whole.file, value, &balanced.tokens, &balanced.broken);
    let found = sound([scan.reports, balanced.reports, parsed.reports], &parsed.absorbed);
    let template = within(text, whole, parsed.tree, found, reports);
    Expression { span: whole, ..template }
}

/// Reads a text as one expression, as [`template_within`] reads a template.
fn expression_within(text: &Text, whole: Span, reports: &mut Vec<Diagnostic>) -> Expression {
    let value = text.value();
    let scan = scan::scan(whole.file, value);
    let balanced = brackets::balance(value, &scan, true);
    let parsed = parse::expression(whole.file, value, &balanced.tokens, &balanced.broken);
    let found = sound([scan.reports, balanced.reports, parsed.reports], &parsed.absorbed);
    within(text, whole, parsed.tree, found, reports)
}

fn within(
    text: &Text,
    whole: Span,
    mut expression: Expression,
    found: Vec<Diagnostic>,
    reports: &mut Vec<Diagnostic>,
) -> Expression {
    let relocation = relocate::Relocation::new(text, whole);
    relocation.expression(&mut expression);
    reports.extend(found.into_iter().map(|report| relocation.report(report)));
    expression
}

/// Splits a text into tokens, comments and newlines included. The last one is [`token::TokenKind::End`].
pub fn tokenize(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Vec<Token> {
    let scan = scan::scan(file, text);
    report(scan.reports, diagnostics);
    scan.tokens
}

/// What the passes found, except for what turned out to follow from another mistake.
fn sound(passes: [Vec<Diagnostic>; 3], absorbed: &[Span]) -> Vec<Diagnostic> {
    let mut reports: Vec<Diagnostic> = passes.into_iter().flatten().collect();
    reports.retain(|report| !report.primary.as_ref().is_some_and(|label| absorbed.contains(&label.span)));
    reports
}

fn report(mut reports: Vec<Diagnostic>, diagnostics: &mut Diagnostics) {
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
