use super::*;
use crate::builders::{Builder, Machine};
use crate::cleaners::testing::{Calls, FAKES};
use crate::communicators::Communicator;
use crate::communicators::none::NoCommunicator;
use crate::component::Component;
use crate::event::Reporter;
use crate::exit::TryAgain;
use crate::host::LocalHost;
use crate::plan::PlannedPostProcessor;
use crate::post_processors::{InputArtifact, PostProcessor};
use crate::recipe::{Recipe, View};
use crate::secret::Redactor;
use async_trait::async_trait;
use imgforge_template::document::Language;
use imgforge_template::gotemplate::User;
use imgforge_template::scope::{Functions, Scope};
use imgforge_template::source::Span;
use imgforge_template::template::legacy_context;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use tempfile::TempDir;

fn planned(name: &str, builder: Arc<dyn Builder>) -> PlannedBuild {
    PlannedBuild {
        name: name.to_owned(),
        label: name.to_owned(),
        builder_type: "fake".to_owned(),
        builder,
        provisioners: Vec::new(),
        error_cleanup_provisioner: None,
        post_processors: Vec::new(),
    }
}

/// A builder that makes these things in the world of the fake cleaner; the last of them is the artifact.
#[derive(Clone)]
struct Making {
    things: &'static [&'static str],
    error: Option<fn() -> anyhow::Error>,
}

struct Made {
    claims: Vec<Resource>,
    error: Option<fn() -> anyhow::Error>,
    communicator: NoCommunicator,
}

#[async_trait]
impl Builder for Making {
    async fn launch(&self, context: &BuildContext) -> Result<Box<dyn Machine>> {
        let claim = |name: &&str| context.ledger.claim_named("fake", "thing", name, BTreeMap::new());
        let claims = self.things.iter().map(|name| Ok(claim(name)?.resource().clone())).collect::<Result<_>>()?;
        let communicator = NoCommunicator { reason: "nobody is there" };
        Ok(Box::new(Made { claims, error: self.error, communicator }))
    }
}

#[async_trait]
impl Machine for Made {
    fn communicator(&self) -> &dyn Communicator {
        &self.communicator
    }

    async fn capture(self: Box<Self>, context: &BuildContext) -> Result<Option<Artifact>> {
        let Some(image) = self.claims.last() else { anyhow::bail!("there is nothing to capture") };
        match self.error {
            Some(error) => Err(error()),
            None => Ok(Some(Artifact {
                description: format!("the image of {}", context.name),
                claims: vec![image.clone()],
                ..Artifact::default()
            })),
        }
    }
}

/// Makes two things in that world, and hands the second one on.
struct Exporting;

const EXPORTING: Component<dyn PostProcessor> =
    Component { name: "exporting", arguments: &[], new: |_, _| Box::new(Exporting) };

#[async_trait]
impl PostProcessor for Exporting {
    fn input_artifact(&self) -> InputArtifact {
        InputArtifact::Keep
    }

    async fn process(&self, context: &BuildContext, _: &Artifact) -> Result<Artifact> {
        let claim = |name| context.ledger.claim_named("fake", "thing", name, BTreeMap::new());
        let (worker, object) = (claim("worker")?, claim("object")?);
        context.say(format!("{} made {}", worker.name(), object.name()));
        Ok(Artifact { claims: vec![object.resource().clone()], ..Artifact::default() })
    }
}

fn exporting() -> PlannedPostProcessor {
    let context = legacy_context(Arc::new(LocalHost::new().unwrap()), Path::new(""), User::Forbidden, false);
    let scope = Scope::new(context.host.clone(), Path::new(""), Functions::All, &Sources::default());
    let recipe = Recipe {
        component: &EXPORTING,
        bodies: Vec::new(),
        taken: &[],
        overrides: None,
        header: Span::nowhere(),
        view: View::new(Language::Hcl2, scope, context, "web"),
    };
    PlannedPostProcessor { name: None, recipe, keep_input_artifact: None }
}

/// A builder during whose work the run is cancelled.
struct Stopping(CancellationToken);

#[async_trait]
impl Builder for Stopping {
    async fn launch(&self, _: &BuildContext) -> Result<Box<dyn Machine>> {
        self.0.cancel();
        std::future::pending().await
    }
}

/// A run and what it says.
struct World {
    run: Run,
    said: Arc<Mutex<Vec<String>>>,
    state: TempDir,
}

struct Said(Arc<Mutex<Vec<String>>>);

impl Reporter for Said {
    fn event(&mut self, event: &Event) {
        let text = match event {
            Event::BuildLine { build, text, .. } => format!("{build}: {text}"),
            Event::BuildFinished { build, error: Some(error), .. } => format!("{build} errored: {error}"),
            Event::BuildFinished { build, .. } => format!("{build} finished"),
            _ => return,
        };
        self.0.lock().unwrap().push(text);
    }
}

