//! Expressions: conditionals, operators, what follows a value (`.a`, `[0]`, splats), and single values.

use super::{Parsed, Parser, broken_expression};
use crate::diagnostic::Diagnostic;
use crate::hcl::token::TokenKind;
use crate::number::Number;
use crate::source::{Span, Spanned};
use crate::syntax::{BinaryOperator, Expression, ExpressionKind, UnaryOperator};
use std::sync::Arc;

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        self.nested(Self::conditional)
    }

    fn conditional(&mut self) -> Parsed<Expression> {
        let first = self.binary()?;
        if self.kind() == TokenKind::Question { self.conditional_rest(first) } else { Ok(first) }
    }

    /// A chain `a ? b : c ? d : e` is a loop here, as generated templates have long ones.
    fn conditional_rest(&mut self, first: Expression) -> Parsed<Expression> {
        let mut last = first;
        let mut pending = Vec::new();
        let mut tallest = self.height;
        while self.eat(TokenKind::Question).is_some() {
            let yes = self.expression()?;
            tallest = tallest.max(self.height);
            if self.eat(TokenKind::Colon).is_none() {
                let place = self.place();
                let found = self.found();
                return Err(self.fail(
                    Diagnostic::error("missing-else", format!("expected `:` and a value for false, found {found}"))
                        .at(place)
                        .help("a condition is written `condition ? value if true : value if false`"),
                ));
            }
            pending.push((last, yes));
            last = self.binary()?;
            tallest = tallest.max(self.height);
            self.set_height(tallest + pending.len())?;
        }
        while let Some((condition, yes)) = pending.pop() {
            let span = condition.span.to(last.span);
            let (condition, yes, no) = (Box::new(condition), Box::new(yes), Box::new(last));
            last = Expression { kind: ExpressionKind::Conditional { condition, yes, no }, span };
        }
        Ok(last)
    }

    fn binary(&mut self) -> Parsed<Expression> {
        let first = self.unary()?;
        if binary_operator(self.kind()).is_some() { self.binary_rest(first) } else { Ok(first) }
    }

    /// Operands and operators wait on two stacks, so that the length of a chain costs no recursion.
    fn binary_rest(&mut self, first: Expression) -> Parsed<Expression> {
        let mut left = Vec::new();
        let mut last = (first, self.height);
        while let Some(value) = binary_operator(self.kind()) {
            let operator = Spanned::new(value, self.next().span);
            last = self.reduce(&mut left, last, precedence(value))?;
            left.push((last, operator));
            let operand = self.unary()?;
            last = (operand, self.height);
        }
        let (expression, height) = self.reduce(&mut left, last, 0)?;
        self.height = height;
        Ok(expression)
    }

    /// Joins `last` with the waiting operands whose operators bind at least as tightly as `precedence`.
    fn reduce(
        &mut self,
        left: &mut Vec<((Expression, usize), Spanned<BinaryOperator>)>,
        mut last: (Expression, usize),
        binding: u8,
    ) -> Parsed<(Expression, usize)> {
        while left.last().is_some_and(|(_, operator)| precedence(operator.value) >= binding)
            && let Some(((operand, height), operator)) = left.pop()
        {
            self.set_height(height.max(last.1) + 1)?;
            let span = operand.span.to(last.0.span);
            let (operand, right) = (Box::new(operand), Box::new(last.0));
            let kind = ExpressionKind::Binary { left: operand, operator, right };
            last = (Expression { kind, span }, self.height);
        }
        Ok(last)
    }

    fn unary(&mut self) -> Parsed<Expression> {
        let mut operators = Vec::new();
        loop {
            let operator = match self.kind() {
                TokenKind::Not => UnaryOperator::Not,
                TokenKind::Minus => UnaryOperator::Negate,
                _ => break,
            };
            operators.push(Spanned::new(operator, self.next().span));
        }
        let mut operand = self.postfix()?;
        while let Some(operator) = operators.pop() {
            self.grow()?;
            let span = operator.span.to(operand.span);
            operand = Expression { kind: ExpressionKind::Unary { operator, operand: Box::new(operand) }, span };
        }
        Ok(operand)
    }

    fn postfix(&mut self) -> Parsed<Expression> {
        let on = self.primary()?;
        if matches!(self.kind(), TokenKind::Dot | TokenKind::OpenBracket) { self.postfix_rest(on) } else { Ok(on) }
    }

    fn postfix_rest(&mut self, first: Expression) -> Parsed<Expression> {
        let start = first.span;
        let mut on = first;
        // What the full splats `[*]` met so far stand on: each takes all that follows it.
        let mut splats: Vec<(Expression, Span, usize)> = Vec::new();
        loop {
            match self.kind() {
                TokenKind::Dot if self.kind_after() == TokenKind::Star => on = self.attribute_splat(on)?,
                TokenKind::Dot => {
                    self.next();
                    on = self.member(on)?;
                }
                TokenKind::OpenBracket => {
                    let height = self.height;
                    let (key, brackets) = self.inside(false, |parser| {
                        if parser.kind() == TokenKind::Star && parser.kind_after().is_closing() {
                            parser.next();
                            return Ok(None);
                        }
                        parser.expression().map(Some)
                    });
                    let span = on.span.to(brackets);
                    match key {
                        Ok(Some(key)) => {
                            self.set_height(height.max(self.height) + 1)?;
                            let (on_box, key) = (Box::new(on), Box::new(key));
                            on = Expression { kind: ExpressionKind::Index { on: on_box, key }, span };
                        }
                        Ok(None) => {
                            splats.push((on, brackets, height));
                            on = Expression { kind: ExpressionKind::Element, span: brackets };
                            self.set_height(splats.len())?;
                        }
                        Err(_) => on = broken_expression(span),
                    }
                }
                _ => break,
            }
        }
        while let Some((of, operator, height)) = splats.pop() {
            self.set_height(height.max(self.height) + 1)?;
            let span = of.span.to(on.span);
            on = Expression { kind: ExpressionKind::Splat { on: Box::new(of), each: Box::new(on), operator }, span };
        }
        on.span = start.to(on.span);
        Ok(on)
    }

    /// What follows a dot: a name, or a number in the old way to write an index.
    fn member(&mut self, on: Expression) -> Parsed<Expression> {
        let token = self.peek();
        let span = on.span.to(token.span);
        match token.kind {
            TokenKind::Identifier => {
                self.next();
                self.grow()?;
                let name = Spanned::new(Arc::from(self.slice(token.span)), token.span);
                Ok(Expression { kind: ExpressionKind::Attribute { on: Box::new(on), name }, span })
            }
            TokenKind::Number => {
                let text = self.slice(token.span);
                let Some(number) = Number::parse(text).filter(|_| !text.contains('.')) else {
                    let indexes: String = text.split('.').map(|index| format!("[{index}]")).collect();
                    self.fail(
                        Diagnostic::error("legacy-index", format!("`.{text}` can't be read as indexes"))
                            .at(token.span)
                            .help(format!("write `{indexes}`")),
                    );
                    self.next();
                    return Ok(broken_expression(span));
                };
                self.next();
                self.grow()?;
                let key = Box::new(Expression { kind: ExpressionKind::Number(number), span: token.span });
                Ok(Expression { kind: ExpressionKind::Index { on: Box::new(on), key }, span })
            }
            TokenKind::Star => Err(self.fail(
                Diagnostic::error("nested-splat", "`.*` can't stand in another `.*`")
                    .at(token.span)
                    .help("use the full splat: `[*]`"),
            )),
            _ => {
                let place = self.place();
                let found = self.found();
                Err(self.fail(
                    Diagnostic::error("missing-attribute-name", format!("expected a name after `.`, found {found}"))
                        .at(place),
                ))
            }
        }
    }

    /// `.*`, which takes the names that follow, and nothing else.
    fn attribute_splat(&mut self, on: Expression) -> Parsed<Expression> {
        let height = self.height;
        let dot = self.next();
        let operator = dot.span.to(self.next().span);
        let mut each = Expression { kind: ExpressionKind::Element, span: operator };
        self.height = 0;
        while self.eat(TokenKind::Dot).is_some() {
            each = self.member(each)?;
        }
        self.set_height(height.max(self.height) + 1)?;
        let span = on.span.to(each.span);
        Ok(Expression { kind: ExpressionKind::Splat { on: Box::new(on), each: Box::new(each), operator }, span })
    }

    fn primary(&mut self) -> Parsed<Expression> {
        let token = self.peek();
        self.height = 1;
        match token.kind {
            TokenKind::Number => {
                self.next();
                let text = self.slice(token.span);
                let number = Number::parse(text);
                if number.is_none() {
                    let (message, help) = if text.matches('.').count() < 2 {
                        (Number::out_of_range(text).to_owned(), Number::RANGE)
                    } else {
                        (format!("`{text}` is not a number"), "put it into quotes if it is text, such as a version")
                    };
                    self.reports.push(Diagnostic::error("invalid-number", message).at(token.span).help(help));
                }
                let kind = number.map_or(ExpressionKind::Broken, ExpressionKind::Number);
                Ok(Expression { kind, span: token.span })
            }
            TokenKind::Identifier => self.name(),
            TokenKind::OpenQuote | TokenKind::OpenHeredoc => self.template(),
            TokenKind::OpenParenthesis => self.parentheses(),
            TokenKind::OpenBracket => self.tuple(),
            TokenKind::OpenBrace => self.object(),
            TokenKind::InvalidString => {
                self.next();
                Ok(broken_expression(token.span))
            }
            _ => {
                let place = self.place();
                let found = self.found();
                Err(self
                    .fail(Diagnostic::error("expected-value", format!("expected a value, found {found}")).at(place)))
            }
        }
    }

    /// A variable, a keyword, or a function call.
    fn name(&mut self) -> Parsed<Expression> {
        let token = self.next();
        let text = self.slice(token.span);
        match self.kind() {
            TokenKind::OpenParenthesis => return self.call(Spanned::new(Arc::from(text), token.span)),
            TokenKind::DoubleColon => return self.namespaced_call(token.span),
            _ => {}
        }
        let kind = match text {
            "null" => ExpressionKind::Null,
            "true" => ExpressionKind::Bool(true),
            "false" => ExpressionKind::Bool(false),
            _ => ExpressionKind::Variable(Arc::from(text)),
        };
        Ok(Expression { kind, span: token.span })
    }

    /// `a::b(…)`; blanks between the parts do not count.
    fn namespaced_call(&mut self, start: Span) -> Parsed<Expression> {
        let mut name = self.slice(start).to_owned();
        while self.eat(TokenKind::DoubleColon).is_some() {
            let Some(part) = self.eat(TokenKind::Identifier) else {
                return Err(self.unexpected("the name of a function after `::`"));
            };
            name.push_str("::");
            name.push_str(self.slice(part.span));
        }
        if self.kind() != TokenKind::OpenParenthesis {
            return Err(self.unexpected("`(` after the name of a function"));
        }
        self.call(Spanned::new(Arc::from(name), self.span_from(start)))
    }
}

