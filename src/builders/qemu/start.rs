//! From prepared disks to a machine that lets us in.

use super::Qemu;
use super::command_line::{self, Facts, Switch};
use super::programs::Programs;
use super::qmp::Qmp;
use super::virtual_machine::{NotStarted, VirtualMachine};
use crate::communicators::ssh::{Ssh, TemporaryKey};
use crate::context::BuildContext;
use anyhow::{Context as _, Result};
use imgforge_template::diagnostic::Diagnostics;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

/// How often another port is tried, when each time somebody takes it before QEMU does.
const PORT_TRIES: u32 = 20;

/// A running machine that nobody has spoken to yet.
pub(super) struct Started {
    pub machine: VirtualMachine,
    pub qmp: Qmp,
    /// Of this host, leading to the machine's SSH port.
    pub port: Option<u16>,
    pub switches: Vec<Switch>,
}

impl Qemu {
    pub(super) async fn start(
        &self,
        programs: &Programs,
        mut facts: Facts,
        folder: &Path,
        context: &BuildContext,
    ) -> Result<Started> {
        let boot = if self.disk.disk_image { "disk image" } else { "CD-ROM" };
        for attempt in 1..=PORT_TRIES {
            let port = if self.ssh.is_none() { None } else { Some(self.free_port()?) };
            facts.forward = port.map(|port| (port, self.ssh.ssh_port));
            let switches = self.switches(&facts, folder, if attempt == 1 { Some(context) } else { None })?;
            if let Some(port) = port {
                context.say(format!("Found port for communicator (SSH, WinRM, etc): {port}."));
            }
            let mut command = programs.command(programs.qemu());
            command.args(command_line::flattened(&switches));
            context.say(format!("Starting VM, booting from {boot}").replace("from disk", "disk"));
            let socket = programs.work_folder().join(format!("qmp-{attempt}"));
            match VirtualMachine::start(command, programs.processes(), &socket).await {
                Ok((machine, qmp)) => return Ok(Started { machine, qmp, port, switches }),
                Err(NotStarted::Other(error)) => return Err(error),
                // The only port there is will not get free by trying it again.
                Err(NotStarted::PortTaken) if self.boot.skip_nat_mapping => break,
                Err(NotStarted::PortTaken) => {}
            }
        }
        let (low, high) =
            if self.boot.skip_nat_mapping { (self.ssh.ssh_port, self.ssh.ssh_port) } else { self.boot.host_ports() };
        anyhow::bail!("QEMU can't listen on a port from {low} to {high}: each is taken, or may not be used")
    }

    /// A port in the user's range that nobody listens on.
    fn free_port(&self) -> Result<u16> {
        if self.boot.skip_nat_mapping {
            return Ok(self.ssh.ssh_port);
        }
        let (low, high) = self.boot.host_ports();
        // From a random one on, so that builds that start together do not meet.
        let first = rand::random_range(low..=high.max(low));
        (first..=high)
            .chain(low..first)
            .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
            .with_context(|| {
                format!("there is no free port from {low} to {high}: change host_port_min and host_port_max")
            })
    }

