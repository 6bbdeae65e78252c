//! The startup script: run in a wrapper that says on the serial port when it is done, and waited for.

use crate::context::BuildContext;
use crate::google::Explain as _;
use anyhow::{Result, bail};
use imgforge_gce::Gce;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The metadata key that the guest runs at its start.
pub(super) const KEY: &str = "startup-script";

/// How often the serial port is read.
const PAUSE: Duration = Duration::from_secs(2);

/// A startup script has at least this long: many of them install packages.
pub(super) const LIMIT: Duration = Duration::from_secs(60 * 60);

/// What the wrapper says before its mark and the script's exit code.
const SAID: &str = "imgforge-startup-script";

/// How much of the serial port's text an error shows.
const LINES: usize = 20;

/// A startup script that tells when it is done.
pub(super) struct Startup {
    /// Stands in no script: nobody could know it before.
    mark: String,
    /// What the guest runs.
    pub(super) script: String,
}

impl Startup {
    /// Wraps a script. It needs a POSIX shell and nothing of Google's in the guest.
    pub(super) fn wrap(script: &str) -> Self {
        let mark = format!("{:016x}", rand::random::<u64>());
        let newline = if script.ends_with('\n') { "" } else { "\n" };
        // The script reaches the shell as a quoted here-document alone, so that nothing in it is looked at.
        let wrapper = format!(
            "#!/bin/sh\n\
             # Runs the template's startup script and says on the serial port how it ended.\n\
             folder=$(mktemp -d) || exit 1\n\
             cat > \"$folder/script\" <<'{mark}'\n\
             {script}{newline}\
             {mark}\n\
             chmod 700 \"$folder/script\"\n\
             \"$folder/script\"\n\
             status=$?\n\
             rm -rf \"$folder\"\n\
             echo \"{SAID} {mark} $status\"\n\
             {{ echo \"{SAID} {mark} $status\" > /dev/ttyS0; }} 2> /dev/null\n\
             exit $status\n"
        );
        Self { mark, script: wrapper }
    }

    /// Waits until the script is done.
    ///
    /// # Errors
    /// When it failed or did not end within `limit`; both with the end of what the serial port says.
    pub(super) async fn wait(
        &self,
        gce: &Gce,
        (project, zone, name): (&str, &str, &str),
        limit: Duration,
        context: &BuildContext,
    ) -> Result<()> {
        context.say("Waiting for any running startup script to finish...");
        let deadline = Instant::now() + limit;
        let (mut text, mut next) = (String::new(), 0);
        loop {
            let (more, from) = gce.serial_output(project, zone, name, next).await.explain("read the serial port")?;
            next = from;
            text.push_str(&more);
            match self.status(&text) {
                Some("0") => break,
                Some(status) => bail!("the startup script ended with the exit code {status}:\n{}", last_lines(&text)),
                None if Instant::now() > deadline => {
                    bail!("the startup script did not end within {limit:?}:\n{}", last_lines(&text));
                }
                None => sleep(PAUSE).await,
            }
        }
        context.say("Startup script, if any, has finished running.");
        Ok(())
    }

    /// The script's exit code, once a whole line has it. What the kernel says in the middle of that line is none of it.
    fn status<'t>(&self, text: &'t str) -> Option<&'t str> {
        let said = format!("{SAID} {} ", self.mark);
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .filter_map(|line| line.split_once(said.as_str())?.1.split(|letter: char| !letter.is_ascii_digit()).next())
            .find(|code| !code.is_empty())
    }
}

/// The last lines of a serial port, without control characters.
pub(super) fn last_lines(text: &str) -> String {
    let clean: String = text.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect();
    let lines: Vec<&str> = clean.trim().lines().collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    fn run(script: &str) -> (Startup, String, Option<i32>) {
        let startup = Startup::wrap(script);
        let mut shell =
            Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(startup.script.as_bytes()).unwrap();
        let output = shell.wait_with_output().unwrap();
        (startup, String::from_utf8(output.stdout).unwrap(), output.status.code())
    }

    #[test]
    fn a_script_runs_as_it_is_written_and_its_end_is_told() {
        let (startup, said, code) =
            run("#!/bin/bash -e\necho \"$0\" | grep -c script; echo '$(x)' `echo y` EOF\nexit 3");
        assert_eq!(startup.status(&said), Some("3"));
        assert_eq!(said.lines().take(2).collect::<Vec<_>>(), ["1", "$(x) y EOF"]);
        assert_eq!(code, Some(3));
    }

    #[test]
    fn only_a_whole_line_with_the_mark_is_the_end() {
        let startup = Startup::wrap("true");
        let mark = &startup.mark;
        assert_eq!(startup.status(&format!("startup-script: {SAID} {mark} 12")), None);
        assert_eq!(startup.status(&format!("a\nx startup-script: {SAID} {mark} 12\r\nb\n")), Some("12"));
        assert_eq!(startup.status(&format!("{SAID} 0000 0\n")), None);
        assert_eq!(startup.status(&format!("{SAID} {mark} [   9.1] eth0\n{SAID} {mark} 0[   9.2] eth0\n")), Some("0"));
    }

    #[test]
    fn the_end_of_a_serial_port_is_shown_without_control_characters() {
        let text: String = (0..50).map(|line| format!("\x1b[0mline {line}\r\n")).collect();
        assert_eq!(last_lines(&text).lines().next(), Some("[0mline 30"));
        assert_eq!(last_lines(""), "");
    }
}
