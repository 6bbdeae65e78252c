//! From a Go template to what HCL2 has for it: text, `${ }` and `%{ }`. What HCL2 has nothing for stays as it is, since
//! components render Go templates in HCL2 too.

use super::functions::Function;
use super::parse::{condition, parse};
use super::report::Report;
use super::token::{Action, Keyword, Number, Segment, TokenKind, segments};
use super::tree::{Command, Node, Operand, OperandKind, Pipeline};
use crate::diagnostic::Diagnostics;
use crate::source::{Span, Text};
use std::ops::Range;
use std::sync::Arc;

/// A part of a string of HCL2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As it is to be read, without escapes.
    Text(String),
    /// What stands in `${ }`; `is_text` if its value is a string in any case.
    Expression { written: String, is_text: bool },
    /// What stands in `%{ }`.
    Directive(String),
}

/// What names in a template become.
pub(crate) trait Names {
    /// The expression for a `user` variable.
    fn variable(&mut self, name: &str) -> Option<String>;
    /// The expression for a variable of the environment, where there may be one.
    fn environment(&mut self, name: &str) -> Option<String>;
    /// Whether this is an argument of a component, where `source` is known.
    fn in_component(&self) -> bool;
    /// Whether `build.…` is known: in provisioners and post-processors.
    fn after_build(&self) -> bool;
    /// A string as HCL2 has it, with its quotes.
    fn quoted(&self, text: &str) -> String;
}

/// A string, and what of it could not be said in HCL2 and makes no sense there.
#[derive(Debug, Default)]
pub(crate) struct Translated {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) left: Vec<Span>,
}

/// Translates a string.
pub(crate) fn translate(text: &Arc<Text>, names: &mut dyn Names) -> Translated {
    let mut ignored = Diagnostics::default();
    let mut report = Report::new(text, &mut ignored);
    let segments = segments(text.value(), &mut report);
    let chains = chains(&segments);
    let mut translation = Translation { text, names, pieces: Vec::new(), left: Vec::new() };
    let mut open: Vec<bool> = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let action = match segment {
            Segment::Text(range) => {
                translation.push_text(&text.value()[range.clone()]);
                continue;
            }
            Segment::Action(action) => action,
        };
        match keyword(action, 0) {
            None => {
                let parsed = parse(std::slice::from_ref(segment), &mut report);
                match parsed.nodes.first() {
                    Some(Node::Output(pipeline)) => translation.output(action, pipeline),
                    _ => translation.push_text(&text.value()[action.range.clone()]),
                }
            }
            Some(Keyword::End) => match open.pop() {
                Some(true) => translation.pieces.push(Piece::Directive("endif".to_owned())),
                _ => translation.push_text(&text.value()[action.range.clone()]),
            },
            Some(Keyword::Else) if open.last() == Some(&true) => {
                translation.pieces.push(Piece::Directive("else".to_owned()));
            }
            Some(keyword) => {
                let pipeline = condition(action, if keyword == Keyword::Else { 2 } else { 1 }, &mut report);
                let mut is_translated = false;
                if keyword == Keyword::If
                    && chains.contains(&index)
                    && let Some(found) = translation.pipeline(&pipeline)
                    && let Some(holds) = found.as_condition()
                {
                    translation.pieces.push(Piece::Directive(format!("if {holds}")));
                    is_translated = true;
                }
                if !is_translated {
                    translation.raw(action, &pipeline);
                }
                if matches!(keyword, Keyword::If | Keyword::Range | Keyword::With | Keyword::Define | Keyword::Block) {
                    open.push(is_translated);
                }
            }
        }
    }
    let Translation { pieces, left, .. } = translation;
    Translated { pieces, left }
}

/// The places of the `if` that have no `else if` and an end.
fn chains(segments: &[Segment]) -> Vec<usize> {
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut found = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        let Segment::Action(action) = segment else { continue };
        match keyword(action, 0) {
            Some(Keyword::If) => open.push((index, true)),
            Some(Keyword::Range | Keyword::With | Keyword::Define | Keyword::Block) => open.push((index, false)),
            Some(Keyword::Else) if keyword(action, 1).is_some() => {
                if let Some((_, is_simple)) = open.last_mut() {
                    *is_simple = false;
                }
            }
            Some(Keyword::End) => found.extend(open.pop().filter(|(_, is_simple)| *is_simple).map(|(index, _)| index)),
            _ => {}
        }
    }
    found
}

