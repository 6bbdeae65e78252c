//! Builder `qemu`: a virtual machine on this host, from an installation CD or a disk image.
//!
//! ```hcl
//! source "qemu" "web" {
//!   iso_url          = "debian-13-generic-amd64.qcow2"
//!   iso_checksum     = "file:SHA512SUMS"
//!   disk_image       = true
//!   skip_resize_disk = true
//!   ssh_username     = "root"
//!   ssh_password     = "secret"
//!   shutdown_command = "poweroff"
//! }
//! ```
//!
//! Compatible with Packer's builder of that name, but for these: the forwarded port is open to this host alone; no VNC
//! server is started and, unless `display` is set, no display; KVM is used by itself only where it works; a machine
//! whose accelerator is chosen here gets the processor `host` (KVM) or `max` (TCG), since newer distributions stop at
//! once on QEMU's default one; without a `shutdown_command` the power button is pressed before the machine is
//! switched off; a disk image is not copied first when the result is converted anyway.

mod accelerator;
mod arguments;
mod checks;
mod command_line;
mod disk;
mod iso;
mod machine;
mod programs;
mod qmp;
mod start;
mod values;
mod virtual_machine;

use super::{Builder, Machine};
use crate::communicators::ssh::SshArguments;
use crate::component::Component;
use crate::context::BuildContext;
use anyhow::{Context as _, Result};
use arguments::{BootArguments, DiskArguments, IsoArguments, MachineArguments};
use async_trait::async_trait;
use command_line::Facts;
use disk::{Places, Plan};
use imgforge_ledger::{Claim, Resource};
use imgforge_template::arguments::Arguments as _;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::gotemplate::GoContext;
use iso::Iso;
use machine::{Guest, Output, QemuMachine, Shutdown};
use programs::{Found, Programs};
use start::Started;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use values::Accelerator;

pub(super) const BUILDER: Component<dyn Builder> = Component {
    name: "qemu",
    arguments: &[
        IsoArguments::TABLE,
        DiskArguments::TABLE,
        MachineArguments::TABLE,
        BootArguments::TABLE,
        SshArguments::TABLE,
    ],
    new,
};

/// A checked `qemu` source.
struct Qemu {
    iso: Iso,
    disk: DiskArguments,
    machine: MachineArguments,
    boot: BootArguments,
    ssh: SshArguments,
    go: Arc<GoContext>,
    working_directory: PathBuf,
}

fn new(body: &Body, diagnostics: &mut Diagnostics) -> Box<dyn Builder> {
    let iso: IsoArguments = body.read(diagnostics);
    let disk: DiskArguments = body.read(diagnostics);
    let machine: MachineArguments = body.read(diagnostics);
    let boot: BootArguments = body.read(diagnostics);
    let ssh: SshArguments = body.read(diagnostics);
    let iso = Iso::read(&iso, body, diagnostics);
    checks::disks(&disk, diagnostics);
    checks::machine(&machine, body, diagnostics);
    checks::boot(&boot, diagnostics);
    ssh.check(body, diagnostics);
    body.finish("the builder `qemu`", diagnostics);
    let go = body.context().clone();
    let working_directory = go.host.working_directory();
    Box::new(Qemu { iso, disk, machine, boot, ssh, go, working_directory })
}

#[async_trait]
impl Builder for Qemu {
    async fn launch(&self, context: &BuildContext) -> Result<Box<dyn Machine>> {
        let name = match &self.disk.vm_name {
            Some(name) if !name.is_empty() => name.value.clone(),
            _ => format!("packer-{}", context.label),
        };
        let folder = match &self.disk.output_directory {
            Some(folder) if !folder.as_os_str().is_empty() => folder.value.clone(),
            _ => PathBuf::from(format!("output-{}", context.label)),
        };
        let places = Places { output: self.working_directory.join(&folder), name };
        self.make_way(&places.output, &folder, context.force)?;
        let found = Found::find(&self.machine.qemu_binary, &self.working_directory)?;
        let iso = context.step("find the image", self.iso.find(&self.working_directory, context)).await?;
        let output_claim = make_output_folder(context.ledger.claim_path("output folder", &places.output)?, context)?;
        let programs = Programs::claim(found, &self.working_directory, context)?;
        let (plan, accelerator, efi) = tokio::try_join!(
            context.step("make the disks", self.make_disks(&programs, &places, &iso, context)),
            self.accelerator(&programs, context),
            self.efi(&places),
        )?;
        let facts = self.facts(&places, &iso, accelerator, efi);
        let start = self.start(&programs, facts, &folder, context);
        let Started { machine, qmp, port, switches } = context.step("start the machine", start).await?;
        let values = port.map(|port| ("SSHHostPort".to_owned(), port.to_string())).into_iter().collect();
        let ssh = match port {
            Some(port) => Some(self.connect(&machine, port, &switches, context).await?),
            None => None,
        };
        let hidden = if self.machine.efi_drop_efivars { vec![VARIABLES.to_owned()] } else { Vec::new() };
        let disks: Vec<String> = places.all(self.disk.disk_additional_size.len()).iter().map(shown).collect();
        let artifact_values = [
            ("diskName", places.name.clone()),
            ("diskPaths", disks.join(",")),
            ("diskType", self.disk.format.to_string()),
            ("diskSize", self.disk.disk_size.text.clone()),
            ("domainType", accelerator.to_string()),
        ];
        Ok(Box::new(QemuMachine {
            guest: Guest { machine, ssh },
            qmp,
            programs,
            plan,
            places,
            shutdown: Shutdown { command: self.boot.shutdown_command.clone(), timeout: self.boot.shutdown_timeout },
            output: Output {
                folder,
                claim: output_claim,
                hidden,
                values: artifact_values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            },
            values,
        }))
    }

