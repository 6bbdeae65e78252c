//! From what the template says to what Google is asked for: the machine and its disks.

use super::Googlecompute;
use super::arguments::{AttachmentArguments, SCOPES, SchedulingArguments, set};
use imgforge_gce::{
    Accelerator, AttachedDisk, DiskRequest, DiskSource, External, InstanceRequest, Interface, NodeAffinity,
    Reservation, Scheduling, ServiceAccount, Shielded,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a machine may exist where the template says nothing about it.
pub(super) const HARD_LIMIT: Duration = Duration::from_secs(6 * 60 * 60);

/// How long a machine is taken to live that we set no limit. Google ends preemptible ones of the older kind then.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of a machine when it is about to be made.
pub(super) struct Facts<'a> {
    /// URL of the image it starts from.
    pub source: &'a str,
    pub disk_name: &'a str,
    pub labels: &'a BTreeMap<String, String>,
    pub metadata: BTreeMap<String, String>,
    /// The reserved address.
    pub address: Option<&'a str>,
    /// The further disks, in the order of the template.
    pub further: Vec<AttachedDisk>,
}

impl Googlecompute {
    /// The machine.
    pub(super) fn instance_request(&self, facts: Facts<'_>) -> InstanceRequest {
        let (instance, disks) = (&self.instance, &self.disks);
        let boot = AttachedDisk {
            boot: true,
            // A machine that ends by itself takes its disk along; the image is made while it is there.
            auto_delete: true,
            source: DiskSource::New {
                name: facts.disk_name.to_owned(),
                image: Some(facts.source.to_owned()),
                kind: disks.disk_type.clone(),
                size_gb: Some(disks.disk_size),
                labels: facts.labels.clone(),
                resource_manager_tags: instance.resource_manager_tags.clone(),
            },
            encryption: disks.disk_encryption_key.as_ref().and_then(|key| key.key()),
            ..AttachedDisk::default()
        };
        let account = || ServiceAccount {
            email: set(&instance.service_account_email).unwrap_or("default").to_owned(),
            scopes: match instance.scopes.as_slice() {
                [] => SCOPES.map(str::to_owned).to_vec(),
                scopes => scopes.to_vec(),
            },
        };
        let is_shielded = instance.enable_secure_boot || instance.enable_vtpm || instance.enable_integrity_monitoring;
        InstanceRequest {
            project: self.source.project_id.clone(),
            zone: self.source.zone.clone(),
            description: "Made by imgforge to build an image".to_owned(),
            machine_type: instance.machine_type.clone(),
            labels: facts.labels.clone(),
            tags: instance.tags.clone(),
            metadata: facts.metadata,
            disks: [boot].into_iter().chain(facts.further).collect(),
            interface: self.interface(facts.address),
            service_account: (!instance.disable_default_service_account).then(account),
            scheduling: self.scheduling.scheduling(instance.accelerator_count > 0),
            accelerators: self.accelerators(),
            min_cpu_platform: set(&instance.min_cpu_platform).map(str::to_owned),
            nested_virtualization: instance.enable_nested_virtualization.then_some(true),
            shielded: is_shielded.then_some(Shielded {
                secure_boot: instance.enable_secure_boot,
                vtpm: instance.enable_vtpm,
                integrity_monitoring: instance.enable_integrity_monitoring,
            }),
            resource_manager_tags: instance.resource_manager_tags.clone(),
            reservation: self.scheduling.reservation_affinity.as_ref().map(|reservation| Reservation {
                consume: reservation.consume_reservation_type.clone(),
                key: set(&reservation.key).unwrap_or_default().to_owned(),
                values: reservation.values.clone(),
            }),
        }
    }

    fn accelerators(&self) -> Vec<Accelerator> {
        let (kind, count) = (set(&self.instance.accelerator_type), self.instance.accelerator_count);
        let Some(kind) = kind.filter(|_| count > 0) else { return Vec::new() };
        let url = || format!("projects/{}/zones/{}/acceleratorTypes/{kind}", self.source.project_id, self.source.zone);
        vec![Accelerator { kind: if kind.contains('/') { kind.to_owned() } else { url() }, count }]
    }

    fn interface(&self, address: Option<&str>) -> Interface {
        let (network, subnetwork) = self.network_names();
        let project = self.network_project();
        let region = self.source.region();
        let network = network.map(|name| match name {
            "default" => "global/networks/default".to_owned(),
            url if url.contains('/') => url.to_owned(),
            name => format!("projects/{project}/global/networks/{name}"),
        });
        let subnetwork = subnetwork.map(|name| match name {
            url if url.contains('/') => url.to_owned(),
            name => format!("projects/{project}/regions/{region}/subnetworks/{name}"),
        });
        Interface {
            network,
            subnetwork,
            address: set(&self.network.network_ip).map(str::to_owned),
            external: match address {
                _ if self.network.omit_external_ip => External::None,
                Some(address) => External::Reserved(address.to_owned()),
                None => External::Ephemeral,
            },
        }
    }

