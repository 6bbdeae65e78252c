//! `imgforge cleanup` in the fake of Google Cloud: what is ours goes, with a journal and without one, and nothing else.

use crate::google::fake::{Fake, TOKEN};
use crate::google::forge::{Place, builder};
use imgforge::cleaners::{CLEANERS, Fate};
use imgforge::clients::Clients;
use imgforge::google::{CLEANER, kind};
use imgforge_gce::{DiskRequest, Gce, ImageRequest, ImageSource};
use imgforge_ledger::{BuildLedger, Claim, Ledger};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const PROJECT: &str = "demo";
const ZONE: &str = "europe-west1-b";
const RUN: &str = "00112233445566aa";
const UUID: &str = "65c2f3aa-1b2c-4d5e-8f90-a1b2c3d4e5f6";

struct World {
    fake: Fake,
    state: TempDir,
}

impl World {
    fn new() -> Self {
        Self { fake: Fake::start(json!({})), state: tempfile::tempdir().unwrap() }
    }

    /// Runs the command with the flags that tell where the fake is; returns its code and what it said.
    fn cleanup(&self, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
        let endpoints = self.fake.endpoints().into_iter();
        let endpoints: Vec<String> = endpoints.map(|(key, url)| format!("--gce-endpoint={key}={url}")).collect();
        let project = format!("--gce-project={PROJECT}");
        let place = endpoints.iter().map(String::as_str).chain([project.as_str()]);
        self.run(&["cleanup"].into_iter().chain(arguments.iter().copied()).chain(place).collect::<Vec<_>>())
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
        let output = Command::new(env!("CARGO_BIN_EXE_imgforge"))
            .args(arguments)
            .env_clear()
            .env("IMGFORGE_STATE_DIR", self.state.path())
            .env("GOOGLE_OAUTH_ACCESS_TOKEN", TOKEN)
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), said.lines().map(str::to_owned).collect())
    }

    fn seed(&self, path: &str, resource: Value) {
        self.fake.seed(json!({ path: resource }));
    }

    /// What is there of the project's, by the last two parts of its path.
    fn there(&self) -> Vec<String> {
        let state = self.fake.state();
        let own = state.keys().filter(|path| path.starts_with(&format!("projects/{PROJECT}/")));
        let own = own.filter(|path| ["/instances/", "/disks/", "/images/"].iter().any(|kind| path.contains(kind)));
        let short = |path: &String| {
            path.rsplitn(3, '/').take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("/")
        };
        let mut own: Vec<String> = own.map(short).collect();
        own.sort();
        own
    }

    /// How a claim finds the fake.
    fn details(&self, place: &[(&str, &str)]) -> BTreeMap<String, String> {
        let endpoints = self.fake.endpoints().into_iter().map(|(key, url)| (format!("endpoint.{key}"), url));
        let place =
            place.iter().chain(&[("project", PROJECT)]).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        endpoints.chain(place).collect()
    }

    fn ledger(&self) -> Arc<Ledger> {
        Ledger::open(self.state.path()).unwrap()
    }

    /// Clients that have the live account of the claims' details.
    async fn clients(&self, gce: &Gce) -> Clients {
        let clients = Clients::default();
        let gce = gce.clone();
        let _made = clients.get_or_make::<Gce>("live", async { Ok(gce) }).await.unwrap();
        clients
    }

    fn live_details(&self, place: &[(&str, &str)]) -> BTreeMap<String, String> {
        let mut details = self.details(place);
        details.insert("client".to_owned(), "live".to_owned());
        details
    }
}

fn zonal(kind: &str, name: &str) -> String {
    format!("projects/{PROJECT}/zones/{ZONE}/{kind}/{name}")
}

fn global(kind: &str, name: &str) -> String {
    format!("projects/{PROJECT}/global/{kind}/{name}")
}

fn in_hours(hours: i64) -> String {
    (Timestamp::now() + SignedDuration::from_hours(hours)).as_second().to_string()
}

fn labels(run: &str, role: &str, expires: &str) -> Value {
    json!({"labels": {
        "imgforge-run": run, "imgforge-role": role, "imgforge-expires": expires, "imgforge-owner": "acme-images-42",
    }})
}

