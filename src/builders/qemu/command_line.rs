//! QEMU's command line: the defaults, in an order that never changes, and what `qemuargs` makes of them.

use super::arguments::{DiskArguments, MachineArguments};
use super::values::{Accelerator, Interface};
use std::path::{Path, PathBuf};

/// What the command line says beyond the user's arguments.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub name: String,
    pub accelerator: Accelerator,
    pub cpu_model: Option<String>,
    /// Absolute; the main disk first.
    pub disks: Vec<PathBuf>,
    pub cds: Vec<PathBuf>,
    /// Port of this host and the machine's SSH port that it leads to.
    pub forward: Option<(u16, u16)>,
    /// Code and variables; the variables are a private copy.
    pub efi: Option<(PathBuf, PathBuf)>,
    /// A socket at which others may speak QMP.
    pub qmp: Option<PathBuf>,
}

/// A switch with its values; one without values stands alone.
pub(super) type Switch = (String, Vec<String>);

/// The defaults, each switch once.
pub(super) fn defaults(machine: &MachineArguments, disk: &DiskArguments, facts: &Facts) -> Vec<Switch> {
    let mut switches = Vec::new();
    let mut add = |switch: &str, values: Vec<String>| {
        if !values.is_empty() {
            switches.push((switch.to_owned(), values));
        }
    };
    let some = |value: &Option<String>| value.iter().filter(|value| !value.is_empty()).cloned().collect::<Vec<_>>();
    add("-name", vec![escaped(&facts.name)]);
    add(
        "-machine",
        vec![match facts.accelerator {
            Accelerator::None => format!("type={}", machine.machine_type),
            accelerator => format!("type={},accel={accelerator}", machine.machine_type),
        }],
    );
    add("-cpu", some(&facts.cpu_model));
    add("-smp", vec![processors(machine)]);
    let memory = if machine.memory < 10 { 512 } else { machine.memory };
    add("-m", vec![format!("{memory}M")]);
    let firmware = machine.firmware.as_deref().filter(|path| !path.as_os_str().is_empty());
    add("-bios", firmware.filter(|_| !machine.use_pflash).map(|path| path.display().to_string()).into_iter().collect());
    if facts.efi.is_none() {
        add("-boot", vec![if disk.disk_image { "c" } else { "once=d" }.to_owned()]);
    }
    add(
        "-netdev",
        vec![match facts.forward {
            // On this host's loopback alone: who shares the network must not get at a machine with a known password.
            Some((host, guest)) => format!("user,id=user.0,hostfwd=tcp:127.0.0.1:{host}-:{guest}"),
            None => "user,id=user.0".to_owned(),
        }],
    );
    add("-display", vec![display(machine).to_owned()]);
    add("-vga", some(&machine.vga));
    add("-qmp", facts.qmp.iter().map(|path| format!("unix:{},server=on,wait=off", file(path))).collect());
    add("-device", devices(machine, disk, facts));
    add("-drive", drives(machine, disk, facts, firmware));
    switches
}

/// A display is for a user who watches; anything else gets none at all, and no VNC server either.
fn display(machine: &MachineArguments) -> &str {
    match machine.display.as_deref() {
        Some(display) if !machine.headless && !machine.use_default_display && !display.is_empty() => display,
        _ => "none",
    }
}

fn processors(machine: &MachineArguments) -> String {
    let topology = [("sockets", machine.sockets), ("cores", machine.cores), ("threads", machine.threads)];
    let given = || topology.iter().filter(|(_, count)| *count > 0);
    let total = given().fold(1_u32, |total, (_, count)| total.saturating_mul(*count));
    let count = match (machine.cpus, given().next()) {
        (0, None) => 1,
        (cpus, None) => cpus,
        (0, Some(_)) => total,
        (cpus, Some(_)) => cpus.min(total),
    };
    given().fold(count.to_string(), |text, (name, count)| format!("{text},{name}={count}"))
}

fn devices(machine: &MachineArguments, disk: &DiskArguments, facts: &Facts) -> Vec<String> {
    let mut devices = Vec::new();
    let has_scsi_disks = disk.disk_interface == Interface::VirtioScsi;
    if has_scsi_disks {
        devices.push("virtio-scsi-pci,id=scsi0".to_owned());
        devices.extend((0..facts.disks.len()).map(|index| format!("scsi-hd,bus=scsi0.0,drive=drive{index}")));
    }
    devices.push(network_device(&machine.net_device));
    if disk.cdrom_interface.as_deref() == Some("virtio-scsi") {
        for index in 0..facts.cds.len() {
            if index == 0 && !has_scsi_disks {
                devices.push("virtio-scsi-pci,id=scsi0".to_owned());
            }
            devices.push(format!("scsi-cd,bus=scsi0.0,drive=cdrom{index}"));
        }
    }
    devices
}

