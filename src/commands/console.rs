//! `imgforge console`: expressions of HCL2, or strings of JSON templates, tried out.

use super::inspect;
use super::loaded::look;
use super::session::Session;
use crate::cli::TemplateOptions;
use crate::event::Event;
use crate::exit::Exit;
use crate::host::LocalHost;
use crate::reports::Audience;
use crate::secret::Redactor;
use clap::Args;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::document::Language;
use imgforge_template::eval;
use imgforge_template::gotemplate::{Fields, GoContext, GoTemplate, User};
use imgforge_template::hcl;
use imgforge_template::host::Host;
use imgforge_template::print::print;
use imgforge_template::scope::Scope;
use imgforge_template::source::{Origin, Sources, Text};
use imgforge_template::template::{Template, legacy_context};
use std::io::{self, BufRead, ErrorKind, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

/// A line of more bytes is none that anybody typed.
const LONGEST_LINE: u64 = 1 << 20;

const HCL2_HELP: &str = "\
The console in HCL2 mode: type an expression, and its value is the answer.

  upper(var.name)   functions, `var`, `local`, `path` and `packer`, as in a template
  variables         all variables and locals, and their values
  exit              leave, as the end of the input does

What is known during a build alone has no value here: `source`, `build`, `data` and
Go templates such as `{{timestamp}}`.";

const JSON_HELP: &str = "\
The console in JSON mode: type a string as it stands in a JSON template, and what it
comes to is the answer.

  {{user `name`}}   a variable
  {{timestamp}}     a function
  variables         all variables, and their values
  exit              leave, as the end of the input does

`-config-type=hcl2` starts the HCL2 mode without a template.";

/// Try out expressions, with the variables and locals of a template if one is given
#[derive(Args, Debug)]
pub struct ConsoleArguments {
    /// The template: a `.pkr.hcl` file, a folder of them, or a legacy JSON file
    pub template: Option<PathBuf>,
    #[command(flatten)]
    pub options: TemplateOptions,
}

pub(crate) fn run(arguments: &ConsoleArguments, audience: Audience) -> Exit {
    let session = Session::terminal(audience, None);
    let host: Arc<dyn Host> = match LocalHost::new() {
        Ok(host) => Arc::new(host),
        Err(error) => return session.fail(&anyhow::Error::new(error).context("find the working directory")),
    };
    let Some(looked) = look(arguments.template.as_deref(), &arguments.options, &host, &session) else {
        return Exit::Failed;
    };
    let mut console = Console::new(looked.template, host);
    if arguments.template.is_none() {
        console.strings.template_dir = None;
    }
    let mut input = io::stdin().lock();
    let ended = if io::stdin().is_terminal() {
        // What is not set is no mistake of an attempt; the rest says why something is unknown.
        let mut mistakes = looked.mistakes;
        mistakes.retain(|mistake| mistake.code != "unset-variable");
        tell(&looked.sources, mistakes, &session);
        converse(&mut input, &console, &session)
    } else {
        answer_once(&mut input, &console, &session)
    };
    ended.unwrap_or_else(|error| session.fail(&anyhow::Error::new(error).context("read standard input")))
}

/// Answers each line. The prompt goes to where the user types, so that answers can be sent to a file.
fn converse(input: &mut impl BufRead, console: &Console, session: &Session) -> io::Result<Exit> {
    loop {
        io::stderr().write_all(b"> ")?;
        let Some(line) = next_line(input)? else {
            // The shell goes on in a line of its own.
            io::stderr().write_all(b"\n")?;
            break;
        };
        match line.trim() {
            "" => {}
            "exit" => break,
            _ => {
                let answer = console.answer(&line);
                tell(&answer.sources, answer.mistakes, session);
                if let Some(text) = answer.text {
                    session.events.answer(text);
                }
            }
        }
    }
    Ok(Exit::Success)
}

/// Answers the last line of a script. Mistakes of all lines are told, but no warnings: what is printed is to be used.
fn answer_once(input: &mut impl BufRead, console: &Console, session: &Session) -> io::Result<Exit> {
    let mut exit = Exit::Success;
    let mut last = None;
    while let Some(line) = next_line(input)? {
        match line.trim() {
            "" => {}
            "exit" => break,
            _ => {
                let mut answer = console.answer(&line);
                answer.mistakes.retain(|mistake| mistake.severity == Severity::Error);
                if !answer.mistakes.is_empty() {
                    exit = Exit::Failed;
                }
                tell(&answer.sources, answer.mistakes, session);
                last = answer.text;
            }
        }
    }
    if let Some(text) = last {
        session.events.answer(text);
    }
    Ok(exit)
}

fn next_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let length = input.by_ref().take(LONGEST_LINE).read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(text) => Ok(Some(text.strip_suffix('\r').unwrap_or(text).to_owned())),
        None if length as u64 == LONGEST_LINE => {
            Err(io::Error::new(ErrorKind::InvalidData, "a line is longer than 1 MiB"))
        }
        None => Ok((length > 0).then_some(line)),
    }
}

