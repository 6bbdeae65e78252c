//! One command on one channel: what it says, and how it ended.

use super::super::{ExitStatus, OutputSink};
use anyhow::{Context as _, Result, bail, ensure};
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use std::pin::Pin;
use tokio::runtime::Handle;

/// The connection was lost, and what was to be done can be tried again.
#[derive(Debug, thiserror::Error)]
#[error("the connection was lost")]
pub(super) struct Lost;

impl Lost {
    /// Whether it is why this failed.
    pub(super) fn caused<T>(result: &Result<T>) -> bool {
        result.as_ref().is_err_and(anyhow::Error::is::<Self>)
    }
}

/// A channel that nothing runs on yet. russh leaves it open when it is dropped, and machines allow only a few.
pub(super) struct Unused(Option<Channel<Msg>>);

impl Unused {
    pub(super) fn new(channel: Channel<Msg>) -> Self {
        Self(Some(channel))
    }

    /// # Errors
    /// Never: it can only be taken once.
    pub(super) fn take(mut self) -> Result<Channel<Msg>> {
        self.0.take().context("the channel is in use")
    }
}

impl Drop for Unused {
    fn drop(&mut self) {
        if let Some(channel) = self.0.take() {
            drop(Input { writer: Some(channel.split().1) });
        }
    }
}

/// What a command said.
pub(super) enum Piece {
    Output(Vec<u8>),
    Error(Vec<u8>),
}

/// Starts a command, and does not wait for the machine to say that it did.
///
/// # Errors
/// When the connection is gone.
pub(super) async fn start(channel: Unused, command: &str, terminal: bool) -> Result<(Input, Output)> {
    let (reader, writer) = channel.take()?.split();
    let input = Input { writer: Some(writer) };
    if terminal {
        // What Packer asks for: 80 by 40, no echo.
        let modes = [(russh::Pty::ECHO, 0), (russh::Pty::TTY_OP_ISPEED, 14400), (russh::Pty::TTY_OP_OSPEED, 14400)];
        input.writer()?.request_pty(false, "xterm", 80, 40, 0, 0, &modes).await.map_err(|_| Lost)?;
    }
    input.writer()?.exec(true, command).await.map_err(|_| Lost)?;
    Ok((input, Output { reader, status: ExitStatus::Disconnected, refused: false, heard: false }))
}

/// The command's standard input. Dropping it closes the channel: that is how a command is given up.
pub(super) struct Input {
    writer: Option<ChannelWriteHalf<Msg>>,
}

impl Input {
    fn writer(&self) -> Result<&ChannelWriteHalf<Msg>> {
        match &self.writer {
            Some(writer) => Ok(writer),
            None => bail!("the channel is closed"),
        }
    }

    /// Sends bytes; waits while the machine is behind.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) async fn write(&self, bytes: Vec<u8>) -> Result<()> {
        Ok(self.writer()?.data_bytes(bytes).await?)
    }

    async fn end(&self) -> Result<()> {
        Ok(self.writer()?.eof().await?)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if let (Some(writer), Ok(runtime)) = (self.writer.take(), Handle::try_current()) {
            // A dead connection has no channel to close.
            drop(runtime.spawn(async move { drop(writer.close().await) }));
        }
    }
}

/// What comes back.
pub(super) struct Output {
    reader: ChannelReadHalf,
    status: ExitStatus,
    refused: bool,
    heard: bool,
}

impl Output {
    async fn next(&mut self) -> Option<Piece> {
        loop {
            match self.reader.wait().await? {
                ChannelMsg::Data { data } => return Some(Piece::Output(data.to_vec())),
                ChannelMsg::ExtendedData { data, ext: 1 } => return Some(Piece::Error(data.to_vec())),
                ChannelMsg::ExitStatus { exit_status } => self.status = ExitStatus::Code(exit_status),
                ChannelMsg::ExitSignal { signal_name, .. } => {
                    self.status = ExitStatus::Code(128_u32.saturating_add(number(&signal_name)));
                }
                ChannelMsg::Success => self.heard = true,
                ChannelMsg::Failure => self.refused = true,
                _ => {}
            }
        }
    }

    fn status(&self) -> Result<ExitStatus> {
        if self.refused && self.status == ExitStatus::Disconnected {
            bail!("the machine runs no commands for this user");
        }
        if !self.heard && self.status == ExitStatus::Disconnected {
            bail!(Lost);
        }
        Ok(self.status)
    }
}

