//! Provisioners of one build, in order: pauses, time limits, further tries, and the one that runs after a failure.

use super::on_error::{self, Next, Stage};
use super::{OnError, Run, spell};
use crate::builders::Machine;
use crate::context::BuildContext;
use crate::event::Event;
use crate::exit::TryAgain;
use crate::plan::{PlannedBuild, PlannedProvisioner};
use anyhow::{Context as _, Result};
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::duration::short;
use std::collections::BTreeMap;

/// Provisions a machine; when that fails, whatever `-on-error` says.
pub(super) async fn stage(
    build: &PlannedBuild,
    machine: &dyn Machine,
    values: &BTreeMap<String, String>,
    context: &BuildContext,
    run: &Run,
) -> Result<()> {
    loop {
        let result = all(build, machine, values, context, run).await;
        if !build.provisioners.is_empty() {
            context.pause(&format!("Pausing after run of step '{}'.", Stage::Provision.name())).await;
        }
        let Err(error) = result else { return Ok(()) };
        match on_error::next(Stage::Provision, &error, context, run).await {
            Next::Retry => {}
            Next::CleanUp => return Err(clean_up(build, machine, values, context, run, error).await),
            Next::Leave if run.options.on_error == OnError::RunCleanupProvisioner => {
                let error = clean_up(build, machine, values, context, run, error).await;
                return Err(on_error::leave(Stage::Provision, error, context));
            }
            Next::Leave => return Err(on_error::leave(Stage::Provision, error, context)),
        }
    }
}

async fn all(
    build: &PlannedBuild,
    machine: &dyn Machine,
    values: &BTreeMap<String, String>,
    context: &BuildContext,
    run: &Run,
) -> Result<()> {
    for provisioner in &build.provisioners {
        // The words are Packer's, to the letter.
        context.pause("Pausing before the next provisioner .").await;
        let Err(error) = one(provisioner, machine, values, context, run).await else { continue };
        if provisioner.continue_on_error && !context.cancel.is_cancelled() {
            context.error(format!("Provisioner failed, and the build goes on as it is told to: {error:#}"));
            continue;
        }
        return Err(error);
    }
    Ok(())
}

/// Runs the error-cleanup-provisioner, unless the run is cancelled.
async fn clean_up(
    build: &PlannedBuild,
    machine: &dyn Machine,
    values: &BTreeMap<String, String>,
    context: &BuildContext,
    run: &Run,
    error: anyhow::Error,
) -> anyhow::Error {
    if context.cancel.is_cancelled() {
        return error;
    }
    context.say("Provisioning step had errors: Running the cleanup provisioner, if present...");
    let Some(provisioner) = &build.error_cleanup_provisioner else { return error };
    match one(provisioner, machine, values, context, run).await {
        Ok(()) => error,
        Err(cleanup) => {
            let both = anyhow::anyhow!("Cleanup failed: {cleanup:#}. Original Provisioning error: {error:#}");
            TryAgain::as_in(&error, both)
        }
    }
}

async fn one(
    provisioner: &PlannedProvisioner,
    machine: &dyn Machine,
    values: &BTreeMap<String, String>,
    context: &BuildContext,
    run: &Run,
) -> Result<()> {
    let mut tries_left = provisioner.max_retries;
    loop {
        let error = match attempt(provisioner, machine, values, context, run).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if tries_left == 0 || context.cancel.is_cancelled() {
            if provisioner.max_retries > 0 {
                context.say("retry limit reached.");
            }
            return Err(error);
        }
        context.say(format!("Provisioner failed with \"{error:#}\", retrying with {tries_left} trie(s) left"));
        tries_left -= 1;
    }
}

async fn attempt(
    provisioner: &PlannedProvisioner,
    machine: &dyn Machine,
    values: &BTreeMap<String, String>,
    context: &BuildContext,
    run: &Run,
) -> Result<()> {
    if !provisioner.pause_before.is_zero() {
        context.say(format!("Pausing {} before the next provisioner...", short(provisioner.pause_before)));
        context.sleep(provisioner.pause_before).await?;
    }
    // Made anew each time: its block may use values that are known only now.
    let mut diagnostics = Diagnostics::default();
    let made = provisioner.recipe.make(Some(values), &mut diagnostics);
    run.events.add_secrets(&provisioner.recipe.secrets());
    report(diagnostics, provisioner.recipe.component.name, run)?;
    let name = provisioner.recipe.component.name;
    let work = async {
        context.timed(&format!("provision with {name}"), made.provision(context, machine.communicator())).await
    };
    if provisioner.timeout.is_zero() {
        return work.await.map_err(innermost);
    }
    context.say(format!("Setting a {} timeout for the next provisioner...", short(provisioner.timeout)));
    match tokio::time::timeout(provisioner.timeout, work).await {
        Ok(result) => result.map_err(innermost),
        Err(_) => {
            context.say("Cancelling provisioner after a timeout...");
            anyhow::bail!("the {name} provisioner did not end within {}", spell(provisioner.timeout))
        }
    }
}

/// Packer's scripts look for a provisioner's own words; the step's name is for the events.
fn innermost(error: anyhow::Error) -> anyhow::Error {
    let words = error.chain().skip(1).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    if words.is_empty() { error } else { TryAgain::as_in(&error, anyhow::anyhow!(words)) }
}

/// Tells the mistakes that show only with the values of build time.
pub(super) fn report(diagnostics: Diagnostics, what: &str, run: &Run) -> Result<()> {
    let failed = diagnostics.has_errors();
    let list = diagnostics.into_sorted();
    if failed {
        run.events.emit(Event::Diagnostics { sources: run.sources.clone(), list });
        return Err(anyhow::anyhow!("its arguments are wrong with the values of this build"))
            .with_context(|| what.to_owned());
    }
    Ok(())
}
