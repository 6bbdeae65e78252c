//! Compute Engine's calls against a server of canned answers: what is sent, again or not, and what is made of the answers.

#[cfg(test)]
mod changes;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod server;
