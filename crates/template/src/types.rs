//! The types of HCL2 values.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A type as values have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Not known yet (`any` in a constraint).
    Any,
    Bool,
    Number,
    String,
    List(Arc<Type>),
    Set(Arc<Type>),
    Map(Arc<Type>),
    Tuple(Arc<[Type]>),
    Object(Arc<BTreeMap<Arc<str>, Type>>),
}
