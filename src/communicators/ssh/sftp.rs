//! Folders without tar: file by file, many at a time, over the sftp subsystem.

use super::Ssh;
use super::tar_stream::Item;
use super::transfer::CHUNK;
use anyhow::{Context as _, Result, ensure};
use russh_sftp::client::fs::Metadata;
use russh_sftp::client::{Config, SftpSession};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinSet;

/// Files at a time; each waits for several answers.
const FILES: usize = 32;
/// Deeper folders are a circle of links.
const DEPTH: usize = 100;

async fn open(ssh: &Ssh) -> Result<SftpSession> {
    let channel = ssh.open().await?.take()?;
    channel.request_subsystem(true, "sftp").await.context("start sftp")?;
    let config =
        Config { max_concurrent_writes: 64, max_concurrent_reads: 64, request_timeout_secs: 60, ..Config::default() };
    SftpSession::new_with_config(channel.into_stream(), config)
        .await
        .context("the machine has neither `tar` nor the sftp subsystem")
}

/// sftp knows no `~`; its paths begin in the home folder.
fn without_home(path: &str) -> &str {
    match path {
        "~" | "~/" => ".",
        _ => path.strip_prefix("~/").unwrap_or(path),
    }
}

/// Uploads what was listed below a local folder.
pub(super) async fn upload(
    ssh: &Ssh,
    from: &Path,
    items: &[Item],
    to: &str,
    report: &(dyn Fn(u64, u64) + Sync),
) -> Result<()> {
    let sftp = Arc::new(open(ssh).await?);
    let to = without_home(to).trim_end_matches('/');
    let to = if to.is_empty() { "/" } else { to };
    let total = items.iter().map(|item| item.size).fold(0, u64::saturating_add);
    let remote = |item: &Item| {
        let path = Path::new(to).join(&item.path);
        path.to_str().map(str::to_owned).with_context(|| format!("the name of `{}` is not UTF-8", path.display()))
    };
    make_parents(&sftp, to).await?;
    // Folders get their modes last: they may forbid to write in them.
    let mut modes = Vec::new();
    for item in items.iter().filter(|item| item.is_folder) {
        let path = remote(item)?;
        if make_folder(&sftp, &path).await? {
            modes.push((path, item.mode));
        }
    }
    let mut files = JoinSet::new();
    let mut done = 0;
    for item in items.iter().filter(|item| !item.is_folder) {
        if files.len() >= FILES {
            done += finished(files.join_next().await)?;
            report(done, total.max(done));
        }
        let (sftp, local, path, mode) = (sftp.clone(), from.join(&item.path), remote(item)?, item.mode);
        files.spawn(
            async move { upload_file(&sftp, &local, &path, mode).await.with_context(|| format!("write `{path}`")) },
        );
    }
    while !files.is_empty() {
        done += finished(files.join_next().await)?;
        report(done, total.max(done));
    }
    for (path, mode) in modes.into_iter().rev() {
        set_mode(&sftp, &path, mode).await.with_context(|| format!("set the mode of `{path}`"))?;
    }
    Ok(())
}

fn finished(file: Option<Result<Result<u64>, tokio::task::JoinError>>) -> Result<u64> {
    file.map_or(Ok(0), |file| file?)
}

/// Makes what is missing of a path.
async fn make_parents(sftp: &SftpSession, path: &str) -> Result<()> {
    for (at, _) in path.match_indices('/').skip_while(|(at, _)| *at == 0) {
        make_folder(sftp, &path[..at]).await?;
    }
    make_folder(sftp, path).await.map(drop)
}

/// Whether it was made; it may be there.
async fn make_folder(sftp: &SftpSession, path: &str) -> Result<bool> {
    match sftp.create_dir(path).await {
        Ok(()) => Ok(true),
        Err(error) => match sftp.metadata(path).await {
            Ok(status) if status.is_dir() => Ok(false),
            _ => Err(error).with_context(|| format!("make the folder `{path}`")),
        },
    }
}

async fn set_mode(sftp: &SftpSession, path: &str, mode: u32) -> Result<()> {
    let mut status = Metadata::empty();
    status.permissions = Some(mode);
    Ok(sftp.set_metadata(path, status).await?)
}

async fn upload_file(sftp: &SftpSession, from: &Path, to: &str, mode: u32) -> Result<u64> {
    let mut local = File::open(from).await?;
    let mut remote = sftp.create(to).await?;
    let copied = copy(&mut local, &mut remote).await?;
    remote.close().await?;
    set_mode(sftp, to, mode).await?;
    Ok(copied)
}

async fn copy(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut copied = 0;
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return Ok(copied);
        }
        to.write_all(&chunk[..count]).await?;
        copied += count as u64;
    }
}

/// Downloads a folder as [`super::folder::download`] does, without patterns.
pub(super) async fn download(ssh: &Ssh, from: &str, to: &Path) -> Result<()> {
    let sftp = open(ssh).await?;
    let from = without_home(from);
    let target = match from.trim_end_matches('/').rsplit('/').next() {
        Some(name) if !from.ends_with('/') && !matches!(name, "" | "." | "..") => to.join(name),
        _ => to.to_owned(),
    };
    let mut folders = vec![(from.to_owned(), target, 0)];
    while let Some((remote, local, depth)) = folders.pop() {
        ensure!(depth <= DEPTH, "`{remote}` is nested too deep: do its links lead round in a circle?");
        tokio::fs::create_dir_all(&local).await?;
        for entry in sftp.read_dir(&remote).await.with_context(|| format!("read `{remote}`"))? {
            let name = entry.file_name();
            // The machine is not trusted.
            ensure!(
                !name.contains('/') && !matches!(name.as_str(), "" | "." | ".."),
                "the machine sent the name `{name}`"
            );
            let path = format!("{}/{name}", remote.trim_end_matches('/'));
            let place: PathBuf = local.join(&name);
            let status = sftp.metadata(&path).await.with_context(|| format!("read `{path}`"))?;
            if status.is_dir() {
                folders.push((path, place, depth + 1));
            } else {
                let mut file = sftp.open(&path).await.with_context(|| format!("read `{path}`"))?;
                copy(&mut file, &mut File::create(&place).await?).await.with_context(|| format!("read `{path}`"))?;
            }
        }
    }
    Ok(())
}
