//! Commands and scripts: one channel each.

use super::{Ssh, quoted};
use crate::communicators::{Communicator, ExitStatus, OutputSink, RemoteScript};
use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use std::collections::BTreeMap;
use std::path::Path;
use tokio::sync::mpsc;

/// Bytes given to one write: larger ones gain nothing, 32 KiB halve the throughput (measured on loopback).
const CHUNK: usize = 256 * 1024;

/// What goes to a command's standard input.
pub(super) enum Input {
    Nothing,
    Bytes(Vec<u8>),
    /// Chunks as they come; an error ends the command.
    Stream(mpsc::Receiver<std::io::Result<Vec<u8>>>),
}

impl Ssh {
    /// Runs a command with input; output goes to the sink as it comes.
    pub(super) async fn exec(&self, command: &str, input: Input, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        let channel: Channel<Msg> = self.channel().await?;
        // Not waiting for the reply saves a round trip; a refusal comes as an end without a status.
        channel.exec(false, command).await.context("start a command over SSH")?;
        let (reader, writer) = channel.split();
        let (status, sent) = tokio::join!(receive(reader, output), send(&writer, input));
        match (status, sent) {
            (ExitStatus::Code(0), Err(error)) => Err(error),
            (status, _) => Ok(status),
        }
    }

    /// Runs a helper command of ours whose failure is an error, and gives its output.
    pub(super) async fn must(&self, command: &str, input: Input, what: &str) -> Result<Vec<u8>> {
        let mut collected = Collected::default();
        let status = self.exec(command, input, &mut collected).await?;
        if status != ExitStatus::Code(0) {
            let said = String::from_utf8_lossy(&collected.stderr).trim().to_owned();
            match status {
                ExitStatus::Disconnected => bail!("{what}: the connection was lost"),
                ExitStatus::Code(code) if said.is_empty() => bail!("{what}: exit code {code}"),
                ExitStatus::Code(_) => bail!("{what}: {said}"),
            }
        }
        Ok(collected.stdout)
    }

    /// Script and run over separate channels: for login shells that do not start `/bin/sh` for us.
    async fn run_in_steps(&self, script: &RemoteScript, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        self.upload_bytes(&script.content, &script.path, 0o755).await?;
        if let Some((path, content)) = &script.variables {
            self.upload_bytes(content, path, 0o600).await?;
        }
        let status = self.exec(&script.command, Input::Nothing, output).await?;
        if !script.keep && status != ExitStatus::Disconnected {
            let files = [Some(&script.path), script.variables.as_ref().map(|(path, _)| path)];
            for path in files.into_iter().flatten() {
                self.must(&format!("rm -f {}", quoted(path)), Input::Nothing, "remove the script").await?;
            }
        }
        Ok(status)
    }
}

/// The wrapper for one script. Its positional parameters are the marker, the command, the script's path and, where
/// there is one, the path and length of the variables file, which then comes first on the input.
const WRAPPER: &str = "umask 077; \
    if [ $# -gt 3 ]; then \
    cat > \"$3.in\" && head -c \"$5\" \"$3.in\" > \"$4\" && tail -c +$(($5 + 1)) \"$3.in\" > \"$3\" && rm -f \"$3.in\"; \
    else cat > \"$3\"; fi && chmod 0755 \"$3\" || exit 1; \
    printf \"%s\\n\" \"$1\"; \
    \"${SHELL:-/bin/sh}\" -c \"$2\" < /dev/null; s=$?; ";

#[async_trait]
impl Communicator for Ssh {
    async fn run(&self, command: &str, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        self.exec(command, Input::Nothing, output).await
    }

    async fn run_script(&self, script: &RemoteScript, output: &mut dyn OutputSink) -> Result<ExitStatus> {
        let marker = format!("imgforge-{:032x}", rand::random::<u128>());
        let end = match (script.keep, script.variables.is_some()) {
            (true, _) => "exit $s",
            (false, false) => "rm -f \"$3\"; exit $s",
            (false, true) => "rm -f \"$3\" \"$4\"; exit $s",
        };
        let mut words = vec![marker.clone(), script.command.clone(), script.path.clone()];
        let mut input = Vec::new();
        if let Some((path, content)) = &script.variables {
            words.extend([path.clone(), content.len().to_string()]);
            input.extend_from_slice(content);
        }
        input.extend_from_slice(&script.content);
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let command = format!("/bin/sh -c {} imgforge {}", quoted(&format!("{WRAPPER}{end}")), words.join(" "));
        let mut filter =
            Filter { marker: format!("{marker}\n").into_bytes(), started: false, held: Collected::default(), output };
        let status = self.exec(&command, Input::Bytes(input), &mut filter).await?;
        if filter.started {
            return Ok(status);
        }
        let said = String::from_utf8_lossy(&filter.held.stderr).trim().to_owned();
        match status {
            ExitStatus::Disconnected => bail!("the connection was lost before the script ran"),
            // The wrapper ran and said why it could not write.
            ExitStatus::Code(1) if !said.is_empty() => bail!("the script could not be put on the machine: {said}"),
            ExitStatus::Code(code) => {
                tracing::debug!(code, said, "no POSIX shell behind the login shell, going step by step");
                self.run_in_steps(script, output).await
            }
        }
    }