fn drives(machine: &MachineArguments, disk: &DiskArguments, facts: &Facts, firmware: Option<&Path>) -> Vec<String> {
    let mut drives = Vec::new();
    let (cache, discard, format) = (disk.disk_cache, disk.disk_discard, disk.format);
    for (index, path) in facts.disks.iter().enumerate() {
        let path = file(path);
        let mut drive = match disk.disk_interface {
            Interface::VirtioScsi => format!("if=none,file={path},id=drive{index}"),
            interface => format!("file={path},if={interface}"),
        };
        drive += &format!(",cache={cache},discard={discard},format={format}");
        if disk.disk_detect_zeroes.text() != "off" {
            drive += &format!(",detect-zeroes={}", disk.disk_detect_zeroes);
        }
        drives.push(drive);
    }
    for (index, path) in facts.cds.iter().enumerate() {
        let path = file(path);
        drives.push(match disk.cdrom_interface.as_deref() {
            None | Some("") => format!("file={path},media=cdrom"),
            Some("virtio-scsi") => format!("file={path},if=none,index={index},id=cdrom{index},media=cdrom"),
            Some(interface) => format!("file={path},if={interface},index={index},id=cdrom{index},media=cdrom"),
        });
    }
    if let Some(firmware) = firmware.filter(|_| machine.use_pflash) {
        drives.push(format!("file={},if=pflash,format=raw,readonly=on", file(firmware)));
    }
    if let Some((code, variables)) = &facts.efi {
        drives.push(format!("file={},if=pflash,unit=0,format=raw,readonly=on", file(code)));
        drives.push(format!("file={},if=pflash,unit=1,format=raw", file(variables)));
    }
    drives
}

fn network_device(net_device: &str) -> String {
    format!("{net_device},netdev=user.0")
}

/// A path as QEMU takes it among comma-separated options.
fn file(path: &Path) -> String {
    escaped(&path.to_string_lossy())
}

fn escaped(text: &str) -> String {
    text.replace(',', ",,")
}

/// The user's `qemuargs`, rendered: the first string of a list is the switch, the others make its value together.
pub(super) fn users(qemuargs: &[Vec<String>]) -> Vec<Switch> {
    let mut switches: Vec<Switch> = Vec::new();
    for list in qemuargs {
        let Some((switch, value)) = list.split_first() else { continue };
        let value = value.concat();
        match switches.iter_mut().find(|(known, _)| known == switch) {
            Some((_, values)) => values.push(value),
            None => switches.push((switch.clone(), vec![value])),
        }
    }
    switches
}

/// A switch of the user's replaces all defaults of that switch, as it does in Packer; the others follow.
/// One default comes back: the network card, when no `-device` names it.
pub(super) fn merged(defaults: Vec<Switch>, users: Vec<Switch>, net_device: &str) -> Vec<Switch> {
    let mut merged = defaults;
    for (switch, values) in users {
        match merged.iter_mut().find(|(known, _)| *known == switch) {
            Some((_, defaults)) => *defaults = values,
            None => merged.push((switch, values)),
        }
    }
    if let Some((_, devices)) = merged.iter_mut().find(|(switch, _)| switch == "-device")
        && !devices.iter().any(|device| device.contains(net_device))
    {
        devices.push(network_device(net_device));
    }
    merged
}

/// What stands on the command line.
pub(super) fn flattened(switches: &[Switch]) -> Vec<String> {
    let mut arguments = Vec::new();
    for (switch, values) in switches {
        for value in values {
            arguments.push(switch.clone());
            arguments.extend(Some(value).filter(|value| !value.is_empty()).cloned());
        }
    }
    arguments
}

