//! This machine as if it were another: for builders whose machine is a folder here, and for tests.

use super::{Communicator, ExitStatus, OutputSink, RemoteScript};
use crate::context::BuildContext;
use crate::scripts::local;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use imgforge_ledger::BuildLedger;
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
            let file = Placed { path, ledger: self.context.ledger.clone(), keep: script.keep };
            let written = local::write_executable(&file.path, content, mode);
            written.with_context(|| format!("write {}", claim.name()))?;
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
    path: PathBuf,
    ledger: BuildLedger,
    keep: bool,
}

impl Drop for Placed {
    fn drop(&mut self) {
        let Some(name) = self.path.to_str() else { return };
        let noted = if self.keep {
            self.ledger.keep(name)
        } else if std::fs::remove_file(&self.path).is_ok() {
            self.ledger.released(name)
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
        let part: Vec<char> = part.chars().collect();
        let mut deeper = Vec::new();
        for folder in found.iter().filter(|path| path.is_dir()) {
            for entry in std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
                let Ok(name) = entry?.file_name().into_string() else { continue };
                let hidden = name.starts_with('.') && part.first() != Some(&'.');
                if !hidden && matches(&part, &name.chars().collect::<Vec<char>>()) {
                    deeper.push(folder.join(name));
                }
            }
        }
        deeper.sort();
        found = deeper;
    }
    Ok(found)
}

/// Whether a name matches one component of a shell pattern: `*`, `?` and `[a-z]`, `[!a-z]`.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut position) = (0, 0);
    // Where to go on when what follows the last star turns out not to match.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(at), name.get(position)) {
            (Some('*'), _) => {
                star = Some((at + 1, position));
                at += 1;
                continue;
            }
            (Some('?'), Some(_)) => Some(1),
            (Some('['), Some(letter)) => one_of(pattern.get(at..).unwrap_or_default(), *letter),
            (Some(literal), Some(letter)) if literal == letter => Some(1),
            (None, None) => return true,
            _ => None,
        };
        match (step, star) {
            (Some(length), _) => {
                at += length;
                position += 1;
            }
            (None, Some((after, from))) if from < name.len() => {
                star = Some((after, from + 1));
                (at, position) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

/// The length of the bracket expression that a pattern starts with, if it matches the letter.
fn one_of(pattern: &[char], letter: char) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let first = if negated { 2 } else { 1 };
    // A `]` at the start is meant itself.
    let length = pattern.iter().skip(first + 1).position(|letter| *letter == ']').map(|at| at + first + 1);
    let Some(end) = length else { return (letter == '[').then_some(1) };
    let mut inside = pattern.get(first..end).unwrap_or_default();
    let mut is_in = false;
    while let [from, rest @ ..] = inside {
        (is_in, inside) = match rest {
            ['-', to, rest @ ..] => (is_in || (*from..=*to).contains(&letter), rest),
            rest => (is_in || *from == letter, rest),
        };
    }
    (is_in != negated).then_some(end + 1)
}
