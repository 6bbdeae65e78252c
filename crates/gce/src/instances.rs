//! Virtual machines and their disks.

use crate::images::EncryptionKey;
use crate::{Gce, Operation, Result};
use imgforge_ledger::Claim;
use std::collections::BTreeMap;
use std::time::Duration;

/// A machine to be made. Its name is the claim's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceRequest {
    pub project: String,
    pub zone: String,
    pub description: String,
    /// `e2-standard-2`, or a URL.
    pub machine_type: String,
    pub labels: BTreeMap<String, String>,
    /// Network tags.
    pub tags: Vec<String>,
    pub metadata: BTreeMap<String, String>,
    /// The first one boots.
    pub disks: Vec<AttachedDisk>,
    pub interface: Interface,
    pub service_account: Option<ServiceAccount>,
    pub scheduling: Scheduling,
    pub accelerators: Vec<Accelerator>,
    pub min_cpu_platform: Option<String>,
    pub nested_virtualization: Option<bool>,
    pub shielded: Option<Shielded>,
    pub resource_manager_tags: BTreeMap<String, String>,
    pub reservation: Option<Reservation>,
}

/// A disk of a machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttachedDisk {
    pub device_name: Option<String>,
    pub boot: bool,
    pub auto_delete: bool,
    /// `READ_WRITE` (the default) or `READ_ONLY`.
    pub mode: Option<String>,
    /// `SCSI` or `NVME`.
    pub interface: Option<String>,
    pub source: DiskSource,
    pub encryption: Option<EncryptionKey>,
}

/// Where a disk of a machine comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum DiskSource {
    /// One that exists: a URL or partial URL.
    Existing(String),
    /// Made with the machine.
    New {
        name: String,
        image: Option<String>,
        kind: String,
        size_gb: Option<u64>,
        labels: BTreeMap<String, String>,
        resource_manager_tags: BTreeMap<String, String>,
    },
    /// A local SSD that lives as long as the machine.
    Scratch { kind: String },
}

impl Default for DiskSource {
    fn default() -> Self {
        Self::Existing(String::new())
    }
}

/// The machine's one network interface.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interface {
    pub network: Option<String>,
    pub subnetwork: Option<String>,
    /// A fixed internal address.
    pub address: Option<String>,
    pub external: External,
}

/// How the machine is reached from outside.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum External {
    /// Not at all.
    None,
    /// By an address of Google's choosing.
    #[default]
    Ephemeral,
    /// By this address, such as `203.0.113.9`.
    Reserved(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceAccount {
    pub email: String,
    pub scopes: Vec<String>,
}

/// When the machine is moved, stopped or taken away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scheduling {
    pub preemptible: bool,
    /// `SPOT`: like preemptible without its limit of 24 hours.
    pub spot: bool,
    /// `MIGRATE` or `TERMINATE`.
    pub on_host_maintenance: Option<String>,
    pub automatic_restart: Option<bool>,
    pub max_run_duration: Option<Duration>,
    /// `DELETE` or `STOP`: what happens at the end of `max_run_duration`, or when a spot machine is taken away.
    pub termination_action: Option<String>,
    pub node_affinities: Vec<NodeAffinity>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeAffinity {
    pub key: String,
    /// `IN` or `NOT_IN`.
    pub operator: String,
    pub values: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accelerator {
    /// A URL or partial URL.
    pub kind: String,
    pub count: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shielded {
    pub secure_boot: bool,
    pub vtpm: bool,
    pub integrity_monitoring: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reservation {
    /// `ANY_RESERVATION`, `SPECIFIC_RESERVATION`, `NO_RESERVATION`.
    pub consume: String,
    pub key: String,
    pub values: Vec<String>,
}

/// A machine as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instance {
    pub project: String,
    pub zone: String,
    pub name: String,
    pub description: String,
    /// `RUNNING`, `TERMINATED`, …
    pub status: String,
    pub external_address: Option<String>,
    pub internal_address: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub metadata: BTreeMap<String, String>,
    /// URLs of its disks, the boot disk first.
    pub disks: Vec<String>,
    /// RFC 3339.
    pub created: String,
}

/// A disk to be made by itself. Its name is the claim's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DiskRequest {
    pub project: String,
    pub zone: String,
    /// Several zones make a regional disk.
    pub replica_zones: Vec<String>,
    pub description: String,
    pub kind: String,
    pub size_gb: Option<u64>,
    pub image: Option<String>,
    pub iops: Option<u64>,
    pub labels: BTreeMap<String, String>,
    pub encryption: Option<EncryptionKey>,
}

/// A disk as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disk {
    pub project: String,
    /// Its zone, or its region if it is a regional one.
    pub place: String,
    pub is_regional: bool,
    pub name: String,
    pub description: String,
    pub size_gb: u64,
    pub labels: BTreeMap<String, String>,
    /// URLs of the machines that use it.
    pub users: Vec<String>,
    pub created: String,
    pub self_link: String,
}

impl Gce {
    pub async fn insert_instance(&self, _claim: Claim, _request: &InstanceRequest) -> Result<Operation> {
        todo!()
    }

    pub async fn instance(&self, _project: &str, _zone: &str, _name: &str) -> Result<Instance> {
        todo!()
    }

    /// All of a project that match a filter such as `labels.imgforge-run:*`; of all zones.
    pub async fn instances(&self, _project: &str, _filter: &str) -> Result<Vec<Instance>> {
        todo!()
    }

    pub async fn stop_instance(&self, _project: &str, _zone: &str, _name: &str) -> Result<Operation> {
        todo!()
    }

    pub async fn delete_instance(&self, _project: &str, _zone: &str, _name: &str) -> Result<Operation> {
        todo!()
    }

    /// Sets these keys of the metadata and leaves the others; a change by somebody else meanwhile is not lost.
    pub async fn set_metadata(
        &self,
        _project: &str,
        _zone: &str,
        _name: &str,
        _items: &BTreeMap<String, String>,
    ) -> Result<Operation> {
        todo!()
    }

    /// The text of serial port 1 from a byte on, and where the next read starts.
    pub async fn serial_output(&self, _project: &str, _zone: &str, _name: &str, _start: i64) -> Result<(String, i64)> {
        todo!()
    }

    /// Whether the machine was taken away by Google, and not by us.
    pub async fn was_preempted(&self, _project: &str, _zone: &str, _name: &str) -> Result<bool> {
        todo!()
    }

    pub async fn insert_disk(&self, _claim: Claim, _request: &DiskRequest) -> Result<Operation> {
        todo!()
    }

    /// `place` is a zone, or a region for a regional disk.
    pub async fn disk(&self, _project: &str, _place: &str, _is_regional: bool, _name: &str) -> Result<Disk> {
        todo!()
    }

    pub async fn disks(&self, _project: &str, _filter: &str) -> Result<Vec<Disk>> {
        todo!()
    }

    /// `place` is a zone, or a region for a regional disk.
    pub async fn delete_disk(
        &self,
        _project: &str,
        _place: &str,
        _is_regional: bool,
        _name: &str,
    ) -> Result<Operation> {
        todo!()
    }

    pub async fn attach_disk(
        &self,
        _project: &str,
        _zone: &str,
        _instance: &str,
        _disk: &AttachedDisk,
    ) -> Result<Operation> {
        todo!()
    }

    pub async fn detach_disk(&self, _project: &str, _zone: &str, _instance: &str, _device: &str) -> Result<Operation> {
        todo!()
    }
}
