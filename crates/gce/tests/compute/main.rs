//! Compute Engine's calls against a server of canned answers: what is sent, again or not, and what is made of the answers.

mod changes;
mod errors;
mod lists;
mod operations;
mod requests;
mod server;
