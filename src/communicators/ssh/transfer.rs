//! Files and folders: a file as it is, a folder as one tar stream.

use super::run::Input;
use super::{Ssh, quoted};
use crate::communicators::{ExitStatus, OutputSink};
use anyhow::{Context as _, Result, bail};
use std::io::{Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tokio::sync::mpsc;

const CHUNK: usize = 256 * 1024;
/// Chunks between the disk and the network.
const QUEUE: usize = 8;

impl Ssh {
    pub(super) async fn upload_path(&self, from: &Path, to: &str, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        let status = tokio::fs::metadata(from).await.with_context(|| format!("read {}", from.display()))?;
        if status.is_dir() {
            return self.upload_folder(from, to).await;
        }
        let (total, mode) = (status.len(), status.permissions().mode() & 0o7777);
        let file = std::fs::File::open(from).with_context(|| format!("read {}", from.display()))?;
        let (sender, chunks) = mpsc::channel(QUEUE);
        let reading = tokio::task::spawn_blocking(move || read_chunks(file, &sender));
        let (counted, mut counts) = counted(chunks);
        let command = format!("cat > {0} && chmod {mode:04o} {0}", quoted(to));
        let what = format!("write {to}");
        let upload = self.must(&command, Input::Stream(counted), &what);
        let progress = async {
            let mut done = 0;
            while let Some(size) = counts.recv().await {
                done += size;
                report(done.min(total), total);
            }
        };
        let (uploaded, ()) = tokio::join!(upload, progress);
        uploaded?;
        reading.await.context("read the file")
    }

    /// With a slash at its end a folder gives its contents; without one it goes into an existing destination, and
    /// else becomes the destination.
    async fn upload_folder(&self, from: &Path, to: &str) -> Result<()> {
        let contents_only = from.as_os_str().to_string_lossy().ends_with('/');
        let from = from.to_owned();
        let name = from.file_name().map(|name| name.to_string_lossy().into_owned());
        let target = match name {
            Some(name) if !contents_only => {
                let (to, inside) = (quoted(to), quoted(&format!("{}/{name}", to.trim_end_matches('/'))));
                format!("if [ -d {to} ]; then d={inside}; else d={to}; fi")
            }
            _ => format!("d={}", quoted(to)),
        };
        // Owners are those of the user who logs in, as with scp; modes are kept.
        let script = format!("{target}; mkdir -p \"$d\" && tar -xpof - -C \"$d\"");
        let (sender, chunks) = mpsc::channel(QUEUE);
        let packing = tokio::task::spawn_blocking(move || pack(&from, &sender));
        let command = format!("/bin/sh -c {}", quoted(&script));
        self.must(&command, Input::Stream(chunks), &format!("write {to}")).await?;
        packing.await.context("pack the folder")
    }

    pub(super) async fn download_file(&self, from: &str, to: &Path, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        let size = self.must(&format!("wc -c < {}", quoted(from)), Input::Nothing, &format!("read {from}")).await?;
        let total = String::from_utf8_lossy(&size).trim().parse().unwrap_or(0);
        let file = std::fs::File::create(to).with_context(|| format!("write {}", to.display()))?;
        let mut sink = FileSink { file, error: None, stderr: Vec::new(), done: 0, total, report };
        let status = self.exec(&format!("cat {}", quoted(from)), Input::Nothing, &mut sink).await?;
        if let Some(error) = sink.error {
            return Err(error).with_context(|| format!("write {}", to.display()));
        }
        if status != ExitStatus::Code(0) {
            bail!("read {from}: {}", String::from_utf8_lossy(&sink.stderr).trim());
        }
        Ok(())
    }

    pub(super) async fn download_tree(&self, from: &str, to: &Path) -> Result<()> {
        let (parent, last) = match from.rsplit_once('/') {
            Some((parent, "")) => (parent, "."),
            Some(("", last)) => ("/", last),
            Some((parent, last)) => (parent, last),
            None => (".", from),
        };
        let names = if last == "." { ".".to_owned() } else { format!("./{}", quoted_pattern(last)) };
        let script = format!("cd {} && tar -cf - {names}", quoted(if parent.is_empty() { "/" } else { parent }));
        let command = format!("/bin/sh -c {}", quoted(&script));
        let folder = to.to_owned();
        let (sender, receiver) = std::sync::mpsc::sync_channel::<Vec<u8>>(QUEUE);
        let unpacking = tokio::task::spawn_blocking(move || unpack(&folder, receiver));
        let mut sink = PipeSink { sender, stderr: Vec::new() };
        let status = self.exec(&command, Input::Nothing, &mut sink).await?;
        let said = String::from_utf8_lossy(&sink.stderr).trim().to_owned();
        drop(sink);
        let unpacked = unpacking.await.context("unpack the folder")?;
        if status != ExitStatus::Code(0) {
            bail!("read {from}: {said}");
        }
        unpacked.with_context(|| format!("write {}", to.display()))
    }
}

/// A word in which only `*`, `?` and `[…]` keep their meaning.
fn quoted_pattern(text: &str) -> String {
    let mut word = String::new();
    for part in text.split_inclusive(['*', '?', '[', ']']) {
        let plain = part.trim_end_matches(['*', '?', '[', ']']);
        if !plain.is_empty() {
            word.push_str(&quoted(plain));
        }
        word.push_str(&part[plain.len()..]);
    }
    word
}

fn read_chunks(mut file: std::fs::File, sender: &mpsc::Sender<std::io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK];
        let read = match file.read(&mut chunk) {
            Ok(0) => return,
            Ok(read) => Ok(read),
            Err(error) => Err(error),
        };
        let failed = read.is_err();
        let message = read.map(|read| {
            chunk.truncate(read);
            chunk
        });
        // Nobody listens any more when the upload has failed; that is reported there.
        if sender.blocking_send(message).is_err() || failed {
            return;
        }
    }
}

