//! How far lines are indented: two blanks for each line that leaves something open.

use super::{Line, assignment};
use crate::hcl::token::TokenKind::{self, *};

const STEP: usize = 2;

/// Indents all lines but empty ones.
///
/// What one line opens counts as one step, however much it is, and the step ends on the line that closes the last of
/// it: `f(g([` and later `]))`.
pub(super) fn indent(lines: &mut [Line<'_>]) {
    // For each line that left something open: how much of that is open still.
    let mut steps: Vec<usize> = Vec::new();
    for line in lines {
        if line.words.is_empty() {
            continue;
        }
        let net = net(line);
        let mut closed = usize::try_from(-net).unwrap_or_default();
        while closed > 0
            && let Some(open) = steps.pop()
        {
            if open > closed {
                steps.push(open - closed);
            }
            closed = closed.saturating_sub(open);
        }
        line.indentation = STEP * steps.len();
        if net > 0 {
            steps.extend(usize::try_from(net));
        }
    }
}

/// How much more a line opens than it closes.
///
/// What follows the start of a heredoc does not count, as in Packer, though an interpolation in it may go on to the
/// next line; nor does what follows a `=` that is aligned, but that is as much as it closes.
fn net(line: &Line<'_>) -> i32 {
    let counted = line.words.iter().take(assignment(line).unwrap_or(line.words.len()));
    counted.take_while(|word| word.kind != OpenHeredoc).map(|word| change(word.kind)).sum()
}

/// 1 for what opens, -1 for what closes, 0 for all else: strings and heredocs end on the line where they begin, but for
/// what stands in them.
pub(super) fn change(kind: TokenKind) -> i32 {
    match kind {
        OpenBrace | OpenBracket | OpenParenthesis | OpenInterpolation | OpenDirective => 1,
        CloseBrace | CloseBracket | CloseParenthesis | CloseTemplate => -1,
        _ => 0,
    }
}
