//! `imgforge plugins`: what there is in place of Packer's plugins, for scripts that ask for them.

use super::init::sentence;
use super::required::{Required, required};
use super::session::Session;
use crate::cli::{TemplateArguments, TemplateOptions};
use crate::exit::Exit;
use crate::plugins::{self, Standing};
use crate::reports::Audience;
use anyhow::anyhow;
use clap::{Args, Subcommand};
use imgforge_template::document::hcl2::plugin_source;
use imgforge_template::requirement;
use std::path::PathBuf;

/// Say which plugins are built in or required; none can be installed or removed
#[derive(Args, Debug)]
pub struct PluginsArguments {
    #[command(subcommand)]
    pub command: PluginsCommand,
}

#[derive(Debug, Subcommand)]
pub enum PluginsCommand {
    /// List the plugins whose components are compiled in
    Installed,
    /// Say whether a plugin is built in or known; nothing is installed
    Install(InstallArguments),
    /// Fail: what is compiled in can't be removed
    Remove(RemoveArguments),
    /// List the plugins that a template requires
    Required(TemplateArguments),
}

#[derive(Args, Debug)]
pub struct InstallArguments {
    /// Where the plugin is published, for example `github.com/hashicorp/qemu`
    pub plugin: String,
    /// Its version; what is compiled in satisfies every one
    pub version: Option<String>,
    /// The binary of a plugin, which can't be used
    #[arg(long, value_name = "FILE")]
    pub path: Option<PathBuf>,
    /// Without effect
    #[arg(long, value_name = "BOOL")]
    pub force: bool,
    #[command(flatten, next_help_heading = "Options of other commands, without effect here")]
    pub options: TemplateOptions,
}

#[derive(Args, Debug)]
pub struct RemoveArguments {
    /// Where the plugin is published, or the path of its binary
    pub plugin: String,
    /// Its versions
    pub version: Option<String>,
}

pub(crate) fn run(arguments: &PluginsArguments, audience: Audience) -> Exit {
    let session = Session::terminal(audience, None);
    let result = match &arguments.command {
        PluginsCommand::Installed => {
            for source in plugins::built_in() {
                session.events.answer(source);
            }
            Ok(())
        }
        PluginsCommand::Install(arguments) => install(arguments).map(|told| session.events.say(told)),
        PluginsCommand::Remove(arguments) => Err(remove(arguments)),
        PluginsCommand::Required(arguments) => return list_required(arguments, &session),
    };
    match result {
        Ok(()) => Exit::Success,
        Err(error) => session.fail(&error),
    }
}

fn install(arguments: &InstallArguments) -> anyhow::Result<String> {
    let source = &arguments.plugin;
    plugin_source(source).map_err(|why| no_source(source, why))?;
    if let Some(version) = &arguments.version {
        requirement::is_met(version, "1.0.0").map_err(|why| anyhow!("the version of the plugin: {why}"))?;
    }
    if let Some(path) = &arguments.path {
        anyhow::bail!("{} can't be installed: imgforge runs no plugins, components are compiled in", path.display());
    }
    match (plugins::standing(source), plugins::closest(source)) {
        (Some(standing), _) => Ok(sentence(source, standing)),
        (None, Some(close)) => anyhow::bail!("imgforge does not know the plugin `{source}`: did you mean `{close}`?"),
        (None, None) => anyhow::bail!("imgforge does not know the plugin `{source}`, and plugins can't be installed"),
    }
}

/// Why it is not removed.
fn remove(arguments: &RemoveArguments) -> anyhow::Error {
    let plugin = &arguments.plugin;
    if plugin.starts_with('/') {
        return anyhow!("`{plugin}` is not in a folder of plugins: imgforge has none, components are compiled in");
    }
    if let Err(why) = plugin_source(plugin) {
        return no_source(plugin, why);
    }
    if plugins::standing(plugin) == Some(Standing::BuiltIn) {
        return anyhow!("`{plugin}` is compiled in and can't be removed");
    }
    match &arguments.version {
        Some(version) => anyhow!("no plugin is installed that is `{plugin}` of version `{version}`"),
        None => anyhow!("no plugin is installed that is `{plugin}`"),
    }
}

fn no_source(text: &str, why: &str) -> anyhow::Error {
    anyhow!("`{text}` is not the source of a plugin: {why}")
}

/// A line a plugin: its name in the template, its source, the constraint, and what it is to us.
fn list_required(arguments: &TemplateArguments, session: &Session) -> Exit {
    let Some(Required { plugins, .. }) = required(arguments, session) else { return Exit::Failed };
    for plugin in plugins {
        let (name, source) = (&plugin.name.value, &plugin.source.value);
        let version = plugin.version.as_deref().unwrap_or_default();
        let standing = match plugins::standing(source) {
            Some(Standing::BuiltIn) => " built-in",
            Some(Standing::Known) => " known",
            Some(Standing::Named) => " known-by-name",
            None => "",
        };
        session.events.say(format!("{name} {source} {version:?}{standing}"));
    }
    Exit::Success
}
