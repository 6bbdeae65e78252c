//! From segments to the tree. What is broken is reported and left out; the rest of the template is read on.

use super::report::Report;
use super::token::{Action, Keyword, Segment, Token, TokenKind};
use super::tree::{Command, Name, Node, Operand, OperandKind, Pipeline};
use crate::diagnostic::Diagnostic;
use crate::suggest::{closest, did_you_mean};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

pub(super) const SYNTAX: &str = "go-template-syntax";
/// Blocks in blocks, and parentheses in parentheses; the tree is walked recursively.
const DEEPEST: usize = 64;

/// What a template is made of.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    /// What `define` and `block` name.
    pub(super) definitions: BTreeMap<Arc<str>, Vec<Node>>,
    /// The literal arguments of `user`, without their quotes.
    pub(super) users: Vec<Name>,
}

/// What stands in one action from a token on, by itself.
pub(super) fn condition(action: &Action, first: usize, report: &mut Report<'_>) -> Pipeline {
    Parser::new(&[], report).whole_pipeline(action, first, false)
}

pub(super) fn parse(segments: &[Segment], report: &mut Report<'_>) -> Parsed {
    let mut parser = Parser::new(segments, report);
    let nodes = parser.list(None).0;
    for call in std::mem::take(&mut parser.calls) {
        if !parser.parsed.definitions.contains_key(&call.name) {
            let names = parser.parsed.definitions.keys().map(|name| &**name);
            let help = did_you_mean(&call.name, names)
                .unwrap_or_else(|| format!("define it with `{{{{define \"{}\"}}}}…{{{{end}}}}`", call.name));
            parser.report.error(SYNTAX, call.range, format!("there is no template `{}` here", call.name), help);
        }
    }
    parser.parsed.nodes = nodes;
    parser.parsed
}

pub(super) struct Parser<'a, 'r> {
    segments: &'a [Segment],
    at: usize,
    pub(super) report: &'a mut Report<'r>,
    /// Names with their dollar signs, inner ones last.
    variables: Vec<Arc<str>>,
    depth: usize,
    /// How many `range` are open.
    ranges: usize,
    pub(super) parsed: Parsed,
    calls: Vec<Name>,
}

/// What ended a list of nodes.
enum Ending<'a> {
    End,
    /// The action of the `else`.
    Else(&'a Action),
    /// The template ended, or reading it has no more sense.
    File,
}

/// The mistake is reported.
struct Reported;

impl<'a, 'r> Parser<'a, 'r> {
    fn new(segments: &'a [Segment], report: &'a mut Report<'r>) -> Self {
        Self {
            segments,
            at: 0,
            report,
            variables: vec!["$".into()],
            depth: 0,
            ranges: 0,
            parsed: Parsed::default(),
            calls: Vec::new(),
        }
    }

    /// Nodes up to the `end` or `else` that belongs to `opened`, or up to the end of the template.
    fn list(&mut self, opened: Option<&Action>) -> (Vec<Node>, Ending<'a>) {
        let mut nodes = Vec::new();
        while let Some(segment) = self.segments.get(self.at) {
            self.at += 1;
            let action = match segment {
                Segment::Text(range) => {
                    nodes.push(Node::Text(range.clone()));
                    continue;
                }
                Segment::Action(action) => action,
            };
            match keyword(action) {
                Some(Keyword::End) => {
                    self.nothing_behind(action, 1);
                    if opened.is_some() {
                        return (nodes, Ending::End);
                    }
                    let help = "delete it, or open what it ends: `{{if …}}`, `{{with …}}`, `{{range …}}`";
                    self.report.error(SYNTAX, action.range.clone(), "this `{{end}}` ends nothing", help);
                }
                Some(Keyword::Else) => {
                    if opened.is_some() {
                        return (nodes, Ending::Else(action));
                    }
                    let message = "this `{{else}}` belongs to no `{{if}}`";
                    self.report.error(
                        SYNTAX,
                        action.range.clone(),
                        message,
                        "delete it, or open an `{{if …}}` before it",
                    );
                }
                keyword => nodes.extend(self.action(action, keyword, opened.is_none())),
            }
        }
        if let Some(opened) = opened.filter(|_| self.depth <= DEEPEST) {
            let what = opened.tokens.first().map_or("", |token| self.report.slice(token.range.clone())).to_owned();
            let message = format!("this `{{{{{what}}}}}` is never ended");
            self.report.error(SYNTAX, opened.range.clone(), message, "add the missing `{{end}}`");
        }
        (nodes, Ending::File)
    }

