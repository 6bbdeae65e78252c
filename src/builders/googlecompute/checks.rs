//! What can be said about a `googlecompute` source before anything is asked of Google.

use super::arguments::{
    AttachmentArguments, DiskArguments, ImageArguments, InstanceArguments, KeyArguments, NetworkArguments,
    SchedulingArguments, SourceArguments, set,
};
use crate::google::{check_label, check_name};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use imgforge_template::arguments::{Block, Given};
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::{Span, Spanned};
use jiff::Timestamp;
use std::net::Ipv4Addr;
use std::path::Path;

/// Kinds of further disks; Hyperdisks of later days are taken as well.
const VOLUMES: [&str; 5] = ["scratch", "pd-standard", "pd-balanced", "pd-ssd", "pd-extreme"];
const HYPERDISK: &str = "hyperdisk-";

/// Google's limits for `maxRunDuration`, in seconds.
const SHORTEST_RUN: u64 = 30;
const LONGEST_RUN: u64 = 120 * 24 * 60 * 60;

/// Says what is wrong with the arguments of one table, at their places.
struct Say<'a> {
    given: &'a Given,
    diagnostics: &'a mut Diagnostics,
}

impl Say<'_> {
    /// An error at the value of an argument, unless nobody wrote it or it is not known yet.
    fn wrong(&mut self, name: &str, message: impl Into<String>, help: &str) {
        if let Some(span) = self.given.span(name).filter(|_| !self.given.is_unknown(name)) {
            self.diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
        }
    }

    fn conflict(&mut self, name: &str, other: &str, help: &str) {
        let is_known = !self.given.is_unknown(name) && !self.given.is_unknown(other);
        if let Some(span) = self.given.span(name).filter(|_| is_known) {
            let message = format!("`{name}` and `{other}` exclude each other");
            let mut problem = Diagnostic::error("conflicting-arguments", message).at(span).help(help);
            if let Some(place) = self.given.span(other) {
                problem = problem.related(place, format!("`{other}` is given here"));
            }
            self.diagnostics.push(problem);
        }
    }

    /// Whether an argument has a value, or will have one: an empty one is as good as none.
    fn is_set(&self, name: &str, value: &Option<String>) -> bool {
        set(value).is_some() || self.given.is_unknown(name)
    }

    fn name(&mut self, name: &str, value: &Option<String>) {
        if let (Some(text), Some(span)) = (set(value), self.given.span(name)) {
            check_name(name, text, span, self.diagnostics);
        }
    }

    fn one_of(&mut self, name: &str, text: Option<&str>, words: &[&str]) {
        if let Some(text) = text.filter(|text| !words.contains(text)) {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            self.wrong(name, format!("`{name}` can't be `{text}`"), &format!("use one of {}", words.join(", ")));
        }
    }

    fn key(&mut self, name: &str, key: &Block<KeyArguments>) {
        let Some(key) = key.as_ref() else { return };
        let (kms, raw) = (set(&key.kms_key_name), set(&key.raw_key));
        if kms.is_some() && raw.is_some() {
            Say { given: &key.given, diagnostics: self.diagnostics }.conflict(
                "rawKey",
                "kmsKeyName",
                "keep one of the two",
            );
        } else if kms.is_none() && raw.is_none() && !key.given.has("kmsKeyName") && !key.given.has("rawKey") {
            self.wrong(name, format!("`{name}` has no key"), "give it a `kmsKeyName` or a `rawKey`");
        }
        if raw.is_some_and(|raw| BASE64_STANDARD.decode(raw).map_or(true, |bytes| bytes.len() != 32)) {
            let help = "make one with `openssl rand -base64 32`";
            Say { given: &key.given, diagnostics: self.diagnostics }.wrong(
                "rawKey",
                "`rawKey` is not 256 bits in base64",
                help,
            );
        }
    }

    fn file(&mut self, path: &Path, span: Option<Span>, body: &Body) {
        let is_file = body.context().host.status(path).is_ok_and(|status| !status.is_directory);
        if let Some(span) = span.filter(|_| !is_file && !path.as_os_str().is_empty()) {
            let message = format!("there is no file `{}`", path.display());
            self.diagnostics.push(Diagnostic::error("missing-file", message).at(span).help("check the path"));
        }
    }
}