    /// The whole command line; what `qemuargs` replaces is said to the context, if one is given.
    fn switches(&self, facts: &Facts, folder: &Path, context: Option<&BuildContext>) -> Result<Vec<Switch>> {
        let values: BTreeMap<String, String> = [
            // What a guest in QEMU's user network calls this host.
            ("HTTPIP", "10.0.2.2".to_owned()),
            ("HTTPPort", "0".to_owned()),
            ("HTTPDir", String::new()),
            ("HTTPContent", String::new()),
            ("OutputDir", folder.display().to_string()),
            ("Name", facts.name.clone()),
            ("SSHHostPort", facts.forward.map_or(0, |(host, _)| host).to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        let mut rendered = Vec::new();
        for list in &self.machine.qemuargs {
            let mut parts = Vec::new();
            for part in list {
                let mut diagnostics = Diagnostics::default();
                let text = part.render(&self.go, &values, &mut diagnostics).with_context(|| {
                    let reason = diagnostics.iter().map(|diagnostic| diagnostic.message.clone()).next();
                    format!("render `{}` of qemuargs: {}", part.text(), reason.unwrap_or_default())
                })?;
                parts.push(text);
            }
            rendered.push(parts);
        }
        let defaults = command_line::defaults(&self.machine, &self.disk, facts);
        let users = command_line::users(&rendered);
        if let Some(context) = context.filter(|_| !users.is_empty()) {
            context.say("Overriding default Qemu arguments with qemuargs template option...");
            let replaced = defaults.iter().filter(|(switch, _)| {
                matches!(switch.as_str(), "-drive" | "-device" | "-netdev")
                    && users.iter().any(|(user, _)| user == switch)
            });
            for (switch, values) in replaced {
                context.say(format!("qemuargs replaces {switch} {}", values.join(&format!(", {switch} "))));
            }
        }
        Ok(command_line::merged(defaults, users, &self.machine.net_device))
    }

    /// Connects by SSH, for as long as QEMU runs.
    pub(super) async fn connect(
        &self,
        machine: &VirtualMachine,
        port: u16,
        switches: &[Switch],
        context: &BuildContext,
    ) -> Result<Ssh> {
        let has_file = self.ssh.ssh_private_key_file.as_ref().is_some_and(|file| !file.as_os_str().is_empty());
        let has_password = self.ssh.ssh_password.as_ref().is_some_and(|password| !password.is_empty());
        // Where there is another way in, no guest knows the key, and offering it costs a round trip.
        let key = if has_file || has_password { None } else { Some(TemporaryKey::generate(&context.name)?) };
        let host = self.ssh.ssh_host.as_deref().filter(|host| !host.is_empty()).unwrap_or("127.0.0.1");
        tokio::select! {
            connected = Ssh::connect(&self.ssh, host, port, key.as_ref(), context) => {
                connected.map_err(|error| self.with_console(error, machine, switches))
            }
            _ = machine.ended() => {
                let error = machine.end().unwrap_or_else(|| anyhow::anyhow!("QEMU has ended"));
                Err(error.context("the machine ended before it could be reached by SSH"))
            }
            () = context.cancel.cancelled() => anyhow::bail!("cancelled"),
        }
    }

    /// What the machine last said, as a reason for being out of reach.
    fn with_console(&self, error: anyhow::Error, machine: &VirtualMachine, switches: &[Switch]) -> anyhow::Error {
        let serial = command_line::serial_file(switches).map(|path| self.working_directory.join(path));
        let serial = serial.and_then(|path| std::fs::read(path).ok()).map(|bytes| last_lines(&bytes));
        match (serial.filter(|text| !text.is_empty()), machine.last_words()) {
            (Some(lines), _) => anyhow::anyhow!("{error:#}; the serial console ends with:\n{lines}"),
            (None, words) if !words.is_empty() => anyhow::anyhow!("{error:#}; QEMU says:\n{words}"),
            _ => error,
        }
    }
}

/// The last lines of a console, without its control characters.
fn last_lines(bytes: &[u8]) -> String {
    const LINES: usize = 20;
    let start = bytes.len().saturating_sub(8192);
    let text = String::from_utf8_lossy(bytes.get(start..).unwrap_or_default());
    let text: String = text.chars().filter(|character| *character == '\n' || !character.is_control()).collect();
    let lines: Vec<&str> = text.trim().lines().collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn a_console_is_shown_by_its_last_lines_without_control_characters() {
        let console: String = (0..50).map(|line| format!("\x1b[0mline {line}\r\n")).collect();
        let lines = last_lines(console.as_bytes());
        assert_eq!(lines.lines().next(), Some("[0mline 30"));
        assert_eq!(lines.lines().last(), Some("[0mline 49"));
        assert_eq!(last_lines(b""), "");
    }
}
