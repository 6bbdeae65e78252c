//! The running machine: what provisioners speak to, how it is stopped, and what is made of it.

use super::disk::{Places, Plan};
use super::programs::Programs;
use super::qmp::Qmp;
use super::virtual_machine::{Tail, VirtualMachine};
use crate::artifact::Artifact;
use crate::builders::Machine;
use crate::communicators::ssh::Ssh;
use crate::communicators::{Communicator, ExitStatus, NoMachine, OutputSink, RemoteScript};
use crate::context::BuildContext;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use imgforge_ledger::Resource;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How long a guest may take to react to its power button, before it is switched off.
const BUTTON_LIMIT: Duration = Duration::from_secs(30);

/// How long QEMU may take to end when it is told to.
const QUIT_LIMIT: Duration = Duration::from_secs(10);

/// What a build knows when its machine is up.
pub(super) struct QemuMachine {
    pub guest: Guest,
    pub qmp: Qmp,
    pub programs: Programs,
    pub plan: Plan,
    pub places: Places,
    pub shutdown: Shutdown,
    pub output: Output,
    pub values: BTreeMap<String, String>,
}

/// How the machine is stopped.
pub(super) struct Shutdown {
    /// Empty: by its power button.
    pub command: String,
    pub timeout: Duration,
}

/// What the artifact will say.
pub(super) struct Output {
    /// As the user wrote it.
    pub folder: PathBuf,
    /// What was claimed; its name is the absolute path.
    pub claim: Resource,
    /// File names that are left out.
    pub hidden: Vec<String>,
    pub values: BTreeMap<String, String>,
}

/// The connection to a machine that may end at any time.
pub(super) struct Guest {
    pub machine: VirtualMachine,
    /// There is none with `communicator = "none"`.
    pub ssh: Option<Ssh>,
}

impl Guest {
    fn ssh(&self) -> Result<&Ssh> {
        if let Some(end) = self.machine.end() {
            return Err(end.context(NoMachine("the virtual machine is gone")));
        }
        Ok(self.ssh.as_ref().ok_or(NoMachine("this source has `communicator = \"none\"`"))?)
    }
}

#[async_trait]
impl Communicator for Guest {
    async fn run(&self, command: &str, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        self.ssh()?.run(command, output).await
    }

    async fn run_script(&self, script: &RemoteScript, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        self.ssh()?.run_script(script, output).await
    }

    async fn upload(&self, from: &Path, to: &str, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        self.ssh()?.upload(from, to, report).await
    }

    async fn upload_bytes(&self, content: &[u8], to: &str, mode: u32) -> Result<()> {
        self.ssh()?.upload_bytes(content, to, mode).await
    }

    async fn download(&self, from: &str, to: &Path, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        self.ssh()?.download(from, to, report).await
    }

    async fn download_folder(&self, from: &str, to: &Path) -> Result<()> {
        self.ssh()?.download_folder(from, to).await
    }

    fn values(&self) -> BTreeMap<String, String> {
        self.ssh.as_ref().map(Communicator::values).unwrap_or_default()
    }
}

#[async_trait]
impl Machine for QemuMachine {
    fn communicator(&self) -> &dyn Communicator {
        &self.guest
    }

    fn values(&self) -> BTreeMap<String, String> {
        self.values.clone()
    }

    async fn capture(mut self: Box<Self>, context: &BuildContext) -> Result<Artifact> {
        context.step("stop the machine", self.shutdown.stop(&self.guest, &mut self.qmp, context)).await?;
        if let Some((call, unfinished)) = &self.plan.after {
            context.say("Converting hard drive...");
            let convert = async {
                self.programs.image(call).await?;
                let main = self.places.main();
                tokio::fs::rename(unfinished, &main).await.with_context(|| format!("replace {}", main.display()))
            };
            context.step("convert the disk", convert).await?;
        }
        self.output.artifact(&self.places.output)
    }
}

impl Shutdown {
    /// Returns once QEMU has ended in good order.
    async fn stop(&self, guest: &Guest, qmp: &mut Qmp, context: &BuildContext) -> Result<()> {
        let machine = &guest.machine;
        let deadline = Instant::now() + self.timeout;
        if guest.ssh.is_none() {
            context.say("Waiting for the machine to stop by itself...");
            tokio::select! {
                _ = machine.ended() => {}
                () = sleep_until(deadline) => anyhow::bail!("the machine did not stop by itself within {:?}", self.timeout),
            }
        } else if self.command.is_empty() {
            context.say("Halting the virtual machine...");
            self.press_button(machine, qmp, context).await?;
        } else {
            context.say("Gracefully halting virtual machine...");
            self.run_command(guest, deadline).await?;
        }
        let status = machine.ended().await;
        match machine.end() {
            // Its disks are not what the guest meant them to be when it did not end by itself.
            Some(error) if !status.is_some_and(|status| status.success()) => Err(error),
            _ => Ok(()),
        }
    }