/// Passes chunks on and tells their sizes.
fn counted(
    mut chunks: mpsc::Receiver<std::io::Result<Vec<u8>>>,
) -> (mpsc::Receiver<std::io::Result<Vec<u8>>>, mpsc::UnboundedReceiver<u64>) {
    let (sender, receiver) = mpsc::channel(1);
    let (sizes, counts) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(chunk) = chunks.recv().await {
            let size = chunk.as_ref().map_or(0, Vec::len) as u64;
            if sender.send(chunk).await.is_err() || sizes.send(size).is_err() {
                return;
            }
        }
    });
    (receiver, counts)
}

/// Writes a folder as a tar stream; symbolic links are followed, as scp does.
fn pack(folder: &Path, sender: &mpsc::Sender<std::io::Result<Vec<u8>>>) {
    let mut builder = tar::Builder::new(ChunkWriter { sender, buffer: Vec::with_capacity(CHUNK) });
    builder.follow_symlinks(true);
    let packed =
        builder.append_dir_all(".", folder).and_then(|()| builder.into_inner()).and_then(|mut writer| writer.flush());
    if let Err(error) = packed {
        // The receiver may be gone, and then it has said why.
        let _told = sender.blocking_send(Err(error));
    }
}

struct ChunkWriter<'a> {
    sender: &'a mpsc::Sender<std::io::Result<Vec<u8>>>,
    buffer: Vec<u8>,
}

impl Write for ChunkWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.sender.blocking_send(Ok(chunk)).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }
}

/// Unpacks a tar stream; the tar crate keeps every entry inside the folder.
fn unpack(folder: &Path, receiver: std::sync::mpsc::Receiver<Vec<u8>>) -> std::io::Result<()> {
    let mut archive = tar::Archive::new(ChunkReader { receiver, chunk: Vec::new(), at: 0 });
    archive.set_overwrite(true);
    archive.unpack(folder)
}

struct ChunkReader {
    receiver: std::sync::mpsc::Receiver<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
}

impl std::io::Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.chunk.len() {
            match self.receiver.recv() {
                Ok(chunk) => (self.chunk, self.at) = (chunk, 0),
                Err(_) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.chunk.len() - self.at);
        buffer[..count].copy_from_slice(&self.chunk[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

struct FileSink<'a> {
    file: std::fs::File,
    error: Option<std::io::Error>,
    stderr: Vec<u8>,
    done: u64,
    total: u64,
    report: &'a (dyn Fn(u64, u64) + Sync),
}

impl OutputSink for FileSink<'_> {
    fn stdout(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.error = self.file.write_all(bytes).err();
        }
        self.done += bytes.len() as u64;
        (self.report)(self.done.min(self.total), self.total);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.stderr.extend_from_slice(bytes);
    }
}

struct PipeSink {
    sender: std::sync::mpsc::SyncSender<Vec<u8>>,
    stderr: Vec<u8>,
}

impl OutputSink for PipeSink {
    fn stdout(&mut self, bytes: &[u8]) {
        // When the disk is full the reader is gone; the error is the reader's to tell.
        let _sent = self.sender.send(bytes.to_vec());
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.stderr.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_patterns_keep_their_meaning() {
        assert_eq!(quoted_pattern("a b*.[ch]"), "'a b'*'.'['ch']");
        assert_eq!(quoted_pattern("$(x)'y"), "'$(x)'\\''y'");
    }
}