/// The file that the machine's serial console is written to, if it is.
pub(super) fn serial_file(switches: &[Switch]) -> Option<&Path> {
    let (_, values) = switches.iter().find(|(switch, _)| switch == "-serial")?;
    values.iter().find_map(|value| value.strip_prefix("file:")).map(Path::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::qemu::tests::read;

    fn facts() -> Facts {
        Facts {
            name: "web".to_owned(),
            accelerator: Accelerator::Tcg,
            cpu_model: None,
            disks: vec![PathBuf::from("/out/web")],
            cds: Vec::new(),
            forward: Some((3824, 22)),
            efi: None,
            qmp: None,
        }
    }

    /// One switch a line.
    fn show(arguments: &str, facts: &Facts, qemuargs: &[&[&str]]) -> String {
        let (machine, disk): (MachineArguments, DiskArguments) = (read(arguments), read(arguments));
        let qemuargs: Vec<Vec<String>> =
            qemuargs.iter().map(|list| list.iter().map(|part| (*part).to_owned()).collect()).collect();
        let merged = merged(defaults(&machine, &disk, facts), users(&qemuargs), &machine.net_device);
        flattened(&merged).join(" ").replace(" -", "\n-")
    }

    #[test]
    fn a_disk_image_on_a_plain_machine() {
        assert_eq!(
            show("disk_image = true; cpus = 2; memory = 1024; machine_type = q35", &facts(), &[]),
            "-name web\n\
             -machine type=q35,accel=tcg\n\
             -smp 2\n\
             -m 1024M\n\
             -boot c\n\
             -netdev user,id=user.0,hostfwd=tcp:127.0.0.1:3824-:22\n\
             -display none\n\
             -device virtio-net,netdev=user.0\n\
             -drive file=/out/web,if=virtio,cache=writeback,discard=ignore,format=qcow2"
        );
    }

    #[test]
    fn an_installation_with_everything() {
        let facts = Facts {
            accelerator: Accelerator::None,
            cpu_model: Some("host".to_owned()),
            disks: vec![PathBuf::from("/out/a,b"), PathBuf::from("/out/a,b-1")],
            cds: vec![PathBuf::from("/iso")],
            forward: None,
            efi: Some((PathBuf::from("/code"), PathBuf::from("/out/efivars.fd"))),
            qmp: Some(PathBuf::from("/out/monitor")),
            ..facts()
        };
        let arguments = "disk_interface = virtio-scsi; cdrom_interface = virtio-scsi; disk_detect_zeroes = unmap; \
            disk_discard = unmap; disk_cache = unsafe; format = raw; vga = std; display = gtk; sockets = 2; cores = 2; \
            firmware = /bios; use_pflash = true";
        assert_eq!(
            show(arguments, &facts, &[]),
            "-name web\n\
             -machine type=pc\n\
             -cpu host\n\
             -smp 4,sockets=2,cores=2\n\
             -m 512M\n\
             -netdev user,id=user.0\n\
             -display gtk\n\
             -vga std\n\
             -qmp unix:/out/monitor,server=on,wait=off\n\
             -device virtio-scsi-pci,id=scsi0\n\
             -device scsi-hd,bus=scsi0.0,drive=drive0\n\
             -device scsi-hd,bus=scsi0.0,drive=drive1\n\
             -device virtio-net,netdev=user.0\n\
             -device scsi-cd,bus=scsi0.0,drive=cdrom0\n\
             -drive if=none,file=/out/a,,b,id=drive0,cache=unsafe,discard=unmap,format=raw,detect-zeroes=unmap\n\
             -drive if=none,file=/out/a,,b-1,id=drive1,cache=unsafe,discard=unmap,format=raw,detect-zeroes=unmap\n\
             -drive file=/iso,if=none,index=0,id=cdrom0,media=cdrom\n\
             -drive file=/bios,if=pflash,format=raw,readonly=on\n\
             -drive file=/code,if=pflash,unit=0,format=raw,readonly=on\n\
             -drive file=/out/efivars.fd,if=pflash,unit=1,format=raw"
        );
    }

    #[test]
    fn a_switch_of_the_user_replaces_its_defaults_in_their_place() {
        let shown = show(
            "disk_image = true; headless = true; display = gtk",
            &facts(),
            &[
                &["-drive", "file=/mine,", "if=virtio"],
                &["-m", "2048M"],
                &["-drive", "file=/more"],
                &["-device", "virtio-rng-pci"],
                &["-enable-kvm", ""],
                &["-no-reboot"],
            ],
        );
        assert_eq!(
            shown,
            "-name web\n\
             -machine type=pc,accel=tcg\n\
             -smp 1\n\
             -m 2048M\n\
             -boot c\n\
             -netdev user,id=user.0,hostfwd=tcp:127.0.0.1:3824-:22\n\
             -display none\n\
             -device virtio-rng-pci\n\
             -device virtio-net,netdev=user.0\n\
             -drive file=/mine,if=virtio\n\
             -drive file=/more\n\
             -enable-kvm\n\
             -no-reboot"
        );
    }

    #[test]
    fn a_named_network_card_is_not_added_twice() {
        let shown = show("", &facts(), &[&["-device", "virtio-net-pci,netdev=user.0,mac=52:54:00:00:00:01"]]);
        assert_eq!(shown.matches("virtio-net").count(), 1, "{shown}");
    }

    #[test]
    fn processors_follow_the_topology() {
        for (arguments, expected) in [
            ("", "1"),
            ("cpus = 3", "3"),
            ("cpus = 8; sockets = 2; cores = 2", "4,sockets=2,cores=2"),
            ("cpus = 2; threads = 4", "2,threads=4"),
            ("sockets = 4294967295; cores = 2", "4294967295,sockets=4294967295,cores=2"),
        ] {
            assert_eq!(processors(&read(arguments)), expected, "{arguments}");
        }
    }

    #[test]
    fn the_serial_console_is_found_where_it_goes_to_a_file() {
        let switches = users(&[vec!["-serial".to_owned(), "file:serial.log".to_owned()]]);
        assert_eq!(serial_file(&switches), Some(Path::new("serial.log")));
        assert_eq!(serial_file(&users(&[vec!["-serial".to_owned(), "stdio".to_owned()]])), None);
    }
}
