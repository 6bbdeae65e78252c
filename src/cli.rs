//! The command line: flags as Packer has them and as everyone has them, and the way from a command to its function.

use crate::build::OnError;
use crate::commands::{build, cleanup, console, fmt, inspect, run, validate, version};
use crate::exit::Exit;
use crate::reports::Wanted;
use clap::{Args, Parser, Subcommand, ValueEnum};
use imgforge_template::inputs::Inputs;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// The CI job for machine images.
#[derive(Parser)]
#[command(name = "imgforge", version, disable_help_subcommand = true, infer_subcommands = false)]
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
    Cleanup(cleanup::CleanupArguments),
    Version(version::VersionArguments),
}

/// What every command that builds or checks a template takes.
#[derive(Args, Clone, Debug, Default)]
pub struct TemplateArguments {
    /// The template: a `.pkr.hcl` file, a folder of them, a legacy JSON file, or `-` for JSON on standard input
    pub template: PathBuf,
    #[command(flatten)]
    pub options: TemplateOptions,
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
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", value_name = "BOOL")]
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

/// Reads the arguments, the first of which is the name we are called by, and runs the command. Returns the exit code.
pub(crate) fn main(mut arguments: Vec<OsString>) -> u8 {
    let is_packer =
        arguments.first().is_some_and(|name| Path::new(name).file_name().is_some_and(|name| name == "packer"));
    for argument in arguments.iter_mut().skip(1) {
        *argument = two_dashes(std::mem::take(argument));
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, is_packer),
    };
    let exit = match cli.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments, is_packer),
        Command::Build(arguments) => build::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Console(arguments) => console::run(&arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Cleanup(arguments) => cleanup::run(&arguments),
        Command::Version(arguments) => version::run(&arguments, is_packer),
    };
    if is_packer { exit.packer_code() } else { exit.code() }
}

/// Prints help or what is wrong with the command line. Packer's codes: 127 where there is no command of that name.
fn usage(error: &clap::Error, is_packer: bool) -> u8 {
    use clap::error::ErrorKind;
    // A closed stream can't be told anything.
    let _told = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
        ErrorKind::InvalidSubcommand
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            if is_packer =>
        {
            127
        }
        _ if is_packer => 1,
        _ => Exit::Usage.code(),
    }
}

/// `-var` is `--var`: Packer's long flags have one dash. Single letters stay what they are.
fn two_dashes(argument: OsString) -> OsString {
    match argument.to_str() {
        Some(text) if text.starts_with('-') && !text.starts_with("--") && text.len() > 2 => {
            let name = text[1..].split('=').next().unwrap_or_default();
            if name.len() > 1 && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '-') {
                return OsString::from(format!("-{text}"));
            }
            argument
        }
        _ => argument,
    }
}

/// Whether to colour standard output: asked for, or a terminal and nobody who asked not to.
pub(crate) fn colour(flag: Option<bool>) -> bool {
    colour_of(flag, std::io::stdout().is_terminal())
}

/// The same for a stream that is a terminal or not.
pub(crate) fn colour_of(flag: Option<bool>, is_terminal: bool) -> bool {
    flag.unwrap_or_else(|| {
        let refused = ["NO_COLOR", "PACKER_NO_COLOR", "IMGFORGE_NO_COLOR"];
        let refused = refused.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        !refused && is_terminal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn long_flags_may_have_one_dash() {
        let table = [
            ("-var", "--var"),
            ("-var=a=b", "--var=a=b"),
            ("-var-file=x", "--var-file=x"),
            ("--only=a", "--only=a"),
            ("-h", "-h"),
            ("-", "-"),
            ("template.json", "template.json"),
            ("-1s", "--1s"),
        ];
        for (given, expected) in table {
            assert_eq!(two_dashes(given.into()), expected, "{given}");
        }
    }
}
