//! Disks: those of a machine, and those that stand alone, of a zone or of a region.

use crate::call::{Call, Listed, Page, in_place, last_segment, request_id, signed, unreachable};
use crate::images::EncryptionKey;
use crate::{Gce, Operation, Result, Scope};
use google_cloud_compute_v1::model;
use imgforge_ledger::Claim;
use std::collections::BTreeMap;

/// A disk of a machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttachedDisk {
    pub device_name: Option<String>,
    pub boot: bool,
    pub auto_delete: bool,
    /// `READ_WRITE` (the default) or `READ_ONLY`.
    pub mode: Option<String>,
    /// `SCSI` or `NVME`.
    pub interface: Option<String>,
    pub source: DiskSource,
    pub encryption: Option<EncryptionKey>,
}

/// Where a disk of a machine comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum DiskSource {
    /// One that exists: a URL or partial URL.
    Existing(String),
    /// Made with the machine.
    New {
        name: String,
        image: Option<String>,
        kind: String,
        size_gb: Option<u64>,
        labels: BTreeMap<String, String>,
        resource_manager_tags: BTreeMap<String, String>,
    },
    /// A local SSD that lives as long as the machine.
    Scratch { kind: String },
}

impl Default for DiskSource {
    fn default() -> Self {
        Self::Existing(String::new())
    }
}

/// A disk to be made by itself. Its name is the claim's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DiskRequest {
    pub project: String,
    pub zone: String,
    /// Several zones make a regional disk.
    pub replica_zones: Vec<String>,
    pub description: String,
    pub kind: String,
    pub size_gb: Option<u64>,
    pub image: Option<String>,
    pub iops: Option<u64>,
    pub labels: BTreeMap<String, String>,
    pub encryption: Option<EncryptionKey>,
}

/// A disk as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disk {
    pub project: String,
    /// Its zone, or its region if it is a regional one.
    pub place: String,
    pub is_regional: bool,
    pub name: String,
    pub description: String,
    pub size_gb: u64,
    pub labels: BTreeMap<String, String>,
    /// URLs of the machines that use it.
    pub users: Vec<String>,
    pub created: String,
    pub self_link: String,
}

impl Gce {
    pub async fn insert_disk(&self, claim: Claim, request: &DiskRequest) -> Result<Operation> {
        let (project, name) = (&request.project, claim.name());
        let scope = request.scope();
        let call = call("disks.insert", project, &scope, name);
        match &scope {
            Scope::Region(region) => {
                let insert = self
                    .clients()
                    .region_disks()
                    .await?
                    .insert()
                    .set_project(project)
                    .set_region(region)
                    .set_request_id(request_id())
                    .set_body(request.to_model(name));
                self.create(&call, scope.clone(), || insert.clone().send()).await
            }
            _ => {
                let insert = self
                    .clients()
                    .disks()
                    .await?
                    .insert()
                    .set_project(project)
                    .set_zone(&request.zone)
                    .set_request_id(request_id())
                    .set_body(request.to_model(name));
                self.create(&call, scope.clone(), || insert.clone().send()).await
            }
        }
    }

    /// `place` is a zone, or a region for a regional disk.
    pub async fn disk(&self, project: &str, place: &str, is_regional: bool, name: &str) -> Result<Disk> {
        Ok(Disk::read(project, self.disk_model(project, place, is_regional, name).await?))
    }

    async fn disk_model(&self, project: &str, place: &str, is_regional: bool, name: &str) -> Result<model::Disk> {
        let call = call("disks.get", project, &scope(place, is_regional), name);
        if is_regional {
            let get = self.clients().region_disks().await?.get().set_project(project).set_region(place).set_disk(name);
            self.read(&call, || get.clone().send()).await
        } else {
            let get = self.clients().disks().await?.get().set_project(project).set_zone(place).set_disk(name);
            self.read(&call, || get.clone().send()).await
        }
    }