impl World {
    fn new(options: Options) -> Self {
        let (state, said) = (tempfile::tempdir().unwrap(), Arc::default());
        let run = Run {
            options,
            events: Events::new(vec![Box::new(Said(Arc::clone(&said)))], Redactor::default()),
            ledger: Ledger::open(state.path()).unwrap(),
            clients: Clients::default(),
            cleaners: FAKES,
            cancel: CancellationToken::new(),
            sources: Arc::default(),
            uuid: "run-1".to_owned(),
        };
        Self { run, said, state }
    }

    async fn build(&self, builds: &[(&str, Making)]) -> Vec<Outcome> {
        self.build_and_post_process(builds, Vec::new).await
    }

    async fn build_and_post_process(
        &self,
        builds: &[(&str, Making)],
        post_processors: impl Fn() -> Vec<Vec<PlannedPostProcessor>>,
    ) -> Vec<Outcome> {
        let builds = builds.iter().map(|(name, making)| PlannedBuild {
            post_processors: post_processors(),
            ..planned(name, Arc::new(making.clone()))
        });
        run(Plan { builds: builds.collect(), ..Plan::default() }, &self.run).await
    }

    async fn calls(&self) -> Vec<String> {
        Calls::of(&self.run.clients).await.take()
    }

    fn said(&self) -> Vec<String> {
        std::mem::take(&mut self.said.lock().unwrap())
    }

    fn remaining(&self) -> Vec<String> {
        self.run.ledger.remaining().into_iter().map(|resource| resource.name).collect()
    }
}

/// One build after the other, so that what happens has an order.
fn in_turn() -> Options {
    Options { parallel_builds: 1, ..Options::default() }
}

#[tokio::test]
async fn a_build_removes_what_it_made_and_marks_what_stays() {
    let world = World::new(in_turn());
    let outcomes = world.build(&[("web", Making { things: &["disk", "machine", "image"], error: None })]).await;
    assert_eq!(outcomes[0].result.as_ref().unwrap()[0].description, "the image of web");
    let mut calls = world.calls().await;
    calls[..2].sort();
    assert_eq!(calls, ["request disk", "request machine", "keep image", "destroy machine", "destroy disk"]);
    assert_eq!(world.remaining(), [""; 0]);
    assert_eq!(world.said(), ["web finished"]);
}

#[tokio::test]
async fn what_a_post_processor_needed_goes_before_the_next_one() {
    let world = World::new(in_turn());
    let twice = || vec![vec![exporting()], vec![exporting()]];
    world.build_and_post_process(&[("web", Making { things: &["image"], error: None })], twice).await;
    let worker = ["request worker", "destroy worker"];
    assert_eq!(world.calls().await, [&worker[..], &worker, &["keep image", "keep object"]].concat());
    assert_eq!(world.remaining(), [""; 0]);
}

#[tokio::test]
async fn what_can_not_be_removed_is_told_and_stays_in_the_journal() {
    let world = World::new(in_turn());
    let error = || TryAgain(anyhow::anyhow!("the zone is full")).into();
    let outcomes = world.build(&[("web", Making { things: &["disk-stuck", "image"], error: Some(error) })]).await;
    assert!(TryAgain::is_in(outcomes[0].result.as_ref().unwrap_err()));
    assert_eq!(outcomes[0].left.iter().map(|left| left.name.as_str()).collect::<Vec<_>>(), ["disk-stuck"]);
    assert_eq!(
        world.said(),
        ["web: the thing disk-stuck could not be removed: it is in use", "web errored: the zone is full"]
    );
    world.run.ledger.finish().unwrap();
    let folder = world.state.path().join("runs").join(world.run.ledger.run());
    assert!(folder.join("journal.jsonl").exists());
    assert_eq!(world.remaining(), ["disk-stuck"]);
}

#[tokio::test]
async fn an_artifact_without_its_mark_is_none() {
    let world = World::new(in_turn());
    let outcomes = world.build(&[("web", Making { things: &["image-unmarked"], error: None })]).await;
    let error = outcomes[0].result.as_ref().unwrap_err();
    assert_eq!(format!("{error:#}"), "keep the thing image-unmarked: it is locked");
    assert_eq!(world.calls().await, ["keep image-unmarked", "request image-unmarked", "destroy image-unmarked"]);
    assert_eq!(world.remaining(), [""; 0]);
}

fn together() -> Options {
    Options { on_failure: OnFailure::Cleanup, ..in_turn() }
}

