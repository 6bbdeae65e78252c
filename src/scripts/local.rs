//! Commands and executable files on this machine.

use crate::communicators::{ExitStatus, OutputSink};
use crate::context::BuildContext;
use crate::process;
use anyhow::{Context as _, Result};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

/// How long output may still come after the command has ended, from what it left running: a `tee` at the end of a
/// pipe has its last lines to say, a forgotten server has not.
const AFTERMATH: Duration = Duration::from_secs(1);

/// Linux refuses to run a file that anyone has open for writing, and a child inherits all open files until it has
/// become the new program. So no file that is to be run is written while a child starts.
static STARTING: Mutex<()> = Mutex::new(());

/// Writes a file of this mode that can be run at once. Fails where something stands already.
///
/// # Errors
/// When it cannot be written.
pub fn write_executable(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let _nobody_starts = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content)?;
    // The umask may have taken bits away.
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

/// A file in the run's scratch folder, removed when dropped.
pub struct TemporaryFile(PathBuf);

impl TemporaryFile {
    /// A script that only the user can read and run. Its name ends with `suffix`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn script(context: &BuildContext, suffix: &str, content: &[u8]) -> Result<Self> {
        let path = context.ledger.scratch().join(format!("shell-{:016x}{suffix}", rand::random::<u64>()));
        let file = Self(path);
        write_executable(&file, content, 0o700).with_context(|| format!("write {}", file.display()))?;
        Ok(file)
    }
}

impl std::ops::Deref for TemporaryFile {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // If it cannot be removed now, it goes with the scratch folder.
        let _removed_later = std::fs::remove_file(&self.0);
    }
}

/// Runs a command of this machine to its end, with nothing on its standard input and its output in `output`. What it leaves
/// running has its claim open until the build ends, and serves later steps: a server, an agent, a tunnel. Unless it still
/// holds the command's output a second later, which nobody reads any more: then it ends now, and so do the others. On
/// cancellation and when the returned future is dropped all of it ends.
///
/// # Errors
/// When it could not be started, the run is cancelled, or something that the command started cannot be ended.
pub async fn run(command: Command, context: &BuildContext, output: &mut dyn OutputSink) -> Result<ExitStatus> {
    let claim = process::claim_command(&context.ledger).context("note the command in the journal")?;
    let mut command = process::claimed(command, &claim);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = {
        let _nobody_writes = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        command.spawn()
    };
    let ended = match started {
        Ok(child) => {
            tokio::select! {
                ended = follow(child, claim.name(), output) => ended,
                () = context.cancel.cancelled() => Err(anyhow::anyhow!("cancelled")),
            }
        }
        Err(error) => {
            let program = command.as_std().get_program().to_string_lossy().into_owned();
            Err(error).with_context(|| format!("start `{program}`"))
        }
    };
    if let Ok(Ended { status, has_closed: true }) = ended
        && process::lives(claim.name()).context("look for processes")?
    {
        return Ok(status);
    }
    process::end_claimed(claim.name()).await?;
    context.ledger.released(claim.resource()).context("note the end of the command in the journal")?;
    ended.map(|ended| ended.status)
}

/// How a command ended.
struct Ended {
    status: ExitStatus,
    /// Nobody holds its output any more.
    has_closed: bool,
}

/// Passes the output on until the command has ended.
async fn follow(mut child: Child, claim: &str, output: &mut dyn OutputSink) -> Result<Ended> {
    let mut leash = Leash { claim, is_held: true };
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut out, mut err) = (vec![0; 32 << 10], vec![0; 32 << 10]);
    let mut status = None;
    let aftermath = tokio::time::sleep(Duration::MAX);
    tokio::pin!(aftermath);
    while status.is_none() || stdout.is_some() || stderr.is_some() {
        tokio::select! {
            read = read(&mut stdout, &mut out), if stdout.is_some() => match read? {
                0 => stdout = None,
                count => output.stdout(out.get(..count).unwrap_or_default()),
            },
            read = read(&mut stderr, &mut err), if stderr.is_some() => match read? {
                0 => stderr = None,
                count => output.stderr(err.get(..count).unwrap_or_default()),
            },
            ended = child.wait(), if status.is_none() => {
                status = Some(ended.context("wait for the command")?);
                aftermath.as_mut().reset(tokio::time::Instant::now() + AFTERMATH);
            }
            () = &mut aftermath, if status.is_some() => break,
        }
    }
    let status = status.context("the command has no exit status")?;
    // As shells have it: 128 + n after signal n.
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    let status = ExitStatus::Code(code.and_then(|code| u32::try_from(code).ok()).unwrap_or(255));
    leash.is_held = false;
    Ok(Ended { status, has_closed: stdout.is_none() && stderr.is_none() })
}

async fn read(stream: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> Result<usize> {
    match stream {
        Some(stream) => stream.read(buffer).await.context("read the command's output"),
        None => Ok(0),
    }
}

/// Kills a command and all that it started when dropped, unless it was let go. Dropped before the child is, whose own end
/// would hide those of its children that don't carry the claim.
struct Leash<'a> {
    claim: &'a str,
    is_held: bool,
}

impl Drop for Leash<'_> {
    fn drop(&mut self) {
        if self.is_held
            && let Err(error) = process::kill_claimed(self.claim)
        {
            // The claim is still there, and whoever cleans up looks again.
            tracing::warn!(claim = self.claim, "its processes can't be found: {error}");
        }
    }
}
