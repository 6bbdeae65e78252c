//! The words of HCL2: what the scanner makes of a text, for the parser and for the formatter alike.

use crate::source::Span;

/// One word of the text.
///
/// Tokens come in the order of the text and do not overlap. Between two of them stands nothing but blanks (and a
/// byte order mark before the first), so that the text can be put together again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    /// Empty where a closing quote, marker or brace was expected and is not there.
    pub span: Span,
}

/// What a [`Token`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `\n` or `\r\n`.
    Newline,
    /// `# …` and `// …` without the line ending, or `/* … */`.
    Comment,
    /// Names and keywords.
    Identifier,
    /// Greedy as in Go: `1.5.6` is one (wrong) number.
    Number,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParenthesis,
    CloseParenthesis,
    /// `"` at the start of a string.
    OpenQuote,
    /// `"` at the end of a string.
    CloseQuote,
    /// `<<EOT` or `<<-EOT` with the line ending.
    OpenHeredoc,
    /// The line of the closing marker with its indentation, without the line ending.
    CloseHeredoc,
    /// Text of a string, escapes as written. In a heredoc one token never goes past the end of its line.
    Literal,
    /// `${` or `${~`.
    OpenInterpolation,
    /// `%{` or `%{~`.
    OpenDirective,
    /// `}` or `~}` at the end of an interpolation or a directive.
    CloseTemplate,
    Dot,
    Ellipsis,
    Comma,
    Colon,
    DoubleColon,
    Equal,
    FatArrow,
    Question,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Not,
    And,
    Or,
    EqualEqual,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Something that HCL does not have; reported already.
    Invalid,
    /// A whole string in quotes that HCL does not have, such as `'x'`; reported already.
    InvalidString,
    /// The end of the text; the last token, empty.
    End,
}

impl TokenKind {
    /// Whether something must close it later on.
    pub fn is_opening(self) -> bool {
        matches!(
            self,
            Self::OpenBrace
                | Self::OpenBracket
                | Self::OpenParenthesis
                | Self::OpenQuote
                | Self::OpenHeredoc
                | Self::OpenInterpolation
                | Self::OpenDirective
        )
    }

    /// Whether it closes something.
    pub fn is_closing(self) -> bool {
        matches!(
            self,
            Self::CloseBrace
                | Self::CloseBracket
                | Self::CloseParenthesis
                | Self::CloseQuote
                | Self::CloseHeredoc
                | Self::CloseTemplate
        )
    }

    /// Whether an expression can begin with it.
    pub fn starts_expression(self) -> bool {
        matches!(
            self,
            Self::Identifier
                | Self::Number
                | Self::OpenQuote
                | Self::OpenHeredoc
                | Self::OpenParenthesis
                | Self::OpenBracket
                | Self::OpenBrace
                | Self::Not
                | Self::Minus
                | Self::InvalidString
        )
    }
}