/// Numbers of signals on Linux, which shells add to 128.
fn number(signal: &Sig) -> u32 {
    match signal {
        Sig::HUP => 1,
        Sig::INT => 2,
        Sig::QUIT => 3,
        Sig::ILL => 4,
        Sig::ABRT => 6,
        Sig::FPE => 8,
        Sig::KILL => 9,
        Sig::USR1 => 10,
        Sig::SEGV => 11,
        Sig::PIPE => 13,
        Sig::ALRM => 14,
        Sig::TERM => 15,
        Sig::Custom(name) => match name.as_str() {
            "TRAP" => 5,
            "BUS" => 7,
            "USR2" => 12,
            "XCPU" => 24,
            "XFSZ" => 25,
            "SYS" => 31,
            _ => 0,
        },
    }
}

/// A command whose input is written while its output is read, each at its own pace: a machine that is slow to read
/// must not keep us from hearing what it says.
pub(super) struct Talk<'a> {
    writing: Option<Writing<'a>>,
    /// Kept to the end: dropping it closes the channel.
    input: Option<Input>,
    output: Output,
}

type Writing<'a> = Pin<Box<dyn Future<Output = Result<Input>> + Send + 'a>>;

impl<'a> Talk<'a> {
    /// `writing` gives the input back once all is written; its end is then sent.
    pub(super) fn new(output: Output, writing: impl Future<Output = Result<Input>> + Send + 'a) -> Self {
        let writing = async move {
            let input = writing.await?;
            input.end().await?;
            Ok(input)
        };
        Self { writing: Some(Box::pin(writing)), input: None, output }
    }

    /// One without input.
    pub(super) fn silent(input: Input, output: Output) -> Self {
        Self::new(output, async move { Ok(input) })
    }

    /// The next piece; `None` once the channel is closed.
    ///
    /// # Errors
    /// When the input could not be written, but for a lost connection.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            let Some(writing) = &mut self.writing else { return Ok(self.output.next().await) };
            tokio::select! {
                result = writing => {
                    self.writing = None;
                    match result {
                        Ok(input) => self.input = Some(input),
                        // The connection is gone; the output says when.
                        Err(error) if error.is::<russh::Error>() => {}
                        // Our own file can't be read: the machine would take what it got for the whole.
                        Err(error) => return Err(error),
                    }
                }
                piece = self.output.next() => return Ok(piece),
            }
        }
    }

    /// How it ended, once there is no more.
    ///
    /// # Errors
    /// When it never started.
    pub(super) fn status(&self) -> Result<ExitStatus> {
        self.output.status()
    }

    /// Listens to the end of a command of our own.
    ///
    /// # Errors
    /// As [`Talk::next`] and [`Talk::status`], and [`Lost`] if it had no end.
    pub(super) async fn finish(mut self) -> Result<(u32, Kept)> {
        let mut kept = Kept::default();
        while let Some(piece) = self.next().await? {
            kept.hear(piece);
        }
        match self.status()? {
            ExitStatus::Code(code) => Ok((code, kept)),
            ExitStatus::Disconnected => bail!(Lost),
        }
    }
}

/// Keeps what a command of our own says, up to a limit.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) output: Vec<u8>,
    pub(super) error: Vec<u8>,
}

/// Far more than any of our own commands says when it goes well.
const KEPT: usize = 64 << 10;

impl Kept {
    pub(super) fn hear(&mut self, piece: Piece) {
        let (kept, bytes) = match piece {
            Piece::Output(bytes) => (&mut self.output, bytes),
            Piece::Error(bytes) => (&mut self.error, bytes),
        };
        let room = KEPT.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
    }

    /// What it said about its failure: the last line of its error stream.
    pub(super) fn complaint(&self, code: u32) -> String {
        let text = String::from_utf8_lossy(&self.error);
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        last.map_or_else(|| format!("exit status {code}"), |line| line.trim().to_owned())
    }

    /// # Errors
    /// The complaint of a command that did not end with 0.
    pub(super) fn check(&self, code: u32) -> Result<()> {
        ensure!(code == 0, "{}", self.complaint(code));
        Ok(())
    }
}

/// Hands pieces to a sink.
pub(super) fn pass(piece: &Piece, sink: &mut dyn OutputSink) {
    match piece {
        Piece::Output(bytes) => sink.stdout(bytes),
        Piece::Error(bytes) => sink.stderr(bytes),
    }
}