fn binary_operator(kind: TokenKind) -> Option<BinaryOperator> {
    Some(match kind {
        TokenKind::Or => BinaryOperator::Or,
        TokenKind::And => BinaryOperator::And,
        TokenKind::EqualEqual => BinaryOperator::Equal,
        TokenKind::NotEqual => BinaryOperator::NotEqual,
        TokenKind::Less => BinaryOperator::Less,
        TokenKind::LessOrEqual => BinaryOperator::LessOrEqual,
        TokenKind::Greater => BinaryOperator::Greater,
        TokenKind::GreaterOrEqual => BinaryOperator::GreaterOrEqual,
        TokenKind::Plus => BinaryOperator::Add,
        TokenKind::Minus => BinaryOperator::Subtract,
        TokenKind::Star => BinaryOperator::Multiply,
        TokenKind::Slash => BinaryOperator::Divide,
        TokenKind::Percent => BinaryOperator::Modulo,
        _ => return None,
    })
}

/// From 1, for what binds least.
fn precedence(operator: BinaryOperator) -> u8 {
    match operator {
        BinaryOperator::Or => 1,
        BinaryOperator::And => 2,
        BinaryOperator::Equal | BinaryOperator::NotEqual => 3,
        BinaryOperator::Less
        | BinaryOperator::LessOrEqual
        | BinaryOperator::Greater
        | BinaryOperator::GreaterOrEqual => 4,
        BinaryOperator::Add | BinaryOperator::Subtract => 5,
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo => 6,
    }
}
