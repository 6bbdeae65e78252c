//! Google Cloud's client against the fake: the whole life of a machine and its image, and what goes wrong on the way.

mod arguments;
mod arguments_of_post_processors;
mod builds;
mod chaos;
mod ci_token;
mod data_sources;
mod export;
mod failures;
pub(crate) mod fake;
pub(crate) mod forge;
mod pipeline;
mod requests;
mod services;
mod together;

use fake::Fake;
use imgforge_gce::{
    AttachedDisk, DiskRequest, DiskSource, External, Gce, ImageRequest, ImageSource, InstanceRequest, Interface, Kind,
    Operation, Scheduling,
};
use imgforge_ledger::{BuildLedger, Claim, Ledger};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const PROJECT: &str = "imgforge";
const ZONE: &str = "us-central1-a";
const LIMIT: Duration = Duration::from_secs(30);

struct Life {
    fake: Fake,
    gce: Gce,
    build: BuildLedger,
    _ledger: (TempDir, Arc<Ledger>),
}

impl Life {
    async fn new() -> Self {
        Self::of(Fake::start(json!({}))).await
    }

    async fn of(fake: Fake) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        Self { gce: fake.client().await, fake, build: ledger.build("web"), _ledger: (folder, ledger) }
    }

    fn claim(&self, kind: &str) -> Claim {
        self.build.claim("gce", kind).unwrap()
    }

    async fn done(&self, operation: Operation) {
        self.gce.wait(&operation, LIMIT).await.unwrap();
    }
}

fn machine(name: &str, image: &str) -> InstanceRequest {
    InstanceRequest {
        project: PROJECT.to_owned(),
        zone: ZONE.to_owned(),
        machine_type: "e2-standard-2".to_owned(),
        labels: BTreeMap::from([("imgforge-run".to_owned(), "r1".to_owned())]),
        disks: vec![AttachedDisk {
            boot: true,
            source: DiskSource::New {
                name: name.to_owned(),
                image: Some(image.to_owned()),
                kind: "pd-standard".to_owned(),
                size_gb: Some(20),
                labels: BTreeMap::new(),
                resource_manager_tags: BTreeMap::new(),
            },
            ..AttachedDisk::default()
        }],
        interface: Interface {
            network: Some("global/networks/default".to_owned()),
            external: External::Ephemeral,
            ..Interface::default()
        },
        ..InstanceRequest::default()
    }
}