    /// All of a project that match a filter; of all zones and regions.
    pub async fn disks(&self, project: &str, filter: &str) -> Result<Listed<Disk>> {
        let list = self.clients().disks().await?.aggregated_list().set_project(project).set_filter(filter);
        let Listed { items, lack } = Call::new("disks.aggregatedList", project, format!("project {project}"))
            .pages(
                |token| list.clone().set_or_clear_page_token(token).send(),
                |list| {
                    let warned = list
                        .items
                        .iter()
                        .filter_map(|(place, scoped)| Some((place, scoped.warning.as_ref()?.code.as_ref()?.name()?)));
                    let unreachable = unreachable(warned, list.unreachables);
                    let items = list.items.into_values().flat_map(|scoped| scoped.disks).collect();
                    Page { items, next: list.next_page_token, unreachable }
                },
            )
            .await?;
        let mut items: Vec<_> = items.into_iter().map(|found| Disk::read(project, found)).collect();
        items.sort_by(|a, b| (&a.place, &a.name).cmp(&(&b.place, &b.name)));
        Ok(Listed { items, lack })
    }

    /// Sets labels (`None` takes one away) and leaves the others; a change by somebody else meanwhile is not lost. `place` is
    /// a zone, or a region for a regional disk.
    pub async fn label_disk(
        &self,
        project: &str,
        place: &str,
        is_regional: bool,
        name: &str,
        labels: &BTreeMap<String, Option<String>>,
    ) -> Result<Operation> {
        let scope = scope(place, is_regional);
        let call = call("disks.setLabels", project, &scope, name);
        call.look_and_change(|| async {
            let disk = self.disk_model(project, place, is_regional, name).await?;
            let (mut all, fingerprint) = (disk.labels, disk.label_fingerprint);
            all.retain(|key, _| !labels.contains_key(key));
            all.extend(labels.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?))));
            if is_regional {
                let body =
                    model::RegionSetLabelsRequest::new().set_labels(all).set_or_clear_label_fingerprint(fingerprint);
                let set = self.clients().region_disks().await?.set_labels().set_project(project).set_region(place);
                let set = set.set_resource(name).set_request_id(request_id()).set_body(body);
                call.start(scope.clone(), || set.clone().send()).await
            } else {
                let body =
                    model::ZoneSetLabelsRequest::new().set_labels(all).set_or_clear_label_fingerprint(fingerprint);
                let set = self.clients().disks().await?.set_labels().set_project(project).set_zone(place);
                let set = set.set_resource(name).set_request_id(request_id()).set_body(body);
                call.start(scope.clone(), || set.clone().send()).await
            }
        })
        .await
    }

    /// `place` is a zone, or a region for a regional disk.
    pub async fn delete_disk(&self, project: &str, place: &str, is_regional: bool, name: &str) -> Result<Operation> {
        let scope = scope(place, is_regional);
        let call = call("disks.delete", project, &scope, name);
        if is_regional {
            let delete = self
                .clients()
                .region_disks()
                .await?
                .delete()
                .set_project(project)
                .set_region(place)
                .set_disk(name)
                .set_request_id(request_id());
            self.delete(&call, scope, || delete.clone().send()).await
        } else {
            let delete = self
                .clients()
                .disks()
                .await?
                .delete()
                .set_project(project)
                .set_zone(place)
                .set_disk(name)
                .set_request_id(request_id());
            self.delete(&call, scope, || delete.clone().send()).await
        }
    }
}

/// A call of the collection that the scope says: `disks.get`, or `regionDisks.get`.
pub(crate) fn call(name: &'static str, project: &str, scope: &Scope, disk: &str) -> Call {
    match scope {
        Scope::Region(region) => {
            let name = match name {
                "disks.insert" => "regionDisks.insert",
                "disks.delete" => "regionDisks.delete",
                "disks.setLabels" => "regionDisks.setLabels",
                _ => "regionDisks.get",
            };
            Call::new(name, project, format!("disk {disk} in {region}"))
        }
        Scope::Zone(zone) => Call::new(name, project, format!("disk {disk} in {zone}")),
        Scope::Global => Call::new(name, project, format!("disk {disk}")),
    }
}

