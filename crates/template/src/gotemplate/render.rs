//! Walks the tree of a Go template: writes what is known, reports what is wrong, and goes on past what is unknown.

use super::check::inside_quotes;
use super::functions::{Function, Parameter, Signature};
use super::report::Report;
use super::token::Number;
use super::tree::{Command, Name, Node, Operand, OperandKind, Pipeline};
use super::value::{Value, write_map};
use super::{Fields, GoContext, GoTemplate, User};
use crate::diagnostic::Diagnostic;
use crate::suggest::did_you_mean;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Nodes that one template may run through, and bytes that it may write: what is more is a template gone wild.
const MOST_STEPS: usize = 100_000;
pub(super) const MOST_BYTES: usize = 8 << 20;
/// Templates that call each other.
const DEEPEST_CALL: usize = 32;

pub(super) struct Renderer<'a, 'r> {
    pub(super) template: &'a GoTemplate,
    pub(super) context: &'a GoContext,
    pub(super) fields: &'a Fields<'a>,
    pub(super) report: &'a mut Report<'r>,
    variables: Vec<(Arc<str>, Value)>,
    /// Greater than zero in a branch that is perhaps not taken.
    uncertain: usize,
    steps: usize,
    calls: usize,
    output: String,
    /// Something that is written is not known.
    incomplete: bool,
    stopped: bool,
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// A value as an argument, and where it stands.
pub(super) struct Argument {
    pub(super) value: Value,
    pub(super) range: Range<usize>,
    /// Where the text itself stands, if it is written there.
    pub(super) content: Range<usize>,
}

impl<'a, 'r> Renderer<'a, 'r> {
    pub(super) fn new(
        template: &'a GoTemplate,
        context: &'a GoContext,
        fields: &'a Fields<'a>,
        report: &'a mut Report<'r>,
    ) -> Self {
        Self {
            template,
            context,
            fields,
            report,
            variables: vec![("$".into(), Value::Fields)],
            uncertain: 0,
            steps: 0,
            calls: 0,
            output: String::new(),
            incomplete: false,
            stopped: false,
        }
    }

    /// The text, if all of it is known and nothing was wrong.
    pub(super) fn run(mut self) -> Option<String> {
        self.nodes(&self.template.parsed.nodes, &Value::Fields);
        (!self.incomplete && !self.report.failed && !self.template.broken).then_some(self.output)
    }

    fn nodes(&mut self, nodes: &'a [Node], dot: &Value) -> Flow {
        for node in nodes {
            self.steps += 1;
            if self.steps > MOST_STEPS || self.output.len() > MOST_BYTES {
                self.stop(0..0, "the template never comes to an end", "make its loops shorter");
            }
            if self.stopped {
                return Flow::Break;
            }
            let flow = self.node(node, dot);
            if flow != Flow::Next {
                return flow;
            }
        }
        Flow::Next
    }

    fn node(&mut self, node: &'a Node, dot: &Value) -> Flow {
        match node {
            Node::Text(range) => {
                let text = self.report.slice(range.clone());
                self.output.push_str(text);
            }
            Node::Output(pipeline) => {
                let value = self.pipeline(pipeline, dot);
                if pipeline.variables.is_empty() {
                    self.write(&value, &pipeline.range);
                }
            }
            Node::Branch { with, branches, otherwise } => return self.branch(*with, branches, otherwise, dot),
            Node::Range { over, body, otherwise } => self.range(over, body, otherwise, dot),
            Node::Template { name, dot: argument } => self.call(name, argument.as_ref(), dot),
            Node::Break => return Flow::Break,
            Node::Continue => return Flow::Continue,
        }
        Flow::Next
    }

    fn write(&mut self, value: &Value, range: &Range<usize>) {
        match self.without_fields(value, range) {
            Value::Unknown => self.incomplete = true,
            known => self.output.push_str(&known.written()),
        }
    }

    /// Replaces the set of fields by its text, where a value is written.
    fn without_fields(&mut self, value: &Value, range: &Range<usize>) -> Value {
        if *value != Value::Fields {
            return value.clone();
        }
        match self.fields {
            Fields::Values(values) => Value::text(write_map(values)),
            Fields::Kept => Value::text("{{.}}"),
            Fields::Names(_) => Value::Unknown,
            Fields::None => self.no_field(".", range),
        }
    }