#[tokio::test]
async fn the_whole_life_of_a_machine_and_its_image() {
    let life = Life::new().await;
    let gce = &life.gce;
    let theirs = format!("projects/{PROJECT}/zones/{ZONE}/disks/theirs");
    life.fake.seed(json!({&theirs: {"name": "theirs"}}));
    assert_eq!(gce.zone(PROJECT, ZONE).await.unwrap().status, "UP");
    assert_eq!(gce.machine_type(PROJECT, ZONE, "e2-standard-2").await.unwrap().cpus, 2);
    assert!(gce.network(PROJECT, "default").await.unwrap().auto_create_subnetworks);
    let base = gce.image_of_family("debian-cloud", "debian-12").await.unwrap();
    assert!(base.name.starts_with("debian-12-"), "{}", base.name);

    let claim = life.claim("instance");
    let name = claim.name().to_owned();
    life.done(gce.insert_instance(claim, &machine(&name, &base.self_link)).await.unwrap()).await;
    let instance = gce.instance(PROJECT, ZONE, &name).await.unwrap();
    assert_eq!((instance.status.as_str(), instance.zone.as_str()), ("RUNNING", ZONE));
    assert!(instance.external_address.is_some() && instance.internal_address.is_some());
    assert_eq!(gce.instances(PROJECT, "labels.imgforge-run:*").await.unwrap().items, std::slice::from_ref(&instance));

    let items = BTreeMap::from([("startup-script-status".to_owned(), "done".to_owned())]);
    life.done(gce.set_metadata(PROJECT, ZONE, &name, &items).await.unwrap()).await;
    assert_eq!(gce.instance(PROJECT, ZONE, &name).await.unwrap().metadata["startup-script-status"], "done");
    let (serial, next) = gce.serial_output(PROJECT, ZONE, &name, 0).await.unwrap();
    assert!(serial.contains("login:") && next > 0, "{serial}");
    assert!(!gce.was_preempted(PROJECT, ZONE, &name).await.unwrap());

    life.done(gce.stop_instance(PROJECT, ZONE, &name).await.unwrap()).await;
    assert_eq!(gce.instance(PROJECT, ZONE, &name).await.unwrap().status, "TERMINATED");
    let disk = gce.disk(PROJECT, ZONE, false, &name).await.unwrap();
    assert_eq!((disk.size_gb, disk.users.len(), disk.place.as_str()), (20, 1, ZONE));

    let claim = life.claim("image");
    let image_name = claim.name().to_owned();
    let request = ImageRequest {
        project: PROJECT.to_owned(),
        source: ImageSource::Disk(disk.self_link.clone()),
        family: Some("web".to_owned()),
        labels: BTreeMap::from([("imgforge-role".to_owned(), "temp".to_owned())]),
        ..ImageRequest::default()
    };
    life.done(gce.insert_image(claim, &request).await.unwrap()).await;
    let labels = BTreeMap::from([("imgforge-role".to_owned(), Some("artifact".to_owned()))]);
    life.done(gce.label_image(PROJECT, &image_name, &labels).await.unwrap()).await;
    let image = gce.image(PROJECT, &image_name).await.unwrap();
    assert_eq!(
        (image.status.as_str(), image.disk_size_gb, image.labels["imgforge-role"].as_str()),
        ("READY", 20, "artifact")
    );
    assert_eq!(gce.image_of_family(PROJECT, "web").await.unwrap(), image);
    assert_eq!(gce.images(PROJECT, "labels.imgforge-role=artifact").await.unwrap(), [image]);

    life.done(gce.delete_instance(PROJECT, ZONE, &name).await.unwrap()).await;
    assert!(gce.instance(PROJECT, ZONE, &name).await.unwrap_err().is_not_found());
    let disks: Vec<_> = gce.disks(PROJECT, "").await.unwrap().items.into_iter().map(|disk| disk.name).collect();
    assert_eq!(disks, [name.as_str(), "theirs"]);
    life.done(gce.delete_disk(PROJECT, ZONE, false, &name).await.unwrap()).await;
    life.done(gce.delete_image(PROJECT, &image_name).await.unwrap()).await;

    let ours = format!("projects/{PROJECT}/");
    let left: Vec<_> =
        life.fake.state().into_iter().map(|(path, _)| path).filter(|path| path.starts_with(&ours)).collect();
    assert_eq!(left, [theirs]);
    assert_eq!(life.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn disks_come_and_go_by_themselves() {
    let life = Life::new().await;
    let gce = &life.gce;
    let (machine_claim, data, regional) = (life.claim("instance"), life.claim("disk"), life.claim("disk"));
    let (machine_name, data_name, regional_name) =
        (machine_claim.name().to_owned(), data.name().to_owned(), regional.name().to_owned());
    let mut request = DiskRequest {
        project: PROJECT.to_owned(),
        zone: ZONE.to_owned(),
        kind: "pd-ssd".to_owned(),
        size_gb: Some(200),
        ..DiskRequest::default()
    };
    // Both at once: what takes long is waited for together.
    let alone = gce.insert_disk(data, &request).await.unwrap();
    request.replica_zones = vec![ZONE.to_owned(), "us-central1-b".to_owned()];
    let in_two_zones = gce.insert_disk(regional, &request).await.unwrap();
    tokio::join!(life.done(alone), life.done(in_two_zones));
    let found = gce.disk(PROJECT, "us-central1", true, &regional_name).await.unwrap();
    assert_eq!((found.place.as_str(), found.is_regional, found.size_gb), ("us-central1", true, 200));

    let mut machine = machine(&machine_name, "projects/debian-cloud/global/images/family/debian-12");
    machine.disks.push(AttachedDisk {
        device_name: Some("data".to_owned()),
        source: DiskSource::Existing(format!("zones/{ZONE}/disks/{data_name}")),
        ..AttachedDisk::default()
    });
    life.done(gce.insert_instance(machine_claim, &machine).await.unwrap()).await;
    let error = match gce.delete_disk(PROJECT, ZONE, false, &data_name).await {
        Ok(operation) => gce.wait(&operation, LIMIT).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind, Kind::InUse, "{error}");
    life.done(gce.delete_instance(PROJECT, ZONE, &machine_name).await.unwrap()).await;
    life.done(gce.delete_disk(PROJECT, ZONE, false, &data_name).await.unwrap()).await;
    life.done(gce.delete_disk(PROJECT, "us-central1", true, &regional_name).await.unwrap()).await;
    let error = gce.delete_disk(PROJECT, ZONE, false, &data_name).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(life.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_looked_up_before_anything_is_made() {
    let life = Life::new().await;
    let gce = &life.gce;
    let address = format!("projects/{PROJECT}/regions/us-central1/addresses/office");
    life.fake.seed(json!({address: {"address": "203.0.113.9"}}));
    assert_eq!(gce.reserved_address(PROJECT, "us-central1", "office").await.unwrap(), "203.0.113.9");
    let project = gce.project(PROJECT).await.unwrap();
    assert_eq!(project.name, PROJECT);
    let region = gce.region(PROJECT, "us-central1").await.unwrap();
    assert_eq!(region.status, "UP");
    assert!(region.quotas.iter().any(|quota| quota.metric == "CPUS" && quota.limit > quota.usage), "{region:?}");
    assert_eq!(gce.subnetwork(PROJECT, "us-central1", "default").await.unwrap().region, "us-central1");
    for error in [
        gce.zone(PROJECT, "mars-1a").await.unwrap_err(),
        gce.machine_type(PROJECT, ZONE, "e3-standard-2").await.unwrap_err(),
        gce.image(PROJECT, "nothing").await.unwrap_err(),
        gce.image_of_family(PROJECT, "nothing").await.unwrap_err(),
    ] {
        assert!(error.is_not_found(), "{error}");
    }
    assert_eq!(life.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_machine_is_made_once_though_the_answer_was_lost() {
    let life = Life::new().await;
    life.fake.faults(json!([{"method": "compute.instances.insert", "call": 1, "fault": {"lost_answer": true}}]));
    let claim = life.claim("instance");
    let name = claim.name().to_owned();
    let request = machine(&name, "projects/debian-cloud/global/images/family/debian-12");
    life.done(life.gce.insert_instance(claim, &request).await.unwrap()).await;
    assert_eq!(life.gce.instances(PROJECT, "").await.unwrap().items.len(), 1);
    let inserts = life.fake.methods().iter().filter(|method| *method == "compute.instances.insert").count();
    assert_eq!(inserts, 2);

    life.fake.faults(json!([{"method": "compute.instances.delete", "call": 1, "fault": {"lost_answer": true}}]));
    life.done(life.gce.delete_instance(PROJECT, ZONE, &name).await.unwrap()).await;
    assert_eq!(life.gce.instances(PROJECT, "").await.unwrap().items, []);
    assert_eq!(life.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn reads_that_lag_behind_are_waited_for() {
    let life = Life::new().await;
    life.fake.faults(json!([{"method": "compute.instances.insert", "call": 1, "fault": {"not_found_reads": 3}}]));
    let claim = life.claim("instance");
    let name = claim.name().to_owned();
    let request = machine(&name, "projects/debian-cloud/global/images/family/debian-12");
    life.done(life.gce.insert_instance(claim, &request).await.unwrap()).await;
    assert_eq!(life.gce.instance(PROJECT, ZONE, &name).await.unwrap().status, "RUNNING");
    let reads = life.fake.methods().iter().filter(|method| *method == "compute.instances.get").count();
    assert_eq!(reads, 4);
    assert_eq!(life.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_operation_says_what_went_wrong_with_it_and_what_to_do() {
    let life = Life::new().await;
    life.fake.faults(json!([
        {"method": "compute.instances.insert", "call": 1, "fault": {"operation": {
            "code": "ZONE_RESOURCE_POOL_EXHAUSTED",
            "message": "The zone 'projects/imgforge/zones/us-central1-a' does not have enough resources.",
        }}},
        {"method": "compute.instances.insert", "call": 2, "fault": {"never_done": true}},
    ]));
    let insert = async || {
        let claim = life.claim("instance");
        let mut request = machine(claim.name(), "projects/debian-cloud/global/images/family/debian-12");
        request.scheduling = Scheduling { spot: true, ..Scheduling::default() };
        let operation = life.gce.insert_instance(claim, &request).await.unwrap();
        life.gce.wait(&operation, Duration::from_secs(2)).await.unwrap_err()
    };
    let error = insert().await;
    assert_eq!(error.kind, Kind::Capacity);
    assert_eq!(error.advice().unwrap(), "try another zone, another machine type, or the same later");
    assert_eq!(insert().await.kind, Kind::TimedOut);
    assert_eq!(life.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_machine_that_google_took_away_is_known_as_such() {
    let life = Life::new().await;
    let claim = life.claim("instance");
    let name = claim.name().to_owned();
    let mut request = machine(&name, "projects/debian-cloud/global/images/family/debian-12");
    request.scheduling = Scheduling { preemptible: true, ..Scheduling::default() };
    life.done(life.gce.insert_instance(claim, &request).await.unwrap()).await;
    assert!(!life.gce.was_preempted(PROJECT, ZONE, &name).await.unwrap());
    life.fake.preempt(&name);
    assert!(life.gce.was_preempted(PROJECT, ZONE, &name).await.unwrap());
    assert_eq!(life.fake.violations(), Vec::<String>::new());
}
