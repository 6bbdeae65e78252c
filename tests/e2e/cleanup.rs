//! Nothing of a QEMU build is left behind, whatever ends it, and nothing of anyone else is touched.

use crate::qemu::guest;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A build of the tiny guest whose provisioner never ends, in folders of its own.
struct Build {
    folder: TempDir,
    state: PathBuf,
    child: Child,
}

/// A failing test must not leave a machine behind either.
impl Drop for Build {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
        imgforge(&self.state, self.folder.path(), Path::new("/")).arg("cleanup").output().unwrap();
    }
}

struct Foreign(Child);

impl Drop for Foreign {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

const TEMPLATE: &str = r#"variable "base" {}
source "qemu" "tiny" {
  iso_url          = var.base
  iso_checksum     = "none"
  disk_image       = true
  skip_resize_disk = true
  accelerator      = "tcg"
  memory           = 256
  qemuargs         = [["-cpu", "max"]]
  ssh_username     = "root"
  ssh_password     = "imgforge"
  output_directory = "output"
}
build {
  sources = ["qemu.tiny"]
  provisioner "shell" {
    inline = ["echo provisioning now", "sleep 1000"]
  }
}
"#;

impl Build {
    /// Starts the program and waits until the guest runs the provisioner.
    fn start(state: &Path, temporary: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("image.pkr.hcl"), TEMPLATE).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = imgforge(state, temporary, folder.path());
        command.arg("build").arg(format!("-var=base={}", guest().join("disk.qcow2").display())).arg("image.pkr.hcl");
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let build = Self { folder, state: state.to_owned(), child };
        wait_until("the provisioner runs", || build.log().contains("provisioning now"));
        build
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

fn imgforge(state: &Path, temporary: &Path, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imgforge"));
    command.current_dir(folder).env("IMGFORGE_STATE_DIR", state).env("TMPDIR", temporary).stdin(Stdio::null());
    command
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The machines of a build: QEMU processes that work in its folder.
pub(crate) fn machines(folder: &Path) -> usize {
    let folder = folder.canonicalize().unwrap();
    let is_machine = |process: &Path| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(program).contains("qemu-system")
            && std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder)
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| is_machine(&entry.path())).count()
}

/// Every file and socket below a folder.
fn everything(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(everything(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn after_sigkill_cleanup_from_elsewhere_removes_all_of_that_build_and_nothing_else() {
    let (state, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut killed = Build::start(state.path(), temporary.path());
    let other_temporary = tempfile::tempdir().unwrap();
    let mut living = Build::start(state.path(), other_temporary.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let foreign_disk = elsewhere.path().join("disk");
    std::fs::write(&foreign_disk, vec![0; 4096]).unwrap();
    let foreign = Command::new("qemu-system-x86_64")
        .args(["-accel", "tcg", "-display", "none", "-nodefaults", "-S", "-drive"])
        .arg(format!("file={},format=raw,if=virtio", foreign_disk.display()))
        .stdin(Stdio::null())
        .spawn();
    let mut foreign = Foreign(foreign.unwrap());

    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert_eq!(machines(killed.folder.path()), 1, "a killed program can't end its machine itself");
    let output = imgforge(state.path(), temporary.path(), Path::new("/")).arg("cleanup").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert_eq!(machines(killed.folder.path()), 0, "{said}");
    assert!(!killed.output().exists(), "{said}");
    assert_eq!(everything(temporary.path()), Vec::<PathBuf>::new(), "{said}");

    assert_eq!(machines(living.folder.path()), 1);
    assert!(living.output().exists());
    assert!(foreign.0.try_wait().unwrap().is_none());
    living.signal("-TERM");
    living.child.wait().unwrap();
    assert_eq!(machines(living.folder.path()), 0);
    assert_eq!(everything(state.path()), Vec::<PathBuf>::new());
    assert!(foreign.0.try_wait().unwrap().is_none());
}

#[test]
fn sigterm_leaves_nothing_without_a_cleanup() {
    let (state, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut build = Build::start(state.path(), temporary.path());
    build.signal("-TERM");
    let status = build.child.wait().unwrap();
    assert_eq!(status.code(), Some(130), "{}", build.log());
    assert_eq!(machines(build.folder.path()), 0);
    assert!(!build.output().exists());
    assert_eq!(everything(temporary.path()), Vec::<PathBuf>::new());
    assert_eq!(everything(state.path()), Vec::<PathBuf>::new());
}
