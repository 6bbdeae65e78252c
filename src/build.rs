//! The engine: the only place where a build happens, and the only place that cleans up.

mod on_error;
mod post_process;
mod preflight;
mod provision;
#[cfg(test)]
mod tests;
mod together;

use crate::artifact::Artifact;
use crate::builders::MachineTaken;
use crate::cleaners::{Cleaners, Fate};
use crate::clients::Clients;
use crate::context::BuildContext;
use crate::event::{Event, Events};
use crate::exit::TryAgain;
use crate::plan::{Plan, PlannedBuild};
use crate::process;
use anyhow::{Context as _, Result};
use imgforge_ledger::{Ledger, Resource};
use imgforge_template::source::Sources;
use on_error::{Left, Next, Stage};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What to do when a build fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Run the error-cleanup-provisioner, then remove everything.
    #[default]
    Cleanup,
    /// Leave everything as it is, for `imgforge cleanup` later.
    Abort,
    /// Ask on the terminal; without one, clean up.
    Ask,
    /// Run the error-cleanup-provisioner, then leave everything.
    RunCleanupProvisioner,
}

/// What becomes of the artifacts of the other builds when one fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// They stay: each build is for itself.
    #[default]
    Keep,
    /// They are removed: all or nothing.
    Cleanup,
}

/// How builds run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How many at once; 0 is all.
    pub parallel_builds: usize,
    pub on_error: OnError,
    pub on_failure: OnFailure,
    pub force: bool,
    pub debug: bool,
}

/// What all builds of a run share.
#[derive(Clone)]
pub struct Run {
    pub options: Options,
    pub events: Events,
    pub ledger: Arc<Ledger>,
    /// Connections to clouds: what builds with them is cleaned up with them.
    pub clients: Clients,
    pub cleaners: Cleaners,
    pub cancel: CancellationToken,
    /// Where the template's diagnostics point into.
    pub sources: Arc<Sources>,
    /// `PACKER_RUN_UUID`.
    pub uuid: String,
}

/// How one build ended.
pub struct Outcome {
    pub build: String,
    pub label: String,
    pub builder_type: String,
    /// The artifacts that stay, or why there are none.
    pub result: Result<Vec<Artifact>>,
    /// The artifacts that were removed because another build did not succeed.
    pub withdrawn: Vec<Artifact>,
    /// What could not be removed, or was left on request.
    pub left: Vec<Resource>,
}

impl Outcome {
    /// The artifacts that stay.
    pub fn artifacts(&self) -> &[Artifact] {
        self.result.as_deref().unwrap_or_default()
    }
}

/// A build that has ended, with what may still be done about it.
struct Ended {
    outcome: Outcome,
    context: BuildContext,
    started: Instant,
}

/// How often a build begins again whose machine was taken away.
const TRIES_AFTER_TAKEN: u32 = 2;

/// The build was told to stop.
#[derive(Debug, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Runs all builds of a plan, as many at once as the options say. Outcomes come in the plan's order; builds that had
/// not started when the run was cancelled have none.
pub async fn run(plan: Plan, run: &Run) -> Vec<Outcome> {
    let at_once = match run.options {
        Options { debug: true, .. } => 1,
        Options { parallel_builds: 0, .. } => Semaphore::MAX_PERMITS,
        Options { parallel_builds, .. } => parallel_builds,
    };
    let permits = Arc::new(Semaphore::new(at_once));
    let mut tasks = Vec::new();
    let planned = plan.builds.len();
    run.events.emit(Event::Planned { builds: plan.builds.iter().map(|build| build.name.clone()).collect() });
    let builds: Vec<Arc<PlannedBuild>> = plan.builds.into_iter().map(Arc::new).collect();
    let refusals = preflight::all(&builds, run).await;
    for (build, refusal) in builds.into_iter().zip(refusals) {
        // Taken here and not in the task, so that builds start in the order of the plan.
        let permit = tokio::select! {
            permit = permits.clone().acquire_owned() => permit,
            () = run.cancel.cancelled() => break,
        };
        let run = run.clone();
        tasks.push(tokio::spawn(async move {
            run.events.emit(Event::BuildStarted { build: build.name.clone() });
            let ended = run_build(build, refusal, &run).await;
            drop(permit);
            ended
        }));
    }
    let mut ended = Vec::new();
    for task in tasks {
        // The task catches what panics inside a build; were it to panic itself, its claims stay in the journal.
        if let Ok(build) = task.await {
            ended.push(build);
        }
    }
    if run.options.on_failure == OnFailure::Cleanup {
        let were_all_started = ended.len() == planned;
        together::settle(&mut ended, were_all_started, run).await;
    }
    ended.into_iter().map(|build| build.outcome).collect()
}

