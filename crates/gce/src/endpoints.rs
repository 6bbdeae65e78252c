//! Where Google's services are reached: in the real cloud, in another universe, or at a test's own address.

use std::collections::BTreeMap;

const UNIVERSE: &str = "googleapis.com";

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

    /// The address of a service without a slash at its end. That of `compute` ends in `/compute/v1`, that of `storage` in
    /// `/storage/v1`, as Packer's do; `iap` is a websocket's; the others have no path.
    pub fn url(&self, key: &str) -> String {
        if let Some(custom) = self.custom.get(key).filter(|custom| !custom.is_empty()) {
            return custom.trim_end_matches('/').to_owned();
        }
        let domain = self.universe();
        match key {
            "compute" | "storage" => format!("https://{key}.{domain}/{key}/v1"),
            // The relay is no API of a universe, it has a domain of its own.
            "iap" => "wss://tunnel.cloudproxy.app".to_owned(),
            _ => format!("https://{key}.{domain}"),
        }
    }

    /// The domain of the universe.
    pub(crate) fn universe(&self) -> &str {
        if self.universe_domain.is_empty() { UNIVERSE } else { &self.universe_domain }
    }

    /// Where Compute Engine's client begins its paths, which start with `/compute/v1/`.
    pub(crate) fn compute_root(&self) -> String {
        let url = self.url("compute");
        url.strip_suffix("/compute/v1").unwrap_or(&url).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_users_own_or_follows_from_the_universe() {
        let mut endpoints = Endpoints::default();
        assert_eq!(endpoints.url("compute"), "https://compute.googleapis.com/compute/v1");
        assert_eq!(endpoints.compute_root(), "https://compute.googleapis.com");
        assert_eq!(endpoints.url("storage"), "https://storage.googleapis.com/storage/v1");
        assert_eq!(endpoints.url("secretmanager"), "https://secretmanager.googleapis.com");
        assert_eq!(endpoints.url("iap"), "wss://tunnel.cloudproxy.app");

        endpoints.universe_domain = "sovereign.example".to_owned();
        assert_eq!(endpoints.url("oslogin"), "https://oslogin.sovereign.example");

        for custom in
            ["http://127.0.0.1:8000/compute/v1/", "http://127.0.0.1:8000/compute/v1", "http://127.0.0.1:8000/"]
        {
            endpoints.custom.insert("compute".to_owned(), custom.to_owned());
            assert_eq!(endpoints.compute_root(), "http://127.0.0.1:8000");
        }
    }
}
