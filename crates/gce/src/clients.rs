//! The clients of Compute Engine: one a resource, made when it is first needed.

use crate::credentials::Credentials;
use crate::{Endpoints, Error, Kind, Result};
use google_cloud_compute_v1::client;
use google_cloud_gax::retry_policy::NeverRetry;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long an answer may take: short enough for another attempt after one that hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// What each client is made of, and those that were made. Each has connections and trusted certificates of its own,
/// so that none is made in vain.
macro_rules! clients {
    ($($name:ident: $client:ident),+ $(,)?) => {
        pub(crate) struct Clients {
            endpoints: Endpoints,
            credentials: Credentials,
            $($name: OnceCell<client::$client>,)+
        }

        impl Clients {
            pub(crate) fn new(endpoints: Endpoints, credentials: Credentials) -> Self {
                Self { endpoints, credentials, $($name: OnceCell::new(),)+ }
            }

            $(
                pub(crate) async fn $name(&self) -> Result<&client::$client> {
                    let make = || {
                        client::$client::builder()
                            .with_endpoint(self.endpoints.compute_root())
                            .with_universe_domain(self.endpoints.universe())
                            .with_credentials(self.credentials.inner.clone())
                            // We send again ourselves, see `crate::retry`.
                            .with_retry_policy(NeverRetry)
                            .with_attempt_timeout(ANSWER_LIMIT)
                            .build()
                    };
                    self.$name.get_or_try_init(|| async { make().await.map_err(|error| self.unusable(&error)) }).await
                }
            )+
        }
    };
}

clients! {
    accelerator_types: AcceleratorTypes,
    addresses: Addresses,
    disks: Disks,
    global_operations: GlobalOperations,
    images: Images,
    instances: Instances,
    machine_types: MachineTypes,
    networks: Networks,
    projects: Projects,
    region_disks: RegionDisks,
    region_operations: RegionOperations,
    regions: Regions,
    subnetworks: Subnetworks,
    zone_operations: ZoneOperations,
    zones: Zones,
}

impl Clients {
    fn unusable(&self, error: &google_cloud_gax::client_builder::Error) -> Error {
        let kind = if error.is_universe_domain_mismatch() { Kind::Forbidden } else { Kind::Other };
        let message = if error.is_universe_domain_mismatch() {
            format!("the credentials are not of the universe {}", self.endpoints.universe())
        } else {
            crate::error::root_cause(error)
        };
        Error::new("compute", "the client of Compute Engine", kind, message)
    }
}