/// What is said where there is nothing to start from, and what to do.
pub(super) const NO_SOURCE: (&str, &str) = (
    "one of `source_image` and `source_image_family` is required",
    "add one; `gcloud compute images list` shows Google's",
);

pub(super) fn source(source: &SourceArguments, body: &Body, diagnostics: &mut Diagnostics) {
    let mut say = Say { given: &source.given, diagnostics };
    for (name, text) in [("project_id", &source.project_id), ("zone", &source.zone)] {
        if text.is_empty() {
            say.wrong(name, format!("`{name}` must not be empty"), "write it out, or give its variable a value");
        }
    }
    // Variables that are to be filled in may be empty for now; the checks before a build look again.
    if !source.given.has("source_image") && !source.given.has("source_image_family") {
        let (message, help) = NO_SOURCE;
        diagnostics.push(Diagnostic::error("missing-argument", message).at(body.header()).help(help));
    }
}

pub(super) fn image(image: &ImageArguments, body: &Body, diagnostics: &mut Diagnostics) {
    let mut say = Say { given: &image.given, diagnostics };
    say.name("image_name", &image.image_name);
    say.name("image_family", &image.image_family);
    if let Some(span) = image.given.span("image_labels") {
        for (key, value) in &image.image_labels {
            check_label("image_labels", key, value, span, say.diagnostics);
        }
    }
    if let Some(second) = image.image_storage_locations.get(1) {
        let message = "an image is stored in one location alone";
        let help = "keep one region or multi-region, such as `eu`";
        say.diagnostics.push(Diagnostic::error("invalid-value", message).at(second.span).help(help));
    }
    let architecture = set(&image.image_architecture).map(str::to_uppercase);
    if architecture.is_some_and(|name| !matches!(name.as_str(), "X86_64" | "ARM64")) {
        let written = set(&image.image_architecture).unwrap_or_default();
        say.wrong("image_architecture", format!("there is no architecture `{written}`"), "use `x86_64` or `arm64`");
    }
    say.key("image_encryption_key", &image.image_encryption_key);
    if let Some(file) = &image.image_platform_key {
        say.file(file, image.given.span("image_platform_key"), body);
    }
    let lists = [&image.image_key_exchange_key, &image.image_signatures_db, &image.image_forbidden_signatures_db];
    for file in lists.into_iter().flatten() {
        say.file(file, Some(file.span), body);
    }
    let dates =
        [("deprecate_at", &image.deprecate_at), ("obsolete_at", &image.obsolete_at), ("delete_at", &image.delete_at)];
    for (name, date) in dates {
        match set(date).map(str::parse::<Timestamp>) {
            Some(Err(_)) => {
                let help = "write it as in RFC 3339: `2030-01-31T12:00:00Z`";
                say.wrong(name, format!("`{name}` is not a date"), help);
            }
            Some(Ok(date)) if date.as_second() <= body.context().host.now() => {
                say.wrong(name, format!("`{name}` is over already"), "give it a date to come");
            }
            _ => {}
        }
    }
}

pub(super) fn disks(disks: &DiskArguments, diagnostics: &mut Diagnostics) {
    let mut say = Say { given: &disks.given, diagnostics };
    say.name("disk_name", &disks.disk_name);
    say.key("disk_encryption_key", &disks.disk_encryption_key);
    let mut of_image = disks.disk_attachment.iter().filter(|disk| disk.create_image).skip(1);
    if let Some(span) = of_image.next().and_then(|disk| disk.given.span("create_image")) {
        let message = "the image is made of one disk alone";
        let help = "keep one `create_image`";
        say.diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
    }
    for disk in disks.disk_attachment.iter() {
        attachment(disk, diagnostics);
    }
}

