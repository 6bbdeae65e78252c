//! Folders: one tar stream each way, and file by file where the machine has no tar.

use super::command::{self, Kept, Lost, Piece, Talk};
use super::shell::{is_pattern, quote, quote_path, quote_pattern, split_pattern};
use super::tar_stream::{self, Item, PipeReader, PipeWriter};
use super::transfer::{CHUNK, run_with_input};
use super::{ExitStatus, Ssh, sftp};
use anyhow::{Context as _, Result, bail, ensure};
use std::io::{BufWriter, Cursor};
use std::path::Path;
use tokio::sync::mpsc;

/// What a machine has to unpack archives with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tar {
    /// Can leave the modes of folders that are there already as they are.
    Gnu,
    Other,
    Missing,
}

/// Asked once a connection.
async fn tar(ssh: &Ssh) -> Result<Tar> {
    let find = || async {
        let (_, said) = ssh.ask("command -v tar && tar --version").await?;
        let text = String::from_utf8_lossy(&said.output);
        Ok::<_, anyhow::Error>(match () {
            () if text.contains("GNU tar") => Tar::Gnu,
            () if text.contains("tar") => Tar::Other,
            () => Tar::Missing,
        })
    };
    ssh.tar.get_or_try_init(find).await.copied()
}

/// Uploads a folder: its contents if the local path ends in a slash, else itself below a destination that exists,
/// and else as the destination.
pub(super) async fn upload(ssh: &Ssh, from: &Path, to: &str, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
    let contents_only = from.as_os_str().as_encoded_bytes().ends_with(b"/");
    let root = from.to_owned();
    let mut items = tokio::task::spawn_blocking(move || tar_stream::list(&root)).await??;
    let target = if contents_only {
        // The destination keeps its mode.
        items.retain(|item| !item.path.as_os_str().is_empty());
        to.to_owned()
    } else {
        match ssh.ask(&format!("test -d {}", quote_path(to))).await?.0 {
            0 => format!("{}/{}", to.trim_end_matches('/'), name(from)?),
            _ => to.to_owned(),
        }
    };
    match tar(ssh).await? {
        Tar::Gnu => upload_tar(ssh, from, items, &target, "--no-overwrite-dir", report).await,
        Tar::Other => {
            // These set the modes of folders that exist, `/tmp` say, to ours. Files make their folders themselves.
            items.retain(|item| !item.is_folder || item.is_empty || item.mode & 0o077 == 0);
            upload_tar(ssh, from, items, &target, "", report).await
        }
        Tar::Missing => sftp::upload(ssh, from, &items, &target, report).await,
    }
}

/// The name of the folder itself, also where the path is `.`.
fn name(folder: &Path) -> Result<String> {
    let folder = folder.canonicalize()?;
    let name = folder.file_name().with_context(|| format!("`{}` has no name", folder.display()))?;
    name.to_str().map(str::to_owned).with_context(|| format!("the name of `{}` is not UTF-8", folder.display()))
}

async fn upload_tar(
    ssh: &Ssh,
    from: &Path,
    items: Vec<Item>,
    target: &str,
    option: &str,
    report: &(dyn Fn(u64, u64) + Sync),
) -> Result<()> {
    let total = items.iter().map(|item| item.size).fold(0, u64::saturating_add);
    let target = quote_path(target);
    let command = format!("mkdir -p {target} && tar -xpf - {option} -C {target}");
    run_with_input(ssh, &command, |input| async move {
        let (sender, mut receiver) = mpsc::channel(4);
        let root = from.to_owned();
        let writer = tokio::task::spawn_blocking(move || {
            tar_stream::write(&root, &items, BufWriter::with_capacity(CHUNK, PipeWriter(sender)))
        });
        let mut sent = 0_u64;
        while let Some(bytes) = receiver.recv().await {
            sent += bytes.len() as u64;
            input.write(bytes).await?;
            // The archive is longer than the files in it.
            report(sent.min(total), total);
        }
        writer.await??;
        Ok(input)
    })
    .await
}

/// Downloads a folder: its contents if the path ends in a slash, else itself. Of a pattern, what matches, named from
/// its first wildcard on. Symbolic links are followed.
pub(super) async fn download(ssh: &Ssh, from: &str, to: &Path) -> Result<()> {
    if tar(ssh).await? == Tar::Missing {
        ensure!(!is_pattern(from), "patterns need `tar` on the machine");
        return sftp::download(ssh, from, to).await;
    }
    let (folder, files) = if is_pattern(from) {
        let (folder, pattern) = split_pattern(from);
        (folder, format!("./{}", quote_pattern(pattern.trim_end_matches('/'))))
    } else if let Some(folder) = from.strip_suffix('/') {
        (if folder.is_empty() { "/" } else { folder }, ".".to_owned())
    } else {
        match from.rsplit_once('/') {
            Some(("", name)) => ("/", quote(&format!("./{name}"))),
            Some((folder, name)) => (folder, quote(&format!("./{name}"))),
            None => (".", quote(&format!("./{from}"))),
        }
    };
    let command = format!("cd {} && tar -chf - {files}", quote_path(folder));
    let (sender, receiver) = mpsc::channel(16);
    let target = to.to_owned();
    let reader = tokio::task::spawn_blocking(move || {
        tar_stream::unpack(PipeReader { receiver, rest: Cursor::new(Vec::new()) }, &target)
    });
    let (input, output) = command::start(ssh.open().await?, &command, false).await?;
    let mut talk = Talk::silent(input, output);
    let mut kept = Kept::default();
    while let Some(piece) = talk.next().await? {
        match piece {
            Piece::Output(bytes) => {
                if sender.send(bytes).await.is_err() {
                    // Who unpacks has given up, and says why.
                    drop(talk);
                    reader.await??;
                    bail!("the machine sent more than an archive");
                }
            }
            error => kept.hear(error),
        }
    }
    drop(sender);
    let unpacked = reader.await?;
    match talk.status()? {
        ExitStatus::Code(0) => unpacked,
        // tar's own complaint explains the broken archive.
        ExitStatus::Code(code) => kept.check(code),
        ExitStatus::Disconnected => bail!(Lost),
    }
}
