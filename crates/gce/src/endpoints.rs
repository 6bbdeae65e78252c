//! Where Google's services are reached: in the real cloud, in another universe, or at a test's own address.

use std::collections::BTreeMap;

/// The addresses of the services. Keys that are not given follow from the universe's domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// `googleapis.com` if empty.
    pub universe_domain: String,
    /// By key, such as `compute` = `http://127.0.0.1:8000/compute/v1/`; see [`Endpoints::KEYS`].
    pub custom: BTreeMap<String, String>,
}

impl Endpoints {
    /// The keys that `custom_endpoints` takes: Packer's four, then ours.
    pub const KEYS: &'static [&'static str] = &[
        "compute",
        "storage",
        "oslogin",
        "oauth2",
        "iap",
        "sts",
        "iamcredentials",
        "secretmanager",
        "parametermanager",
        "serviceusage",
        "cloudresourcemanager",
    ];

    /// The address of a service without a slash at its end.
    pub fn url(&self, key: &str) -> String {
        todo!("{key}")
    }
}
