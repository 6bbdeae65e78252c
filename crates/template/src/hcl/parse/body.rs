//! Bodies: arguments, blocks, and the rules of line breaks between them.

use super::{Parsed, Parser, Reported, broken_expression, shorten};
use crate::diagnostic::Diagnostic;
use crate::hcl::token::TokenKind;
use crate::source::{Span, Spanned};
use crate::syntax::{Attribute, Block, Body, ExpressionKind};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// How the items of a body are laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Each item has lines of its own.
    Lines,
    /// The first item stands on the line of the opening brace, so it must be the only one.
    OneLine,
    /// Neither; reported already.
    Mixed,
}

impl Parser<'_> {
    /// Parses arguments and blocks up to the closing brace or the end.
    pub(super) fn items(&mut self, mut layout: Layout) -> (Vec<Attribute>, Vec<Block>) {
        let mut attributes = Vec::new();
        let mut blocks = Vec::new();
        let mut names: HashMap<String, Span> = HashMap::new();
        // What was read last is a mistake: lines after it that are no items either belong to the same one.
        let mut is_mistaken = false;
        loop {
            let kind = self.kind();
            if layout == Layout::OneLine && kind == TokenKind::Newline {
                layout = self.not_one_line("a block that starts on the line of its `{` must end on it");
            }
            if layout == Layout::OneLine && kind == TokenKind::Identifier && !attributes.is_empty() {
                layout = self.not_one_line("a block on one line can hold one argument only");
            }
            match kind {
                TokenKind::CloseBrace | TokenKind::End => return (attributes, blocks),
                TokenKind::Newline => {
                    self.next();
                    continue;
                }
                TokenKind::Invalid if self.is_absorbed(is_mistaken) => {
                    self.next();
                    continue;
                }
                _ if is_mistaken && !self.is_at_item() => {
                    self.next();
                    self.skip_line();
                    continue;
                }
                _ => {}
            }
            let result = match kind {
                TokenKind::Identifier | TokenKind::OpenQuote => {
                    self.item(&mut layout, &mut names, &mut attributes, &mut blocks)
                }
                TokenKind::Invalid => {
                    self.after_invalid();
                    Ok(())
                }
                _ => {
                    self.not_an_item(attributes.last_mut());
                    // A stray closing token would stop the skipping at once.
                    self.next();
                    Err(Reported)
                }
            };
            is_mistaken = result.is_err();
            if is_mistaken && !self.is_at_item() {
                self.skip_line();
            }
        }
    }

    fn item(
        &mut self,
        layout: &mut Layout,
        names: &mut HashMap<String, Span>,
        attributes: &mut Vec<Attribute>,
        blocks: &mut Vec<Block>,
    ) -> Parsed<()> {
        self.lacks_opening = false;
        let name = self.item_name()?;
        if !matches!(self.kind(), TokenKind::Equal | TokenKind::Colon) {
            if *layout == Layout::OneLine {
                *layout = self.not_one_line("a block on one line can't hold another block");
            }
            blocks.push(self.block(name, *layout)?);
            return Ok(());
        }
        let attribute = self.attribute(name, layout);
        let is_broken = attribute.value.kind == ExpressionKind::Broken;
        match names.entry(attribute.name.value.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(attribute.name.span);
                attributes.push(attribute);
            }
            Entry::Occupied(first) => self.reports.push(
                Diagnostic::error("duplicate-argument", format!("`{}` is set twice", first.key()))
                    .at(attribute.name.span)
                    .related(*first.get(), "first set here")
                    .help("keep one of the two"),
            ),
        }
        if is_broken { Err(Reported) } else { Ok(()) }
    }

    /// A line that starts with something that is no name: most often the value above goes on here.
    fn not_an_item(&mut self, above: Option<&mut Attribute>) {
        let goes_on = matches!(
            self.kind(),
            TokenKind::Plus
                | TokenKind::Minus
                | TokenKind::Star
                | TokenKind::Slash
                | TokenKind::Percent
                | TokenKind::And
                | TokenKind::Or
                | TokenKind::EqualEqual
                | TokenKind::NotEqual
                | TokenKind::Less
                | TokenKind::LessOrEqual
                | TokenKind::Greater
                | TokenKind::GreaterOrEqual
                | TokenKind::Question
                | TokenKind::Colon
                | TokenKind::Dot
                | TokenKind::OpenBracket
                | TokenKind::OpenParenthesis
        );
        let message = format!("expected an argument or a block, found {}", self.found());
        let place = self.place();
        let mut report = Diagnostic::error("unexpected-token", message).at(place);
        if goes_on && let Some(above) = above {
            report = report.help("to go on with a value on the next line, put it all into `(` and `)`");
            above.value = broken_expression(above.value.span);
        }
        self.fail(report);
    }

    /// Whether an item starts here, judged by its first two tokens.
    fn is_at_item(&mut self) -> bool {
        match self.kind() {
            TokenKind::Identifier => matches!(
                self.kind_after(),
                TokenKind::Equal
                    | TokenKind::Colon
                    | TokenKind::OpenQuote
                    | TokenKind::OpenBrace
                    | TokenKind::Identifier
            ),
            TokenKind::OpenQuote => self.is_at_quoted_key(),
            _ => false,
        }
    }

    /// Whether this is the closing bracket of one that is missing above.
    fn is_absorbed(&mut self, is_mistaken: bool) -> bool {
        let token = self.peek();
        let is_bracket = is_mistaken && matches!(self.slice(token.span), ")" | "]" | "}");
        if is_bracket && std::mem::take(&mut self.lacks_opening) {
            self.absorbed.push(token.span);
            return true;
        }
        false
    }

    /// Skips something invalid, and with it the line, unless that goes on with a sound item.
    fn after_invalid(&mut self) {
        self.next();
        let is_item = self.kind() == TokenKind::Identifier
            && matches!(self.kind_after(), TokenKind::Equal | TokenKind::OpenQuote | TokenKind::OpenBrace);
        if !is_item && self.kind() != TokenKind::Invalid {
            self.skip_line();
        }
    }

    fn not_one_line(&mut self, message: &str) -> Layout {
        let place = self.place();
        self.fail(
            Diagnostic::error("one-line-block", message)
                .at(place)
                .help("put the contents of the block on lines of their own"),
        );
        Layout::Mixed
    }

    /// The name that an argument or a block starts with.
    fn item_name(&mut self) -> Parsed<Spanned<String>> {
        if let Some(token) = self.eat(TokenKind::Identifier) {
            return Ok(Spanned::new(self.slice(token.span).to_owned(), token.span));
        }
        let start = self.peek().span;
        let report = self.reports.len();
        let name = self.label();
        let sign = if self.kind() == TokenKind::Colon { ", and `=` for `:`" } else { "" };
        let help = format!("write `{}` without quotes{sign}", shorten(&name.value));
        if self.reports.len() == report && !super::is_broken(self.broken, start.start as usize) {
            let report = Diagnostic::error("quoted-name", "names of arguments and blocks have no quotes");
            self.reports.push(report.at(name.span).help(help));
        }
        match self.kind() {
            TokenKind::Equal
            | TokenKind::Colon
            | TokenKind::Identifier
            | TokenKind::OpenQuote
            | TokenKind::OpenBrace => Ok(name),
            _ => Err(Reported),
        }
    }

    fn attribute(&mut self, name: Spanned<String>, layout: &mut Layout) -> Attribute {
        // Of a line of JSON its quotes are told already.
        let is_quoted = self.slice(name.span).starts_with('"');
        if self.kind() == TokenKind::Colon && !is_quoted {
            let place = self.place();
            self.fail(
                Diagnostic::error("colon-for-equal", "an argument is set with `=`, not with `:`")
                    .at(place)
                    .help(format!("write `{} =`", shorten(&name.value))),
            );
        }
        self.next();
        let start = self.peek().span;
        self.lacks_opening = self.kind() == TokenKind::Newline;
        let value = match self.expression() {
            Ok(value) if self.end_of_attribute(layout) => value,
            _ => {
                self.skip_line();
                let start = if self.token(self.at).span == start { self.place() } else { start };
                broken_expression(self.span_from(start))
            }
        };
        Attribute { name, value }
    }

    /// Checks that nothing else follows a value. Returns whether the value can be what was meant.
    fn end_of_attribute(&mut self, layout: &mut Layout) -> bool {
        let kind = self.kind();
        let place = self.place();
        match kind {
            TokenKind::Newline | TokenKind::End => return true,
            TokenKind::CloseBrace if *layout != Layout::Lines => return true,
            TokenKind::CloseBrace => {
                self.fail(
                    Diagnostic::error("missing-newline", "the `}` of a block of several lines needs a line of its own")
                        .at(place)
                        .help("start a new line before it"),
                );
                return true;
            }
            TokenKind::Comma => {
                if *layout == Layout::OneLine {
                    *layout = self.not_one_line("a block on one line can hold one argument only");
                } else if *layout == Layout::Lines {
                    self.fail(
                        Diagnostic::error("unexpected-comma", "arguments are not separated by `,`")
                            .at(place)
                            .help("remove it, and put each argument on a line of its own"),
                    );
                }
                self.next();
                if matches!(self.kind(), TokenKind::Newline | TokenKind::End) || self.is_at_argument() {
                    return true;
                }
                // What follows the comma is part of the same mistake.
                return self.kind() == TokenKind::CloseBrace;
            }
            _ if self.is_at_argument() && *layout != Layout::Lines => return true,
            _ => {}
        }
        let found = self.found();
        self.fail(
            Diagnostic::error("missing-newline", format!("expected a new line after the value, found {found}"))
                .at(place),
        );
        self.is_at_argument()
    }

    fn is_at_argument(&mut self) -> bool {
        self.kind() == TokenKind::Identifier && self.kind_after() == TokenKind::Equal
    }

    fn block(&mut self, kind: Spanned<String>, layout: Layout) -> Parsed<Block> {
        let mut labels = Vec::new();
        let mut header = kind.span;
        let mut is_sound = true;
        loop {
            match self.kind() {
                TokenKind::Identifier => {
                    let token = self.next();
                    labels.push(Spanned::new(self.slice(token.span).to_owned(), token.span));
                    header = header.to(token.span);
                }
                TokenKind::OpenQuote => {
                    let label = self.label();
                    header = header.to(label.span);
                    labels.push(label);
                }
                TokenKind::InvalidString => {
                    let token = self.next();
                    let text = self.slice(token.span).trim_matches(['\'', '`', '“', '”']);
                    labels.push(Spanned::new(text.to_owned(), token.span));
                    header = header.to(token.span);
                }
                TokenKind::OpenBrace => break,
                TokenKind::Newline | TokenKind::End => {
                    self.brace_on_next_line(&kind, header)?;
                    break;
                }
                _ => {
                    if labels.is_empty() {
                        let wanted = format!("`=` or `{{` after `{}`", shorten(&kind.value));
                        self.unexpected(&wanted);
                    } else {
                        self.unexpected("a label or `{`");
                    }
                    self.skip_until(|kind| {
                        matches!(kind, TokenKind::OpenBrace | TokenKind::Newline | TokenKind::Equal)
                    });
                    if self.kind() != TokenKind::OpenBrace {
                        return Err(Reported);
                    }
                    is_sound = false;
                    break;
                }
            }
        }
        let body = self.nested(|parser| Ok(parser.block_body(is_sound)))?;
        self.end_of_block(layout);
        Ok(Block { kind, labels, body, header })
    }

    /// At the end of a line that is a block header without its brace.
    fn brace_on_next_line(&mut self, kind: &Spanned<String>, header: Span) -> Parsed<()> {
        let mut next = self.at;
        while self.token(next).kind == TokenKind::Newline {
            next += 1;
        }
        let brace = self.token(next);
        if brace.kind != TokenKind::OpenBrace {
            let name = shorten(&kind.value);
            return Err(self.fail(
                Diagnostic::error("expected-item", format!("`{name}` is neither an argument nor a block"))
                    .at(header)
                    .help(format!("write `{name} = …` or `{name} {{ … }}`")),
            ));
        }
        self.at = next;
        self.fail(
            Diagnostic::error("brace-on-next-line", "the `{` of a block must be on the line of its header")
                .at(brace.span)
                .related(header, "the header is here")
                .help("move it up"),
        );
        Ok(())
    }

    fn block_body(&mut self, is_sound: bool) -> Body {
        let open = self.next();
        let layout = match self.kind() {
            TokenKind::Newline | TokenKind::CloseBrace => Layout::Lines,
            _ if is_sound => Layout::OneLine,
            _ => Layout::Mixed,
        };
        let (attributes, blocks) = self.items(layout);
        let close = self.next();
        Body { attributes, blocks, span: open.span.to(close.span) }
    }

    fn end_of_block(&mut self, layout: Layout) {
        // A brace that was added for a missing one ends nothing.
        let is_added = self.at > 0 && self.token(self.at - 1).span.range().is_empty();
        let kind = self.kind();
        let ends_outer = kind == TokenKind::CloseBrace && layout != Layout::Lines;
        if is_added || ends_outer || matches!(kind, TokenKind::Newline | TokenKind::End) {
            return;
        }
        let place = self.place();
        let found = self.found();
        self.fail(
            Diagnostic::error("missing-newline", format!("expected a new line after the block, found {found}"))
                .at(place),
        );
        if !self.is_at_item() {
            self.skip_line();
        }
    }
}
