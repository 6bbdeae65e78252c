//! Single files: one stream into `cat`, or ranges over several channels where files are large.

use super::command::{self, Input, Kept, Lost, Piece, Talk, Unused};
use super::shell::quote_path;
use super::{ExitStatus, Ssh};
use anyhow::{Context as _, Result, bail, ensure};
use std::fs::Metadata;
use std::io::SeekFrom;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _, BufWriter};

/// What is written at a time: the fastest that was measured, and the block size of the ranges.
pub(super) const CHUNK: usize = 256 << 10;

/// sshd gives each channel a window of 2 MiB, so distance limits a channel and not the connection.
const RANGES_FROM: u64 = 8 << 20;
const RANGES: u64 = 4;

/// Writes bytes to a file of the machine.
pub(super) async fn upload_bytes(ssh: &Ssh, content: &[u8], to: &str, mode: u32) -> Result<()> {
    let content = content.to_vec();
    run_with_input(ssh, &store(to, mode), |input| async move {
        input.write(content).await?;
        Ok(input)
    })
    .await
}

/// A command that stores its input, private until all of it is there.
fn store(to: &str, mode: u32) -> String {
    let to = quote_path(to);
    format!("umask 077; cat > {to} && chmod {:04o} {to}", mode & 0o7777)
}

/// Runs a command of ours that takes input and has to succeed. `write` gives the input back.
pub(super) async fn run_with_input<W>(ssh: &Ssh, command: &str, write: impl FnOnce(Input) -> W) -> Result<()>
where
    W: Future<Output = Result<Input>> + Send,
{
    feed(ssh.open().await?, command, write).await
}

async fn feed<W>(channel: Unused, command: &str, write: impl FnOnce(Input) -> W) -> Result<()>
where
    W: Future<Output = Result<Input>> + Send,
{
    let (input, output) = command::start(channel, command, false).await?;
    let (code, kept) = Talk::new(output, write(input)).finish().await?;
    kept.check(code)
}

/// Uploads one file with its mode.
pub(super) async fn upload_file(
    ssh: &Ssh,
    from: &Path,
    status: &Metadata,
    to: &str,
    report: &(dyn Fn(u64, u64) + Sync),
) -> Result<()> {
    let mode = status.permissions().mode() & 0o777;
    let total = status.len();
    if status.is_file() && total >= RANGES_FROM {
        match upload_ranges(ssh, from, total, to, mode, report).await {
            Ok(()) => return Ok(()),
            // No GNU dd, or fewer channels allowed than we want; one stream works everywhere, or says what is wrong.
            Err(error) => tracing::debug!(error = format!("{error:#}"), "upload in ranges"),
        }
    }
    let done = &AtomicU64::new(0);
    run_with_input(ssh, &store(to, mode), |input| async move {
        let mut file = File::open(from).await?;
        copy(&mut file, u64::MAX, &input, done, total, report).await?;
        Ok(input)
    })
    .await
}

/// Copies up to `limit` bytes of a file into a command.
async fn copy(
    file: &mut File,
    limit: u64,
    input: &Input,
    done: &AtomicU64,
    total: u64,
    report: &(dyn Fn(u64, u64) + Sync),
) -> Result<u64> {
    let mut copied = 0;
    let mut reader = file.take(limit);
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        while chunk.len() < CHUNK && reader.read_buf(&mut chunk).await.context("read the file")? > 0 {}
        if chunk.is_empty() {
            return Ok(copied);
        }
        let count = chunk.len() as u64;
        input.write(chunk).await?;
        copied += count;
        let sent = done.fetch_add(count, Ordering::Relaxed) + count;
        report(sent, total.max(sent));
    }
}

/// Part of a file, written in place.
fn range_command(to: &str, at: u64) -> String {
    format!("dd of={to} bs={CHUNK} iflag=fullblock oflag=seek_bytes seek={at} conv=notrunc status=none")
}

async fn upload_ranges(
    ssh: &Ssh,
    from: &Path,
    total: u64,
    to: &str,
    mode: u32,
    report: &(dyn Fn(u64, u64) + Sync),
) -> Result<()> {
    let to = quote_path(to);
    // Empties the file, and finds out whether this dd knows the words.
    ssh.must(&format!("umask 077; cat /dev/null > {to} && {} < /dev/null", range_command(&to, 0))).await?;
    let done = &AtomicU64::new(0);
    let block = CHUNK as u64;
    let length = total.div_ceil(RANGES).div_ceil(block) * block;
    let range = |number: u64, channel: Unused| {
        let at = number * length;
        let wanted = total.saturating_sub(at).min(length);
        let command = range_command(&to, at);
        async move {
            feed(channel, &command, |input| async move {
                let mut file = File::open(from).await?;
                file.seek(SeekFrom::Start(at)).await?;
                let copied = copy(&mut file, wanted, &input, done, total, report).await?;
                ensure!(copied == wanted, "the file became shorter while it was read");
                Ok(input)
            })
            .await
        }
    };
    let channels = tokio::try_join!(ssh.open_now(), ssh.open_now(), ssh.open_now(), ssh.open_now())?;
    tokio::try_join!(range(0, channels.0), range(1, channels.1), range(2, channels.2), range(3, channels.3))?;
    ssh.must(&format!("chmod {mode:04o} {to}")).await
}

