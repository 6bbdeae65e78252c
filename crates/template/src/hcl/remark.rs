//! Comments that are for us: `# imgforge: allow unused-variable`.

use super::token::{Token, TokenKind};
use super::tokenize;
use crate::diagnostic::Diagnostics;
use crate::source::{FileId, Span, Spanned};

/// How a comment begins that is for us.
const MARK: &str = "imgforge:";

/// A comment that is for us.
#[derive(Clone, Debug)]
pub struct Remark {
    /// What stands behind the mark.
    pub words: Spanned<String>,
    /// What it is about: its own line if there is something before it, else the next statement, up to its end.
    pub about: Span,
}

/// The comments of a file that are for us, in their order.
pub fn remarks(file: FileId, text: &str) -> Vec<Remark> {
    let mut found = Vec::new();
    if !text.contains(MARK) {
        return found;
    }
    let tokens = tokenize(file, text, &mut Diagnostics::default());
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
        found.push(Remark { words: Spanned::new(words.to_owned(), place), about: about(&tokens, index) });
    }
    found
}

fn about(tokens: &[Token], comment: usize) -> Span {
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
