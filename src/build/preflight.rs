//! What builders look for before anything is made: for all builds at once, and all that is missing told together.

use super::{Run, context_of, guarded};
use crate::event::Event;
use crate::plan::PlannedBuild;
use anyhow::{Result, anyhow};
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// For each build why it is not run, if there is a reason.
pub(super) async fn all(builds: &[Arc<PlannedBuild>], run: &Run) -> Vec<Option<anyhow::Error>> {
    let mut looks = JoinSet::new();
    for (index, build) in builds.iter().cloned().enumerate() {
        let context = context_of(&build, run);
        looks.spawn(async move {
            let look = {
                let context = context.clone();
                async move { build.builder.preflight(&context).await }
            };
            (index, guarded(&context, look).await)
        });
    }
    let mut answers = looks.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    let (mut all, mut made) = (Diagnostics::default(), BTreeMap::new());
    let answers = answers.into_iter().zip(builds).map(|((_, answer), build)| {
        let mut answer = answer?;
        if let Some(taken) = made_before(build, &mut made) {
            answer.push(taken);
        }
        Ok(answer)
    });
    let refusals = answers.map(|answer| refusal(answer, &mut all)).collect();
    if !all.is_empty() {
        run.events.emit(Event::Diagnostics { sources: run.sources.clone(), list: all.into_sorted() });
    }
    refusals
}

/// What is wrong where another build makes the same thing; `made` has those that were looked at.
fn made_before(build: &PlannedBuild, made: &mut BTreeMap<String, String>) -> Option<Diagnostic> {
    let (what, place) = build.builder.makes()?;
    if let Some(first) = made.get(&what) {
        let message = format!("the build `{first}` makes {what}, too");
        return Some(Diagnostic::error("name-taken", message).at(place).help("give each of the two a name of its own"));
    }
    made.insert(what, build.name.clone());
    None
}

fn refusal(answer: Result<Diagnostics>, all: &mut Diagnostics) -> Option<anyhow::Error> {
    let found = match answer {
        Ok(found) => found,
        Err(error) => return Some(error.context("look for what the build needs")),
    };
    let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let errors: Vec<String> = errors.map(|diagnostic| diagnostic.message.clone()).collect();
    all.append(found);
    (!errors.is_empty()).then(|| anyhow!(errors.join("; ")))
}
