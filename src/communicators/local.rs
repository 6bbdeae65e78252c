//! This machine as if it were another: for builders whose machine is a folder here, and for tests.

use super::{Communicator, ExitStatus, OutputSink, RemoteScript};
use crate::context::BuildContext;
use crate::glob::Pattern;
use crate::scripts::local;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use imgforge_ledger::{BuildLedger, Claim};
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tokio::fs;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// Bytes that are copied between two reports.
const CHUNK: usize = 1 << 20;

/// Folders in folders are followed this deep.
const DEEPEST: usize = 128;

/// Runs commands by `/bin/sh` in one folder, which relative paths are relative to.
pub struct Local {
    context: BuildContext,
    directory: PathBuf,
}

impl Local {
    /// `directory` is absolute.
    pub fn new(context: &BuildContext, directory: &Path) -> Self {
        Self { context: context.clone(), directory: directory.to_owned() }
    }

    /// Puts the script and its variables in place.
    fn place(&self, script: &RemoteScript) -> Result<Vec<Placed>> {
        let mut placed = Vec::new();
        let files = script.variables.iter().map(|(path, content)| (path, content, 0o600));
        for (path, content, mode) in files.chain([(&script.path, &script.content, 0o755)]) {
            let path = self.directory.join(path);
            // A retry or an earlier script of the same provisioner may have left one.
            if path.symlink_metadata().is_ok_and(|status| !status.is_dir()) {
                std::fs::remove_file(&path).with_context(|| format!("replace {}", path.display()))?;
            }
            let claim = self.context.ledger.claim_path("script", &path)?;
            let file = Placed { claim, ledger: self.context.ledger.clone(), keep: script.keep };
            let written = local::write_executable(&path, content, mode);
            written.with_context(|| format!("write {}", path.display()))?;
            placed.push(file);
        }
        Ok(placed)
    }

    async fn copy(&self, jobs: &[Job], report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        let total = jobs.iter().map(|job| job.size).sum();
        let mut done = 0;
        for job in jobs {
            let shown = || format!("copy {} to {}", job.from.display(), job.to.display());
            let Some(mode) = job.mode else {
                match fs::create_dir(&job.to).await {
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && job.to.is_dir() => {}
                    result => result.with_context(shown)?,
                }
                continue;
            };
            copy_file(&job.from, &job.to, Some(mode), &mut |count| {
                done += count;
                report(done, total);
            })
            .await
            .with_context(shown)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Communicator for Local {
    async fn run(&self, command: &str, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", command]).current_dir(&self.directory);
        local::run(shell, &self.context, output).await
    }

    async fn run_script(&self, script: &RemoteScript, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        let placed = self.place(script)?;
        let status = self.run(&script.command, output).await;
        drop(placed);
        status
    }

    async fn upload(&self, from: &Path, to: &str, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        let contents_only = ends_with_slash(from);
        let mut destination = self.directory.join(to);
        let is_folder = fs::metadata(from).await.with_context(|| format!("read {}", from.display()))?.is_dir();
        if destination.is_dir() && !(is_folder && contents_only) {
            destination.push(from.file_name().with_context(|| format!("{} has no name", from.display()))?);
        }
        let from = from.to_owned();
        let jobs = tokio::task::spawn_blocking(move || list(&from, &destination)).await??;
        self.copy(&jobs, report).await
    }

    async fn upload_bytes(&self, content: &[u8], to: &str, mode: u32) -> Result<()> {
        let path = self.directory.join(to);
        let written = async {
            // No moment where anyone may read what not everyone may.
            let mut options = fs::OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(mode).open(&path).await?;
            file.set_permissions(Permissions::from_mode(mode)).await?;
            file.write_all(content).await?;
            file.flush().await
        };
        written.await.with_context(|| format!("write {}", path.display()))
    }

    async fn download(&self, from: &str, to: &Path, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        let from = self.directory.join(from);
        let shown = || format!("copy {} to {}", from.display(), to.display());
        let total = fs::metadata(&from).await.with_context(shown)?.len();
        let mut done = 0;
        copy_file(&from, to, None, &mut |count| {
            done += count;
            report(done, total);
        })
        .await
        .with_context(shown)
    }

    async fn download_folder(&self, from: &str, to: &Path) -> Result<()> {
        let (directory, pattern, to) = (self.directory.clone(), from.to_owned(), to.to_owned());
        let jobs = tokio::task::spawn_blocking(move || -> Result<Vec<Job>> {
            let sources = matching(&directory, &pattern)?;
            anyhow::ensure!(!sources.is_empty(), "nothing matches {pattern}");
            let mut jobs = Vec::new();
            for source in sources {
                let name = source.file_name().filter(|_| !pattern.ends_with('/'));
                jobs.append(&mut list(&source, &name.map_or_else(|| to.clone(), |name| to.join(name)))?);
            }
            Ok(jobs)
        });
        self.copy(&jobs.await??, &|_, _| {}).await
    }

    fn values(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("ConnType".to_owned(), "local".to_owned())])
    }
}

/// A script on this machine; gone when dropped.
struct Placed {
    claim: Claim,
    ledger: BuildLedger,
    keep: bool,
}

impl Drop for Placed {
    fn drop(&mut self) {
        let (resource, name) = (self.claim.resource(), self.claim.name());
        let noted = if self.keep {
            self.ledger.keep(resource)
        } else if std::fs::remove_file(name).is_ok() {
            self.ledger.released(resource)
        } else {
            // Its claim stays open, so whoever cleans up tries again.
            return;
        };
        if let Err(error) = noted {
            tracing::warn!("the end of {name} could not be noted: {error}");
        }
    }
}

/// One file or folder to be copied.
struct Job {
    from: PathBuf,
    to: PathBuf,
    size: u64,
    /// Permission bits of a file; `None` for a folder.
    mode: Option<u32>,
}

/// A file, or a folder and all in it, folders first. Links are followed.
fn list(from: &Path, to: &Path) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    let mut open = vec![(from.to_owned(), to.to_owned(), 0)];
    while let Some((from, to, depth)) = open.pop() {
        let shown = || format!("read {}", from.display());
        let status = std::fs::metadata(&from).with_context(shown)?;
        if !status.is_dir() {
            let mode = Some(status.permissions().mode() & 0o777);
            jobs.push(Job { from, to, size: status.len(), mode });
            continue;
        }
        // A link to a folder that it is in never ends.
        let real = std::fs::canonicalize(&from).with_context(shown)?;
        let loops = from.parent().and_then(|parent| std::fs::canonicalize(parent).ok());
        let loops = depth > 0 && loops.is_some_and(|parent| parent.starts_with(&real));
        anyhow::ensure!(!loops && depth < DEEPEST, "{} contains itself", from.display());
        for entry in std::fs::read_dir(&from).with_context(shown)? {
            let name = entry.with_context(shown)?.file_name();
            open.push((from.join(&name), to.join(&name), depth + 1));
        }
        jobs.push(Job { from, to, size: 0, mode: None });
    }
    Ok(jobs)
}