    fn action(&mut self, action: &'a Action, keyword: Option<Keyword>, top: bool) -> Option<Node> {
        match keyword {
            None => {
                let pipeline = self.whole_pipeline(action, 0, false);
                (!action.tokens.is_empty() || !action.broken).then_some(Node::Output(pipeline))
            }
            Some(Keyword::If) => self.nested(action, |parser| Some(parser.branch(action, false))),
            Some(Keyword::With) => self.nested(action, |parser| Some(parser.branch(action, true))),
            Some(Keyword::Range) => self.nested(action, |parser| Some(parser.range(action))),
            Some(keyword @ (Keyword::Define | Keyword::Block)) => {
                self.nested(action, |parser| parser.definition(action, keyword == Keyword::Block, top))
            }
            Some(Keyword::Template) => {
                let (name, dot) = self.template_name(action, "template")?;
                self.calls.push(name.clone());
                Some(Node::Template { name, dot })
            }
            Some(keyword @ (Keyword::Break | Keyword::Continue)) => {
                self.nothing_behind(action, 1);
                if self.ranges == 0 {
                    let what = if keyword == Keyword::Break { "break" } else { "continue" };
                    let message = format!("`{{{{{what}}}}}` stands outside of any `{{{{range}}}}`");
                    self.report.error(SYNTAX, action.range.clone(), message, "delete it");
                    return None;
                }
                Some(if keyword == Keyword::Break { Node::Break } else { Node::Continue })
            }
            Some(Keyword::End | Keyword::Else) => None,
        }
    }

    /// Runs `read` one level deeper, with the variables it declares gone afterwards.
    fn nested<T>(&mut self, action: &Action, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= DEEPEST {
            if self.depth == DEEPEST {
                let message = format!("blocks are nested more than {DEEPEST} deep");
                self.report.error(SYNTAX, action.range.clone(), message, "move parts of it to variables");
            }
            // Nothing that follows can be told to its block any more.
            self.depth = DEEPEST + 1;
            self.at = self.segments.len();
            return None;
        }
        self.depth += 1;
        let outer = self.variables.len();
        let result = read(self);
        self.variables.truncate(outer);
        if self.depth <= DEEPEST {
            self.depth -= 1;
        }
        result
    }

    fn branch(&mut self, action: &'a Action, with: bool) -> Node {
        let chained = if with { Keyword::With } else { Keyword::If };
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        let mut current = action;
        let mut first_token = 1;
        loop {
            let condition = self.whole_pipeline(current, first_token, false);
            let (body, ending) = self.list(Some(action));
            branches.push((condition, body));
            let Ending::Else(next) = ending else { break };
            if next.tokens.get(1).is_some_and(|token| token.kind == TokenKind::Keyword(chained)) {
                current = next;
                first_token = 2;
                continue;
            }
            otherwise = self.otherwise(action, next);
            break;
        }
        Node::Branch { with, branches, otherwise }
    }

    /// What follows a plain `else`, up to the `end`.
    fn otherwise(&mut self, opened: &Action, action: &'a Action) -> Vec<Node> {
        self.nothing_behind(action, 1);
        let (mut nodes, mut ending) = self.list(Some(opened));
        while let Ending::Else(second) = ending {
            let help = "delete it; only the last branch is without a condition";
            self.report.error(SYNTAX, second.range.clone(), "this `{{else}}` comes after the last branch", help);
            let more;
            (more, ending) = self.list(Some(opened));
            nodes.extend(more);
        }
        nodes
    }

