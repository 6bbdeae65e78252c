//! Whether KVM can be used here: only a machine that runs under it proves that.
//!
//! A `/dev/kvm` that opens says little: inside of other virtual machines and sandboxes guests hang, or QEMU aborts,
//! once the first instructions run.

use super::programs::Programs;
use super::values::Accelerator;
use crate::context::BuildContext;
use anyhow::{Context as _, Result};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

/// A boot sector that writes 0x2a to port 0xf4 and halts: `mov al, 0x2a; out 0xf4, al; cli; hlt; jmp -3`.
const PROGRAM: [u8; 8] = [0xb0, 0x2a, 0xe6, 0xf4, 0xfa, 0xf4, 0xeb, 0xfd];

/// QEMU's exit code when the program has written 0x2a to the device `isa-debug-exit`.
const PROOF: i32 = (0x2a << 1) | 1;

/// A machine under a sound KVM is through with firmware and boot sector in a fraction of a second.
const LIMIT: Duration = Duration::from_secs(2);

/// The accelerator to use when the user leaves it open.
///
/// # Errors
/// When the trial can't be prepared.
pub(super) async fn choose(programs: &Programs, context: &BuildContext) -> Result<Accelerator> {
    const SLOWER: &str = "using TCG, which is 5 to 20 times slower";
    if !Path::new("/dev/kvm").exists() {
        context.say(format!("There is no KVM here: {SLOWER}"));
        return Ok(Accelerator::Tcg);
    }
    let guest = guest_architecture(programs.qemu());
    if guest != std::env::consts::ARCH {
        context.say(format!("KVM can't run a machine of the architecture {guest} here: {SLOWER}"));
        return Ok(Accelerator::Tcg);
    }
    let verdict = match guest {
        "x86_64" => trial(programs, LIMIT).await?,
        // The program is for PCs; elsewhere the device alone has to do.
        _ => std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/kvm")
            .map(drop)
            .map_err(|error| error.to_string()),
    };
    match verdict {
        Ok(()) => Ok(Accelerator::Kvm),
        Err(why) => {
            context.say(format!("KVM is not usable here ({why}): {SLOWER}"));
            Ok(Accelerator::Tcg)
        }
    }
}

/// Of `qemu-system-aarch64` and its like; programs of other names (`qemu-kvm`) run the host's own kind.
fn guest_architecture(qemu: &Path) -> &str {
    let name = qemu.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match name.strip_prefix("qemu-system-") {
        Some("i386") => "x86_64",
        Some(architecture) => architecture,
        None => std::env::consts::ARCH,
    }
}

/// Runs a tiny machine under KVM; says why it can't be used otherwise.
async fn trial(programs: &Programs, limit: Duration) -> Result<Result<(), String>> {
    let sector = programs.work_folder().join("trial.img");
    let mut image = [0; 512];
    image[..PROGRAM.len()].copy_from_slice(&PROGRAM);
    image[510..].copy_from_slice(&[0x55, 0xaa]);
    tokio::fs::write(&sector, image).await.context("write a boot sector")?;

    let mut command = programs.command(programs.qemu());
    command.args(["-machine", "pc,accel=kvm", "-m", "16", "-display", "none", "-nodefaults", "-no-user-config"]);
    command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-drive"]);
    command.arg(format!("file={},format=raw,if=ide", sector.to_string_lossy().replace(',', ",,")));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = programs.claimed(command).spawn().context("start a trial machine")?;
    let verdict = match tokio::time::timeout(limit, child.wait()).await {
        Ok(status) => judge(status.context("wait for the trial machine")?),
        Err(_) => {
            // One that hangs in the kernel may not even die; the claim finds it again.
            child.start_kill().context("end the trial machine")?;
            let _ended = tokio::time::timeout(Duration::from_secs(1), child.wait()).await;
            Err(format!("the trial machine did not run within {limit:?}"))
        }
    };
    Ok(verdict)
}

fn judge(status: ExitStatus) -> Result<(), String> {
    if status.code() == Some(PROOF) { Ok(()) } else { Err(format!("the trial machine did not run: {status}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::qemu::programs::tests::fake;

    /// The verdict on a QEMU that is this shell script.
    async fn verdict(script: &str) -> Result<(), String> {
        let world = fake(script);
        trial(&world.programs, Duration::from_millis(500)).await.unwrap()
    }

    #[tokio::test]
    async fn only_the_right_exit_code_proves_that_kvm_runs() {
        assert_eq!(verdict("exit 85").await, Ok(()));
        let wrong = "the trial machine did not run: exit status: 0";
        assert_eq!(verdict("exit 0").await, Err(wrong.to_owned()));
        let aborted = "the trial machine did not run: signal: 6 (SIGABRT)";
        assert!(verdict("kill -ABRT $$").await.unwrap_err().starts_with(aborted));
    }

    #[tokio::test]
    async fn a_trial_that_hangs_is_ended() {
        let world = fake("echo $$ > $(dirname $0)/pid; exec sleep 60");
        let verdict = trial(&world.programs, Duration::from_millis(500)).await.unwrap();
        assert_eq!(verdict, Err("the trial machine did not run within 500ms".to_owned()));
        let pid = std::fs::read_to_string(world.folder.path().join("pid")).unwrap();
        assert!(!Path::new("/proc").join(pid.trim()).exists());
    }

    #[tokio::test]
    async fn the_program_runs_to_its_end_in_a_real_machine() {
        // TCG in place of KVM shows that the program itself is right.
        assert_eq!(
            verdict("exec qemu-system-x86_64 $(echo \"$@\" | sed s/kvm/tcg/)").await,
            Ok(()),
            "is the package qemu-system-x86 installed?"
        );
    }

    #[test]
    fn the_architecture_is_a_part_of_the_program_s_name() {
        assert_eq!(guest_architecture(Path::new("/usr/bin/qemu-system-aarch64")), "aarch64");
        assert_eq!(guest_architecture(Path::new("/usr/bin/qemu-system-i386")), "x86_64");
        assert_eq!(guest_architecture(Path::new("/usr/libexec/qemu-kvm")), std::env::consts::ARCH);
    }
}
