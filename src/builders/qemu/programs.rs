//! QEMU's programs on this machine, and the private folder of one build.

use crate::context::BuildContext;
use crate::process;
use anyhow::{Context as _, Result};
use imgforge_ledger::Claim;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// A path of a socket may have 108 bytes with the final zero; the names in the folder are short.
const LONGEST_FOLDER: usize = 90;

/// The programs that a build needs.
pub(super) struct Found {
    qemu: PathBuf,
    qemu_img: PathBuf,
}

impl Found {
    /// Looks for the programs.
    ///
    /// # Errors
    /// When one is missing; names all that are.
    pub(super) fn find(qemu: &str, working_directory: &Path) -> Result<Self> {
        let qemu = find(qemu, package(qemu), working_directory);
        let qemu_img = find("qemu-img", "qemu-utils", working_directory);
        match (qemu, qemu_img) {
            (Ok(qemu), Ok(qemu_img)) => Ok(Self { qemu, qemu_img }),
            (Err(qemu), Err(qemu_img)) => anyhow::bail!("{qemu}; {qemu_img}"),
            (Err(missing), _) | (_, Err(missing)) => Err(missing),
        }
    }
}

/// What one build runs, and under which claim. All its processes share one: they end together.
pub(super) struct Programs {
    found: Found,
    working_directory: PathBuf,
    work_folder: PathBuf,
    claim: Claim,
}

impl Programs {
    /// Makes the private folder. The processes are claimed last of all, so that they are gone before the folders are
    /// in which they write.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub(super) fn claim(found: Found, working_directory: &Path, context: &BuildContext) -> Result<Self> {
        let name = format!("imgforge-{}-{:08x}", context.ledger.run(), rand::random::<u32>());
        let mut work_folder = working_directory.join(std::env::temp_dir()).join(&name);
        if work_folder.as_os_str().len() > LONGEST_FOLDER {
            work_folder = Path::new("/tmp").join(&name);
        }
        make_work_folder(context.ledger.claim_path("work folder", &work_folder)?)?;
        let claim = context.ledger.claim("process", "virtual machine")?;
        Ok(Self { found, working_directory: working_directory.to_owned(), work_folder, claim })
    }

    pub(super) fn qemu(&self) -> &Path {
        &self.found.qemu
    }

    /// Readable by the user alone: sockets and temporary files.
    pub(super) fn work_folder(&self) -> &Path {
        &self.work_folder
    }

    /// The claim of all processes.
    pub(super) fn processes(&self) -> &Claim {
        &self.claim
    }

    /// A command in the working directory, not marked with the claim yet.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.working_directory);
        command
    }

    pub(super) fn claimed(&self, command: Command) -> Command {
        process::claimed(command, &self.claim)
    }

    /// Runs `qemu-img` and returns what it printed.
    ///
    /// # Errors
    /// When it fails, with what it said.
    pub(super) async fn image(&self, arguments: &[String]) -> Result<Vec<u8>> {
        let mut command = self.command(&self.found.qemu_img);
        command.args(arguments).stdin(Stdio::null());
        let what = || format!("run qemu-img {}", arguments.first().map_or("", String::as_str));
        let output = self.claimed(command).output().await.with_context(what)?;
        let error = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "qemu-img fails ({}): {}", output.status, error.trim());
        Ok(output.stdout)
    }
}

fn make_work_folder(claim: Claim) -> Result<()> {
    DirBuilder::new().mode(0o700).create(claim.name()).with_context(|| format!("make the folder {}", claim.name()))
}

/// Debian's package of a QEMU.
fn package(qemu: &str) -> &'static str {
    match qemu.rsplit('-').next() {
        Some("aarch64" | "arm") => "qemu-system-arm",
        Some("ppc" | "ppc64" | "ppc64le") => "qemu-system-ppc",
        Some("riscv32" | "riscv64" | "s390x") => "qemu-system-misc",
        _ => "qemu-system-x86",
    }
}

fn find(program: &str, package: &str, working_directory: &Path) -> Result<PathBuf> {
    let is_program = |path: &PathBuf| {
        std::fs::metadata(path).is_ok_and(|status| status.is_file() && status.permissions().mode() & 0o111 != 0)
    };
    let found = if program.contains('/') {
        Some(working_directory.join(program)).filter(is_program)
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).map(|folder| working_directory.join(folder).join(program)).find(is_program)
    };
    found.with_context(|| format!("there is no `{program}` in PATH: install the package `{package}`"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use imgforge_ledger::Ledger;

    /// A QEMU that is a shell script, in a folder of its own.
    pub(in crate::builders::qemu) struct Fake {
        pub(in crate::builders::qemu) programs: Programs,
        pub(in crate::builders::qemu) folder: tempfile::TempDir,
    }

    pub(in crate::builders::qemu) fn fake(script: &str) -> Fake {
        let folder = tempfile::tempdir().unwrap();
        let claim = Ledger::open(folder.path()).unwrap().build("qemu").claim("process", "virtual machine").unwrap();
        let script_path = folder.path().join("qemu-system-x86_64");
        // Another process writes it: what this one has open for writing, a child forked meanwhile by another test
        // has open too, and Linux runs no file that somebody writes to.
        let written = std::process::Command::new("sh")
            .args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"", "sh", script])
            .arg(&script_path)
            .status();
        assert!(written.unwrap().success());
        let programs = Programs {
            found: Found { qemu: script_path, qemu_img: PathBuf::from("/bin/false") },
            working_directory: folder.path().to_owned(),
            work_folder: folder.path().to_owned(),
            claim,
        };
        Fake { programs, folder }
    }

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let error = find("qemu-system-vax", package("qemu-system-aarch64"), Path::new("/")).unwrap_err();
        assert_eq!(error.to_string(), "there is no `qemu-system-vax` in PATH: install the package `qemu-system-arm`");
    }
}
