//! What users write in a `qemu` source, one table a concern; all of it is compatible with Packer's qemu plugin.

use super::values::{Accelerator, Cache, DetectZeroes, Discard, DiskSize, Format, ImageArguments, Interface};
use imgforge_template::arguments;
use imgforge_template::arguments::Late;
use imgforge_template::source::Spanned;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

arguments! {
    /// The disks and what becomes of them.
    pub(super) struct DiskArguments {
        /// `iso_url` is a bootable disk, not an installation CD.
        disk_image: bool = "false",
        /// The result stays a thin layer over `iso_url`, which must be kept then.
        use_backing_file: bool = "false",
        /// Virtual size of the main disk; without a unit it is in MiB.
        disk_size: DiskSize = "40960M",
        /// Sizes of further disks, as `qemu-img` takes them.
        disk_additional_size: Vec<Spanned<String>>,
        /// Leave the size of a `disk_image` as it is.
        skip_resize_disk: bool = "false",
        /// Leave the disk as the guest left it.
        skip_compaction: bool = "false",
        /// Compress the resulting qcow2.
        disk_compression: bool = "false",
        format: Format = "qcow2",
        disk_interface: Interface = "virtio",
        disk_cache: Cache = "writeback",
        disk_discard: Discard = "ignore",
        disk_detect_zeroes: DetectZeroes = "off",
        /// How CDs are attached; QEMU's own way if not set.
        cdrom_interface: Option<String>,
        /// Additional arguments of `qemu-img`.
        qemu_img_args: ImageArguments,
        /// Name of the machine and of the main disk's file; `packer-<build name>` if not set.
        vm_name: Option<Spanned<String>>,
        /// Where the disks go; `output-<build name>` if not set. It must not exist, unless the build is forced.
        output_directory: Option<Spanned<PathBuf>>,
    }
}

arguments! {
    /// The image that a build starts from.
    pub(super) struct IsoArguments {
        /// Path of the image: plain, or with `file://`.
        iso_url: Option<Spanned<String>>,
        /// Several; the first that is there is taken.
        #[excludes(iso_url)]
        iso_urls: Vec<Spanned<String>>,
        /// `none`, hexadecimal digits, `sha256:…` (or sha1, sha512), or `file:` and the path of a list of checksums.
        iso_checksum: Option<Spanned<String>>,
        /// Where a download goes. Local images are used where they are.
        iso_target_path: Option<PathBuf>,
        iso_target_extension: String = "iso",
        /// Use the image without a look at its checksum.
        iso_skip_cache: bool = "false",
    }
}

arguments! {
    /// The virtual hardware.
    pub(super) struct MachineArguments {
        /// If not set: KVM where a trial machine runs under it, else TCG.
        accelerator: Option<Accelerator>,
        machine_type: String = "pc",
        /// MiB.
        memory: u32 = "512",
        cpus: u32 = "0",
        sockets: u32 = "0",
        cores: u32 = "0",
        threads: u32 = "0",
        /// If neither this nor `accelerator` is set: `host` under KVM, `max` under TCG. Else QEMU's own default.
        cpu_model: Option<String>,
        net_device: String = "virtio-net",
        net_bridge: Option<Spanned<String>>,
        /// A BIOS image.
        firmware: Option<PathBuf>,
        /// `firmware` is a flash image.
        use_pflash: bool = "false",
        efi_boot: bool = "false",
        efi_firmware_code: Option<PathBuf>,
        efi_firmware_vars: Option<PathBuf>,
        /// Leave `efivars.fd` out of the artifact.
        efi_drop_efivars: bool = "false",
        vtpm: bool = "false",
        use_tpm1: bool = "false",
        tpm_device_type: String = "tpm-tis",
        vga: Option<String>,
        /// QEMU's display. Only a machine that is not `headless` and has this set gets one.
        display: Option<String>,
        use_default_display: bool = "false",
        headless: bool = "false",
        qemu_binary: String = "qemu-system-x86_64",
        /// Switches and values. A switch that stands here replaces all defaults of that switch.
        qemuargs: Vec<Vec<Late>>,
        /// Let others speak QMP too, at `qmp_socket_path`.
        qmp_enable: bool = "false",
        /// `<output_directory>/<vm_name>.monitor` if not set.
        qmp_socket_path: Option<PathBuf>,
        run_once: bool = "false",
    }
}

arguments! {
    /// How the machine is started, reached and stopped.
    pub(super) struct BootArguments {
        boot_command: Vec<Late>,
        boot_steps: Vec<Vec<Late>>,
        /// Only matters before a `boot_command`.
        boot_wait: Option<Spanned<String>>,
        boot_key_interval: Option<Duration>,
        boot_keygroup_interval: Option<Duration>,
        disable_vnc: bool = "false",
        vnc_bind_address: String = "127.0.0.1",
        vnc_port_min: u16 = "5900",
        vnc_port_max: u16 = "6000",
        vnc_use_password: bool = "false",
        vnc_password: Option<String>,
        /// The lowest port of this host that may be forwarded to the machine's SSH port.
        host_port_min: Option<u16>,
        host_port_max: Option<u16>,
        /// Old name of `host_port_min`.
        #[renamed(host_port_min)]
        ssh_host_port_min: Option<u16>,
        /// Old name of `host_port_max`.
        #[renamed(host_port_max)]
        ssh_host_port_max: Option<u16>,
        /// Forward this host's port `ssh_port`.
        skip_nat_mapping: bool = "false",
        http_directory: Option<String>,
        http_content: BTreeMap<String, Late>,
        http_port_min: u16 = "8000",
        http_port_max: u16 = "9000",
        http_bind_address: Option<String>,
        http_interface: Option<String>,
        http_network_protocol: String = "tcp",
        floppy_files: Vec<String>,
        floppy_dirs: Vec<String>,
        floppy_content: BTreeMap<String, Late>,
        floppy_label: String = "packer",
        cd_files: Vec<String>,
        cd_content: BTreeMap<String, Late>,
        cd_label: String = "packer",
        /// Stops the machine from inside; if not set, its power button is pressed.
        shutdown_command: String = "",
        shutdown_timeout: Duration = "5m",
    }
}