fn keyword(action: &Action, index: usize) -> Option<Keyword> {
    match action.tokens.get(index)?.kind {
        TokenKind::Keyword(keyword) => Some(keyword),
        _ => None,
    }
}

/// A part of an action in HCL2.
struct Found {
    written: String,
    kind: Kind,
    /// HCL2 has it in expressions alone: Go templates there don't know it.
    is_needed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Bool,
}

impl Found {
    fn text(written: impl Into<String>, is_needed: bool) -> Self {
        Self { written: written.into(), kind: Kind::Text, is_needed }
    }

    fn as_condition(&self) -> Option<String> {
        match self.kind {
            Kind::Bool => Some(self.written.clone()),
            Kind::Text => Some(format!("{} != \"\"", self.written)),
            Kind::Integer => None,
        }
    }
}

struct Translation<'a> {
    text: &'a Arc<Text>,
    names: &'a mut dyn Names,
    pieces: Vec<Piece>,
    left: Vec<Span>,
}

impl Translation<'_> {
    fn push_text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn output(&mut self, action: &Action, pipeline: &Pipeline) {
        match self.pipeline(pipeline) {
            Some(Found { written, kind, .. }) => {
                self.pieces.push(Piece::Expression { written, is_text: kind == Kind::Text });
            }
            None => self.raw(action, pipeline),
        }
    }

    /// Writes an action as it is, but for the values in it that only HCL2 knows.
    fn raw(&mut self, action: &Action, pipeline: &Pipeline) {
        let mut replaced = Vec::new();
        self.inner(pipeline, &mut replaced);
        replaced.sort_by_key(|(range, _)| range.start);
        let mut at = action.range.start;
        for (range, written) in replaced {
            let before = format!("{}`", &self.text.value()[at..range.start]);
            self.push_text(&before);
            self.pieces.push(Piece::Expression { written, is_text: true });
            self.push_text("`");
            at = range.end;
        }
        let rest = self.text.value()[at..action.range.end].to_owned();
        self.push_text(&rest);
    }

    /// Finds the largest parts of an action that HCL2 has to give.
    fn inner(&mut self, pipeline: &Pipeline, replaced: &mut Vec<(Range<usize>, String)>) {
        let mut rest = pipeline.commands.as_slice();
        for count in (1..=rest.len()).rev() {
            let (head, tail) = pipeline.commands.split_at(count);
            if let Some(found) = self.commands(head).filter(|found| found.kind == Kind::Text) {
                if found.is_needed
                    && let (Some(first), Some(last)) = (head.first(), head.last())
                {
                    replaced.push((first.range.start..last.range.end, found.written));
                }
                rest = tail;
                break;
            }
        }
        for command in rest {
            for operand in std::iter::once(&command.first).chain(&command.arguments) {
                self.inner_operand(operand, replaced);
            }
        }
    }

    fn inner_operand(&mut self, operand: &Operand, replaced: &mut Vec<(Range<usize>, String)>) {
        match self.operand(operand) {
            Some(found) if found.kind == Kind::Text => {
                if found.is_needed {
                    replaced.push((operand.range.clone(), found.written));
                }
                return;
            }
            _ => {}
        }
        match &operand.kind {
            OperandKind::Pipeline(inner) => self.inner(inner, replaced),
            OperandKind::Fields { on, .. } => self.inner_operand(on, replaced),
            OperandKind::Function(signature)
                if matches!(
                    signature.function,
                    Function::User | Function::Env | Function::Build | Function::TemplateDir | Function::Secret(_)
                ) =>
            {
                self.left.push(self.text.span(operand.range.clone()));
            }
            _ => {}
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Option<Found> {
        if !pipeline.variables.is_empty() {
            return None;
        }
        self.commands(&pipeline.commands)
    }

    fn commands(&mut self, commands: &[Command]) -> Option<Found> {
        let mut piped = None;
        for command in commands {
            piped = Some(self.command(command, piped)?);
        }
        piped
    }

    fn command(&mut self, command: &Command, piped: Option<Found>) -> Option<Found> {
        let OperandKind::Function(signature) = command.first.kind else {
            return if piped.is_none() { self.operand(&command.first) } else { None };
        };
        let literal = match command.arguments.first().map(|argument| &argument.kind) {
            Some(OperandKind::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let mut arguments = Vec::new();
        for argument in &command.arguments {
            arguments.push(self.operand(argument)?);
        }
        arguments.extend(piped);
        self.call(signature.function, literal.as_deref(), &arguments)
    }

    fn operand(&mut self, operand: &Operand) -> Option<Found> {
        match &operand.kind {
            OperandKind::Text(text) => Some(Found::text(self.names.quoted(text), false)),
            OperandKind::Number(Number::Integer(number)) => {
                Some(Found { written: number.to_string(), kind: Kind::Integer, is_needed: false })
            }
            OperandKind::Bool(value) => Some(Found { written: value.to_string(), kind: Kind::Bool, is_needed: false }),
            OperandKind::Pipeline(pipeline) => self.pipeline(pipeline),
            OperandKind::Function(signature) => self.call(signature.function, None, &[]),
            _ => None,
        }
    }

    /// What a function with these arguments is in HCL2, where its value is the same. `literal` is the text of the first
    /// one.
    fn call(&mut self, function: Function, literal: Option<&str>, arguments: &[Found]) -> Option<Found> {
        let texts: Vec<&str> = arguments.iter().map(|argument| argument.written.as_str()).collect();
        let inherited = arguments.iter().any(|argument| argument.is_needed);
        let in_component = self.names.in_component();
        let text = |written: String| Some(Found::text(written, inherited));
        let bool = |written: String| Some(Found { written, kind: Kind::Bool, is_needed: inherited });
        let needed = |written: String| Some(Found::text(written, true));
        match (function, texts.as_slice()) {
            (Function::User, [_]) => self.names.variable(literal?).and_then(needed),
            (Function::Env, [_]) => self.names.environment(literal?).and_then(needed),
            (Function::Build, [_]) if self.names.after_build() => {
                literal.filter(|name| crate::hcl::is_identifier(name)).and_then(|name| needed(format!("build.{name}")))
            }
            (Function::BuildName, []) if in_component => needed("source.name".to_owned()),
            (Function::BuildType, []) if in_component => text("source.type".to_owned()),
            (Function::TemplateDir, []) => needed("abspath(path.root)".to_owned()),
            (Function::Pwd, []) => text("path.cwd".to_owned()),
            (Function::PackerVersion, []) => text("packer.version".to_owned()),
            (Function::Uuid, []) => text("uuidv4()".to_owned()),
            (Function::Isotime, []) => text("legacy_isotime()".to_owned()),
            (Function::Isotime, [layout]) => text(format!("legacy_isotime({layout})")),
            (Function::Strftime, [format]) => text(format!("legacy_strftime({format})")),
            (Function::Upper, [value]) => text(format!("upper({value})")),
            (Function::Lower, [value]) => text(format!("lower({value})")),
            (Function::Split, [value, separator, index]) => text(format!("split({separator}, {value})[{index}]")),
            (Function::Replace, [old, new, "-1", value]) | (Function::ReplaceAll, [old, new, value]) => {
                text(format!("replace({value}, {old}, {new})"))
            }
            (Function::Secret("vault"), [path, key]) => needed(format!("vault({path}, {key})")),
            (Function::Secret("consul_key"), [key]) => needed(format!("consul_key({key})")),
            (Function::Secret("aws_secretsmanager"), [name]) => needed(format!("aws_secretsmanager({name}, null)")),
            (Function::Secret("aws_secretsmanager"), [name, key]) => {
                needed(format!("aws_secretsmanager({name}, {key})"))
            }
            (Function::Secret("aws_secretsmanager_raw"), [name]) => needed(format!("aws_secretsmanager_raw({name})")),
            (Function::Equal, [left, right]) => bool(format!("({left} == {right})")),
            (Function::NotEqual, [left, right]) => bool(format!("({left} != {right})")),
            (Function::Not, [_]) => bool(format!("!({})", arguments.first()?.as_condition()?)),
            (Function::And | Function::Or, [_, _, ..]) if arguments.iter().all(|it| it.kind == Kind::Bool) => {
                bool(format!("({})", texts.join(if function == Function::And { " && " } else { " || " })))
            }
            _ => None,
        }
    }
}
