//! Scripts: put on the machine, run and removed again over one channel, without waiting in between.
//!
//! A few lines of POSIX shell read the files from their input, say a mark, and run the command. Where the mark does
//! not come, nothing has run: the login shell did not understand, and the same is done in single steps.

use super::command::{self, Kept, Lost, Piece, Talk};
use super::shell::{quote, quote_path};
use super::{Communicator as _, ExitStatus, OutputSink, RemoteScript, Ssh, transfer};
use anyhow::{Context as _, Result, ensure};
use std::sync::atomic::Ordering;

/// The shell reads variables byte by byte; longer ones are cheaper to upload.
const VARIABLES_LIMIT: usize = 16 << 10;

/// Runs a script.
///
/// # Errors
/// When it could not be put there or started; nothing has run then.
pub(super) async fn run(ssh: &Ssh, script: &RemoteScript, sink: &mut dyn OutputSink) -> Result<ExitStatus> {
    // A terminal would echo, translate and cut what we send.
    if !ssh.terminal && !ssh.plain_shell.load(Ordering::Relaxed)
        && let Some(status) = run_wrapped(ssh, script, sink).await? {
            return Ok(status);
        }
    let status = run_in_steps(ssh, script, sink).await?;
    ssh.plain_shell.store(true, Ordering::Relaxed);
    Ok(status)
}

async fn run_wrapped(ssh: &Ssh, script: &RemoteScript, sink: &mut dyn OutputSink) -> Result<Option<ExitStatus>> {
    let token = format!("imgforge-{:016x}", rand::random::<u64>());
    let variables = match &script.variables {
        Some((_, content)) if is_readable(content) => Some(content.as_slice()),
        Some((path, content)) => {
            transfer::upload_bytes(ssh, content, path, 0o600).await.with_context(|| format!("upload to `{path}`"))?;
            None
        }
        None => None,
    };
    let command = wrapper(script, variables.is_some(), &token);
    let mut content = Vec::with_capacity(script.content.len() + variables.map_or(0, <[u8]>::len) + 64);
    if let Some(variables) = variables {
        content.extend_from_slice(variables);
        content.extend_from_slice(token.as_bytes());
        content.push(b'\n');
    }
    content.extend_from_slice(&script.content);

    let (input, output) = command::start(ssh.open().await?, &command, false).await?;
    let mut ear = Ear { mark: format!("{token}\n").into_bytes(), held: Vec::new(), errors: Vec::new(), started: false };
    let mut talk = Talk::new(output, async move {
        input.write(content).await?;
        Ok(input)
    });
    while let Some(piece) = talk.next().await? {
        ear.hear(piece, sink);
    }
    let status = talk.status()?;
    if ear.started {
        return Ok(Some(status));
    }
    // Nothing has run without the mark.
    ensure!(status != ExitStatus::Disconnected, Lost);
    let complaint = Kept { output: Vec::new(), error: ear.errors }.complaint(status.code());
    tracing::debug!(complaint, "the login shell does not take our wrapper");
    Ok(None)
}

/// Whether a shell's `read` gives exactly these lines back; old shells trip over bytes above ASCII.
fn is_readable(content: &[u8]) -> bool {
    content.len() <= VARIABLES_LIMIT
        && (content.is_empty() || content.ends_with(b"\n"))
        && content.iter().all(|byte| byte.is_ascii() && *byte != 0)
}

/// What the login shell gets. The command runs in a subshell through `eval`: whatever its text is, the lines after
/// it are ours.
fn wrapper(script: &RemoteScript, reads_variables: bool, token: &str) -> String {
    let path = quote_path(&script.path);
    let mut text = String::new();
    let mut files = path.clone();
    if let Some((variables, _)) = &script.variables {
        let variables = quote_path(variables);
        if reads_variables {
            text += &format!(
                "(umask 077; while IFS= read -r imgforge_line && [ \"$imgforge_line\" != {token} ]; \
                 do printf '%s\\n' \"$imgforge_line\"; done > {variables}) && chmod 0600 {variables} && "
            );
        }
        files = format!("{files} {variables}");
    }
    text += &format!("(umask 077; exec cat > {path}) && chmod 0755 {path} && printf '%s\\n' {token} && {{ ");
    text += &format!("(eval {}) < /dev/null; ", quote(&script.command));
    if !script.keep {
        text += &format!("imgforge_status=$?; rm -f {files}; exit $imgforge_status; ");
    }
    text + "}"
}

/// Listens for the mark and holds everything back until it comes: a greeting of the login shell, or its complaint.
struct Ear {
    mark: Vec<u8>,
    held: Vec<u8>,
    errors: Vec<u8>,
    started: bool,
}

/// A shell that greets with more than this has no mark to come.
const HELD: usize = 256 << 10;