async fn copy_file(from: &Path, to: &Path, mode: Option<u32>, copied: &mut (dyn FnMut(u64) + Send)) -> Result<()> {
    let mut source = fs::File::open(from).await?;
    let mut target = fs::File::create(to).await?;
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = source.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        target.write_all(buffer.get(..count).unwrap_or_default()).await?;
        copied(count as u64);
    }
    target.flush().await?;
    if let Some(mode) = mode {
        target.set_permissions(Permissions::from_mode(mode)).await?;
    }
    Ok(())
}

fn ends_with_slash(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// What a shell pattern matches, sorted; as shells have it, `*` matches no name that starts with a dot.
fn matching(directory: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let start = if pattern.starts_with('/') { PathBuf::from("/") } else { directory.to_owned() };
    let mut found = vec![start];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        if !part.contains(['*', '?', '[']) {
            found = found.into_iter().map(|path| path.join(part)).filter(|path| path.exists()).collect();
            continue;
        }
        let pattern = Pattern::new(part).map_err(|why| anyhow::anyhow!("the pattern {pattern}: {why}"))?;
        let mut deeper = Vec::new();
        for folder in found.iter().filter(|path| path.is_dir()) {
            for entry in std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
                let Ok(name) = entry?.file_name().into_string() else { continue };
                let hidden = name.starts_with('.') && !part.starts_with('.');
                if !hidden && pattern.matches(&name) {
                    deeper.push(folder.join(name));
                }
            }
        }
        deeper.sort();
        found = deeper;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::LineSink;
    use crate::scripts::testing::World;
    use std::os::unix::fs::symlink;
    use std::sync::Mutex;

    fn local(world: &World) -> Local {
        Local::new(&world.context, world.directory.path())
    }

    /// Every file below a folder with its mode and content.
    fn tree(world: &World, folder: &str) -> Vec<String> {
        let root = world.path(folder);
        let jobs = list(&root, Path::new("")).unwrap();
        let mut files: Vec<String> = jobs
            .iter()
            .filter_map(|job| {
                let content = std::fs::read_to_string(&job.from).unwrap_or_default();
                Some(format!("{} {:o} {content}", job.to.display(), job.mode?))
            })
            .collect();
        files.sort();
        files
    }

    fn source(world: &World) -> PathBuf {
        for name in ["s/a", "s/sp ace", "s/sub/c"] {
            world.write(name, name);
        }
        std::fs::set_permissions(world.path("s/a"), Permissions::from_mode(0o755)).unwrap();
        symlink("a", world.path("s/link")).unwrap();
        world.path("s")
    }

    const COPY: [&str; 4] = ["a 755 s/a", "link 755 s/a", "sp ace 644 s/sp ace", "sub/c 644 s/sub/c"];

    #[tokio::test]
    async fn folders_are_uploaded_as_scp_has_it() {
        let world = World::new();
        let (machine, source) = (local(&world), source(&world));
        let silent = |_, _| {};
        machine.upload(&source, "new", &silent).await.unwrap();
        assert_eq!(tree(&world, "new"), COPY);
        std::fs::create_dir(world.path("there")).unwrap();
        machine.upload(&source, "there", &silent).await.unwrap();
        assert_eq!(tree(&world, "there"), COPY.map(|file| format!("s/{file}")));
        let with_slash = world.path("s/");
        std::fs::create_dir(world.path("open")).unwrap();
        machine.upload(&with_slash, "open", &silent).await.unwrap();
        machine.upload(&with_slash, "open", &silent).await.unwrap();
        assert_eq!(tree(&world, "open"), COPY);
    }

    #[tokio::test]
    async fn files_keep_their_mode_and_progress_is_told() {
        let world = World::new();
        let machine = local(&world);
        let path = world.write("big", &"x".repeat(CHUNK + 1));
        std::fs::set_permissions(&path, Permissions::from_mode(0o750)).unwrap();
        let told = Mutex::new(Vec::new());
        machine.upload(&path, "copy", &|done, total| told.lock().unwrap().push((done, total))).await.unwrap();
        let total = CHUNK as u64 + 1;
        assert_eq!(told.into_inner().unwrap().last(), Some(&(total, total)));
        assert_eq!(std::fs::metadata(world.path("copy")).unwrap().permissions().mode() & 0o777, 0o750);
        machine.upload_bytes(b"secret", "note", 0o600).await.unwrap();
        assert_eq!(tree(&world, "note"), [" 600 secret"]);
        let error = machine.upload(&path, "no/such/copy", &|_, _| {}).await.unwrap_err();
        assert_eq!(world.without_folders(&error.to_string()), "copy WORK/big to WORK/no/such/copy");
    }

    #[tokio::test]
    async fn a_folder_that_contains_itself_is_an_error() {
        let world = World::new();
        let source = source(&world);
        symlink("..", world.path("s/sub/up")).unwrap();
        let error = local(&world).upload(&source, "new", &|_, _| {}).await.unwrap_err();
        assert_eq!(world.without_folders(&error.to_string()), "WORK/s/sub/up contains itself");
    }

    #[tokio::test]
    async fn folders_and_patterns_are_downloaded() {
        let world = World::new();
        source(&world);
        let machine = local(&world);
        let down = |from: &'static str, to: &'static str| {
            let (machine, to) = (&machine, world.path(to));
            async move {
                std::fs::create_dir(&to).unwrap();
                machine.download_folder(from, &to).await
            }
        };
        down("s/", "all").await.unwrap();
        assert_eq!(tree(&world, "all"), COPY);
        down("s", "named").await.unwrap();
        assert_eq!(tree(&world, "named"), COPY.map(|file| format!("s/{file}")));
        down("s/s*", "some").await.unwrap();
        assert_eq!(tree(&world, "some"), COPY[2..]);
        assert_eq!(down("s/z*", "none").await.unwrap_err().to_string(), "nothing matches s/z*");
    }

    #[tokio::test]
    async fn a_script_is_put_there_run_and_removed_unless_it_shall_stay() {
        let world = World::new();
        let machine = local(&world);
        let mut script = RemoteScript {
            path: "run.sh".to_owned(),
            content: b"#!/bin/sh\necho $A; stat -c '%a %n' run.sh vars".to_vec(),
            variables: Some(("vars".to_owned(), b"export A=1".to_vec())),
            command: ". ./vars; ./run.sh".to_owned(),
            keep: false,
        };
        let mut lines = LineSink::new(&world.context);
        assert_eq!(machine.run_script(&script, &mut lines).await.unwrap(), ExitStatus::Code(0));
        assert_eq!(world.lines(), ["1", "755 run.sh", "600 vars"]);
        assert_eq!(std::fs::read_dir(world.directory.path()).unwrap().count(), 0);
        script.keep = true;
        for _ in 0..2 {
            machine.run_script(&script, &mut lines).await.unwrap();
        }
        assert_eq!(tree(&world, "run.sh"), [" 755 #!/bin/sh\necho $A; stat -c '%a %n' run.sh vars"]);
        assert_eq!(world.ledger.remaining(), []);
    }
}