fn attachment(disk: &Spanned<AttachmentArguments>, diagnostics: &mut Diagnostics) {
    let mut say = Say { given: &disk.given, diagnostics };
    let kind = set(&disk.volume_type);
    let has_type = say.is_set("volume_type", &disk.volume_type);
    let has_image = say.is_set("source_image", &disk.source_image);
    if say.is_set("source_volume", &disk.source_volume) {
        for (name, is_given) in [
            ("volume_size", disk.given.has("volume_size")),
            ("volume_type", has_type),
            ("disk_name", say.is_set("disk_name", &disk.disk_name)),
            ("iops", disk.given.has("iops")),
            ("keep_device", disk.given.has("keep_device")),
            ("source_image", has_image),
            ("replica_zones", disk.given.has("replica_zones")),
        ] {
            if is_given {
                say.conflict(name, "source_volume", "an existing disk is attached as it is: remove it");
            }
        }
    } else if !has_type {
        missing(&mut say, "volume_type", "a further disk needs a `volume_type`", disk.span);
    } else if let Some(kind) = kind.filter(|kind| !VOLUMES.contains(kind) && !kind.starts_with(HYPERDISK)) {
        let help = format!("use one of {}, or a `hyperdisk-…`", VOLUMES.join(", "));
        say.wrong("volume_type", format!("there is no `volume_type` `{kind}`"), &help);
    } else if kind != Some("scratch") && !disk.given.has("volume_size") && !has_image {
        missing(&mut say, "volume_size", "a new disk needs a `volume_size` in GB", disk.span);
    }
    if kind == Some("scratch") {
        for (name, is_given) in [
            ("device_name", say.is_set("device_name", &disk.device_name)),
            ("keep_device", disk.keep_device),
            ("create_image", disk.create_image),
            ("source_image", has_image),
            ("disk_encryption_key", disk.given.has("disk_encryption_key")),
            ("replica_zones", disk.given.has("replica_zones")),
        ] {
            if is_given {
                let help = "remove it: a local SSD is empty and ends with the machine";
                say.wrong(name, format!("a `scratch` disk has no `{name}`"), help);
            }
        }
    }
    say.name("disk_name", &disk.disk_name);
    say.one_of("interface_type", Some(&disk.interface_type), &["SCSI", "NVME"]);
    say.one_of("attachment_mode", Some(&disk.attachment_mode), &["READ_WRITE", "READ_ONLY"]);
    if let Some(iops) = disk.iops.filter(|iops| *iops > 0) {
        match kind {
            Some("pd-extreme") if !(10_000..=120_000).contains(&iops) => {
                say.wrong("iops", "a `pd-extreme` has 10000 to 120000 `iops`", "choose one of these");
            }
            Some("pd-extreme") | None => {}
            Some(kind) if kind.starts_with(HYPERDISK) => {}
            Some(kind) => say.wrong("iops", format!("the `iops` of a `{kind}` follow from its size"), "remove it"),
        }
    }
    say.key("disk_encryption_key", &disk.disk_encryption_key);
}

/// Says what a further disk lacks.
fn missing(say: &mut Say<'_>, name: &str, message: &str, place: Span) {
    let help = format!("add `{name}`, or `source_volume` for a disk that exists");
    say.diagnostics.push(Diagnostic::error("missing-argument", message).at(place).help(help));
}

pub(super) fn instance(instance: &InstanceArguments, body: &Body, diagnostics: &mut Diagnostics) {
    let mut say = Say { given: &instance.given, diagnostics };
    say.name("instance_name", &instance.instance_name);
    if instance.machine_type.is_empty() {
        say.wrong("machine_type", "`machine_type` must not be empty", "remove it for an `e2-standard-2`");
    }
    if let Some(span) = instance.given.span("labels") {
        for (key, value) in &instance.labels {
            check_label("labels", key, value, span, say.diagnostics);
        }
    }
    for file in instance.metadata_files.values() {
        say.file(Path::new(file), instance.given.span("metadata_files"), body);
    }
    if let Some(file) = &instance.startup_script_file {
        say.file(file, instance.given.span("startup_script_file"), body);
    }
    if instance.disable_default_service_account && set(&instance.service_account_email).is_some() {
        say.conflict("service_account_email", "disable_default_service_account", "keep one of the two");
    }
    if instance.accelerator_count > 0 && !say.is_set("accelerator_type", &instance.accelerator_type) {
        let help = "add `accelerator_type`, such as `nvidia-tesla-t4`";
        say.wrong("accelerator_count", "accelerators need an `accelerator_type`", help);
    }
    if instance.enable_integrity_monitoring && !instance.enable_vtpm && !instance.given.is_unknown("enable_vtpm") {
        let help = "set `enable_vtpm = true`";
        say.wrong("enable_integrity_monitoring", "`enable_integrity_monitoring` needs a virtual TPM", help);
    }
}