    fn branch(
        &mut self,
        with: bool,
        branches: &'a [(Pipeline, Vec<Node>)],
        otherwise: &'a [Node],
        dot: &Value,
    ) -> Flow {
        let outer = self.variables.len();
        let mut perhaps = 0;
        let mut result = Flow::Next;
        let mut taken = false;
        for (condition, body) in branches {
            let value = self.pipeline(condition, dot);
            let truth = match (&value, self.fields) {
                (Value::Fields, Fields::Values(values)) => Some(!values.is_empty()),
                (Value::Fields, Fields::None) => Some(false),
                _ => value.truth(),
            };
            if truth == Some(false) {
                continue;
            }
            if truth.is_none() {
                perhaps += 1;
                self.uncertain += 1;
                self.incomplete = true;
            }
            let inner_dot = if with { &value } else { dot };
            let flow = self.nodes(body, inner_dot);
            if truth == Some(true) {
                result = if perhaps == 0 { flow } else { Flow::Next };
                taken = true;
                break;
            }
        }
        if !taken {
            let flow = self.nodes(otherwise, dot);
            result = if perhaps == 0 { flow } else { Flow::Next };
        }
        self.uncertain -= perhaps;
        self.variables.truncate(outer);
        result
    }

    fn range(&mut self, over: &'a Pipeline, body: &'a [Node], otherwise: &'a [Node], dot: &Value) {
        let outer = self.variables.len();
        let value = self.bare_pipeline(over, dot);
        let members: Option<Vec<(Value, Value)>> = match (&value, self.fields) {
            (Value::Unknown, _) | (Value::Fields, Fields::Names(_)) => None,
            (Value::Fields, Fields::Values(values)) => {
                Some(values.iter().map(|(key, value)| (Value::text(&**key), Value::text(&**value))).collect())
            }
            (Value::Integer(_), _) if over.variables.len() > 1 => {
                let message = "`range` sets only one variable when it counts";
                self.fault(over.range.clone(), message, "delete the first variable");
                None
            }
            (Value::Integer(count), _) => {
                let count = (*count).clamp(0, MOST_STEPS as i64);
                Some((0..count).map(|index| (Value::Integer(index), Value::Integer(index))).collect())
            }
            (Value::Nil | Value::Fields, _) => Some(Vec::new()),
            (other, _) => {
                let message = format!("`range` can't go through {}", other.kind());
                self.fault(over.range.clone(), message, "give it a whole number");
                None
            }
        };
        match members {
            Some(members) if members.is_empty() => {
                self.nodes(otherwise, dot);
            }
            Some(members) => {
                for (key, member) in members {
                    self.loop_variables(over, key, &member);
                    let flow = self.nodes(body, &member);
                    self.variables.truncate(outer);
                    if flow == Flow::Break {
                        break;
                    }
                }
            }
            None => {
                self.incomplete = true;
                self.uncertain += 1;
                self.loop_variables(over, Value::Unknown, &Value::Unknown);
                self.nodes(body, &Value::Unknown);
                self.variables.truncate(outer);
                self.nodes(otherwise, dot);
                self.uncertain -= 1;
            }
        }
        self.variables.truncate(outer);
    }

    fn loop_variables(&mut self, over: &Pipeline, key: Value, member: &Value) {
        match over.variables.as_slice() {
            [one] => self.set(one, over.assigns, member.clone()),
            [first, second] => {
                self.set(first, over.assigns, key);
                self.set(second, over.assigns, member.clone());
            }
            _ => {}
        }
    }

    fn call(&mut self, name: &Name, argument: Option<&'a Pipeline>, dot: &Value) {
        let value = argument.map_or(Value::Nil, |argument| self.pipeline(argument, dot));
        // One that is not there is reported by the parser.
        let Some(body) = self.template.parsed.definitions.get(&name.name) else { return };
        if self.calls >= DEEPEST_CALL {
            self.stop(name.range.clone(), "the templates call each other without end", "break the circle");
            return;
        }
        let outer = std::mem::replace(&mut self.variables, vec![("$".into(), value.clone())]);
        self.calls += 1;
        self.nodes(body, &value);
        self.calls -= 1;
        self.variables = outer;
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline, dot: &Value) -> Value {
        let value = self.bare_pipeline(pipeline, dot);
        for name in &pipeline.variables {
            self.set(name, pipeline.assigns, value.clone());
        }
        value
    }

