//! The template languages of imgforge: legacy JSON, HCL2 and the Go templates inside both.
//!
//! Pure: no I/O, no async, no SDK. Files, environment and clock come through [`host::Host`].
//! Modules in reading order: places, messages, trees, languages, values, evaluation.

pub mod diagnostic;
pub mod host;
pub mod source;
pub mod syntax;

pub mod gotemplate;
pub mod json;

pub mod duration;
pub mod go_time;
pub mod suggest;
pub mod version;

pub mod number;
pub mod scope;
pub mod types;
pub mod value;