pub(super) fn scheduling(scheduling: &SchedulingArguments, accelerators: u32, diagnostics: &mut Diagnostics) {
    let mut say = Say { given: &scheduling.given, diagnostics };
    let maintenance = set(&scheduling.on_host_maintenance);
    say.one_of("on_host_maintenance", maintenance, &["MIGRATE", "TERMINATE"]);
    if maintenance == Some("MIGRATE") {
        let help = "use `TERMINATE`, or leave it out";
        if scheduling.may_be_taken() {
            say.wrong("on_host_maintenance", "a machine that Google may take away can't be migrated", help);
        } else if accelerators > 0 {
            say.wrong("on_host_maintenance", "a machine with accelerators can't be migrated", help);
        }
    }
    if let Some(seconds) = scheduling.max_run_duration_in_seconds.filter(|seconds| *seconds > 0)
        && !(SHORTEST_RUN..=LONGEST_RUN).contains(&seconds)
    {
        let help = format!("use {SHORTEST_RUN} to {LONGEST_RUN} seconds, or 0 for no end");
        say.wrong("max_run_duration_in_seconds", "Google has no such `max_run_duration_in_seconds`", &help);
    }
    say.one_of("instance_termination_action", set(&scheduling.instance_termination_action), &["DELETE", "STOP"]);
    for affinity in scheduling.node_affinity.iter() {
        Say { given: &affinity.given, diagnostics: say.diagnostics }.one_of(
            "operator",
            Some(&affinity.operator),
            &["IN", "NOT_IN"],
        );
    }
    if let Some(reservation) = scheduling.reservation_affinity.as_ref() {
        let mut say = Say { given: &reservation.given, diagnostics: say.diagnostics };
        let kind = reservation.consume_reservation_type.as_str();
        say.one_of(
            "consume_reservation_type",
            Some(kind),
            &["ANY_RESERVATION", "SPECIFIC_RESERVATION", "NO_RESERVATION"],
        );
        if kind == "SPECIFIC_RESERVATION" && (set(&reservation.key).is_none() || reservation.values.is_empty()) {
            let help = "add `key = \"compute.googleapis.com/reservation-name\"` and `values`";
            say.wrong("consume_reservation_type", "a specific reservation needs a `key` and `values`", help);
        }
    }
}

pub(super) fn network(network: &NetworkArguments, diagnostics: &mut Diagnostics) {
    let mut say = Say { given: &network.given, diagnostics };
    if network.omit_external_ip {
        if !network.use_internal_ip && !network.given.is_unknown("use_internal_ip") {
            let help = "set `use_internal_ip = true`";
            say.wrong("omit_external_ip", "a machine without an external address is reached by its internal one", help);
        }
        if set(&network.address).is_some() {
            say.conflict("address", "omit_external_ip", "keep one of the two");
        }
    }
    if set(&network.network_ip).is_some_and(|text| text.parse::<Ipv4Addr>().is_err()) {
        let written = set(&network.network_ip).unwrap_or_default();
        say.wrong("network_ip", format!("`{written}` is not an IPv4 address"), "write it like `10.132.0.9`");
    }
}

impl SchedulingArguments {
    /// Whether Google may take the machine away at any time.
    pub(super) fn may_be_taken(&self) -> bool {
        self.preemptible || self.spot == Some(true)
    }
}
