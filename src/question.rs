//! Questions to whoever sits at the terminal. They are asked on the terminal itself, whatever the streams of the program
//! are.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::sync::Arc;
use tokio::sync::{Mutex, oneshot};

/// Asks one question at a time. Cheap to clone; all clones ask on the same terminal.
#[derive(Clone, Default)]
pub(crate) struct Questions {
    /// The line that is being read for a question whose asker did not wait for it: it answers the next one.
    reading: Arc<Mutex<Option<oneshot::Receiver<Option<String>>>>>,
}

impl Questions {
    /// Shows a question and waits for a line. `None` where there is no terminal or nobody there any more.
    pub(crate) async fn ask(&self, question: &str) -> Option<String> {
        let mut reading = self.reading.lock().await;
        let terminal = show(question).ok()?;
        let line = match &mut *reading {
            Some(line) => line,
            none => none.insert(read(terminal)?),
        };
        let answer = line.await;
        *reading = None;
        answer.ok().flatten()
    }
}

fn show(question: &str) -> io::Result<File> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    terminal.write_all(question.as_bytes())?;
    Ok(terminal)
}

/// Reads a line in a thread of its own: nothing can stop one that waits for it, and the runtime would wait for its own.
fn read(terminal: File) -> Option<oneshot::Receiver<Option<String>>> {
    let (answer, line) = oneshot::channel();
    let read = move || {
        let mut text = String::new();
        let read = BufReader::new(terminal).read_line(&mut text);
        let typed = read.is_ok_and(|length| length > 0);
        // The asker may be gone.
        let _gone = answer.send(typed.then(|| text.trim().to_owned()));
    };
    std::thread::Builder::new().name("question".to_owned()).spawn(read).ok()?;
    Some(line)
}