    fn range(&mut self, action: &'a Action) -> Node {
        let over = self.whole_pipeline(action, 1, true);
        self.ranges += 1;
        let (body, ending) = self.list(Some(action));
        self.ranges -= 1;
        let otherwise = if let Ending::Else(next) = ending { self.otherwise(action, next) } else { Vec::new() };
        Node::Range { over, body, otherwise }
    }

    fn definition(&mut self, action: &'a Action, block: bool, top: bool) -> Option<Node> {
        let what = if block { "block" } else { "define" };
        let named = self.template_name(action, what);
        // A template sees nothing of where it is defined.
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let ranges = std::mem::take(&mut self.ranges);
        let (mut body, ending) = self.list(Some(action));
        if let Ending::Else(next) = ending {
            let message = format!("`{{{{else}}}}` has no place in a `{{{{{what}}}}}`");
            self.report.error(SYNTAX, next.range.clone(), message, "delete it");
            body.extend(self.otherwise(action, next));
        }
        self.variables = outer;
        self.ranges = ranges;
        let (name, dot) = named?;
        if block {
            if dot.is_none() {
                let help = "write the dot behind the name: `{{block \"name\" .}}`";
                self.report.error(SYNTAX, action.range.clone(), "a `{{block}}` needs a value for its dot", help);
            }
        } else if !top {
            let message = "a `{{define}}` can't stand inside of another block";
            self.report.error(SYNTAX, action.range.clone(), message, "move it out");
        } else if let Some(dot) = &dot {
            let message = "nothing follows the name in a `{{define}}`";
            self.report.error(SYNTAX, dot.range.clone(), message, "give the dot where the template is used");
        }
        if self.parsed.definitions.insert(Arc::clone(&name.name), body).is_some() {
            let message = format!("the template `{}` is defined twice", name.name);
            self.report.error(SYNTAX, name.range.clone(), message, "delete one of the two");
        }
        block.then_some(Node::Template { name, dot })
    }

    /// `"name" pipeline` behind the keyword.
    fn template_name(&mut self, action: &Action, what: &str) -> Option<(Name, Option<Pipeline>)> {
        let Some(Token { kind: TokenKind::String(name), range, .. }) = action.tokens.get(1) else {
            if !action.broken {
                let message = format!("a name in double quotes follows `{what}`");
                let help = format!("write `{{{{{what} \"name\"}}}}`");
                self.report.error(SYNTAX, action.range.clone(), message, help);
            }
            return None;
        };
        let name = Name { name: Arc::clone(name), range: range.clone() };
        let dot = (action.tokens.len() > 2).then(|| self.whole_pipeline(action, 2, false));
        Some((name, dot))
    }

    fn nothing_behind(&mut self, action: &Action, count: usize) {
        if let Some(token) = action.tokens.get(count).filter(|_| !action.broken) {
            let words = self.report.slice(token.range.clone()).to_owned();
            let message = format!("`{words}` is not expected here");
            self.report.error(SYNTAX, token.range.clone(), message, "delete it, or close the braces before it");
        }
    }

    /// The tokens of an action from `first` on.
    fn whole_pipeline(&mut self, action: &Action, first: usize, range: bool) -> Pipeline {
        let tokens = action.tokens.get(first..).unwrap_or_default();
        let mut cursor = Cursor { tokens, at: 0, end: action.range.end - action.range.len().min(2), depth: 0 };
        let outcome = if action.broken { Err(Reported) } else { self.pipeline(&mut cursor, true, range) };
        outcome.unwrap_or_else(|Reported| {
            // What it would have declared must not be missed.
            for token in tokens {
                if let TokenKind::Variable(name) = &token.kind {
                    self.variables.push(Arc::clone(name));
                }
            }
            let operand = Operand { kind: OperandKind::Broken, range: action.range.clone() };
            let command = Command { first: operand, arguments: Vec::new(), range: action.range.clone() };
            Pipeline { variables: Vec::new(), assigns: false, commands: vec![command], range: action.range.clone() }
        })
    }

