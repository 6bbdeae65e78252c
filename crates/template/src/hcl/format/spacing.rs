//! Where a blank stands between two words of a line.

use super::Word;
use crate::hcl::token::TokenKind::{self, *};

/// Puts one blank or none before each word but the first.
pub(super) fn space(words: &mut [Word<'_>]) {
    let mut before = None;
    let mut left: Option<&mut Word<'_>> = None;
    for right in words {
        if let Some(left) = left {
            right.blanks = usize::from(is_apart(before, left, right));
            before = Some(left.kind);
        }
        left = Some(right);
    }
}

/// Whether a blank stands between two words. `before` is the word that comes before both on their line.
fn is_apart(before: Option<TokenKind>, left: &Word<'_>, right: &Word<'_>) -> bool {
    match (left.kind, right.kind) {
        // The text of strings has its own blanks.
        (OpenQuote | OpenHeredoc | Literal | CloseTemplate, _)
        | (_, CloseQuote | CloseHeredoc | Literal | OpenInterpolation | OpenDirective) => false,
        (OpenInterpolation | OpenDirective, right) => right == OpenBrace,
        // `for x in [1]`, but `in[1]` where `in` is a name; `for x in(y)` is Packer's too.
        (Identifier, OpenBracket | CloseBracket | CloseTemplate) if left.text == "in" && before == Some(Identifier) => {
            true
        }
        (left, CloseTemplate) => left == CloseBrace,
        // Not so in Packer, which makes one number of the three words.
        (Dot, Number) => before == Some(Number),
        (Dot | DoubleColon, _) | (_, Dot | DoubleColon | Comma | Ellipsis) => false,
        (Comma, _) => true,
        (OpenParenthesis | OpenBracket, _) | (_, CloseParenthesis | CloseBracket) => false,
        (OpenBrace, CloseBrace) => false,
        // 1.6.6 has a blank after `!`, newer ones have none.
        (Not, _) => false,
        (Minus, _) => !before.is_none_or(precedes_sign),
        (Identifier, OpenParenthesis) => false,
        (Identifier | Number | CloseBracket | CloseParenthesis | CloseBrace, OpenBracket) => false,
        _ => true,
    }
}

/// Whether a `-` that follows is a sign. Packer takes it for an operator after all else, such as `=>`, `in` and `${`.
fn precedes_sign(kind: TokenKind) -> bool {
    matches!(
        kind,
        Equal
            | OpenParenthesis
            | OpenBracket
            | OpenBrace
            | Comma
            | Colon
            | Question
            | Plus
            | Minus
            | Star
            | Slash
            | Percent
            | Not
            | And
            | Or
            | EqualEqual
            | NotEqual
            | Less
            | LessOrEqual
            | Greater
            | GreaterOrEqual
    )
}
