//! Virtual machines.

use crate::call::{Call, Listed, Page, in_place, last_segment, request_id, signed, unreachable};
use crate::disks::{self, AttachedDisk, DiskSource};
use crate::{Gce, Operation, Result, Scope};
use google_cloud_compute_v1::model;
use imgforge_ledger::Claim;
use std::collections::BTreeMap;
use std::time::Duration;

/// A machine to be made. Its name is the claim's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceRequest {
    pub project: String,
    pub zone: String,
    pub description: String,
    /// `e2-standard-2`, or a URL.
    pub machine_type: String,
    pub labels: BTreeMap<String, String>,
    /// Network tags.
    pub tags: Vec<String>,
    pub metadata: BTreeMap<String, String>,
    /// The first one boots.
    pub disks: Vec<AttachedDisk>,
    pub interface: Interface,
    pub service_account: Option<ServiceAccount>,
    pub scheduling: Scheduling,
    pub accelerators: Vec<Accelerator>,
    pub min_cpu_platform: Option<String>,
    pub nested_virtualization: Option<bool>,
    pub shielded: Option<Shielded>,
    pub resource_manager_tags: BTreeMap<String, String>,
    pub reservation: Option<Reservation>,
}

/// The machine's one network interface.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interface {
    pub network: Option<String>,
    pub subnetwork: Option<String>,
    /// A fixed internal address.
    pub address: Option<String>,
    pub external: External,
}

