//! Post-processors of one build: sequences that each start from the builder's artifact.

use super::provision::report;
use super::{OnFailure, Run, clean_up, keep, release_artifact};
use crate::artifact::Artifact;
use crate::context::BuildContext;
use crate::exit::TryAgain;
use crate::plan::{PlannedBuild, PlannedPostProcessor};
use crate::post_processors::InputArtifact;
use crate::process;
use anyhow::Result;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::document::Language;

/// Runs every sequence, the later ones even when an earlier one failed. Returns the artifacts that stay: the builder's
/// if anyone keeps it, then what the sequences made, in order.
pub(super) async fn all(
    build: &PlannedBuild,
    mut artifact: Artifact,
    context: &BuildContext,
    run: &Run,
) -> Result<Vec<Artifact>> {
    let mut keep_first = build.post_processors.is_empty();
    let mut kept = Vec::new();
    let mut errors = Vec::new();
    for sequence in &build.post_processors {
        match one(sequence, &mut artifact, &mut keep_first, context, run).await {
            Ok(results) => kept.extend(results),
            Err(error) => {
                context.error(format!("Post-processor failed: {error:#}"));
                errors.push(error);
            }
        }
    }
    if keep_first {
        kept.insert(0, artifact);
    }
    if !errors.is_empty() {
        if run.options.on_failure == OnFailure::Keep {
            // What was made stays for a look at it, as Packer leaves it; only the summary does not list it.
            keep(&kept, context, run).await?;
        }
        let texts: Vec<String> = errors.iter().map(|error| format!("Post-processor failed: {error:#}")).collect();
        let error = anyhow::anyhow!("{} error(s) occurred:\n\n* {}", errors.len(), texts.join("\n* "));
        return Err(if errors.iter().all(TryAgain::is_in) { TryAgain(error).into() } else { error });
    }
    // A post-processor that hands its input on makes no second artifact of it.
    let mut distinct: Vec<Artifact> = Vec::new();
    for artifact in kept {
        match distinct.iter_mut().find(|other| other.is_same(&artifact)) {
            Some(other) => other.share_claims(&artifact),
            None => distinct.push(artifact),
        }
    }
    Ok(distinct)
}

async fn one(
    sequence: &[PlannedPostProcessor],
    first: &mut Artifact,
    keep_first: &mut bool,
    context: &BuildContext,
    run: &Run,
) -> Result<Vec<Artifact>> {
    let mut kept = Vec::new();
    let mut current = first.clone();
    for (index, planned) in sequence.iter().enumerate() {
        let kind = planned.recipe.component.name;
        // In HCL2 Packer shows the name that there is none of.
        context.say(match (&planned.name, planned.recipe.view.language) {
            (None, Language::Legacy) => format!("Running post-processor: {kind}"),
            (name, _) => format!("Running post-processor: {} (type {kind})", name.as_deref().unwrap_or_default()),
        });
        let mut diagnostics = Diagnostics::default();
        let made = planned.recipe.make(Some(&current.values), &mut diagnostics);
        run.events.add_secrets(&planned.recipe.secrets());
        report(diagnostics, kind, run)?;
        let keeps = match (made.input_artifact(), planned.keep_input_artifact) {
            (InputArtifact::MustKeep, _) => true,
            (_, Some(user)) => user,
            (default, None) => default == InputArtifact::Keep,
        };
        let own = BuildContext { source: Some(kind.to_owned()), ..context.clone() };
        let mut needed = context.ledger.remaining();
        let mut result = own.timed(&format!("post-process with {kind}"), made.process(&own, &current)).await?;
        // What it made for its work alone has served. After a failure that waits for the end, where `-on-error` decides.
        // Helpers that a script left running serve until the build ends.
        needed.extend(result.claims.iter().cloned());
        needed.extend(context.ledger.remaining().into_iter().filter(process::is_command));
        clean_up(&own, run, &needed).await;
        if result.values.is_empty() {
            result.values.clone_from(&current.values);
        }
        if result.is_same(first) {
            // It stays or goes with the first one, also if a later step fails.
            first.share_claims(&result);
        }
        if index == 0 {
            *keep_first |= keeps;
        } else if keeps {
            kept.push(current);
        } else {
            release_artifact(&current, &own, run).await?;
        }
        current = result;
    }
    kept.push(current);
    Ok(kept)
}