    /// Without setting its variables.
    fn bare_pipeline(&mut self, pipeline: &'a Pipeline, dot: &Value) -> Value {
        let mut last: Option<Argument> = None;
        for command in &pipeline.commands {
            let value = self.command(command, last.take(), dot);
            last = Some(Argument { value, range: command.range.clone(), content: command.range.clone() });
        }
        last.map_or(Value::Unknown, |last| last.value)
    }

    fn set(&mut self, name: &Name, assigns: bool, value: Value) {
        if !assigns {
            self.variables.push((Arc::clone(&name.name), value));
            return;
        }
        let value = if self.uncertain > 0 { Value::Unknown } else { value };
        if let Some(variable) = self.variables.iter_mut().rev().find(|(known, _)| *known == name.name) {
            variable.1 = value;
        }
    }

    fn command(&mut self, command: &'a Command, last: Option<Argument>, dot: &Value) -> Value {
        let OperandKind::Function(signature) = &command.first.kind else { return self.operand(&command.first, dot) };
        if matches!(signature.function, Function::And | Function::Or) {
            return self.and_or(signature.function == Function::Or, &command.arguments, last, dot);
        }
        let mut arguments: Vec<Argument> =
            command.arguments.iter().map(|argument| self.argument(argument, dot)).collect();
        arguments.extend(last);
        self.run_function(signature, &command.first.range, arguments)
    }

    fn run_function(&mut self, signature: &Signature, range: &Range<usize>, mut arguments: Vec<Argument>) -> Value {
        for (index, argument) in arguments.iter_mut().enumerate() {
            // `index . "x"` wants the fields themselves.
            if signature.function != Function::Index || index > 0 {
                argument.value = self.without_fields(&argument.value, &argument.range);
            }
            if let Some(value) = self.converted(signature, index, argument) {
                argument.value = value;
            }
        }
        self.function(signature.function, range, &arguments)
    }

    /// An argument as its parameter wants it; one that does not fit is reported and becomes unknown.
    fn converted(&mut self, signature: &Signature, index: usize, argument: &Argument) -> Option<Value> {
        let what = match (signature.parameter(index), &argument.value) {
            (_, Value::Unknown) | (Parameter::Any, _) => return None,
            (Parameter::Text, Value::Text(_)) | (Parameter::Integer, Value::Integer(_)) => return None,
            (Parameter::Integer, Value::Float(value)) if value.fract() == 0.0 && value.abs() < 1e18 => {
                return Some(Value::Integer(*value as i64));
            }
            (Parameter::Text, _) => "text",
            (Parameter::Integer, _) => "a whole number",
        };
        let kind = argument.value.kind();
        let message = format!("argument {} of `{}` has to be {what}, not {kind}", index + 1, signature.name);
        self.fault(argument.range.clone(), message, "`print` turns anything into text");
        Some(Value::Unknown)
    }

    /// The first argument that decides; those behind it are not evaluated, as in Go.
    fn and_or(&mut self, or: bool, operands: &'a [Operand], last: Option<Argument>, dot: &Value) -> Value {
        let mut result = Value::Unknown;
        let mut perhaps = 0;
        for operand in operands {
            result = self.operand(operand, dot);
            match result.truth() {
                Some(truth) if truth == or => break,
                Some(_) => {}
                None => {
                    perhaps += 1;
                    self.uncertain += 1;
                }
            }
        }
        if result.truth() != Some(or)
            && let Some(last) = last
        {
            result = last.value;
        }
        self.uncertain -= perhaps;
        if perhaps > 0 { Value::Unknown } else { result }
    }

    fn argument(&mut self, operand: &'a Operand, dot: &Value) -> Argument {
        let value = self.operand(operand, dot);
        let content = match operand.kind {
            OperandKind::Text(_) => inside_quotes(&operand.range),
            _ => operand.range.clone(),
        };
        Argument { value, range: operand.range.clone(), content }
    }