    fn value_names(&self) -> &'static [&'static str] {
        &["SSHHostPort"]
    }
}

/// The machine's own copy of the EFI variables, in the output folder.
const VARIABLES: &str = "efivars.fd";

/// Where Debian and its derivatives have had the EFI firmware.
const FIRMWARE: [(&str, &str); 2] = [
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
];

impl Qemu {
    /// Sees to it that nothing stands where the output goes.
    fn make_way(&self, output: &Path, folder: &Path, force: bool) -> Result<()> {
        let Ok(status) = output.symlink_metadata() else { return Ok(()) };
        let folder = folder.display();
        anyhow::ensure!(
            force,
            "output_directory {folder} exists already: remove it, or build with -force to replace it"
        );
        let real = output.canonicalize().unwrap_or_else(|_| output.to_owned());
        let working_directory =
            self.working_directory.canonicalize().unwrap_or_else(|_| self.working_directory.clone());
        anyhow::ensure!(
            !working_directory.starts_with(real),
            "output_directory {folder} holds the working directory, which is not removed for it"
        );
        if status.is_dir() { std::fs::remove_dir_all(output) } else { std::fs::remove_file(output) }
            .with_context(|| format!("remove {folder}"))
    }

    async fn make_disks(
        &self,
        programs: &Programs,
        places: &Places,
        iso: &Path,
        context: &BuildContext,
    ) -> Result<Plan> {
        let plan = if self.disk.disk_image {
            let call = ["info", "--output=json"].map(str::to_owned).into_iter().chain([shown(&iso)]);
            let info = disk::info(&programs.image(&call.collect::<Vec<_>>()).await?)?;
            disk::plan(&self.disk, places, Some((iso, &info)))?
        } else {
            disk::plan(&self.disk, places, None)?
        };
        let mut last = "";
        for (what, call) in &plan.before {
            if *what != last {
                context.say(*what);
            }
            last = what;
            programs.image(call).await?;
        }
        Ok(plan)
    }

    async fn accelerator(&self, programs: &Programs, context: &BuildContext) -> Result<Accelerator> {
        match self.machine.accelerator {
            Some(accelerator) => Ok(accelerator),
            None => context.step("choose an accelerator", accelerator::choose(programs, context)).await,
        }
    }

    /// Code and variables of the EFI firmware; the variables are copied for the machine to change.
    async fn efi(&self, places: &Places) -> Result<Option<(PathBuf, PathBuf)>> {
        let given = |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        let (code, variables) = (given(&self.machine.efi_firmware_code), given(&self.machine.efi_firmware_vars));
        if !self.machine.efi_boot && code.is_none() && variables.is_none() {
            return Ok(None);
        }
        let installed = FIRMWARE.into_iter().find(|(code, _)| Path::new(code).is_file());
        let or_installed = |given: Option<PathBuf>, installed: Option<&str>| {
            given.or_else(|| installed.map(PathBuf::from)).map(|path| self.working_directory.join(path))
        };
        const MISSING: &str = "there is no EFI firmware: install the package `ovmf`, or set efi_firmware_code and \
                               efi_firmware_vars";
        let code = or_installed(code, installed.map(|(code, _)| code)).context(MISSING)?;
        let original = or_installed(variables, installed.map(|(_, variables)| variables)).context(MISSING)?;
        let copy = places.output.join(VARIABLES);
        let copied = async {
            tokio::fs::copy(&original, &copy).await?;
            tokio::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o660)).await
        };
        copied.await.with_context(|| format!("copy the EFI variables {}", original.display()))?;
        Ok(Some((code, copy)))
    }

    fn facts(&self, places: &Places, iso: &Path, accelerator: Accelerator, efi: Option<(PathBuf, PathBuf)>) -> Facts {
        let chosen = match accelerator {
            _ if self.machine.accelerator.is_some() => None,
            Accelerator::Kvm => Some("host"),
            _ => Some("max"),
        };
        let cpu_model = self.machine.cpu_model.clone().filter(|model| !model.is_empty());
        let qmp = self.machine.qmp_enable.then(|| match &self.machine.qmp_socket_path {
            Some(path) if !path.as_os_str().is_empty() => self.working_directory.join(path),
            _ => places.output.join(format!("{}.monitor", places.name)),
        });
        Facts {
            name: places.name.clone(),
            accelerator,
            cpu_model: cpu_model.or_else(|| chosen.map(str::to_owned)),
            disks: places.all(self.disk.disk_additional_size.len()),
            cds: if self.disk.disk_image { Vec::new() } else { vec![iso.to_owned()] },
            forward: None,
            efi,
            qmp,
        }
    }
}

/// Makes the folder that was claimed; nobody else's folder stays claimed.
fn make_output_folder(claim: Claim, context: &BuildContext) -> Result<Resource> {
    let path = Path::new(claim.name());
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::create_dir(path));
    if let Err(error) = made {
        context.ledger.released(claim.resource())?;
        return Err(error).with_context(|| format!("make the folder {}", path.display()));
    }
    Ok(claim.resource().clone())
}

fn shown(path: &impl AsRef<Path>) -> String {
    path.as_ref().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
