//! What can be said about a `qemu` source before anything runs.

use super::arguments::{BootArguments, DiskArguments, MachineArguments};
use super::values::Format;
use imgforge_template::arguments::Given;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::duration;

/// What `{{ .Name }}` and its like can be in `qemuargs`.
pub(super) const FIELDS: &[&str] =
    &["HTTPIP", "HTTPPort", "HTTPDir", "HTTPContent", "OutputDir", "Name", "SSHHostPort"];

/// An error at the value of an argument, unless nobody wrote it.
fn wrong(given: &Given, name: &str, message: &str, help: &str, diagnostics: &mut Diagnostics) {
    if let Some(span) = given.span(name) {
        diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
    }
}

pub(super) fn disks(disks: &DiskArguments, diagnostics: &mut Diagnostics) {
    let given = &disks.given;
    // A value that is unknown still counts as written.
    let no_image = !disks.disk_image && !given.has("disk_image");
    if disks.use_backing_file && (no_image || disks.format != Format::Qcow2) {
        let message = "`use_backing_file` needs a disk image and qcow2";
        let help = "set `disk_image = true` and `format = \"qcow2\"`, or remove `use_backing_file`";
        wrong(given, "use_backing_file", message, help, diagnostics);
    }
    if disks.skip_resize_disk && no_image {
        let message = "`skip_resize_disk` needs a disk image";
        let help = "set `disk_image = true`, or remove `skip_resize_disk`";
        wrong(given, "skip_resize_disk", message, help, diagnostics);
    }
    if let Some(name) = &disks.vm_name
        && (matches!(name.as_str(), "." | "..") || name.contains('/'))
    {
        let message = format!("`{}` can't be the name of a file", name.value);
        let help = "leave out `/`; `output_directory` says where the file goes";
        diagnostics.push(Diagnostic::error("invalid-value", message).at(name.span).help(help));
    }
    for size in disks.disk_additional_size.iter().filter(|size| size.trim().is_empty()) {
        let diagnostic = Diagnostic::error("invalid-value", "a further disk needs a size").at(size.span);
        diagnostics.push(diagnostic.help("write it as `qemu-img` takes it, for example `10G`"));
    }
}

pub(super) fn machine(machine: &MachineArguments, body: &Body, diagnostics: &mut Diagnostics) {
    let given = &machine.given;
    if machine.memory < 10
        && let Some(span) = given.span("memory")
    {
        let message = format!("{} MiB of memory are too few: the machine gets 512", machine.memory);
        let help = "`memory` is in MiB; write what the machine needs";
        diagnostics.push(Diagnostic::warning("memory-too-small", message).at(span).help(help));
    }
    for (index, list) in machine.qemuargs.iter().enumerate() {
        for part in list {
            part.check(body.context(), FIELDS, diagnostics);
        }
        if list.first().is_none_or(|switch| switch.text().is_empty()) {
            let message = format!("entry {} of `qemuargs` has no switch", index + 1);
            let help = "write a list of the switch and its value: `[\"-m\", \"1024M\"]`";
            wrong(given, "qemuargs", &message, help, diagnostics);
        }
    }
    if machine.net_bridge.as_ref().is_some_and(|bridge| !bridge.is_empty()) {
        let help = "leave it out: the machine's SSH port is then forwarded from this host";
        not_yet(given, "net_bridge", help, diagnostics);
    }
    if machine.vtpm {
        not_yet(given, "vtpm", "start `swtpm` yourself and attach it with `qemuargs`", diagnostics);
    }
}

pub(super) fn boot(boot: &BootArguments, diagnostics: &mut Diagnostics) {
    let given = &boot.given;
    let typing = "start from a disk image that lets you in by SSH (`disk_image = true`)";
    let media = "upload with a `file` provisioner, or attach a prepared image with `qemuargs`";
    let text = |option: &Option<String>| option.as_ref().is_some_and(|text| !text.is_empty());
    for (name, is_set, help) in [
        ("boot_command", !boot.boot_command.is_empty(), typing),
        ("boot_steps", !boot.boot_steps.is_empty(), typing),
        ("http_directory", text(&boot.http_directory), media),
        ("http_content", !boot.http_content.is_empty(), media),
        ("floppy_files", !boot.floppy_files.is_empty(), media),
        ("floppy_dirs", !boot.floppy_dirs.is_empty(), media),
        ("floppy_content", !boot.floppy_content.is_empty(), media),
        ("cd_files", !boot.cd_files.is_empty(), media),
        ("cd_content", !boot.cd_content.is_empty(), media),
    ] {
        if is_set {
            not_yet(given, name, help, diagnostics);
        }
    }
    if let Some(wait) = boot.boot_wait.as_ref().filter(|wait| !wait.is_empty() && wait.parse::<i64>().is_err()) {
        // Read as text, since a negative one is allowed: "don't wait".
        if let Err(why) = duration::parse(wait) {
            let message = format!("`boot_wait` is not a duration: {why}");
            let help = "write a number and a unit: `10s`, `1m30s`";
            diagnostics.push(Diagnostic::error("invalid-value", message).at(wait.span).help(help));
        }
    }
    if boot.vnc_port_min < 5900 {
        let help = "VNC's ports begin at 5900";
        wrong(given, "vnc_port_min", "`vnc_port_min` must be at least 5900", help, diagnostics);
    }
    let (host_minimum, host_maximum) = boot.host_ports();
    for (name, minimum, maximum) in [
        ("vnc_port", boot.vnc_port_min, boot.vnc_port_max),
        ("http_port", boot.http_port_min, boot.http_port_max),
        ("host_port", host_minimum, host_maximum),
    ] {
        if minimum > maximum {
            let (low, high) = (format!("{name}_min"), format!("{name}_max"));
            let span = [&low, &high, &format!("ssh_{low}"), &format!("ssh_{high}")]
                .into_iter()
                .find_map(|name| given.span(name));
            let message = format!("`{low}` is {minimum}, which is more than `{high}`, {maximum}");
            let diagnostic = Diagnostic::error("invalid-value", message).help("swap them, or leave both out");
            diagnostics.push(match span {
                Some(span) => diagnostic.at(span),
                None => diagnostic,
            });
        }
    }
}

impl BootArguments {
    /// Lowest and highest port of this host that may be forwarded.
    pub(super) fn host_ports(&self) -> (u16, u16) {
        let minimum = self.host_port_min.or(self.ssh_host_port_min).unwrap_or(2222);
        let maximum = self.host_port_max.or(self.ssh_host_port_max).unwrap_or(4444);
        (minimum, maximum)
    }
}

fn not_yet(given: &Given, name: &str, help: &str, diagnostics: &mut Diagnostics) {
    if let Some(span) = given.span(name) {
        let message = format!("the qemu builder can't do `{name}` yet");
        diagnostics.push(Diagnostic::error("not-supported-yet", message).at(span).help(help));
    }
}
