//! What an expression may cost. A template may come from anyone's pull request: it must not fill the stack, the
//! memory or the day.

use crate::value::{Kind, Value};

/// Levels of expressions inside each other, parentheses not counted. A level of the costliest kind takes 3.3 KiB of
/// stack in a debug build, so that 2 MiB leave room for the caller.
pub(super) const DEPTH: usize = 400;

/// Evaluated expressions, elements produced, and [`BYTES`] of text produced, in all.
pub(super) const WORK: u64 = 4_000_000;

/// Text counts as one unit of work for each so many bytes.
pub(super) const BYTES: usize = 64;

/// Levels of values inside each other.
const VALUE_DEPTH: usize = 128;

/// Values inside a value, however often one is shared.
const VALUE_SIZE: usize = 1_000_000;

/// Bytes of text inside a value, however often one is shared.
const VALUE_TEXT: usize = 64 << 20;

/// How many values are inside a value, or what is too much about it.
pub(super) fn measure(value: &Value) -> Result<usize, &'static str> {
    let (mut size, mut text) = (0_usize, 0_usize);
    let mut levels = vec![value.children()];
    if let Kind::String(own) = &value.kind {
        text = own.len();
    }
    while let Some(children) = levels.last_mut() {
        let Some(child) = children.next() else {
            levels.pop();
            continue;
        };
        size += 1;
        if let Kind::String(own) = &child.kind {
            text = text.saturating_add(own.len());
        }
        if size > VALUE_SIZE || text > VALUE_TEXT {
            break;
        }
        levels.push(child.children());
        if levels.len() > VALUE_DEPTH {
            return Err("this value is nested too deeply");
        }
    }
    if size > VALUE_SIZE || text > VALUE_TEXT { Err("this value is too large") } else { Ok(size) }
}

/// The work of having made a value, what is inside it not counted again.
pub(super) fn cost(value: &Value) -> usize {
    match &value.kind {
        Kind::String(text) => text.len() / BYTES,
        Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => elements.len(),
        Kind::Map(_, members) | Kind::Object(members) => members.len(),
        _ => 0,
    }
}
