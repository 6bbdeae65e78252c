//! The one version that the languages speak of.

/// The version of Packer whose templates we take: what `required_version`, `min_packer_version` and
/// `{{packer_version}}` are compared with and answer.
pub const PACKER_COMPATIBLE: &str = "1.16.0";
