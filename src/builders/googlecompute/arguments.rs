//! What users write in a `googlecompute` source, one table a concern; all of it but `spot` is as Packer's plugin has it.

use imgforge_template::arguments;
use imgforge_template::arguments::{Block, Blocks};
use imgforge_template::source::Spanned;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

arguments! {
    /// Where the build happens, and what it starts from.
    pub(super) struct SourceArguments {
        /// The project of the machine and its disks.
        project_id: String,
        /// The zone of the machine and its disks.
        zone: String,
        /// The zone's region; it follows from the zone.
        region: Option<String>,
        /// The name of the image to start from, or its URL.
        source_image: Option<String>,
        /// Start from the newest image of this family. `source_image` goes before it.
        source_image_family: Option<String>,
        /// Where these are looked for, in this order; if not set, in the build's own project and then in Google's public ones.
        source_image_project_id: Vec<Spanned<String>>,
    }
}

arguments! {
    /// The image that is made.
    pub(super) struct ImageArguments {
        /// Its name; `packer-` and the time if not set.
        image_name: Option<String>,
        /// The family that it joins.
        image_family: Option<String>,
        image_description: String = "Created by Packer",
        image_labels: BTreeMap<String, String>,
        /// The project that the image goes into; `project_id` if not set.
        image_project_id: Option<String>,
        /// Where its bytes are kept: one region or multi-region.
        image_storage_locations: Vec<Spanned<String>>,
        /// URLs of licences.
        image_licenses: Vec<String>,
        /// What its guest can do: `UEFI_COMPATIBLE`, `GVNIC`, ….
        image_guest_os_features: Vec<String>,
        /// `x86_64` or `arm64`.
        image_architecture: Option<String>,
        /// The key that encrypts the image.
        image_encryption_key: Block<KeyArguments>,
        /// The file of the platform key of secure boot, X.509 or binary as all four.
        image_platform_key: Option<PathBuf>,
        /// Files of key exchange keys.
        image_key_exchange_key: Vec<Spanned<PathBuf>>,
        /// Files of signatures that may boot.
        image_signatures_db: Vec<Spanned<PathBuf>>,
        /// Files of signatures that must not.
        image_forbidden_signatures_db: Vec<Spanned<PathBuf>>,
        /// When the image counts as deprecated, in RFC 3339.
        deprecate_at: Option<String>,
        /// When it can't be used for new machines any more.
        obsolete_at: Option<String>,
        /// When it counts as deleted.
        delete_at: Option<String>,
        /// Do everything but the image.
        skip_create_image: bool = "false",
    }
}

arguments! {
    /// A key that encrypts a disk or an image.
    pub(super) struct KeyArguments {
        /// The name of a key in Cloud KMS.
        #[named("kmsKeyName")]
        kms_key_name: Option<String>,
        /// 256 bits in base64.
        #[named("rawKey")]
        raw_key: Option<String>,
    }
}

arguments! {
    /// The disks of the machine.
    pub(super) struct DiskArguments {
        /// Size of the boot disk in GB.
        disk_size: u64 = "20",
        disk_type: String = "pd-standard",
        /// The name of the boot disk; that of the machine if not set.
        disk_name: Option<String>,
        /// The key that encrypts the boot disk.
        disk_encryption_key: Block<KeyArguments>,
        /// Further disks.
        disk_attachment: Blocks<AttachmentArguments>,
    }
}

arguments! {
    /// A further disk of the machine.
    pub(super) struct AttachmentArguments {
        /// `pd-standard`, `pd-balanced`, `pd-ssd`, `pd-extreme`, `hyperdisk-…`, or `scratch` for a local SSD.
        volume_type: Option<String>,
        /// Size in GB.
        volume_size: Option<u64>,
        /// Its name; one of ours if not set.
        disk_name: Option<String>,
        /// `SCSI` or `NVME`.
        interface_type: String = "SCSI",
        /// `READ_WRITE` or `READ_ONLY`.
        attachment_mode: String = "READ_WRITE",
        /// The name by which the guest finds it.
        device_name: Option<String>,
        /// Operations a second, for `pd-extreme` and Hyperdisks.
        iops: Option<u64>,
        /// The disk stays when the build is done.
        keep_device: bool = "false",
        /// The zones of a regional disk.
        replica_zones: Vec<String>,
        /// An existing disk to attach.
        source_volume: Option<String>,
        /// An image that the disk begins as.
        source_image: Option<String>,
        /// The key that encrypts the disk.
        disk_encryption_key: Block<KeyArguments>,
        /// Make the image of this disk, and not of the boot disk.
        create_image: bool = "false",
        /// Has no meaning.
        #[named("_")]
        nothing: Option<String>,
    }
}

