//! Our small types as the API's bodies.

use crate::server::{Answer, Server, claim};
use imgforge_gce::{
    Accelerator, AttachedDisk, Deprecation, DiskRequest, DiskSource, EncryptionKey, External, ImageRequest,
    ImageSource, InstanceRequest, Interface, NodeAffinity, Reservation, Scheduling, ServiceAccount, Shielded,
    ShieldedState,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

fn map(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

async fn server() -> Server {
    Server::new(vec![Answer::Json(200, json!({"name": "operation-1"}))]).await
}

/// The one body that was sent, with the claim's name replaced.
fn body(server: &Server, name: &str) -> Value {
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    serde_json::from_str(&asked[0].body.to_string().replace(name, "NAME")).unwrap()
}

#[tokio::test]
async fn a_machine_with_everything() {
    let request = InstanceRequest {
        project: "p".to_owned(),
        zone: "us-east1-b".to_owned(),
        description: "made by a test".to_owned(),
        machine_type: "n1-standard-1".to_owned(),
        labels: map("imgforge-run", "0f"),
        tags: vec!["ssh".to_owned()],
        metadata: map("ssh-keys", "u:ssh-ed25519 AAAA"),
        disks: vec![
            AttachedDisk {
                boot: true,
                source: DiskSource::New {
                    name: "boot".to_owned(),
                    image: some("projects/debian-cloud/global/images/debian-12"),
                    kind: "pd-balanced".to_owned(),
                    size_gb: Some(20),
                    labels: map("l", "1"),
                    resource_manager_tags: map("tagKeys/1", "tagValues/2"),
                },
                encryption: Some(EncryptionKey { kms_key_name: None, raw_key: some("c2VjcmV0") }),
                ..AttachedDisk::default()
            },
            AttachedDisk {
                auto_delete: true,
                interface: some("NVME"),
                source: DiskSource::Scratch { kind: "local-ssd".to_owned() },
                ..AttachedDisk::default()
            },
            AttachedDisk {
                device_name: some("data"),
                mode: some("READ_ONLY"),
                source: DiskSource::Existing("zones/us-east1-b/disks/data".to_owned()),
                ..AttachedDisk::default()
            },
        ],
        interface: Interface {
            network: some("global/networks/default"),
            subnetwork: some("regions/us-east1/subnetworks/s"),
            address: some("10.0.0.2"),
            external: External::Reserved("203.0.113.9".to_owned()),
        },
        service_account: Some(ServiceAccount { email: "default".to_owned(), scopes: vec!["scope".to_owned()] }),
        scheduling: Scheduling {
            preemptible: false,
            spot: true,
            on_host_maintenance: some("TERMINATE"),
            automatic_restart: Some(false),
            max_run_duration: Some(Duration::from_secs(3_600)),
            termination_action: some("DELETE"),
            node_affinities: vec![NodeAffinity {
                key: "k".to_owned(),
                operator: "NOT_IN".to_owned(),
                values: vec!["v".to_owned()],
            }],
        },
        accelerators: vec![Accelerator { kind: "nvidia-t4".to_owned(), count: 1 }],
        min_cpu_platform: some("Intel Haswell"),
        nested_virtualization: Some(true),
        shielded: Some(Shielded { secure_boot: true, vtpm: true, integrity_monitoring: false }),
        resource_manager_tags: map("tagKeys/3", "tagValues/4"),
        reservation: Some(Reservation {
            consume: "SPECIFIC_RESERVATION".to_owned(),
            key: "compute.googleapis.com/reservation-name".to_owned(),
            values: vec!["r".to_owned()],
        }),
    };
    let (server, (claim, _ledger)) = (server().await, claim());
    let name = claim.name().to_owned();
    let operation = server.gce.insert_instance(claim, &request).await.unwrap();
    assert_eq!(operation.name, "operation-1");
    assert_eq!(
        body(&server, &name),
        json!({
            "name": "NAME",
            "description": "made by a test",
            "machineType": "projects/p/zones/us-east1-b/machineTypes/n1-standard-1",
            "labels": {"imgforge-run": "0f"},
            "tags": {"items": ["ssh"]},
            "metadata": {"items": [{"key": "ssh-keys", "value": "u:ssh-ed25519 AAAA"}]},
            "disks": [
                {
                    "type": "PERSISTENT",
                    "boot": true,
                    "autoDelete": false,
                    "diskEncryptionKey": {"rawKey": "c2VjcmV0"},
                    "initializeParams": {
                        "diskName": "boot",
                        "diskType": "projects/p/zones/us-east1-b/diskTypes/pd-balanced",
                        "diskSizeGb": "20",
                        "sourceImage": "projects/debian-cloud/global/images/debian-12",
                        "labels": {"l": "1"},
                        "resourceManagerTags": {"tagKeys/1": "tagValues/2"},
                    },
                },
                {
                    "type": "SCRATCH",
                    "boot": false,
                    "autoDelete": true,
                    "interface": "NVME",
                    "initializeParams": {"diskType": "projects/p/zones/us-east1-b/diskTypes/local-ssd"},
                },
                {
                    "type": "PERSISTENT",
                    "boot": false,
                    "autoDelete": false,
                    "deviceName": "data",
                    "mode": "READ_ONLY",
                    "source": "zones/us-east1-b/disks/data",
                },
            ],
            "networkInterfaces": [{
                "network": "global/networks/default",
                "subnetwork": "regions/us-east1/subnetworks/s",
                "networkIP": "10.0.0.2",
                "accessConfigs": [{"name": "External NAT", "type": "ONE_TO_ONE_NAT", "natIP": "203.0.113.9"}],
            }],
            "serviceAccounts": [{"email": "default", "scopes": ["scope"]}],
            "scheduling": {
                "preemptible": false,
                "provisioningModel": "SPOT",
                "onHostMaintenance": "TERMINATE",
                "automaticRestart": false,
                "maxRunDuration": {"seconds": "3600"},
                "instanceTerminationAction": "DELETE",
                "nodeAffinities": [{"key": "k", "operator": "NOT_IN", "values": ["v"]}],
            },
            "guestAccelerators": [{
                "acceleratorType": "projects/p/zones/us-east1-b/acceleratorTypes/nvidia-t4",
                "acceleratorCount": 1,
            }],
            "minCpuPlatform": "Intel Haswell",
            "advancedMachineFeatures": {"enableNestedVirtualization": true},
            "shieldedInstanceConfig": {"enableSecureBoot": true, "enableVtpm": true, "enableIntegrityMonitoring": false},
            "params": {"resourceManagerTags": {"tagKeys/3": "tagValues/4"}},
            "reservationAffinity": {
                "consumeReservationType": "SPECIFIC_RESERVATION",
                "key": "compute.googleapis.com/reservation-name",
                "values": ["r"],
            },
        })
    );
}

#[tokio::test]
async fn a_machine_with_next_to_nothing() {
    let request = InstanceRequest {
        project: "p".to_owned(),
        zone: "us-east1-b".to_owned(),
        machine_type: "https://compute/machineTypes/mine".to_owned(),
        interface: Interface { external: External::None, ..Interface::default() },
        ..InstanceRequest::default()
    };
    let (server, (claim, _ledger)) = (server().await, claim());
    let name = claim.name().to_owned();
    let operation = server.gce.insert_instance(claim, &request).await.unwrap();
    assert_eq!(operation.project, "p");
    assert_eq!(
        body(&server, &name),
        json!({
            "name": "NAME",
            "description": "",
            "machineType": "https://compute/machineTypes/mine",
            "networkInterfaces": [{}],
            "scheduling": {"preemptible": false},
        })
    );
}

#[tokio::test]
async fn disks_of_a_zone_and_of_a_region() {
    let mut request = DiskRequest {
        project: "p".to_owned(),
        zone: "us-east1-b".to_owned(),
        kind: "pd-extreme".to_owned(),
        size_gb: Some(500),
        iops: Some(10_000),
        image: some("global/images/i"),
        encryption: Some(EncryptionKey { kms_key_name: some("keys/k"), raw_key: None }),
        ..DiskRequest::default()
    };
    let (server, (claim, _ledger)) = (server().await, claim());
    let name = claim.name().to_owned();
    let operation = server.gce.insert_disk(claim, &request).await.unwrap();
    assert_eq!(operation.resource, format!("disk {name} in us-east1-b"));
    assert_eq!(server.lines(), ["POST projects/p/zones/us-east1-b/disks"]);
    assert_eq!(
        body(&server, &name),
        json!({
            "name": "NAME",
            "description": "",
            "type": "projects/p/zones/us-east1-b/diskTypes/pd-extreme",
            "sizeGb": "500",
            "provisionedIops": "10000",
            "sourceImage": "global/images/i",
            "diskEncryptionKey": {"kmsKeyName": "keys/k"},
        })
    );

    request = DiskRequest {
        replica_zones: vec!["us-east1-b".to_owned(), "projects/p/zones/us-east1-c".to_owned()],
        kind: "pd-ssd".to_owned(),
        project: "p".to_owned(),
        zone: "us-east1-b".to_owned(),
        ..DiskRequest::default()
    };
    let (server, (claim, _ledger)) = (self::server().await, self::claim());
    let name = claim.name().to_owned();
    let operation = server.gce.insert_disk(claim, &request).await.unwrap();
    assert_eq!(operation.call, "regionDisks.insert");
    assert_eq!(server.lines(), ["POST projects/p/regions/us-east1/disks"]);
    assert_eq!(
        body(&server, &name),
        json!({
            "name": "NAME",
            "description": "",
            "type": "projects/p/regions/us-east1/diskTypes/pd-ssd",
            "replicaZones": ["projects/p/zones/us-east1-b", "projects/p/zones/us-east1-c"],
        })
    );
}

#[tokio::test]
async fn images_of_a_disk_and_of_an_archive() {
    let request = ImageRequest {
        project: "p".to_owned(),
        source: ImageSource::Disk("projects/p/zones/us-east1-b/disks/d".to_owned()),
        family: some("web"),
        description: "made by a test".to_owned(),
        labels: map("imgforge-role", "artifact"),
        licenses: vec!["global/licenses/l".to_owned()],
        guest_os_features: vec!["GVNIC".to_owned(), "A_NEW_ONE".to_owned()],
        architecture: some("ARM64"),
        encryption: Some(EncryptionKey { kms_key_name: some("keys/k"), raw_key: None }),
        storage_locations: vec!["eu".to_owned()],
        shielded: Some(ShieldedState {
            platform_key: Some((vec![1, 2, 3], "X509".to_owned())),
            signatures: vec![(vec![255, 254], "BIN".to_owned())],
            ..ShieldedState::default()
        }),
    };
    let (server, (claim, _ledger)) = (server().await, claim());
    let name = claim.name().to_owned();
    let operation = server.gce.insert_image(claim, &request).await.unwrap();
    assert_eq!(operation.call, "images.insert");
    assert_eq!(
        body(&server, &name),
        json!({
            "name": "NAME",
            "sourceType": "RAW",
            "sourceDisk": "projects/p/zones/us-east1-b/disks/d",
            "family": "web",
            "description": "made by a test",
            "labels": {"imgforge-role": "artifact"},
            "licenses": ["global/licenses/l"],
            "guestOsFeatures": [{"type": "GVNIC"}, {"type": "A_NEW_ONE"}],
            "architecture": "ARM64",
            "imageEncryptionKey": {"kmsKeyName": "keys/k"},
            "storageLocations": ["eu"],
            "shieldedInstanceInitialState": {
                "pk": {"content": "AQID", "fileType": "X509"},
                "dbs": [{"content": "__4=", "fileType": "BIN"}],
            },
        })
    );

    let url = "https://storage.googleapis.com/b/o.tar.gz".to_owned();
    let request = ImageRequest { source: ImageSource::Archive(url), ..ImageRequest::default() };
    let (server, (claim, _ledger)) = (self::server().await, self::claim());
    let name = claim.name().to_owned();
    let request = ImageRequest { project: "p".to_owned(), ..request };
    let operation = server.gce.insert_image(claim, &request).await.unwrap();
    assert_eq!(operation.resource, format!("image {name} in project p"));
    assert_eq!(
        body(&server, &name),
        json!({
            "name": "NAME",
            "sourceType": "RAW",
            "description": "",
            "rawDisk": {"containerType": "TAR", "source": "https://storage.googleapis.com/b/o.tar.gz"},
        })
    );
}

#[tokio::test]
async fn an_image_grows_old_when_it_is_told_to() {
    let server = server().await;
    let deprecation = Deprecation { deprecated: some("2030-01-01T00:00:00Z"), ..Deprecation::default() };
    let operation = server.gce.deprecate_image("p", "web-1", &deprecation).await.unwrap();
    assert_eq!(operation.call, "images.deprecate");
    assert_eq!(server.lines(), ["POST projects/p/global/images/web-1/deprecate"]);
    assert_eq!(body(&server, "web-1"), json!({"state": "ACTIVE", "deprecated": "2030-01-01T00:00:00Z"}));
}

#[tokio::test]
async fn every_call_can_be_made_by_a_task_of_its_own() {
    fn can_move<T: Send>(_: &T) {}

    let (server, (claim, _ledger)) = (server().await, claim());
    let (gce, labels, metadata) = (&server.gce, BTreeMap::new(), BTreeMap::new());
    can_move(&gce.insert_instance(claim, &InstanceRequest::default()));
    can_move(&gce.instances("p", ""));
    can_move(&gce.set_metadata("p", "z", "web", &metadata));
    can_move(&gce.was_preempted("p", "z", "web"));
    can_move(&gce.disk("p", "z", false, "data"));
    can_move(&gce.delete_disk("p", "r", true, "data"));
    can_move(&gce.label_image("p", "web-1", &labels));
    can_move(&gce.machine_type("p", "z", "e2-small"));
}