/// One build as its components see it.
fn context_of(build: &PlannedBuild, run: &Run) -> BuildContext {
    BuildContext {
        name: build.name.clone(),
        label: build.label.clone(),
        builder_type: build.builder_type.clone(),
        run_uuid: run.uuid.clone(),
        ledger: run.ledger.build(&build.name),
        clients: run.clients.clone(),
        cancel: run.cancel.clone(),
        force: run.options.force,
        debug: run.options.debug,
        source: None,
        events: run.events.clone(),
    }
}

/// Runs a build, unless there is a reason not to.
async fn run_build(build: Arc<PlannedBuild>, refusal: Option<anyhow::Error>, run: &Run) -> Ended {
    let started = Instant::now();
    let context = context_of(&build, run);
    let result = match refusal {
        Some(error) => Err(error),
        None => stages(build.clone(), &context, run).await,
    };
    let result = result.map_err(|error| match error.downcast::<Left>() {
        Ok(Left(error)) => (error, true),
        Err(error) => {
            let leaves = matches!(run.options.on_error, OnError::Abort | OnError::RunCleanupProvisioner);
            let leaves = leaves && !error.is::<Cancelled>();
            (error, leaves)
        }
    });
    let leave = matches!(result, Err((_, true)));
    let result = result.map_err(|(error, _)| error);
    let left = if leave {
        for resource in context.ledger.remaining() {
            context.say(format!(
                "Leaving the {} {} as it is; `imgforge cleanup` removes it",
                resource.kind, resource.name
            ));
        }
        context.ledger.close()
    } else {
        context.ledger.close();
        // Where the artifacts of all builds stay together, their claims are still open.
        let artifacts = result.iter().flatten().flat_map(|artifact| artifact.claims.clone());
        clean_up(&context, run, &artifacts.collect::<Vec<_>>()).await
    };
    let error = result.as_ref().err().map(|error| format!("{error:#}"));
    run.events.emit(Event::BuildFinished { build: build.name.clone(), duration: started.elapsed(), error });
    let PlannedBuild { name, label, builder_type, .. } = &*build;
    let (build, label, builder_type) = (name.clone(), label.clone(), builder_type.clone());
    let outcome = Outcome { build, label, builder_type, result, withdrawn: Vec::new(), left };
    Ended { outcome, context, started }
}

/// From the source to the artifacts that stay. Whatever it leaves open in the ledger, the caller removes.
async fn stages(build: Arc<PlannedBuild>, context: &BuildContext, run: &Run) -> Result<Vec<Artifact>> {
    let mut tries_left = TRIES_AFTER_TAKEN;
    let artifact = loop {
        let made = guarded(context, {
            let (build, context, run) = (build.clone(), context.clone(), run.clone());
            async move { make(&build, &context, &run).await }
        })
        .await;
        match made {
            Err(error) if MachineTaken::is_in(&error) && tries_left > 0 => {
                tries_left -= 1;
                context.error(format!("{error:#}: the build begins again"));
                release(context, run, &[]).await;
            }
            Err(error) if MachineTaken::is_in(&error) => return Err(TryAgain(error).into()),
            made => break made?,
        }
    };
    let Some(artifact) = artifact else {
        clean_up(context, run, &[]).await;
        return Ok(Vec::new());
    };
    // The machine has served, and goes while what it left is worked on: a cloud takes its time.
    let mut served = claimed(context, &artifact.claims);
    // Helpers that scripts left running serve until the build ends.
    served.retain(|resource| !process::is_command(resource));
    pause_before_cleanup(context, &served).await;
    let finishing = async {
        let kept = guarded(context, {
            let (context, run) = (context.clone(), run.clone());
            async move { post_process::all(&build, artifact, &context, &run).await }
        })
        .await?;
        if run.options.on_failure == OnFailure::Keep {
            keep(&kept, context, run).await?;
        }
        Ok(kept)
    };
    let (_told, kept) = tokio::join!(release_these(served, context, run), finishing);
    kept
}

async fn make(build: &PlannedBuild, context: &BuildContext, run: &Run) -> Result<Option<Artifact>> {
    let machine = loop {
        let error = match build.builder.launch(context).await {
            Ok(machine) => break machine,
            Err(error) if MachineTaken::is_in(&error) => return Err(error),
            Err(error) => error,
        };
        match on_error::next(Stage::Launch, &error, context, run).await {
            // It begins with nothing, as the first time.
            Next::Retry => drop(release(context, run, &[]).await),
            Next::CleanUp => return Err(error),
            Next::Leave => return Err(on_error::leave(Stage::Launch, error, context)),
        }
    };
    let mut values = machine.communicator().values();
    values.extend(machine.values());
    values.insert("PackerRunUUID".to_owned(), context.run_uuid.clone());
    provision::stage(build, &*machine, &values, context, run).await?;
    let mut artifact = match machine.capture(context).await {
        Ok(Some(artifact)) => artifact,
        Ok(None) => return Ok(None),
        Err(error) if MachineTaken::is_in(&error) => return Err(error),
        Err(error) => {
            return Err(match on_error::next(Stage::Capture, &error, context, run).await {
                Next::Leave => on_error::leave(Stage::Capture, error, context),
                Next::Retry | Next::CleanUp => error,
            });
        }
    };
    values.append(&mut artifact.values);
    artifact.values = values;
    Ok(Some(artifact))
}

