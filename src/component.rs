//! What every registry is a list of.

use imgforge_template::arguments::Argument;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::Diagnostics;

/// A registry entry: the name users write, and how to make the component from its block.
pub struct Component<T: ?Sized + 'static> {
    pub name: &'static str,
    /// The arguments it reads, one table a concern.
    pub arguments: &'static [&'static [Argument]],
    /// Reads and checks a body without touching the world, except to look whether files are there (through the
    /// body's host). Calls [`Body::finish`] last. Errors are in the diagnostics; whether the value can be used is
    /// decided by them alone.
    pub new: fn(&Body, &mut Diagnostics) -> Box<T>,
}

/// The entry of this name.
pub fn find<T: ?Sized>(registry: &'static [Component<T>], name: &str) -> Option<&'static Component<T>> {
    registry.iter().find(|component| component.name == name)
}
