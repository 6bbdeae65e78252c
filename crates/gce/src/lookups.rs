//! What is only looked at: projects, zones, regions, machine types, networks.

use crate::{Gce, Result};
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
    pub async fn project(&self, _project: &str) -> Result<Project> {
        todo!()
    }

    pub async fn zone(&self, _project: &str, _zone: &str) -> Result<Zone> {
        todo!()
    }

    pub async fn region(&self, _project: &str, _region: &str) -> Result<Region> {
        todo!()
    }

    pub async fn machine_type(&self, _project: &str, _zone: &str, _name: &str) -> Result<MachineType> {
        todo!()
    }

    pub async fn network(&self, _project: &str, _name: &str) -> Result<Network> {
        todo!()
    }

    pub async fn subnetwork(&self, _project: &str, _region: &str, _name: &str) -> Result<Subnetwork> {
        todo!()
    }

    /// The address of a reserved one: `203.0.113.9`.
    pub async fn reserved_address(&self, _project: &str, _region: &str, _name: &str) -> Result<String> {
        todo!()
    }
}