fn shown(outcomes: &[Outcome]) -> Vec<String> {
    let artifacts = |artifacts: &[Artifact]| artifacts.iter().map(|it| it.description.clone()).collect::<Vec<_>>();
    let show = |outcome: &Outcome| {
        let result = outcome.result.as_ref().map(|kept| artifacts(kept)).map_err(|error| format!("{error:#}"));
        format!("{}: {result:?}, withdrawn {:?}", outcome.build, artifacts(&outcome.withdrawn))
    };
    outcomes.iter().map(show).collect()
}

#[tokio::test]
async fn artifacts_that_stay_together_are_marked_when_all_are_there() {
    let world = World::new(together());
    let web = Making { things: &["machine", "web-image"], error: None };
    let outcomes = world.build(&[("web", web), ("db", Making { things: &["db-image"], error: None })]).await;
    assert_eq!(
        shown(&outcomes),
        ["web: Ok([\"the image of web\"]), withdrawn []", "db: Ok([\"the image of db\"]), withdrawn []"]
    );
    assert_eq!(world.calls().await, ["request machine", "destroy machine", "keep web-image", "keep db-image"]);
    assert_eq!(world.remaining(), [""; 0]);
}

#[tokio::test]
async fn one_that_fails_takes_the_others_with_it() {
    let world = World::new(together());
    let error = || anyhow::anyhow!("the disk is full");
    let builds = [
        ("web", Making { things: &["web-image"], error: None }),
        ("db", Making { things: &["db-image"], error: Some(error) }),
        ("log", Making { things: &["log-image-stuck"], error: None }),
    ];
    let outcomes = world.build(&builds).await;
    assert_eq!(
        shown(&outcomes),
        [
            "web: Ok([]), withdrawn [\"the image of web\"]",
            "db: Err(\"the disk is full\"), withdrawn []",
            "log: Ok([]), withdrawn [\"the image of log\"]",
        ]
    );
    assert_eq!(
        world.said(),
        [
            "web finished",
            "db errored: the disk is full",
            "log finished",
            "web: Removing what it made: another build of this run did not succeed",
            "log: Removing what it made: another build of this run did not succeed",
            "log: the thing log-image-stuck could not be removed: it is in use",
        ]
    );
    let mut calls = world.calls().await;
    calls[2..4].sort();
    assert_eq!(
        calls,
        [
            "request db-image",
            "destroy db-image",
            "request log-image-stuck",
            "request web-image",
            "destroy log-image-stuck",
            "destroy web-image",
        ]
    );
    assert_eq!(outcomes[2].left.len(), 1);
    assert_eq!(world.remaining(), ["log-image-stuck"]);
}

#[tokio::test]
async fn each_build_is_for_itself_where_nothing_else_is_said() {
    let world = World::new(in_turn());
    let web = Making { things: &["web-image"], error: None };
    let outcomes = world.build(&[("web", web), ("db", Making { things: &[], error: None })]).await;
    assert_eq!(
        shown(&outcomes),
        ["web: Ok([\"the image of web\"]), withdrawn []", "db: Err(\"there is nothing to capture\"), withdrawn []",]
    );
    assert_eq!(world.calls().await, ["keep web-image"]);
    assert_eq!(world.remaining(), [""; 0]);
}

#[tokio::test]
async fn one_without_its_mark_takes_the_marked_ones_with_it() {
    let world = World::new(together());
    let web = Making { things: &["web-image"], error: None };
    let outcomes = world.build(&[("web", web), ("db", Making { things: &["unmarked"], error: None })]).await;
    assert_eq!(
        shown(&outcomes),
        [
            "web: Ok([]), withdrawn [\"the image of web\"]",
            "db: Err(\"keep the thing unmarked: it is locked\"), withdrawn [\"the image of db\"]",
        ]
    );
    let mut calls = world.calls().await;
    calls[2..4].sort();
    assert_eq!(
        calls,
        [
            "keep web-image",
            "keep unmarked",
            "request unmarked",
            "request web-image",
            "destroy unmarked",
            "destroy web-image",
        ]
    );
    assert_eq!(world.said().last().unwrap(), "db errored: keep the thing unmarked: it is locked");
    assert_eq!(world.remaining(), [""; 0]);
}

#[tokio::test]
async fn a_run_that_is_cancelled_before_all_are_there_keeps_none() {
    let world = World::new(together());
    // The first has made its image when the second sees the run cancelled.
    let stopper = Stopping(world.run.cancel.clone());
    let web = planned("web", Arc::new(Making { things: &["web-image"], error: None }));
    let plan = Plan { builds: vec![web, planned("db", Arc::new(stopper))], ..Plan::default() };
    let outcomes = run(plan, &world.run).await;
    assert_eq!(
        shown(&outcomes),
        ["web: Ok([]), withdrawn [\"the image of web\"]", "db: Err(\"cancelled\"), withdrawn []"]
    );
    assert_eq!(world.calls().await, ["request web-image", "destroy web-image"]);
    assert_eq!(world.remaining(), [""; 0]);
}