impl Ear {
    fn hear(&mut self, piece: Piece, sink: &mut dyn OutputSink) {
        if self.started {
            return command::pass(&piece, sink);
        }
        match piece {
            Piece::Error(bytes) => self.errors.extend(bytes.into_iter().take(HELD.saturating_sub(self.errors.len()))),
            Piece::Output(bytes) => {
                self.held.extend(bytes);
                let Some(at) = find(&self.held, &self.mark) else {
                    let excess = self.held.len().saturating_sub(HELD);
                    self.held.drain(..excess);
                    return;
                };
                self.started = true;
                let held = std::mem::take(&mut self.held);
                let errors = std::mem::take(&mut self.errors);
                let (before, after) = (&held[..at], &held[at + self.mark.len()..]);
                for bytes in [before, after].into_iter().filter(|bytes| !bytes.is_empty()) {
                    sink.stdout(bytes);
                }
                if !errors.is_empty() {
                    sink.stderr(&errors);
                }
            }
        }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// For login shells that know little: upload, run, remove, each by a command that all of them know.
async fn run_in_steps(ssh: &Ssh, script: &RemoteScript, sink: &mut dyn OutputSink) -> Result<ExitStatus> {
    if let Some((path, content)) = &script.variables {
        transfer::upload_bytes(ssh, content, path, 0o600).await.with_context(|| format!("upload to `{path}`"))?;
    }
    let path = &script.path;
    transfer::upload_bytes(ssh, &script.content, path, 0o755).await.with_context(|| format!("upload to `{path}`"))?;
    let status = ssh.run(&script.command, sink).await?;
    if !script.keep && status != ExitStatus::Disconnected {
        let variables = script.variables.iter().map(|(path, _)| path);
        let files: Vec<_> = std::iter::once(path).chain(variables).map(|path| quote_path(path)).collect();
        if let Err(error) = ssh.must(&format!("rm -f {}", files.join(" "))).await {
            // It may have started to reboot. The script has run, and must not be run again for this.
            tracing::debug!(%error, "remove the script");
        }
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    fn script(folder: &std::path::Path, command: &str, keep: bool) -> RemoteScript {
        let path = |name: &str| folder.join(name).display().to_string();
        RemoteScript {
            path: path("it's a script"),
            content: b"#!/bin/sh\nprintf '%s\\n' \"$1 $A\"; cat; stat -c %a \"$0\" \"$0.env\"; umask; exit 7\n"
                .to_vec(),
            variables: Some((path("it's a script.env"), b"export A='x y\\n  $z'\n".to_vec())),
            command: command.to_owned(),
            keep,
        }
    }

    /// Runs the wrapper in a local shell, as sshd would.
    fn run(shell: &[&str], script: &RemoteScript) -> (String, Option<i32>) {
        let mut child = Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", &wrapper(script, true, "TOKEN")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(&script.variables.as_ref().unwrap().1).unwrap();
        input.write_all(b"TOKEN\n").unwrap();
        input.write_all(&script.content).unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    }

    const SHELLS: &[&[&str]] = &[&["sh"], &["bash"], &["busybox", "sh"]];

    #[test]
    fn the_wrapper_writes_runs_and_removes_in_every_shell() {
        for shell in SHELLS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("it's a script");
            let quoted = quote(path.to_str().unwrap());
            let command = format!(". {quoted}.env && {quoted} 'one; two'");
            let umask = Command::new("sh").args(["-c", "umask"]).output().unwrap().stdout;
            let umask = String::from_utf8(umask).unwrap();
            let expected = format!("TOKEN\none; two x y\\n  $z\n755\n600\n{umask}");
            assert_eq!(run(shell, &script(folder.path(), &command, false)), (expected, Some(7)), "{shell:?}");
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{shell:?}");
        }
    }

    #[test]
    fn a_command_can_not_keep_the_wrapper_from_cleaning_up() {
        for shell in SHELLS {
            for (command, code) in [
                ("exit 3", 3),
                ("exec sh -c 'exit 4'", 4),
                ("cd / && false", 1),
                ("}; exit 0; {", 2),
                ("echo 'open", 2),
            ] {
                let folder = tempfile::tempdir().unwrap();
                let (output, status) = run(shell, &script(folder.path(), command, false));
                assert_eq!(output, "TOKEN\n", "{shell:?} {command}");
                assert!(status == Some(code) || (code == 2 && status == Some(1)), "{shell:?} {command}: {status:?}");
                assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{shell:?} {command}");
            }
        }
    }

    #[test]
    fn files_stay_when_they_are_to_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(run(&["sh"], &script(folder.path(), "exit 5", true)), ("TOKEN\n".to_owned(), Some(5)));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn only_what_a_shell_reads_back_goes_the_short_way() {
        assert!(is_readable(b"export A='b'\n"));
        assert!(!is_readable(b"export A='b'"));
        assert!(!is_readable("A='\u{c1}'\n".as_bytes()));
        assert!(!is_readable(b"A=\0\n"));
        assert!(!is_readable(&[b'\n'; VARIABLES_LIMIT + 1]));
    }

    #[test]
    fn the_mark_is_found_across_pieces_and_taken_out() {
        #[derive(Default)]
        struct Sink(Vec<String>);
        impl OutputSink for Sink {
            fn stdout(&mut self, bytes: &[u8]) {
                self.0.push(format!("out {}", String::from_utf8_lossy(bytes)));
            }
            fn stderr(&mut self, bytes: &[u8]) {
                self.0.push(format!("err {}", String::from_utf8_lossy(bytes)));
            }
        }
        let mut sink = Sink::default();
        let mut ear = Ear { mark: b"TOKEN\n".to_vec(), held: Vec::new(), errors: Vec::new(), started: false };
        ear.hear(Piece::Output(b"hello\nTOK".to_vec()), &mut sink);
        ear.hear(Piece::Error(b"warning\n".to_vec()), &mut sink);
        assert!(sink.0.is_empty());
        ear.hear(Piece::Output(b"EN\nfirst".to_vec()), &mut sink);
        ear.hear(Piece::Output(b"TOKEN\n".to_vec()), &mut sink);
        assert_eq!(sink.0, ["out hello\n", "out first", "err warning\n", "out TOKEN\n"]);
    }
}
