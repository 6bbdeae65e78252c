//! What stands in brackets: parentheses, tuples, objects, `for` expressions and function calls.

use super::{Parsed, Parser, Reported, broken_expression};
use crate::diagnostic::Diagnostic;
use crate::hcl::token::TokenKind;
use crate::source::Spanned;
use crate::syntax::{Call, Expression, ExpressionKind, For, ObjectItem, ObjectKey};
use std::sync::Arc;

/// `k, v in collection`.
pub(super) struct ForIntroduction {
    pub(super) key_name: Option<Spanned<Arc<str>>>,
    pub(super) value_name: Spanned<Arc<str>>,
    pub(super) collection: Expression,
}

impl Parser<'_> {
    pub(super) fn parentheses(&mut self) -> Parsed<Expression> {
        let (inner, span) = self.inside(false, Self::expression);
        self.grow()?;
        let kind = inner.map_or(ExpressionKind::Broken, |inner| ExpressionKind::Parentheses(Box::new(inner)));
        Ok(Expression { kind, span })
    }

    pub(super) fn tuple(&mut self) -> Parsed<Expression> {
        let (kind, span) = self.inside(false, |parser| {
            if parser.is_at_for() {
                return parser.for_expression(false);
            }
            Ok(ExpressionKind::Tuple(parser.list()))
        });
        self.grow()?;
        Ok(Expression { kind: kind.unwrap_or(ExpressionKind::Broken), span })
    }

    pub(super) fn call(&mut self, name: Spanned<Arc<str>>) -> Parsed<Expression> {
        let (arguments, parentheses) = self.inside(false, |parser| {
            let arguments = parser.list();
            let expand_last = parser.eat(TokenKind::Ellipsis).is_some();
            if expand_last && !parser.kind().is_closing() {
                return Err(parser.unexpected("`)` after `...`"));
            }
            Ok((arguments, expand_last))
        });
        self.grow()?;
        let span = name.span.to(parentheses);
        Ok(match arguments {
            Ok((arguments, expand_last)) => {
                Expression { kind: ExpressionKind::Call(Call { name, arguments, expand_last, parentheses }), span }
            }
            Err(Reported) => broken_expression(span),
        })
    }

    /// Expressions separated by commas, up to what closes them or `...`.
    fn list(&mut self) -> Vec<Expression> {
        let mut items = Vec::new();
        let mut tallest = 0;
        // Several missing commas on one line are one mistake: something that is no list.
        let mut is_reported = false;
        while !self.kind().is_closing() && self.kind() != TokenKind::End {
            let start = self.peek().span;
            let item = self.expression().unwrap_or_else(|Reported| {
                self.skip_until(|kind| kind == TokenKind::Comma);
                broken_expression(self.span_from(start))
            });
            items.push(item);
            tallest = tallest.max(self.height);
            let kind = self.kind();
            if kind == TokenKind::Ellipsis {
                break;
            }
            let is_new_line = self.token(self.at.wrapping_sub(1)).kind == TokenKind::Newline;
            if kind == TokenKind::Comma {
                self.next();
                is_reported = false;
            } else if !kind.is_closing() {
                let found = self.found();
                let place = self.place();
                if !is_reported || is_new_line {
                    self.fail(
                        Diagnostic::error("missing-comma", format!("expected `,` before {found}"))
                            .at(place)
                            .help("separate the items with `,`"),
                    );
                }
                is_reported = true;
                if !kind.starts_expression() {
                    self.skip_until(|kind| kind == TokenKind::Comma);
                    self.eat(TokenKind::Comma);
                }
            }
        }
        self.height = tallest;
        items
    }

    pub(super) fn object(&mut self) -> Parsed<Expression> {
        let (kind, span) = self.inside(true, |parser| {
            if parser.is_at_for() {
                parser.newlines = false;
                return parser.for_expression(true);
            }
            parser.object_items().map(ExpressionKind::Object)
        });
        self.grow()?;
        Ok(Expression { kind: kind.unwrap_or(ExpressionKind::Broken), span })
    }

    /// All items; an error when one of them is lost, since nobody can tell then what the object lacks.
    fn object_items(&mut self) -> Parsed<Vec<ObjectItem>> {
        let mut items = Vec::new();
        let mut tallest = 0;
        let mut is_broken = false;
        self.ended_early = false;
        loop {
            while self.eat(TokenKind::Newline).is_some() {}
            let kind = self.kind();
            if kind.is_closing() || kind == TokenKind::End {
                break;
            }
            if std::mem::take(&mut self.ended_early) && !self.is_at_key() {
                // The rest of the item above, which ended in a mistake at the end of its line.
                self.skip_until(|kind| matches!(kind, TokenKind::Comma | TokenKind::Newline));
                continue;
            }
            match self.object_item() {
                Ok(item) => items.push(item),
                Err(Reported) => {
                    is_broken = true;
                    self.skip_until(|kind| matches!(kind, TokenKind::Comma | TokenKind::Newline));
                }
            }
            tallest = tallest.max(self.height);
            let kind = self.kind();
            if matches!(kind, TokenKind::Comma | TokenKind::Newline) {
                self.next();
            } else if !kind.is_closing() {
                let found = self.found();
                let place = self.place();
                self.fail(
                    Diagnostic::error("missing-comma", format!("expected `,` or a new line before {found}"))
                        .at(place)
                        .help("separate the items with `,` or put each on a line of its own"),
                );
                if !self.is_at_key() {
                    self.skip_until(|kind| matches!(kind, TokenKind::Comma | TokenKind::Newline));
                }
            }
        }
        self.height = tallest;
        if is_broken { Err(Reported) } else { Ok(items) }
    }

    /// Whether a name or a string with `=` or `:` after it starts here.
    fn is_at_key(&mut self) -> bool {
        matches!(self.kind_after(), TokenKind::Equal | TokenKind::Colon) || self.is_at_quoted_key()
    }

    fn object_item(&mut self) -> Parsed<ObjectItem> {
        let token = self.peek();
        let is_separator = |kind| matches!(kind, TokenKind::Equal | TokenKind::Colon);
        self.height = 0;
        let key = if token.kind == TokenKind::Identifier && is_separator(self.kind_after()) {
            self.next();
            ObjectKey::Name(Spanned::new(Arc::from(self.slice(token.span)), token.span))
        } else {
            ObjectKey::Expression(self.expression()?)
        };
        let height = self.height;
        if !is_separator(self.kind()) {
            return Err(self.unexpected("`=` and a value after the key"));
        }
        self.next();
        let start = self.place();
        let value = match self.expression() {
            Ok(value) => {
                self.ended_early = false;
                value
            }
            Err(Reported) => {
                self.skip_until(|kind| matches!(kind, TokenKind::Comma | TokenKind::Newline));
                broken_expression(self.span_from(start))
            }
        };
        self.height = height.max(self.height);
        Ok(ObjectItem { key, value })
    }

    /// Whether the bracket just opened holds a `for` expression; line breaks before it do not count.
    fn is_at_for(&self) -> bool {
        let mut index = self.at;
        while self.token(index).kind == TokenKind::Newline {
            index += 1;
        }
        let token = self.token(index);
        token.kind == TokenKind::Identifier && self.slice(token.span) == "for"
    }

    fn for_expression(&mut self, is_object: bool) -> Parsed<ExpressionKind> {
        let keyword = self.next();
        if is_object && matches!(self.kind(), TokenKind::Equal | TokenKind::Colon) {
            return Err(self.fail(
                Diagnostic::error("invalid-for", "`for` starts a for expression here")
                    .at(keyword.span)
                    .help("to use it as a key, write `\"for\"`"),
            ));
        }
        let ForIntroduction { key_name, value_name, collection } = self.for_introduction()?;
        let mut tallest = self.height;
        if self.eat(TokenKind::Colon).is_none() {
            return Err(self.invalid_for("expected `:` after the collection"));
        }
        let mut value = self.expression()?;
        tallest = tallest.max(self.height);
        let mut key = None;
        if self.kind() == TokenKind::FatArrow {
            if !is_object {
                return Err(self.invalid_for("a tuple has no keys: `=>` needs `{ for … }`"));
            }
            self.next();
            key = Some(std::mem::replace(&mut value, self.expression()?));
            tallest = tallest.max(self.height);
        } else if is_object {
            return Err(self.invalid_for("expected `=>` and a value after the key"));
        }
        let mut group = false;
        if self.kind() == TokenKind::Ellipsis {
            if !is_object {
                return Err(self.invalid_for("only the values of an object can be grouped with `...`"));
            }
            self.next();
            group = true;
        }
        let mut condition = None;
        if self.is_at_keyword("if") {
            self.next();
            condition = Some(self.expression()?);
            tallest = tallest.max(self.height);
        }
        self.height = tallest;
        if !self.kind().is_closing() {
            return Err(self.invalid_for("the for expression must end here"));
        }
        Ok(ExpressionKind::For(Box::new(For { key_name, value_name, collection, key, value, group, condition })))
    }

    /// The names and the collection, after the keyword `for`.
    pub(super) fn for_introduction(&mut self) -> Parsed<ForIntroduction> {
        let mut value_name = self.for_name()?;
        let mut key_name = None;
        if self.eat(TokenKind::Comma).is_some() {
            key_name = Some(std::mem::replace(&mut value_name, self.for_name()?));
        }
        if !self.is_at_keyword("in") {
            return Err(self.invalid_for("expected `in` after the names"));
        }
        self.next();
        let collection = self.expression()?;
        Ok(ForIntroduction { key_name, value_name, collection })
    }

    fn for_name(&mut self) -> Parsed<Spanned<Arc<str>>> {
        match self.eat(TokenKind::Identifier) {
            Some(token) => Ok(Spanned::new(Arc::from(self.slice(token.span)), token.span)),
            None => Err(self.invalid_for("expected a name for the value")),
        }
    }

    pub(super) fn is_at_keyword(&mut self, keyword: &str) -> bool {
        let token = self.peek();
        token.kind == TokenKind::Identifier && self.slice(token.span) == keyword
    }

    fn invalid_for(&mut self, message: &str) -> Reported {
        let place = self.place();
        let found = if message.starts_with("expected") { format!(", found {}", self.found()) } else { String::new() };
        self.fail(
            Diagnostic::error("invalid-for", format!("{message}{found}"))
                .at(place)
                .help("write `[for value in collection : result]` or `{for key, value in collection : key => value}`"),
        )
    }
}
