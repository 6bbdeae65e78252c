use super::*;
use crate::cleaners::testing::{Calls, FAKES};
use crate::event::{Event, Reporter};
use crate::exit::TryAgain;
use crate::secret::Redactor;
use crate::sweepers::{Findings, Found, Sweeper};
use async_trait::async_trait;
use imgforge_ledger::Ledger;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A world of clouds: what is in each area, or why that can't be told.
#[derive(Default)]
struct Sky(Mutex<BTreeMap<String, Vec<Found>>>);

struct Looking;

#[async_trait]
impl Sweeper for Looking {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn find(&self, wanted: &Wanted, area: &Area, clients: &Clients) -> Findings {
        let area = &area.details["project"];
        Calls::of(clients).await.note(format!("find {wanted:?} in {area}"));
        let sky = clients.get_or_make("sky", async { Ok(Sky::default()) }).await.unwrap();
        let mut findings = Findings::default();
        findings.add(Ok(sky.0.lock().unwrap().get(area).cloned().unwrap_or_default()));
        match area.as_str() {
            "forbidden" => findings.add(Err(anyhow::anyhow!("the list of disks is forbidden"))),
            "busy" => findings.add(Err(TryAgain(anyhow::anyhow!("too many calls")).into())),
            _ => {}
        }
        findings
    }
}

struct World {
    broom: Broom,
    said: Arc<Mutex<Vec<String>>>,
    _state: TempDir,
}

struct Said(Arc<Mutex<Vec<String>>>);

