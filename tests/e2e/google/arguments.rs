//! What each argument of the builder changes in what Google is asked: builds that differ in one argument, their recorded
//! requests held against each other.

use super::fake::Fake;
use super::forge::{Place, builder};
use super::requests::{self, Requests};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Arguments that change no request by themselves, and why.
const SILENT: &[(&str, &str)] = &[
    ("access_token", "who asks: the header `Authorization`"),
    ("account_file", "who asks"),
    ("credentials_file", "who asks"),
    ("credentials_json", "who asks"),
    ("impersonate_service_account", "who asks"),
    ("vault_gcp_oauth_engine", "who asks"),
    ("custom_endpoints", "whom is asked: every request of these tests"),
    ("universe_domain", "whom is asked: the domain of every address"),
    ("disk_attachment._", "a placeholder in Packer's table"),
    ("pause_before_connecting", "how long is waited"),
    ("state_timeout", "how long is waited"),
    ("use_internal_ip", "which address is spoken to"),
    ("windows_password_timeout", "WinRM is not spoken"),
];
/// The same by how their names begin.
const SILENT_GROUPS: &[(&str, &str)] = &[
    ("ssh_", "how the machine is spoken to"),
    ("temporary_key_pair_", "the comment of the key in `ssh-keys`"),
    ("winrm_", "WinRM is not spoken"),
    ("iap_", "the tunnel's end on this side"),
    ("oslogin_", "seen with OS Login alone: oslogin.rs"),
];

/// 256 bits in base64.
const RAW_KEY: &str = "c2l4dGVlbiBieXRlcyBvciB0d2ljZSBhcyBtYW55ISE=";
const KMS_KEY: &str = "projects/demo/locations/global/keyRings/r/cryptoKeys/k";

/// A further disk, with members that differ.
fn disk(more: Value) -> Value {
    let mut disk = json!({"volume_type": "pd-ssd", "volume_size": 11, "device_name": "data"});
    disk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "disk_attachment": [disk] })
}

