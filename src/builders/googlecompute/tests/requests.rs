//! What Google would be asked for by sources as users write them.

use super::{PLAIN, builder};
use crate::builders::googlecompute::arguments::set;
use crate::builders::googlecompute::request::Facts;
use imgforge_gce::{DiskRequest, ImageSource, InstanceRequest};
use insta::assert_snapshot;
use std::collections::BTreeMap;

fn request(text: &str) -> InstanceRequest {
    let builder = builder(text);
    let further = builder
        .disks
        .disk_attachment
        .iter()
        .map(|disk| builder.attachment(disk, builder.disk_request(disk, &BTreeMap::new()).map(|_| "made-1")))
        .collect();
    builder.instance_request(Facts {
        source: "projects/debian-cloud/global/images/debian-12-v1",
        disk_name: "imgforge-1",
        labels: &BTreeMap::from([("imgforge-run".to_owned(), "1".to_owned())]),
        metadata: builder.instance.metadata.clone(),
        address: set(&builder.network.address).map(|_| "203.0.113.9"),
        further,
    })
}

#[test]
fn a_plain_source_asks_for_a_machine_that_goes_by_itself() {
    assert_snapshot!(format!("{:#?}", request(PLAIN)), @r##"
        InstanceRequest {
            project: "acme",
            zone: "europe-west1-b",
            description: "Made by imgforge to build an image",
            machine_type: "e2-standard-2",
            labels: {
                "imgforge-run": "1",
            },
            tags: [],
            metadata: {},
            disks: [
                AttachedDisk {
                    device_name: None,
                    boot: true,
                    auto_delete: true,
                    mode: None,
                    interface: None,
                    source: New {
                        name: "imgforge-1",
                        image: Some(
                            "projects/debian-cloud/global/images/debian-12-v1",
                        ),
                        kind: "pd-standard",
                        size_gb: Some(
                            20,
                        ),
                        labels: {
                            "imgforge-run": "1",
                        },
                        resource_manager_tags: {},
                    },
                    encryption: None,
                },
            ],
            interface: Interface {
                network: Some(
                    "global/networks/default",
                ),
                subnetwork: None,
                address: None,
                external: Ephemeral,
            },
            service_account: Some(
                ServiceAccount {
                    email: "default",
                    scopes: [
                        "https://www.googleapis.com/auth/userinfo.email",
                        "https://www.googleapis.com/auth/compute",
                        "https://www.googleapis.com/auth/devstorage.full_control",
                    ],
                },
            ),
            scheduling: Scheduling {
                preemptible: false,
                spot: false,
                on_host_maintenance: Some(
                    "MIGRATE",
                ),
                automatic_restart: None,
                max_run_duration: Some(
                    21600s,
                ),
                termination_action: Some(
                    "DELETE",
                ),
                node_affinities: [],
            },
            accelerators: [],
            min_cpu_platform: None,
            nested_virtualization: None,
            shielded: None,
            resource_manager_tags: {},
            reservation: None,
        }
        "##);
}

const FULL: &str = r#"
    project_id   = "acme"
    zone         = "europe-west1-b"
    source_image = "debian-12-v1"
    ssh_username = "packer"
    machine_type = "n1-standard-4"
    disk_size = 50
    disk_type = "pd-ssd"
    disk_encryption_key {
      kmsKeyName = "projects/acme/locations/global/keyRings/r/cryptoKeys/k"
    }
    disk_attachment {
      volume_type = "pd-balanced"
      volume_size = 100
      device_name = "data"
      keep_device = true
      replica_zones = ["europe-west1-b", "europe-west1-c"]
      create_image = true
    }
    disk_attachment {
      volume_type = "scratch"
      interface_type = "NVME"
    }
    disk_attachment {
      source_volume = "projects/acme/zones/europe-west1-b/disks/tools"
      attachment_mode = "READ_ONLY"
    }
    labels = { team = "web" }
    tags = ["ssh"]
    resource_manager_tags = { "tagKeys/1" = "tagValues/2" }
    metadata = { a = "b" }
    service_account_email = "build@acme.iam.gserviceaccount.com"
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    accelerator_type = "nvidia-tesla-t4"
    accelerator_count = 1
    min_cpu_platform = "Intel Skylake"
    enable_nested_virtualization = true
    enable_secure_boot = true
    enable_vtpm = true
    enable_integrity_monitoring = true
    preemptible = true
    spot = false
    max_run_duration_in_seconds = 3600
    instance_termination_action = "STOP"
    node_affinity {
      key = "workload"
      operator = "IN"
      values = ["images"]
    }
    reservation_affinity {
      consume_reservation_type = "SPECIFIC_RESERVATION"
      key = "compute.googleapis.com/reservation-name"
      values = ["images"]
    }
    subnetwork = "build"
    network_project_id = "acme-net"
    address = "web"
    network_ip = "10.132.0.9"
    image_name = "web-1"
    image_family = "web"
    image_labels = { team = "web" }
    image_project_id = "acme-images"
    image_storage_locations = ["eu"]
    image_licenses = ["projects/vm-options/global/licenses/enable-vmx"]
    image_guest_os_features = ["GVNIC"]
    image_architecture = "x86_64"
    deprecate_at = "2999-01-01T00:00:00Z"
"#;

#[test]
fn everything_that_can_be_written_reaches_the_machine() {
    assert_snapshot!(format!("{:#?}", request(FULL)), @r##"
        InstanceRequest {
            project: "acme",
            zone: "europe-west1-b",
            description: "Made by imgforge to build an image",
            machine_type: "n1-standard-4",
            labels: {
                "imgforge-run": "1",
            },
            tags: [
                "ssh",
            ],
            metadata: {
                "a": "b",
            },
            disks: [
                AttachedDisk {
                    device_name: None,
                    boot: true,
                    auto_delete: true,
                    mode: None,
                    interface: None,
                    source: New {
                        name: "imgforge-1",
                        image: Some(
                            "projects/debian-cloud/global/images/debian-12-v1",
                        ),
                        kind: "pd-ssd",
                        size_gb: Some(
                            50,
                        ),
                        labels: {
                            "imgforge-run": "1",
                        },
                        resource_manager_tags: {
                            "tagKeys/1": "tagValues/2",
                        },
                    },
                    encryption: Some(
                        EncryptionKey {
                            kms_key_name: Some(
                                "projects/acme/locations/global/keyRings/r/cryptoKeys/k",
                            ),
                            ..
                        },
                    ),
                },
                AttachedDisk {
                    device_name: Some(
                        "data",
                    ),
                    boot: false,
                    auto_delete: false,
                    mode: Some(
                        "READ_WRITE",
                    ),
                    interface: Some(
                        "SCSI",
                    ),
                    source: Existing(
                        "projects/acme/regions/europe-west1/disks/made-1",
                    ),
                    encryption: None,
                },
                AttachedDisk {
                    device_name: None,
                    boot: false,
                    auto_delete: true,
                    mode: Some(
                        "READ_WRITE",
                    ),
                    interface: Some(
                        "NVME",
                    ),
                    source: Scratch {
                        kind: "projects/acme/zones/europe-west1-b/diskTypes/local-ssd",
                    },
                    encryption: None,
                },
                AttachedDisk {
                    device_name: None,
                    boot: false,
                    auto_delete: false,
                    mode: Some(
                        "READ_ONLY",
                    ),
                    interface: Some(
                        "SCSI",
                    ),
                    source: Existing(
                        "projects/acme/zones/europe-west1-b/disks/tools",
                    ),
                    encryption: None,
                },
            ],
            interface: Interface {
                network: None,
                subnetwork: Some(
                    "projects/acme-net/regions/europe-west1/subnetworks/build",
                ),
                address: Some(
                    "10.132.0.9",
                ),
                external: Reserved(
                    "203.0.113.9",
                ),
            },
            service_account: Some(
                ServiceAccount {
                    email: "build@acme.iam.gserviceaccount.com",
                    scopes: [
                        "https://www.googleapis.com/auth/cloud-platform",
                    ],
                },
            ),
            scheduling: Scheduling {
                preemptible: true,
                spot: false,
                on_host_maintenance: Some(
                    "TERMINATE",
                ),
                automatic_restart: Some(
                    false,
                ),
                max_run_duration: Some(
                    3600s,
                ),
                termination_action: Some(
                    "STOP",
                ),
                node_affinities: [
                    NodeAffinity {
                        key: "workload",
                        operator: "IN",
                        values: [
                            "images",
                        ],
                    },
                ],
            },
            accelerators: [
                Accelerator {
                    kind: "projects/acme/zones/europe-west1-b/acceleratorTypes/nvidia-tesla-t4",
                    count: 1,
                },
            ],
            min_cpu_platform: Some(
                "Intel Skylake",
            ),
            nested_virtualization: Some(
                true,
            ),
            shielded: Some(
                Shielded {
                    secure_boot: true,
                    vtpm: true,
                    integrity_monitoring: true,
                },
            ),
            resource_manager_tags: {
                "tagKeys/1": "tagValues/2",
            },
            reservation: Some(
                Reservation {
                    consume: "SPECIFIC_RESERVATION",
                    key: "compute.googleapis.com/reservation-name",
                    values: [
                        "images",
                    ],
                },
            ),
        }
        "##);
}

#[test]
fn everything_that_can_be_written_reaches_the_image_and_the_disks() {
    let builder = builder(FULL);
    let labels = BTreeMap::from([("imgforge-role".to_owned(), "temp".to_owned())]);
    let disk = builder.disk_path("made-1", true);
    let disks: Vec<Option<DiskRequest>> =
        builder.disks.disk_attachment.iter().map(|disk| builder.disk_request(disk, &labels)).collect();
    assert_snapshot!(
        format!(
            "{:#?}\n{:#?}\n{disks:#?}",
            builder.image_request(ImageSource::Disk(disk), labels.clone(), None),
            builder.image.deprecation()
        ),
        @r##"
        ImageRequest {
            project: "acme-images",
            source: Disk(
                "projects/acme/regions/europe-west1/disks/made-1",
            ),
            family: Some(
                "web",
            ),
            description: "Created by Packer",
            labels: {
                "imgforge-role": "temp",
                "team": "web",
            },
            licenses: [
                "projects/vm-options/global/licenses/enable-vmx",
            ],
            guest_os_features: [
                "GVNIC",
            ],
            architecture: Some(
                "X86_64",
            ),
            encryption: None,
            storage_locations: [
                "eu",
            ],
            shielded: None,
        }
        Some(
            Deprecation {
                deprecated: Some(
                    "2999-01-01T00:00:00Z",
                ),
                obsolete: None,
                deleted: None,
            },
        )
        [
            Some(
                DiskRequest {
                    project: "acme",
                    zone: "europe-west1-b",
                    replica_zones: [
                        "europe-west1-b",
                        "europe-west1-c",
                    ],
                    description: "Made by imgforge to build an image",
                    kind: "pd-balanced",
                    size_gb: Some(
                        100,
                    ),
                    image: None,
                    iops: None,
                    labels: {
                        "imgforge-role": "temp",
                    },
                    encryption: None,
                },
            ),
            None,
            None,
        ]
        "##
    );
}