    fn operand(&mut self, operand: &'a Operand, dot: &Value) -> Value {
        match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                known.map_or(Value::Unknown, |(_, value)| value.clone())
            }
            OperandKind::Function(signature) => self.run_function(signature, &operand.range, Vec::new()),
            OperandKind::Text(text) => Value::Text(Arc::clone(text)),
            OperandKind::Number(Number::Integer(value)) => Value::Integer(*value),
            OperandKind::Number(Number::Float(value)) => Value::Float(*value),
            OperandKind::Bool(value) => Value::Bool(*value),
            OperandKind::Nil => Value::Nil,
            OperandKind::Pipeline(pipeline) => self.pipeline(pipeline, dot),
            OperandKind::Fields { on, fields } => {
                let value = self.operand(on, dot);
                self.fields_of(value, fields)
            }
            OperandKind::Broken => Value::Unknown,
        }
    }

    fn fields_of(&mut self, value: Value, fields: &[Name]) -> Value {
        let mut value = value;
        let mut fields = fields;
        while let Some((first, rest)) = fields.split_first() {
            fields = rest;
            value = match value {
                Value::Unknown => return Value::Unknown,
                Value::Fields => {
                    // Some plugins have fields in fields, which we know by their whole path.
                    let path = rest.iter().fold(first.name.to_string(), |path, name| format!("{path}.{}", name.name));
                    let is_known = matches!(self.fields, Fields::Kept) || self.fields.names().any(|name| name == path);
                    if !rest.is_empty() && is_known {
                        fields = &[];
                        self.field(&path, &first.range)
                    } else {
                        self.field(&first.name, &first.range)
                    }
                }
                other => {
                    let message = format!("there is no `.{}` here: fields are read from {}", first.name, other.kind());
                    self.fault(first.range.clone(), message, "`$` is the set of all fields");
                    return Value::Unknown;
                }
            };
        }
        value
    }

    /// One of the fields that the option has.
    pub(super) fn field(&mut self, name: &str, range: &Range<usize>) -> Value {
        match self.fields {
            Fields::Values(values) => match values.get(name) {
                Some(value) => Value::text(&**value),
                None => self.no_field(&format!(".{name}"), range),
            },
            Fields::Kept => Value::text(format!("{{{{.{name}}}}}")),
            Fields::Names(names) if names.contains(&name) => Value::Unknown,
            _ => self.no_field(&format!(".{name}"), range),
        }
    }

    fn no_field(&mut self, written: &str, range: &Range<usize>) -> Value {
        let names: Vec<&str> = self.fields.names().collect();
        let help = did_you_mean(written.trim_start_matches('.'), names.iter().copied()).map_or_else(
            || {
                let user = match self.context.user {
                    User::Forbidden => "`${var.name}`",
                    User::Variables { .. } => "{{user `name`}}",
                };
                let mut seen = BTreeSet::new();
                let once = names.iter().filter(|name| seen.insert(**name));
                let all: Vec<String> = once.map(|name| format!("`.{name}`")).collect();
                match all.as_slice() {
                    [] => format!("this option has no fields; variables are read by {user}"),
                    [one] => format!("there is {one}"),
                    _ => format!("there are {}", all.join(", ")),
                }
            },
            |help| help.replacen('`', "`.", 1),
        );
        self.mistake("unknown-field", range.clone(), format!("`{written}` is not available here"), help)
    }

    /// Something that is wrong whatever the values are.
    pub(super) fn mistake(
        &mut self,
        code: &'static str,
        range: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Value {
        self.tell(range, Diagnostic::error(code, message).help(help));
        Value::Unknown
    }

    /// Something that is wrong with these values. In a branch that is perhaps not taken it is no mistake yet.
    pub(super) fn fault(&mut self, range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Value {
        if self.uncertain > 0 {
            self.incomplete = true;
            return Value::Unknown;
        }
        self.mistake("go-template-value", range, message, help)
    }

    pub(super) fn tell(&mut self, range: Range<usize>, diagnostic: Diagnostic) {
        self.report.push(range, diagnostic);
    }

    pub(super) fn stop(&mut self, range: Range<usize>, message: &str, help: &str) {
        if !self.stopped {
            let range = if range.is_empty() { 0..self.template.text.value().len() } else { range };
            self.mistake("go-template-value", range, message, help);
        }
        self.stopped = true;
    }
}