    async fn upload(&self, from: &Path, to: &str, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        self.upload_path(from, to, report).await
    }

    async fn upload_bytes(&self, content: &[u8], to: &str, mode: u32) -> Result<()> {
        let command = format!("cat > {0} && chmod {mode:04o} {0}", quoted(to));
        self.must(&command, Input::Bytes(content.to_vec()), &format!("write {to}")).await?;
        Ok(())
    }

    async fn download(&self, from: &str, to: &Path, report: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        self.download_file(from, to, report).await
    }

    async fn download_folder(&self, from: &str, to: &Path) -> Result<()> {
        self.download_tree(from, to).await
    }

    fn values(&self) -> BTreeMap<String, String> {
        let settings = &self.settings;
        let mut values = BTreeMap::from([
            ("ConnType".to_owned(), "ssh".to_owned()),
            ("Host".to_owned(), settings.host.clone()),
            ("Port".to_owned(), settings.port.to_string()),
            ("User".to_owned(), settings.user.clone()),
            ("Password".to_owned(), settings.password.clone().unwrap_or_default()),
        ]);
        if let Some(key) = &settings.temporary_key {
            values.insert("SSHPublicKey".to_owned(), key.public().to_owned());
            if let Ok(private) = key.private() {
                values.insert("SSHPrivateKey".to_owned(), private);
            }
        }
        values
    }
}

async fn receive(mut reader: ChannelReadHalf, output: &mut dyn OutputSink) -> ExitStatus {
    let mut status = ExitStatus::Disconnected;
    while let Some(message) = reader.wait().await {
        match message {
            ChannelMsg::Data { data } => output.stdout(&data),
            ChannelMsg::ExtendedData { data, ext: 1 } => output.stderr(&data),
            ChannelMsg::ExitStatus { exit_status } => status = ExitStatus::Code(exit_status),
            ChannelMsg::ExitSignal { signal_name, .. } => status = ExitStatus::Code(128 + number(&signal_name)),
            _ => {}
        }
    }
    status
}

async fn send(writer: &ChannelWriteHalf<Msg>, input: Input) -> Result<()> {
    let context = "send to a command over SSH";
    match input {
        Input::Nothing => {}
        Input::Bytes(bytes) => {
            for chunk in bytes.chunks(CHUNK) {
                writer.data_bytes(chunk.to_vec()).await.context(context)?;
            }
        }
        Input::Stream(mut chunks) => {
            while let Some(chunk) = chunks.recv().await {
                match chunk {
                    Ok(chunk) => writer.data_bytes(chunk).await.context(context)?,
                    Err(error) => {
                        // Without an end of file the command can't take the half for the whole.
                        let _closed = writer.close().await;
                        return Err(error).context("read what is to be uploaded");
                    }
                }
            }
        }
    }
    writer.eof().await.context(context)
}

/// Linux's numbers.
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
        _ => 15,
    }
}

/// Keeps all output.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

impl OutputSink for Collected {
    fn stdout(&mut self, bytes: &[u8]) {
        self.stdout.extend_from_slice(bytes);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.stderr.extend_from_slice(bytes);
    }
}

/// Holds output back until the wrapper's marker says that the script is in place; the marker itself is left out.
struct Filter<'a> {
    marker: Vec<u8>,
    started: bool,
    held: Collected,
    output: &'a mut dyn OutputSink,
}

impl OutputSink for Filter<'_> {
    fn stdout(&mut self, bytes: &[u8]) {
        if self.started {
            self.output.stdout(bytes);
            return;
        }
        self.held.stdout(bytes);
        let found = self.held.stdout.windows(self.marker.len()).position(|window| window == self.marker);
        if let Some(at) = found {
            self.started = true;
            // What a login script printed before it.
            self.output.stdout(&self.held.stdout[..at]);
            self.output.stderr(&self.held.stderr);
            self.output.stdout(&self.held.stdout[at + self.marker.len()..]);
        }
    }

    fn stderr(&mut self, bytes: &[u8]) {
        if self.started {
            self.output.stderr(bytes);
        } else {
            self.held.stderr(bytes);
        }
    }
}