/// Each argument, what a template has for it, and what another has that lacks this argument alone.
fn cases() -> Vec<(&'static str, Value, Value)> {
    let none = || json!({});
    let gpu = |count| json!({"accelerator_type": "nvidia-tesla-t4", "accelerator_count": count, "on_host_maintenance": "TERMINATE"});
    let affinity =
        |key, operator, value| json!({"node_affinity": [{"key": key, "operator": operator, "values": [value]}]});
    let reservation = |key, value| {
        let kind = "SPECIFIC_RESERVATION";
        json!({"reservation_affinity": {"consume_reservation_type": kind, "key": key, "values": [value]}})
    };
    let ssh = || json!({"communicator": "ssh"});
    let with_ssh = |name: &str, value: Value| json!({"communicator": "ssh", name: value});
    let script = |more: Value| {
        let mut script = json!({"startup_script_file": "script"});
        script.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        script
    };
    vec![
        ("accelerator_count", gpu(1), gpu(2)),
        ("accelerator_type", gpu(1), json!({"on_host_maintenance": "TERMINATE"})),
        ("address", json!({"address": "reserved"}), none()),
        ("communicator", ssh(), none()),
        ("delete_at", json!({"delete_at": "2099-03-01T00:00:00Z"}), none()),
        ("deprecate_at", json!({"deprecate_at": "2099-01-01T00:00:00Z"}), none()),
        ("disable_default_service_account", json!({"disable_default_service_account": true}), none()),
        ("disk_attachment", disk(none()), none()),
        ("disk_attachment.attachment_mode", disk(json!({"attachment_mode": "READ_ONLY"})), disk(none())),
        ("disk_attachment.create_image", disk(json!({"create_image": true})), disk(none())),
        ("disk_attachment.device_name", disk(json!({"device_name": "other"})), disk(none())),
        (
            "disk_attachment.disk_encryption_key",
            disk(json!({"disk_encryption_key": {"kmsKeyName": KMS_KEY}})),
            disk(none()),
        ),
        (
            "disk_attachment.disk_encryption_key.kmsKeyName",
            disk(json!({"disk_encryption_key": {"kmsKeyName": KMS_KEY}})),
            disk(none()),
        ),
        (
            "disk_attachment.disk_encryption_key.rawKey",
            disk(json!({"disk_encryption_key": {"rawKey": RAW_KEY}})),
            disk(none()),
        ),
        ("disk_attachment.disk_name", disk(json!({"disk_name": "named"})), disk(none())),
        ("disk_attachment.interface_type", disk(json!({"interface_type": "NVME"})), disk(none())),
        (
            "disk_attachment.iops",
            disk(json!({"volume_type": "pd-extreme", "iops": 20000})),
            disk(json!({"volume_type": "pd-extreme"})),
        ),
        ("disk_attachment.keep_device", disk(json!({"keep_device": true})), disk(none())),
        (
            "disk_attachment.replica_zones",
            disk(json!({"replica_zones": ["europe-west1-b", "europe-west1-c"]})),
            disk(none()),
        ),
        (
            "disk_attachment.source_image",
            disk(json!({"source_image": "projects/debian-cloud/global/images/debian-12-bookworm-v20261101"})),
            disk(none()),
        ),
        (
            "disk_attachment.source_volume",
            json!({"disk_attachment": [{"source_volume": "zones/europe-west1-b/disks/data"}]}),
            none(),
        ),
        ("disk_attachment.volume_size", disk(json!({"volume_size": 13})), disk(none())),
        ("disk_attachment.volume_type", disk(json!({"volume_type": "pd-balanced"})), disk(none())),
        ("disk_encryption_key", json!({"disk_encryption_key": {"kmsKeyName": KMS_KEY}}), none()),
        ("disk_encryption_key.kmsKeyName", json!({"disk_encryption_key": {"kmsKeyName": KMS_KEY}}), none()),
        ("disk_encryption_key.rawKey", json!({"disk_encryption_key": {"rawKey": RAW_KEY}}), none()),
        ("disk_name", json!({"disk_name": "named"}), none()),
        ("disk_size", json!({"disk_size": 21}), none()),
        ("disk_type", json!({"disk_type": "pd-balanced"}), none()),
        (
            "enable_integrity_monitoring",
            json!({"enable_vtpm": true, "enable_integrity_monitoring": true}),
            json!({"enable_vtpm": true}),
        ),
        ("enable_nested_virtualization", json!({"enable_nested_virtualization": true}), none()),
        ("enable_secure_boot", json!({"enable_secure_boot": true}), none()),
        ("enable_vtpm", json!({"enable_vtpm": true}), none()),
        ("image_architecture", json!({"image_architecture": "x86_64"}), none()),
        ("image_description", json!({"image_description": "mine"}), none()),
        ("image_encryption_key", json!({"image_encryption_key": {"kmsKeyName": KMS_KEY}}), none()),
        ("image_encryption_key.kmsKeyName", json!({"image_encryption_key": {"kmsKeyName": KMS_KEY}}), none()),
        ("image_encryption_key.rawKey", json!({"image_encryption_key": {"rawKey": RAW_KEY}}), none()),
        ("image_family", json!({"image_family": "mine"}), none()),
        ("image_forbidden_signatures_db", json!({"image_forbidden_signatures_db": ["file"]}), none()),
        ("image_guest_os_features", json!({"image_guest_os_features": ["GVNIC"]}), none()),
        ("image_key_exchange_key", json!({"image_key_exchange_key": ["file"]}), none()),
        ("image_labels", json!({"image_labels": {"team": "web"}}), none()),
        ("image_licenses", json!({"image_licenses": ["projects/vm-options/global/licenses/enable-vmx"]}), none()),
        ("image_name", json!({"image_name": "another"}), none()),
        ("image_platform_key", json!({"image_platform_key": "file"}), none()),
        ("image_project_id", json!({"image_project_id": "golden"}), none()),
        ("image_signatures_db", json!({"image_signatures_db": ["file"]}), none()),
        ("image_storage_locations", json!({"image_storage_locations": ["eu"]}), none()),
        ("instance_name", json!({"instance_name": "named"}), none()),
        ("instance_termination_action", json!({"instance_termination_action": "STOP"}), none()),
        ("labels", json!({"labels": {"team": "web"}}), none()),
        ("machine_type", json!({"machine_type": "n1-standard-1"}), none()),
        ("max_run_duration_in_seconds", json!({"max_run_duration_in_seconds": 3600}), none()),
        ("metadata", json!({"metadata": {"colour": "green"}}), none()),
        ("metadata_files", json!({"metadata_files": {"colour": "file"}}), none()),
        ("min_cpu_platform", json!({"min_cpu_platform": "Intel Skylake"}), none()),
        ("network", json!({"network": "other"}), none()),
        ("network_ip", json!({"network_ip": "10.129.0.9"}), none()),
        (
            "network_project_id",
            json!({"network": "other", "network_project_id": "golden"}),
            json!({"network": "other"}),
        ),
        ("node_affinity", affinity("k", "IN", "v"), none()),
        ("node_affinity.key", affinity("l", "IN", "v"), affinity("k", "IN", "v")),
        ("node_affinity.operator", affinity("k", "NOT_IN", "v"), affinity("k", "IN", "v")),
        ("node_affinity.values", affinity("k", "IN", "w"), affinity("k", "IN", "v")),
        ("obsolete_at", json!({"obsolete_at": "2099-02-01T00:00:00Z"}), none()),
        (
            "omit_external_ip",
            json!({"omit_external_ip": true, "use_internal_ip": true}),
            json!({"use_internal_ip": true}),
        ),
        ("on_host_maintenance", json!({"on_host_maintenance": "TERMINATE"}), none()),
        ("preemptible", json!({"preemptible": true}), none()),
        ("project_id", json!({"project_id": "golden"}), none()),
        ("region", json!({"region": "europe-west3"}), none()),
        (
            "reservation_affinity",
            json!({"reservation_affinity": {"consume_reservation_type": "NO_RESERVATION"}}),
            none(),
        ),
        (
            "reservation_affinity.consume_reservation_type",
            json!({"reservation_affinity": {"consume_reservation_type": "NO_RESERVATION"}}),
            json!({"reservation_affinity": {"consume_reservation_type": "ANY_RESERVATION"}}),
        ),
        ("reservation_affinity.key", reservation("l", "v"), reservation("k", "v")),
        ("reservation_affinity.values", reservation("k", "w"), reservation("k", "v")),
        ("resource_manager_tags", json!({"resource_manager_tags": {"tagKeys/1": "tagValues/2"}}), none()),
        ("scopes", json!({"scopes": ["https://www.googleapis.com/auth/cloud-platform"]}), none()),
        ("service_account_email", json!({"service_account_email": "builder@demo.iam.gserviceaccount.com"}), none()),
        ("skip_create_image", json!({"skip_create_image": true}), none()),
        ("source_image", json!({"source_image": "debian-12-bookworm-v20261101", "source_image_family": null}), none()),
        ("source_image_family", json!({"source_image_family": "debian-13"}), none()),
        ("source_image_project_id", json!({"source_image_project_id": ["debian-cloud"]}), none()),
        ("startup_script_file", script(none()), none()),
        ("subnetwork", json!({"subnetwork": "default"}), none()),
        ("tags", json!({"tags": ["ssh"]}), none()),
        ("use_iap", with_ssh("use_iap", json!(true)), ssh()),
        ("use_os_login", with_ssh("use_os_login", json!(true)), ssh()),
        ("wait_to_add_ssh_keys", with_ssh("wait_to_add_ssh_keys", json!("10ms")), ssh()),
        ("wrap_startup_script", script(json!({"wrap_startup_script": false})), script(none())),
        ("zone", json!({"zone": "europe-west1-c"}), none()),
    ]
}