/// Downloads one file.
pub(super) async fn download_file(ssh: &Ssh, from: &str, to: &Path, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
    let token = format!("imgforge-{:016x}", rand::random::<u64>());
    let path = quote_path(from);
    // The size is told first, after a mark that no greeting of the login shell can hold.
    let command = format!("echo {token} && wc -c < {path} && cat {path}");
    let (input, output) = command::start(ssh.open().await?, &command, false).await?;
    let mut incoming = Incoming { to, token, file: None, header: Vec::new(), total: 0, done: 0, report };
    let result = incoming.receive(Talk::silent(input, output)).await;
    if result.is_err() && incoming.file.is_some() {
        // Half a file is worse than none.
        drop(tokio::fs::remove_file(to).await);
    }
    result
}

struct Incoming<'a> {
    to: &'a Path,
    token: String,
    file: Option<BufWriter<File>>,
    /// What came before the content.
    header: Vec<u8>,
    total: u64,
    done: u64,
    report: &'a (dyn Fn(u64, u64) + Sync),
}

impl Incoming<'_> {
    async fn receive(&mut self, mut talk: Talk<'_>) -> Result<()> {
        let mut kept = Kept::default();
        while let Some(piece) = talk.next().await? {
            match piece {
                Piece::Output(bytes) => self.take(bytes).await?,
                error => kept.hear(error),
            }
        }
        match talk.status()? {
            ExitStatus::Code(code) => kept.check(code)?,
            ExitStatus::Disconnected => bail!(Lost),
        }
        // Files that grow while they are read are longer than they said.
        ensure!(self.done >= self.total, "only {} of {} bytes came", self.done, self.total);
        match &mut self.file {
            Some(file) => Ok(file.flush().await?),
            None => bail!("the machine did not send the file"),
        }
    }

    async fn take(&mut self, bytes: Vec<u8>) -> Result<()> {
        let (file, content) = match &mut self.file {
            Some(file) => (file, bytes),
            None => {
                self.header.extend(bytes);
                let Some((size, start)) = read_header(&self.header, &self.token)? else { return Ok(()) };
                self.total = size;
                (
                    self.file.insert(BufWriter::with_capacity(CHUNK, File::create(self.to).await?)),
                    self.header.split_off(start),
                )
            }
        };
        file.write_all(&content).await?;
        self.done += content.len() as u64;
        (self.report)(self.done, self.total.max(self.done));
        Ok(())
    }
}

/// Far more than a greeting and a number.
const HEADER_LIMIT: usize = 64 << 10;

/// The size, and where the content begins; `None` while that has not come.
fn read_header(bytes: &[u8], token: &str) -> Result<Option<(u64, usize)>> {
    let mark = format!("{token}\n");
    let start = bytes.windows(mark.len()).position(|window| window == mark.as_bytes()).map(|at| at + mark.len());
    let line = start.and_then(|start| {
        let rest = bytes.get(start..)?;
        let length = rest.iter().position(|byte| *byte == b'\n')?;
        Some((String::from_utf8_lossy(&rest[..length]).trim().to_owned(), start + length + 1))
    });
    match line {
        Some((size, content)) => Ok(Some((size.parse().context("the machine's `wc` gave no number")?, content))),
        None if bytes.len() > HEADER_LIMIT => bail!("the machine says something else than the file"),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_begins_after_greeting_mark_and_size() {
        let read = |text: &[u8]| read_header(text, "TOKEN").map_err(|error| error.to_string());
        assert_eq!(read(b"welcome\nTOKEN\n  12\nabc"), Ok(Some((12, 19))));
        assert_eq!(read(b"welcome\nTOKEN\n  12"), Ok(None));
        assert_eq!(read(b"TOK"), Ok(None));
        assert_eq!(read(b"TOKEN\nhm\n"), Err("the machine's `wc` gave no number".to_owned()));
    }

    #[test]
    fn stored_files_are_private_until_they_are_whole() {
        assert_eq!(store("/tmp/a b", 0o755), "umask 077; cat > '/tmp/a b' && chmod 0755 '/tmp/a b'");
    }
}
