//! `# imgforge: allow CODE` in a template: what a check finds there is meant.

use super::levels::switchable;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::document::Document;
use imgforge_template::hcl;
use imgforge_template::hcl::token::{Token, TokenKind};
use imgforge_template::source::{FileId, Origin, Sources, Span, Spanned};

/// How a comment begins that is for us.
const MARK: &str = "imgforge:";

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
        let text = sources.text(file);
        if is_hcl && text.contains(MARK) {
            in_file(file, &text, &mut allowed, diagnostics);
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

fn in_file(file: FileId, text: &str, allowed: &mut Vec<Allowed>, diagnostics: &mut Diagnostics) {
    let tokens = hcl::tokenize(file, text, &mut Diagnostics::default());
    for (index, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Comment) {
        let comment = text.get(token.span.range()).unwrap_or_default();
        let Some(at) = comment.find(MARK) else { continue };
        let is_first =
            comment.get(..at).is_some_and(|before| before.trim_matches(['#', '/', '*', ' ', '\t']).is_empty());
        if !is_first {
            continue;
        }
        let rest = comment.get(at + MARK.len()..).unwrap_or_default();
        let words = rest.trim_start();
        let start = token.span.range().start + at + MARK.len() + (rest.len() - words.len());
        let words = words.trim_end_matches("*/").trim_end();
        let place = Span::new(file, start..start + words.len());
        read(&Spanned::new(words.to_owned(), place), covered(&tokens, index), allowed, diagnostics);
    }
}

/// What a comment is about: its own line if there is something before it, else the next statement, up to its end.
fn covered(tokens: &[Token], comment: usize) -> Span {
    let is_line_end = |token: &&Token| token.kind == TokenKind::Newline;
    let (before, after) = (tokens.get(..comment).unwrap_or_default(), tokens.get(comment + 1..).unwrap_or_default());
    let line: Vec<&Token> = before.iter().rev().take_while(|token| !is_line_end(token)).collect();
    if let (Some(first), Some(last)) = (line.last(), line.first()) {
        return first.span.to(last.span);
    }
    let is_blank = |token: &&Token| matches!(token.kind, TokenKind::Newline | TokenKind::Comment);
    let mut statement = after.iter().skip_while(is_blank);
    let Some(first) = statement.next() else { return tokens.last().map_or(Span::nowhere(), |end| end.span) };
    let (mut depth, mut last) = (usize::from(first.kind.is_opening()), first);
    for token in statement {
        if depth == 0 && (is_line_end(&token) || token.kind.is_closing()) {
            break;
        }
        if token.kind.is_opening() {
            depth += 1;
        } else if token.kind.is_closing() {
            depth -= 1;
        }
        last = token;
    }
    first.span.to(last.span)
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