/// How the machine is reached from outside.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum External {
    /// Not at all.
    None,
    /// By an address of Google's choosing.
    #[default]
    Ephemeral,
    /// By this address, such as `203.0.113.9`.
    Reserved(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceAccount {
    pub email: String,
    pub scopes: Vec<String>,
}

/// When the machine is moved, stopped or taken away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scheduling {
    pub preemptible: bool,
    /// `SPOT`: like preemptible without its limit of 24 hours.
    pub spot: bool,
    /// `MIGRATE` or `TERMINATE`.
    pub on_host_maintenance: Option<String>,
    pub automatic_restart: Option<bool>,
    pub max_run_duration: Option<Duration>,
    /// `DELETE` or `STOP`: what happens at the end of `max_run_duration`, or when a spot machine is taken away.
    pub termination_action: Option<String>,
    pub node_affinities: Vec<NodeAffinity>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeAffinity {
    pub key: String,
    /// `IN` or `NOT_IN`.
    pub operator: String,
    pub values: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accelerator {
    /// A URL or partial URL.
    pub kind: String,
    pub count: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shielded {
    pub secure_boot: bool,
    pub vtpm: bool,
    pub integrity_monitoring: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reservation {
    /// `ANY_RESERVATION`, `SPECIFIC_RESERVATION`, `NO_RESERVATION`.
    pub consume: String,
    pub key: String,
    pub values: Vec<String>,
}

/// A machine as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instance {
    pub project: String,
    pub zone: String,
    pub name: String,
    pub description: String,
    /// `RUNNING`, `TERMINATED`, …
    pub status: String,
    pub external_address: Option<String>,
    pub internal_address: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub metadata: BTreeMap<String, String>,
    /// URLs of its disks, the boot disk first.
    pub disks: Vec<String>,
    /// RFC 3339.
    pub created: String,
}

impl Gce {
    /// Makes a machine, with the disks that are to be made with it.
    pub async fn insert_instance(&self, claim: Claim, request: &InstanceRequest) -> Result<Operation> {
        let insert = self
            .clients()
            .instances()
            .await?
            .insert()
            .set_project(&request.project)
            .set_zone(&request.zone)
            .set_request_id(request_id())
            .set_body(request.to_model(claim.name()));
        let call = call("instances.insert", &request.project, &request.zone, claim.name());
        for disk in &request.disks {
            if let DiskSource::New { name, .. } = &disk.source {
                self.made_with(&disks::call("disks.insert", &request.project, &in_zone(&request.zone), name), &call);
            }
        }
        self.create(&call, in_zone(&request.zone), || insert.clone().send()).await
    }

    pub async fn instance(&self, project: &str, zone: &str, name: &str) -> Result<Instance> {
        Ok(Instance::read(project, self.instance_model(project, zone, name).await?))
    }

    async fn instance_model(&self, project: &str, zone: &str, name: &str) -> Result<model::Instance> {
        let get = self.clients().instances().await?.get().set_project(project).set_zone(zone).set_instance(name);
        self.read(&call("instances.get", project, zone, name), || get.clone().send()).await
    }

    /// All of a project that match a filter such as `labels.imgforge-run:*`; of all zones.
    pub async fn instances(&self, project: &str, filter: &str) -> Result<Listed<Instance>> {
        let list = self.clients().instances().await?.aggregated_list().set_project(project).set_filter(filter);
        let Listed { items, lack } = Call::new("instances.aggregatedList", project, format!("project {project}"))
            .pages(
                |token| list.clone().set_or_clear_page_token(token).send(),
                |list| {
                    let warned = list
                        .items
                        .iter()
                        .filter_map(|(place, scoped)| Some((place, scoped.warning.as_ref()?.code.as_ref()?.name()?)));
                    let unreachable = unreachable(warned, list.unreachables);
                    let items = list.items.into_values().flat_map(|scoped| scoped.instances).collect();
                    Page { items, next: list.next_page_token, unreachable }
                },
            )
            .await?;
        let mut items: Vec<_> = items.into_iter().map(|found| Instance::read(project, found)).collect();
        items.sort_by(|a, b| (&a.zone, &a.name).cmp(&(&b.zone, &b.name)));
        Ok(Listed { items, lack })
    }

    /// Stops a machine. What is on its local SSDs is lost.
    pub async fn stop_instance(&self, project: &str, zone: &str, name: &str) -> Result<Operation> {
        let stop = self
            .clients()
            .instances()
            .await?
            .stop()
            .set_project(project)
            .set_zone(zone)
            .set_instance(name)
            // Without it Google refuses to stop a machine that has local SSDs.
            .set_discard_local_ssd(true)
            .set_request_id(request_id());
        call("instances.stop", project, zone, name).start(in_zone(zone), || stop.clone().send()).await
    }

    /// Deletes a machine, and those of its disks that are to go with it.
    pub async fn delete_instance(&self, project: &str, zone: &str, name: &str) -> Result<Operation> {
        let delete = self
            .clients()
            .instances()
            .await?
            .delete()
            .set_project(project)
            .set_zone(zone)
            .set_instance(name)
            .set_request_id(request_id());
        let call = call("instances.delete", project, zone, name);
        self.delete(&call, in_zone(zone), || delete.clone().send()).await
    }

    /// Sets these keys of the metadata and leaves the others; a change by somebody else meanwhile is not lost.
    pub async fn set_metadata(
        &self,
        project: &str,
        zone: &str,
        name: &str,
        items: &BTreeMap<String, String>,
    ) -> Result<Operation> {
        let call = call("instances.setMetadata", project, zone, name);
        call.look_and_change(|| async {
            let mut metadata = self.instance_model(project, zone, name).await?.metadata.unwrap_or_default();
            metadata.items.retain(|item| item.key.as_ref().is_none_or(|key| !items.contains_key(key)));
            metadata.items.extend(items.iter().map(|(key, value)| metadata_item(key, value)));
            let set = self
                .clients()
                .instances()
                .await?
                .set_metadata()
                .set_project(project)
                .set_zone(zone)
                .set_instance(name)
                .set_request_id(request_id())
                .set_body(
                    model::Metadata::new().set_items(metadata.items).set_or_clear_fingerprint(metadata.fingerprint),
                );
            call.start(in_zone(zone), || set.clone().send()).await
        })
        .await
    }

    /// The text of serial port 1 from a byte on, and where the next read starts.
    pub async fn serial_output(&self, project: &str, zone: &str, name: &str, start: i64) -> Result<(String, i64)> {
        let get = self
            .clients()
            .instances()
            .await?
            .get_serial_port_output()
            .set_project(project)
            .set_zone(zone)
            .set_instance(name)
            .set_port(1)
            .set_start(start);
        let output = call("instances.getSerialPortOutput", project, zone, name).send(|| get.clone().send()).await?;
        Ok((output.contents.unwrap_or_default(), output.next.unwrap_or(start)))
    }

    /// Whether the machine was taken away by Google, and not by us. True of one that is gone already, too.
    pub async fn was_preempted(&self, project: &str, zone: &str, name: &str) -> Result<bool> {
        let list = self
            .clients()
            .zone_operations()
            .await?
            .list()
            .set_project(project)
            .set_zone(zone)
            .set_filter("operationType=\"compute.instances.preempted\"");
        let preemptions = call("zoneOperations.list", project, zone, name)
            .pages(
                |token| list.clone().set_or_clear_page_token(token).send(),
                |list| Page { items: list.items, next: list.next_page_token, unreachable: Vec::new() },
            )
            .await?
            .whole()?;
        let target = format!("/zones/{zone}/instances/{name}");
        let of_this_name: Vec<_> = preemptions
            .into_iter()
            .filter(|preemption| preemption.target_link.as_ref().is_some_and(|link| link.ends_with(&target)))
            .collect();
        if of_this_name.is_empty() {
            return Ok(false);
        }
        // An earlier machine may have had the name: Google's number tells them apart, as long as the machine is there.
        match self.instance_model(project, zone, name).await {
            Ok(instance) => Ok(of_this_name.iter().any(|preemption| preemption.target_id == instance.id)),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) => Err(error),
        }
    }
}

fn call(name: &'static str, project: &str, zone: &str, instance: &str) -> Call {
    Call::new(name, project, format!("instance {instance} in {zone}"))
}

fn in_zone(zone: &str) -> Scope {
    Scope::Zone(zone.to_owned())
}

fn metadata_item(key: &str, value: &str) -> model::metadata::Items {
    model::metadata::Items::new().set_key(key).set_value(value)
}

impl InstanceRequest {
    fn to_model(&self, name: &str) -> model::Instance {
        let zone = in_zone(&self.zone);
        let url = |collection: &str, name: &str| in_place(&zone, &self.project, collection, name);
        let mut instance = model::Instance::new()
            .set_name(name)
            .set_description(&self.description)
            .set_machine_type(url("machineTypes", &self.machine_type))
            .set_labels(self.labels.clone())
            .set_disks(self.disks.iter().map(|disk| disk.to_model(&self.project, &self.zone)))
            .set_network_interfaces([self.interface.to_model()])
            .set_scheduling(self.scheduling.to_model())
            .set_guest_accelerators(self.accelerators.iter().map(|accelerator| {
                model::AcceleratorConfig::new()
                    .set_accelerator_type(url("acceleratorTypes", &accelerator.kind))
                    .set_accelerator_count(i32::try_from(accelerator.count).unwrap_or(i32::MAX))
            }))
            .set_or_clear_min_cpu_platform(self.min_cpu_platform.clone())
            .set_or_clear_advanced_machine_features(
                self.nested_virtualization
                    .map(|nested| model::AdvancedMachineFeatures::new().set_enable_nested_virtualization(nested)),
            )
            .set_or_clear_shielded_instance_config(self.shielded.map(|shielded| {
                model::ShieldedInstanceConfig::new()
                    .set_enable_secure_boot(shielded.secure_boot)
                    .set_enable_vtpm(shielded.vtpm)
                    .set_enable_integrity_monitoring(shielded.integrity_monitoring)
            }))
            .set_or_clear_reservation_affinity(self.reservation.as_ref().map(|reservation| {
                model::ReservationAffinity::new()
                    .set_consume_reservation_type(reservation.consume.as_str())
                    .set_or_clear_key(Some(reservation.key.clone()).filter(|key| !key.is_empty()))
                    .set_values(reservation.values.clone())
            }))
            .set_service_accounts(self.service_account.iter().map(|account| {
                model::ServiceAccount::new().set_email(&account.email).set_scopes(account.scopes.clone())
            }));
        if !self.tags.is_empty() {
            instance = instance.set_tags(model::Tags::new().set_items(self.tags.clone()));
        }
        if !self.metadata.is_empty() {
            let items = self.metadata.iter().map(|(key, value)| metadata_item(key, value));
            instance = instance.set_metadata(model::Metadata::new().set_items(items));
        }
        if !self.resource_manager_tags.is_empty() {
            let tags = self.resource_manager_tags.clone();
            instance = instance.set_params(model::InstanceParams::new().set_resource_manager_tags(tags));
        }
        instance
    }
}

impl Interface {
    fn to_model(&self) -> model::NetworkInterface {
        let one_to_one = || model::AccessConfig::new().set_name("External NAT").set_type("ONE_TO_ONE_NAT");
        let external = match &self.external {
            External::None => None,
            External::Ephemeral => Some(one_to_one()),
            External::Reserved(address) => Some(one_to_one().set_nat_ip(address)),
        };
        model::NetworkInterface::new()
            .set_or_clear_network(self.network.clone())
            .set_or_clear_subnetwork(self.subnetwork.clone())
            .set_or_clear_network_ip(self.address.clone())
            .set_access_configs(external)
    }
}

impl Scheduling {
    fn to_model(&self) -> model::Scheduling {
        let affinities = self.node_affinities.iter().map(|affinity| {
            model::SchedulingNodeAffinity::new()
                .set_key(&affinity.key)
                .set_operator(affinity.operator.as_str())
                .set_values(affinity.values.clone())
        });
        model::Scheduling::new()
            .set_preemptible(self.preemptible)
            .set_or_clear_provisioning_model(self.spot.then_some("SPOT"))
            .set_or_clear_on_host_maintenance(self.on_host_maintenance.as_deref())
            .set_or_clear_automatic_restart(self.automatic_restart)
            .set_or_clear_max_run_duration(
                self.max_run_duration.map(|limit| model::Duration::new().set_seconds(signed(limit.as_secs()))),
            )
            .set_or_clear_instance_termination_action(self.termination_action.as_deref())
            .set_node_affinities(affinities)
    }
}

impl Instance {
    fn read(project: &str, model: model::Instance) -> Self {
        let interface = model.network_interfaces.first();
        let external = interface.and_then(|interface| interface.access_configs.first()?.nat_ip.clone());
        let internal = interface.and_then(|interface| interface.network_ip.clone());
        let mut disks = model.disks;
        disks.sort_by_key(|disk| disk.boot != Some(true));
        Self {
            project: project.to_owned(),
            zone: last_segment(&model.zone.unwrap_or_default()).to_owned(),
            name: model.name.unwrap_or_default(),
            description: model.description.unwrap_or_default(),
            status: model.status.as_ref().and_then(|status| status.name()).unwrap_or_default().to_owned(),
            external_address: external.filter(|address| !address.is_empty()),
            internal_address: internal.filter(|address| !address.is_empty()),
            labels: model.labels.into_iter().collect(),
            metadata: read_metadata(model.metadata),
            disks: disks.into_iter().filter_map(|disk| disk.source).collect(),
            created: model.creation_timestamp.unwrap_or_default(),
        }
    }
}

/// Keys and values of a machine's or a project's metadata.
pub(crate) fn read_metadata(metadata: Option<model::Metadata>) -> BTreeMap<String, String> {
    let items = metadata.map(|metadata| metadata.items).unwrap_or_default();
    items.into_iter().filter_map(|item| Some((item.key?, item.value.unwrap_or_default()))).collect()
}
