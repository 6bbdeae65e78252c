//! From the bytes that a command writes to the lines that a build says.

use crate::communicators::OutputSink;
use crate::context::BuildContext;
use crate::event::Tone;

/// Bytes of one line that are kept, and as many more as a secret may have. What writes more without a line ending is cut
/// into several lines, never within a secret.
const LONGEST: usize = 1 << 20;

/// Says what a command prints, line by line and as it comes: standard output as [`BuildContext::say`], standard error
/// as [`BuildContext::error`]. An unterminated last line is said when the sink is dropped.
pub struct LineSink {
    context: BuildContext,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl LineSink {
    pub fn new(context: &BuildContext) -> Self {
        Self { context: context.clone(), stdout: Vec::new(), stderr: Vec::new() }
    }
}

impl OutputSink for LineSink {
    fn stdout(&mut self, bytes: &[u8]) {
        push(&self.context, Tone::Say, &mut self.stdout, bytes);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        push(&self.context, Tone::Error, &mut self.stderr, bytes);
    }
}

impl Drop for LineSink {
    fn drop(&mut self) {
        for (tone, rest) in [(Tone::Say, &self.stdout), (Tone::Error, &self.stderr)] {
            if !rest.is_empty() {
                say(&self.context, tone, rest);
            }
        }
    }
}

fn push(context: &BuildContext, tone: Tone, buffer: &mut Vec<u8>, bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    // The last part has no line ending yet.
    let rest = lines.next_back().unwrap_or_default();
    for line in lines {
        buffer.extend_from_slice(line);
        say(context, tone, buffer);
        buffer.clear();
    }
    buffer.extend_from_slice(rest);
    while buffer.len() > LONGEST {
        let from = start_of_visible(buffer);
        if from > 0 {
            buffer.drain(..from);
        } else {
            let Some(end) = context.events.seam(buffer, whole_characters(buffer, LONGEST)) else { break };
            say(context, tone, buffer.get(..end).unwrap_or_default());
            buffer.drain(..end);
        }
    }
}

fn say(context: &BuildContext, tone: Tone, line: &[u8]) {
    let visible = line.get(start_of_visible(line)..).unwrap_or_default();
    let text = String::from_utf8_lossy(visible);
    match tone {
        Tone::Say | Tone::Message => context.say(text.trim_end()),
        Tone::Error => context.error(text.trim_end()),
    }
}

/// A progress bar writes itself anew after each `\r`; only its last state is worth a line. A `\r` before the line
/// ending is only a part of it.
fn start_of_visible(line: &[u8]) -> usize {
    line.trim_ascii_end().iter().rposition(|byte| *byte == b'\r').map_or(0, |at| at + 1)
}

/// The end of the last character that is whole within `limit` bytes, for what is UTF-8 at all.
fn whole_characters(bytes: &[u8], limit: usize) -> usize {
    let is_start = |at: &usize| bytes.get(*at).is_some_and(|byte| byte & 0xC0 != 0x80);
    (limit.saturating_sub(3)..=limit).rev().find(is_start).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::testing::World;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let world = World::new();
        let mut sink = LineSink::new(&world.context);
        for chunk in chunks {
            sink.stdout(chunk);
        }
        drop(sink);
        world.lines()
    }

    #[test]
    fn lines_end_at_newlines_and_lose_what_was_overwritten_and_trailing_space() {
        let lines = lines(&[b"one\r\n  two  \n\n", b" 10%\r 50%\r100%\n", b"a\rb\r\r\n", b"last"]);
        assert_eq!(lines, ["one", "  two", "", "100%", "b", "last"]);
    }

    #[test]
    fn characters_may_come_in_parts_and_invalid_bytes_are_replaced() {
        assert_eq!(lines(&[b"gr\xC3", b"\xBC\xC3", b"\x9Fe\n\xFFx\n"]), ["grüße", "\u{FFFD}x"]);
    }

    #[test]
    fn streams_don_t_mix() {
        let world = World::new();
        let mut sink = LineSink::new(&world.context);
        sink.stdout(b"to ");
        sink.stderr(b"bad\nworse");
        sink.stdout(b"be\n");
        drop(sink);
        assert_eq!(world.lines(), ["error: bad", "to be", "error: worse"]);
    }

    #[test]
    fn endless_lines_are_cut_where_no_secret_is() {
        let secret = "swordfish-is-long";
        for (before, after) in [(LONGEST - 6, 0), (LONGEST - 6, 100), (LONGEST - secret.len(), 100), (LONGEST, 100)] {
            let world = World::new();
            world.context.events.add_secrets(&[secret.to_owned()]);
            let mut sink = LineSink::new(&world.context);
            let (before, after) = ("x".repeat(before), "y".repeat(after));
            // As the stream may deliver it: in two parts, or byte by byte.
            sink.stdout(before.as_bytes());
            for byte in secret.bytes().chain(after.bytes()) {
                sink.stdout(&[byte]);
            }
            drop(sink);
            assert_eq!(world.lines().concat(), format!("{before}<sensitive>{after}"));
        }
    }

    #[test]
    fn endless_lines_are_cut_and_endless_progress_bars_are_forgotten() {
        let long = "ä".repeat(LONGEST / 2 + 10);
        let said = lines(&[b"x", long.as_bytes()]);
        assert_eq!(said.len(), 2);
        assert_eq!(said.concat(), format!("x{long}"));
        let bar = [b"\r99%".repeat(LONGEST / 3), b"\r100%\n".to_vec()].concat();
        assert_eq!(lines(&[&bar]), ["100%"]);
    }
}
