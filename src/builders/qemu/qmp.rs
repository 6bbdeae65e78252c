//! QEMU's machine protocol: lines of JSON, an answer for each command, events in between.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// More than any answer to the few commands that we send.
const LONGEST_LINE: u64 = 1 << 20;

/// A connection to a running QEMU.
pub(super) struct Qmp {
    stream: BufReader<UnixStream>,
    commands: u64,
}

impl Qmp {
    /// Reads the greeting and waits until the machine is complete: QEMU greets while it still sets up its devices,
    /// and answers commands once all of them are there.
    ///
    /// # Errors
    /// When QEMU hangs up, or something else answers.
    pub(super) async fn greet(stream: UnixStream) -> Result<Self> {
        let mut qmp = Self { stream: BufReader::new(stream), commands: 0 };
        let greeting = qmp.message().await?;
        anyhow::ensure!(greeting.get("QMP").is_some(), "QEMU does not greet but says {greeting}");
        qmp.execute("qmp_capabilities").await?;
        qmp.execute("query-status").await?;
        Ok(qmp)
    }

    /// Runs a command without arguments and returns its answer.
    ///
    /// # Errors
    /// When QEMU refuses it, or hangs up.
    pub(super) async fn execute(&mut self, command: &str) -> Result<Value> {
        self.commands += 1;
        let id = self.commands;
        let mut line = json!({ "execute": command, "id": id }).to_string();
        line.push('\n');
        self.stream.write_all(line.as_bytes()).await.with_context(|| format!("tell QEMU to {command}"))?;
        loop {
            let mut message = self.message().await?;
            if message.get("id").and_then(Value::as_u64) != Some(id) {
                // An event, or the answer to a command that nobody waits for any more.
                continue;
            }
            if let Some(error) = message.get("error") {
                let description = error.get("desc").and_then(Value::as_str).unwrap_or("no reason given");
                anyhow::bail!("QEMU refuses {command}: {description}");
            }
            return Ok(message.get_mut("return").map(Value::take).unwrap_or_default());
        }
    }

    async fn message(&mut self) -> Result<Value> {
        let mut line = Vec::new();
        (&mut self.stream).take(LONGEST_LINE).read_until(b'\n', &mut line).await.context("listen to QEMU")?;
        anyhow::ensure!(!line.is_empty(), "QEMU has hung up");
        serde_json::from_slice(&line).context("understand QEMU")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays QEMU: says a line, then for each command that it expects gives the answer.
    async fn play(stream: UnixStream, greeting: &str, scenes: &[(&str, &str)]) {
        let mut stream = BufReader::new(stream);
        stream.write_all(greeting.as_bytes()).await.unwrap();
        for (expected, answer) in scenes {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            assert_eq!(line.trim_end(), *expected);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    const GREETING: &str = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";
    const CAPABILITIES: (&str, &str) =
        ("{\"execute\":\"qmp_capabilities\",\"id\":1}", "{\"return\": {}, \"id\": 1}\r\n");

    #[tokio::test]
    async fn answers_are_found_among_events_and_errors_carry_their_reason() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let scenes = [
            CAPABILITIES,
            (
                "{\"execute\":\"query-status\",\"id\":2}",
                "{\"event\": \"RESUME\"}\r\n{\"return\": {\"status\": \"running\"}, \"id\": 2}\r\n",
            ),
            ("{\"execute\":\"query-name\",\"id\":3}", "{\"return\": {\"name\": \"web\"}, \"id\": 3}\r\n"),
            (
                "{\"execute\":\"fly\",\"id\":4}",
                "{\"id\": 4, \"error\": {\"class\": \"CommandNotFound\", \"desc\": \"The command fly has not been found\"}}\r\n",
            ),
        ];
        let (_, said) = tokio::join!(play(theirs, GREETING, &scenes), async {
            let mut qmp = Qmp::greet(ours).await.unwrap();
            let name = qmp.execute("query-name").await.unwrap();
            (
                name,
                qmp.execute("fly").await.unwrap_err().to_string(),
                qmp.execute("quit").await.unwrap_err().to_string(),
            )
        });
        let (name, refused, gone) = said;
        assert_eq!(name, json!({ "name": "web" }));
        assert_eq!(refused, "QEMU refuses fly: The command fly has not been found");
        assert!(["QEMU has hung up", "tell QEMU to quit"].contains(&gone.as_str()), "{gone}");
    }

    #[tokio::test]
    async fn someone_else_is_not_taken_for_qemu() {
        for (greeting, expected) in [
            ("SSH-2.0-dropbear\r\n", "understand QEMU"),
            ("{\"hello\":1}\n", "QEMU does not greet but says {\"hello\":1}"),
            ("", "QEMU has hung up"),
        ] {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let (_, greeted) = tokio::join!(play(theirs, greeting, &[]), Qmp::greet(ours));
            assert_eq!(greeted.err().unwrap().to_string(), expected);
        }
    }
}
