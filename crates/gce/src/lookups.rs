//! What is only looked at: projects, zones, regions, machine types, networks.

use crate::call::{Call, last_segment};
use crate::http::address;
use crate::instances::read_metadata;
use crate::{Error, Gce, Kind, Result};
use google_cloud_compute_v1::model;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    pub name: String,
    /// Metadata that all its machines have.
    pub metadata: BTreeMap<String, String>,
    pub quotas: Vec<Quota>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region {
    pub name: String,
    pub status: String,
    pub quotas: Vec<Quota>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quota {
    /// `CPUS`, `SSD_TOTAL_GB`, `IMAGES`, …
    pub metric: String,
    pub limit: f64,
    pub usage: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Zone {
    pub name: String,
    /// `UP` or `DOWN`.
    pub status: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineType {
    pub name: String,
    pub cpus: u32,
    pub memory_mb: u32,
    pub architecture: Option<String>,
}

/// A kind of accelerator that a zone has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcceleratorType {
    pub name: String,
    pub most_per_machine: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    pub name: String,
    /// Whether it makes subnetworks by itself.
    pub auto_create_subnetworks: bool,
    pub subnetworks: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subnetwork {
    pub name: String,
    pub network: String,
    pub region: String,
}

impl Gce {
    /// What time it is at Google, as its answers have it (RFC 9110, section 5.6.7): what ages there are measured by.
    ///
    /// # Errors
    /// Google's, and `Other` where a proxy leaves it out.
    pub async fn date(&self, project: &str) -> Result<String> {
        const CALL: &str = "projects.get";
        let url = address(&self.inner.endpoints.url("compute"), &["projects", project]);
        let resource = format!("project {project}");
        let request = self.request(CALL, &resource, reqwest::Method::GET, &url);
        let answer = request.with(|request| request.query(&[("fields", "name")])).send().await?;
        let date = answer.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
        date.map(str::to_owned).ok_or_else(|| Error::new(CALL, resource, Kind::Other, "the answer has no date"))
    }

    pub async fn project(&self, project: &str) -> Result<Project> {
        let get = self.clients().projects().await?.get().set_project(project);
        let call = Call::new("projects.get", project, format!("project {project}"));
        let found = call.send(|| get.clone().send()).await?;
        Ok(Project {
            name: found.name.unwrap_or_default(),
            metadata: read_metadata(found.common_instance_metadata),
            quotas: found.quotas.into_iter().map(Quota::read).collect(),
        })
    }

    pub async fn zone(&self, project: &str, zone: &str) -> Result<Zone> {
        let get = self.clients().zones().await?.get().set_project(project).set_zone(zone);
        let found = Call::new("zones.get", project, format!("zone {zone}")).send(|| get.clone().send()).await?;
        Ok(Zone {
            name: found.name.unwrap_or_default(),
            status: found.status.as_ref().and_then(|status| status.name()).unwrap_or_default().to_owned(),
        })
    }

    pub async fn region(&self, project: &str, region: &str) -> Result<Region> {
        let get = self.clients().regions().await?.get().set_project(project).set_region(region);
        let found = Call::new("regions.get", project, format!("region {region}")).send(|| get.clone().send()).await?;
        Ok(Region {
            name: found.name.unwrap_or_default(),
            status: found.status.as_ref().and_then(|status| status.name()).unwrap_or_default().to_owned(),
            quotas: found.quotas.into_iter().map(Quota::read).collect(),
        })
    }

    pub async fn machine_type(&self, project: &str, zone: &str, name: &str) -> Result<MachineType> {
        let get =
            self.clients().machine_types().await?.get().set_project(project).set_zone(zone).set_machine_type(name);
        let call = Call::new("machineTypes.get", project, format!("machine type {name} in {zone}"));
        let found = call.send(|| get.clone().send()).await?;
        Ok(MachineType {
            name: found.name.unwrap_or_default(),
            cpus: unsigned(found.guest_cpus),
            memory_mb: unsigned(found.memory_mb),
            architecture: found.architecture.as_ref().and_then(|one| one.name()).map(str::to_owned),
        })
    }

    pub async fn accelerator_type(&self, project: &str, zone: &str, name: &str) -> Result<AcceleratorType> {
        let get = self
            .clients()
            .accelerator_types()
            .await?
            .get()
            .set_project(project)
            .set_zone(zone)
            .set_accelerator_type(name);
        let call = Call::new("acceleratorTypes.get", project, format!("accelerator type {name} in {zone}"));
        let found = call.send(|| get.clone().send()).await?;
        Ok(AcceleratorType {
            name: found.name.unwrap_or_default(),
            most_per_machine: unsigned(found.maximum_cards_per_instance),
        })
    }

    pub async fn network(&self, project: &str, name: &str) -> Result<Network> {
        let get = self.clients().networks().await?.get().set_project(project).set_network(name);
        let call = Call::new("networks.get", project, format!("network {name} in project {project}"));
        let found = call.send(|| get.clone().send()).await?;
        Ok(Network {
            name: found.name.unwrap_or_default(),
            auto_create_subnetworks: found.auto_create_subnetworks.unwrap_or_default(),
            subnetworks: found.subnetworks,
        })
    }

    pub async fn subnetwork(&self, project: &str, region: &str, name: &str) -> Result<Subnetwork> {
        let get =
            self.clients().subnetworks().await?.get().set_project(project).set_region(region).set_subnetwork(name);
        let call = Call::new("subnetworks.get", project, format!("subnetwork {name} in {region}"));
        let found = call.send(|| get.clone().send()).await?;
        Ok(Subnetwork {
            name: found.name.unwrap_or_default(),
            network: found.network.unwrap_or_default(),
            region: last_segment(&found.region.unwrap_or_default()).to_owned(),
        })
    }

    /// The address of a reserved one: `203.0.113.9`.
    pub async fn reserved_address(&self, project: &str, region: &str, name: &str) -> Result<String> {
        let get = self.clients().addresses().await?.get().set_project(project).set_region(region).set_address(name);
        let call = Call::new("addresses.get", project, format!("address {name} in {region}"));
        let found = call.send(|| get.clone().send()).await?;
        found
            .address
            .filter(|address| !address.is_empty())
            .ok_or_else(|| call.error(Kind::Other, "it has no address yet"))
    }
}

impl Quota {
    fn read(model: model::Quota) -> Self {
        Self {
            metric: model.metric.as_ref().and_then(|metric| metric.name()).unwrap_or_default().to_owned(),
            limit: model.limit.unwrap_or_default(),
            usage: model.usage.unwrap_or_default(),
        }
    }
}

fn unsigned(number: Option<i32>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}