/// The requests of one build, or what is wrong with it.
fn requests(fake: &Fake, number: usize, more: &Value) -> Result<Requests, String> {
    let before = fake.log().len();
    let mut all = match more.get("communicator") {
        Some(_) => json!({}),
        None => json!({"communicator": "none", "ssh_username": null}),
    };
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let image = format!("image-{number}");
    let place = Place::new(&json!({"builders": [builder(fake, &image, &all)]}));
    place.write("file", "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n");
    place.write("script", "#!/bin/sh\ntrue\n");
    let ended = place.run(&["build", "-force", "template.json"]);
    if ended.code != Some(0) {
        return Err(format!("{more}\n{}", ended.output));
    }
    Ok(requests::recorded(fake, before, &image))
}

/// Of all that changes, what the argument is about: what is made, then what is told to it, then anything. How often is waited
/// and deleted is up to the time.
fn telling(changed: &[String]) -> &str {
    let is_about = |part: &'static str| changed.iter().find(|change| change.contains(part));
    let found = ["insert /", "setMetadata", "importSshPublicKey", "iap."].into_iter().find_map(is_about);
    found.or_else(|| changed.iter().find(|change| !change.contains(".delete"))).map_or("", String::as_str)
}

#[test]
fn every_argument_is_in_a_request_or_has_a_reason() {
    let fake = Fake::start(json!({"guests": true}));
    fake.seed(json!({
        "projects/demo/zones/europe-west1-b/disks/data": {"sizeGb": "10"},
        "projects/demo/regions/europe-west1/addresses/reserved": {"address": "127.9.9.9"},
        "projects/demo/global/networks/other": {"autoCreateSubnetworks": true},
        "projects/golden/global/networks/other": {"autoCreateSubnetworks": true},
    }));
    let mut known: BTreeMap<String, Result<Requests, String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut table = String::new();
    let mut silent = Vec::new();
    let mut number = 0;
    for (argument, with, without) in cases() {
        let mut recorded = |more: &Value| {
            known
                .entry(more.to_string())
                .or_insert_with(|| {
                    number += 1;
                    requests(&fake, number, more)
                })
                .clone()
        };
        let (with, without) = match (recorded(&with), recorded(&without)) {
            (Ok(with), Ok(without)) => (with, without),
            (with, without) => {
                wrong.extend([with, without].into_iter().filter_map(Result::err));
                continue;
            }
        };
        let changed = requests::changes(&with, &without);
        writeln!(table, "{argument} -> {}", telling(&changed)).unwrap();
        if changed.is_empty() {
            silent.push(argument);
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert_eq!(fake.violations(), [""; 0]);
    insta::assert_snapshot!(table, @r#"
    accelerator_count -> instances.insert /guestAccelerators/0/acceleratorCount
    accelerator_type -> instances.insert /guestAccelerators
    address -> instances.insert /networkInterfaces/0/accessConfigs/0/natIP
    communicator -> instances.insert /metadata/items
    delete_at -> cloudresourcemanager.projects.testIamPermissions /permissions/12
    deprecate_at -> cloudresourcemanager.projects.testIamPermissions /permissions/12
    disable_default_service_account -> instances.insert /serviceAccounts
    disk_attachment -> images.insert /sourceDisk
    disk_attachment.attachment_mode -> instances.insert /disks/1/mode
    disk_attachment.create_image -> images.insert /sourceDisk
    disk_attachment.device_name -> instances.insert /disks/1/deviceName
    disk_attachment.disk_encryption_key -> disks.insert /diskEncryptionKey/kmsKeyName
    disk_attachment.disk_encryption_key.kmsKeyName -> disks.insert /diskEncryptionKey/kmsKeyName
    disk_attachment.disk_encryption_key.rawKey -> disks.insert /diskEncryptionKey/rawKey
    disk_attachment.disk_name -> disks.insert /name
    disk_attachment.interface_type -> instances.insert /disks/1/interface
    disk_attachment.iops -> disks.insert /provisionedIops
    disk_attachment.keep_device -> instances.insert /disks/1/autoDelete
    disk_attachment.replica_zones -> instances.insert /disks/1/source
    disk_attachment.source_image -> disks.insert /sourceImage
    disk_attachment.source_volume -> instances.insert /disks/1/autoDelete
    disk_attachment.volume_size -> disks.insert /sizeGb
    disk_attachment.volume_type -> disks.insert /type
    disk_encryption_key -> instances.insert /disks/0/diskEncryptionKey/kmsKeyName
    disk_encryption_key.kmsKeyName -> instances.insert /disks/0/diskEncryptionKey/kmsKeyName
    disk_encryption_key.rawKey -> images.insert /sourceDiskEncryptionKey/rawKey
    disk_name -> images.insert /sourceDisk
    disk_size -> instances.insert /disks/0/initializeParams/diskSizeGb
    disk_type -> instances.insert /disks/0/initializeParams/diskType
    enable_integrity_monitoring -> instances.insert /shieldedInstanceConfig/enableIntegrityMonitoring
    enable_nested_virtualization -> instances.insert /advancedMachineFeatures/enableNestedVirtualization
    enable_secure_boot -> instances.insert /shieldedInstanceConfig/enableIntegrityMonitoring
    enable_vtpm -> instances.insert /shieldedInstanceConfig/enableIntegrityMonitoring
    image_architecture -> images.insert /architecture
    image_description -> images.insert /description
    image_encryption_key -> images.insert /imageEncryptionKey/kmsKeyName
    image_encryption_key.kmsKeyName -> images.insert /imageEncryptionKey/kmsKeyName
    image_encryption_key.rawKey -> images.insert /imageEncryptionKey/rawKey
    image_family -> images.insert /family
    image_forbidden_signatures_db -> images.insert /shieldedInstanceInitialState/dbxs
    image_guest_os_features -> images.insert /guestOsFeatures
    image_key_exchange_key -> images.insert /shieldedInstanceInitialState/keks
    image_labels -> images.insert /labels/team
    image_licenses -> images.insert /licenses
    image_name -> images.insert /name
    image_platform_key -> images.insert /shieldedInstanceInitialState/pk/content
    image_project_id -> cloudresourcemanager.projects.testIamPermissions /permissions/8
    image_signatures_db -> images.insert /shieldedInstanceInitialState/dbs
    image_storage_locations -> images.insert /storageLocations
    instance_name -> images.insert /sourceDisk
    instance_termination_action -> instances.insert /scheduling/instanceTerminationAction
    labels -> instances.insert /disks/0/initializeParams/labels/team
    machine_type -> instances.insert /machineType
    max_run_duration_in_seconds -> instances.insert /scheduling/maxRunDuration/seconds
    metadata -> instances.insert /metadata/items
    metadata_files -> instances.insert /metadata/items
    min_cpu_platform -> instances.insert /minCpuPlatform
    network -> instances.insert /networkInterfaces/0/network
    network_ip -> instances.insert /networkInterfaces/0/networkIP
    network_project_id -> instances.insert /networkInterfaces/0/network
    node_affinity -> instances.insert /scheduling/nodeAffinities
    node_affinity.key -> instances.insert /scheduling/nodeAffinities/0/key
    node_affinity.operator -> instances.insert /scheduling/nodeAffinities/0/operator
    node_affinity.values -> instances.insert /scheduling/nodeAffinities/0/values/0
    obsolete_at -> cloudresourcemanager.projects.testIamPermissions /permissions/12
    omit_external_ip -> instances.insert /networkInterfaces/0/accessConfigs
    on_host_maintenance -> instances.insert /scheduling/onHostMaintenance
    preemptible -> instances.insert /scheduling/automaticRestart
    project_id -> images.insert /sourceDisk
    region -> regions.get [path]
    reservation_affinity -> instances.insert /reservationAffinity/consumeReservationType
    reservation_affinity.consume_reservation_type -> instances.insert /reservationAffinity/consumeReservationType
    reservation_affinity.key -> instances.insert /reservationAffinity/key
    reservation_affinity.values -> instances.insert /reservationAffinity/values/0
    resource_manager_tags -> instances.insert /disks/0/initializeParams/resourceManagerTags/tagKeys/1
    scopes -> instances.insert /serviceAccounts/0/scopes/0
    service_account_email -> instances.insert /serviceAccounts/0/email
    skip_create_image -> cloudresourcemanager.projects.testIamPermissions /permissions/8
    source_image -> + images.get
    source_image_family -> instances.insert /disks/0/initializeParams/sourceImage
    source_image_project_id -> - images.getFromFamily
    startup_script_file -> instances.insert /metadata/items
    subnetwork -> instances.insert /networkInterfaces/0/network
    tags -> instances.insert /tags/items
    use_iap -> + iap.connect
    use_os_login -> images.insert /sourceDisk
    wait_to_add_ssh_keys -> instances.insert /metadata/items
    wrap_startup_script -> instances.insert /metadata/items/0/value
    zone -> images.insert /sourceDisk
    "#);
    assert_eq!(silent, [""; 0], "these change nothing");

    let tested: BTreeSet<&str> = cases().into_iter().map(|(argument, ..)| argument).collect();
    let has_reason = |name: &str| {
        SILENT.iter().any(|(silent, _)| *silent == name)
            || SILENT_GROUPS.iter().any(|(start, _)| name.starts_with(start))
    };
    let mut missing = requests::arguments("builder", "googlecompute");
    missing.retain(|name| !tested.contains(name.as_str()) && !has_reason(name));
    assert_eq!(missing, [""; 0], "arguments that nothing is known of");
}