impl Reporter for Said {
    fn event(&mut self, event: &Event) {
        if let Event::Line { text, .. } = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

const RUN: &str = "00112233445566aa";

impl World {
    fn new() -> Self {
        let (state, said) = (tempfile::tempdir().unwrap(), Arc::default());
        let broom = Broom {
            events: Events::new(vec![Box::new(Said(Arc::clone(&said)))], Redactor::default()),
            state: state.path().to_owned(),
            clients: Clients::default(),
            cleaners: FAKES,
            sweepers: Sweepers(&[&Looking]),
        };
        Self { broom, said, _state: state }
    }

    /// A run that died after it had claimed these things. Returns its identifier.
    fn dead_run(&self, things: &[&str]) -> String {
        let ledger = Ledger::open(&self.broom.state).unwrap();
        let build = ledger.build("web");
        for thing in things {
            drop(build.claim_named("fake", "thing", thing, BTreeMap::new()).unwrap());
        }
        ledger.run().to_owned()
    }

    async fn put(&self, area: &str, found: Vec<Found>) {
        let sky = self.broom.clients.get_or_make("sky", async { Ok(Sky::default()) }).await.unwrap();
        sky.0.lock().unwrap().insert(area.to_owned(), found);
    }

    fn said(&self) -> Vec<String> {
        std::mem::take(&mut self.said.lock().unwrap())
    }

    async fn calls(&self) -> Vec<String> {
        Calls::of(&self.broom.clients).await.take()
    }

    async fn journals(&self) -> Exit {
        let tally = self.broom.journals(None).await.unwrap().unwrap_or_default();
        self.broom.events.say(tally.text());
        tally.exit()
    }
}

fn areas(projects: &[&str]) -> Vec<Area> {
    let details = |project: &&str| BTreeMap::from([("project".to_owned(), (*project).to_owned())]);
    projects.iter().map(|project| Area { sweeper: "fake", details: details(project) }).collect()
}

/// Something made an hour ago by the run, that expired half of that later.
fn found(name: &str) -> Found {
    let ago = |minutes| Some(Timestamp::now() - SignedDuration::from_mins(minutes));
    Found {
        resource: Resource {
            cleaner: "fake".to_owned(),
            kind: "machine".to_owned(),
            name: name.to_owned(),
            run: RUN.to_owned(),
            build: String::new(),
            details: BTreeMap::new(),
        },
        place: "demo, europe-west1-b".to_owned(),
        since: ago(60),
        run: Some(RUN.to_owned()),
        owner: Some("acme-images-42".to_owned()),
        expires: ago(30),
    }
}

/// Moments differ from run to run.
fn without_moments(lines: Vec<String>) -> Vec<String> {
    let shown = |line: String| match (line.find("since 2"), line.find(" UTC")) {
        (Some(start), Some(end)) => format!("{}since DATE{}", &line[..start], &line[end..]),
        _ => line,
    };
    lines.into_iter().map(shown).collect()
}

#[tokio::test]
async fn what_can_not_be_removed_is_code_5_and_stays_in_the_journal() {
    let world = World::new();
    world.dead_run(&["disk", "image-kept"]);
    world.dead_run(&["disk-stuck", "machine"]);
    assert_eq!(world.journals().await, Exit::LeftBehind);
    assert_eq!(
        world.said(),
        [
            "kept thing image-kept (web): it is the user's by now",
            "removed thing disk (web)",
            "removed thing machine (web)",
            "could not remove thing disk-stuck (web): it is in use",
            "2 removed, 1 kept, 1 left",
        ]
    );
    let mut calls = world.calls().await;
    calls[..4].sort();
    assert_eq!(
        calls,
        [
            "request disk",
            "request disk-stuck",
            "request image-kept",
            "request machine",
            "destroy image-kept",
            "destroy disk",
            "destroy machine",
            "destroy disk-stuck",
        ]
    );
    assert_eq!(world.journals().await, Exit::LeftBehind);
    assert_eq!(world.said(), ["could not remove thing disk-stuck (web): it is in use", "1 left"]);
}

#[tokio::test]
async fn a_journal_that_can_not_be_read_is_told_and_the_others_are_cleaned_up() {
    let world = World::new();
    let (newer, older) = (world.dead_run(&["machine"]), world.dead_run(&["disk"]));
    let folder = world.broom.state.join("runs").join(&newer);
    let journal = folder.join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, format!("{text}{{\"lent\": \"disk\"}}\n")).unwrap();
    assert_eq!(world.journals().await, Exit::LeftBehind);
    let told = format!(
        "the journal of the run {newer} can't be read: {} line 2: unknown variant `lent`, expected one of `claimed`, \
         `kept`, `released` at line 1 column 7; clean up with the version of imgforge that wrote it, or remove by hand \
         what it names, and then {}",
        journal.display(),
        folder.display()
    );
    assert_eq!(world.said(), [told.as_str(), "removed thing disk (web)", "1 removed, 1 unreadable"]);
    assert!(!world.broom.state.join("runs").join(older).exists());
    assert_eq!(world.broom.run(&newer, &areas(&["demo"])).await.unwrap(), Exit::LeftBehind);
    assert_eq!(world.said(), [told.as_str(), "1 unreadable"]);
    assert!(journal.exists());
}

#[tokio::test]
async fn one_run_is_cleaned_up_by_its_journal_and_no_other() {
    let world = World::new();
    let (one, _other) = (world.dead_run(&["disk"]), world.dead_run(&["other"]));
    assert_eq!(world.broom.run(&one, &areas(&["demo"])).await.unwrap(), Exit::Success);
    assert_eq!(world.said(), ["removed thing disk (web)", "1 removed"]);
    assert_eq!(world.calls().await, ["request disk", "destroy disk"]);
    assert_eq!(abandoned(&world.broom.state).unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_without_a_journal_is_found_by_its_marks() {
    let world = World::new();
    world.put("demo", vec![found("machine"), found("image-kept")]).await;
    assert_eq!(world.broom.run(RUN, &areas(&["demo", "empty"])).await.unwrap(), Exit::Success);
    assert_eq!(
        world.said(),
        ["removed machine machine", "kept machine image-kept: it is the user's by now", "1 removed, 1 kept"]
    );
    assert_eq!(
        world.calls().await[..2],
        [format!("find Run(\"{RUN}\") in demo"), format!("find Run(\"{RUN}\") in empty"),]
    );
    assert_eq!(world.broom.run(RUN, &[]).await.unwrap(), Exit::Success);
    assert_eq!(
        world.said(),
        [format!(
            "nothing to clean up: there is no journal of {RUN} here, and neither a template nor a flag tells where else \
             to look"
        )]
    );
}

#[tokio::test]
async fn a_run_that_lives_is_left_alone() {
    let world = World::new();
    let ledger = Ledger::open(&world.broom.state).unwrap();
    let error = world.broom.run(ledger.run(), &areas(&["demo"])).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the run {} is not over", ledger.run()));
    let late = Found { run: Some(ledger.run().to_owned()), ..found("late") };
    world.put("demo", vec![late, found("machine")]).await;
    let expired = Wanted::Expired { grace: GRACE };
    assert_eq!(world.broom.list(&expired, &areas(&["demo"]), true).await.unwrap(), Exit::Success);
    assert_eq!(world.said()[1..], ["removed machine machine", "1 removed"]);
}

#[tokio::test]
async fn what_is_expired_is_listed_and_removed_only_when_that_is_wished() {
    let world = World::new();
    let unknown = Found { since: None, owner: None, run: None, expires: None, ..found("machine-stuck") };
    world.put("demo", vec![found("machine"), unknown]).await;
    let expired = Wanted::Expired { grace: GRACE };
    assert_eq!(world.broom.list(&expired, &areas(&["demo", "demo"]), false).await.unwrap(), Exit::Success);
    let list = [
        format!(
            "machine machine in demo, europe-west1-b; since DATE UTC, 1 hour ago; expired 30 minutes ago; run {RUN}; of acme-images-42"
        ),
        "machine machine-stuck in demo, europe-west1-b; nobody knows since when; nobody knows whose".to_owned(),
    ];
    let said = without_moments(world.said());
    assert_eq!(said[..2], list);
    assert_eq!(said[2..], ["2 found; `--yes` removes what is listed"]);
    world.calls().await;
    assert_eq!(world.broom.list(&expired, &areas(&["demo"]), true).await.unwrap(), Exit::LeftBehind);
    let said = without_moments(world.said());
    assert_eq!(said[..2], list);
    assert_eq!(
        said[2..],
        ["removed machine machine", "could not remove machine machine-stuck: it is in use", "1 removed, 1 left"]
    );
}

#[tokio::test]
async fn where_it_could_not_look_is_told_and_fails_the_command_after_the_rest_is_done() {
    let world = World::new();
    world.put("forbidden", vec![found("image")]).await;
    world.put("demo", vec![found("machine")]).await;
    let all = areas(&["forbidden", "demo"]);
    assert_eq!(world.broom.run(RUN, &all).await.unwrap(), Exit::Failed);
    assert_eq!(
        world.said(),
        [
            "could not look everywhere: the list of disks is forbidden",
            "removed machine image",
            "removed machine machine",
            "2 removed",
        ]
    );
    assert_eq!(world.broom.run(RUN, &areas(&["busy", "empty"])).await.unwrap(), Exit::TryAgain);
    let leftovers = Wanted::PackerLeftovers { older_than: DAY };
    assert_eq!(world.broom.list(&leftovers, &areas(&["busy", "empty"]), false).await.unwrap(), Exit::TryAgain);
    assert_eq!(world.broom.list(&leftovers, &areas(&["empty"]), false).await.unwrap(), Exit::Success);
}

#[test]
fn flags_that_say_different_things_are_refused() {
    let wanted = |arguments: CleanupArguments| arguments.wanted().map_err(|error| error.to_string());
    let nothing = CleanupArguments::default;
    assert_eq!(wanted(nothing()), Ok(None));
    let expired = CleanupArguments { expired: true, yes: true, ..nothing() };
    assert_eq!(wanted(expired), Ok(Some(Wanted::Expired { grace: Duration::from_secs(1800) })));
    let leftovers = CleanupArguments { packer_leftovers: true, ..nothing() };
    assert_eq!(wanted(leftovers), Ok(Some(Wanted::PackerLeftovers { older_than: Duration::from_secs(86400) })));
    let refused = [
        CleanupArguments { expired: true, packer_leftovers: true, ..nothing() },
        CleanupArguments { run: Some(RUN.to_owned()), yes: true, ..nothing() },
        CleanupArguments { expired: true, older_than: Some(DAY), ..nothing() },
    ];
    assert_eq!(
        refused.map(|arguments| wanted(arguments).unwrap_err()),
        [
            "`--run`, `--expired` and `--packer-leftovers` exclude each other",
            "`--yes` goes with `--expired` or `--packer-leftovers`: everything else is removed without",
            "`--older-than` goes with `--packer-leftovers`",
        ]
    );
}
