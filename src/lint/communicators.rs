//! How a build reaches its machine, and what needs that.

use super::block::{Block, Build};
use super::{Report, Subject};
use imgforge_template::body::Entry;
use imgforge_template::gotemplate;
use imgforge_template::source::Span;
use imgforge_template::syntax::ExpressionKind;

/// Builders whose communicator is SSH if nothing else is said; others have one of their own, or none.
const BY_SSH: &[&str] = &[
    "amazon-",
    "azure-",
    "cloudstack",
    "digitalocean",
    "googlecompute",
    "hcloud",
    "hyperv-",
    "linode",
    "null",
    "openstack",
    "oracle-",
    "parallels-",
    "proxmox",
    "qemu",
    "virtualbox-",
    "vmware-",
    "vsphere-",
];

/// Builders that work without a machine of their own: in a folder, or on files.
const OWN: &[&str] = &["amazon-chroot", "azure-chroot"];

/// Provisioners that do something on the machine by the build's connection.
const REMOTE: &[&str] = &[
    "ansible-local",
    "chef-client",
    "chef-solo",
    "converge",
    "file",
    "goss",
    "powershell",
    "puppet-masterless",
    "puppet-server",
    "salt-masterless",
    "shell",
    "windows-restart",
    "windows-shell",
    "windows-update",
];

/// What is known of a build's communicator, and where it says so.
fn communicator(build: &Build<'_>) -> Option<(String, Option<Span>)> {
    if let Some(given) = build.source.given("communicator") {
        let text = build.source.text("communicator")?;
        // An empty one is as if it were not given.
        if !text.is_empty() {
            return Some((text.value, Some(given.span)));
        }
    }
    let kind = build.builder();
    let by_ssh = BY_SSH.iter().any(|start| kind.starts_with(start)) && !OWN.contains(&kind);
    by_ssh.then(|| ("ssh".to_owned(), None))
}

pub(super) fn no_machine(subject: &Subject<'_>, report: &mut Report<'_>) {
    for build in &subject.builds {
        let Some((kind, Some(place))) = communicator(build).filter(|_| build.builder() != "file") else { continue };
        for step in remote(build).filter(|_| kind == "none") {
            report.say_beside(
                step.used.kind.span,
                format!("`{}` runs on the machine, to which `{}` has no connection", step.kind(), build.outline.name),
                HELP,
                (place, "no connection is made"),
            );
        }
    }
}

/// Packer's file builder lets them do nothing, and says that they did it.
pub(super) fn file_builder(subject: &Subject<'_>, report: &mut Report<'_>) {
    for build in subject.builds.iter().filter(|build| build.builder() == "file") {
        for step in remote(build) {
            report.say_beside(
                step.used.kind.span,
                format!("`{}` does nothing in Packer and fails here: the file builder has no machine", step.kind()),
                HELP,
                (build.source.used.header, "the file builder"),
            );
        }
    }
}

const HELP: &str = "use `shell-local` for what is done here, or leave it out for this source by `except`";

fn remote<'b, 'a>(build: &'b Build<'a>) -> impl Iterator<Item = &'b Block<'a>> {
    build.provisioners.iter().filter(|step| REMOTE.contains(&step.kind()))
}

/// Arguments named after SSH that matter with another communicator too: the key that Windows encrypts its password
/// with, and the address that is taken.
const SHARED: &[&str] = &["ssh_interface", "ssh_ip_version", "ssh_keypair_name", "ssh_private_key_file"];

pub(super) fn ignored(subject: &Subject<'_>, report: &mut Report<'_>) {
    for build in &subject.builds {
        let Some((kind, place)) = communicator(build) else { continue };
        // Where a variable decides, the settings of both are meant to be there.
        if build.source.given("communicator").is_some_and(|given| !is_written(given)) {
            continue;
        }
        let is_ignored = |name: &str| match kind.as_str() {
            "ssh" => name.starts_with("winrm_"),
            "winrm" => name.starts_with("ssh_") && !SHARED.contains(&name),
            "none" => ["ssh_", "winrm_"].iter().any(|start| name.starts_with(start)) && !SHARED.contains(&name),
            _ => false,
        };
        // One stands for all of them.
        let ignored = build
            .source
            .arguments
            .iter()
            .filter(|(name, entry)| is_ignored(name) && !is_empty(&build.source, name, entry.span));
        let Some((name, entry)) = ignored.min_by_key(|(_, entry)| entry.key) else { continue };
        let message = format!("`{name}` does nothing: the communicator is `{kind}`");
        let help = match kind.as_str() {
            "none" => "delete it and its like, or the line `communicator = \"none\"`".to_owned(),
            _ => format!(
                "set `communicator = \"{}\"`, or delete it and its like",
                name.split('_').next().unwrap_or_default()
            ),
        };
        match place {
            Some(place) => report.say_beside(entry.key, message, help, (place, "set here")),
            None => report.say(entry.key, message, help),
        }
    }
}

/// Whether a value is a string without anything to work out.
fn is_written(given: &Entry) -> bool {
    match given.expression.as_ref().map(|expression| &expression.kind) {
        Some(ExpressionKind::String(text)) => !gotemplate::is_template(text.value()),
        _ => false,
    }
}

/// Whether an argument has no value to speak of.
fn is_empty(source: &Block<'_>, name: &str, span: Span) -> bool {
    source.given(name).is_none() || source.text(name).is_some_and(|text| text.span == span && text.is_empty())
}

pub(super) fn shell_over_winrm(subject: &Subject<'_>, report: &mut Report<'_>) {
    for build in &subject.builds {
        let Some((kind, Some(place))) = communicator(build) else { continue };
        for step in build.provisioners.iter().filter(|step| kind == "winrm" && step.kind() == "shell") {
            report.say_beside(
                step.used.kind.span,
                "`shell` needs a Unix shell on the machine, which is reached by WinRM",
                "use `powershell` or `windows-shell`",
                (place, "set here"),
            );
        }
    }
}
