//! Standard output as lines are written to it, and whether they got there.

use crate::exit::Exit;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

/// Why something did not get there, the first time. There is one a process, as there is one standard output.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Writes to standard output. Who says something goes on where that fails; [`told`] says so in the end.
pub(crate) struct StandardOutput;

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        noted(io::stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        noted(io::stdout().flush())
    }
}

fn noted<T>(result: io::Result<T>) -> io::Result<T> {
    if let Err(error) = &result {
        // Whoever has closed the stream wants nothing; what was interrupted is written again.
        if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::Interrupted) {
            let _first_counts =
                LOST.set(error.raw_os_error().map_or(error.kind().into(), io::Error::from_raw_os_error));
        }
    }
    result
}

/// How a command ended that was called for what it says: where some of that is lost, it says so on standard error, and a
/// success is none.
pub(crate) fn told(exit: Exit) -> Exit {
    let Some(error) = LOST.get() else { return exit };
    // Without this stream there is no other place for it.
    let _closed = writeln!(io::stderr(), "error: write to standard output: {error}");
    if exit == Exit::Success { Exit::Failed } else { exit }
}
