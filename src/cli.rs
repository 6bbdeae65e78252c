//! The command line: flags as Packer has them and as everyone has them, and the way from a command to its function.

mod usage;
mod words;

use crate::build::OnError;
use crate::commands::{
    build, cleanup, completions, console, fix, fmt, hcl2_upgrade, init, inspect, man, plugins, run, schema, validate,
    version,
};
use crate::exit::Exit;
use crate::lint::Switch;
use crate::log;
use crate::reports::{Audience, Wanted};
use crate::standard_output;
use clap::{ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use imgforge_template::inputs::Inputs;
use imgforge_template::version::PACKER_COMPATIBLE;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The CI job for machine images.
#[derive(Parser)]
#[command(name = "imgforge", disable_help_subcommand = true, infer_subcommands = false)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::RunArguments),
    Validate(validate::ValidateArguments),
    Build(build::BuildArguments),
    Inspect(inspect::InspectArguments),
    Console(console::ConsoleArguments),
    Fmt(fmt::FmtArguments),
    Fix(fix::FixArguments),
    #[command(name = "hcl2_upgrade")]
    Hcl2Upgrade(hcl2_upgrade::Hcl2UpgradeArguments),
    Init(init::InitArguments),
    #[command(alias = "plugin")]
    Plugins(plugins::PluginsArguments),
    Cleanup(cleanup::CleanupArguments),
    Schema(schema::SchemaArguments),
    Completions(completions::CompletionsArguments),
    Man(man::ManArguments),
    Version(version::VersionArguments),
}

impl Command {
    /// Whether it is called for what it says. What others do is done even if nobody could be told.
    fn is_question(&self) -> bool {
        matches!(
            self,
            Self::Validate(_)
                | Self::Inspect(_)
                | Self::Console(_)
                | Self::Plugins(_)
                | Self::Schema(_)
                | Self::Version(_)
        )
    }
}

/// What every command that builds or checks a template takes.
#[derive(Args, Clone, Debug, Default)]
pub struct TemplateArguments {
    /// The template: a `.pkr.hcl` file, a folder of them, a legacy JSON file, or `-` for JSON on standard input
    pub template: PathBuf,
    #[command(flatten)]
    pub options: TemplateOptions,
    #[command(flatten)]
    pub lints: LintArguments,
}

/// What every command that checks a template takes.
#[derive(Args, Clone, Debug, Default)]
pub struct LintArguments {
    /// A check at another level: off, warning or error; CODE may be `all`. The last one wins
    #[arg(long = "lint", value_name = "CODE=LEVEL", value_parser = Switch::parse)]
    pub switches: Vec<Switch>,
}

/// What every command that reads a template takes besides the template.
#[derive(Args, Clone, Debug, Default)]
pub struct TemplateOptions {
    /// A value for a variable; the last one wins
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = assignment)]
    pub variables: Vec<(String, String)>,
    /// A file of values; they are read before all `-var`
    #[arg(long = "var-file", value_name = "FILE")]
    pub var_files: Vec<PathBuf>,
    /// Only these builds: patterns for HCL2, names for JSON
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Not these builds and post-processors
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub except: Vec<String>,
    /// Read all data sources before all locals, rather than each after what it refers to
    #[arg(long, value_name = "BOOL")]
    pub use_sequential_evaluation: bool,
    /// What a template is whose name does not end in `.pkr.hcl`, and what there is without one
    #[arg(long, value_enum, default_value_t, value_name = "LANGUAGE")]
    pub config_type: ConfigType,
}

/// What every command that finds something out takes.
#[derive(Args, Clone, Debug, Default)]
pub struct ReportArguments {
    /// A report beside the lines for people, into a file or to standard output; may be given many times. KIND is
    /// terminal, json, sarif, junit, code-quality, checkstyle, rdjson or github
    #[arg(long = "report", value_name = "KIND[=FILE]", value_parser = Wanted::parse)]
    pub reports: Vec<Wanted>,
}

/// A language that templates are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ConfigType {
    #[default]
    Json,
    Hcl2,
}