/// What others have there, some of it with names and labels that look a little like ours.
fn foreign(world: &World) -> Vec<String> {
    world.seed(&zonal("instances", "web"), json!({}));
    world.seed(&zonal("instances", "packer-web"), json!({"labels": {"team": "web"}}));
    world.seed(&zonal("instances", "imgforge-docs"), json!({"labels": {"imgforge": "yes"}}));
    world.seed(&zonal("disks", "data"), json!({"labels": {"imgforge-expires": "never"}}));
    world.seed(&global("images", "base"), json!({"labels": {"imgforge-role": "artifact", "imgforge-run": RUN}}));
    world.seed(&global("images", "other"), labels("fedcba9876543210", "temp", &in_hours(6)));
    world.there()
}

#[test]
fn a_run_without_a_journal_is_found_by_its_labels_and_nothing_else_is_touched() {
    let world = World::new();
    let foreign = foreign(&world);
    let ours = labels(RUN, "temp", &in_hours(6));
    let name = format!("imgforge-{RUN}-1");
    let disk = json!({"boot": true, "autoDelete": true, "source": zonal("disks", &name)});
    let mut machine = ours.clone();
    machine["disks"] = json!([disk]);
    world.seed(&zonal("instances", &name), machine);
    world.seed(&zonal("disks", &name), ours.clone());
    world.seed(&zonal("disks", "scratch"), ours.clone());
    world.seed(&global("images", "half-made"), ours);
    let (code, said) = world.cleanup(&["--run", RUN]);
    assert_eq!(
        (code, said),
        (
            Some(0),
            vec![
                format!("removed instance {name}"),
                format!("removed disk {name}"),
                "removed disk scratch".to_owned(),
                "removed image half-made".to_owned(),
                "4 removed".to_owned(),
            ]
        )
    );
    assert_eq!(world.there(), foreign);
    assert_eq!(world.cleanup(&["--run", RUN]), (Some(0), vec!["nothing to clean up".to_owned()]));
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}

#[test]
fn what_is_expired_is_listed_by_google_s_clock_and_removed_when_that_is_wished() {
    let world = World::new();
    let foreign = foreign(&world);
    let born = (Timestamp::now() - SignedDuration::from_hours(8)).to_string();
    let old = |role: &str| {
        let mut old = labels(RUN, role, &in_hours(-2));
        old["creationTimestamp"] = json!(born);
        old
    };
    world.seed(&zonal("instances", "late"), old("temp"));
    world.seed(&global("images", "late"), old("temp"));
    world.seed(&global("images", "done"), old("artifact"));
    // Within the half hour of grace.
    let almost = (Timestamp::now() - SignedDuration::from_mins(20)).as_second().to_string();
    world.seed(&zonal("instances", "almost"), labels(RUN, "temp", &almost));
    let (code, said) = world.cleanup(&["--expired"]);
    assert_eq!(code, Some(0), "{said:?}");
    let since = Timestamp::now() - SignedDuration::from_hours(8);
    let of = |what: &str, place: &str| {
        format!(
            "{what} late in {place}; since {}, 8 hours ago; expired 2 hours ago; run {RUN}; of acme-images-42",
            since.strftime("%Y-%m-%d %H:%M UTC")
        )
    };
    let list = [of("instance", "demo, europe-west1-b"), of("image", "demo")];
    assert_eq!(said[..2], list);
    assert_eq!(said[2..], ["2 found; `--yes` removes what is listed"]);
    let (code, said) = world.cleanup(&["--expired", "--yes"]);
    assert_eq!(
        (code, &said[2..]),
        (Some(0), &["removed instance late", "removed image late", "2 removed"].map(str::to_owned)[..])
    );
    let kept = [&foreign[..], &["images/done", "instances/almost"].map(str::to_owned)].concat();
    let mut there = world.there();
    there.retain(|path| !kept.contains(path));
    assert_eq!(there, Vec::<String>::new());
    assert_eq!(world.there().len(), kept.len());
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}

