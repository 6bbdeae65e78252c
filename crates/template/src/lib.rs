//! The template languages of imgforge: legacy JSON, HCL2 and the Go templates inside both.
//!
//! Pure: no I/O, no async, no SDK. Files, environment and clock come through [`host::Host`].
//! Modules in reading order: places, messages, trees, languages, values, evaluation.

pub mod diagnostic;
pub mod host;
pub mod source;
pub mod syntax;

pub mod number;
pub mod types;
pub mod value;

pub mod convert;
pub mod scope;
pub mod type_constraint;

pub mod eval;
pub mod functions;
