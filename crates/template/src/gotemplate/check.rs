//! What can be said of a command of a Go template before anything runs: the function, the number of its arguments
//! and the types of literals.

use super::functions::{self, Function, Parameter, Signature};
use super::parse::{Parser, SYNTAX};
use super::token::Number;
use super::tree::{Command, Name, Operand, OperandKind};
use crate::diagnostic::Diagnostic;
use crate::suggest::did_you_mean;
use std::ops::Range;
use std::sync::Arc;

impl Parser<'_, '_> {
    /// Looks whether a function gets what it takes.
    pub(super) fn checked_command(
        &mut self,
        mut first: Operand,
        mut arguments: Vec<Operand>,
        range: Range<usize>,
        piped: bool,
    ) -> Command {
        for argument in &mut arguments {
            if let OperandKind::Function(signature) = argument.kind
                && !self.counts(signature, &argument.range, 0)
            {
                argument.kind = OperandKind::Broken;
            }
        }
        match first.kind {
            OperandKind::Broken => arguments.clear(),
            OperandKind::Function(signature) => {
                if !self.counts(signature, &first.range, arguments.len() + usize::from(piped)) {
                    first.kind = OperandKind::Broken;
                    arguments.clear();
                }
                for (index, argument) in arguments.iter_mut().enumerate() {
                    if !self.literal_fits(signature, index, argument) {
                        argument.kind = OperandKind::Broken;
                    }
                }
            }
            OperandKind::Nil => {
                let message = "`nil` alone is no value to write";
                self.report.error(SYNTAX, first.range.clone(), message, "delete it");
                first.kind = OperandKind::Broken;
                arguments.clear();
            }
            _ if piped || !arguments.is_empty() => {
                let message = "this is not a function, it takes no arguments";
                let help = if piped { "only functions stand behind a `|`" } else { "put the function first" };
                self.report.error(SYNTAX, first.range.clone(), message, help);
                first.kind = OperandKind::Broken;
                arguments.clear();
            }
            _ => {}
        }
        Command { first, arguments, range }
    }

    fn counts(&mut self, signature: &Signature, range: &Range<usize>, count: usize) -> bool {
        let fits = signature.count.contains(&count);
        if !fits {
            let message = format!("`{}` takes {}, not {count}", signature.name, signature.wanted());
            let help = "arguments follow the name, separated by spaces; a `|` adds one at the end";
            self.report.error("argument-count", range.clone(), message, help);
        }
        fits
    }

    fn literal_fits(&mut self, signature: &Signature, index: usize, argument: &Operand) -> bool {
        let wanted = signature.parameter(index);
        let fits = match (&argument.kind, wanted) {
            (OperandKind::Text(name), Parameter::Text) => {
                if signature.function == Function::User {
                    let range = inside_quotes(&argument.range);
                    self.parsed.users.push(Name { name: Arc::clone(name), range });
                }
                true
            }
            (OperandKind::Text(_), Parameter::Integer) => false,
            (OperandKind::Number(Number::Float(value)), Parameter::Integer) => value.fract() == 0.0,
            (OperandKind::Number(_), Parameter::Text) => false,
            (OperandKind::Bool(_) | OperandKind::Nil, Parameter::Text | Parameter::Integer) => false,
            _ => true,
        };
        if !fits {
            let (what, help) = match wanted {
                Parameter::Integer => ("a whole number", "write it without quotes"),
                _ => ("text", "put backticks round it"),
            };
            let message = format!("argument {} of `{}` has to be {what}", index + 1, signature.name);
            self.report.error("argument-type", argument.range.clone(), message, help);
        }
        fits
    }

    pub(super) fn function_named(&mut self, name: &str, range: &Range<usize>) -> OperandKind {
        if let Some(signature) = functions::find(name) {
            return OperandKind::Function(signature);
        }
        let mut diagnostic = Diagnostic::error("undefined-function", format!("there is no function `{name}`"));
        diagnostic.help = did_you_mean(name, functions::names()).or_else(|| {
            Some("text stands in backticks, variables are read by `user`, fields begin with a dot".to_owned())
        });
        self.report.push(range.clone(), diagnostic);
        OperandKind::Broken
    }
}

/// What stands between the quotes, which are one byte each.
pub(super) fn inside_quotes(range: &Range<usize>) -> Range<usize> {
    let start = (range.start + 1).min(range.end);
    start..range.end.saturating_sub(1).max(start)
}