    async fn run_command(&self, guest: &Guest, deadline: Instant) -> Result<()> {
        let output = Tail::default();
        let mut sink = output.clone();
        let mut answer = "it has not ended yet".to_owned();
        let ended = async {
            tokio::select! {
                _ = guest.machine.ended() => return,
                // Neither its exit code nor a lost connection say much: both are part of a machine's end.
                result = guest.run(&self.command, &mut sink) => answer = match result {
                    Ok(ExitStatus::Code(code)) => format!("it ended with the exit code {code}"),
                    Ok(ExitStatus::Disconnected) => "the connection was lost".to_owned(),
                    Err(error) => format!("{error:#}"),
                },
            }
            let _ended = guest.machine.ended().await;
        };
        let in_time = tokio::select! {
            () = ended => true,
            () = sleep_until(deadline) => false,
        };
        anyhow::ensure!(
            in_time,
            "the machine did not stop within {:?} after its shutdown_command ({answer}): {}",
            self.timeout,
            output.text()
        );
        Ok(())
    }

    /// Lets the guest stop in order if it listens to its power button, and else switches it off.
    async fn press_button(&self, machine: &VirtualMachine, qmp: &mut Qmp, context: &BuildContext) -> Result<()> {
        let limit = BUTTON_LIMIT.min(self.timeout);
        qmp.execute("system_powerdown").await?;
        if timeout(limit, machine.ended()).await.is_ok() {
            return Ok(());
        }
        context.say(format!(
            "The machine did not react to its power button within {limit:?} and is switched off: what it had not written \
             to its disks is lost; set shutdown_command to stop it in order"
        ));
        // The answer may be cut off by the end.
        let _answer = qmp.execute("quit").await;
        tokio::select! {
            _ = machine.ended() => Ok(()),
            () = sleep(QUIT_LIMIT) => anyhow::bail!("QEMU did not end within {QUIT_LIMIT:?}"),
        }
    }
}

impl Output {
    fn artifact(self, folder: &Path) -> Result<Artifact> {
        let mut files = Vec::new();
        list(folder, &self.folder, &mut files).with_context(|| format!("list {}", folder.display()))?;
        files.retain(|file| {
            file.file_name().is_none_or(|name| !self.hidden.iter().any(|hidden| name == hidden.as_str()))
        });
        files.sort();
        Ok(Artifact {
            builder_id: "transcend.qemu".to_owned(),
            id: "VM".to_owned(),
            description: format!("VM files in directory: {}", self.folder.display()),
            files,
            values: self.values,
            claims: vec![self.claim],
        })
    }
}

/// All regular files below a folder, under the name that the user has for it.
fn list(folder: &Path, shown: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut open = vec![(folder.to_owned(), shown.to_owned())];
    while let Some((folder, shown)) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let (kind, shown) = (entry.file_type()?, shown.join(entry.file_name()));
            if kind.is_dir() {
                open.push((entry.path(), shown));
            } else if kind.is_file() {
                files.push(shown);
            }
        }
    }
    Ok(())
}

impl OutputSink for Tail {
    fn stdout(&mut self, bytes: &[u8]) {
        self.push(bytes);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgforge_ledger::Ledger;

    #[test]
    fn an_artifact_lists_regular_files_under_the_user_s_path() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        for file in ["web", "efivars.fd", "b/c", "a"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
        let state = tempfile::tempdir().unwrap();
        let build = Ledger::open(state.path()).unwrap().build("qemu.web");
        let claim = build.claim_path("output folder", Path::new("/work/out/web")).unwrap().resource().clone();
        let output = Output {
            folder: PathBuf::from("out/web"),
            claim: claim.clone(),
            hidden: vec!["efivars.fd".to_owned()],
            values: BTreeMap::new(),
        };
        assert_eq!(
            output.artifact(folder.path()).unwrap(),
            Artifact {
                builder_id: "transcend.qemu".to_owned(),
                id: "VM".to_owned(),
                description: "VM files in directory: out/web".to_owned(),
                files: ["out/web/a", "out/web/b/c", "out/web/web"].map(PathBuf::from).to_vec(),
                values: BTreeMap::new(),
                claims: vec![claim],
            }
        );
    }
}