#[test]
fn what_packer_left_is_known_by_its_names_if_it_is_old() {
    let world = World::new();
    let foreign = foreign(&world);
    let hours_ago = |hours| (Timestamp::now() - SignedDuration::from_hours(hours)).to_string();
    let machine =
        |hours| json!({"creationTimestamp": hours_ago(hours), "description": "New instance created by Packer"});
    let (old, young) = (format!("packer-{UUID}"), format!("packer-{}", UUID.replace('6', "7")));
    world.seed(&zonal("instances", &old), machine(31));
    world.seed(&zonal("instances", &young), machine(3));
    let disk = format!("packer-{}", UUID.replace('6', "8"));
    world.seed(&zonal("disks", &disk), json!({"creationTimestamp": hours_ago(31)}));
    let (code, said) = world.cleanup(&["--packer-leftovers", "--older-than", "24h", "--yes"]);
    assert_eq!(code, Some(0), "{said:?}");
    assert_eq!(
        said.iter().map(|line| line.split("; ").next().unwrap()).collect::<Vec<_>>(),
        [
            format!("instance {old} in demo, europe-west1-b"),
            format!("disk {disk} in demo, europe-west1-b"),
            format!("removed instance {old}"),
            format!("removed disk {disk}"),
            "2 removed".to_owned(),
        ]
    );
    let mut there = world.there();
    there.retain(|path| !foreign.contains(path));
    assert_eq!(there, [format!("instances/{young}")]);
    let (code, said) = world.cleanup(&["--packer-leftovers", "--older-than", "2h"]);
    assert_eq!((code, said.len()), (Some(0), 2), "{said:?}");
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}

/// A run that died with these claims.
fn died(world: &World, claims: impl FnOnce(&BuildLedger)) -> String {
    let ledger = world.ledger();
    claims(&ledger.build("googlecompute.web"));
    ledger.run().to_owned()
}

#[test]
fn a_journal_is_enough_and_what_it_says_is_looked_at_once_more() {
    let world = World::new();
    let (zone, nowhere) = (world.details(&[("zone", ZONE)]), world.details(&[]));
    let mut machine = String::new();
    let run = died(&world, |build| {
        let claim = |kind: &str, name: &str, details: &BTreeMap<String, String>| {
            drop(build.claim_named(CLEANER, kind, name, details.clone()).unwrap());
        };
        machine = build.claim_with(CLEANER, kind::INSTANCE, zone.clone()).unwrap().name().to_owned();
        claim(kind::IMAGE, "finished", &nowhere);
        claim(kind::IMAGE, "somebody-s", &nowhere);
        claim(kind::IMAGE, "never-made", &nowhere);
        claim(kind::IMAGE, "half-made", &nowhere);
        claim(kind::DISK, "of-another-run", &zone);
    });
    world.seed(&zonal("instances", &machine), labels(&run, "temp", &in_hours(6)));
    world.seed(&global("images", "finished"), labels(&run, "artifact", ""));
    world.seed(&global("images", "somebody-s"), json!({}));
    world.seed(&global("images", "half-made"), labels(&run, "temp", &in_hours(6)));
    world.seed(&zonal("disks", "of-another-run"), labels(RUN, "temp", &in_hours(6)));
    let (code, said) = world.run(&["cleanup"]);
    assert_eq!(
        (code, said),
        (
            Some(0),
            vec![
                "kept disk of-another-run (googlecompute.web): it is the user's by now".to_owned(),
                "removed image half-made (googlecompute.web)".to_owned(),
                "removed image never-made (googlecompute.web)".to_owned(),
                "kept image somebody-s (googlecompute.web): it is the user's by now".to_owned(),
                "kept image finished (googlecompute.web): it is the user's by now".to_owned(),
                format!("removed instance {machine} (googlecompute.web)"),
                "3 removed, 3 kept".to_owned(),
            ]
        )
    );
    assert_eq!(world.there(), ["disks/of-another-run", "images/finished", "images/somebody-s"]);
    assert_eq!(world.run(&["cleanup"]), (Some(0), vec!["nothing to clean up".to_owned()]));
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}

#[test]
fn what_google_does_not_remove_is_code_5_and_the_next_cleanup_tries_again() {
    let world = World::new();
    let mut machine = String::new();
    let run = died(&world, |build| {
        let claim = build.claim_with(CLEANER, kind::INSTANCE, world.details(&[("zone", ZONE)])).unwrap();
        machine = claim.name().to_owned();
    });
    world.seed(&zonal("instances", &machine), labels(&run, "temp", &in_hours(6)));
    world.fake.faults(json!([
        {"method": "compute.instances.delete", "fault": {"http": 403, "reason": "forbidden"}},
    ]));
    let (code, said) = world.run(&["cleanup"]);
    assert_eq!(code, Some(5), "{said:?}");
    assert!(said[0].starts_with(&format!("could not remove instance {machine} (googlecompute.web): instances.delete")));
    assert_eq!(said[1..], ["1 left"]);
    world.fake.faults(json!([]));
    let (code, said) = world.run(&["cleanup"]);
    assert_eq!((code, said.last().unwrap().as_str()), (Some(0), "1 removed"));
    assert_eq!(world.there(), Vec::<String>::new());
}

