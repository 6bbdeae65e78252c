//! The template languages of imgforge: legacy JSON, HCL2 and the Go templates inside both.
//!
//! Pure: no I/O, no async, no SDK. Files, environment and clock come through [`host::Host`].
//! Modules in reading order: places, messages, trees, languages, values, evaluation, whole templates, components'
//! arguments.

pub mod diagnostic;
pub mod host;
pub mod source;
pub mod syntax;

pub mod gotemplate;
pub mod hcl;
pub mod json;

pub mod convert;
pub mod eval;
pub mod functions;
pub mod number;
pub mod print;
pub mod scope;
pub mod secret_store;
pub mod type_constraint;
pub mod types;
pub mod value;

pub mod document;
pub mod inputs;
pub mod registry;
pub mod repeat;
pub mod requirement;
pub mod template;

pub mod arguments;
pub mod body;
pub mod duration;
pub mod go_time;
pub mod schema;
pub mod suggest;
pub mod version;
mod weak;
