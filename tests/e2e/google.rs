//! Google Cloud's client against the fake: the whole life of a machine and its image, and what goes wrong on the way.

mod data_sources;
mod export;
pub(crate) mod fake;
pub(crate) mod forge;

use fake::Fake;
use imgforge_gce::{
    AttachedDisk, DiskSource, External, Gce, ImageRequest, ImageSource, InstanceRequest, Interface, Kind, Operation,
    Scheduling,
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
        let fake = Fake::start(json!({}));
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
    assert_eq!(gce.instances(PROJECT, "labels.imgforge-run:*").await.unwrap(), [instance.clone()]);

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
    assert_eq!(gce.disks(PROJECT, "").await.unwrap().len(), 1);
    life.done(gce.delete_disk(PROJECT, ZONE, false, &name).await.unwrap()).await;
    life.done(gce.delete_image(PROJECT, &image_name).await.unwrap()).await;

    let left = life.fake.state().into_iter().filter(|(path, _)| path.starts_with(&format!("projects/{PROJECT}/")));
    assert_eq!(left.map(|(path, _)| path).collect::<Vec<_>>(), Vec::<String>::new());
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
    assert_eq!(life.gce.instances(PROJECT, "").await.unwrap().len(), 1);
    let inserts = life.fake.methods().iter().filter(|method| *method == "compute.instances.insert").count();
    assert_eq!(inserts, 2);

    life.fake.faults(json!([{"method": "compute.instances.delete", "call": 1, "fault": {"lost_answer": true}}]));
    life.done(life.gce.delete_instance(PROJECT, ZONE, &name).await.unwrap()).await;
    assert_eq!(life.gce.instances(PROJECT, "").await.unwrap(), []);
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