fn image(claim: &Claim, disk: &str) -> ImageRequest {
    ImageRequest {
        project: PROJECT.to_owned(),
        source: ImageSource::Disk(format!("projects/{PROJECT}/zones/{ZONE}/disks/{disk}")),
        labels: BTreeMap::from([
            ("imgforge-run".to_owned(), claim.resource().run.clone()),
            ("imgforge-role".to_owned(), "temp".to_owned()),
            ("imgforge-expires".to_owned(), in_hours(6)),
        ]),
        ..ImageRequest::default()
    }
}

#[tokio::test]
async fn an_image_that_is_kept_says_so_and_only_the_process_that_kept_it_takes_it_back() {
    let world = World::new();
    world.seed(&zonal("disks", "data"), json!({}));
    let gce = world.fake.client().await;
    let clients = world.clients(&gce).await;
    let ledger = world.ledger();
    let claim = ledger.build("web").claim_named(CLEANER, kind::IMAGE, "web-1", world.live_details(&[])).unwrap();
    let resource = claim.resource().clone();
    let request = image(&claim, "data");
    let operation = gce.insert_image(claim, &request).await.unwrap();
    gce.wait(&operation, Duration::from_secs(10)).await.unwrap();
    CLEANERS.keep(&resource, &clients).await.unwrap();
    let labels = gce.image(PROJECT, "web-1").await.unwrap().labels;
    assert_eq!(labels["imgforge-role"], "artifact");
    assert!(!labels.contains_key("imgforge-expires"), "{labels:?}");

    let elsewhere = world.clients(&gce).await;
    assert_eq!(CLEANERS.destroy(&resource, &elsewhere).await.unwrap(), Fate::Kept);
    assert_eq!(world.there(), ["disks/data", "images/web-1"]);
    assert_eq!(CLEANERS.destroy(&resource, &clients).await.unwrap(), Fate::Gone);
    assert_eq!(world.there(), ["disks/data"]);
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_creation_that_nobody_waits_for_is_waited_for_before_it_is_undone() {
    let world = World::new();
    world.seed(&zonal("disks", "data"), json!({}));
    let gce = world.fake.client().await;
    let clients = world.clients(&gce).await;
    let build = world.ledger().build("web");
    for number in 0..6 {
        let claim = build.claim_with(CLEANER, kind::DISK, world.live_details(&[("zone", ZONE)])).unwrap();
        let resource = claim.resource().clone();
        let request = DiskRequest {
            project: PROJECT.to_owned(),
            zone: ZONE.to_owned(),
            kind: "pd-standard".to_owned(),
            size_gb: Some(10),
            ..DiskRequest::default()
        };
        let (gce, made) = (gce.clone(), request);
        // Dropped while it is on its way, as a build is that is cancelled.
        let insert = async move { gce.insert_disk(claim, &made).await.map(drop) };
        let _dropped = tokio::time::timeout(Duration::from_micros(800 * number), insert).await;
        let mut fates = Vec::new();
        CLEANERS.remove(vec![resource], &clients, |_, fate| fates.push(fate.unwrap())).await;
        assert_eq!(fates, [Fate::Gone]);
        assert_eq!(world.there(), ["disks/data"], "attempt {number}");
    }
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}

#[test]
fn a_deletion_that_google_fails_at_or_loses_is_begun_again() {
    let deletion = "compute.instances.delete";
    let fails = json!([{"method": deletion, "call": 1, "fault": {"operation": {"code": "INTERNAL_ERROR"}}}]);
    let not_ready = json!({"operation": {"code": "RESOURCE_NOT_READY", "http": 400}});
    let is_not_ready = json!([{"method": deletion, "call": 1, "times": 2, "fault": not_ready}]);
    // The machine is there all the same.
    let is_lost = json!([
        {"method": deletion, "call": 1, "fault": {"never_done": true}},
        {"method": "compute.zoneOperations.wait", "call": 1, "times": 6, "fault": {"http": 404}},
    ]);
    for faults in [fails, is_not_ready, is_lost] {
        let world = World::new();
        let mut machine = String::new();
        let run = died(&world, |build| {
            let claim = build.claim_with(CLEANER, kind::INSTANCE, world.details(&[("zone", ZONE)])).unwrap();
            machine = claim.name().to_owned();
        });
        world.seed(&zonal("instances", &machine), labels(&run, "temp", &in_hours(6)));
        world.fake.faults(faults.clone());
        let removed = format!("removed instance {machine} (googlecompute.web)");
        assert_eq!(world.run(&["cleanup"]), (Some(0), vec![removed, "1 removed".to_owned()]), "{faults}");
        assert_eq!(world.there(), [""; 0], "{faults}");
        assert_eq!(world.fake.violations(), Vec::<String>::new());
    }
}

/// Puts an object of a run there, as an upload of it leaves it.
async fn put_object(world: &World, gce: &Gce, build: &BuildLedger, name: &str) {
    let claim = build.claim_named(CLEANER, kind::OBJECT, name, world.details(&[])).unwrap();
    let metadata = BTreeMap::from([
        ("imgforge-run".to_owned(), claim.resource().run.clone()),
        ("imgforge-role".to_owned(), "temp".to_owned()),
        ("imgforge-expires".to_owned(), in_hours(-2)),
    ]);
    let upload = gce.begin_upload(claim, "application/gzip", &metadata, true).await.unwrap();
    let file = world.state.path().join("half.tar.gz");
    std::fs::write(&file, "half").unwrap();
    gce.upload_file(&upload, &file, &|_, _| {}).await.unwrap();
}

#[tokio::test]
async fn an_object_is_one_thing_however_many_projects_are_looked_through() {
    let world = World::new();
    world.fake.seed(json!({"buckets": {"exports": {}}}));
    let gce = world.fake.client().await;
    let run = {
        let ledger = world.ledger();
        put_object(&world, &gce, &ledger.build("web"), "exports/web.tar.gz").await;
        ledger.run().to_owned()
    };
    std::fs::remove_dir_all(world.state.path().join("runs")).unwrap();
    let place = ["--gce-project=golden", "--gce-bucket=exports/web"];
    let (code, said) = world.cleanup(&[&["--expired"], &place[..]].concat());
    assert_eq!((code, said.len()), (Some(0), 2), "{said:?}");
    assert!(said[0].starts_with("bucket object exports/web.tar.gz in gs://exports; since "), "{said:?}");
    assert_eq!(said[1], "1 found; `--yes` removes what is listed");
    let removed = vec!["removed bucket object exports/web.tar.gz".to_owned(), "1 removed".to_owned()];
    assert_eq!(world.cleanup(&[&["--run", &run], &place[..]].concat()), (Some(0), removed));
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}

#[test]
fn an_import_that_was_killed_is_found_by_its_template_alone() {
    let world = World::new();
    world.fake.seed(json!({"buckets": {"uploads": {"packer-import-1.tar.gz": "x"}}}));
    world.seed(&global("images", "web-1"), json!({}));
    let disk = tempfile::tempdir().unwrap();
    std::fs::write(disk.path().join("disk.raw"), "a disk").unwrap();
    let tar = Command::new("tar").args(["-czf", "disk.tar.gz", "disk.raw"]).current_dir(disk.path()).status();
    assert!(tar.unwrap().success());
    let place = Place::new(&json!({
        "builders": [{"type": "file", "source": disk.path().join("disk.tar.gz"), "target": "out.tar.gz"}],
        "post-processors": [{
            "type": "googlecompute-import",
            "project_id": PROJECT,
            "bucket": "uploads",
            "image_name": "web-2",
            "access_token": TOKEN,
            "custom_endpoints": world.fake.endpoints(),
        }],
    }));
    // The image comes to be after its importer is gone.
    world.fake.faults(json!([{"method": "compute.globalOperations.wait", "fault": {"http": 503}}]));
    let mut build = place.command(&["build", "template.json"]).stdout(Stdio::null()).spawn().unwrap();
    while !world.there().contains(&"images/web-2".to_owned()) {
        assert_eq!(build.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(50));
    }
    build.kill().unwrap();
    build.wait().unwrap();
    world.fake.faults(json!([]));
    let image = world.fake.state()[&global("images", "web-2")].clone();
    let run = image["labels"]["imgforge-run"].as_str().unwrap();

    // On another machine, at another time, with another state folder.
    let template = place.path().join("template.json");
    let (code, said) = world.run(&["cleanup", "--run", run, template.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said:?}");
    assert_eq!(said[0], "removed image web-2");
    assert!(said[1].starts_with("removed bucket object uploads/packer-import-"), "{said:?}");
    assert_eq!(said[2..], ["2 removed"]);
    assert_eq!(world.there(), ["images/web-1"]);
    let objects = world.fake.state()["buckets"]["uploads"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(objects, ["packer-import-1.tar.gz"]);
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_exports_left_is_found_by_their_template_whatever_time_it_was() {
    let world = World::new();
    world.fake.seed(json!({"buckets": {"exports": {"images/web-1.tar.gz": "x"}, "copies": {}}}));
    let gce = world.fake.client().await;
    let run = {
        let ledger = world.ledger();
        let build = ledger.build("web");
        put_object(&world, &gce, &build, "exports/images/web-1764099131.tar.gz").await;
        put_object(&world, &gce, &build, "copies/web.tar.gz").await;
        ledger.run().to_owned()
    };
    std::fs::remove_dir_all(world.state.path().join("runs")).unwrap();
    let export = json!({
        "type": "googlecompute-export",
        "paths": ["gs://exports/images/web-{{timestamp}}.tar.gz", "gs://copies/web.tar.gz"],
    });
    let built = builder(&world.fake, "web", &json!({"communicator": "none", "ssh_username": null}));
    let place = Place::new(&json!({"builders": [built], "post-processors": [export]}));
    let template = place.path().join("template.json");
    let (code, said) = world.run(&["cleanup", "--run", &run, template.to_str().unwrap()]);
    assert_eq!(
        (code, said),
        (
            Some(0),
            vec![
                "removed bucket object copies/web.tar.gz".to_owned(),
                "removed bucket object exports/images/web-1764099131.tar.gz".to_owned(),
                "2 removed".to_owned(),
            ]
        )
    );
    // The project is looked through once, with all buckets.
    let lists = world.fake.methods().iter().filter(|method| *method == "compute.images.list").count();
    assert_eq!(lists, 1);

    // What is not known before the build keeps nobody from looking elsewhere.
    let export = json!({"type": "googlecompute", "destination_image": "gs://exports/{{build `ID`}}.tar.gz"});
    let built = builder(&world.fake, "web", &json!({"communicator": "none", "ssh_username": null}));
    let place = Place::new(&json!({"builders": [built], "post-processors": [export]}));
    let template = place.path().join("template.json");
    world.seed(&global("images", "half-made"), labels(&run, "temp", &in_hours(6)));
    let (code, said) = world.run(&["cleanup", "--run", &run, template.to_str().unwrap()]);
    assert_eq!(
        (code, said),
        (
            Some(1),
            vec![
                "could not look everywhere: the destinations of an export are not known before the build".to_owned(),
                "removed image half-made".to_owned(),
                "1 removed".to_owned(),
            ]
        )
    );
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn keys_of_os_login_and_objects_are_found_by_comment_and_prefix() {
    let world = World::new();
    world.fake.seed(json!({"buckets": {"exports": {"packer-import-1.tar.gz": "x", "web.tar.gz": "x"}}}));
    let gce = world.fake.client().await;
    let (run, key, object) = {
        let ledger = world.ledger();
        let build = ledger.build("web");
        let account = gce.account().await.unwrap();
        let key = build.claim_with(CLEANER, kind::LOGIN_KEY, world.details(&[("account", &account)])).unwrap();
        let name = key.name().to_owned();
        let text = format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJaF6jcbHo9pgiYGoTRPFGMzFuOV8FBAzk/Y3w4HgcHX {name}");
        let expires = SystemTime::now() + Duration::from_secs(3600);
        gce.import_login_key(key, &account, PROJECT, &text, expires).await.unwrap();
        let object = "exports/packer-import-2.tar.gz";
        put_object(&world, &gce, &build, object).await;
        (ledger.run().to_owned(), name, object)
    };
    std::fs::remove_dir_all(world.state.path().join("runs")).unwrap();
    let (code, said) = world.cleanup(&["--run", &run, "--gce-bucket", "exports/other", "--gce-bucket", "exports"]);
    assert_eq!(
        (code, said),
        (
            Some(0),
            vec![
                format!("removed OS Login key {key}"),
                format!("removed bucket object {object}"),
                "2 removed".to_owned(),
            ]
        )
    );
    let account = gce.account().await.unwrap();
    assert_eq!(gce.login_profile(&account, PROJECT).await.unwrap().keys, []);
    let names: Vec<String> = gce.objects("exports", "").await.unwrap().into_iter().map(|object| object.name).collect();
    assert_eq!(names, ["packer-import-1.tar.gz", "web.tar.gz"]);
    assert_eq!(world.fake.violations(), Vec::<String>::new());
}
