//! What exists in the world because of us, on disk before it exists.
//!
//! Nothing is created without a [`Claim`], and only a [`Ledger`] makes claims: it chooses the name, appends it to
//! the run's journal, syncs, and only then returns. Cleaning up is data, not code that has to be running: whoever
//! opens the journal later, after a power cut or on Ctrl-C, finds the same list.
//!
//! On disk, under the state folder: `runs/<run>/journal.jsonl` (one record a line), `runs/<run>/lock` (held as long
//! as the run lives) and `runs/<run>/scratch/` (temporary files, private to the user).

mod journal;
mod run;

pub use journal::Resource;
pub use run::{Abandoned, BuildLedger, Claim, HARD_LIMIT, Ledger, Unreadable, abandoned, living};