fn tell(sources: &Sources, list: Vec<Diagnostic>, session: &Session) {
    if !list.is_empty() {
        session.events.emit(Event::Diagnostics { sources: Arc::new(sources.clone()), list });
    }
}

struct Console {
    template: Template,
    /// For expressions.
    scope: Scope,
    /// For strings.
    strings: GoContext,
}

/// What a line comes to.
struct Answer {
    /// `None` where the line is wrong.
    text: Option<String>,
    sources: Sources,
    mistakes: Vec<Diagnostic>,
}

impl Console {
    fn new(template: Template, host: Arc<dyn Host>) -> Self {
        let mut scope = template.scope.clone();
        scope.names.remove("data");
        // A Go template may turn a secret into what the redactor does not know, so it gets none.
        let redactor = Redactor::default();
        redactor.add(template.secrets.iter().map(String::as_str));
        let values = template.user.iter();
        let values = values.map(|(name, value)| (name.clone(), value.as_ref().map(|value| redactor.redact(value))));
        let user = User::Variables { values: Arc::new(values.collect()), undeclared: Severity::Warning };
        let strings = legacy_context(host, &template.root, user, false);
        Self { template, scope, strings }
    }

    fn answer(&self, line: &str) -> Answer {
        let sources = self.scope.sources.clone();
        let mut diagnostics = Diagnostics::default();
        let language = self.template.document.language;
        let text = match (line.trim(), language) {
            ("help", Language::Hcl2) => HCL2_HELP.to_owned(),
            ("help", Language::Legacy) => JSON_HELP.to_owned(),
            ("variables", Language::Hcl2) => inspect::values(&self.template).join("\n"),
            ("variables", Language::Legacy) => self.variables(),
            (_, Language::Hcl2) => self.expression(line, &sources, &mut diagnostics),
            (_, Language::Legacy) => self.string(line, &sources, &mut diagnostics),
        };
        let text = (!diagnostics.has_errors()).then_some(text);
        Answer { text, sources, mistakes: diagnostics.into_sorted() }
    }

    fn expression(&self, line: &str, sources: &Sources, diagnostics: &mut Diagnostics) -> String {
        let file = sources.add("<console>", Origin::Argument, line);
        let expression = hcl::parse_expression(file, line, diagnostics);
        print(&eval::evaluate(&expression, &self.scope, diagnostics))
    }

    fn string(&self, line: &str, sources: &Sources, diagnostics: &mut Diagnostics) -> String {
        let mut text = Text::new(sources.add("<console>", Origin::Argument, line));
        text.push_verbatim(line, 0);
        let template = GoTemplate::parse(Arc::new(text), diagnostics);
        let rendered = template.render(&self.strings, &Fields::None, diagnostics);
        rendered.unwrap_or_else(|| "<unknown>".to_owned())
    }

    fn variables(&self) -> String {
        let User::Variables { values, .. } = &self.strings.user else { return String::new() };
        let lines = values.iter().map(|(name, value)| format!("{name}: {}", value.as_deref().unwrap_or("<unknown>")));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_or_without_a_line_break_and_are_not_endless() {
        let mut input = io::Cursor::new(b"a\r\n\nb".to_vec());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input).unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, ["a", "", "b"]);
        let mut endless = io::BufReader::new(io::repeat(b'a'));
        assert_eq!(next_line(&mut endless).unwrap_err().to_string(), "a line is longer than 1 MiB");
    }
}