impl TemplateOptions {
    pub(crate) fn inputs(&self, warn_undeclared: bool) -> Inputs {
        Inputs { variables: self.variables.clone(), var_files: self.var_files.clone(), warn_undeclared }
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum OnErrorFlag {
    #[default]
    Cleanup,
    Abort,
    Ask,
    RunCleanupProvisioner,
}

impl From<OnErrorFlag> for OnError {
    fn from(flag: OnErrorFlag) -> Self {
        match flag {
            OnErrorFlag::Cleanup => Self::Cleanup,
            OnErrorFlag::Abort => Self::Abort,
            OnErrorFlag::Ask => Self::Ask,
            OnErrorFlag::RunCleanupProvisioner => Self::RunCleanupProvisioner,
        }
    }
}

/// Flags of Packer that concern plugins and its registry, neither of which there is here.
#[derive(Args, Clone, Debug, Default)]
pub struct PluginFlags {
    /// Without effect: there are no plugins
    #[arg(long, value_name = "BOOL")]
    pub ignore_prerelease_plugins: bool,
}

/// Reads the arguments, the first of which is the name we are called by, and runs the command. Returns the exit code.
pub(crate) fn main(mut arguments: Vec<OsString>) -> u8 {
    let is_packer =
        arguments.first().is_some_and(|name| Path::new(name).file_name().is_some_and(|name| name == "packer"));
    let audience = take_audience(&mut arguments);
    if let Some(first) = arguments.get_mut(1)
        && ["-v", "-V", "-version", "--version"].iter().any(|flag| first == flag)
    {
        *first = "version".into();
    }
    let mut command = command(is_packer);
    let words = words::for_clap(arguments, &command, is_packer);
    let read = command.try_get_matches_from_mut(&words).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match read {
        Ok(cli) => cli,
        Err(error) => return usage::answer(&error.format(&mut command), &words, is_packer),
    };
    if let Err(error) = log::start() {
        // Without a log of its own there is no other place for this.
        let _closed = writeln!(std::io::stderr(), "error: {error:#}");
        return Exit::Failed.code();
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        packer = PACKER_COMPATIBLE,
        command = words.get(1).map(|word| word.to_string_lossy()).as_deref(),
        folder = ?std::env::current_dir().unwrap_or_default(),
        "started"
    );
    let is_question = cli.command.is_question();
    let exit = match cli.command {
        Command::Run(arguments) => run::run(&arguments, audience),
        Command::Validate(arguments) => validate::run(&arguments, audience),
        Command::Build(arguments) => build::run(&arguments, audience),
        Command::Inspect(arguments) => inspect::run(&arguments, audience),
        Command::Console(arguments) => console::run(&arguments, audience),
        Command::Fmt(arguments) => fmt::run(&arguments, audience),
        Command::Fix(arguments) => fix::run(&arguments, audience, is_packer),
        Command::Hcl2Upgrade(arguments) => hcl2_upgrade::run(&arguments, audience),
        Command::Init(arguments) => init::run(&arguments, audience),
        Command::Plugins(arguments) => plugins::run(&arguments, audience),
        Command::Cleanup(arguments) => cleanup::run(&arguments, audience),
        Command::Schema(arguments) => schema::run(&arguments, audience),
        Command::Completions(arguments) => completions::run(&arguments, command),
        Command::Man(arguments) => man::run(&arguments, command),
        Command::Version(arguments) => version::run(&arguments, is_packer, audience),
    };
    let exit = if is_question { standard_output::told(exit) } else { exit };
    let code = if is_packer { exit.packer_code() } else { exit.code() };
    tracing::info!(code, "ended");
    code
}

/// Takes `-machine-readable` out of the arguments, wherever it stands: every command has it. With a value it is left to
/// the commands.
fn take_audience(arguments: &mut Vec<OsString>) -> Audience {
    let before = arguments.len();
    arguments.retain(|argument| argument != "-machine-readable" && argument != "--machine-readable");
    if arguments.len() < before { Audience::Programs } else { Audience::People }
}

/// The command line as it is declared, by the name that we are called by.
fn command(is_packer: bool) -> clap::Command {
    // As with Go's flags, the last one counts.
    let command = Cli::command().args_override_self(true).mut_subcommands(with_switches);
    if !is_packer {
        return command;
    }
    // Packer takes one template.
    let one = |argument: clap::Arg| argument.num_args(1).action(ArgAction::Set);
    let command = command.mut_subcommand("validate", |validate| validate.mut_arg("templates", one));
    command.name("packer").bin_name("packer")
}

/// Makes a flag of each argument whose value is called `BOOL`: alone it is true, and `=` goes before any value.
fn with_switches(command: clap::Command) -> clap::Command {
    let command = command.args_override_self(true).mut_args(|argument| {
        if argument.get_value_names().is_none_or(|names| names != ["BOOL"]) {
            return argument;
        }
        let has_default = !argument.get_default_values().is_empty();
        let is_plain = matches!(argument.get_action(), ArgAction::SetTrue) && !has_default;
        let argument = argument.action(ArgAction::Set).num_args(0..=1).require_equals(true);
        let argument = argument.default_missing_value("true").value_parser(words::boolean);
        if is_plain { argument.default_value("false") } else { argument }
    });
    command.mut_subcommands(with_switches)
}

/// Whether to colour a stream, a terminal or not: asked for, or a terminal and nobody who asked not to. Packer's variable
/// wins over its flag.
pub(crate) fn colour_of(flag: Option<bool>, is_terminal: bool) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("PACKER_NO_COLOR") || is_set("IMGFORGE_NO_COLOR") {
        return false;
    }
    flag.unwrap_or_else(|| is_terminal && !is_set("NO_COLOR"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        command(false).debug_assert();
    }
}
