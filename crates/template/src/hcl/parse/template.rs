//! Quoted strings and heredocs: literal text, interpolations, and the tree of `%{…}` directives.

use super::collection::ForIntroduction;
use super::literal::{Literal, dedent};
use super::{MAX_DEPTH, Parsed, Parser, Reported, broken_expression, shorten};
use crate::diagnostic::Diagnostic;
use crate::hcl::brackets::is_broken;
use crate::hcl::token::{Token, TokenKind};
use crate::source::{Span, Spanned, Text};
use crate::syntax::{Expression, ExpressionKind, TemplatePart};
use std::sync::Arc;

/// A template before its directives are paired.
enum Item {
    Literal(Literal),
    Interpolation(Expression),
    Directive(Directive, Span),
}

enum Directive {
    If(Expression),
    Else,
    EndIf,
    /// `None`: what stands after `for` is broken.
    For(Option<ForIntroduction>),
    EndFor,
}

impl Parser<'_> {
    /// A quoted string or a heredoc.
    pub(super) fn template(&mut self) -> Parsed<Expression> {
        let open = self.next();
        let mut items = self.template_items(open.kind == TokenKind::OpenQuote);
        let height = self.height;
        let close = self.next();
        let span = open.span.to(close.span);
        if self.slice(open.span).starts_with("<<-") {
            let literals = items.iter_mut().map(|item| match item {
                Item::Literal(literal) => Some(literal),
                _ => None,
            });
            dedent(self.text, literals);
        }
        let kind = self.template_kind(items);
        self.height = height.max(self.height);
        self.grow()?;
        // An unclosed string holds what was never meant to be in it.
        let kind = if close.span.range().is_empty() { ExpressionKind::Broken } else { kind };
        Ok(Expression { kind, span })
    }

    /// All of the text, without quotes around it.
    pub(super) fn bare_template(&mut self) -> ExpressionKind {
        let items = self.template_items(false);
        self.template_kind(items)
    }

    fn template_kind(&mut self, items: Vec<Item>) -> ExpressionKind {
        let parts = self.template_parts(items);
        match parts.as_slice() {
            [] => ExpressionKind::String(Arc::new(Text::new(self.file))),
            [TemplatePart::Literal(text)] => ExpressionKind::String(Arc::clone(text)),
            _ => ExpressionKind::Template(parts),
        }
    }

    /// The label of a block in quotes, in which nothing is interpolated.
    pub(super) fn label(&mut self) -> Spanned<String> {
        let open = self.next();
        let mut text = Text::new(self.file);
        loop {
            let token = self.peek();
            match token.kind {
                TokenKind::Literal => {
                    self.next();
                    self.literal(token, true).append_to(self.text, &mut text);
                }
                TokenKind::OpenInterpolation | TokenKind::OpenDirective => {
                    let place = token.span;
                    self.fail(
                        Diagnostic::error("template-in-label", "nothing can be interpolated in a name or a label")
                            .at(place)
                            .help("write the label out; to write `${` as text, write `$${`"),
                    );
                    self.next();
                    self.skip_until(|_| false);
                    self.next();
                }
                _ => break,
            }
        }
        let close = self.next();
        Spanned::new(text.value().to_owned(), open.span.to(close.span))
    }

    /// Everything up to the closing quote or marker, with strip markers applied.
    fn template_items(&mut self, quoted: bool) -> Vec<Item> {
        let mut items = Vec::new();
        let mut strips_next = false;
        let mut tallest = 0;
        loop {
            let token = self.peek();
            self.height = 0;
            match token.kind {
                TokenKind::Literal => {
                    self.next();
                    let mut literal = self.literal(token, quoted);
                    if std::mem::take(&mut strips_next) {
                        literal.trim_start(self.text, usize::MAX);
                    }
                    // The value can't be known then, and that is what an unreadable part says.
                    let broken = std::mem::take(&mut literal.broken);
                    items.push(Item::Literal(literal));
                    items.extend(broken.into_iter().map(|span| Item::Interpolation(broken_expression(span))));
                }
                TokenKind::OpenInterpolation | TokenKind::OpenDirective => {
                    if self.slice(token.span).ends_with('~')
                        && let Some(Item::Literal(literal)) = items.last_mut()
                    {
                        literal.trim_end(self.text);
                    }
                    let item = if token.kind == TokenKind::OpenInterpolation {
                        Item::Interpolation(self.interpolation())
                    } else {
                        self.directive()
                    };
                    items.push(item);
                    strips_next = self.previous().is_some_and(|close| self.slice(close.span).starts_with('~'));
                }
                _ => break,
            }
            tallest = tallest.max(self.height);
        }
        self.height = tallest;
        items
    }

    fn interpolation(&mut self) -> Expression {
        let (result, span) = self.inside(false, |parser| {
            if parser.kind().is_closing() {
                let place = parser.peek().span;
                return Err(parser.foreign_interpolation("nothing is interpolated here", place));
            }
            let expression = parser.expression()?;
            if parser.kind().is_closing() {
                return Ok(expression);
            }
            let message = format!("expected `}}` after the interpolated value, found {}", parser.found());
            let place = parser.place();
            Err(parser.foreign_interpolation(&message, place))
        });
        result.unwrap_or_else(|Reported| broken_expression(span))
    }

    fn foreign_interpolation(&mut self, message: &str, place: Span) -> Reported {
        self.fail(
            Diagnostic::error("invalid-interpolation", message)
                .at(place)
                .help("if it is meant for another language, a shell for example, write `$${` for `${`"),
        )
    }

    fn directive(&mut self) -> Item {
        let mut keyword = String::new();
        let (result, span) = self.inside(false, |parser| {
            let token = parser.peek();
            let text = parser.slice(token.span);
            if token.kind != TokenKind::Identifier || !matches!(text, "if" | "else" | "endif" | "for" | "endfor") {
                return Err(parser.invalid_directive(token));
            }
            text.clone_into(&mut keyword);
            parser.next();
            let directive = match text {
                "if" => Directive::If(parser.expression()?),
                "for" => Directive::For(Some(parser.for_introduction()?)),
                "else" => Directive::Else,
                "endif" => Directive::EndIf,
                _ => Directive::EndFor,
            };
            if parser.kind().is_closing() {
                return Ok(directive);
            }
            let message = format!("expected `}}` at the end of the directive, found {}", parser.found());
            let place = parser.place();
            Err(parser.fail(Diagnostic::error("invalid-directive", message).at(place)))
        });
        let directive = result.unwrap_or_else(|Reported| match keyword.as_str() {
            "else" => Directive::Else,
            "endif" => Directive::EndIf,
            "for" => Directive::For(None),
            "endfor" => Directive::EndFor,
            _ => Directive::If(broken_expression(span)),
        });
        if keyword.is_empty() { Item::Interpolation(broken_expression(span)) } else { Item::Directive(directive, span) }
    }

    fn invalid_directive(&mut self, token: Token) -> Reported {
        let message = match token.kind {
            TokenKind::Identifier => format!("`{}` is not a directive", shorten(self.slice(token.span))),
            _ => format!("expected a directive, found {}", self.found()),
        };
        self.fail(
            Diagnostic::error("invalid-directive", message)
                .at(token.span)
                .help("directives are `if`, `else`, `endif`, `for` and `endfor`; to write `%{` as text, write `%%{`"),
        )
    }

    /// Pairs the directives.
    fn template_parts(&mut self, items: Vec<Item>) -> Vec<TemplatePart> {
        let mut builder = Builder { text: None, parts: Vec::new(), open: Vec::new(), deepest: 0, is_too_deep: false };
        for item in items {
            match item {
                Item::Literal(literal) => {
                    let text = builder.text.get_or_insert_with(|| Text::new(self.file));
                    literal.append_to(self.text, text);
                }
                Item::Interpolation(expression) => builder.push(TemplatePart::Interpolation(expression)),
                Item::Directive(..) if builder.is_too_deep => {}
                Item::Directive(directive, span) => self.pair(&mut builder, directive, span),
            }
        }
        while let Some(open) = builder.close() {
            let name = open.name();
            if !builder.is_too_deep {
                self.unpaired(
                    open.span,
                    &format!("this `{name}` has no `end{name}`"),
                    &format!("end it with `%{{end{name}}}`"),
                );
            }
            builder.push(TemplatePart::Interpolation(broken_expression(open.span)));
        }
        builder.flush();
        self.height = builder.deepest;
        builder.parts
    }

    fn pair(&mut self, builder: &mut Builder, directive: Directive, span: Span) {
        match directive {
            Directive::If(_) | Directive::For(_) if self.depth + builder.open.len() >= MAX_DEPTH => {
                builder.is_too_deep = true;
                self.too_deep(span);
            }
            Directive::If(condition) => builder.open(Opener::If { condition, yes: None }, span),
            Directive::For(introduction) => builder.open(Opener::For(introduction), span),
            Directive::Else => match builder.open.last().map(|open| (&open.opener, open.span)) {
                Some((Opener::If { yes: None, .. }, _)) => builder.turn_to_else(),
                Some((Opener::If { .. }, first)) => self.reports.push(
                    Diagnostic::error("unpaired-directive", "this `if` has its `else` already")
                        .at(span)
                        .related(first, "the `if` is here"),
                ),
                _ => self.unpaired(span, "this `else` belongs to no `if`", "remove it, or start with `%{if …}`"),
            },
            Directive::EndIf | Directive::EndFor => {
                let name = if matches!(directive, Directive::EndIf) { "if" } else { "for" };
                let Some(open) = builder.close() else {
                    let help = format!("remove it, or start with `%{{{name} …}}`");
                    return self.unpaired(span, &format!("this `end{name}` belongs to no `{name}`"), &help);
                };
                if open.name() != name {
                    let wanted = open.name();
                    self.reports.push(
                        Diagnostic::error("unpaired-directive", format!("`end{name}` can't end `{wanted}`"))
                            .at(span)
                            .related(open.span, format!("the `{wanted}` is here"))
                            .help(format!("write `%{{end{wanted}}}`")),
                    );
                }
                builder.finish(open, span);
            }
        }
    }

    fn unpaired(&mut self, span: Span, message: &str, help: &str) {
        if !is_broken(self.broken, span.start as usize) {
            self.reports.push(Diagnostic::error("unpaired-directive", message).at(span).help(help));
        }
    }
}

