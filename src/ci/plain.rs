//! The lines of a run where a CI system shows plain text: what people read on a terminal, and after each diagnostic
//! nothing more.

use crate::event::Reporter;
use crate::reports::terminal::{Look, Terminal};
use std::io::Write;

/// A reporter without colours and bars.
pub(crate) fn reporter(out: Box<dyn Write + Send>) -> Box<dyn Reporter> {
    Box::new(Terminal::new(out, Look::default()))
}