/// Runs work as a task of its own, so that a panic is an error and a cancelled run can stop it anywhere. When this
/// returns, nothing of the work runs any more.
async fn guarded<T: Send + 'static>(
    context: &BuildContext,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let mut task = tokio::spawn(work);
    let joined = tokio::select! {
        joined = &mut task => joined,
        () = context.cancel.cancelled() => {
            task.abort();
            match task.await {
                // It was done before it could be stopped: its result is dropped, its claims are released.
                Ok(_) => return Err(Cancelled.into()),
                joined => joined,
            }
        }
    };
    match joined {
        // A component that gave way to the cancellation itself says so in its own words.
        Ok(Err(_)) if context.cancel.is_cancelled() => Err(Cancelled.into()),
        Ok(result) => result,
        Err(stopped) if stopped.is_cancelled() => Err(Cancelled.into()),
        Err(panic) => Err(anyhow::anyhow!("imgforge has a defect, please report it: {panic}")),
    }
}

/// What the build has claimed, newest first, but for `except`.
fn claimed(context: &BuildContext, except: &[Resource]) -> Vec<Resource> {
    let mut resources = context.ledger.remaining();
    resources.retain(|resource| !except.contains(resource));
    resources
}

/// With `-debug` there is time for a last look.
async fn pause_before_cleanup(context: &BuildContext, resources: &[Resource]) {
    if !resources.is_empty() {
        context.pause("Pausing before cleanup.").await;
    }
}

/// Removes what the build has claimed, as `release` does, after a pause.
async fn clean_up(context: &BuildContext, run: &Run, except: &[Resource]) -> Vec<Resource> {
    pause_before_cleanup(context, &claimed(context, except)).await;
    release(context, run, except).await
}

/// Removes what the build has claimed but for `except`.
async fn release(context: &BuildContext, run: &Run, except: &[Resource]) -> Vec<Resource> {
    release_these(claimed(context, except), context, run).await
}

/// Removes things, in this order. Returns what is still there, which has been told.
async fn release_these(resources: Vec<Resource>, context: &BuildContext, run: &Run) -> Vec<Resource> {
    let left = remove(resources, context, run).await;
    for (resource, error) in &left {
        context.not_removed(resource, error);
    }
    left.into_iter().map(|(resource, _)| resource).collect()
}

/// Removes an artifact that nobody keeps.
async fn release_artifact(artifact: &Artifact, context: &BuildContext, run: &Run) -> Result<()> {
    let mut resources = context.ledger.remaining();
    resources.retain(|resource| artifact.claims.contains(resource));
    match remove(resources, context, run).await.into_iter().next() {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// Returns what could not be removed, and why.
async fn remove(resources: Vec<Resource>, context: &BuildContext, run: &Run) -> Vec<(Resource, anyhow::Error)> {
    let mut left = Vec::new();
    let done = |resource: Resource, fate: Result<Fate>| {
        let noted = fate.and_then(|_| context.ledger.released(&resource).context("write the journal"));
        left.extend(noted.err().map(|error| (resource, error)));
    };
    run.cleaners.remove(resources, &run.clients, done).await;
    left
}

/// Hands artifacts over to the user: first where they live, then in the journal.
async fn keep(artifacts: &[Artifact], context: &BuildContext, run: &Run) -> Result<()> {
    mark(artifacts, run).await?;
    note_kept(artifacts, context)
}

/// Marks artifacts as the user's where they live.
async fn mark(artifacts: &[Artifact], run: &Run) -> Result<()> {
    for resource in artifacts.iter().flat_map(|artifact| &artifact.claims) {
        let marked = run.cleaners.keep(resource, &run.clients).await;
        marked.with_context(|| format!("keep the {} {}", resource.kind, resource.name))?;
    }
    Ok(())
}

/// The journal forgets artifacts.
fn note_kept(artifacts: &[Artifact], context: &BuildContext) -> Result<()> {
    for resource in artifacts.iter().flat_map(|artifact| &artifact.claims) {
        context.ledger.keep(resource).context("write the journal")?;
    }
    Ok(())
}

/// Two numbers of units at most: `1 minute 3 seconds`.
pub fn spell(duration: Duration) -> String {
    imgforge_template::duration::spell(duration)
}