/// Builds the tree of a template without recursion.
struct Builder {
    /// Literal text that waits to become a part: neighbours are one part.
    text: Option<Text>,
    parts: Vec<TemplatePart>,
    open: Vec<Open>,
    deepest: usize,
    /// The rest of the directives is not paired any more.
    is_too_deep: bool,
}

struct Open {
    opener: Opener,
    span: Span,
    /// The parts before it.
    before: Vec<TemplatePart>,
    inside: Vec<TemplatePart>,
}

enum Opener {
    If { condition: Expression, yes: Option<Vec<TemplatePart>> },
    For(Option<ForIntroduction>),
}

impl Open {
    fn name(&self) -> &'static str {
        match self.opener {
            Opener::If { .. } => "if",
            Opener::For(_) => "for",
        }
    }
}

impl Builder {
    fn flush(&mut self) {
        if let Some(text) = self.text.take() {
            self.parts.push(TemplatePart::Literal(Arc::new(text)));
        }
    }

    fn push(&mut self, part: TemplatePart) {
        self.flush();
        self.parts.push(part);
    }

    fn open(&mut self, opener: Opener, span: Span) {
        self.flush();
        let before = std::mem::take(&mut self.parts);
        self.open.push(Open { opener, span, before, inside: Vec::new() });
        self.deepest = self.deepest.max(self.open.len());
    }

    fn turn_to_else(&mut self) {
        self.flush();
        let parts = std::mem::take(&mut self.parts);
        if let Some(Open { opener: Opener::If { yes, .. }, .. }) = self.open.last_mut() {
            *yes = Some(parts);
        }
    }

    /// Leaves the innermost open directive and goes on with the parts before it.
    fn close(&mut self) -> Option<Open> {
        self.flush();
        let mut open = self.open.pop()?;
        open.inside = std::mem::replace(&mut self.parts, std::mem::take(&mut open.before));
        Some(open)
    }

    fn finish(&mut self, open: Open, end: Span) {
        let span = open.span.to(end);
        let part = match open.opener {
            Opener::If { condition, yes: Some(yes) } => TemplatePart::If { condition, yes, no: open.inside, span },
            Opener::If { condition, yes: None } => {
                TemplatePart::If { condition, yes: open.inside, no: Vec::new(), span }
            }
            Opener::For(Some(ForIntroduction { key_name, value_name, collection })) => {
                TemplatePart::For { key_name, value_name, collection, body: open.inside, span }
            }
            Opener::For(None) => TemplatePart::Interpolation(broken_expression(span)),
        };
        self.push(part);
    }
}