fn scope(place: &str, is_regional: bool) -> Scope {
    if is_regional { Scope::Region(place.to_owned()) } else { Scope::Zone(place.to_owned()) }
}

/// The region of a zone: `europe-west1` of `europe-west1-b`.
pub(crate) fn region_of(zone: &str) -> &str {
    zone.rsplit_once('-').map_or(zone, |(region, _)| region)
}

impl DiskRequest {
    /// Where it is going to be.
    fn scope(&self) -> Scope {
        if self.replica_zones.is_empty() {
            Scope::Zone(self.zone.clone())
        } else {
            Scope::Region(region_of(&self.zone).to_owned())
        }
    }

    fn to_model(&self, name: &str) -> model::Disk {
        let replica_zones = self.replica_zones.iter().map(|zone| {
            if zone.contains('/') { zone.clone() } else { format!("projects/{}/zones/{zone}", self.project) }
        });
        model::Disk::new()
            .set_name(name)
            .set_description(&self.description)
            .set_type(in_place(&self.scope(), &self.project, "diskTypes", &self.kind))
            .set_or_clear_size_gb(self.size_gb.map(signed))
            .set_or_clear_source_image(self.image.clone())
            .set_or_clear_provisioned_iops(self.iops.map(signed))
            .set_labels(self.labels.clone())
            .set_replica_zones(replica_zones)
            .set_or_clear_disk_encryption_key(self.encryption.as_ref().map(EncryptionKey::to_model))
    }
}

impl AttachedDisk {
    pub(crate) fn to_model(&self, project: &str, zone: &str) -> model::AttachedDisk {
        let kind_url = |kind: &str| in_place(&Scope::Zone(zone.to_owned()), project, "diskTypes", kind);
        let disk = model::AttachedDisk::new()
            .set_boot(self.boot)
            .set_auto_delete(self.auto_delete)
            .set_or_clear_device_name(self.device_name.clone())
            .set_or_clear_mode(self.mode.as_deref())
            .set_or_clear_interface(self.interface.as_deref())
            .set_or_clear_disk_encryption_key(self.encryption.as_ref().map(EncryptionKey::to_model));
        match &self.source {
            DiskSource::Existing(url) => disk.set_type("PERSISTENT").set_source(url),
            DiskSource::New { name, image, kind, size_gb, labels, resource_manager_tags } => {
                disk.set_type("PERSISTENT").set_initialize_params(
                    model::AttachedDiskInitializeParams::new()
                        .set_disk_name(name)
                        .set_disk_type(kind_url(kind))
                        .set_or_clear_source_image(image.clone())
                        .set_or_clear_disk_size_gb(size_gb.map(signed))
                        .set_labels(labels.clone())
                        .set_resource_manager_tags(resource_manager_tags.clone()),
                )
            }
            DiskSource::Scratch { kind } => {
                let made = model::AttachedDiskInitializeParams::new().set_disk_type(kind_url(kind));
                disk.set_type("SCRATCH").set_initialize_params(made)
            }
        }
    }
}

impl Disk {
    fn read(project: &str, model: model::Disk) -> Self {
        let is_regional = model.region.is_some();
        Self {
            project: project.to_owned(),
            place: last_segment(&model.region.or(model.zone).unwrap_or_default()).to_owned(),
            is_regional,
            name: model.name.unwrap_or_default(),
            description: model.description.unwrap_or_default(),
            size_gb: model.size_gb.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            labels: model.labels.into_iter().collect(),
            users: model.users,
            created: model.creation_timestamp.unwrap_or_default(),
            self_link: model.self_link.unwrap_or_default(),
        }
    }
}