arguments! {
    /// The machine.
    pub(super) struct InstanceArguments {
        machine_type: String = "e2-standard-2",
        /// Its name; one of ours if not set.
        instance_name: Option<String>,
        /// Labels of the machine and its disks.
        labels: BTreeMap<String, String>,
        /// Network tags, which firewall rules look at.
        tags: Vec<String>,
        resource_manager_tags: BTreeMap<String, String>,
        metadata: BTreeMap<String, String>,
        /// The same from files.
        metadata_files: BTreeMap<String, String>,
        /// A script that the guest runs when it starts.
        startup_script_file: Option<PathBuf>,
        /// Run the startup script in a wrapper that tells when it is done, and wait for that. The default is true.
        wrap_startup_script: Option<bool>,
        /// The account that programs on the machine act as; the project's default one if not set.
        service_account_email: Option<String>,
        /// No account at all.
        disable_default_service_account: bool = "false",
        /// What that account may do there.
        scopes: Vec<String>,
        /// The kind of accelerators, with its project and zone or without.
        accelerator_type: Option<String>,
        accelerator_count: u32 = "0",
        min_cpu_platform: Option<String>,
        enable_nested_virtualization: bool = "false",
        enable_secure_boot: bool = "false",
        enable_vtpm: bool = "false",
        enable_integrity_monitoring: bool = "false",
        /// Each wait for something that Google does is given up after this time; an image has as long as its size needs.
        state_timeout: Duration = "5m",
        /// Without effect: there is no WinRM yet.
        windows_password_timeout: Option<Duration>,
    }
}

arguments! {
    /// When the machine is moved, stopped or taken away.
    pub(super) struct SchedulingArguments {
        /// A cheaper machine that Google may take away: a Spot machine, unless `spot = false` makes it one of the older kind.
        preemptible: bool = "false",
        /// A Spot machine.
        spot: Option<bool>,
        /// `MIGRATE` or `TERMINATE`.
        on_host_maintenance: Option<String>,
        /// Google removes the machine after this time, whatever becomes of us; 0 is never. The default is 21600 (6 hours).
        max_run_duration_in_seconds: Option<u64>,
        /// What it does then: `DELETE`, the default, or `STOP`.
        instance_termination_action: Option<String>,
        /// Which sole-tenant nodes to take.
        node_affinity: Blocks<AffinityArguments>,
        /// Which reservation to take.
        reservation_affinity: Block<ReservationArguments>,
    }
}

arguments! {
    /// A label of sole-tenant nodes.
    pub(super) struct AffinityArguments {
        key: String,
        /// `IN` or `NOT_IN`.
        operator: String,
        values: Vec<String>,
    }
}

arguments! {
    /// A reservation.
    pub(super) struct ReservationArguments {
        /// `ANY_RESERVATION`, `SPECIFIC_RESERVATION` or `NO_RESERVATION`.
        consume_reservation_type: String,
        key: Option<String>,
        values: Vec<String>,
    }
}

arguments! {
    /// Network and login.
    pub(super) struct NetworkArguments {
        /// A network's name or URL; `default` if there is no `subnetwork` either.
        network: Option<String>,
        /// A subnetwork's name or URL.
        subnetwork: Option<String>,
        /// The project of both, for a shared VPC.
        network_project_id: Option<String>,
        /// The machine gets no address outside of its network.
        omit_external_ip: bool = "false",
        /// Connect to its internal address.
        use_internal_ip: bool = "false",
        /// The name of a reserved address that it gets.
        address: Option<String>,
        /// Its internal address.
        network_ip: Option<String>,
        /// Connect through Identity-Aware Proxy.
        use_iap: bool = "false",
        /// The port of this host that leads there; any free one if not set.
        iap_localhost_port: u16 = "0",
        /// Without effect: the tunnel is there at once.
        iap_tunnel_launch_wait: Option<u64>,
        /// Without effect: no script opens the tunnel.
        iap_hashbang: Option<String>,
        /// Without effect, as `iap_hashbang`.
        iap_ext: Option<String>,
        /// Log in by OS Login. If not set, what the project's metadata say.
        use_os_login: Option<bool>,
        /// The user of OS Login, or `__auto__`; `__external__` is that of an account of another organisation.
        oslogin_ssh_username: Option<String>,
        /// When the key of OS Login goes by itself; with the run's hard limit if not set.
        oslogin_ssh_key_expire_after: Option<Duration>,
        /// Add the SSH key only so long after the machine's start.
        wait_to_add_ssh_keys: Option<Duration>,
    }
}

/// The scopes of the machine's account where the user names none.
pub(super) const SCOPES: [&str; 3] = [
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/compute",
    "https://www.googleapis.com/auth/devstorage.full_control",
];

/// The value, unless it is empty: templates pass empty strings through for "not set".
pub(super) fn set(argument: &Option<String>) -> Option<&str> {
    argument.as_deref().filter(|text| !text.is_empty())
}

impl SourceArguments {
    /// `europe-west1` of `europe-west1-b`, unless the template has another: where networks and addresses are looked for.
    pub(super) fn region(&self) -> &str {
        set(&self.region).unwrap_or_else(|| self.region_of_zone())
    }

    /// Where regional disks are, which no machine elsewhere can use.
    pub(super) fn region_of_zone(&self) -> &str {
        self.zone.rsplit_once('-').map_or(self.zone.as_str(), |(region, _)| region)
    }
}

impl KeyArguments {
    /// The key, if one is given.
    pub(super) fn key(&self) -> Option<imgforge_gce::EncryptionKey> {
        let given = |text: &Option<String>| set(text).map(str::to_owned);
        let key =
            imgforge_gce::EncryptionKey { kms_key_name: given(&self.kms_key_name), raw_key: given(&self.raw_key) };
        (key.kms_key_name.is_some() || key.raw_key.is_some()).then_some(key)
    }
}