    /// Network and subnetwork as the template names them; without either, `default`.
    pub(super) fn network_names(&self) -> (Option<&str>, Option<&str>) {
        let (network, subnetwork) = (set(&self.network.network), set(&self.network.subnetwork));
        let default = if subnetwork.is_none() { Some("default") } else { None };
        (network.or(default), subnetwork)
    }

    /// The project that networks without a URL are in.
    pub(super) fn network_project(&self) -> &str {
        set(&self.network.network_project_id).unwrap_or(&self.source.project_id)
    }

    /// A further disk that is made by itself; `None` for a local SSD and for one that exists.
    pub(super) fn disk_request(
        &self,
        disk: &AttachmentArguments,
        labels: &BTreeMap<String, String>,
    ) -> Option<DiskRequest> {
        let kind = set(&disk.volume_type).filter(|kind| *kind != "scratch" && set(&disk.source_volume).is_none())?;
        Some(DiskRequest {
            project: self.source.project_id.clone(),
            zone: self.source.zone.clone(),
            replica_zones: disk.replica_zones.clone(),
            description: "Made by imgforge to build an image".to_owned(),
            kind: kind.to_owned(),
            size_gb: disk.volume_size.filter(|size| *size > 0),
            image: set(&disk.source_image).map(str::to_owned),
            iops: disk.iops.filter(|iops| *iops > 0),
            labels: labels.clone(),
            encryption: disk.disk_encryption_key.as_ref().and_then(|key| key.key()),
        })
    }

    /// A further disk as the machine gets it; `made` is the name of one that was made for it.
    pub(super) fn attachment(&self, disk: &AttachmentArguments, made: Option<&str>) -> AttachedDisk {
        let source = match (set(&disk.source_volume), made) {
            (Some(volume), _) => DiskSource::Existing(volume.to_owned()),
            (None, Some(name)) => DiskSource::Existing(self.disk_path(name, !disk.replica_zones.is_empty())),
            (None, None) => {
                let (project, zone) = (&self.source.project_id, &self.source.zone);
                DiskSource::Scratch { kind: format!("projects/{project}/zones/{zone}/diskTypes/local-ssd") }
            }
        };
        AttachedDisk {
            device_name: set(&disk.device_name).map(str::to_owned),
            boot: false,
            auto_delete: set(&disk.source_volume).is_none() && !disk.keep_device,
            mode: Some(disk.attachment_mode.clone()),
            interface: Some(disk.interface_type.clone()),
            source,
            encryption: disk.disk_encryption_key.as_ref().and_then(|key| key.key()),
        }
    }

    /// The partial URL of a disk of this build.
    pub(super) fn disk_path(&self, name: &str, is_regional: bool) -> String {
        let project = &self.source.project_id;
        if is_regional {
            format!("projects/{project}/regions/{}/disks/{name}", self.source.region_of_zone())
        } else {
            format!("projects/{project}/zones/{}/disks/{name}", self.source.zone)
        }
    }
}

impl SchedulingArguments {
    /// How long the machine may exist; `None` is for ever.
    pub(super) fn longest_run(&self) -> Option<Duration> {
        match self.max_run_duration_in_seconds {
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(seconds)),
            // Google ends the older kind after a day, and takes no other limit for it.
            None if self.is_of_older_kind() => None,
            None => Some(HARD_LIMIT),
        }
    }

    /// Whether the machine is one of those that Spot machines came after.
    fn is_of_older_kind(&self) -> bool {
        self.preemptible && self.spot == Some(false)
    }

    fn scheduling(&self, has_accelerators: bool) -> Scheduling {
        let may_be_taken = self.may_be_taken();
        let spot = may_be_taken && !self.is_of_older_kind();
        let longest = self.longest_run();
        let default = if may_be_taken || has_accelerators { "TERMINATE" } else { "MIGRATE" };
        let action = set(&self.instance_termination_action).unwrap_or("DELETE");
        Scheduling {
            preemptible: may_be_taken,
            spot,
            on_host_maintenance: Some(set(&self.on_host_maintenance).unwrap_or(default).to_owned()),
            automatic_restart: may_be_taken.then_some(false),
            max_run_duration: longest,
            termination_action: (spot || longest.is_some()).then(|| action.to_owned()),
            node_affinities: self
                .node_affinity
                .iter()
                .map(|affinity| NodeAffinity {
                    key: affinity.key.clone(),
                    operator: affinity.operator.clone(),
                    values: affinity.values.clone(),
                })
                .collect(),
        }
    }
}