    /// Up to the end of the action or, in parentheses, up to the closing one, which is eaten.
    fn pipeline(&mut self, cursor: &mut Cursor<'_>, outer: bool, range: bool) -> Result<Pipeline, Reported> {
        let start = cursor.place().start;
        let (variables, assigns) = self.declaration(cursor, range)?;
        let mut commands: Vec<Command> = Vec::new();
        loop {
            let command = self.command(cursor, !commands.is_empty())?;
            commands.push(command);
            match cursor.next() {
                Some(Token { kind: TokenKind::Pipe, range, .. }) => {
                    if outer && cursor.peek().is_none() {
                        // Go takes it for nothing.
                        let warning = Diagnostic::warning(SYNTAX, "nothing stands behind this `|`").help("delete it");
                        self.report.push(range.clone(), warning);
                        break;
                    }
                }
                Some(Token { kind: TokenKind::RightParenthesis, .. }) if !outer => break,
                None if outer => break,
                None => return self.fail(cursor.place(), "a `)` is missing here", "close the parenthesis"),
                Some(token) => {
                    let written = self.report.slice(token.range.clone()).to_owned();
                    let message = format!("`{written}` is not expected here");
                    return self.fail(token.range.clone(), message, "arguments are separated by spaces alone");
                }
            }
        }
        if !assigns {
            self.variables.extend(variables.iter().map(|name| Arc::clone(&name.name)));
        }
        let end = cursor.last_end().max(start);
        Ok(Pipeline { variables, assigns, commands, range: start..end })
    }

    /// `$a :=`, `$a =` or, of a range, `$a, $b :=`.
    fn declaration(&mut self, cursor: &mut Cursor<'_>, range: bool) -> Result<(Vec<Name>, bool), Reported> {
        let mut names = Vec::new();
        let mut ahead = cursor.at;
        while let Some(Token { kind: TokenKind::Variable(name), range: place, .. }) = cursor.tokens.get(ahead) {
            names.push(Name { name: Arc::clone(name), range: place.clone() });
            ahead += 1;
            match cursor.tokens.get(ahead).map(|token| &token.kind) {
                Some(TokenKind::Comma) => ahead += 1,
                Some(sign @ (TokenKind::Declare | TokenKind::Assign)) => {
                    cursor.at = ahead + 1;
                    let assigns = *sign == TokenKind::Assign;
                    if let Some(more) = names.get(if range { 2 } else { 1 }) {
                        let help = "only `range` sets two variables at once";
                        return self.fail(more.range.clone(), "there are too many variables", help);
                    }
                    for name in names.iter().filter(|_| assigns) {
                        self.known_variable(name);
                    }
                    return Ok((names, assigns));
                }
                _ => return Ok((Vec::new(), false)),
            }
        }
        Ok((Vec::new(), false))
    }

    fn known_variable(&mut self, name: &Name) -> bool {
        let known = self.variables.contains(&name.name);
        if !known {
            let bare = name.name.trim_start_matches('$');
            let names = self.variables.iter().map(|name| name.trim_start_matches('$'));
            let help = match closest(bare, names) {
                Some(near) => format!("did you mean `${near}`?"),
                None => format!("set it first: `{{{{{} := …}}}}`", name.name),
            };
            let message = format!("there is no variable `{}` here", name.name);
            self.report.error("undefined-variable", name.range.clone(), message, help);
        }
        known
    }

    fn command(&mut self, cursor: &mut Cursor<'_>, piped: bool) -> Result<Command, Reported> {
        let Some(first) = self.operand(cursor)? else {
            let message = if piped { "a function is missing after the `|`" } else { "a value is missing here" };
            return self.fail(cursor.place(), message, "write a function, a string or a number");
        };
        let mut arguments = Vec::new();
        loop {
            if let Some(token) = cursor.peek().filter(|token| !token.spaced && token.kind.begins_operand()) {
                let message = "a space is missing here";
                return self.fail(token.range.start..token.range.start, message, "separate arguments by spaces");
            }
            match self.operand(cursor)? {
                Some(argument) => arguments.push(argument),
                None => break,
            }
        }
        let range = first.range.start..cursor.last_end();
        Ok(self.checked_command(first, arguments, range, piped))
    }

