//! Reporters that show a run or write it down.

pub mod snippet;
pub mod terminal;