    fn operand(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<Operand>, Reported> {
        let Some(token) = cursor.peek() else { return Ok(None) };
        let range = token.range.clone();
        let kind = match &token.kind {
            TokenKind::Dot => {
                let next = cursor.tokens.get(cursor.at + 1);
                if let Some(next) = next.filter(|next| !next.spaced && matches!(next.kind, TokenKind::Field(_))) {
                    return self.fail(range.start..next.range.start + 1, "there is a dot too many", "delete one");
                }
                OperandKind::Dot
            }
            TokenKind::Field(_) => {
                // The field itself is read below; the dot it stands on has no bytes of its own.
                let on = Operand { kind: OperandKind::Dot, range: range.start..range.start };
                return Ok(Some(self.fields(cursor, on)));
            }
            TokenKind::Variable(name) => {
                if self.known_variable(&Name { name: Arc::clone(name), range: range.clone() }) {
                    OperandKind::Variable(Arc::clone(name))
                } else {
                    OperandKind::Broken
                }
            }
            TokenKind::Identifier(name) => self.function_named(name, &range),
            TokenKind::String(text) => OperandKind::Text(Arc::clone(text)),
            TokenKind::Number(number) => OperandKind::Number(*number),
            TokenKind::Bool(value) => OperandKind::Bool(*value),
            TokenKind::Nil => OperandKind::Nil,
            TokenKind::LeftParenthesis => {
                cursor.at += 1;
                cursor.depth += 1;
                if cursor.depth > DEEPEST {
                    return self.fail(range, "there are too many parentheses in each other", "set variables first");
                }
                let pipeline = self.pipeline(cursor, false, false)?;
                cursor.depth -= 1;
                let range = range.start..cursor.last_end();
                let operand = Operand { kind: OperandKind::Pipeline(Box::new(pipeline)), range };
                return Ok(Some(self.fields(cursor, operand)));
            }
            TokenKind::Keyword(_) => {
                let written = self.report.slice(range.clone()).to_owned();
                let message = format!("`{written}` has to be the first word in its braces");
                return self.fail(range, message, format!("write `{{{{{written} …}}}}`"));
            }
            TokenKind::Pipe
            | TokenKind::Comma
            | TokenKind::Assign
            | TokenKind::Declare
            | TokenKind::RightParenthesis => return Ok(None),
        };
        cursor.at += 1;
        Ok(Some(self.fields(cursor, Operand { kind, range })))
    }

    /// The fields that follow a value without a space.
    fn fields(&mut self, cursor: &mut Cursor<'_>, on: Operand) -> Operand {
        let mut fields = Vec::new();
        while let Some(Token { kind: TokenKind::Field(name), range, spaced }) = cursor.peek() {
            let own = matches!(on.kind, OperandKind::Dot) && on.range.is_empty() && fields.is_empty();
            if *spaced && !own {
                break;
            }
            fields.push(Name { name: Arc::clone(name), range: range.clone() });
            cursor.at += 1;
        }
        if fields.is_empty() {
            return on;
        }
        let range = on.range.start..cursor.last_end();
        Operand { kind: OperandKind::Fields { on: Box::new(on), fields }, range }
    }

    fn fail<T>(
        &mut self,
        range: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Result<T, Reported> {
        self.report.error(SYNTAX, range, message, help);
        Err(Reported)
    }
}

fn keyword(action: &Action) -> Option<Keyword> {
    match action.tokens.first()?.kind {
        TokenKind::Keyword(keyword) => Some(keyword),
        _ => None,
    }
}

impl TokenKind {
    fn begins_operand(&self) -> bool {
        !matches!(
            self,
            Self::Pipe | Self::Comma | Self::Assign | Self::Declare | Self::RightParenthesis | Self::Keyword(_)
        )
    }
}

/// The tokens of one action.
struct Cursor<'t> {
    tokens: &'t [Token],
    at: usize,
    /// Where the closing braces begin.
    end: usize,
    depth: usize,
}

impl<'t> Cursor<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'t Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    /// Where the next token stands, or should.
    fn place(&self) -> Range<usize> {
        self.peek().map_or(self.end..self.end, |token| token.range.clone())
    }

    /// The end of the last token that was read.
    fn last_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |token| token.range.end)
    }
}
